//! The last lines on each subject: what a new line names in `after`, so that a gap shows.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::Line;

/// Usually one line per subject; more where two clones wrote without knowing of each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Heads(IndexMap<String, Vec<String>>);

impl Heads {
    pub(super) fn drink(&mut self, line: &Line) {
        let heads = self.0.entry(line.on.clone()).or_default();
        heads.retain(|head| !line.after.contains(head));
        heads.push(line.id.clone());
    }

    pub(super) fn of(&self, on: &str) -> Vec<String> {
        self.0.get(on).cloned().unwrap_or_default()
    }

    /// A line that names all heads of its subject becomes the only one.
    pub(super) fn follow(&mut self, on: &str, id: String) {
        self.0.insert(on.to_owned(), vec![id]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_the_place_of_those_it_names() {
        let line = |id: &str, after: &[&str]| Line {
            id: id.to_owned(),
            on: "b".to_owned(),
            after: after.iter().map(|id| (*id).to_owned()).collect(),
            ..Line::default()
        };
        let mut heads = Heads::default();
        for line in [line("1", &[]), line("2", &["1"]), line("3", &["1"])] {
            heads.drink(&line);
        }
        assert_eq!(heads.of("b"), ["2", "3"]);
        heads.drink(&line("4", &["2", "3"]));
        assert_eq!(heads.of("b"), ["4"]);
        assert!(heads.of("c").is_empty());
    }
}
