//! May this be made, edited, linked? Then these words. Pure: state in, event or refusal out.

use anyhow::Result;

use crate::bead::event::{Deleted, Edit, Event, Link, New, NewLink, Status};
use crate::bead::fields::{Edge, is_external};
use crate::bead::holding::{deleted, holds, release};
use crate::bead::rings;
use crate::bead::waits::{Edges, Sight};
use crate::bead::{Bead, Beads};
use crate::ledger::{Actor, Row};
use crate::refusal::Refusal;

/// Priorities run from 0, the most urgent, to this.
pub const LAST_PRIORITY: u8 = 4;

/// Checks what a new bead says of itself and of others.
pub fn create(beads: &Beads, mut new: New) -> Result<Event> {
    title(&new.title)?;
    if new.priority > LAST_PRIORITY {
        return Err(
            Refusal::usage(format!("priority {} is not one of 0 to 4", new.priority)).into()
        );
    }
    for NewLink { to, kind } in &mut new.links {
        *kind = link_kind(kind.as_str())?;
        if is_external(to) {
            outward(to, kind)?;
            continue;
        }
        let Some(other) = beads.get(to) else {
            return Err(Refusal::nothing(format!("no bead has the id `{to}`"))
                .hint("`git bead list --all` names all")
                .into());
        };
        if other.status == Status::TOMBSTONE {
            return Err(deleted(beads.short(to)).into());
        }
    }
    if new.links.iter().filter(|link| link.kind == Link::PARENT_CHILD).count() > 1 {
        return Err(Refusal::usage("a bead has one parent at most").into());
    }
    if new.links.iter().any(|link| link.kind.is_parent()) {
        let edges = new.links.iter().map(|link| (link.kind.plain(), link.to.as_str())).collect();
        rings(beads, vec![(NEW, edges)], "it cannot depend on these")?;
    }
    Ok(Event::Created(new))
}

/// What a bead is called that has no id yet.
const NEW: &str = "the new bead";

/// Refuses what would make beads wait for themselves, and shows how.
fn rings<'a>(beads: &'a Beads, told: Vec<(&'a str, Edges<'a>)>, what: &str) -> Result<()> {
    let changed: Vec<_> = told.iter().map(|(id, _)| *id).collect();
    let (now, then) = (Sight::of(beads), Sight::told(beads, told));
    let Some(ring) = rings::closed(&now, &then, &changed) else { return Ok(()) };
    let refusal = Refusal::refused(format!("{what}: that closes a cycle"));
    let told = rings::told(&ring, &|id| beads.short(id).to_owned()).into_iter();
    Err(told.fold(refusal, Refusal::hint).into())
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

/// A kind of link that a person or an agent may make. What says that one comes after the other means that
/// it waits.
pub fn link_kind(text: &str) -> Result<Link> {
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Refusal::usage(format!("{text:?} is no kind of link: one word is"))
            .hint(
                "blocks, parent-child, waits-for, related, discovered-from, or a word of your own",
            )
            .into());
    }
    Ok(match text.replace('_', "-").as_str() {
        "blocked-by" | "depends-on" => Link::BLOCKS,
        _ => Link::new(text),
    })
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
    if bead.status == Status::TOMBSTONE {
        return Err(deleted(beads.short(&bead.id)).into());
    }
    if !actor.agent || bead.claim.is_none() {
        return Ok(());
    }
    holds(bead, actor).map(drop).map_err(|whose| {
        Refusal::refused(format!("{}: {whose}", beads.short(&bead.id)))
            .hint("`git bead comment` says something to whoever holds it")
            .into()
    })
}

/// Says something of a bead that is there.
pub fn comment(beads: &Beads, bead: &Bead, text: &str) -> Result<Event> {
    if bead.status == Status::TOMBSTONE {
        return Err(deleted(beads.short(&bead.id)).into());
    }
    Ok(Event::Commented { text: text.to_owned() })
}

