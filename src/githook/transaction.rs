//! `reference-transaction`: nothing moves the protected branch past the queue. A commit made on it
//! becomes an entry, and the branch stays where it is.
//!
//! Git asks in `prepared`, holding its locks; there we only say no. It tells us in `aborted`, when
//! the locks are gone; there we queue.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::git::{Oid, RefName, Repo};
use crate::githook::entry::{self, Options};
use crate::githook::{file, reset, route, stack};
use crate::host::Clock;
use crate::ledger::Ledger;
use crate::refinery::{self, Entry, Lane, Queue, State};
use crate::refusal::Refusal;

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
    /// Nothing moves, or the branch comes into being, or it goes on to where the remote is.
    Free,
    /// New work on top of it.
    Forward,
    /// Away from what has landed.
    Rewrite,
    Deletion,
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
    let target = RefName::branch(&repo.default_branch()?)?;
    let parked = refinery::parked_here(repo)?.filter(|(branch, _)| *branch == target);
    let (new, base) = match (moved_to(&text, target.as_str()), parked) {
        (Some(new), _) => (new, repo.read_ref(&target)?),
        (None, Some((_, tip))) => match moved_to(&text, "HEAD") {
            Some(new) if state == "aborted" || is_new(repo, &tip, new)? => (new, Some(tip)),
            _ => return Ok(true),
        },
        (None, None) => return Ok(true),
    };
    match (state, base) {
        ("prepared", Some(base)) => veto(repo, clock, (&base, new), say),
        ("aborted", base) => adopt(repo, clock, (base, new), say).map(|()| true),
        _ => Ok(true),
    }
}

/// What a ref is to be. One that becomes a symbolic ref is none of ours to judge by an object.
fn moved_to(text: &str, name: &str) -> Option<Oid> {
    let mut moves = text.lines().filter_map(|line| line.strip_suffix(name)?.strip_suffix(' '));
    moves.next_back()?.rsplit_once(' ')?.1.parse().ok()
}

/// Whether a move of a parked `HEAD` is a commit made there, which nothing but `HEAD` would keep.
/// Whoever goes elsewhere goes to what some ref has.
fn is_new(repo: &Repo, tip: &Oid, new: Oid) -> Result<bool> {
    if new.is_null() || new == *tip || !repo.is_ancestor(tip, &new)? {
        return Ok(false);
    }
    let new = new.to_string();
    let having = repo.git(["for-each-ref", "--format=%(refname)", "--contains", &new]).text()?;
    Ok(having.lines().all(|name| name.starts_with(stack::KEPT)))
}

fn policy(repo: &Repo) -> Result<Policy> {
    Ok(match repo.config_get("shopfloor.commitOnTarget")?.as_deref() {
        Some("allow") => Policy::Allow,
        Some("refuse") => Policy::Refuse,
        None | Some("adopt") => Policy::Adopt,
        Some(other) => {
            let what = format!("git config shopfloor.commitOnTarget is {other:?}");
            let known = "git config shopfloor.commitOnTarget adopt, or refuse, or allow";
            return Err(Refusal::fatal(what).hint(known).into());
        }
    })
}

fn veto(
    repo: &Repo,
    clock: &Clock,
    (old, new): (&Oid, Oid),
    say: &mut dyn FnMut(&str),
) -> Result<bool> {
    let kind = kind(repo, old, new)?;
    if kind == Move::Free {
        return Ok(true);
    }
    let target = repo.default_branch()?;
    match (kind, policy(repo)?) {
        (Move::Free, _) | (_, Policy::Allow) => return Ok(true),
        (Move::Forward, Policy::Adopt) => match twin(repo, clock, (&target, &new))? {
            None => note(repo, new)?,
            Some(twin) => {
                // The same commit twice is told again in `aborted` that it waits.
                if twin.commit != new || !twin.state.is_open() {
                    let (name, state) = (twin.name(), twin.state);
                    say(&format!("shopfloor: this very change is {name} already ({state})"));
                }
                if repo.git_dir().join("CHERRY_PICK_HEAD").exists() {
                    say("hint: `git cherry-pick --skip` goes on with the next one");
                }
            }
        },
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
            if let Some(own) = amended(repo, clock, (&target, old, &new))? {
                say(&format!("Your commit is not on {target} yet: it waits as {}.", own.name()));
                say(&format!("To change it: git refinery reject {} --reason amended", own.n));
                say("and then git commit again, without --amend; your files are as you left them.");
                return Ok(false);
            }
            if let Some(back) = reset::done_by_then(repo, &target, (old, &new))? {
                say(&back);
            }
            say(&match (rebases(repo), repo.is_ancestor(&new, old)?) {
                (true, true) => format!("hint: git rebase --quit && git switch {target}"),
                (true, false) => "hint: git rebase --abort".to_owned(),
                (false, _) => ALLOW.to_owned(),
            });
        }
        (Move::Deletion, _) => {
            say(&format!("shopfloor: {target} is protected and neither deleted nor renamed"));
            say(ALLOW);
        }
    }
    Ok(false)
}

