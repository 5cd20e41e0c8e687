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
        Some(Event::Renewed { .. } | Event::Withdrawn { .. }) => true,
        Some(_) => false,
        // What a later version says of a bead is taken back by that.
        None => !is_of_bead(line) || line.act.starts_with("bead."),
    };
    line.by == actor.by && line.session == actor.session && !on_the_way
}

/// What a line of `git bead` begins with; those of other commands are not taken back here.
pub const OURS: [&str; 4] = ["bead", "import", "memory", "view"];

pub fn is_of_bead(line: &Line) -> bool {
    line.act.split_once('.').is_some_and(|(room, _)| OURS.contains(&room))
}

/// Where the operation begins that a line belongs to.
pub fn first_clock(line: &Line) -> u64 {
    line.clock - line.nth().min(line.clock)
}

pub fn is_of_one(one: &Line, other: &Line) -> bool {
    first_clock(one) == first_clock(other)
        && (&one.by, &one.session, &one.at) == (&other.by, &other.session, &other.at)
}

/// A line of an operation, and a bead before it and after it.
struct Step {
    line: String,
    event: Event,
    before: Option<Bead>,
    after: Bead,
}

/// What an operation did to a bead, line by line, since lines of others may stand between its own; and who
/// has changed what of it since it began.
#[derive(Default)]
struct Then {
    steps: Vec<Step>,
    since: Vec<(String, String)>,
    others: Option<String>,
}

/// What became of a field: how it was, and how it was left.
type Turn<'a> = (&'a Bead, &'a Bead);

impl Then {
    /// From all lines on that bead, in their order.
    fn of(id: &str, lines: &[Line], operation: &HashSet<&str>, actor: &Actor) -> Self {
        let (mut beads, mut then) = (Beads::default(), Self::default());
        for line in lines.iter().filter(|line| line.on == id) {
            let is_in = operation.contains(line.id.as_str());
            let before = beads.get(id).cloned();
            beads.drink(line);
            let Some(after) = beads.get(id) else { continue };
            if let (true, Some(event)) = (is_in, line.event()) {
                let (line, after) = (line.id.clone(), after.clone());
                then.steps.push(Step { line, event, before, after });
            } else if let Some(old) = before.filter(|_| !then.steps.is_empty()) {
                let who = format!("by {} at {}", line.by, line.at);
                if line.by != actor.by || line.session != actor.session {
                    then.others = Some(who.clone());
                }
                then.since.extend(changed(&old, after).map(|name| (name, who.clone())));
            }
        }
        then
    }

    /// The lines that changed something, with how it was before each.
    fn turns(&self) -> impl Iterator<Item = Turn<'_>> {
        self.steps.iter().filter_map(|step| Some((step.before.as_ref()?, &step.after)))
    }

    /// Everything but lists that it changed, each once.
    fn fields(&self) -> Vec<String> {
        let mut names: Vec<_> = self.turns().flat_map(|(old, new)| changed(old, new)).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !LISTS.contains(&name.as_str()));
        names
    }

    /// From where to where it turned a field; none where somebody did so in between.
    fn turn(&self, name: &str) -> Option<Turn<'_>> {
        let mut turns = self.turns().filter(|(old, new)| old.value(name) != new.value(name));
        let first = turns.next()?;
        turns.try_fold(first, |(before, left), (old, new)| {
            (old.value(name) == left.value(name)).then_some((before, new))
        })
    }

    fn who(&self, name: &str) -> String {
        let last = self.since.iter().rev().find(|(changed, _)| changed == name);
        last.map_or_else(|| "here".to_owned(), |(_, who)| who.clone())
    }

    fn changed(&self, beads: &Beads, id: &str, name: &str) -> Refusal {
        let short = beads.short(id);
        let told = name.strip_prefix(METADATA).unwrap_or(name);
        let what = format!("{told} of {short} was changed {}, after you", self.who(name));
        Refusal::refused(what).hint(format!("`git bead log {short}` tells what it is now"))
    }
}

