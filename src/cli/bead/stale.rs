//! `git bead stale`, `orphans` and `duplicates`: what somebody ought to look at.

use anyhow::Result;
use serde::Serialize;

use crate::bead::alike::{self, Told};
use crate::bead::filter::{Cond, Field, Op, Seen};
use crate::bead::find::Asked;
use crate::bead::order::Order;
use crate::bead::orphans;
use crate::cli::bead::asked::Said;
use crate::cli::bead::list::{self, Telling, ids};
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::stream::Stream;
use crate::refusal::Refusal;

/// List what is open and was not touched for long, the longest first
///
/// Exit code 1: there is none.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead stale
  git bead stale -d 90 -s in_progress --json
  git bead stale -q")]
pub(in crate::cli) struct Stale {
    /// So many days
    #[arg(short, long, default_value_t = 30)]
    days: u32,
    /// Only this status
    #[arg(short, long)]
    status: Option<String>,
    /// At most this many; 0 means all
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    as_of: AsOf,
}

impl Stale {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, beads) = (cx.ledger()?, self.as_of.beads(cx)?);
        let mut said = Said::at(self.as_of.now(cx)?);
        said.and(&Field::Updated, Op::Lt, &format!("{}d", self.days))?;
        if let Some(status) = &self.status {
            said.and(&Field::Status, Op::Eq, status)?;
        }
        let cond = said.done();
        let asked = Asked::new(&ledger, &cond, false)?;
        let found = asked.find(&beads, &Order::By(Field::Updated), true, self.limit)?;
        self.telling.tell(cx, &beads, (&found, self.limit), "nothing is stale")
    }
}

/// List open beads that commits name: perhaps they are done
///
/// Looked through are the commits of the branch that work lands on: their `Bead:` trailers, and ids in
/// their subjects. Exit code 1: there is none.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead orphans
  git bead orphans --branch release --json")]
pub(in crate::cli) struct Orphans {
    /// Another branch
    #[arg(long)]
    branch: Option<String>,
    /// Whole ids and nothing else
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    as_of: AsOf,
}

impl Orphans {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (repo, beads) = (cx.repo()?, self.as_of.beads(cx)?);
        let branch = self.branch.map_or_else(|| repo.default_branch(), Ok)?;
        let unknown = || {
            Refusal::nothing(format!("there is no branch {branch}"))
                .hint("--branch names the one to look through")
        };
        let tip = repo.resolve(&branch)?.ok_or_else(unknown)?;
        let now = self.as_of.now(cx)?.to_string();
        let found = orphans::orphans(repo, &beads, &tip.to_string(), &now)?;
        if found.is_empty() {
            cx.remark("no commit names an open bead");
        }
        if self.quiet && !cx.json {
            let mut out = Stream::new(cx, ids);
            found.keys().try_for_each(|id| out.add(*id))?;
            return list::answer(out);
        }
        let mut out = Stream::new(cx, Orphan::list);
        for (id, named) in found {
            let Some(row) = beads.row(id) else { continue };
            out.add(Orphan {
                record: Record::of(&beads, &row.read()).row(),
                latest_commit: named.commit,
                latest_commit_message: named.subject,
            })?;
        }
        list::answer(out)
    }
}

#[derive(Serialize)]
struct Orphan {
    #[serde(flatten)]
    record: Record,
    latest_commit: String,
    latest_commit_message: String,
}

impl Orphan {
    fn list(out: &mut Screen, all: &[Self]) {
        for orphan in all {
            record::list(out, std::slice::from_ref(&orphan.record));
            let commit: String = orphan.latest_commit.chars().take(10).collect();
            out.parts(&[(Tone::Faint, &format!("    {commit} {}", orphan.latest_commit_message))]);
        }
    }
}

/// List beads that were written down twice
///
/// The same is what has the same title and description, but for case, blanks and marks. With --near also
/// what has most of its words in common; then say how large a part, 0.8 if you do not. Exit code 1: there
/// is none.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead duplicates
  git bead duplicates -q
  git bead duplicates --near
  git bead duplicates --near 0.6 --all --json")]
pub(in crate::cli) struct Duplicates {
    /// Also those that have so large a part of all their words in common, 0.1 to 1
    #[arg(long, value_name = "PART", num_args = 0..=1, default_missing_value = "0.8")]
    near: Option<f64>,
    /// Closed ones too
    #[arg(long)]
    all: bool,
    /// Whole ids and nothing else, a group a line
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    as_of: AsOf,
}

impl Duplicates {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if let Some(part) = self.near.filter(|part| !(0.1..=1.0).contains(part)) {
            let what = format!("--near {part} is no part between 0.1 and 1");
            return Err(Refusal::usage(what).hint("--near 0.8").into());
        }
        let (ledger, beads) = (cx.ledger()?, self.as_of.beads(cx)?);
        let (every, mut told) = (Cond::every(), Vec::new());
        Asked::new(&ledger, &every, self.all)?.each(
            &beads,
            &|seen| matches!(seen, Seen::Whole(_)),
            &mut |_, seen| {
                if let Seen::Whole(bead) = seen {
                    told.push(Told::new(&bead.id, &bead.title, &bead.description));
                }
                Ok(())
            },
        )?;
        let same = alike::same(&told).into_iter().map(|ids| (1.0, ids));
        let near = self.near.map(|least| alike::near(&told, least)).unwrap_or_default();
        let near = near.into_iter().map(|(alike, one, other)| (alike, vec![one, other]));
        let groups = same.chain(near).map(|(similarity, ids)| Group {
            similarity,
            beads: ids
                .iter()
                .filter_map(|id| Some(Record::of(&beads, &beads.row(id)?.read()).row()))
                .collect(),
        });
        let groups = Groups { all: groups.collect(), quiet: self.quiet };
        if groups.all.is_empty() {
            cx.remark("nothing was written down twice");
            return Ok(Done::from(groups).exit(exit::NOTHING));
        }
        Ok(groups.into())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Groups {
    all: Vec<Group>,
    #[serde(skip)]
    quiet: bool,
}

#[derive(Serialize)]
struct Group {
    /// Which part of all their words they have in common.
    similarity: f64,
    beads: Vec<Record>,
}

impl Show for Groups {
    fn show(&self, out: &mut Screen) {
        for group in &self.all {
            if self.quiet {
                let ids: Vec<_> = group.beads.iter().map(|bead| bead.id.as_str()).collect();
                out.line(ids.join(" "));
                continue;
            }
            let alike = if group.similarity < 1.0 {
                format!("{:.0} % alike", group.similarity * 100.0)
            } else {
                "the same".to_owned()
            };
            out.parts(&[(Tone::Strong, &alike)]);
            record::list(out, &group.beads);
        }
    }
}
