//! What would take back the last thing that somebody did: new lines that say the opposite, where all still
//! stands as it was left. What was changed by others since is never written over. Pure.

use std::collections::HashSet;

use anyhow::Result;

use crate::bead::event::{Edit, Event, Status};
use crate::bead::fields::Edge;
use crate::bead::holding::{claim, holds, release};
use crate::bead::raw::Raw;
use crate::bead::told::{LISTS, METADATA, STATE};
use crate::bead::{Bead, Beads, change, closing};
use crate::ledger::{Actor, Fold as _, Json, Line};
use crate::refusal::Refusal;

const REASON: &str = "taken back";
/// What a claim brings about and a release ends.
const HELD: [&str; 3] = [STATE, "assignee", "started_at"];

/// Whether a line may be the last of something that its writer can take back. Others are written for
/// somebody along the way: by who looks after claims, or by a landing, which nothing takes back.
pub fn is_own_doing(line: &Line, actor: &Actor) -> bool {
    let on_the_way = match line.event::<Event>() {
        Some(Event::Closed(closed)) => closed.landed.is_some(),
        Some(Event::Renewed { .. } | Event::Withdrawn { .. }) | None => true,
        Some(_) => false,
    };
    line.by == actor.by && line.session == actor.session && !on_the_way
}

/// Where the operation begins that a line belongs to.
pub fn first_clock(line: &Line) -> u64 {
    line.clock - line.nth().min(line.clock)
}

pub fn is_of_one(one: &Line, other: &Line) -> bool {
    first_clock(one) == first_clock(other)
        && (&one.by, &one.session, &one.at) == (&other.by, &other.session, &other.at)
}

/// A bead before an operation and after it, and who has changed what of it since.
#[derive(Default)]
struct Then {
    before: Option<Bead>,
    after: Bead,
    done: Vec<(String, Event)>,
    since: Vec<(String, String)>,
    others: Option<String>,
}

impl Then {
    /// From all lines on that bead, in their order.
    fn of(id: &str, lines: &[Line], operation: &HashSet<&str>, actor: &Actor) -> Self {
        let (mut beads, mut then) = (Beads::default(), Self::default());
        for line in lines.iter().filter(|line| line.on == id) {
            let is_in = operation.contains(line.id.as_str());
            let old = beads.get(id).cloned();
            beads.drink(line);
            let Some(new) = beads.get(id) else { continue };
            if let (true, Some(event)) = (is_in, line.event()) {
                if then.done.is_empty() {
                    then.before = old;
                }
                then.after = new.clone();
                then.done.push((line.id.clone(), event));
            } else if let Some(old) = old.filter(|_| !then.done.is_empty()) {
                let who = format!("by {} at {}", line.by, line.at);
                if line.by != actor.by || line.session != actor.session {
                    then.others = Some(who.clone());
                }
                let names = new.names(&old).into_iter();
                let changed = names.filter(|name| new.value(name) != old.value(name));
                then.since.extend(changed.map(|name| (name, who.clone())));
            }
        }
        then
    }

    fn who(&self, name: &str) -> String {
        let last = self.since.iter().rev().find(|(changed, _)| changed == name);
        last.map_or_else(|| "here".to_owned(), |(_, who)| who.clone())
    }

    fn changed(&self, beads: &Beads, name: &str) -> Refusal {
        let short = beads.short(&self.after.id);
        let told = name.strip_prefix(METADATA).unwrap_or(name);
        let what = format!("{told} of {short} was changed {}, after you", self.who(name));
        Refusal::refused(what).hint(format!("`git bead log {short}` tells what it is now"))
    }
}

