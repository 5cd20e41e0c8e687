//! What is asked of a bead, by options or by a line of a file: of one that is there, the lines that this comes
//! to; or all that a new one starts with. Pure.

use anyhow::Result;

use crate::bead::event::{Edit, Event, Link, New, NewLink, Status};
use crate::bead::{Bead, Beads, change};
use crate::ledger::{Actor, Line};
use crate::refusal::Refusal;

/// What is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    pub edit: Edit,
    /// Every key of its metadata goes.
    pub clear_metadata: bool,
    /// Exactly these.
    pub labels: Option<Vec<String>>,
    pub add_labels: Vec<String>,
    pub remove_labels: Vec<String>,
    /// What it is a part of from now on; an empty one takes it out.
    pub parent: Option<String>,
    pub links: Vec<NewLink>,
    /// What it depends on no more.
    pub unlink: Vec<String>,
}

impl Ask {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What leads to something else that is to be done.
    pub fn ends(&self) -> impl Iterator<Item = NewLink> {
        let parent = self.parent.iter().filter(|to| !to.is_empty()).cloned();
        let parent = parent.map(|to| NewLink { to, kind: Link::PARENT_CHILD });
        self.links.iter().cloned().chain(parent)
    }

    /// A bead that starts so, and with no links yet.
    pub fn new_one(&self) -> New {
        let edit = self.edit.clone();
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let notes = edit.notes.into_iter().chain(edit.append_notes).filter(|it| !it.is_empty());
        New {
            title: edit.title.unwrap_or_default(),
            description: edit.description.unwrap_or_default(),
            design: edit.design.unwrap_or_default(),
            acceptance_criteria: edit.acceptance_criteria.unwrap_or_default(),
            notes: notes.collect::<Vec<_>>().join("\n"),
            priority: edit.priority.unwrap_or(2),
            issue_type: edit.issue_type.unwrap_or_else(|| "task".to_owned()),
            assignee: filled(edit.assignee),
            labels: self.labels.clone().unwrap_or_default(),
            external_ref: filled(edit.external_ref),
            estimated_minutes: edit.estimated_minutes,
            due_at: filled(edit.due_at),
            defer_until: filled(edit.defer_until),
            spec_id: edit.spec_id.unwrap_or_default(),
            metadata: edit.set_metadata,
            set: edit.set.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            links: Vec::new(),
        }
    }

    /// The lines that this comes to for a bead that is there, whose links lead to others that are; none where
    /// all stands so already.
    pub fn events(&self, beads: &Beads, bead: &Bead, actor: &Actor) -> Result<Vec<Event>> {
        let (mut edit, short) = (self.edit.clone(), beads.short(&bead.id));
        if edit.status.is_some() && bead.status == Status::CLOSED {
            return Err(Refusal::refused(format!("{short} is closed"))
                .hint(format!("git bead reopen {short}"))
                .into());
        }
        // Who no longer puts it off means that it can be done.
        if edit.defer_until.as_deref() == Some("") && bead.status.as_str() == "deferred" {
            edit.status.get_or_insert(Status::OPEN);
        }
        if self.clear_metadata {
            edit.unset_metadata.extend(bead.metadata.keys().cloned());
        }
        edit.title.as_deref().map_or(Ok(()), change::title)?;
        let mut events: Vec<_> =
            change::put_back(beads, bead, actor, &mut edit)?.into_iter().collect();
        if !edit.is_empty() {
            events.push(Event::Edited(edit));
        }
        let (add, remove) = self.labels(bead);
        if !add.is_empty() || !remove.is_empty() {
            events.push(Event::Labeled { add, remove });
        }
        for to in &self.unlink {
            let end = bead.dependencies.iter().find(|edge| edge.depends_on_id == *to);
            let to = end.map_or_else(|| beads.find_end(to), |edge| Ok(&edge.depends_on_id))?;
            events.extend(change::unlink(beads, bead, to)?);
        }
        if let Some(parent) = &self.parent {
            let parent = Some(parent).filter(|parent| !parent.is_empty());
            let parent = parent.map(|parent| beads.find(parent)).transpose()?;
            events.extend(change::move_to(beads, bead, parent)?);
        }
        for NewLink { to, kind } in &self.links {
            let kind = change::link_kind(kind.as_str())?;
            let to = beads.find_end(to)?;
            events.extend(match beads.get(to) {
                Some(to) => change::link(beads, bead, to, kind)?,
                None => change::link_out(beads, bead, to, kind)?,
            });
        }
        Ok(felt(bead, events))
    }