const ALLOW: &str = "hint: if it has to be: git config shopfloor.commitOnTarget allow";

/// The entry that has the same change already, and may land or has landed.
fn twin(repo: &Repo, clock: &Clock, (target, new): (&str, &Oid)) -> Result<Option<Entry>> {
    let made = repo.commit(new)?;
    newest(repo, clock, target, &|_, entry| {
        (entry.state.is_open() || entry.state == State::Landed)
            && repo.commit(&entry.commit).is_ok_and(|known| stack::same(&known, &made))
    })
}

/// The commit on `old` that somebody means who amends `old`: git does not know that it is queued.
fn amended(
    repo: &Repo,
    clock: &Clock,
    (target, old, new): (&str, &Oid, &Oid),
) -> Result<Option<Entry>> {
    if new.is_null() || repo.commit(new)?.parents != repo.commit(old)?.parents {
        return Ok(None);
    }
    newest(repo, clock, target, &|lane, entry| {
        entry.state.is_open() && stack::stands_on(repo, lane, entry, old)
    })
}

fn newest(
    repo: &Repo,
    clock: &Clock,
    target: &str,
    wanted: &dyn Fn(&Lane, &Entry) -> bool,
) -> Result<Option<Entry>> {
    let queue = queue(repo, clock)?;
    let Some(lane) = queue.lane(target) else { return Ok(None) };
    let mut entries = lane.entries.values().rev().take(stack::LOOK);
    Ok(entries.find(|entry| wanted(lane, entry)).cloned())
}

/// A rebase that is given up puts its branch back where it began.
fn rebases(repo: &Repo) -> bool {
    ["rebase-merge", "rebase-apply"].iter().any(|dir| repo.git_dir().join(dir).is_dir())
}

/// Whether git only takes away what it has just packed. A deletion holds the lock of what is packed.
fn is_pruned(repo: &Repo, branch: &RefName, old: &Oid) -> bool {
    let at = |path: &str| repo.common_dir().join(path);
    let read = |path: &str| fs::read_to_string(at(path)).unwrap_or_default();
    let packed = format!("{old} {branch}");
    !at("packed-refs.lock").exists()
        && read(branch.as_str()).trim_end() == old.to_string()
        && read("packed-refs").lines().any(|line| line == packed)
}

fn kind(repo: &Repo, old: &Oid, new: Oid) -> Result<Move> {
    if new.is_null() {
        let branch = RefName::branch(&repo.default_branch()?)?;
        let pruned = is_pruned(repo, &branch, old);
        return Ok(if pruned { Move::Free } else { Move::Deletion });
    }
    if new == *old {
        return Ok(Move::Free);
    }
    if !repo.is_ancestor(old, &new)? {
        return Ok(Move::Rewrite);
    }
    match landed_there(repo)? {
        Some(tip) if repo.is_ancestor(&new, &tip)? => Ok(Move::Free),
        _ => Ok(Move::Forward),
    }
}

/// Where the target stands at its own remote. What another remote, or another branch there, calls by
/// a name like it has landed nowhere.
fn landed_there(repo: &Repo) -> Result<Option<Oid>> {
    let target = repo.default_branch()?;
    let upstream = route::upstream(repo, &target)?;
    let Some(remote) = upstream.name() else { return Ok(None) };
    repo.read_ref(&format!("refs/remotes/{remote}/{target}").parse()?)
}

/// Remembers what was vetoed: an abort may have other reasons, and then nothing is to be queued.
fn note(repo: &Repo, new: Oid) -> Result<()> {
    let place = repo.own_dir()?.join("adopt").join(new.to_string());
    file::write(&place, b"", Some(0o644))
}

