//! Which convoys are through, said once, by whatever verb has closed their last bead.

use anyhow::Result;

use crate::cli::context::Context;
use crate::convoy;
use crate::policy;

/// Says which convoys are through, if some are and nobody has said so. Every verb that may have
/// closed a bead ends with this; what it did stays done when this fails.
pub(in crate::cli) fn announce(cx: &Context) {
    if let Err(no) = try_announce(cx) {
        cx.note(format!("warning: convoys were not looked at: {no:#}"));
    }
}

fn try_announce(cx: &Context) -> Result<()> {
    let person = policy::person(&cx.env)?;
    for through in convoy::announce(cx.repo()?, &cx.ledger()?, &cx.actor()?, &person)? {
        cx.note(format!("convoy {} is closed: {}", through.short, through.title));
        if let Some(trouble) = &through.trouble {
            cx.note(format!("warning: {trouble}"));
        }
    }
    Ok(())
}
