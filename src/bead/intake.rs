//! What is to be written down of the records that another tool hands over: of each what is new, and of a
//! whole file that was read before nothing. Pure.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::bead::event::Told;
use crate::bead::record::{ROOM, SHORT, is_list};
use crate::bead::remarks::{self, Echo};
use crate::bead::{Bead, Beads};
use crate::host;
use crate::ledger::{Json, is_elsewhere};

impl Told {
    /// As many lines as it needs.
    pub(super) fn parts(&self) -> Vec<Self> {
        let lists = self.record.iter().filter(|(name, _)| is_list(name));
        let all: usize = lists.map(|(_, value)| value.to_string().len()).sum();
        if all <= ROOM {
            return vec![self.clone()];
        }
        let mut first = self.clone();
        first.record.retain(|name, _| !is_list(name));
        let mut parts = vec![first];
        let said = Bead::told(id_of(self), self).comments;
        let mut echoes = remarks::echoes(&said).into_iter();
        let mut room = ROOM;
        for (name, value) in self.record.iter().filter(|(name, _)| is_list(name)) {
            for (key, item) in items(value) {
                let size = size(&item) + key.as_ref().map_or(0, String::len);
                if size > room {
                    room = ROOM;
                    let (at, from, by) = (self.at.clone(), self.from.clone(), self.by.clone());
                    parts.push(Self { at, from, by, more: true, ..Self::default() });
                }
                room = room.saturating_sub(size);
                let is_said = name == "comments" && item.is_object();
                let echo = is_said.then(|| echoes.next()).flatten();
                if let Some(part) = parts.last_mut() {
                    part.echoes.extend(echo.filter(|_| part.more));
                    put(part, name, (key, item));
                }
            }
        }
        parts
    }

    /// Which comments are like others of their record, where this goes on with one.
    pub(super) fn rest_of(&self) -> Option<Vec<Echo>> {
        // Lines of old say nothing of it.
        let said = self.record.get("comments").and_then(Json::as_array).map_or(0, Vec::len);
        let old = || vec![Some(0); said];
        self.more.then(|| if self.echoes.is_empty() { old() } else { self.echoes.clone() })
    }
}

fn items(value: &Json) -> Vec<(Option<String>, Json)> {
    match value {
        Json::Array(items) => items.iter().map(|item| (None, item.clone())).collect(),
        Json::Object(fields) => {
            fields.iter().map(|(key, item)| (Some(key.clone()), item.clone())).collect()
        }
        _ => Vec::new(),
    }
}

fn put(part: &mut Told, name: &str, (key, item): (Option<String>, Json)) {
    let empty = if key.is_some() { Json::Object(Default::default()) } else { Json::Array(vec![]) };
    match (part.record.entry(name.to_owned()).or_insert(empty), key) {
        (Json::Object(fields), Some(key)) => drop(fields.insert(key, item)),
        (Json::Array(items), _) => items.push(item),
        _ => {}
    }
}

fn size(item: &Json) -> usize {
    let text = item.get("text").and_then(Json::as_str).map_or(0, str::len);
    item.to_string().len().saturating_sub(text.saturating_sub(SHORT))
}

/// A record, and where it was read.
#[derive(Debug)]
pub struct Incoming {
    pub line: usize,
    pub told: Told,
}

/// One id in two places of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twice {
    pub id: String,
    pub lines: Vec<usize>,
    /// The name of the second bead, where they are two beads and not two states of one.
    pub kept_as: Option<String>,
}

#[derive(Debug, Default)]
pub struct Plan {
    /// The lines to write, by the beads that they are about.
    pub lines: Vec<(String, Told)>,
    pub new: usize,
    pub changed: usize,
    pub same: usize,
    pub twice: Vec<Twice>,
}

/// What is new in these records. Of several with one id, those of one birth are states of one bead, and
/// the older one comes first; others are other beads.
pub fn plan(beads: &Beads, incoming: &[Incoming]) -> Plan {
    let mut plan = Plan::default();
    let mut fresh = HashMap::new();
    let mut by_id = IndexMap::<&str, Vec<&Incoming>>::new();
    for record in incoming {
        by_id.entry(id_of(&record.told)).or_default().push(record);
    }
    for (id, records) in by_id {
        for (key, states, at) in births(beads, id, &records) {
            if records.len() > 1 && at > 0 || states.len() > 1 {
                let lines = states.iter().map(|state| state.line).collect();
                let kept_as = (key != id).then(|| key.clone());
                plan.twice.push(Twice { id: id.to_owned(), lines, kept_as });
            }
            plan.follow(beads, &mut fresh, (&key, states));
        }
    }
    plan
}

