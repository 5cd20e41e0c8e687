//! `git bead graph`: the work graph as a picture, for a terminal, a page, or another program.

use anyhow::Result;
use serde::Serialize;

use crate::bead::chain::{Weight, longest};
use crate::bead::waits::Sight;
use crate::bead::web::Web;
use crate::bead::{Bead, Beads, rings};
use crate::cli::bead::arrows::{self, Arrow, Spot};
use crate::cli::bead::drawn::Drawn;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::picture;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::ledger::Row;

/// So many of what comes after a bead are told in text; the other forms tell all.
const FEW: usize = 6;
/// A picture of more is hardly read by anybody.
const MANY: usize = 1000;

/// Draw what waits for what, in layers
///
/// Without ID all that is open and tied to something; with one, what it stands on, what is below it, and
/// what waits for it. A tie is what says which comes first: blocks, waits-for, parent-child. The critical
/// path is the longest chain of open beads: in minutes where each has an estimate, else a count. Pictures
/// need no other program: an SVG is one file, an HTML page is one file with the picture, a table and a
/// box to filter by. Exit code 1: there is nothing to draw.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead graph
  git bead graph 7f3k --critical       the longest chain that leads to it
  git bead graph --html > beads.html
  git bead graph 4tbn --mermaid")]
pub(in crate::cli) struct Graph {
    /// Only what is around these
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Open beads that are tied to nothing, too
    #[arg(long)]
    all: bool,
    /// Only the critical path
    #[arg(long, conflicts_with = "all")]
    critical: bool,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    as_of: AsOf,
}

/// In which form.
#[derive(Clone, Copy, clap::Args)]
#[group(multiple = false)]
struct Form {
    /// As text that many web sites draw
    #[arg(long)]
    mermaid: bool,
    /// As text for Graphviz
    #[arg(long)]
    dot: bool,
    /// As a picture
    #[arg(long)]
    svg: bool,
    /// As a page
    #[arg(long)]
    html: bool,
}

impl Graph {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let beads = self.as_of.beads(cx)?;
        let seeds = beads.find_each(&self.ids)?;
        let mut web =
            if seeds.is_empty() { Web::open(&beads) } else { Web::around(&beads, &seeds) };
        if seeds.is_empty() && !self.all {
            let tied = web.tied();
            web = web.only(&|n| tied.get(n) == Some(&true));
        }
        let mut read: Vec<Bead> = web.rows.iter().map(Row::read).collect();
        let is_seed = |row: &Row<'_, Bead>| seeds.iter().any(|seed| row.key() == seed.id);
        let rows = web.rows.iter().enumerate();
        let to: Vec<_> = rows.filter(|(_, row)| is_seed(row)).map(|(n, _)| n).collect();
        let mut chain = longest(&Sight::of(&beads), &web, &weights(&beads, &read), &to);
        if self.critical {
            let rows = chain.beads.iter().filter_map(|n| web.rows.get(*n).copied());
            web = Web::of(rows.collect());
            read = web.rows.iter().map(Row::read).collect();
            chain.beads = (0..read.len()).collect();
        }
        if read.is_empty() {
            cx.remark("there is nothing to draw");
        }
        if (self.form.svg || self.form.html) && read.len() > MANY {
            cx.hint(format!(
                "{} beads are many for a picture: ID draws what is around it",
                read.len()
            ));
        }
        let code = if read.is_empty() { exit::NOTHING } else { 0 };
        let now = cx.clock.now().to_string();
        let drawn = Drawn::of(&beads, &web, (read, &chain), &now);
        Ok(Done::from(Picture { drawn, form: self.form }).exit(code))
    }
}

/// What can never end is in no chain.
fn weights(beads: &Beads, read: &[Bead]) -> Vec<Weight> {
    let stuck = rings::stuck(beads);
    let weight = |bead: &Bead| Weight {
        is_open: !bead.status.frees() && !stuck.contains(bead.id.as_str()),
        minutes: bead.estimated_minutes.filter(|minutes| *minutes > 0),
    };
    read.iter().map(weight).collect()
}

