//! `git bead sync`: one ledger with a remote.

use anyhow::Result;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::ledger::Synced;

/// Exchange the ledger with a remote
///
/// What the remote has comes here, what is here goes there, and both have the same afterwards.
/// Nothing is ever forced: a remote that has lost or changed lines it had before is refused, and
/// what is here stays as it is. Without REMOTE it is the one that the main branch follows.
///
/// On a remote that takes branches only: git config shopfloor.remoteRef refs/heads/shopfloor/ledger
#[derive(clap::Args)]
pub(in crate::cli) struct Sync {
    /// A configured remote
    remote: Option<String>,
}

impl Sync {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let synced = cx.ledger()?.sync(self.remote.as_deref(), &mut |_| Ok(()))?;
        Ok(Exchanged::of(synced).into())
    }
}

#[derive(Serialize)]
struct Exchanged {
    remote: String,
    received: u64,
    sent: u64,
}

impl Exchanged {
    fn of(synced: Synced) -> Self {
        Self { remote: synced.remote, received: synced.received, sent: synced.sent }
    }
}

impl Show for Exchanged {
    fn show(&self, out: &mut Screen) {
        let lines = |count: u64| match count {
            0 => "nothing".to_owned(),
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        };
        let told = match (self.received, self.sent) {
            (0, 0) => " has what is here, and nothing else".to_owned(),
            (received, sent) => format!(": {} received, {} sent", lines(received), lines(sent)),
        };
        out.parts(&[(Tone::Good, &self.remote), (Tone::Plain, &told)]);
    }
}
