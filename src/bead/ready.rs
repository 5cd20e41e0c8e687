//! What can be started now, best first, and why the rest cannot. Pure.

use std::collections::HashSet;

use anyhow::Result;

use crate::bead::event::Status;
use crate::bead::face::{CLOSED, DELETED, EPHEMERAL, Face, is_live};
use crate::bead::filter::{Cond, Seen};
use crate::bead::order::{Order, sorted};
use crate::bead::waits::Sight;
use crate::bead::{Bead, Beads};
use crate::ledger::Row;

/// Types that are records of the machinery and not work to pick up, unless asked for by name.
const NOT_WORK: &[&str] = &["merge-request", "gate", "molecule", "message", "agent", "role", "rig"];

/// Why nobody can start on a bead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason<'a> {
    /// Somebody has it.
    Held(&'a str),
    /// It is not open but this.
    Status(&'a str),
    /// It is put off until then, or the bead that it is a child of is.
    Deferred(&'a str),
    /// These are to be done first.
    Waits(Vec<&'a str>),
    /// What has open children is done by doing those, so many; an epic with children in any case.
    Children(usize),
    /// A record of the machinery, which is shown when its type is asked for.
    Record(&'a str),
    /// Another tool says that it is pinned, a template or ephemeral.
    Aside(&'a str),
}

/// A bead of which somebody wants to know whether it is ready.
struct Case<'a, 'c> {
    beads: &'a Beads,
    sight: &'c Sight<'a>,
    row: Row<'a, Bead>,
    face: &'c Face<'a>,
    /// What something that is not closed says it is a child of, as far as that is known.
    parents: &'c HashSet<&'a str>,
    call: Call<'c>,
}

/// How somebody asks for work.
#[derive(Clone, Copy)]
pub struct Call<'c> {
    pub wanted: &'c Cond,
    /// What is put off until later than this is not ready; none where that does not matter.
    pub now: Option<&'c str>,
    /// What is ephemeral counts, too.
    pub ephemeral: bool,
}

/// What each may say against a bead, the cheapest first.
const OBJECTIONS: [for<'a, 'c> fn(&Case<'a, 'c>) -> Option<Reason<'a>>; 6] = [
    |case| case.stands(),
    |case| case.is_aside(),
    |case| case.is_record(),
    |case| case.is_deferred(),
    |case| case.waits(),
    |case| case.contains(),
];

impl<'a> Case<'a, '_> {
    fn stands(&self) -> Option<Reason<'a>> {
        let Face { status, assignee, is_claimed, .. } = *self.face;
        match is_claimed {
            true => Some(Reason::Held(assignee.unwrap_or_default())),
            false => (status != Status::OPEN.as_str()).then_some(Reason::Status(status)),
        }
    }

    fn is_record(&self) -> Option<Reason<'a>> {
        let kind = self.face.issue_type;
        let is_record = NOT_WORK.contains(&kind) && !self.call.wanted.asks_for_types();
        is_record.then_some(Reason::Record(kind))
    }

    fn is_aside(&self) -> Option<Reason<'a>> {
        let counts = |why: &&str| self.call.ephemeral && *why == EPHEMERAL;
        self.face.aside.filter(|why| !counts(why)).map(Reason::Aside)
    }

    /// Its own time counts, and that of the bead just above it.
    fn is_deferred(&self) -> Option<Reason<'a>> {
        let now = self.call.now?;
        let later = |until: &Option<&str>| until.is_some_and(|until| until > now);
        let above = || self.beads.over(self.face)?.face().defer_until;
        let own = Some(self.face.defer_until).filter(later);
        own.or_else(|| Some(above()).filter(later)).flatten().map(Reason::Deferred)
    }

    fn waits(&self) -> Option<Reason<'a>> {
        let waits = || self.sight.blockers(self.row.key());
        let some = if self.face.edges.is_empty() { Vec::new() } else { waits() };
        (!some.is_empty()).then_some(Reason::Waits(some))
    }

    fn is_wanted(&self) -> bool {
        let ask = |seen: &Seen<'_>| self.call.wanted.fits(self.beads, seen);
        let on_face = ask(&Seen::Face(self.row.key(), self.face));
        on_face.or_else(|| ask(&Seen::Whole(self.row.whole()))) == Some(true)
    }

    fn contains(&self) -> Option<Reason<'a>> {
        let id = self.row.key();
        if self.face.issue_type != "epic" && !self.parents.contains(id) {
            return None;
        }
        let marks = self.beads.children(id).map(|child| child.mark());
        let mut marks = marks.filter(|mark| *mark != DELETED).peekable();
        marks.peek()?;
        Some(Reason::Children(marks.filter(|mark| *mark != CLOSED).count()))
    }
}

/// Open, unblocked, unclaimed work that is asked for, in this order.
pub fn ready<'a>(
    beads: &'a Beads,
    call: Call<'_>,
    order: &Order,
    first: usize,
) -> Vec<Row<'a, Bead>> {
    ready_beside(beads, call, order, first, &mut |_| {})
}

