//! What all who read or write the ledger hold to: how long they wait, how often they try, and how they
//! say that it cannot be done.

use std::time::Duration;

use crate::git::RefName;
use crate::refusal::Refusal;

/// How long a writer waits for each of its turns.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often a swap of the ref is tried that somebody else was faster with.
pub(super) const ATTEMPTS: usize = 5;
/// The subject of a commit that the next write replaces.
pub(super) const PENDING: &str = "ledger: not yet sealed";

/// The ledger that is here, as refusals call it.
pub(super) const OURS: &str = "the ledger";

/// What is said of a ledger of which some is missing or damaged.
pub const UNREADABLE: &str = "cannot be read whole";

/// The refusal for what was found damaged; one that says more already stays as it is.
pub(super) fn unreadable(no: anyhow::Error) -> anyhow::Error {
    let no = match no.downcast::<Refusal>() {
        Ok(refusal) => return refusal.into(),
        Err(no) => no,
    };
    let what = format!("the ledger {UNREADABLE}: {no:#}");
    Refusal::fatal(what)
        .hint("nothing was written over it; git fsck names what is missing or damaged")
        .hint("git bead doctor tells the way back")
        .into()
}

/// The refusal for who was outrun at a ref.
pub(super) fn contested(name: &RefName) -> anyhow::Error {
    let what = format!("{name} is moved by somebody else again and again");
    Refusal::again(what).hint("look for a git that fetches into that ref").into()
}
