//! Taking words away again: the lines stay, with their ids, and say the hash of what they said.

use std::fs;

use anyhow::{Context as _, Result};

use super::{line, local, walk};
use crate::git::{Oid, Store};
use crate::ledger::canon::split;
use crate::ledger::layout::Book;
use crate::ledger::manners::unreadable;
use crate::ledger::manners::{ATTEMPTS, contested};
use crate::ledger::shelf::Shelf;
use crate::ledger::{Ledger, Line};

/// What was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    pub lines: usize,
    /// An older commit of the ledger still has it, as whoever fetched it does.
    pub remains: bool,
}

type Concerns<'a> = &'a dyn Fn(&Line) -> bool;

impl Ledger<'_> {
    /// Takes the text out of these lines of the trail. Their ids stay, so wherever this is merged they
    /// are without it, too.
    pub fn redact(&self, concerns: Concerns<'_>) -> Result<Redacted> {
        self.pour()?;
        let mut redacted = Redacted { lines: self.redact_local(concerns)?, remains: false };
        let _turn = self.commit_turn()?;
        let Some((_, shelf)) = self.checked()? else { return Ok(redacted) };
        for name in walk::dirs(&self.store, &shelf)?.keys() {
            let taken = self.redact_in(name, concerns)?;
            redacted.lines += taken.lines;
            redacted.remains |= taken.remains;
        }
        Ok(redacted)
    }

    fn redact_in(&self, replica: &str, concerns: Concerns<'_>) -> Result<Redacted> {
        for _ in 0..ATTEMPTS {
            let Some((tip, shelf)) = self.checked()? else { return Ok(Redacted::default()) };
            let Some((book, old)) = self.trail_of(&shelf, replica)? else {
                return Ok(Redacted::default());
            };
            let (mut all, mut lines) = (Vec::new(), 0);
            let files = Book::open(&self.store, &old)?.files(&self.store, 0).map_err(unreadable)?;
            for file in files {
                let (stored, taken) = without(&file.bytes, concerns).map_err(unreadable)?;
                all.extend(stored);
                lines += taken;
            }
            if lines == 0 {
                return Ok(Redacted::default());
            }
            let (new, _) = Book::default().append(&self.store, &all)?;
            let remains = !self.store.commit(&tip)?.parents.is_empty();
            let replaced = if remains { Vec::new() } else { gone(&self.store, &old, &new)? };
            let book = book.with_trail(Some(new));
            if self.replace((Some(tip), shelf), replica, &book, replaced)? {
                return Ok(Redacted { lines, remains });
            }
        }
        Err(contested(&self.name))
    }

    fn trail_of(&self, shelf: &Shelf, replica: &str) -> Result<Option<(Book, Oid)>> {
        let Some(dir) = shelf.replica(replica) else { return Ok(None) };
        let book = Book::open(&self.store, dir)?;
        Ok(book.trail().map(|trail| (book, trail)))
    }

    fn redact_local(&self, concerns: Concerns<'_>) -> Result<usize> {
        let mut lines = 0;
        for (_, path) in local::files(&self.repo.own_dir()?) {
            let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            let (stored, taken) = without(&bytes, concerns)?;
            if taken > 0 {
                let text: Vec<u8> =
                    stored.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
                local::put(&path, &text)?;
            }
            lines += taken;
        }
        Ok(lines)
    }
}

/// The lines of a file, and how many of them have lost their text.
fn without(file: &[u8], concerns: Concerns<'_>) -> Result<(Vec<Vec<u8>>, usize)> {
    let (mut all, mut lines) = (Vec::new(), 0);
    for stored in split(file)? {
        let bare = match concerns(&line::parse(stored)?) {
            true => line::strip(stored)?,
            false => None,
        };
        lines += usize::from(bare.is_some());
        all.push(bare.unwrap_or_else(|| stored.to_vec()));
    }
    Ok((all, lines))
}

/// What one tree is made of and another is not.
fn gone(store: &Store<'_>, old: &Oid, new: &Oid) -> Result<Vec<Oid>> {
    let kept = parts(store, new)?;
    Ok(parts(store, old)?.into_iter().filter(|id| !kept.contains(id)).collect())
}

fn parts(store: &Store<'_>, tree: &Oid) -> Result<Vec<Oid>> {
    let mut all = vec![*tree];
    for entry in store.tree(tree)? {
        match entry.is_tree {
            true => all.extend(parts(store, &entry.id)?),
            false => all.push(entry.id),
        }
    }
    Ok(all)
}