/// The same, and on the way all that somebody holds.
pub fn ready_beside<'a>(
    beads: &'a Beads,
    call: Call<'_>,
    order: &Order,
    first: usize,
    held: &mut dyn FnMut(Row<'a, Bead>),
) -> Vec<Row<'a, Bead>> {
    let (mut found, sight) = (Vec::new(), Sight::of(beads));
    // What is a parent of something open is known once all was seen: asking of each would cost more.
    let (mut parents, unknown) = (HashSet::new(), HashSet::new());
    let mut last = None;
    for row in beads.not_closed() {
        let face = row.face();
        let parent = face.parent();
        if parent != last {
            parents.extend(parent);
            last = parent;
        }
        if !is_live(&row) {
            continue;
        }
        if face.is_claimed {
            held(row);
        }
        let case = Case { beads, sight: &sight, row, face: &face, parents: &unknown, call };
        let objects = || OBJECTIONS.iter().any(|says| says(&case).is_some());
        if case.stands().is_none() && case.is_wanted() && !objects() {
            found.push((order.place(&Seen::Face(row.key(), &face)), row));
        }
    }
    found.retain(|(_, row)| !parents.contains(row.key()));
    sorted(found, false, first)
}

/// All that is in the way of one bead, whoever asks.
pub fn reasons<'a>(
    (beads, sight): (&'a Beads, &Sight<'a>),
    row: Row<'a, Bead>,
    now: &str,
) -> Vec<Reason<'a>> {
    let (face, wanted) = (row.face(), Cond::every());
    let call = Call { wanted: &wanted, now: Some(now), ephemeral: false };
    let open = beads.children(row.key()).find(|child| !matches!(child.mark(), CLOSED | DELETED));
    let parents = open.map(|_| row.key()).into_iter().collect();
    let case = Case { beads, sight, row, face: &face, parents: &parents, call };
    OBJECTIONS.iter().filter_map(|says| says(&case)).collect()
}

