//! `git bead dep`: what waits for what.

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use crate::bead::event::Link;
use crate::bead::graph;
use crate::bead::{Beads, change};
use crate::cli::bead::record::sign;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};

/// Say what waits for what
///
/// A bead is ready when all it waits for is closed.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  git bead dep add 7f3k 9a2c            7f3k waits for 9a2c
  git bead dep tree 7f3k")]
pub(in crate::cli) enum Dep {
    Add(Add),
    #[command(alias = "rm")]
    Remove(Remove),
    Tree(Tree),
}

impl Dep {
    pub(super) fn changes(&self) -> bool {
        !matches!(self, Self::Tree(_))
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        match self {
            Self::Add(verb) => verb.run(cx),
            Self::Remove(verb) => verb.run(cx),
            Self::Tree(verb) => verb.run(cx),
        }
    }
}

/// Let ID depend on ON: ID waits until ON is closed
///
/// A dependency that would close a cycle is refused, and the cycle is shown.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep add 7f3k 9a2c            7f3k waits for 9a2c
  git bead dep add 7f3k 9a2c -t related")]
pub(in crate::cli) struct Add {
    /// The bead that waits
    id: String,
    /// The bead it waits for
    on: String,
    /// blocks, parent-child, waits-for, related, discovered-from, or a word of your own
    #[arg(short = 't', long = "type", default_value = "blocks")]
    kind: String,
}

impl Add {
    fn run(self, cx: &Context) -> Result<Done> {
        let kind = Link::new(self.kind.clone());
        let ends = cx.ledger()?.write(&cx.actor()?, |beads: &Beads, pen| {
            let (from, to) = (beads.find(&self.id)?, beads.find(&self.on)?);
            if let Some(event) = change::link(beads, from, to, kind.clone())? {
                pen.line(&from.id, &event)?;
            }
            Ok(Linked::of(beads, &from.id, &to.id, &kind, "added"))
        })?;
        Ok(ends.into())
    }
}

/// End a dependency
///
/// Of whatever kind: all that leads from ID to ON goes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep remove 7f3k 9a2c")]
pub(in crate::cli) struct Remove {
    /// The bead that waited
    id: String,
    /// The bead it waited for
    on: String,
}

impl Remove {
    fn run(self, cx: &Context) -> Result<Done> {
        let ends = cx.ledger()?.write(&cx.actor()?, |beads: &Beads, pen| {
            let from = beads.find(&self.id)?;
            // What was imported may lead to what no ledger has.
            let to = match from.dependencies.iter().find(|edge| edge.depends_on_id == self.on) {
                Some(edge) => &edge.depends_on_id,
                None => &beads.find(&self.on)?.id,
            };
            for event in change::unlink(beads, from, to)? {
                pen.line(&from.id, &event)?;
            }
            Ok(Linked::of(beads, &from.id, to, &Link::BLOCKS, "removed"))
        })?;
        Ok(ends.into())
    }
}

#[derive(Serialize)]
struct Linked {
    status: &'static str,
    issue_id: String,
    depends_on_id: String,
    #[serde(rename = "type")]
    kind: Link,
    #[serde(skip)]
    short: [String; 2],
}

impl Linked {
    fn of(beads: &Beads, from: &str, to: &str, kind: &Link, status: &'static str) -> Self {
        Self {
            status,
            issue_id: from.to_owned(),
            depends_on_id: to.to_owned(),
            kind: kind.clone(),
            short: [beads.short(from).to_owned(), beads.short(to).to_owned()],
        }
    }
}

impl Show for Linked {
    fn show(&self, out: &mut Screen) {
        let [from, to] = &self.short;
        out.line(match (self.status, self.kind.blocks()) {
            ("removed", _) => format!("{from} no longer depends on {to}"),
            (_, true) => format!("{from} waits for {to}"),
            (_, false) => format!("{from} depends on {to} ({})", self.kind),
        });
    }
}

/// Show what a bead depends on, and what that depends on
///
/// What a bead depends on is shown where the bead comes up first.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep tree 7f3k
  git bead dep tree 7f3k --json")]
pub(in crate::cli) struct Tree {
    /// The bead at the top
    id: String,
}

impl Tree {
    fn run(self, cx: &Context) -> Result<Done> {
        let beads: Beads = cx.ledger()?.read()?;
        let root = beads.find(&self.id)?;
        let nodes = graph::tree(&beads, root).into_iter().map(|row| Node {
            id: row.bead.id.clone(),
            title: row.bead.title.clone(),
            status: row.bead.status.to_string(),
            priority: row.bead.priority,
            issue_type: row.bead.issue_type.clone(),
            depth: row.depth,
            dependency_type: row.kind.map(ToString::to_string),
            truncated: row.repeated,
            blocked: !graph::blockers(&beads, &row.bead.id).is_empty(),
            short: beads.short(&row.bead.id).to_owned(),
        });
        Ok(Nodes(nodes.collect()).into())
    }
}

#[derive(Serialize)]
struct Node {
    id: String,
    title: String,
    status: String,
    priority: u8,
    issue_type: String,
    depth: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependency_type: Option<String>,
    /// Its own branches are shown further up.
    truncated: bool,
    blocked: bool,
    #[serde(skip)]
    short: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Nodes(Vec<Node>);

impl Show for Nodes {
    fn show(&self, out: &mut Screen) {
        for node in &self.0 {
            let (mark, tone) = sign(if node.blocked { "blocked" } else { &node.status });
            let kind = node.dependency_type.as_deref().filter(|kind| *kind != "blocks");
            let kind = kind.map(|kind| format!("  [{kind}]")).unwrap_or_default();
            let again = if node.truncated { "  (shown above)" } else { "" };
            out.parts(&[
                (Tone::Plain, &"   ".repeat(node.depth)),
                (tone, mark),
                (Tone::Plain, " "),
                (Tone::Id, &node.short),
                (Tone::Plain, &format!("  {}", node.title)),
                (Tone::Faint, &format!("{kind}{again}")),
            ]);
        }
    }
}
