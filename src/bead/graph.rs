//! Edges between beads: what holds what up, what would close a ring, the tree below a bead. Pure.

use std::collections::{HashMap, HashSet};

use petgraph::algo::astar;
use petgraph::graphmap::DiGraphMap;

use crate::bead::beads::{Bead, Beads};
use crate::bead::event::{Link, Status};

/// The ring that `from -> to` would close, from `from` back to itself; `None` if there is none.
pub fn ring<'a>(beads: &'a Beads, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let edges = beads.iter().flat_map(|bead| bead.dependencies.iter());
    let graph: DiGraphMap<&str, ()> = edges
        .filter(|edge| edge.kind.orders())
        .map(|edge| (edge.issue_id.as_str(), edge.depends_on_id.as_str()))
        .collect();
    if from == to {
        return Some(vec![from, to]);
    }
    let (_, path) =
        astar(&graph, graph.contains_node(to).then_some(to)?, |n| n == from, |_| 1, |_| 0)?;
    Some(std::iter::once(from).chain(path).collect())
}

/// Why nothing can start on a bead: the beads it waits for. Computed for all beads at once.
pub struct Blocked<'a> {
    by: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Blocked<'a> {
    /// A bead is blocked by open beads it depends on, by a spawner's open children it waits for,
    /// and by whatever blocks its parent. A finished bead is never blocked.
    pub fn of(beads: &'a Beads) -> Self {
        let mut by: HashMap<&str, Vec<&str>> = HashMap::new();
        for bead in beads.iter().filter(|bead| !bead.status.frees()) {
            let blockers = direct(beads, bead);
            if !blockers.is_empty() {
                by.insert(&bead.id, blockers);
            }
        }
        let inherited: Vec<_> = beads
            .iter()
            .filter(|bead| !bead.status.frees())
            .filter_map(|bead| Some((bead.id.as_str(), above(beads, bead, &by)?)))
            .collect();
        for (id, blockers) in inherited {
            let known = by.entry(id).or_default();
            known.extend(blockers.into_iter().filter(|b| *b != id));
            known.dedup();
        }
        Self { by }
    }

    /// The ids of what `id` waits for; empty when it is free.
    pub fn by(&self, id: &str) -> &[&'a str] {
        self.by.get(id).map_or(&[], Vec::as_slice)
    }
}

fn direct<'a>(beads: &'a Beads, bead: &'a Bead) -> Vec<&'a str> {
    let mut blockers = Vec::new();
    for edge in &bead.dependencies {
        if edge.kind.blocks() {
            let target = beads.get(&edge.depends_on_id).filter(|target| !target.status.frees());
            blockers.extend(target.map(|target| target.id.as_str()));
        } else if edge.kind == Link::WAITS_FOR {
            let open = beads.children(&edge.depends_on_id).filter(|child| !child.status.frees());
            blockers.extend(open.map(|child| child.id.as_str()));
        }
    }
    blockers
}

fn above<'a>(
    beads: &'a Beads,
    bead: &'a Bead,
    direct: &HashMap<&'a str, Vec<&'a str>>,
) -> Option<Vec<&'a str>> {
    let mut seen = HashSet::from([bead.id.as_str()]);
    let mut found = Vec::new();
    let mut at = beads.parent(bead);
    while let Some(parent) = at {
        if !seen.insert(&parent.id) {
            break;
        }
        found.extend(direct.get(parent.id.as_str()).into_iter().flatten().copied());
        at = beads.parent(parent);
    }
    (!found.is_empty()).then_some(found)
}

/// One row of a dependency tree.
pub struct Row<'a> {
    pub bead: &'a Bead,
    pub depth: usize,
    pub kind: Option<&'a Link>,
    /// Shown in full further up; its own branches are left out here.
    pub repeated: bool,
}

/// What `root` depends on, directly and further down, in depth-first order.
pub fn tree<'a>(beads: &'a Beads, root: &'a Bead) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = vec![(root, 0, None)];
    while let Some((bead, depth, kind)) = stack.pop() {
        let repeated = !seen.insert(bead.id.as_str());
        rows.push(Row { bead, depth, kind, repeated });
        if repeated {
            continue;
        }
        let below = bead.dependencies.iter().rev();
        stack.extend(below.filter_map(|edge| {
            Some((beads.get(&edge.depends_on_id)?, depth + 1, Some(&edge.kind)))
        }));
    }
    rows
}

/// What can start now that `id` is closed, and could not before.
pub fn freed<'a>(beads: &'a Beads, id: &'a str) -> Vec<&'a Bead> {
    let blocked = Blocked::of(beads);
    beads
        .dependents(id)
        .filter(|(edge, bead)| edge.kind.blocks() && bead.status == Status::OPEN)
        .filter(|(_, bead)| blocked.by(&bead.id).is_empty())
        .map(|(_, bead)| bead)
        .collect()
}
