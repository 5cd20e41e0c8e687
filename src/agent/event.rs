//! The words this room writes. A session is the subject of its lines; a letter of its own.

use serde::{Deserialize, Serialize};

/// One kind of line each; `do` names it and `with` is the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", content = "with")]
pub enum Event {
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
}

/// A bead was put on an agent's hook, before anything was started for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooked {
    pub agent: String,
    pub bead: String,
    pub epoch: u64,
    /// The tool that will act (a preset or a program), as trailers name it.
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    pub target: String,
    pub branch: String,
    pub worktree: String,
    /// The replica that starts and watches the session; nobody else may judge it dead.
    pub replica: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub agent: String,
    pub bead: String,
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
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
pub struct Ended {
    pub agent: String,
    pub bead: String,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Work that was not submitted is kept by a ref.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescued {
    pub agent: String,
    pub bead: String,
    #[serde(rename = "ref")]
    pub name: String,
    pub commit: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unhooked {
    pub agent: String,
    pub bead: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}
