//! Housekeeping: what was superseded goes, what stands in many files goes into one pack, and history
//! that nobody needs is cut. Lines are never touched: the newest tree holds all of them.
//!
//! The local history is one commit, amended by each write, and grows by one with each sync; so it is
//! the hub's that gets long. A clone that still has the old commits loses nothing when they are cut: what
//! it remembers and checks is how many lines it saw of each replica, not which commit came from which.

use anyhow::Result;

use super::manners::unreadable;
use super::place::Seen;
use super::{Ledger, garbage};
use crate::git::{Commit, Oid, Packed, Swap};
use crate::host::Turn;

/// It is worth it when about so many objects stand each in a file of its own.
const MANY: usize = 1024;
/// Fewer beside one pack are left for another time: they would make the whole pack anew.
const FEW: usize = 64;
/// How many commits are kept, and how many more there may be before the oldest are cut.
const KEPT: usize = 256;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    pub packed: Packed,
    /// How many objects went that nothing led to.
    pub swept: usize,
    /// How many commits were cut.
    pub cut: usize,
}

impl Ledger<'_> {
    /// Whether there is enough to do.
    pub fn needs_care(&self) -> bool {
        self.store.loose_count() > MANY
    }

    /// Does it all. None if somebody else is at it.
    pub fn maintain(&self) -> Result<Option<Maintenance>> {
        let own_dir = self.repo.own_dir()?;
        let Some(_one_at_a_time) = Turn::try_take(&own_dir.join("maintain.lock"))? else {
            return Ok(None);
        };
        self.writable()?;
        let rolled_up = self.is_rolled_up()?;
        if rolled_up && !self.has_strays() || !self.is_readable()? {
            return Ok(Some(Maintenance::default()));
        }
        let mut done = match rolled_up {
            true => Maintenance::default(),
            false => self.roll_up()?,
        };
        done.swept = self.sweep_strays()?;
        Ok(Some(done))
    }

    /// What cannot be read whole is left as it is: any object may be what it is put right with. No where
    /// there is nothing to read.
    fn is_readable(&self) -> Result<bool> {
        let Some((_, shelf)) = self.checked()? else { return Ok(false) };
        self.reads_whole(&shelf).map_err(unreadable)?;
        Ok(true)
    }

    fn roll_up(&self) -> Result<Maintenance> {
        let cut = self.cut_history()?;
        let turn = self.commit_turn()?;
        if let Some((tip, _)) = self.checked()? {
            garbage::sweep(self.repo, &self.store, &self.store.commit(&tip)?.tree, true)?;
        }
        drop(turn);
        let packed = self.store.pack(&self.in_use()?)?;
        Ok(Maintenance { packed, cut, swept: 0 })
    }

    /// Whether all but the newest few objects stand in one pack, and there is no history to cut.
    fn is_rolled_up(&self) -> Result<bool> {
        let Some((tip, _)) = self.checked()? else { return Ok(true) };
        let (packs, loose) = self.store.tally()?;
        Ok(packs == 1 && loose < FEW && (self.has_hub()? || self.history(tip)?.1 <= KEPT))
    }

    /// Where there is a hub we stand on its history, so there is nothing to be won before it is cut there.
    fn has_hub(&self) -> Result<bool> {
        Ok(!self.repo.refs_under("refs/shopfloor/remotes/")?.is_empty())
    }

    /// The commits of ours that something names, and the one this clone would be put back to.
    fn in_use(&self) -> Result<Vec<Oid>> {
        let named = self.repo.refs_under("refs/")?.into_iter().map(|(_, id)| id);
        let seen = Seen::load(self.repo).map(|seen| seen.tip);
        let mut tips: Vec<_> = named.chain(seen).filter(|id| self.store.has(id)).collect();
        tips.sort_unstable();
        tips.dedup();
        Ok(tips)
    }

    /// Cuts off all but the newest commits.
    fn cut_history(&self) -> Result<usize> {
        if self.has_hub()? {
            return Ok(0);
        }
        let _turn = self.commit_turn()?;
        let Some((tip, _)) = self.checked()? else { return Ok(0) };
        let (kept, more) = self.history(tip)?;
        if more <= KEPT {
            return Ok(0);
        }
        let mut parents = Vec::new();
        for commit in kept.iter().rev() {
            let message = commit.message.trim_end();
            let new =
                self.store.write_commit(&commit.tree, &parents, message, &commit.committer)?;
            parents = vec![new];
        }
        self.store.barrier()?;
        let new = parents.first();
        let why = "maintain: cut the history";
        if self.repo.swap_ref(&self.name, Some(&tip), new, why)? == Swap::Done
            && let Some(new) = new
        {
            Seen::moved(self.repo, &tip, *new);
        }
        Ok(more)
    }

    /// The newest commits, and how many there are before them.
    fn history(&self, tip: Oid) -> Result<(Vec<Commit>, usize)> {
        let (mut kept, mut more, mut next) = (Vec::new(), 0, Some(tip));
        while let Some(id) = next {
            let commit = match self.store.commit(&id) {
                Ok(commit) => commit,
                Err(no) if kept.is_empty() => return Err(no),
                // A shallow clone ends somewhere.
                Err(_) => break,
            };
            next = commit.parents.first().copied();
            if kept.len() < KEPT { kept.push(commit) } else { more += 1 }
        }
        Ok((kept, more))
    }
}
