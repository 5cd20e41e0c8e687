//! Reading a whole trail: every line is what its id says and follows the one before it.

use std::collections::HashSet;

use anyhow::{Context as _, Result, ensure};

use super::parse;
use crate::git::{Oid, Store};
use crate::ledger::canon::split;
use crate::ledger::home::{Stray, Travellers};
use crate::ledger::layout::Book;
use crate::ledger::shelf::{Dirs, Shelf};
use crate::ledger::{Ledger, Line};

/// The trails that there are, by the names of their replicas.
pub(in crate::ledger) fn dirs(store: &Store<'_>, shelf: &Shelf) -> Result<Dirs> {
    let mut trails = Dirs::new();
    for (name, dir) in shelf.replicas() {
        let book = Book::open(store, dir).with_context(|| format!("replica {name}"))?;
        trails.extend(book.trail().map(|trail| (name.to_owned(), trail)));
    }
    Ok(trails)
}

/// Hands over the lines of a trail from the file on in which line `from` stands.
pub(in crate::ledger) fn walk(
    store: &Store<'_>,
    dir: &Oid,
    from: u64,
    each: &mut dyn FnMut(Line),
) -> Result<()> {
    let (mut before, mut next) = (None::<(String, u64)>, None);
    for leaf in Book::open(store, dir)?.leaves(store, from)? {
        let file = leaf.read(store, &mut next)?;
        for (number, stored) in (1..).zip(split(&file.bytes).with_context(|| file.name.clone())?) {
            let place = || format!("the trail's {}, line {number}", file.name);
            let line = parse(stored).with_context(place)?;
            if let Some((last, clock)) = &before {
                ensure!(line.after == [last.as_str()], "{}: {last} is not before it", place());
                ensure!(line.clock >= *clock, "{}: its clock is behind", place());
            }
            before = Some((line.id.clone(), line.clock));
            each(line);
        }
    }
    Ok(())
}

pub(in crate::ledger) fn ids<'a>(
    store: &Store<'_>,
    dirs: impl Iterator<Item = &'a Oid>,
) -> Result<HashSet<String>> {
    let mut ids = HashSet::new();
    for dir in dirs {
        walk(store, dir, 0, &mut |line| {
            ids.insert(line.id);
        })?;
    }
    Ok(ids)
}

/// Whether what a shelf has beyond another one is sound; hands over the first of its lines that is of
/// another repository's trail.
pub(in crate::ledger) fn check(
    ledger: &Ledger<'_>,
    new: &Shelf,
    known: &Shelf,
) -> Result<Option<Stray>> {
    let store = &ledger.store;
    let mut travellers = Travellers::of(new.roots(store)?);
    let (before, now) = (dirs(store, known)?, dirs(store, new)?);
    for (name, dir) in &now {
        let here = before.get(name);
        if here == Some(dir) {
            continue;
        }
        let from = match here {
            Some(here)
                if Book::open(store, dir)?.begins_with(store, &Book::open(store, here)?)? =>
            {
                Book::open(store, here)?.count(store)?.saturating_sub(1)
            }
            _ => 0,
        };
        let mut is_known = from > 0;
        let each = &mut |line: Line| match std::mem::take(&mut is_known) {
            true => travellers.meet(&line),
            false => travellers.line(&line),
        };
        walk(store, dir, from, each).with_context(|| format!("replica {name}"))?;
    }
    // A trail that was set apart goes on from where another one was.
    let of_all = || ids(store, now.values().chain(before.values()));
    travellers.end_of_trail(ledger, &of_all)
}
