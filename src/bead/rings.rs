//! Beads that wait for themselves, so that none of them can come in its turn. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::bead::Beads;
use crate::bead::event::Link;
use crate::bead::waits::{Moment, Point, Sight};
use crate::bead::web::components;

/// How a bead of a ring depends on the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It waits for it.
    Waits,
    /// It waits for its children.
    Gate,
    /// It is its parent, and ends after it.
    Ends,
    /// It is a child of it, and starts no sooner.
    Starts,
}

impl How {
    /// What stands between the one and the next.
    pub fn said(self) -> &'static str {
        match self {
            Self::Waits => "waits for",
            Self::Gate => "waits for the children of",
            Self::Ends => "ends only after its child",
            Self::Starts => "starts no sooner than its parent",
        }
    }
}

/// From one bead to the next and, from the last, to the first again.
pub type Ring<'a> = Vec<(&'a str, How)>;

/// So many beads of a ring are named.
const NAMED: usize = 12;

/// A ring from a bead round to it again; and then what is more than one waiting for the next.
pub fn told(ring: &Ring<'_>, short: &dyn Fn(&str) -> String) -> Vec<String> {
    let named = |at: usize| ring.get(at % ring.len()).map(|(id, _)| short(id)).unwrap_or_default();
    let mut round: Vec<_> = (0..=ring.len().min(NAMED)).map(named).collect();
    if ring.len() > NAMED {
        round.push(format!("... ({} in all)", ring.len()));
    }
    let hows = ring.iter().enumerate().take(NAMED).filter(|(_, (_, how))| *how != How::Waits);
    let said = |(at, (_, how)): (usize, &(&str, How))| {
        format!("{} {} {}", named(at), how.said(), named(at + 1))
    };
    [round.join(" -> ")].into_iter().chain(hows.map(said)).collect()
}

/// What can never be, as far as these look back.
struct Stuck<'a> {
    points: Vec<Point<'a>>,
    at: HashMap<Point<'a>, usize>,
    before: Vec<Vec<usize>>,
    is_stuck: Vec<bool>,
}

