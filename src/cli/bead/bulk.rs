//! Many beads at once, as one write: all that a file describes, or nothing. It makes beads and changes
//! them; it claims none, and closes none.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Result;
use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::bead::alter::Ask;
use crate::bead::draft::{self, Draft, in_line};
use crate::bead::event::{Event, NewLink};
use crate::bead::forms::{self, Wrong};
use crate::bead::{self, Beads, change, together};
use crate::cli::bead::changed::{Changed, UPDATED};
use crate::cli::bead::import::lines::doubled;
use crate::cli::bead::overlap::{shared, tell};
use crate::cli::bead::record::{self, Record};
use crate::cli::bead::text::text_up_to;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::when;
use crate::ledger::{Actor, Pen};
use crate::refusal::Refusal;

/// No file of beads is longer.
pub(super) const LONGEST: usize = 64 << 20;
/// So many are shown.
const SHOWN: usize = 20;

pub(super) fn write(cx: &Context, file: &Path, (silent, by_key): (bool, bool)) -> Result<Done> {
    let (new, known) = read(cx, file)?;
    let (actor, prefix) = (cx.actor()?, bead::prefix(cx.repo()?)?);
    let keys: HashSet<_> = new.iter().filter_map(|draft| draft.key.as_deref()).collect();
    let ((mut ids, mut were, told, changed), beads) =
        cx.ledger()?.write_and_read(&actor, |beads: &Beads, pen| {
            let mut batch =
                Batch { cx, beads, actor: &actor, keys: &keys, done: Batched::default() };
            for draft in &new {
                batch.create(draft, &prefix, pen);
            }
            batch.tie_later();
            for draft in &known {
                batch.change(draft);
            }
            batch.write(pen);
            let Batched { ids, were, told, bad, changed, .. } = batch.done;
            if bad.is_empty() {
                Ok((ids, were, told, changed))
            } else {
                Err(wrong(file, bad).into())
            }
        })?;
    tell(cx, &told);
    if by_key {
        let ids = ids.into_iter().map(|(place, key, id)| (key.unwrap_or(place.to_string()), id));
        return Ok(ByKey { ids: ids.collect() }.into());
    }
    ids.sort_unstable_by_key(|(place, ..)| *place);
    let asks: HashMap<_, _> = known.iter().map(|draft| (draft.place, &draft.ask)).collect();
    let answers = ids.iter().map(|(place, _, id)| {
        let record = Record::of(&beads, beads.find(id)?);
        let known = were.remove(id).zip(asks.get(place));
        let changed =
            known.map(|((_, was), ask)| Changed::of(UPDATED, &was, &record)?.asked(&record, ask));
        Ok(Answer { changed: changed.transpose()?, record: record.uncounted() })
    });
    let all = answers.collect::<Result<_>>()?;
    Ok(Made { all, counts: [new.len(), changed], silent }.into())
}

/// What is to be made, each after what it waits for, and what is to be changed.
fn read(cx: &Context, file: &Path) -> Result<(Vec<Draft>, Vec<Draft>)> {
    let text = text_up_to(cx, file, "the list of beads", LONGEST)?;
    let now = cx.clock.now();
    let moment = |said: &str| when::moment(said, &now).map_err(|no| no.to_string());
    let (records, mut bad) = forms::records(&text, &doubled);
    let mut drafts = Vec::new();
    for record in records {
        match draft::draft(record, &moment) {
            Ok(draft) => drafts.push(draft),
            Err(no) => bad.push(no),
        }
    }
    if !bad.is_empty() {
        return Err(wrong(file, bad).into());
    }
    if drafts.is_empty() {
        let no = Refusal::usage(format!("{} describes no bead", file.display()));
        return Err(no.hint("a JSON object a line, or `## title` in Markdown").into());
    }
    let (known, new) = drafts.into_iter().partition(|draft| draft.id.is_some());
    Ok((draft::in_order(new).map_err(|bad| wrong(file, bad))?, known))
}

/// A file, on the beads as they are.
struct Batch<'a> {
    cx: &'a Context,
    beads: &'a Beads,
    actor: &'a Actor,
    keys: &'a HashSet<&'a str>,
    done: Batched,
}

