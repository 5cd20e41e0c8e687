//! May this be claimed, closed, linked? Then these words. Pure: state in, event or refusal out.

use anyhow::Result;

use crate::bead::beads::{Bead, Beads};
use crate::bead::event::{Closed, Edit, Event, Landed, Link, New, NewLink, Status};
use crate::bead::graph;
use crate::ledger::{Actor, Row};
use crate::refusal::Refusal;

/// Priorities run from 0, the most urgent, to this.
pub const LAST_PRIORITY: u8 = 4;

/// Checks what a new bead says of itself and of others.
pub fn create(beads: &Beads, new: New) -> Result<Event> {
    title(&new.title)?;
    if new.priority > LAST_PRIORITY {
        return Err(
            Refusal::usage(format!("priority {} is not one of 0 to 4", new.priority)).into()
        );
    }
    for NewLink { to, .. } in &new.links {
        if beads.get(to).is_none() {
            return Err(Refusal::nothing(format!("no bead has the id `{to}`"))
                .hint("`git bead list --all` names all")
                .into());
        }
    }
    if new.links.iter().filter(|link| link.kind == Link::PARENT_CHILD).count() > 1 {
        return Err(Refusal::usage("a bead has one parent at most").into());
    }
    Ok(Event::Created(new))
}

/// A title is one line that fits on one.
pub fn title(text: &str) -> Result<()> {
    let said = match text {
        _ if text.trim().is_empty() => "a bead needs a title",
        _ if text.chars().count() > 500 => "a title has at most 500 characters",
        _ if text.contains(char::is_control) => "a title is one line of plain text",
        _ => return Ok(()),
    };
    Err(Refusal::usage(said).hint("the whole story goes into --description").into())
}

