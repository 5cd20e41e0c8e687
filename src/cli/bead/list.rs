//! `git bead list`: beads in rows.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use serde::Serialize;

use crate::bead::filter::Field;
use crate::bead::find::Asked;
use crate::bead::order::Order;
use crate::bead::{Bead, Beads};
use crate::cli::bead::asked::{More, Said, Which};
use crate::cli::bead::only::Only;
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
  git bead list --tree --exclude-type chore
  git bead list --fields id,labels,due_at
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
    /// A bead a row, as always
    #[arg(long = "flat", hide = true)]
    _flat: bool,
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
    #[arg(short, long, conflicts_with_all = ["brief", "fields"])]
    quiet: bool,
    /// More of each: labels, times, what it belongs to
    #[arg(long, conflicts_with_all = ["quiet", "brief", "fields"])]
    long: bool,
    /// Children below what they belong to
    #[arg(long, alias = "pretty", conflicts_with_all = ["quiet", "brief", "fields"])]
    tree: bool,
    #[command(flatten)]
    pub only: Only,
    /// Nothing is told of what there is none of.
    #[arg(skip)]
    uncounted: bool,
}

/// Rows with how deep they stand: a child below its parent, where that is among them.
fn as_tree<'a>(beads: &Beads, found: &[Row<'a, Bead>]) -> Vec<(usize, Row<'a, Bead>)> {
    let at: HashMap<_, _> = found.iter().enumerate().map(|(n, row)| (row.key(), n)).collect();
    let above = |row: &Row<'_, Bead>| at.get(beads.above(&row.face())?).copied();
    let mut below = HashMap::<_, Vec<usize>>::new();
    for (n, row) in found.iter().enumerate().rev() {
        below.entry(above(row)).or_default().push(n);
    }
    let mut rows = Vec::new();
    // Who is a child of its own child stands below nobody.
    let all: Vec<_> = (0..found.len()).rev().map(|n| (0, n)).collect();
    let roots = below.remove(&None).into_iter().flatten().map(|n| (0, n));
    let mut next: Vec<_> = all.into_iter().chain(roots).collect();
    let mut seen = HashSet::new();
    while let Some((depth, n)) = next.pop() {
        if seen.insert(n) {
            rows.extend(found.get(n).map(|row| (depth, *row)));
            next.extend(below.remove(&Some(n)).into_iter().flatten().map(|n| (depth + 1, n)));
        }
    }
    rows
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
        self.telling.tell(cx, &beads, (&found, self.limit), "no such beads")
    }
}

/// Says that there is none. Where no ledger is here, there may be one where this repository came from; who is told so need not
/// wait for the network to be asked.
pub(super) fn none(cx: &Context, what: &str) -> Result<()> {
    cx.remark(what);
    let repo = cx.repo()?;
    let none = repo.read_ref(&ledger::REF.parse()?)?.is_none();
    if none && !cx.json && !repo.remotes()?.is_empty() {
        cx.hint("what was written down elsewhere comes with `git bead sync`");
    }
    Ok(())
}

impl Telling {
    pub(super) fn uncounted(self) -> Self {
        Self { uncounted: true, ..self }
    }

    /// Tells the first `limit` of `found`, one after the other; says on stderr when some were left out, or
    /// that there is none. An empty list is told apart by its exit code.
    pub(super) fn tell(
        &self,
        cx: &Context,
        beads: &Beads,
        (found, limit): (&[Row<'_, Bead>], usize),
        what_if_none: &str,
    ) -> Result<Done> {
        if found.is_empty() {
            none(cx, what_if_none)?;
        }
        let shown = if limit == 0 { found.len() } else { limit.min(found.len()) };
        if shown < found.len() {
            cx.hint(format!("{} more; --limit 0 shows all {}", found.len() - shown, found.len()));
        }
        let shown = found.get(..shown).unwrap_or_default();
        if self.tree && !cx.json {
            let mut out = Stream::new(cx, if self.long { record::long } else { record::list });
            for (depth, row) in as_tree(beads, shown) {
                let mut record = Record::of(beads, &row.read());
                record.title.insert_str(0, &"  ".repeat(depth));
                out.add(record)?;
            }
            return answer(out);
        }
        let found = shown.iter();
        if self.quiet && !cx.json {
            let mut out = Stream::new(cx, ids);
            found.map(Row::key).try_for_each(|id| out.add(id))?;
            return answer(out);
        }
        let mut out = Stream::new(cx, if self.long { record::long } else { record::list });
        let only = self.only.names(cx.json)?;
        out = out.only(&only);
        for row in found {
            let record = Record::of(beads, &row.read());
            out.add(match self.uncounted {
                _ if self.long || !only.is_empty() => record,
                true => record.uncounted(),
                false => record.row(),
            })?;
        }
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
