//! `git refinery status`: what waits, what is being tested, what came of the last ones.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::refinery::record::Record;
use crate::cli::refinery::target::Target;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::table;
use crate::git::{Oid, RefName, Repo};
use crate::policy::{self, trust};
use crate::refinery::{self, Entry, Queue, State};

/// Show what waits, what is being tested, and what came of the last ones
///
/// With --json all that waits or is being tested is in `queue`, in the order of landing.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git refinery status
  git refinery status --json")]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    target: Target,
}

/// How many that are over are shown.
const RECENT: usize = 5;

impl Status {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let repo = cx.repo()?;
        let target = self.target.name(cx)?;
        let tip = repo.read_ref(&RefName::branch(&target)?)?;
        let policy = tip.map(|tip| policy::read(repo, &tip)).transpose()?.unwrap_or_default();
        let (queue, beads) = cx.ledger()?.read::<(Queue, Beads)>()?;
        let working = refinery::at_work(repo, &target);
        let testing = working.filter(|n| n.given() > 0);
        let lane = queue.lane(&target);
        let pick = |wanted: &dyn Fn(&Entry) -> bool| {
            let entries = lane.into_iter().flat_map(|lane| lane.entries.values());
            let picked = entries.filter(|entry| wanted(entry));
            picked.map(|entry| Record::of(repo, &beads, entry, testing)).collect::<Vec<_>>()
        };
        let mut elsewhere = Vec::new();
        for entry in queue.waiting(&target) {
            if !refinery::is_ours(repo, &queue, entry)? {
                elsewhere.push(entry.name());
            }
        }
        let moved = tip.map(|tip| refinery::moved(repo, &queue, &target, &tip)).transpose()?;
        let last = |state: State| {
            let entries = lane.into_iter().flat_map(|lane| lane.entries.values().rev());
            let picked = entries.filter(|entry| entry.state == state).take(RECENT);
            picked.map(|entry| Record::of(repo, &beads, entry, None)).collect::<Vec<_>>()
        };
        let stopped = refinery::why_stopped(repo, &target)
            .filter(|_| working.is_none() && queue.waiting(&target).nth(elsewhere.len()).is_some());
        if let Some(stopped) = &stopped {
            for step in &stopped.steps {
                cx.hint(step);
            }
            cx.hint(match repo.config_bool("shopfloor.autorun")? {
                Some(false) => "`git refinery run --drain` tries again",
                _ => {
                    "`git refinery run --drain` tries again, and so does the next changing command"
                }
            });
        }
        Ok(Standing {
            tip,
            gates: policy.gates.keys().cloned().collect(),
            trusted: trust::is_trusted(&cx.env, repo, &policy.surface()),
            running: working.is_some(),
            stopped: stopped.map(|stopped| stopped.why),
            queue: pick(&|entry| entry.state == State::Waiting),
            held: pick(&|entry| entry.state == State::Held),
            landed: last(State::Landed),
            rejected: last(State::Rejected),
            parked: parked(repo)?,
            unpublished: refinery::left_out(repo)?,
            foreign: moved.flatten(),
            behind: refinery::behind(repo, &queue, &target)?,
            elsewhere,
            target,
        }
        .into())
    }
}

#[derive(Serialize)]
struct Standing {
    target: String,
    tip: Option<Oid>,
    gates: Vec<String>,
    trusted: bool,
    running: bool,
    /// Why the last refinery stopped although something waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    /// All that waits or is being tested, in the order of landing.
    queue: Vec<Record>,
    held: Vec<Record>,
    /// The last ones, newest first.
    landed: Vec<Record>,
    rejected: Vec<Record>,
    /// Work trees that a landing left on a detached HEAD because somebody's work is in the way.
    parked: Vec<Parked>,
    /// A remote, where landings go to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpublished: Option<String>,
    /// Where the target stood before somebody moved it past the queue, until that is examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign: Option<Oid>,
    /// What another clone has landed and a pull brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<Oid>,
    /// What waits and is for another clone to land, which has the commit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    elsewhere: Vec<String>,
}

#[derive(Serialize)]
struct Parked {
    worktree: PathBuf,
    /// The command that brings it to the landed commits.
    back: String,
}

fn parked(repo: &Repo) -> Result<Vec<Parked>> {
    let parked = refinery::parked(repo)?.into_iter();
    Ok(parked.map(|(worktree, back)| Parked { worktree, back }).collect())
}

impl Show for Standing {
    fn show(&self, out: &mut Screen) {
        let tip = self.tip.map_or_else(|| "no commit".to_owned(), |tip| tip.short());
        let gates = match self.gates.as_slice() {
            [] => "no gates".to_owned(),
            gates => format!("gates: {}", gates.join(", ")),
        };
        out.parts(&[
            (Tone::Strong, &self.target),
            (Tone::Plain, &format!(" at {tip}, {gates}")),
            (Tone::Busy, if self.running { ", refinery at work" } else { "" }),
        ]);
        if !self.trusted {
            out.line("shopfloor.toml is not trusted, so nothing is tested: see `git bead trust`");
        }
        if let Some(known) = &self.foreign {
            let from = known.short();
            out.line(format!(
                "{} was moved past the queue, from {from}; it will be tested",
                self.target
            ));
        }
        if let Some(landed) = &self.behind {
            let (target, landed) = (&self.target, landed.short());
            out.line(format!("{target} is behind: other clones have landed {landed}; `git pull`"));
        }
        if let Some(why) = &self.stopped {
            out.line(format!("the queue stands: {why}"));
        }
        for Parked { worktree, back } in &self.parked {
            let path = worktree.display();
            out.line(format!("{path} is on a detached HEAD since a landing: `{back}` there"));
        }
        if let Some(remote) = &self.unpublished {
            let set = format!("git config shopfloor.publish {remote}");
            out.line(format!("landings stay here: `{set}` publishes them"));
        }
        let ours = [&self.queue, &self.held, &self.landed, &self.rejected];
        if ours.iter().all(|list| list.is_empty()) {
            out.line("nothing was ever queued");
            return;
        }
        if self.queue.is_empty() {
            out.line("nothing waits");
        }
        let all = ours.into_iter().flatten();
        table::rows(out, &all.map(Record::row).collect::<Vec<_>>());
        for entry in &self.elsewhere {
            out.line(format!("{entry} waits for the clone that has it"));
        }
        for record in &self.held {
            let said = record.held.as_ref().map_or("", |held| held.said.as_str());
            out.line(format!("{} is held: {said}", record.entry));
        }
    }
}
