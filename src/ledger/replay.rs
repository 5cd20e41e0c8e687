//! Lines of many files handed over one by one, in the one order, without holding more than a few files
//! of them: those of each replica stand in order, so the next line is the first of one of them.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope};

use anyhow::{Context as _, Result, ensure};

use super::Line;
use super::canon::split;
use super::layout::Book;
use super::leaf::Leaf;
use super::shelf::{Position, Positions, Shelf};
use super::trail;
use crate::git::{Oid, Store};

/// From so many files on, others are worth starting to help.
const MANY: usize = 8;
/// How many files of a replica are read ahead for them.
const AHEAD: usize = 8;

/// What was handed over.
pub(super) struct Replayed {
    pub(super) positions: Positions,
    pub(super) lines: u64,
    /// The place of the last of them.
    pub(super) last: Option<(u64, String)>,
}

/// A line is large, and goes through many hands.
pub(super) type Lines = Vec<Box<Line>>;

/// Where lines go, and who wants to know how far it is: so many files, of so many.
pub(super) struct Ears<'a> {
    pub(super) line: &'a mut dyn FnMut(Box<Line>),
    pub(super) files: &'a dyn Fn(usize, usize),
}

/// Hands over the lines beyond `known`. None, before any was handed over, if a replica no longer begins
/// with what is known of it, or if not all of them come after `last`.
pub(super) fn replay(
    store: &Store<'_>,
    shelf: &Shelf,
    (known, last): (&Positions, &(u64, String)),
    ears: Ears<'_>,
) -> Result<Option<Replayed>> {
    if known.keys().any(|name| shelf.replica(name).is_none()) {
        return Ok(None);
    }
    let mut positions = Positions::new();
    let mut reels = Vec::new();
    for (name, dir) in shelf.replicas() {
        match known.get(name) {
            Some(old) if old.dir == *dir => drop(positions.insert(name.to_owned(), old.clone())),
            old => {
                let place = || format!("replica {name}");
                reels.push(Reel::open(store, name, dir, old).with_context(place)?);
            }
        }
    }
    Ok(run(store, reels, (known, last), ears)?.map(|replayed| {
        positions.extend(replayed.positions);
        Replayed { positions, ..replayed }
    }))
}

/// Hands over all that reels have, from where they were opened.
pub(super) fn play(store: &Store<'_>, reels: Vec<Reel>, ears: Ears<'_>) -> Result<()> {
    run(store, reels, (&Positions::new(), &Default::default()), ears).map(drop)
}

fn run(
    store: &Store<'_>,
    reels: Vec<Reel>,
    (known, last): (&Positions, &(u64, String)),
    ears: Ears<'_>,
) -> Result<Option<Replayed>> {
    let files = reels.iter().map(|reel| reel.leaves.len()).sum();
    let merge = |helpers: Option<Helpers>| {
        Merge { source: Source { store, helpers }, reels, files, ears }.run(known, last)
    };
    match files < MANY {
        true => merge(None),
        false => thread::scope(|scope| merge(Some(Helpers::start(scope, store)))),
    }
}

/// The first line of a reel, among those of others: the heap gives the one that comes first. A trail is
/// told behind the line of the ledger that it had come to, and beside other trails by the time.
struct Front {
    line: Box<Line>,
    reel: usize,
    kind: Kind,
}

impl Front {
    fn place(&self) -> (u64, Kind, &str) {
        let Line { id, at, clock, .. } = &*self.line;
        (*clock, self.kind, if self.kind == Kind::Line { id } else { at })
    }
}

impl Ord for Front {
    fn cmp(&self, other: &Self) -> Ordering {
        other.place().cmp(&self.place()).then(other.reel.cmp(&self.reel))
    }
}

