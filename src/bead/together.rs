//! Rings that changes would close together, each of which closes none, and those that what was over closes
//! when it comes back. Pure.

use std::collections::HashSet;

use anyhow::Result;
use indexmap::IndexMap;

use crate::bead::Beads;
use crate::bead::event::{Event, PARENT};
use crate::bead::face::is_live;
use crate::bead::rings::{self, Ring};
use crate::bead::waits::{Edges, Sight};
use crate::refusal::Refusal;

type Change<'a> = (&'a str, &'a Event);

/// The changes that are part of such a ring, and how it goes.
pub fn ring<'a>(
    beads: &'a Beads,
    changes: &[Change<'a>],
    short: &dyn Fn(&str) -> String,
) -> Vec<(usize, String)> {
    let Some(ring) = closed(beads, changes) else { return Vec::new() };
    let is_in = |id: &str| ring.iter().any(|(other, _)| *other == id);
    let ties = |(id, event): &Change<'_>| {
        is_in(id)
            && match event {
                Event::Linked { to, kind } => kind.orders() && is_in(to),
                Event::Created(new) => new.links.iter().any(|it| it.kind.orders() && is_in(&it.to)),
                event => comes_back(beads, id, event),
            }
    };
    let said = format!("closes a cycle: {}", rings::told(&ring, short).join("; "));
    let part = changes.iter().enumerate().filter(|(_, change)| ties(change));
    part.map(|(n, _)| (n, said.clone())).collect()
}

/// Refuses to open again what was over, where it would wait for itself: while it was, it could be tied so.
pub fn opens<'a>(beads: &'a Beads, changes: &[Change<'a>]) -> Result<()> {
    let mut back = changes.iter().filter(|(id, event)| comes_back(beads, id, event));
    let Some((id, _)) = back.next() else { return Ok(()) };
    let Some(ring) = closed(beads, changes) else { return Ok(()) };
    let what = format!("{} cannot be opened again: that closes a cycle", beads.short(id));
    let told = rings::told(&ring, &|id| beads.short(id).to_owned()).into_iter();
    let refusal = told.fold(Refusal::refused(what), Refusal::hint);
    Err(refusal.hint("`git bead dep remove ID ON` cuts it: ID no longer waits for ON").into())
}

/// Whether that makes a bead hold others up that did not.
fn comes_back(beads: &Beads, id: &str, event: &Event) -> bool {
    let opens = |bead: &super::Bead| match event {
        Event::Edited(edit) => edit.status.as_ref().is_some_and(|status| !status.frees()),
        // What was closed before it was deleted is closed again.
        Event::Reopened { .. } => bead.deleted.is_none() || bead.closed_at.is_none(),
        event => event.is_claim(),
    };
    beads.row(id).is_some_and(|row| !is_live(&row) && opens(row.whole()))
}

fn closed<'a>(beads: &'a Beads, changes: &[Change<'a>]) -> Option<Ring<'a>> {
    let mut back = HashSet::new();
    let mut told = IndexMap::<&str, Edges<'_>>::new();
    for (id, event) in changes {
        let known = || beads.row(id).map(|row| row.face().edges).unwrap_or_default();
        let edges = told.entry(*id).or_insert_with(known);
        match event {
            Event::Unlinked { to, kind } => {
                let at = edges.iter().position(|edge| *edge == (kind.plain(), to));
                at.map(|at| edges.remove(at));
            }
            Event::Linked { to, kind } => {
                edges.retain(|edge| !kind.is_parent() || edge.0 != PARENT);
                edges.push((kind.plain(), to));
            }
            Event::Created(new) => {
                edges.extend(new.links.iter().map(|it| (it.kind.plain(), it.to.as_str())));
            }
            event if comes_back(beads, id, event) => drop(back.insert(*id)),
            _ => {}
        }
    }
    let changed: Vec<_> = told.keys().copied().collect();
    let sight = Sight::told(beads, told.into_iter().collect()).with(back);
    rings::closed(&Sight::of(beads), &sight, &changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Deleted, Edit, Link, Status};

    #[test]
    fn what_was_over_does_not_come_back_into_a_ring() {
        let pinned = Edit { status: Some(Status::PINNED), ..Edit::default() };
        let open = Event::Edited(Edit { status: Some(Status::OPEN), ..Edit::default() });
        let reopen = Event::Reopened { reason: String::new(), close: None };
        let none = Event::Commented { text: String::new() };
        for (over, back) in [
            (Event::Closed(Closed::default()), &reopen),
            (Event::Edited(pinned), &open),
            (Event::Deleted(Deleted::default()), &reopen),
        ] {
            let mut all = beads(&[("b-1", &[(Link::BLOCKS, "b-2")]), ("b-2", &[]), ("b-3", &[])]);
            drink(&mut all, "b-1", "jane", &over);
            assert!(opens(&all, &[("b-1", back)]).is_ok());
            let tie = Event::Linked { to: "b-1".to_owned(), kind: Link::BLOCKS };
            drink(&mut all, "b-2", "jane", &tie);
            let no = opens(&all, &[("b-3", &none), ("b-1", back)]).unwrap_err().to_string();
            assert!(no.contains("b-1 cannot be opened again: that closes a cycle"), "{no}");
            assert_eq!(ring(&all, &[("b-1", back)], &|id| id.to_owned()).len(), 1);
            let untie = Event::Unlinked { to: "b-1".to_owned(), kind: Link::BLOCKS };
            assert!(opens(&all, &[("b-1", back), ("b-2", &untie)]).is_ok());
        }
    }

    #[test]
    fn what_several_changes_close_together_is_found() {
        let all = beads(&[("b-1", &[]), ("b-2", &[(Link::BLOCKS, "b-1")]), ("b-3", &[])]);
        let tie = |to: &str| Event::Linked { to: to.to_owned(), kind: Link::BLOCKS };
        let untie = Event::Unlinked { to: "b-1".to_owned(), kind: Link::BLOCKS };
        let (one, two, three) = (tie("b-1"), tie("b-2"), tie("b-3"));
        for (changes, found) in [
            (vec![("b-3", &two)], ""),
            (vec![("b-3", &two), ("b-1", &three)], "0 1"),
            (vec![("b-3", &one), ("b-3", &two)], ""),
            (vec![("b-1", &three), ("b-2", &untie), ("b-3", &two)], ""),
            (vec![("b-1", &two)], "0"),
        ] {
            let rings = ring(&all, &changes, &|id| id.to_owned());
            let at: Vec<_> = rings.iter().map(|(n, _)| n.to_string()).collect();
            assert_eq!(at.join(" "), found, "{changes:?}");
        }
    }
}
