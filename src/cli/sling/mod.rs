//! The verbs of `git sling`: who does it.

mod assign;
mod demo;
mod launch;
mod logs;
mod mail;
mod ps;
mod rm;
mod runner;
mod settle;
mod stop;
mod tables;
mod wait;
mod world;

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::cli::context::{Context, Everywhere};
use crate::cli::show::Done;
use crate::refusal::Refusal;

pub(super) use settle::{settle_sessions, tend};

/// Put work on an agent's hook and start the agent
///
/// Takes a bead by any unique start of its id, or a sentence, which becomes a new bead. The agent
/// gets a worktree and a branch of its own, and pushes to land. Without AGENT the configured one
/// takes it, under the next free name.
#[derive(Parser)]
#[command(name = "git-sling", bin_name = "git sling", version, after_help = EXAMPLES)]
#[command(subcommand_negates_reqs = true)]
pub(super) struct Sling {
    #[command(flatten)]
    pub(super) everywhere: Everywhere,
    #[command(flatten)]
    assign: assign::Assign,
    #[command(subcommand)]
    verb: Option<Verb>,
}

const EXAMPLES: &str = "\
Examples:
  git sling 7f3k                      the usual agent works on it, in the background
  git sling 7f3k toast --wait         stay until it has landed, or has failed
  git sling 'Fix the typo in README'  write it down and have it done
  git sling ps                        who is at work
  git sling logs -f toast             what it says
  git sling stop --all                end all sessions; their work is kept
  git sling demo                      all of it at work, on a project of its own

An agent is a table in $XDG_CONFIG_HOME/shopfloor/config.toml:
  [agents.toast]
  preset = \"claude\"                   # or: command = [\"./my-agent.sh\"], prompt = \"stdin\"";

#[derive(Subcommand)]
enum Verb {
    Ps(ps::Ps),
    Logs(logs::Logs),
    Stop(stop::Stop),
    Rm(rm::Rm),
    Mail(mail::Mail),
    Demo(demo::Demo),
    #[command(hide = true)]
    Runner(runner::Runner),
    #[command(hide = true)]
    Watch(runner::Watch),
}

/// What was called: a verb, or the putting of work on a hook itself.
pub(super) struct Call {
    assign: assign::Assign,
    verb: Option<Verb>,
}

impl Sling {
    pub(super) fn parts(self) -> (Everywhere, Call) {
        (self.everywhere, Call { assign: self.assign, verb: self.verb })
    }
}

impl Call {
    /// Whether what a crash left is seen to first. Who is about sessions sees to it by itself, in the
    /// repository where they are.
    pub(super) fn changes(&self) -> bool {
        matches!(&self.verb, Some(Verb::Mail(mail)) if mail.changes())
    }

    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let Some(verb) = self.verb else { return self.assign.run(cx) };
        if self.assign.what.is_some() {
            let verbs: Vec<_> =
                Sling::command().get_subcommands().map(|v| v.get_name().to_owned()).collect();
            return Err(Refusal::usage("an agent cannot be called like a verb of `git sling`")
                .hint(format!("these names are taken: {}", verbs.join(", ")))
                .into());
        }
        match verb {
            Verb::Ps(verb) => verb.run(cx),
            Verb::Logs(verb) => verb.run(cx),
            Verb::Stop(verb) => verb.run(cx),
            Verb::Rm(verb) => verb.run(cx),
            Verb::Mail(verb) => verb.run(cx),
            Verb::Demo(verb) => verb.run(cx),
            Verb::Runner(verb) => verb.run(cx),
            Verb::Watch(verb) => verb.run(cx),
        }
    }
}
