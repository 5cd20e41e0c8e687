//! A landing on a branch that somebody has checked out. Before the branch moves, each of its work
//! trees gets a detached `HEAD` at the old commit, which touches no file; afterwards the clean ones
//! are switched back. So at no moment, and after no crash, does `git status` show a landing as the
//! person's own staged changes. What cannot be switched without touching a person's work stays
//! parked, and they are told how to come back.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::git::{Oid, RefName, Repo, Worktree};

/// In a parked work tree's git directory: the branch it stood on, and the commit.
const FILE: &str = "shopfloor-parked";

/// Takes every work tree off `branch`, which is about to move from `tip`. Gives all work trees as
/// they stand afterwards.
pub(super) fn park(repo: &Repo, branch: &RefName, tip: &Oid) -> Result<Vec<Worktree>> {
    let mut worktrees = repo.worktrees()?;
    for worktree in &mut worktrees {
        if worktree.branch.as_ref() != Some(branch) || worktree.bare || worktree.prunable {
            continue;
        }
        let file = repo.git_dir_of(&worktree.path)?.join(FILE);
        fs::write(&file, format!("{branch}\n{tip}\n"))
            .with_context(|| format!("writing {}", file.display()))?;
        head(repo, &worktree.path, tip)?;
        (worktree.branch, worktree.head) = (None, Some(*tip));
    }
    Ok(worktrees)
}

/// Brings parked work trees back to their branch, as far as nobody's work is in the way. Says what
/// stays parked and why. `ours` are the trees of submitted commits: an index that holds exactly one
/// of them is a commit that became a queue entry, not an edit.
pub(super) fn settle(
    repo: &Repo,
    worktrees: &[Worktree],
    ours: &dyn Fn(&Oid) -> Option<Oid>,
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for worktree in worktrees {
        if worktree.bare || worktree.prunable {
            continue;
        }
        let Ok(folder) = repo.git_dir_of(&worktree.path) else { continue };
        let file = folder.join(FILE);
        let Some((branch, tip)) = read(&file) else { continue };
        match back(repo, worktree, (&branch, &tip), ours)? {
            Back::There => {
                fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
            }
            Back::Stays(why) => notes.push(format!(
                "{} was left as it is, on a detached HEAD: {why}; `git switch {}` brings it to the landed commits",
                worktree.path.display(),
                branch.short()
            )),
        }
    }
    Ok(notes)
}

/// Who is parked, without doing anything about it.
pub(super) fn parked(repo: &Repo) -> Result<Vec<(PathBuf, RefName)>> {
    let trees = repo.worktrees()?.into_iter();
    let trees = trees.filter(|tree| !tree.bare && !tree.prunable && tree.branch.is_none());
    let found = trees.filter_map(|tree| {
        let (branch, _) = read(&repo.git_dir_of(&tree.path).ok()?.join(FILE))?;
        Some((tree.path, branch))
    });
    Ok(found.collect())
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
    let state = repo.checkout_state(path)?;
    if let Some(busy) = state.busy {
        return Ok(Back::Stays(format!("a {busy} is under way")));
    }
    if worktree.head.as_ref() != Some(tip) {
        return Ok(Back::Stays("its HEAD has moved".to_owned()));
    }
    let adopted = if state.clean { None } else { adopted(repo, path, ours)? };
    match &adopted {
        None if !state.clean => {
            return Ok(Back::Stays("it has uncommitted changes".to_owned()));
        }
        // The commit that these files were made for exists, so stand on it: then nothing is edited.
        Some(Adopted { submitted, staged }) => {
            if !staged {
                repo.git(["add", "--update", "--sparse", ":/"]).at(path).ok()?;
            }
            head(repo, path, submitted)?;
        }
        None => {}
    }
    let done = repo.git(["switch", "--quiet", "--no-guess", branch.short()]).at(path).run()?;
    if done.code == 0 {
        return Ok(Back::There);
    }
    if adopted.is_some() {
        head(repo, path, tip)?;
    }
    Ok(Back::Stays(in_the_way(&done.err)))
}

/// A commit that became a queue entry, found by what it left in the work tree.
struct Adopted {
    submitted: Oid,
    /// Whether the index has it; `git commit -a` leaves it in the files alone when it is refused.
    staged: bool,
}

/// The submitted commit whose tree is exactly what the work tree holds, with nothing edited beside it.
fn adopted(
    repo: &Repo,
    path: &Path,
    ours: &dyn Fn(&Oid) -> Option<Oid>,
) -> Result<Option<Adopted>> {
    let staged = repo.git(["write-tree"]).at(path).run()?;
    let Ok(staged) = String::from_utf8_lossy(&staged.out).trim().parse::<Oid>() else {
        return Ok(None);
    };
    let held = repo.tracked_tree(path)?;
    let submitted = ours(&held);
    Ok(submitted.map(|submitted| Adopted { submitted, staged: staged == held }))
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

/// What git says is in the way of a switch: the files it lists, else its first line.
fn in_the_way(said: &str) -> String {
    let files: Vec<_> = said.lines().filter_map(|line| line.strip_prefix('\t')).collect();
    match files.as_slice() {
        [] => said.lines().next().unwrap_or("git would not switch").to_owned(),
        [one] => format!("{one} is in the way"),
        [one, more @ ..] => format!("{one} and {} more are in the way", more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_is_named() {
        let said = "error: The following untracked working tree files would be overwritten by checkout:\n\tnotes.txt\nPlease move or remove them before you switch branches.\nAborting\n";
        assert_eq!(in_the_way(said), "notes.txt is in the way");
        assert_eq!(in_the_way("fatal: no\n"), "fatal: no");
    }
}
