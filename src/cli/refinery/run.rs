//! `git refinery run`: take what waits to its verdict.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::bead::aside;
use crate::cli::context::Context;
use crate::cli::refinery::target::Target;
use crate::cli::show::{Done, Screen, Show};
use crate::cli::sling;
use crate::git::{Oid, Repo};
use crate::host::process;
use crate::ledger::{self, Ledger};
use crate::refinery::event::Held;
use crate::refinery::{self, Autorun, Lease, Outcome, Rejection};
use crate::refusal::{Kind, Refusal};

/// Test what waits and land what passes
///
/// Takes the entry that has waited longest, or all of them with --drain. One refinery runs on a
/// target at a time; a second one says so and leaves. A push starts `run --drain` by itself unless
/// shopfloor.autorun is false.
///
/// Gates see exactly the tree that would land: what git does not track is removed before each
/// candidate. A build cache that shall survive stands outside of it and is declared in the gate's
/// table of shopfloor.toml: env = { CARGO_TARGET_DIR = "{cache}/target" }. Of the caller's
/// environment gates see PATH, HOME, locale and tool homes; `git config --add shopfloor.gateEnv NAME`
/// adds more.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git refinery run --drain              test and land all that waits
  git refinery run --watch --target release")]
pub(in crate::cli) struct Run {
    /// Until nothing waits
    #[arg(long)]
    drain: bool,
    /// Until nothing waits, and again whenever something is queued, or a remote was away
    #[arg(long, conflicts_with = "drain")]
    watch: bool,
    #[command(flatten)]
    target: Target,
    /// Leave the caller's terminal first: how a push starts it
    #[arg(long, hide = true)]
    detached: bool,
}

/// How often a watching refinery looks whether anything has changed.
const LOOK: Duration = Duration::from_millis(300);
/// How often it tries again what a remote that is away keeps from landing.
const RETRY: Duration = Duration::from_secs(5);

/// The target moved under one entry so often that somebody has to look.
const TRIES: usize = 8;

impl Run {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.detached {
            process::leave_terminal();
        }
        let target = self.target.name(cx)?;
        cx.look_after()?;
        let owner = cx.actor()?.owner;
        let (repo, ledger) = (cx.repo()?, cx.ledger()?);
        let aloud = self.watch || cx.at_terminal();
        let mut report =
            Report { target: target.clone(), steps: Vec::new(), aloud, said: Vec::new() };
        loop {
            let Some(lease) = Lease::take(repo, &ledger, &cx.clock, &owner, &target)? else {
                if self.detached {
                    return Ok(Done::silent());
                }
                return Err(Refusal::again(format!("a refinery is at work on {target}"))
                    .hint("it takes what waits; `git refinery status` says how far it is")
                    .into());
            };
            if self.watch {
                self.keep_watch(cx, &lease, &mut report)?;
            }
            self.pass(cx, &lease, &mut report)?;
            drop(lease);
            // Who queued something while we held the lease has left it to us.
            if !waits(repo, &ledger, &target)? {
                return Ok(report.into());
            }
            if !self.drain {
                if let Autorun::Left(why) = refinery::autorun(repo, &target)? {
                    cx.note(format!("note: {why}"));
                }
                return Ok(report.into());
            }
        }
    }

    /// Only an error or a signal ends it, so nothing is kept for a result. A remote that is away comes
    /// back, so what waits for it is tried again.
    fn keep_watch(&self, cx: &Context, lease: &Lease<'_>, report: &mut Report) -> Result<()> {
        let mut away = None;
        loop {
            report.steps.clear();
            let before = stands(lease)?;
            let passed = self.pass(cx, lease, report);
            let why = match passed {
                Err(no) if is_passing(&no) => Some(format!("{no:#}")),
                passed => passed.map(|()| None)?,
            };
            if let Some(why) = why.as_ref().filter(|why| away.as_ref() != Some(*why)) {
                cx.note(format!("note: {why}; trying again"));
            }
            away = why;
            match away {
                // What came to nothing may be in the ledger, and is no reason to try again at once.
                Some(_) => change(cx, lease, &stands(lease)?, Some(RETRY))?,
                // Who queued something at the end of the pass has left it to us.
                None => change(cx, lease, &before, None)?,
            }
        }
    }

    /// One pass over what waits; why it stopped early is kept for whoever asks.
    fn pass(&self, cx: &Context, lease: &Lease<'_>, report: &mut Report) -> Result<()> {
        let before = report.steps.len();
        let passed = self.decide(cx, lease, report);
        refinery::stopped(lease.repo, &lease.target, passed.as_ref().err());
        if let Err(error) = lease.ledger.pour() {
            cx.note(format!("note: what the gates said is not in the trail yet: {error:#}"));
        }
        // What others get to see of the target they can audit: its evidence goes where it went. After a
        // pass that came to nothing there is none, and who sends it looks after the queue: the two would
        // start each other for as long as the remote is away.
        if (passed.is_ok() || report.steps.len() > before)
            && let Some(remote) = lease.repo.config_get("shopfloor.publish")?
            && let Err(error) = aside::exchange(lease.repo, &remote)
        {
            cx.note(format!("note: the ledger did not go to {remote}: {error:#}"));
        }
        passed
    }

    fn decide(&self, cx: &Context, lease: &Lease<'_>, report: &mut Report) -> Result<()> {
        let (outcomes, notes) = refinery::begin(lease)?;
        for outcome in outcomes {
            report.tell(cx, outcome);
        }
        report.remark(cx, notes);
        let mut tries = 0;
        loop {
            let outcome = refinery::tick(lease)?;
            let overtaken = match &outcome {
                Outcome::Again { entry, why } => Some(format!("{entry}: {why}")),
                Outcome::Foreign(_) => Some(format!("{} is moved past the queue", lease.target)),
                _ => None,
            };
            let outrun = matches!(outcome, Outcome::Outrun { .. });
            tries = match &overtaken {
                Some(_) => tries + 1,
                None if outrun => tries,
                None => 0,
            };
            if let Some(why) = &overtaken
                && tries >= TRIES
            {
                let why = format!("{why}, {tries} times");
                let Some(held) = refinery::give_up(lease, &why)? else {
                    return Err(Refusal::again(why)
                        .hint("see who moves the branch, then `git refinery run --drain`")
                        .into());
                };
                report.tell(cx, held);
                return sling::settle_sessions(cx);
            }
            let verdict = overtaken.is_none() && !outrun;
            let idle = matches!(outcome, Outcome::Idle);
            report.tell(cx, outcome);
            if idle || (verdict && !self.drain && !self.watch) {
                // What was rejected when its session was over is free for the next one.
                return sling::settle_sessions(cx);
            }
        }
    }
}

