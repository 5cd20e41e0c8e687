//! What does a line change in the bead that it is about? From its birth to its close, and to being open
//! again; [`claims`](super::claims) says who holds it meanwhile.

use indexmap::IndexMap;

use crate::bead::event::{Closed, Deleted, Edit, Event, Link, New, Status};
use crate::bead::field::{self, OTHERS, SCALARS};
use crate::bead::fields::{Bead, Close, Comment, Deletion, Digest, Done, Edge, Known, Rival};
use crate::bead::raw::{Fields, Raw};
use crate::ledger::{Json, Line};

impl Bead {
    pub(super) fn born(line: &Line, new: New) -> Self {
        let edges = new.links.into_iter().map(|link| Edge {
            issue_id: line.on.clone(),
            depends_on_id: link.to,
            kind: link.kind,
            created_at: line.at.clone(),
            created_by: line.by.clone(),
            rest: Fields::default(),
        });
        let metadata = new.metadata.iter().map(|(key, value)| (key.clone(), Raw::from(value)));
        let mut bead = Self {
            id: line.on.clone(),
            title: new.title,
            description: new.description,
            design: new.design,
            acceptance_criteria: new.acceptance_criteria,
            notes: new.notes,
            priority: new.priority,
            issue_type: new.issue_type,
            assignee: new.assignee,
            owner: line.owner.clone(),
            labels: new.labels,
            external_ref: new.external_ref,
            estimated_minutes: new.estimated_minutes,
            due_at: new.due_at,
            defer_until: new.defer_until,
            spec_id: new.spec_id,
            metadata: metadata.collect(),
            dependencies: edges.collect(),
            created_at: line.at.clone(),
            created_by: line.by.clone(),
            updated_at: line.at.clone(),
            updated_by: line.by.clone(),
            ..Self::default()
        };
        bead.set(&new.set);
        bead
    }

    /// Fields by the names that beads gives them. What has a place and rules of its own is not set so.
    fn set(&mut self, fields: &IndexMap<String, Json>) {
        for (name, value) in fields {
            if SCALARS.contains(&name.as_str()) {
                field::set(self, name, value);
            } else if value.is_null() {
                self.rest.shift_remove(name);
            } else if !OTHERS.contains(&name.as_str()) {
                self.rest.insert(name.clone(), Raw::from(value));
            }
        }
    }

    pub(super) fn live(&mut self, line: &Line, event: Event) {
        if self.status == Status::TOMBSTONE && !self.lives_on(line, &event) {
            return;
        }
        self.tell_before(line, &event);
        match event {
            // A word that somebody is at work changes nothing, not even when the bead was changed.
            Event::Renewed { .. } => return,
            Event::Digested { text, size, lines } => {
                let saw_all = lines.is_none_or(|lines| lines == self.lines);
                let digest = Digest { text, at: line.at.clone(), size };
                // An empty one takes another back.
                if digest.text.is_empty() || saw_all && self.status == Status::CLOSED {
                    self.digest = Some(digest).filter(|digest| !digest.text.is_empty());
                }
                return;
            }
            Event::Created(_) | Event::Told(_) => {}
            Event::Edited(edit) => self.edit(line, edit),
            Event::Claimed { epoch, holder, session } => self.claimed(line, epoch, holder, session),
            Event::Taken { epoch, holder, session, claim, .. } => {
                self.taken_over(line, &claim, epoch, (holder, session));
            }
            Event::Released { epoch, claim, .. } => self.released(epoch, claim.as_deref()),
            Event::Withdrawn { claim, replica, .. } => self.withdrawn(&claim, replica),
            Event::Closed(closed) => self.close(line, closed),
            Event::Reopened { close, .. } => self.reopened(close.as_deref()),
            Event::Deleted(deleted) => self.delete(line, deleted),
            Event::Commented { text } => self.comment(line, text),
            Event::Retracted { comment } => {
                self.comments.retain(|said| said.id != comment || said.author != line.by);
            }
            Event::Linked { to, kind } => self.link(line, to, kind),
            Event::Unlinked { to, kind } => {
                self.dependencies.retain(|edge| edge.depends_on_id != to || edge.kind != kind);
            }
            Event::Labeled { add, remove } => {
                self.labels.retain(|label| !remove.contains(label));
                for label in add {
                    if !self.labels.contains(&label) {
                        self.labels.push(label);
                    }
                }
            }
        }
        self.digest = None;
        self.updated_at.clone_from(&line.at);
        self.updated_by.clone_from(&line.by);
    }

