//! `git bead epic`: how far is what consists of other beads, and closing what is through.

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use crate::bead::Beads;
use crate::bead::epics::{Epic as Counted, epics};
use crate::cli::bead::close::Close;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{Record, sign};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};

/// See how far epics are, and close those that are through
///
/// An epic is a bead of that type with children. It cannot be closed before they are.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  git bead epic status
  git bead epic status --eligible-only --json
  git bead epic close-eligible")]
pub(in crate::cli) enum Epic {
    Status(Status),
    CloseEligible(CloseEligible),
}

impl Epic {
    pub(super) fn changes(&self) -> bool {
        matches!(self, Self::CloseEligible(verb) if !verb.dry_run)
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        match self {
            Self::Status(verb) => verb.run(cx),
            Self::CloseEligible(verb) => verb.run(cx),
        }
    }
}

/// Show how many children of each epic are closed
///
/// Exit code 1: there is no such epic.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead epic status
  git bead epic status --eligible-only
  git bead epic status --as-of yesterday")]
pub(in crate::cli) struct Status {
    /// Only those of which all children are closed
    #[arg(long)]
    eligible_only: bool,
    #[command(flatten)]
    as_of: AsOf,
}

impl Status {
    fn run(self, cx: &Context) -> Result<Done> {
        let beads = self.as_of.beads(cx)?;
        told(cx, &beads, self.eligible_only)
    }
}

fn told(cx: &Context, beads: &Beads, only_done: bool) -> Result<Done> {
    let found = epics(beads).filter(|epic| epic.is_done() || !only_done).map(|epic| Row {
        epic: Record::of(beads, &epic.row.read()),
        total_children: epic.children,
        closed_children: epic.closed,
        eligible_for_close: epic.is_done(),
    });
    let found = Rows(found.collect());
    if found.0.is_empty() {
        cx.remark("no such epic");
        return Ok(Done::from(found).exit(exit::NOTHING));
    }
    Ok(found.into())
}

#[derive(Serialize)]
struct Row {
    epic: Record,
    total_children: usize,
    closed_children: usize,
    eligible_for_close: bool,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Row>);

impl Show for Rows {
    fn show(&self, out: &mut Screen) {
        for row in &self.0 {
            let (mark, tone) = sign(&row.epic.status);
            let far = match row.total_children {
                0 => "no children".to_owned(),
                all => format!("{} of {all} closed", row.closed_children),
            };
            let end = if row.eligible_for_close { ": can be closed" } else { "" };
            out.parts(&[
                (tone, mark),
                (Tone::Plain, " "),
                (Tone::Id, &row.epic.short),
                (Tone::Plain, &format!("  {}", row.epic.title)),
                (Tone::Faint, &format!("  {far}{end}")),
            ]);
        }
    }
}

/// Close the oldest epic of which all children are closed
///
/// One a call: each close is an action of its own, by whoever does it, as with `close`. An agent has to
/// hold the epic. Exit code 1: there is none.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead epic close-eligible --dry-run
  while git bead epic close-eligible; do :; done")]
pub(in crate::cli) struct CloseEligible {
    /// Only say which could be closed
    #[arg(long)]
    dry_run: bool,
}

impl CloseEligible {
    fn run(self, cx: &Context) -> Result<Done> {
        let beads: Beads = cx.ledger()?.read()?;
        let mut done = epics(&beads).filter(Counted::is_done);
        let first = done.next();
        let (Some(first), false) = (first, self.dry_run) else {
            return told(cx, &beads, true);
        };
        let left = done.count();
        let closed = Close::epic(first.row.key()).run(cx)?;
        if left > 0 {
            cx.hint(format!("{left} more can be closed: call it once for each"));
        }
        Ok(closed)
    }
}
