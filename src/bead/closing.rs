//! May this be closed, and opened again? Pure: state in, event or refusal out.

use anyhow::Result;

use crate::bead::event::{Closed, Event, Landed, Status};
use crate::bead::holding::{deleted, holds};
use crate::bead::waits::{Moment, Sight};
use crate::bead::{Bead, Beads};
use crate::ledger::Actor;
use crate::refusal::{Refusal, word};

/// What stands outside the work graph and still decides whether a bead may be closed by hand.
#[derive(Debug, Default)]
pub struct Elsewhere {
    /// The queue entry that carries the bead's change, such as `main#42`.
    pub submitted: Option<String>,
    /// The hub that has not confirmed the claim yet.
    pub unconfirmed: Option<String>,
    /// The commands that submit what the holder's worktree still holds back.
    pub unsubmitted: Vec<String>,
}

/// Closes by hand. A bead with a change is closed by its landing alone; an agent closes only what
/// it holds; closing for somebody else is the overseer's, and says for whom.
pub fn by_hand(
    beads: &Beads,
    bead: &Bead,
    actor: &Actor,
    closed: Closed,
    elsewhere: &Elsewhere,
) -> Result<Option<Event>> {
    if bead.status == Status::CLOSED {
        return Ok(None);
    }
    let short = beads.short(&bead.id);
    if bead.status == Status::TOMBSTONE {
        return Err(deleted(short).into());
    }
    if let Some(entry) = &elsewhere.submitted {
        return Err(Refusal::refused(format!("{short} closes when {entry} lands"))
            .hint(format!("`git refinery wait {}` stays until then", number(entry)))
            .into());
    }
    if !elsewhere.unsubmitted.is_empty() {
        let no = Refusal::refused(format!("{short} has work that was never submitted"))
            .hint("submit it, and its landing closes the bead:");
        return Err(elsewhere.unsubmitted.iter().fold(no, |no, command| no.hint(command)).into());
    }
    if let Some(hub) = &elsewhere.unconfirmed {
        return Err(Refusal::refused(format!(
            "the claim of {short} is provisional: {hub} has not confirmed it"
        ))
        .hint("git bead sync asks for it")
        .into());
    }
    let parts = Sight::of(beads).before((&bead.id, Moment::Deep));
    if let Some(open) = parts.first().and_then(|(child, _)| beads.get(child)) {
        return Err(Refusal::refused(format!(
            "{short} has an open child: {} {}",
            beads.short(&open.id),
            open.title
        ))
        .hint("an epic closes when its children have")
        .into());
    }
    speaks(short, bead, actor, closed.on_behalf_of.as_ref())?;
    let epoch = Some(bead.epoch);
    let claim = bead.claim.as_ref().map(|claim| claim.id.clone());
    Ok(Some(Event::Closed(Closed { epoch, claim, landed: None, ..closed })))
}

/// An agent speaks for itself, a person for whom they name.
fn speaks(short: &str, bead: &Bead, actor: &Actor, on_behalf_of: Option<&String>) -> Result<()> {
    let holder = holds(bead, actor);
    if actor.agent {
        if on_behalf_of.is_some() {
            return Err(Refusal::refused("closing for somebody else is the overseer's alone")
                .hint("a comment on it tells them: git bead comment ID \"what is done\"")
                .into());
        }
        holder.map_err(|whose| {
            let hint = match &bead.claim {
                Some(_) => "`git bead ready --claim` takes another one".to_owned(),
                None => format!("`git bead update {short} --claim` takes it"),
            };
            Refusal::refused(format!("{short} is not yours to close: {whose}")).hint(hint)
        })?;
    } else if let (Err(whose), Some(claim)) = (holder, &bead.claim)
        && on_behalf_of != Some(&claim.holder)
    {
        return Err(Refusal::refused(format!("{short}: {whose}"))
            .hint(format!(
                "`git bead close {short} --on-behalf-of {}` closes it for the holder, and says so",
                word(&claim.holder)
            ))
            .into());
    }
    Ok(())
}

/// Closes by landing: nobody's decision, the target has the change.
pub fn by_landing(bead: &Bead, landed: Landed) -> Option<Event> {
    if bead.status == Status::CLOSED {
        return None;
    }
    let epoch = bead.claim.as_ref().map(|claim| claim.epoch);
    let claim = bead.claim.as_ref().map(|claim| claim.id.clone());
    let reason = format!("landed as {}", landed.commit.get(..12).unwrap_or(&landed.commit));
    Some(Event::Closed(Closed { reason, epoch, claim, landed: Some(landed), on_behalf_of: None }))
}

