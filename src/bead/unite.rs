//! What becomes of a bead that is here when another tool has another record of it. Nothing newer is ever
//! turned back: field by field, what was changed on one side alone stands, and where both have changed
//! it, what was changed later. Pure.

use std::cmp::Ordering;

use crate::bead::event::Status;
use crate::bead::field;
use crate::bead::fields::{Bead, Before, Edge, Source};
use crate::bead::remarks::{self, Echo};
use crate::bead::told::{LISTS, METADATA, STATE, key_of};
use crate::host;
use crate::ledger::{Json, same_text};

/// What belongs to who holds a bead, and to how it ended here.
const HELD: [&str; 3] = [STATE, "assignee", "started_at"];
/// Fields that are told along with a name.
const ALONG: [&str; 3] = ["status", "closed_at", "close_reason"];

impl Bead {
    /// Takes in what is new. `more` goes on with the record that came before, and says which of its
    /// comments are like others of that.
    pub(super) fn unite(&mut self, mut theirs: Self, more: Option<Vec<Echo>>) {
        let Some(fresh) = theirs.source.take() else { return };
        let mut source = self.source.take().unwrap_or_else(|| Source {
            at: host::moment(&self.updated_at).unwrap_or_default(),
            ours: true,
            ..Source::default()
        });
        let age = match fresh.at.cmp(&source.at) {
            // What came before has made it the newest.
            Ordering::Equal if more.is_some() => Ordering::Greater,
            age => age,
        };
        match age {
            Ordering::Greater if more.is_none() => self.follow(&theirs, &mut source, &fresh),
            Ordering::Less => {}
            _ => self.add(&theirs, &mut source, more.is_some()),
        }
        let echoes = more.unwrap_or_else(|| remarks::echoes(&theirs.comments));
        let said = theirs.comments.into_iter().zip(echoes).collect();
        if remarks::join(&mut self.comments, said, age) {
            source.said.shift_remove("comments");
        }
        // A bead that was never told of is none of another tool's because that has an older copy.
        let known = !source.from.is_empty() || !source.ours;
        self.source = known.then_some(source);
    }

    /// Goes as far as a later record says, by the times in it, that this had come: begun, ended, and what
    /// was said of it.
    pub(super) fn reach(&mut self, then: Self) {
        let ends = then.status == Status::TOMBSTONE || then.closed_at > self.closed_at;
        let begins = then.status == Status::IN_PROGRESS && then.started_at > self.started_at;
        let is_held = self.source.as_ref().is_none_or(|source| self.is_held(source));
        if (ends || begins) && !is_held {
            self.put(&then, STATE);
            for name in ["started_at", "deleted_at", "deleted_by", "delete_reason"] {
                self.put(&then, name);
            }
        }
        let known = self.keys("dependencies");
        let is_new = |edge: &&Edge| !edge.created_at.is_empty() && !known.contains(&key_of(edge));
        self.dependencies.extend(then.dependencies.iter().filter(is_new).cloned());
        let echoes = remarks::echoes(&then.comments);
        remarks::join(
            &mut self.comments,
            then.comments.into_iter().zip(echoes).collect(),
            Ordering::Less,
        );
    }

    /// A newer record.
    fn follow(&mut self, theirs: &Self, source: &mut Source, fresh: &Source) {
        for name in self.names(theirs) {
            if LISTS.contains(&name.as_str()) {
                self.weigh(theirs, source, (&name, fresh));
                continue;
            }
            let (here, there) = (self.value(&name), theirs.value(&name));
            let held = HELD.contains(&name.as_str()) && self.is_held(source);
            let later = |before: &Before| fresh.at > before.at && !held;
            let take = match source.before.get_mut(&name) {
                Some(before) if same(before.value.as_ref(), there.as_ref()) => continue,
                Some(before) if !later(before) && !same(here.as_ref(), there.as_ref()) => {
                    before.value = there;
                    continue;
                }
                Some(_) => true,
                None => !held || same(here.as_ref(), there.as_ref()),
            };
            if take {
                source.before.shift_remove(&name);
                self.put(theirs, &name);
                tell_along(source, fresh, &name);
            } else {
                let at = host::moment(&self.updated_at).unwrap_or_default();
                source.before.insert(name, Before { value: there, at });
            }
        }
        if self.created_at.is_empty() && self.created_by.is_empty() {
            self.created_at.clone_from(&theirs.created_at);
            self.created_by.clone_from(&theirs.created_by);
        }
        if source.before.is_empty() || theirs.updated_at > self.updated_at {
            self.updated_at.clone_from(&theirs.updated_at);
            self.updated_by.clone_from(&theirs.updated_by);
            tell_along(source, fresh, "updated_at");
            tell_along(source, fresh, "updated_by");
        }
        source.at.clone_from(&fresh.at);
        source.from.clone_from(&fresh.from);
        source.order.clone_from(&fresh.order);
    }

