//! The machine apart from git: processes, clock, environment. The only room that starts a program
//! or reads the time.

mod clock;
mod environment;
pub mod process;
mod reach;
pub mod share;
mod shelf;
mod turn;
mod uptime;

pub use clock::{Clock, Stamp, duration, just_after, moment};
pub use environment::Environment;
pub use process::machine;
pub use reach::{holder, may_write, unwritable};
pub use shelf::Shelf;
pub use turn::{Patience, Turn};
pub use uptime::Uptime;
