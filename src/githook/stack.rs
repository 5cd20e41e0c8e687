//! A commit after one that still waits. Git knows nothing of the queue, so both have the landed commit
//! as their parent, and the later one has the earlier one's change in its files. It is made again on
//! the one that waits: then its change is its own, and it lands after the other without a conflict.

use std::char::REPLACEMENT_CHARACTER;

use anyhow::Result;

use crate::git::{Commit, Oid, RefName, Repo, Swap};
use crate::refinery::{Entry, Lane};

/// Under this, what was made again or refused stays reachable by the name it was made with.
pub(super) const KEPT: &str = "refs/shopfloor/vetoed/";

/// Entries that a commit may stand on are among the newest; older ones are on other commits.
pub(super) const LOOK: usize = 50;

/// The same commit, but for what it was made again on.
pub(super) fn same(one: &Commit, other: &Commit) -> bool {
    let said = |commit: &Commit| (commit.author.clone(), commit.message.clone());
    one.tree == other.tree && (one.parents == other.parents || said(one) == said(other))
}

/// The entry that somebody means who says the change of `commit` again.
pub(super) fn find(repo: &Repo, lane: &Lane, commit: &Commit) -> Option<Entry> {
    let again = |entry: &&Entry| repo.commit(&entry.commit).is_ok_and(|it| same(&it, commit));
    lane.entries.values().rev().take(LOOK).find(again).cloned()
}

/// The same commit on top of the newest one of the same person that waits and whose change it has, or
/// nothing.
pub(super) fn on_top(repo: &Repo, lane: &Lane, commit: &Oid) -> Result<Option<Oid>> {
    let made = repo.commit(commit)?;
    let [parent] = made.parents[..] else { return Ok(None) };
    // Text in another encoding would not survive.
    if made.message.contains(REPLACEMENT_CHARACTER) {
        return Ok(None);
    }
    for entry in lane.entries.values().rev().take(LOOK) {
        let waits = entry.state.is_open() && entry.agent.is_none() && entry.commit != *commit;
        let Some(below) = waits.then(|| repo.commit(&entry.commit).ok()).flatten() else {
            continue;
        };
        if below.author.email == made.author.email
            && repo.merge_base(&entry.commit, commit)? == Some(parent)
            && repo.has_change_of(&parent, &entry.commit, commit)?
        {
            let by = (&made.author, &made.committer);
            return repo.commit_tree(&made.tree, &[entry.commit], &made.message, by).map(Some);
        }
    }
    Ok(None)
}

/// Whether the commit of an entry stands on `old`, with nothing but entries that wait in between.
pub(super) fn stands_on(repo: &Repo, lane: &Lane, entry: &Entry, old: &Oid) -> bool {
    let mut next = entry.commit;
    for _ in 0..LOOK {
        let Ok(commit) = repo.commit(&next) else { return false };
        let [parent] = commit.parents[..] else { return false };
        if parent == *old {
            return true;
        }
        if !lane.holding(&parent).is_some_and(|below| below.state.is_open()) {
            return false;
        }
        next = parent;
    }
    false
}

/// Gives a commit a ref that nothing moves.
pub(super) fn keep(repo: &Repo, commit: &Oid) -> Result<RefName> {
    let name: RefName = format!("{KEPT}{commit}").parse()?;
    match repo.swap_ref(&name, None, Some(commit), "shopfloor: kept")? {
        Swap::Done | Swap::Lost(_) => Ok(name),
    }
}
