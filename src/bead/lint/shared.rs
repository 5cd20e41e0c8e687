//! Which beads that can be started now own files in common? Pure.

use std::collections::HashMap;

use crate::bead::Bead;
use crate::policy::Glob;

/// By bead: the first other one of which it shares files, and the pattern.
#[derive(Default)]
pub struct Shared<'a> {
    by_bead: HashMap<&'a str, (&'a str, String)>,
}

impl<'a> Shared<'a> {
    /// Patterns can only meet where the plain start of one begins that of the other: in the order of their
    /// starts those stand together.
    pub fn among(ready: impl Iterator<Item = &'a Bead>) -> Self {
        let mut all: Vec<(String, Glob, &str)> = Vec::new();
        for bead in ready {
            all.extend(bead.globs().into_iter().map(|glob| (glob.start(), glob, &*bead.id)));
        }
        all.sort_unstable_by(|one, other| (&one.0, one.2).cmp(&(&other.0, other.2)));
        let mut by_bead = HashMap::new();
        for (n, (start, glob, id)) in all.iter().enumerate() {
            let near = all.iter().skip(n + 1).take_while(|other| other.0.starts_with(start));
            for (_, other, whose) in near {
                let is_news = !by_bead.contains_key(id) || !by_bead.contains_key(whose);
                if id != whose && is_news && glob.meets(other) {
                    by_bead.entry(*id).or_insert((*whose, glob.as_str().to_owned()));
                    by_bead.entry(*whose).or_insert((*id, other.as_str().to_owned()));
                }
            }
        }
        Self { by_bead }
    }

    pub(super) fn of(&self, id: &str) -> Option<(&'a str, &str)> {
        self.by_bead.get(id).map(|(other, pattern)| (*other, pattern.as_str()))
    }
}
