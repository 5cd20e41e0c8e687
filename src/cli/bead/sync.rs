//! `git bead sync`: one ledger with a remote.

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::bead::aside;
use crate::bead::hub::{self, Lost};
use crate::bead::overlap::{self, Side};
use crate::cli::bead::overlap::standing;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::host::process;
use crate::ledger::{self, Synced};
use crate::refusal::Refusal;

/// Exchange the ledger with a remote
///
/// What the remote has comes here, what is here goes there, and both have the same afterwards.
/// Nothing is ever forced: a remote that has lost or changed lines it had before is refused, and
/// what is here stays as it is. Without REMOTE it is the one that the main branch follows.
///
/// After `git bead init` this happens by itself beside `git push` and `git fetch`, unless git
/// config shopfloor.sync is manual.
///
/// For a remote that takes branches only: git config shopfloor.remoteRef
/// refs/heads/shopfloor/ledger. Where `shopfloor.hub` names a remote, a claim is provisional until
/// that has it: of two clones that claimed one bead the second one to sync withdraws its claim, and
/// is told who holds it.
///
/// Beads that were claimed in two clones and own a path in common (--files) are named at the end, unless
/// shopfloor.toml allows it: neither clone could know, and both claims stand until somebody lets go.
///
/// With `shopfloor.sign` set to `auto` what this clone has written is signed before it is sent, as by
/// `git bead verify --sign`, at most once a day.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead sync                       with the remote that the main branch follows
  git bead sync upstream --json       with another one")]
pub(in crate::cli) struct Sync {
    /// A configured remote
    remote: Option<String>,
    /// Leave the caller's terminal first: how a push starts it
    #[arg(long, hide = true)]
    detached: bool,
}

impl Sync {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.detached {
            process::leave_terminal();
        }
        let came = self.exchange(cx);
        let with = match &self.remote {
            Some(remote) => Some(remote.clone()),
            None => ledger::default_remote(cx.repo()?)?,
        };
        if let Some(remote) = with {
            aside::remember(cx.repo()?, &remote, &came)?;
        }
        let (synced, lost) = came?;
        for line in &synced.said {
            cx.note(format!("remote: {line}"));
        }
        let beads = cx.ledger()?.read()?;
        let (clashes, _) = standing(cx, &beads);
        if !clashes.is_empty() {
            cx.hint("one lets go (`git bead update ID --status open`), or owns less (--files)");
        }
        Ok(Exchanged::of((synced, lost), clashes, &beads).into())
    }

    fn exchange(&self, cx: &Context) -> Result<(Synced, Vec<Lost>)> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        if let Err(no) = ledger.sign_when_due(&actor) {
            cx.note(format!("note: what is sent is not signed: {no:#}"));
            for step in no.downcast_ref::<Refusal>().iter().flat_map(|no| &no.hints) {
                cx.hint(step);
            }
        }
        hub::exchange(cx.repo()?, &ledger, &actor, self.remote.as_deref())
    }
}

#[derive(Serialize)]
struct Exchanged {
    remote: String,
    received: u64,
    sent: u64,
    /// Claims of ours that came second there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withdrawn: Vec<Withdrawn>,
    /// Beads in other hands that own a path in common.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clashes: Vec<[Side; 2]>,
    #[serde(skip)]
    told: Vec<String>,
}

#[derive(Serialize)]
struct Withdrawn {
    id: String,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    #[serde(skip)]
    short: String,
}

impl Exchanged {
    fn of((synced, lost): (Synced, Vec<Lost>), clashes: Vec<[Side; 2]>, beads: &Beads) -> Self {
        let Synced { remote, received, sent, said: _ } = synced;
        let withdrawn = lost.into_iter().map(|Lost { bead, by, session, holder }| Withdrawn {
            short: beads.short(&bead).to_owned(),
            id: bead,
            by,
            session,
            holder,
        });
        let told = clashes.iter().map(|sides| overlap::told(sides, beads)).collect();
        Self { remote, received, sent, withdrawn: withdrawn.collect(), clashes, told }
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
        for claim in &self.withdrawn {
            let first = match &claim.holder {
                Some(holder) if *holder == claim.by => {
                    format!("is held by {holder} in another clone, who was first")
                }
                Some(holder) => format!("is held by {holder}, who was first"),
                None => "is finished".to_owned(),
            };
            let told = format!(" {first}: the claim of {} was withdrawn", claim.by);
            out.parts(&[(Tone::Bad, "  lost "), (Tone::Id, &claim.short), (Tone::Plain, &told)]);
        }
        for told in &self.told {
            out.parts(&[(Tone::Bad, "  "), (Tone::Bad, told)]);
        }
    }
}
