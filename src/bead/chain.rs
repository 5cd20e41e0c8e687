//! Which beads have to be done one after the other, so that nothing is done sooner than they are? Pure.

use std::collections::{HashMap, HashSet};

use crate::bead::waits::{Moment, Sight};
use crate::bead::web::{Web, farthest};

/// What is to be known of a bead.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weight {
    /// It may hold others up.
    pub is_open: bool,
    pub minutes: Option<u64>,
}

/// The longest chain of open beads of which each can start when the one before it is closed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chain {
    pub beads: Vec<usize>,
    /// In minutes where each bead has an estimate, else a count of beads.
    pub total: u64,
    pub in_minutes: bool,
    /// So many open beads have no estimate.
    pub unestimated: usize,
}

/// The moments of a bead, and their place among them.
const MOMENTS: [Moment; 5] = [Moment::Let, Moment::Free, Moment::First, Moment::Deep, Moment::End];
const END: usize = 4;

fn at(bead: usize, moment: Moment) -> usize {
    bead * MOMENTS.len() + MOMENTS.iter().position(|it| *it == moment).unwrap_or(END)
}

/// The longest chain there is, or that leads to one of these. What has children takes as long as they do.
pub fn longest<'a>(sight: &Sight<'a>, web: &Web<'a>, weights: &[Weight], to: &[usize]) -> Chain {
    let weight = |n: usize| weights.get(n).copied().unwrap_or_default();
    let open: Vec<_> = (0..web.rows.len()).filter(|n| weight(*n).is_open).collect();
    let key = |n: usize| Some(web.rows.get(n)?.key());
    let places: HashMap<_, _> = open.iter().filter_map(|n| Some((key(*n)?, *n))).collect();
    let mut pairs = Vec::new();
    let mut parents = HashSet::new();
    for (id, n) in open.iter().filter_map(|n| Some((key(*n)?, *n))) {
        for moment in MOMENTS {
            let before = sight.before((id, moment)).into_iter();
            for (first, then) in before.filter_map(|(id, then)| Some((*places.get(id)?, then))) {
                pairs.push((at(first, then), at(n, moment)));
                if moment == Moment::Deep {
                    parents.insert(n);
                }
            }
        }
    }
    // What is tied to nothing is in no chain, and says nothing about how to weigh one.
    let tied = web.tied();
    let counts = |n: &usize| web.ties.is_empty() || tied.get(*n) == Some(&true);
    let work = open.iter().filter(|n| !parents.contains(*n) && counts(n));
    let unestimated = work.filter(|n| weight(**n).minutes.is_none()).count();
    let in_minutes = unestimated == 0 && !open.is_empty();
    let long = |from: usize, there: usize| {
        let n = from / MOMENTS.len();
        if from != at(n, Moment::Free) || there != at(n, Moment::End) || parents.contains(&n) {
            return 0;
        }
        if in_minutes { weight(n).minutes.unwrap_or(0) } else { 1 }
    };
    let far = farthest(web.rows.len() * MOMENTS.len(), &pairs, &long);
    let end = |n: usize| far.get(at(n, Moment::End)).map_or(0, |far| far.0);
    let ends = open.iter().copied().filter(|n| to.is_empty() || to.contains(n));
    // Of equals the first.
    let Some(last) = ends.rev().max_by_key(|n| end(*n)) else { return Chain::default() };
    let way = std::iter::successors(Some(at(last, Moment::End)), |at| far.get(*at)?.1);
    let ends = way.filter(|at| at % MOMENTS.len() == END);
    let mut beads: Vec<_> = ends.map(|at| at / MOMENTS.len()).collect();
    beads.reverse();
    Chain { beads, total: end(last), in_minutes, unestimated }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;
    use crate::bead::event::Link;
    use crate::bead::web::tests::chained;
    use proptest::prelude::*;

    fn told(
        links: &[(&str, &[(Link, &str)])],
        minutes: &[Option<u64>],
        to: &[usize],
    ) -> (Vec<String>, u64) {
        let all = beads(links);
        let web = Web::open(&all);
        let weights: Vec<_> =
            minutes.iter().map(|minutes| Weight { is_open: true, minutes: *minutes }).collect();
        let chain = longest(&Sight::of(&all), &web, &weights, to);
        let key = |n: &usize| web.rows[*n].key().to_owned();
        (chain.beads.iter().map(key).collect(), chain.total)
    }

    #[test]
    fn the_longest_chain_is_weighed_by_minutes_where_all_have_some() {
        let after = |on| (Link::BLOCKS, on);
        let links: &[(&str, &[(Link, &str)])] = &[
            ("a", &[]),
            ("b", &[after("a")]),
            ("c", &[after("b")]),
            ("long", &[]),
            ("end", &[after("long")]),
        ];
        let all = |minutes: [u64; 5]| minutes.map(Some);
        let by = |minutes: &[Option<u64>], to: &[usize]| told(links, minutes, to);
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(by(&[None; 5], &[]), (ids(&["a", "b", "c"]), 3));
        assert_eq!(by(&all([10, 10, 10, 90, 5]), &[]), (ids(&["long", "end"]), 95));
        assert_eq!(by(&all([10, 10, 10, 90, 5]), &[1]), (ids(&["a", "b"]), 20));
        let mut some = all([10, 10, 10, 90, 5]);
        some[0] = None;
        assert_eq!(by(&some, &[]), (ids(&["a", "b", "c"]), 3), "one has no estimate");
        let loose: &[(&str, &[(Link, &str)])] = &[("a", &[]), ("b", &[after("a")]), ("loose", &[])];
        let minutes = [Some(7), Some(7), None];
        assert_eq!(told(loose, &minutes, &[]), (ids(&["a", "b"]), 14), "it is in no chain");
        assert_eq!(told(&loose[..1], &minutes[..1], &[]), (ids(&["a"]), 7));
    }

    #[test]
    fn an_epic_takes_as_long_as_its_children() {
        let after = |on| (Link::BLOCKS, on);
        let below = |on| (Link::PARENT_CHILD, on);
        let links: &[(&str, &[(Link, &str)])] = &[
            ("design", &[]),
            ("epic", &[after("design")]),
            ("one", &[below("epic")]),
            ("two", &[below("epic"), after("one")]),
            ("release", &[after("epic")]),
            ("party", &[(Link::WAITS_FOR, "epic")]),
        ];
        let (ids, total) = told(links, &[None; 6], &[]);
        assert_eq!((ids.join(" "), total), ("design one two epic release".to_owned(), 4));
        let (ids, total) = told(links, &[None; 6], &[5]);
        assert_eq!((ids.join(" "), total), ("design one two party".to_owned(), 4));
    }

    proptest! {
        #[test]
        fn no_chain_is_longer(
            pairs in proptest::collection::vec((0usize..8, 0usize..8), 0..14),
            minutes in proptest::collection::vec(1u64..9, 8),
        ) {
            let up: Vec<_> = pairs.iter().filter(|(a, b)| a != b).map(|(a, b)| (*a.min(b), *a.max(b))).collect();
            let all = chained(8, &up);
            let open = |minutes: &u64| Weight { is_open: true, minutes: Some(*minutes) };
            let chain = longest(&Sight::of(&all), &Web::open(&all), &minutes.iter().map(open).collect::<Vec<_>>(), &[]);
            // Each is after those before it only, so one round from the first to the last is enough.
            let mut best = minutes.clone();
            for n in 0..8 {
                let before = up.iter().filter(|(_, after)| *after == n).map(|(before, _)| best[*before]);
                best[n] = minutes[n] + before.max().unwrap_or(0);
            }
            prop_assert_eq!(chain.total, best.into_iter().max().unwrap());
            prop_assert_eq!(chain.total, chain.beads.iter().map(|n| minutes[*n]).sum::<u64>());
            for pair in chain.beads.windows(2) {
                prop_assert!(up.contains(&(pair[0], pair[1])));
            }
        }
    }
}