/// The lines that take back what an operation did to one bead, if its `lines` are all there are.
pub fn back(
    beads: &Beads,
    id: &str,
    (lines, operation): (&[Line], &HashSet<&str>),
    actor: &Actor,
) -> Result<Vec<Event>> {
    let then = Then::of(id, lines, operation, actor);
    let now = beads.find(id)?;
    let short = beads.short(id);
    if let Some(landed) = &now.landed {
        return Err(Refusal::refused(format!("{short} has landed, as {}", landed.commit))
            .hint("what has landed is taken back by another change: git revert")
            .into());
    }
    let Some(before) = &then.before else { return born(beads, now, &then, actor) };
    let mut events = Vec::new();
    for (line, event) in then.done.iter().rev() {
        events.extend(opposite(beads, now, &then, (line, event), actor)?);
    }
    let mut edit = Edit::default();
    let of_claims = then.done.iter().any(|(_, event)| event.is_of_claims());
    for name in then.after.names(before) {
        let (was, left) = (before.value(&name), then.after.value(&name));
        if was == left || LISTS.contains(&name.as_str()) {
            continue;
        }
        if of_claims && HELD.contains(&name.as_str()) {
            continue;
        }
        let is_held = now.claim.is_some() && HELD.contains(&name.as_str());
        if now.value(&name) != left || is_held && now.claim != then.after.claim {
            return Err(then.changed(beads, &name).into());
        }
        put(&mut edit, before, &name);
    }
    let lists = lists(beads, now, before, &then)?;
    if !edit.is_empty() || !lists.is_empty() {
        change::may_edit(beads, now, actor)?;
    }
    if !edit.is_empty() {
        events.extend(change::put_back(beads, now, actor, &mut edit)?);
        events.push(Event::Edited(edit));
    }
    events.extend(lists);
    Ok(events)
}

/// A bead that was made is deleted, unless others have done something with it meanwhile.
fn born(beads: &Beads, now: &Bead, then: &Then, actor: &Actor) -> Result<Vec<Event>> {
    let short = beads.short(&now.id);
    if then.done.iter().any(|(_, event)| matches!(event, Event::Told(_))) {
        return Err(Refusal::refused(format!("{short} was told by another tool, and came in"))
            .hint(format!("`git bead delete {short}` takes it out of the way"))
            .into());
    }
    if let Some(who) = &then.others {
        return Err(Refusal::refused(format!("{short} was changed {who}, after you made it"))
            .hint(format!("`git bead delete {short}` takes it out of the way all the same"))
            .into());
    }
    Ok(vec![change::delete(beads, now, actor, REASON)?])
}

/// What takes back a line that is no change of fields.
fn opposite(
    beads: &Beads,
    now: &Bead,
    then: &Then,
    (line, event): (&str, &Event),
    actor: &Actor,
) -> Result<Option<Event>> {
    let short = beads.short(&now.id);
    let no = |what: &str, hint: String| {
        let no = Refusal::refused(format!("{short}: {what}")).hint(hint);
        Err(anyhow::Error::from(no))
    };
    match event {
        Event::Claimed { .. } => match &now.claim {
            Some(claim) if claim.id == line && holds(now, actor).is_ok() => {
                Ok(release(now, REASON))
            }
            _ => no("your claim is over", format!("`git bead show {short}` tells who holds it")),
        },
        Event::Released { .. } => {
            let held = then.before.as_ref().and_then(|before| before.claim.as_ref());
            let was_ours =
                held.is_some_and(|held| held.holder == actor.by && held.session == actor.session);
            match was_ours && then.done.len() == 1 {
                true => claim(beads, now, &actor.by, actor.session.as_deref()),
                false => no(
                    "a claim that was ended is made again by who wants it",
                    format!("git bead update {short} --claim"),
                ),
            }
        }
        Event::Closed(_) => match &now.close {
            Some(close) if close.line == line && now.status == Status::CLOSED => {
                closing::reopen(beads, now, actor, REASON).map(Some)
            }
            _ => no("it is open again already", format!("git bead show {short}")),
        },
        Event::Deleted(_) => match &now.deleted {
            Some(deleted) if deleted.line == line => {
                closing::reopen(beads, now, actor, REASON).map(Some)
            }
            _ => no("it is back already", format!("git bead show {short}")),
        },
        Event::Reopened { .. } => match &then.before {
            Some(before) if before.deleted.is_some() && now.status != Status::TOMBSTONE => {
                change::delete(beads, now, actor, REASON).map(Some)
            }
            _ => {
                no("closing has a verb of its own", format!("git bead close {short} --reason '…'"))
            }
        },
        Event::Commented { .. } => {
            let is_there = now.comments.iter().any(|said| said.id == line);
            Ok(is_there.then(|| Event::Retracted { comment: line.to_owned() }))
        }
        Event::Retracted { comment } => {
            let said = then.before.iter().flat_map(|before| &before.comments);
            let said = said.into_iter().find(|said| said.id == *comment);
            said.map(|said| change::comment(beads, now, &said.text)).transpose()
        }
        Event::Taken { .. } | Event::Told(_) => {
            no("that is not taken back", format!("`git bead log {short}` tells what it was"))
        }
        _ => Ok(None),
    }
}

