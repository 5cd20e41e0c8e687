//! Is the batch through? Batches of beads, their state computed from the members, never stored.

mod announce;
mod change;
mod convoys;
pub mod event;
mod owed;

pub use announce::{Member, Through, announce};
pub use change::{add, create, ensure};
pub use convoys::{Convoy, Convoys, State};
