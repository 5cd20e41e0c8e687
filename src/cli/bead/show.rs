//! `git bead show`: all there is to know about a bead, and at its end what happened to it.

use anyhow::Result;
use serde::Serialize;

use crate::bead::beads::{Bead, Beads};
use crate::bead::graph::Blocked;
use crate::cli::bead::log::{self, Entry};
use crate::cli::bead::record::{Record, sign};
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};

/// Show beads whole: their texts, what they wait for, and what happened to them
#[derive(clap::Args)]
pub(in crate::cli) struct ShowBead {
    /// The beads, by any start of an id that names one
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

impl ShowBead {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let beads: Beads = ledger.read()?;
        let asked = self.ids.iter().map(|id| beads.find(id)).collect::<Result<Vec<_>>>()?;
        let lines = ledger.lines()?;
        let blocked = Blocked::of(&beads);
        let pages = asked.into_iter().map(|bead| Page {
            record: Record::of(&beads, bead),
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
            blocked_by: blocked.by(&bead.id).iter().map(|id| beads.short(id).to_owned()).collect(),
            trail: log::about(lines.clone(), &bead.id)
                .into_iter()
                .map(|line| Entry::of(&beads, line))
                .collect(),
        });
        Ok(Pages(pages.collect()).into())
    }
}

/// A bead at the other end of an edge.
#[derive(Serialize)]
struct Near {
    id: String,
    title: String,
    status: String,
    priority: u8,
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
            priority: bead.priority,
            issue_type: bead.issue_type.clone(),
            dependency_type: kind.to_owned(),
            short: beads.short(&bead.id).to_owned(),
        }
    }
}

#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    record: Record,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<Near>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependents: Vec<Near>,
    #[serde(skip)]
    blocked_by: Vec<String>,
    trail: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Pages(Vec<Page>);

impl Show for Pages {
    fn show(&self, out: &mut Screen) {
        for (n, page) in self.0.iter().enumerate() {
            if n > 0 {
                out.line("");
            }
            page.show(out);
        }
    }
}

impl Page {
    fn show(&self, out: &mut Screen) {
        let record = &self.record;
        let (mark, tone) = sign(&record.status);
        out.parts(&[
            (tone, mark),
            (Tone::Plain, " "),
            (Tone::Id, &record.id),
            (Tone::Strong, &format!("  {}", record.title)),
        ]);
        self.facts(out);
        let texts = [
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
        out.line("");
        out.parts(&[(Tone::Strong, "Trail")]);
        log::tell(out, &self.trail);
    }

    fn facts(&self, out: &mut Screen) {
        let record = &self.record;
        let mut facts =
            vec![format!("{}, P{}, {}", record.issue_type, record.priority, record.status)];
        if let Some(name) = &record.assignee {
            let did = if record.closed_at.is_some() { "done by" } else { "held by" };
            facts.push(format!("{did} {name} (epoch {})", record.epoch));
        }
        if !self.blocked_by.is_empty() {
            facts.push(format!("waits for {}", self.blocked_by.join(", ")));
        }
        if !record.labels.is_empty() {
            facts.push(format!("labels {}", record.labels.join(", ")));
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
