//! How far is what consists of other beads? Pure.

use crate::bead::event::Status;
use crate::bead::face::{CLOSED, DELETED};
use crate::bead::{Bead, Beads};
use crate::ledger::Row;

/// An epic that is not closed, and what is below it.
pub struct Epic<'a> {
    pub row: Row<'a, Bead>,
    pub children: usize,
    pub closed: usize,
}

impl<'a> Epic<'a> {
    fn of(beads: &'a Beads, row: Row<'a, Bead>) -> Self {
        let marks = beads.children(row.key()).map(|child| child.mark());
        let marks: Vec<_> = marks.filter(|mark| *mark != DELETED).collect();
        let closed = marks.iter().filter(|mark| **mark == CLOSED).count();
        Self { row, children: marks.len(), closed }
    }

    /// Nothing below it is left to do.
    pub fn is_done(&self) -> bool {
        self.children > 0 && self.children == self.closed
    }
}

/// Every epic that is not closed, the oldest first.
pub fn epics(beads: &Beads) -> impl Iterator<Item = Epic<'_>> {
    let is_epic = |row: &Row<'_, Bead>| row.look(|face| face.issue_type == "epic");
    beads.not_closed().filter(is_epic).map(|row| Epic::of(beads, row))
}

/// The bead of which this was the last open child: an epic, or whatever else consists of others.
pub fn ended_by<'a>(beads: &'a Beads, bead: &Bead) -> Option<Row<'a, Bead>> {
    let over = [Status::CLOSED.as_str(), Status::TOMBSTONE.as_str()];
    let open = |row: &Row<'_, Bead>| row.look(|face| !over.contains(&face.status));
    let parent = beads.parent(bead).filter(open)?;
    let epic = Epic::of(beads, beads.row(parent.key())?);
    epic.is_done().then_some(epic.row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Deleted, Edit, Event, Link};

    #[test]
    fn an_epic_is_done_when_all_its_children_are() {
        let below = |id| (Link::PARENT_CHILD, id);
        let mut all = beads(&[("e", &[]), ("a", &[below("e")]), ("b", &[below("e")]), ("f", &[])]);
        for id in ["e", "f"] {
            let epic = Edit { issue_type: Some("epic".to_owned()), ..Edit::default() };
            drink(&mut all, id, "jane", &Event::Edited(epic));
        }
        let told = |all: &Beads| -> Vec<_> {
            let all = epics(all);
            all.map(|epic| (epic.row.key().to_owned(), epic.closed, epic.children)).collect()
        };
        let state =
            |closed, children| vec![("e".to_owned(), closed, children), ("f".to_owned(), 0, 0)];
        assert_eq!(told(&all), state(0, 2));
        drink(&mut all, "a", "jane", &Event::Closed(Closed::default()));
        assert_eq!(told(&all), state(1, 2));
        assert!(ended_by(&all, all.get("a").unwrap()).is_none(), "b is open");
        drink(&mut all, "b", "jane", &Event::Deleted(Deleted::default()));
        assert_eq!(told(&all), state(1, 1), "what is deleted is no work");
        assert_eq!(ended_by(&all, all.get("a").unwrap()).unwrap().key(), "e");
        drink(&mut all, "e", "jane", &Event::Closed(Closed::default()));
        assert!(ended_by(&all, all.get("a").unwrap()).is_none());
    }
}
