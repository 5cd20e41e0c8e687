//! Git calls us: the entry points of the git hooks, their installation, and the push route.

mod aside;
mod block;
mod entry;
mod file;
mod hooks_path;
mod install;
mod listing;
mod mark;
mod mend;
mod merge;
mod message;
mod outfit;
mod pass;
mod pkt;
mod place;
mod purge;
mod push;
mod receive;
mod reset;
mod route;
mod scripts;
mod settings;
mod sheet;
mod stack;
mod standing;
mod trailers;
mod transaction;
mod whose;

pub use install::{Change, Route, Wish, apply, default_route, plan, publish, remove};
pub use listing::{Listed, listed};
pub use mark::{Mark, actor};
pub use mend::mend;
pub use merge::merged;
pub use message::{check, prepare};
pub use outfit::{Outfit, fit_out, fix_target};
pub use purge::purge;
pub use push::{beside, guard};
pub use receive::serve;
pub use route::programs;
pub use standing::{Standing, standing};
pub use transaction::decide;

use anyhow::Result;

use crate::git::Repo;
use crate::host::Clock;

/// What any changing command does by the way: routes and hook paths that name another place are
/// renewed, git hooks that lost our lines get them back, and a commit that was vetoed and never queued
/// is queued. Mostly a few looks at a disk.
pub fn look_after(repo: &Repo, clock: &Clock) -> Result<Option<String>> {
    let mended = mend(repo)?;
    transaction::adopt_left(repo, clock)?;
    Ok(mended)
}
