//! Objects, refs, trees, transport: the only room that names gix and the only caller of `git`.

mod alternates;
mod call;
mod change;
mod checkout;
mod child;
mod commit;
mod config;
mod config_file;
mod diff;
mod durable;
mod fork;
mod lock;
mod merge;
mod name;
mod object;
mod own;
mod pack;
mod reflog;
mod refs;
mod repo;
mod signing;
mod store;
mod submodule;
mod target;
#[cfg(test)]
mod tests;
mod transport;
mod worktree;

pub use call::Done;
pub use checkout::State;
pub use child::Git;
pub use config::Remote;
pub use config_file::{ConfigLine, Setting, config_lines};
pub use merge::{Conflict, Merged};
pub use name::{Oid, RefName};
pub use object::{Commit, Signature};
pub use own::{Opened, Own};
pub use pack::Packed;
pub use refs::Swap;
pub use repo::Repo;
pub use signing::{Signed, Statement};
pub use store::{Entry, Store};
pub use submodule::Lone;
pub use target::USUAL;
pub use transport::Pushed;
pub use worktree::{Head, Worktree};
