//! `git sling stop`: end sessions before their time. Their work is kept.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::agent::event::{Ended, Outcome};
use crate::agent::runner::ended;
use crate::agent::{Desk, End, Session, end};
use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::sling::logs::session;
use crate::cli::sling::settle;
use crate::cli::sling::world::World;
use crate::host::process;
use crate::ledger;
use crate::refusal::Refusal;

/// How long runners have to bring their sessions to an end.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the system has to end runners that did not.
const FORCED: Duration = Duration::from_secs(10);

/// End sessions; what they had not submitted is kept, and their tasks are free again
///
/// Commits, edits and untracked files are put under a ref before the session ends.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git sling stop toast
  git sling stop --all
  git sling stop s-4k2m9qx7tb --lost    its machine is gone for good")]
pub(super) struct Stop {
    /// Sessions, agents or beads
    #[arg(value_name = "SESSION|AGENT|BEAD", required_unless_present = "all")]
    of: Vec<String>,
    /// Every session of this repository
    #[arg(long, conflicts_with = "of")]
    all: bool,
    /// Say of sessions that ran elsewhere that they are lost with their machine; what they had not
    /// pushed is theirs alone
    #[arg(long, requires = "of", conflicts_with = "all")]
    lost: bool,
}

impl Stop {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        settle::tend_whole(cx)?;
        let ledger = cx.ledger()?;
        let desk = Desk::of(cx.repo()?);
        let chosen = self.choose(cx, &desk)?;
        if self.lost {
            return give_up(cx, &chosen);
        }
        let who = cx.actor()?.by;
        for session in &chosen {
            desk.ask_to_stop(&session.id, &who)?;
        }
        await_end(cx, &desk, &chosen);
        settle::settle_whole(cx)?;
        let (beads, roster, _) = ledger.read::<World>()?;
        let (over, left): (Vec<&Session>, _) = chosen
            .iter()
            .filter_map(|session| roster.session(&session.id))
            .partition(|session| session.ended.is_some());
        for session in &left {
            cx.note(format!("session {} of {} has not ended", session.id, session.agent));
        }
        let code = if left.is_empty() { 0 } else { exit::AGAIN };
        let stopped = over.into_iter().map(|session| Stopped::of(&beads, session));
        Ok(Done::from(All(stopped.collect())).exit(code))
    }

    /// The running sessions that are meant, all of them of this clone.
    fn choose(&self, cx: &Context, desk: &Desk) -> Result<Vec<Session>> {
        let ledger = cx.ledger()?;
        let replica = ledger::known_replica(cx.repo()?);
        let (_, roster, _) = ledger.read::<World>()?;
        let running = |session: &&Session| session.ended.is_none();
        let chosen: Vec<Session> = match self.all {
            true => roster
                .running()
                .filter(|session| desk.is_ours(session, replica.as_deref()))
                .cloned()
                .collect(),
            false => self.of.iter().map(|of| session(cx, of)).collect::<Result<_>>()?,
        };
        for session in chosen.iter().filter(running) {
            let id = &session.id;
            match (desk.is_ours(session, replica.as_deref()), self.lost) {
                (false, false) => {
                    return Err(Refusal::refused(format!("session {id} runs in another clone"))
                        .hint("stop it there")
                        .hint(format!("if that is gone for good: git sling stop {id} --lost"))
                        .into());
                }
                (true, true) => {
                    return Err(Refusal::refused(format!("session {id} was started here"))
                        .hint(format!("git sling stop {id}"))
                        .into());
                }
                _ => {}
            }
        }
        let chosen: Vec<Session> = chosen.iter().filter(running).cloned().collect();
        if chosen.is_empty() {
            return Err(Refusal::nothing("nothing to stop: no such session is running")
                .hint("`git sling ps` lists those that are")
                .into());
        }
        Ok(chosen)
    }
}

/// A person's word that these run nowhere any more. Their tasks are free; should one of them live after
/// all, whoever claims its task next has a later epoch, and what it submits is stale.
fn give_up(cx: &Context, chosen: &[Session]) -> Result<Done> {
    let actor = cx.actor()?;
    if actor.agent {
        return Err(Refusal::refused("only a person says that a machine is gone")
            .hint("tell the overseer")
            .into());
    }
    let (ledger, mut stopped) = (cx.ledger()?, Vec::new());
    for session in chosen {
        let ended = Ended { asked: Some(actor.by.clone()), ..ended(session, Outcome::Lost) };
        let over = End { session: session.id.clone(), ended, rescued: None };
        ledger.write(&actor, |(beads, roster, queue): &World, pen| {
            let queued = |bead: &str| queue.submitted(bead).is_some();
            settle::pen_all(pen, end(beads, roster, &over, &queued))
        })?;
        let (beads, ..) = ledger.read::<World>()?;
        stopped.push(Stopped::of(&beads, session));
    }
    Ok(All(stopped).into())
}

/// Stays until all have ended, and forces those that take too long.
fn await_end(cx: &Context, desk: &Desk, chosen: &[Session]) {
    let (begun, mut forced) = (Instant::now(), false);
    let answers = |session: &&Session| desk.alive(&session.id);
    while chosen.iter().any(|session| answers(&session)) && begun.elapsed() < PATIENCE + FORCED {
        if !forced && begun.elapsed() >= PATIENCE {
            forced = true;
            // A runner that does not answer is worth no more than one that is gone.
            let keepers = chosen.iter().filter(answers).filter_map(|s| desk.keeper(&s.id));
            for keeper in keepers {
                process::end_group(&keeper);
            }
        }
        cx.clock.sleep(Duration::from_millis(20));
    }
}

#[derive(Serialize)]
struct Stopped {
    session: String,
    agent: String,
    bead: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rescued: Option<String>,
    #[serde(skip)]
    short: String,
}

impl Stopped {
    fn of(beads: &Beads, session: &Session) -> Self {
        Self {
            session: session.id.clone(),
            agent: session.agent.clone(),
            bead: session.bead.clone(),
            short: beads.short(&session.bead).to_owned(),
            rescued: session.rescued.last().map(|rescued| rescued.name.clone()),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<Stopped>);

impl Show for All {
    fn show(&self, out: &mut Screen) {
        for one in &self.0 {
            let what = format!(" ({}) on ", one.session);
            out.parts(&[
                (Tone::Plain, "Stopped "),
                (Tone::Strong, &one.agent),
                (Tone::Plain, &what),
                (Tone::Id, &one.short),
            ]);
            if let Some(name) = &one.rescued {
                out.line(format!("  its work is kept: {name}"));
            }
        }
    }
}
