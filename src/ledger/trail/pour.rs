//! From the notes of many to lines of our own trail: one commit for all of them.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::end::End;
use super::local;
use super::note::{Note, Travel};
use super::spool::{self, Spool, Taken};
use crate::git::{Oid, Signature, Swap};
use crate::ledger::layout::Book;
use crate::ledger::manners::OURS;
use crate::ledger::manners::{ATTEMPTS, PENDING, contested};
use crate::ledger::place::Seen;
use crate::ledger::progress::{Mark, Progress};
use crate::ledger::shelf::Shelf;
use crate::ledger::{Ledger, garbage};

impl Ledger<'_> {
    /// Puts what was noted where it belongs; says how many lines that are.
    pub fn pour(&self) -> Result<usize> {
        let spool = Spool::of(self.store.dir().join(spool::DIR));
        let mut poured = 0;
        // What somebody left who died, and then what came since.
        while let Some(taken) = spool.take()? {
            match taken.put_aside()? {
                0 => {}
                count => (self.warning)(&format!(
                    "{count} of what was noted was damaged before it came into the trail: {}",
                    self.damaged_notes().display()
                )),
            }
            let travel = Travel::of(self.repo)?;
            let (go, stay): (Vec<_>, Vec<_>) =
                taken.notes.iter().cloned().partition(|note| travel.takes(note));
            self.take_along(&taken, &go)?;
            let of = self.whose()?;
            local::keep(&self.repo.own_dir()?, &taken, &stay, of.as_ref())?;
            poured += taken.notes.len();
            taken.done()?;
        }
        Ok(poured)
    }

    /// Where what was damaged before it came into the trail was put.
    pub fn damaged_notes(&self) -> PathBuf {
        self.store.dir().join(spool::DIR).join(spool::ASIDE)
    }

    fn take_along(&self, taken: &Taken, notes: &[Note]) -> Result<()> {
        if notes.is_empty() {
            return Ok(());
        }
        let (replica, of) = (self.replica()?, self.whose()?);
        let _turn = self.commit_turn()?;
        for _ in 0..ATTEMPTS {
            let ours = self.checked()?;
            let shelf =
                ours.as_ref().map_or_else(|| Shelf::new(&self.store), |(_, s)| Ok(s.clone()))?;
            let dir = shelf.replica(&replica).copied();
            let book = dir.map_or(Ok(Book::default()), |dir| Book::open(&self.store, &dir))?;
            let trail = book.trail();
            let trail =
                trail.map_or(Ok(Book::default()), |trail| Book::open(&self.store, &trail))?;
            let files = trail.files(&self.store, u64::MAX)?;
            let end = files.last().map_or(Ok(End::default()), |file| End::of(&file.bytes))?;
            if taken.is_in(end.last.as_deref()) {
                return Ok(());
            }
            let (lines, end) = end.follow(notes, of.as_ref())?;
            taken.give(&end.last.context("notes make lines")?)?;
            let (new, replaced) = trail.append(&self.store, &lines)?;
            let replaced = replaced.into_iter().chain(book.trail()).collect();
            let book = book.with_trail(Some(new));
            let tip = ours.map(|(tip, _)| tip);
            if self.replace((tip, shelf), &replica, &book, replaced)? {
                return Ok(());
            }
        }
        Err(contested(&self.name))
    }

    /// Puts another book in the place of a replica's, with the same lines but for its trail. No if
    /// somebody else has moved the ref.
    pub(in crate::ledger) fn replace(
        &self,
        (tip, mut shelf): (Option<Oid>, Shelf),
        replica: &str,
        book: &Book,
        mut replaced: Vec<Oid>,
    ) -> Result<bool> {
        shelf.format.check(OURS)?;
        let old = shelf.replica(replica).copied();
        let dir = book.write(&self.store)?;
        shelf.set_replica(replica, dir);
        let tree = shelf.write(&self.store)?;
        let commit = tip.map(|tip| self.store.commit(&tip)).transpose()?;
        let parents = match (commit, tip) {
            (Some(commit), Some(tip)) if commit.subject() == PENDING => {
                replaced.extend([tip, commit.tree]);
                replaced.extend(old);
                let below = self.parts_below(&commit.parents, replica);
                replaced.retain(|id| below.as_ref().is_ok_and(|below| !below.contains(id)));
                commit.parents
            }
            (_, tip) => {
                replaced.clear();
                tip.into_iter().collect()
            }
        };
        let who = Signature::new("shopfloor", "shopfloor@localhost", &self.clock.now());
        let new = self.store.write_commit(&tree, &parents, PENDING, &who)?;
        self.store.barrier().context("nothing was written")?;
        let desk = self.repo.desk_dir()?;
        let told = self.lead_on(tip, new)?;
        if self.repo.swap_ref(&self.name, tip.as_ref(), Some(&new), PENDING)? != Swap::Done {
            return Ok(false);
        }
        if let Some(told) = told {
            drop(Progress { durable: true, ..told }.save(&desk));
        }
        if let Some(mut seen) = Seen::load(self.repo).filter(|seen| Some(seen.tip) == tip) {
            if let Some(position) = seen.positions.get_mut(replica) {
                position.dir = dir;
            }
            seen.tip = new;
            seen.save(self.repo);
        }
        drop(garbage::add(self.repo, &replaced));
        Ok(true)
    }

    /// Tells those who are deciding that what they stand on has the same lines under another name.
    fn lead_on(&self, tip: Option<Oid>, new: Oid) -> Result<Option<Progress>> {
        let desk = self.repo.desk_dir()?;
        let here = |told: &Progress| {
            told.failed.is_none() && told.newest().is_some_and(|mark| mark.tip == tip)
        };
        let Some(mut told) = Progress::load(&desk).filter(here) else { return Ok(None) };
        let lines = told.newest().map_or(0, |mark| mark.lines);
        told.marks.push(Mark { tip: Some(new), lines });
        told.durable = false;
        told.save(&desk)?;
        Ok(Some(told))
    }
}
