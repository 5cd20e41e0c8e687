//! Rings that several changes would close together, each of which closes none. Pure.

use indexmap::IndexMap;

use crate::bead::Beads;
use crate::bead::event::{Event, PARENT};
use crate::bead::rings;
use crate::bead::waits::{Edges, Sight};

/// The changes that are part of such a ring, and how it goes.
pub fn ring<'a>(
    beads: &'a Beads,
    changes: &[(&'a str, &'a Event)],
    short: &dyn Fn(&str) -> String,
) -> Vec<(usize, String)> {
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
            _ => {}
        }
    }
    let changed: Vec<_> = told.keys().copied().collect();
    let sight = Sight::told(beads, told.into_iter().collect());
    let Some(ring) = rings::closed(&Sight::of(beads), &sight, &changed) else { return Vec::new() };
    let is_in = |id: &str| ring.iter().any(|(other, _)| *other == id);
    let ties = |(id, event): &(&str, &Event)| {
        is_in(id)
            && match event {
                Event::Linked { to, kind } => kind.orders() && is_in(to),
                Event::Created(new) => new.links.iter().any(|it| it.kind.orders() && is_in(&it.to)),
                _ => false,
            }
    };
    let said = format!("closes a cycle: {}", rings::told(&ring, short).join("; "));
    let part = changes.iter().enumerate().filter(|(_, change)| ties(change));
    part.map(|(n, _)| (n, said.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;
    use crate::bead::event::Link;

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
