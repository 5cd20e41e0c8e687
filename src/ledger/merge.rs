//! Two ledgers into one, without a common ancestor to compare with.
//!
//! A replica's lines are one sequence, so of two that agree the longer one is taken whole. Where a
//! repository was restored or imaged, one name may have two ends. Then the end whose first line has the
//! smaller id stays, and the other becomes a sequence of its own, named by its first line. Since that name
//! depends on nothing else, any number of clones that merge in any order come to the same ledger.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::canon::split;
use super::layout::Book;
use super::line::Line;
use super::manners::{ATTEMPTS, OURS, PENDING, contested, unreadable};
use super::place::Seen;
use super::shelf::{Dirs, News, Position, Positions, Shelf, Tail, tail};
use super::{Ledger, pin, texts, trail};
use crate::git::{Oid, Signature, Store, Swap};

/// Clocks count lines, so none is this far ahead; one that were would leave too little for the rest of us.
const LEAP: u64 = 1 << 32;

/// Whether clocks have come further than all the lines of the world could have brought them.
pub(super) fn leaps(before: u64, after: u64) -> bool {
    after > before.saturating_add(LEAP)
}

/// A line as far as merging is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
}

pub(super) type Sequences = BTreeMap<String, Vec<Stored>>;

pub(super) fn merge(mut ours: Sequences, theirs: Sequences) -> Sequences {
    let mut waiting: Vec<_> = theirs.into_iter().collect();
    while let Some((name, theirs)) = waiting.pop() {
        let Some(here) = ours.remove(&name) else {
            ours.insert(name, theirs);
            continue;
        };
        let agreed = here.iter().zip(&theirs).take_while(|(one, other)| one.id == other.id).count();
        let (mut stays, mut goes) = (here, theirs);
        // A line that lost its text somewhere has lost it everywhere.
        for (one, other) in stays.iter_mut().zip(&mut goes).take(agreed) {
            match (other.bytes.len(), &other.bytes) < (one.bytes.len(), &one.bytes) {
                true => one.bytes.clone_from(&other.bytes),
                false => other.bytes.clone_from(&one.bytes),
            }
        }
        match (stays.get(agreed), goes.get(agreed)) {
            (Some(one), Some(other)) if one.id > other.id => std::mem::swap(&mut stays, &mut goes),
            (None, Some(_)) => std::mem::swap(&mut stays, &mut goes),
            _ => {}
        }
        ours.insert(name, stays);
        if let Some(first) = goes.get(agreed) {
            waiting.push((name_of(&first.id), goes.split_off(agreed)));
        }
    }
    ours
}

/// What a sequence is called that begins where another of its name went on differently.
pub(super) fn name_of(first: &str) -> String {
    let hash = Sha256::digest(first.as_bytes());
    data_encoding::HEXLOWER.encode(hash.get(..8).unwrap_or_default())
}

impl Ledger<'_> {
    /// Which clock of theirs has come further than any can have, if one has.
    pub(super) fn leap(&self, theirs: &Positions) -> Option<String> {
        let known = Seen::load(self.repo).map(|seen| seen.positions).unwrap_or_default();
        let before = known.values().map(|position| position.clock).max().unwrap_or_default();
        let (name, Position { clock, .. }) = theirs.iter().max_by_key(|(_, it)| it.clock)?;
        leaps(before, *clock)
            .then(|| format!("the clock of replica {name} is at {clock}, where none can have come"))
    }

    /// Takes in all lines of another clone's ledger that was fetched as `theirs`; says how many of them
    /// are new here. Ours then stands on theirs, so that pushing it is a fast-forward. `checked` is what
    /// of theirs was read just now.
    pub(super) fn merge(&self, theirs: &Oid, checked: &Positions) -> Result<u64> {
        let _turn = self.commit_turn()?;
        let foreign = self.store.commit(theirs)?;
        let other = Shelf::open(&self.store, &foreign.tree)?;
        for _ in 0..ATTEMPTS {
            let known = Seen::load(self.repo).map(|seen| seen.positions).unwrap_or_default();
            let ours = self.checked_or_gone()?;
            if let Some((_, shelf)) = &ours {
                shelf.format.check(OURS)?;
            }
            let (tip, shelf) = match &ours {
                Some((tip, shelf)) => (Some(self.store.commit(tip)?), shelf.clone()),
                None => (None, other.clone()),
            };
            let merged = unite(&self.store, &shelf, &other).map_err(unreadable)?;
            let sound = checked.iter().filter(|(name, at)| merged.replica(name) == Some(&at.dir));
            let sound = sound.map(|(name, at)| (name.clone(), at.clone()));
            let read = known.clone().into_iter().chain(sound).collect();
            let positions = positions(&self.store, &merged, &read).map_err(unreadable)?;
            let tree = merged.write(&self.store)?;
            let stands_on = |commit: &crate::git::Commit| commit.parents.contains(theirs);
            let old = ours.as_ref().map(|(tip, _)| *tip);
            if tip.is_some_and(|tip| tip.tree == tree && (stands_on(&tip) || old == Some(*theirs)))
            {
                return Ok(0);
            }
            let new = if tree == foreign.tree {
                *theirs
            } else {
                let who = Signature::new("shopfloor", "shopfloor@localhost", &self.clock.now());
                self.store.write_commit(&tree, &[*theirs], PENDING, &who)?
            };
            self.store.barrier().context("nothing was written")?;
            if self.repo.swap_ref(&self.name, old.as_ref(), Some(&new), "merge")? == Swap::Done {
                Seen::new(self.repo, new, &positions)?.save(self.repo);
                let before = ours.map_or(Ok(0), |(_, shelf)| pin::count(&self.store, &shelf))?;
                return Ok(pin::count(&self.store, &merged)?.saturating_sub(before));
            }
        }
        Err(contested(&self.name))
    }
}

