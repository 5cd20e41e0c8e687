//! `git bead dep list` and `git bead dep cycles`: edges as they are.

use anyhow::Result;
use serde::Serialize;

use crate::bead::rings::{self, How};
use crate::bead::{Beads, fields};
use crate::cli::bead::list;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{Edge, Record, sign};
use crate::cli::bead::tree::Way;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::stream::Stream;

/// List what beads depend on, or what depends on them
///
/// One step, not further: `dep tree` goes on. With --json one ID gives the beads at the other ends, each
/// with its dependency_type, and several give the edges themselves, as beads does.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep list 7f3k
  git bead dep list 7f3k --direction up -t blocks
  git bead dep list 7f3k 9a2c --json")]
pub(in crate::cli) struct List {
    /// The beads, by any start of an id that names one
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// down to what they depend on, up to what depends on them, or both
    #[arg(long, value_enum, default_value = "down")]
    direction: Way,
    /// Only edges of this kind
    #[arg(short = 't', long = "type", value_name = "KIND")]
    kind: Option<String>,
    /// Whole ids and nothing else
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    as_of: AsOf,
}

impl List {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let beads = self.as_of.beads(cx)?;
        let mut ends = Vec::new();
        for bead in beads.find_each(&self.ids)? {
            let fits = |edge: &&fields::Edge| {
                self.kind.as_ref().is_none_or(|kind| edge.kind.as_str() == kind)
            };
            if self.direction != Way::Up {
                let edges = bead.dependencies.iter().filter(fits);
                ends.extend(edges.map(|edge| End::of(&beads, edge, &edge.depends_on_id)));
            }
            if self.direction != Way::Down {
                let edges = beads.dependents(&bead.id).map(|(edge, _)| edge).filter(fits);
                ends.extend(edges.map(|edge| End::of(&beads, edge, &edge.issue_id)));
            }
        }
        if ends.is_empty() {
            cx.remark("there is no such dependency");
        }
        if self.quiet && !cx.json {
            let mut out = Stream::new(cx, list::ids);
            ends.iter().map(End::id).try_for_each(|id| out.add(id))?;
            out.end()?;
            return Ok(Done::silent());
        }
        Ok(match self.ids.as_slice() {
            [_] => Done::from(Ends(ends)),
            _ => Done::from(Edges(ends.into_iter().map(|end| end.edge).collect())),
        })
    }
}

/// What is at the other end of an edge: a bead, or the name of something that is none.
#[derive(Serialize)]
struct End {
    #[serde(flatten)]
    there: There,
    dependency_type: String,
    #[serde(skip)]
    edge: Between,
}

#[derive(Serialize)]
#[serde(untagged)]
enum There {
    Bead(Box<Record>),
    Name { id: String },
}

impl End {
    fn id(&self) -> &str {
        match &self.there {
            There::Bead(record) => &record.id,
            There::Name { id } => id,
        }
    }

    fn of(beads: &Beads, edge: &fields::Edge, id: &str) -> Self {
        let there = match beads.get(id) {
            Some(bead) => There::Bead(Box::new(Record::of(beads, bead).uncounted())),
            None => There::Name { id: id.to_owned() },
        };
        let short = [&edge.issue_id, &edge.depends_on_id].map(|id| beads.short(id).to_owned());
        let between = Between { edge: Edge::of(edge), kind: edge.kind.to_string(), short };
        Self { there, dependency_type: edge.kind.to_string(), edge: between }
    }
}

#[derive(Serialize)]
struct Between {
    #[serde(flatten)]
    edge: Edge,
    #[serde(skip)]
    kind: String,
    #[serde(skip)]
    short: [String; 2],
}

#[derive(Serialize)]
#[serde(transparent)]
struct Ends(Vec<End>);

impl Show for Ends {
    fn show(&self, out: &mut Screen) {
        for end in &self.0 {
            let kind = format!("  [{}]", end.dependency_type);
            match &end.there {
                There::Bead(record) => {
                    row(out, &record.status, &record.short, &record.title, &kind);
                }
                There::Name { id } => row(out, "", id, "", &kind),
            }
        }
    }
}

fn row(out: &mut Screen, status: &str, short: &str, title: &str, behind: &str) {
    let (mark, tone) = sign(status);
    out.parts(&[
        (tone, mark),
        (Tone::Plain, " "),
        (Tone::Id, short),
        (Tone::Plain, &format!("  {title}")),
        (Tone::Faint, behind),
    ]);
}

#[derive(Serialize)]
#[serde(transparent)]
struct Edges(Vec<Between>);

impl Show for Edges {
    fn show(&self, out: &mut Screen) {
        for Between { kind, short: [from, to], .. } in &self.0 {
            let between = if kind == "blocks" { "waits for" } else { "depends on" };
            let kind = if kind == "blocks" { String::new() } else { format!("  [{kind}]") };
            out.parts(&[
                (Tone::Id, from),
                (Tone::Plain, &format!(" {between} ")),
                (Tone::Id, to),
                (Tone::Faint, &kind),
            ]);
        }
    }
}

/// Find beads that wait for themselves
///
/// Nothing of a ring ever gets its turn: each of it comes only after the next, because it waits for that or
/// for what that is a part of, or because that is its child. A bead may wait for its own children; that is
/// no ring. `dep add` refuses to close one; a file of another tool may bring it, and so may two clones. Of
/// beads that are knotted in more than one way the shortest ring is told: when it is cut, the next one
/// shows. Exit code 3: there is one.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep cycles
  git bead dep cycles --as-of yesterday --json")]
pub(in crate::cli) struct Cycles {
    #[command(flatten)]
    as_of: AsOf,
}

impl Cycles {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let beads = self.as_of.beads(cx)?;
        let found = rings::all(&beads);
        let how = |(_, how): &(&str, How)| match how {
            How::Waits => String::new(),
            how => format!("  {} the next", how.said()),
        };
        let hows: Vec<Vec<_>> = found.iter().map(|ring| ring.iter().map(how).collect()).collect();
        let record = |(id, _): &(&str, How)| Some(Record::of(&beads, beads.get(id)?).uncounted());
        let rings: Vec<Vec<_>> =
            found.iter().map(|ring| ring.iter().filter_map(record).collect()).collect();
        let code = if rings.is_empty() { 0 } else { exit::REFUSED };
        match rings.is_empty() {
            true => cx.remark("nothing waits for itself"),
            false if cx.json => {}
            false => cx.hint("`git bead dep remove ID ON` cuts a ring: ID no longer waits for ON"),
        }
        if hows.iter().flatten().any(|how| !how.is_empty()) {
            cx.hint("`git bead update ID --parent \"\"` takes a child out of its parent");
        }
        Ok(Done::from(Rings { rings, hows }).exit(code))
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rings {
    rings: Vec<Vec<Record>>,
    /// How each depends on the next, where it does not wait for it.
    #[serde(skip)]
    hows: Vec<Vec<String>>,
}

/// A ring that is longer than this is told by its beginning.
const LONGEST: usize = 20;

impl Show for Rings {
    fn show(&self, out: &mut Screen) {
        for (ring, hows) in self.rings.iter().zip(&self.hows) {
            let head = format!("A ring of {}, each waiting for the next", ring.len());
            out.parts(&[(Tone::Bad, &head)]);
            for (record, how) in ring.iter().zip(hows).take(LONGEST) {
                row(out, &record.status, &record.short, &record.title, how);
            }
            if let Some(more) = ring.len().checked_sub(LONGEST).filter(|more| *more > 0) {
                out.parts(&[(Tone::Faint, &format!("  and {more} more, back to the first"))]);
            }
        }
    }
}