fn adopt(
    repo: &Repo,
    clock: &Clock,
    (base, new): (Option<Oid>, Oid),
    say: &mut dyn FnMut(&str),
) -> Result<()> {
    let place = repo.own_dir()?.join("adopt").join(new.to_string());
    let target = repo.default_branch()?;
    let (entry, left) = if place.exists() {
        take(repo, clock, (&target, new), &place)?
    } else {
        // Not ours, unless another command came first and queued what it found left over.
        match taken(repo, clock, &target, (base, new))? {
            Some(entry) => (entry, None),
            None => return Ok(()),
        }
    };
    say(&format!(
        "QUEUED #{} (not landed): {} waits for its gates, {target} stays as it is until then.",
        entry.n,
        entry.commit.short()
    ));
    if entry.commit != new {
        let (parents, queue) = (repo.commit(&entry.commit)?.parents, queue(repo, clock)?);
        let below = parents.first().and_then(|parent| queue.lane(&target)?.holding(parent));
        if let Some(below) = below {
            say(&format!(
                "It was made on top of #{}, which waits too, and lands after it.",
                below.n
            ));
        }
    }
    say("Your files stay as they are too; git calls it aborted below, and nothing is lost.");
    say(&format!("Wait for it with: git refinery wait {}", entry.n));
    if let Some(why) = left {
        say(&format!("note: {why}"));
    }
    Ok(())
}

fn queue(repo: &Repo, clock: &Clock) -> Result<Queue> {
    Ledger::open(repo, clock)?.read()
}

/// The entry that a commit made on `base` has become and that waits. What somebody only wanted to go
/// back to is none.
fn taken(
    repo: &Repo,
    clock: &Clock,
    target: &str,
    (base, new): (Option<Oid>, Oid),
) -> Result<Option<Entry>> {
    let Some(base) = base.filter(|_| !new.is_null()) else { return Ok(None) };
    let queue = queue(repo, clock)?;
    let Some(lane) = queue.lane(target).filter(|_| repo.exists(&new)) else { return Ok(None) };
    let entry = stack::find(repo, lane, &repo.commit(&new)?);
    let Some(entry) = entry.filter(|entry| entry.state.is_open()) else { return Ok(None) };
    Ok(repo.is_ancestor(&base, &new)?.then_some(entry))
}

/// Queues what a note names. A refusal is an answer too, and not asked for again.
fn take(
    repo: &Repo,
    clock: &Clock,
    (target, commit): (&str, Oid),
    note: &Path,
) -> Result<(Entry, Option<String>)> {
    let wanted = submitted(repo, clock, target, commit)?;
    let queued = entry::queue(repo, clock, (target, wanted), &Options::default());
    let no = match queued {
        Err(error) => error.downcast::<Refusal>()?,
        done => {
            fs::remove_file(note).ok();
            return done;
        }
    };
    // Git gives the commit to no branch, and nobody else will.
    let kept = stack::keep(repo, &commit)?;
    fs::remove_file(note).ok();
    Err(no.hint(format!("commit {} is on no branch; {kept} keeps it", commit.short())).into())
}

/// The commit that is queued for one that was vetoed: it, or what it is on top of one that waits.
fn submitted(repo: &Repo, clock: &Clock, target: &str, commit: Oid) -> Result<Oid> {
    let queue = queue(repo, clock)?;
    let Some(lane) = queue.lane(target) else { return Ok(commit) };
    // Somebody may have been killed after it was queued and before the note was gone.
    if let Some(entry) = stack::find(repo, lane, &repo.commit(&commit)?)
        && !matches!(entry.state, State::Rejected | State::Withdrawn)
    {
        return Ok(entry.commit);
    }
    let Some(again) = stack::on_top(repo, lane, &commit)? else { return Ok(commit) };
    stack::keep(repo, &commit)?;
    Ok(again)
}

/// Queues what was vetoed and never came to be queued, because somebody was killed in between.
pub(super) fn adopt_left(repo: &Repo, clock: &Clock) -> Result<()> {
    let notes = repo.common_dir().join("shopfloor/adopt");
    let Ok(left) = fs::read_dir(&notes) else { return Ok(()) };
    for place in left {
        let place = place?.path();
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let Ok(commit) = name.parse::<Oid>() else { continue };
        if repo.exists(&commit) {
            take(repo, clock, (&repo.default_branch()?, commit), &place)?;
        } else {
            fs::remove_file(&place).ok();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_found_by_the_whole_name() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let text = format!("{a} {b} refs/heads/other\n{a} {b} refs/heads/x/main\n");
        assert_eq!(moved_to(&text, "refs/heads/main"), None);
        let text = format!("{text}{a} {b} refs/heads/main\n{a} {b} HEAD\n");
        assert_eq!(moved_to(&text, "refs/heads/main"), b.parse().ok());
        assert_eq!(moved_to(&text, "HEAD"), b.parse().ok());
        assert_eq!(moved_to(&format!("{a} ref:refs/heads/main HEAD\n"), "HEAD"), None);
    }
}
