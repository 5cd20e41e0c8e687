//! May this bead go on that hook? Then the words for it, for one write: hook and claim together,
//! before anything starts. Pure.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::agent::name::Name;
use crate::agent::roster::{Roster, Session};
use crate::bead::event::{Event as BeadEvent, Status};
use crate::bead::graph::blockers;
use crate::bead::overlap::Owners;
use crate::bead::{Bead, Beads, Claim, holding};
use crate::policy::Overlapping;
use crate::refusal::Refusal;

/// What is known when it is decided.
pub(crate) struct Floor<'a> {
    pub(crate) beads: &'a Beads,
    pub(crate) roster: &'a Roster,
    /// The queue entry that carries the bead's change already, such as `main#42`.
    pub(crate) submitted: Option<&'a str>,
    /// Whether a session that has no end yet is being looked after by anybody.
    pub(crate) alive: &'a dyn Fn(&Session) -> bool,
    pub(crate) overlapping: Overlapping,
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
    Already { session: String },
    Sling {
        agent: Name,
        epoch: u64,
        claim: Vec<BeadEvent>,
        /// Whose files it shares, for whoever slings it to know.
        shared: Vec<String>,
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
    if let Some(blocker) = blockers(floor.beads, &bead.id).first() {
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
    let claimed = holding::claim(floor.beads, &bead, agent.as_str(), Some(wanted.session))?;
    let epoch = bead.epoch + 1;
    claim.extend(claimed);
    let its = (&*bead.id, &*bead.files());
    let who = (agent.as_str(), Some(wanted.session));
    let shared = Owners::beside(floor.beads, who).decide(its, &|| Ok(floor.overlapping))?;
    Ok(Decision::Sling { agent, epoch, claim, shared })
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
    let reason = format!("the session of {} is over; slung again", claim.holder);
    let released = holding::release(&bead, &reason);
    bead.claim = None;
    bead.assignee = None;
    bead.status = Status::OPEN;
    (released.into_iter().collect(), bead)
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

fn number(entry: &str) -> &str {
    entry.rsplit_once('#').map_or(entry, |(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::roster::tests::{ended, hooked, roster, unhooked};
    use crate::bead::event::Link;
    use crate::bead::fields::Edge;
    use crate::ledger::{Fold as _, Line};

    fn beads(ids: &[&str]) -> Beads {
        let mut beads = Beads::default();
        for id in ids {
            let event = BeadEvent::Created(crate::bead::event::New {
                title: format!("the {id}"),
                ..Default::default()
            });
            beads.drink(&crate::agent::roster::tests::line(id, &event));
        }
        beads
    }

    fn claimed(holder: &str, session: Option<&str>) -> Bead {
        let claim = Claim {
            id: "line".to_owned(),
            holder: holder.to_owned(),
            session: session.map(str::to_owned),
            epoch: 4,
            ..Claim::default()
        };
        Bead {
            id: "api-1aaa".to_owned(),
            status: Status::IN_PROGRESS,
            assignee: Some(holder.to_owned()),
            epoch: 4,
            claim: Some(claim),
            ..Bead::default()
        }
    }

    fn ask(
        bead: &Bead,
        lines: &[Line],
        agent: Option<&str>,
        alive: bool,
        submitted: Option<&str>,
    ) -> Result<Decision> {
        let (beads, roster) = (beads(&["api-1aaa", "api-2bbb"]), roster(lines));
        let usual: Name = agent.unwrap_or("toast").parse()?;
        let overlapping = Overlapping::Refuse;
        let floor =
            Floor { beads: &beads, roster: &roster, submitted, alive: &|_| alive, overlapping };
        let named = agent.map(|_| &usual);
        decide(&floor, bead, &Wanted { agent: named, usual: &usual, session: "s-new" })
    }

    fn no(decision: Result<Decision>) -> String {
        decision.unwrap_err().to_string()
    }

    #[test]
    fn a_free_bead_goes_to_the_named_agent_or_the_next_free_one() {
        let bead = Bead { id: "api-1aaa".to_owned(), ..Bead::default() };
        let Decision::Sling { agent, epoch, claim, .. } =
            ask(&bead, &[], None, false, None).unwrap()
        else {
            panic!("not slung");
        };
        assert_eq!((agent.as_str(), epoch, claim.len()), ("toast", 1, 1));
        let busy = [hooked("s-1", "toast", "api-2bbb")];
        let Decision::Sling { agent, .. } = ask(&bead, &busy, None, true, None).unwrap() else {
            panic!("not slung");
        };
        assert_eq!(agent.as_str(), "toast-2");
        assert_eq!(
            no(ask(&bead, &busy, Some("toast"), true, None)),
            "toast is busy with api-2bbb the api-2bbb"
        );
    }

    #[test]
    fn a_live_session_keeps_its_bead() {
        let (bead, lines) = (claimed("toast", Some("s-1")), [hooked("s-1", "toast", "api-1aaa")]);
        for agent in [None, Some("toast")] {
            let Decision::Already { session } = ask(&bead, &lines, agent, true, None).unwrap()
            else {
                panic!("slung twice");
            };
            assert_eq!(session, "s-1");
        }
        assert_eq!(
            no(ask(&bead, &lines, Some("rye"), true, None)),
            "api-1aaa is held by toast (session s-1)"
        );
    }

    #[test]
    fn a_dead_holder_gives_way_to_a_higher_epoch() {
        let bead = claimed("toast", Some("s-1"));
        let lines = [
            hooked("s-1", "toast", "api-1aaa"),
            ended("s-1", "toast", "api-1aaa"),
            unhooked("s-1", "toast", "api-1aaa"),
        ];
        let Decision::Sling { epoch, claim, .. } =
            ask(&bead, &lines, Some("rye"), false, None).unwrap()
        else {
            panic!("not slung");
        };
        assert_eq!(epoch, 5);
        assert!(matches!(claim[0], BeadEvent::Released { epoch: 4, .. }), "{claim:?}");
        assert!(matches!(claim[1], BeadEvent::Claimed { epoch: 5, .. }), "{claim:?}");
        assert_eq!(
            no(ask(&bead, &lines, None, false, Some("main#7"))),
            "api-1aaa is in the queue already, as main#7"
        );
    }

    #[test]
    fn what_a_person_holds_what_is_closed_and_what_waits_is_refused() {
        let held = no(ask(&claimed("Jane", None), &[], None, true, None));
        assert!(held.starts_with("api-1aaa is held by Jane"), "{held}");
        let closed = Bead { id: "api-1aaa".to_owned(), status: Status::CLOSED, ..Bead::default() };
        assert_eq!(no(ask(&closed, &[], None, true, None)), "api-1aaa is closed");
        let mut all = beads(&["api-1aaa", "api-2bbb"]);
        let edge = BeadEvent::Linked { to: "api-2bbb".to_owned(), kind: Link::BLOCKS };
        all.drink(&crate::agent::roster::tests::line("api-1aaa", &edge));
        let bead = all.get("api-1aaa").unwrap();
        let waits: &[Edge] = &bead.dependencies;
        assert_eq!(waits.len(), 1);
        let roster = Roster::default();
        let (submitted, overlapping) = (None, Overlapping::Warn);
        let floor =
            Floor { beads: &all, roster: &roster, submitted, alive: &|_| true, overlapping };
        let usual: Name = "toast".parse().unwrap();
        let wanted = Wanted { agent: None, usual: &usual, session: "s-new" };
        assert_eq!(no(decide(&floor, bead, &wanted)), "api-1aaa waits for api-2bbb the api-2bbb");
    }
}
