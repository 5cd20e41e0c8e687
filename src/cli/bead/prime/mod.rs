//! `git bead prime`: what an agent reads at the beginning of a session.

mod facts;
mod page;

use anyhow::Result;

use crate::cli::bead::past::AsOf;
use crate::cli::context::Context;
use crate::cli::say;
use crate::cli::show::Done;

/// Tell an agent what it needs to begin: its work, what is ready, what is remembered, the commands
///
/// At most 1,500 tokens, whatever there is: what does not fit is cut, and the command that tells the rest is
/// named. A repository's own rules come first after the work: the text under `prime` in shopfloor.toml on the
/// target branch, else .beads/PRIME.md there.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead prime                        as the first command of a session
  git bead prime --json
  git bead prime --as-of yesterday      what was told then")]
pub(in crate::cli) struct Prime {
    #[command(flatten)]
    as_of: AsOf,
}

impl Prime {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let facts = facts::Facts::gather(cx, &self.as_of)?;
        say::put(&page::fitting(&facts, cx.json)?)?;
        Ok(Done::silent())
    }
}
