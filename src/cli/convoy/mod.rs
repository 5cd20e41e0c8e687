//! The verbs of `git convoy`: is the batch through?

mod add;
mod announce;
mod create;
mod list;
mod member;
mod status;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cli::context::{Context, Everywhere};
use crate::cli::show::Done;

pub(super) use announce::announce;

/// Track batches of beads until all of them are through
///
/// A convoy closes when every member is closed, by landing or with a reason, and is open again when
/// a member is added or reopened. Every slung bead travels in one; in one of its own if in no other.
/// Without a verb: the status of all open convoys.
#[derive(Parser)]
#[command(name = "git-convoy", bin_name = "git convoy", version, after_help = EXAMPLES)]
pub(super) struct Convoy {
    #[command(flatten)]
    pub everywhere: Everywhere,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

const EXAMPLES: &str = "\
Examples:
  git convoy create 'Parser, second half' 7f3k 9a2c
  git convoy add 4tbn 8c1m            one more bead for convoy 4tbn
  git convoy                          what is open, who has it, what needs you
  git convoy list --all               closed ones too";

#[derive(Subcommand)]
pub(super) enum Verb {
    #[command(alias = "new")]
    Create(create::Create),
    Add(add::Add),
    List(list::List),
    #[command(alias = "show")]
    Status(status::Status),
}

impl Default for Verb {
    fn default() -> Self {
        Self::Status(status::Status::default())
    }
}

impl Verb {
    /// Whether what a crash left is seen to first.
    pub(super) fn changes(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Add(_))
    }

    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        match self {
            Self::Create(verb) => verb.run(cx),
            Self::Add(verb) => verb.run(cx),
            Self::List(verb) => verb.run(cx),
            Self::Status(verb) => verb.run(cx),
        }
    }
}
