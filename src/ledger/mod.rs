//! What happened, in order: append-only lines under one ref; knows bytes, not words.

use anyhow::{Result, bail};

use crate::git::Repo;
use crate::host::Clock;

mod fold;
mod heads;
mod line;
mod pen;

pub use fold::Fold;
pub use line::Line;
pub use pen::Pen;

pub type Json = serde_json::Value;

/// A value as JSON, for rooms that hand one to a program.
pub fn json(value: &impl serde::Serialize) -> Result<Json> {
    Ok(serde_json::to_value(value)?)
}

/// Who acts, as every line tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    pub by: String,
    pub owner: String,
    pub session: Option<String>,
    pub model: Option<String>,
    pub agent: bool,
    pub epoch: Option<u64>,
}

/// The ledger of one repository.
pub struct Ledger<'r> {
    repo: &'r Repo,
    clock: Clock,
}

impl<'r> Ledger<'r> {
    pub fn open(repo: &'r Repo, clock: &Clock) -> Result<Self> {
        Ok(Self { repo, clock: clock.clone() })
    }

    /// The state of now.
    pub fn read<S: Fold>(&self) -> Result<S> {
        bail!("the ledger of {} cannot be read yet", self.repo.common_dir().display())
    }

    /// Decides on the newest state and writes what was decided, all of it or nothing.
    pub fn write<S: Fold, T>(
        &self,
        actor: &Actor,
        mut decide: impl FnMut(&S, &mut Pen<'_>) -> Result<T>,
    ) -> Result<T> {
        decide(
            &S::default(),
            &mut Pen::new(actor, self.clock.now().to_string(), 1, heads::Heads::default()),
        )?;
        bail!("the ledger cannot be written yet")
    }

    /// Every line, in the one order.
    pub fn lines(&self) -> Result<Vec<Line>> {
        bail!("the ledger cannot be read yet")
    }

    /// The name under which this clone writes.
    pub fn replica(&self) -> Result<String> {
        bail!("the ledger cannot be written yet")
    }
}
