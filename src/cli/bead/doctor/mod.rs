//! `git bead doctor`: what is wrong here, and what mends it.

mod examine;
mod facts;
mod finding;
mod ledger;

use std::fs;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::sling;
use crate::host::share;

use examine::examine;
use facts::Facts;
use finding::{Finding, Fix, Level};

/// Look for what is wrong here, say why it matters and what mends it
///
/// Looks at the ledger and its format, saved states, locks, git's line for the ledger's objects, git
/// hooks and routes, git itself, whether all places can be written to, clocks, remotes, copies of
/// this repository, and what crashes have left. No remote is asked, nothing is run, and without
/// --fix nothing is changed.
///
/// --fix mends what can be mended without a decision of yours, and says what it did. No line, no
/// commit and no file of yours is touched.
///
/// The exit code is 0 when nothing is wrong, and 1 when something is. Notes are worth knowing and
/// nothing wrong.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead doctor
  git bead doctor --fix               mend what can be mended
  git bead doctor --json              the same for programs")]
pub(in crate::cli) struct Doctor {
    /// Mend what needs no decision of yours
    #[arg(long)]
    fix: bool,
}

impl Doctor {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let mut facts = Facts::gather(cx)?;
        let mut fixed = Vec::new();
        let mut findings = examine(&facts);
        if self.fix {
            fixed = mend(cx, &findings);
            facts = Facts::gather(cx)?;
            findings = examine(&facts);
        }
        let wrong = findings.iter().any(|finding| finding.level == Level::Problem);
        let code = if wrong { exit::NOTHING } else { 0 };
        Ok(Done::from(Report::of(&facts, findings, fixed)).exit(code))
    }
}

/// Does what is safe, each thing once. What fails is said, and the rest is done all the same.
fn mend(cx: &Context, findings: &[Finding]) -> Vec<String> {
    let mut done = Vec::new();
    let mut fixes: Vec<&Fix> = Vec::new();
    for fix in findings.iter().filter_map(|finding| finding.fix.as_ref()) {
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    for fix in fixes {
        match apply(cx, fix) {
            Ok(told) => done.push(told),
            Err(no) => cx.note(format!("note: not mended: {no:#}")),
        }
    }
    done
}

fn apply(cx: &Context, fix: &Fix) -> Result<String> {
    let listed = |paths: &[std::path::PathBuf]| {
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    Ok(match fix {
        Fix::Alternates => {
            cx.ledger()?.make_known_to_git()?;
            "told git where the ledger's objects are".to_owned()
        }
        Fix::Caches(paths) => {
            cx.ledger()?.forget(paths)?;
            format!("removed {}", listed(paths))
        }
        Fix::Tend => {
            sling::tend(cx)?;
            "renewed git hooks and routes, and ended what dead sessions had left".to_owned()
        }
        Fix::Share(paths) => {
            for path in paths {
                share::adjust(path).with_context(|| format!("sharing {}", path.display()))?;
            }
            "gave to those who share this repository what they are to have of our files".to_owned()
        }
        Fix::Remove(paths) => {
            for path in paths {
                fs::remove_file(path).with_context(|| format!("removing {}", path.display()))?;
            }
            format!("removed {}", listed(paths))
        }
    })
}

#[derive(Serialize)]
struct Report {
    findings: Vec<Finding>,
    /// What was mended just now.
    fixed: Vec<String>,
    format: Option<String>,
    /// Whether all of the ledger could be read; none where there is none.
    readable: Option<bool>,
    lines: usize,
    replicas: usize,
    git: String,
    refs: &'static str,
}

impl Report {
    fn of(facts: &Facts, findings: Vec<Finding>, fixed: Vec<String>) -> Self {
        let (major, minor) = facts.git;
        Self {
            findings,
            fixed,
            format: facts.health.format.clone(),
            readable: facts.health.exists.then_some(facts.health.damage.is_none()),
            lines: facts.health.lines,
            replicas: facts.health.replicas,
            git: format!("{major}.{minor}"),
            refs: if facts.reftable { "reftable" } else { "files" },
        }
    }
}

impl Show for Report {
    fn show(&self, out: &mut Screen) {
        for done in &self.fixed {
            out.parts(&[(Tone::Good, "mended  "), (Tone::Plain, done)]);
        }
        for finding in &self.findings {
            let (sign, tone) = match finding.level {
                Level::Problem => ("✗ ", Tone::Bad),
                Level::Note => ("· ", Tone::Faint),
            };
            let check = format!("{}: ", finding.check);
            out.parts(&[(tone, sign), (Tone::Strong, &check), (Tone::Plain, &finding.what)]);
            out.parts(&[(Tone::Faint, &format!("    {}", finding.why))]);
            if let Some(mend) = &finding.mend {
                out.parts(&[(Tone::Plain, &format!("    → {mend}"))]);
            }
        }
        let problems = self.findings.iter().filter(|it| it.level == Level::Problem).count();
        let told = match problems {
            0 => (Tone::Good, "nothing is wrong".to_owned()),
            1 => (Tone::Bad, "one thing is wrong".to_owned()),
            count => (Tone::Bad, format!("{count} things are wrong")),
        };
        let ledger = match (&self.format, self.readable) {
            (_, Some(false)) => "the ledger was not read whole".to_owned(),
            (Some(format), _) => format!("ledger of format {format}, {} lines", self.lines),
            (None, _) => "no ledger".to_owned(),
        };
        let about = format!("{ledger}; git {} with refs in {}: ", self.git, self.refs);
        out.parts(&[(Tone::Plain, &about), (told.0, &told.1)]);
    }
}