/// A status that a person or an agent may set by hand.
pub fn status(text: &str) -> Result<Status> {
    let word = text.trim().to_lowercase();
    if word == "closed" || word == "tombstone" {
        return Err(Refusal::usage("closing needs a reason, and has a verb of its own")
            .hint("git bead close ID --reason '…'")
            .into());
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if !word.starts_with(|c: char| c.is_ascii_lowercase()) || !word.chars().all(plain) {
        return Err(Refusal::usage(format!("{text:?} is no status")).into());
    }
    Ok(Status::new(word))
}

/// May `actor` change what this bead says? While somebody holds it, only the holder does, and the
/// overseer; an agent presents the epoch it was given.
pub fn may_edit(beads: &Beads, bead: &Bead, actor: &Actor) -> Result<()> {
    if !actor.agent || bead.claim.is_none() {
        return Ok(());
    }
    holds(bead, actor).map(drop).map_err(|whose| {
        Refusal::refused(format!("{}: {whose}", beads.short(&bead.id)))
            .hint("`git bead comment` says something to whoever holds it")
            .into()
    })
}

/// What an edit of status or assignee means for the claim that stands: putting the bead back ends
/// it, anything else would leave a bead that looks free and is not.
pub fn put_back(
    beads: &Beads,
    bead: &Bead,
    actor: &Actor,
    edit: &mut Edit,
) -> Result<Option<Event>> {
    if edit.status.as_ref().is_some_and(|s| s.frees()) && actor.agent && holds(bead, actor).is_err()
    {
        let what = format!("{} is not yours to take out of the way", beads.short(&bead.id));
        let hint = format!("git bead comment {} \"why it should be\"", beads.short(&bead.id));
        return Err(Refusal::refused(what).hint(hint).into());
    }
    let Some(claim) = &bead.claim else { return Ok(None) };
    let same = |name: &String| *name == claim.holder;
    let frees = edit.status.as_ref().is_some_and(|status| *status != Status::IN_PROGRESS)
        || edit.assignee.as_ref().is_some_and(String::is_empty);
    if edit.assignee.as_ref().is_some_and(|name| !name.is_empty() && !same(name)) {
        let what = format!("{} is held by {}", beads.short(&bead.id), claim.holder);
        return Err(Refusal::refused(what)
            .hint(format!(
                "`git bead update {} --status open` ends that claim",
                beads.short(&bead.id)
            ))
            .into());
    }
    if !frees {
        return Ok(None);
    }
    edit.assignee = None;
    if edit.status.as_ref() == Some(&Status::OPEN) {
        edit.status = None;
    }
    Ok(release(bead, &format!("put back by {}", actor.by)))
}

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

/// Ends the claim that stands, so that somebody else can take the bead.
pub fn release(bead: &Bead, reason: &str) -> Option<Event> {
    let claim = bead.claim.as_ref()?;
    Some(Event::Released {
        epoch: claim.epoch,
        reason: reason.to_owned(),
        claim: Some(claim.id.clone()),
    })
}

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
pub fn close(
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
    let is_open = |child: &Row<'_, Bead>| child.face().status != Status::CLOSED.as_str();
    if let Some(open) = beads.children(&bead.id).find(is_open).map(|child| child.whole()) {
        return Err(Refusal::refused(format!(
            "{short} has an open child: {} {}",
            beads.short(&open.id),
            open.title
        ))
        .hint("an epic closes when its children have")
        .into());
    }
    let holder = holds(bead, actor);
    if actor.agent {
        if closed.on_behalf_of.is_some() {
            return Err(Refusal::refused("closing for somebody else is the overseer's alone")
                .hint("a comment on it tells them: git bead comment ID \"what is done\"")
                .into());
        }
        holder.map_err(|whose| {
            Refusal::refused(format!("{short} is not yours to close: {whose}"))
                .hint(format!("`git bead update {short} --claim` takes it, if nobody holds it"))
        })?;
    } else if let (Err(whose), Some(claim)) = (holder, &bead.claim)
        && closed.on_behalf_of.as_ref() != Some(&claim.holder)
    {
        return Err(Refusal::refused(format!("{short}: {whose}"))
            .hint(format!(
                "`--on-behalf-of {}` closes it for the holder, and says so",
                claim.holder
            ))
            .into());
    }
    let epoch = Some(bead.epoch);
    let claim = bead.claim.as_ref().map(|claim| claim.id.clone());
    Ok(Some(Event::Closed(Closed { epoch, claim, landed: None, ..closed })))
}

/// Closes by landing: nobody's decision, the target has the change.
pub fn close_landed(bead: &Bead, landed: Landed) -> Option<Event> {
    if bead.status == Status::CLOSED {
        return None;
    }
    let epoch = bead.claim.as_ref().map(|claim| claim.epoch);
    let claim = bead.claim.as_ref().map(|claim| claim.id.clone());
    let reason = format!("landed as {}", landed.commit.get(..12).unwrap_or(&landed.commit));
    Some(Event::Closed(Closed { reason, epoch, claim, landed: Some(landed), on_behalf_of: None }))
}

/// Whether `actor` holds the claim that stands: name, session and, where it presents one, epoch.
/// `Err` says who does.
pub fn holds(bead: &Bead, actor: &Actor) -> Result<u64, String> {
    let Some(claim) = &bead.claim else { return Err("nobody holds it".to_owned()) };
    if claim.holder != actor.by || claim.session != actor.session {
        return Err(format!("{} holds it (epoch {})", claim.holder, claim.epoch));
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

/// Opens a closed bead again. An agent takes back only a close of its own.
pub fn reopen(beads: &Beads, bead: &Bead, actor: &Actor, reason: &str) -> Result<Event> {
    if actor.agent && bead.closed_by.as_ref() != Some(&actor.by) {
        let what = format!("{} was not closed by you", beads.short(&bead.id));
        return Err(Refusal::refused(what)
            .hint("`git bead comment` says why it should be open")
            .into());
    }
    if bead.status == Status::CLOSED {
        let close = bead.close.as_ref().map(|close| close.line.clone());
        return Ok(Event::Reopened { reason: reason.to_owned(), close });
    }
    Err(Refusal::refused(format!("{} is not closed", beads.short(&bead.id))).into())
}

/// Lets `from` depend on `to`. A ring is refused and shown; a link that is there stays one link.
pub fn link(beads: &Beads, from: &Bead, to: &Bead, kind: Link) -> Result<Option<Event>> {
    let known =
        |id: &str| from.dependencies.iter().any(|e| e.depends_on_id == id && e.kind == kind);
    if known(&to.id) {
        return Ok(None);
    }
    if kind.orders()
        && let Some(ring) = graph::ring(beads, &from.id, &to.id)
    {
        let shown: Vec<_> = ring.iter().map(|id| beads.short(id)).collect();
        return Err(Refusal::refused(format!(
            "{} cannot depend on {}: that closes a cycle",
            beads.short(&from.id),
            beads.short(&to.id)
        ))
        .hint(shown.join(" -> "))
        .into());
    }
    if kind == Link::PARENT_CHILD && beads.parent(from).is_some() {
        return Err(Refusal::refused(format!("{} has a parent already", beads.short(&from.id)))
            .hint("`git bead dep remove` the old one first")
            .into());
    }
    Ok(Some(Event::Linked { to: to.id.clone(), kind }))
}

/// Ends a link, which must be there.
pub fn unlink(beads: &Beads, from: &Bead, to: &str) -> Result<Vec<Event>> {
    let events: Vec<_> = from
        .dependencies
        .iter()
        .filter(|edge| edge.depends_on_id == to)
        .map(|edge| Event::Unlinked { to: to.to_owned(), kind: edge.kind.clone() })
        .collect();
    if events.is_empty() {
        let (from, to) = (beads.short(&from.id), beads.short(to));
        return Err(Refusal::nothing(format!("{from} does not depend on {to}")).into());
    }
    Ok(events)
}

fn number(entry: &str) -> &str {
    entry.rsplit_once('#').map_or(entry, |(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};

    fn actor(by: &str, session: Option<&str>, agent: bool) -> Actor {
        Actor {
            by: by.to_owned(),
            owner: "jane@example.org".to_owned(),
            session: session.map(str::to_owned),
            model: None,
            agent,
            epoch: session.map(|_| 1),
        }
    }

    fn held(holder: &str, session: Option<&str>) -> Beads {
        let mut all = beads(&[("b-1", &[])]);
        let claim = Event::Claimed {
            epoch: 1,
            holder: holder.to_owned(),
            session: session.map(str::to_owned),
        };
        drink(&mut all, "b-1", holder, &claim);
        all
    }

    fn said<T>(result: Result<T>) -> String {
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

    #[test]
    fn who_may_close() {
        let none = Elsewhere::default();
        let plain = Closed { reason: "done".to_owned(), ..Closed::default() };
        let behalf = Closed { on_behalf_of: Some("x".to_owned()), ..plain.clone() };
        let free = beads(&[("b-1", &[])]);
        let taken = held("x", Some("s1"));
        let may = |all: &Beads, actor: &Actor, closed: &Closed| {
            close(all, all.get("b-1").unwrap(), actor, closed.clone(), &none).is_ok()
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
            said(close(&taken, bead, &actor("x", Some("s1"), true), Closed::default(), &queued));
        assert_eq!(no, "b-1 closes when main#42 lands");
        let landed = Landed {
            entry: "main#42".to_owned(),
            submitted: "a".repeat(40),
            commit: "b".repeat(40),
        };
        assert!(matches!(
            close_landed(bead, landed),
            Some(Event::Closed(Closed { epoch: Some(1), landed: Some(_), .. }))
        ));
    }

    #[test]
    fn while_a_bead_is_held_only_its_holder_and_the_overseer_change_it() {
        let taken = held("x", Some("s1"));
        let bead = taken.get("b-1").unwrap();
        let (jane, other) = (actor("jane", None, false), actor("y", Some("s2"), true));
        let holder = actor("x", Some("s1"), true);
        assert!(may_edit(&taken, bead, &jane).is_ok() && may_edit(&taken, bead, &holder).is_ok());
        assert!(may_edit(&taken, bead, &other).is_err());
        let stale = Actor { epoch: Some(7), ..holder };
        assert!(may_edit(&taken, bead, &stale).is_err());
        let mut open = Edit { status: Some(Status::OPEN), ..Edit::default() };
        let put = put_back(&taken, bead, &jane, &mut open).unwrap();
        assert!(matches!(put, Some(Event::Released { epoch: 1, .. })) && open.is_empty());
        let mut given = Edit { assignee: Some("y".to_owned()), ..Edit::default() };
        assert!(put_back(&taken, bead, &jane, &mut given).is_err());
        let free = beads(&[("b-1", &[])]);
        let mut pinned = Edit { status: Some(Status::PINNED), ..Edit::default() };
        assert!(put_back(&free, free.get("b-1").unwrap(), &other, &mut pinned).is_err());
    }

    #[test]
    fn a_status_is_one_plain_word_and_never_closed() {
        for good in ["open", "in_progress", " Deferred ", "in-review"] {
            assert_eq!(status(good).unwrap().as_str(), good.trim().to_lowercase());
        }
        for bad in ["closed", "Closed ", "", " ", "a b", "1st", "tombstone", "é"] {
            assert!(status(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cycle_is_refused_and_shown() {
        let all = beads(&[
            ("b-1", &[]),
            ("b-2", &[(Link::BLOCKS, "b-1")]),
            ("b-3", &[(Link::BLOCKS, "b-2")]),
        ]);
        let bead = |id: &str| all.get(id).unwrap();
        let no = link(&all, bead("b-1"), bead("b-3"), Link::BLOCKS).unwrap_err();
        let no = no.downcast_ref::<Refusal>().unwrap();
        assert_eq!(no.hints, ["b-1 -> b-3 -> b-2 -> b-1"]);
        assert!(link(&all, bead("b-1"), bead("b-1"), Link::BLOCKS).is_err());
        assert!(link(&all, bead("b-1"), bead("b-3"), Link::RELATED).unwrap().is_some());
        assert_eq!(
            link(&all, bead("b-2"), bead("b-1"), Link::BLOCKS).unwrap(),
            None,
            "it is there already"
        );
    }

    #[test]
    fn an_epic_closes_after_its_children() {
        let all = beads(&[("b-1", &[]), ("b-2", &[(Link::PARENT_CHILD, "b-1")])]);
        let jane = actor("jane", None, false);
        let no = said(close(
            &all,
            all.get("b-1").unwrap(),
            &jane,
            Closed::default(),
            &Elsewhere::default(),
        ));
        assert_eq!(no, "b-1 has an open child: b-2 b-2");
    }
}
