//! The ledger as one of its earlier commits has it.

use anyhow::Result;

use super::Ledger;
use super::fold::Each;
use super::manners::unreadable;
use crate::git::Oid;

impl Ledger<'_> {
    /// Whether a commit is one of a ledger and not of anything else.
    pub fn is_tip(&self, commit: &Oid) -> Result<bool> {
        Ok(self.shelf_of(commit).is_ok_and(|shelf| shelf.replicas().next().is_some()))
    }

    /// Hands over every line that such a commit holds, in the one order.
    pub fn tell_of(&self, tip: &Oid, each: Each<'_>) -> Result<()> {
        let shelf = self.shelf_of(tip)?;
        self.replay(&shelf, each).map(drop).map_err(unreadable)
    }
}
