//! `git refinery submit`: queue a commit without a push.

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::refinery::record::Record;
use crate::cli::refinery::target::Target;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::githook;
use crate::refinery::{self, Autorun, Submission};
use crate::refusal::Refusal;

/// Queue a commit for the target branch
///
/// What a push to the target does, without a push. The same commit is the same entry, however often
/// it is submitted. Exit 0 means that it is queued for good, not that it has landed.
///
/// From another clone it is a push: `git push origin HEAD:refs/for/main`. Git itself stops
/// `HEAD:main` there ("fetch first") when that clone has not seen the newest main; this one it lets
/// through, and the queue merges.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git refinery submit                   what HEAD names
  git refinery submit topic --bead 7f3k --target release")]
pub(in crate::cli) struct Submit {
    /// The commit to land
    #[arg(default_value = "HEAD")]
    rev: String,
    /// The bead that its landing closes, if the commits do not name it
    #[arg(long, value_name = "ID")]
    bead: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Submit {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (repo, ledger, actor) = (cx.repo()?, cx.ledger()?, cx.actor()?);
        let commit = repo
            .resolve(&self.rev)?
            .ok_or_else(|| Refusal::nothing(format!("`{}` names no commit", self.rev)))?;
        let beads = ledger.read::<Beads>()?;
        let named = self.bead.as_deref().or_else(|| cx.env.get("SHOPFLOOR_BEAD"));
        let bead = named.map(|id| beads.find(id)).transpose()?.map(|bead| bead.id.clone());
        let wanted = Submission {
            target: self.target.name(cx)?,
            commit,
            bead,
            agent: actor.agent.then(|| actor.by.clone()),
            epoch: actor.epoch,
            session: actor.session.clone(),
        };
        githook::fix_target(repo)?;
        let entry = refinery::submit(repo, &ledger, &actor, &wanted)?;
        if let Autorun::Left(why) = refinery::autorun(repo, &entry.target)? {
            cx.note(format!("note: {why}"));
        }
        Ok(Queued(Record::of(repo, &beads, &entry, None)).into())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Queued(Record);

impl Show for Queued {
    fn show(&self, out: &mut Screen) {
        if self.0.state == "waiting" {
            out.parts(&[
                (Tone::Plain, "QUEUED "),
                (Tone::Id, &self.0.entry),
                (Tone::Plain, &format!(" (not landed); `git refinery wait {}`", self.0.n)),
            ]);
        } else {
            out.parts(&[
                (Tone::Id, &self.0.entry),
                (Tone::Plain, " is "),
                (self.0.tone(), &self.0.state),
            ]);
        }
    }
}
