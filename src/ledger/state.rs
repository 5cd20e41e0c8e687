//! A fold and how far it has drunk.

use std::path::Path;
use std::rc::Rc;

use super::Line;
use super::cache::{self, Mark};
use super::fold::{Folds, Part, Source};
use super::heads::Ends;
use super::shelf::Positions;
use crate::git::Oid;

/// How many lines behind a saved state may be before it is saved again.
pub(super) const BEHIND: u64 = 32;

/// The state after all lines of a tip.
#[derive(Default)]
pub(super) struct State<S: ?Sized> {
    pub(super) tip: Option<Oid>,
    pub(super) positions: Positions,
    /// The place of the last line in the one order.
    pub(super) last: (u64, String),
    /// How each part of the fold stands.
    pub(super) parts: Vec<Standing>,
    pub(super) fold: S,
}

/// A state of whichever fold: what is done to it is compiled once.
pub(super) type Any<'f> = State<dyn Folds + 'f>;

/// How far one part has drunk, how much of that was saved, and what that was saved on.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    pub(super) mark: Mark,
    pub(super) fresh: u64,
    pub(super) bottom: u64,
}

/// What a writer needs besides the state it decides on.
#[derive(Default)]
pub(super) struct Written<S> {
    pub(super) fold: S,
    pub(super) ends: Ends,
}

impl<S: Folds> Folds for Written<S> {
    fn parts(&mut self) -> Vec<&mut dyn Part> {
        let mut parts = self.fold.parts();
        parts.push(&mut self.ends);
        parts
    }
}

impl Any<'_> {
    /// Takes what was saved, each part as far as it had come; without a place for that, nothing.
    pub(super) fn fill(&mut self, own_dir: Option<&Path>, lines: &Source) {
        self.parts.clear();
        for part in self.fold.parts() {
            part.clear();
            let found = own_dir.and_then(|dir| cache::load(dir, part, Rc::clone(lines)));
            let (mark, bottom) = found.unwrap_or_default();
            self.parts.push(Standing { mark, bottom, fresh: 0 });
        }
        self.arrive();
    }

    /// Whether every part has drunk all lines of a tip.
    pub(super) fn stands_at(&self, tip: &Oid) -> bool {
        self.parts.iter().all(|part| part.mark.tip.as_ref() == Some(tip)) && self.tip.is_some()
    }

    /// Where the first part stands that does not stand at a tip.
    pub(super) fn behind(&self, tip: &Oid) -> Option<Mark> {
        let behind = |part: &&Standing| part.mark.tip.as_ref() != Some(tip);
        self.parts.iter().find(behind).map(|part| part.mark.clone())
    }

    /// The parts that stand there.
    pub(super) fn parts_at(&mut self, mark: &Mark) -> Vec<(&mut dyn Part, &mut Standing)> {
        let all = self.fold.parts().into_iter().zip(&mut self.parts);
        all.filter(|(_, standing)| standing.mark.positions == mark.positions).collect()
    }

    /// All parts stand at one place now.
    pub(super) fn arrive(&mut self) {
        if let Some(Standing { mark, .. }) = self.parts.first() {
            (self.tip, self.last) = (mark.tip, mark.last.clone());
            self.positions.clone_from(&mark.positions);
        }
    }

    /// Drinks new lines if all of them come after all that was drunk; says whether it did.
    pub(super) fn drink(&mut self, lines: Vec<Line>) -> bool {
        let lines = in_order(lines);
        if lines.first().is_some_and(|line| line.key() <= (self.last.0, &self.last.1)) {
            return false;
        }
        for line in &lines {
            for part in self.fold.parts() {
                part.drink(line);
            }
        }
        if let Some(line) = lines.last() {
            self.last = (line.clock, line.id.clone());
        }
        true
    }

    /// Saves the parts for which catching up costs more than saving, seen over many commands.
    pub(super) fn save(&mut self, own_dir: &Path) {
        for (part, standing) in self.fold.parts().into_iter().zip(&mut self.parts) {
            if standing.fresh > BEHIND
                && let Some(bottom) = cache::save(own_dir, part, &standing.mark, standing.bottom)
            {
                (standing.fresh, standing.bottom) = (0, bottom);
            }
        }
    }
}

/// Whether all that was asked of a state could be read as it was saved. Else what was made again was asked,
/// which knows of what the ledger has, and nothing of what was decided on top of that.
pub(super) fn is_sound(state: &mut Any<'_>) -> bool {
    state.fold.parts().iter().all(|part| part.is_sound())
}

/// The one order. Two replicas may hold the same line: it is one line.
pub(super) fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_unstable_by(|one, other| one.key().cmp(&other.key()));
    lines.dedup_by(|one, other| one.id == other.id);
    lines
}
#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::ledger::{Fold, Loaded, Saving};

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

        fn save(&self) -> Option<Saving> {
            Saving::plain(self)
        }

        fn load(loaded: Loaded) -> Option<Self> {
            loaded.plain()
        }
    }

    fn line(clock: u64, id: &str) -> Line {
        Line { clock, id: id.to_owned(), ..Line::default() }
    }

    #[test]
    fn lines_are_drunk_by_clock_then_id_and_once() {
        let mut state = State::<Told>::default();
        let any: &mut Any<'_> = &mut state;
        assert!(any.drink(vec![line(2, "a"), line(1, "c"), line(2, "a"), line(1, "b")]));
        assert_eq!(any.last.0, 2);
        assert_eq!(state.fold, Told(["b", "c", "a"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_line_of_the_past_is_not_drunk_after_the_present() {
        let mut state = State::<Told>::default();
        let any: &mut Any<'_> = &mut state;
        assert!(any.drink(vec![line(2, "b")]));
        for late in [line(1, "z"), line(2, "a"), line(2, "b")] {
            assert!(!any.drink(vec![late, line(9, "x")]));
        }
        assert!(any.drink(vec![line(2, "c")]) && any.drink(Vec::new()));
        assert_eq!(state.fold.0.len(), 2);
    }
}
