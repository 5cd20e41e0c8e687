//! One step of the refinery: find what moved the target, or take the entry that has waited longest
//! to its verdict.

use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::agent::Roster;
use crate::agent::event::{Deed, Gate as Gated};
use crate::agent::trail::Doer;
use crate::bead::Beads;
use crate::convoy;
use crate::git::Oid;
use crate::policy::{self, Policy, trust};
use crate::refinery::ask::{self, Followed};
use crate::refinery::author::Author;
use crate::refinery::candidate::{self, Candidate};
use crate::refinery::clones;
use crate::refinery::entry::{self, Entry};
use crate::refinery::event::{Event, Foreign, Held, Hold, Intent, Landed, Ran, Tested};
use crate::refinery::examine::{self, Examined};
use crate::refinery::foreign::{self, Proof};
use crate::refinery::gate::{self, Failed, Tests};
use crate::refinery::land::{self, Landing};
use crate::refinery::lease::Lease;
use crate::refinery::number::Number;
use crate::refinery::publish;
use crate::refinery::queue::Queue;
use crate::refinery::rejection::{Cause, Gate, Rejection};
use crate::refinery::report;
use crate::refinery::submit;
use crate::refinery::verdict::{Blame, Verdict};
use crate::refinery::workplace;
use crate::refusal::Refusal;

/// A gate that kills its own refinery does it again.
const ATTEMPTS: usize = 3;

/// What a step decides on.
type State = (Queue, Beads, Roster);

/// What a step came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nothing waits.
    Idle,
    Landed {
        entry: String,
        commit: Oid,
        bead: Option<String>,
        notes: Vec<String>,
    },
    Rejected {
        entry: String,
        rejection: Box<Rejection>,
    },
    Held {
        entry: String,
        held: Held,
    },
    /// The entry stays where it is and the next step tries it again.
    Again {
        entry: String,
        why: String,
    },
    /// The same: at the remote somebody else was faster. Who landed there is no reason to give up; who
    /// pushed there past the queue is found by the next step.
    Outrun {
        entry: String,
        why: String,
    },
    Foreign(Box<Foreign>),
}

/// What has to be true before the first step: no intent without an outcome, no ref without a line,
/// no work tree parked that could be back. Says what that brought to light, and which stay parked.
pub fn begin(lease: &Lease<'_>) -> Result<(Vec<Outcome>, Vec<String>)> {
    workplace::end_leftovers(lease);
    lease.repo.forget_unkept();
    let (lines, refs) = submit::reconcile(lease.repo, lease.ledger, &lease.actor)?;
    tracing::debug!(lines, refs, "queue refs and lines compared");
    Ok((recover(lease)?, land::settle(lease)?))
}

fn recover(lease: &Lease<'_>) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for (entry, bead) in land::recover(lease)? {
        let Some(intent) = &entry.intent else { continue };
        let notes = announce(lease, bead.as_deref());
        let (entry, commit) = (entry.name(), intent.new);
        outcomes.push(Outcome::Landed { entry, commit, bead, notes });
    }
    Ok(outcomes)
}

/// Does the next thing.
pub fn tick(lease: &Lease<'_>) -> Result<Outcome> {
    let repo = lease.repo;
    let Some(mut tip) = repo.read_ref(&lease.branch)? else {
        let what = format!("there is no branch {} to land on", lease.target);
        return Err(Refusal::refused(what)
            .hint("`git config shopfloor.target BRANCH` names another")
            .into());
    };
    let mut state = newest(lease, &tip)?;
    let next = clones::next(repo, &state.0, &lease.target)?;
    // What may have landed already is not tried again.
    if let Some(open) = next.filter(|entry| entry.intent.is_some()) {
        let again =
            || Outcome::Again { entry: open.name(), why: "its landing was cut short".into() };
        return Ok(recover(lease)?.pop().unwrap_or_else(again));
    }
    // Without anything to land the remote is nobody's business.
    if let Some(next) = next {
        match ask::follow(lease, &tip)? {
            Followed::Level => {}
            Followed::To(there) => tip = there,
            Followed::Not => {
                let why = format!("{} moved while we looked", lease.target);
                return Ok(Outcome::Again { entry: next.name(), why });
            }
        }
    }
    let moved = |queue: &Queue| foreign::moved(repo, queue, &lease.target, &tip);
    let mut known = moved(&state.0)?;
    if known.is_some() && ask::others(lease)? {
        state = lease.ledger.read()?;
        known = moved(&state.0)?;
    }
    if let Some(known) = known {
        return Ok(Outcome::Foreign(Box::new(foreign::record(lease, &known, &tip)?)));
    }
    // With the target may have come what another clone has landed.
    let Some(entry) = clones::next(repo, &state.0, &lease.target)? else {
        return Ok(Outcome::Idle);
    };
    let policy = policy::read(repo, &tip)?;
    trust::demand(repo.env(), repo, &policy.surface())?;
    lease.testing(entry.n);
    let done = step(lease, entry, (&tip, &policy), &state);
    lease.testing(Number::default());
    done
}

