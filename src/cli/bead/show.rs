//! `git bead show`: all there is to know about a bead, and at its end what happened to it.

use anyhow::Result;
use serde::Serialize;

use crate::bead::export::priority;
use crate::bead::graph;
use crate::bead::history::History;
use crate::bead::hub;
use crate::bead::past::{self, Moment};
use crate::bead::{Bead, Beads};
use crate::cli::bead::list;
use crate::cli::bead::log::{self, About, Entry, Subject};
use crate::cli::bead::only::Only;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{self, Record, sign};
use crate::cli::context::Context;
use crate::cli::show::{Done, Pages, Screen, Show, Tone};
use crate::cli::stream::Stream;
use crate::ledger::{Json, Ledger, Line, Row};
use crate::refinery::Queue;

/// Show beads whole: their texts, what they wait for, and what happened to them
///
/// The trail at the end is `git bead log ID`: who claimed it, what was submitted, how it ended. In a pipe and with --json
/// it is told by --full alone. What `git bead compact` tells in one line is whole with --full.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead show 7f3k
  git bead show 7f3k 9a2c --json
  git bead show 4tbn --children
  git bead show 7f3k --fields title,acceptance_criteria
  git bead show 7f3k --full             also what a digest stands for
  git bead show 7f3k --as-of yesterday")]
pub(in crate::cli) struct ShowBead {
    /// The beads, by any start of an id that names one
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Everything, also where a digest is told in its place
    #[arg(long, conflicts_with_all = ["brief", "fields"])]
    full: bool,
    #[command(flatten)]
    only: Only,
    #[command(flatten)]
    rows: Rows,
    /// All there is, as always
    #[arg(long = "long", hide = true)]
    _long: bool,
    #[command(flatten)]
    as_of: AsOf,
}

/// A row a bead, as `list` has them.
#[derive(clap::Args)]
#[group(multiple = false)]
struct Rows {
    /// A row each, and no more
    #[arg(long)]
    short: bool,
    /// A row for each of their children instead
    #[arg(long)]
    children: bool,
    /// A row for each bead that depends on them instead
    #[arg(long)]
    refs: bool,
}

impl Rows {
    fn tell(&self, cx: &Context, beads: &Beads, ids: &[String]) -> Result<Done> {
        let mut out = Stream::new(cx, record::list);
        for bead in beads.find_each(ids)? {
            let is_child = |row: &Row<'_, Bead>| beads.above(&row.face()) == Some(&bead.id);
            let found: Vec<&Bead> = match (self.children, self.refs) {
                (true, _) => beads.rows().filter(is_child).map(|row| row.whole()).collect(),
                (_, true) => beads.dependents(&bead.id).map(|(_, other)| other).collect(),
                _ => vec![bead],
            };
            found.into_iter().try_for_each(|bead| out.add(Record::of(beads, bead)))?;
        }
        list::answer(out)
    }
}

impl ShowBead {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.rows.short || self.rows.children || self.rows.refs {
            return self.rows.tell(cx, &self.as_of.beads(cx)?, &self.ids);
        }
        let ledger = cx.ledger()?;
        let only = self.only.names(true)?;
        let (mut beads, queue, history): (Beads, Queue, History) = ledger.read()?;
        let moment = self.as_of.moment(cx)?;
        if let Some(moment) = &moment {
            beads = past::beads(&ledger, moment)?;
        }
        let asked = self.ids.iter().map(|id| ledger.spelled(beads.find(id)?.clone()));
        let asked = asked.collect::<Result<Vec<_>>>()?;
        let ids: Vec<_> = asked.iter().map(|bead| bead.id.as_str()).collect();
        let mut lines = match &moment {
            _ if !self.full && (cx.json || cx.is_terse()) => Vec::new(),
            None => history.lines(&ledger, &ids)?,
            Some(moment) => lines_until(&ledger, moment, &ids)?,
        };
        if cx.json {
            lines = ledger.spelled(lines)?;
        }
        let provisional = hub::provisional(cx.repo()?, &ledger)?;
        let pages = asked.iter().map(|bead| Page {
            record: Record {
                provisional: hub::is_among(&provisional, bead),
                ..match self.full {
                    true => Record::full(&beads, bead),
                    false if only.is_empty() => Record::of(&beads, bead).said_once(),
                    false => Record::of(&beads, bead),
                }
            },
            author: author(bead, &queue),
            held: bead.claim.is_some(),
            dependencies: bead
                .dependencies
                .iter()
                .filter_map(|edge| {
                    Some(Near::of(&beads, beads.get(&edge.depends_on_id)?, edge.kind.as_str()))
                })
                .collect(),
            dependents: beads
                .dependents(&bead.id)
                .map(|(edge, other)| Near::of(&beads, other, edge.kind.as_str()))
                .collect(),
            blocked_by: graph::blockers(&beads, &bead.id)
                .into_iter()
                .map(|id| beads.short(id).to_owned())
                .collect(),
            worth: Worth::of(&beads, &bead.id),
            trail: about(&lines, &bead.id).map(|line| Entry::of(&beads, line.clone())).collect(),
        });
        match only.is_empty() {
            true => Ok(Done::from(Pages(pages.collect())).whole()),
            false => in_rows(cx, pages, &only),
        }
    }
}

