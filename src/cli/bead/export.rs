//! `git bead export`: all beads as a file that other tools read.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::bead::export::{fields, line};
use crate::bead::intake::is_spread;
use crate::bead::kept::Kept;
use crate::bead::memory::Memories;
use crate::bead::{Bead, Beads, past};
use crate::cli::bead::import::MIRROR;
use crate::cli::bead::past::AsOf;
use crate::cli::context::Context;
use crate::cli::say;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::host::share;
use crate::ledger::{self, Fold as _, Json, Ledger};
use crate::refusal::Refusal;

/// Beads whose texts are looked up together.
const TOGETHER: usize = 1000;
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Write all beads as beads' JSONL
///
/// What came in by `git bead import` goes out as it came, field by field, deleted beads and unknown
/// fields too; what was changed here since is told as it is here.
///
/// With --watch FILE is written anew whenever something changes, for viewers of such files. It is a copy:
/// its first line says so, and `git bead import` refuses it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead export beads.jsonl
  git bead export --canonical           sorted, to be compared
  git bead export --include-memories all.jsonl
  git bead export --as-of v1.0 then.jsonl
  git bead export --watch .beads/issues.jsonl")]
pub(in crate::cli) struct Export {
    /// Where to; standard output unless it is given, or `-`
    file: Option<PathBuf>,
    /// The same
    #[arg(short, long, value_name = "FILE", conflicts_with = "file", hide = true)]
    output: Option<PathBuf>,
    /// Beads in the order of their ids, fields in that of their names
    #[arg(long)]
    canonical: bool,
    /// What is remembered here, too; what came in with a file goes out with it anyway
    #[arg(long, alias = "all")]
    include_memories: bool,
    /// Stay, and keep the file as the ledger is
    #[arg(long, conflicts_with_all = ["canonical", "as_of"])]
    watch: bool,
    #[command(flatten)]
    as_of: AsOf,
}