impl<'a> Stuck<'a> {
    fn of(sight: &Sight<'a>, starts: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self {
            points: Vec::new(),
            at: HashMap::new(),
            before: Vec::new(),
            is_stuck: Vec::new(),
        };
        for id in starts {
            all.place((id, Moment::End));
        }
        while let Some(point) = all.points.get(all.before.len()) {
            let before = sight.before(*point);
            let before = before.into_iter().map(|point| all.place(point)).collect();
            all.before.push(before);
        }
        all.settle();
        all
    }

    fn place(&mut self, point: Point<'a>) -> usize {
        let new = self.points.len();
        let at = *self.at.entry(point).or_insert(new);
        if at == new {
            self.points.push(point);
        }
        at
    }

    /// What nothing comes before can be; and then what comes after that.
    fn settle(&mut self) {
        let mut after = vec![Vec::new(); self.points.len()];
        let mut open: Vec<_> = self.before.iter().map(Vec::len).collect();
        for (n, before) in self.before.iter().enumerate() {
            for at in before {
                if let Some(after) = after.get_mut(*at) {
                    after.push(n);
                }
            }
        }
        let mut ready: Vec<_> = (0..open.len()).filter(|n| open.get(*n) == Some(&0)).collect();
        while let Some(n) = ready.pop() {
            for at in after.get(n).into_iter().flatten() {
                let Some(left) = open.get_mut(*at).filter(|left| **left > 0) else { continue };
                let is_enough = matches!(self.points.get(*at), Some((_, Moment::First)));
                *left = if is_enough { 0 } else { *left - 1 };
                if *left == 0 {
                    ready.push(*at);
                }
            }
        }
        self.is_stuck = open.into_iter().map(|left| left > 0).collect();
    }

    fn stays(&self, n: usize) -> bool {
        self.is_stuck.get(n) == Some(&true)
    }

    fn before(&self, n: usize) -> impl Iterator<Item = usize> {
        self.before.get(n).into_iter().flatten().copied().filter(|at| self.stays(*at))
    }

    /// The shortest way back from one to another, through these; both are in it.
    fn way(&self, from: usize, to: usize, inside: &dyn Fn(usize) -> bool) -> Option<Vec<usize>> {
        let mut reached = HashMap::from([(from, None)]);
        let mut todo = VecDeque::from([from]);
        while let Some(at) = todo.pop_front() {
            if at == to {
                let back = std::iter::successors(Some(at), |at| reached.get(at).copied().flatten());
                let mut way: Vec<_> = back.collect();
                way.reverse();
                return Some(way);
            }
            for next in self.before(at).filter(|next| inside(*next)) {
                reached.entry(next).or_insert_with(|| {
                    todo.push_back(next);
                    Some(at)
                });
            }
        }
        None
    }

    /// The beads of a way that leads from its last point to its first again.
    fn ring(&self, way: &[usize]) -> Ring<'a> {
        let points = way.iter().filter_map(|n| self.points.get(*n).copied());
        let then = points.clone().cycle().skip(1);
        let step = |((id, from), (next, to)): (Point<'a>, Point<'a>)| {
            let how = match (from, to) {
                (Moment::First | Moment::Deep, _) => How::Ends,
                (_, Moment::End) => How::Waits,
                (_, Moment::Let) => How::Starts,
                _ => How::Gate,
            };
            (id != next || to == Moment::End).then_some((id, how))
        };
        points.zip(then).filter_map(step).collect()
    }

    /// The shortest ring of a knot that goes through its oldest bead.
    fn shortest(&self, knot: &[usize], age: &HashMap<&str, usize>) -> Option<Ring<'a>> {
        let inside: HashSet<_> = knot.iter().copied().collect();
        let id = |n: &usize| self.points.get(*n).map_or("", |point| point.0);
        let oldest = knot.iter().map(id).min_by_key(|id| age.get(id))?;
        let mut ways = Vec::new();
        for start in knot.iter().copied().filter(|n| id(n) == oldest) {
            for next in self.before(start).filter(|next| inside.contains(next)) {
                let mut way = self.way(next, start, &|at| inside.contains(&at))?;
                way.rotate_right(1);
                ways.push(way);
            }
        }
        let mut ring = self.ring(&ways.into_iter().min_by_key(Vec::len)?);
        let first = ring.iter().position(|(id, _)| *id == oldest)?;
        ring.rotate_left(first);
        Some(ring)
    }
}

/// The ring that comes about where beads say this of others, and that is not there now.
pub fn closed<'a>(now: &Sight<'a>, then: &Sight<'a>, changed: &[&'a str]) -> Option<Ring<'a>> {
    let stuck = Stuck::of(then, changed.iter().copied());
    for (n, point) in stuck.points.iter().enumerate().filter(|(n, _)| stuck.stays(*n)) {
        let known = now.before(*point);
        let is_new = |at: &usize| stuck.points.get(*at).is_some_and(|it| !known.contains(it));
        let back = |at: usize| stuck.way(at, n, &|_| true);
        if let Some(mut way) = stuck.before(n).filter(is_new).find_map(back) {
            way.rotate_right(1);
            return Some(stuck.ring(&way));
        }
    }
    None
}

fn all_stuck(beads: &Beads) -> Stuck<'_> {
    // Whoever is in a ring or behind one says something of another, or a child says that it is one.
    let mut starts = Vec::new();
    for row in beads.not_closed() {
        let edges = row.face().edges.into_iter();
        let ends = edges.filter(|(kind, _)| Link::new(*kind).orders()).map(|(_, to)| to);
        starts.extend(ends.flat_map(|to| [row.key(), to]));
    }
    Stuck::of(&Sight::of(beads), starts.into_iter())
}

