//! `git sling ps`: who is at work, derived from facts at this moment.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::agent::state::{self, Facts, State};
use crate::agent::{Desk, Roster, Session};
use crate::bead::Beads;
use crate::bead::event::Status;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::sling::settle;
use crate::cli::sling::world::World;
use crate::cli::table;
use crate::host::Stamp;
use crate::ledger;
use crate::refinery::Queue;

/// Show who is at work, on what, and since when
///
/// Sessions whose runner is gone are seen to first: their work is kept and their beads are free again.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git sling ps
  git sling ps --all --json")]
pub(super) struct Ps {
    /// Sessions that are over, too
    #[arg(short, long)]
    all: bool,
}

impl Ps {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        cx.repo()?;
        if let Err(error) = settle::settle_whole(cx) {
            cx.note(format!("could not look after lost sessions: {error:#}"));
        }
        let ledger = cx.ledger()?;
        let (beads, roster, queue) = ledger.read::<World>()?;
        let desk = Desk::of(cx.repo()?);
        let replica = ledger::known_replica(cx.repo()?);
        let sessions = roster.sessions().filter(|session| self.all || session.ended.is_none());
        let now = cx.clock.now();
        let rows = sessions.map(|session| {
            let facts = facts((&beads, &roster, &queue), &desk, session, replica.as_deref());
            Row::of(&beads, session, facts, &now)
        });
        Ok(Rows(rows.collect()).into())
    }
}

fn facts(
    (beads, roster, queue): (&Beads, &Roster, &Queue),
    desk: &Desk,
    session: &Session,
    replica: Option<&str>,
) -> Facts {
    let hook = roster.hook(&session.agent).filter(|hook| hook.session == session.id);
    Facts {
        ours: desk.is_ours(session, replica),
        alive: desk.alive(&session.id),
        worktree: Path::new(&session.worktree).try_exists().unwrap_or(true),
        hooked: hook.is_some()
            && beads.get(&session.bead).is_some_and(|bead| bead.status != Status::CLOSED),
        submitted: queue.submitted(&session.bead).is_some(),
    }
}

#[derive(Serialize)]
struct Row {
    session: String,
    agent: String,
    bead: String,
    title: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    epoch: u64,
    tool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    branch: String,
    worktree: String,
    hooked_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rescued: Vec<String>,
    #[serde(skip)]
    short: String,
    #[serde(skip)]
    age: String,
}

impl Row {
    fn of(beads: &Beads, session: &Session, facts: Facts, now: &Stamp) -> Self {
        let (state, reason) = state::of(session, facts);
        let from = session.started.as_deref().unwrap_or(&session.hooked);
        let until = session.ended_at.as_deref().and_then(|at| at.parse::<Stamp>().ok());
        let age =
            from.parse::<Stamp>().map(|from| until.as_ref().unwrap_or(now).since(&from).as_secs());
        Self {
            session: session.id.clone(),
            agent: session.agent.clone(),
            bead: session.bead.clone(),
            title: beads.get(&session.bead).map(|bead| bead.title.clone()).unwrap_or_default(),
            state,
            reason,
            epoch: session.epoch,
            tool: session.kind.clone(),
            model: session.model.clone(),
            branch: session.branch.clone(),
            worktree: session.worktree.clone(),
            hooked_at: session.hooked.clone(),
            started_at: session.started.clone(),
            ended_at: session.ended_at.clone(),
            rescued: session.rescued.iter().map(|rescued| rescued.name.clone()).collect(),
            short: beads.short(&session.bead).to_owned(),
            age: age.map(in_words).unwrap_or_default(),
        }
    }

    fn tone(&self) -> Tone {
        match self.state {
            State::Starting | State::Working | State::Submitted => Tone::Busy,
            State::Done => Tone::Good,
            State::Elsewhere | State::Stopped => Tone::Faint,
            State::Stalled | State::Zombie | State::Failed => Tone::Bad,
        }
    }
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7199 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3600),
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Row>);

impl Show for Rows {
    fn show(&self, out: &mut Screen) {
        if self.0.is_empty() {
            return out.line("nobody is at work");
        }
        let cells = |row: &Row| {
            let reason =
                row.reason.as_ref().map(|reason| format!("  ({reason})")).unwrap_or_default();
            vec![
                (Tone::Plain, row.session.clone()),
                (Tone::Strong, row.agent.clone()),
                (row.tone(), row.state.word().to_owned()),
                (Tone::Faint, row.age.clone()),
                (Tone::Id, row.short.clone()),
                (Tone::Plain, format!("{}{reason}", row.title)),
            ]
        };
        table::rows(out, &self.0.iter().map(cells).collect::<Vec<_>>());
    }
}
