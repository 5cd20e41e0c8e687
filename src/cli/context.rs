//! What every verb needs and no verb may fetch for itself: environment, clock, repository, actor.
//! Opened here, once.

use std::cell::{Cell, OnceCell};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::agent::Roster;
use crate::bead::aside;
use crate::cli::progress::Progress;
use crate::cli::show::inert;
use crate::convoy::Convoys;
use crate::git::Repo;
use crate::githook::{self, Mark};
use crate::host::{Clock, Environment};
use crate::ledger::{Actor, Ledger, Part};
use crate::refinery::Queue;
use crate::refusal::Refusal;

/// What all verbs of all tools understand.
#[derive(clap::Args)]
pub(super) struct Everywhere {
    /// Give the result as JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Act as if called in this directory
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub dir: Option<PathBuf>,
    /// Nothing is paged, whoever asks so
    #[arg(long = "no-pager", global = true, hide = true)]
    _no_pager: bool,
}

/// The world as one run of one command sees it.
pub(super) struct Context {
    pub env: Environment,
    pub clock: Clock,
    pub json: bool,
    /// The directory the command was called in, or the one `-C` names.
    pub here: PathBuf,
    repo: OnceCell<Repo>,
    attended: Cell<bool>,
    warned: Cell<bool>,
}

/// What nearly every command asks for beside the beads.
fn folds() -> Vec<Box<dyn Part>> {
    vec![Box::new(Queue::default()), Box::new(Roster::default()), Box::new(Convoys::default())]
}

impl Context {
    /// Reads the environment. `dir` is what `-C` said.
    pub(super) fn new(json: bool, dir: Option<&Path>) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks where we are")]
        let here = std::env::current_dir().context("finding the current directory")?;
        let here = dir.map_or(here.clone(), |dir| here.join(dir));
        if dir.is_some() && !here.is_dir() {
            return Err(Refusal::fatal(format!(
                "cannot go to {}: no such directory",
                here.display()
            ))
            .hint("-C takes a directory that is there")
            .into());
        }
        let text = |word: std::ffi::OsString| word.into_string().ok();
        let env: Environment = std::env::vars_os()
            .filter_map(|(key, value)| Some((text(key)?, text(value)?)))
            .collect();
        let clock = match env.get("SHOPFLOOR_CLOCK") {
            Some(stamp) => Clock::pinned(stamp.parse().context("reading SHOPFLOOR_CLOCK")?),
            None => Clock::real(),
        };
        let (attended, warned) = Default::default();
        Ok(Self { env, clock, json, here, repo: OnceCell::new(), attended, warned })
    }

    /// The repository we stand in; refuses outside of one.
    pub(super) fn repo(&self) -> Result<&Repo> {
        if let Some(repo) = self.repo.get() {
            return Ok(repo);
        }
        let repo = Repo::discover(&self.here, &self.env)?;
        Ok(self.repo.get_or_init(|| repo))
    }

    pub(super) fn ledger(&self) -> Result<Ledger<'_>> {
        let progress = Progress::start(&self.clock);
        let ledger = Ledger::open(self.repo()?, &self.clock)?;
        let ledger = ledger.telling(move |done, all| progress.tell(done, all)).also(folds);
        Ok(ledger.warning(|text| {
            if !self.warned.replace(true) {
                self.note(format!("note: {text}"));
            }
        }))
    }

    /// Who acts: the agent of this session, else the agent whose worktree this is, else the person.
    /// A person who lets a program call us stays the one who answers for it.
    pub(super) fn actor(&self) -> Result<Actor> {
        let repo = self.repo()?;
        githook::actor(repo, Mark::of(repo)?.filter(|mark| !mark.ad_hoc).as_ref())
    }

    /// Does what was left undone around the git hooks, for whoever is about to change something.
    pub(super) fn look_after(&self) -> Result<()> {
        match githook::look_after(self.repo()?, &self.clock) {
            Ok(done) => done.into_iter().for_each(|done| self.note(done)),
            Err(undone) => self.note(format!("note: {undone:#}")),
        }
        for wrong in self.take_fetched() {
            self.note(format!("note: {wrong}"));
        }
        Ok(())
    }

    /// Once a run, what a `git fetch` has brought of a ledger becomes part of ours. Says what is wrong
    /// with it; a repository that cannot be written to shows what it has.
    pub(super) fn take_fetched(&self) -> Vec<String> {
        if self.attended.replace(true) {
            return Vec::new();
        }
        let attended = self.repo().and_then(|repo| aside::attend(repo, &self.ledger()?));
        attended.unwrap_or_else(|error| {
            tracing::debug!("taking in what was fetched: {error:#}");
            Vec::new()
        })
    }

    /// A path as the caller meant it: seen from where the command was called.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        self.here.join(self.env.get("GIT_PREFIX").unwrap_or_default()).join(path)
    }

    /// Whether a person sits at both ends: only then are there questions.
    pub(super) fn at_terminal(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Whether stdout is no person's terminal: who reads it pays for every word.
    pub(super) fn is_terse(&self) -> bool {
        !std::io::stdout().is_terminal()
    }

    /// Whether stdout takes colours: a terminal, and nobody who said no.
    pub(super) fn colour(&self) -> bool {
        let never = self.env.get("NO_COLOR").is_some_and(|value| !value.is_empty())
            || self.env.get("TERM") == Some("dumb");
        let configured =
            self.repo.get().and_then(|repo| repo.config_get("color.ui").ok().flatten());
        match configured.as_deref() {
            Some("always") => !never,
            Some("never" | "false") => false,
            _ => !never && std::io::stdout().is_terminal(),
        }
    }

    /// Whether next steps are said at all (`advice.shopfloor=false` and `GIT_ADVICE=0` silence them).
    pub(super) fn hints(&self) -> bool {
        let silenced =
            |repo: &Repo| repo.config_bool("advice.shopfloor").ok().flatten() == Some(false);
        self.env.get("GIT_ADVICE") != Some("0") && !self.repo.get().is_some_and(silenced)
    }

    /// Says something that is not the result: on stderr, for people; JSON callers hear it too.
    #[expect(clippy::print_stderr, reason = "notes leave the program here")]
    pub(super) fn note(&self, text: impl AsRef<str>) {
        eprintln!("{}", inert(text.as_ref()));
    }

    /// Says of a result what its JSON says already.
    pub(super) fn remark(&self, text: impl AsRef<str>) {
        if !self.json {
            self.note(text);
        }
    }

    /// Says a next step, unless hints are silenced.
    pub(super) fn hint(&self, text: impl AsRef<str>) {
        if self.hints() {
            self.note(format!("hint: {}", text.as_ref()));
        }
    }

    /// Asks a yes-or-no question at a terminal. No is the default, and the answer without a terminal.
    #[expect(clippy::print_stderr, reason = "questions go where notes go")]
    pub(super) fn confirm(&self, question: &str) -> Result<bool> {
        if !self.at_terminal() {
            return Ok(false);
        }
        eprint!("{} [y/N] ", inert(question));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).context("reading the answer")?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}
