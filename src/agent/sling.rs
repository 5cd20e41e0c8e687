//! May this bead go on that hook? Then the words for it, for one write: hook and claim together,
//! before anything starts. Pure.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::agent::event::Hooked;
use crate::agent::name::Name;
use crate::agent::roster::{Roster, Session};
use crate::bead::change;
use crate::bead::event::{Event as BeadEvent, Status};
use crate::bead::graph::Blocked;
use crate::bead::{Bead, Beads, Claim};
use crate::refusal::Refusal;

/// What is known when it is decided.
pub(crate) struct Floor<'a> {
    pub(crate) beads: &'a Beads,
    pub(crate) roster: &'a Roster,
    /// The queue entry that carries the bead's change already, such as `main#42`.
    pub(crate) submitted: Option<&'a str>,
    /// Whether a session that has no end yet is being looked after by anybody.
    pub(crate) alive: &'a dyn Fn(&Session) -> bool,
}

/// Who is to get the bead.
pub(crate) struct Wanted<'a> {
    /// The agent that was named, if one was.
    pub(crate) agent: Option<&'a Name>,
    /// The agent of the configuration that works when none is named.
    pub(crate) usual: &'a Name,
    /// The session that will run.
    pub(crate) session: &'a str,
}

#[derive(Debug)]
pub(crate) enum Decision {
    /// It hangs there already, and the session lives: nothing to do.
    Already {
        session: String,
    },
    Sling {
        agent: Name,
        epoch: u64,
        claim: Vec<BeadEvent>,
    },
}

/// Decides. A refusal names the holder, the blocker, or the entry in the queue.
pub(crate) fn decide(floor: &Floor<'_>, bead: &Bead, wanted: &Wanted<'_>) -> Result<Decision> {
    let short = floor.beads.short(&bead.id);
    if let Some(claim) = &bead.claim
        && let Some(session) = live(floor, claim)
    {
        if wanted.agent.is_none_or(|agent| agent.as_str() == session.agent) {
            return Ok(Decision::Already { session: session.id.clone() });
        }
        return Err(Refusal::refused(format!(
            "{short} is held by {} (session {})",
            session.agent, session.id
        ))
        .hint(format!("`git sling stop {}` ends that session", session.agent))
        .into());
    }
    if let Some(entry) = floor.submitted {
        return Err(Refusal::refused(format!("{short} is in the queue already, as {entry}"))
            .hint(format!("`git refinery wait {}` stays until its verdict", number(entry)))
            .into());
    }
    let blocked = Blocked::of(floor.beads);
    if let Some(blocker) = blocked.by(&bead.id).first().filter(|_| bead.status != Status::CLOSED) {
        let title = floor.beads.get(blocker).map_or("", |bead| bead.title.as_str());
        return Err(Refusal::refused(format!(
            "{short} waits for {} {title}",
            floor.beads.short(blocker)
        ))
        .hint("`git bead ready` lists what can start now")
        .into());
    }
    let agent = choose(floor, wanted)?;
    let (mut claim, bead) = freed(bead, floor.roster);
    let claimed = change::claim(floor.beads, &bead, agent.as_str(), Some(wanted.session))?;
    let epoch = bead.epoch + 1;
    claim.extend(claimed);
    Ok(Decision::Sling { agent, epoch, claim })
}

/// The session behind a claim, if it has no end and somebody looks after it.
fn live<'a>(floor: &Floor<'a>, claim: &Claim) -> Option<&'a Session> {
    let session = floor.roster.session(claim.session.as_deref()?)?;
    (session.ended.is_none() && (floor.alive)(session)).then_some(session)
}

/// A claim whose session is over does not hold the bead up; the next one has a higher epoch.
fn freed(bead: &Bead, roster: &Roster) -> (Vec<BeadEvent>, Bead) {
    let ours =
        |claim: &&Claim| claim.session.as_deref().is_some_and(|id| roster.session(id).is_some());
    let mut bead = bead.clone();
    let Some(claim) = bead.claim.as_ref().filter(ours) else { return (Vec::new(), bead) };
    let released = BeadEvent::Released {
        epoch: claim.epoch,
        reason: format!("the session of {} is over; slung again", claim.holder),
    };
    bead.claim = None;
    bead.assignee = None;
    bead.status = Status::OPEN;
    (vec![released], bead)
}

fn choose(floor: &Floor<'_>, wanted: &Wanted<'_>) -> Result<Name> {
    let busy: BTreeSet<&str> = floor.roster.busy();
    let Some(agent) = wanted.agent else { return Ok(wanted.usual.next_free(&busy)) };
    let Some(hook) = floor.roster.hook(agent.as_str()) else { return Ok(agent.clone()) };
    let bead = floor.beads.get(&hook.bead);
    let title = bead.map_or("", |bead| bead.title.as_str());
    Err(Refusal::refused(format!("{agent} is busy with {} {title}", floor.beads.short(&hook.bead)))
        .hint(format!("leave the name out, or sling to {}", agent.next_free(&busy)))
        .into())
}

/// The line that hangs it there; everything but who and when is the caller's.
pub(crate) fn hooked(bead: &Bead, agent: &Name, epoch: u64, rest: Hooked) -> Hooked {
    Hooked { agent: agent.to_string(), bead: bead.id.clone(), epoch, ..rest }
}

fn number(entry: &str) -> &str {
    entry.rsplit_once('#').map_or(entry, |(_, number)| number)
}
