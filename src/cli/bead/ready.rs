//! `git bead ready`: what can be started now.

use anyhow::Result;
use serde::Serialize;

use crate::bead::ready::{Order, Wanted, ready};
use crate::bead::{Beads, change};
use crate::cli::bead::create::{issue_type, priority};
use crate::cli::bead::list;
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::refusal::Refusal;

/// Show what can be started now, the most urgent first
///
/// Ready is what is open, claimed by nobody, and waits for nothing. With --claim the first of it
/// is taken in the same write, so two callers never get the same bead. Exit code 1: nothing is ready.
#[derive(clap::Args)]
pub(in crate::cli) struct Ready {
    /// Take the first one
    #[arg(long)]
    claim: bool,
    /// Only this type
    #[arg(short = 't', long = "type")]
    issue_type: Option<String>,
    /// Only this priority
    #[arg(short, long, value_parser = priority)]
    priority: Option<u8>,
    /// Only what is assigned to this name
    #[arg(short, long)]
    assignee: Option<String>,
    /// Only what is assigned to nobody
    #[arg(short, long)]
    unassigned: bool,
    /// Only what carries all these labels
    #[arg(short, long, value_delimiter = ',')]
    label: Vec<String>,
    /// Only what is below this bead
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
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
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.claim {
            return self.take(cx);
        }
        let beads: Beads = cx.ledger()?.read()?;
        let found = ready(&beads, &self.wanted(&beads)?, self.order());
        let rows = list::rows(cx, &beads, &found, self.limit);
        let code = if rows.is_empty() { exit::NOTHING } else { 0 };
        if rows.is_empty() {
            cx.note("nothing is ready");
        }
        Ok(Done::from(rows).exit(code))
    }

    fn take(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        let id = ledger.write(&actor, |beads: &Beads, pen| {
            let wanted = Wanted { unassigned: false, ..self.wanted(beads)? };
            let found = ready(beads, &wanted, self.order());
            let free = |name: &Option<String>| name.as_ref().is_none_or(|name| *name == actor.by);
            let first = found.into_iter().find(|bead| free(&bead.assignee)).ok_or_else(|| {
                Refusal::nothing("nothing is ready")
                    .hint("`git bead blocked` says what waits for what")
            })?;
            if let Some(event) = change::claim(beads, first, &actor.by, actor.session.as_deref())? {
                pen.line(&first.id, &event)?;
            }
            Ok(first.id.clone())
        })?;
        let beads: Beads = ledger.read()?;
        Ok(Taken(Record::of(&beads, beads.find(&id)?)).into())
    }

    fn order(&self) -> Order {
        match self.sort {
            Sort::Priority => Order::Priority,
            Sort::Oldest => Order::Oldest,
        }
    }

    fn wanted(&self, beads: &Beads) -> Result<Wanted> {
        let parent = self.parent.as_deref().map(|start| beads.find(start)).transpose()?;
        Ok(Wanted {
            issue_type: self.issue_type.as_deref().map(issue_type),
            priority: self.priority,
            assignee: self.assignee.clone(),
            unassigned: self.unassigned,
            labels: self.label.clone(),
            parent: parent.map(|bead| bead.id.clone()),
        })
    }
}

/// A bead that was just claimed.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Taken(pub(super) Record);

impl Show for Taken {
    fn show(&self, out: &mut Screen) {
        let epoch = format!(" (epoch {})", self.0.epoch);
        out.parts(&[(Tone::Good, "Claimed"), (Tone::Faint, &epoch)]);
        record::list(out, std::slice::from_ref(&self.0));
    }
}