/// No more of each than these fields.
fn in_rows(cx: &Context, pages: impl Iterator<Item = Page>, only: &[&str]) -> Result<Done> {
    let mut out = Stream::new(cx, |_, _: &[Page]| {}).only(only);
    pages.into_iter().try_for_each(|page| out.add(page))?;
    out.end()?;
    Ok(Done::silent())
}

/// What had been said about these by then.
fn lines_until(ledger: &Ledger<'_>, moment: &Moment, ids: &[&str]) -> Result<Vec<Line>> {
    let subject = |id: &&str| About::new(Subject::Thing((*id).to_owned()));
    let mut about: Vec<_> = ids.iter().map(subject).collect();
    let mut lines = Vec::new();
    past::lines(ledger, moment, &mut |line| {
        if about.iter_mut().fold(false, |some, it| it.concerns(line) | some) {
            lines.push(line.clone());
        }
    })?;
    Ok(lines)
}

fn about<'a>(lines: &'a [Line], id: &str) -> impl Iterator<Item = &'a Line> {
    let mut about = About::new(Subject::Thing(id.to_owned()));
    lines.iter().filter(move |line| about.concerns(line))
}

/// Who did a closed bead: the author of record of the commit that landed, else who closed it. Whoever
/// it is assigned to by now has no part in that.
fn author(bead: &Bead, queue: &Queue) -> Option<String> {
    let landing = bead.landed.as_ref().map(|landed| landed.entry.as_str());
    let entry = queue.entries().find(|entry| Some(entry.name().as_str()) == landing);
    let of_record = entry.and_then(|entry| Some(entry.landed.as_ref()?.author.clone()));
    of_record.or_else(|| bead.closed_by.clone())
}

/// A bead at the other end of an edge.
#[derive(Serialize)]
struct Near {
    id: String,
    title: String,
    status: String,
    priority: i64,
    issue_type: String,
    dependency_type: String,
    #[serde(skip)]
    short: String,
}

impl Near {
    fn of(beads: &Beads, bead: &Bead, kind: &str) -> Self {
        Self {
            id: bead.id.clone(),
            title: bead.title.clone(),
            status: bead.status.to_string(),
            priority: priority(bead),
            issue_type: bead.issue_type.clone(),
            dependency_type: kind.to_owned(),
            short: beads.short(&bead.id).to_owned(),
        }
    }
}

/// What closing a bead would be good for.
#[derive(Serialize)]
struct Worth {
    /// What could start then, and cannot now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    frees: Vec<String>,
    /// How many beads cannot start before, those that wait for such ones included.
    #[serde(rename = "stand_behind", skip_serializing_if = "is_none")]
    behind: usize,
    #[serde(skip)]
    short: Vec<String>,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

/// So many of what a close would free are told; --json tells all.
const FEW: usize = 8;

impl Worth {
    fn of(beads: &Beads, id: &str) -> Self {
        let frees = graph::frees(beads, id);
        Self {
            frees: frees.iter().map(|row| row.key().to_owned()).collect(),
            behind: graph::behind(beads, id),
            short: frees.iter().take(FEW).map(|row| beads.short(row.key()).to_owned()).collect(),
        }
    }

    fn fact(&self) -> Option<String> {
        let more = self.frees.len() - self.short.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let freed = format!("closing it frees {}{more}", self.short.join(", "));
        let behind = format!("{} cannot start before it is closed", self.behind);
        match (self.frees.len(), self.behind) {
            (0, 0) => None,
            (0, _) => Some(behind),
            (now, all) if now == all => Some(freed),
            _ => Some(format!("{freed}; {behind}")),
        }
    }
}

#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    record: Record,
    /// Who did it, once it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<Near>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependents: Vec<Near>,
    #[serde(flatten)]
    worth: Worth,
    #[serde(skip)]
    held: bool,
    #[serde(skip)]
    blocked_by: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trail: Vec<Entry>,
}

