//! `git bead duplicate` and `git bead supersede`: another bead stands for this one.

use anyhow::Result;

use crate::bead::event::{Closed, Link};
use crate::cli::bead::close::finish;
use crate::cli::context::Context;
use crate::cli::show::Done;

/// Close a bead that says what another says already
///
/// It is linked to the other one and closed, in one write. Who may do that is who may close it: an agent
/// what it holds, a person what nobody else does.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead duplicate 7f3k --of 9a2c")]
pub(in crate::cli) struct Duplicate {
    /// The bead that is not needed
    id: String,
    /// The bead that stays
    #[arg(long, value_name = "ID")]
    of: String,
}

/// Close a bead in whose place another one is done
///
/// It is linked to the other one and closed, in one write. Who may do that is who may close it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead supersede 7f3k --with 9a2c")]
pub(in crate::cli) struct Supersede {
    /// The bead that is not done any more
    id: String,
    /// The bead in its place
    #[arg(long, value_name = "ID")]
    with: String,
}

impl Duplicate {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let closed = Closed { reason: "duplicate of {}".to_owned(), ..Closed::default() };
        finish(cx, &self.id, &closed, Some(&(&self.of, Link::DUPLICATES)))
    }
}

impl Supersede {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let closed = Closed { reason: "superseded by {}".to_owned(), ..Closed::default() };
        finish(cx, &self.id, &closed, Some(&(&self.with, Link::SUPERSEDES)))
    }
}
