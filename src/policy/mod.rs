//! What does this repository demand? `shopfloor.toml` of the target branch, the person's own
//! `config.toml`, and trust in the commands that the first of them would run.
//!
//! The shared file is read from a commit, never from a work tree, so that no candidate decides
//! about its own gates. Nothing in it runs before a person has trusted exactly this content.

mod file;
mod glob;
mod listing;
mod surface;
pub mod trust;
mod units;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use indexmap::IndexMap;
use serde::Deserialize;

use crate::git::{Oid, Repo};
use crate::host::Environment;

pub use glob::Glob;
pub use listing::{list, unlist};
pub use surface::Surface;

/// The name of the shared file, at the root of the target branch.
pub const FILE: &str = "shopfloor.toml";

/// What a repository, or a person, has decided. Absent tables are empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// E-mail addresses of the people whose unmarked commits may land; empty means everybody's.
    pub overseers: Vec<String>,
    pub gates: IndexMap<String, Gate>,
    pub agents: IndexMap<String, AgentSpec>,
    /// What every agent is told at the beginning of a session.
    pub prime: Option<String>,
    pub beads: Rules,
}

/// What is asked of beads.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    pub overlapping: Overlapping,
}

/// May somebody take a bead that owns files which a bead in other hands owns, too?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlapping {
    /// Yes, and is told.
    #[default]
    Warn,
    Refuse,
    Allow,
}

/// A command that must pass on the exact tree that lands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    pub command: Command,
    /// The paths its answer depends on, as git writes patterns; none means the whole tree. Results are
    /// not remembered yet, so every gate runs on every change, whatever stands here.
    #[serde(default, deserialize_with = "file::patterns")]
    pub inputs: Vec<String>,
    #[serde(default = "file::quarter_of_an_hour", deserialize_with = "file::duration")]
    pub timeout: Duration,
    /// Variables set for this gate alone.
    #[serde(default)]
    pub env: IndexMap<String, String>,
}

/// A string goes through `sh -c`, an array is run as it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a string for sh, or an array of words")]
pub enum Command {
    Shell(String),
    Args(Vec<String>),
}

impl Command {
    /// The program and its arguments.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Shell(line) => ["sh", "-c", line].map(str::to_owned).to_vec(),
            Self::Args(words) => words.clone(),
        }
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shell(line) => out.write_str(line),
            Self::Args(words) => out.write_str(&words.join(" ")),
        }
    }
}

/// How an agent program is started.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSpec {
    /// A known agent program whose command line we know; `command` wins over it.
    pub preset: Option<String>,
    pub command: Vec<String>,
    pub prompt: Prompt,
    /// What stands in `Assisted-by:` before the colon; the program's name if absent.
    pub tool: Option<String>,
    /// What stands in `Assisted-by:` after the colon, and in the ledger's lines.
    pub model: Option<String>,
    pub env: IndexMap<String, String>,
    /// The session is ended at this age; then its work is rescued, which nobody edits any more.
    #[serde(deserialize_with = "file::some_duration")]
    pub timeout: Option<Duration>,
}

/// How the prompt reaches the agent program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prompt {
    /// As the last argument.
    #[default]
    Arg,
    Stdin,
    /// As the path of a file: in place of `{prompt}` among the arguments, else as the last one.
    File,
}

/// The person's own file: trusted, because it is theirs and no clone brings it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    pub agents: IndexMap<String, AgentSpec>,
    /// Where the repositories are whose beads may be named from anywhere: prefix to path.
    pub repositories: IndexMap<String, PathBuf>,
    /// Run when a convoy closes, with the convoy as JSON on its standard input.
    pub notify: Option<Command>,
    /// Asked for the digest of a closed bead, which it reads as JSON from its standard input.
    pub digest: Option<Command>,
}

/// The policy of one commit. A commit without the file demands nothing.
pub fn read(repo: &Repo, commit: &Oid) -> Result<Policy> {
    let Some(bytes) = repo.file_at(commit, FILE)? else { return Ok(Policy::default()) };
    let text = String::from_utf8(bytes).with_context(|| format!("{FILE} of {commit}"))?;
    file::parse(&text, FILE)
}

/// The policy as it stands in a work tree, committed or not. It decides nothing.
pub fn as_edited(worktree: &Path) -> Result<Policy> {
    let path = worktree.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => file::parse(&text, &path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Policy::default()),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// Where the person's file is, whether it exists or not.
pub fn person_file(env: &Environment) -> Option<PathBuf> {
    let base = match env.get("XDG_CONFIG_HOME").filter(|path| path.starts_with('/')) {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env.get("HOME")?).join(".config"),
    };
    Some(base.join("shopfloor").join("config.toml"))
}

/// The person's policy; an absent file decides nothing.
pub fn person(env: &Environment) -> Result<Person> {
    let Some(path) = person_file(env) else { return Ok(Person::default()) };
    match std::fs::read_to_string(&path) {
        Ok(text) => file::parse(&text, &path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Person::default()),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

impl Policy {
    /// Every command this policy would have run, for a person to trust or not.
    pub fn surface(&self) -> Surface {
        Surface::of(self)
    }
}
