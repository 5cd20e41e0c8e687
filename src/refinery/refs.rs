//! The ref that keeps the commit of an entry: what it is called, and whether it is here.

use anyhow::Result;

use crate::git::{Oid, RefName, Repo, Swap};
use crate::refinery::entry::Entry;
use crate::refinery::number::Number;

/// Under this, `<target>/<n>` keeps every commit that ever asked to land.
pub(super) const REFS: &str = "refs/shopfloor/queue/";

/// The name of an entry's ref.
pub fn ref_name(target: &str, n: Number) -> Result<RefName> {
    format!("{REFS}{target}/{n}").parse()
}

/// The entry that a ref keeps.
pub(super) fn entry_of(name: &RefName) -> Option<(&str, Number)> {
    let (target, n) = name.as_str().strip_prefix(REFS)?.rsplit_once('/')?;
    Some((target, n.parse().ok()?))
}

/// Takes the next free number by creating its ref. A ref of ours without a line is taken over.
pub(super) fn reserve(repo: &Repo, target: &str, first: u64, commit: &Oid) -> Result<Number> {
    let mut given = first;
    loop {
        let n = Number::from(given);
        match repo.swap_ref(&ref_name(target, n)?, None, Some(commit), "shopfloor: queued")? {
            Swap::Done => return Ok(n),
            Swap::Lost(Some(found)) if found == *commit => return Ok(n),
            Swap::Lost(_) => given += 1,
        }
    }
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
