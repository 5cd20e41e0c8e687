//! What holds beads up, what a close would free, and where to begin. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::bead::event::{Link, Status};
use crate::bead::face::is_live;
use crate::bead::waits::{Moment, Sight, is_under};
use crate::bead::{Bead, Beads};
use crate::ledger::Row;

/// Why nothing can start on a bead.
pub fn blockers<'a>(beads: &'a Beads, id: &'a str) -> Vec<&'a str> {
    Sight::of(beads).blockers(id)
}

/// What can start now that `id` is closed, and could not before.
pub fn freed<'a>(beads: &'a Beads, id: &'a str) -> Vec<Row<'a, Bead>> {
    let (mut found, now) = (waiting(beads, id), Sight::of(beads));
    found.retain(|row| now.blockers(row.key()).is_empty());
    found
}

/// What could start if `id` were closed, and cannot now; nothing while its children keep it open.
pub fn frees<'a>(beads: &'a Beads, id: &'a str) -> Vec<Row<'a, Bead>> {
    let (now, then) = (Sight::of(beads), Sight::done(beads, id));
    let is_open = beads.row(id).is_some_and(|row| is_live(&row));
    if !is_open || !now.before((id, Moment::Deep)).is_empty() {
        return Vec::new();
    }
    let mut found = waiting(beads, id);
    found.retain(|row| !now.blockers(row.key()).is_empty() && then.blockers(row.key()).is_empty());
    found
}

/// What is open and waits for `id` itself, and what is below that.
fn waiting<'a>(beads: &'a Beads, id: &'a str) -> Vec<Row<'a, Bead>> {
    let mut found: Vec<_> = after(beads, id).collect();
    let mut seen: HashSet<_> = found.iter().map(|row| row.key()).chain([id]).collect();
    let mut at = 0;
    while let Some(row) = found.get(at) {
        found.extend(beads.children(row.key()).filter(|child| seen.insert(child.key())));
        at += 1;
    }
    found.retain(|row| row.look(|face| face.status == Status::OPEN.as_str()));
    found
}

/// Those that an edge keeps from starting before `id` is closed.
fn after<'a>(beads: &'a Beads, id: &'a str) -> impl Iterator<Item = Row<'a, Bead>> {
    let gated = beads.row(id).and_then(|row| beads.above(&row.face()));
    let gated = gated.into_iter().flat_map(|spawner| tied(beads, spawner, is_gate));
    let all = tied(beads, id, Link::blocks).chain(gated);
    let mut seen = HashSet::from([id]);
    all.filter(move |row| is_live(row) && seen.insert(row.key()))
}

fn is_gate(kind: &Link) -> bool {
    *kind == Link::WAITS_FOR
}

/// Those with such an edge to `id`.
fn tied<'a>(
    beads: &'a Beads,
    id: &'a str,
    is: fn(&Link) -> bool,
) -> impl Iterator<Item = Row<'a, Bead>> {
    let fits = move |(kind, to): &(&str, &str)| *to == id && is(&Link::new(*kind));
    beads.naming(id).filter(move |row| row.face().edges.iter().any(fits))
}

/// How many beads cannot start before `id` is closed, directly or because of what they wait for.
pub fn behind(beads: &Beads, id: &str) -> usize {
    if !beads.row(id).is_some_and(|row| is_live(&row)) {
        return 0;
    }
    let (mut waiting, mut gates) = (HashSet::new(), HashSet::new());
    // Beads that end no sooner, and whether they start no sooner either.
    let mut next = VecDeque::from([(id, false)]);
    let mut ending = HashSet::from([id]);
    while let Some((at, starts)) = next.pop_front() {
        let parent = beads.row(at).and_then(|row| beads.above(&row.face()));
        // Many are children of one, and who waits for them does so once.
        let gate = parent.filter(|parent| gates.insert(*parent));
        let gated = gate.into_iter().flat_map(|spawner| tied(beads, spawner, is_gate));
        let inner = starts.then(|| beads.children(at)).into_iter().flatten();
        let all = tied(beads, at, Link::blocks).chain(gated).chain(inner);
        for row in all.filter(|row| is_live(row) && row.key() != id) {
            if waiting.insert(row.key()) {
                ending.insert(row.key());
                // What waits for a part of its own keeps no other part from starting.
                let own = beads.row(at).is_some_and(|part| is_under(beads, &part, row.key()));
                next.push_back((row.key(), !own));
            }
        }
        // Its parent ends after it.
        let parent = parent.and_then(|parent| beads.row(parent));
        if let Some(parent) = parent.filter(is_live).filter(|parent| ending.insert(parent.key())) {
            next.push_back((parent.key(), false));
        }
    }
    waiting.len()
}

