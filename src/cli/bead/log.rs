//! `git bead log`: the ledger, as its lines tell it.

use std::collections::HashSet;

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::table;
use crate::ledger::{Json, Line};

/// Tell what happened, in order: who did what to which bead
///
/// Without an ID it tells everything, the newest last.
#[derive(clap::Args)]
pub(in crate::cli) struct Log {
    /// Only what is about this bead
    id: Option<String>,
    /// Only the newest so many; 0 means all
    #[arg(short = 'n', long, default_value_t = 0)]
    limit: usize,
}

impl Log {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let beads: Beads = ledger.read()?;
        let id = self.id.as_deref().map(|start| beads.find(start)).transpose()?;
        let lines = ledger.lines()?;
        let mut lines = match id {
            Some(bead) => about(lines, &bead.id),
            None => lines,
        };
        if self.limit > 0 {
            lines.drain(..lines.len().saturating_sub(self.limit));
        }
        Ok(Told(lines.into_iter().map(|line| Entry::of(&beads, line)).collect()).into())
    }
}

/// The lines about a bead: on itself, and on whatever a line says was done for it, such as a session
/// or an entry of the queue, from that line on.
pub(super) fn about(lines: Vec<Line>, id: &str) -> Vec<Line> {
    let mut subjects = HashSet::from([id.to_owned()]);
    let mut concerns = |line: &Line| {
        let named = line.with.get("bead").and_then(Json::as_str) == Some(id);
        if named && !line.on.is_empty() {
            subjects.insert(line.on.clone());
        }
        named || subjects.contains(&line.on)
    };
    lines.into_iter().filter(|line| concerns(line)).collect()
}

/// One line with its subject as a person would write it.
#[derive(Serialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    line: Line,
    #[serde(skip)]
    on: String,
}

impl Entry {
    pub(super) fn of(beads: &Beads, line: Line) -> Self {
        let on = beads.get(&line.on).map_or(line.on.as_str(), |bead| beads.short(&bead.id));
        Self { on: on.to_owned(), line }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Told(Vec<Entry>);

impl Show for Told {
    fn show(&self, out: &mut Screen) {
        tell(out, &self.0);
    }
}

/// The lines as rows: when, who, on what, what, and the facts in short.
pub(super) fn tell(out: &mut Screen, entries: &[Entry]) {
    let rows: Vec<_> = entries
        .iter()
        .map(|Entry { line, on }| {
            vec![
                (Tone::Faint, line.at.clone()),
                (Tone::Plain, line.by.clone()),
                (Tone::Id, on.clone()),
                (Tone::Strong, line.act.clone()),
                (Tone::Plain, facts(&line.with)),
            ]
        })
        .collect();
    table::rows(out, &rows);
}

/// The plain facts of a line: its short scalar fields, in their order.
fn facts(with: &Json) -> String {
    let Some(fields) = with.as_object() else { return String::new() };
    let said = fields.iter().filter(|(key, _)| *key != "bead").filter_map(|(key, value)| {
        let text = match value {
            Json::String(text) if is_commit(text) => text.chars().take(10).collect(),
            Json::String(text) => text.lines().next().unwrap_or_default().to_owned(),
            Json::Number(number) => number.to_string(),
            Json::Bool(flag) => flag.to_string(),
            Json::Array(words) => {
                words.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(",")
            }
            _ => return None,
        };
        let cut = text.chars().count() > 60;
        let start: String = text.chars().take(60).collect();
        Some(format!("{key}={start}{}", if cut { "…" } else { "" }))
    });
    said.collect::<Vec<_>>().join(" ")
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
