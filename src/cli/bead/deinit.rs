//! `git bead deinit`: everything that `init` and slung work trees have set goes again.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::agent::{Desk, Roster};
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show};
use crate::githook;
use crate::ledger;
use crate::refinery::{self, Queue};
use crate::refusal::Refusal;

/// Take away what init has set up: git hooks, push route, settings
///
/// Files are afterwards as they were before, byte for byte. What was written down stays, in
/// refs/shopfloor/; --purge deletes that too.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead deinit
  git bead deinit --purge --yes       the work's history as well")]
pub(in crate::cli) struct Deinit {
    /// Delete the ledger, every kept commit, and all else of ours as well
    #[arg(long)]
    purge: bool,
    /// Do it without asking
    #[arg(short, long)]
    yes: bool,
}

/// Git writes the path of our objects into every clone it makes from this directory.
const BORROWERS: &str = "a clone made from this directory may complain that `shopfloor-objects` does \
    not exist: delete that line from its .git/objects/info/alternates";

impl Deinit {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let repo = cx.repo()?;
        idle(cx)?;
        if self.purge && !self.yes {
            if !cx.at_terminal() {
                return Err(Refusal::usage("--purge deletes the whole history of the work")
                    .hint("git bead deinit --purge --yes, if that is meant")
                    .into());
            }
            if !cx.confirm("Delete the ledger and every commit that only Shopfloor keeps?")? {
                return Err(Refusal::refused("nothing was changed").into());
            }
        }
        let left = refinery::leave(repo, &cx.ledger()?)?;
        let mut restored = githook::remove(repo)?;
        restored.extend(left.gone);
        if self.purge {
            let gone = githook::purge(repo)?;
            if gone.iter().any(|path| path.ends_with("shopfloor-objects")) {
                cx.hint(BORROWERS);
            }
            restored.extend(gone);
        }
        let top = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
        let seen = |path: PathBuf| path.strip_prefix(&top).map(PathBuf::from).unwrap_or(path);
        let restored = restored.into_iter().map(seen).collect();
        Ok(Removed { restored, parked: left.parked, purged: self.purge }.into())
    }
}

/// Nothing that waits or works may lose its ground.
fn idle(cx: &Context) -> Result<()> {
    let ledger = cx.ledger()?;
    let (queue, roster): (Queue, Roster) = ledger.read()?;
    let waiting: Vec<String> = queue
        .entries()
        .filter(|entry| entry.state.is_open())
        .map(|entry| format!("#{}", entry.n))
        .collect();
    if !waiting.is_empty() {
        let what = format!("the merge queue still has {}", waiting.join(", "));
        return Err(Refusal::refused(what)
            .hint("git refinery run --drain finishes them; git refinery reject N takes one out")
            .into());
    }
    // What other clones are at is theirs, and nothing of it stands here.
    let (desk, replica) = (Desk::of(cx.repo()?), ledger::known_replica(cx.repo()?));
    let running: Vec<String> = roster
        .running()
        .filter(|session| desk.is_ours(session, replica.as_deref()))
        .map(|session| format!("{} ({})", session.agent, session.bead))
        .collect();
    if !running.is_empty() {
        let what = format!("sessions are running: {}", running.join(", "));
        return Err(Refusal::refused(what)
            .hint("git sling stop --all ends them, their work is kept")
            .into());
    }
    Ok(())
}

#[derive(Serialize)]
struct Removed {
    restored: Vec<PathBuf>,
    /// Work trees that stand where a landing has left them, with what brings them back.
    parked: Vec<(PathBuf, String)>,
    purged: bool,
}

impl Show for Removed {
    fn show(&self, out: &mut Screen) {
        for (path, back) in &self.parked {
            let path = path.display();
            out.line(format!(
                "{path} is on a detached HEAD: `{back}` there brings it to what landed"
            ));
        }
        if self.restored.is_empty() {
            out.line("Nothing to do: nothing of ours is here");
            return;
        }
        out.line("As it was before:");
        for path in &self.restored {
            out.line(format!("  {}", path.display()));
        }
        if !self.purged {
            out.line("What was written down is still in refs/shopfloor/ (git bead deinit --purge deletes it)");
        }
    }
}
