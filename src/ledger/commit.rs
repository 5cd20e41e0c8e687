//! From what was decided to what is said: one barrier for all who wait.
//!
//! Whoever gets the ledger's lock first writes all that was decided by then, makes it durable and moves
//! the ref; the others find it done when their turn comes. If one dies on the way, the next one in line
//! sees by the ref how far it got.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::canon::split;
use super::chain::{self, Chain, Held, Opening, standing_now};
use super::layout::Book;
use super::line::Line;
use super::manners::OURS;
use super::manners::{PATIENCE, PENDING};
use super::place::Seen;
use super::progress::{Failure, Mark, Progress};
use super::shelf::{Position, Positions, Shelf};
use super::{Ledger, garbage, texts};
use crate::git::{Oid, Signature, Swap};
use crate::host::{Clock, Patience, Turn};
use crate::refusal::{Kind, Refusal};

/// How often those who wait look. They do not stand in line: a line of processes that have what they
/// wait for, each woken to wake the next, takes longer than what they wait for.
const SHORTEST: Duration = Duration::from_micros(500);
const LONGEST: Duration = Duration::from_millis(4);

/// What somebody waits for: that this line of a chain, and all before it, is in the ledger for good.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) opening: Opening,
    /// How many lines our replica has then.
    pub(super) end: u64,
    /// The id of the last of them.
    pub(super) last: String,
    /// Says to others that somebody waits.
    pub(super) _held: Held,
}

/// A batch that is in the ledger.
struct Batch {
    to: Mark,
    tree: Oid,
    replaced: Vec<Oid>,
}

