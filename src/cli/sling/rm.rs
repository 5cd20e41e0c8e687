//! `git sling rm`: take an agent's worktree away. Nothing that was in it is lost.

use anyhow::Result;
use serde::Serialize;

use crate::agent::event::{Event, Rescued};
use crate::agent::worktree::{self, Removal};
use crate::agent::{Desk, Name};
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::sling::settle;
use crate::cli::sling::world::World;
use crate::refusal::Refusal;

/// Remove an agent's worktree, and its branches as far as their commits are kept elsewhere
///
/// What was neither landed nor queued is kept by a ref first: commits, edits, untracked files, and
/// a rebase or merge half done. Ignored files go.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git sling rm toast")]
pub(super) struct Rm {
    /// Whose worktree
    agent: String,
}

impl Rm {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let agent: Name = self.agent.parse()?;
        settle::tend_whole(cx)?;
        let repo = cx.repo()?;
        let ledger = cx.ledger()?;
        let (_, roster, _) = ledger.read::<World>()?;
        if roster.hook(agent.as_str()).is_some() {
            return Err(Refusal::refused(format!("{agent} is at work"))
                .hint(format!("`git sling stop {agent}` ends its session"))
                .into());
        }
        let last = roster.sessions().rev().find(|session| session.agent == agent.as_str());
        let path = worktree::home(repo)?.join(agent.as_str());
        let label = last.map_or("work", |session| session.id.as_str());
        let removal = {
            let _one_at_a_time = Desk::of(repo).turn()?;
            worktree::remove(repo, &agent, label)?
        };
        let Removal::Done(kept) = removal else {
            return Err(Refusal::nothing(format!("{agent} has no worktree and no branch here"))
                .hint("`git sling ps --all` lists who worked here")
                .into());
        };
        let rescued = kept.map(|kept| Rescued {
            agent: agent.to_string(),
            bead: last.map(|session| session.bead.clone()).unwrap_or_default(),
            name: kept.name.to_string(),
            commit: kept.commit.to_string(),
        });
        if let (Some(rescued), Some(session)) = (&rescued, last) {
            ledger.write(&cx.actor()?, |(_, roster, _): &World, pen| {
                match roster
                    .session(&session.id)
                    .is_some_and(|session| session.rescued.contains(rescued))
                {
                    true => Ok(()),
                    false => pen.line(&session.id, &Event::Rescued(rescued.clone())),
                }
            })?;
        }
        let worktree = path.to_string_lossy().into_owned();
        Ok(Removed { agent: self.agent, worktree, rescued: rescued.map(|rescued| rescued.name) }
            .into())
    }
}

#[derive(Serialize)]
struct Removed {
    agent: String,
    worktree: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rescued: Option<String>,
}

impl Show for Removed {
    fn show(&self, out: &mut Screen) {
        out.parts(&[
            (Tone::Plain, "Removed "),
            (Tone::Strong, &self.agent),
            (Tone::Faint, &format!("  {}", self.worktree)),
        ]);
        if let Some(name) = &self.rescued {
            out.line(format!("  its work is kept: {name}"));
        }
    }
}
