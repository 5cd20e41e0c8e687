//! `git bead dep`: what waits for what, said and unsaid.

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use crate::bead::event::{Event, Link};
use crate::bead::{Bead, Beads, change};
use crate::cli::bead::near::{Cycles, List};
use crate::cli::bead::tree::Tree;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show};
use crate::ledger::Pen;
use crate::refusal::Refusal;

/// Say what waits for what, and see it
///
/// A bead is ready when all it waits for is closed.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep add 7f3k 9a2c            7f3k waits for 9a2c
  git bead dep 9a2c --blocks 7f3k       the same, the other way round
  git bead dep tree 7f3k
  git bead dep list 7f3k --direction up
  git bead dep cycles")]
pub(in crate::cli) struct Dep {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// What is to be done first
    #[arg(requires = "blocks")]
    id: Option<String>,
    /// The bead that waits for it
    #[arg(short, long, value_name = "ID", requires = "id")]
    blocks: Option<String>,
}

#[derive(Subcommand)]
enum Verb {
    Add(Add),
    #[command(alias = "rm")]
    Remove(Remove),
    Relate(Relate),
    Unrelate(Unrelate),
    List(List),
    Tree(Tree),
    Cycles(Cycles),
}

impl Dep {
    pub(super) fn changes(&self) -> bool {
        !matches!(self.verb, Some(Verb::List(_) | Verb::Tree(_) | Verb::Cycles(_)))
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        match (self.verb, self.id, self.blocks) {
            (Some(verb), None, None) => verb.run(cx),
            (None, Some(on), Some(id)) => added(cx, &id, &on, &Link::BLOCKS),
            _ => Err(Refusal::usage("dep needs to be told what to do")
                .hint("git bead dep add ID ON: ID waits for ON")
                .into()),
        }
    }
}

impl Verb {
    fn run(self, cx: &Context) -> Result<Done> {
        match self {
            Self::Add(verb) => verb.run(cx),
            Self::Remove(verb) => verb.run(cx),
            Self::Relate(verb) => verb.run(cx),
            Self::Unrelate(verb) => verb.run(cx),
            Self::List(verb) => verb.run(cx),
            Self::Tree(verb) => verb.run(cx),
            Self::Cycles(verb) => verb.run(cx),
        }
    }
}

/// Let ID depend on ON: ID waits until ON is closed
///
/// A dependency that would close a cycle is refused, and the cycle is shown; so is an agent that ties what
/// another one holds. ON may be
/// external:PROJECT:WHAT, what another project is to do: this ledger does not hear when that is done, so
/// whoever does ends the dependency.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep add 7f3k 9a2c            7f3k waits for 9a2c
  git bead dep add 7f3k --blocked-by 9a2c
  git bead dep add 7f3k 9a2c -t related
  git bead dep add 7f3k external:api:login")]
pub(in crate::cli) struct Add {
    /// The bead that waits
    id: String,
    /// What it waits for
    #[arg(required_unless_present = "blocked_by")]
    on: Option<String>,
    /// The same as ON
    #[arg(long, value_name = "ON", visible_alias = "depends-on", conflicts_with = "on")]
    blocked_by: Option<String>,
    /// blocks, parent-child, waits-for, related, discovered-from, or a word of your own
    #[arg(short = 't', long = "type", default_value = "blocks")]
    kind: String,
}

impl Add {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let on = self.on.or(self.blocked_by).unwrap_or_default();
        added(cx, &self.id, &on, &change::link_kind(&self.kind)?)
    }
}

fn added(cx: &Context, id: &str, on: &str, kind: &Link) -> Result<Done> {
    let actor = cx.actor()?;
    let said = cx.ledger()?.write(&actor, |beads: &Beads, pen| {
        let (from, to) = (beads.find(id)?, beads.find_end(on)?);
        change::may_edit(beads, from, &actor)?;
        let event = match beads.get(to) {
            Some(to) => change::link(beads, from, to, kind.clone())?,
            None => change::link_out(beads, from, to, kind.clone())?,
        };
        if let Some(event) = &event {
            pen.line(&from.id, event)?;
        }
        let did = if event.is_some() { Did::Added } else { Did::Knew };
        Ok(Said::of(beads, [&from.id, to], kind, did))
    })?;
    Ok(said.into())
}

/// Whether that was new.
fn link(beads: &Beads, pen: &mut Pen<'_>, (from, to): (&Bead, &Bead), kind: &Link) -> Result<bool> {
    let event = change::link(beads, from, to, kind.clone())?;
    if let Some(event) = &event {
        pen.line(&from.id, event)?;
    }
    Ok(event.is_some())
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
        let actor = cx.actor()?;
        let said = cx.ledger()?.write(&actor, |beads: &Beads, pen| {
            let from = beads.find(&self.id)?;
            change::may_edit(beads, from, &actor)?;
            // What was imported may lead to what no ledger has.
            let to = match from.dependencies.iter().find(|edge| edge.depends_on_id == self.on) {
                Some(edge) => &edge.depends_on_id,
                None => &beads.find(&self.on)?.id,
            };
            let mut kinds = Vec::new();
            for event in change::unlink(beads, from, to)? {
                pen.line(&from.id, &event)?;
                if let Event::Unlinked { kind, .. } = event {
                    kinds.push(kind.to_string());
                }
            }
            let kinds = Link::new(kinds.join(","));
            Ok(Said::of(beads, [&from.id, to], &kinds, Did::Removed))
        })?;
        Ok(said.into())
    }
}