impl PartialOrd for Front {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Front {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Front {}

/// Where files are read, and who helps to parse them.
struct Source<'a, 'r> {
    store: &'a Store<'r>,
    helpers: Option<Helpers>,
}

struct Merge<'s, 'r, 'e> {
    source: Source<'s, 'r>,
    reels: Vec<Reel>,
    files: usize,
    ears: Ears<'e>,
}

impl Merge<'_, '_, '_> {
    fn run(mut self, known: &Positions, after: &(u64, String)) -> Result<Option<Replayed>> {
        let mut fronts = BinaryHeap::new();
        for (n, reel) in self.reels.iter_mut().enumerate() {
            if let Some(old) = known.get(&reel.name)
                && reel.next(&self.source)?.is_none_or(|line| line.id != old.last)
            {
                return Ok(None);
            }
            let kind = reel.kind;
            fronts.extend(reel.next(&self.source)?.map(|line| Front { line, reel: n, kind }));
        }
        let (mut lines, mut last) = (0, None::<(u64, String)>);
        while let Some(Front { line, reel: n, kind }) = fronts.pop() {
            if lines == 0 && line.key() <= (after.0, &after.1) {
                return Ok(None);
            }
            // Two replicas may hold the same line: it is one line.
            fronts.extend(self.next(n)?.map(|line| Front { line, reel: n, kind }));
            let (clock, id) = last.get_or_insert_default();
            if line.key() != (*clock, id) {
                *clock = line.clock;
                id.clone_from(&line.id);
                (self.ears.line)(line);
                lines += 1;
            }
        }
        let positions = self.reels.into_iter().filter_map(|reel| Some((reel.name, reel.position?)));
        Ok(Some(Replayed { positions: positions.collect(), lines, last }))
    }

    fn next(&mut self, reel: usize) -> Result<Option<Box<Line>>> {
        let Some(reel) = self.reels.get_mut(reel) else { return Ok(None) };
        let left = reel.leaves.len();
        let line = reel.next(&self.source)?;
        if reel.leaves.len() != left {
            let left: usize = self.reels.iter().map(|reel| reel.leaves.len()).sum();
            (self.ears.files)(self.files - left, self.files);
        }
        Ok(line)
    }
}

/// What the lines of a reel are, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Line,
    Trail,
}

impl Kind {
    fn parse(self, stored: &[u8]) -> Result<Line> {
        match self {
            Self::Line => Line::parse(stored),
            Self::Trail => trail::parse(stored),
        }
    }

    /// The clock of one line may be that of the one before where nobody counts by it.
    fn follows(self, now: u64, before: u64) -> bool {
        now > before || (self == Self::Trail && now == before)
    }
}

/// The lines of one replica, one after the other.
pub(super) struct Reel {
    name: String,
    kind: Kind,
    dir: Option<Oid>,
    leaves: VecDeque<Leaf>,
    /// The number of the first line that is asked for.
    from: u64,
    /// How many lines stand in and before the files that came in.
    end: Option<u64>,
    coming: VecDeque<Coming>,
    here: std::vec::IntoIter<Box<Line>>,
    number: u64,
    clock: u64,
    position: Option<Position>,
}

/// A file, here or still with a thread, which may not find it where threads look, or not as it was.
struct Coming {
    leaf: Leaf,
    held: Option<Receiver<Option<Held>>>,
}

/// What a file holds: the lines that are asked for, and how many there are with those before them.
struct Held {
    lines: Lines,
    count: u64,
}

impl Reel {
    /// From the last line that is known, to see that it still is the last of those.
    fn open(store: &Store<'_>, name: &str, dir: &Oid, known: Option<&Position>) -> Result<Self> {
        let from = known.map_or(0, |known| known.lines.saturating_sub(1));
        let leaves = Book::open(store, dir)?.leaves(store, from)?;
        Ok(Self {
            kind: Kind::Line,
            dir: Some(*dir),
            from,
            number: from,
            position: known.cloned().map(|known| Position { dir: *dir, ..known }),
            ..Self::trail(name, leaves)
        })
    }

    /// All lines of a replica.
    pub(super) fn whole(store: &Store<'_>, name: &str, dir: &Oid) -> Result<Self> {
        Self::open(store, name, dir, None).with_context(|| format!("replica {name}"))
    }

