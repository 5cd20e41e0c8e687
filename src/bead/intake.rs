//! What is to be written down of the records that another tool hands over: of each what is new, and of a
//! whole file that was read before nothing. Pure.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::bead::births::{Incoming, births, id_of};
use crate::bead::event::Told;
use crate::bead::told::NEVER;
use crate::bead::{Bead, Beads};
use crate::host;
use crate::ledger::is_elsewhere;

/// One id in two places of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twice {
    pub id: String,
    pub lines: Vec<usize>,
    /// The name of the second bead, where they are two beads and not two states of one.
    pub kept_as: Option<String>,
}

/// A record that says otherwise than the one that was read before, and is not newer: what is here stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlike {
    pub id: String,
    pub line: usize,
    pub fields: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Plan {
    /// The lines to write, by the beads that they are about.
    pub lines: Vec<(String, Told)>,
    pub new: usize,
    pub changed: usize,
    pub same: usize,
    pub twice: Vec<Twice>,
    pub unlike: Vec<Unlike>,
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
        for (key, states) in births(beads, id, &records) {
            if key != id || states.len() > 1 {
                let lines = states.iter().map(|state| state.line).collect();
                let kept_as = (key != id).then(|| key.clone());
                plan.twice.push(Twice { id: id.to_owned(), lines, kept_as });
            }
            plan.follow(beads, &mut fresh, (&key, states));
        }
    }
    plan
}

impl Plan {
    fn follow(
        &mut self,
        beads: &Beads,
        fresh: &mut HashMap<String, Bead>,
        (key, states): (&str, Vec<&Incoming>),
    ) {
        let mut states = states;
        states.sort_by_cached_key(|state| host::moment(&state.told.at));
        let mut last: Option<Told> = None;
        let mut kept = None;
        for Incoming { line, told } in states {
            let mut told = told.clone();
            // Two states of one moment, or of none: that which comes later in the file is the later one.
            if let Some(last) = last.filter(|last| !says_the_same(last, &told))
                && host::moment(&told.at) <= host::moment(&last.at)
            {
                let next = match host::moment(&last.at) {
                    Some(at) => host::just_after(&at),
                    None => host::moment(NEVER),
                };
                told.at = next.unwrap_or(told.at);
            }
            kept = self.add(beads, fresh, (key, &told)).map(|fields| (*line, fields));
            last = Some(told);
        }
        // What came before in the file is older than what comes last in it.
        self.unlike.extend(kept.map(|(line, fields)| Unlike { id: key.to_owned(), line, fields }));
    }

    /// What it says in vain.
    fn add(
        &mut self,
        beads: &Beads,
        fresh: &mut HashMap<String, Bead>,
        (key, told): (&str, &Told),
    ) -> Option<Vec<String>> {
        let mut kept = None;
        let theirs = Bead::told(key, told);
        let known = fresh.get(key).cloned().or_else(|| beads.row(key).map(|row| row.read()));
        let now = match known {
            None => {
                self.new += 1;
                theirs
            }
            Some(known) => {
                let mut now = known.clone();
                let is_newer = theirs.is_newer_than(&known);
                let unlike = if is_newer { Vec::new() } else { known.unlike(&theirs) };
                now.unite(theirs, None);
                kept = Some(unlike).filter(|unlike| !unlike.is_empty());
                if is_same(&known, &now, told) {
                    self.same += usize::from(kept.is_none());
                    return kept;
                }
                self.changed += 1;
                now
            }
        };
        fresh.insert(key.to_owned(), now);
        self.lines.extend(told.parts().into_iter().map(|part| (key.to_owned(), part)));
        kept
    }
}

fn says_the_same(one: &Told, other: &Told) -> bool {
    (&one.record, &one.rest, &one.metadata) == (&other.record, &other.rest, &other.metadata)
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
    use crate::ledger::{Fold as _, Json};

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

    #[test]
    fn what_differs_and_is_not_newer_is_named_and_of_two_without_a_time_the_last_stands() {
        let state = |at: Option<usize>, more: Json| {
            let mut record = json!({"id": "bd-1", "title": "t", "priority": 2, "labels": ["a"]});
            record["updated_at"] = at.map_or(Json::Null, |minute| tests::at(minute).into());
            record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            record
        };
        let none = json!({});
        let title = json!({"title": "other", "metadata": {"k": 1}});
        for (first, second, fields) in [
            (state(Some(2), none.clone()), state(Some(2), title.clone()), "metadata.k title"),
            (state(Some(2), none.clone()), state(Some(1), title.clone()), "metadata.k title"),
            (state(None, none.clone()), state(None, title.clone()), "metadata.k title"),
            (state(Some(2), none.clone()), state(Some(1), json!({"labels": []})), "labels"),
            (state(Some(2), none.clone()), state(Some(3), title.clone()), ""),
            (state(Some(2), none.clone()), state(Some(2), none.clone()), ""),
        ] {
            let mut beads = Beads::default();
            let told = plan(&beads, &incoming(std::slice::from_ref(&first)));
            write(&mut beads, told);
            let told = plan(&beads, &incoming(std::slice::from_ref(&second)));
            let unlike: Vec<_> = told.unlike.iter().map(|it| it.fields.join(" ")).collect();
            assert_eq!(unlike.join("; "), fields, "{second}");
        }
        let undated = [none, title, json!({"title": "last"})].map(|more| state(None, more));
        let mut beads = Beads::default();
        let told = plan(&beads, &incoming(&undated));
        assert_eq!((told.lines.len(), &told.unlike), (3, &vec![]));
        write(&mut beads, told);
        let bead = beads.get("bd-1").unwrap();
        assert_eq!((bead.title.as_str(), bead.updated_at.as_str()), ("last", ""));
        let again = plan(&beads, &incoming(&undated));
        assert_eq!((again.lines, again.unlike), (vec![], vec![]), "they were read before");
    }

    pub(in crate::bead) fn said(id: u64, author: &str, text: &str, minute: usize) -> Json {
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