/// What has become of it so far.
#[derive(Default)]
struct Batched {
    /// Where a bead stands in the file, what it is called there, and what it is.
    ids: Vec<(usize, Option<String>, String)>,
    /// Where those stand that are changed, and what they were.
    were: HashMap<String, (usize, Record)>,
    /// What was made, by the keys of the file; nothing where that failed.
    made: HashMap<String, String>,
    births: Vec<(String, Event)>,
    /// Links to what comes later in the file.
    later: Vec<(usize, String, NewLink)>,
    lines: Vec<(usize, String, Event)>,
    told: Vec<String>,
    /// So many of what was there are not as they were.
    changed: usize,
    bad: Vec<Wrong>,
}

impl Batch<'_> {
    fn create(&mut self, draft: &Draft, prefix: &str, pen: &mut Pen<'_>) {
        let mut later = Vec::new();
        let made = self.birth(draft, &mut later);
        let made = made.and_then(|event| Ok((pen.create(prefix, &event)?, event)));
        let done = &mut self.done;
        let id = match made {
            Ok((id, event)) => {
                done.later.extend(later.into_iter().map(|link| (draft.place, id.clone(), link)));
                done.ids.push((draft.place, draft.key.clone(), id.clone()));
                done.births.push((id.clone(), event));
                id
            }
            Err(no) => {
                done.bad.push((draft.place, in_line(&no)));
                String::new()
            }
        };
        done.made.extend(draft.key.clone().map(|key| (key, id)));
    }

    /// A bead of which some links may lead to those made before it.
    fn birth(&self, draft: &Draft, later: &mut Vec<NewLink>) -> Result<Event> {
        let mut new = draft.ask.new_one();
        let mut within = Vec::new();
        for link in draft.ask.ends() {
            if let Some(id) = self.done.made.get(&link.to) {
                within.push(NewLink { to: id.clone(), ..link });
            } else if self.keys.contains(link.to.as_str()) {
                later.push(link);
            } else {
                let to = self.beads.find_end(&link.to)?.to_owned();
                new.links.push(NewLink { to, ..link });
            }
        }
        let parents = within.iter().chain(&new.links).filter(|link| link.kind.is_parent());
        if parents.count() > 1 {
            return Err(Refusal::usage("a bead has one parent at most").into());
        }
        let mut event = change::create(self.beads, new)?;
        if let Event::Created(new) = &mut event {
            new.links.extend(within);
        }
        Ok(event)
    }

    fn tie_later(&mut self) {
        for (place, from, NewLink { to, kind }) in std::mem::take(&mut self.done.later) {
            let to = self.done.made.get(&to).cloned().unwrap_or_default();
            if to == from {
                self.done.bad.push((place, "is tied to itself".to_owned()));
            }
            self.done.lines.push((place, from, Event::Linked { to, kind }));
        }
    }

    fn change(&mut self, draft: &Draft) {
        match self.changes(draft) {
            Ok((id, events)) => {
                self.done.changed += usize::from(!events.is_empty());
                let lines = events.into_iter().map(|event| (draft.place, id.clone(), event));
                self.done.lines.extend(lines);
                self.done.ids.push((draft.place, draft.id.clone(), id));
            }
            Err(no) => self.done.bad.push((draft.place, in_line(&no))),
        }
    }

    fn changes(&mut self, draft: &Draft) -> Result<(String, Vec<Event>)> {
        let (beads, actor) = (self.beads, self.actor);
        let bead = beads.find(draft.id.as_deref().unwrap_or_default())?;
        let short = beads.short(&bead.id);
        if let Some((first, _)) = self.done.were.get(&bead.id) {
            let no = Refusal::usage(format!("{short} is changed in {first}, too"));
            return Err(no.hint("say all of it in one place").into());
        }
        change::may_edit(beads, bead, actor)?;
        let (ask, within) = self.apart(&draft.ask);
        let mut events = ask.events(beads, bead, actor)?;
        let takes = actor.agent && ask.edit.assignee.as_ref() == Some(&actor.by);
        if takes && bead.assignee.as_ref() != Some(&actor.by) {
            return Err(Refusal::refused("no file claims a bead")
                .hint(format!("git bead update {short} --claim"))
                .into());
        }
        if let (true, Some(claim)) = (events.iter().any(Event::ends_claim), &bead.claim) {
            let no = Refusal::refused(format!("{} holds it, and no file ends that", claim.holder));
            return Err(no.hint(format!("git bead update {short} --status open")).into());
        }
        if within.iter().any(|link| link.kind.is_parent()) {
            events.extend(change::move_to(beads, bead, None)?);
        }
        events.extend(within.into_iter().map(|NewLink { to, kind }| Event::Linked { to, kind }));
        self.done.told.extend(shared(self.cx, (beads, bead), &events)?);
        self.done.were.insert(bead.id.clone(), (draft.place, Record::of(beads, bead)));
        Ok((bead.id.clone(), events))
    }

    /// What is asked with regard to what is there, and links to what was made.
    fn apart(&self, ask: &Ask) -> (Ask, Vec<NewLink>) {
        let mut apart = ask.clone();
        let is_made = |to: &String| self.done.made.contains_key(to);
        apart.parent.take_if(|to| is_made(to));
        apart.links.retain(|link| !is_made(&link.to));
        let within = ask.ends().filter_map(|link| {
            let to = self.done.made.get(&link.to)?.clone();
            Some(NewLink { to, ..link })
        });
        let within = within.collect();
        (apart, within)
    }

    fn write(&mut self, pen: &mut Pen<'_>) {
        let Batched { ids, made, births, lines, bad, .. } = &mut self.done;
        let name = |id: &str| {
            let key = made.iter().find(|(_, made)| *made == id).map(|(key, _)| key.as_str());
            key.unwrap_or_else(|| self.beads.short(id)).to_owned()
        };
        let births = births.iter().map(|(id, event)| (id.as_str(), event));
        let changes: Vec<_> =
            lines.iter().map(|(_, id, event)| (id.as_str(), event)).chain(births).collect();
        for (n, no) in together::ring(self.beads, &changes, &name) {
            let birth = || ids.get(n - lines.len()).map(|(place, ..)| *place);
            let place = lines.get(n).map(|(place, ..)| *place).or_else(birth);
            bad.extend(place.map(|place| (place, no)));
        }
        for (place, id, event) in lines {
            if let Err(no) = pen.line(id, event) {
                bad.push((*place, in_line(&no)));
            }
        }
    }
}

