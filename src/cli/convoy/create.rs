//! `git convoy create`: put beads together.

use anyhow::Result;

use crate::bead::{self, Beads};
use crate::cli::context::Context;
use crate::cli::convoy::announce::announce;
use crate::cli::convoy::list::Summary;
use crate::cli::show::Done;
use crate::convoy::{self, Convoys};

/// Put beads together under a title
///
/// Prints the new convoy's id. More beads can be added at any time.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git convoy create 'Parser, second half' 7f3k 9a2c
  git convoy create 'Release 2' --silent")]
pub(in crate::cli) struct Create {
    /// What all of it together delivers, in one line
    title: String,
    /// The beads, each by any unique start of its id
    #[arg(value_name = "BEAD")]
    beads: Vec<String>,
    /// Print the id and nothing else
    #[arg(long)]
    silent: bool,
}

impl Create {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let prefix = bead::prefix(cx.repo()?)?;
        let ledger = cx.ledger()?;
        let id = ledger.write(&cx.actor()?, |beads: &Beads, pen| {
            pen.create(&prefix, &convoy::create(&self.title, &beads.find_each(&self.beads)?)?)
        })?;
        announce(cx);
        let (beads, convoys) = ledger.read::<(Beads, Convoys)>()?;
        let summary = Summary::of(&beads, &convoys, convoys.find(&id)?);
        Ok(if self.silent { summary.id_alone() } else { summary.said("Created ") })
    }
}
