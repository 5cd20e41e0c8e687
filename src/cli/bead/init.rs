//! `git bead init`: git hooks, push route and settings for a whole repository.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::bead;
use crate::cli::bead::prefix;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::git::{RefName, Repo};
use crate::githook::{self, Change, Listed, Wish};
use crate::ledger::{Travel, fetch_spec};
use crate::refinery;
use crate::refusal::Refusal;

/// Set up this repository: git hooks, push route, settings
///
/// Shows everything that is going to change, and asks. Every other command also works in a
/// repository that was never set up; what this adds is that commits and pushes to the protected
/// branch by anybody here become entries of the merge queue, and that `git sling ID` finds this
/// repository from anywhere. `git bead deinit` takes all of it away again.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead init
  git bead init --dry-run             the plan, and nothing else
  git bead init --prefix api --yes")]
pub(in crate::cli) struct Init {
    /// What the ids of this repository's beads start with
    #[arg(short, long)]
    prefix: Option<String>,
    /// How pushes reach the queue; `all` where the remote is on this machine, else `guard`
    #[arg(long)]
    route: Option<Route>,
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    yes: bool,
    /// Change no git hook and no push route: only what ids start with is settled
    #[arg(long, conflicts_with = "route")]
    skip_hooks: bool,
    /// Another tool's word: there is none to be set up
    #[arg(long, hide = true)]
    server: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Route {
    /// Every push of this repository goes through the gate
    All,
    /// Remotes stay as they are, and pre-push watches
    Guard,
}

impl Init {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let repo = cx.repo()?;
        let wish = self.wish(repo)?;
        if self.server {
            cx.note("note: there is no server to set up: the ledger is a ref of this repository");
        }
        if self.skip_hooks {
            if !self.dry_run {
                prefix::write(repo, &wish.prefix)?;
            }
            cx.hint("git bead init sets up git hooks and the push route");
            return Ok(Named { prefix: wish.prefix, done: !self.dry_run }.into());
        }
        let changes = githook::plan(repo, &wish)?;
        if let Listed::Elsewhere(other) = githook::listed(repo, &wish.prefix)? {
            let (prefix, other) = (&wish.prefix, other.display());
            cx.note(format!(
                "note: your list of repositories has `{prefix}` for {other}; that stays"
            ));
            cx.hint("git bead init --prefix ANOTHER gives this one a name of its own");
        }
        let mut view = Plan::new(repo, &wish, &changes)?;
        if self.dry_run || changes.is_empty() {
            return Ok(view.into());
        }
        if !self.yes {
            if !cx.at_terminal() {
                return Err(Refusal::usage("without a terminal nobody can say yes")
                    .hint("git bead init --dry-run shows what would change")
                    .hint("git bead init --yes does it")
                    .into());
            }
            let mut screen = Screen::new(cx.colour());
            view.show(&mut screen);
            cx.note(screen.finish().trim_end());
            if !cx.confirm("Change these things?")? {
                return Err(Refusal::refused("nothing was changed").into());
            }
        }
        // Who nobody knows cannot write into the ledger; better said before anything is done.
        let actor = cx.actor()?;
        githook::apply(repo, &changes)?;
        if repo.read_ref(&RefName::branch(&wish.target)?)?.is_some() {
            refinery::baseline(repo, &cx.ledger()?, &actor, &wish.target)?;
        }
        view.done = true;
        Ok(view.into())
    }

    fn wish(&self, repo: &Repo) -> Result<Wish> {
        let target = repo.default_branch()?;
        let prefix = match &self.prefix {
            Some(prefix) if bead::slug(prefix) != *prefix => {
                let what = format!("{prefix:?} cannot stand before an id");
                let hint = format!(
                    "lower-case letters, digits and dashes, such as {}",
                    bead::slug(prefix)
                );
                return Err(Refusal::usage(what).hint(hint).into());
            }
            Some(prefix) => prefix.clone(),
            None => bead::prefix(repo)?,
        };
        let route = match self.route {
            Some(Route::All) => githook::Route::All,
            Some(Route::Guard) => githook::Route::Guard,
            None => githook::default_route(repo, &target)?,
        };
        let publish = githook::publish(repo, &target)?;
        let manual = repo.config_get("shopfloor.sync")?.as_deref() == Some("manual");
        let fetch = if manual { None } else { fetch_spec(repo)? };
        Ok(Wish { prefix, target, route, publish, fetch, path: githook::programs(repo)? })
    }
}

