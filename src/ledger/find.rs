//! A few lines of a large ledger: single ones by their clocks, as each file begins with a higher one than
//! the file before it, or the newest. A few files are opened for them and not all.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, VecDeque};

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
                    found.extend(open.find(*clock).with_context(place)?);
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

/// The files of a replica, with the clock that each begins with where somebody has looked, and those that
/// were opened last.
struct Open<'a, 'r> {
    store: &'a Store<'r>,
    leaves: Vec<Leaf>,
    begin: HashMap<usize, u64>,
    last: VecDeque<(usize, Vec<u8>)>,
}

/// How many opened files are kept: one after the other is asked for, and looked at beside its neighbour.
const KEPT: usize = 3;

impl<'a, 'r> Open<'a, 'r> {
    fn of(store: &'a Store<'r>, leaves: Vec<Leaf>) -> Self {
        Self { store, leaves, begin: HashMap::new(), last: VecDeque::new() }
    }

    /// Best asked for one clock after the other, as they grow.
    fn find(&mut self, clock: u64) -> Result<Option<Line>> {
        if self.leaves.is_empty() {
            return Ok(None);
        }
        let leaf = self.leaf(clock)?;
        let lines = split(self.bytes(leaf)?)?;
        let (mut low, mut high) = (0, lines.len());
        while low < high {
            let middle = low.midpoint(high);
            let line = Line::parse(lines.get(middle).context("a line that is not there")?)?;
            match line.clock.cmp(&clock) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Some(line)),
            }
        }
        Ok(None)
    }

    /// The last file that begins at this clock or before it.
    fn leaf(&mut self, clock: u64) -> Result<usize> {
        let last = self.leaves.len().saturating_sub(1);
        let newest = self.begin(last)?;
        if newest <= clock {
            return Ok(last);
        }
        // Clocks grow about as files do, so it is looked for where it would be then, and beside that.
        let due = u128::from(clock) * last as u128 / u128::from(newest);
        let due = due as usize;
        let mut looks = [due, due + 1, due.saturating_sub(1)].into_iter();
        let (mut low, mut high) = (0, last);
        while high - low > 1 {
            let look = looks.find(|look| (low + 1..high).contains(look));
            let look = look.unwrap_or_else(|| low.midpoint(high));
            match self.begin(look)? <= clock {
                true => low = look,
                false => high = look,
            }
        }
        Ok(low)
    }

    fn begin(&mut self, leaf: usize) -> Result<u64> {
        if let Some(known) = self.begin.get(&leaf) {
            return Ok(*known);
        }
        let stored = self.bytes(leaf)?;
        let first = stored.split(|byte| *byte == b'\n').next().filter(|line| !line.is_empty());
        let clock = first.map(Line::parse).transpose()?.map(|line| line.clock);
        let name = || self.leaves.get(leaf).map(|leaf| leaf.name.clone()).unwrap_or_default();
        let clock = clock.with_context(|| format!("{} is empty", name()))?;
        self.begin.insert(leaf, clock);
        Ok(clock)
    }

    fn bytes(&mut self, leaf: usize) -> Result<&[u8]> {
        if !self.last.iter().any(|(known, _)| *known == leaf) {
            let file = self.leaves.get(leaf).context("a file that is not there")?;
            self.last.truncate(KEPT - 1);
            self.last.push_front((leaf, file.bytes(self.store)?));
        }
        let known = self.last.iter().find(|(known, _)| *known == leaf);
        Ok(known.map(|(_, bytes)| bytes.as_slice()).unwrap_or_default())
    }
}