/// What differs between two states of a bead.
fn changed(old: &Bead, new: &Bead) -> impl Iterator<Item = String> {
    new.names(old).into_iter().filter(|name| new.value(name) != old.value(name))
}

/// Whether an operation has said of a bead only what stood so already. So it was in earlier versions.
pub fn is_idle(id: &str, (lines, operation): (&[Line], &HashSet<&str>), actor: &Actor) -> bool {
    let Then { steps, .. } = Then::of(id, lines, operation, actor);
    !steps.is_empty()
        && steps.iter().all(|Step { event, before, after, .. }| {
            matches!(event, Event::Edited(_) | Event::Labeled { .. })
                && before.as_ref().is_some_and(|before| changed(before, after).next().is_none())
        })
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
    if then.steps.first().is_none_or(|step| step.before.is_none()) {
        return born(beads, now, &then, actor);
    }
    let mut events = Vec::new();
    for step in then.steps.iter().rev() {
        events.extend(opposite(beads, now, step, (then.steps.len() == 1, actor))?);
        events.extend(given_back(now, step, actor));
    }
    let mut edit = Edit::default();
    let of_claims = then.steps.iter().any(|step| step.event.is_of_claims());
    for name in then.fields() {
        let is_of_holder = HELD.contains(&name.as_str());
        if of_claims && is_of_holder {
            continue;
        }
        let Some((before, left)) = then.turn(&name) else {
            return Err(then.changed(beads, id, &name).into());
        };
        if before.value(&name) == left.value(&name) {
            continue;
        }
        let is_held = is_of_holder && now.claim.is_some() && now.claim != left.claim;
        if now.value(&name) != left.value(&name) || is_held {
            return Err(then.changed(beads, id, &name).into());
        }
        put(&mut edit, before, &name);
    }
    let lists = lists(beads, now, &then)?;
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
    if then.steps.iter().any(|step| matches!(step.event, Event::Told(_))) {
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
    step: &Step,
    (is_alone, actor): (bool, &Actor),
) -> Result<Option<Event>> {
    let Step { line, event, before, .. } = step;
    let short = beads.short(&now.id);
    let no = |what: &str, hint: String| {
        let no = Refusal::refused(format!("{short}: {what}")).hint(hint);
        Err(anyhow::Error::from(no))
    };
    match event {
        Event::Claimed { .. } => match &now.claim {
            Some(claim) if claim.id == *line && holds(now, actor).is_ok() => {
                Ok(release(now, REASON))
            }
            _ => no("your claim is over", format!("`git bead show {short}` tells who holds it")),
        },
        Event::Released { .. } => {
            let held = before.as_ref().and_then(|before| before.claim.as_ref());
            let was_ours =
                held.is_some_and(|held| held.holder == actor.by && held.session == actor.session);
            match was_ours && is_alone {
                true => claim(beads, now, &actor.by, actor.session.as_deref()),
                false => no(
                    "a claim that was ended is made again by who wants it",
                    format!("git bead update {short} --claim"),
                ),
            }
        }
        Event::Closed(_) => match &now.close {
            Some(close) if close.line == *line && now.status == Status::CLOSED => {
                closing::reopen(beads, now, actor, REASON).map(Some)
            }
            _ => no("it is open again already", format!("git bead show {short}")),
        },
        Event::Deleted(_) => match &now.deleted {
            Some(deleted) if deleted.line == *line => {
                closing::reopen(beads, now, actor, REASON).map(Some)
            }
            _ => no("it is back already", format!("git bead show {short}")),
        },
        Event::Reopened { .. } => match before {
            Some(before) if before.deleted.is_some() && now.status != Status::TOMBSTONE => {
                change::delete(beads, now, actor, REASON).map(Some)
            }
            _ => {
                no("closing has a verb of its own", format!("git bead close {short} --reason '…'"))
            }
        },
        Event::Taken { .. } | Event::Told(_) => {
            no("that is not taken back", format!("`git bead log {short}` tells what it was"))
        }
        _ => said(beads, now, step),
    }
}

/// The claim that a close has ended, if it was of whoever takes that back: a new one, of a higher epoch.
/// Nobody can have taken up meanwhile what is closed.
fn given_back(now: &Bead, step: &Step, actor: &Actor) -> Option<Event> {
    let held = step.before.as_ref()?.claim.as_ref().filter(|_| is_close(&step.event))?;
    let (holder, session) = (held.holder.clone(), held.session.clone());
    let is_ours = holder == actor.by && session == actor.session;
    is_ours.then(|| Event::Claimed { epoch: now.epoch + 1, holder, session })
}

fn is_close(event: &Event) -> bool {
    matches!(event, Event::Closed(_))
}

/// What takes back what was said of a bead.
fn said(
    beads: &Beads,
    now: &Bead,
    Step { line, event, before, after }: &Step,
) -> Result<Option<Event>> {
    Ok(match event {
        Event::Commented { .. } => {
            let is_there = now.comments.iter().any(|said| said.id == *line);
            is_there.then(|| Event::Retracted { comment: line.clone() })
        }
        Event::Retracted { comment } => {
            let said = before.iter().flat_map(|before| &before.comments);
            let said = said.into_iter().find(|said| said.id == *comment);
            said.map(|said| change::comment(beads, now, &said.text)).transpose()?
        }
        Event::Digested { .. } if now.digest == after.digest => {
            let old = before.as_ref().and_then(|before| before.digest.clone());
            let (text, size) = old.map_or_else(Default::default, |old| (old.text, old.size));
            let lines = Some(now.lines).filter(|_| !text.is_empty());
            Some(Event::Digested { text, size, lines })
        }
        _ => None,
    })
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
fn lists(beads: &Beads, now: &Bead, then: &Then) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let labels = then.turns().map(|(old, new)| (&old.labels[..], &new.labels[..]));
    let (remove, add) = net(labels, |one, other| one == other);
    if add.iter().any(|label| now.labels.contains(label))
        || remove.iter().any(|label| !now.labels.contains(label))
    {
        return Err(then.changed(beads, &now.id, "labels").into());
    }
    if !add.is_empty() || !remove.is_empty() {
        events.push(Event::Labeled { add, remove });
    }
    let is_same = |one: &Edge, other: &Edge| {
        (&one.depends_on_id, &one.kind) == (&other.depends_on_id, &other.kind)
    };
    let edges = then.turns().map(|(old, new)| (&old.dependencies[..], &new.dependencies[..]));
    let (remove, add) = net(edges, is_same);
    let mut left = now.clone();
    for edge in remove {
        if !now.dependencies.iter().any(|it| is_same(it, &edge)) {
            return Err(then.changed(beads, &now.id, "dependencies").into());
        }
        left.dependencies.retain(|it| !is_same(it, &edge));
        events.push(Event::Unlinked { to: edge.depends_on_id, kind: edge.kind });
    }
    for edge in add {
        // What was imported may have led to what no ledger has.
        let event = match beads.get(&edge.depends_on_id) {
            Some(to) => change::link(beads, &left, to, edge.kind)?,
            None => None,
        };
        events.push(event.ok_or_else(|| then.changed(beads, &now.id, "dependencies"))?);
    }
    Ok(events)
}

/// What these steps have put into a list, all in all, and what they have taken out of it.
fn net<'a, T: Clone + 'a>(
    steps: impl Iterator<Item = (&'a [T], &'a [T])>,
    is_same: impl Fn(&T, &T) -> bool,
) -> (Vec<T>, Vec<T>) {
    let (mut put, mut taken) = (Vec::new(), Vec::new());
    let note = |from: &[T], to: &[T], these: &mut Vec<T>, those: &mut Vec<T>| {
        for it in to.iter().filter(|it| !from.iter().any(|other| is_same(it, other))) {
            match those.iter().position(|other| is_same(it, other)) {
                Some(at) => drop(those.remove(at)),
                None => these.push(it.clone()),
            }
        }
    };
    for (old, new) in steps {
        note(old, new, &mut put, &mut taken);
        note(new, old, &mut taken, &mut put);
    }
    (put, taken)
}
