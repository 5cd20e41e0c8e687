//! The one way a line gets into the ledger: decide on the newest state, commit together, and only then
//! say it.
//!
//! A decision is a function of the whole state, so who waits cannot just leave lines for somebody else
//! to commit: two edits that are right one by one may close a circle together. So a decision is made on
//! the tip and on all that was decided on top of it, and appended to that [`chain`](super::chain) in
//! turn. The turn is for a comparison and a `write`: who finds that the chain has grown meanwhile reads
//! what is new and decides again while it has the turn. Whoever then finds the ledger's lock free commits
//! all there is ([`commit`](super::commit)); the others look until it is done. While one flushes, others
//! decide: batches grow with the load, nobody waits for company.
//!
//! Measured with 64 processes on two busy cores, every write flushed, this gives some 400 writes a second
//! and the slowest process as many as the fastest. Other ways: one lock around it all gave 42 to 77. A
//! turn that is held while deciding, and a lock that goes through all who wait, hand the processor on
//! 128 times for 64 writes: 110 a second, and two seconds for some. A lock that all who wait share is
//! never free for the one who is to commit.
//!
//! Whatever is answered, a refusal too, is answered after all it was decided on is durable. When the
//! ref was moved by somebody else, the chain leads nowhere, and all who wait decide anew.

use anyhow::{Context as _, Result, ensure};

use super::chain::{Chain, Held, Opening, standing};
use super::commit::Ticket;
use super::fold::Folds;
use super::heads::Heads;
use super::line::Line;
use super::manners::{PATIENCE, contested};
use super::pen::Drafted;
use super::place;
use super::progress::{Mark, Progress};
use super::state::{Any, State, Written, is_sound};
use super::{Actor, Ledger, Pen, texts};
use crate::host::Turn;

/// How often a writer decides. The ground moves when a chain begins or ends, and under a merge.
const TRIES: usize = 12;

/// The chain as somebody saw it who decides on it.
#[derive(Debug, Default)]
struct View {
    opening: Option<Opening>,
    /// How many lines our replica has with all of it, and how many of them are durable.
    end: u64,
    settled: u64,
    /// The last of those lines.
    last: Option<String>,
    /// Whether some of what was seen is not in the state's tip.
    pending: bool,
    /// Whether it is still to be begun.
    new: bool,
}

