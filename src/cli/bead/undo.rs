//! `git bead undo`: take back what one has done last.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::bead::event::{Event, MemoryEvent};
use crate::bead::history::History;
use crate::bead::{Beads, change, memory, together, undo};
use crate::cli::bead::log::{Entry, tell};
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::ledger::{Actor, Ledger, Line, Query, word};
use crate::refusal::Refusal;

/// So many beads are looked for one by one; for more of them all lines are read once.
const FEW: usize = 64;
/// What lines about a bead begin with.
const BEADS: [&str; 2] = ["bead.", "import.bead"];
/// So many lines are shown.
const SHOWN: usize = 20;

/// Take back what you have done last
///
/// That is all that your last command of `git bead` has written: one edit, or a whole file of them. It is
/// taken back by new lines, and `git bead log` tells both. A field gets the value that it had, unless it
/// was changed once more since: then nothing is written, and you are told by whom. A bead that you made
/// is deleted, a link or a label is put back or taken away, a comment of yours is retracted, a claim is
/// released, and a close by hand opens again. You hold it once more if you held it then, by a claim with a
/// higher epoch; another's claim that it has ended stays ended, and you are told. What was remembered or
/// forgotten is as it was. What has landed stays, and so does what others did. What has children by now
/// is not deleted so.
///
/// Undone twice, it is done again; only closing is left to `git bead close`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead undo --dry-run               what would be taken back
  git bead undo")]
pub(in crate::cli) struct Undo {
    /// Tell what would be taken back, and how, and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Lines that are to be written, each with its subject.
type Answer = Vec<(String, Back)>;

#[derive(Serialize)]
#[serde(untagged)]
enum Back {
    Bead(Box<Event>),
    Memory(MemoryEvent),
}

impl Undo {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        let (operation, history) = last(&ledger, &actor)?;
        let Some(first) = operation.first() else {
            return Err(Refusal::nothing(format!("{} has done nothing here", actor.by))
                .hint("`git bead log` tells who did what")
                .into());
        };
        let ids: HashSet<_> = operation.iter().map(|line| line.id.as_str()).collect();
        let decide = |beads: &Beads| -> Result<Answer> {
            let mut answer = Answer::new();
            let mut seen = HashSet::new();
            // The last first, so that nothing is deleted before what was hung on it.
            for line in operation.iter().rev().filter(|line| seen.insert(&line.on)) {
                let lines = history.get(line.on.as_str()).map_or(&[][..], Vec::as_slice);
                if !BEADS.iter().any(|word| line.act.starts_with(word)) {
                    answer.push((line.on.clone(), aside(&ledger, line, (lines, &ids))?));
                    continue;
                }
                for event in undo::back(beads, &line.on, (lines, &ids), &actor)? {
                    answer.push((line.on.clone(), Back::Bead(Box::new(spelled(&ledger, event)?))));
                }
            }
            let gone = answer.iter().filter(|(_, it)| it.is(|it| matches!(it, Event::Deleted(_))));
            let gone: Vec<_> = gone.map(|(on, _)| on.as_str()).collect();
            let moves =
                |event: &Event| matches!(event, Event::Unlinked { kind, .. } if kind.is_parent());
            let goes = |child: &str| answer.iter().any(|(on, it)| on == child && it.is(moves));
            change::leaves_none(beads, &gone, &goes)?;
            let changes = answer.iter().filter_map(|(on, back)| match back {
                Back::Bead(event) => Some((on.as_str(), &**event)),
                Back::Memory(_) => None,
            });
            together::opens(beads, &changes.collect::<Vec<_>>())?;
            Ok(answer)
        };
        let (answer, beads) = if self.dry_run {
            let beads = ledger.read()?;
            (decide(&beads)?, beads)
        } else {
            ledger.write_and_read(&actor, |beads: &Beads, pen| {
                let answer = decide(beads)?;
                pen.undo(&first.id);
                for (on, event) in &answer {
                    match event.is(Event::is_claim) {
                        true => pen.sole(on, event)?,
                        false => pen.line(on, event)?,
                    }
                }
                Ok(answer)
            })?
        };
        if answer.is_empty() {
            return Err(Refusal::nothing("all that you have done last is taken back already")
                .hint("`git bead log` tells by what")
                .into());
        }
        tell_held(cx, &beads, (&answer, &operation));
        let undone: Vec<_> = operation.iter().map(|it| Entry::of(&beads, it.clone())).collect();
        let lines = answer.into_iter().map(Written::of).collect::<Result<_>>()?;
        Ok(Undone { dry_run: self.dry_run, undone, lines }.into())
    }
}

/// An event with the texts that stand elsewhere, read as all events are: from a line.
fn spelled(ledger: &Ledger<'_>, event: Event) -> Result<Event> {
    let (act, mut with) = word(&event)?;
    if !ledger.spell(&mut with)? {
        return Ok(event);
    }
    let line = Line { act, with: with.into(), ..Line::default() };
    line.event().context("an event is one with all its texts, too")
}

impl Back {
    fn is(&self, asked: impl Fn(&Event) -> bool) -> bool {
        matches!(self, Self::Bead(event) if asked(event))
    }
}

