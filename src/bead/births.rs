//! Records that have one id and are about several beads: which has the plain name, and how the others are
//! called. Pure.

use crate::bead::event::Told;
use crate::bead::{Bead, Beads};
use crate::ledger::Json;

/// A record, and where it was read.
#[derive(Debug)]
pub struct Incoming {
    pub line: usize,
    pub told: Told,
}

/// The records of one id, by the beads that they are about, and the id of each. Which of them has the
/// plain one is the same in whatever order they stand: unless it is taken the oldest.
pub(super) fn births<'a>(
    beads: &Beads,
    id: &str,
    records: &[&'a Incoming],
) -> Vec<(String, Vec<&'a Incoming>)> {
    let born = records.iter().enumerate();
    let mut born: Vec<_> =
        born.map(|(n, record)| (Bead::told(id, &record.told), (n, *record))).collect();
    born.sort_by_cached_key(|(bead, _)| {
        let (at, by) = (bead.created_at.clone(), bead.created_by.clone());
        // Who is known best goes first: of the others it is told whose states they may be.
        (at.is_empty(), by.is_empty(), at, by)
    });
    let mut found: Vec<(Bead, Vec<(usize, &'a Incoming)>)> = Vec::new();
    for (bead, record) in born {
        match found.iter_mut().find(|(known, _)| !known.is_other(&bead)) {
            Some((_, states)) => states.push(record),
            None => found.push((bead, vec![record])),
        }
    }
    let known = beads.row(id).map(|row| row.read());
    let first = |bead: &Bead| known.as_ref().is_none_or(|known| !known.is_other(bead));
    let plain = found.iter().position(|(bead, _)| first(bead));
    let named = found.into_iter().enumerate().map(|(at, (bead, mut states))| {
        let key = if plain == Some(at) { id.to_owned() } else { bead.by_birth().id };
        states.sort_unstable_by_key(|(n, _)| *n);
        (key, states.into_iter().map(|(_, state)| state).collect())
    });
    named.collect()
}

pub(super) fn id_of(told: &Told) -> &str {
    told.record.get("id").and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::bead::intake::tests::{incoming, write};
    use crate::bead::intake::{Plan, plan};
    use crate::bead::unite::tests::at;

    proptest! {
        /// Whatever the order of the lines and whoever hears first: as many beads as there are births.
        #[test]
        fn no_clone_makes_a_bead_more_of_an_id_that_was_given_twice(
            one in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle(),
            other in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle(),
            known in prop::option::of(0..6usize),
            first in prop::collection::vec(any::<bool>(), 24),
        ) {
            let records: Vec<_> = (0..6).map(|n| json!({"id": "bd-1", "title": format!("{}", n % 3),
                "created_at": at(n % 3), "created_by": "x", "updated_at": at(10 + n)})).collect();
            let lines = |order: &[usize], known: Option<usize>| {
                let (mut beads, mut lines) = (Beads::default(), Vec::new());
                let known: Vec<_> = known.into_iter().collect();
                for file in [known.as_slice(), order] {
                    let file: Vec<_> = file.iter().map(|n| records[*n].clone()).collect();
                    let told = plan(&beads, &incoming(&file));
                    lines.extend(told.lines.iter().cloned());
                    write(&mut beads, told);
                }
                (lines, beads)
            };
            let ((mut ours, _), (mut theirs, there)) = (lines(&one, None), lines(&other, known));
            ours.reverse();
            theirs.reverse();
            let mut all = Plan::default();
            for ours_next in first.into_iter().chain([true; 24]) {
                let next = if ours_next { ours.pop() } else { None };
                all.lines.extend(next.or_else(|| theirs.pop()).or_else(|| ours.pop()));
            }
            let mut beads = Beads::default();
            write(&mut beads, all);
            let names = |beads: &Beads| {
                let mut names: Vec<_> = beads.rows().map(|row| row.key().to_owned()).collect();
                names.sort();
                names
            };
            prop_assert_eq!(beads.rows().count(), 3, "{:?}", names(&beads));
            let mut titles: Vec<_> = beads.rows().map(|row| row.whole().title.clone()).collect();
            titles.sort();
            prop_assert_eq!(titles, ["0", "1", "2"]);
            if known.is_none() {
                prop_assert_eq!(names(&beads), names(&there), "named alike by all");
                prop_assert_eq!(&beads.get("bd-1").unwrap().title, "0", "the oldest has the plain name");
            }
        }
    }
}
