//! Reading the ledger: the saved state, and what is new since. What cannot be read whole is not read at
//! all; an empty ledger is one that never was, not one that was lost.

use std::collections::HashSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::thread;

use anyhow::{Context as _, Result, anyhow};

use super::cache::Mark;
use super::fold::{Each, Folds, Source};
use super::format::Format;
use super::manners::{OURS, unreadable};
use super::meanwhile::Meanwhile;
use super::place::Seen;
use super::replay::{Ears, Replayed, replay};
use super::shelf::{News, Positions, Shelf};
use super::state::{Any, Standing, State, in_order};
use super::{Ledger, Line};
use crate::git::{Oid, Repo};
use crate::refusal::{Refusal, quoted};

/// A reader that loses an object because the tip was amended meanwhile looks again.
const ATTEMPTS: usize = 5;

impl Ledger<'_> {
    /// The state of now.
    pub fn read<S: Folds + Default>(&self) -> Result<S> {
        let mut state = State::<S>::default();
        self.fill(&mut state);
        match self.repo.own_dir() {
            Ok(own_dir) if state.tip.is_none() => self.load_first(&mut state, own_dir)?,
            _ => self.load(&mut state, true, None)?,
        }
        Ok(state.fold)
    }

    /// Reads every line.
    fn load_first(&self, state: &mut Any<'_>, own_dir: PathBuf) -> Result<()> {
        let read = state.fold.parts().iter().map(|part| part.name()).collect();
        thread::scope(|scope| {
            let mut also = Meanwhile::start(scope, self.also, read, own_dir);
            self.load(state, true, Some(&mut also))
        })
    }

    /// Every line, in the one order.
    pub fn lines(&self) -> Result<Vec<Line>> {
        let read = |tip: Option<Oid>, seen: Option<&Seen>| {
            let Some(tip) = tip else { return Ok(Vec::new()) };
            let shelf = self.shelf_of(&tip)?;
            self.compare(&shelf, tip, seen)?;
            self.told(&shelf);
            let mut lines = Vec::new();
            shelf.lines(&self.store, &mut |line| lines.push(line))?;
            Ok(in_order(lines))
        };
        self.steadily(read)
    }

    /// Refuses where the ledger is of a later form than this program writes.
    pub(super) fn writable(&self) -> Result<()> {
        self.steadily(|tip, _| tip.map_or(Ok(()), |tip| self.shelf_of(&tip)?.format.check(OURS)))
    }

    /// Says that a ledger of a later form may hold more than is shown.
    fn told(&self, shelf: &Shelf) {
        if shelf.format.is_newer() {
            let what = shelf.format.told(OURS);
            let remedy = shelf.format.remedy();
            (self.warning)(&format!("{what}: there may be more in it than is shown; {remedy}"));
        }
    }

    fn fill(&self, state: &mut Any<'_>) {
        state.fill(self.repo.own_dir().ok().as_deref(), &self.again());
    }

    /// Makes a state that of now, from where it stands if that is `known`, else from what was saved; and
    /// saves it, if that is worth it.
    pub(super) fn load(
        &self,
        state: &mut Any<'_>,
        mut known: bool,
        mut also: Option<&mut Meanwhile>,
    ) -> Result<()> {
        self.steadily(|tip, seen| {
            let Some(tip) = tip else {
                state.fill(None, &self.again());
                return Ok(());
            };
            if !std::mem::take(&mut known) {
                self.fill(state);
            }
            let is_known = seen.is_some_and(|seen| seen.tip == tip);
            if !is_known || !state.stands_at(&tip) {
                let shelf = self.shelf_of(&tip)?;
                self.catch_up(&shelf, tip, state, also.as_deref_mut())?;
                self.compare(&shelf, tip, seen)?;
                self.told(&shelf);
                if shelf.format.is_newer() {
                    // Nothing is remembered that a program which knows more would take for whole.
                    state.parts.iter_mut().for_each(|part| part.fresh = 0);
                    return Ok(());
                }
                if let Some((also, part)) = also.as_mut().zip(state.parts.first()) {
                    also.save(part.mark.clone());
                }
            }
            if !is_known && let Ok(seen) = Seen::new(self.repo, tip, &state.positions) {
                seen.save(self.repo);
            }
            Ok(())
        })?;
        if let Ok(own_dir) = self.repo.own_dir() {
            state.save(&own_dir);
        }
        Ok(())
    }

    /// Reads all lines, for who finds later that a part of what was saved cannot be read.
    fn again(&self) -> Source {
        let (at, env) = (self.repo.common_dir().to_owned(), self.repo.env().clone());
        let clock = self.clock.clone();
        Rc::new(move |each| {
            let repo = Repo::open(&at, &env)?;
            drop(repo.own_dir().and_then(|dir| Ok(std::fs::remove_dir_all(dir.join("cache"))?)));
            Ledger::open(&repo, &clock)?.each(each)
        })
    }

    fn each(&self, each: Each<'_>) -> Result<()> {
        let Some((_, shelf)) = self.checked()? else { return Ok(()) };
        self.replay(&shelf, each).map(drop)
    }

    /// Hands over all lines that a shelf has, in the one order, a few files of them in memory at once.
    pub(super) fn replay(&self, shelf: &Shelf, each: Each<'_>) -> Result<Replayed> {
        let ears = Ears { line: &mut |line| each(&line), files: &*self.progress };
        let all = (&Positions::new(), &Default::default());
        replay(&self.store, shelf, all, ears)?.context("its lines have no order")
    }

    pub(super) fn shelf_of(&self, tip: &Oid) -> Result<Shelf> {
        let commit = self.store.commit(tip)?;
        Shelf::open(&self.store, &commit.tree).with_context(|| format!("tree {}", commit.tree))
    }

    /// Each part from where it stands if the new lines all follow that, else from the first line; those
    /// that stand at one place drink together.
    fn catch_up(
        &self,
        shelf: &Shelf,
        tip: Oid,
        state: &mut Any<'_>,
        mut also: Option<&mut Meanwhile>,
    ) -> Result<()> {
        while let Some(from) = state.behind(&tip) {
            let mut parts = state.parts_at(&from);
            let mut also = also.as_deref_mut().filter(|_| from.tip.is_none());
            if let Some(also) = &mut also {
                also.anew();
            }
            let mut line = |line: Box<Line>| {
                for (part, _) in &mut parts {
                    part.drink(&line);
                }
                if let Some(also) = &mut also {
                    also.hear(line);
                }
            };
            let ears = Ears { line: &mut line, files: &*self.progress };
            let replayed = replay(&self.store, shelf, (&from.positions, &from.last), ears)?;
            match replayed.filter(|_| parts.iter().all(|(part, _)| part.is_sound())) {
                Some(replayed) => {
                    let mark = Mark {
                        tip: Some(tip),
                        positions: replayed.positions,
                        last: replayed.last.unwrap_or(from.last),
                    };
                    for (_, standing) in parts {
                        standing.fresh += replayed.lines;
                        standing.mark = mark.clone();
                    }
                }
                None if from.tip.is_none() => return Err(anyhow!("its lines have no order")),
                None => {
                    for (part, standing) in parts {
                        part.clear();
                        *standing = Standing::default();
                    }
                }
            }
        }
        state.arrive();
        Ok(())
    }

    /// The tip, if everything that this clone has seen is in it.
    pub(super) fn checked(&self) -> Result<Option<(Oid, Shelf)>> {
        self.steadily(|tip, seen| self.check(tip, seen))
    }

    /// The same for who takes in what a remote has: where ours is gone, that brings it back.
    pub(super) fn checked_or_gone(&self) -> Result<Option<(Oid, Shelf)>> {
        self.even_where_it_was(|tip, seen| self.check(tip, seen))
    }

    fn check(&self, tip: Option<Oid>, seen: Option<&Seen>) -> Result<Option<(Oid, Shelf)>> {
        let Some(tip) = tip else { return Ok(None) };
        let shelf = self.shelf_of(&tip)?;
        self.compare(&shelf, tip, seen)?;
        Ok(Some((tip, shelf)))
    }

    /// Everything this clone has seen must still be there, if a merge moved it, under another name.
    pub(super) fn compare(&self, shelf: &Shelf, tip: Oid, seen: Option<&Seen>) -> Result<()> {
        let Some(seen) = seen.filter(|seen| seen.tip != tip) else { return Ok(()) };
        // Where a later form keeps what was seen is not for us to know.
        if shelf.format.is_newer() {
            return Ok(());
        }
        let News::Rewritten(how) = shelf.news(&self.store, &seen.positions, &mut drop)? else {
            return Ok(());
        };
        let mut ids = HashSet::new();
        shelf.lines(&self.store, &mut |line| {
            ids.insert(line.id);
        })?;
        let count: u64 = seen.positions.values().map(|position| position.lines).sum();
        let has_ends = seen.positions.values().all(|position| ids.contains(&position.last));
        if has_ends && ids.len() as u64 >= count {
            return Ok(());
        }
        let what = format!("the ledger went back: {how} at {}", seen.tip.short());
        let fix = format!("git update-ref {} {}", self.name, seen.tip);
        let seen = quoted(self.repo.desk().join("seen"));
        Err(Refusal::fatal(what)
            .hint(fix)
            .hint(format!("that brings back what this clone last saw; if it was meant: rm {seen}"))
            .into())
    }

    /// Runs `read` on a tip that stays what it is while it runs. What was seen is asked for before the
    /// tip, so that no other writer's progress looks like a loss.
    pub(super) fn steadily<T>(
        &self,
        mut read: impl FnMut(Option<Oid>, Option<&Seen>) -> Result<T>,
    ) -> Result<T> {
        self.even_where_it_was(|tip, seen| {
            if tip.is_none() {
                self.never_was()?;
            }
            read(tip, seen)
        })
    }

    fn even_where_it_was<T>(
        &self,
        mut read: impl FnMut(Option<Oid>, Option<&Seen>) -> Result<T>,
    ) -> Result<T> {
        let mut attempt = 0;
        loop {
            let seen = Seen::load(self.repo);
            let tip = self.repo.read_ref(&self.name).map_err(|no| self.illegible(no))?;
            if tip.is_none() && seen.is_some() {
                return Err(self.lost(&format!("there is no {}", self.name), None).into());
            }
            let result = read(tip, seen.as_ref());
            attempt += 1;
            match result {
                Err(_) if attempt < ATTEMPTS && self.repo.read_ref(&self.name)? != tip => {}
                Err(no) => return Err(self.unreadable(tip.as_ref(), no)),
                Ok(value) => return Ok(value),
            }
        }
    }

    /// A ledger of a later form is not damaged because we cannot read it.
    fn unreadable(&self, tip: Option<&Oid>, no: anyhow::Error) -> anyhow::Error {
        let shelf = tip.and_then(|tip| self.shelf_of(tip).ok());
        let newer = shelf.map(|shelf| shelf.format).filter(Format::is_newer);
        if no.is::<Refusal>() {
            return no;
        }
        if let Some(astray) = tip.and_then(|tip| self.astray(tip)) {
            return astray.into();
        }
        match newer {
            Some(format) => {
                let what = format!("{}: {no:#}", format.told(OURS));
                Refusal::fatal(what).hint(format.remedy()).into()
            }
            None => unreadable(no),
        }
    }
}
