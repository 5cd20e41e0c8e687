//! `git refinery audit`: does every commit of the target have its evidence?

use anyhow::Result;

use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::refinery::target::Target;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::refinery;
use crate::refinery::audit::Audit;

/// Check that every commit of the target has landed with its gates passed
///
/// Walks the first-parent history from the tip to where the queue first knew the branch. Each commit
/// needs a recorded landing whose tree is its own and for which every gate in its parent's
/// shopfloor.toml passed. Exit 3 if one has not, or if what had landed is no longer there; commits that
/// came past the queue are named. Exit 1 if all that is here is well, and other clones have landed more.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git refinery audit
  git refinery audit --require test --json")]
pub(in crate::cli) struct AuditTarget {
    #[command(flatten)]
    target: Target,
    /// Also demand that this gate passed for every commit, whatever shopfloor.toml said then
    #[arg(long, value_name = "GATE")]
    require: Vec<String>,
}

impl AuditTarget {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (repo, ledger) = (cx.repo()?, cx.ledger()?);
        let audit = refinery::audit(repo, &ledger, &self.target.name(cx)?, &self.require)?;
        if !audit.behind.is_empty() {
            cx.hint("`git pull` brings it; what is still missing then was taken off the branch");
        }
        let code = match audit.is_clean() {
            true if audit.behind.is_empty() => 0,
            true => exit::NOTHING,
            false => exit::REFUSED,
        };
        Ok(Done::from(audit).exit(code))
    }
}

impl Show for Audit {
    fn show(&self, out: &mut Screen) {
        for finding in &self.findings {
            out.parts(&[
                (Tone::Bad, "✗ "),
                (Tone::Id, &finding.commit.short()),
                (Tone::Plain, &format!("  {}: {}", finding.subject, finding.said)),
            ]);
        }
        if self.ungated > 0 {
            out.line(format!("{} landed while there were no gates", self.ungated));
        }
        if let Some(entry) = &self.landing {
            out.line(format!("{entry} is landing"));
        }
        if let [.., newest] = self.behind.as_slice() {
            let newest = newest.short();
            out.line(format!("{} is behind: other clones have landed {newest}", self.target));
        }
        let since = self.baseline.short();
        let count = match self.commits {
            1 => "1 commit".to_owned(),
            n => format!("{n} commits"),
        };
        if self.is_clean() {
            let said = format!("{count} on {} since {since}, each with its evidence", self.target);
            out.parts(&[(Tone::Good, "✓ "), (Tone::Plain, &said)]);
        } else {
            let bad = match self.findings.len() {
                1 => "1 finding".to_owned(),
                n => format!("{n} findings"),
            };
            out.line(format!("{bad} in {count} on {} since {since}", self.target));
        }
    }
}
