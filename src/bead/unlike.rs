//! What a record of another tool says otherwise than the one that was read before. Pure.

use crate::bead::fields::Bead;
use crate::bead::told::LISTS;
use crate::bead::unite::{list, same};
use crate::host;

/// What follows from other beads, or from the status: a record of another tool may say it, and is not asked.
pub const DERIVED: [&str; 7] = [
    "parent",
    "dependency_count",
    "dependent_count",
    "comment_count",
    "deleted_at",
    "deleted_by",
    "delete_reason",
];

impl Bead {
    /// Whether its record was written after that which the other has heard.
    pub(super) fn is_newer_than(&self, known: &Self) -> bool {
        let heard = || host::moment(&known.updated_at).unwrap_or_default();
        let heard = known.source.as_ref().map_or_else(heard, |source| source.at.clone());
        self.source.as_ref().is_some_and(|source| source.at > heard)
    }

    /// The fields of which a record says something else than the one that was heard last.
    pub(super) fn unlike(&self, theirs: &Self) -> Vec<String> {
        let is_unlike = |name: &String| {
            let before = self.source.as_ref().and_then(|source| source.before.get(name));
            let here = before.map_or_else(|| self.value(name), |before| before.value.clone());
            let there = theirs.value(name);
            let sorted = |text: Option<&String>| {
                let mut keys = text.map(|text| list(text)).unwrap_or_default();
                keys.sort_unstable();
                keys
            };
            match LISTS.contains(&name.as_str()) {
                true => sorted(here.as_ref()) != sorted(there.as_ref()),
                false => !DERIVED.contains(&name.as_str()) && !same(here.as_ref(), there.as_ref()),
            }
        };
        let names = self.names(theirs).into_iter().filter(is_unlike);
        names.map(|name| name.replace('\n', ".")).collect()
    }
}
