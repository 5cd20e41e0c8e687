//! The refs that keep commits: one of who asks, until it is decided, and one of each entry.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::git::{Oid, RefName, Repo, Swap};
use crate::refinery::entry::Entry;
use crate::refinery::number::Number;

/// Under this, `<target>/<n>` keeps every commit that ever asked to land.
pub(super) const REFS: &str = "refs/shopfloor/queue/";
/// Under this, `<commit>-<process>` keeps what somebody is asking for.
const ASKED: &str = "refs/shopfloor/asked/";

/// Under this, `<target>` keeps what may become its next tip, until it is, or another may.
const CANDIDATES: &str = "refs/shopfloor/candidate/";

/// The name of the ref that keeps what is tested for a target.
pub(super) fn candidate(target: &str) -> Result<RefName> {
    format!("{CANDIDATES}{target}").parse()
}

/// The name of an entry's ref.
pub fn ref_name(target: &str, n: Number) -> Result<RefName> {
    format!("{REFS}{target}/{n}").parse()
}

/// The entry that a ref keeps.
pub(super) fn entry_of(name: &RefName) -> Option<(&str, Number)> {
    let (target, n) = name.as_str().strip_prefix(REFS)?.rsplit_once('/')?;
    Some((target, n.parse().ok()?))
}

/// The next number that no ref keeps another commit under. A ref of this commit is taken over.
pub(super) fn free(repo: &Repo, target: &str, first: u64, commit: &Oid) -> Result<Number> {
    let mut given = first;
    loop {
        let kept = repo.read_ref(&ref_name(target, given.into())?)?;
        if kept.is_none_or(|kept| kept == *commit) {
            return Ok(given.into());
        }
        given += 1;
    }
}

/// Keeps the commit of who asks while it is decided: nothing takes it away, and nothing queues it.
pub(super) fn ask(repo: &Repo, commit: &Oid) -> Result<RefName> {
    let name: RefName = format!("{ASKED}{commit}-{}", std::process::id()).parse()?;
    match repo.swap_ref(&name, None, Some(commit), "shopfloor: asked")? {
        Swap::Done => Ok(name),
        // Of a process that was killed and had our number.
        Swap::Lost(Some(found)) if found == *commit => Ok(name),
        Swap::Lost(_) => bail!("{name} keeps something else"),
    }
}

/// Gives an entry the ref that keeps its commit. No where another commit has that name: a refinery
/// sorts them out.
pub(super) fn keep(repo: &Repo, entry: &Entry) -> Result<bool> {
    if is_kept(repo, entry)? {
        return Ok(true);
    }
    let name = ref_name(&entry.target, entry.n)?;
    Ok(match repo.swap_ref(&name, None, Some(&entry.commit), "shopfloor: queued")? {
        Swap::Done => true,
        Swap::Lost(found) => found.is_some_and(|found| found == entry.commit),
    })
}

/// Drops what was kept of the last candidate: it has landed, or never will.
pub(super) fn forget_candidate(repo: &Repo, target: &str) -> Result<()> {
    let name = candidate(target)?;
    if let Some(commit) = repo.read_ref(&name)? {
        forget(repo, &name, &commit);
    }
    Ok(())
}

/// Drops what was kept for who asked. Where a lock is in the way it stays, and harms nobody.
pub(super) fn forget(repo: &Repo, name: &RefName, commit: &Oid) {
    if let Err(no) = repo.swap_ref(name, Some(commit), None, "shopfloor: decided") {
        tracing::debug!("{name} stays: {no:#}");
    }
}

/// The same for those that were killed, where an entry's ref keeps it by now.
pub(super) fn clear(repo: &Repo, kept: &BTreeMap<RefName, Oid>) -> Result<()> {
    for (name, commit) in repo.refs_under(ASKED)? {
        if kept.values().any(|kept| *kept == commit) {
            forget(repo, &name, &commit);
        }
    }
    Ok(())
}

/// Whether this clone has the ref that keeps the entry's commit: it was queued or taken up here.
pub(super) fn is_kept(repo: &Repo, entry: &Entry) -> Result<bool> {
    // One that met a namesake since may have the ref of the name it had before.
    for n in [entry.n, entry.n.given().into()] {
        let kept = repo.read_ref(&ref_name(&entry.target, n)?)?;
        if kept.is_some_and(|kept| kept == entry.commit) {
            return Ok(true);
        }
    }
    Ok(false)
}
