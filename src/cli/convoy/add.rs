//! `git convoy add`: more beads for a convoy.

use anyhow::Result;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::convoy::announce::announce;
use crate::cli::convoy::list::Summary;
use crate::cli::show::Done;
use crate::convoy::{self, Convoys};

/// Add beads to a convoy; a closed one is open again by it
///
/// Exit code 1: the convoy has them all.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git convoy add 4tbn 8c1m 2dq7")]
pub(in crate::cli) struct Add {
    /// The convoy, by any unique start of its id
    convoy: String,
    /// The beads, each by any unique start of its id
    #[arg(value_name = "BEAD", required = true)]
    beads: Vec<String>,
}

impl Add {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let id = ledger.write(&cx.actor()?, |(beads, convoys): &(Beads, Convoys), pen| {
            let convoy = convoys.find(&self.convoy)?;
            pen.line(&convoy.id, &convoy::add(convoy, &beads.find_each(&self.beads)?)?)?;
            Ok(convoy.id.clone())
        })?;
        announce(cx);
        let (beads, convoys) = ledger.read::<(Beads, Convoys)>()?;
        Ok(Summary::of(&beads, &convoys, convoys.find(&id)?).said("Added to "))
    }
}
