//! `git refinery retry` and `git refinery reject`: a person decides about an entry.

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::refinery::record::Record;
use crate::cli::refinery::target::Target;
use crate::cli::show::{Done, Screen, Show};
use crate::cli::table;
use crate::refinery::{self, Autorun, Hold, Number, Queue, State};
use crate::refusal::Refusal;

/// Put held entries back into the line
///
/// For what was held because a gate could not start or the target itself was red. Without a number:
/// all of these. What is held for its commands needs `git bead trust --entry N`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git refinery retry 42
  git refinery retry                    all that are held")]
pub(in crate::cli) struct Retry {
    /// The entry, as `42` or `main#42`; all that are held if absent
    entry: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Retry {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor, target) = (cx.ledger()?, cx.actor()?, self.target.name(cx)?);
        let queue = ledger.read::<Queue>()?;
        let chosen: Vec<_> = match &self.entry {
            Some(entry) => vec![queue.find(entry, &target)?],
            None => {
                let lane = queue.lane(&target).into_iter().flat_map(|lane| lane.entries.values());
                let mends = |why: Hold| why != Hold::Surface;
                lane.filter(|e| e.held.as_ref().is_some_and(|held| mends(held.why))).collect()
            }
        };
        if chosen.is_empty() {
            return Err(Refusal::nothing("nothing is held that could be tried again")
                .hint("`git refinery status` says what came of each")
                .into());
        }
        let names: Vec<_> = chosen.iter().map(|entry| (entry.target.clone(), entry.n)).collect();
        for (target, n) in &names {
            refinery::retry(&ledger, &actor, (target, *n))?;
        }
        for target in names.iter().map(|(target, _)| target) {
            if let Autorun::Left(why) = refinery::autorun(cx.repo()?, target)? {
                cx.note(format!("note: {why}"));
            }
        }
        listed(cx, &names)
    }
}

/// Take an entry out of the line by your own decision
///
/// Its commit keeps a ref; its bead can be slung again, and the next session is told the reason.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git refinery reject 42 --reason 'superseded by 43'")]
pub(in crate::cli) struct Reject {
    /// The entry, as `42` or `main#42`
    entry: String,
    /// What the author is told
    #[arg(short, long)]
    reason: String,
    #[command(flatten)]
    target: Target,
}

impl Reject {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        let queue = ledger.read::<Queue>()?;
        let entry = queue.find(&self.entry, &self.target.name(cx)?)?;
        let name = (entry.target.as_str(), entry.n);
        if entry.state != State::Rejected {
            refinery::reject(cx.repo()?, &ledger, &actor, name, &self.reason)?;
        }
        for above in refinery::standing_on(cx.repo()?, &queue, entry)? {
            let (n, below) = (above.n, entry.n);
            cx.hint(format!(
                "#{n} was made on top of #{below} and brings it along: git refinery reject {n}"
            ));
        }
        listed(cx, &[(entry.target.clone(), entry.n)])
    }
}

fn listed(cx: &Context, names: &[(String, Number)]) -> Result<Done> {
    let (queue, beads) = cx.ledger()?.read::<(Queue, Beads)>()?;
    let repo = cx.repo()?;
    let entries = names.iter().filter_map(|(target, n)| queue.entry(target, *n));
    Ok(Listed(entries.map(|entry| Record::of(repo, &beads, entry, None)).collect()).into())
}

#[derive(Serialize)]
#[serde(transparent)]
struct Listed(Vec<Record>);

impl Show for Listed {
    fn show(&self, out: &mut Screen) {
        table::rows(out, &self.0.iter().map(Record::row).collect::<Vec<_>>());
    }
}
