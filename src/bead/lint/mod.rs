//! Can somebody do this bead without asking? Each rule of the checklist is a function of what the bead says
//! and of what is there. Pure.

mod rules;
mod shared;
pub mod template;
#[cfg(test)]
mod tests;
mod text;

use crate::bead::event::New;
use crate::bead::{Bead, Beads};
use crate::ledger::Line;
use crate::policy::Glob;

pub use shared::Shared;

/// What a bead lacks: by the name of the rule, in which field, and how that is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static str,
    pub field: &'static str,
    pub what: String,
    pub mend: String,
}

/// What a bead is held against beside its own words.
pub struct Ground<'a> {
    pub beads: &'a Beads,
    /// All paths of the target branch in their order; none where there is no such branch.
    pub tree: Option<&'a [String]>,
    pub shared: &'a Shared<'a>,
}

impl Ground<'_> {
    /// Whether there is such a file, or directory.
    fn has(&self, path: &str) -> bool {
        let tree = self.tree.unwrap_or_default();
        let at = tree.partition_point(|known| known.as_str() < path);
        let below = format!("{path}/");
        let dir = tree.partition_point(|known| *known < below);
        tree.get(at).is_some_and(|known| known == path)
            || tree.get(dir).is_some_and(|known| known.starts_with(&below))
    }

    /// How many paths a pattern means, as far as that matters.
    fn count(&self, glob: &Glob, enough: usize) -> usize {
        let (tree, start) = (self.tree.unwrap_or_default(), glob.start());
        let from = tree.partition_point(|known| *known < start);
        let near = tree.iter().skip(from).take_while(|known| known.starts_with(&start));
        near.filter(|known| glob.matches(known)).take(enough).count()
    }
}

/// All that is to be mended, in the order of the rules.
pub fn lint(ground: &Ground<'_>, bead: &Bead) -> Vec<Finding> {
    let case = rules::Case::new(ground, bead);
    let found = rules::RULES.iter().filter_map(|(rule, says)| {
        let (field, what, mend) = says(&case)?;
        Some(Finding { rule, field, what, mend })
    });
    found.collect()
}

/// A bead that nobody has written down yet.
pub fn unborn(new: New) -> Bead {
    Bead::born(&Line::default(), new)
}