/// Decides, and pens what follows from that.
pub(super) type Decide<'d, S, T> = &'d mut dyn FnMut(&S, &mut Pen<'_>) -> Result<T>;

/// What somebody decided, and what has to be durable before the answer may be given.
pub(super) type Proposal<T> = (Result<T>, Option<Ticket>);

impl Ledger<'_> {
    /// Decides on the newest state and writes what was decided, all of it or nothing. A decision that
    /// pens nothing writes nothing. It may be asked again, when somebody else was faster.
    pub fn write<S: Folds + Default, T>(
        &self,
        actor: &Actor,
        mut decide: impl FnMut(&S, &mut Pen<'_>) -> Result<T>,
    ) -> Result<T> {
        self.decide(actor, &mut decide).map(|(answer, _)| answer)
    }

    /// The same, for who wants to show what has become of it: with the state after what was written.
    pub fn write_and_read<S: Folds + Default, T>(
        &self,
        actor: &Actor,
        mut decide: impl FnMut(&S, &mut Pen<'_>) -> Result<T>,
    ) -> Result<(T, S)> {
        self.decide(actor, &mut decide)
    }

    fn decide<S: Folds + Default, T>(
        &self,
        actor: &Actor,
        decide: Decide<'_, S, T>,
    ) -> Result<(T, S)> {
        self.writable()?;
        let mut state = State::<Written<S>>::default();
        let mut turn = None;
        for _ in 0..TRIES {
            if let Some((answer, ticket)) =
                self.propose(actor, (&mut state, turn.take()), decide)?
                && ticket.map_or(Ok(true), |ticket| self.settle(&ticket))?
            {
                return answer.map(|answer| (answer, state.fold.fold));
            }
            turn = Some(self.turn()?);
        }
        Err(contested(&self.name))
    }

    /// Decides, if need be with the turn from the beginning. There is no answer when the ground moved
    /// under it.
    pub(super) fn propose<S: Folds, T>(
        &self,
        actor: &Actor,
        (state, turn): (&mut State<Written<S>>, Option<Turn>),
        decide: Decide<'_, S, T>,
    ) -> Result<Option<Proposal<T>>> {
        self.load(state, false, None)?;
        let Some(mut view) = self.look(state)? else { return Ok(None) };
        let (mut answer, mut drafted) = self.draft(actor, state, decide)?;
        if !is_sound(state) {
            return Ok(None);
        }
        if drafted.0.is_empty() && view.end == view.settled {
            return Ok(Some((answer, None)));
        }
        let _turn = turn.map_or_else(|| self.turn(), Ok)?;
        let mut held = Held::open(&self.repo.desk_dir()?)?;
        let Some(has_grown) = self.join(&mut held, &mut view, state)? else {
            return Ok(None);
        };
        if has_grown {
            (answer, drafted) = self.draft(actor, state, decide)?;
        }
        if !is_sound(state) {
            return Ok(None);
        }
        let ticket = self.put(view, held, drafted, state)?;
        Ok(Some((answer, ticket)))
    }

    fn draft<S: Folds, T>(
        &self,
        actor: &Actor,
        state: &State<Written<S>>,
        decide: Decide<'_, S, T>,
    ) -> Result<(Result<T>, Drafted)> {
        let mut pen = self.pen(actor, state.last.0 + 1, Heads::on(&state.fold.ends))?;
        let answer = decide(&state.fold.fold, &mut pen);
        let drafted = if answer.is_ok() { pen.into_lines() } else { Drafted::default() };
        Ok((answer, drafted))
    }

    fn pen<'a>(&self, actor: &'a Actor, clock: u64, heads: Heads<'a>) -> Result<Pen<'a>> {
        let pen = Pen::new(actor, self.clock.now().to_string(), clock, heads);
        Ok(pen.limit(texts::limit(self.repo)?).of(self.whose()?))
    }

    /// Appends what was drafted; the state has drunk it then.
    fn put(
        &self,
        view: View,
        held: Held,
        (lines, texts): Drafted,
        state: &mut Any<'_>,
    ) -> Result<Option<Ticket>> {
        self.shelve(&texts)?;
        let ticket = view.add(held, &lines)?;
        let penned = lines.iter().map(|line| Line::parse(line)).collect::<Result<_>>()?;
        ensure!(state.drink(penned), "what was decided does not follow what it was decided on");
        Ok(ticket)
    }

    /// The name under which this clone writes.
    pub fn replica(&self) -> Result<String> {
        let _turn = self.turn()?;
        self.own_name()
    }

    /// The right to decide.
    pub(super) fn turn(&self) -> Result<Turn> {
        Turn::take(&self.repo.desk_dir()?.join("decide.lock"), "the ledger", PATIENCE)
    }

    /// Drinks what was decided on top of a state; none if the state is too old for that.
    fn look(&self, state: &mut Any<'_>) -> Result<Option<View>> {
        let desk = self.repo.desk_dir()?;
        let there = Chain::read(&desk);
        let progress = Progress::load(&desk);
        let from = |opening: &Opening| standing(opening, progress.as_ref(), state.tip.as_ref());
        let Some((opening, bytes, from)) =
            there.and_then(|(opening, bytes)| from(&opening).map(|from| (opening, bytes, from)))
        else {
            return self.nothing(state, progress.as_ref()).map(Some);
        };
        if from < opening.base.lines {
            return Ok(None);
        }
        let ours = progress.filter(|told| told.chain == opening.chain);
        let mut view = View {
            settled: ours.map_or(opening.base.lines, |told| told.settled()),
            last: state.positions.get(&opening.replica).map(|known| known.last.clone()),
            end: from,
            ..View::default()
        };
        view.drink(&bytes, state)?;
        Ok(Some(view))
    }

    /// No chain leads on from here. Who moved the ref to here may have died before that was on the disk.
    fn nothing(&self, state: &Any<'_>, progress: Option<&Progress>) -> Result<View> {
        if let Some(told) = progress
            && !told.durable
            && told.failed.is_none()
            && told.newest().is_some_and(|mark| mark.tip == state.tip)
        {
            self.repo.flush_ref(&self.name)?;
        }
        Ok(View::default())
    }

    /// Takes up the chain that was seen, and says whether it has grown; begins one where there is none.
    /// None if the state stands on what is no longer so. To be asked by who has the turn.
    fn join(&self, held: &mut Held, view: &mut View, state: &mut Any<'_>) -> Result<Option<bool>> {
        let replica = self.own_name()?;
        let bytes = held.bytes()?;
        let there = Opening::parse(&bytes).filter(|_| !held.alone);
        // In this order: what is told of a chain is told before the ref is moved.
        let tip = self.repo.read_ref(&self.name)?;
        let progress = Progress::load(&self.repo.desk_dir()?);
        let leads_on = there
            .as_ref()
            .is_some_and(|there| standing(there, progress.as_ref(), tip.as_ref()).is_some());
        if let (Some(seen), Some(there), true) = (&view.opening, &there, leads_on)
            && seen.chain == there.chain
            && seen.replica == replica
            && view.end >= there.base.lines
        {
            let (sound, has_grown) = view.drink(&bytes, state)?;
            held.follow(sound, bytes.len())?;
            return Ok(Some(has_grown));
        }
        if leads_on {
            return Ok(None);
        }
        if view.pending {
            // Those who decided that have all they waited for, or are dead.
            if let Some(all) = progress.and_then(|told| view.all_in(&told, &replica))
                && all.tip == tip
            {
                view.begin(replica, all);
                return Ok(Some(false));
            }
            held.clear()?;
            return Ok(None);
        }
        if tip != state.tip {
            return Ok(None);
        }
        *view = self.nothing(state, progress.as_ref())?;
        let lines = state.positions.get(&replica).map_or(0, |known| known.lines);
        view.begin(replica, Mark { tip, lines });
        Ok(Some(false))
    }
}

impl View {
    /// Reads on from where the view ends. Says how much of the file is sound, and whether there was more.
    fn drink(&mut self, bytes: &[u8], state: &mut Any<'_>) -> Result<(usize, bool)> {
        let chain = Chain::parse(bytes, self.end).context("what was decided last is gone")?;
        let stored = chain.links.iter().flat_map(|link| &link.lines);
        let lines: Vec<_> = stored.map(|line| Line::parse(line)).collect::<Result<_>>()?;
        let has_grown = !lines.is_empty();
        self.end = chain.end(self.end);
        self.pending |= has_grown;
        self.last = lines.last().map(|line| line.id.clone()).or(self.last.take());
        self.opening = Some(chain.opening);
        ensure!(state.drink(lines), "what was decided last does not follow the ledger");
        Ok((chain.sound, has_grown))
    }

    /// Where the ledger is if it has all that was seen and no more.
    fn all_in(&self, told: &Progress, replica: &str) -> Option<Mark> {
        let seen = self.opening.as_ref()?;
        let ours = seen.chain == told.chain && seen.replica == replica;
        let all = told.newest().filter(|_| ours && told.durable && told.failed.is_none())?;
        (all.lines == self.end).then(|| all.clone())
    }

    fn begin(&mut self, replica: String, base: Mark) {
        (self.end, self.settled) = (base.lines, base.lines);
        self.opening = Some(Opening { chain: place::name(), replica, base });
        self.new = true;
    }

    /// Appends what was decided. None if there is nothing to wait for.
    fn add(self, mut held: Held, lines: &[Vec<u8>]) -> Result<Option<Ticket>> {
        let opening = self.opening.context("lines are added to a chain")?;
        let mut last = self.last;
        if let Some(line) = lines.last() {
            if self.new {
                held.begin(&opening)?;
            }
            held.add(&opening, lines)?;
            last = Some(Line::parse(line)?.id);
        }
        let end = self.end + lines.len() as u64;
        let Some(last) = last.filter(|_| end > self.settled) else { return Ok(None) };
        Ok(Some(Ticket { opening, end, last, _held: held }))
    }
}