    fn labels(&self, bead: &Bead) -> (Vec<String>, Vec<String>) {
        let missing = |label: &&String| !bead.labels.contains(label);
        match &self.labels {
            Some(exactly) => {
                let gone = bead.labels.iter().filter(|label| !exactly.contains(label));
                (exactly.iter().filter(missing).cloned().collect(), gone.cloned().collect())
            }
            None => (self.add_labels.clone(), self.remove_labels.clone()),
        }
    }
}

/// Those of some lines, one after the other, that change a bead.
fn felt(bead: &Bead, mut events: Vec<Event>) -> Vec<Event> {
    let (at, by) = (bead.updated_at.clone(), bead.updated_by.clone());
    let line = Line { on: bead.id.clone(), at, by, ..Line::default() };
    let mut now = bead.clone();
    events.retain(|event| {
        let before = now.clone();
        now.drink(&line, event.clone());
        // Whatever is written takes its digest back.
        now.digest.clone_from(&before.digest);
        now != before
    });
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, claimed, drink};
    use crate::bead::holding::tests::actor;

    #[test]
    fn an_edit_that_changes_nothing_comes_to_no_lines() {
        let mut all = beads(&[("b-1", &[]), ("b-2", &[])]);
        let text = str::to_owned;
        let edit = Edit {
            due_at: Some(text("2027")),
            status: Some(Status::new("blocked")),
            ..Edit::default()
        };
        drink(&mut all, "b-1", "jane", &Event::Edited(edit.clone()));
        let label = Event::Labeled { add: vec![text("l")], remove: Vec::new() };
        drink(&mut all, "b-1", "jane", &label);
        drink(&mut all, "b-2", "jane", &claimed(1, "jane"));
        let jane = actor("jane", None, false);
        let lines =
            |id: &str, ask: Ask| ask.events(&all, all.get(id).unwrap(), &jane).unwrap().len();
        let says = |edit: Edit| Ask { edit, ..Ask::default() };
        let labels = |add: &str, remove: &str| {
            let list = |said: &str| said.split(',').filter(|it| !it.is_empty()).map(text).collect();
            Ask { add_labels: list(add), remove_labels: list(remove), ..Ask::default() }
        };
        for (id, ask, count) in [
            ("b-1", says(edit), 0),
            (
                "b-1",
                says(Edit { priority: Some(all.get("b-1").unwrap().priority), ..Edit::default() }),
                0,
            ),
            ("b-1", says(Edit { unset_metadata: vec![text("none")], ..Edit::default() }), 0),
            ("b-1", says(Edit { assignee: Some(String::new()), ..Edit::default() }), 0),
            ("b-1", says(Edit { title: Some(text("other")), ..Edit::default() }), 1),
            ("b-1", labels("l", "m"), 0),
            ("b-1", labels("l,m", ""), 1),
            ("b-1", labels("l", "l"), 0),
            ("b-1", Ask { labels: Some(vec![text("l")]), ..Ask::default() }, 0),
            ("b-1", Ask { parent: Some(String::new()), ..Ask::default() }, 0),
            ("b-2", says(Edit { assignee: Some(text("jane")), ..Edit::default() }), 0),
            ("b-2", says(Edit { status: Some(Status::OPEN), ..Edit::default() }), 1),
        ] {
            assert_eq!(lines(id, ask.clone()), count, "{id} {ask:?}");
        }
    }
}
