//! `git bead list` and `git bead blocked`: beads in rows.

use anyhow::Result;
use serde::Serialize;

use crate::bead::event::Status;
use crate::bead::graph;
use crate::bead::ready::Wanted;
use crate::bead::{Bead, Beads};
use crate::cli::bead::create::{issue_type, priority};
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone, View};

/// List beads, the most urgent first
///
/// Closed beads are left out unless --all or --status asks for them. Exit code 1: there is none, and
/// with --json stdout still has an empty array.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead list
  git bead list -s open,in_progress -l parser
  git bead list --all --limit 0 --json")]
pub(in crate::cli) struct List {
    /// Only these statuses, separated by commas
    #[arg(short, long, value_delimiter = ',')]
    status: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Only what is assigned to nobody
    #[arg(long, conflicts_with = "assignee")]
    no_assignee: bool,
    /// Only children of this bead
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Closed ones too
    #[arg(long)]
    all: bool,
    /// At most this many; 0 means all
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: usize,
}

/// What `list` and `ready` both ask of a bead.
#[derive(clap::Args)]
pub(super) struct Filter {
    /// Only this type
    #[arg(short = 't', long = "type")]
    issue_type: Option<String>,
    /// Only this priority
    #[arg(short, long, value_parser = priority)]
    priority: Option<u8>,
    /// Only what is assigned to this name
    #[arg(short, long)]
    assignee: Option<String>,
    /// Only what carries all these labels
    #[arg(short, long, value_delimiter = ',')]
    label: Vec<String>,
}

impl Filter {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            issue_type: self.issue_type.as_deref().map(issue_type),
            priority: self.priority,
            assignee: self.assignee.clone(),
            labels: self.label.clone(),
            ..Wanted::default()
        }
    }
}

impl List {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let beads: Beads = cx.ledger()?.read()?;
        let parent = self.parent.as_deref().map(|start| beads.find(start)).transpose()?;
        let wanted = Wanted { unassigned: self.no_assignee, ..self.filter.wanted() };
        let mut found: Vec<_> = beads
            .iter()
            .filter(|bead| self.stands(bead) && wanted.fits(&beads, bead))
            .filter(|bead| parent.is_none_or(|parent| is_child(&beads, bead, parent)))
            .collect();
        found.sort_by(|a, b| {
            (a.priority, &b.created_at, &a.id).cmp(&(b.priority, &a.created_at, &b.id))
        });
        if found.is_empty() {
            cx.note("no such beads");
        }
        Ok(answer(rows(cx, &beads, &found, self.limit), found.len()))
    }

    fn stands(&self, bead: &Bead) -> bool {
        match self.status.as_slice() {
            [] => self.all || bead.status != Status::CLOSED,
            asked => asked.iter().any(|status| *status == bead.status.as_str()),
        }
    }
}

fn is_child(beads: &Beads, bead: &Bead, parent: &Bead) -> bool {
    beads.parent(bead).is_some_and(|found| found.id == parent.id)
}

/// A list as the result: an empty one is told apart by its exit code.
pub(super) fn answer(list: impl View + 'static, length: usize) -> Done {
    Done::from(list).exit(if length == 0 { exit::NOTHING } else { 0 })
}

/// The first `limit` of `found`; says on stderr when some were left out.
pub(super) fn rows(cx: &Context, beads: &Beads, found: &[&Bead], limit: usize) -> Rows {
    let shown = if limit == 0 { found.len() } else { limit.min(found.len()) };
    if shown < found.len() {
        cx.hint(format!("{} more; --limit 0 shows all {}", found.len() - shown, found.len()));
    }
    Rows(found.iter().take(shown).map(|bead| Record::of(beads, bead)).collect())
}

#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Rows(Vec<Record>);

impl Show for Rows {
    fn show(&self, out: &mut Screen) {
        record::list(out, &self.0);
    }
}

/// List what cannot start, and what each waits for
///
/// Exit code 1: nothing is blocked.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead blocked
  git bead blocked --parent 4tbn --json")]
pub(in crate::cli) struct Blocked {
    /// Only children of this bead
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
}

impl Blocked {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let beads: Beads = cx.ledger()?.read()?;
        let parent = self.parent.as_deref().map(|start| beads.find(start)).transpose()?;
        let blocked = graph::Blocked::of(&beads);
        let waiting: Vec<_> = beads
            .iter()
            .filter(|bead| parent.is_none_or(|parent| is_child(&beads, bead, parent)))
            .filter(|bead| !blocked.by(&bead.id).is_empty())
            .map(|bead| Waiting {
                record: Record::of(&beads, bead),
                blocked_by_count: blocked.by(&bead.id).len(),
                blocked_by: blocked.by(&bead.id).iter().map(|id| (*id).to_owned()).collect(),
                short: blocked.by(&bead.id).iter().map(|id| beads.short(id).to_owned()).collect(),
            })
            .collect();
        if waiting.is_empty() {
            cx.note("nothing is blocked");
        }
        let length = waiting.len();
        Ok(answer(AllWaiting(waiting), length))
    }
}

#[derive(Serialize)]
struct Waiting {
    #[serde(flatten)]
    record: Record,
    blocked_by_count: usize,
    blocked_by: Vec<String>,
    #[serde(skip)]
    short: Vec<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct AllWaiting(Vec<Waiting>);

impl Show for AllWaiting {
    fn show(&self, out: &mut Screen) {
        for waiting in &self.0 {
            record::list(out, std::slice::from_ref(&waiting.record));
            out.parts(&[(Tone::Faint, "    waits for "), (Tone::Id, &waiting.short.join(", "))]);
        }
    }
}
