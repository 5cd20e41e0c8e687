//! `git bead query`: beads that are asked for in words, and questions that are kept.

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::bead::filter::{Cond, Field, Op};
use crate::bead::find::Asked;
use crate::bead::query::{Wrong, parse};
use crate::bead::views::{self, Views};
use crate::cli::bead::list::{Sorting, Telling};
use crate::cli::bead::past::AsOf;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone, inert};
use crate::cli::table;
use crate::cli::when;
use crate::refusal::Refusal;

/// List the beads that a question asks for
///
/// A question is made of comparisons, AND, OR, NOT and parentheses. Compared are id, title, description,
/// design, acceptance, notes, comment, text (any of these), status, priority, type, assignee, owner,
/// creator, label, parent, under, created, updated, started, closed, due, defer, estimate, external, spec,
/// files and metadata.KEY, by = != < <= > >= or ~ (contains); `none` stands for nothing there, and type=bug,task
/// for one of these; files=PATH asks whose a path is. A while such as 7d is the moment so long ago, so updated>7d was changed within the last
/// seven days.
///
/// Closed beads are left out unless --all, or the question, speaks of status or closed. A question may be
/// kept under a name for everybody who has this ledger. Exit code 1: there is none; 129: the question is
/// wrong, and where.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead query 'status=open AND (priority<=2 OR label=auth) AND NOT updated>7d'
  git bead query 'due<now AND assignee=none' --json
  git bead query 'title~parser OR description~parser' --all
  git bead query 'type=bug AND priority<=1' --save urgent
  git bead query @urgent
  git bead query 'type=bug,task or label=ui' --parse-only
  git bead query --list
  git bead query --forget urgent")]
pub(in crate::cli) struct Query {
    /// The question, or @NAME for one that was kept
    #[arg(required_unless_present_any = ["list", "forget"], conflicts_with_all = ["list", "forget"])]
    query: Option<String>,
    /// Keep it under this name, and list nothing
    #[arg(long, value_name = "NAME", conflicts_with_all = NOT_KEPT)]
    save: Option<String>,
    /// Say how the question is understood, and list nothing
    #[arg(long, conflicts_with_all = ["list", "forget", "save"])]
    parse_only: bool,
    /// List the questions that are kept
    #[arg(long, conflicts_with = "forget")]
    list: bool,
    /// Forget the question of this name
    #[arg(long, value_name = "NAME")]
    forget: Option<String>,
    /// Closed ones too
    #[arg(long)]
    all: bool,
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

/// A question is kept, and nothing that is said beside it.
const NOT_KEPT: [&str; 9] =
    ["list", "forget", "all", "sort", "reverse", "limit", "quiet", "long", "as_of"];

impl Query {
    /// Keeping and forgetting is more than looking.
    pub(super) fn changes(&self) -> bool {
        self.save.is_some() || self.forget.is_some()
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.list {
            return listed(cx);
        }
        if let Some(name) = &self.forget {
            let query = cx
                .ledger()?
                .write(&cx.actor()?, |views: &Views, pen| views::forget(views, name, pen))?;
            return Ok(Kept { name: name.clone(), query, is_kept: false }.into());
        }
        let query = self.asked(cx)?;
        let cond = cond(cx, &query)?;
        if self.parse_only {
            return Ok(Parsed { query, parsed: cond.to_string() }.into());
        }
        if let Some(name) = &self.save {
            let actor = cx.actor()?;
            cx.ledger()?
                .write(&actor, |views: &Views, pen| views::keep(views, name, &query, pen))?;
            return Ok(Kept { name: name.clone(), query, is_kept: true }.into());
        }
        let (ledger, beads) = (cx.ledger()?, self.as_of.beads(cx)?);
        let cond = settled(cond, &beads)?;
        let closed = self.all || cond.speaks_of(&[Field::Status, Field::Closed]);
        let (order, reverse) = self.sorting.order()?;
        let found =
            Asked::new(&ledger, &cond, closed)?.find(&beads, &order, reverse, self.limit)?;
        self.telling.tell(cx, &beads, (&found, self.limit), "no such beads")
    }

    /// The question in its words.
    fn asked(&self, cx: &Context) -> Result<String> {
        let said = self.query.as_deref().unwrap_or_default();
        let Some(name) = said.strip_prefix('@') else { return Ok(said.to_owned()) };
        let views: Views = cx.ledger()?.read()?;
        Ok(views.find(name)?.to_owned())
    }
}

/// What a question means, or where it is wrong.
fn cond(cx: &Context, query: &str) -> Result<Cond> {
    let now = cx.clock.now();
    parse(query, &|said| when::span(said, &now)).map_err(|wrong| pointed(query, &wrong).into())
}

/// So much of a question is shown, most of it before the place.
const SHOWN: usize = 100;

/// Shows the place: a caret below it.
fn pointed(query: &str, wrong: &Wrong) -> Refusal {
    let flat = |text: &str| inert(text).replace(['\n', '\t'], " ");
    let before = flat(query.get(..wrong.at).unwrap_or(query)).chars().count();
    let skipped = before.saturating_sub(SHOWN * 2 / 3);
    let whole = flat(query);
    let mut shown: String = whole.chars().skip(skipped).take(SHOWN).collect();
    if skipped + SHOWN < whole.chars().count() {
        shown.push('…');
    }
    let start = if skipped > 0 { "…" } else { "" };
    let before = before - skipped + start.chars().count();
    let what = format!("{}\n  {start}{shown}\n  {:before$}^", wrong.what, "");
    Refusal::usage(what).hint("`git bead query -h` has the words of the language")
}

/// Ids may be said by any start of them.
fn settled(mut cond: Cond, beads: &Beads) -> Result<Cond> {
    cond.each_test(&mut |test| {
        let names = matches!(test.field, Field::Id | Field::Parent | Field::Under);
        if names && matches!(test.op, Op::Eq | Op::Ne) && !test.value.said.is_empty() {
            test.value.said = beads.find(&test.value.said)?.id.clone();
        }
        anyhow::Ok(())
    })?;
    Ok(cond)
}

fn listed(cx: &Context) -> Result<Done> {
    let views: Views = cx.ledger()?.read()?;
    let kept =
        views.iter().map(|(name, query)| View { name: name.to_owned(), query: query.to_owned() });
    let kept = Listed(kept.collect());
    if kept.0.is_empty() {
        cx.remark("no question is kept");
        return Ok(Done::from(kept).exit(exit::NOTHING));
    }
    Ok(kept.into())
}

#[derive(Serialize)]
struct Parsed {
    query: String,
    parsed: String,
}

impl Show for Parsed {
    fn show(&self, out: &mut Screen) {
        out.line(&self.parsed);
    }
}

#[derive(Serialize)]
struct View {
    name: String,
    query: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Listed(Vec<View>);

impl Show for Listed {
    fn show(&self, out: &mut Screen) {
        let row = |view: &View| {
            vec![(Tone::Id, format!("@{}", view.name)), (Tone::Plain, view.query.clone())]
        };
        table::rows(out, &self.0.iter().map(row).collect::<Vec<_>>());
    }
}

#[derive(Serialize)]
struct Kept {
    name: String,
    query: String,
    #[serde(rename = "kept")]
    is_kept: bool,
}

impl Show for Kept {
    fn show(&self, out: &mut Screen) {
        let did = if self.is_kept { "Kept " } else { "Forgot " };
        out.parts(&[
            (Tone::Good, did),
            (Tone::Id, &format!("@{}", self.name)),
            (Tone::Plain, &format!("  {}", self.query)),
        ]);
    }
}
