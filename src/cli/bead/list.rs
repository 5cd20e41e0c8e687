//! `git bead list` and `git bead blocked`: beads in rows.

use anyhow::Result;
use serde::Serialize;

use crate::bead::event::Status;
use crate::bead::face::Face;
use crate::bead::graph;
use crate::bead::ready::{Order, Wanted, sorted};
use crate::bead::{Bead, Beads};
use crate::cli::bead::create::{issue_type, priority};
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Tone};
use crate::cli::stream::Stream;
use crate::ledger::{self, Row};

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
        // Most beads are closed, and most calls ask for none of those.
        let all: Box<dyn Iterator<Item = Row<'_, Bead>>> = match self.all || !self.status.is_empty()
        {
            true if self.status.iter().any(|asked| *asked == Status::TOMBSTONE.as_str()) => {
                Box::new(beads.rows().chain(beads.deleted()))
            }
            true => Box::new(beads.rows()),
            false => Box::new(beads.not_closed()),
        };
        let fits = |face: &Face<'_>| {
            self.stands(face)
                && wanted.fits(&beads, face)
                && parent.is_none_or(|parent| face.parent() == Some(&parent.id))
        };
        // What closed ones have to say stands on the disk, and most of it is not asked for.
        let found = all.filter_map(|row| {
            row.look(|face| fits(face).then(|| (face.priority, face.created_at.to_owned(), row)))
        });
        let found = sorted(found, (Order::Priority, self.limit));
        if found.is_empty() {
            cx.remark("no such beads");
            elsewhere(cx)?;
        }
        tell(cx, &beads, &found, self.limit)
    }

    fn stands(&self, face: &Face<'_>) -> bool {
        match self.status.as_slice() {
            [] => self.all || face.status != Status::CLOSED.as_str(),
            asked => asked.iter().any(|status| *status == face.status),
        }
    }
}

/// Where no ledger is here, there may be one where this repository came from; who is told so need not
/// wait for the network to be asked.
pub(super) fn elsewhere(cx: &Context) -> Result<()> {
    let repo = cx.repo()?;
    let none = repo.read_ref(&ledger::REF.parse()?)?.is_none();
    if none && !cx.json && !repo.remotes()?.is_empty() {
        cx.hint("what was written down elsewhere comes with `git bead sync`");
    }
    Ok(())
}

/// Tells the first `limit` of `found`, one after the other; says on stderr when some were left out. An
/// empty list is told apart by its exit code.
pub(super) fn tell(
    cx: &Context,
    beads: &Beads,
    found: &[Row<'_, Bead>],
    limit: usize,
) -> Result<Done> {
    let shown = if limit == 0 { found.len() } else { limit.min(found.len()) };
    if shown < found.len() {
        cx.hint(format!("{} more; --limit 0 shows all {}", found.len() - shown, found.len()));
    }
    let mut out = Stream::new(cx, record::list);
    found.iter().take(shown).try_for_each(|row| out.add(Record::of(beads, &row.read())))?;
    answer(out)
}

/// Ends a list with the exit code that says whether there was anything in it.
fn answer<T: Serialize>(list: Stream<'_, T>) -> Result<Done> {
    let empty = list.end()? == 0;
    Ok(Done::silent().exit(if empty { exit::NOTHING } else { 0 }))
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
        let fits = |row: &Row<'_, Bead>| {
            parent.is_none_or(|p| row.look(|face| face.parent() == Some(&p.id)))
        };
        let all = beads.live().map(|row| (row, graph::blockers(&beads, row.key())));
        let mut waiting = all.filter(|(row, by)| !by.is_empty() && fits(row)).peekable();
        if waiting.peek().is_none() {
            cx.remark("nothing is blocked");
        }
        let mut out = Stream::new(cx, Waiting::list);
        for (row, by) in waiting {
            out.add(Waiting {
                record: Record::of(&beads, &row.read()),
                blocked_by_count: by.len(),
                blocked_by: by.iter().map(|id| (*id).to_owned()).collect(),
                short: by.iter().map(|id| beads.short(id).to_owned()).collect(),
            })?;
        }
        answer(out)
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

impl Waiting {
    fn list(out: &mut Screen, all: &[Self]) {
        for waiting in all {
            record::list(out, std::slice::from_ref(&waiting.record));
            out.parts(&[(Tone::Faint, "    waits for "), (Tone::Id, &waiting.short.join(", "))]);
        }
    }
}
