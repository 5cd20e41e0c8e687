//! Who does it? Agents, what hangs on their hooks, their sessions and worktrees, their mail.

mod desk;
mod ending;
pub(crate) mod event;
pub(crate) mod mail;
mod name;
pub(crate) mod preset;
pub(crate) mod program;
pub(crate) mod prompt;
pub(crate) mod rescue;
mod roster;
pub(crate) mod runner;
mod secret;
pub(crate) mod sling;
pub(crate) mod state;
pub(crate) mod trail;
pub(crate) mod worktree;

pub(crate) use desk::{Desk, write as write_whole};
pub(crate) use ending::{End, Word, end, left_behind};
pub(crate) use name::Name;
pub(crate) use roster::{Roster, Session};
pub(crate) use secret::hide;
