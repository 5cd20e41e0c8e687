//! The last lines on each subject: what a new line names in `after`, so that a gap shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fold::{Loaded, Saving};
use super::table::{Kept, Table};
use super::{Fold, Line};

/// Usually one line per subject; more where two clones wrote without knowing of each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Last(Vec<String>);

impl Kept for Last {
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

/// The ends of all that the ledger has. Only writers ask for them.
#[derive(Default)]
pub(super) struct Ends(Table<Last>);

impl Fold for Ends {
    const VERSION: u32 = 1;

    fn name() -> String {
        "ends".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        match self.0.get_mut(&line.on) {
            Some(Last(heads)) => {
                heads.retain(|head| !line.after.contains(head));
                heads.push(line.id.clone());
            }
            None => self.0.add(&line.on, || Last(vec![line.id.clone()])),
        }
    }

    fn save(&self) -> Option<Saving> {
        self.0.save()
    }

    fn load(loaded: Loaded) -> Option<Self> {
        Table::load(loaded, |ends: Self| ends.0).map(Self)
    }

    fn is_sound(&self) -> bool {
        self.0.is_sound()
    }
}

impl Ends {
    /// Whether a subject ends with that line.
    pub(super) fn has(&self, on: &str, id: &str) -> bool {
        self.0.get(on).is_some_and(|Last(heads)| heads.iter().any(|head| head == id))
    }
}

/// The ends, and what was penned after them.
#[derive(Default)]
pub(super) struct Heads<'a> {
    known: Option<&'a Ends>,
    fresh: BTreeMap<String, String>,
}

impl<'a> Heads<'a> {
    pub(super) fn on(ends: &'a Ends) -> Self {
        Self { known: Some(ends), fresh: BTreeMap::new() }
    }

    pub(super) fn of(&self, on: &str) -> Vec<String> {
        if let Some(id) = self.fresh.get(on) {
            return vec![id.clone()];
        }
        let known = self.known.and_then(|ends| ends.0.get(on));
        known.map(|Last(heads)| heads.clone()).unwrap_or_default()
    }

    /// A line that names all heads of its subject becomes the only one.
    pub(super) fn follow(&mut self, on: &str, id: String) {
        self.fresh.insert(on.to_owned(), id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(on: &str, id: &str, after: &[&str]) -> Line {
        Line {
            id: id.to_owned(),
            on: on.to_owned(),
            after: after.iter().map(|id| (*id).to_owned()).collect(),
            ..Line::default()
        }
    }

    #[test]
    fn lines_that_did_not_know_of_each_other_are_both_heads() {
        let mut ends = Ends::default();
        for line in [
            line("b", "1", &[]),
            line("b", "2", &["1"]),
            line("b", "3", &["1"]),
            line("a\tb\n", "4", &[]),
        ] {
            ends.drink(&line);
        }
        let mut heads = Heads::on(&ends);
        assert_eq!(heads.of("b"), ["2", "3"]);
        assert_eq!(heads.of("a\tb\n"), ["4"]);
        assert!(heads.of("c").is_empty());
        heads.follow("b", "5".to_owned());
        assert_eq!(heads.of("b"), ["5"]);
    }
}
