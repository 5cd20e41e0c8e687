//! `git bead trust`: agree to the commands that a repository would run.

use anyhow::Result;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show};
use crate::git::RefName;
use crate::policy::{self, trust};
use crate::refusal::Refusal;

/// Agree to the commands that shopfloor.toml would run here
///
/// Shows every command of the target branch's shopfloor.toml and asks. The answer holds for exactly
/// these commands in exactly this repository; it is kept outside of it, and a change asks again.
/// Without a terminal, --yes is the answer. Agents cannot give it.
#[derive(clap::Args)]
pub(in crate::cli) struct Trust {
    /// Say yes without being asked
    #[arg(short, long)]
    yes: bool,
}

impl Trust {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let repo = cx.repo()?;
        if cx.actor()?.agent {
            return Err(Refusal::refused("trust is given by a person, not by an agent").into());
        }
        let target = repo.default_branch()?;
        let tip = repo.resolve(RefName::branch(&target)?.as_str())?;
        let policy = match &tip {
            Some(tip) => policy::read(repo, tip)?,
            None => policy::Policy::default(),
        };
        let surface = policy.surface();
        if surface.is_empty() {
            return Err(Refusal::nothing(format!("shopfloor.toml on {target} runs nothing")).into());
        }
        let known = trust::is_trusted(&cx.env, repo, &surface);
        if !known && !self.yes {
            cx.note(format!("shopfloor.toml on {target} would run:"));
            for line in surface.lines() {
                cx.note(format!("  {line}"));
            }
            if !cx.confirm("Run these commands in this repository from now on?")? {
                return Err(Refusal::refused("not trusted; nothing was changed")
                    .hint("`git bead trust --yes` says yes without a terminal")
                    .into());
            }
        }
        trust::grant(&cx.env, repo, &surface)?;
        Ok(Trusted { target, commands: surface.lines().to_vec(), already: known }.into())
    }
}

#[derive(Serialize)]
struct Trusted {
    target: String,
    commands: Vec<String>,
    already: bool,
}

impl Show for Trusted {
    fn show(&self, out: &mut Screen) {
        out.line(if self.already { "Trusted already:" } else { "Trusted:" });
        for command in &self.commands {
            out.line(format!("  {command}"));
        }
    }
}
