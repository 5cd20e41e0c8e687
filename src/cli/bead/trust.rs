//! `git bead trust`: agree to the commands that a repository would run.

use anyhow::Result;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show};
use crate::git::RefName;
use crate::policy::{self, Surface, trust};
use crate::refinery::{self, Autorun, Queue};
use crate::refusal::Refusal;

/// Agree to the commands that shopfloor.toml would run here
///
/// Shows every command of the target branch's shopfloor.toml and asks. The answer holds for exactly
/// these commands in exactly this repository; it is kept outside of it, and a change asks again.
/// With --entry it is about a change in the queue that alters the commands: yes lets it go on.
/// Without a terminal, --yes is the answer. Agents cannot give it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead trust
  git bead trust --entry 42             a change that alters the commands")]
pub(in crate::cli) struct Trust {
    /// The queue entry that was held because it alters the commands, as `42` or `main#42`
    #[arg(long, value_name = "N")]
    entry: Option<String>,
    /// Say yes without being asked
    #[arg(short, long)]
    yes: bool,
}

impl Trust {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if cx.actor()?.agent {
            return Err(Refusal::refused("trust is given by a person, not by an agent")
                .hint("git sling mail send overseer asks for it")
                .into());
        }
        let target = cx.repo()?.default_branch()?;
        match &self.entry {
            Some(entry) => self.approve(cx, &target, entry),
            None => self.agree(cx, &target),
        }
    }

    fn agree(&self, cx: &Context, target: &str) -> Result<Done> {
        let repo = cx.repo()?;
        let tip = repo.read_ref(&RefName::branch(target)?)?;
        let policy = tip.map(|tip| policy::read(repo, &tip)).transpose()?.unwrap_or_default();
        let surface = policy.surface();
        if surface.is_empty() {
            return Err(Refusal::nothing(format!("shopfloor.toml on {target} runs nothing"))
                .hint(format!("[gates.test] with a command, in a shopfloor.toml on {target}"))
                .into());
        }
        let already = trust::is_trusted(&cx.env, repo, &surface);
        if !already {
            self.ask(cx, &format!("shopfloor.toml on {target}"), &surface)?;
            trust::grant(&cx.env, repo, &surface)?;
        }
        Ok(Trusted {
            target: target.to_owned(),
            entry: None,
            commands: surface.lines().to_vec(),
            already,
        }
        .into())
    }

    fn approve(&self, cx: &Context, target: &str, said: &str) -> Result<Done> {
        let (repo, ledger) = (cx.repo()?, cx.ledger()?);
        let queue: Queue = ledger.read()?;
        let entry = queue.find(said, target)?;
        let surface = refinery::surface(repo, entry)?;
        self.ask(cx, &format!("after {} landed, shopfloor.toml", entry.name()), &surface)?;
        // What is refused leaves no trust behind.
        refinery::approve(&ledger, &cx.actor()?, (&entry.target, entry.n), &surface)?;
        trust::grant(&cx.env, repo, &surface)?;
        if let Autorun::Left(why) = refinery::autorun(repo, &entry.target)? {
            cx.note(format!("note: {why}"));
        }
        let commands = surface.lines().to_vec();
        Ok(Trusted {
            target: target.to_owned(),
            entry: Some(entry.name()),
            commands,
            already: false,
        }
        .into())
    }

    /// Shows what would run and takes the answer; anything but a yes changes nothing.
    fn ask(&self, cx: &Context, what: &str, surface: &Surface) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        cx.note(format!("{what} would run:"));
        for line in surface.lines() {
            cx.note(format!("  {line}"));
        }
        if surface.is_empty() {
            cx.note("  nothing");
        }
        if cx.confirm("Run these commands in this repository from now on?")? {
            return Ok(());
        }
        Err(Refusal::refused("not trusted; nothing was changed")
            .hint("`git bead trust --yes` says yes without a terminal")
            .into())
    }
}

#[derive(Serialize)]
struct Trusted {
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
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
