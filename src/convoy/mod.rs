//! Is the batch through? Batches of beads, their state computed from the members, never stored.

mod announce;
mod change;
mod convoys;
mod event;

pub(crate) use announce::announce;
pub(crate) use change::{add, create, ensure};
pub(crate) use convoys::{Convoy, Convoys, State};
