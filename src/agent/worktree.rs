//! Where an agent works: `<repository>.worktrees/<agent>/`, on branch `<agent>/<bead id>`. Made,
//! taken up again, or cleared for the next bead after what is in it was kept.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::agent::name::Name;
use crate::agent::rescue::{self, Kept};
use crate::git::{Oid, RefName, Repo, Swap, Worktree};
use crate::host::share;
use crate::refusal::{Kind, Refusal};

/// Where one bead is worked on by one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) branch: RefName,
}

/// A worktree in which a session can start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    /// Earlier work on the same bead is in it.
    pub(crate) resumed: bool,
    /// What another bead had left there.
    pub(crate) rescued: Option<Kept>,
}

/// The place for this agent and bead. Refuses a name that stands in the way of a branch.
pub(crate) fn place(repo: &Repo, agent: &Name, bead: &str) -> Result<Place> {
    let own: RefName = RefName::branch(agent.as_str())?;
    if repo.read_ref(&own)?.is_some() {
        return Err(Refusal::refused(format!(
            "an agent cannot be called {agent}: there is a branch of that name"
        ))
        .hint("branches of agents are called <agent>/<bead>; give the agent another name")
        .into());
    }
    Ok(Place {
        path: home(repo)?.join(agent.as_str()),
        branch: RefName::branch(&format!("{agent}/{bead}"))?,
    })
}

/// The directory of all agents' worktrees: beside the repository unless `shopfloor.worktrees` says where.
pub(crate) fn home(repo: &Repo) -> Result<PathBuf> {
    let place = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
    let home = match repo.config_get("shopfloor.worktrees")? {
        Some(configured) => place.join(configured),
        None => {
            let name = place
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            place.with_file_name(format!("{name}.worktrees"))
        }
    };
    // Git lists worktrees by their real paths.
    Ok(real(&home))
}

fn real(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}

/// Makes the place ready: work on the same bead is taken up where it stands, anything else in the
/// way is rescued first. `start` is the target's tip.
pub(crate) fn prepare(
    repo: &Repo,
    place: &Place,
    agent: &Name,
    start: &Oid,
    session: &str,
) -> Result<Ready> {
    repo.unlock_branches(agent.as_str())?;
    let known = repo.worktrees()?;
    if let Some(other) =
        known.iter().find(|w| w.branch.as_ref() == Some(&place.branch) && w.path != place.path)
    {
        return Err(Refusal::refused(format!(
            "{} is checked out in {}",
            place.branch.short(),
            other.path.display()
        ))
        .hint("switch that worktree to another branch first")
        .into());
    }
    match known.iter().find(|worktree| worktree.path == place.path) {
        Some(worktree) if place.path.exists() => {
            reuse(repo, place, agent, start, (session, worktree))
        }
        Some(_) => {
            let rescued = take_away(repo, agent, &place.path, session)?;
            Ok(Ready { rescued, ..make(repo, place, start)? })
        }
        None => make(repo, place, start),
    }
}

fn make(repo: &Repo, place: &Place, start: &Oid) -> Result<Ready> {
    let home = place.path.parent().unwrap_or(&place.path);
    share::follow(home, repo.common_dir());
    share::make_dirs(home).with_context(|| format!("making {}", home.display()))?;
    if fs::read_dir(&place.path).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Refusal::refused(format!(
            "{} is in the way: it is not a worktree of this repository",
            place.path.display()
        ))
        .hint("move it away, or set shopfloor.worktrees to another directory")
        .into());
    }
    let standing = repo.read_ref(&place.branch)?;
    repo.add_worktree(&place.path, &place.branch, standing.as_ref().unwrap_or(start))?;
    let resumed = match standing {
        Some(tip) => !forward(repo, place, &tip, start)?,
        None => false,
    };
    Ok(Ready { resumed, rescued: None })
}

