//! What happened, in order: append-only lines under one ref; knows bytes, not words.

use std::cell::OnceCell;

use anyhow::Result;

use crate::git::{Oid, RefName, Repo, Store};
use crate::host::Clock;

mod attest;
mod back;
mod cache;
mod canon;
mod chain;
mod check;
mod checkpoint;
mod claim;
mod commit;
mod find;
mod fold;
mod format;
mod garbage;
mod heads;
mod health;
mod home;
mod layout;
mod leaf;
mod line;
mod listen;
mod maintain;
mod manners;
mod meanwhile;
mod merge;
mod past;
mod pen;
mod pin;
mod place;
mod progress;
mod prose;
mod query;
mod read;
mod refused;
mod regrow;
mod remake;
mod remote;
mod replay;
mod salvage;
mod saved;
mod seal;
mod shelf;
mod state;
mod strays;
mod sync;
mod table;
mod texts;
mod trail;
mod verify;
mod vocabulary;
mod with;
mod write;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use attest::Attested;
pub use back::Way;
pub use canon::{DEEPEST, OVERSIZED, depth, digest};
pub use checkpoint::Checkpoint;
pub use fold::{Each, Fold, Folds, Loaded, Part, Saving};
pub use health::Health;
pub use line::{Line, UNDOES};
pub use maintain::Maintenance;
pub use manners::UNREADABLE;
pub use pen::{NAME_DIGITS, Pen};
pub use place::{Name, known as known_replica, names as replica_names};
pub use prose::{LONGEST_TEXT, MARK, is_elsewhere, same_text};
pub use query::Query;

pub use remote::{default_remote, fetch_spec, fetched_by, fetched_from, seen_of, taken_from};
pub use saved::Saved;
pub use sync::Synced;
pub use table::{Body, Hear, Kept, Row, Table};
pub use trail::{Note, REDACTED, Redacted, Travel};
pub use verify::{Finding, Verified};
pub use vocabulary::word;
pub use with::With;

pub type Json = serde_json::Value;

/// A value as JSON, for rooms that hand one to a program.
pub fn json(value: &impl serde::Serialize) -> Result<Json> {
    Ok(serde_json::to_value(value)?)
}

/// Where the ledger is.
pub const REF: &str = "refs/shopfloor/ledger";

/// Who acts, as every line tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    pub by: String,
    pub owner: String,
    pub session: Option<String>,
    pub model: Option<String>,
    pub agent: bool,
    pub epoch: Option<u64>,
    /// The names under which the clone in which it acts has ever written, and until when. No line tells them.
    pub replicas: Vec<Name>,
}

/// The ledger of one repository.
pub struct Ledger<'r> {
    repo: &'r Repo,
    clock: Clock,
    store: Store<'r>,
    name: RefName,
    /// Of which repository the ledger is, once that was asked.
    whose: OnceCell<Option<Oid>>,
    progress: Box<dyn Fn(usize, usize) + 'r>,
    warning: Box<dyn Fn(&str) + 'r>,
    also: fn() -> Vec<Box<dyn Part>>,
}

impl<'r> Ledger<'r> {
    pub fn open(repo: &'r Repo, clock: &Clock) -> Result<Self> {
        let (store, clock, name) = (Store::open(repo), clock.clone(), REF.parse()?);
        let (progress, warning) = (Box::new(|_, _| {}), Box::new(|_: &str| {}));
        let (whose, also) = (OnceCell::new(), Vec::new as fn() -> _);
        Ok(Self { repo, clock, store, name, whose, progress, warning, also })
    }

    /// The time that a line written now would carry.
    pub fn now(&self) -> String {
        self.clock.now().to_string()
    }

    /// Tells while it reads how many files it has read, of how many.
    pub fn telling(self, progress: impl Fn(usize, usize) + 'r) -> Self {
        Self { progress: Box::new(progress), ..self }
    }

    /// Makes these folds too when all lines have to be read, and saves them: whoever asks for one of them
    /// next need not read all lines again.
    pub fn also(self, also: fn() -> Vec<Box<dyn Part>>) -> Self {
        Self { also, ..self }
    }

    /// Says of what is read what a reader should know: that it may not be all.
    pub fn warning(self, warning: impl Fn(&str) + 'r) -> Self {
        Self { warning: Box::new(warning), ..self }
    }
}
