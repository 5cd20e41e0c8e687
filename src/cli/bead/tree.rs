//! `git bead dep tree`: what a bead stands on, what stands on it, and that to any depth.

use std::collections::HashSet;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::bead::fields::is_external;
use crate::bead::tree::{Growth, Step, only, tree};
use crate::bead::{Bead, Beads, change, graph};
use crate::cli::bead::arrows::{Arrow, Spot, mermaid};
use crate::cli::bead::list;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::sign;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::stream::Stream;

/// Rows are set in no further than this, or deep trees would be wider than long.
const WIDEST: usize = 60;

/// Show what a bead depends on, and what that depends on
///
/// What comes up twice has its own branches at the first place alone. A branch says of what kind it is
/// where it is not `blocks`. With --direction both the tree of what depends on the bead follows.
/// Exit code 1: --status left nothing.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep tree 7f3k
  git bead dep tree 7f3k --direction up      what waits for it
  git bead dep tree 7f3k --status open --max-depth 3
  git bead dep tree 7f3k --format mermaid")]
pub(in crate::cli) struct Tree {
    /// The bead at the root
    id: String,
    /// down to what it depends on, up to what depends on it, or both
    #[arg(long, value_enum, default_value = "down")]
    direction: Way,
    /// No deeper than this
    #[arg(short = 'd', long, value_name = "N", default_value_t = 50)]
    max_depth: usize,
    /// Only beads of this status, and the way to them
    #[arg(long)]
    status: Option<String>,
    /// As rows, or as a diagram that many web sites draw
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Whole ids and nothing else, each once
    #[arg(short, long, conflicts_with = "format")]
    quiet: bool,
    #[command(flatten)]
    as_of: AsOf,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum Way {
    Down,
    Up,
    Both,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Text,
    Mermaid,
}

impl Tree {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let beads = self.as_of.beads(cx)?;
        let root = beads.find(&self.id)?;
        let status = self.status.as_deref().map(word).transpose()?;
        let fits = |bead: Option<&Bead>| {
            let is = |word: &String| bead.is_some_and(|bead| bead.status.as_str() == word);
            status.as_ref().is_none_or(is)
        };
        let ways: &[bool] = match self.direction {
            Way::Down => &[false],
            Way::Up => &[true],
            Way::Both => &[false, true],
        };
        let mut nodes = Vec::new();
        for up in ways {
            let steps = only(tree(&beads, root, Growth { up: *up, most: self.max_depth }), &fits);
            // The root is there once.
            let skip = usize::from(!nodes.is_empty());
            nodes.extend(steps.iter().skip(skip).map(|step| Node::of(&beads, step, *up)));
        }
        if nodes.is_empty() {
            cx.remark("no such beads");
        }
        if nodes.iter().any(|node| node.is_cut) && !cx.json {
            cx.hint("there is more below: --max-depth N goes deeper");
        }
        if self.quiet && !cx.json {
            let (mut out, mut seen) = (Stream::new(cx, list::ids), HashSet::new());
            let ids = nodes.iter().map(|node| node.id.as_str()).filter(|id| seen.insert(*id));
            for id in ids {
                out.add(id)?;
            }
            return list::answer(out);
        }
        let code = if nodes.is_empty() { exit::NOTHING } else { 0 };
        let nodes = Nodes { nodes, format: self.format, short: beads.short(&root.id).to_owned() };
        Ok(Done::from(nodes).exit(code))
    }
}

/// A status as people write it; here closed is one, too.
fn word(said: &str) -> Result<String> {
    let plain = said.trim().to_lowercase();
    if plain == "closed" || plain == "tombstone" {
        return Ok(plain);
    }
    Ok(change::status(said)?.as_str().to_owned())
}

/// Below the bead stands what it waits for, unless it is said to be otherwise.
fn is_down(direction: &&str) -> bool {
    *direction == "down"
}

