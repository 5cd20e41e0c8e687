//! What can be started now, best first. Pure.

use crate::bead::event::Status;
use crate::bead::face::Face;
use crate::bead::graph::blockers;
use crate::bead::{Bead, Beads};
use crate::ledger::Row;

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
    /// Nothing that is put off beyond this moment, or whose parent is.
    pub now: Option<String>,
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

/// Open, unblocked, unclaimed work, ordered as [`sorted`] does. An epic with children is a container,
/// not work.
pub fn ready<'a>(beads: &'a Beads, wanted: &Wanted, order: (Order, usize)) -> Vec<Row<'a, Bead>> {
    let free = beads.live().map(|row| (row, row.face()));
    let found = free
        .filter(|(_, face)| face.status == Status::OPEN.as_str() && !face.is_claimed)
        .filter(|(row, face)| face.edges.is_empty() || blockers(beads, row.key()).is_empty())
        .filter(|(_, face)| wanted.issue_type.is_some() || !NOT_WORK.contains(&face.issue_type))
        .filter(|(_, face)| wanted.fits(beads, face) && !wanted.is_deferred(beads, face))
        .filter(|(row, face)| {
            face.issue_type != "epic" || beads.children(row.key()).next().is_none()
        });
    sorted(found.map(|(row, face)| (face.priority, face.created_at, row)), order)
}

/// Rows with priority and time of creation, in an order that depends on nothing else; only so many of
/// them, if not 0: in front of the others, which have none. Whoever shows ten of many thousands does not
/// sort them all.
pub fn sorted<'a, T: Ord>(
    found: impl Iterator<Item = (u8, T, Row<'a, Bead>)>,
    (order, first): (Order, usize),
) -> Vec<Row<'a, Bead>> {
    type Place<'a, T> = (u8, T, &'a str, Row<'a, Bead>);
    let by = |a: &Place<'_, T>, b: &Place<'_, T>| match order {
        Order::Priority => (a.0, &b.1, a.2).cmp(&(b.0, &a.1, b.2)),
        Order::Oldest => (&a.1, a.2).cmp(&(&b.1, b.2)),
    };
    let mut found: Vec<Place<'a, T>> =
        found.map(|(priority, created, row)| (priority, created, row.key(), row)).collect();
    let shown = if (1..found.len()).contains(&first) {
        found.select_nth_unstable_by(first, by).0
    } else {
        found.as_mut_slice()
    };
    shown.sort_unstable_by(by);
    found.into_iter().map(|(.., row)| row).collect()
}

impl Wanted {
    pub fn fits(&self, beads: &Beads, face: &Face<'_>) -> bool {
        self.issue_type.as_ref().is_none_or(|asked| face.issue_type == *asked)
            && self.priority.is_none_or(|asked| face.priority == asked)
            && self.assignee.as_ref().is_none_or(|asked| face.assignee == Some(asked))
            && !(self.unassigned && face.assignee.is_some())
            && self.labels.iter().all(|label| face.labels.contains(&label.as_str()))
            && self.parent.as_ref().is_none_or(|asked| below(beads, face, asked))
    }

    fn is_deferred(&self, beads: &Beads, face: &Face<'_>) -> bool {
        let Some(now) = &self.now else { return false };
        let later = |face: &Face<'_>| face.defer_until.is_some_and(|until| until > now.as_str());
        later(face)
            || face.parent().and_then(|parent| beads.row(parent)).is_some_and(|row| row.look(later))
    }
}

/// Whether a bead is a descendant of `ancestor`.
fn below(beads: &Beads, face: &Face<'_>, ancestor: &str) -> bool {
    let mut at = face.parent();
    for _ in 0..beads.count() {
        match at {
            Some(parent) if parent == ancestor => return true,
            Some(parent) => at = beads.row(parent).and_then(|row| row.face().parent()),
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
        ready(beads, &Wanted::default(), (Order::Oldest, 0)).iter().map(|row| row.key()).collect()
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

    #[test]
    fn what_is_put_off_is_not_ready_before_its_time_nor_are_its_children() {
        let mut all = beads(&[
            ("b-1", &[]),
            ("b-2", &[(Link::PARENT_CHILD, "b-1")]),
            ("b-3", &[(Link::PARENT_CHILD, "b-2")]),
        ]);
        let until = Some("2026-11-22T00:00:00.000Z".to_owned());
        let edit = Edit { defer_until: until, ..Edit::default() };
        drink(&mut all, "b-1", "jane", &Event::Edited(edit));
        let at = |now: Option<&str>| {
            let wanted = Wanted { now: now.map(str::to_owned), ..Wanted::default() };
            let found = ready(&all, &wanted, (Order::Oldest, 0));
            found.iter().map(|row| row.key().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(at(Some("2026-11-21T23:59:59.999Z")), ["b-3"], "one step down, as in beads");
        assert_eq!(at(Some("2026-11-22T00:00:00.000Z")).len(), 3);
        assert_eq!(at(None).len(), 3);
    }

    #[test]
    fn the_first_of_many_are_the_same_however_many_are_asked_for() {
        let names: Vec<_> = (0..40).map(|n| format!("b-{:02}", n * 7 % 40)).collect();
        let told: Vec<(&str, &[(Link, &str)])> =
            names.iter().map(|n| (n.as_str(), [].as_slice())).collect();
        let all = beads(&told);
        let first = |first: usize| {
            let rows = ready(&all, &Wanted::default(), (Order::Priority, first));
            assert_eq!(rows.len(), names.len());
            rows.iter().map(|row| row.key().to_owned()).collect::<Vec<_>>()
        };
        for count in [1, 2, 39, 40, 41] {
            let shown = count.min(names.len());
            assert_eq!(first(count)[..shown], first(0)[..shown], "{count}");
        }
    }
}
