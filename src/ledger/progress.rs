//! How far has a chain got into the ledger? Told by who moves the ref, before and after.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::place;
use crate::git::Oid;

/// How many tips are told besides the newest.
const REMEMBERED: usize = 7;

/// A tip, and how many lines our replica has in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) tip: Option<Oid>,
    pub(super) lines: u64,
}

/// Where a chain stands, as it was told last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) chain: String,
    /// The tips it came by, newest last: who read an older one while others went on still finds its place.
    pub(super) marks: Vec<Mark>,
    /// Whether the ref that names the newest is on the disk. Those before it are.
    pub(super) durable: bool,
    pub(super) failed: Option<Failure>,
}

/// Why nothing of a chain that was not durable by then ever will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) what: String,
    /// Whether it is worth trying again.
    pub(super) again: bool,
}

impl Progress {
    /// Of a chain that stands at this mark and goes on, after what was told before.
    pub(super) fn after(before: Option<Self>, chain: String, from: Mark) -> Self {
        let mut marks =
            before.filter(|told| told.chain == chain).map_or(Vec::new(), |told| told.marks);
        if marks.last() != Some(&from) {
            marks.push(from);
        }
        marks.drain(..marks.len().saturating_sub(REMEMBERED));
        Self { chain, marks, durable: true, failed: None }
    }

    pub(super) fn newest(&self) -> Option<&Mark> {
        self.marks.last()
    }

    /// How many lines are on the disk.
    pub(super) fn settled(&self) -> u64 {
        let mut marks = self.marks.iter().rev().skip(usize::from(!self.durable));
        marks.next().map_or(0, |mark| mark.lines)
    }

    pub(super) fn load(desk: &Path) -> Option<Self> {
        place::read(&desk.join("progress"))
    }

    pub(super) fn save(&self, desk: &Path) -> Result<()> {
        place::write(&desk.join("progress"), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_remembers_some_tips_and_what_is_on_the_disk() {
        let at = |lines| Mark { tip: None, lines };
        let mut told = None;
        for lines in 0..20 {
            let mut next = Progress::after(told, "c".to_owned(), at(lines));
            next.marks.push(at(lines + 1));
            next.durable = false;
            assert_eq!(next.settled(), lines);
            next.durable = true;
            assert_eq!((next.settled(), next.newest()), (lines + 1, Some(&at(lines + 1))));
            told = Some(next);
        }
        assert_eq!(told.as_ref().unwrap().marks.len(), REMEMBERED + 1);
        assert_eq!(Progress::after(told, "d".to_owned(), at(5)).marks, [at(5)]);
    }
}
