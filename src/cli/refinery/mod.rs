//! The verbs of `git refinery`: may it land?

mod audit;
mod decide;
mod record;
mod run;
mod show;
mod status;
mod submit;
mod target;
pub(in crate::cli) mod wait;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cli::context::{Context, Everywhere};
use crate::cli::hook;
use crate::cli::show::Done;

/// Test every change on the exact tree that lands, and land it
///
/// The refinery is a merge queue: a push to the target branch becomes an entry, each entry is put to
/// the gates of shopfloor.toml on the target branch, and what passes lands. Nothing else moves the
/// branch. A push starts it; there is no daemon.
#[derive(Parser)]
#[command(name = "git-refinery", bin_name = "git refinery", version, after_help = EXAMPLES)]
pub(super) struct Refinery {
    #[command(flatten)]
    pub everywhere: Everywhere,
    #[command(subcommand)]
    pub verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  git refinery status                 what waits, what landed, what was rejected
  git refinery show 42                one entry, its gates, and why it was rejected
  git refinery wait 42                until its verdict; exit 0 landed, 3 rejected
  git refinery submit HEAD            queue a commit without a push
  git push origin HEAD:refs/for/main  queue by a push that no stale view of main can stop
  git refinery run --drain            test and land all that waits, here and now
  git refinery audit                  does every commit of the branch have its evidence?";

#[derive(Subcommand)]
pub(super) enum Verb {
    Run(run::Run),
    Status(status::Status),
    Show(show::ShowEntry),
    Wait(wait::Wait),
    Submit(submit::Submit),
    Retry(decide::Retry),
    Reject(decide::Reject),
    Audit(audit::AuditTarget),
    #[command(hide = true)]
    Hook(hook::Hook),
}

impl Verb {
    /// Whether what a crash left is seen to first. A run sees to the queue by itself.
    pub(super) fn changes(&self) -> bool {
        matches!(self, Self::Submit(_) | Self::Retry(_) | Self::Reject(_))
    }

    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        match self {
            Self::Run(verb) => verb.run(cx),
            Self::Status(verb) => verb.run(cx),
            Self::Show(verb) => verb.run(cx),
            Self::Wait(verb) => verb.run(cx),
            Self::Submit(verb) => verb.run(cx),
            Self::Retry(verb) => verb.run(cx),
            Self::Reject(verb) => verb.run(cx),
            Self::Audit(verb) => verb.run(cx),
            Self::Hook(verb) => verb.run(cx),
        }
    }
}
