//! `git bead import`: take over what another tool has written down.

mod github;
mod history;
pub(super) mod lines;
mod ticket;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::bead::Beads;
use crate::bead::births::Incoming;
use crate::bead::event::{Beside, Event};
use crate::bead::intake::plan;
use crate::bead::kept::Kept;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::progress::Progress;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::ledger::same_text;
use crate::refusal::Refusal;

pub(super) use lines::MIRROR;
use lines::Said;

/// So many records become one write of the ledger.
const TOGETHER: usize = 20_000;

/// Take over the beads of another tool
///
/// FILE is beads' JSONL of any age, `-` standard input. Ids stay as they are, and so does every field,
/// also those that have no meaning here: `git bead export` gives them back. What comes in is what the
/// other tool says: it claims nothing and is evidence of nothing.
///
/// A file may come again: what it has that is newer is taken over field by field, and what was changed
/// here since stays. A record that differs and is not newer, by the time in it, is named with the fields
/// in which it does, and what is here stays. Of two records of one moment the later in the file counts. A line that cannot be read is named with its number, and all others come in.
/// Exit code 3: there was such a line.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead import .beads/issues.jsonl
  git bead import --dry-run old.jsonl   what would come in
  git bead import --history .beads/issues.jsonl
  git bead import --from ticket .tickets
  git bead import --from github issues.json")]
pub(in crate::cli) struct Import {
    /// The file, or the directory of a tool that has one file per bead; `-` is standard input
    file: PathBuf,
    /// Which tool wrote it; for github what `gh issue list --state all --json …` prints
    #[arg(long, value_enum, default_value = "beads")]
    from: From,
    /// FILE is a path in a repository: as of each commit, so that the ledger tells who changed what
    #[arg(long, conflicts_with = "from")]
    history: bool,
    /// With --history: that repository, if it is not this one
    #[arg(long, value_name = "DIR", requires = "history")]
    repo: Option<PathBuf>,
    /// Say what would come in, and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum From {
    Beads,
    Ticket,
    Github,
}

impl Import {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let mut intake = Intake::new(cx, (self.dry_run, self.history));
        match self.from {
            _ if self.history => history::read(cx, &self.file, self.repo.as_deref(), &mut intake)?,
            From::Beads => self.lines(cx, &mut intake)?,
            From::Ticket => ticket::read(&cx.path(&self.file), &mut intake)?,
            From::Github => {
                let (mut file, name, _) = open(cx, &self.file)?;
                let mut text = Vec::new();
                file.read_to_end(&mut text).with_context(|| format!("reading {name}"))?;
                github::read(&name, &text, &mut intake)?;
            }
        }
        let told = intake.end()?;
        let code = if told.bad.is_empty() { 0 } else { exit::REFUSED };
        Ok(Done::from(told).exit(code))
    }

    fn lines(&self, cx: &Context, intake: &mut Intake<'_>) -> Result<()> {
        let (file, name, all) = open(cx, &self.file)?;
        let progress = Progress::of(&cx.clock, "Importing", "bytes");
        let done =
            lines::read(BufReader::with_capacity(1 << 16, file), &mut |line, bytes, said| {
                if let Some(all) = all {
                    progress.tell(usize::try_from(bytes)?, usize::try_from(all)?);
                }
                intake.take(&name, line, said)
            });
        progress.tell(1, 1);
        done.with_context(|| format!("reading {name}"))
    }
}

/// The file, what it is called, and how long it is.
fn open(cx: &Context, file: &Path) -> Result<(Box<dyn Read>, String, Option<u64>)> {
    if file.as_os_str() == "-" {
        return Ok((Box::new(std::io::stdin()), "standard input".to_owned(), None));
    }
    let path = cx.path(file);
    let name = path.display().to_string();
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
    match opened {
        Ok((about, file)) if about.is_file() => {
            Ok((Box::new(file), file_name(&path), Some(about.len())))
        }
        Ok((about, file)) if !about.is_dir() => Ok((Box::new(file), file_name(&path), None)),
        Ok(_) => Err(Refusal::fatal(format!("{name} is a directory"))
            .hint("`--from ticket` reads a directory of tickets")
            .into()),
        Err(no) => Err(Refusal::fatal(format!("{name} cannot be read: {no}"))
            .hint("name a file that can be read, or `-` for standard input")
            .into()),
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| path.display().to_string())
}