    /// What is deleted can be opened again, and keeps what is said and changed of it where that is not
    /// known. Where a claim or a close stands that was not known of either, it was never deleted. Says
    /// whether it is to be told of the line as any other is.
    fn lives_on(&mut self, line: &Line, event: &Event) -> bool {
        if let Some(known) = self.deleted.as_mut().and_then(|deleted| deleted.known.as_mut())
            && let Some(event) = of_footing(event)
        {
            known.before.drink(line, event);
            if known.is_outdone() {
                let before = std::mem::take(&mut *known.before);
                self.stand_on(before);
                self.updated_at.clone_from(&line.at);
                self.updated_by.clone_from(&line.by);
                return false;
            }
        }
        matches!(event, Event::Reopened { .. }) || !event.is_of_claims()
    }

    /// The world without the takeover goes on, too.
    pub(super) fn tell_before(&mut self, line: &Line, event: &Event) {
        if let Some(taken) = &mut self.taken
            && event.is_of_claims()
        {
            taken.before.drink(line, event.clone());
        }
    }

    fn edit(&mut self, line: &Line, edit: Edit) {
        let texts = [
            (&mut self.title, edit.title),
            (&mut self.description, edit.description),
            (&mut self.design, edit.design),
            (&mut self.acceptance_criteria, edit.acceptance_criteria),
            (&mut self.notes, edit.notes),
            (&mut self.issue_type, edit.issue_type),
            (&mut self.spec_id, edit.spec_id),
        ];
        for (field, value) in texts {
            if let Some(value) = value {
                *field = value;
            }
        }
        if let Some(more) = edit.append_notes {
            if !self.notes.is_empty() {
                self.notes.push('\n');
            }
            self.notes.push_str(&more);
        }
        let clearable = [
            (&mut self.assignee, edit.assignee),
            (&mut self.external_ref, edit.external_ref),
            (&mut self.due_at, edit.due_at),
            (&mut self.defer_until, edit.defer_until),
        ];
        for (field, value) in clearable {
            if let Some(value) = value {
                *field = Some(value).filter(|text| !text.is_empty());
            }
        }
        self.metadata.retain(|key, _| !edit.unset_metadata.contains(key));
        let set = edit.set_metadata.iter().map(|(key, value)| (key.clone(), Raw::from(value)));
        self.metadata.extend(set);
        self.set(&edit.set);
        self.priority = edit.priority.unwrap_or(self.priority);
        self.estimated_minutes = edit.estimated_minutes.or(self.estimated_minutes);
        // Only `reopened` opens what is over: an edit may come from where that was not known.
        let is_over = [Status::CLOSED, Status::TOMBSTONE].contains(&self.status);
        if let Some(status) = edit.status.filter(|_| !is_over) {
            if status == Status::IN_PROGRESS && self.started_at.is_none() {
                self.started_at = Some(line.at.clone());
            }
            self.status = status;
        }
    }

    /// A close by an earlier holder, written where the later claim was not known, does not stand;
    /// nor does one by hand where the landing was not known. What has landed has landed.
    fn close(&mut self, line: &Line, closed: Closed) {
        let (at, by) = (line.at.clone(), line.by.clone());
        let done = Done { line: line.id.clone(), at, by, closed };
        let closed = &done.closed;
        if closed.landed.is_none() {
            let is_its = |rival: &&mut Rival| closed.claim.as_ref() == Some(&rival.claim.id);
            if let Some(rival) = self.rivals.iter_mut().find(is_its) {
                rival.done.get_or_insert(done);
                return;
            }
            let stale = self.is_stale(closed.epoch, closed.claim.as_deref());
            if self.status == Status::CLOSED || stale {
                return;
            }
        }
        self.finish(done);
    }