/// Say that two beads have to do with each other
///
/// Neither waits for the other.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep relate 7f3k 9a2c")]
pub(in crate::cli) struct Relate {
    /// The one bead
    id: String,
    /// The other, which knows of it as well
    other: String,
}

impl Relate {
    fn run(self, cx: &Context) -> Result<Done> {
        let actor = cx.actor()?;
        let said = cx.ledger()?.write(&actor, |beads: &Beads, pen| {
            let (one, other) = (beads.find(&self.id)?, beads.find(&self.other)?);
            change::may_edit(beads, one, &actor)?;
            change::may_edit(beads, other, &actor)?;
            if one.id == other.id {
                return Err(Refusal::usage("that is the same bead twice").into());
            }
            let kind = Link::RELATES_TO;
            let here = link(beads, pen, (one, other), &kind)?;
            // Each of them shows it, as in beads.
            let there = link(beads, pen, (other, one), &kind)?;
            let did = if here || there { Did::Added } else { Did::Knew };
            Ok(Said::of(beads, [&one.id, &other.id], &kind, did))
        })?;
        Ok(said.into())
    }
}

/// Say that two beads have nothing to do with each other any more
///
/// What waits goes on waiting: `dep remove` ends that.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead dep unrelate 7f3k 9a2c")]
pub(in crate::cli) struct Unrelate {
    /// The one bead
    id: String,
    /// The other, which knows of it as well
    other: String,
}

impl Unrelate {
    fn run(self, cx: &Context) -> Result<Done> {
        let actor = cx.actor()?;
        let said = cx.ledger()?.write(&actor, |beads: &Beads, pen| {
            let (one, other) = (beads.find(&self.id)?, beads.find(&self.other)?);
            change::may_edit(beads, one, &actor)?;
            change::may_edit(beads, other, &actor)?;
            let mut some = false;
            for (from, to) in [(one, other), (other, one)] {
                let edges = from.dependencies.iter().filter(|edge| edge.depends_on_id == to.id);
                for edge in edges.filter(|edge| relates(&edge.kind)) {
                    let kind = edge.kind.clone();
                    pen.line(&from.id, &Event::Unlinked { to: to.id.clone(), kind })?;
                    some = true;
                }
            }
            let said = Said::of(beads, [&one.id, &other.id], &Link::RELATES_TO, Did::Removed);
            if some {
                return Ok(said);
            }
            let [one, other] = &said.short;
            Err(Refusal::nothing(format!("{one} and {other} are not related")).into())
        })?;
        Ok(said.into())
    }
}

/// Whether two beads so linked have to do with each other and neither comes first.
fn relates(kind: &Link) -> bool {
    [Link::RELATED, Link::RELATES_TO].contains(kind)
}

#[derive(Clone, Copy, PartialEq)]
enum Did {
    Added,
    Knew,
    Removed,
}

/// What is so now, as a sentence: which end waits is easily said the wrong way round.
#[derive(Serialize)]
struct Said {
    status: &'static str,
    issue_id: String,
    depends_on_id: String,
    #[serde(rename = "type")]
    kind: Link,
    #[serde(skip)]
    short: [String; 2],
    #[serde(skip)]
    did: Did,
}

impl Said {
    fn of(beads: &Beads, [from, to]: [&str; 2], kind: &Link, did: Did) -> Self {
        Self {
            status: if did == Did::Removed { "removed" } else { "added" },
            issue_id: from.to_owned(),
            depends_on_id: to.to_owned(),
            kind: kind.clone(),
            short: [from, to].map(|id| beads.short(id).to_owned()),
            did,
        }
    }
}

impl Show for Said {
    fn show(&self, out: &mut Screen) {
        let [from, to] = &self.short;
        let kind = &self.kind;
        let word = match self.did {
            Did::Added => "now",
            Did::Knew => "already",
            Did::Removed if relates(kind) => {
                return out.line(format!("{from} and {to} are no longer related"));
            }
            Did::Removed => return out.line(format!("{from} no longer depends on {to}")),
        };
        out.line(match kind {
            _ if kind.blocks() => format!("{from} {word} waits for {to}"),
            _ if relates(kind) => format!("{from} and {to} are {word} related"),
            _ if *kind == Link::PARENT_CHILD => format!("{from} is {word} a child of {to}"),
            _ => format!("{from} {word} depends on {to} ({kind})"),
        });
    }
}
