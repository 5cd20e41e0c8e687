//! Where in the ledger the lines about a bead are, or about anything else that has lines, so that whoever
//! asks for one of them reads a few lines and not all.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::ledger::{Fold, Kept, Ledger, Line, Loaded, Saving, Table};

/// The lines on a subject, by their clocks, and other subjects of which a line says that they are about
/// this one, with the clock of that line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Mentions {
    own: Vec<u64>,
    followed: Vec<(String, u64)>,
    /// It is a name of somebody.
    acts: bool,
}

/// What a whole word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// What has lines of its own.
    Subject,
    /// Somebody who wrote a line, or into whose hands one puts something.
    Name,
}

/// Under which words a line names whoever it puts something into the hands of.
const HANDS: [&str; 3] = ["agent", "holder", "to"];

impl Kept for Mentions {
    type Face<'a> = ();

    fn face(&self) {}

    fn write_face(&self, _: &mut Vec<u8>) -> Option<()> {
        None
    }

    fn read_face(_: &[u8]) -> Option<()> {
        None
    }

    fn mark(&self) -> u8 {
        1
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
}

/// Of every subject of the ledger.
#[derive(Default)]
pub struct History(Table<Mentions>);

impl Fold for History {
    const VERSION: u32 = 2;

    fn name() -> String {
        "history".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        self.change(&line.on, |known| known.own.push(line.clock));
        // What another tool said is about its subject alone, and long.
        if line.act.starts_with("import.") {
            return;
        }
        if let Some(bead) = line.with.text("bead").filter(|bead| *bead != line.on) {
            self.change(&bead, |known| {
                if !known.followed.iter().any(|(on, _)| *on == line.on) {
                    known.followed.push((line.on.clone(), line.clock));
                }
            });
        }
        let hands = HANDS.iter().filter_map(|word| line.with.text(word));
        for name in std::iter::once(line.by.clone()).chain(hands) {
            if !self.0.get(&name).is_some_and(|known| known.acts) {
                self.change(&name, |known| known.acts = true);
            }
        }
    }

    fn save(&self) -> Option<Saving> {
        self.0.save()
    }

    fn load(loaded: Loaded) -> Option<Self> {
        Table::load(loaded, |history: Self| history.0).map(Self)
    }

    fn is_sound(&self) -> bool {
        self.0.is_sound()
    }
}

impl History {
    pub fn knows(&self, word: &str) -> Option<Known> {
        let known = self.0.get(word)?;
        let subject = (!known.own.is_empty()).then_some(Known::Subject);
        subject.or(known.acts.then_some(Known::Name))
    }

    /// All lines on these subjects, and on what was done for them from the moment on that a line says so;
    /// perhaps others with the same clock. In the one order.
    pub fn lines(&self, ledger: &Ledger<'_>, of: &[&str]) -> Result<Vec<Line>> {
        ledger.at(&of.iter().flat_map(|id| self.clocks(id)).collect())
    }

    fn clocks(&self, id: &str) -> BTreeSet<u64> {
        let Some(known) = self.0.get(id) else { return BTreeSet::new() };
        let mut clocks: BTreeSet<_> = known.own.iter().copied().collect();
        for (on, since) in &known.followed {
            let there = self.0.get(on).map_or(&[][..], |known| &known.own);
            clocks.extend(there.iter().filter(|clock| *clock >= since));
        }
        clocks
    }

    fn change(&mut self, key: &str, change: impl FnOnce(&mut Mentions)) {
        match self.0.get_mut(key) {
            Some(known) => change(known),
            None => self.0.add(key, || {
                let mut new = Mentions::default();
                change(&mut new);
                new
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_lines_about_a_bead_are_its_own_and_those_of_what_was_done_for_it() {
        let mut history = History::default();
        for (clock, on, with) in [
            (1, "b-1", json!({"title": "x"})),
            (2, "b-2", json!({"title": "y"})),
            (3, "main#1", json!({"why": "not yet"})),
            (4, "main#1", json!({"bead": "b-1"})),
            (5, "b-1", json!(null)),
            (6, "main#1", json!({"bead": "b-2"})),
            (7, "main#1", json!({})),
            (7, "s-1", json!({"bead": "b-1", "agent": "toast"})),
            (8, "b-1", json!({"bead": "b-1"})),
        ] {
            let (on, by) = (on.to_owned(), "jane".to_owned());
            history.drink(&Line { clock, on, by, with: with.into(), ..Line::default() });
        }
        for (id, clocks) in [
            ("b-1", &[1, 4, 5, 6, 7, 8][..]),
            ("b-2", &[2, 6, 7]),
            ("main#1", &[3, 4, 6, 7]),
            ("b-3", &[]),
        ] {
            assert_eq!(history.clocks(id).into_iter().collect::<Vec<_>>(), clocks, "{id}");
        }
        for (word, known) in [
            ("s-1", Some(Known::Subject)),
            ("jane", Some(Known::Name)),
            ("toast", Some(Known::Name)),
            ("b-3", None),
        ] {
            assert_eq!(history.knows(word), known, "{word}");
        }
    }
}