/// What is drawn, and how.
#[derive(Serialize)]
#[serde(transparent)]
struct Picture {
    drawn: Drawn,
    #[serde(skip)]
    form: Form,
}

impl Show for Picture {
    fn show(&self, out: &mut Screen) {
        let (drawn, Form { mermaid, dot, svg, html }) = (&self.drawn, self.form);
        if svg || html {
            return if html { picture::html(out, drawn) } else { picture::svg(out, drawn) };
        }
        let spots = drawn.nodes.iter().map(|node| Spot {
            short: &node.short,
            title: &node.title,
            status: node.state.told().1,
        });
        let arrows = drawn.edges.iter().map(|tie| Arrow {
            before: tie.before,
            after: tie.after,
            kind: &tie.kind,
        });
        if dot {
            arrows::dot(out, &spots.collect::<Vec<_>>(), &arrows.collect::<Vec<_>>());
        } else if mermaid {
            arrows::mermaid(out, &spots.collect::<Vec<_>>(), &arrows.collect::<Vec<_>>());
        } else if !drawn.nodes.is_empty() {
            text(out, drawn);
        }
    }
}

/// Layer by layer, each bead with what comes after it.
fn text(out: &mut Screen, drawn: &Drawn) {
    let count = drawn.nodes.iter().map(|node| node.layer + 1).max().unwrap_or(0);
    let (mut layers, mut loose) = (vec![Vec::new(); count], Vec::new());
    let mut then = vec![Vec::new(); drawn.nodes.len()];
    let mut tied = vec![false; drawn.nodes.len()];
    for tie in &drawn.edges {
        if let Some(then) = then.get_mut(tie.before) {
            then.push(tie.after);
        }
        for end in [tie.before, tie.after] {
            if let Some(tied) = tied.get_mut(end) {
                *tied = true;
            }
        }
    }
    for (n, node) in drawn.nodes.iter().enumerate() {
        let layer = if tied.get(n) == Some(&true) { layers.get_mut(node.layer) } else { None };
        layer.unwrap_or(&mut loose).push(n);
    }
    for (at, layer) in layers.iter().enumerate().filter(|(_, layer)| !layer.is_empty()) {
        out.parts(&[(Tone::Strong, &format!("Layer {}", at + 1))]);
        for n in layer {
            row(out, drawn, *n, then.get(*n).map_or(&[], Vec::as_slice));
        }
    }
    if !loose.is_empty() {
        out.parts(&[(Tone::Strong, "Tied to nothing")]);
        for n in &loose {
            row(out, drawn, *n, &[]);
        }
    }
    let marked = if drawn.critical.ids.is_empty() { "" } else { ", marked *" };
    out.parts(&[(Tone::Faint, &drawn.sentence()), (Tone::Faint, marked)]);
}

fn row(out: &mut Screen, drawn: &Drawn, n: usize, then: &[usize]) {
    let Some(node) = drawn.nodes.get(n) else { return };
    let (sign, word) = node.state.told();
    let word = if node.in_ring { format!("{word}, in a ring") } else { word.to_owned() };
    let short = |n: &usize| drawn.nodes.get(*n).map(|node| node.short.as_str());
    let mut next: Vec<_> = then.iter().take(FEW).filter_map(short).collect();
    next.dedup();
    let more = then.len().saturating_sub(FEW);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let arrow = if next.is_empty() { "" } else { "  → " };
    out.parts(&[
        (Tone::Strong, if node.is_critical { "* " } else { "  " }),
        (node.state.tone(), sign),
        (Tone::Plain, " "),
        (Tone::Id, &node.short),
        (Tone::Plain, &format!("  {}", node.title)),
        (Tone::Faint, &format!("  {word}")),
        (Tone::Faint, arrow),
        (Tone::Id, &next.join(", ")),
        (Tone::Faint, &more),
    ]);
}