/// Opens a closed bead again. An agent takes back only a close of its own.
pub fn reopen(beads: &Beads, bead: &Bead, actor: &Actor, reason: &str) -> Result<Event> {
    let short = beads.short(&bead.id);
    let (ended, by, line) = match &bead.deleted {
        Some(deleted) => ("deleted", Some(&deleted.by), Some(&deleted.line)),
        None => ("closed", bead.closed_by.as_ref(), bead.close.as_ref().map(|close| &close.line)),
    };
    if actor.agent && by != Some(&actor.by) {
        return Err(Refusal::refused(format!("{short} was not {ended} by you"))
            .hint("`git bead comment` says why it should be open")
            .into());
    }
    if [Status::CLOSED, Status::TOMBSTONE].contains(&bead.status) {
        return Ok(Event::Reopened { reason: reason.to_owned(), close: line.cloned() });
    }
    Err(Refusal::refused(format!("{short} is not closed, so it cannot be opened again"))
        .hint(format!("`git bead show {short}` tells how it stands"))
        .into())
}

fn number(entry: &str) -> &str {
    entry.rsplit_once('#').map_or(entry, |(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;
    use crate::bead::event::Link;
    use crate::bead::holding::tests::{actor, held, said};

    #[test]
    fn who_may_close() {
        let none = Elsewhere::default();
        let plain = Closed { reason: "done".to_owned(), ..Closed::default() };
        let behalf = Closed { on_behalf_of: Some("x".to_owned()), ..plain.clone() };
        let free = beads(&[("b-1", &[])]);
        let taken = held("x", Some("s1"));
        let may = |all: &Beads, actor: &Actor, closed: &Closed| {
            by_hand(all, all.get("b-1").unwrap(), actor, closed.clone(), &none).is_ok()
        };
        let jane = actor("jane", None, false);
        assert!(may(&free, &jane, &plain), "a person closes what nobody holds");
        assert!(!may(&taken, &jane, &plain), "not silently what an agent holds");
        assert!(may(&taken, &jane, &behalf));
        assert!(may(&taken, &actor("x", Some("s1"), true), &plain), "the holder");
        assert!(
            !may(&taken, &actor("x", Some("s2"), true), &plain),
            "another session of that name"
        );
        assert!(
            !may(&taken, &actor("y", Some("s3"), true), &behalf),
            "agents close for nobody else"
        );
        assert!(!may(&free, &actor("y", Some("s3"), true), &plain), "nor what they do not hold");
        let nameless = held("x", None);
        assert!(
            !may(&nameless, &actor("x", Some("s1"), true), &plain),
            "a session is its own claimant"
        );
        let wrong = Closed { on_behalf_of: Some("y".to_owned()), ..plain.clone() };
        assert!(!may(&taken, &jane, &wrong), "on behalf of the holder, of nobody else");
        let unnumbered = Actor { epoch: None, ..actor("x", Some("s1"), true) };
        assert!(!may(&taken, &unnumbered, &plain), "without its epoch");
        let stale = Actor { epoch: Some(7), ..actor("x", Some("s1"), true) };
        assert!(!may(&taken, &stale, &plain));
    }

    #[test]
    fn a_submitted_change_closes_by_landing_alone() {
        let taken = held("x", Some("s1"));
        let bead = taken.get("b-1").unwrap();
        let queued = Elsewhere { submitted: Some("main#42".to_owned()), ..Elsewhere::default() };
        let no =
            said(by_hand(&taken, bead, &actor("x", Some("s1"), true), Closed::default(), &queued));
        assert_eq!(no, "b-1 closes when main#42 lands");
        let landed = Landed {
            entry: "main#42".to_owned(),
            submitted: "a".repeat(40),
            commit: "b".repeat(40),
        };
        assert!(matches!(
            by_landing(bead, landed),
            Some(Event::Closed(Closed { epoch: Some(1), landed: Some(_), .. }))
        ));
    }

    #[test]
    fn an_epic_closes_after_its_children() {
        let all = beads(&[("b-1", &[]), ("b-2", &[(Link::PARENT_CHILD, "b-1")])]);
        let jane = actor("jane", None, false);
        let no = said(by_hand(
            &all,
            all.get("b-1").unwrap(),
            &jane,
            Closed::default(),
            &Elsewhere::default(),
        ));
        assert_eq!(no, "b-1 has an open child: b-2 b-2");
    }
}
