//! What is looked at in many beads? All but their texts, read without reading those.

use serde::Deserialize;

mod saved;

use crate::bead::event::{PARENT, Status};
use crate::bead::fields::Bead;
use crate::ledger::{Kept, Row};

/// The mark of a bead that may hold others up, of one that is closed, and of one that is deleted; and of
/// one that is neither.
pub(super) const LIVE: u8 = 0;
const FREEING: u8 = 1;
pub(super) const CLOSED: u8 = 2;
pub(super) const DELETED: u8 = 3;

/// What is looked at in many beads, without reading their texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face<'a> {
    pub status: &'a str,
    pub priority: u8,
    pub issue_type: &'a str,
    pub assignee: Option<&'a str>,
    pub is_claimed: bool,
    pub created_at: &'a str,
    pub updated_at: &'a str,
    pub defer_until: Option<&'a str>,
    /// Why another tool does not count it among its work.
    pub aside: Option<&'a str>,
    pub labels: Vec<&'a str>,
    /// What it depends on, and how.
    pub edges: Vec<(&'a str, &'a str)>,
}

/// The texts of a bead: the first of its fields, in their order, so that they can be looked at where it is
/// saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Texts<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    pub design: &'a str,
    pub acceptance_criteria: &'a str,
    pub notes: &'a str,
}

impl<'a> Texts<'a> {
    pub fn of(bead: &'a Bead) -> Self {
        Self {
            id: &bead.id,
            title: &bead.title,
            description: &bead.description,
            design: &bead.design,
            acceptance_criteria: &bead.acceptance_criteria,
            notes: &bead.notes,
        }
    }
}

pub(super) fn is_live(row: &Row<'_, Bead>) -> bool {
    row.mark() == LIVE
}

impl<'a> Face<'a> {
    /// What it says it is a child of; there may be no such bead.
    pub(super) fn parent(&self) -> Option<&'a str> {
        let is_parent = |(kind, _): &&(&str, &str)| *kind == PARENT;
        self.edges.iter().find(is_parent).map(|(_, to)| *to)
    }
}

/// What a bead is a child of by its name, as `bd-1.2` is of `bd-1`. A dot of a prefix says nothing.
fn dotted(id: &str) -> Option<&str> {
    let (above, last) = id.rsplit_once('.')?;
    (!last.contains('-')).then_some(above)
}

/// What a bead depends on, and how. Where nothing else says what it is a child of, its name does.
fn edges(bead: &Bead) -> Vec<(&str, &str)> {
    let said = bead.dependencies.iter();
    let mut all: Vec<_> =
        said.map(|edge| (edge.kind.plain(), edge.depends_on_id.as_str())).collect();
    if !bead.dependencies.iter().any(|edge| edge.kind.is_parent()) {
        all.extend(dotted(&bead.id).map(|above| (PARENT, above)));
    }
    all
}

/// Fields by which another tool sets a bead aside, and what that is called.
const ASIDE: [(&str, &str); 4] = [
    ("pinned", "pinned"),
    ("is_template", "a template"),
    ("ephemeral", EPHEMERAL),
    ("wisp", EPHEMERAL),
];
pub(super) const EPHEMERAL: &str = "ephemeral";

fn aside(bead: &Bead) -> Option<&'static str> {
    let is_so = |name: &str| bead.rest.get(name).is_some_and(|raw| raw.text == "true");
    ASIDE.iter().find(|(name, _)| is_so(name)).map(|(_, called)| *called)
}

impl Kept for Bead {
    type Face<'a> = Face<'a>;

    const OFTEN: u8 = CLOSED;

    fn face(&self) -> Face<'_> {
        Face {
            status: self.status.as_str(),
            priority: self.priority,
            issue_type: &self.issue_type,
            assignee: self.assignee.as_deref(),
            is_claimed: self.claim.is_some(),
            created_at: &self.created_at,
            updated_at: &self.updated_at,
            defer_until: self.defer_until.as_deref(),
            aside: aside(self),
            labels: self.labels.iter().map(String::as_str).collect(),
            edges: edges(self),
        }
    }

    fn write_face(&self, to: &mut Vec<u8>) -> Option<()> {
        saved::write(&self.face(), to)
    }

    fn read_face(saved: &[u8]) -> Option<Face<'_>> {
        saved::read(saved)
    }

    fn mark(&self) -> u8 {
        match self.status.frees() {
            true if self.status == Status::CLOSED => CLOSED,
            true if self.status == Status::TOMBSTONE => DELETED,
            true => FREEING,
            false => LIVE,
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let said = self.dependencies.iter().map(|edge| edge.depends_on_id.as_str());
        said.chain(dotted(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_of_a_bead_begins_with_its_texts() {
        let text = str::to_owned;
        let bead = Bead {
            id: text("b-1"),
            title: text("T"),
            description: text("D"),
            design: text("how"),
            acceptance_criteria: text("A"),
            notes: text("N"),
            ..Bead::default()
        };
        let saved = postcard::to_allocvec(&bead).unwrap();
        assert_eq!(postcard::from_bytes(&saved), Ok(Texts::of(&bead)));
    }
}
