//! Whether the texts that lines name are there, looked at line by line; and whether what stands beside
//! the lines is no larger than anything of ours.

use anyhow::{Context as _, Result, ensure};

use super::Line;
use super::canon::DEEPEST;
use super::prose::{CLOSE, Name, named};
use super::shelf::Shelf;
use super::texts::{Texts, all};
use crate::git::{Entry, Store};

/// Looks whether they are there, and are what they say.
pub(super) struct Check<'a, 'r> {
    store: &'a Store<'r>,
    shelf: &'a Shelf,
    there: Option<Texts>,
    found: Result<()>,
}

impl<'a, 'r> Check<'a, 'r> {
    pub(super) fn of(store: &'a Store<'r>, shelf: &'a Shelf) -> Self {
        Self { store, shelf, there: None, found: Ok(()) }
    }

    pub(super) fn line(&mut self, line: &Line) {
        if self.found.is_ok() && line.with.may_hold(CLOSE) {
            self.found = self.look(line);
        }
    }

    /// What was found first.
    pub(super) fn end(self) -> Result<()> {
        self.found?;
        fit(self.store, self.shelf.strangers(self.store)?, DEEPEST)
    }

    fn look(&mut self, line: &Line) -> Result<()> {
        for name in named(line) {
            let of = || format!("the text {} of line {} ({})", name.hash, line.id, line.on);
            let there = match &self.there {
                Some(there) => there,
                None => self.there.insert(all(self.store, self.shelf)?),
            };
            let id = there.get(&name.hash).with_context(|| format!("{} is missing", of()))?;
            let bytes = self.store.blob(id).with_context(of)?;
            ensure!(Name::of(&bytes) == name, "{} was altered", of());
        }
        Ok(())
    }
}

/// Nothing is known of these files but that whoever keeps them keeps the limits.
fn fit(store: &Store<'_>, entries: Vec<Entry>, depth: usize) -> Result<()> {
    ensure!(depth > 0, "directories deeper than {DEEPEST}");
    for Entry { name, is_tree, id } in entries {
        match is_tree {
            true => fit(store, store.tree(&id)?, depth - 1).with_context(|| name)?,
            false => store.fits(&id).with_context(|| name)?,
        }
    }
    Ok(())
}
