//! `git bead maintain`: housekeeping, by hand or by itself.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::agent::runner;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show};
use crate::host::process::{Program, leave_terminal};
use crate::host::share;
use crate::ledger::Maintenance;
use crate::refusal::Refusal;

/// How long after one that began by itself the next may.
const REST: Duration = Duration::from_secs(600);

/// Roll up what the ledger has left on the disk
///
/// Takes away objects that newer ones have replaced or that killed writers left an hour ago, packs the
/// rest, and cuts the oldest of many commits; no line is touched. It begins by itself, in the background, when there is enough to do;
/// git's own `maintenance.auto` set to false leaves it to you.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead maintain
  git bead maintain --json              what was done, in numbers")]
pub(in crate::cli) struct Maintain {
    /// Leave the terminal first
    #[arg(long, hide = true)]
    detached: bool,
}

impl Maintain {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.detached {
            leave_terminal();
        }
        match cx.ledger()?.maintain()? {
            Some(Maintenance { packed, cut, swept }) => {
                Ok(Maintained { objects: packed.objects, bytes: packed.bytes, cut, swept }.into())
            }
            None => Err(Refusal::again("somebody is at it already")
                .hint("what they do is done for all; there is nothing to repeat")
                .into()),
        }
    }
}

/// Starts it in the background when it is due. What keeps it from that keeps no command from its work.
pub(in crate::cli) fn when_due(cx: &Context) {
    if let Err(no) = begin(cx) {
        tracing::debug!("maintaining: {no:#}");
    }
}

fn begin(cx: &Context) -> Result<()> {
    let repo = cx.repo()?;
    if !cx.ledger()?.needs_care() || repo.config_bool("maintenance.auto")? == Some(false) {
        return Ok(());
    }
    let log = repo.own_dir()?.join("maintain.log");
    let age =
        fs::metadata(&log).and_then(|log| log.modified()).ok().and_then(|at| at.elapsed().ok());
    if age.is_some_and(|age| age < REST) {
        return Ok(());
    }
    share::write(&log, "").with_context(|| format!("writing {}", log.display()))?;
    let place = repo.common_dir();
    Program::new(std::env::current_exe().context("finding git-bead")?)
        .args(["maintain", "--detached"])
        .dir(place)
        .full_env(runner::cleared(&cx.env))
        .spawn_detached(&log)?;
    Ok(())
}

#[derive(Serialize)]
struct Maintained {
    objects: usize,
    bytes: u64,
    cut: usize,
    swept: usize,
}

impl Show for Maintained {
    fn show(&self, out: &mut Screen) {
        let Self { objects, bytes, cut, swept } = self;
        match objects {
            0 => out.line("Nothing to pack yet"),
            _ => out.line(format!("Packed {objects} objects into {bytes} bytes")),
        }
        if *cut > 0 {
            out.line(format!("Cut {cut} old commits"));
        }
        if *swept > 0 {
            out.line(format!("Removed {swept} objects that nothing led to"));
        }
    }
}