fn waits(repo: &Repo, ledger: &Ledger<'_>, target: &str) -> Result<bool> {
    Ok(refinery::next(repo, &ledger.read()?, target)?.is_some())
}

/// Whether the same may go well in a moment.
fn is_passing(no: &anyhow::Error) -> bool {
    no.downcast_ref::<Refusal>().is_some_and(|no| no.kind == Kind::Again)
}

/// Where the ledger and the target are.
fn stands(lease: &Lease<'_>) -> Result<[Option<Oid>; 2]> {
    let ledger = ledger::REF.parse()?;
    Ok([lease.repo.read_ref(&ledger)?, lease.repo.read_ref(&lease.branch)?])
}

/// Returns when they are no longer where they were, or after `limit`.
fn change(
    cx: &Context,
    lease: &Lease<'_>,
    before: &[Option<Oid>; 2],
    limit: Option<Duration>,
) -> Result<()> {
    let begun = Instant::now();
    while stands(lease)? == *before && limit.is_none_or(|limit| begun.elapsed() < limit) {
        cx.clock.sleep(LOOK);
    }
    Ok(())
}

/// What a run did, in order.
#[derive(Serialize)]
struct Report {
    target: String,
    steps: Vec<Step>,
    /// Whether each step is said when it happens, because the result may be long in coming.
    #[serde(skip)]
    aloud: bool,
    #[serde(skip)]
    said: Vec<String>,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Step {
    Landed { entry: String, commit: String, bead: Option<String>, notes: Vec<String> },
    Rejected { entry: String, rejection: Box<Rejection> },
    Held { entry: String, held: Held },
    Foreign { old: String, new: String },
}

impl Report {
    /// Says what people should know, each thing once.
    fn remark(&mut self, cx: &Context, notes: Vec<String>) {
        for note in notes {
            if !self.said.contains(&note) {
                cx.note(format!("note: {note}"));
                self.said.push(note);
            }
        }
    }

    /// Says it when it happens, and keeps it for the result.
    fn tell(&mut self, cx: &Context, outcome: Outcome) {
        let step = match outcome {
            Outcome::Idle => return,
            Outcome::Again { entry, why } | Outcome::Outrun { entry, why } => {
                cx.note(format!("{entry}: {why}; trying again"));
                return;
            }
            Outcome::Landed { entry, commit, bead, notes } => {
                self.remark(cx, notes.clone());
                Step::Landed { entry, commit: commit.to_string(), bead, notes }
            }
            Outcome::Rejected { entry, rejection } => Step::Rejected { entry, rejection },
            Outcome::Held { entry, held } => Step::Held { entry, held },
            Outcome::Foreign(foreign) => {
                Step::Foreign { old: foreign.old.to_string(), new: foreign.new.to_string() }
            }
        };
        if self.aloud {
            cx.note(step.line(&self.target));
        }
        self.steps.push(step);
    }
}

impl Step {
    fn line(&self, target: &str) -> String {
        let short = |commit: &str| commit.get(..10).unwrap_or(commit).to_owned();
        match self {
            Self::Landed { entry, commit, bead, .. } => {
                let bead = bead.as_ref().map(|bead| format!(", closed {bead}")).unwrap_or_default();
                format!("{entry} landed as {}{bead}", short(commit))
            }
            Self::Rejected { entry, rejection } => format!("{entry} rejected: {}", rejection.error),
            Self::Held { entry, held } => format!("{entry} held: {}", held.said),
            Self::Foreign { old, new } => {
                format!("{target} was moved past the queue, from {} to {}", short(old), short(new))
            }
        }
    }
}

impl Show for Report {
    fn show(&self, out: &mut Screen) {
        for step in &self.steps {
            out.line(step.line(&self.target));
        }
        if self.steps.is_empty() {
            out.line(format!("nothing waits for {}", self.target));
        }
    }
}