/// Collects records and writes them down, many together.
struct Intake<'c> {
    cx: &'c Context,
    dry_run: bool,
    /// The records are those of a history.
    states: bool,
    records: Vec<Incoming>,
    beside: Vec<(String, Beside)>,
    told: Imported,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Imported {
    read: usize,
    created: usize,
    updated: usize,
    unchanged: usize,
    /// Memories, headers and lines of other kinds.
    kept: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    duplicates: Vec<Duplicate>,
    /// Records that differ and are not newer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_newer: Vec<NotNewer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bad: Vec<Bad>,
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Duplicate {
    id: String,
    lines: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_as: Option<String>,
}

#[derive(Debug, Serialize)]
struct NotNewer {
    id: String,
    line: usize,
    fields: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Bad {
    file: String,
    line: usize,
    error: String,
}

impl<'c> Intake<'c> {
    fn new(cx: &'c Context, (dry_run, states): (bool, bool)) -> Self {
        let told = Imported { dry_run, ..Imported::default() };
        Self { cx, dry_run, states, records: Vec::new(), beside: Vec::new(), told }
    }

    /// One line of a file.
    fn take(&mut self, file: &str, line: usize, said: Result<Said, String>) -> Result<()> {
        match said {
            Ok(Said::Bead(told)) => {
                self.told.read += 1;
                self.records.push(Incoming { line, told: *told });
            }
            Ok(Said::Beside(subject, beside)) => self.beside.push((subject, beside)),
            Ok(Said::Mirror) => {
                return Err(Refusal::refused(format!(
                    "{file} is a copy of this ledger or another"
                ))
                .hint(
                    "`git bead sync` exchanges ledgers; `git bead export` writes what can come in",
                )
                .into());
            }
            Err(error) => self.told.bad.push(Bad { file: file.to_owned(), line, error }),
        }
        if self.records.len() < TOGETHER { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<()> {
        let (records, beside) =
            (std::mem::take(&mut self.records), std::mem::take(&mut self.beside));
        let news = |kept: &Kept, (subject, beside): &(String, Beside)| {
            let (Beside::Memory(raw) | Beside::Other(raw)) = beside;
            !kept.get(subject).is_some_and(|known| same_text(&known.text, &raw.text))
        };
        let ledger = self.cx.ledger()?;
        let (plan, kept) = if self.dry_run {
            let (beads, kept): (Beads, Kept) = ledger.read()?;
            let kept = beside.iter().filter(|it| news(&kept, it)).count();
            (plan(&beads, &records), kept)
        } else {
            ledger.write(&self.cx.actor()?, |(beads, kept): &(Beads, Kept), pen| {
                let mut plan = plan(beads, &records);
                for (id, told) in std::mem::take(&mut plan.lines) {
                    pen.line(&id, &Event::Told(Box::new(told)))?;
                }
                let mut count = 0;
                for (subject, line) in beside.iter().filter(|it| news(kept, it)) {
                    pen.line(subject, line)?;
                    count += 1;
                }
                Ok((plan, count))
            })?
        };
        let told = &mut self.told;
        told.created += plan.new;
        told.updated += plan.changed;
        told.unchanged += plan.same;
        told.kept += kept;
        // Of a history each state is one of several.
        let twice = plan.twice.into_iter().filter(|it| !self.states || it.kept_as.is_some());
        // A history is read from its beginning, however often.
        let unlike = plan.unlike.into_iter().filter(|_| !self.states);
        told.not_newer.extend(unlike.map(|it| NotNewer {
            id: it.id,
            line: it.line,
            fields: it.fields,
        }));
        told.duplicates.extend(twice.map(|it| Duplicate {
            id: it.id,
            lines: it.lines,
            kept_as: it.kept_as,
        }));
        Ok(())
    }

    fn end(mut self) -> Result<Imported> {
        self.write()?;
        Ok(self.told)
    }
}

impl Show for Imported {
    fn show(&self, out: &mut Screen) {
        let verb = if self.dry_run { "Would import " } else { "Imported " };
        let (new, changed, same) = (self.created, self.updated, self.unchanged);
        let mut said = format!("{new} new, {changed} changed, {same} unchanged");
        if self.kept > 0 {
            said.push_str(&format!(", {} kept beside", self.kept));
        }
        out.parts(&[(Tone::Good, verb), (Tone::Plain, &said)]);
        for Duplicate { id, lines, kept_as } in &self.duplicates {
            let lines: Vec<_> = lines.iter().map(usize::to_string).collect();
            let what = match kept_as {
                Some(other) => format!("another bead of that id, kept as {other}"),
                None => "states of one bead, the newest stands".to_owned(),
            };
            out.parts(&[
                (Tone::Plain, "  twice: "),
                (Tone::Id, id),
                (Tone::Plain, &format!("  lines {}: {what}", lines.join(", "))),
            ]);
        }
        for NotNewer { id, line, fields } in &self.not_newer {
            let what = format!("  line {line} differs, and is not newer: {}", fields.join(", "));
            out.parts(&[(Tone::Plain, "  kept ours: "), (Tone::Id, id), (Tone::Plain, &what)]);
        }
        for Bad { file, line, error } in &self.bad {
            out.parts(&[(Tone::Bad, &format!("  {file}:{line} ")), (Tone::Plain, error)]);
        }
        if !self.bad.is_empty() {
            out.line(format!("{} not read", self.bad.len()));
        }
    }
}
