//! The beads as they stood at an earlier moment: all lines up to then, told again.

use anyhow::{Context as _, Result};

use crate::bead::Beads;
use crate::git::{Oid, Repo};
use crate::host::Stamp;
use crate::ledger::{Each, Fold as _, Ledger, Query};
use crate::refusal::Refusal;

/// A moment of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// From when to when that lasts which was asked for: what happened in it has happened.
    Time(String, String),
    /// A commit of the ledger, which holds what had happened.
    Tip(Oid),
}

impl Moment {
    /// What a revision stands for: a commit of the ledger for itself, any other for the moment at which
    /// it was committed.
    pub fn of(repo: &Repo, ledger: &Ledger<'_>, revision: &str) -> Result<Self> {
        let Some(commit) = repo.resolve(revision)? else {
            return Err(
                Refusal::nothing(format!("{revision:?} is neither a date nor a commit")).into()
            );
        };
        if ledger.is_tip(&commit)? {
            return Ok(Self::Tip(commit));
        }
        // Git's time is a whole second, and what happened in it may have been seen by the commit.
        let told = repo.commit(&commit)?.committer.time;
        let seconds: i64 = told.split(' ').next().unwrap_or_default().parse()?;
        let stamp = |seconds| Stamp::of_seconds(seconds).context("a commit with a strange time");
        Ok(Self::Time(stamp(seconds)?.to_string(), stamp(seconds + 1)?.to_string()))
    }

    /// Whether something had happened by then.
    pub fn has_seen(&self, at: &str) -> bool {
        match self {
            Self::Time(from, until) => at <= from.as_str() || at < until.as_str(),
            Self::Tip(_) => true,
        }
    }
}

/// All beads as they stood then.
pub fn beads(ledger: &Ledger<'_>, moment: &Moment) -> Result<Beads> {
    let mut beads = Beads::default();
    lines(ledger, moment, &mut |line| beads.drink(line))?;
    Ok(beads)
}

/// Hands over all lines up to then, in the one order.
pub fn lines(ledger: &Ledger<'_>, moment: &Moment, each: Each<'_>) -> Result<()> {
    match moment {
        Moment::Tip(tip) => ledger.tell_of(tip, each),
        Moment::Time(..) => ledger.tell(&Query::default(), &mut |line| {
            if moment.has_seen(&line.at) {
                each(line);
            }
        }),
    }
}
