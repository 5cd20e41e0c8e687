//! Single lines of a large ledger, by their clocks: each file begins with a higher one than the file
//! before it, so a few of them are opened and not all.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result};

use super::canon::split;
use super::layout::Book;
use super::leaf::Leaf;
use super::state::in_order;
use super::{Ledger, Line};
use crate::git::Store;

impl Ledger<'_> {
    /// The lines that have these clocks, of whichever replica, in the one order.
    pub fn at(&self, clocks: &BTreeSet<u64>) -> Result<Vec<Line>> {
        self.steadily(|tip, seen| {
            let Some(tip) = tip else { return Ok(Vec::new()) };
            let shelf = self.shelf_of(&tip)?;
            self.compare(&shelf, tip, seen)?;
            let mut found = Vec::new();
            for (name, dir) in shelf.replicas() {
                let place = || format!("replica {name}");
                let leaves = Book::open(&self.store, dir).and_then(|b| b.leaves(&self.store, 0));
                let mut open = Open::of(&self.store, leaves.with_context(place)?);
                for clock in clocks {
                    found.extend(open.find(*clock).with_context(place)?);
                }
            }
            Ok(in_order(found))
        })
    }
}

/// The files of a replica, those that were looked into with what was read.
struct Open<'a, 'r> {
    store: &'a Store<'r>,
    leaves: Vec<Leaf>,
    read: HashMap<usize, Vec<u8>>,
}

impl<'a, 'r> Open<'a, 'r> {
    fn of(store: &'a Store<'r>, leaves: Vec<Leaf>) -> Self {
        Self { store, leaves, read: HashMap::new() }
    }

    fn find(&mut self, clock: u64) -> Result<Option<Line>> {
        let (mut low, mut high) = (0, self.leaves.len());
        // The last file that begins at this clock or before it.
        while high - low > 1 {
            let middle = low.midpoint(high);
            match self.line(middle, 0)?.is_some_and(|line| line.clock <= clock) {
                true => low = middle,
                false => high = middle,
            }
        }
        let leaf = low;
        let (mut low, mut high) = (0, self.stored(leaf)?.len());
        while low < high {
            let middle = low.midpoint(high);
            let Some(line) = self.line(leaf, middle)? else { break };
            match line.clock.cmp(&clock) {
                std::cmp::Ordering::Equal => return Ok(Some(line)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    fn line(&mut self, leaf: usize, number: usize) -> Result<Option<Line>> {
        let stored = self.stored(leaf)?;
        stored.get(number).map(|stored| Line::parse(stored)).transpose()
    }

    fn stored(&mut self, leaf: usize) -> Result<Vec<&[u8]>> {
        let Some(file) = self.leaves.get(leaf) else { return Ok(Vec::new()) };
        if !self.read.contains_key(&leaf) {
            self.read.insert(leaf, file.bytes(self.store)?);
        }
        let bytes = self.read.get(&leaf).map_or(&[][..], Vec::as_slice);
        split(bytes).with_context(|| file.name.clone())
    }
}