/// All that both have: of each replica its lines, and its trail beside them.
fn unite(store: &Store<'_>, ours: &Shelf, theirs: &Shelf) -> Result<Shelf> {
    let mut united = ours.clone();
    united.adopt(theirs);
    texts::unite(store, &mut united, theirs)?;
    let lines = Kind::Lines.join(store, &ours.dirs(), &theirs.dirs())?;
    let trails = (trail::dirs(store, ours)?, trail::dirs(store, theirs)?);
    let trails = Kind::Trail.join(store, &trails.0, &trails.1)?;
    for name in lines.keys().chain(trails.keys()) {
        let trail = trails.get(name).copied();
        let dir = match lines.get(name) {
            Some(dir) => {
                let both = [ours, theirs].into_iter().filter_map(|shelf| shelf.replica(name));
                let others: Vec<_> = both.copied().filter(|other| other != dir).collect();
                Some(carried(store, dir, &others)?)
            }
            None => None,
        };
        let book = dir.map_or(Ok(Book::default()), |dir| Book::open(store, &dir))?;
        match dir {
            Some(dir) if book.trail() == trail => united.set_replica(name, dir),
            _ => united.set_replica(name, book.with_trail(trail).write(store)?),
        }
    }
    Ok(united)
}

/// What the lines of a book are.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Lines,
    Trail,
}

impl Kind {
    /// Directories are taken as they are wherever one has all of the other.
    fn join(self, store: &Store<'_>, ours: &Dirs, theirs: &Dirs) -> Result<Dirs> {
        let mut united = ours.clone();
        let mut split = Vec::new();
        for (name, dir) in theirs {
            let longer = match ours.get(name) {
                Some(here) if here != dir => {
                    self.longer(store, here, dir).with_context(|| format!("replica {name}"))?
                }
                _ => Some(*dir),
            };
            match longer {
                Some(longer) => drop(united.insert(name.clone(), longer)),
                None => split.push(name.clone()),
            }
        }
        // A tail may have a name that is there already: then that sequence takes part.
        loop {
            let load = |dirs: &Dirs| self.sequences(store, dirs, &split);
            let merged = merge(load(ours)?, load(theirs)?);
            let met: Vec<_> = merged
                .keys()
                .filter(|name| !split.contains(name) && united.contains_key(*name))
                .cloned()
                .collect();
            if met.is_empty() {
                for (name, lines) in &merged {
                    united.insert(name.clone(), self.book(store, &[ours, theirs], name, lines)?);
                }
                return Ok(united);
            }
            split.extend(met);
        }
    }

    /// Which of two directories holds all lines of the other. Where both have the same lines, every
    /// clone takes the same one.
    fn longer(self, store: &Store<'_>, one: &Oid, other: &Oid) -> Result<Option<Oid>> {
        if let Self::Trail = self {
            let (first, second) = (Book::open(store, one)?, Book::open(store, other)?);
            // Of the same lines there is one book. A text that was taken away makes it another.
            return Ok(match first.begins_with(store, &second)? {
                true => Some(*one),
                false => second.begins_with(store, &first)?.then_some(*other),
            });
        }
        let Some(first) = Position::of(store, one)? else { return Ok(Some(*other)) };
        let Some(second) = Position::of(store, other)? else { return Ok(Some(*one)) };
        let (short, long) = match (first.lines, one) < (second.lines, other) {
            true => (first, other),
            false => (second, one),
        };
        Ok(match tail(store, long, Some(&short), &mut drop)? {
            Tail::Rewritten => None,
            Tail::To(_) | Tail::Nothing => Some(*long),
        })
    }

    fn sequences(self, store: &Store<'_>, dirs: &Dirs, names: &[String]) -> Result<Sequences> {
        let mut all = Sequences::new();
        for name in names {
            let Some(dir) = dirs.get(name) else { continue };
            let mut lines = Vec::new();
            for file in Book::open(store, dir)?.files(store, 0)? {
                for bytes in split(&file.bytes)? {
                    let place = || format!("replica {name}, {}", file.name);
                    let line = match self {
                        Self::Lines => Line::parse(bytes),
                        Self::Trail => trail::parse(bytes),
                    };
                    let id = line.with_context(place)?.id;
                    lines.push(Stored { id, bytes: bytes.to_vec() });
                }
            }
            all.insert(name.clone(), lines);
        }
        Ok(all)
    }