fn id_of(told: &Told) -> &str {
    told.record.get("id").and_then(Json::as_str).unwrap_or_default()
}

/// The records of one id, by the beads that they are about: the id of each, and which it is.
fn births<'a>(
    beads: &Beads,
    id: &str,
    records: &[&'a Incoming],
) -> Vec<(String, Vec<&'a Incoming>, usize)> {
    let mut found: Vec<(Bead, Vec<&'a Incoming>)> = Vec::new();
    for record in records {
        let bead = Bead::told(id, &record.told);
        match found.iter_mut().find(|(known, _)| !known.is_other(&bead)) {
            Some((_, states)) => states.push(record),
            None => found.push((bead, vec![record])),
        }
    }
    let known = beads.row(id).map(|row| row.read());
    let first = |bead: &Bead| known.as_ref().is_none_or(|known| !known.is_other(bead));
    let plain = found.iter().position(|(bead, _)| first(bead));
    let named = found.into_iter().enumerate().map(|(at, (bead, states))| {
        let key = if plain == Some(at) { id.to_owned() } else { bead.by_birth().id };
        (key, states, at)
    });
    named.collect()
}

impl Plan {
    fn follow(
        &mut self,
        beads: &Beads,
        fresh: &mut HashMap<String, Bead>,
        (key, states): (&str, Vec<&Incoming>),
    ) {
        let mut states: Vec<Told> = states.into_iter().map(|state| state.told.clone()).collect();
        states.sort_by_cached_key(|state| host::moment(&state.at));
        let mut last: Option<Told> = None;
        for mut told in states {
            // Two states of one moment: that which comes later in the file is the later one.
            if let Some(last) = last.filter(|last| last.record != told.record)
                && host::moment(&told.at) <= host::moment(&last.at)
            {
                let next = host::moment(&last.at).and_then(|at| host::just_after(&at));
                told.at = next.unwrap_or(told.at);
            }
            self.add(beads, fresh, (key, &told));
            last = Some(told);
        }
    }

    fn add(
        &mut self,
        beads: &Beads,
        fresh: &mut HashMap<String, Bead>,
        (key, told): (&str, &Told),
    ) {
        let theirs = Bead::told(key, told);
        let known = fresh.get(key).cloned().or_else(|| beads.row(key).map(|row| row.read()));
        let now = match known {
            None => {
                self.new += 1;
                theirs
            }
            Some(known) => {
                let mut now = known.clone();
                now.unite(theirs, None);
                if is_same(&known, &now, told) {
                    self.same += 1;
                    return;
                }
                self.changed += 1;
                now
            }
        };
        fresh.insert(key.to_owned(), now);
        self.lines.extend(told.parts().into_iter().map(|part| (key.to_owned(), part)));
    }
}

/// Whether a record has said nothing new but that it was looked at later.
fn is_same(known: &Bead, now: &Bead, told: &Told) -> bool {
    if known == now {
        return true;
    }
    let mut now = now.clone();
    if let (Some(source), Some(before)) = (&mut now.source, &known.source) {
        source.at.clone_from(&before.at);
        source.order.clone_from(&before.order);
    }
    if !told.record.contains_key("updated_at") {
        now.updated_at.clone_from(&known.updated_at);
    }
    *known == now
}

/// Whether a bead has texts that stand beside its lines.
pub fn is_spread(bead: &Bead) -> bool {
    let prose = [&bead.description, &bead.design, &bead.acceptance_criteria, &bead.notes];
    let said = bead.source.iter().flat_map(|source| source.said.values());
    let kept = bead.rest.values().chain(bead.metadata.values()).chain(said);
    prose.into_iter().any(|text| is_elsewhere(text))
        || bead.comments.iter().any(|comment| is_elsewhere(&comment.text))
        || kept.into_iter().any(|raw| is_elsewhere(&raw.text))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::bead::beads::tests::line;
    use crate::bead::event::Event;
    use crate::bead::record::Record;
    use crate::bead::unite::tests::at;
    use crate::ledger::Fold as _;

    pub(in crate::bead) fn record(json: &Json) -> Record {
        let fields = json.as_object().unwrap().clone().into_iter().collect();
        Record { fields, ..Record::default() }
    }

    pub(in crate::bead) fn incoming(records: &[Json]) -> Vec<Incoming> {
        let told = records.iter().map(|json| record(json).tell("beads").unwrap());
        told.enumerate().map(|(n, told)| Incoming { line: n + 1, told }).collect()
    }

    /// Writes down a plan, as the ledger would: of objects the order of keys is lost.
    pub(in crate::bead) fn write(beads: &mut Beads, plan: Plan) {
        for (id, told) in plan.lines {
            let mut line = line(&id, "x", &Event::Told(Box::new(told)));
            let mut with = line.with.json();
            with.sort_all_objects();
            line.with = with.into();
            beads.drink(&line);
        }
    }

    #[test]
    fn of_two_records_with_one_id_both_are_kept() {
        let state = |title: &str, at: &str, born: &str| {
            json!({"id": "bd-1", "title": title, "created_at": born, "updated_at": at, "status": "open",
                   "priority": 2, "issue_type": "task"})
        };
        let [one, two] = ["2025-11-01T00:00:00Z", "2025-11-02T00:00:00Z"];
        let records = [
            state("newer", two, one),
            state("another", one, two),
            state("older", one, one),
            state("newest of its moment", two, one),
        ];
        let mut beads = Beads::default();
        let first = plan(&beads, &incoming(&records));
        let told: Vec<_> =
            first.lines.iter().map(|(_, told)| told.record["title"].as_str().unwrap()).collect();
        assert_eq!(told, ["older", "newer", "newest of its moment", "another"]);
        assert_eq!((first.new, first.changed), (2, 2));
        let other = first.twice[1].kept_as.clone().unwrap();
        let lines = |twice: &Twice| (twice.lines.clone(), twice.kept_as.clone());
        assert_eq!(lines(&first.twice[0]), (vec![1, 3, 4], None));
        assert_eq!(lines(&first.twice[1]), (vec![2], Some(other.clone())));
        write(&mut beads, first);
        assert_eq!(beads.get("bd-1").unwrap().title, "newest of its moment");
        assert_eq!(beads.get(&other).unwrap().title, "another");
        let second = plan(&beads, &incoming(&records));
        assert_eq!(second.lines, []);
        assert_eq!(second.twice[1].kept_as, Some(other));
    }

    fn said(id: u64, author: &str, text: &str, minute: usize) -> Json {
        json!({"id": id, "author": author, "text": text, "created_at": at(minute)})
    }

    /// The comments of one bead after these states of it, the first the oldest; each comes in twice.
    fn after_all(states: &[Json]) -> Vec<String> {
        let mut beads = Beads::default();
        for (n, comments) in states.iter().enumerate() {
            let record = json!({"id": "bd-1", "title": "t", "created_at": at(0), "updated_at": at(n + 1),
                "comments": comments});
            let first = plan(&beads, &incoming(std::slice::from_ref(&record)));
            write(&mut beads, first);
            assert_eq!(plan(&beads, &incoming(&[record])).lines, [], "it was read before");
        }
        let bead = beads.get("bd-1").unwrap();
        bead.comments.iter().map(|it| format!("{}: {}", it.author, it.text)).collect()
    }

    #[test]
    fn a_comment_whose_number_another_has_now_is_not_lost() {
        let one = said(1, "alice", "from alice", 60);
        let numbered_anew =
            json!([said(1, "bob", "from bob", 30), said(2, "alice", "from alice", 60)]);
        let left = after_all(&[json!([one]), numbered_anew]);
        assert_eq!(left, ["alice: from alice", "bob: from bob"]);
    }

    #[test]
    fn a_comment_that_was_edited_there_has_its_new_text_and_the_old_one_never_comes_back() {
        let [old, new] = ["old", "new"].map(|text| json!([said(1, "alice", text, 60)]));
        assert_eq!(after_all(&[old, new.clone()]), ["alice: new"]);
        let both = json!([said(1, "alice", "one", 60), said(1, "alice", "other", 60)]);
        let left = after_all(&[new, both]);
        assert_eq!(left, ["alice: new", "alice: one", "alice: other"], "neither is an edit");
    }

    #[test]
    fn comments_that_are_alike_or_have_one_number_all_come_in_with_a_long_record() {
        let long = |text: &str| format!("{text} {}", "word ".repeat(80));
        let mut all: Vec<_> = (0..100).map(|n| said(1, "x", &long(&n.to_string()), 1)).collect();
        all[99] = all[3].clone();
        all[98] = said(7, "x", &long("3"), 1);
        assert!(
            incoming(&[json!({"id": "b", "title": "t", "comments": all})])[0].told.parts().len()
                > 1
        );
        let texts: Vec<_> =
            all.iter().map(|it| format!("x: {}", it["text"].as_str().unwrap())).collect();
        let all = Json::from(all);
        assert_eq!(after_all(std::slice::from_ref(&all)), texts);
        assert_eq!(after_all(&[all.clone(), all]), texts);
    }
}
