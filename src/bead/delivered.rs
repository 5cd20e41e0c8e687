//! Edits of one bead in several clones, however they are delivered: none is lost, and all see one bead.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::bead::event::{Edit, Event, New};
use crate::bead::{Bead, Beads};
use crate::ledger::tests::replicas::Clones;
use crate::ledger::{self, Fold as _, Json};

/// Each sets one thing; the last two put something beside what is there.
const KINDS: usize = 8;

fn edit(kind: usize, value: u8) -> Event {
    let said = format!("v{value}");
    let text = Some(said.clone());
    let set = |key: &str| [(key.to_owned(), Json::from(value))].into();
    Event::Edited(match kind {
        0 => Edit { title: text, ..Edit::default() },
        1 => Edit { notes: text, ..Edit::default() },
        2 => Edit { priority: Some(value % 5), ..Edit::default() },
        3 => Edit { external_ref: text, ..Edit::default() },
        4 => Edit { set_metadata: set("a"), ..Edit::default() },
        5 => Edit { set: [("sender".to_owned(), said.into())].into(), ..Edit::default() },
        6 => return Event::Labeled { add: vec![said], remove: Vec::new() },
        _ => return Event::Commented { text: said },
    })
}

fn holds(bead: &Bead, kind: usize, value: u8) -> bool {
    let text = format!("v{value}");
    match kind {
        0 => bead.title == text,
        1 => bead.notes == text,
        2 => bead.priority == value % 5,
        3 => bead.external_ref == Some(text),
        4 => bead.metadata["a"].text == value.to_string(),
        5 => bead.rest["sender"].json() == text,
        6 => bead.labels.contains(&text),
        _ => bead.comments.iter().any(|said| said.text == text),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever three clones say of one bead and whenever they hear of it: all see one bead, with the
    /// last value of each field in the order of the ledger, and every other value is a line of it.
    #[test]
    fn no_edit_is_lost_however_it_is_delivered(
        steps in proptest::collection::vec((0usize..3, 0usize..3, 0..KINDS, 0u8..9, 0usize..4), 1..40),
        first in 0usize..3,
    ) {
        let mut world = Clones::new(3);
        let mut said = HashMap::new();
        let words = |event: &Event| ledger::word(event).unwrap();
        let (act, with) = words(&Event::Created(New::default()));
        world.write(0, "b-1", 2026, (&act, with));
        (1..3).for_each(|to| world.deliver((0, to), 0));
        for (n, (at, to, kind, value, ago)) in steps.into_iter().enumerate() {
            if at == to {
                let (act, with) = words(&edit(kind, value));
                let year = 2016 + (n as u16 * 7) % 20;
                said.insert(world.write(at, "b-1", year, (&act, with)), (kind, value));
            } else {
                world.deliver((at, to), ago);
            }
        }
        let ends = world.ends(first);
        let seen = ends.iter().map(|lines| {
            let mut beads = Beads::default();
            for line in lines {
                beads.drink(line);
            }
            beads.get("b-1").unwrap().clone()
        });
        let seen: Vec<_> = seen.collect();
        prop_assert!(seen.iter().all(|bead| *bead == seen[0]));
        let told: Vec<_> = ends[0].iter().filter_map(|line| said.get(&line.id)).collect();
        prop_assert_eq!(told.len(), said.len(), "every value is told");
        for kind in 0..KINDS {
            let mut values = told.iter().filter(|(it, _)| *it == kind).map(|(_, value)| *value);
            let stands = |value: u8| holds(&seen[0], kind, value);
            let is_kept = match kind {
                0..6 => values.next_back().is_none_or(stands),
                _ => values.all(stands),
            };
            prop_assert!(is_kept, "{kind}");
        }
    }
}