impl Export {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let file =
            self.file.as_ref().or(self.output.as_ref()).filter(|file| file.as_os_str() != "-");
        let Some(file) = file else {
            if self.watch {
                return Err(Refusal::usage("--watch keeps a file, and `-` is none")
                    .hint("git bead export --watch .beads/issues.jsonl")
                    .into());
            }
            self.write(cx, &mut |part| say::put(part))?;
            return Ok(Done::silent());
        };
        let path = cx.path(file);
        if self.watch {
            return self.keep(cx, &path);
        }
        let beads = self.replace(cx, &path)?;
        Ok(Exported { beads, file: path.display().to_string() }.into())
    }

    /// Writes the file whenever the ledger has moved.
    fn keep(&self, cx: &Context, path: &Path) -> Result<Done> {
        let tip = ledger::REF.parse()?;
        let mut seen = None;
        loop {
            let now = cx.repo()?.read_ref(&tip)?;
            if seen != Some(now) {
                let beads = self.replace(cx, path)?;
                cx.remark(format!("{beads} beads in {}", path.display()));
                seen = Some(now);
            }
            cx.clock.sleep(LOOK);
        }
    }

    /// Nobody sees half of a file. What is none, such as a pipe, is written into.
    fn replace(&self, cx: &Context, path: &Path) -> Result<usize> {
        let writing = || format!("writing {}", path.display());
        let old = match fs::metadata(path) {
            Err(no) if no.kind() == ErrorKind::NotFound => None,
            facts => Some(facts.with_context(writing)?),
        };
        if old.as_ref().is_some_and(|old| !old.is_file() && !old.is_dir()) {
            let into = File::options().write(true).open(path).with_context(writing)?;
            return self.fill(cx, into).with_context(writing);
        }
        let path = &target(path, old.is_some()).with_context(writing)?;
        let dir = path.parent().context("a file is in a directory")?;
        self.is_there(dir)?;
        // The umask takes from that what it takes from any file.
        let usual = Permissions::from_mode(0o666);
        let file = tempfile::Builder::new().permissions(usual).tempfile_in(dir);
        let file = file.with_context(writing)?;
        if let Some(old) = old {
            file.as_file().set_permissions(old.permissions()).with_context(writing)?;
        }
        let beads = self.fill(cx, file.as_file()).with_context(writing)?;
        share::persist(file, path).with_context(writing)?;
        Ok(beads)
    }

    /// A directory that was mistyped is not made; that of the viewers is.
    fn is_there(&self, dir: &Path) -> Result<()> {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        if dir.is_dir() {
            return Ok(());
        }
        let above = dir.parent().is_some_and(Path::is_dir);
        if self.watch && above && dir.file_name().is_some_and(|name| name == ".beads") {
            return share::make_dirs(dir).with_context(|| format!("making {}", dir.display()));
        }
        Err(Refusal::fatal(format!("there is no directory {}", dir.display()))
            .hint("name a file in a directory that is there, or make that first")
            .into())
    }

    fn fill(&self, cx: &Context, mut into: impl Write) -> Result<usize> {
        if self.watch {
            let what =
                "written by git bead export --watch; git bead changes beads, this file does not";
            let header = serde_json::json!({"_schema": "beads-jsonl/1", MIRROR: what});
            writeln!(into, "{header}")?;
        }
        self.write(cx, &mut |part| {
            into.write_all(part.as_bytes())?;
            Ok(true)
        })
    }

    /// Hands over the file in parts, until nobody wants more; says how many beads are in it.
    fn write(&self, cx: &Context, put: &mut dyn FnMut(&str) -> Result<bool>) -> Result<usize> {
        let ledger = cx.ledger()?;
        let (beads, kept, memories) = self.all(cx)?;
        let memories = ledger.spelled(memories)?;
        let (mut headers, mut others) = (String::new(), String::new());
        for (_, raw) in kept.iter().filter(|(subject, _)| !memories.is_outdated(subject)) {
            let text = ledger.spelled(raw.clone())?.text;
            let part = if text.contains("\"_schema\"") { &mut headers } else { &mut others };
            part.push_str(&text);
            part.push('\n');
        }
        let is_told = |subject: &str| kept.get(subject).is_some();
        for record in memories.records(self.include_memories, &is_told) {
            others.push_str(&record);
            others.push('\n');
        }
        let mut rows: Vec<_> = beads.every().collect();
        if self.canonical {
            rows.sort_unstable_by_key(|row| row.key());
        }
        let mut wanted = self.watch || put(&headers)?;
        for some in rows.chunks(TOGETHER) {
            let some: Vec<_> = some.iter().map(|row| row.read()).collect();
            let part: String = self.texts(&ledger, &beads, some)?;
            wanted = wanted && put(&part)?;
        }
        if wanted {
            put(&others)?;
        }
        Ok(rows.len())
    }

    /// All there is, or was then.
    fn all(&self, cx: &Context) -> Result<(Beads, Kept, Memories)> {
        let ledger = cx.ledger()?;
        let Some(moment) = self.as_of.moment(cx)? else { return ledger.read() };
        let (mut kept, mut memories) = (Kept::default(), Memories::default());
        past::lines(&ledger, &moment, &mut |line| {
            kept.drink(line);
            memories.drink(line);
        })?;
        Ok((past::beads(&ledger, &moment)?, kept, memories))
    }

    fn texts(&self, ledger: &Ledger<'_>, beads: &Beads, mut some: Vec<Bead>) -> Result<String> {
        if some.iter().any(is_spread) {
            some = ledger.spelled(some)?;
        }
        let mut part = String::new();
        for bead in &some {
            let mut fields = fields(beads, bead);
            if self.canonical {
                for (_, text) in &mut fields {
                    sort(text);
                }
                fields.sort_unstable();
            }
            part.push_str(&line(&fields));
            part.push('\n');
        }
        Ok(part)
    }
}

/// The file that a path means: a link stays one.
fn target(path: &Path, is_there: bool) -> io::Result<PathBuf> {
    if is_there {
        return fs::canonicalize(path);
    }
    match fs::read_link(path) {
        Ok(to) => Ok(path.parent().map(|dir| dir.join(&to)).unwrap_or(to)),
        Err(_) => Ok(path.to_owned()),
    }
}

/// Sorts the keys in a value, unless JSON would write its numbers otherwise.
fn sort(text: &mut String) {
    let Ok(mut json) = text.parse::<Json>() else { return };
    let written = json.to_string();
    if written == *text {
        json.sort_all_objects();
        *text = json.to_string();
    }
}

#[derive(Serialize)]
struct Exported {
    beads: usize,
    file: String,
}

impl Show for Exported {
    fn show(&self, out: &mut Screen) {
        let said = format!("{} beads to {}", self.beads, self.file);
        out.parts(&[(Tone::Good, "Exported "), (Tone::Plain, &said)]);
    }
}