fn reuse(
    repo: &Repo,
    place: &Place,
    agent: &Name,
    start: &Oid,
    old: (&str, &Worktree),
) -> Result<Ready> {
    let (session, worktree) = old;
    unlock(repo, &place.path)?;
    let state = repo.checkout_state(&place.path)?;
    let same = worktree.branch.as_ref() == Some(&place.branch)
        || half_done(repo, &place.path)?.as_deref() == Some(place.branch.as_str());
    if same {
        let untouched = state.clean && state.untracked.is_empty() && state.busy.is_none();
        let tip = worktree.head.as_ref().filter(|_| untouched);
        let fresh = match tip {
            Some(tip) => forward(repo, place, tip, start)?,
            None => false,
        };
        return Ok(Ready { resumed: !fresh, rescued: None });
    }
    rescue::ensure_whole(repo, &place.path)?;
    let rescued = rescue::rescue(repo, &place.path, agent.as_str(), session)?;
    // Git switches over no edit that it was told not to look at; it is kept by now.
    repo.look_everywhere(&place.path)?;
    clear(repo, &place.path).map_err(|error| {
        Refusal::refused(format!("{} could not be cleared: {error:#}", place.path.display()))
            .hint(format!("mend that, or `git sling rm {agent}`: what is in it is kept"))
    })?;
    let standing = repo.read_ref(&place.branch)?;
    let name = place.branch.short();
    match &standing {
        Some(_) => switch(repo, &place.path, &["--no-guess", name])?,
        None => switch(repo, &place.path, &["--no-track", "-c", name, &start.to_string()])?,
    }
    let resumed = match standing {
        Some(tip) => !forward(repo, place, &tip, start)?,
        None => false,
    };
    sweep(repo, agent, Some(&place.branch))?;
    Ok(Ready { resumed, rescued })
}

/// Brings a branch without work of its own to the target's tip; says whether it had none.
fn forward(repo: &Repo, place: &Place, tip: &Oid, start: &Oid) -> Result<bool> {
    if !repo.is_ancestor(tip, start)? {
        return Ok(false);
    }
    if tip != start {
        let name = place.branch.short();
        switch(repo, &place.path, &["--no-track", "-C", name, &start.to_string()])?;
    }
    Ok(true)
}

/// Switches a worktree without edits. Ignored files are in no commit and in no rescue, so one that
/// is in the way stays, and whoever wants to go on is told.
fn switch(repo: &Repo, path: &Path, to: &[&str]) -> Result<()> {
    repo.switch(path, to)?.map_err(|why| {
        Refusal::refused(format!("{} could not be switched: {why}", path.display()))
            .hint("nothing was touched; move it away, then try again")
            .into()
    })
}

/// The branch whose rebase stands half done in the worktree.
fn half_done(repo: &Repo, path: &Path) -> Result<Option<String>> {
    let dir = repo.git_dir_of(path)?;
    let names = ["rebase-merge/head-name", "rebase-apply/head-name"];
    let text = names.iter().find_map(|name| fs::read_to_string(dir.join(name)).ok());
    Ok(text.map(|text| text.trim().to_owned()))
}

/// Locks that a git which was killed left in the worktree. Nobody works there: its session is over.
pub(crate) fn unlock(repo: &Repo, path: &Path) -> Result<()> {
    let dir = repo.git_dir_of(path)?;
    for lock in ["index.lock", "HEAD.lock", "config.worktree.lock"] {
        let lock = dir.join(lock);
        if lock.exists() {
            fs::remove_file(&lock).with_context(|| format!("removing {}", lock.display()))?;
        }
    }
    Ok(())
}

