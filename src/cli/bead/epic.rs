//! `git bead epic`: how far is what consists of other beads, and closing what is through.

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use crate::bead::Beads;
use crate::bead::closing::{self, Elsewhere};
use crate::bead::epics::{Epic as Counted, epics};
use crate::bead::event::Closed;
use crate::cli::bead::close::Close;
use crate::cli::bead::list;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{Record, sign};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::stream::Stream;
use crate::refusal::Refusal;

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
    /// Whole ids and nothing else
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    as_of: AsOf,
}

impl Status {
    fn run(self, cx: &Context) -> Result<Done> {
        let beads = self.as_of.beads(cx)?;
        if self.quiet && !cx.json {
            let wanted = epics(&beads).filter(|epic| epic.is_done() || !self.eligible_only);
            let mut out = Stream::new(cx, list::ids);
            wanted.map(|epic| epic.row.key()).try_for_each(|id| out.add(id))?;
            return list::answer(out);
        }
        told(cx, &beads, self.eligible_only)
    }
}

fn told(cx: &Context, beads: &Beads, only_done: bool) -> Result<Done> {
    let found = epics(beads).filter(|epic| epic.is_done() || !only_done).map(|epic| Row {
        epic: Record::of(beads, &epic.row.read()).uncounted(),
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
/// hold the epic. What you may not close is passed over, and named. Exit code 1: there is none; 3: there
/// are only such as you may not close.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead epic close-eligible --dry-run
  while git bead epic close-eligible; do :; done")]
pub(in crate::cli) struct CloseEligible {
    /// Only say which could be closed
    #[arg(long)]
    dry_run: bool,
}

/// So many that are passed over are named.
const NAMED: usize = 10;

impl CloseEligible {
    fn run(self, cx: &Context) -> Result<Done> {
        let beads: Beads = cx.ledger()?.read()?;
        let mut done = epics(&beads).filter(Counted::is_done).peekable();
        if self.dry_run || done.peek().is_none() {
            return told(cx, &beads, true);
        }
        let mut passed = Vec::new();
        while let Some(epic) = done.next() {
            match close(cx, &beads, &epic) {
                Ok(closed) => {
                    for no in passed.iter().take(NAMED) {
                        cx.note(format!("passed over: {no}"));
                    }
                    let (over, left) = (passed.len(), done.count());
                    if over > NAMED {
                        cx.note(format!("passed over: {} more", over - NAMED));
                    }
                    if left > 0 {
                        cx.hint(format!("{left} more are through: call it once for each"));
                    }
                    return Ok(closed);
                }
                Err(no) => passed.push(no.downcast::<Refusal>()?),
            }
        }
        Err(only_others(passed).into())
    }
}

/// Closes it as `close` does. What its own state forbids is seen without a write.
fn close(cx: &Context, beads: &Beads, epic: &Counted<'_>) -> Result<Done> {
    let (id, elsewhere) = (epic.row.key(), Elsewhere::default());
    closing::by_hand(beads, beads.find(id)?, &cx.actor()?, Closed::default(), &elsewhere)?;
    Close::epic(id).run(cx)
}

/// Why nothing was closed: the reason for each, and each next step once.
fn only_others(mut passed: Vec<Refusal>) -> Refusal {
    let more = passed.len().saturating_sub(NAMED);
    passed.truncate(NAMED);
    let mut what: Vec<_> = passed.iter().map(|no| no.what.clone()).collect();
    if more > 0 {
        what.push(format!("and {more} more"));
    }
    passed.into_iter().flat_map(|no| no.hints).fold(
        Refusal::refused(what.join("\n")),
        |no, hint| {
            if no.hints.contains(&hint) { no } else { no.hint(hint) }
        },
    )
}
