//! Programs: started, awaited, ended. Each has a deadline and a process group; we end only what is
//! provably ours.

mod ancestry;
mod attended;
mod detach;
mod group;
mod identity;
mod listing;
mod marked;
mod program;
mod replace;

pub use ancestry::callers;
pub use attended::{Attended, Leash, held_to_the_end};
pub use detach::leave_terminal;
pub use identity::{Identity, end_group, machine};
pub use marked::end_marked;
pub use program::{End, Outcome, Program};
