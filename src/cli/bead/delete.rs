//! `git bead delete`: take a bead out of everybody's way.

use anyhow::Result;

use crate::bead::{Beads, change};
use crate::cli::bead::changed::Changed;
use crate::cli::bead::record::Record;
use crate::cli::context::Context;
use crate::cli::show::Done;

/// Delete a bead: it is in no list any more, and holds nothing up
///
/// The ledger forgets nothing: `git bead show` still tells what it was, and `git bead reopen` brings it
/// back. What has children that are not deleted is not deleted without --force, which leaves them without it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead delete 7f3k --reason 'there is one already'")]
pub(in crate::cli) struct Delete {
    /// The bead, by any start of its id that names one
    id: String,
    /// Why it is not wanted
    #[arg(short, long, default_value = "")]
    reason: String,
    /// Also if it has children, which are a part of nothing then
    #[arg(short, long)]
    force: bool,
}

impl Delete {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        let (was, beads) = ledger.write_and_read(&actor, |beads: &Beads, pen| {
            let bead = beads.find(&self.id)?;
            if !self.force {
                change::leaves_none(beads, &[&bead.id], &|_| false)?;
            }
            pen.line(&bead.id, &change::delete(beads, bead, &actor, &self.reason)?)?;
            Ok(Record::of(beads, bead))
        })?;
        let is = Record::of(&beads, beads.find(&was.id)?);
        Ok(Changed::of("Deleted", &was, &is)?.into())
    }
}
