//! The words of this room: a convoy is made, grows, and is said to be through.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is written about a convoy. Whether it is open or closed is not among it: that follows
/// from its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    #[serde(rename = "convoy.created")]
    Created(Created),
    #[serde(rename = "convoy.added")]
    Added(Added),
    #[serde(rename = "convoy.announced")]
    Announced(Announced),
}

/// A member is a string on purpose: a bead's id today, room for one of another repository later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    pub title: String,
    #[serde(default)]
    pub members: Vec<String>,
    /// Made by a sling for the one bead it put on a hook.
    #[serde(default, skip_serializing_if = "is_false")]
    pub own: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    #[serde(default)]
    pub members: Vec<String>,
}

/// That it was said that the convoy is through, for exactly these members, each with how often it
/// had been reopened by then. A convoy that grew, or had a member reopened, since is a new matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    #[serde(default)]
    pub members: BTreeMap<String, u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