/// Each bead that is asked for and not ready, with all that is in its way.
pub fn unready<'a>(
    beads: &'a Beads,
    call: Call<'_>,
    tell: &mut dyn FnMut(Row<'a, Bead>, Vec<Reason<'a>>) -> Result<()>,
) -> Result<()> {
    let sight = Sight::of(beads);
    let parents = beads.not_closed().filter_map(|row| row.face().parent()).collect();
    for row in beads.not_closed() {
        let face = row.face();
        let case = Case { beads, sight: &sight, row, face: &face, parents: &parents, call };
        if case.is_wanted() {
            let reasons: Vec<_> = OBJECTIONS.iter().filter_map(|says| says(&case)).collect();
            if !reasons.is_empty() {
                tell(row, reasons)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Edit, Event, Link};
    use crate::bead::web::Web;

    fn ids_at(beads: &Beads, now: Option<&str>) -> Vec<String> {
        let call = Call { wanted: &Cond::every(), now, ephemeral: false };
        let found = ready(beads, call, &Order::Oldest, 0);
        found.iter().map(|row| row.key().to_owned()).collect()
    }

    fn ids(beads: &Beads) -> Vec<String> {
        ids_at(beads, None)
    }

    fn reasons(beads: &Beads, id: &str) -> Vec<String> {
        let mut said = Vec::new();
        let now = Some("2026-11-21T23:59:59.999Z");
        let call = Call { wanted: &Cond::every(), now, ephemeral: false };
        unready(beads, call, &mut |row, reasons| {
            if row.key() == id {
                said.extend(reasons.iter().map(|reason| format!("{reason:?}")));
            }
            Ok(())
        })
        .unwrap();
        said
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
        assert_eq!(reasons(&all, "b-4"), ["Waits([\"b-1\"])"]);
        assert_eq!(reasons(&all, "b-6"), ["Children(1)"]);
        drink(&mut all, "b-1", "jane", &Event::Closed(Closed::default()));
        drink(&mut all, "b-7", "jane", &Event::Closed(Closed::default()));
        assert_eq!(ids(&all), ["b-3", "b-4", "b-5"], "b-2 has an open child");
        assert_eq!(reasons(&all, "b-6"), ["Children(0)"]);
        let claimed = Event::Claimed { epoch: 1, holder: "x".to_owned(), session: None };
        drink(&mut all, "b-3", "x", &claimed);
        assert_eq!(ids(&all), ["b-4", "b-5"]);
        assert_eq!(reasons(&all, "b-3"), ["Held(\"x\")"]);
        assert_eq!(reasons(&all, "b-2"), ["Children(1)"]);
        assert_eq!(reasons(&all, "b-4"), Vec::<String>::new());
    }

    #[test]
    fn what_has_open_children_is_not_ready_whatever_its_type() {
        let below = |id| [(Link::PARENT_CHILD, id)];
        let mut all = beads(&[("f", &[]), ("k", &below("f")), ("l", &below("f"))]);
        let pinned = Edit { status: Some(Status::PINNED), ..Edit::default() };
        let steps = [
            ("l", Event::Edited(pinned), &["k"][..], "[\"Children(2)\"]"),
            ("k", Event::Closed(Closed::default()), &[], "[\"Children(1)\"]"),
            ("l", Event::Closed(Closed::default()), &["f"], "[]"),
        ];
        assert_eq!(ids(&all), ["k", "l"]);
        for (id, event, ready, why) in steps {
            drink(&mut all, id, "jane", &event);
            assert_eq!(ids(&all), ready, "{id}");
            assert_eq!(format!("{:?}", reasons(&all, "f")), why, "{id}");
        }
    }

    #[test]
    fn what_is_put_off_is_not_ready_before_its_time_nor_are_its_children() {
        let mut all = beads(&[
            ("b-1", &[]),
            ("b-2", &[(Link::PARENT_CHILD, "b-1")]),
            ("b-3", &[(Link::PARENT_CHILD, "b-2")]),
            ("b-4", &[(Link::PARENT_CHILD, "b-1")]),
        ]);
        let until = Some("2026-11-22T00:00:00.000Z".to_owned());
        let edit = Edit { defer_until: until, ..Edit::default() };
        drink(&mut all, "b-1", "jane", &Event::Edited(edit));
        let early = ids_at(&all, Some("2026-11-21T23:59:59.999Z"));
        assert_eq!(early, ["b-3"], "one step down, as in beads");
        assert_eq!(ids_at(&all, Some("2026-11-22T00:00:00.000Z")), ["b-3", "b-4"]);
        assert_eq!(ids(&all), ["b-3", "b-4"]);
        assert_eq!(reasons(&all, "b-4"), ["Deferred(\"2026-11-22T00:00:00.000Z\")"]);
    }

    #[test]
    fn who_waits_for_a_failure_starts_when_it_came() {
        let on = |closed: Option<&str>| {
            let mut all = beads(&[("b-1", &[]), ("b-2", &[(Link::CONDITIONAL_BLOCKS, "b-1")])]);
            if let Some(reason) = closed {
                let closed = Closed { reason: reason.to_owned(), ..Closed::default() };
                drink(&mut all, "b-1", "jane", &Event::Closed(closed));
            }
            ids(&all).contains(&"b-2".to_owned())
        };
        for (reason, starts) in [
            (None, false),
            (Some("done"), false),
            (Some("landed as 26e9f5771a86"), false),
            (Some("fixed the error"), false),
            (Some("unblocked and done"), false),
            (Some("Failed: out of memory"), true),
            (Some("the build failed"), true),
            (Some("won't fix"), true),
            (Some("wontfix"), true),
            (Some("Cancelled."), true),
            (Some("error: no such file"), true),
            (Some("blocked by the vendor"), true),
            (Some("gave up after a timeout"), true),
        ] {
            assert_eq!(on(reason), starts, "{reason:?}");
        }
    }

    #[test]
    fn what_is_named_as_a_child_is_one_everywhere() {
        let low_line = [(Link::new("parent_child"), "b-1")];
        let mut all = beads(&[
            ("b-1", &[(Link::BLOCKS, "b-2")]),
            ("b-1.1", &[]),
            ("b-1.2", &[(Link::PARENT_CHILD, "b-2")]),
            ("b-2", &[]),
            ("b-3", &low_line),
            ("b-4", &[(Link::WAITS_FOR, "b-1")]),
            ("v1.2-a", &[]),
            ("b-9.1", &[]),
        ]);
        let epic = Edit { issue_type: Some("epic".to_owned()), ..Edit::default() };
        drink(&mut all, "b-1", "jane", &Event::Edited(epic));
        let below = |all: &Beads, id: &str| -> Vec<_> {
            all.children(id).map(|row| row.key().to_owned()).collect()
        };
        assert_eq!(below(&all, "b-1"), ["b-1.1", "b-3"], "b-1.2 says that it is another's");
        assert_eq!(below(&all, "b-2"), ["b-1.2"]);
        let parent = |id: &str| all.parent(all.get(id).unwrap()).map(|row| row.key());
        assert_eq!((parent("b-1.1"), parent("v1.2-a"), parent("b-9.1")), (Some("b-1"), None, None));
        assert_eq!(reasons(&all, "b-1.1"), ["Waits([\"b-2\"])"]);
        assert_eq!(reasons(&all, "b-4"), ["Waits([\"b-1.1\", \"b-3\"])"]);
        let web = Web::open(&all);
        assert_eq!(web.ties.iter().filter(|tie| tie.kind == "parent-child").count(), 3);
        drink(&mut all, "b-2", "jane", &Event::Closed(Closed::default()));
        assert_eq!(reasons(&all, "b-1"), ["Children(2)"]);
    }

    #[test]
    fn what_another_project_is_to_do_holds_up() {
        let all = beads(&[
            ("b-1", &[(Link::BLOCKS, "external:api:login")]),
            ("b-2", &[(Link::BLOCKS, "gone")]),
        ]);
        assert_eq!(ids(&all), ["b-2"]);
        assert_eq!(reasons(&all, "b-1"), ["Waits([\"external:api:login\"])"]);
    }
}
