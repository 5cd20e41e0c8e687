//! `git convoy list`: convoys in rows.

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::table;
use crate::convoy::{Convoy, Convoys};

/// List convoys, the newest first
///
/// Closed ones are left out unless --all asks for them. Exits with 1 when there is nothing to list.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git convoy list
  git convoy list --all --json")]
pub(in crate::cli) struct List {
    /// Closed ones too
    #[arg(long)]
    all: bool,
}

impl List {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (beads, convoys) = cx.ledger()?.read::<(Beads, Convoys)>()?;
        let summaries = convoys.iter().rev().map(|convoy| Summary::of(&beads, &convoys, convoy));
        let shown: Vec<_> = summaries.filter(|one| self.all || one.state == "open").collect();
        let code = if shown.is_empty() { exit::NOTHING } else { 0 };
        Ok(Done::from(Listed(shown)).exit(code))
    }
}

/// One convoy without its members' stories.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    pub id: String,
    pub title: String,
    pub state: &'static str,
    pub done: usize,
    pub total: usize,
    pub created_at: String,
    pub created_by: String,
    /// Made by a sling for its one bead.
    pub own: bool,
    #[serde(skip)]
    pub short: String,
}

impl Summary {
    pub(super) fn of(beads: &Beads, convoys: &Convoys, convoy: &Convoy) -> Self {
        let state = Convoys::state(convoy, beads);
        Self {
            id: convoy.id.clone(),
            title: convoy.title.clone(),
            state: state.word(),
            done: state.done(),
            total: state.total(),
            created_at: convoy.created_at.clone(),
            created_by: convoy.created_by.clone(),
            own: convoy.own,
            short: convoys.short(&convoy.id),
        }
    }

    pub(super) fn said(self, what: &'static str) -> Done {
        Said { summary: self, what }.into()
    }

    pub(super) fn id_alone(self) -> Done {
        IdAlone(self).into()
    }

    pub(super) fn tone(&self) -> Tone {
        if self.state == "closed" { Tone::Good } else { Tone::Busy }
    }

    /// How far it is, as `open, 5 of 8`.
    pub(super) fn progress(&self) -> String {
        format!("{}, {} of {}", self.state, self.done, self.total)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Listed(Vec<Summary>);

impl Show for Listed {
    fn show(&self, out: &mut Screen) {
        let row = |one: &Summary| {
            vec![
                (Tone::Id, one.short.clone()),
                (one.tone(), one.progress()),
                (Tone::Plain, one.title.clone()),
            ]
        };
        table::rows(out, &self.0.iter().map(row).collect::<Vec<_>>());
    }
}

#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    summary: Summary,
    #[serde(skip)]
    what: &'static str,
}

impl Show for Said {
    fn show(&self, out: &mut Screen) {
        let Summary { id, title, .. } = &self.summary;
        let rest = format!("  {title} ({})", self.summary.progress());
        out.parts(&[(Tone::Good, self.what), (Tone::Id, id), (Tone::Plain, &rest)]);
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct IdAlone(Summary);

impl Show for IdAlone {
    fn show(&self, out: &mut Screen) {
        out.line(&self.0.id);
    }
}
