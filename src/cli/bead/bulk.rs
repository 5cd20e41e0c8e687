//! Many beads at once, as one write: all that a file describes, or nothing.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use indexmap::IndexMap;
use serde::Serialize;

use crate::bead::draft::{self, Draft, Wrong};
use crate::bead::event::{Event, Link, New, NewLink};
use crate::bead::{Beads, change};
use crate::cli::bead::record::{self, Record};
use crate::cli::bead::text::text_up_to;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::when;
use crate::refusal::Refusal;

/// No file of beads is longer.
pub(super) const LONGEST: usize = 64 << 20;
/// So many are shown.
const SHOWN: usize = 20;

pub(super) fn create(
    cx: &Context,
    file: &Path,
    prefix: &str,
    (silent, by_key): (bool, bool),
) -> Result<Done> {
    let drafts = read(cx, file)?;
    let actor = cx.actor()?;
    let (ids, beads) = cx.ledger()?.write_and_read(&actor, |beads: &Beads, pen| {
        let (mut made, mut ids, mut bad) = (HashMap::new(), Vec::new(), Vec::new());
        for draft in &drafts {
            match event(beads, &made, draft) {
                Ok(event) => {
                    let id = pen.create(prefix, &event)?;
                    made.extend(draft.key.clone().map(|key| (key, id.clone())));
                    ids.push((draft.place, draft.key.clone(), id));
                }
                Err(no) => {
                    bad.push((draft.place, format!("{no:#}")));
                    made.extend(draft.key.clone().map(|key| (key, String::new())));
                }
            }
        }
        if bad.is_empty() { Ok(ids) } else { Err(wrong(file, bad).into()) }
    })?;
    if by_key {
        let ids = ids.into_iter().map(|(place, key, id)| (key.unwrap_or(place.to_string()), id));
        return Ok(ByKey { ids: ids.collect() }.into());
    }
    let mut ids = ids;
    ids.sort_unstable_by_key(|(place, ..)| *place);
    let records = ids.iter().map(|(.., id)| Ok(Record::of(&beads, beads.find(id)?)));
    Ok(Made { all: records.collect::<Result<_>>()?, silent }.into())
}

fn read(cx: &Context, file: &Path) -> Result<Vec<Draft>> {
    let text = text_up_to(cx, file, "the list of beads", LONGEST)?;
    let now = cx.clock.now();
    let moment = |said: &str| when::moment(said, &now).map_err(|no| no.to_string());
    let (records, mut bad) = draft::records(&text);
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
    draft::in_order(drafts).map_err(|bad| wrong(file, bad).into())
}

/// A bead of which some links may lead to those made before it.
fn event(beads: &Beads, made: &HashMap<String, String>, draft: &Draft) -> Result<Event> {
    let mut new = New { links: Vec::new(), ..draft.new.clone() };
    let mut within = Vec::new();
    for link in &draft.new.links {
        let mut link = link.clone();
        if let Some(id) = made.get(&link.to) {
            link.to.clone_from(id);
            within.push(link);
        } else {
            let to = beads.find_end(&link.to)?.to_owned();
            new.links.push(NewLink { to, ..link });
        }
    }
    let parents = within.iter().chain(&new.links).filter(|link| link.kind == Link::PARENT_CHILD);
    if parents.count() > 1 {
        return Err(Refusal::usage("a bead has one parent at most").into());
    }
    let mut event = change::create(beads, new)?;
    if let Event::Created(new) = &mut event {
        new.links.extend(within);
    }
    Ok(event)
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

#[derive(Serialize)]
#[serde(transparent)]
struct Made {
    all: Vec<Record>,
    #[serde(skip)]
    silent: bool,
}

impl Show for Made {
    fn show(&self, out: &mut Screen) {
        if self.silent {
            return self.all.iter().for_each(|record| out.line(&record.id));
        }
        let count = self.all.len();
        out.parts(&[(
            Tone::Good,
            &format!("Created {count} bead{}", if count == 1 { "" } else { "s" }),
        )]);
        record::list(out, self.all.get(..SHOWN).unwrap_or(&self.all));
        if let Some(more) = count.checked_sub(SHOWN).filter(|more| *more > 0) {
            out.line(format!("and {more} more"));
        }
    }
}
