//! What can be started now, best first. Pure.

use crate::bead::beads::{Bead, Beads};
use crate::bead::event::Status;
use crate::bead::graph::Blocked;

/// Types that are records of the machinery and not work to pick up, unless asked for by name.
const NOT_WORK: &[&str] = &["merge-request", "gate", "molecule", "message", "agent", "role", "rig"];

/// Which beads are wanted; an empty field asks nothing.
#[derive(Debug, Default)]
pub struct Wanted {
    pub issue_type: Option<String>,
    pub priority: Option<u8>,
    pub assignee: Option<String>,
    pub unassigned: bool,
    pub labels: Vec<String>,
    pub parent: Option<String>,
}

/// How ready beads are ordered. Ties end with the id, so the order is the same everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Most urgent first, then the newest.
    #[default]
    Priority,
    /// The oldest first.
    Oldest,
}

/// Open, unblocked, unclaimed work. An epic with children is a container, not work.
pub fn ready<'a>(beads: &'a Beads, wanted: &Wanted, order: Order) -> Vec<&'a Bead> {
    let blocked = Blocked::of(beads);
    let mut found: Vec<_> = beads
        .iter()
        .filter(|bead| bead.status == Status::OPEN && bead.claim.is_none())
        .filter(|bead| blocked.by(&bead.id).is_empty())
        .filter(|bead| wanted.issue_type.is_some() || !NOT_WORK.contains(&bead.issue_type.as_str()))
        .filter(|bead| wanted.fits(beads, bead))
        .filter(|bead| bead.issue_type != "epic" || beads.children(&bead.id).next().is_none())
        .collect();
    match order {
        Order::Priority => found.sort_by(|a, b| {
            (a.priority, &b.created_at, &a.id).cmp(&(b.priority, &a.created_at, &b.id))
        }),
        Order::Oldest => found.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id))),
    }
    found
}

impl Wanted {
    pub fn fits(&self, beads: &Beads, bead: &Bead) -> bool {
        self.issue_type.as_ref().is_none_or(|asked| bead.issue_type == *asked)
            && self.priority.is_none_or(|asked| bead.priority == asked)
            && self.assignee.as_ref().is_none_or(|asked| bead.assignee.as_ref() == Some(asked))
            && !(self.unassigned && bead.assignee.is_some())
            && self.labels.iter().all(|label| bead.labels.contains(label))
            && self.parent.as_ref().is_none_or(|asked| below(beads, bead, asked))
    }
}

/// Whether `bead` is a descendant of `ancestor`.
fn below(beads: &Beads, bead: &Bead, ancestor: &str) -> bool {
    let mut at = beads.parent(bead);
    for _ in 0..beads.count() {
        match at {
            Some(parent) if parent.id == ancestor => return true,
            Some(parent) => at = beads.parent(parent),
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Edit, Event, Link};

    fn ids(beads: &Beads) -> Vec<&str> {
        ready(beads, &Wanted::default(), Order::Oldest)
            .iter()
            .map(|bead| bead.id.as_str())
            .collect()
    }

    #[test]
    fn ready_is_open_unclaimed_and_waits_for_nothing() {
        let mut all = beads(&[
            ("b-1", &[]),
            ("b-2", &[(Link::BLOCKS, "b-1")]),
            ("b-3", &[(Link::RELATED, "b-1")]),
            ("b-4", &[(Link::PARENT_CHILD, "b-2")]),
            ("b-5", &[(Link::WAITS_FOR, "b-6")]),
            ("b-6", &[]),
            ("b-7", &[(Link::PARENT_CHILD, "b-6")]),
        ]);
        let epic = Edit { issue_type: Some("epic".to_owned()), ..Edit::default() };
        drink(&mut all, "b-6", "jane", &Event::Edited(epic));
        assert_eq!(ids(&all), ["b-1", "b-3", "b-7"], "b-4 inherits b-2's wait, b-6 is a container");
        drink(&mut all, "b-1", "jane", &Event::Closed(Closed::default()));
        drink(&mut all, "b-7", "jane", &Event::Closed(Closed::default()));
        assert_eq!(ids(&all), ["b-2", "b-3", "b-4", "b-5"]);
        drink(
            &mut all,
            "b-3",
            "x",
            &Event::Claimed { epoch: 1, holder: "x".to_owned(), session: None },
        );
        assert_eq!(ids(&all), ["b-2", "b-4", "b-5"]);
    }
}
