//! Edges between beads: what holds what up, what would close a ring, the tree below a bead. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::bead::event::{Link, Status};
use crate::bead::face::{Face, is_live};
use crate::bead::fields::Edge;
use crate::bead::{Bead, Beads};
use crate::ledger::Row;

/// The ring that `from -> to` would close, from `from` back to itself; `None` if there is none.
pub(super) fn ring<'a>(beads: &'a Beads, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
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
        let edges = beads.row(at).map(|row| row.face().edges).unwrap_or_default();
        for (_, to) in edges.into_iter().filter(|(kind, _)| Link::new(*kind).orders()) {
            if !reached.contains_key(to) {
                reached.insert(to, Some(at));
                next.push_back(to);
            }
        }
    }
    None
}

/// Why nothing can start on a bead: the open beads it depends on, the open children of a spawner that it
/// waits for, and whatever its parents wait for in that way. A finished bead waits for nothing.
pub fn blockers<'a>(beads: &'a Beads, id: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut at = beads.row(id).filter(is_live);
    while let Some(row) = at.filter(|row| seen.insert(row.key())) {
        let face = row.face();
        for blocker in direct(beads, &row, &face).into_iter().filter(|_| is_live(&row)) {
            // What waits for its own child is not waited for by that.
            let own = blocker == id && row.key() != id;
            if !own && !found.contains(&blocker) {
                found.push(blocker);
            }
        }
        at = face.parent().and_then(|id| beads.row(id));
    }
    found
}

fn direct<'a>(beads: &'a Beads, row: &Row<'a, Bead>, face: &Face<'a>) -> Vec<&'a str> {
    let mut blockers = Vec::new();
    for (kind, to) in face.edges.iter().copied() {
        let kind = Link::new(kind);
        let target = beads.row(to);
        if kind == Link::WAITS_FOR {
            let mut open = beads.children(to).filter(is_live).map(|child| child.key()).peekable();
            if open.peek().is_some() && !one_is_enough(beads, row, to) {
                blockers.extend(open);
            }
        } else if kind.blocks() && to.starts_with(EXTERNAL) {
            blockers.push(to);
        } else if kind.blocks() {
            let holds = |target: &Row<'_, Bead>| {
                is_live(target) || (kind == Link::CONDITIONAL_BLOCKS && !has_failed(target))
            };
            blockers.extend(target.filter(holds).map(|target| target.key()));
        }
    }
    blockers
}

/// What another project is to do. This ledger does not hear when that is done: whoever does takes the
/// edge away.
const EXTERNAL: &str = "external:";

/// Words of a reason that tell of a failure wherever they stand, and those that do so at its beginning.
const FAILED: &[&str] = &[
    "fail",
    "fails",
    "failed",
    "failure",
    "rejected",
    "wontfix",
    "won't",
    "canceled",
    "cancelled",
    "abandoned",
    "aborted",
    "timeout",
];
const FAILED_FIRST: &[&str] = &["error", "blocked"];

/// Whether a bead was closed because it came to nothing.
fn has_failed(row: &Row<'_, Bead>) -> bool {
    let reason = row.read().close_reason.unwrap_or_default().to_lowercase();
    let mut words = reason.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.clone().next().is_some_and(|first| FAILED_FIRST.contains(&first))
        || words.any(|word| FAILED.contains(&word))
}

/// Whether who waits for the children of a bead waits for the first of them that is done, and one is.
fn one_is_enough(beads: &Beads, row: &Row<'_, Bead>, spawner: &str) -> bool {
    let of = |edge: &&Edge| edge.kind == Link::WAITS_FOR && edge.depends_on_id == spawner;
    // The metadata of an edge is a text that holds JSON.
    let says =
        |edge: &Edge| edge.rest.get("metadata").is_some_and(|it| it.text.contains("any-children"));
    row.whole().dependencies.iter().find(of).is_some_and(says)
        && beads.children(spawner).any(|child| !is_live(&child))
}

/// One row of a dependency tree.
pub struct Step<'a> {
    pub bead: &'a Bead,
    pub depth: usize,
    pub kind: Option<&'a Link>,
    /// Shown in full further up; its own branches are left out here.
    pub repeated: bool,
}

/// What `root` depends on, directly and further down, in depth-first order.
pub fn tree<'a>(beads: &'a Beads, root: &'a Bead) -> Vec<Step<'a>> {
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = vec![(root, 0, None)];
    while let Some((bead, depth, kind)) = stack.pop() {
        let repeated = !seen.insert(bead.id.as_str());
        rows.push(Step { bead, depth, kind, repeated });
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
    beads
        .dependents(id)
        .filter(|(edge, bead)| edge.kind.blocks() && bead.status == Status::OPEN)
        .filter(|(_, bead)| blockers(beads, &bead.id).is_empty())
        .map(|(_, bead)| bead)
        .collect()
}
