//! What every verb needs and no verb may fetch for itself: environment, clock, repository, actor.
//! Opened here, once.

use std::cell::OnceCell;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cli::show::inert;
use crate::git::Repo;
use crate::githook;
use crate::host::{Clock, Environment};
use crate::ledger::{Actor, Ledger};
use crate::refusal::Refusal;

/// The world as one run of one command sees it.
pub(super) struct Context {
    pub env: Environment,
    pub clock: Clock,
    pub json: bool,
    /// The directory the command was called in, or the one `-C` names.
    pub here: PathBuf,
    repo: OnceCell<Repo>,
}

impl Context {
    /// Reads the environment. `dir` is what `-C` said.
    pub(super) fn new(json: bool, dir: Option<&Path>) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks where we are")]
        let here = std::env::current_dir().context("finding the current directory")?;
        let here = dir.map_or(here.clone(), |dir| here.join(dir));
        let text = |word: std::ffi::OsString| word.into_string().ok();
        let env: Environment = std::env::vars_os()
            .filter_map(|(key, value)| Some((text(key)?, text(value)?)))
            .collect();
        let clock = match env.get("SHOPFLOOR_CLOCK") {
            Some(stamp) => Clock::pinned(stamp.parse().context("reading SHOPFLOOR_CLOCK")?),
            None => Clock::real(),
        };
        Ok(Self { env, clock, json, here, repo: OnceCell::new() })
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
        Ledger::open(self.repo()?, &self.clock)
    }

    /// Who acts: the agent of this session, else the agent whose worktree this is, else the person.
    /// Whoever asks is about to change something, so what was left undone around is done first.
    pub(super) fn actor(&self) -> Result<Actor> {
        let repo = self.repo()?;
        match githook::look_after(repo, &self.clock) {
            Ok(done) => done.into_iter().for_each(|done| self.note(done)),
            Err(undone) => self.note(format!("note: {undone:#}")),
        }
        let agent = match self.env.get("SHOPFLOOR_AGENT") {
            Some(agent) => Some(agent.to_owned()),
            None => repo.config_get("shopfloor.identity")?,
        };
        let owner = repo.config_get("user.email")?;
        let agent_by = agent.clone();
        let by = match agent_by {
            Some(agent) => Some(agent),
            None => repo.config_get("user.name")?,
        };
        let (Some(by), Some(owner)) = (by, owner) else {
            return Err(Refusal::fatal("git does not know who you are")
                .hint("git config --global user.name 'Your Name'")
                .hint("git config --global user.email you@example.org")
                .into());
        };
        if by.contains(char::is_control) {
            return Err(
                Refusal::usage(format!("{by:?} is no name: it has control characters")).into()
            );
        }
        let slung = self.env.get("SHOPFLOOR_AGENT").is_none() && agent.is_some();
        let said = |name: &str, key: &str| match self.env.get(name) {
            None if slung => repo.config_get(key),
            said => Ok(said.map(str::to_owned)),
        };
        let epoch = said("SHOPFLOOR_EPOCH", "shopfloor.epoch")?;
        let number = |epoch: String| {
            epoch.parse().map_err(|_| Refusal::usage(format!("{epoch:?} is no epoch: a number")))
        };
        Ok(Actor {
            by,
            owner,
            session: said("SHOPFLOOR_SESSION", "shopfloor.session")?,
            model: self.env.get("SHOPFLOOR_MODEL").map(str::to_owned),
            agent: agent.is_some(),
            epoch: epoch.map(number).transpose()?,
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
