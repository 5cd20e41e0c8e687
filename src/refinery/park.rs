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
use crate::host::{Turn, share};
use crate::refinery::forward::{self, Holding};

/// In a parked work tree's git directory: the branch it stood on, and the commit; then the one that its
/// `HEAD` was to go on to from there.
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
        if worktree.branch.as_ref() != Some(branch) || worktree.bare {
            continue;
        }
        let Some(dir) = folder(repo, worktree) else { continue };
        note(&dir, branch, &[tip])?;
        head(repo, &dir, tip)?;
        (worktree.branch, worktree.head) = (None, Some(*tip));
    }
    Ok(Parked { worktrees, _turn: turn })
}

/// The git directory of a work tree, also of one that was moved or is not there: it comes back one day.
fn folder(repo: &Repo, worktree: &Worktree) -> Option<PathBuf> {
    let there = repo.git_dir_of(&worktree.path).ok();
    there.or_else(|| repo.git_dir_left_of(&worktree.path).ok().flatten())
}

/// Whole and on the disk before the `HEAD` moves: it alone says why a work tree is detached.
fn note(dir: &Path, branch: &RefName, tips: &[&Oid]) -> Result<()> {
    let (file, fresh) = (dir.join(FILE), dir.join(FILE).with_extension("fresh"));
    let tips: String = tips.iter().map(|tip| format!("{tip}\n")).collect();
    let write = || -> io::Result<()> {
        let mut written = share::create(&fresh)?;
        written.write_all(format!("{branch}\n{tips}").as_bytes())?;
        written.sync_all()?;
        fs::rename(&fresh, &file)?;
        File::open(dir)?.sync_all()
    };
    write().with_context(|| format!("writing {}", file.display()))
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
/// stays parked and why. `ours` are submitted commits that have landed, the newest first: an index that
/// holds exactly one of them is a commit that became a queue entry, not an edit.
pub(super) fn settle(
    repo: &Repo,
    parked: &Parked,
    ours: &dyn Fn(&RefName) -> Vec<Oid>,
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for worktree in &parked.worktrees {
        if worktree.bare || worktree.prunable {
            continue;
        }
        let Ok(folder) = repo.git_dir_of(&worktree.path) else { continue };
        let file = folder.join(FILE);
        let Some((branch, tip)) = read(&file, worktree.head) else { continue };
        // What goes wrong in one work tree is told, and keeps no other from coming back.
        let back = back(repo, worktree, (&branch, &tip), &|| ours(&branch));
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
        let (branch, tip) = read(&repo.git_dir_of(&tree.path).ok()?.join(FILE), tree.head)?;
        let back = way_back(repo, &tree.path, (&branch, &tip));
        Some((tree.path, back))
    });
    Ok(found.collect())
}

/// Forgets who is parked. Says who still is, and how they come back.
pub(super) fn forget(repo: &Repo) -> Result<Vec<(PathBuf, String)>> {
    let left = parked(repo)?;
    for worktree in repo.worktrees()? {
        let file = folder(repo, &worktree).map(|dir| dir.join(FILE));
        if let Some(file) = file.filter(|file| file.exists()) {
            fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
        }
    }
    Ok(left)
}

/// The branch and the commit that this very work tree was parked at, while its `HEAD` stands there.
pub(super) fn here(repo: &Repo) -> Result<Option<(RefName, Oid)>> {
    let head = repo.head()?;
    let Some((branch, tip)) = read(&repo.git_dir().join(FILE), head.oid) else { return Ok(None) };
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
    landed: &dyn Fn() -> Vec<Oid>,
) -> Result<Back> {
    let path = &worktree.path;
    let ours = |tree: &Oid| {
        landed().into_iter().find(|commit| repo.tree_of(commit).is_ok_and(|has| has == *tree))
    };
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
    // The index of a conflict has no tree, though its files may be what was committed and has landed.
    let staged = repo.git(["write-tree"]).at(path).run()?;
    let staged = String::from_utf8_lossy(&staged.out).trim().parse::<Oid>().ok();
    let held = repo.tracked_tree(path, &state)?;
    if let Some(submitted) = ours(&held) {
        // The commit that these files were made for exists, so stand on it: then nothing is edited.
        if staged != Some(held) {
            repo.add_tracked(path, &state).ok()?;
        }
        let dir = repo.git_dir_of(path)?;
        head(repo, &dir, &submitted)?;
        let back = switch(repo, path, branch)?;
        if let Back::Stays(_) = back {
            head(repo, &dir, tip)?;
        }
        return Ok(back);
    }
    match staged {
        Some(staged) => go_on(repo, branch, &Holding { path, tip, staged, held }, &landed()),
        None => Ok(Back::Stays("it has uncommitted changes".to_owned())),
    }
}

/// The person committed, which became an entry, and went on working. Where they have all that landed,
/// only their own differs from the branch: stand on it without touching a file. Where others landed
/// too, stand at the newest commit of which they have all.
fn go_on(repo: &Repo, branch: &RefName, has: &Holding<'_>, ours: &[Oid]) -> Result<Back> {
    if let Some(now) = repo.read_ref(branch)?
        && forward::may(repo, has, &now)?
    {
        let args = ["symbolic-ref", "-m", "shopfloor: landing", "HEAD", branch.as_str()];
        repo.git(args).at(has.path).ok()?;
        return Ok(Back::There);
    }
    for commit in ours {
        if commit != has.tip
            && repo.merge_base(commit, has.tip)?.as_ref() == Some(has.tip)
            && forward::may(repo, has, commit)?
        {
            let dir = repo.git_dir_of(has.path)?;
            note(&dir, branch, &[has.tip, commit])?;
            head(repo, &dir, commit)?;
            break;
        }
    }
    Ok(Back::Stays("it has uncommitted changes".to_owned()))
}

fn switch(repo: &Repo, path: &Path, branch: &RefName) -> Result<Back> {
    let switched = repo.switch(path, &["--no-guess", branch.short()])?;
    Ok(switched.map_or_else(Back::Stays, |()| Back::There))
}

/// Points the `HEAD` in a git directory at a commit, detached, without looking at any file.
fn head(repo: &Repo, dir: &Path, commit: &Oid) -> Result<()> {
    let commit = commit.to_string();
    repo.git(["update-ref", "--no-deref", "-m", "shopfloor: landing", "HEAD", &commit]).of(dir).ok()
}

/// The branch, and the commit that a work tree was parked at: of those that are noted the one where
/// `head` is, if it is at any.
fn read(file: &Path, head: Option<Oid>) -> Option<(RefName, Oid)> {
    let text = fs::read_to_string(file).ok()?;
    let mut lines = text.lines();
    let branch = lines.next()?.parse().ok()?;
    let tips: Vec<Oid> = lines.map_while(|line| line.parse().ok()).collect();
    let tip = tips.iter().find(|tip| head == Some(**tip)).or(tips.first())?;
    Some((branch, *tip))
}
