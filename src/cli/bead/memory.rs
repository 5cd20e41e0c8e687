//! `git bead remember`, `recall`, `memories` and `forget`: what every later session should know.

use std::path::Path;

use anyhow::Result;
use indexmap::IndexMap;
use serde::Serialize;

use crate::agent;
use crate::bead::memory::{self, Memories, Memory};
use crate::cli::bead::past::AsOf;
use crate::cli::bead::text::text;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::refusal::Refusal;

/// Remember something for every later session
///
/// `git bead prime` tells it to whoever begins. It goes wherever the ledger goes, so what looks like a
/// secret is taken out. Without --key its first words are its key; who says something else under the same
/// key replaces it, and `git bead log memory/KEY` still has what it was.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead remember 'integration tests need the database of make up'
  git bead remember 'tabs count as one column' --key columns --json
  git bead remember --stdin --key build")]
pub(in crate::cli) struct Remember {
    /// What is worth knowing
    #[arg(required_unless_present = "stdin")]
    text: Option<String>,
    /// Read that from standard input
    #[arg(long, conflicts_with = "text")]
    stdin: bool,
    /// A short name for it
    #[arg(long)]
    key: Option<String>,
}

/// Tell what is remembered under a key
///
/// With --json also who said so, and when. Without KEY it tells all, as `git bead memories` does. Exit
/// code 1: nothing is.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead recall columns
  git bead recall --json
  git bead recall columns --as-of 3d")]
pub(in crate::cli) struct Recall {
    /// Its key
    key: Option<String>,
    #[command(flatten)]
    as_of: AsOf,
}

/// List what is remembered
///
/// Exit code 1: nothing is.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead memories
  git bead memories database
  git bead memories --json              each key with its text
  git bead memories --as-of 2026-11-01")]
pub(in crate::cli) struct ListMemories {
    /// Only what has this in its key or its text
    word: Option<String>,
    #[command(flatten)]
    as_of: AsOf,
}

/// Forget what is remembered under a key
///
/// `git bead log memory/KEY` still has it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead forget columns")]
pub(in crate::cli) struct Forget {
    /// Its key
    key: String,
}

impl Remember {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let text = match self.stdin {
            true => text(cx, Path::new("-"), "what is worth knowing")?,
            false => self.text.unwrap_or_default(),
        };
        let value = agent::hide(text.trim());
        if value != text.trim() {
            cx.note("note: what looks like a secret was left out");
        }
        let nameless = || Refusal::usage("no word of that makes a key").hint("--key names it");
        let key = match self.key {
            // Half a key would be no name for anything.
            Some(key) if agent::hide(&key) != key => {
                return Err(Refusal::usage("that key looks like a secret")
                    .hint("git bead remember 'what is worth knowing' --key SHORT-NAME")
                    .into());
            }
            Some(key) => key,
            None => memory::key(&value).ok_or_else(nameless)?,
        };
        let actor = cx.actor()?;
        let known = cx
            .ledger()?
            .write(&actor, |all: &Memories, pen| memory::keep(all, &key, &value, pen))?;
        let action = match known {
            true => "updated",
            false => "remembered",
        };
        Ok(Said { key, value, action }.into())
    }
}

impl Recall {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let Some(key) = self.key else {
            return ListMemories { word: None, as_of: self.as_of }.run(cx);
        };
        let ledger = cx.ledger()?;
        let memory: Memory = ledger.spelled(self.as_of.memories(cx)?.find(&key)?.clone())?;
        let value = memory.value();
        Ok(Recalled { key, value, found: true, created_by: memory.by, created_at: memory.at }
            .into())
    }
}

impl ListMemories {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let memories = ledger.spelled(self.as_of.memories(cx)?)?;
        let word = self.word.unwrap_or_default();
        let told = memories.iter().map(|(key, memory)| (key.to_owned(), memory.value()));
        let told =
            Listed(told.filter(|(key, value)| memory::speaks_of(key, value, &word)).collect());
        if told.0.is_empty() {
            cx.remark("nothing is remembered");
            return Ok(Done::from(told).exit(exit::NOTHING));
        }
        Ok(told.into())
    }
}

impl Forget {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let memory = ledger
            .write(&cx.actor()?, |all: &Memories, pen| memory::forget(all, &self.key, pen))?;
        let memory = ledger.spelled(memory)?;
        Ok(Said { value: memory.value(), key: self.key, action: "forgotten" }.into())
    }
}

#[derive(Serialize)]
struct Said {
    key: String,
    value: String,
    action: &'static str,
}

impl Show for Said {
    fn show(&self, out: &mut Screen) {
        let (first, rest) = self.action.split_at(1);
        out.parts(&[
            (Tone::Good, &format!("{}{rest} ", first.to_uppercase())),
            (Tone::Id, &self.key),
            (Tone::Plain, &format!(": {}", self.value.lines().next().unwrap_or_default())),
        ]);
    }
}

#[derive(Serialize)]
struct Recalled {
    key: String,
    value: String,
    found: bool,
    created_by: String,
    created_at: String,
}

impl Show for Recalled {
    fn show(&self, out: &mut Screen) {
        out.block(&self.value, 0);
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Listed(IndexMap<String, String>);

impl Show for Listed {
    fn show(&self, out: &mut Screen) {
        for (key, value) in &self.0 {
            let more = if value.lines().nth(1).is_some() { " …" } else { "" };
            let first = value.lines().next().unwrap_or_default();
            out.parts(&[(Tone::Id, key), (Tone::Plain, &format!(": {first}{more}"))]);
        }
    }
}