/// The state that a step decides on, with all back in the line that needs to wait no more.
fn newest(lease: &Lease<'_>, tip: &Oid) -> Result<State> {
    let mut state = lease.ledger.read::<State>()?;
    if state.0.waiting(&lease.target).next().is_some() && ask::hub(lease)? {
        state = lease.ledger.read()?;
    }
    let lane = state.0.lane(&lease.target);
    if foreign::absolve(lease, lane, tip)? | foreign::take_up(lease, lane)? {
        state = lease.ledger.read()?;
    }
    Ok(state)
}

fn step(
    lease: &Lease<'_>,
    entry: &Entry,
    (tip, policy): (&Oid, &Policy),
    (queue, beads, roster): &State,
) -> Result<Outcome> {
    let examined = match examine::examine(lease, entry, (tip, policy), (beads, roster)) {
        // What cannot even be read, a lost object say, must not stop what comes after it.
        Err(error) if !error.is::<Refusal>() => return unsound(lease, entry, &error),
        examined => examined?,
    };
    let (candidate, author) = match examined {
        Examined::Try { candidate, author } => (candidate, author),
        Examined::No(rejection) => return reject(lease, entry, None, rejection),
        Examined::Wait(held) => return hold(lease, entry, None, held),
        Examined::Contained(author) => {
            return contained(lease, entry, (tip, policy), (queue, author));
        }
    };
    let killed = lease.attempt(entry.n);
    let tests = match killed {
        ATTEMPTS.. => Err(anyhow!("the refinery was killed {killed} times while it tested this")),
        _ => gate::run_all(lease, policy, &candidate.commit, &entry.name()),
    };
    lease.attempted();
    let tests = match tests {
        Err(error) if !error.is::<Refusal>() => return unsound(lease, entry, &error),
        tests => tests?,
    };
    let Tests { gates, failed } = tests;
    if let Err(no) = tell(lease, entry, roster, &gates) {
        tracing::debug!("the gates of {} are not in the trail: {no:#}", entry.name());
    }
    let tested = Tested { base: *tip, candidate: candidate.commit, tree: candidate.tree, gates };
    let Some(failed) = failed else {
        return land_it(lease, entry, (&candidate, author), &tested);
    };
    if failed.blame() == Blame::House {
        let held = Held { why: Hold::Infra, said: failed.trouble(), surface: None };
        return hold(lease, entry, Some(&tested), held);
    }
    let known = (queue.lane(&lease.target), tip);
    if let Some(held) = foreign::excuse(lease, policy, known, &failed.ran)? {
        return hold(lease, entry, Some(&tested), held);
    }
    let limit = policy.gates.get(&failed.ran.gate).map(|gate| gate.timeout).unwrap_or_default();
    let rejection = red(lease, entry, tip, (&failed, limit))?;
    reject(lease, entry, Some(&tested), rejection)
}

/// What came of a session's change, for its trail.
fn tell(lease: &Lease<'_>, entry: &Entry, roster: &Roster, gates: &[Ran]) -> Result<()> {
    let session = entry.session.as_deref().and_then(|id| roster.session(id));
    let Some(doer) = session.map(Doer::of) else { return Ok(()) };
    let now = lease.clock.now().to_string();
    let notes = gates.iter().filter(|ran| ran.verdict != Verdict::NotRun).map(|ran| {
        let gate = Gated {
            entry: entry.name(),
            gate: ran.gate.clone(),
            verdict: ran.verdict.to_string(),
            exit: ran.exit,
            ms: ran.ms,
        };
        doer.did(now.clone(), &Deed::Gate(gate))
    });
    lease.ledger.note(notes.collect::<Result<_>>()?)
}

fn land_it(
    lease: &Lease<'_>,
    entry: &Entry,
    (candidate, author): (&Candidate, Author),
    tested: &Tested,
) -> Result<Outcome> {
    let intent = Intent {
        old: candidate.base,
        new: candidate.commit,
        tree: candidate.tree,
        author: of_record(&author),
        vouched: author.vouched,
    };
    if let Err(error) = candidate::verify(lease.repo, entry, candidate) {
        return unsound(lease, entry, &error);
    }
    match land::land(lease, entry, tested, &intent)? {
        Landing::Done { bead, mut notes } => {
            notes.extend(announce(lease, bead.as_deref()));
            let unpublished = |remote| {
                format!(
                    "{} is published nowhere: `git config shopfloor.publish {remote}`",
                    lease.target
                )
            };
            notes.extend(publish::left_out(lease.repo)?.map(unpublished));
            Ok(Outcome::Landed { entry: entry.name(), commit: intent.new, bead, notes })
        }
        Landing::Overtaken(why) => Ok(Outcome::Again { entry: entry.name(), why }),
        Landing::Outrun(why) => Ok(Outcome::Outrun { entry: entry.name(), why }),
    }
}

/// Holds the entry whose turn it is, because trying it again and again leads nowhere. Says which.
pub fn give_up(lease: &Lease<'_>, why: &str) -> Result<Option<Outcome>> {
    let queue = lease.ledger.read::<Queue>()?;
    let Some(entry) = clones::next(lease.repo, &queue, &lease.target)? else { return Ok(None) };
    let held = Held { why: Hold::Infra, said: why.to_owned(), surface: None };
    hold(lease, entry, None, held).map(Some)
}

