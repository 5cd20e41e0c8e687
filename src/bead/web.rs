//! The beads that order each other, as a graph in which an edge leads from what is first to what comes
//! after it. petgraph finds its knots and its order; both in one pass that needs no deep stack. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::bead::event::Link;
use crate::bead::face::{CLOSED, DELETED};
use crate::bead::{Bead, Beads};
use crate::ledger::Row;

/// One bead comes before another, by an edge of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie<'a> {
    pub before: usize,
    pub after: usize,
    pub kind: &'a str,
}

/// Beads, each known by its place among them, and the ties between.
pub struct Web<'a> {
    pub rows: Vec<Row<'a, Bead>>,
    pub ties: Vec<Tie<'a>>,
}

impl<'a> Web<'a> {
    /// These beads, each of them once, and what is between them.
    pub fn of(rows: Vec<Row<'a, Bead>>) -> Self {
        let places: HashMap<_, _> =
            rows.iter().enumerate().map(|(n, row)| (row.key(), n)).collect();
        let mut ties = Vec::new();
        for (after, row) in rows.iter().enumerate() {
            let edges = row.face().edges.into_iter();
            let orders = edges.filter(|(kind, _)| Link::new(*kind).orders());
            ties.extend(
                orders.filter_map(|(kind, to)| Some(Tie { before: *places.get(to)?, after, kind })),
            );
        }
        Self { rows, ties }
    }

    /// All that is still to be done.
    pub fn open(beads: &'a Beads) -> Self {
        Self::of(beads.not_closed().collect())
    }

    /// These beads with all that is below them, what those stand on, and what stands on those. Closed
    /// ones that nobody asked for are where it ends.
    pub fn around(beads: &'a Beads, seeds: &[&'a Bead]) -> Self {
        let mut inner: Vec<_> = seeds.iter().filter_map(|bead| beads.row(&bead.id)).collect();
        let mut seen: HashSet<_> = inner.iter().map(|row| row.key()).collect();
        let mut at = 0;
        while let Some(row) = inner.get(at) {
            inner.extend(beads.children(row.key()).filter(|child| seen.insert(child.key())));
            at += 1;
        }
        let down = |row: &Row<'a, Bead>| {
            let edges = row.face().edges.into_iter();
            let orders = edges.filter(|(kind, _)| Link::new(*kind).orders());
            orders.filter_map(|(_, to)| beads.row(to)).collect()
        };
        let up = |row: &Row<'a, Bead>| {
            let on = |other: &Row<'a, Bead>| {
                let edges = other.face().edges.into_iter();
                edges.filter(|(_, to)| *to == row.key()).any(|(kind, _)| Link::new(kind).orders())
            };
            beads.naming(row.key()).filter(on).collect()
        };
        let mut found = inner.clone();
        for next in [&down as &dyn Fn(&Row<'a, Bead>) -> Vec<Row<'a, Bead>>, &up] {
            reach(&inner, next, &mut seen, &mut found);
        }
        found.retain(|row| row.mark() != DELETED);
        Self::of(found)
    }

    /// Some of these and what is between them.
    pub fn only(&self, keep: &dyn Fn(usize) -> bool) -> Self {
        let rows = self.rows.iter().enumerate();
        Self::of(rows.filter(|(n, _)| keep(*n)).map(|(_, row)| *row).collect())
    }

    /// Whether each is tied to another.
    pub fn tied(&self) -> Vec<bool> {
        let mut tied = vec![false; self.rows.len()];
        for end in self.ties.iter().flat_map(|tie| [tie.before, tie.after]) {
            if let Some(tied) = tied.get_mut(end) {
                *tied = true;
            }
        }
        tied
    }

    /// In which layer each stands: behind all that comes before it. Where a ring is, one tie of it leads
    /// back.
    pub fn layers(&self) -> Vec<usize> {
        let far = farthest(self.rows.len(), &self.pairs(), &|_, _| 1);
        far.into_iter().map(|far| usize::try_from(far.0).unwrap_or(0)).collect()
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        self.ties.iter().map(|tie| (tie.before, tie.after)).collect()
    }
}

/// What is strongly connected, those first that nothing comes after.
pub(super) fn components(count: usize, pairs: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), (), u32>::with_capacity(count, pairs.len());
    for _ in 0..count {
        graph.add_node(());
    }
    for (before, after) in pairs {
        graph.add_edge(NodeIndex::new(*before), NodeIndex::new(*after), ());
    }
    let plain = |knot: Vec<NodeIndex>| knot.into_iter().map(NodeIndex::index).collect();
    kosaraju_scc(&graph).into_iter().map(plain).collect()
}

