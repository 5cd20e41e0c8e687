//! `git bead compact`: closed beads in one line each.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::agent;
use crate::bead::digest::{self, Known};
use crate::bead::event::Event;
use crate::bead::tokens::tokens;
use crate::bead::{Bead, Beads};
use crate::cli::bead::record::Record;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::when;
use crate::git::{Oid, Repo};
use crate::host::process::{End, Program};
use crate::ledger::{self, Json, Ledger, Query};
use crate::policy::{self, Command};
use crate::refusal::Refusal;

/// Tell beads that are long done in one line each
///
/// A digest says what was done, why, where (files and the commit that landed) and what was decided. `list`
/// and `show` tell it in place of the texts; those stay in the ledger: `show --full` tells them, `search`
/// finds their words, and whatever happens to the bead next takes the digest back. Whose texts are no longer
/// than a digest would be is left as it is.
///
/// Without ID these are the beads that were closed longer ago than git config shopfloor.compactAfter, 30d
/// unless set. A command under `digest` in your own config.toml writes the digests instead: it reads a bead
/// as JSON, and its first line is taken. Exit code 1: there is nothing to do.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead compact --dry-run            what it would say, and what that saves
  git bead compact
  git bead compact 7f3k --json")]
pub(in crate::cli) struct Compact {
    /// Only these beads, however long they are closed
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Change nothing
    #[arg(long)]
    dry_run: bool,
}

/// So long a bead is closed before it is long done.
const AFTER: &str = "30d";
/// How long a command may think about one bead.
const PATIENCE: Duration = Duration::from_secs(120);

impl Compact {
    pub(super) fn changes(&self) -> bool {
        !self.dry_run
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (repo, ledger) = (cx.repo()?, cx.ledger()?);
        let beads: Beads = ledger.read()?;
        let due = self.due(cx, &beads)?;
        let command = policy::person(&cx.env)?.digest;
        let decisions = decisions(&ledger)?;
        let mut told = Told { dry_run: self.dry_run, ..Told::default() };
        for bead in due {
            let files = files(repo, &bead)?;
            let decisions = decisions.get(&bead.id).cloned().unwrap_or_default();
            let Some(template) = digest::compose(&bead, &Known { decisions, files }) else {
                continue;
            };
            let asked = command.as_ref().and_then(|command| ask(cx, repo, command, &beads, &bead));
            let digest = asked.unwrap_or(template);
            let (size, before) = digest::size(&bead);
            let saved = before.saturating_sub(tokens(&digest));
            let short = beads.short(&bead.id).to_owned();
            let (id, lines) = (bead.id, bead.lines);
            told.beads.push(Compacted { id, digest, original_size: size, saved, short, lines });
        }
        if told.beads.is_empty() {
            cx.remark("nothing is to be told in fewer words");
            return Ok(Done::from(told).exit(exit::NOTHING));
        }
        if !self.dry_run {
            write(&ledger, cx, &mut told.beads)?;
        }
        told.tokens_saved = told.beads.iter().map(|it| it.saved).sum();
        Ok(told.into())
    }

    /// The beads that are asked for, with all their texts.
    fn due(&self, cx: &Context, beads: &Beads) -> Result<Vec<Bead>> {
        let (repo, ledger, now) = (cx.repo()?, cx.ledger()?, cx.clock.now());
        if !self.ids.is_empty() {
            let now = format!("{now}~");
            let named = self.ids.iter().map(|id| {
                let bead = beads.find(id)?;
                let short = beads.short(&bead.id);
                if digest::is_due(bead, &now) {
                    return ledger.spelled(bead.clone());
                }
                let is =
                    if bead.digest.is_some() { "told in one line already" } else { "not closed" };
                Err(Refusal::refused(format!("{short} is {is}")).into())
            });
            return named.collect();
        }
        let after = repo.config_get("shopfloor.compactAfter")?;
        let before = when::moment(after.as_deref().unwrap_or(AFTER), &now).map_err(|no| {
            Refusal::fatal(format!("git config shopfloor.compactAfter: {no:#}"))
                .hint("git config shopfloor.compactAfter 30d")
        })?;
        let all = beads.rows().map(|row| row.read());
        all.filter(|bead| digest::is_due(bead, &before)).map(|bead| ledger.spelled(bead)).collect()
    }
}

