//! One kind of what is saved of a table, in pages: each is read when something of it is asked for, and
//! checked for itself, so that a look at one row costs as little among a hundred thousand as among ten.

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

use crate::ledger::saved::Back;
use crate::ledger::seal::seal;

/// The disk does not give back what was put there.
#[derive(Debug)]
pub(super) struct Damaged;

pub(super) type Sound<T> = Result<T, Damaged>;

/// Where pages end, one after the other, and how to check each.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Bounds(Vec<(u64, u32)>);

impl Bounds {
    /// The page that was written last, up to the end of `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8], start: usize) {
        let page = bytes.get(start..).unwrap_or_default();
        self.0.push((bytes.len() as u64, sum(page)));
    }
}

pub(super) struct Pages {
    start: u64,
    ends: Vec<(u64, u32)>,
    read: Vec<OnceCell<Box<[u8]>>>,
}

impl Pages {
    /// Pages of which the first begins at `start`.
    pub(super) fn new(start: u64, Bounds(ends): Bounds) -> Self {
        let read = std::iter::repeat_with(OnceCell::new).take(ends.len()).collect();
        Self { start, ends, read }
    }

    pub(super) fn end(&self) -> u64 {
        self.ends.last().map_or(self.start, |(end, _)| *end)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub(super) fn get<'p>(&'p self, back: &'p Back, n: usize) -> Sound<&'p [u8]> {
        match self.read.get(n).and_then(OnceCell::get) {
            Some(known) => Ok(known),
            None => self.fetch(back, n),
        }
    }

    /// What is in memory is what was put there.
    fn fetch<'p>(&'p self, back: &'p Back, n: usize) -> Sound<&'p [u8]> {
        let start = n.checked_sub(1).and_then(|n| self.ends.get(n)).map_or(self.start, |end| end.0);
        let (end, told) = *self.ends.get(n).ok_or(Damaged)?;
        if let Back::Memory(bytes) = back {
            return bytes.get(start as usize..end as usize).ok_or(Damaged);
        }
        let bytes = back.read(start..end).filter(|bytes| sum(bytes) == told).ok_or(Damaged)?;
        let cell = self.read.get(n).ok_or(Damaged)?;
        Ok(cell.get_or_init(|| bytes.into_owned().into_boxed_slice()))
    }

    /// Reads those that were not read yet.
    pub(super) fn read_all(&self, back: &Back) -> Sound<()> {
        (0..self.len()).try_for_each(|n| self.get(back, n).map(drop))
    }
}

pub(super) fn sum(bytes: &[u8]) -> u32 {
    (seal(bytes) >> 32) as u32
}
