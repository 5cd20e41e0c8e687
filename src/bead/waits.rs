//! What has to have come before a bead may start, and before it may end: the one rule by which work is
//! ready, beads close, rings are found and the longest chain is measured. Pure.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::bead::event::{Link, PARENT};
use crate::bead::face::{CLOSED, DELETED, LIVE};
use crate::bead::fields::{Edge, is_external};
use crate::bead::{Bead, Beads};
use crate::ledger::Row;

/// A moment of a bead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// What it and its parents wait for is over, but for children of their own: its children may start.
    Let,
    /// It may start.
    Free,
    /// The first of its children has ended.
    First,
    /// All its children have ended.
    Deep,
    /// It has ended.
    End,
}

pub type Point<'a> = (&'a str, Moment);
/// What a bead says of others: how, and of which.
pub type Edges<'a> = Vec<(&'a str, &'a str)>;
type Ids<'a> = Rc<[&'a str]>;

/// The beads as they are, or as they would be; remembers what was asked of many.
pub struct Sight<'a> {
    beads: &'a Beads,
    /// This one would be closed.
    done: Option<&'a str>,
    /// These would be open again.
    back: HashSet<&'a str>,
    /// These would say so of others; those that are not there yet would be.
    told: HashMap<&'a str, Edges<'a>>,
    /// Who would be a child of a bead by that.
    below: HashMap<&'a str, Vec<&'a str>>,
    /// The children of a bead that are not over, and those of them that hold others up.
    parts: RefCell<HashMap<&'a str, (Ids<'a>, Ids<'a>)>>,
    /// What keeps the children of a bead from starting.
    lets: RefCell<HashMap<&'a str, Ids<'a>>>,
    /// Beads above which no bead stands twice.
    straight: RefCell<HashSet<&'a str>>,
}

impl<'a> Sight<'a> {
    pub fn of(beads: &'a Beads) -> Self {
        Self::told(beads, Vec::new())
    }

    pub fn done(beads: &'a Beads, id: &'a str) -> Self {
        Self { done: Some(id), ..Self::of(beads) }
    }

    /// With these open again, too.
    pub fn with(self, back: HashSet<&'a str>) -> Self {
        Self { back, ..self }
    }

    /// With these edges instead of those that a bead has.
    pub fn told(beads: &'a Beads, told: Vec<(&'a str, Edges<'a>)>) -> Self {
        let mut below: HashMap<_, Vec<_>> = HashMap::new();
        for (id, edges) in &told {
            for (_, to) in edges.iter().filter(|(kind, _)| *kind == PARENT) {
                below.entry(*to).or_default().push(*id);
            }
        }
        let told = told.into_iter().collect();
        Self {
            beads,
            done: None,
            back: HashSet::new(),
            told,
            below,
            parts: RefCell::default(),
            lets: RefCell::default(),
            straight: RefCell::default(),
        }
    }

    /// What has to have come before this.
    pub fn before(&self, (id, moment): Point<'a>) -> Vec<Point<'a>> {
        let mark = self.mark(id);
        match moment {
            Moment::End if matches!(mark, None | Some(CLOSED | DELETED)) => Vec::new(),
            Moment::End => vec![(id, Moment::Free), (id, Moment::Deep)],
            Moment::Free if mark == Some(LIVE) => {
                let mut all = self.own(id, true);
                all.push((id, Moment::Let));
                all
            }
            Moment::Free => Vec::new(),
            Moment::Let => {
                let mut all = self.own(id, false);
                all.extend(self.over(id).map(|parent| (parent, Moment::Let)));
                all
            }
            Moment::First if self.has_ended_part(id) => Vec::new(),
            Moment::First | Moment::Deep => {
                self.parts(id).0.iter().map(|part| (*part, Moment::End)).collect()
            }
        }
    }

    /// Why nothing can start on a bead: the open beads that it depends on, the open children of a spawner
    /// that it waits for, and whatever its parents wait for in that way, unless that is a part of theirs.
    /// A finished bead waits for nothing.
    pub fn blockers(&self, id: &'a str) -> Vec<&'a str> {
        if self.mark(id) != Some(LIVE) {
            return Vec::new();
        }
        let (inner, outer) = (self.own(id, true), self.lets(id));
        match inner.is_empty() {
            true => outer.to_vec(),
            false => self.ends(&inner, &outer).to_vec(),
        }
    }

    fn mark(&self, id: &str) -> Option<u8> {
        if self.done == Some(id) {
            return Some(CLOSED);
        }
        if self.back.contains(id) {
            return Some(LIVE);
        }
        let known = self.beads.row(id).map(|row| row.mark());
        known.or_else(|| self.told.contains_key(id).then_some(LIVE))
    }

    fn edges(&self, id: &str) -> Edges<'a> {
        let known = || Some(self.beads.row(id)?.face().edges);
        self.told.get(id).cloned().or_else(known).unwrap_or_default()
    }

    fn parent(&self, id: &str) -> Option<&'a str> {
        let (_, parent) = self.edges(id).into_iter().find(|(kind, _)| *kind == PARENT)?;
        self.mark(parent).map(|_| parent)
    }

