//! How the ledger stands, for who asks what is wrong with it. It looks at everything and changes nothing.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::back::Way;
use super::layout::Book;
use super::merge::name_of;
use super::{Ledger, cache, place};
use crate::ledger::line::Line;
use crate::refusal::Refusal;

/// What was found. Where the ledger cannot be read, all that is known is why.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Whether there is a ledger, or was one.
    pub exists: bool,
    pub format: Option<String>,
    /// Why it is not written to, where it is newer than this program.
    pub newer: Option<Refusal>,
    pub damage: Option<Refusal>,
    /// Files of objects that are not what they were.
    pub broken: Vec<PathBuf>,
    /// What goes back to most of it: mostly what a remote had.
    pub resort: Option<Way>,
    /// What makes again, as it was, what is lost.
    pub remake: Option<String>,
    pub lines: usize,
    pub replicas: usize,
    /// Lines that were written past the rules.
    pub findings: usize,
    /// Replicas that are the second end of a sequence with two.
    pub tails: Vec<String>,
    /// The time that the newest line bears.
    pub newest: Option<String>,
    /// What this clone is called was given to another place: it is a copy, or was moved.
    pub moved: bool,
    /// What was noted and damaged before it came into the trail.
    pub damaged_notes: Option<PathBuf>,
    /// Saved states that are not as they were saved.
    pub caches: Vec<PathBuf>,
}

impl Ledger<'_> {
    pub fn health(&self) -> Health {
        let mut health = Health {
            moved: self.repo.desk().join("replica").exists() && place::known(self.repo).is_none(),
            damaged_notes: Some(self.damaged_notes()).filter(|path| path.exists()),
            caches: cache::damaged(&self.repo.common_dir().join("shopfloor")),
            ..Health::default()
        };
        if let Err(no) = self.examine_all(&mut health) {
            let refusal = no.downcast::<Refusal>();
            health.damage = Some(refusal.unwrap_or_else(|no| Refusal::fatal(format!("{no:#}"))));
            health.broken = self.store.broken();
            health.resort = self.resort();
            health.remake = self.remake();
        }
        health
    }

    fn examine_all(&self, health: &mut Health) -> Result<()> {
        health.exists = true;
        let tip = self.repo.read_ref(&self.name).map_err(|no| self.illegible(no))?;
        if tip.is_none() && place::Seen::load(self.repo).is_none() {
            self.never_was()?;
            health.exists = false;
        }
        if let Some(shelf) = tip.and_then(|tip| self.shelf_of(&tip).ok()) {
            health.format = Some(shelf.format.number());
            let newer = shelf.format.check("the ledger").err();
            health.newer = newer.and_then(|no| no.downcast::<Refusal>().ok());
        }
        let mut newest = None;
        let verified = self.verify(&mut |line| {
            if newest.as_ref().is_none_or(|newest| *newest < line.at) {
                newest = Some(line.at.clone());
            }
        })?;
        (health.lines, health.replicas, health.newest) =
            (verified.lines, verified.replicas, newest);
        health.findings = verified.findings.len();
        health.tails = self.tails()?;
        Ok(())
    }

    /// Sequences that a merge has set apart: they are called by their first line.
    fn tails(&self) -> Result<Vec<String>> {
        let Some((_, shelf)) = self.checked()? else { return Ok(Vec::new()) };
        let mut tails = Vec::new();
        for (name, dir) in shelf.replicas() {
            let book = Book::open(&self.store, dir)?;
            // Who has noted something and done nothing else has a trail alone.
            if book.count(&self.store)? == 0 {
                continue;
            }
            let first = book.first(&self.store)?;
            if name_of(&Line::parse(&first)?.id) == name {
                tails.push(name.to_owned());
            }
        }
        Ok(tails)
    }

    /// Whether git knows where the ledger's objects are.
    pub fn is_known_to_git(&self) -> bool {
        self.store.is_known_to_git()
    }

    /// Says to git where they are.
    pub fn make_known_to_git(&self) -> Result<()> {
        self.store.make_known_to_git()
    }

    /// Removes saved states that are not as they were saved: the next command makes them again.
    pub fn forget(&self, caches: &[PathBuf]) -> Result<()> {
        caches.iter().try_for_each(|path| Ok(fs::remove_file(path)?))
    }
}
