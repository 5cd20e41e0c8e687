//! Git calls us: the entry points of the git hooks, their installation, and the push route.

mod block;
mod entry;
mod file;
mod install;
mod merge;
mod message;
mod outfit;
mod pass;
mod pkt;
mod place;
mod program;
mod purge;
mod push;
mod receive;
mod route;
mod scripts;
mod settings;
mod trailers;
mod transaction;

pub use install::{Change, Route, Wish, apply, default_route, plan, publish, remove};
pub use merge::merged;
pub use message::{Mark, check, prepare};
pub use outfit::{Outfit, fit_out, heal};
pub use purge::purge;
pub use push::guard;
pub use receive::serve;
pub use transaction::{adopt_left, decide};