    /// The parent of which it takes over what that waits for; those of each other take over nothing.
    fn over(&self, id: &'a str) -> Option<&'a str> {
        let parent = self.parent(id)?;
        let (mut way, mut at) = (HashSet::from([id]), Some(parent));
        while let Some(next) = at.filter(|next| !self.straight.borrow().contains(next)) {
            if next == id {
                return None;
            }
            if !way.insert(next) {
                return Some(parent);
            }
            at = self.parent(next);
        }
        self.straight.borrow_mut().extend(way);
        Some(parent)
    }

    fn children(&self, id: &'a str) -> impl Iterator<Item = &'a str> {
        let known = self.beads.children(id).map(|row| row.key());
        let told = self.below.get(id).into_iter().flatten().copied();
        known.filter(|child| !self.told.contains_key(child)).chain(told)
    }

    fn parts(&self, id: &'a str) -> (Ids<'a>, Ids<'a>) {
        if let Some(known) = self.parts.borrow().get(id) {
            return known.clone();
        }
        let is_over = |child: &&str| matches!(self.mark(child), Some(CLOSED | DELETED));
        let open: Ids<'a> = self.children(id).filter(|child| !is_over(child)).collect();
        let is_live = |child: &&&'a str| self.mark(child) == Some(LIVE);
        let both = match open.iter().all(|child| is_live(&child)) {
            true => (open.clone(), open),
            false => (open.clone(), open.iter().filter(is_live).copied().collect()),
        };
        self.parts.borrow_mut().insert(id, both.clone());
        both
    }

    fn has_ended_part(&self, id: &'a str) -> bool {
        self.children(id).any(|child| !matches!(self.mark(child), Some(LIVE | DELETED)))
    }

    /// What its own edges wait for: among what is below it, or elsewhere.
    fn own(&self, id: &'a str, inner: bool) -> Vec<Point<'a>> {
        if self.mark(id) != Some(LIVE) {
            return Vec::new();
        }
        let edges = self.edges(id).into_iter();
        let points = edges.filter_map(|(kind, to)| Some((self.waits(id, kind, to)?, kind)));
        let is_gate = |kind: &str| kind == Link::WAITS_FOR.as_str();
        let is_inner = |to: &str, kind| (is_gate(kind) && to == id) || self.is_below(to, id);
        points.filter(|((to, _), kind)| is_inner(to, kind) == inner).map(|it| it.0).collect()
    }

    /// What one edge waits for, if for anything.
    fn waits(&self, id: &str, kind: &str, to: &'a str) -> Option<Point<'a>> {
        let end = Some((to, Moment::End));
        if kind == Link::WAITS_FOR.as_str() {
            let (_, open) = self.parts(to);
            let moment = if self.one_is_enough(id, to) { Moment::First } else { Moment::Deep };
            return (!open.is_empty()).then_some((to, moment));
        }
        let on_failure = kind == Link::CONDITIONAL_BLOCKS.as_str();
        if !on_failure && kind != Link::BLOCKS.as_str() {
            return None;
        }
        match self.mark(to) {
            _ if is_external(to) => end,
            Some(LIVE) => end,
            Some(CLOSED | DELETED) if on_failure && !self.has_failed(to) => end,
            _ => None,
        }
    }

    /// Whether who waits for the children of a bead waits for the first of them that is done.
    fn one_is_enough(&self, id: &str, spawner: &str) -> bool {
        let of = |edge: &&Edge| edge.kind == Link::WAITS_FOR && edge.depends_on_id == spawner;
        // The metadata of an edge is a text that holds JSON.
        let any = |edge: &Edge| {
            edge.rest.get("metadata").is_some_and(|it| it.text.contains("any-children"))
        };
        let row = self.beads.row(id);
        row.is_some_and(|row| row.whole().dependencies.iter().find(of).is_some_and(any))
    }

    fn has_failed(&self, id: &str) -> bool {
        self.done != Some(id) && self.beads.row(id).is_some_and(|row| has_failed(&row))
    }

    fn is_below(&self, id: &str, above: &str) -> bool {
        let mut seen = HashSet::new();
        let mut at = self.parent(id);
        while let Some(parent) = at.filter(|parent| seen.insert(*parent)) {
            if parent == above {
                return true;
            }
            at = self.parent(parent);
        }
        false
    }

    /// What keeps its children from starting; itself, too, but for what is below it.
    fn lets(&self, id: &'a str) -> Ids<'a> {
        let (mut way, mut at, mut found) = (Vec::new(), Some(id), Ids::from([]));
        while let Some(next) = at {
            if let Some(known) = self.lets.borrow().get(next) {
                found = known.clone();
                break;
            }
            way.push(next);
            at = self.over(next);
        }
        for next in way.into_iter().rev() {
            let own = self.own(next, false);
            if !own.is_empty() {
                found = self.ends(&own, &found);
            }
            self.lets.borrow_mut().insert(next, found.clone());
        }
        found
    }

    /// The beads that are to end before this, and these others.
    fn ends(&self, points: &[Point<'a>], others: &Ids<'a>) -> Ids<'a> {
        if let ([(spawner, Moment::Deep)], []) = (points, &**others) {
            return self.parts(spawner).1;
        }
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for (id, moment) in points {
            match moment {
                Moment::End => found.push(*id),
                Moment::First if self.has_ended_part(id) => {}
                _ => found.extend(self.parts(id).1.iter()),
            }
        }
        found.extend(others.iter());
        found.retain(|id| seen.insert(*id));
        found.into()
    }
}

/// Words of a reason that tell of a failure wherever they stand, and those that do so at its beginning.
const FAILED: &[&str] = &[
    "fail",
    "fails",
    "failed",
    "failure",
    "rejected",
    "wontfix",
    "won't",
    "canceled",
    "cancelled",
    "abandoned",
    "aborted",
    "timeout",
];
const FAILED_FIRST: &[&str] = &["error", "blocked"];

/// Whether a bead was closed because it came to nothing.
fn has_failed(row: &Row<'_, Bead>) -> bool {
    let reason = row.read().close_reason.unwrap_or_default().to_lowercase();
    let mut words = reason.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.clone().next().is_some_and(|first| FAILED_FIRST.contains(&first))
        || words.any(|word| FAILED.contains(&word))
}

/// Whether `id` is above this bead.
pub fn is_under(beads: &Beads, row: &Row<'_, Bead>, id: &str) -> bool {
    Sight::of(beads).is_below(row.key(), id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;
    use crate::bead::change::{create, link, move_to};
    use crate::bead::event::{New, NewLink};

    #[test]
    fn a_parent_ends_after_its_children_so_they_do_not_wait_for_it() {
        let (below, after, gate) = (Link::PARENT_CHILD, Link::BLOCKS, Link::WAITS_FOR);
        let all = beads(&[
            ("a", &[]),
            ("c", &[(below.clone(), "a")]),
            ("d", &[(below.clone(), "c")]),
            ("l", &[(after.clone(), "a")]),
            ("m", &[(below.clone(), "l")]),
            ("free", &[]),
        ]);
        for (from, to, kind, is_refused) in [
            ("c", "a", &after, true),
            ("d", "a", &after, true),
            ("c", "a", &gate, true),
            ("l", "a", &below, true),
            ("c", "m", &after, true),
            ("c", "l", &after, true),
            ("a", "d", &below, true),
            ("a", "c", &after, false),
            ("m", "c", &after, false),
            ("d", "free", &after, false),
            ("free", "a", &gate, false),
            ("free", "c", &below, false),
        ] {
            let told = link(&all, all.get(from).unwrap(), all.get(to).unwrap(), kind.clone());
            assert_eq!(told.is_err(), is_refused, "{from} {to} {kind}");
        }
        let [c, l] = ["c", "l"].map(|id| all.get(id).unwrap());
        assert!(move_to(&all, c, Some(l)).is_ok(), "it is no longer a child of a");
        let made = |links: &[(&Link, &str)]| {
            let links =
                links.iter().map(|(kind, to)| NewLink { to: (*to).into(), kind: (*kind).clone() });
            let new = New { title: "t".to_owned(), links: links.collect(), ..New::default() };
            create(&all, new).is_ok()
        };
        assert!(!made(&[(&below, "a"), (&after, "a")]) && !made(&[(&below, "c"), (&after, "l")]));
        assert!(made(&[(&below, "a"), (&after, "d")]) && made(&[(&below, "l"), (&after, "c")]));
        // Out of its parent, that would wait for it from without.
        let all = beads(&[
            ("x", &[(after.clone(), "d")]),
            ("c", &[(below.clone(), "x")]),
            ("d", &[(below, "x"), (after, "c")]),
            ("y", &[]),
        ]);
        assert!(move_to(&all, all.get("d").unwrap(), all.get("y")).is_err());
    }
}
