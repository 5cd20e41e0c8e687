//! Who may take a bead, and who holds it? Pure: state in, event or refusal out.

use anyhow::Result;

use crate::bead::event::{Event, Status};
use crate::bead::{Bead, Beads};
use crate::ledger::Actor;
use crate::refusal::Refusal;

/// Takes the bead for `holder`. Exactly one of many racing claimants gets it, also when all have
/// one name: only a session that holds the bead already may claim it twice.
///
/// `Ok(None)` means that this very session holds it.
pub fn claim(
    beads: &Beads,
    bead: &Bead,
    holder: &str,
    session: Option<&str>,
) -> Result<Option<Event>> {
    let short = beads.short(&bead.id);
    if bead.status == Status::CLOSED {
        return Err(Refusal::refused(format!("{short} is closed"))
            .hint(format!("`git bead reopen {short}` opens it again"))
            .into());
    }
    if bead.status == Status::TOMBSTONE {
        return Err(deleted(short).into());
    }
    if let Some(claim) = &bead.claim {
        if session.is_some() && claim.session.as_deref() == session {
            return Ok(None);
        }
        return Err(Refusal::refused(format!(
            "{short} is held by {} since {} (epoch {})",
            claim.holder, claim.at, claim.epoch
        ))
        .hint("`git bead ready --claim` takes the next one")
        .hint(format!(
            "`git bead update {short} --claim --take-over` takes it once its lease is over"
        ))
        .into());
    }
    if let Some(assignee) = bead.assignee.as_deref().filter(|assignee| *assignee != holder) {
        return Err(Refusal::refused(format!("{short} is assigned to {assignee}"))
            .hint(format!("`git bead update {short} --assignee ''` makes it free for everybody"))
            .into());
    }
    if bead.status != Status::OPEN && bead.status != Status::IN_PROGRESS {
        return Err(Refusal::refused(format!(
            "{short} is {}, which nobody can claim",
            bead.status
        ))
        .hint(format!("`git bead update {short} --status open` opens it"))
        .into());
    }
    Ok(Some(Event::Claimed {
        epoch: bead.epoch + 1,
        holder: holder.to_owned(),
        session: session.map(str::to_owned),
    }))
}

/// Nothing is done to what is deleted.
pub(super) fn deleted(short: &str) -> Refusal {
    Refusal::refused(format!("{short} is deleted"))
        .hint(format!("`git bead reopen {short}` brings it back"))
}

/// Ends the claim that stands, so that somebody else can take the bead.
pub fn release(bead: &Bead, reason: &str) -> Option<Event> {
    let claim = bead.claim.as_ref()?;
    Some(Event::Released {
        epoch: claim.epoch,
        reason: reason.to_owned(),
        claim: Some(claim.id.clone()),
    })
}

/// Whether `actor` holds the claim that stands: name, session and, where it presents one, epoch; and not
/// where a claim of that name came second.
/// `Err` says who does.
pub fn holds(bead: &Bead, actor: &Actor) -> Result<u64, String> {
    let Some(claim) = &bead.claim else { return Err("nobody holds it".to_owned()) };
    if claim.holder != actor.by || claim.session != actor.session {
        return Err(format!("{} holds it (epoch {})", claim.holder, claim.epoch));
    }
    if let Some(whose) = bead.is_of_another(claim, &actor.replicas) {
        return Err(whose);
    }
    match actor.epoch {
        Some(epoch) if epoch != claim.epoch => {
            Err(format!("your claim of epoch {epoch} is stale, epoch {} stands", claim.epoch))
        }
        None if claim.session.is_some() => {
            Err(format!("SHOPFLOOR_EPOCH is not set; the claim has epoch {}", claim.epoch))
        }
        _ => Ok(claim.epoch),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};

    pub(in crate::bead) fn actor(by: &str, session: Option<&str>, agent: bool) -> Actor {
        Actor {
            by: by.to_owned(),
            owner: "jane@example.org".to_owned(),
            session: session.map(str::to_owned),
            model: None,
            agent,
            epoch: session.map(|_| 1),
            replicas: Vec::new(),
        }
    }

    pub(in crate::bead) fn held(holder: &str, session: Option<&str>) -> Beads {
        let mut all = beads(&[("b-1", &[])]);
        let claim = Event::Claimed {
            epoch: 1,
            holder: holder.to_owned(),
            session: session.map(str::to_owned),
        };
        drink(&mut all, "b-1", holder, &claim);
        all
    }

    pub(in crate::bead) fn said<T>(result: Result<T>) -> String {
        result.err().map(|no| no.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_claim_is_exclusive_also_among_claimants_of_one_name() {
        let free = beads(&[("b-1", &[])]);
        assert!(claim(&free, free.get("b-1").unwrap(), "x", None).unwrap().is_some());
        let taken = held("x", Some("s1"));
        let bead = taken.get("b-1").unwrap();
        assert_eq!(claim(&taken, bead, "x", Some("s1")).unwrap(), None, "the holder asks again");
        for (holder, session) in [("x", Some("s2")), ("x", None), ("y", None)] {
            let no = said(claim(&taken, bead, holder, session));
            assert!(no.starts_with("b-1 is held by x since"), "{no}");
        }
        let taken = held("x", None);
        assert!(claim(&taken, taken.get("b-1").unwrap(), "x", None).is_err());
    }
}
