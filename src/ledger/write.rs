//! The one way a line gets into the ledger: take the turn, decide on the newest state, write objects,
//! make them durable, swap the ref, and only then say it.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::layout::Book;
use super::line::Line;
use super::place::{self, Seen};
use super::shelf::{Position, Shelf};
use super::state::State;
use super::{Actor, Fold, Ledger, Pen, garbage};
use crate::git::{Oid, RefName, Signature, Swap};
use crate::host::Turn;
use crate::refusal::Refusal;

/// How long a writer waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Within our turn only a foreign git can move the ref.
pub(super) const ATTEMPTS: usize = 5;
/// The subject of a commit that the next write replaces.
pub(super) const PENDING: &str = "ledger: not yet sealed";

impl Ledger<'_> {
    /// Decides on the newest state and writes what was decided, all of it or nothing. A decision that
    /// pens nothing writes nothing. It may be asked again, when somebody else was faster.
    pub fn write<S: Fold, T>(
        &self,
        actor: &Actor,
        mut decide: impl FnMut(&S, &mut Pen<'_>) -> Result<T>,
    ) -> Result<T> {
        // What takes longest is done before the turn; within it only what others wrote meanwhile is read.
        let mut known = Some(self.load::<S>(None)?);
        let turn = self.turn()?;
        for _ in 0..ATTEMPTS {
            let state = self.load(known.take())?;
            let mut pen =
                Pen::new(actor, self.clock.now().to_string(), state.clock() + 1, state.heads()?);
            let answer = decide(&state.fold, &mut pen)?;
            let lines = pen.into_lines();
            if lines.is_empty() || self.append(&state, &lines)? {
                drop(turn);
                self.save(&state);
                return Ok(answer);
            }
            known = Some(state);
        }
        Err(contested(&self.name))
    }

    /// The name under which this clone has written, if it ever did.
    pub fn known_replica(&self) -> Option<String> {
        place::known(self.repo)
    }

    /// The name under which this clone writes.
    pub fn replica(&self) -> Result<String> {
        let _turn = self.turn()?;
        place::replica(self.repo)
    }

    pub(super) fn turn(&self) -> Result<Turn> {
        Turn::take(&self.repo.own_dir()?.join("ledger.lock"), "the ledger", PATIENCE)
    }

    /// Appends to our own sequence. No means that the ref was moved meanwhile and nothing was written.
    fn append<S>(&self, state: &State<S>, lines: &[Vec<u8>]) -> Result<bool> {
        let replica = place::replica(self.repo)?;
        let old = state
            .tip
            .map(|tip| Ok::<_, anyhow::Error>((tip, self.store.commit(&tip)?)))
            .transpose()?;
        let mut shelf = match &old {
            Some((_, commit)) => Shelf::open(&self.store, &commit.tree)?,
            None => Shelf::new(&self.store)?,
        };
        let before = shelf.replica(&replica).copied();
        let book = before.map_or(Ok(Book::default()), |dir| Book::open(&self.store, &dir))?;
        let (dir, mut replaced) = book.append(&self.store, lines)?;
        shelf.set_replica(&replica, dir);
        let tree = shelf.write(&self.store)?;
        let amended = old.as_ref().filter(|(_, commit)| commit.subject() == PENDING);
        let parents = match (&old, amended) {
            (_, Some((_, commit))) => commit.parents.clone(),
            (Some((tip, _)), None) => vec![*tip],
            (None, None) => Vec::new(),
        };
        let who = Signature::new("shopfloor", "shopfloor@localhost", &self.clock.now());
        let commit = self.store.write_commit(&tree, &parents, PENDING, &who)?;
        self.store.barrier().context("nothing was written")?;
        if self.repo.swap_ref(&self.name, state.tip.as_ref(), Some(&commit), PENDING)? != Swap::Done
        {
            return Ok(false);
        }
        // It is done and durable. What follows may fail without harm.
        tracing::debug!(lines = lines.len(), %commit, "ledger");
        if let Some((tip, commit)) = amended {
            replaced.extend([*tip, commit.tree]);
            replaced.extend(before);
            if let Ok(below) = self.parts_below(&parents, &replica) {
                replaced.retain(|id| !below.contains(id));
                drop(garbage::add(self.repo, &replaced));
            }
        }
        self.remember(state, &replica, (commit, dir), lines);
        drop(garbage::sweep(self.repo, &self.store, &tree));
        Ok(true)
    }

    /// What the sealed commit below has of a replica: it may be anywhere, and stays.
    fn parts_below(&self, parents: &[Oid], replica: &str) -> Result<Vec<Oid>> {
        let mut parts = Vec::new();
        for parent in parents {
            let tree = self.store.commit(parent)?.tree;
            parts.push(tree);
            if let Some(dir) = Shelf::open(&self.store, &tree)?.replica(replica) {
                parts.push(*dir);
                parts.extend(Book::open(&self.store, dir)?.parts());
            }
        }
        Ok(parts)
    }

    fn remember<S>(
        &self,
        state: &State<S>,
        replica: &str,
        (tip, dir): (Oid, Oid),
        lines: &[Vec<u8>],
    ) {
        let mut positions = state.positions.clone();
        let count = positions.get(replica).map_or(0, |old| old.lines) + lines.len() as u64;
        let Some(Ok(line)) = lines.last().map(|line| Line::parse(line)) else { return };
        positions.insert(
            replica.to_owned(),
            Position { dir, lines: count, last: line.id, clock: line.clock },
        );
        if let Ok(seen) = Seen::new(self.repo, tip, &positions) {
            seen.save(self.repo);
        }
    }
}

pub(super) fn contested(name: &RefName) -> anyhow::Error {
    let what = format!("{name} is moved by somebody else again and again");
    Refusal::again(what).hint("look for a git that fetches into that ref").into()
}