/// What to begin with so that a bead can end one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin<'a> {
    /// This can be started, and without it the other cannot end.
    With(&'a str),
    /// It comes down to this, which waits for nothing here and cannot be started.
    Stops(&'a str),
    /// A ring is in the way.
    Round,
}

/// Where to begin so that what is blocked can start one day: remembers what it was asked, so that many
/// beads at the end of one chain cost no more than the chain.
pub struct Beginnings<'a, 'c> {
    beads: &'a Beads,
    sight: &'c Sight<'a>,
    can_start: &'c dyn Fn(&'a str) -> bool,
    known: HashMap<&'a str, Begin<'a>>,
}

impl<'a, 'c> Beginnings<'a, 'c> {
    pub fn new(
        beads: &'a Beads,
        sight: &'c Sight<'a>,
        can_start: &'c dyn Fn(&'a str) -> bool,
    ) -> Self {
        Self { beads, sight, can_start, known: HashMap::new() }
    }

    pub fn of(&mut self, id: &'a str) -> Begin<'a> {
        let (mut way, mut next) = (Vec::new(), Some(id));
        loop {
            let mut found = next.and_then(|next| self.known.get(next).copied());
            if let (Some(next), None) = (next, found) {
                // Whoever comes by here again goes round in a ring.
                self.known.insert(next, Begin::Round);
                let first = self.first(next);
                found = first.is_empty().then(|| self.leaf(next));
                way.push((next, first.into_iter(), found));
            }
            // What one of those that are first has told counts for what comes after it.
            let Some((at, left, best)) = way.last_mut() else {
                return found.unwrap_or(Begin::Round);
            };
            *best = match (*best, found) {
                (Some(Begin::Stops(_)) | None, Some(found)) => Some(found),
                (Some(Begin::Round), Some(with @ Begin::With(_))) => Some(with),
                (best, _) => best,
            };
            next = if matches!(best, Some(Begin::With(_))) { None } else { left.next() };
            if next.is_none() {
                let done = best.unwrap_or(Begin::Round);
                self.known.insert(at, done);
                next = Some(at);
                way.pop();
            }
        }
    }

    /// What is to end before it.
    fn first(&self, id: &'a str) -> Vec<&'a str> {
        let blockers = self.sight.blockers(id);
        if !blockers.is_empty() {
            return blockers;
        }
        self.beads.children(id).filter(is_live).map(|child| child.key()).collect()
    }

    fn leaf(&self, id: &'a str) -> Begin<'a> {
        if (self.can_start)(id) { Begin::With(id) } else { Begin::Stops(id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Event};
    use crate::bead::web::tests::chained;
    use proptest::prelude::*;

    fn keys<'a>(rows: &[Row<'a, Bead>]) -> Vec<&'a str> {
        rows.iter().map(|row| row.key()).collect()
    }

    #[test]
    fn a_close_frees_what_waits_for_nothing_else() {
        let after = |on| (Link::BLOCKS, on);
        let all = beads(&[
            ("a", &[]),
            ("b", &[after("a")]),
            ("c", &[after("a"), after("b")]),
            ("epic", &[after("a")]),
            ("child", &[(Link::PARENT_CHILD, "epic")]),
            ("later", &[after("epic")]),
            ("gate", &[(Link::WAITS_FOR, "epic")]),
            ("friend", &[(Link::RELATED, "a")]),
        ]);
        for (id, frees_now, in_all) in [
            ("a", &["b", "epic", "child"][..], 6),
            ("b", &[], 1),
            ("c", &[], 0),
            ("child", &["gate"], 2),
            // Its child keeps it open.
            ("epic", &[], 1),
            ("friend", &[], 0),
        ] {
            assert_eq!(keys(&frees(&all, id)), frees_now, "{id}");
            assert_eq!(behind(&all, id), in_all, "{id}");
        }
    }

    #[test]
    fn one_knows_where_to_begin() {
        let (after, external) = (|on| (Link::BLOCKS, on), "external:api:login");
        let all = beads(&[
            ("a", &[]),
            ("b", &[after("a")]),
            ("c", &[after("b")]),
            ("epic", &[]),
            ("child", &[(Link::PARENT_CHILD, "epic")]),
            ("d", &[after("epic")]),
            ("x", &[after("y")]),
            ("y", &[after("x")]),
            ("z", &[after("x")]),
            ("e", &[after(external)]),
            ("held", &[]),
            ("f", &[after("held")]),
            ("g", &[after("f"), after("b")]),
            ("h", &[after("f"), after("x")]),
        ]);
        let (sight, can) = (Sight::of(&all), |id: &str| !["held", external].contains(&id));
        let mut beginnings = Beginnings::new(&all, &sight, &can);
        for (id, begin) in [
            ("c", Begin::With("a")),
            ("b", Begin::With("a")),
            ("a", Begin::With("a")),
            ("d", Begin::With("child")),
            ("z", Begin::Round),
            ("x", Begin::Round),
            ("e", Begin::Stops(external)),
            ("f", Begin::Stops("held")),
            ("g", Begin::With("a")),
            ("h", Begin::Round),
        ] {
            assert_eq!(beginnings.of(id), begin, "{id}");
        }
    }

    #[test]
    fn what_is_large_is_seen_in_no_long_time() {
        let chain: Vec<_> = (1..4_000).map(|n| (n - 1, n)).collect();
        let deep = chained(4_000, &chain);
        assert_eq!((frees(&deep, "b-0").len(), behind(&deep, "b-0")), (1, 3_999));
        let sight = Sight::of(&deep);
        let mut beginnings = Beginnings::new(&deep, &sight, &|_| true);
        let mut rows = deep.live().map(|row| beginnings.of(row.key()));
        assert!(rows.all(|begin| begin == Begin::With("b-0")));
        let nested: Vec<_> = (0..3_000).map(|n| format!("n-{n}")).collect();
        let links: Vec<_> = nested.iter().map(|id| [(Link::PARENT_CHILD, id.as_str())]).collect();
        let above = |n: usize| n.checked_sub(1).map_or(&[][..], |above| &links[above][..]);
        let told = nested.iter().enumerate().map(|(n, id)| (id.as_str(), above(n)));
        let all = beads(&told.collect::<Vec<_>>());
        let sight = Sight::of(&all);
        assert!(all.live().all(|row| sight.blockers(row.key()).is_empty()));
        let star: Vec<_> = (1..4_000).map(|n| (0, n)).collect();
        let wide = chained(4_000, &star);
        assert_eq!((frees(&wide, "b-0").len(), behind(&wide, "b-0")), (3_999, 3_999));
        let gathered: Vec<_> = (1..5_000).map(|n| (n, 0)).collect();
        let all = chained(5_000, &gathered);
        assert_eq!((blockers(&all, "b-0").len(), behind(&all, "b-7")), (4_999, 1));
        // An epic of many children that waits.
        let names: Vec<_> = (0..4_000).map(|n| format!("c-{n}")).collect();
        let below = [(Link::PARENT_CHILD, "epic")];
        let waits = [(Link::BLOCKS, "first")];
        let children = names.iter().map(|name| (name.as_str(), &below[..]));
        let told = [("first", &[][..]), ("epic", &waits[..])].into_iter().chain(children);
        let all = beads(&told.collect::<Vec<_>>());
        assert_eq!((frees(&all, "first").len(), behind(&all, "first")), (4_001, 4_001));
    }

    proptest! {
        /// Any graph without rings: what a close is said to free is what it does free.
        #[test]
        fn what_is_said_to_be_freed_is(
            pairs in proptest::collection::vec((0usize..8, 0usize..8, 0usize..4), 0..16),
            closing in 0usize..8,
        ) {
            let names: Vec<_> = (0..8).map(|n| format!("b-{n}")).collect();
            let mut links = vec![Vec::new(); 8];
            for (one, other, kind) in pairs.iter().filter(|(one, other, _)| one != other) {
                let (before, after) = (one.min(other), one.max(other));
                let has_parent = links[*after].iter().any(|(kind, _)| *kind == Link::PARENT_CHILD);
                let kind = match kind {
                    0 if !has_parent => Link::PARENT_CHILD,
                    1 => Link::WAITS_FOR,
                    _ => Link::BLOCKS,
                };
                links[*after].push((kind, names[*before].as_str()));
            }
            let told = names.iter().zip(&links).map(|(name, links)| (name.as_str(), &links[..]));
            let mut all = beads(&told.collect::<Vec<_>>());
            let id = names[closing].as_str();
            // What has open children is not closed before they are.
            prop_assume!(all.children(id).next().is_none());
            let can_start = |all: &Beads| -> Vec<_> {
                let free = |row: &Row<'_, Bead>| blockers(all, row.key()).is_empty();
                all.live().filter(free).map(|row| row.key().to_owned()).collect()
            };
            let before = can_start(&all);
            let mut said: Vec<_> = keys(&frees(&all, id)).into_iter().map(str::to_owned).collect();
            drink(&mut all, id, "jane", &Event::Closed(Closed::default()));
            let mut came = can_start(&all);
            came.retain(|name| !before.contains(name));
            said.sort();
            came.sort();
            prop_assert_eq!(said, came);
        }
    }
}