/// Leaves no trace of what was there but ignored files, which are caches more often than not.
fn clear(repo: &Repo, path: &Path) -> Result<()> {
    for _ in 0..3 {
        let args: &[&str] = match repo.checkout_state(path)?.busy.as_deref() {
            None => break,
            Some("rebase") => &["rebase", "--quit"],
            Some("am") => &["am", "--quit"],
            Some("merge") => &["merge", "--quit"],
            Some("revert") => &["revert", "--quit"],
            Some("bisect") => &["bisect", "reset", "HEAD"],
            Some(_) => &["cherry-pick", "--quit"],
        };
        repo.git(args).at(path).ok()?;
    }
    repo.git(["reset", "--quiet", "--hard"]).at(path).network().ok()?;
    repo.git(["clean", "--quiet", "-f", "-d"]).at(path).ok()?;
    let state = repo.checkout_state(path)?;
    ensure!(
        state.unedited() && state.untracked.is_empty(),
        "{} could not be cleared",
        path.display()
    );
    Ok(())
}

/// Refuses to take up a new bead where the agent's worktree could not be cleared for it.
pub(crate) fn ensure_clearable(repo: &Repo, agent: &Name) -> Result<()> {
    let path = home(repo)?.join(agent.as_str());
    let known = repo.worktrees()?.iter().any(|worktree| worktree.path == path);
    if known && path.exists() { rescue::ensure_whole(repo, &path) } else { Ok(()) }
}

/// What a removal came to.
pub(crate) enum Removal {
    /// There was no worktree, and no branch either.
    Nothing,
    Done(Option<Kept>),
}

/// Removes the worktree of an agent whose sessions are over, after all of it was kept; says by what.
pub(crate) fn remove(repo: &Repo, agent: &Name, label: &str) -> Result<Removal> {
    let path = home(repo)?.join(agent.as_str());
    let known = repo.worktrees()?.iter().any(|worktree| worktree.path == path);
    if !known && repo.refs_under(&format!("refs/heads/{agent}/"))?.is_empty() {
        return Ok(Removal::Nothing);
    }
    let kept = match known {
        true => take_away(repo, agent, &path, label)?,
        false => rescue::rescue(repo, &path, agent.as_str(), label)?,
    };
    sweep(repo, agent, None)?;
    Ok(Removal::Done(kept))
}

/// Of a worktree whose files are gone already, git still has what was committed there.
fn take_away(repo: &Repo, agent: &Name, path: &Path, label: &str) -> Result<Option<Kept>> {
    repo.unlock_branches(agent.as_str())?;
    let there = path.exists();
    let left = if there { Some(repo.git_dir_of(path)?) } else { repo.git_dir_left_of(path)? };
    if left.as_ref().is_some_and(|dir| dir.join("locked").exists()) {
        return Err(Refusal::refused(format!("{} is locked", path.display()))
            .hint(format!("git worktree unlock '{}'", path.display()))
            .into());
    }
    if there {
        unlock(repo, path)?;
        rescue::ensure_whole(repo, path)?;
    }
    if let Some(dir) = &left {
        rescue::ensure_pushed(repo, dir, Some(path).filter(|_| there))?;
    }
    let kept = rescue::rescue(repo, path, agent.as_str(), label)?;
    repo.remove_worktree(path)?;
    Ok(kept)
}

fn is_locked(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.kind == Kind::Again)
}

/// Deletes those branches of an agent whose commits another ref keeps.
fn sweep(repo: &Repo, agent: &Name, except: Option<&RefName>) -> Result<()> {
    let branches = repo.refs_under(&format!("refs/heads/{agent}/"))?;
    let used: Vec<RefName> = match branches.is_empty() {
        true => Vec::new(),
        false => repo.worktrees()?.into_iter().filter_map(|worktree| worktree.branch).collect(),
    };
    for (branch, tip) in branches {
        let free = Some(&branch) != except && !used.contains(&branch);
        if free && !rescue::loose(repo, agent.as_str(), &tip)? {
            match repo.swap_ref(&branch, Some(&tip), None, "its commits are kept elsewhere") {
                // Somebody who moved it in the meantime wants it.
                Ok(Swap::Done | Swap::Lost(_)) => {}
                // A git that is killed leaves `packed-refs.lock`; tidying up can wait, work cannot.
                Err(error) if is_locked(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