/// Names every bad line.
pub(super) fn wrong(file: &Path, mut bad: Vec<Wrong>) -> Refusal {
    bad.sort_unstable();
    let name = file.display();
    let said: Vec<_> = bad.iter().map(|(place, no)| format!("{name}:{place}: {no}")).collect();
    Refusal::usage(said.join("\n")).hint("nothing was written; mend these, and call it again")
}

#[derive(Serialize)]
struct ByKey {
    ids: IndexMap<String, String>,
}

impl Show for ByKey {
    fn show(&self, out: &mut Screen) {
        for (key, id) in &self.ids {
            out.parts(&[(Tone::Id, id), (Tone::Plain, &format!("  {key}"))]);
        }
    }
}

/// What the verb for one bead answers: all of what is new, and of what was there what was changed.
struct Answer {
    record: Record,
    changed: Option<Changed>,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.changed {
            Some(changed) => changed.serialize(to),
            None => self.record.serialize(to),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Made {
    all: Vec<Answer>,
    /// How many are new, and how many were there and were changed.
    #[serde(skip)]
    counts: [usize; 2],
    #[serde(skip)]
    silent: bool,
}

impl Show for Made {
    fn show(&self, out: &mut Screen) {
        if self.silent {
            return self.all.iter().for_each(|it| out.line(&it.record.id));
        }
        let beads = |count: usize| format!("{count} bead{}", if count == 1 { "" } else { "s" });
        let said = match self.counts {
            [0, 0] => "Nothing changed".to_owned(),
            [new, 0] => format!("Created {}", beads(new)),
            [0, known] => format!("Changed {}", beads(known)),
            [new, known] => format!("Created {}, changed {known}", beads(new)),
        };
        out.parts(&[(Tone::Good, &said)]);
        let first = self.all.iter().take(SHOWN).map(|it| it.record.clone());
        record::list(out, &first.collect::<Vec<_>>());
        if let Some(more) = self.all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            out.line(format!("and {more} more"));
        }
    }
}
