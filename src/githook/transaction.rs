//! `reference-transaction`: nothing moves the protected branch past the queue. A commit made on it
//! becomes an entry, and the branch stays where it is.
//!
//! Git asks in `prepared`, holding its locks; there we only say no. It tells us in `aborted`, when
//! the locks are gone; there we queue.

use std::fs;
use std::io::Read;

use anyhow::{Context as _, Result};

use crate::git::{Oid, RefName, Repo};
use crate::githook::entry::{self, Options};
use crate::githook::file;
use crate::host::Clock;

/// What is to happen to commits made on the protected branch: `shopfloor.commitOnTarget`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Adopt,
    Refuse,
    Allow,
}

/// What a move of the protected branch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// Nothing moves, or the branch comes into being, or it goes where the remote is.
    Free,
    /// New work on top of it.
    Forward,
    /// Away from what has landed.
    Rewrite,
}

/// Whether git may go on. `state` is what git says it is about to do or has done.
pub fn decide(
    repo: &Repo,
    clock: &Clock,
    state: &str,
    input: &mut impl Read,
    say: &mut dyn FnMut(&str),
) -> Result<bool> {
    let mut text = String::new();
    input.read_to_string(&mut text).context("reading what git changes")?;
    let protected = format!(" refs/heads/{}", repo.default_branch()?);
    let mut moves = text.lines().filter_map(|line| line.strip_suffix(&protected)?.rsplit_once(' '));
    let Some((_, new)) = moves.next_back() else { return Ok(true) };
    // A branch that becomes a symbolic ref is none of ours to judge by an object.
    let Ok(new) = new.parse::<Oid>() else { return Ok(true) };
    match state {
        "prepared" => veto(repo, new, say),
        "aborted" => adopt(repo, clock, new, say).map(|()| true),
        _ => Ok(true),
    }
}

fn policy(repo: &Repo) -> Result<Policy> {
    Ok(match repo.config_get("shopfloor.commitOnTarget")?.as_deref() {
        Some("allow") => Policy::Allow,
        Some("refuse") => Policy::Refuse,
        None | Some("adopt") => Policy::Adopt,
        Some(other) => anyhow::bail!(
            "git config shopfloor.commitOnTarget is {other:?}, not adopt, refuse or allow"
        ),
    })
}

fn veto(repo: &Repo, new: Oid, say: &mut dyn FnMut(&str)) -> Result<bool> {
    let policy = policy(repo)?;
    let kind = if policy == Policy::Allow { Move::Free } else { kind(repo, new)? };
    let target = repo.default_branch()?;
    match (kind, policy) {
        (Move::Free, _) => return Ok(true),
        (Move::Forward, Policy::Adopt) => note(repo, new)?,
        (Move::Forward, _) => {
            say(&format!(
                "shopfloor: {target} is moved by the merge queue alone; work on a branch and push that"
            ));
            say(&format!(
                "hint: git switch -c TOPIC && git commit, then git push . HEAD:refs/for/{target}"
            ));
        }
        (Move::Rewrite, _) => {
            say(&format!(
                "shopfloor: {target} only moves forward; this would take back what has landed"
            ));
            say("hint: if it has to be: git config shopfloor.commitOnTarget allow");
        }
    }
    Ok(false)
}

fn kind(repo: &Repo, new: Oid) -> Result<Move> {
    let target = RefName::branch(&repo.default_branch()?)?;
    let Some(old) = repo.read_ref(&target)? else { return Ok(Move::Free) };
    // Deletion, also of the loose ref when refs are packed; `git` itself guards a branch in use.
    if new.is_null() || new == old {
        return Ok(Move::Free);
    }
    let theirs = repo.refs_under("refs/remotes/")?;
    let published =
        theirs.iter().filter(|(name, _)| name.as_str().ends_with(&format!("/{}", target.short())));
    let forward = repo.is_ancestor(&old, &new)?;
    for (_, tip) in published {
        if *tip == new || (forward && repo.is_ancestor(&new, tip)?) {
            return Ok(Move::Free);
        }
    }
    Ok(if forward { Move::Forward } else { Move::Rewrite })
}

/// Remembers what was vetoed: an abort may have other reasons, and then nothing is to be queued.
fn note(repo: &Repo, new: Oid) -> Result<()> {
    let place = repo.own_dir()?.join("adopt").join(new.to_string());
    file::write(&place, b"", 0o644)
}

fn adopt(repo: &Repo, clock: &Clock, new: Oid, say: &mut dyn FnMut(&str)) -> Result<()> {
    let place = repo.own_dir()?.join("adopt").join(new.to_string());
    if !place.exists() {
        return Ok(());
    }
    let target = repo.default_branch()?;
    let (entry, left) = entry::queue(repo, clock, (&target, new), &Options::default())?;
    fs::remove_file(&place).ok();
    say(&format!(
        "QUEUED #{} (not landed): {} waits for its gates, {target} stays as it is until then.",
        entry.n,
        new.short()
    ));
    say("Your files stay as they are too; git calls it aborted below, and nothing is lost.");
    say(&format!("Wait for it with: git refinery wait {}", entry.n));
    if let Some(why) = left {
        say(&format!("note: {why}"));
    }
    Ok(())
}

/// Queues what was vetoed and never came to be queued, because somebody was killed in between.
pub(super) fn adopt_left(repo: &Repo, clock: &Clock) -> Result<usize> {
    let Ok(left) = fs::read_dir(repo.common_dir().join("shopfloor/adopt")) else { return Ok(0) };
    let mut adopted = 0;
    for place in left {
        let place = place?;
        let Ok(commit) = place.file_name().to_string_lossy().parse::<Oid>() else { continue };
        if repo.exists(&commit) {
            entry::queue(repo, clock, (&repo.default_branch()?, commit), &Options::default())?;
            adopted += 1;
        }
        fs::remove_file(place.path()).ok();
    }
    Ok(adopted)
}
