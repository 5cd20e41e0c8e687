//! `git bead ready`: what can be started now.

use anyhow::Result;
use serde::Serialize;

use crate::bead::ready::{Order, Wanted, ready};
use crate::bead::{Beads, holding};
use crate::cli::bead::list::{self, Filter};
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::refusal::Refusal;

/// Show what can be started now, the most urgent first
///
/// Ready is what is open, claimed by nobody, not put off, and waits for nothing. With --claim the first of it
/// is taken in the same write, so two callers never get the same bead. Exit code 1: nothing is ready.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead ready
  git bead ready --claim --json         take the best of it, as an agent does
  git bead ready -l parser --unassigned")]
pub(in crate::cli) struct Ready {
    /// Take the first one
    #[arg(long)]
    claim: bool,
    #[command(flatten)]
    filter: Filter,
    /// Only what is assigned to nobody
    #[arg(short, long)]
    unassigned: bool,
    /// Only what is below this bead
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Also what is put off until later
    #[arg(long)]
    include_deferred: bool,
    /// At most this many; 0 means all
    #[arg(short = 'n', long, default_value_t = 100)]
    limit: usize,
    /// priority (then newest) or oldest
    #[arg(short, long, default_value = "priority", value_enum)]
    sort: Sort,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Sort {
    Priority,
    Oldest,
}

impl Ready {
    /// Taking is more than looking.
    pub(super) fn claims(&self) -> bool {
        self.claim
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.claim {
            return self.take(cx);
        }
        let beads: Beads = cx.ledger()?.read()?;
        let found = ready(&beads, &self.wanted(cx, &beads)?, (self.order(), self.limit));
        if found.is_empty() {
            cx.remark("nothing is ready");
            list::elsewhere(cx)?;
        }
        list::tell(cx, &beads, &found, self.limit)
    }

    fn take(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        let (id, beads) = ledger.write_and_read(&actor, |beads: &Beads, pen| {
            let wanted = Wanted { unassigned: false, ..self.wanted(cx, beads)? };
            let found = ready(beads, &wanted, (self.order(), 0));
            let free = |name: Option<&str>| name.is_none_or(|name| *name == actor.by);
            let first =
                found.into_iter().find(|row| free(row.face().assignee)).ok_or_else(|| {
                    Refusal::nothing("nothing is ready")
                        .hint("`git bead blocked` says what waits for what")
                })?;
            let first = first.whole();
            if let Some(event) = holding::claim(beads, first, &actor.by, actor.session.as_deref())?
            {
                pen.sole(&first.id, &event)?;
            }
            Ok(first.id.clone())
        })?;
        Ok(Taken(Record::asked(cx, &beads, beads.find(&id)?)?).into())
    }

    fn order(&self) -> Order {
        match self.sort {
            Sort::Priority => Order::Priority,
            Sort::Oldest => Order::Oldest,
        }
    }

    fn wanted(&self, cx: &Context, beads: &Beads) -> Result<Wanted> {
        let parent = self.parent.as_deref().map(|start| beads.find(start)).transpose()?;
        let parent = parent.map(|bead| bead.id.clone());
        let now = (!self.include_deferred).then(|| cx.clock.now().to_string());
        Ok(Wanted { unassigned: self.unassigned, parent, now, ..self.filter.wanted() })
    }
}

/// A bead that was just claimed.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Taken(pub(super) Record);

impl Show for Taken {
    fn show(&self, out: &mut Screen) {
        let until = if self.0.provisional { ", until git bead sync provisional" } else { "" };
        let epoch = format!(" (epoch {}{until})", self.0.epoch);
        out.parts(&[(Tone::Good, "Claimed"), (Tone::Faint, &epoch)]);
        record::list(out, std::slice::from_ref(&self.0));
    }
}
