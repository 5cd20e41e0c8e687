//! `--wait`: stay until a slung bead has landed, or it is sure that it does not.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::agent::state;
use crate::agent::{Desk, Roster, Session};
use crate::bead::event::Status;
use crate::bead::{Bead, Beads};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::refinery::wait::{nobody, tell_stop};
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::sling::settle;
use crate::cli::sling::world::World;
use crate::git::{RefName, Repo};
use crate::refinery::{Awake, Queue, Rejection, State};

const GLANCE: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(3);
/// How long a session that has done its work may take to end.
const LEAVE: Duration = Duration::from_secs(5);
/// How long its runner may take to put away what is left of it.
const FINISH: Duration = Duration::from_secs(60);

/// What was put on whose hook.
pub(super) struct Slung {
    pub(super) bead: String,
    pub(super) session: String,
    /// A live session had it already.
    pub(super) already: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum For {
    Landed,
    Queued,
}

/// How it came out.
#[derive(Serialize)]
struct Verdict {
    bead: String,
    title: String,
    agent: String,
    session: String,
    /// landed, closed, queued, held, rejected or failed
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejection: Option<Rejection>,
    /// The ref that keeps what a failed session had not submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    rescued: Option<String>,
    /// Branches it pushed its work to, none of which is the target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    elsewhere: Vec<String>,
    #[serde(skip)]
    target: String,
    #[serde(skip)]
    short: String,
}

/// Stays until there is a verdict. Keeps the refinery awake and ends lost sessions meanwhile.
pub(super) fn wait(cx: &Context, slung: &Slung, until: For) -> Result<Done> {
    let ledger = cx.ledger()?;
    let mut looked = Instant::now();
    let (mut said, mut stood) = (String::new(), String::new());
    let mut awake = (String::new(), Awake::default());
    loop {
        let (beads, roster, queue) = ledger.read::<World>()?;
        if let Some(mut verdict) = verdict((&beads, &roster, &queue), slung, until) {
            if verdict.outcome == "failed"
                && let Some(session) = roster.session(&slung.session)
            {
                verdict.elsewhere = pushed(cx.repo()?, session)?;
            }
            let code = match verdict.outcome {
                "landed" | "closed" | "queued" => 0,
                _ => exit::REFUSED,
            };
            if code == 0 && until == For::Landed {
                leave(cx, slung)?;
            }
            settle::settle_whole(cx)?;
            return Ok(Done::from(verdict).exit(code));
        }
        if cx.at_terminal() {
            tell(cx, &queue, slung, &mut said);
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            settle::settle_whole(cx)?;
        }
        if let Some(entry) = queue.submitted(&slung.bead) {
            // Each submission has its own share of starts that may come to nothing.
            if awake.0 != entry.name() {
                awake = (entry.name(), Awake::default());
            }
            tell_stop(cx, &entry.target, &mut stood)?;
            if let Some(why) = awake.1.see_to(cx.repo()?, &entry.target)? {
                return Err(nobody(&why, &entry.name()).into());
            }
        }
        cx.clock.sleep(GLANCE);
    }
}

/// A landing may be faster than the agent that asked for it: who goes on finds the session over, unless
/// it has more to do.
fn leave(cx: &Context, slung: &Slung) -> Result<()> {
    let (ledger, desk, begun) = (cx.ledger()?, Desk::of(cx.repo()?), Instant::now());
    let gone = || desk.agent(&slung.session).is_some_and(|agent| !agent.alive());
    let is_put_away = || desk.alive(&slung.session) && gone() && begun.elapsed() < FINISH;
    while begun.elapsed() < LEAVE || is_put_away() {
        let roster = ledger.read::<Roster>()?;
        let over = roster.session(&slung.session).is_none_or(|session| session.ended.is_some());
        if over && !desk.is_open(&slung.session) {
            break;
        }
        cx.clock.sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// One line each time something changes, for a person who watches.
fn tell(cx: &Context, queue: &Queue, slung: &Slung, said: &mut String) {
    let now = match queue.submitted(&slung.bead) {
        Some(entry) => format!("{} is {}", entry.name(), entry.state),
        None => match queue.last_rejection(&slung.bead) {
            Some(rejection) => format!("rejected, being reworked: {}", rejection.error),
            None => String::new(),
        },
    };
    if *said != now && !now.is_empty() {
        cx.note(&now);
        *said = now;
    }
}

fn verdict(
    (beads, roster, queue): (&Beads, &Roster, &Queue),
    slung: &Slung,
    until: For,
) -> Option<Verdict> {
    let bead = beads.get(&slung.bead)?;
    let session = roster.session(&slung.session)?;
    let verdict = Verdict {
        bead: bead.id.clone(),
        title: bead.title.clone(),
        agent: session.agent.clone(),
        session: session.id.clone(),
        outcome: "failed",
        entry: None,
        commit: None,
        why: None,
        rejection: None,
        rescued: None,
        elsewhere: Vec::new(),
        target: session.target.clone(),
        short: beads.short(&bead.id).to_owned(),
    };
    if bead.status == Status::CLOSED {
        return Some(closed(bead, verdict));
    }
    if let Some(entry) = queue.submitted(&bead.id) {
        let verdict = Verdict { entry: Some(entry.name()), ..verdict };
        return match entry.state {
            State::Held => {
                let why = entry.held.as_ref().map(|held| held.said.clone());
                Some(Verdict { outcome: "held", why, ..verdict })
            }
            _ if until == For::Queued => Some(Verdict { outcome: "queued", ..verdict }),
            _ => None,
        };
    }
    session.ended.as_ref()?;
    Some(failed(queue, session, verdict))
}

fn closed(bead: &Bead, verdict: Verdict) -> Verdict {
    match &bead.landed {
        Some(landed) => Verdict {
            outcome: "landed",
            entry: Some(landed.entry.clone()),
            commit: Some(landed.commit.clone()),
            ..verdict
        },
        None => Verdict { outcome: "closed", why: bead.close_reason.clone(), ..verdict },
    }
}

/// The session is over and nothing of it is in the queue.
fn failed(queue: &Queue, session: &Session, verdict: Verdict) -> Verdict {
    let of_session = |rejection: &&Rejection| {
        let mut entries =
            queue.entries().filter(|entry| entry.session.as_ref() == Some(&session.id));
        entries.any(|entry| entry.rejection.as_deref() == Some(*rejection))
    };
    if let Some(rejection) = queue.last_rejection(&session.bead).filter(of_session) {
        return Verdict { outcome: "rejected", rejection: Some(rejection.clone()), ..verdict };
    }
    let ended = session.ended.as_ref();
    let facts =
        state::Facts { ours: true, alive: false, worktree: true, hooked: false, submitted: false };
    let why = match state::of(session, facts) {
        (state::State::Done, _) => "the session ended without submitting anything".to_owned(),
        (state, why) => {
            let error = ended.and_then(|ended| ended.error.clone());
            let why = why.or(error).map(|why| format!(": {why}")).unwrap_or_default();
            format!("the session {}{why}", state.word())
        }
    };
    let rescued = session.rescued.last().map(|rescued| rescued.name.clone());
    Verdict { why: Some(why), rescued, ..verdict }
}

/// The branches that show the session's last commit: on a remote, or here beside its own.
fn pushed(repo: &Repo, session: &Session) -> Result<Vec<String>> {
    let own = RefName::branch(&session.branch)?;
    let tips = (repo.read_ref(&own)?, repo.read_ref(&RefName::branch(&session.target)?)?);
    let (Some(tip), Some(target)) = tips else { return Ok(Vec::new()) };
    if repo.is_ancestor(&tip, &target)? {
        return Ok(Vec::new());
    }
    let mut all = repo.refs_under("refs/remotes/")?;
    all.extend(repo.refs_under("refs/heads/")?.into_iter().filter(|(name, _)| *name != own));
    let there = all.iter().filter(|(_, at)| *at == tip).map(|(name, _)| name.short().to_owned());
    Ok(there.collect())
}

impl Show for Verdict {
    fn show(&self, out: &mut Screen) {
        let (tone, word) = match self.outcome {
            "landed" => (Tone::Good, "Landed "),
            "closed" => (Tone::Good, "Closed "),
            "queued" => (Tone::Good, "Queued "),
            "held" => (Tone::Bad, "Held "),
            "rejected" => (Tone::Bad, "Rejected "),
            _ => (Tone::Bad, "Failed "),
        };
        let commit = self.commit.as_deref().and_then(|commit| commit.get(..10));
        let place =
            [self.entry.as_deref(), commit].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let place = if place.is_empty() { place } else { format!("  ({place})") };
        out.parts(&[
            (tone, word),
            (Tone::Id, &self.short),
            (Tone::Plain, "  "),
            (Tone::Plain, &self.title),
            (Tone::Faint, &place),
        ]);
        if let Some(why) = &self.why {
            out.line(format!("  {why}"));
        }
        if !self.elsewhere.is_empty() {
            let (where_to, target) = (self.elsewhere.join(", "), &self.target);
            out.line(format!("  it pushed to {where_to}; what is pushed to {target} lands"));
        }
        if let Some(rejection) = &self.rejection {
            out.block(&rejection.text(), 2);
        }
        if let Some(rescued) = &self.rescued {
            out.line(format!("  what it had not submitted is kept: git show {rescued}"));
        }
        if matches!(self.outcome, "rejected" | "failed") {
            out.line(format!("  its output: git sling logs {}", self.session));
        }
    }
}
