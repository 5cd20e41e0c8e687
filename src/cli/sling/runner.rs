//! The two processes beside a session. Nobody calls them by hand.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::agent::event::{Ended, Event, Outcome, Started};
use crate::agent::{Desk, Session, runner, trail};
use crate::bead::{self, Beads, aside, lease};
use crate::cli::context::Context;
use crate::cli::show::Done;
use crate::cli::sling::settle;
use crate::cli::sling::world::World;
use crate::host::process::{self, Program};
use crate::ledger::{self, Actor};
use crate::refinery::{self, Queue};

/// How often a runner looks whether entries wait that nobody lands.
const LOOK: Duration = Duration::from_secs(5);

/// How often a claim is renewed within its lease.
const RENEWALS: u32 = 3;

/// Stay beside a session until it ends
#[derive(clap::Args)]
pub(super) struct Runner {
    #[arg(long)]
    session: String,
}

impl Runner {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        process::leave_terminal();
        let desk = Desk::of(cx.repo()?);
        desk.answer(&self.session)?;
        let (_, roster, _) = cx.ledger()?.read::<World>()?;
        let session = roster.session(&self.session).context("the ledger has no such session")?;
        let plan = std::fs::read(desk.plan(&session.id)).context("reading the session's plan")?;
        let plan: runner::Plan = serde_json::from_slice(&plan).context("reading the plan")?;
        let watcher = Program::new(std::env::current_exe().context("finding git-sling")?)
            .args(["watch", "--session", &session.id])
            .dir(cx.repo()?.common_dir())
            .full_env(runner::cleared(&cx.env))
            .start_leashed(&desk.runner_log(&session.id))?;
        let ended = match attend(cx, &desk, session, &plan) {
            Ok(ended) => ended,
            Err(error) => {
                let error = Some(format!("{error:#}"));
                Ended { error, ..runner::ended(session, Outcome::Lost) }
            }
        };
        settle::finish(cx, &desk, session, ended)?;
        watcher.release();
        wake(cx, &session.target)?;
        Ok(Done::silent())
    }
}

fn attend(cx: &Context, desk: &Desk, session: &Session, plan: &runner::Plan) -> Result<Ended> {
    let renewal = lease::length(cx.repo()?)? / RENEWALS;
    let agent = match runner::start(plan, session, desk, &cx.env) {
        Ok(agent) => agent,
        Err(error) => {
            let error = Some(format!("{error:#}"));
            return Ok(Ended { error, ..runner::ended(session, Outcome::NotStarted) });
        }
    };
    let started = Started { agent: session.agent.clone(), bead: session.bead.clone() };
    let actor = cx.actor()?;
    let said = cx.ledger()?.write(&actor, |(_, roster, _): &World, pen| {
        match roster.session(&session.id).is_some_and(|session| session.started.is_none()) {
            true => pen.line(&session.id, &Event::Started(started.clone())),
            false => Ok(()),
        }
    });
    let begun = || trail::begin(&cx.ledger()?, session, &cx.clock.now().to_string());
    if let Err(error) = said.and_then(|()| begun()) {
        cx.note(format!("could not say that the session started: {error:#}"));
    }
    let (mut looked, mut renewed) = (Instant::now(), Instant::now());
    runner::attend(plan, session, &agent, desk, &mut || {
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if let Err(error) = wake(cx, &session.target) {
                cx.note(format!("{error:#}"));
            }
        }
        if renewed.elapsed() >= renewal {
            renewed = Instant::now();
            if let Err(error) = renew(cx, &actor, session) {
                cx.note(format!("could not renew the claim: {error:#}"));
            }
        }
    })
}

/// Says that the session is at work, for those who wait elsewhere for a word of it.
fn renew(cx: &Context, actor: &Actor, session: &Session) -> Result<()> {
    let (repo, ledger) = (cx.repo()?, cx.ledger()?);
    ledger.write(actor, |beads: &Beads, pen| {
        let claim = beads.get(&session.bead).and_then(|bead| bead.claim.as_ref());
        match claim.filter(|claim| claim.session.as_ref() == Some(&session.id)) {
            Some(claim) => pen.line(
                &session.bead,
                &bead::event::Event::Renewed { epoch: claim.epoch, claim: claim.id.clone() },
            ),
            None => Ok(()),
        }
    })?;
    match ledger::default_remote(repo)? {
        Some(remote) => aside::exchange(repo, &remote),
        None => Ok(()),
    }
}

/// Starts the refinery again if entries wait and it died.
fn wake(cx: &Context, target: &str) -> Result<()> {
    let queue: Queue = cx.ledger()?.read()?;
    if refinery::next(cx.repo()?, &queue, target)?.is_some() {
        refinery::autorun(cx.repo()?, target)?;
    }
    Ok(())
}

/// End a session when its runner is gone
#[derive(clap::Args)]
pub(super) struct Watch {
    #[arg(long)]
    session: String,
}

impl Watch {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        process::leave_terminal();
        if !process::held_to_the_end() {
            runner::sweep(&Desk::of(cx.repo()?), &self.session);
        }
        Ok(Done::silent())
    }
}
