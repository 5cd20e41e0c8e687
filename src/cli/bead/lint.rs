//! `git bead lint`: can somebody do it without asking?

use anyhow::Result;
use serde::Serialize;

use crate::bead::event::New;
use crate::bead::filter::Cond;
use crate::bead::lint::{self, Finding, Ground, Shared};
use crate::bead::order::Order;
use crate::bead::ready::{Call, ready};
use crate::bead::{Bead, Beads};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::git::RefName;
use crate::ledger::{Row, is_elsewhere};
use crate::refusal::Refusal;

/// Say what a bead lacks, so that somebody can do it without asking
///
/// Without arguments everything that is not closed is looked at. A section of the description counts as the
/// field it is named after, such as `## Acceptance Criteria`; epics and decisions are asked for less.
///
/// description: more than the title. acceptance: says how one sees that it is done. acceptance-command:
/// names a command for that, in backticks, after $, or in a fence; the word "tests" is none. steps: a bug
/// says how one makes it happen. files: names its files, by --files or by paths in the text that exist.
/// files-pattern, files-unmatched: they are patterns, and match something on the target branch, unless the
/// text says that the bead makes them. files-shared: nobody can start now on another bead that owns them.
/// interface: a feature, and what others wait for, says what it offers or uses. output: says what comes
/// out. hidden-wait: what the text waits for is a dependency. size: at most 8 hours by its estimate, 12
/// patterns, 50 files of the target branch, 8000 characters. two-jobs: the title names one.
///
/// Exit code 3: something is to be mended; 1: there is no such bead.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead lint                         all that is not closed
  git bead lint --ready --json          what agents may take next
  git bead lint 7f3k 9a2c")]
pub(in crate::cli) struct Lint {
    /// Beads, by any start of their ids
    #[arg(conflicts_with_all = ["ready", "all"])]
    ids: Vec<String>,
    /// Only what can be started now
    #[arg(long, conflicts_with = "all")]
    ready: bool,
    /// What is closed, too
    #[arg(long)]
    all: bool,
}

impl Lint {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let beads: Beads = ledger.read()?;
        let floor = Floor::new(cx, &beads)?;
        let shared = floor.shared(None);
        let ground = floor.ground(&shared);
        let asked: Vec<&Bead> = match (self.ids.is_empty(), self.ready, self.all) {
            (false, ..) => beads.find_each(&self.ids)?,
            (_, true, _) => floor.ready.iter().map(|row| row.whole()).collect(),
            (.., true) => beads.rows().map(|row| row.whole()).collect(),
            _ => beads.not_closed().map(|row| row.whole()).collect(),
        };
        let mut told = Linted { checked: asked.len(), total: 0, issues: 0, results: Vec::new() };
        for bead in asked {
            let findings = lint::lint(&ground, &whole(cx, bead)?);
            told.total += findings.len();
            if !findings.is_empty() {
                told.results.push(Poor::of(&beads, bead, findings));
            }
        }
        told.issues = told.results.len();
        let (checked, issues) = (told.checked, told.issues);
        let code = match (checked, issues) {
            (0, _) => {
                cx.remark("there is nothing to look at");
                exit::NOTHING
            }
            (_, 0) => 0,
            _ => exit::REFUSED,
        };
        if checked > 0 {
            cx.remark(format!("{issues} of {checked} could not be done without asking"));
        }
        Ok(Done::from(told).exit(code))
    }
}

/// A bead with the texts that stand elsewhere.
pub(super) fn whole(cx: &Context, bead: &Bead) -> Result<Bead> {
    let texts = [&bead.description, &bead.design, &bead.acceptance_criteria];
    match texts.into_iter().any(|text| is_elsewhere(text)) {
        true => cx.ledger()?.spelled(bead.clone()),
        false => Ok(bead.clone()),
    }
}

/// What all beads of one look at are held against.
pub(super) struct Floor<'a> {
    beads: &'a Beads,
    tree: Option<Vec<String>>,
    ready: Vec<Row<'a, Bead>>,
}

impl<'a> Floor<'a> {
    pub(super) fn new(cx: &Context, beads: &'a Beads) -> Result<Self> {
        let repo = cx.repo()?;
        let tip = repo.read_ref(&RefName::branch(&repo.default_branch()?)?)?;
        let tree = tip.map(|tip| repo.paths_at(&tip)).transpose()?;
        let (every, now) = (Cond::every(), cx.clock.now().to_string());
        let call = Call { wanted: &every, now: Some(&now), ephemeral: false };
        Ok(Self { beads, tree, ready: ready(beads, call, &Order::Oldest, 0) })
    }

    /// Who shares files with whom among what can be started, with one that is not written down yet.
    pub(super) fn shared<'b>(&'b self, new: Option<&'b Bead>) -> Shared<'b> {
        Shared::among(self.ready.iter().map(|row| row.whole()).chain(new))
    }

    pub(super) fn ground<'b>(&'b self, shared: &'b Shared<'b>) -> Ground<'b> {
        Ground { beads: self.beads, tree: self.tree.as_deref(), shared }
    }
}

/// Refuses to write down what could not be done without asking.
pub(super) fn demand(cx: &Context, beads: &Beads, new: &New) -> Result<()> {
    let floor = Floor::new(cx, beads)?;
    let bead = lint::unborn(new.clone());
    let waits = bead.dependencies.iter().any(|edge| edge.kind.blocks());
    let shared = floor.shared(Some(&bead).filter(|_| !waits));
    let findings = lint::lint(&floor.ground(&shared), &bead);
    if findings.is_empty() {
        return Ok(());
    }
    let mut no =
        Refusal::refused("nothing was written down; this could not be done without asking:");
    for finding in findings {
        no.what.push_str(&format!("\n  {}: {}", finding.rule, finding.what));
        no = no.hint(format!("{}: {}", finding.rule, finding.mend));
    }
    Err(no.into())
}

#[derive(Serialize)]
struct Linted {
    checked: usize,
    /// How many findings there are, and how many beads have one.
    total: usize,
    issues: usize,
    results: Vec<Poor>,
}

#[derive(Serialize)]
struct Poor {
    id: String,
    title: String,
    #[serde(rename = "type")]
    issue_type: String,
    warnings: usize,
    findings: Vec<Told>,
    #[serde(skip)]
    short: String,
}

#[derive(Serialize)]
struct Told {
    rule: &'static str,
    field: &'static str,
    what: String,
    mend: String,
}

impl Poor {
    fn of(beads: &Beads, bead: &Bead, findings: Vec<Finding>) -> Self {
        let findings = findings.into_iter();
        let findings: Vec<_> = findings
            .map(|Finding { rule, field, what, mend }| Told { rule, field, what, mend })
            .collect();
        Self {
            id: bead.id.clone(),
            title: bead.title.clone(),
            issue_type: bead.issue_type.clone(),
            warnings: findings.len(),
            findings,
            short: beads.short(&bead.id).to_owned(),
        }
    }
}

impl Show for Linted {
    fn show(&self, out: &mut Screen) {
        for poor in &self.results {
            out.parts(&[
                (Tone::Id, &poor.short),
                (Tone::Faint, &format!("  {}", poor.issue_type)),
                (Tone::Plain, &format!("  {}", poor.title)),
            ]);
            for Told { rule, what, mend, .. } in &poor.findings {
                out.parts(&[(Tone::Bad, &format!("    {rule}: ")), (Tone::Plain, what)]);
                out.parts(&[(Tone::Faint, &format!("      {mend}"))]);
            }
        }
    }
}
