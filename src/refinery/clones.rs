//! Where clones share a ledger: which entries are this clone's to take to their verdict, and whether the
//! branch here is only behind what has landed in another one. Reads only.

use anyhow::Result;

use crate::git::{Oid, RefName, Repo};
use crate::refinery::entry::Entry;
use crate::refinery::lane::Lane;
use crate::refinery::queue::Queue;
use crate::refinery::refs::is_kept;

impl Queue {
    /// The same entry as it is called now: another clone may have given its number to something else,
    /// which keeps it.
    pub(super) fn again(&self, entry: &Entry) -> Option<&Entry> {
        let namesakes = self.lane(&entry.target)?.entries.range(entry.n.namesakes());
        namesakes.map(|(_, there)| there).find(|there| there.commit == entry.commit)
    }
}

/// Whether a verdict on this entry is for this clone to give. What is not here can only be tested where
/// it is, and what came here as part of the target has its evidence where that was made.
pub fn is_ours(repo: &Repo, queue: &Queue, entry: &Entry) -> Result<bool> {
    let kept = is_kept(repo, entry)?;
    if !repo.exists(&entry.commit) {
        // One that was queued here and is lost is for a person to hear of.
        return Ok(kept);
    }
    if entry.intent.is_some() || (kept && repo.remotes()?.is_empty()) {
        return Ok(kept);
    }
    let Some(tip) = has_come(repo, entry)? else { return Ok(true) };
    if !kept {
        return Ok(false);
    }
    let Some(lane) = queue.lane(&entry.target) else { return Ok(true) };
    Ok(match brought(repo, lane, (&entry.commit, &tip))? {
        Some(brought) => lane.evidence(&brought).is_some() || !is_landing(repo, &brought, entry)?,
        None => true,
    })
}

/// The entry that is next in line of those that are ours.
pub fn next<'q>(repo: &Repo, queue: &'q Queue, target: &str) -> Result<Option<&'q Entry>> {
    for entry in queue.waiting(target) {
        if is_ours(repo, queue, entry)? {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// Whether an entry that was not queued here is about to land in another clone, or has.
pub(super) fn is_landed_elsewhere(repo: &Repo, entry: &Entry) -> Result<bool> {
    if repo.remotes()?.is_empty() || is_kept(repo, entry)? {
        return Ok(false);
    }
    Ok(entry.intent.is_some() || has_come(repo, entry)?.is_some())
}

/// The tip that has the entry's commit, of the target here and of what was fetched of it.
fn has_come(repo: &Repo, entry: &Entry) -> Result<Option<Oid>> {
    let mut tips = vec![];
    tips.extend(repo.read_ref(&RefName::branch(&entry.target)?)?);
    tips.extend(fetched(repo, &entry.target)?);
    for tip in tips {
        if repo.is_ancestor(&entry.commit, &tip)? {
            return Ok(Some(tip));
        }
    }
    Ok(None)
}

/// The first tip of the target that has `commit`; from there on all have it. None where it was there
/// before the queue was.
pub(super) fn brought(
    repo: &Repo,
    lane: &Lane,
    (commit, tip): (&Oid, &Oid),
) -> Result<Option<Oid>> {
    let tips = repo.first_parents(tip, lane.baseline.as_ref())?;
    let (mut has, mut lacks) = (0, tips.len());
    while has + 1 < lacks {
        let middle = has.midpoint(lacks);
        match tips.get(middle) {
            Some(tip) if repo.is_ancestor(commit, tip)? => has = middle,
            _ => lacks = middle,
        }
    }
    Ok(tips.get(has).copied())
}

/// Whether a refinery made this commit to land the entry.
fn is_landing(repo: &Repo, commit: &Oid, entry: &Entry) -> Result<bool> {
    let commit = repo.commit(commit)?;
    let named = commit.subject().starts_with(&format!("Land {}#", entry.target));
    Ok(named && commit.parents.get(1) == Some(&entry.commit))
}

/// What is known to have landed, where the branch here has yet to follow: another clone has landed it,
/// and a pull brings it.
pub fn behind(repo: &Repo, queue: &Queue, target: &str) -> Result<Option<Oid>> {
    let tip = repo.read_ref(&RefName::branch(target)?)?;
    let lane = queue.lane(target);
    let (Some(tip), Some(lane)) = (tip, lane) else { return Ok(None) };
    match lane.tip.filter(|known| *known != tip) {
        Some(known) if is_ahead(repo, lane, target, (&tip, &known))? => Ok(Some(known)),
        _ => Ok(None),
    }
}

/// Whether `landed` is where a pull leads from `tip`. What somebody took off the branch is not: no remote
/// has it any more, or the branch goes on from its base with something else.
pub(super) fn is_ahead(
    repo: &Repo,
    lane: &Lane,
    target: &str,
    (tip, landed): (&Oid, &Oid),
) -> Result<bool> {
    if repo.exists(landed) {
        if !repo.is_ancestor(tip, landed)? {
            return Ok(false);
        }
        for there in fetched(repo, target)? {
            if repo.is_ancestor(landed, &there)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if repo.remotes()?.is_empty() {
        return Ok(false);
    }
    match lane.base_of(landed) {
        Some(base) if repo.exists(&base) => repo.is_ancestor(tip, &base),
        _ => Ok(true),
    }
}

/// Where the target was on every remote when that was last fetched.
fn fetched(repo: &Repo, target: &str) -> Result<Vec<Oid>> {
    let mut found = Vec::new();
    for remote in repo.remotes()? {
        let name = format!("refs/remotes/{}/{target}", remote.name);
        found.extend(repo.read_ref(&name.parse()?)?);
    }
    Ok(found)
}
