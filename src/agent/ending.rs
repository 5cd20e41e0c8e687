//! What is written when a session is over, whoever finds that out. Deciding again on a newer state
//! writes only what is still missing, so any number of finders is one. Pure.

use crate::agent::event::{Ended, Event, Rescued, Unhooked};
use crate::agent::roster::{Roster, Session};
use crate::bead::event::{Event as BeadEvent, Status};
use crate::bead::{Bead, Beads};

/// How a session ended, as seen by its runner or by whoever found it orphaned.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) session: String,
    pub(crate) ended: Ended,
    pub(crate) rescued: Option<Rescued>,
}

/// A line of one of the two rooms that take part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Agent { on: String, event: Event },
    Bead { on: String, event: BeadEvent },
}

/// The end of one session. `submitted` says whether a bead's change is in the queue: such a bead
/// stays with its holder until the verdict.
pub(crate) fn end(
    beads: &Beads,
    roster: &Roster,
    end: &End,
    submitted: &dyn Fn(&str) -> bool,
) -> Vec<Word> {
    let Some(session) = roster.session(&end.session) else { return Vec::new() };
    let on = || session.id.clone();
    let mut words = Vec::new();
    if let Some(rescued) = end.rescued.as_ref().filter(|rescued| !session.rescued.contains(rescued))
    {
        words.push(Word::Agent { on: on(), event: Event::Rescued(rescued.clone()) });
    }
    if session.ended.is_none() {
        words.push(Word::Agent { on: on(), event: Event::Ended(end.ended.clone()) });
    }
    if roster.hook(&session.agent).is_some_and(|hook| hook.session == session.id) {
        let unhooked = Unhooked { agent: session.agent.clone(), bead: session.bead.clone() };
        words.push(Word::Agent { on: on(), event: Event::Unhooked(unhooked) });
    }
    if let Some(bead) = beads.get(&session.bead).filter(|bead| !submitted(&bead.id)) {
        words.extend(release(bead, session));
    }
    words
}

/// Beads that a session which has ended still holds, though nothing of them is in the queue: their
/// submission was rejected when nobody was there any more to rework it.
pub(crate) fn left_behind(
    beads: &Beads,
    roster: &Roster,
    submitted: &dyn Fn(&str) -> bool,
) -> Vec<Word> {
    let held = beads.iter().filter(|bead| bead.claim.is_some() && !submitted(&bead.id));
    let over = held.filter_map(|bead| {
        let id = bead.claim.as_ref()?.session.as_deref()?;
        roster.session(id).filter(|session| session.ended.is_some()).map(|session| (bead, session))
    });
    over.filter_map(|(bead, session)| release(bead, session)).collect()
}

fn release(bead: &Bead, session: &Session) -> Option<Word> {
    let claim = bead.claim.as_ref()?;
    if claim.session.as_deref() != Some(&session.id) || bead.status == Status::CLOSED {
        return None;
    }
    let reason =
        format!("session {} of {} is over and nothing of it is queued", session.id, session.agent);
    Some(Word::Bead {
        on: bead.id.clone(),
        event: BeadEvent::Released { epoch: claim.epoch, reason },
    })
}