impl Ledger<'_> {
    /// The right to move the ref.
    pub(super) fn commit_turn(&self) -> Result<Turn> {
        Turn::take(&self.lock()?, "the ledger", PATIENCE)
    }

    fn lock(&self) -> Result<PathBuf> {
        Ok(self.repo.desk_dir()?.join("ledger.lock"))
    }

    /// Waits until all up to the ticket is durable. No means that it was dropped, because somebody else
    /// moved the ref meanwhile, and has to be decided anew.
    pub(super) fn settle(&self, ticket: &Ticket) -> Result<bool> {
        let lock = self.lock()?;
        let mut patience = Patience::new(&lock, PATIENCE);
        let mut pause = SHORTEST;
        loop {
            let progress = self.progress(ticket)?;
            if progress.as_ref().is_some_and(|told| told.settled() >= ticket.end) {
                return Ok(true);
            }
            if let Some(turn) = Turn::try_take(&lock)? {
                return self.settle_now(turn, ticket);
            }
            if patience.is_over() {
                return Err(unsettled(Turn::taken(&lock, "the ledger", PATIENCE)));
            }
            Clock::real().sleep(pause);
            pause = (pause * 2).min(LONGEST);
        }
    }

    fn settle_now(&self, turn: Turn, ticket: &Ticket) -> Result<bool> {
        let desk = self.repo.desk_dir()?;
        let progress = self.progress(ticket)?;
        if progress.as_ref().is_some_and(|told| told.settled() >= ticket.end) {
            return Ok(true);
        }
        let tip = self.repo.read_ref(&self.name)?;
        let chain = Chain::read(&desk).filter(|(known, _)| known.chain == ticket.opening.chain);
        if let Some((opening, bytes)) = chain
            && let Some(done) = standing_now(&opening, progress.as_ref(), tip.as_ref())
            && done < ticket.end
            && let Some(chain) = Chain::parse(&bytes, done)
            && chain.end(done) >= ticket.end
        {
            let from = Mark { tip, lines: done };
            let progress = Progress::after(progress, opening.chain, from.clone());
            return self.lead(turn, &from, progress, chain);
        }
        if !self.has(tip.as_ref(), ticket)? {
            return Ok(false);
        }
        // Who moved the ref died before it could say that this is on the disk.
        self.repo.flush_ref(&self.name)?;
        if let Some(told) =
            progress.filter(|told| told.newest().is_some_and(|mark| mark.tip == tip))
        {
            Progress { durable: true, ..told }.save(&desk)?;
        }
        Ok(true)
    }

    /// What is told of the chain of a ticket; its failure is everybody's who is in it.
    fn progress(&self, ticket: &Ticket) -> Result<Option<Progress>> {
        let progress = Progress::load(&self.repo.desk_dir()?);
        let Some(told) = progress.filter(|told| told.chain == ticket.opening.chain) else {
            return Ok(None);
        };
        match &told.failed {
            Some(failure) if told.settled() < ticket.end => Err(failure.to_error()),
            _ => Ok(Some(told)),
        }
    }

    /// Commits the links of a chain for all who wait for them.
    fn lead(&self, turn: Turn, from: &Mark, mut progress: Progress, chain: Chain) -> Result<bool> {
        let desk = self.repo.desk_dir()?;
        let batch = match self.advance(from, &mut progress, chain) {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(false),
            Err(no) => {
                // What could not be made durable once is not tried a second time: all who are in it
                // are told so, and decide anew only if they are asked to.
                progress.failed = Some(Failure::of(&no));
                drop(progress.save(&desk));
                return Err(no);
            }
        };
        // It is done and durable. What follows may fail without harm.
        progress.durable = true;
        drop(progress.save(&desk));
        tracing::debug!(lines = batch.to.lines - from.lines, commit = ?batch.to.tip, "ledger");
        if chain::is_long(&desk)
            && let Ok(_turn) = self.turn()
        {
            drop(chain::shorten(&desk, &batch.to));
        }
        if !batch.replaced.is_empty() {
            drop(garbage::add(self.repo, &batch.replaced));
        }
        drop(garbage::sweep(self.repo, &self.store, &batch.tree, false));
        drop(turn);
        Ok(true)
    }

    /// Appends to our own sequence, durably. None means that the ref was moved by somebody else.
    fn advance(&self, from: &Mark, progress: &mut Progress, chain: Chain) -> Result<Option<Batch>> {
        let lines_then = chain.end(from.lines);
        let replica = chain.opening.replica;
        let lines: Vec<_> = chain.links.into_iter().flat_map(|link| link.lines).collect();
        let old = from.tip.map(|tip| Ok::<_, anyhow::Error>((tip, self.store.commit(&tip)?)));
        let old = old.transpose()?;
        let mut shelf = match &old {
            Some((_, commit)) => Shelf::open(&self.store, &commit.tree)?,
            None => Shelf::new(&self.store)?,
        };
        shelf.format.check(OURS)?;
        self.settle_in(&mut shelf)?;
        let mut positions = self.positions(from.tip.as_ref(), &shelf)?;
        let before = shelf.replica(&replica).copied();
        let book = before.map_or(Ok(Book::default()), |dir| Book::open(&self.store, &dir))?;
        let (dir, mut replaced) = book.append(&self.store, &lines)?;
        shelf.set_replica(&replica, dir);
        let known = texts::trees(&self.store, &shelf)?;
        let arrived = self.take_texts(&mut shelf, &lines)?;
        if !arrived.is_empty() {
            let now = texts::trees(&self.store, &shelf)?;
            replaced.extend(known.into_iter().filter(|id| !now.contains(id)));
        }
        let tree = shelf.write(&self.store)?;
        let parents = match &old {
            Some((tip, commit)) if commit.subject() == PENDING => {
                replaced.extend([*tip, commit.tree]);
                replaced.extend(before);
                let below = self.parts_below(&commit.parents, &replica);
                replaced.retain(|id| below.as_ref().is_ok_and(|below| !below.contains(id)));
                commit.parents.clone()
            }
            old => {
                replaced.clear();
                old.iter().map(|(tip, _)| *tip).collect()
            }
        };
        let who = Signature::new("shopfloor", "shopfloor@localhost", &self.clock.now());
        let commit = self.store.write_commit(&tree, &parents, PENDING, &who)?;
        self.store.barrier().context("nothing was written")?;
        let to = Mark { tip: Some(commit), lines: lines_then };
        progress.marks.push(to.clone());
        progress.durable = false;
        progress.save(&self.repo.desk_dir()?)?;
        let swap = self.repo.swap_ref(&self.name, from.tip.as_ref(), Some(&commit), PENDING)?;
        if swap != Swap::Done {
            return Ok(None);
        }
        for path in arrived {
            drop(fs::remove_file(path));
        }
        let last = Line::parse(lines.last().context("a batch has lines")?)?;
        let position = Position { dir, lines: to.lines, last: last.id, clock: last.clock };
        positions.insert(replica, position);
        if let Ok(seen) = Seen::new(self.repo, commit, &positions) {
            seen.save(self.repo);
        }
        Ok(Some(Batch { to, tree, replaced }))
    }

    /// What the sealed commit below has of a replica: it may be anywhere, and stays.
    pub(super) fn parts_below(&self, parents: &[Oid], replica: &str) -> Result<Vec<Oid>> {
        let mut parts = Vec::new();
        for parent in parents {
            let tree = self.store.commit(parent)?.tree;
            parts.push(tree);
            let shelf = Shelf::open(&self.store, &tree)?;
            parts.extend(texts::trees(&self.store, &shelf)?);
            if let Some(dir) = shelf.replica(replica) {
                let book = Book::open(&self.store, dir)?;
                parts.push(*dir);
                parts.extend(book.parts());
                if let Some(trail) = book.trail() {
                    parts.push(trail);
                    parts.extend(Book::open(&self.store, &trail)?.parts());
                }
            }
        }
        Ok(parts)
    }

    /// How far each replica has got at this tip; remembered, or read from its newest files.
    fn positions(&self, tip: Option<&Oid>, shelf: &Shelf) -> Result<Positions> {
        match Seen::load(self.repo) {
            Some(seen) if Some(&seen.tip) == tip => Ok(seen.positions),
            _ => self.positions_of(shelf),
        }
    }

    /// Whether the line a ticket ends with stands in its place.
    fn has(&self, tip: Option<&Oid>, ticket: &Ticket) -> Result<bool> {
        let Some(tip) = tip else { return Ok(false) };
        let shelf = self.shelf_of(tip)?;
        let Some(dir) = shelf.replica(&ticket.opening.replica) else { return Ok(false) };
        let number = ticket.end - 1;
        for file in Book::open(&self.store, dir)?.files(&self.store, number)? {
            let lines = split(&file.bytes)?;
            let place =
                number.checked_sub(file.first).and_then(|place| usize::try_from(place).ok());
            if let Some(line) = place.and_then(|place| lines.get(place)) {
                return Ok(Line::parse(line)?.id == ticket.last);
            }
        }
        Ok(false)
    }
}

impl Failure {
    fn of(no: &anyhow::Error) -> Self {
        let again = no.downcast_ref::<Refusal>().is_some_and(|no| no.kind == Kind::Again);
        Self { what: format!("{no:#}"), again }
    }

    fn to_error(&self) -> anyhow::Error {
        if self.again {
            Refusal::again(self.what.clone()).into()
        } else {
            anyhow!(self.what.clone())
        }
    }
}

/// Nobody takes back what stands in the chain: the one who is slow may still commit it.
fn unsettled(no: anyhow::Error) -> anyhow::Error {
    match no.downcast::<Refusal>() {
        Ok(refusal) => {
            let look = "what you asked for may still be written by then: look before you ask again";
            refusal.hint(look).into()
        }
        Err(no) => no,
    }
}