    /// A list: what was put in or taken out on either side.
    fn weigh(&mut self, theirs: &Self, source: &mut Source, (name, fresh): (&str, &Source)) {
        let there = theirs.keys(name);
        let before = source.before.get(name).and_then(|before| before.value.clone());
        if before.is_none() && !source.ours {
            match name {
                "labels" => self.labels.clone_from(&theirs.labels),
                _ => self.dependencies.clone_from(&theirs.dependencies),
            }
            return tell_along(source, fresh, name);
        }
        // Who has no record of what was said before takes nothing out.
        let base = before.map_or_else(|| self.keys(name), |text| list(&text));
        let gone = |key: &String| !source.ours && base.contains(key) && !there.contains(key);
        self.labels.retain(|label| name != "labels" || !gone(label));
        self.dependencies.retain(|edge| name != "dependencies" || !gone(&key_of(edge)));
        self.put_in(theirs, name, &base);
        if self.keys(name) == there {
            source.before.shift_remove(name);
            tell_along(source, fresh, name);
        } else if let Some(before) = source.before.get_mut(name) {
            before.value = Some(Json::from(there).to_string());
        }
    }

    /// What is new in lists of a record that is not newer, or in the rest of a long one.
    fn add(&mut self, theirs: &Self, source: &mut Source, more: bool) {
        for name in LISTS {
            if theirs.keys(name).is_empty() {
                continue;
            }
            let before = source.before.get_mut(name);
            let known = before.as_ref().and_then(|before| before.value.as_deref()).map(list);
            let mut base = known.unwrap_or_else(|| self.keys(name));
            if self.put_in(theirs, name, &base) {
                source.said.shift_remove(name);
            }
            if let Some(before) = before {
                base.extend(theirs.keys(name));
                base.sort_unstable();
                base.dedup();
                before.value = Some(Json::from(base).to_string());
            }
        }
        if !more {
            return;
        }
        for name in theirs.names(theirs) {
            let is_part = name.starts_with(METADATA) || theirs.rest.contains_key(&name);
            if is_part && !source.before.contains_key(&name) && self.value(&name).is_none() {
                self.put(theirs, &name);
            }
        }
    }

    /// Puts into a list what is there and was not known; says whether there was any.
    fn put_in(&mut self, theirs: &Self, name: &str, base: &[String]) -> bool {
        let known = self.keys(name);
        let is_new = |key: &String| !base.contains(key) && !known.contains(key);
        match name {
            "labels" => self.labels.extend(theirs.labels.iter().filter(|key| is_new(key)).cloned()),
            _ => {
                let edges = theirs.dependencies.iter().filter(|edge| is_new(&key_of(edge)));
                self.dependencies.extend(edges.cloned());
            }
        }
        self.keys(name).len() > known.len()
    }

    /// A claim is made by who claims, and what was closed, landed or deleted here is so by a line of ours.
    fn is_held(&self, source: &Source) -> bool {
        source.ours || self.claim.is_some() || self.landed.is_some() || self.deleted.is_some()
    }

