//! What is written when a session is over, whoever finds that out. Deciding again on a newer state
//! writes only what is still missing, so any number of finders is one. Pure.

use crate::agent::event::{Ended, Event, Rescued, Unhooked};
use crate::agent::roster::{Roster, Session};
use crate::bead::event::{Event as BeadEvent, Status};
use crate::bead::holding;
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
    Agent { on: String, event: Box<Event> },
    Bead { on: String, event: Box<BeadEvent> },
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
        words.push(Word::Agent { on: on(), event: Box::new(Event::Rescued(rescued.clone())) });
    }
    if session.ended.is_none() {
        words.push(Word::Agent { on: on(), event: Box::new(Event::Ended(end.ended.clone())) });
    }
    if roster.hook(&session.agent).is_some_and(|hook| hook.session == session.id) {
        let unhooked = Unhooked { agent: session.agent.clone(), bead: session.bead.clone() };
        words.push(Word::Agent { on: on(), event: Box::new(Event::Unhooked(unhooked)) });
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
    let held = beads.held().filter(|bead| !submitted(&bead.id));
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
    Some(Word::Bead { on: bead.id.clone(), event: Box::new(holding::release(bead, &reason)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::event::Outcome;
    use crate::agent::roster::tests::{ended, hooked, line, roster, unhooked};
    use crate::bead::event::New;
    use crate::ledger::Fold as _;

    fn beads() -> Beads {
        let mut beads = Beads::default();
        let claimed = BeadEvent::Claimed {
            epoch: 4,
            holder: "toast".to_owned(),
            session: Some("s-1".to_owned()),
        };
        beads.drink(&line("b-1", &BeadEvent::Created(New::default())));
        beads.drink(&line("b-1", &claimed));
        beads
    }

    fn kinds(words: &[Word]) -> Vec<&'static str> {
        let kind = |word: &Word| match word {
            Word::Agent { event, .. } => match **event {
                Event::Rescued(_) => "rescued",
                Event::Ended(_) => "ended",
                Event::Unhooked(_) => "unhooked",
                _ => "other",
            },
            Word::Bead { event, .. } => match **event {
                BeadEvent::Released { epoch: 4, .. } => "released",
                _ => "other",
            },
        };
        words.iter().map(kind).collect()
    }

    #[test]
    fn only_what_is_missing_is_written() {
        let (agent, bead, none) = ("toast".to_owned(), "b-1".to_owned(), None);
        let rescued = Rescued {
            agent: agent.clone(),
            bead: bead.clone(),
            name: "r".into(),
            commit: "c".into(),
        };
        let gone = Ended {
            agent,
            bead,
            outcome: Outcome::Lost,
            exit: none,
            limit: None,
            error: None,
            asked: None,
        };
        let over = End { session: "s-1".to_owned(), ended: gone, rescued: Some(rescued) };
        let start = vec![hooked("s-1", "toast", "b-1")];
        let queued = |_: &str| true;
        let free = |_: &str| false;
        let words = |told: &[_], submitted: &dyn Fn(&str) -> bool| {
            kinds(&end(&beads(), &roster(told), &over, submitted)).join(" ")
        };
        assert_eq!(words(&start, &free), "rescued ended unhooked released");
        assert_eq!(words(&start, &queued), "rescued ended unhooked");
        assert_eq!(words(&[], &free), "");
        let told =
            [start[0].clone(), ended("s-1", "toast", "b-1"), unhooked("s-1", "toast", "b-1")];
        assert_eq!(words(&told, &queued), "rescued");
    }

    #[test]
    fn a_claim_of_a_session_that_is_over_is_left_behind() {
        let told = [hooked("s-1", "toast", "b-1")];
        let behind =
            |told: &[_], queued: bool| left_behind(&beads(), &roster(told), &|_| queued).len();
        assert_eq!(behind(&told, false), 0);
        let told = [told[0].clone(), ended("s-1", "toast", "b-1")];
        assert_eq!(behind(&told, false), 1);
        assert_eq!(behind(&told, true), 0);
    }
}
