//! What a session tells of itself, before it is a line, and how much of that goes with the ledger.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::git::Repo;
use crate::ledger::Json;
use crate::refusal::Refusal;

/// Something that a session did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub at: String,
    pub by: String,
    pub owner: String,
    pub on: String,
    #[serde(rename = "do")]
    pub act: String,
    /// Facts, which stay.
    #[serde(default)]
    pub with: Map<String, Json>,
    /// Words, which can be taken away again.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub text: Map<String, Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How far the ledger had come then: after that line it is told.
    #[serde(default)]
    pub(in crate::ledger) clock: u64,
}

/// How much of it goes with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Travel {
    Full,
    /// One line for each session.
    Summary,
    Local,
}

impl Travel {
    /// The kind of line that sums a session up.
    pub const SUM: &str = "trail.ended";

    pub fn of(repo: &Repo) -> Result<Self> {
        let said = repo.config_get("shopfloor.trail")?;
        match said.as_deref() {
            None | Some("full") => Ok(Self::Full),
            Some("summary") => Ok(Self::Summary),
            Some("local") => Ok(Self::Local),
            Some(other) => {
                let what = format!("shopfloor.trail is `{other}`, which says nothing");
                Err(Refusal::usage(what)
                    .hint("git config shopfloor.trail full|summary|local")
                    .into())
            }
        }
    }

    pub(super) fn takes(self, note: &Note) -> bool {
        match self {
            Self::Full => true,
            Self::Summary => note.act == Self::SUM,
            Self::Local => false,
        }
    }
}

impl Note {
    pub fn new(at: String, on: &str, act: &str) -> Self {
        Self {
            at,
            by: String::new(),
            owner: String::new(),
            on: on.to_owned(),
            act: act.to_owned(),
            with: Map::new(),
            text: Map::new(),
            session: None,
            model: None,
            clock: 0,
        }
    }
}