/// Takes a bead out of everybody's way. Nothing is lost: opening it again brings it back.
pub fn delete(beads: &Beads, bead: &Bead, actor: &Actor, reason: &str) -> Result<Event> {
    may_edit(beads, bead, actor)?;
    if let Some(claim) = bead.claim.as_ref().filter(|_| holds(bead, actor).is_err()) {
        let short = beads.short(&bead.id);
        return Err(Refusal::refused(format!("{short} is held by {}", claim.holder))
            .hint(format!("`git bead update {short} --status open` ends that claim"))
            .into());
    }
    Ok(Event::Deleted(Deleted {
        reason: reason.to_owned(),
        epoch: Some(bead.epoch),
        claim: bead.claim.as_ref().map(|claim| claim.id.clone()),
        close: bead.close.as_ref().map(|close| close.line.clone()),
    }))
}

/// Of what is taken out of the way all at once, nothing that is left is a part, but for what goes elsewhere.
pub fn leaves_none(beads: &Beads, ids: &[&str], goes: &dyn Fn(&str) -> bool) -> Result<()> {
    let is_left = |child: &Row<'_, Bead>| {
        let (id, status) = (child.key(), child.face().status);
        status != Status::TOMBSTONE.as_str() && !ids.contains(&id) && !goes(id)
    };
    for id in ids {
        let left: Vec<_> = beads.children(id).filter(is_left).collect();
        if left.is_empty() {
            continue;
        }
        let short = beads.short(id);
        let named = left.iter().take(6).map(|child| beads.short(child.key()));
        let named = named.collect::<Vec<_>>().join(", ");
        let more =
            if left.len() > 6 { format!(" and {} more", left.len() - 6) } else { String::new() };
        return Err(Refusal::refused(format!("{short} has children that stay: {named}{more}"))
            .hint("`git bead update CHILD --parent OTHER` moves one, --parent= takes it out")
            .hint(format!("`git bead delete {short} --force` leaves them without it"))
            .into());
    }
    Ok(())
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

/// Lets `from` depend on `to`. A ring is refused and shown; a link that is there stays one link.
pub fn link(beads: &Beads, from: &Bead, to: &Bead, kind: Link) -> Result<Option<Event>> {
    if let Some(gone) = [from, to].into_iter().find(|bead| bead.status == Status::TOMBSTONE) {
        return Err(deleted(beads.short(&gone.id)).into());
    }
    let known =
        |id: &str| from.dependencies.iter().any(|e| e.depends_on_id == id && e.kind == kind);
    if known(&to.id) {
        return Ok(None);
    }
    if from.id == to.id && !kind.orders() {
        let what = format!("{} cannot be tied to itself", beads.short(&from.id));
        return Err(Refusal::refused(what).hint("name another bead").into());
    }
    if kind.orders() {
        let mut edges = beads.row(&from.id).map(|row| row.face().edges).unwrap_or_default();
        // Under another parent it is no longer below the one it has.
        edges.retain(|edge| !kind.is_parent() || edge.0 != Link::PARENT_CHILD.as_str());
        edges.push((kind.plain(), &to.id));
        let [short, other] = [from, to].map(|bead| beads.short(&bead.id));
        rings(beads, vec![(&from.id, edges)], &format!("{short} cannot depend on {other}"))?;
    }
    if kind.is_parent() && from.dependencies.iter().any(|edge| edge.kind.is_parent()) {
        return Err(Refusal::refused(format!("{} has a parent already", beads.short(&from.id)))
            .hint("`git bead dep remove` the old one first")
            .into());
    }
    Ok(Some(Event::Linked { to: to.id.clone(), kind }))
}

/// Lets `from` depend on what another project is to do.
pub fn link_out(beads: &Beads, from: &Bead, to: &str, kind: Link) -> Result<Option<Event>> {
    if from.status == Status::TOMBSTONE {
        return Err(deleted(beads.short(&from.id)).into());
    }
    outward(to, &kind)?;
    let known = from.dependencies.iter().any(|e| e.depends_on_id == to && e.kind == kind);
    Ok((!known).then(|| Event::Linked { to: to.to_owned(), kind }))
}

