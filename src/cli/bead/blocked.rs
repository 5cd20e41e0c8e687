//! `git bead blocked`: what cannot start, and what would change that.

use anyhow::Result;
use serde::Serialize;

use crate::bead::graph::{Begin, Beginnings};
use crate::bead::ready::{self, Reason};
use crate::bead::waits::{Sight, is_under};
use crate::bead::{Bead, Beads};
use crate::cli::bead::list::{answer, ids};
use crate::cli::bead::only::Only;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::show::Done;
use crate::cli::show::{Screen, Tone};
use crate::cli::stream::Stream;
use crate::ledger::Row;

/// So many of what a bead waits for are told; --json tells all.
const FEW: usize = 5;

/// List what cannot start because something else is to be done first
///
/// Each with what holds it up, whether that can start or who is at it, and where to begin so that it can
/// one day; with --json that is `--fields held_up_by`. `git bead ready --explain` tells every reason there
/// is. Exit code 1: nothing is blocked.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead blocked
  git bead blocked -q
  git bead blocked --brief --json
  git bead blocked --parent 4tbn --json
  git bead blocked --fields id,title,held_up_by --json
  git bead blocked --as-of yesterday")]
pub(in crate::cli) struct Blocked {
    /// Only what is below this bead, at any depth
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Whole ids and nothing else
    #[arg(short, long, conflicts_with_all = ["brief", "fields"])]
    quiet: bool,
    #[command(flatten)]
    only: Only,
    #[command(flatten)]
    as_of: AsOf,
}

impl Blocked {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let beads = self.as_of.beads(cx)?;
        let parent = self.parent.as_deref().map(|start| beads.find(start)).transpose()?;
        let fits = |row: &Row<'_, Bead>| parent.is_none_or(|p| is_under(&beads, row, &p.id));
        let (sight, now) = (Sight::of(&beads), self.as_of.now(cx)?.to_string());
        let all = beads.live().map(|row| (row, sight.blockers(row.key())));
        let mut waiting = all.filter(|(row, by)| !by.is_empty() && fits(row)).peekable();
        if waiting.peek().is_none() {
            cx.remark("nothing is blocked");
        }
        if self.quiet && !cx.json {
            let mut out = Stream::new(cx, ids);
            waiting.try_for_each(|(row, _)| out.add(row.key()))?;
            return answer(out);
        }
        let only = self.only.names(cx.json)?;
        let mut out = Stream::new(cx, Waiting::list).only(&only);
        let why = |id: &str| match beads.row(id) {
            Some(row) => ready::reasons((&beads, &sight), row, &now).first().map(told),
            None => Some("elsewhere".to_owned()),
        };
        let can_start = |id: &str| why(id).is_none();
        let mut beginnings = Beginnings::new(&beads, &sight, &can_start);
        for (row, by) in waiting {
            let told = if cx.json && only.is_empty() { 0 } else { by.len() };
            let mut holders = Vec::new();
            for id in by.iter().copied().take(told) {
                holders.push(Holder::of(&beads, id, beginnings.of(id), &why));
            }
            let record = Record::of(&beads, &row.read());
            out.add(Waiting {
                record: if only.is_empty() { bare(record) } else { record },
                blocked_by_count: by.len(),
                blocked_by: by.iter().map(|id| (*id).to_owned()).collect(),
                held_up_by: holders,
            })?;
        }
        answer(out)
    }
}

/// What it waits for is told beside it.
fn bare(record: Record) -> Record {
    let (dependencies, updated_at) = Default::default();
    let record = Record { dependencies, updated_at, ..record.uncounted() };
    Record { dependency_count: None, dependent_count: None, comment_count: None, ..record }
}

#[derive(Serialize)]
struct Waiting {
    #[serde(flatten)]
    record: Record,
    blocked_by_count: usize,
    blocked_by: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held_up_by: Vec<Holder>,
}

/// What holds a bead up.
#[derive(Serialize)]
struct Holder {
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<String>,
    /// A bead that can be started now and without which this one cannot end; itself where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    begin_with: Option<String>,
    #[serde(skip)]
    how: String,
    #[serde(skip)]
    short: String,
}

/// Why what waits for nothing cannot be started.
fn told(reason: &Reason<'_>) -> String {
    match reason {
        Reason::Held(name) => format!("in progress, @{name}"),
        Reason::Status("closed") => "closed, and it has not failed".to_owned(),
        Reason::Status(status) => (*status).to_owned(),
        Reason::Deferred(until) => format!("put off until {until}"),
        Reason::Record(kind) => format!("a {kind}"),
        Reason::Aside(why) => (*why).to_owned(),
        Reason::Children(_) => "done by doing its children".to_owned(),
        Reason::Waits(_) => "blocked".to_owned(),
    }
}

impl Holder {
    fn of<'a>(
        beads: &'a Beads,
        id: &'a str,
        begin: Begin<'a>,
        why: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let bead = beads.row(id).map(|row| row.read()).unwrap_or_default();
        let how = match (begin, bead.status.as_str()) {
            (Begin::With(begin), "open") if begin == id => "ready".to_owned(),
            (Begin::With(begin), "open") => format!("begin with {}", beads.short(begin)),
            (Begin::Stops(at), "open") if at != id => {
                let why = why(at).unwrap_or_default();
                format!("comes down to {}: {why}", beads.short(at))
            }
            (Begin::Round, "open") => "waits for itself: `git bead dep cycles`".to_owned(),
            _ => why(id).unwrap_or_default(),
        };
        let begin = if let Begin::With(begin) = begin { Some(begin) } else { None };
        Self {
            id: id.to_owned(),
            title: bead.title,
            status: if bead.id.is_empty() { String::new() } else { bead.status.to_string() },
            assignee: bead.assignee,
            begin_with: begin.map(str::to_owned),
            how,
            short: beads.short(id).to_owned(),
        }
    }
}

impl Waiting {
    fn list(out: &mut Screen, all: &[Self]) {
        for waiting in all {
            record::list(out, std::slice::from_ref(&waiting.record));
            for holder in waiting.held_up_by.iter().take(FEW) {
                let title = if out.terse { "" } else { &holder.title };
                let blanks = if title.is_empty() { "" } else { "  " };
                out.parts(&[
                    (Tone::Faint, "    waits for "),
                    (Tone::Id, &holder.short),
                    (Tone::Plain, &format!("{blanks}{title}")),
                    (Tone::Faint, &format!("  ({})", holder.how)),
                ]);
            }
            if let Some(more) = waiting.held_up_by.len().checked_sub(FEW).filter(|n| *n > 0) {
                out.parts(&[(Tone::Faint, &format!("    and for {more} more"))]);
            }
        }
    }
}
