//! Objects, refs, trees, transport: the only room that names gix and the only caller of `git`.

mod child;
mod config;
mod name;
mod object;
mod repo;

pub use child::{Done, Git};
pub use config::{Remote, Scope};
pub use name::{Oid, RefName};
pub use object::{Commit, Signature};
pub use repo::Repo;
