//! From the hook to a running session: worktree, identity, prompt, runner. When a step fails the
//! session is ended at once and the bead is free again.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::agent::event::{Event, Outcome, Rescued};
use crate::agent::preset::Launch;
use crate::agent::worktree::{self, Place, Ready};
use crate::agent::{Desk, Name, Session, prompt, runner, write_whole};
use crate::cli::context::Context;
use crate::cli::sling::settle;
use crate::cli::sling::world::World;
use crate::git::Oid;
use crate::githook::{self, Outfit};
use crate::host::process::{Identity, Program};
use crate::policy::Prompt;

/// How long a runner may take until it answers for its session.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was settled before anything was written.
pub(super) struct Prepared {
    pub(super) launch: Launch,
    pub(super) timeout: Option<Duration>,
    pub(super) target: String,
    pub(super) tip: Oid,
}

/// What hangs on the hook and is to be started.
#[derive(Default)]
pub(super) struct Work {
    pub(super) session: String,
    pub(super) agent: Option<Name>,
    pub(super) place: Option<Place>,
    /// Whose files the bead shares.
    pub(super) shared: Vec<String>,
}

/// Starts the session, or ends it and says why not.
pub(super) fn launch(cx: &Context, desk: &Desk, prepared: &Prepared, work: &Work) -> Result<()> {
    let (_, roster, _) = cx.ledger()?.read::<World>()?;
    let session = roster.session(&work.session).context("the hook was not written")?;
    let started = match (&work.agent, &work.place) {
        (Some(agent), Some(place)) => start(cx, desk, prepared, (session, agent, place)),
        _ => Ok(()),
    };
    started.map_err(|error| {
        let mut ended = runner::ended(session, Outcome::NotStarted);
        ended.error = Some(format!("{error:#}"));
        match settle::finish(cx, desk, session, ended) {
            Ok(_) => error,
            Err(more) => error.context(format!("and ending the session failed: {more:#}")),
        }
    })
}

fn start(
    cx: &Context,
    desk: &Desk,
    prepared: &Prepared,
    (session, agent, place): (&Session, &Name, &Place),
) -> Result<()> {
    let repo = cx.repo()?;
    let ready = {
        let _one_at_a_time = desk.turn()?;
        let ready = worktree::prepare(repo, place, agent, &prepared.tip, &session.id)?;
        githook::fit_out(repo, &place.path, &outfit(session, prepared))?;
        ready
    };
    if let Some(kept) = &ready.rescued {
        let rescued = Rescued {
            agent: session.agent.clone(),
            bead: session.bead.clone(),
            name: kept.name.to_string(),
            commit: kept.commit.to_string(),
        };
        let new = cx.ledger()?.write(&cx.actor()?, |(_, roster, _): &World, pen| {
            let said = |one: &Session| one.rescued.iter().any(|known| known.name == rescued.name);
            let new = !roster.sessions().any(said);
            if new {
                pen.line(&session.id, &Event::Rescued(rescued.clone()))?;
            }
            Ok(new)
        })?;
        if new {
            cx.note(format!("kept what was left in the worktree: {}", kept.name));
        }
    }
    let told = brief(cx, session, &ready)?;
    write_whole(&desk.prompt(&session.id), &told)?;
    let plan = plan(desk, session, prepared, &told);
    write_whole(&desk.plan(&session.id), &serde_json::to_string(&plan)?)?;
    spawn(cx, desk, &session.id)
}

fn outfit(session: &Session, prepared: &Prepared) -> Outfit {
    Outfit {
        agent: session.agent.clone(),
        owner: session.owner.clone(),
        bead: session.bead.clone(),
        epoch: session.epoch,
        session: Some(session.id.clone()),
        tool: Some(prepared.launch.tool.clone()),
        model: prepared.launch.model.clone(),
    }
}

fn brief(cx: &Context, session: &Session, ready: &Ready) -> Result<String> {
    let ledger = cx.ledger()?;
    let (beads, roster, queue) = ledger.read::<World>()?;
    let bead = ledger.spelled(beads.get(&session.bead).context("the bead is gone")?.clone())?;
    let rejection = queue.last_rejection(&session.bead).map(|rejection| rejection.text());
    let earlier =
        roster.sessions().rev().filter(|one| one.bead == session.bead && one.id != session.id);
    let rescued = earlier.flat_map(|one| one.rescued.iter().rev()).next();
    let rescued = rescued.filter(|_| !ready.resumed).map(|rescued| rescued.name.as_str());
    Ok(prompt::text(&prompt::Brief {
        beads: &beads,
        bead: &bead,
        agent: &session.agent,
        target: &session.target,
        branch: &session.branch,
        rejection: rejection.as_deref(),
        resumed: ready.resumed,
        rescued,
    }))
}

fn plan(desk: &Desk, session: &Session, prepared: &Prepared, told: &str) -> runner::Plan {
    let Prepared { launch, timeout, .. } = prepared;
    let argv = match launch.prompt {
        Prompt::Arg => runner::with_prompt(&launch.argv, told),
        Prompt::File => {
            runner::with_prompt(&launch.argv, &desk.prompt(&session.id).to_string_lossy())
        }
        Prompt::Stdin => launch.argv.clone(),
    };
    runner::Plan {
        session: session.id.clone(),
        argv,
        stdin: launch.prompt == Prompt::Stdin,
        env: launch.env.clone(),
        seconds: timeout.unwrap_or(runner::LONGEST).as_secs(),
    }
}

/// Starts the runner and stays until it answers for the session.
fn spawn(cx: &Context, desk: &Desk, session: &str) -> Result<()> {
    let repo = cx.repo()?;
    let log = desk.runner_log(session);
    let runner = Program::new(std::env::current_exe().context("finding git-sling")?)
        .args(["runner", "--session", session])
        .dir(start_dir(repo.main_work_dir().as_deref(), repo.common_dir()))
        .full_env(runner::cleared(&cx.env))
        .spawn_detached(&log)?;
    let begun = Instant::now();
    while desk.is_mine(session) {
        if !runner.alive() && desk.is_mine(session) {
            bail!("the runner ended at once: {}", said(&log));
        }
        if begun.elapsed() > PATIENCE {
            end(&runner);
            bail!("the runner does not answer; {} may tell why", log.display());
        }
        cx.clock.sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn start_dir<'a>(main: Option<&'a Path>, common: &'a Path) -> &'a Path {
    main.filter(|dir| dir.is_dir()).unwrap_or(common)
}

fn end(runner: &Identity) {
    crate::host::process::end_group(runner);
}

fn said(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("it said nothing").to_owned()
}
