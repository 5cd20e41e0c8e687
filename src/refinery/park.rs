//! A landing on a branch that somebody has checked out. Before the branch moves, each of its work
//! trees gets a detached `HEAD` at the old commit, which touches no file; afterwards the clean ones
//! are switched back. So at no moment, and after no crash, does `git status` show a landing as the
//! person's own staged changes. What cannot be switched without touching a person's work stays
//! parked, and they are told how to come back.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::git::{Oid, RefName, Repo, Worktree};
use crate::host::Turn;

/// In a parked work tree's git directory: the branch it stood on, and the commit.
const FILE: &str = "shopfloor-parked";

/// Long enough for the checkout of a large repository, which is done in turn.
const PATIENCE: Duration = Duration::from_secs(120);

/// All work trees as they stand, and the right to move them: while it is held nobody else brings a
/// work tree back to a branch that is about to move.
pub(super) struct Parked {
    worktrees: Vec<Worktree>,
    _turn: Turn,
}

/// Takes every work tree off `branch`, which is about to move from `tip`.
pub(super) fn park(repo: &Repo, branch: &RefName, tip: &Oid) -> Result<Parked> {
    let turn = Turn::take(&lock(repo)?, "the place of the work trees", PATIENCE)?;
    let mut worktrees = repo.worktrees()?;
    for worktree in &mut worktrees {
        if worktree.branch.as_ref() != Some(branch) || worktree.bare || worktree.prunable {
            continue;
        }
        let file = repo.git_dir_of(&worktree.path)?.join(FILE);
        note(&file, branch, tip).with_context(|| format!("writing {}", file.display()))?;
        head(repo, &worktree.path, tip)?;
        (worktree.branch, worktree.head) = (None, Some(*tip));
    }
    Ok(Parked { worktrees, _turn: turn })
}

