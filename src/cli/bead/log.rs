//! `git bead log`: the ledger, as its lines tell it.

use std::collections::HashSet;

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::table;
use crate::convoy::Convoys;
use crate::ledger::{Json, Line, is_elsewhere};
use crate::refusal::{Kind, Refusal};

/// Tell what happened, in order: who did what to which bead
///
/// A name tells what its owner did, and what was done in its sessions. Without OF it tells
/// everything, the newest last.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead log -n 20                    the newest of everything
  git bead log 7f3k                     a bead, or a convoy
  git bead log toast                    an agent, or a person by name
  git bead log main#42                  an entry of the queue")]
pub(in crate::cli) struct Log {
    /// Only what is about this bead or convoy (any start of its id), session, agent, or entry of the
    /// queue, such as main#42
    #[arg(value_name = "OF")]
    of: Option<String>,
    /// Only the newest so many; 0 means all
    #[arg(short = 'n', long, default_value_t = 0)]
    limit: usize,
}

impl Log {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let (beads, convoys): (Beads, Convoys) = ledger.read()?;
        let lines = ledger.lines()?;
        let mut lines = match &self.of {
            Some(said) => {
                let subject = Subject::meant(said, &lines, &beads, &convoys)?;
                about(lines, &subject)
            }
            None => lines,
        };
        if self.limit > 0 {
            lines.drain(..lines.len().saturating_sub(self.limit));
        }
        Ok(Told(lines.into_iter().map(|line| Entry::of(&beads, line)).collect()).into())
    }
}

/// What one can ask the ledger about.
pub(super) enum Subject {
    /// A bead, or whatever else has lines of its own, by its whole id.
    Thing(String),
    /// Somebody who acts.
    Name(String),
}

impl Subject {
    /// What a person means by a word: a whole id or name before any start of one, a bead before a convoy.
    fn meant(said: &str, lines: &[Line], beads: &Beads, convoys: &Convoys) -> Result<Self> {
        if lines.iter().any(|line| line.on == said) {
            return Ok(Self::Thing(said.to_owned()));
        }
        if lines.iter().any(|line| acts(line, said) || line.with.says("agent", said)) {
            return Ok(Self::Name(said.to_owned()));
        }
        let bead = beads.find(said).map(|bead| bead.id.clone());
        let found = match bead {
            Err(no) if is_nothing(&no) => convoys.find(said).map(|convoy| convoy.id.clone()),
            known => known,
        };
        match found {
            Err(no) if is_nothing(&no) => {
                let what =
                    format!("the ledger knows no bead, convoy, session, agent or entry `{said}`");
                Err(Refusal::nothing(what)
                    .hint("`git bead log` without a name tells everything that happened")
                    .into())
            }
            known => known.map(Self::Thing),
        }
    }
}

fn is_nothing(no: &anyhow::Error) -> bool {
    no.downcast_ref::<Refusal>().is_some_and(|no| no.kind == Kind::Nothing)
}

/// The lines about something: on itself or by itself, and on whatever a line says was done for it,
/// such as a session or an entry of the queue, from that line on.
pub(super) fn about(lines: Vec<Line>, subject: &Subject) -> Vec<Line> {
    let mut followed = HashSet::new();
    let mut concerns = |line: &Line| {
        let (named, own) = match subject {
            Subject::Thing(id) => (line.with.says("bead", id), line.on == *id),
            Subject::Name(name) => (line.with.says("agent", name), acts(line, name)),
        };
        if named {
            followed.insert(line.on.clone());
        }
        named || own || followed.contains(&line.on)
    };
    lines.into_iter().filter(|line| concerns(line)).collect()
}

/// Whether a line is somebody's own doing, or puts something into their hands.
fn acts(line: &Line, name: &str) -> bool {
    line.by == name || line.with.says("holder", name) || line.with.says("to", name)
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
                (Tone::Plain, facts(&line.with.json())),
            ]
        })
        .collect();
    table::rows(out, &rows);
}

/// The plain facts of a line: its short scalar fields, in their order.
fn facts(with: &Json) -> String {
    let Some(fields) = with.as_object() else { return String::new() };
    // What a line is about is told beside it, and another line's name tells a person nothing.
    let plain = |key: &str| !["bead", "claim"].contains(&key);
    let said = fields.iter().filter(|(key, _)| plain(key)).filter_map(|(key, value)| {
        let text = match value {
            Json::String(text) if is_elsewhere(text) => "…".to_owned(),
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
