//! Reading a whole trail: every line is what its id says and follows the one before it.

use std::collections::HashSet;

use anyhow::{Context as _, Result, ensure};

use super::parse;
use crate::git::{Oid, Store};
use crate::ledger::Line;
use crate::ledger::canon::split;
use crate::ledger::layout::Book;
use crate::ledger::shelf::{Dirs, Shelf};

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

/// Whether what a shelf has beyond another one is sound.
pub(in crate::ledger) fn check(store: &Store<'_>, new: &Shelf, known: &Shelf) -> Result<()> {
    let known = dirs(store, known)?;
    for (name, dir) in dirs(store, new)? {
        let here = known.get(&name);
        if here == Some(&dir) {
            continue;
        }
        let from = match here {
            Some(here)
                if Book::open(store, &dir)?.begins_with(store, &Book::open(store, here)?)? =>
            {
                Book::open(store, here)?.count(store)?.saturating_sub(1)
            }
            _ => 0,
        };
        walk(store, &dir, from, &mut |_| {}).with_context(|| format!("replica {name}"))?;
    }
    Ok(())
}
