//! The words this room writes. A session is the subject of its lines; a letter of its own. What a
//! session does is told on its bead, in the trail.

use serde::{Deserialize, Serialize};

use crate::git::Oid;

/// One kind of line each; `do` names it and `with` is the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    #[serde(rename = "agent.hooked")]
    Hooked(Hooked),
    #[serde(rename = "agent.started")]
    Started(Started),
    #[serde(rename = "agent.ended")]
    Ended(Ended),
    #[serde(rename = "agent.rescued")]
    Rescued(Rescued),
    #[serde(rename = "agent.unhooked")]
    Unhooked(Unhooked),
    #[serde(rename = "mail.sent")]
    Sent(Letter),
    #[serde(rename = "mail.read")]
    Read {},
    /// The words of this session, or of this one line, were taken out of the trail.
    #[serde(rename = "trail.redacted")]
    Redacted(Redaction),
}

/// What a session did: one kind of line of the trail each. Whoever lost his words still tells the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    #[serde(rename = "trail.started")]
    Started(Start),
    #[serde(rename = "trail.edit")]
    Edit(Did),
    #[serde(rename = "trail.command")]
    Command(Did),
    #[serde(rename = "trail.finding")]
    Finding(Did),
    /// With the reason for it.
    #[serde(rename = "trail.decision")]
    Decision(Did),
    #[serde(rename = "trail.commit")]
    Commit(Commit),
    #[serde(rename = "trail.gate")]
    Gate(Gate),
    #[serde(rename = "trail.ended")]
    Ended(Over),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redaction {
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) tool: String,
}

/// One act, as the one who did it tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Did {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// What it was done to where that is no file: a command line, an address, a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// What was found or decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tokens: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub(crate) commit: Oid,
    /// How many files it touches; the first of them are named.
    pub(crate) count: usize,
    #[serde(default)]
    pub(crate) files: Vec<String>,
}

/// A gate that ran on a session's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gate {
    pub(crate) entry: String,
    pub(crate) gate: String,
    pub(crate) verdict: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exit: Option<i32>,
    pub(crate) ms: u64,
}

/// How a session ended, and how much of what is told of it. Its gates may run later than that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Over {
    pub(crate) outcome: String,
    pub(crate) edits: u64,
    pub(crate) commands: u64,
    pub(crate) findings: u64,
    pub(crate) decisions: u64,
    pub(crate) commits: u64,
    /// How many files.
    pub(crate) touched: usize,
    pub(crate) tokens: u64,
}

/// A bead was put on an agent's hook, before anything was started for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hooked {
    pub(crate) agent: String,
    pub(crate) bead: String,
    pub(crate) epoch: u64,
    /// The tool that will act (a preset or a program), as trailers name it.
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    pub(crate) target: String,
    pub(crate) branch: String,
    pub(crate) worktree: String,
    /// The replica that starts and watches the session; nobody else may judge it dead.
    pub(crate) replica: String,
    /// Machine and directory of that replica, hashed: it stays when the replica's name is lost.
    #[serde(default)]
    pub(crate) place: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) agent: String,
    pub(crate) bead: String,
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The program returned; its exit code is beside.
    Exited,
    /// A signal ended it that was not ours.
    Killed,
    /// A person stopped it.
    Stopped,
    /// A declared limit ended it; the line names the limit.
    Limit,
    /// Its runner was gone when somebody looked.
    Lost,
    /// The program could not be started.
    NotStarted,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) agent: String,
    pub(crate) bead: String,
    pub(crate) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Who wanted it to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<String>,
}

/// Work that was not submitted is kept by a ref.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rescued {
    pub(crate) agent: String,
    pub(crate) bead: String,
    #[serde(rename = "ref")]
    pub(crate) name: String,
    pub(crate) commit: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unhooked {
    pub(crate) agent: String,
    pub(crate) bead: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) subject: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) body: String,
}