    pub(super) fn finish(&mut self, Done { line, at, by, closed }: Done) {
        let by_hand = closed.landed.is_none();
        self.status = Status::CLOSED;
        self.closed_at = Some(at);
        self.closed_by = Some(by);
        self.close_reason = Some(closed.reason).filter(|reason| !reason.is_empty());
        let under = self.claim.take().filter(|_| by_hand);
        let of_claim = under.as_ref().map(|claim| claim.epoch);
        let known = closed.epoch.map(|epoch| epoch.min(self.epoch)).or(of_claim);
        let epoch = known.filter(|_| by_hand);
        self.close = Some(Close { line, epoch, under });
        if !by_hand {
            self.rivals.clear();
        }
        self.landed = closed.landed;
    }

    /// What was meant for another close, or for none, does not undo this one. A close that another tool
    /// told of has no line.
    fn reopened(&mut self, close: Option<&str>) {
        let meant = |stands: Option<&str>| close.is_none_or(|line| stands == Some(line));
        let is_over =
            |rival: &Rival| rival.done.as_ref().is_some_and(|done| close == Some(&done.line));
        self.rivals.retain(|rival| !is_over(rival));
        if self.status == Status::TOMBSTONE {
            let deleted = self.deleted.as_ref().map(|deleted| deleted.line.as_str());
            if meant(deleted) {
                self.deleted = None;
                self.status = if self.closed_at.is_some() { Status::CLOSED } else { Status::OPEN };
            }
        } else if self.status == Status::CLOSED
            && meant(self.close.as_ref().map(|close| close.line.as_str()))
        {
            self.open_again();
        }
    }

    /// Nobody holds what is deleted. The epoch stays, so that no claim from before counts later. As a close
    /// by hand it does not stand against a claim, or a close, that was not known where it was written.
    fn delete(&mut self, line: &Line, deleted: Deleted) {
        let Deleted { reason, epoch, claim, close } = deleted;
        let before = || Box::new(self.footing());
        let known = epoch.map(|epoch| Known { epoch, claim, close, before: before() });
        if known.as_ref().is_some_and(Known::is_outdone) {
            return;
        }
        let (line, at, by) = (line.id.clone(), line.at.clone(), line.by.clone());
        self.deleted = Some(Deletion { line, at, by, reason, known });
        self.status = Status::TOMBSTONE;
        if self.claim.take().is_some() {
            self.assignee = None;
        }
        self.rivals.clear();
    }

    fn comment(&mut self, line: &Line, text: String) {
        self.comments.push(Comment {
            id: line.id.clone(),
            issue_id: self.id.clone(),
            author: line.by.clone(),
            text,
            created_at: line.at.clone(),
            rest: Fields::default(),
        });
    }

    fn link(&mut self, line: &Line, to: String, kind: Link) {
        let known = |edge: &Edge| edge.depends_on_id == to && edge.kind == kind;
        if self.dependencies.iter().any(known) {
            return;
        }
        self.dependencies.push(Edge {
            issue_id: self.id.clone(),
            depends_on_id: to,
            kind,
            created_at: line.at.clone(),
            created_by: line.by.clone(),
            rest: Fields::default(),
        });
    }
}

