//! A few lines of a large ledger: single ones by their clocks, as each file begins with a higher one than
//! the file before it, or the newest. A few files are opened for them and not all.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result};

use super::canon::split;
use super::layout::Book;
use super::leaf::Leaf;
use super::state::in_order;
use super::{Ledger, Line, Query};
use crate::git::{Oid, Store};

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
                    found.extend(open.find(*clock).with_context(place)?.cloned());
                }
            }
            Ok(in_order(found))
        })
    }
}

impl Ledger<'_> {
    /// The newest lines outside the trail that are asked for, so many at most, in the one order.
    pub fn newest(&self, query: &Query, most: usize) -> Result<Vec<Line>> {
        self.steadily(|tip, seen| {
            let Some(tip) = tip else { return Ok(Vec::new()) };
            let shelf = self.shelf_of(&tip)?;
            self.compare(&shelf, tip, seen)?;
            let open = |(name, dir)| End::open(&self.store, name, dir);
            let mut ends: Vec<_> = shelf.replicas().map(open).collect::<Result<_>>()?;
            let (mut found, mut last) = (Vec::new(), String::new());
            while found.len() < most {
                let newest = ends.iter_mut().max_by(|one, other| one.key().cmp(&other.key()));
                let Some(line) = newest.map(End::pop).transpose()?.flatten() else { break };
                // Two replicas may hold the same line: it is one line.
                if line.id != last {
                    last.clone_from(&line.id);
                    found.extend(query.fits(&line).then_some(line));
                }
            }
            found.reverse();
            Ok(found)
        })
    }
}

/// The lines of a replica, from the last to the first. There are some at hand while there are any.
struct End<'a, 'r> {
    store: &'a Store<'r>,
    name: &'a str,
    leaves: Vec<Leaf>,
    lines: Vec<Line>,
}

impl<'a, 'r> End<'a, 'r> {
    fn open(store: &'a Store<'r>, name: &'a str, dir: &Oid) -> Result<Self> {
        let leaves = Book::open(store, dir).and_then(|book| book.leaves(store, 0));
        let leaves = leaves.with_context(|| format!("replica {name}"))?;
        let mut end = Self { store, name, leaves, lines: Vec::new() };
        end.reach()?;
        Ok(end)
    }

    fn key(&self) -> Option<(u64, &str)> {
        self.lines.last().map(Line::key)
    }

    fn pop(&mut self) -> Result<Option<Line>> {
        let line = self.lines.pop();
        self.reach()?;
        Ok(line)
    }

    fn reach(&mut self) -> Result<()> {
        while self.lines.is_empty()
            && let Some(leaf) = self.leaves.pop()
        {
            let place = || format!("replica {}, {}", self.name, leaf.name);
            self.lines =
                leaf.bytes(self.store).and_then(|stored| parse(&stored)).with_context(place)?;
        }
        Ok(())
    }
}

fn parse(stored: &[u8]) -> Result<Vec<Line>> {
    split(stored)?.into_iter().map(Line::parse).collect()
}

/// The files of a replica, with the clock that each begins with where somebody has looked, and the lines
/// of the one that was opened last.
struct Open<'a, 'r> {
    store: &'a Store<'r>,
    leaves: Vec<Leaf>,
    begin: HashMap<usize, u64>,
    open: Option<usize>,
    last: Vec<Line>,
}

impl<'a, 'r> Open<'a, 'r> {
    fn of(store: &'a Store<'r>, leaves: Vec<Leaf>) -> Self {
        Self { store, leaves, begin: HashMap::new(), open: None, last: Vec::new() }
    }

    /// Best asked for one clock after the other, as they grow.
    fn find(&mut self, clock: u64) -> Result<Option<&Line>> {
        let leaf = self.leaf(clock)?;
        if self.open.replace(leaf) != Some(leaf) {
            let file = self.leaves.get(leaf).map(|leaf| leaf.bytes(self.store)).transpose()?;
            self.last = parse(&file.unwrap_or_default())?;
        }
        let number = self.last.binary_search_by_key(&clock, |line| line.clock);
        Ok(number.ok().and_then(|number| self.last.get(number)))
    }

    /// The last file that begins at this clock or before it.
    fn leaf(&mut self, clock: u64) -> Result<usize> {
        let (mut low, mut high) = (0, self.leaves.len());
        while high - low > 1 {
            let middle = low.midpoint(high);
            match self.begin(middle)? <= clock {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(low)
    }

    fn begin(&mut self, leaf: usize) -> Result<u64> {
        if let Some(known) = self.begin.get(&leaf) {
            return Ok(*known);
        }
        let file = self.leaves.get(leaf).context("a file that is not there")?;
        let stored = file.bytes(self.store)?;
        let first = split(&stored)?.into_iter().next();
        let clock = Line::parse(first.with_context(|| format!("{} is empty", file.name))?)?.clock;
        self.begin.insert(leaf, clock);
        Ok(clock)
    }
}
