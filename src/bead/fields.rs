//! What is a bead made of? All that lines have said of it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::bead::event::{Closed, Landed, Link, Status};
use crate::bead::raw::Fields;

/// A unit of work. Field names are those of beads' JSON, so that output needs no translation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bead {
    pub id: String,
    pub title: String,
    pub description: String,
    pub design: String,
    pub acceptance_criteria: String,
    pub notes: String,
    pub status: Status,
    pub priority: u8,
    pub issue_type: String,
    pub assignee: Option<String>,
    pub owner: String,
    pub labels: Vec<String>,
    pub external_ref: Option<String>,
    pub source_system: Option<String>,
    pub estimated_minutes: Option<u64>,
    /// RFC 3339 in UTC to the millisecond, as all times here: so they are compared as texts.
    pub due_at: Option<String>,
    pub defer_until: Option<String>,
    pub spec_id: String,
    pub metadata: Fields,
    /// What its record in another tool said that has no meaning here.
    pub rest: Fields,
    pub dependencies: Vec<Edge>,
    pub comments: Vec<Comment>,
    pub created_at: String,
    pub created_by: String,
    pub updated_at: String,
    pub updated_by: String,
    pub started_at: Option<String>,
    pub closed_at: Option<String>,
    pub closed_by: Option<String>,
    pub close_reason: Option<String>,
    pub landed: Option<Landed>,
    /// The highest epoch any claim of this bead has had; 0 before the first.
    pub epoch: u64,
    pub claim: Option<Claim>,
    /// Claims of the same epoch, from clones that did not know of this one.
    pub rivals: Vec<Rival>,
    /// Claims that were withdrawn since the last one with a higher epoch.
    pub seconds: Vec<Second>,
    pub close: Option<Close>,
    pub deleted: Option<Deletion>,
    /// Another tool that knows this bead, too.
    pub source: Option<Source>,
    /// The takeover by which the claim stands.
    pub taken: Option<Taken>,
    pub digest: Option<Digest>,
    /// How many lines have changed it since its birth.
    pub lines: u64,
}

impl Bead {
    /// Who has deleted it, here or where it comes from.
    pub fn deletion(&self) -> Option<Deletion> {
        if self.status != Status::TOMBSTONE || self.deleted.is_some() {
            return self.deleted.clone();
        }
        let said =
            |name: &str| self.rest.get(name).and_then(|raw| Some(raw.json().as_str()?.to_owned()));
        let said = |name: &str| said(name).unwrap_or_default();
        let [at, by, reason] = ["deleted_at", "deleted_by", "delete_reason"].map(said);
        Some(Deletion { at, by, reason, ..Deletion::default() })
    }
}

/// What is told of a bead that is long done, in place of its texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Digest {
    pub text: String,
    pub at: String,
    /// How many bytes it stands for.
    pub size: usize,
}

/// Who holds a bead, and since which line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claim {
    /// The line that made it.
    pub id: String,
    pub holder: String,
    pub session: Option<String>,
    pub epoch: u64,
    pub at: String,
    /// Of the line that made it.
    pub clock: u64,
}

/// A claim behind the one that stands, and the close that its holder has written meanwhile: it counts
/// once the claim stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rival {
    pub claim: Claim,
    pub done: Option<Done>,
}

/// A close as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Done {
    pub line: String,
    pub at: String,
    pub by: String,
    pub closed: Closed,
}

/// A claim that came second, and the clone that made it where its withdrawal names that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Second {
    pub claim: Claim,
    pub replica: Option<String>,
}

/// A claim that took over another, and what the bead would be had it never been made: which is what
/// it is again when the shared remote says that the holder lives. Lines that come later are told to both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taken {
    /// The line of the takeover.
    pub(super) id: String,
    pub(super) before: Box<Bead>,
}

/// The close that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Close {
    pub line: String,
    /// The epoch its writer knew of; none for a landing, which no claim takes over.
    pub epoch: Option<u64>,
    /// The claim under which it was done by hand.
    pub under: Option<Claim>,
}

/// What another tool said of a bead last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// When it was changed there, to the nanosecond.
    pub at: String,
    pub from: String,
    /// The bead was made here, and the other tool had it from us.
    pub ours: bool,
    /// The order of its fields, where that is not the usual one.
    pub order: Vec<String>,
    /// Fields as they were written there, where we would write them otherwise; empty where we would and
    /// they were not there.
    pub said: Fields,
    /// What it said of what was changed here since.
    pub before: IndexMap<String, Before>,
}

/// What the other tool said last, none if nothing, and when it was changed here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Before {
    pub value: Option<String>,
    pub at: String,
}

/// Who has deleted a bead, and by which line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deletion {
    pub line: String,
    pub at: String,
    pub by: String,
    pub reason: String,
    /// None where its line does not say.
    pub(super) known: Option<Known>,
}

/// What who deleted a bead knew of it, and what it would be had that never been done. Lines that come
/// later are told to both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    pub epoch: u64,
    pub claim: Option<String>,
    pub close: Option<String>,
    pub before: Box<Bead>,
}

impl Known {
    /// Whether a claim or a close stands that was not known of.
    pub(super) fn is_outdone(&self) -> bool {
        let claim = self.before.claim.as_ref().filter(|claim| claim.epoch >= self.epoch);
        let close = self.before.close.as_ref();
        claim.is_some_and(|claim| self.claim.as_ref() != Some(&claim.id))
            || close.is_some_and(|close| self.close.as_ref() != Some(&close.line))
    }
}

/// `issue_id` depends on `depends_on_id`. Kept with the dependent bead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub issue_id: String,
    pub depends_on_id: String,
    #[serde(rename = "type")]
    pub kind: Link,
    pub created_at: String,
    pub created_by: String,
    /// What another tool said of it beside that.
    #[serde(default)]
    pub rest: Fields,
}

/// What another project is to do. This ledger does not hear when that is done: whoever does takes the
/// edge away.
const EXTERNAL: &str = "external:";

/// Whether that names what another project is to do.
pub fn is_external(id: &str) -> bool {
    id.starts_with(EXTERNAL)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub id: String,
    pub issue_id: String,
    pub author: String,
    pub text: String,
    pub created_at: String,
    #[serde(default)]
    pub rest: Fields,
}