    /// A trail, from its first line on.
    pub(super) fn trail(name: &str, leaves: Vec<Leaf>) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::Trail,
            dir: None,
            leaves: leaves.into(),
            from: 0,
            end: None,
            coming: VecDeque::new(),
            here: Vec::new().into_iter(),
            number: 0,
            clock: 0,
            position: None,
        }
    }

    fn next(&mut self, source: &Source<'_, '_>) -> Result<Option<Box<Line>>> {
        let line = self.pull(source).with_context(|| format!("replica {}", self.name))?;
        if let Some(line) = &line {
            let before = self.position.as_ref().filter(|old| old.lines <= self.number);
            let clock = before.map_or(self.clock, |old| old.clock);
            let (number, now) = (self.number, line.clock);
            let follows = self.kind.follows(now, clock);
            ensure!(follows, "line {}: its clock is {now}, after {clock}", number + 1);
            self.number += 1;
            self.clock = now;
            if let Some(dir) = self.dir {
                let last = line.id.clone();
                self.position = Some(Position { dir, lines: self.number, last, clock: now });
            }
        }
        Ok(line)
    }

    fn pull(&mut self, source: &Source<'_, '_>) -> Result<Option<Box<Line>>> {
        loop {
            if let Some(line) = self.here.next() {
                return Ok(Some(line));
            }
            let ahead = if source.helpers.is_some() { AHEAD } else { 1 };
            while self.coming.len() < ahead
                && let Some(leaf) = self.leaves.pop_front()
            {
                let ask = |helpers: &Helpers| helpers.ask(&leaf, self.from, self.kind);
                let held = source.helpers.as_ref().map(ask);
                self.coming.push_back(Coming { leaf, held });
            }
            let Some(Coming { leaf, held }) = self.coming.pop_front() else { return Ok(None) };
            let helped = match held {
                Some(held) => held.recv().context("a thread that read lines is gone")?,
                None => None,
            };
            let held = match helped {
                Some(held) => held,
                None => parse(&leaf, self.from, self.kind, &leaf.bytes(source.store)?)?,
            };
            self.end = Some(leaf.end(self.end, held.count)?);
            self.here = held.lines.into_iter();
        }
    }
}

/// The lines of a file that are asked for, each checked against its id, and their clocks against each
/// other.
fn parse(leaf: &Leaf, from: u64, kind: Kind, bytes: &[u8]) -> Result<Held> {
    let stored = split(bytes).with_context(|| leaf.name.clone())?;
    let known = leaf.first.map_or(0, |first| from.saturating_sub(first));
    let mut held = Held { lines: Vec::with_capacity(stored.len()), count: stored.len() as u64 };
    let mut clock = 0;
    for (number, stored) in (1_u64..).zip(stored).filter(|(number, _)| *number > known) {
        let place = || format!("{}, line {number}", leaf.name);
        let line = kind.parse(stored).with_context(place)?;
        let follows = kind.follows(line.clock, clock);
        ensure!(follows, "{}: its clock is {}, after {clock}", place(), line.clock);
        clock = line.clock;
        held.lines.push(Box::new(line));
    }
    Ok(held)
}

/// Threads that read and parse files while the lines of others are drunk.
struct Helpers(Sender<Job>);

struct Job {
    leaf: Leaf,
    from: u64,
    kind: Kind,
    to: Sender<Option<Held>>,
}

impl Helpers {
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, store: &Store<'_>) -> Self {
        let (jobs, asked) = mpsc::channel::<Job>();
        let asked = Arc::new(Mutex::new(asked));
        let count = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..count {
            let (asked, own) = (Arc::clone(&asked), store.own());
            scope.spawn(move || {
                let (own, mut bytes) = (own.open(), Vec::new());
                let next = || asked.lock().ok().and_then(|asked| asked.recv().ok());
                while let Some(Job { leaf, from, kind, to }) = next() {
                    let bytes = leaf.in_ledger().and_then(|id| own.blob(id, &mut bytes));
                    // What is wrong with a file is said by the store, which checks it as a whole.
                    let held = bytes.and_then(|bytes| parse(&leaf, from, kind, bytes).ok());
                    drop(to.send(held));
                }
            });
        }
        Self(jobs)
    }

    fn ask(&self, leaf: &Leaf, from: u64, kind: Kind) -> Receiver<Option<Held>> {
        let (to, answer) = mpsc::channel();
        drop(self.0.send(Job { leaf: leaf.clone(), from, kind, to }));
        answer
    }
}
