//! Which beads were meant for a while, and are over? Pure.

use std::collections::HashSet;

use crate::bead::event::Status;
use crate::bead::face::EPHEMERAL;
use crate::bead::{Bead, Beads};
use crate::ledger::Row;

/// All that are closed and ephemeral, but for those that something is left a part of.
pub fn over(beads: &Beads) -> Vec<Row<'_, Bead>> {
    let is_over = |row: &Row<'_, Bead>| {
        let (closed, ephemeral) = (Status::CLOSED, Some(EPHEMERAL));
        row.look(|face| face.status == closed.as_str() && face.aside == ephemeral)
    };
    let mut over: Vec<_> = beads.rows().filter(is_over).collect();
    loop {
        let ids: HashSet<_> = over.iter().map(Row::key).collect();
        let goes = |child: Row<'_, Bead>| {
            let deleted = Status::TOMBSTONE;
            ids.contains(child.key()) || child.look(|face| face.status == deleted.as_str())
        };
        let before = over.len();
        let left = over.iter().filter(|row| beads.children(row.key()).all(goes));
        over = left.copied().collect();
        if over.len() == before {
            return over;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Edit, Event, Link};

    #[test]
    fn what_is_over_and_was_meant_for_a_while_goes_unless_something_is_left_of_it() {
        let part = |of| [(Link::PARENT_CHILD, of)];
        let mut all = beads(&[
            ("b-1", &[]),
            ("b-2", &part("b-1")),
            ("b-3", &part("b-2")),
            ("b-4", &[]),
            ("b-5", &part("b-4")),
            ("b-6", &[]),
            ("b-7", &[]),
            ("b-8", &[]),
        ]);
        let set = |all: &mut Beads, id: &str, name: &str| {
            let set = [(name.to_owned(), true.into())].into_iter().collect();
            drink(all, id, "jane", &Event::Edited(Edit { set, ..Edit::default() }));
        };
        for id in ["b-1", "b-2", "b-3", "b-4", "b-5", "b-6", "b-7"] {
            set(&mut all, id, "ephemeral");
        }
        // Another tool pins what is to stay.
        set(&mut all, "b-7", "pinned");
        for id in ["b-1", "b-2", "b-4", "b-5", "b-7", "b-8"] {
            drink(&mut all, id, "jane", &Event::Closed(Closed::default()));
        }
        let gone: Vec<_> = over(&all).iter().map(Row::key).collect();
        assert_eq!(gone, ["b-4", "b-5"], "b-3 is a part of the first two, and open");
    }
}
