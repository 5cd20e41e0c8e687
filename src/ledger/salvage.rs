//! What is left of a ledger whose newest commit is lost: a commit says little that its tree does not, so
//! the newest tree that is whole is the way back. It may have lines that no ref leads to any more.

use anyhow::{Result, ensure};

use super::check::Check;
use super::place::{self, Seen};
use super::shelf::{News, Position, Shelf};
use super::{Ledger, format, pin, trail};
use crate::git::Oid;

/// A tree, and what is known of it.
pub(super) struct Salvage {
    pub(super) tree: Oid,
    pub(super) lines: u64,
    /// Whether all is in it that this clone has seen.
    pub(super) has_all: bool,
}

impl Ledger<'_> {
    /// The newest of our trees that is whole, where no commit can be read that the ref names.
    pub(super) fn salvage(&self) -> Option<Salvage> {
        if let Ok(Some(tip)) = self.repo.read_ref(&self.name)
            && self.store.commit(&tip).is_ok()
        {
            return None;
        }
        let mut found = Vec::new();
        let ours = place::known(self.repo);
        for tree in self.store.trees().ok()? {
            let Ok(shelf) = self.ledger_in(&tree) else { continue };
            // Ours first: what others wrote may be of a ledger that was not taken in.
            let dir = ours.as_ref().and_then(|name| shelf.replica(name));
            let own = dir.and_then(|dir| Position::of(&self.store, dir).ok().flatten());
            if let Ok(lines) = pin::count(&self.store, &shelf) {
                found.push((own.map_or(0, |own| own.lines), lines, tree, shelf));
            }
        }
        found.sort_unstable_by_key(|(own, lines, tree, _)| (*own, *lines, *tree));
        let newest = found.into_iter().rev();
        let mut whole = newest.filter(|(.., shelf)| self.reads_whole(shelf).is_ok());
        let (_, lines, tree, shelf) = whole.next()?;
        let has_all = Seen::load(self.repo).is_some_and(|seen| {
            matches!(shelf.news(&self.store, &seen.positions, &mut drop), Ok(News::To(_)))
        });
        Some(Salvage { tree, lines, has_all })
    }

    fn ledger_in(&self, tree: &Oid) -> Result<Shelf> {
        let entries = self.store.tree(tree)?;
        ensure!(entries.iter().any(|entry| entry.name == format::FILE), "no ledger");
        let shelf = Shelf::open(&self.store, tree)?;
        self.at_home(&shelf)?;
        Ok(shelf)
    }

    /// Reads every line, and what stands beside them.
    pub(super) fn reads_whole(&self, shelf: &Shelf) -> Result<()> {
        let mut texts = Check::of(&self.store, shelf);
        shelf.lines(&self.store, &mut |line| texts.line(&line))?;
        texts.end()?;
        for dir in trail::dirs(&self.store, shelf)?.values() {
            trail::walk(&self.store, dir, 0, &mut |_| {})?;
        }
        Ok(())
    }
}
