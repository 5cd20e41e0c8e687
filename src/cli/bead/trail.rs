//! `git bead trail`: what a session says of its own doings, and taking such words away again.

use std::io::BufRead as _;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::agent::event::{Deed, Did, Event, Redaction};
use crate::agent::trail::Doer;
use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show};
use crate::githook::{self, Mark};
use crate::ledger::{Line, Note, Query};
use crate::refusal::Refusal;

/// Write down what a session does, or take its words away again
#[derive(clap::Subcommand)]
#[command(after_help = "Examples:
  git bead trail add --do edit --file src/x.rs
  git bead trail redact s-4k2m")]
pub(in crate::cli) enum Trail {
    Add(Add),
    Redact(Redact),
}

impl Trail {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        match self {
            Self::Add(verb) => verb.run(cx),
            Self::Redact(verb) => verb.run(cx),
        }
    }

    pub(super) fn changes(&self) -> bool {
        matches!(self, Self::Redact(_))
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Act {
    Edit,
    Command,
    Finding,
    Decision,
}

impl Act {
    fn of(self, did: Did) -> Deed {
        match self {
            Self::Edit => Deed::Edit(did),
            Self::Command => Deed::Command(did),
            Self::Finding => Deed::Finding(did),
            Self::Decision => Deed::Decision(did),
        }
    }
}

/// Write down what was just done, for `git bead log` to tell
///
/// For the hooks and scripts of agents: it costs a few milliseconds. Who acts, for which bead and in
/// which session is known from where it is called. Prompts, contents of files and output of commands
/// do not belong here; what looks like a password or a token is left out. Lines go with the ledger
/// unless git config shopfloor.trail is summary (one line for each session) or local.
///
/// With `-` it reads any number of JSON objects from standard input, one on a line, with the fields
/// do, file, target, text, reason, exit, ms, tokens, at and model: all of them are written, or none.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead trail add --do edit --file src/x.rs --tokens 812
  git bead trail add --do command --target 'cargo test' --exit 101 --ms 4200
  git bead trail add --do decision --text 'one lock, not two' --reason 'they are taken together'
  git bead trail add -                one JSON object on a line")]
pub(in crate::cli) struct Add {
    /// Read JSON lines from standard input
    #[arg(value_name = "-", value_parser = ["-"], required_unless_present = "act", conflicts_with_all = ["act", "file", "target", "text", "reason", "exit", "ms", "tokens"])]
    from: Option<String>,
    /// What it was
    #[arg(long = "do", value_name = "KIND")]
    act: Option<Act>,
    /// The file it was done to
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    /// What it was done to where that is no file, such as a command line
    #[arg(long)]
    target: Option<String>,
    /// What was found or decided
    #[arg(long)]
    text: Option<String>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// With which exit code it ended
    #[arg(long, allow_hyphen_values = true)]
    exit: Option<i32>,
    /// How many milliseconds it took
    #[arg(long)]
    ms: Option<u64>,
    /// How many tokens it took
    #[arg(long)]
    tokens: Option<u64>,
}

/// A line of standard input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(rename = "do")]
    act: Act,
    at: Option<crate::host::Stamp>,
    model: Option<String>,
    file: Option<String>,
    target: Option<String>,
    text: Option<String>,
    reason: Option<String>,
    exit: Option<i32>,
    ms: Option<u64>,
    tokens: Option<u64>,
}

impl Add {
    fn run(self, cx: &Context) -> Result<Done> {
        let (doer, now) = (doer(cx)?, cx.clock.now().to_string());
        let notes = match self.act {
            None => read(&doer, &now)?,
            Some(act) => {
                let Self { file, target, text, reason, exit, ms, tokens, .. } = self;
                let did = Did { file, target, text, reason, exit, ms, tokens };
                vec![doer.did(now, &act.of(sound(act, did)?))?]
            }
        };
        cx.ledger()?.note(notes)?;
        Ok(Done::silent())
    }
}

