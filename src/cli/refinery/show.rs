//! `git refinery show`: one entry whole.

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::refinery::record::Record;
use crate::cli::refinery::target::Target;
use crate::cli::show::{Done, Screen, Show};
use crate::refinery::{self, Queue};

/// Show an entry: its commit, its gates, and what came of it
///
/// Of a rejected one: the gate, the end of its output, and how to repeat it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git refinery show 42
  git refinery show release#3 --json")]
pub(in crate::cli) struct ShowEntry {
    /// The entry, as `42` or `main#42`
    entry: String,
    #[command(flatten)]
    target: Target,
}

impl ShowEntry {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (queue, beads) = cx.ledger()?.read::<(Queue, Beads)>()?;
        let entry = queue.find(&self.entry, &self.target.name(cx)?)?;
        let testing = refinery::at_work(cx.repo()?, &entry.target);
        Ok(Page(Record::of(cx.repo()?, &beads, entry, testing)).into())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Page(pub Record);

impl Show for Page {
    fn show(&self, out: &mut Screen) {
        self.0.show(out);
    }
}