fn unsound(lease: &Lease<'_>, entry: &Entry, error: &anyhow::Error) -> Result<Outcome> {
    let said = format!("{error:#}");
    hold(lease, entry, None, Held { why: Hold::Infra, said, surface: None })
}

/// Another landing brought these commits along; the target does not move for them.
fn contained(
    lease: &Lease<'_>,
    entry: &Entry,
    (tip, policy): (&Oid, &Policy),
    (queue, author): (&Queue, Author),
) -> Result<Outcome> {
    let lane = queue.lane(&lease.target);
    match foreign::proof(lease, policy, lane, (&entry.commit, tip))? {
        Proof::Stands => {}
        Proof::Fails(error) => {
            let no = examine::rejection(entry, tip, Cause::Oracle, error);
            return reject(lease, entry, None, no);
        }
        Proof::Unknown(said) => {
            return hold(lease, entry, None, Held { why: Hold::Infra, said, surface: None });
        }
    }
    let brought = lane.map(|lane| clones::brought(lease.repo, lane, (&entry.commit, tip)));
    let own = brought.transpose()?.flatten().filter(|tip| entry.evidence(tip).is_some());
    let commit = own.unwrap_or(entry.commit);
    let author_of_record = of_record(&author);
    let landed = Landed {
        submitted: entry.commit,
        commit,
        author: author_of_record,
        vouched: author.vouched,
    };
    let bead = land::say_landed(lease, entry, &landed)?;
    let notes = announce(lease, bead.as_deref());
    Ok(Outcome::Landed { entry: entry.name(), commit, bead, notes })
}

fn of_record(author: &Author) -> String {
    format!("{} <{}>", author.name, author.email)
}

/// A landing may have been the last that a convoy waited for. What goes wrong in saying so is told,
/// and undoes no landing.
fn announce(lease: &Lease<'_>, bead: Option<&str>) -> Vec<String> {
    if bead.is_none() {
        return Vec::new();
    }
    let person = policy::person(lease.repo.env());
    let said = person.and_then(|p| convoy::announce(lease.repo, lease.ledger, &lease.actor, &p));
    match said {
        Ok(through) => through.into_iter().filter_map(|through| through.trouble).collect(),
        Err(error) => vec![format!("the convoy could not be announced: {error:#}")],
    }
}

fn red(
    lease: &Lease<'_>,
    entry: &Entry,
    tip: &Oid,
    (failed, limit): (&Failed, Duration),
) -> Result<Box<Rejection>> {
    let ran = &failed.ran;
    let failures = report::failures(&failed.output);
    let said = report::headline(&failed.output, &failures);
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    let what = match ran.verdict {
        Verdict::Timeout => format!("did not end within {} s", limit.as_secs_f64()),
        Verdict::Signal => format!("crashed (signal {})", ran.signal.unwrap_or_default()),
        Verdict::Dirty => "changed tracked files".to_owned(),
        _ => format!("failed (exit {})", ran.exit.unwrap_or_default()),
    };
    let error = format!("{} {what}{said}", ran.gate);
    let mut no = examine::rejection(entry, tip, Cause::Gate, error);
    let own = lease.repo.own_dir()?;
    no.gate = Some(Gate {
        name: ran.gate.clone(),
        command: ran.command.clone(),
        verdict: ran.verdict,
        exit: ran.exit,
        signal: ran.signal,
        output: failed.kept.strip_prefix(&own).unwrap_or(&failed.kept).display().to_string(),
    });
    no.failures = failures;
    no.tail = report::tail(&failed.output);
    no.repeat = vec![
        format!("git worktree add --detach ../again {}", tip.short()),
        format!("git -C ../again merge --no-edit {}", entry.commit.short()),
        format!("(cd ../again && {})", ran.command),
    ];
    Ok(no)
}

/// Takes an entry out of the line for good.
fn reject(
    lease: &Lease<'_>,
    entry: &Entry,
    tested: Option<&Tested>,
    rejection: Box<Rejection>,
) -> Result<Outcome> {
    conclude(lease, entry, tested, &Event::Rejected(rejection.clone()))?;
    Ok(Outcome::Rejected { entry: entry.name(), rejection })
}

fn hold(lease: &Lease<'_>, entry: &Entry, tested: Option<&Tested>, held: Held) -> Result<Outcome> {
    conclude(lease, entry, tested, &Event::Held(held.clone()))?;
    Ok(Outcome::Held { entry: entry.name(), held })
}

fn conclude(
    lease: &Lease<'_>,
    entry: &Entry,
    tested: Option<&Tested>,
    event: &Event,
) -> Result<()> {
    lease.ledger.write::<Queue, _>(&lease.actor, |queue, pen| {
        let waits = queue.again(entry).filter(|entry| entry.state == entry::State::Waiting);
        let Some(entry) = waits else { return Ok(()) };
        if let Some(tested) = tested {
            pen.line(&entry.name(), &Event::Tested(tested.clone()))?;
        }
        pen.line(&entry.name(), event)
    })
}