/// All lines of standard input, or none if one of them is wrong.
fn read(doer: &Doer, now: &str) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    for (number, line) in (1..).zip(std::io::stdin().lock().lines()) {
        let line = line.context("reading standard input")?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |no: &dyn std::fmt::Display| {
            Refusal::usage(format!("line {number} of standard input: {no}"))
                .hint("nothing was written; `git bead trail add -h` names the fields")
        };
        let said: Said = serde_json::from_slice(line.as_bytes()).map_err(|no| wrong(&no))?;
        let Said { act, at, model, file, target, text, reason, exit, ms, tokens } = said;
        let did = Did { file, target, text, reason, exit, ms, tokens };
        let did = sound(act, did).map_err(|no| wrong(&no))?;
        let doer = Doer { model: model.or_else(|| doer.model.clone()), ..doer.clone() };
        let at = at.map_or_else(|| now.to_owned(), |at| at.to_string());
        notes.push(doer.did(at, &act.of(did))?);
    }
    Ok(notes)
}

/// Refuses what says nothing.
fn sound(act: Act, did: Did) -> Result<Did> {
    let (wanted, is_there) = match act {
        Act::Edit => ("file", did.file.is_some()),
        Act::Command => ("target", did.target.is_some()),
        Act::Finding | Act::Decision => ("text", did.text.is_some()),
    };
    if is_there {
        return Ok(did);
    }
    let act = format!("{act:?}").to_lowercase();
    Err(Refusal::usage(format!("`{act}` needs `{wanted}`"))
        .hint(format!("git bead trail add --do {act} --{wanted} …"))
        .into())
}

/// Who acts here: an agent that was slung, an agent program that a person started, or the person.
fn doer(cx: &Context) -> Result<Doer> {
    let repo = cx.repo()?;
    let mark = Mark::of(repo)?;
    let actor = githook::actor(repo, mark.as_ref())?;
    let model = mark.as_ref().and_then(|mark| mark.assisted_by.as_deref()?.split_once(':'));
    let model = model.map(|(_, model)| model.to_owned()).filter(|model| model != "unknown");
    let bead = mark.and_then(|mark| mark.bead);
    let on = bead.or_else(|| actor.session.clone()).unwrap_or_else(|| actor.by.clone());
    Ok(Doer {
        by: actor.by,
        owner: actor.owner,
        on,
        session: actor.session,
        model: actor.model.or(model),
    })
}

/// Take the words of a session out of the trail
///
/// File names, commands, findings, decisions and reasons go; what stays is who did something of that
/// kind, when and for which bead, and the hash of what stood there. A line of the ledger says who did
/// it. Clones lose the words when they next sync with this one; what they fetched before, older commits
/// of the ledger, and copies elsewhere keep theirs.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead trail redact s-4k2m --reason 'a customer was named'
  git bead trail redact 7iczbm5xo3f46xl5aknbofmmla    one line, by its whole id")]
pub(in crate::cli) struct Redact {
    /// The session, or one line by its id
    #[arg(value_name = "SESSION")]
    named: String,
    /// Why, for those who miss it
    #[arg(long, default_value = "")]
    reason: String,
}

impl Redact {
    fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        if actor.agent {
            return Err(Refusal::refused("an agent does not take away what it told")
                .hint("a person does, from a checkout of their own")
                .into());
        }
        ledger.pour()?;
        let concerns =
            |line: &Line| line.id == self.named || line.session.as_ref() == Some(&self.named);
        let query = Query { act: vec!["trail".to_owned()], ..Query::default() };
        let mut found = false;
        ledger.tell(&query, &mut |line| found |= concerns(line))?;
        if !found {
            let what = format!("the trail has no session and no line `{}`", self.named);
            return Err(Refusal::nothing(what)
                .hint("`git bead log --trail --json` tells sessions and ids")
                .into());
        }
        // First who did it: without that, what follows would look like damage.
        let event = Event::Redacted(Redaction { reason: self.reason.clone() });
        ledger.write(&actor, |_: &Beads, pen| pen.line(&self.named, &event))?;
        let redacted = ledger.redact(&concerns)?;
        let (lines, remains) = (redacted.lines, redacted.remains);
        if remains {
            cx.remark(
                "note: older commits of the ledger still have the words, here and at the remote",
            );
        }
        Ok(Redacted { redacted: self.named, lines, remains }.into())
    }
}

#[derive(Serialize)]
struct Redacted {
    redacted: String,
    lines: usize,
    /// Older commits of the ledger still have the words.
    remains: bool,
}

impl Show for Redacted {
    fn show(&self, out: &mut Screen) {
        let lines = if self.lines == 1 { "1 line" } else { &format!("{} lines", self.lines) };
        out.line(format!(
            "The words of {lines} are gone here; other clones keep theirs until they sync"
        ));
    }
}
