//! The words this room writes into the ledger, and nothing else does.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub(super) use crate::bead::kind::PARENT;
pub use crate::bead::kind::{Link, Status};
use crate::bead::raw::{Fields, Raw};
use crate::ledger::Json;

/// One action on one bead. The bead is the subject of the line, never part of the words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    #[serde(rename = "bead.created")]
    Created(New),
    #[serde(rename = "bead.edited")]
    Edited(Edit),
    /// Exclusive from here on. `epoch` is one more than any claim before it.
    #[serde(rename = "bead.claimed")]
    Claimed {
        epoch: u64,
        holder: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
    /// Taken over from a holder of whom nothing was heard for the length of a lease. Exclusive as a
    /// claim is.
    #[serde(rename = "bead.taken")]
    Taken {
        epoch: u64,
        holder: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
        /// The line of the claim that this ends.
        claim: String,
        /// The last line of its holder that was heard: if the shared remote has later ones, the holder
        /// lives and this never stood. None where an overseer decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heard: Option<String>,
    },
    /// The holder of this claim is at work.
    #[serde(rename = "bead.renewed")]
    Renewed { epoch: u64, claim: String },
    /// The claim of this epoch is over, and the bead is open again.
    #[serde(rename = "bead.released")]
    Released {
        epoch: u64,
        reason: String,
        /// The line that made it, since two clones may have written one with the same epoch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<String>,
    },
    /// The claim that this line made never stood: somebody else's was first at the shared remote.
    #[serde(rename = "bead.withdrawn")]
    Withdrawn {
        epoch: u64,
        claim: String,
        reason: String,
        /// The clone that made it: it may act under the name of the holder, and is not the holder.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replica: Option<String>,
    },
    #[serde(rename = "bead.closed")]
    Closed(Closed),
    #[serde(rename = "bead.reopened")]
    Reopened {
        reason: String,
        /// The line of the close, or of the deletion, that this takes back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        close: Option<String>,
    },
    /// It is in nobody's way any more. Only opening it again takes that back.
    #[serde(rename = "bead.deleted")]
    Deleted(Deleted),
    /// What is told of a closed bead from now on in place of its texts, which had so many bytes. Whatever
    /// happens to it next takes that back.
    #[serde(rename = "bead.digested")]
    Digested {
        text: String,
        size: usize,
        /// How many lines its writer knew of the bead: where there were more, they are not in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines: Option<u64>,
    },
    #[serde(rename = "bead.commented")]
    Commented { text: String },
    /// Who said it takes it back.
    #[serde(rename = "bead.retracted")]
    Retracted {
        /// The line of the comment.
        comment: String,
    },
    #[serde(rename = "bead.linked")]
    Linked { to: String, kind: Link },
    #[serde(rename = "bead.unlinked")]
    Unlinked { to: String, kind: Link },
    #[serde(rename = "bead.labeled")]
    Labeled {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        add: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<String>,
    },
    /// What another tool says of a bead: shown, and evidence of nothing.
    #[serde(rename = "import.bead")]
    Told(Box<Told>),
}

/// What stood in a file beside the beads: kept, so that it can be given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Beside {
    #[serde(rename = "import.memory")]
    Memory(Raw),
    #[serde(rename = "import.other")]
    Other(Raw),
}

/// The record that another tool has of a bead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// When it was changed there last, by what that tool says.
    pub at: String,
    pub from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The commit whose file has it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Its fields in their order, where that is not the usual one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    pub record: IndexMap<String, Json>,
    /// Fields that are kept as the text they were, since JSON would not give them back, or no line
    /// takes them.
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub rest: Fields,
    /// The same for single keys of the metadata.
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub metadata: Fields,
    /// It goes on with a record that was too long for one line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Where it goes on: how many comments like each of its own the record has before that; none where
    /// no other has its author and its time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub echoes: Vec<Option<usize>>,
}

impl Event {
    pub fn is_claim(&self) -> bool {
        matches!(self, Self::Claimed { .. } | Self::Taken { .. })
    }

    pub fn ends_claim(&self) -> bool {
        matches!(self, Self::Released { .. })
    }

    /// Whether it says who holds a bead, or that it is done.
    pub(super) fn is_of_claims(&self) -> bool {
        matches!(
            self,
            Self::Claimed { .. }
                | Self::Taken { .. }
                | Self::Released { .. }
                | Self::Withdrawn { .. }
                | Self::Closed(_)
                | Self::Reopened { .. }
                | Self::Deleted(_)
        )
    }
}

/// What is said of a question that people keep under a name, which is the subject of the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewEvent {
    #[serde(rename = "view.kept")]
    Kept { query: String },
    #[serde(rename = "view.forgotten")]
    Forgotten,
}

/// What is said of something that is remembered under a key, which is the subject of the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemoryEvent {
    #[serde(rename = "memory.kept")]
    Kept { text: String },
    #[serde(rename = "memory.forgotten")]
    Forgotten,
}

/// What a bead starts with. Links are part of its birth, so a bead is never seen without them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct New {
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub design: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub acceptance_criteria: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    pub priority: u8,
    pub issue_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_until: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub spec_id: String,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub metadata: IndexMap<String, Json>,
    /// Fields that have no place of their own here, by the names that beads gives them.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub set: IndexMap<String, Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<NewLink>,
}

/// A link a bead is born with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLink {
    pub to: String,
    pub kind: Link,
}

/// Fields that change; absent ones stay. An empty text clears the field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub design: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance_criteria: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub append_notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_id: Option<String>,
    /// Each key for itself: who sets one leaves the others alone.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub set_metadata: IndexMap<String, Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unset_metadata: Vec<String>,
    /// Other fields, by the names that beads gives them; null clears one.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub set: IndexMap<String, Json>,
}

impl Edit {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a bead ended: by its holder with a reason, for somebody, or by a landing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Closed {
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The line of the claim under which it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landed: Option<Landed>,
}

/// Why nobody wants a bead, and what was known of it: none in lines from before that was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deleted {
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The line of the claim that it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The line of the close that stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<String>,
}

/// The landing that closed a bead: queue entry, the commit as submitted, and as it landed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    pub entry: String,
    pub submitted: String,
    pub commit: String,
}
