//! Does something come before itself? The ring that one more edge would close, or several at once. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::bead::Beads;
use crate::bead::event::{Event, Link};

/// The ring that `from -> to` would close, from `from` back to itself; `None` if there is none.
pub(super) fn ring<'a>(beads: &'a Beads, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    ring_of(&|at| ends(beads, at), from, to)
}

/// What has to come before a bead.
fn ends<'a>(beads: &'a Beads, id: &str) -> Vec<&'a str> {
    let edges = beads.row(id).map(|row| row.face().edges).unwrap_or_default();
    edges.into_iter().filter(|(kind, _)| Link::new(*kind).orders()).map(|(_, to)| to).collect()
}

/// The same among beads of which somebody else knows what comes before each.
fn ring_of<'a>(
    ends: &dyn Fn(&str) -> Vec<&'a str>,
    from: &'a str,
    to: &'a str,
) -> Option<Vec<&'a str>> {
    // From `to` outwards, each bead with the one it was reached from.
    let mut reached = HashMap::from([(to, None)]);
    let mut next = VecDeque::from([to]);
    while let Some(at) = next.pop_front() {
        if at == from {
            let back = std::iter::successors(Some(at), |at| reached.get(at).copied().flatten());
            let mut path: Vec<_> = back.collect();
            path.push(from);
            path.reverse();
            return Some(path);
        }
        for to in ends(at) {
            if !reached.contains_key(to) {
                reached.insert(to, Some(at));
                next.push_back(to);
            }
        }
    }
    None
}

/// Rings that several changes would close together, each of which closes none: the change that is part of
/// one, and how it goes.
pub fn rings(beads: &Beads, changes: &[(&str, &Event)]) -> Vec<(usize, String)> {
    let mut changed = HashMap::<&str, Vec<&str>>::new();
    for (id, event) in changes {
        let known = changed.entry(id).or_insert_with(|| ends(beads, id));
        match event {
            Event::Unlinked { to, kind } if kind.orders() => {
                let at = known.iter().position(|end| end == to);
                at.map(|at| known.remove(at));
            }
            Event::Linked { to, kind } if kind.orders() => known.push(to),
            Event::Created(new) => {
                known.extend(new.links.iter().filter(|it| it.kind.orders()).map(|it| &*it.to));
            }
            _ => {}
        }
    }
    let all = |id: &str| changed.get(id).cloned().unwrap_or_else(|| ends(beads, id));
    if is_free(&all, changes.iter().map(|(id, _)| *id)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (n, (id, event)) in changes.iter().enumerate() {
        if let Event::Linked { to, kind } = event
            && kind.orders()
            && let Some(ring) = ring_of(&all, id, to)
        {
            let shown: Vec<_> = ring.iter().map(|id| beads.short(id)).collect();
            found.push((n, format!("closes a cycle: {}", shown.join(" -> "))));
        }
    }
    found
}

/// Whether nothing that comes before these comes before itself. Each is looked at once.
fn is_free<'a>(ends: &dyn Fn(&str) -> Vec<&'a str>, from: impl Iterator<Item = &'a str>) -> bool {
    let (mut done, mut path) = (HashSet::new(), HashSet::new());
    let mut left: Vec<_> = from.map(|at| (at, false)).collect();
    while let Some((at, is_end)) = left.pop() {
        if is_end {
            path.remove(at);
            done.insert(at);
        } else if !done.contains(at) {
            if !path.insert(at) {
                return false;
            }
            left.push((at, true));
            left.extend(ends(at).into_iter().map(|end| (end, false)));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;

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
            let rings = rings(&all, &changes);
            let at: Vec<_> = rings.iter().map(|(n, _)| n.to_string()).collect();
            assert_eq!(at.join(" "), found, "{changes:?}");
        }
    }
}