impl Show for Page {
    fn show(&self, out: &mut Screen) {
        let record = &self.record;
        let (mark, tone) = sign(&record.status);
        out.parts(&[
            (tone, mark),
            (Tone::Plain, " "),
            (Tone::Id, if out.terse && self.trail.is_empty() { &record.short } else { &record.id }),
            (Tone::Strong, &format!("  {}", record.title)),
        ]);
        self.facts(out);
        let digest = record.digest.clone().unwrap_or_default();
        let texts = [
            ("In short (--full tells it whole)", &digest),
            ("Description", &record.description),
            ("Design", &record.design),
            ("Acceptance criteria", &record.acceptance_criteria),
            ("Notes", &record.notes),
        ];
        for (head, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            out.line("");
            out.parts(&[(Tone::Strong, head)]);
            out.block(text, 2);
        }
        near(out, "Depends on", &self.dependencies);
        near(out, "Others depend on it", &self.dependents);
        for comment in &record.comments {
            out.line("");
            out.parts(&[
                (Tone::Strong, &comment.author),
                (Tone::Faint, &format!("  {}", comment.created_at)),
            ]);
            out.block(&comment.text, 2);
        }
        if !self.trail.is_empty() {
            out.line("");
            out.parts(&[(Tone::Strong, "Trail")]);
            log::tell(out, &self.trail);
        }
    }
}

impl Page {
    fn facts(&self, out: &mut Screen) {
        let record = &self.record;
        let mut facts =
            vec![format!("{}, P{}, {}", record.issue_type, record.priority, record.status)];
        facts.extend(match (&self.author, &record.assignee) {
            (Some(author), _) => Some(format!("done by {author}")),
            (None, Some(name)) if self.held => {
                let yet = if record.provisional { ", provisional" } else { "" };
                Some(format!("held by {name} (epoch {}{yet})", record.epoch))
            }
            (None, Some(name)) => Some(format!("assigned to {name}")),
            (None, None) => None,
        });
        let below = |id: &&String| out.terse && self.dependencies.iter().any(|it| it.short == **id);
        let waits: Vec<_> = self.blocked_by.iter().filter(|id| !below(id)).cloned().collect();
        if !waits.is_empty() {
            facts.push(format!("waits for {}", waits.join(", ")));
        }
        facts.extend(self.worth.fact());
        if !record.labels.is_empty() {
            facts.push(format!("labels {}", record.labels.join(", ")));
        }
        if let Some(files) = record.rest.get("files").and_then(Json::as_array) {
            let files: Vec<_> = files.iter().filter_map(Json::as_str).collect();
            facts.push(format!("owns {}", files.join(", ")));
        }
        for (word, moment) in [("due", &record.due_at), ("put off until", &record.defer_until)] {
            facts.extend(moment.as_ref().map(|moment| format!("{word} {moment}")));
        }
        if record.status == "tombstone" {
            let by = record.deleted_by.as_ref().map(|by| format!(" by {by}"));
            let at = record.deleted_at.as_ref().map(|at| format!(", {at}"));
            let why = record.delete_reason.as_ref().map(|why| format!(": {why}"));
            let parts = [by, at, why].map(Option::unwrap_or_default);
            facts.push(format!("deleted{}", parts.concat()));
        }
        if let Some(reason) = &record.close_reason {
            facts.push(format!("closed: {reason}"));
        }
        for fact in facts {
            out.parts(&[(Tone::Faint, &format!("  {fact}"))]);
        }
    }
}

fn near(out: &mut Screen, head: &str, all: &[Near]) {
    if all.is_empty() {
        return;
    }
    out.line("");
    out.parts(&[(Tone::Strong, head)]);
    for other in all {
        let (mark, tone) = sign(&other.status);
        out.parts(&[
            (Tone::Plain, "  "),
            (tone, mark),
            (Tone::Plain, " "),
            (Tone::Id, &other.short),
            (Tone::Plain, &format!("  {}", other.title)),
            (Tone::Faint, &format!("  [{}]", other.dependency_type)),
        ]);
    }
}