#[derive(Serialize)]
struct Node {
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u8>,
    #[serde(skip_serializing_if = "String::is_empty")]
    issue_type: String,
    depth: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependency_type: Option<String>,
    #[serde(skip_serializing_if = "is_down")]
    direction: &'static str,
    /// Its own branches are shown further up, or would be too deep.
    truncated: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    blocked: bool,
    #[serde(skip)]
    short: String,
    #[serde(skip)]
    is_cut: bool,
}

impl Node {
    fn of(beads: &Beads, step: &Step<'_>, up: bool) -> Self {
        let of = |text: fn(&Bead) -> &str| step.bead.map(text).unwrap_or_default().to_owned();
        Self {
            id: step.id.to_owned(),
            title: of(|bead| &bead.title),
            status: of(|bead| bead.status.as_str()),
            priority: step.bead.map(|bead| bead.priority),
            issue_type: of(|bead| &bead.issue_type),
            depth: step.depth,
            parent_id: step.from.map(|(id, _)| id.to_owned()),
            dependency_type: step.from.map(|(_, kind)| kind.to_string()),
            direction: if up { "up" } else { "down" },
            truncated: step.is_again || step.is_cut,
            blocked: step.bead.is_some() && !graph::blockers(beads, step.id).is_empty(),
            short: beads.short(step.id).to_owned(),
            is_cut: step.is_cut,
        }
    }

    fn row(&self, out: &mut Screen) {
        let (mark, tone) = sign(if self.blocked { "blocked" } else { &self.status });
        let kind = self.dependency_type.as_deref().filter(|kind| *kind != "blocks");
        let kind = kind.map(|kind| format!("  [{kind}]")).unwrap_or_default();
        let more = match (self.is_cut, self.truncated) {
            (true, _) => "  (more below)",
            (false, true) => "  (shown above)",
            _ => "",
        };
        let title = match self.priority {
            Some(_) => self.title.as_str(),
            None if is_external(&self.id) => "(of another project)",
            None => "(not in this ledger)",
        };
        let deep = match self.depth {
            0..=WIDEST => "   ".repeat(self.depth),
            deep => format!("{}({deep}) ", "   ".repeat(WIDEST)),
        };
        out.parts(&[
            (Tone::Plain, &deep),
            (tone, mark),
            (Tone::Plain, " "),
            (Tone::Id, &self.short),
            (Tone::Plain, &format!("  {title}")),
            (Tone::Faint, &format!("{kind}{more}")),
        ]);
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Nodes {
    nodes: Vec<Node>,
    #[serde(skip)]
    format: Format,
    #[serde(skip)]
    short: String,
}

impl Show for Nodes {
    fn show(&self, out: &mut Screen) {
        if self.format == Format::Mermaid {
            return self.diagram(out);
        }
        let mut direction = "down";
        for node in &self.nodes {
            if node.direction != direction && node.depth > 0 {
                direction = node.direction;
                let head = format!("What depends on {}:", self.short);
                out.parts(&[(Tone::Strong, &head)]);
            }
            node.row(out);
        }
    }
}

impl Nodes {
    fn diagram(&self, out: &mut Screen) {
        let mut spots: Vec<Spot<'_>> = Vec::new();
        let mut places = std::collections::HashMap::new();
        let mut arrows = Vec::new();
        for node in &self.nodes {
            let at = *places.entry(node.id.as_str()).or_insert(spots.len());
            if at == spots.len() {
                spots.push(Spot { short: &node.short, title: &node.title, status: &node.status });
            }
            let above = node.parent_id.as_deref().and_then(|id| places.get(id));
            if let (Some(above), Some(kind)) = (above, &node.dependency_type) {
                let up = node.direction == "up";
                let (before, after) = if up { (*above, at) } else { (at, *above) };
                arrows.push(Arrow { before, after, kind });
            }
        }
        mermaid(out, &spots, &arrows);
    }
}