    /// The directory of a sequence: one that is there if it is that sequence, else a new one.
    fn book(self, store: &Store<'_>, sides: &[&Dirs], name: &str, lines: &[Stored]) -> Result<Oid> {
        for dir in sides.iter().filter_map(|dirs| dirs.get(name)) {
            if let Self::Lines = self
                && let Some(there) = Position::of(store, dir)?
                && there.lines == lines.len() as u64
                && lines.last().is_some_and(|last| last.id == there.last)
            {
                return Ok(*dir);
            }
        }
        let lines: Vec<_> = lines.iter().map(|line| line.bytes.clone()).collect();
        Ok(Book::default().append(store, &lines)?.0)
    }
}

/// A directory, with what later versions keep in these others beside their lines and that it lacks.
fn carried(store: &Store<'_>, dir: &Oid, others: &[Oid]) -> Result<Oid> {
    let mut entries = store.tree(dir)?;
    let known = entries.len();
    for other in others {
        for entry in store.tree(other)? {
            if !Book::holds_lines(&entry.name) && !entries.iter().any(|it| it.name == entry.name) {
                entries.push(entry);
            }
        }
    }
    if entries.len() == known { Ok(*dir) } else { store.write_tree(&entries) }
}

/// Where each replica has got to; this reads, and so checks, every line we had not seen.
fn positions(store: &Store<'_>, shelf: &Shelf, known: &Positions) -> Result<Positions> {
    for known in [known, &Positions::new()] {
        if let News::To(positions) = shelf.news(store, known, &mut drop)? {
            return Ok(positions);
        }
    }
    anyhow::bail!("its lines have no order")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// A history is a path of choices; what a line is depends on all that came before it.
    fn sequence(name: &str, path: &[u8]) -> Vec<Stored> {
        let id =
            |end: usize| super::super::canon::digest(&[name.as_bytes(), path.get(..=end).unwrap()]);
        (0..path.len()).map(|end| Stored { id: id(end), bytes: Vec::new() }).collect()
    }

    fn ledger() -> impl Strategy<Value = Sequences> {
        let path = proptest::collection::vec(0u8..3, 1..6);
        let paths = proptest::collection::btree_map("[ab]", path, 0..3);
        let one = paths.prop_map(|paths| -> Sequences {
            paths.into_iter().map(|(name, path)| (name.clone(), sequence(&name, &path))).collect()
        });
        // Some have merged with others before.
        proptest::collection::vec(one, 1..4)
            .prop_map(|all| all.into_iter().fold(Sequences::new(), merge))
    }

    fn ids(ledger: &Sequences) -> BTreeSet<String> {
        ledger.values().flatten().map(|line| line.id.clone()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_order_and_any_number_of_merges_give_one_ledger(a in ledger(), b in ledger(), c in ledger()) {
            let ab = merge(a.clone(), b.clone());
            prop_assert_eq!(&ab, &merge(b.clone(), a.clone()));
            prop_assert_eq!(&merge(ab.clone(), c.clone()), &merge(a.clone(), merge(b.clone(), c)));
            prop_assert_eq!(&merge(ab.clone(), a.clone()), &ab);
            prop_assert_eq!(&merge(a.clone(), a.clone()), &a);
            prop_assert_eq!(ids(&ab), ids(&a).union(&ids(&b)).cloned().collect());
            prop_assert_eq!(ab.values().flatten().count(), ids(&ab).len());
        }
    }

    #[test]
    fn the_longer_of_two_that_agree_is_taken_and_two_ends_are_kept() {
        let of = |path: &[u8]| Sequences::from([("a".to_owned(), sequence("a", path))]);
        assert_eq!(merge(of(&[0, 1]), of(&[0, 1, 2])), of(&[0, 1, 2]));
        assert_eq!(merge(of(&[0, 1]), of(&[0])), of(&[0, 1]));
        let both = merge(of(&[0, 1, 1]), of(&[0, 2]));
        assert_eq!(both.len(), 2);
        assert_eq!(both.values().flatten().count(), 4);
        assert_eq!(both, merge(of(&[0, 2]), of(&[0, 1, 1])));
    }

    #[test]
    fn what_was_taken_out_of_a_line_anywhere_is_taken_out_of_it() {
        let of = |path: &[u8], bare: usize| {
            let mut lines = sequence("a", path);
            for (n, line) in lines.iter_mut().enumerate() {
                line.bytes = if n == bare { b"x".to_vec() } else { b"x and text".to_vec() };
            }
            Sequences::from([("a".to_owned(), lines)])
        };
        let (one, other) = (of(&[0, 1], 0), of(&[0, 1, 2], 1));
        let both = merge(one.clone(), other.clone());
        let bytes: Vec<_> = both["a"].iter().map(|line| line.bytes.len()).collect();
        assert_eq!(bytes, [1, 1, 10]);
        assert_eq!(both, merge(other, one.clone()));
        assert_eq!(both, merge(one, both.clone()));
    }
}