/// Every bead whose turn never comes: in a ring, or behind one.
pub fn stuck(beads: &Beads) -> HashSet<&str> {
    let stuck = all_stuck(beads);
    let points = stuck.points.iter().enumerate().filter(|(n, _)| stuck.stays(*n));
    points.filter(|(_, (_, moment))| *moment == Moment::End).map(|(_, (id, _))| *id).collect()
}

/// Beads that wait for themselves: of each knot one ring, the shortest through its oldest bead.
pub fn all(beads: &Beads) -> Vec<Ring<'_>> {
    let stuck = all_stuck(beads);
    let left: Vec<_> = (0..stuck.points.len()).filter(|n| stuck.stays(*n)).collect();
    if left.is_empty() {
        return Vec::new();
    }
    let places: HashMap<_, _> = left.iter().enumerate().map(|(at, n)| (*n, at)).collect();
    let mut pairs = Vec::new();
    for (at, n) in left.iter().enumerate() {
        pairs.extend(stuck.before(*n).filter_map(|before| Some((*places.get(&before)?, at))));
    }
    let age: HashMap<_, _> =
        beads.not_closed().enumerate().map(|(at, row)| (row.key(), at)).collect();
    let mut rings = Vec::new();
    for knot in components(left.len(), &pairs) {
        let knot: Vec<_> = knot.iter().filter_map(|at| left.get(*at).copied()).collect();
        rings.extend(stuck.shortest(&knot, &age));
    }
    rings.sort_unstable_by_key(|ring| ring.first().and_then(|(id, _)| age.get(id)));
    rings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Event};
    use crate::bead::web::tests::{chained, reach};
    use proptest::prelude::*;

    fn rings(beads: &Beads) -> Vec<String> {
        all(beads).iter().map(|ring| told(ring, &|id| id.to_owned()).join("; ")).collect()
    }

    #[test]
    fn each_knot_is_told_by_one_ring() {
        for (pairs, told) in [
            (&[(0, 1), (1, 2)][..], &[][..]),
            (&[(0, 1), (1, 0)], &["b-0 -> b-1 -> b-0"]),
            (&[(2, 2)], &["b-2 -> b-2"]),
            // Two rings in one knot: the shorter one. Each waits for the next.
            (&[(0, 1), (1, 2), (2, 0), (2, 3), (3, 0)], &["b-0 -> b-2 -> b-1 -> b-0"]),
            (
                &[(0, 1), (1, 0), (1, 2), (2, 3), (3, 2)],
                &["b-0 -> b-1 -> b-0", "b-2 -> b-3 -> b-2"],
            ),
        ] {
            assert_eq!(rings(&chained(4, pairs)), told, "{pairs:?}");
        }
        let mut all = chained(2, &[(0, 1), (1, 0)]);
        drink(&mut all, "b-0", "jane", &Event::Closed(Closed::default()));
        assert!(rings(&all).is_empty(), "nobody waits for what is closed");
    }

    #[test]
    fn a_parent_ends_after_its_children_and_may_wait_for_them() {
        let (below, after, gate) =
            (|id| (Link::PARENT_CHILD, id), |id| (Link::BLOCKS, id), |id| (Link::WAITS_FOR, id));
        let told: &[(&str, &[(Link, &str)])] = &[
            ("a", &[]),
            ("child", &[below("a"), after("a")]),
            ("p", &[below("q")]),
            ("q", &[below("p")]),
            ("epic", &[after("part"), after("other"), gate("epic")]),
            ("part", &[below("epic")]),
            ("other", &[below("epic"), after("part")]),
            ("e", &[]),
            ("e1", &[below("e"), gate("e")]),
            ("x", &[after("y")]),
            ("x1", &[below("x")]),
            ("y", &[after("x1")]),
        ];
        let mut all = beads(told);
        assert_eq!(
            rings(&all),
            [
                "a -> child -> a; a ends only after its child child",
                "p -> q -> p; p ends only after its child q; q ends only after its child p",
                "e -> e1 -> e; e ends only after its child e1; e1 waits for the children of e",
                "x -> y -> x1 -> x; x1 starts no sooner than its parent x",
            ]
        );
        let mut behind: Vec<_> = stuck(&all).into_iter().collect();
        behind.sort_unstable();
        assert_eq!(behind, ["a", "child", "e", "e1", "p", "q", "x", "x1", "y"]);
        drink(&mut all, "child", "jane", &Event::Closed(Closed::default()));
        assert_eq!(rings(&all).len(), 3);
    }

    #[test]
    fn large_graphs_take_no_deep_stack_and_no_long_time() {
        let ring: Vec<_> = (0..10_000).map(|n| (n, (n + 1) % 10_000)).collect();
        assert_eq!(all(&chained(10_000, &ring))[0].len(), 10_000);
        let chain: Vec<_> = (1..50_000).map(|n| (n - 1, n)).collect();
        assert!(all(&chained(50_000, &chain)).is_empty());
        let star: Vec<_> = (1..100_000).map(|n| (0, n)).collect();
        assert!(all(&chained(100_000, &star)).is_empty());
    }

    fn closable(all: &Beads) -> Option<&str> {
        let sight = Sight::of(all);
        let mut ids = all.not_closed().map(|row| row.key());
        ids.find(|id| sight.blockers(id).is_empty() && sight.before((id, Moment::Deep)).is_empty())
    }

    /// Closes whatever can start and has no open child, until nothing is left that can.
    fn worked_off(mut all: Beads) -> Vec<String> {
        while let Some(next) = closable(&all).map(str::to_owned) {
            drink(&mut all, &next, "jane", &Event::Closed(Closed::default()));
        }
        let mut left: Vec<_> = all.not_closed().map(|row| row.key().to_owned()).collect();
        left.sort_unstable();
        left
    }

    proptest! {
        #[test]
        fn rings_are_found_where_there_are_any(
            pairs in proptest::collection::vec((0usize..9, 0usize..9), 0..18),
        ) {
            let reach = reach(9, &pairs);
            let beads = chained(9, &pairs);
            let mut heads: Vec<_> = (0..9).filter(|n| reach[*n][*n]).collect();
            heads.retain(|n| !(0..*n).any(|other| reach[*n][other] && reach[other][*n]));
            let heads: Vec<_> = heads.into_iter().map(|n| format!("b-{n}")).collect();
            let rings = all(&beads);
            let found: Vec<_> = rings.iter().map(|ring| ring[0].0.to_owned()).collect();
            prop_assert_eq!(found, heads, "one for each knot, and it begins with the oldest");
            for ring in rings {
                let n = |id: &str| id[2..].parse::<usize>().unwrap();
                for ((after, _), (before, _)) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                    prop_assert!(pairs.contains(&(n(before), n(after))));
                }
            }
        }

        /// Any graph at all: what is said never to end is what is left when all else is done.
        #[test]
        fn what_can_never_be_closed_is_in_a_ring_or_behind_one(
            ties in proptest::collection::vec((0usize..7, 0usize..7, 0usize..4), 0..12),
        ) {
            let names: Vec<_> = (0..7).map(|n| format!("b-{n}")).collect();
            let mut links = vec![Vec::new(); 7];
            for (on, from, kind) in &ties {
                let has_parent = links[*from].iter().any(|(kind, _)| *kind == Link::PARENT_CHILD);
                let kind = match kind {
                    0 | 1 if !has_parent => Link::PARENT_CHILD,
                    2 => Link::WAITS_FOR,
                    _ => Link::BLOCKS,
                };
                links[*from].push((kind, names[*on].as_str()));
            }
            let told = names.iter().zip(&links).map(|(name, links)| (name.as_str(), &links[..]));
            let told: Vec<_> = told.collect();
            let beads = beads(&told);
            let mut said: Vec<_> = stuck(&beads).into_iter().map(str::to_owned).collect();
            said.sort_unstable();
            prop_assert_eq!(all(&beads).is_empty(), said.is_empty());
            prop_assert_eq!(said, worked_off(beads));
        }
    }
}
