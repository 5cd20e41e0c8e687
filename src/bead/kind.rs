//! Where a bead stands, and what one is to another: words that other tools have more of.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $constant:ident = $text:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            $($(#[$each])* pub const $constant: Self = Self(Cow::Borrowed($text));)*

            pub fn new(text: impl Into<String>) -> Self {
                Self(Cow::Owned(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }
    };
}

word! {
    /// Where a bead stands. Statuses of other tools flow through as they are.
    Status {
        OPEN = "open",
        IN_PROGRESS = "in_progress",
        CLOSED = "closed",
        PINNED = "pinned",
        /// Deleted; the word is that of beads.
        TOMBSTONE = "tombstone",
    }
}

impl Default for Status {
    fn default() -> Self {
        Self::OPEN
    }
}

impl Status {
    /// What an edge to a bead of this status no longer holds up.
    pub fn frees(&self) -> bool {
        [Self::CLOSED, Self::PINNED, Self::TOMBSTONE].contains(self)
    }
}

pub(super) const PARENT: &str = "parent-child";

word! {
    /// What one bead is to another. Kinds of other tools flow through as they are.
    Link {
        BLOCKS = "blocks",
        PARENT_CHILD = PARENT,
        CONDITIONAL_BLOCKS = "conditional-blocks",
        WAITS_FOR = "waits-for",
        RELATED = "related",
        RELATES_TO = "relates-to",
        DUPLICATES = "duplicates",
        SUPERSEDES = "supersedes",
    }
}

impl Link {
    /// Whether work cannot start while the other end is open.
    pub fn blocks(&self) -> bool {
        *self == Self::BLOCKS || *self == Self::CONDITIONAL_BLOCKS
    }

    /// What it depends on is what it is a part of. One tool writes that with a low line.
    pub fn is_parent(&self) -> bool {
        [PARENT, "parent_child"].contains(&self.as_str())
    }

    /// Its word, however another tool spells it.
    pub(super) fn plain(&self) -> &str {
        if self.is_parent() { PARENT } else { self.as_str() }
    }

    /// Whether a ring of such edges would leave everybody waiting.
    pub fn orders(&self) -> bool {
        self.blocks() || self.is_parent() || *self == Self::WAITS_FOR
    }
}