/// Who holds what is open again: its epoch is another one, or a close has ended the claim of somebody else.
fn tell_held(cx: &Context, beads: &Beads, (answer, operation): (&Answer, &[Line])) {
    let was_held = |on: &str| {
        let mut events = operation.iter().filter(|line| line.on == on);
        events.any(|line| {
            matches!(line.event::<Event>(), Some(Event::Closed(closed)) if closed.claim.is_some())
        })
    };
    for (on, back) in answer {
        let short = beads.short(on);
        let Back::Bead(event) = back else { continue };
        match &**event {
            Event::Claimed { epoch, session: Some(_), .. } => {
                cx.note(format!(
                    "note: you hold {short} by epoch {epoch}: SHOPFLOOR_EPOCH={epoch}"
                ));
            }
            Event::Reopened { .. }
                if was_held(on)
                    && !answer.iter().any(|(it, back)| it == on && back.is(Event::is_claim)) =>
            {
                cx.note(format!(
                    "note: nobody holds {short} now, as its close has ended the claim"
                ));
                cx.hint(format!("git bead update {short} --claim"));
            }
            _ => {}
        }
    }
}

/// What takes back a line that is about no bead.
fn aside(
    ledger: &Ledger<'_>,
    line: &Line,
    (lines, operation): (&[Line], &HashSet<&str>),
) -> Result<Back> {
    if line.event::<MemoryEvent>().is_none() {
        return Err(Refusal::refused(format!("{} of {} is not taken back", line.act, line.on))
            .hint(format!("`git bead log --on {}` tells what it was", line.on))
            .into());
    }
    Ok(Back::Memory(match memory::before(&line.on, lines, operation)? {
        Some(known) => MemoryEvent::Kept { text: ledger.spelled(known)?.value() },
        None => MemoryEvent::Forgotten,
    }))
}

/// All lines on a bead, or on something else.
type Histories = HashMap<String, Vec<Line>>;

/// The lines of the last operation of somebody that had an effect, in their order, and all about their beads.
fn last(ledger: &Ledger<'_>, actor: &Actor) -> Result<(Vec<Line>, Histories)> {
    let act = undo::OURS.map(str::to_owned).to_vec();
    let query = Query { by: vec![actor.by.clone()], act, ..Query::default() };
    let mut most = 64;
    loop {
        let lines = ledger.newest(&query, most)?;
        for line in lines.iter().rev().filter(|line| undo::is_own_doing(line, actor)) {
            let operation = all_of(ledger, line)?;
            // What was done along with a dispatch, or a landing, is not one of ours.
            if !operation.iter().all(undo::is_of_bead) {
                continue;
            }
            let history = histories(ledger, &operation)?;
            let ids = operation.iter().map(|line| line.id.as_str()).collect();
            let is_idle =
                |(on, lines): (&String, &Vec<Line>)| undo::is_idle(on, (lines, &ids), actor);
            if !history.iter().all(is_idle) {
                return Ok((operation, history));
            }
        }
        if lines.len() < most {
            return Ok(Default::default());
        }
        most *= 16;
    }
}

/// The lines that were written together with one.
fn all_of(ledger: &Ledger<'_>, line: &Line) -> Result<Vec<Line>> {
    let mut from = undo::first_clock(line);
    let mut all = Vec::new();
    loop {
        let until = (from + 256).max(line.clock + 1);
        let clocks: BTreeSet<_> = (from..until).collect();
        let mut found = ledger.at(&clocks)?;
        found.retain(|other| undo::is_of_one(line, other));
        let whole = found.last().is_none_or(|last| last.clock + 1 < until);
        all.extend(found);
        if whole {
            return Ok(all);
        }
        from = until;
    }
}

/// All that was ever written about the beads of an operation.
fn histories(ledger: &Ledger<'_>, operation: &[Line]) -> Result<Histories> {
    let mut found: Histories = operation.iter().map(|line| (line.on.clone(), Vec::new())).collect();
    let told: HashMap<_, _> = operation
        .iter()
        .filter_map(|line| Some((memory::told_of(&line.on)?, line.on.clone())))
        .collect();
    let mut keep = |line: &Line| {
        if let Some(lines) = found.get_mut(told.get(&line.on).unwrap_or(&line.on)) {
            lines.push(line.clone());
        }
    };
    if operation.len() > FEW {
        ledger.tell(&Query::default(), &mut keep)?;
    } else {
        let history: History = ledger.read()?;
        let own = operation.iter().map(|line| line.on.as_str());
        let ids: Vec<_> = own.chain(told.keys().map(String::as_str)).collect();
        history.lines(ledger, &ids)?.iter().for_each(keep);
    }
    Ok(found)
}

#[derive(Serialize)]
struct Undone {
    dry_run: bool,
    /// The lines that are taken back.
    undone: Vec<Entry>,
    /// Those that take them back.
    lines: Vec<Written>,
}

#[derive(Serialize)]
struct Written {
    on: String,
    #[serde(flatten)]
    event: crate::ledger::Json,
}

impl Written {
    fn of((on, event): (String, Back)) -> Result<Self> {
        let (act, with) = word(&event)?;
        Ok(Self { on, event: serde_json::json!({"do": act, "with": with}) })
    }
}

impl Show for Undone {
    fn show(&self, out: &mut Screen) {
        let said = if self.dry_run { "This would be taken back:" } else { "Taken back:" };
        out.parts(&[(if self.dry_run { Tone::Plain } else { Tone::Good }, said)]);
        tell(out, self.undone.get(..SHOWN).unwrap_or(&self.undone));
        if let Some(more) = self.undone.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            out.line(format!("and {more} more"));
        }
    }
}
