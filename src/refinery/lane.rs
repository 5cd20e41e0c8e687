//! One target branch: where it stood when a line last said so, and every entry that asked to land on it.
//! Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::git::Oid;
use crate::ledger::{Actor, Line};
use crate::refinery::entry::{Entry, State};
use crate::refinery::event::{Event, Foreign, Tested};
use crate::refinery::number::{Number, Twins};

/// One target branch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Lane {
    pub baseline: Option<Oid>,
    /// Where the target was when a line last said so. Elsewhere means that somebody else moved it.
    pub tip: Option<Oid>,
    pub entries: BTreeMap<Number, Entry>,
    pub foreign: Vec<Foreign>,
    twins: Twins,
}

impl Lane {
    /// The number of the next entry.
    pub fn next(&self) -> u64 {
        self.entries.last_key_value().map_or(1, |(n, _)| n.given() + 1)
    }

    /// What an entry of this commit is called that was given this number.
    pub(super) fn called(&self, n: Number, commit: &Oid) -> Number {
        match self.entries.get(&n) {
            Some(other) if other.commit != *commit => n.twin(commit),
            _ => n,
        }
    }

    /// Whether an entry that was given this number has this commit.
    pub(super) fn knows(&self, n: Number, commit: &Oid) -> bool {
        self.entries.range(n.namesakes()).any(|(_, entry)| entry.commit == *commit)
    }

    /// The entry that has taken this commit and has not given it back.
    pub fn holding(&self, commit: &Oid) -> Option<&Entry> {
        let given_back = |entry: &&Entry| {
            !matches!(entry.state, State::Rejected | State::Withdrawn) && entry.commit == *commit
        };
        self.entries.values().find(given_back)
    }

    /// Whether a ref that keeps this commit under this number asks for nothing more: it became an
    /// entry, or whoever made it was outrun and asked under a later number.
    pub(super) fn accounts_for(&self, n: Number, commit: &Oid) -> bool {
        let since = Number::from(n.given());
        let mut since = self.entries.range(since..);
        since.any(|(_, entry)| entry.commit == *commit) || self.holding(commit).is_some()
    }

    /// The landing that made `commit` a tip of the target.
    pub fn landing(&self, commit: &Oid) -> Option<&Entry> {
        let made = |entry: &&Entry| entry.landed.as_ref().is_some_and(|l| l.commit == *commit);
        self.entries.values().find(made)
    }

    /// Whether two clones have landed one entry as these, without knowing of each other.
    pub(super) fn are_one(&self, one: &Oid, other: &Oid) -> bool {
        let has = |entry: &Entry, commit: &Oid| entry.landings().any(|landing| landing == *commit);
        self.entries.values().any(|entry| has(entry, one) && has(entry, other))
    }

    /// What has landed here, newest first.
    pub(super) fn landed(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().rev().filter(|entry| entry.state == State::Landed)
    }

    /// The foreign landing that made `tip`: what it is known to fail.
    pub(super) fn foreign_tip(&self, tip: &Oid) -> Option<&Foreign> {
        self.foreign.iter().rfind(|foreign| foreign.new == *tip)
    }

    /// The entry that made `commit` a tip of the target, or is about to, and what was tested for that.
    pub fn evidence(&self, commit: &Oid) -> Option<(&Entry, &Tested)> {
        self.entries.values().find_map(|entry| Some((entry, entry.evidence(commit)?)))
    }

    /// Whether a line tells how `tip` came to be one.
    pub(super) fn vouches(&self, tip: &Oid) -> bool {
        self.foreign_tip(tip).is_some() || self.evidence(tip).is_some()
    }

    /// Where the target stood before `tip`, as far as lines tell it.
    pub(super) fn base_of(&self, tip: &Oid) -> Option<Oid> {
        let landed = self.evidence(tip).map(|(_, tested)| tested.base);
        landed.or_else(|| Some(self.foreign_tip(tip)?.old))
    }

    /// A line on an entry that says nothing we know: those that come after it are about the same entry.
    pub(super) fn heard(&mut self, n: Number, line: &Line) {
        self.twins.meant(n, line);
    }

    pub(super) fn begin(&mut self, tip: Oid) {
        if self.baseline.is_none() {
            self.tip.get_or_insert(tip);
            self.baseline = Some(tip);
        }
    }

    pub(super) fn moved(&mut self, foreign: Foreign) {
        self.tip = Some(foreign.new);
        self.foreign.push(foreign);
    }

    pub(super) fn drink(&mut self, line: &Line, target: &str, n: Number, event: Event) {
        if let Event::Queued(queued) = event {
            let called = self.called(n, &queued.commit);
            if called != n {
                self.twins.found(called, line);
            }
            let actor =
                Actor { by: line.by.clone(), owner: line.owner.clone(), ..Actor::default() };
            let born = || Entry::new(target, called, queued, &actor, &line.at);
            self.entries.entry(called).or_insert_with(born);
            return;
        }
        let n = self.twins.meant(n, line);
        let Some(entry) = self.entries.get_mut(&n) else { return };
        // What has landed is not undone by a line that arrives later. Of several that say where it landed
        // the one with evidence stands, whichever came first.
        if entry.state == State::Landed {
            if entry.proven {
                return entry.drink_again(event);
            }
            if !entry.is_proof(&event) {
                return;
            }
        }
        entry.drink(line, event);
        if entry.proven {
            self.tip = entry.landed.as_ref().map(|landed| landed.commit);
        }
    }
}
