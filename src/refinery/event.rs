//! The words this room writes into the ledger. The subject of most is an entry (`main#42`); of a
//! baseline and of a foreign landing it is the target (`main`).

use serde::{Deserialize, Serialize};

use crate::git::Oid;
use crate::refinery::rejection::Rejection;
use crate::refinery::verdict::Verdict;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The target as it was when the queue first heard of it: nothing before it is the queue's.
    #[serde(rename = "refinery.baseline")]
    Baseline { tip: Oid },
    #[serde(rename = "refinery.queued")]
    Queued(Queued),
    /// The evidence: which tree was tested, by which gates, with which outcome.
    #[serde(rename = "refinery.tested")]
    Tested(Tested),
    /// The target is about to move. Without an outcome after it, recovery finds out what happened.
    #[serde(rename = "refinery.intent")]
    Intent(Intent),
    #[serde(rename = "refinery.landed")]
    Landed(Landed),
    /// The intent came to nothing; the entry waits again.
    #[serde(rename = "refinery.aborted")]
    Aborted { reason: String },
    #[serde(rename = "refinery.rejected")]
    Rejected(Box<Rejection>),
    /// The entry waits for a person, and nobody says that the change is bad.
    #[serde(rename = "refinery.held")]
    Held(Held),
    #[serde(rename = "refinery.retried")]
    Retried {},
    /// A person has read what the change would have run and said yes to exactly that.
    #[serde(rename = "refinery.approved")]
    Approved { surface: String },
    #[serde(rename = "refinery.withdrawn")]
    Withdrawn { reason: String },
    /// The target moved, and not by us.
    #[serde(rename = "refinery.foreign")]
    Foreign(Foreign),
}

/// A commit asks to land. The line's `by` is who submitted it, its `owner` who answers for that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    pub commit: Oid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bead: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The line of the claim under which it was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// The target's tip the candidate was built on; the gates are those of its `shopfloor.toml`.
    pub base: Oid,
    pub candidate: Oid,
    pub tree: Oid,
    pub gates: Vec<Ran>,
}

/// One gate and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    pub gate: String,
    pub command: String,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    pub ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub old: Oid,
    pub new: Oid,
    pub tree: Oid,
    /// The author of record: an agent with its owner, or a person.
    pub author: String,
    /// The listed overseer who submitted what an unlisted person wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    pub submitted: Oid,
    /// What the target moved to; the submitted commit is it or one of its ancestors.
    pub commit: Oid,
    pub author: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub why: Hold,
    pub said: String,
    /// What would be executed after this landing, where that is the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<String>,
}

/// What an entry is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// A gate could not be started, or the machine ended it.
    Infra,
    /// The change alters the commands of `shopfloor.toml`.
    Surface,
    /// The target itself does not pass this gate, after a landing that was not ours.
    Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    pub old: Oid,
    pub new: Oid,
    pub tree: Oid,
    /// The gates of the old tip, run on the new one.
    pub gates: Vec<Ran>,
    /// The old tip is not an ancestor of the new one: history was rewritten.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rewound: bool,
}
