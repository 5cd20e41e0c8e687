//! `git bead rename-prefix`: what new ids start with.

use anyhow::Result;
use serde::Serialize;

use crate::bead::{self, Beads};
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show};
use crate::git::Repo;
use crate::refusal::Refusal;

/// Let new ids start with another word
///
/// The ids that are there stay as they are, for ever: commits, branches and other clones name them. Any
/// start of the part behind the prefix names a bead as before, whichever prefix it has. The word is kept
/// in git's configuration of this clone (shopfloor.prefix); others say it for theirs.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead rename-prefix parser")]
pub(in crate::cli) struct RenamePrefix {
    /// The word: lower-case letters, digits and single dashes
    new: String,
}

impl RenamePrefix {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let new = self.new.trim_end_matches('-');
        let repo = cx.repo()?;
        let beads: Beads = cx.ledger()?.read()?;
        let old = bead::prefix(repo)?;
        write(repo, new)?;
        Ok(Renamed { prefix: new.to_owned(), old, kept: beads.count() }.into())
    }
}

/// Refuses what cannot stand before an id.
pub(super) fn write(repo: &Repo, new: &str) -> Result<()> {
    if bead::slug(new) != new {
        return Err(Refusal::usage(format!("{new:?} cannot stand before an id"))
            .hint(format!("git bead rename-prefix {}", bead::slug(new)))
            .into());
    }
    repo.git(["config", "--local", "shopfloor.prefix", new]).ok()
}

#[derive(Serialize)]
struct Renamed {
    prefix: String,
    old: String,
    /// How many beads keep the ids that they have.
    kept: usize,
}

impl Show for Renamed {
    fn show(&self, out: &mut Screen) {
        let Self { prefix, old, kept } = self;
        out.line(format!("New ids start with {prefix}- and no longer with {old}-"));
        out.line(format!("{kept} ids stay as they are"));
    }
}
