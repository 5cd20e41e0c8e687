//! `git bead list`: beads in rows.

use anyhow::Result;
use serde::Serialize;

use crate::bead::filter::Field;
use crate::bead::find::Asked;
use crate::bead::order::Order;
use crate::bead::{Bead, Beads};
use crate::cli::bead::asked::{More, Said, Which};
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen};
use crate::cli::stream::Stream;
use crate::ledger::{self, Row};
use crate::refusal::Refusal;

/// List beads, the most urgent first
///
/// Closed beads are left out unless --all, --status, --id or a time of closing asks for them. Days are
/// those of UTC. Exit code 1: there is none, and with --json stdout still has an empty array.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead list -s open,in_progress -l parser --exclude-label later
  git bead list --all --limit 0 --json
  git bead list --updated-before 30d --sort updated --reverse
  git bead list --title-contains parser --no-assignee --priority-max 1
  git bead list --metadata-field team=core -q
  git bead list --as-of 2026-11-01")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    more: More,
    #[command(flatten)]
    sorting: Sorting,
    /// At most this many; 0 means all
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    as_of: AsOf,
}

/// In which order.
#[derive(clap::Args)]
pub(super) struct Sorting {
    /// Sort by priority (then newest), created, updated, closed, status, id, title, type or assignee
    #[arg(long, value_name = "FIELD")]
    sort: Option<String>,
    /// The other way round
    #[arg(short, long)]
    reverse: bool,
}

impl Sorting {
    pub(super) fn order(&self) -> Result<(Order, bool)> {
        let Some(sort) = &self.sort else { return Ok((Order::Priority, self.reverse)) };
        let field = Field::named(sort).map_err(Refusal::usage)?;
        let order = match field {
            Field::Priority => Order::Priority,
            field => Order::by(field).ok_or_else(|| {
                Refusal::usage(format!("beads are not sorted by {sort}"))
                    .hint("--sort priority, created, updated, closed, due, status, id, title, type or assignee")
            })?,
        };
        Ok((order, self.reverse))
    }
}

/// How much of each.
#[derive(clap::Args)]
pub(super) struct Telling {
    /// Whole ids and nothing else
    #[arg(short, long)]
    quiet: bool,
    /// More of each: labels, times, what it belongs to
    #[arg(long, conflicts_with = "quiet")]
    long: bool,
}

impl List {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, beads) = (cx.ledger()?, self.as_of.beads(cx)?);
        let mut said = Said::new(cx);
        self.which.say(&mut said)?;
        self.more.say(&beads, &mut said)?;
        let cond = said.done();
        let (order, reverse) = self.sorting.order()?;
        let asked = Asked::new(&ledger, &cond, self.more.with_closed())?;
        let found = asked.find(&beads, &order, reverse, self.limit)?;
        if found.is_empty() {
            cx.remark("no such beads");
            elsewhere(cx)?;
        }
        self.telling.tell(cx, &beads, &found, self.limit)
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

impl Telling {
    /// Tells the first `limit` of `found`, one after the other; says on stderr when some were left out.
    /// An empty list is told apart by its exit code.
    pub(super) fn tell(
        &self,
        cx: &Context,
        beads: &Beads,
        found: &[Row<'_, Bead>],
        limit: usize,
    ) -> Result<Done> {
        let shown = if limit == 0 { found.len() } else { limit.min(found.len()) };
        if shown < found.len() {
            cx.hint(format!("{} more; --limit 0 shows all {}", found.len() - shown, found.len()));
        }
        let found = found.iter().take(shown);
        if self.quiet && !cx.json {
            let mut out = Stream::new(cx, ids);
            found.map(Row::key).try_for_each(|id| out.add(id))?;
            return answer(out);
        }
        let mut out = Stream::new(cx, if self.long { record::long } else { record::list });
        found.map(|row| Record::of(beads, &row.read())).try_for_each(|record| out.add(record))?;
        answer(out)
    }
}

pub(super) fn ids(out: &mut Screen, ids: &[&str]) {
    for id in ids {
        out.line(id);
    }
}

/// Ends a list with the exit code that says whether there was anything in it.
pub(super) fn answer<T: Serialize>(list: Stream<'_, T>) -> Result<Done> {
    let empty = list.end()? == 0;
    Ok(Done::silent().exit(if empty { exit::NOTHING } else { 0 }))
}
