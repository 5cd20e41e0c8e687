//! What sessions tell of themselves: lines too, in sequences of their own beside the others, which no
//! fold opens. Notes are taken down cheaply and poured together.
//!
//! Of a trail that does not travel, the lines stand in the same form in files of this clone.

use anyhow::Result;

use super::Ledger;
use super::place::Seen;

mod end;
mod frame;
mod line;
mod local;
mod note;
mod pour;
mod redact;
mod spool;
mod walk;

pub use line::REDACTED;
pub(super) use line::parse;
pub(super) use local::leaves;
pub use note::{Note, Travel};
pub use redact::Redacted;
pub(super) use walk::{check, dirs, ids, walk};

use spool::Spool;

impl Ledger<'_> {
    /// Takes notes down, flushed to the disk; the ledger is not touched, unless enough has come together.
    pub fn note(&self, mut notes: Vec<Note>) -> Result<()> {
        if notes.is_empty() {
            return Ok(());
        }
        let seen = Seen::load(self.repo);
        let clocks = seen.iter().flat_map(|seen| seen.positions.values()).map(|at| at.clock);
        let clock = clocks.max().unwrap_or_default();
        for note in &mut notes {
            note.clock = clock;
        }
        let length = Spool::of(self.store.beside(spool::DIR)?).add(&notes)?;
        if length >= spool::FULL { self.pour().map(drop) } else { Ok(()) }
    }
}
