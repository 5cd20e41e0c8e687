//! What stood beside the beads in files of other tools: memories, headers, lines of kinds we do not know.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::bead::event::Beside;
use crate::bead::raw::Raw;
use crate::ledger::{Fold, Line, Loaded, Saving};

/// The newest of each subject, in the order in which they came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Kept(IndexMap<String, Raw>);

impl Fold for Kept {
    const VERSION: u32 = 1;

    fn name() -> String {
        "kept".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        if !line.act.starts_with("import.") {
            return;
        }
        if let Some(Beside::Memory(raw) | Beside::Other(raw)) = line.event() {
            self.0.insert(line.on.clone(), raw);
        }
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}

impl Kept {
    pub fn get(&self, subject: &str) -> Option<&Raw> {
        self.0.get(subject)
    }

    /// Each with its subject.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Raw)> {
        self.0.iter().map(|(subject, raw)| (subject.as_str(), raw))
    }
}