/// What a line says of who holds a bead, and of how it stands.
fn of_footing(event: &Event) -> Option<Event> {
    match event {
        Event::Edited(Edit { status, assignee, .. }) => Some(Event::Edited(Edit {
            status: status.clone(),
            assignee: assignee.clone(),
            ..Edit::default()
        })),
        event => event.is_of_claims().then(|| event.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, claimed, drink};
    use crate::bead::event::Landed;

    #[test]
    fn of_two_claims_with_one_epoch_the_first_stands_and_a_later_epoch_takes_over() {
        let mut all = beads(&[("b-1", &[])]);
        drink(&mut all, "b-1", "x", &claimed(1, "x"));
        drink(&mut all, "b-1", "y", &claimed(1, "y"));
        assert_eq!(all.get("b-1").unwrap().claim.as_ref().unwrap().holder, "x");
        drink(&mut all, "b-1", "z", &claimed(2, "z"));
        assert_eq!(all.get("b-1").unwrap().claim.as_ref().unwrap().holder, "z");
        drink(
            &mut all,
            "b-1",
            "x",
            &Event::Released { epoch: 1, reason: String::new(), claim: None },
        );
        assert_eq!(
            all.get("b-1").unwrap().assignee.as_deref(),
            Some("z"),
            "a stale release frees nothing"
        );
        let stale = Closed { epoch: Some(1), ..Closed::default() };
        drink(&mut all, "b-1", "x", &Event::Closed(stale));
        assert_eq!(
            all.get("b-1").unwrap().status,
            Status::IN_PROGRESS,
            "a stale close closes nothing"
        );
    }

    #[test]
    fn what_is_deleted_stays_so_until_it_is_opened_again_and_keeps_what_was_changed_elsewhere() {
        let mut all = beads(&[("b-1", &[]), ("b-2", &[(Link::BLOCKS, "b-1")])]);
        drink(&mut all, "b-1", "x", &claimed(1, "x"));
        drink(&mut all, "b-1", "jane", &Event::Deleted(Deleted::default()));
        let pinned = Some(Status::PINNED);
        let edit = Edit { title: Some("other".to_owned()), status: pinned, ..Edit::default() };
        let label = Event::Labeled { add: vec!["l".to_owned()], remove: Vec::new() };
        let link = Event::Linked { to: "b-2".to_owned(), kind: Link::RELATED };
        let stale = [claimed(2, "y"), Event::Closed(Closed::default())];
        for event in [Event::Edited(edit), label, link].into_iter().chain(stale) {
            drink(&mut all, "b-1", "y", &event);
        }
        let bead = all.get("b-1").unwrap();
        let state = (bead.title.as_str(), &bead.claim, bead.epoch, &bead.status);
        assert_eq!(state, ("other", &None, 1, &Status::TOMBSTONE));
        assert_eq!((bead.labels.as_slice(), bead.dependencies.len()), (&["l".to_owned()][..], 1));
        assert_eq!(all.rows().map(|row| row.key()).collect::<Vec<_>>(), ["b-2"]);
        assert!(crate::bead::graph::blockers(&all, "b-2").is_empty());
        let other = Event::Reopened { reason: String::new(), close: Some("other".to_owned()) };
        drink(&mut all, "b-1", "jane", &other);
        assert_eq!(all.get("b-1").unwrap().status, Status::TOMBSTONE);
        let again = Event::Reopened { reason: String::new(), close: Some("line-b-1".to_owned()) };
        drink(&mut all, "b-1", "jane", &again);
        assert_eq!(all.get("b-1").unwrap().status, Status::OPEN);
    }

    #[test]
    fn metadata_is_set_and_taken_away_key_by_key() {
        let mut all = beads(&[("b-1", &[])]);
        let set = |key: &str, value: u64| Edit {
            set_metadata: [(key.to_owned(), value.into())].into(),
            ..Edit::default()
        };
        drink(&mut all, "b-1", "x", &Event::Edited(set("gc.attempt", 1)));
        drink(&mut all, "b-1", "y", &Event::Edited(set("gc.routed_to", 2)));
        let unset = Edit { unset_metadata: vec!["gc.attempt".to_owned()], ..Edit::default() };
        drink(&mut all, "b-1", "x", &Event::Edited(unset));
        let left: Vec<_> = all.get("b-1").unwrap().metadata.iter().collect();
        let two = Raw { text: "2".to_owned() };
        assert_eq!(left, [(&"gc.routed_to".to_owned(), &two)]);
    }

    #[test]
    fn a_landed_close_is_not_undone_by_what_arrives_later() {
        let mut all = beads(&[("b-1", &[])]);
        let landed = Landed {
            entry: "main#1".to_owned(),
            submitted: "a".repeat(40),
            commit: "b".repeat(40),
        };
        let by_landing = Closed { landed: Some(landed.clone()), ..Closed::default() };
        drink(&mut all, "b-1", "refinery", &Event::Closed(by_landing));
        let by_hand = Closed { reason: "given up".to_owned(), ..Closed::default() };
        drink(&mut all, "b-1", "x", &Event::Closed(by_hand));
        let edit = Edit { status: Some(Status::OPEN), ..Edit::default() };
        drink(&mut all, "b-1", "x", &Event::Edited(edit));
        drink(&mut all, "b-1", "x", &claimed(1, "x"));
        let bead = all.get("b-1").unwrap();
        assert_eq!((&bead.status, bead.landed.as_ref()), (&Status::CLOSED, Some(&landed)));
    }
}