/// All that is settled without git hooks.
#[derive(Serialize)]
struct Named {
    prefix: String,
    done: bool,
}

impl Show for Named {
    fn show(&self, out: &mut Screen) {
        let (will, prefix) = (if self.done { "" } else { "would " }, &self.prefix);
        out.line(format!(
            "New ids {will}start with {prefix}-; no git hook and no push route was touched"
        ));
    }
}

#[derive(Serialize)]
struct Plan {
    repository: PathBuf,
    prefix: String,
    target: String,
    route: &'static str,
    publish: Option<String>,
    /// The remote with which the ledger is exchanged.
    ledger: Option<String>,
    #[serde(skip)]
    trail: Travel,
    changes: Vec<Step>,
    done: bool,
}

#[derive(Serialize)]
struct Step {
    path: PathBuf,
    what: String,
}

impl Plan {
    fn new(repo: &Repo, wish: &Wish, changes: &[Change]) -> Result<Self> {
        let top = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
        let step = |change: &Change| Step {
            path: change.place.strip_prefix(&top).unwrap_or(&change.place).to_owned(),
            what: change.what.clone(),
        };
        Ok(Self {
            trail: Travel::of(repo)?,
            changes: changes.iter().map(step).collect(),
            repository: top,
            prefix: wish.prefix.clone(),
            target: wish.target.clone(),
            route: match wish.route {
                githook::Route::All => "all",
                githook::Route::Guard => "guard",
            },
            publish: wish.publish.clone(),
            ledger: wish.fetch.as_ref().map(|(remote, _)| remote.clone()),
            done: false,
        })
    }
}

impl Show for Plan {
    fn show(&self, out: &mut Screen) {
        if self.changes.is_empty() {
            out.line("Nothing to do: everything is set up");
            return;
        }
        let title = if self.done { "Set up" } else { "To set up" };
        out.parts(&[
            (Tone::Strong, title),
            (Tone::Plain, &format!(" {}", self.repository.display())),
        ]);
        for step in &self.changes {
            let mut lines = step.what.lines();
            let first = lines.next().unwrap_or_default();
            out.parts(&[(Tone::Plain, "  "), (Tone::Id, &step.path.display().to_string())]);
            out.line(format!("      {first}"));
            for line in lines {
                out.parts(&[(Tone::Faint, &format!("        {line}"))]);
            }
        }
        let target = &self.target;
        out.line(match self.route {
            "all" => {
                format!("  Pushes go through the gate; those to {target} become queue entries")
            }
            _ => format!("  Remotes stay as they are; pre-push queues what is pushed to {target}"),
        });
        out.line(format!("  A commit made on {target} becomes a queue entry too (git config shopfloor.commitOnTarget allow|refuse)"));
        out.line(match &self.publish {
            Some(remote) => {
                format!("  A landing is pushed to {remote}/{target} (shopfloor.publish)")
            }
            None => format!("  A landing moves {target} here and is pushed nowhere"),
        });
        if let Some(remote) = &self.ledger {
            out.line(format!("  The ledger goes to {remote} beside a push and comes with a fetch (git config shopfloor.sync manual)"));
        }
        out.line("  Work and its history are kept in refs/shopfloor/ledger");
        out.line(match self.trail {
            Travel::Full => "  What agents tell of their sessions (files, commands, decisions; no prompts, contents or output) goes with it (git config shopfloor.trail summary|local)",
            Travel::Summary => "  Of what agents tell of a session one line goes with it (shopfloor.trail)",
            Travel::Local => "  What agents tell of their sessions stays here (shopfloor.trail)",
        });
        if self.done {
            out.line("  git bead deinit takes all of it away again");
        }
    }
}