/// Adds what is reached from these, step by step. What is not open is not gone beyond, but for those.
fn reach<'a>(
    from: &[Row<'a, Bead>],
    next: &dyn Fn(&Row<'a, Bead>) -> Vec<Row<'a, Bead>>,
    known: &mut HashSet<&'a str>,
    found: &mut Vec<Row<'a, Bead>>,
) {
    let mut seen: HashSet<_> = from.iter().map(|row| row.key()).collect();
    let mut todo: VecDeque<_> = from.iter().flat_map(next).collect();
    while let Some(row) = todo.pop_front() {
        if !seen.insert(row.key()) {
            continue;
        }
        if known.insert(row.key()) {
            found.push(row);
        }
        if ![CLOSED, DELETED].contains(&row.mark()) {
            todo.extend(next(&row));
        }
    }
}

/// The longest way to each, and from where it comes: over all edges but those that close a ring.
pub(super) fn farthest(
    count: usize,
    pairs: &[(usize, usize)],
    long: &dyn Fn(usize, usize) -> u64,
) -> Vec<(u64, Option<usize>)> {
    let order: Vec<_> = components(count, pairs).into_iter().rev().flatten().collect();
    let mut place = vec![0; count];
    for (at, n) in order.iter().enumerate() {
        if let Some(place) = place.get_mut(*n) {
            *place = at;
        }
    }
    let mut after = vec![Vec::new(); count];
    for (before, to) in pairs.iter().copied().filter(|(from, to)| place.get(*from) < place.get(*to))
    {
        if let Some(all) = after.get_mut(before) {
            all.push(to);
        }
    }
    let mut far = vec![(0, None); count];
    for from in order {
        let so_far = far.get(from).map_or(0, |far| far.0);
        for to in after.get(from).map_or(&[][..], Vec::as_slice) {
            let there = so_far + long(from, *to);
            if let Some(known) =
                far.get_mut(*to).filter(|known| known.0 < there || known.1.is_none())
            {
                *known = (there, Some(from));
            }
        }
    }
    far
}

#[cfg(test)]
pub(in crate::bead) mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;
    use crate::bead::beads::tests::drink;
    use crate::bead::event::{Closed, Event};
    use proptest::prelude::*;

    /// Beads `b-0`, `b-1` and so on, with an edge for each pair of what is first and what is after.
    pub(in crate::bead) fn chained(count: usize, pairs: &[(usize, usize)]) -> Beads {
        let names: Vec<_> = (0..count).map(|n| format!("b-{n}")).collect();
        let mut links = vec![Vec::new(); count];
        for (before, after) in pairs {
            links[*after].push((Link::BLOCKS, names[*before].as_str()));
        }
        let told = names.iter().zip(&links).map(|(name, links)| (name.as_str(), &links[..]));
        beads(&told.collect::<Vec<_>>())
    }

    fn around(all: &Beads, seed: &str) -> Vec<String> {
        let web = Web::around(all, &[all.get(seed).unwrap()]);
        let mut found: Vec<_> = web.rows.iter().map(|row| row.key().to_owned()).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn around_a_bead_is_what_it_stands_on_and_what_stands_on_it() {
        let after = |on| (Link::BLOCKS, on);
        let mut all = beads(&[
            ("first", &[]),
            ("a", &[after("first")]),
            ("b", &[after("a")]),
            ("sibling", &[after("a")]),
            ("c", &[after("b")]),
            ("epic", &[]),
            ("child", &[(Link::PARENT_CHILD, "epic"), after("c")]),
            ("friend", &[(Link::RELATED, "b")]),
        ]);
        assert_eq!(
            around(&all, "b"),
            ["a", "b", "c", "child", "epic", "first"][..4]
                .iter()
                .copied()
                .chain(["first"])
                .collect::<Vec<_>>()
        );
        assert_eq!(around(&all, "epic"), ["a", "b", "c", "child", "epic", "first"]);
        drink(&mut all, "a", "jane", &Event::Closed(Closed::default()));
        assert_eq!(around(&all, "b"), ["a", "b", "c", "child"], "not beyond what is closed");
        assert_eq!(around(&all, "a"), ["a", "b", "c", "child", "first", "sibling"]);
    }

    #[test]
    fn large_graphs_take_no_deep_stack_and_no_long_time() {
        let chain: Vec<_> = (1..50_000).map(|n| (n - 1, n)).collect();
        let deep = chained(50_000, &chain);
        assert_eq!(Web::open(&deep).layers()[49_999], 49_999);
        assert_eq!(Web::around(&deep, &[deep.get("b-7").unwrap()]).rows.len(), 50_000);
    }

    /// Who can be reached from whom, the slow way.
    pub(in crate::bead) fn reach(count: usize, pairs: &[(usize, usize)]) -> Vec<Vec<bool>> {
        let mut reach = vec![vec![false; count]; count];
        for (a, b) in pairs {
            reach[*a][*b] = true;
        }
        for via in 0..count {
            for a in 0..count {
                for b in 0..count {
                    reach[a][b] |= reach[a][via] && reach[via][b];
                }
            }
        }
        reach
    }

    proptest! {
        #[test]
        fn layers_respect_every_tie_that_is_in_no_ring(
            pairs in proptest::collection::vec((0usize..9, 0usize..9), 0..18),
        ) {
            let reach = reach(9, &pairs);
            let layers = Web::open(&chained(9, &pairs)).layers();
            for (before, after) in pairs {
                prop_assert!(reach[after][before] || layers[before] < layers[after]);
            }
        }
    }
}