/// Gives a field the value that it had before.
fn put(edit: &mut Edit, before: &Bead, name: &str) {
    let value: Option<Json> = before.value(name).and_then(|text| text.parse().ok());
    if let Some(key) = name.strip_prefix(METADATA) {
        match before.metadata.get(key).map(Raw::json) {
            Some(value) => drop(edit.set_metadata.insert(key.to_owned(), value)),
            None => edit.unset_metadata.push(key.to_owned()),
        }
        return;
    }
    let text = || Some(value.as_ref().and_then(Json::as_str).unwrap_or_default().to_owned());
    match name {
        STATE => edit.status = Some(before.status.clone()),
        "title" => edit.title = text(),
        "description" => edit.description = text(),
        "design" => edit.design = text(),
        "acceptance_criteria" => edit.acceptance_criteria = text(),
        "notes" => edit.notes = text(),
        "issue_type" => edit.issue_type = text(),
        "spec_id" => edit.spec_id = text(),
        "priority" => edit.priority = Some(before.priority),
        "assignee" => edit.assignee = text(),
        "external_ref" => edit.external_ref = text(),
        "due_at" => edit.due_at = text(),
        "defer_until" => edit.defer_until = text(),
        name => drop(edit.set.insert(name.to_owned(), value.unwrap_or_default())),
    }
}

/// Labels and links: what was put in goes, and what was taken out comes back.
fn lists(beads: &Beads, now: &Bead, before: &Bead, then: &Then) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let not_in = |list: &[String], other: &[String]| -> Vec<String> {
        list.iter().filter(|label| !other.contains(label)).cloned().collect()
    };
    let add = not_in(&before.labels, &then.after.labels);
    let remove = not_in(&then.after.labels, &before.labels);
    if add.iter().any(|label| now.labels.contains(label))
        || remove.iter().any(|label| !now.labels.contains(label))
    {
        return Err(then.changed(beads, "labels").into());
    }
    if !add.is_empty() || !remove.is_empty() {
        events.push(Event::Labeled { add, remove });
    }
    let has = |list: &[Edge], edge: &Edge| {
        list.iter().any(|it| it.depends_on_id == edge.depends_on_id && it.kind == edge.kind)
    };
    let (old, new) = (&before.dependencies, &then.after.dependencies);
    let mut left = now.clone();
    for edge in new.iter().filter(|edge| !has(old, edge)) {
        if !has(&now.dependencies, edge) {
            return Err(then.changed(beads, "dependencies").into());
        }
        left.dependencies.retain(|it| !has(std::slice::from_ref(edge), it));
        let (to, kind) = (edge.depends_on_id.clone(), edge.kind.clone());
        events.push(Event::Unlinked { to, kind });
    }
    for edge in old.iter().filter(|edge| !has(new, edge)) {
        // What was imported may have led to what no ledger has.
        let event = match beads.get(&edge.depends_on_id) {
            Some(to) => change::link(beads, &left, to, edge.kind.clone())?,
            None => None,
        };
        events.push(event.ok_or_else(|| then.changed(beads, "dependencies"))?);
    }
    Ok(events)
}