/// One line for each that nothing has happened to meanwhile.
fn write(ledger: &Ledger<'_>, cx: &Context, all: &mut Vec<Compacted>) -> Result<()> {
    ledger.write(&cx.actor()?, |beads: &Beads, pen| {
        let is_as_it_was =
            |bead: &Bead, it: &Compacted| digest::is_due(bead, "~") && bead.lines == it.lines;
        let is_due = |it: &Compacted| beads.get(&it.id).is_some_and(|bead| is_as_it_was(bead, it));
        all.retain(is_due);
        for it in &*all {
            let (text, size) = (it.digest.clone(), it.original_size);
            pen.line(&it.id, &Event::Digested { text, size, lines: Some(it.lines) })?;
        }
        Ok(())
    })
}

/// What sessions decided, by bead.
fn decisions(ledger: &Ledger<'_>) -> Result<HashMap<String, Vec<String>>> {
    let mut all = HashMap::<_, Vec<String>>::new();
    let query = Query { act: vec!["trail.decision".to_owned()], ..Query::default() };
    ledger.tell(&query, &mut |line| {
        let with = line.with.json();
        let said = |name: &str| with.get(name).and_then(Json::as_str).map(str::to_owned);
        if let Some(text) = said("text") {
            let reason = said("reason").map(|why| format!(", because {why}"));
            all.entry(line.on.clone()).or_default().push(text + &reason.unwrap_or_default());
        }
    })?;
    Ok(all)
}

/// What the landed commit changed; it may be gone by now.
fn files(repo: &Repo, bead: &Bead) -> Result<Vec<String>> {
    let Some(landed) = &bead.landed else { return Ok(Vec::new()) };
    let Ok(commit) = landed.commit.parse::<Oid>() else { return Ok(Vec::new()) };
    if !repo.exists(&commit) {
        return Ok(Vec::new());
    }
    match repo.commit(&commit)?.parents.first() {
        Some(parent) => repo.changed_paths(parent, &commit),
        None => Ok(Vec::new()),
    }
}

/// What the person's own command makes of a bead; where it fails, the usual line is told.
fn ask(cx: &Context, repo: &Repo, command: &Command, beads: &Beads, bead: &Bead) -> Option<String> {
    let words = command.words();
    let (program, args) = words.split_first()?;
    let told = ledger::json(&Record::of(beads, bead)).ok()?.to_string().into_bytes();
    let place = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
    let ran = Program::new(program).args(args).dir(place).input(told).timeout(PATIENCE).run();
    let said = String::from_utf8_lossy(&ran.out).into_owned();
    let first = said.lines().find(|line| !line.trim().is_empty());
    match (ran.end, first) {
        (End::Exit(0), Some(first)) => Some(digest::line(&agent::hide(first))),
        (end, _) => {
            let id = beads.short(&bead.id);
            cx.note(format!(
                "note: `{command}` gave no digest of {id} ({end:?}); the usual one is told"
            ));
            None
        }
    }
}

#[derive(Default, Serialize)]
struct Told {
    beads: Vec<Compacted>,
    dry_run: bool,
    tokens_saved: usize,
}

#[derive(Serialize)]
struct Compacted {
    id: String,
    digest: String,
    original_size: usize,
    #[serde(rename = "tokens_saved")]
    saved: usize,
    #[serde(skip)]
    short: String,
    #[serde(skip)]
    lines: u64,
}

impl Show for Told {
    fn show(&self, out: &mut Screen) {
        for it in &self.beads {
            out.parts(&[(Tone::Id, &it.short), (Tone::Plain, &format!("  {}", it.digest))]);
        }
        if self.beads.is_empty() {
            return;
        }
        let bytes: usize = self.beads.iter().map(|it| it.original_size).sum();
        let left: usize = self.beads.iter().map(|it| it.digest.len()).sum();
        let (verb, count) =
            (if self.dry_run { "Would compact" } else { "Compacted" }, self.beads.len());
        let saved = format!(
            " {count}: {bytes} bytes become {left}, about {} tokens less",
            self.tokens_saved
        );
        out.parts(&[(Tone::Good, verb), (Tone::Plain, &saved)]);
    }
}