/// May that be the end of an edge that leaves this ledger?
fn outward(to: &str, kind: &Link) -> Result<()> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != ',';
    let named = to.split(':').count() > 2 && to.split(':').all(|part| !part.is_empty());
    if !named || !to.chars().all(plain) {
        return Err(Refusal::usage(format!("{to:?} names nothing of another project"))
            .hint("external:PROJECT:WHAT, such as external:api:login")
            .into());
    }
    if *kind == Link::PARENT_CHILD {
        let no = Refusal::usage("what belongs to a bead of another project stands in that project");
        return Err(no.hint(format!("--deps related:{to} says that it has to do with it")).into());
    }
    Ok(())
}

/// Says that another bead stands for this one: one in whose place no other is done.
pub fn replaced(beads: &Beads, bead: &Bead, by: &Bead, kind: Link) -> Result<Option<Event>> {
    if bead.id == by.id {
        let what = format!("{} cannot stand for itself", beads.short(&bead.id));
        return Err(Refusal::usage(what).hint("name another bead").into());
    }
    let event = link(beads, bead, by, kind)?;
    let (short, other) = (beads.short(&bead.id), beads.short(&by.id));
    let replaces = |edge: &&Edge| [Link::DUPLICATES, Link::SUPERSEDES].contains(&edge.kind);
    if by.status == Status::CLOSED
        && let Some(end) = by.dependencies.iter().find(replaces)
    {
        let stands = beads.short(&end.depends_on_id);
        let what = format!("{other} cannot stand for {short}: {stands} stands for {other}");
        return Err(Refusal::refused(what).hint("name the bead that is done").into());
    }
    if event.is_some() && bead.status == Status::CLOSED {
        let no = Refusal::refused(format!("{short} is closed already"));
        return Err(no.hint(format!("`git bead reopen {short}` opens it again")).into());
    }
    Ok(event)
}

/// Puts a bead under another parent, or under none.
pub fn move_to(beads: &Beads, bead: &Bead, parent: Option<&Bead>) -> Result<Vec<Event>> {
    let kind = Link::PARENT_CHILD;
    let is_there = |edge: &&Edge| {
        edge.kind.is_parent() && parent.is_none_or(|parent| edge.depends_on_id != parent.id)
    };
    let unlinked = |edge: &Edge| {
        let (to, kind) = (edge.depends_on_id.clone(), edge.kind.clone());
        Event::Unlinked { to, kind }
    };
    let old = bead.dependencies.iter().filter(is_there);
    let mut events: Vec<_> = old.map(unlinked).collect();
    if let Some(parent) = parent {
        // As it is once that is gone.
        let mut orphan = bead.clone();
        orphan.dependencies.retain(|edge| !is_there(&edge));
        events.extend(link(beads, &orphan, parent, kind)?);
    }
    Ok(events)
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
        return Err(Refusal::nothing(format!("{from} does not depend on {to}"))
            .hint(format!("`git bead dep tree {from}` shows what it depends on"))
            .into());
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;
    use crate::bead::holding::tests::{actor, held};

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
    fn a_kind_of_link_is_one_word_and_what_comes_after_waits() {
        for (said, kind) in [
            ("blocked-by", "blocks"),
            ("depends_on", "blocks"),
            ("waits-for", "waits-for"),
            ("tested_by", "tested_by"),
        ] {
            assert_eq!(link_kind(said).unwrap().as_str(), kind);
        }
        for bad in ["", " ", "bogus kind", "a\nb", "a\u{7}", "blocks "] {
            assert!(link_kind(bad).is_err(), "{bad:?}");
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
        assert!(link(&all, bead("b-1"), bead("b-1"), Link::RELATED).is_err());
        assert!(link(&all, bead("b-1"), bead("b-3"), Link::RELATED).unwrap().is_some());
        assert_eq!(
            link(&all, bead("b-2"), bead("b-1"), Link::BLOCKS).unwrap(),
            None,
            "it is there already"
        );
    }
}
