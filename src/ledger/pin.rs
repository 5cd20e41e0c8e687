//! What was seen of a remote's ledger once must be in it ever after. What is compared is lines, never
//! commits: those may be squashed.

use std::collections::HashSet;
use std::fmt;

use anyhow::Result;

use super::Line;
use super::layout::Book;
use super::shelf::{Shelf, tail};
use super::trail;
use crate::git::{Oid, Store};

/// Lines that were there before and are no longer.
pub(super) struct Lost {
    replica: String,
    lines: usize,
    first: Line,
}

impl fmt::Display for Lost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { id, act, on, by, .. } = &self.first;
        let more = match self.lines {
            1 => String::new(),
            lines => format!(" and {} more", lines - 1),
        };
        write!(out, "{act} on {on} by {by} ({id}, replica {}){more}", self.replica)
    }
}

/// What `new` lacks of `old`. A replica that goes on where it was is compared without reading what both
/// have; anything else is looked for line by line: a merge may have given it another name.
pub(super) fn lost(store: &Store<'_>, old: &Shelf, new: &Shelf) -> Result<Option<Lost>> {
    let mut suspects = Vec::new();
    for (name, dir) in old.replicas() {
        if !new.replica(name).map_or(Ok(false), |now| goes_on(store, dir, now))? {
            suspects.push((name, dir));
        }
    }
    if suspects.is_empty() {
        return lost_trail(store, old, new);
    }
    let mut ids = HashSet::new();
    new.lines(store, &mut |line| {
        ids.insert(line.id);
    })?;
    for (name, dir) in suspects {
        let (mut lines, mut first) = (0, None);
        tail(store, dir, None, &mut |line| {
            if !ids.contains(&line.id) {
                lines += 1;
                first.get_or_insert(line);
            }
        })?;
        if let Some(first) = first {
            return Ok(Some(Lost { replica: name.to_owned(), lines, first }));
        }
    }
    lost_trail(store, old, new)
}

/// The same of the trail. A line that has lost its text is still there.
fn lost_trail(store: &Store<'_>, old: &Shelf, new: &Shelf) -> Result<Option<Lost>> {
    let (there, mut here) = (trail::dirs(store, old)?, None::<HashSet<String>>);
    let now = trail::dirs(store, new)?;
    for (name, dir) in there {
        if now.get(&name).map_or(Ok(false), |now| goes_on(store, &dir, now))? {
            continue;
        }
        let ids = match &mut here {
            Some(ids) => ids,
            None => here.insert(trail::ids(store, now.values())?),
        };
        let (mut lines, mut first) = (0, None);
        trail::walk(store, &dir, 0, &mut |line| {
            if !ids.contains(&line.id) {
                lines += 1;
                first.get_or_insert(line);
            }
        })?;
        if let Some(first) = first {
            return Ok(Some(Lost { replica: name, lines, first }));
        }
    }
    Ok(None)
}

fn goes_on(store: &Store<'_>, old: &Oid, new: &Oid) -> Result<bool> {
    Ok(old == new || Book::open(store, new)?.begins_with(store, &Book::open(store, old)?)?)
}

/// How many lines a ledger has, those of its trail too, by the number that each newest file begins with.
pub(super) fn count(store: &Store<'_>, shelf: &Shelf) -> Result<u64> {
    let ends = shelf.replicas().map(|(_, dir)| {
        let book = Book::open(store, dir)?;
        let trail = book.trail().map_or(Ok(0), |dir| Book::open(store, &dir)?.count(store));
        Ok(book.count(store)? + trail?)
    });
    ends.sum()
}