/// Whole and on the disk before the `HEAD` moves: it alone says why a work tree is detached.
fn note(file: &Path, branch: &RefName, tip: &Oid) -> io::Result<()> {
    let fresh = file.with_extension("fresh");
    let mut written = File::create(&fresh)?;
    written.write_all(format!("{branch}\n{tip}\n").as_bytes())?;
    written.sync_all()?;
    fs::rename(&fresh, file)?;
    file.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// The work trees as they stand; none while somebody lands.
pub(super) fn look(repo: &Repo) -> Result<Option<Parked>> {
    let Some(turn) = Turn::try_take(&lock(repo)?)? else { return Ok(None) };
    Ok(Some(Parked { worktrees: repo.worktrees()?, _turn: turn }))
}

fn lock(repo: &Repo) -> Result<PathBuf> {
    Ok(repo.own_dir()?.join("parking.lock"))
}

/// Brings parked work trees back to their branch, as far as nobody's work is in the way. Says what
/// stays parked and why. `ours` are the trees of submitted commits: an index that holds exactly one
/// of them is a commit that became a queue entry, not an edit.
pub(super) fn settle(
    repo: &Repo,
    parked: &Parked,
    ours: &dyn Fn(&RefName, &Oid) -> Option<Oid>,
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for worktree in &parked.worktrees {
        if worktree.bare || worktree.prunable {
            continue;
        }
        let Ok(folder) = repo.git_dir_of(&worktree.path) else { continue };
        let file = folder.join(FILE);
        let Some((branch, tip)) = read(&file) else { continue };
        // What goes wrong in one work tree is told, and keeps no other from coming back.
        let back = back(repo, worktree, (&branch, &tip), &|tree| ours(&branch, tree));
        match back.unwrap_or_else(|error| Back::Stays(format!("{error:#}"))) {
            Back::There => {
                fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
            }
            Back::Stays(why) => notes.push(format!(
                "{} was left as it is, on a detached HEAD: {why}; `{}` brings it to the landed commits",
                worktree.path.display(),
                way_back(repo, &worktree.path, (&branch, &tip))
            )),
        }
    }
    Ok(notes)
}

/// What brings a parked work tree to its branch. Git switches over no file that is edited here and
/// changed there; a stash takes the edits along.
fn way_back(repo: &Repo, path: &Path, (branch, tip): (&RefName, &Oid)) -> String {
    let both = || -> Result<bool> {
        let state = repo.checkout_state(path)?;
        let Some(now) = repo.read_ref(branch)? else { return Ok(false) };
        let changed = repo.changed_paths(tip, &now)?;
        Ok(state.busy.is_none() && state.edits.iter().any(|edit| changed.contains(edit)))
    };
    let switch = format!("git switch {}", branch.short());
    match both() {
        Ok(true) => format!("git stash && {switch} && git stash pop"),
        _ => switch,
    }
}

/// Who is parked and how they come back, without doing anything about it.
pub(super) fn parked(repo: &Repo) -> Result<Vec<(PathBuf, String)>> {
    let trees = repo.worktrees()?.into_iter();
    let trees = trees.filter(|tree| !tree.bare && !tree.prunable && tree.branch.is_none());
    let found = trees.filter_map(|tree| {
        let (branch, tip) = read(&repo.git_dir_of(&tree.path).ok()?.join(FILE))?;
        let back = way_back(repo, &tree.path, (&branch, &tip));
        Some((tree.path, back))
    });
    Ok(found.collect())
}

/// The branch and the commit that this very work tree was parked at, while its `HEAD` stands there.
pub(super) fn here(repo: &Repo) -> Result<Option<(RefName, Oid)>> {
    let Some((branch, tip)) = read(&repo.git_dir().join(FILE)) else { return Ok(None) };
    let head = repo.head()?;
    Ok((head.branch.is_none() && head.oid == Some(tip)).then_some((branch, tip)))
}

/// Whether anything is parked, without starting git.
pub(super) fn any(repo: &Repo) -> bool {
    let common = repo.common_dir();
    let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
    common.join(FILE).exists() || linked.into_iter().any(|tree| tree.path().join(FILE).exists())
}

enum Back {
    There,
    Stays(String),
}

fn back(
    repo: &Repo,
    worktree: &Worktree,
    (branch, tip): (&RefName, &Oid),
    ours: &dyn Fn(&Oid) -> Option<Oid>,
) -> Result<Back> {
    let path = &worktree.path;
    if worktree.branch.is_some() {
        return Ok(Back::There);
    }
    let mut state = repo.checkout_state(path)?;
    // A merge that became a queue entry is over; git was only not allowed to write it down. So is a
    // pick, unless others are to follow it.
    if let Some(busy @ ("merge" | "cherry-pick" | "revert")) = state.busy.as_deref()
        && !repo.git_dir_of(path)?.join("sequencer").exists()
        && ours(&repo.tracked_tree(path, &state)?).is_some()
    {
        repo.git([busy, "--quit"]).at(path).ok()?;
        state = repo.checkout_state(path)?;
    }
    if let Some(busy) = state.busy {
        return Ok(Back::Stays(format!("a {busy} is under way")));
    }
    if worktree.head.as_ref() != Some(tip) {
        return Ok(Back::Stays("its HEAD has moved".to_owned()));
    }
    // Git takes no submodule along when it switches, and keeps those that stand elsewhere.
    if state.unedited() {
        return switch(repo, path, branch);
    }
    let staged = repo.git(["write-tree"]).at(path).run()?;
    let Ok(staged) = String::from_utf8_lossy(&staged.out).trim().parse::<Oid>() else {
        return Ok(Back::Stays("it has uncommitted changes".to_owned()));
    };
    let held = repo.tracked_tree(path, &state)?;
    if let Some(submitted) = ours(&held) {
        // The commit that these files were made for exists, so stand on it: then nothing is edited.
        if staged != held {
            repo.add_tracked(path, &state).ok()?;
        }
        head(repo, path, &submitted)?;
        let back = switch(repo, path, branch)?;
        if let Back::Stays(_) = back {
            head(repo, path, tip)?;
        }
        return Ok(back);
    }
    // The person committed, which became an entry, and went on editing. Where their index is what
    // has landed, only their edits differ from the branch: stand on it without touching a file.
    let landed = repo.read_ref(branch)?.map(|tip| repo.tree_of(&tip)).transpose()?;
    if landed == Some(staged) {
        let args = ["symbolic-ref", "-m", "shopfloor: landing", "HEAD", branch.as_str()];
        repo.git(args).at(path).ok()?;
        return Ok(Back::There);
    }
    Ok(Back::Stays("it has uncommitted changes".to_owned()))
}

fn switch(repo: &Repo, path: &Path, branch: &RefName) -> Result<Back> {
    let switched = repo.switch(path, &["--no-guess", branch.short()])?;
    Ok(switched.map_or_else(Back::Stays, |()| Back::There))
}

/// Points `HEAD` at a commit, detached, without looking at any file.
fn head(repo: &Repo, path: &Path, commit: &Oid) -> Result<()> {
    let commit = commit.to_string();
    repo.git(["update-ref", "--no-deref", "-m", "shopfloor: landing", "HEAD", &commit])
        .at(path)
        .ok()
}

fn read(file: &Path) -> Option<(RefName, Oid)> {
    let text = fs::read_to_string(file).ok()?;
    let (branch, tip) = text.trim_end().split_once('\n')?;
    Some((branch.parse().ok()?, tip.parse().ok()?))
}