    fn put(&mut self, theirs: &Self, name: &str) {
        if let Some(key) = name.strip_prefix(METADATA) {
            match theirs.metadata.get(key) {
                Some(raw) => drop(self.metadata.insert(key.to_owned(), raw.clone())),
                None => drop(self.metadata.shift_remove(key)),
            }
        } else if name == STATE {
            let is_new = self.value(STATE) != theirs.value(STATE);
            self.status = theirs.status.clone();
            self.closed_at.clone_from(&theirs.closed_at);
            self.close_reason.clone_from(&theirs.close_reason);
            if is_new {
                self.closed_by.clone_from(&theirs.closed_by);
                self.close = None;
            }
        } else if field::SCALARS.contains(&name) {
            let text = field::text(theirs, name);
            let json = text.and_then(|text| text.parse().ok()).unwrap_or(Json::Null);
            field::set(self, name, &json);
        } else {
            match theirs.rest.get(name) {
                Some(raw) => drop(self.rest.insert(name.to_owned(), raw.clone())),
                None => drop(self.rest.shift_remove(name)),
            }
        }
    }
}

/// How it was written goes with what was written.
fn tell_along(source: &mut Source, fresh: &Source, name: &str) {
    let names = if name == STATE { &ALONG[..] } else { std::slice::from_ref(&name) };
    for name in names {
        match fresh.said.get(*name) {
            Some(raw) => drop(source.said.insert((*name).to_owned(), raw.clone())),
            None => drop(source.said.shift_remove(*name)),
        }
    }
}

pub(super) fn list(text: &str) -> Vec<String> {
    let json: Json = text.parse().unwrap_or_default();
    let keys = json.as_array().into_iter().flatten().filter_map(Json::as_str);
    keys.map(str::to_owned).collect()
}

