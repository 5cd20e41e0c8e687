//! What does a bead stand on, and what stands on it? As rows of a tree, in which whatever comes up twice
//! has its branches at the first place alone. Pure.

use std::collections::HashSet;

use crate::bead::event::Link;
use crate::bead::{Bead, Beads};

/// One row of a tree.
pub struct Step<'a> {
    pub id: &'a str,
    /// None where an edge leads to what is not in this ledger.
    pub bead: Option<&'a Bead>,
    pub depth: usize,
    /// The bead above it, and the edge between.
    pub from: Option<(&'a str, &'a Link)>,
    /// Shown further up; its own branches are left out here.
    pub is_again: bool,
    /// It has branches, and they would be too deep.
    pub is_cut: bool,
}

/// Which way a tree grows from its root, and how far.
#[derive(Clone, Copy)]
pub struct Growth {
    /// To what depends on it, and not to what it depends on.
    pub up: bool,
    pub most: usize,
}

/// The tree of `root` in depth-first order.
pub fn tree<'a>(beads: &'a Beads, root: &'a Bead, growth: Growth) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = vec![(root.id.as_str(), 0, None)];
    while let Some((id, depth, from)) = stack.pop() {
        let is_again = !seen.insert(id);
        let bead = beads.get(id);
        let below = match bead {
            Some(bead) if !is_again => branches(beads, bead, growth.up),
            _ => Vec::new(),
        };
        let is_cut = depth >= growth.most && !below.is_empty();
        if !is_cut {
            let below = below.into_iter().rev();
            stack.extend(below.map(|(kind, end)| (end, depth + 1, Some((id, kind)))));
        }
        steps.push(Step { id, bead, depth, from, is_again, is_cut });
    }
    steps
}

fn branches<'a>(beads: &'a Beads, bead: &'a Bead, up: bool) -> Vec<(&'a Link, &'a str)> {
    if up {
        let edges = beads.dependents(&bead.id);
        return edges.map(|(edge, bead)| (&edge.kind, bead.id.as_str())).collect();
    }
    bead.dependencies.iter().map(|edge| (&edge.kind, edge.depends_on_id.as_str())).collect()
}

/// Those of a tree that fit, and the way to each from the root.
pub fn only<'a>(steps: Vec<Step<'a>>, fits: &dyn Fn(Option<&Bead>) -> bool) -> Vec<Step<'a>> {
    // From the end on: the next row so high up leads to the last one that was kept.
    let mut above = None;
    let mut kept: Vec<_> = steps
        .into_iter()
        .rev()
        .filter(|step| {
            let keep = above == Some(step.depth) || fits(step.bead);
            if keep {
                above = step.depth.checked_sub(1);
            }
            keep
        })
        .collect();
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Event, Status};

    fn told(steps: &[Step<'_>]) -> Vec<String> {
        let row = |step: &Step<'_>| {
            let mark = match (step.is_again, step.is_cut) {
                (true, _) => "=",
                (_, true) => "+",
                _ => "",
            };
            format!("{}{}{mark}", "-".repeat(step.depth), step.id)
        };
        steps.iter().map(row).collect()
    }

    fn diamond() -> Beads {
        let after = |on| (Link::BLOCKS, on);
        beads(&[
            ("a", &[]),
            ("b", &[after("a")]),
            ("c", &[after("a"), (Link::RELATED, "b")]),
            ("d", &[after("b"), after("c")]),
        ])
    }

    #[test]
    fn what_comes_up_twice_has_its_branches_once() {
        let all = diamond();
        for (root, up, most, rows) in [
            ("d", false, 50, &["d", "-b", "--a", "-c", "--a=", "--b="][..]),
            ("a", true, 50, &["a", "-b", "--c", "---d", "--d=", "-c="]),
            ("d", false, 1, &["d", "-b+", "-c+"]),
            ("a", false, 0, &["a"]),
            ("d", false, 0, &["d+"]),
        ] {
            let steps = tree(&all, all.get(root).unwrap(), Growth { up, most });
            assert_eq!(told(&steps), rows, "{root} {up} {most}");
        }
    }

    #[test]
    fn the_way_to_what_fits_stays() {
        let mut all = diamond();
        drink(&mut all, "b", "jane", &Event::Closed(Closed::default()));
        let root = all.get("d").unwrap();
        let steps = || tree(&all, root, Growth { up: false, most: 50 });
        let closed = |bead: Option<&Bead>| bead.is_some_and(|it| it.status == Status::CLOSED);
        assert_eq!(told(&only(steps(), &closed)), ["d", "-b", "-c", "--b="]);
        assert_eq!(told(&only(steps(), &|bead| bead.is_some_and(|it| it.id == "c"))), ["d", "-c"]);
        assert_eq!(told(&only(steps(), &|_| false)), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_in_this_ledger_is_a_leaf() {
        let after = |on| (Link::BLOCKS, on);
        let all = beads(&[("a", &[after("gone"), after("external:api:login")])]);
        let steps = tree(&all, all.get("a").unwrap(), Growth { up: false, most: 50 });
        assert_eq!(told(&steps), ["a", "-gone", "-external:api:login"]);
    }

    #[test]
    fn a_deep_tree_takes_no_deep_stack() {
        let names: Vec<_> = (0..50_000).map(|n| format!("b-{n}")).collect();
        let links: Vec<_> = names.iter().map(|name| [(Link::BLOCKS, name.as_str())]).collect();
        let below = |n: usize| n.checked_sub(1).map_or(&[][..], |before| &links[before][..]);
        let told: Vec<_> =
            names.iter().enumerate().map(|(n, id)| (id.as_str(), below(n))).collect();
        let all = beads(&told);
        let top = all.get("b-49999").unwrap();
        assert_eq!(tree(&all, top, Growth { up: false, most: usize::MAX }).len(), 50_000);
    }
}
