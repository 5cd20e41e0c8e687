//! The other garbage: objects that nothing leads to and no note tells of, because their writer was killed
//! or the note is gone. They go when nobody has asked for them for an hour, which no writer takes.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;

use super::place::Seen;
use super::{Ledger, garbage};
use crate::git::{Oid, RefName};
use crate::host::Turn;

const AGE: Duration = Duration::from_secs(3600);

impl Ledger<'_> {
    pub(super) fn has_strays(&self) -> bool {
        self.store.has_idle(AGE)
    }

    /// Unlinks them and says how many. For who has read the ledger whole: otherwise any of them may be
    /// what it is put right with.
    pub(super) fn sweep_strays(&self) -> Result<usize> {
        if !self.has_strays() {
            return Ok(0);
        }
        let before = self.named()?;
        // Git may be long about this in a large repository, so nobody is kept waiting meanwhile.
        let strays = self.store.strays(AGE, &self.kept())?;
        // What is being fetched may be here already, and be named by no ref yet.
        let Some(_exchange) = Turn::try_take(&self.exchange_lock()?)? else { return Ok(0) };
        let _turn = self.commit_turn()?;
        if self.named()? != before {
            return Ok(0);
        }
        // Those go a minute after they were replaced, when nobody reads them any more.
        let noted = garbage::listed(self.repo);
        let strays = strays.iter().filter(|id| !noted.contains(*id));
        let swept = strays.filter(|id| self.store.discard_idle(id, AGE)).count();
        self.store.discard_unnamed(AGE);
        Ok(swept)
    }

    /// The refs that name something of ours, but for the ledger: who moves that writes what it needs anew.
    fn named(&self) -> Result<Vec<(RefName, Oid)>> {
        let mut refs = self.repo.refs_under("refs/")?;
        refs.retain(|(name, id)| *name != self.name && self.store.has(id));
        Ok(refs)
    }

    /// What is needed and no ref leads to: the tip this clone would be put back to, and texts on their way.
    fn kept(&self) -> Vec<Oid> {
        let mut kept: BTreeSet<_> = self.texts_on_their_way(AGE).into_iter().collect();
        kept.extend(Seen::load(self.repo).map(|seen| seen.tip));
        kept.into_iter().filter(|id| self.store.has(id)).collect()
    }
}