/// Two values, of which either may stand beside its line.
pub(super) fn same(one: Option<&String>, other: Option<&String>) -> bool {
    let plain = |text: &String| match text.parse::<Json>() {
        Ok(Json::String(text)) => text,
        _ => text.clone(),
    };
    match (one, other) {
        (Some(one), Some(other)) => one == other || same_text(&plain(one), &plain(other)),
        (one, other) => one == other,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::bead::Beads;
    use crate::bead::beads::tests::line;
    use crate::bead::event::{Edit, Event, Told};
    use crate::ledger::Fold as _;

    pub(in crate::bead) fn at(moment: usize) -> String {
        format!("2025-11-01T{:02}:{:02}:00.000Z", moment / 60, moment % 60)
    }

    /// What another tool says at a moment.
    pub(in crate::bead) fn told(moment: usize, mut record: Json) -> Event {
        let born = json!({"id": "b-1", "title": "t", "status": "open", "created_at": at(0)});
        for (name, value) in born.as_object().unwrap() {
            record.as_object_mut().unwrap().entry(name).or_insert(value.clone());
        }
        record["updated_at"] = at(moment).into();
        let record = record.as_object().unwrap().clone().into_iter().collect();
        Event::Told(Box::new(Told { at: at(moment), record, ..Told::default() }))
    }

    pub(in crate::bead) fn drink(beads: &mut Beads, moment: usize, event: &Event) {
        let mut line = line("b-1", "x", event);
        line.at = at(moment);
        beads.drink(&line);
    }

    pub(in crate::bead) fn after(events: &[(usize, Event)]) -> Bead {
        let mut beads = Beads::default();
        for (moment, event) in events {
            drink(&mut beads, *moment, event);
        }
        beads.get("b-1").unwrap().clone()
    }

    fn labeled(add: &[&str], remove: &[&str]) -> Event {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Event::Labeled { add: texts(add), remove: texts(remove) }
    }

    #[test]
    fn labels_are_put_in_and_taken_out_on_either_side() {
        for (source, ours, then, left) in [
            (json!(["a", "b"]), None, json!(["b", "a", "c"]), &["b", "a", "c"][..]),
            (json!(["a", "b"]), Some(labeled(&["x"], &[])), json!(["a", "b"]), &["a", "b", "x"]),
            (json!(["a", "b"]), Some(labeled(&["x"], &["a"])), json!(["a", "c"]), &["x", "c"]),
            (json!(["a"]), Some(labeled(&["x"], &[])), json!(["a", "x"]), &["a", "x"]),
            (json!(["a"]), Some(labeled(&[], &["a"])), json!(["a"]), &[]),
            (json!(["a"]), None, json!([]), &[]),
        ] {
            let mut events = vec![(1, told(1, json!({"labels": source})))];
            events.extend(ours.map(|ours| (2, ours)));
            events.push((3, told(3, json!({"labels": then}))));
            assert_eq!(after(&events).labels, left, "{source} {then}");
        }
    }

    #[test]
    fn a_record_that_is_not_newer_brings_what_is_new_in_lists_and_no_more() {
        let first = json!({"title": "new", "labels": ["a"], "comments": [{"id": 1, "text": "x"}]});
        let same =
            json!({"title": "other", "labels": ["a", "b"], "comments": [{"id": 2, "text": "y"}]});
        let old = json!({"title": "old", "labels": ["c"], "comments": [{"id": 3, "text": "z"}]});
        let bead = after(&[(5, told(5, first)), (6, told(5, same)), (7, told(4, old))]);
        let said: Vec<_> = bead.comments.iter().map(|comment| comment.text.as_str()).collect();
        assert_eq!((bead.title.as_str(), said), ("new", vec!["x", "y", "z"]));
        assert_eq!(bead.labels, ["a", "b"]);
    }

    #[test]
    fn metadata_is_united_key_by_key() {
        let set = |key: &str, value: u64| {
            let set_metadata = [(key.to_owned(), value.into())].into();
            Event::Edited(Edit { set_metadata, ..Edit::default() })
        };
        let bead = after(&[
            (1, told(1, json!({"metadata": {"a": 1, "b": 1, "c": 1}}))),
            (3, set("a", 2)),
            (3, set("b", 2)),
            (2, told(2, json!({"metadata": {"a": 1, "b": 3, "d": 4}}))),
            (5, told(5, json!({"metadata": {"a": 5, "b": 3, "d": 4}}))),
        ]);
        let left: Vec<_> =
            bead.metadata.iter().map(|(key, raw)| format!("{key}={}", raw.text)).collect();
        assert_eq!(left, ["a=5", "b=2", "d=4"], "the later of two changes, and what one side did");
    }

    #[test]
    fn what_was_claimed_or_closed_here_is_so_whatever_another_tool_says() {
        let claim = Event::Claimed { epoch: 1, holder: "x".to_owned(), session: None };
        let open = json!({"status": "closed", "closed_at": at(9), "assignee": "joan"});
        let bead = after(&[(1, told(1, json!({}))), (2, claim), (9, told(9, open))]);
        assert_eq!((bead.status.as_str(), bead.assignee.as_deref()), ("in_progress", Some("x")));
        assert_eq!((bead.epoch, bead.claim.is_some(), bead.closed_at), (1, true, None));
        let deleted = Event::Deleted(crate::bead::event::Deleted::default());
        let bead = after(&[(1, told(1, json!({}))), (2, deleted), (9, told(9, json!({})))]);
        assert_eq!(bead.status.as_str(), "tombstone");
    }

    #[test]
    fn a_close_and_its_time_change_together() {
        let closed = json!({"status": "closed", "closed_at": at(2), "close_reason": "done"});
        let again = json!({"status": "in_progress"});
        let bead = after(&[(2, told(2, closed)), (4, told(4, again))]);
        assert_eq!(
            (bead.status.as_str(), bead.closed_at, bead.close_reason),
            ("in_progress", None, None)
        );
    }

    #[test]
    fn two_beads_of_one_name_are_two() {
        let mut beads = Beads::default();
        drink(&mut beads, 1, &told(1, json!({"title": "one"})));
        drink(&mut beads, 2, &told(2, json!({"title": "other", "created_at": at(2)})));
        drink(&mut beads, 3, &told(3, json!({"title": "other still", "created_at": at(2)})));
        let told: Vec<_> = beads.rows().map(|row| row.whole().title.clone()).collect();
        assert_eq!(told, ["one", "other still"]);
    }
}
