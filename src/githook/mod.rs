//! Git calls us: the entry points of the git hooks, their installation, and the push route.

mod block;
mod file;
mod message;
mod outfit;
mod pkt;
mod program;
mod route;
mod scripts;
mod settings;
mod trailers;

pub use message::{Mark, check, prepare};
pub use outfit::{Outfit, fit_out, heal};
