//! A fold and how far it has drunk.

use anyhow::Result;

use super::heads::Heads;
use super::shelf::Positions;
use super::{Fold, Line};
use crate::git::Oid;

/// How many lines behind a saved state may be before it is saved again, at least.
const BEHIND: usize = 64;

/// The state after all lines of a tip.
#[derive(Debug)]
pub(super) struct State<S> {
    pub(super) tip: Option<Oid>,
    pub(super) positions: Positions,
    pub(super) count: u64,
    /// The place of the last line in the one order.
    pub(super) last: (u64, String),
    pub(super) fold: S,
    /// The heads as they were saved; only writers need them, so only writers read them.
    pub(super) heads: Vec<u8>,
    /// What was drunk since.
    pub(super) fresh: Vec<Line>,
}

impl<S: Fold> Default for State<S> {
    fn default() -> Self {
        Self {
            tip: None,
            positions: Positions::new(),
            count: 0,
            last: Default::default(),
            fold: S::default(),
            heads: Vec::new(),
            fresh: Vec::new(),
        }
    }
}

impl<S: Fold> State<S> {
    /// Drinks new lines if all of them come after all that was drunk; says whether it did.
    pub(super) fn drink(&mut self, lines: Vec<Line>) -> bool {
        let lines = in_order(lines);
        if lines.first().is_some_and(|line| line.key() <= (self.last.0, &self.last.1)) {
            return false;
        }
        for line in &lines {
            self.fold.drink(line);
        }
        if let Some(line) = lines.last() {
            self.last = (line.clock, line.id.clone());
        }
        self.count += lines.len() as u64;
        self.fresh.extend(lines);
        true
    }

    /// What a new line's clock must exceed.
    pub(super) fn clock(&self) -> u64 {
        self.last.0
    }

    pub(super) fn heads(&self) -> Result<Heads> {
        let mut heads = Heads::parse(&self.heads)?;
        for line in &self.fresh {
            heads.drink(line);
        }
        Ok(heads)
    }

    /// Whether catching up costs more than saving, seen over many commands.
    pub(super) fn is_behind(&self) -> bool {
        self.fresh.len() > BEHIND.max(usize::try_from(self.count / 64).unwrap_or(BEHIND))
    }
}

/// The one order. Two replicas may hold the same line: it is one line.
pub(super) fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(|one, other| one.key().cmp(&other.key()));
    lines.dedup_by(|one, other| one.id == other.id);
    lines
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Told(Vec<String>);

    impl Fold for Told {
        const VERSION: u32 = 1;

        fn name() -> String {
            "told".to_owned()
        }

        fn drink(&mut self, line: &Line) {
            self.0.push(line.id.clone());
        }
    }

    fn line(clock: u64, id: &str) -> Line {
        Line { clock, id: id.to_owned(), ..Line::default() }
    }

    #[test]
    fn lines_are_drunk_by_clock_then_id_and_once() {
        let mut state = State::<Told>::default();
        assert!(state.drink(vec![line(2, "a"), line(1, "c"), line(2, "a"), line(1, "b")]));
        assert_eq!(state.fold, Told(["b", "c", "a"].map(str::to_owned).to_vec()));
        assert_eq!((state.count, state.clock()), (3, 2));
    }

    #[test]
    fn a_line_of_the_past_is_not_drunk_after_the_present() {
        let mut state = State::<Told>::default();
        assert!(state.drink(vec![line(2, "b")]));
        for late in [line(1, "z"), line(2, "a"), line(2, "b")] {
            assert!(!state.drink(vec![late, line(9, "x")]));
        }
        assert_eq!(state.count, 1);
        assert!(state.drink(vec![line(2, "c")]) && state.drink(Vec::new()));
    }
}
