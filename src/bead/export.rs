//! A bead as a record of beads' JSONL: as the other tool wrote it wherever nothing has changed since, so
//! that a file that came in goes out as it came. Pure.

use crate::bead::field::{self, OTHERS, SCALARS};
use crate::bead::fields::{Bead, Source};
use crate::bead::raw::Raw;
use crate::bead::told::{METADATA, STATE};
use crate::bead::{Beads, event::Status};
use crate::ledger::Json;

/// Its fields and their JSON texts, in the order of the record that it came from.
pub fn fields(beads: &Beads, bead: &Bead) -> Vec<(String, String)> {
    let source = bead.source.as_ref();
    let mut found = Vec::new();
    for name in SCALARS.iter().chain(&OTHERS) {
        let said = source.filter(|_| *name != "id").and_then(|source| said(bead, source, name));
        let text = match said {
            Some(raw) if raw.text.is_empty() => None,
            Some(raw) => Some(raw.text.clone()),
            None => field::text(bead, name),
        };
        found.extend(text.map(|text| ((*name).to_owned(), text)));
    }
    if let Some(deleted) = bead.deleted.as_ref().filter(|_| bead.status == Status::TOMBSTONE) {
        let (at, by, why) = (&deleted.at, &deleted.by, &deleted.reason);
        for (name, text) in [("deleted_at", at), ("deleted_by", by), ("delete_reason", why)] {
            if !bead.rest.contains_key(name) && !text.is_empty() {
                found.push((name.to_owned(), Json::from(text.as_str()).to_string()));
            }
        }
    }
    for (name, raw) in &bead.rest {
        found.push((name.clone(), counted(beads, bead, name).unwrap_or_else(|| raw.text.clone())));
    }
    let order = source.map(|source| source.order.as_slice()).unwrap_or_default();
    let place = |name: &str| order.iter().position(|known| known == name).unwrap_or(order.len());
    found.sort_by(|(one, _), (other, _)| {
        (place(one), field::place(one)).cmp(&(place(other), field::place(other)))
    });
    found
}

/// How the other tool wrote a field that is still what it was.
fn said<'a>(bead: &Bead, source: &'a Source, name: &str) -> Option<&'a Raw> {
    let raw = source.said.get(name)?;
    let text = |raw: &Raw| raw.json().as_str().map(str::to_owned);
    let changed = |name: &str| source.before.contains_key(name);
    let stands = match name {
        "status" | "closed_at" | "close_reason" => !changed(STATE),
        "metadata" => !source.before.keys().any(|name| name.starts_with(METADATA)),
        "updated_at" => match text(raw).and_then(|text| field::stamp(&text)) {
            Some(said) => said == bead.updated_at,
            None => source.before.is_empty(),
        },
        "updated_by" => text(raw).unwrap_or_default() == bead.updated_by,
        name => !changed(name),
    };
    stands.then_some(raw)
}

/// The priority as the other tool has it, which may be none of ours, as long as it is not changed here.
pub fn priority(bead: &Bead) -> i64 {
    let said = bead.source.as_ref().and_then(|source| said(bead, source, "priority"));
    said.and_then(|raw| raw.json().as_i64()).unwrap_or_else(|| bead.priority.into())
}

/// A count that the record had, where what it counts was changed here.
fn counted(beads: &Beads, bead: &Bead, name: &str) -> Option<String> {
    let changed = bead.source.as_ref().is_none_or(|source| !source.before.is_empty());
    let count = match name {
        _ if !changed => return None,
        "dependency_count" => bead.dependencies.len(),
        "dependent_count" => beads.count_dependents(&bead.id),
        "comment_count" => bead.comments.len(),
        _ => return None,
    };
    Some(count.to_string())
}

/// One line of the file, without its end.
pub fn line(fields: &[(String, String)]) -> String {
    let parts = fields.iter().map(|(name, text)| format!("{}:{text}", Json::from(name.as_str())));
    format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::bead::intake::plan;
    use crate::bead::intake::tests::{incoming, record, write};
    use crate::bead::record::TIMES;
    use crate::ledger::LONGEST_TEXT;

    fn exported(beads: &Beads) -> Vec<String> {
        let rows = beads.every().map(|row| line(&fields(beads, row.whole())));
        rows.collect()
    }

    /// In, out, and in again elsewhere: the records that come out.
    fn there_and_back(records: &[Json]) -> Vec<Json> {
        let (mut one, mut other) = (Beads::default(), Beads::default());
        let read = incoming(records);
        let first = plan(&one, &read);
        write(&mut one, first);
        assert_eq!(plan(&one, &read).lines, [], "the same again is nothing new");
        let out = exported(&one);
        let back: Vec<Json> = out.iter().map(|line| line.parse().unwrap()).collect();
        let second = plan(&other, &incoming(&back));
        write(&mut other, second);
        assert_eq!(exported(&other), out, "a file that came out comes out again");
        back
    }

    #[test]
    fn every_age_of_records_comes_back() {
        let time = "2025-11-02T21:58:07.295058-08:00";
        for said in [
            json!({"id": "bd-1", "title": "no more than that"}),
            json!({"_type": "issue", "id": "bd-1.2", "title": "x", "status": "hooked", "priority": 0}),
            json!({"priority": "high", "title": "x", "id": "bd-1", "notes": "", "labels": []}),
            json!({"id": "bd-1", "title": "", "status": "tombstone", "deleted_at": time, "deleted_by": "x"}),
            json!({"id": "bd-1", "title": "x", "created_at": time, "updated_at": "2025-11-03", "assignee": null}),
            json!({"id": "bd-1", "title": "x", "dependencies": ["bd-2", {"type": "follows"}]}),
            json!({"id": "bd-1", "title": "x", "comments": [{"id": 7, "text": "y"}], "timeout": 60_000_000_000u64}),
            json!({"id": "bd-1", "title": "x", "metadata": {"k": ["x".repeat(5000)]}}),
            json!({"id": "bd-1", "title": "x", "metadata": "words", "parent": "bd-0", "comment_count": 3}),
            json!({"id": "bd-1", "title": "x", "updated_by": "y", "created_by": "y", "wisp": true}),
            json!({"id": "bd-1", "title": "x\u{202e}\u{1b}", "payload": "\u{1}text:abc:3\u{1}"}),
        ] {
            assert_eq!(there_and_back(std::slice::from_ref(&said)), [said]);
        }
    }

    #[test]
    fn a_record_that_no_line_takes_becomes_several() {
        let comment = |n: usize| json!({"id": n, "author": "x", "text": "word ".repeat(60)});
        let keys = (0..900).map(|n| (format!("key.{n}"), json!("x".repeat(90))));
        let said = json!({
            "id": "bd-1",
            "title": "x",
            "updated_at": "2025-11-03T00:00:00Z",
            "comments": (0..400).map(comment).collect::<Vec<_>>(),
            "metadata": keys.collect::<serde_json::Map<_, _>>(),
            "labels": (0..3000).map(|n| format!("label-{n}")).collect::<Vec<_>>(),
            "payload": "y".repeat(200_000),
        });
        let parts = record(&said).tell("beads").unwrap().parts();
        assert!(parts.len() > 5, "{}", parts.len());
        assert_eq!(there_and_back(std::slice::from_ref(&said)), [said]);
        let endless = json!({"id": "bd-1", "title": "x".repeat(60_000)});
        assert!(record(&endless).tell("beads").unwrap_err().contains("no line takes"));
        let long = json!({"id": "bd-1", "title": "x", "notes": "x".repeat(LONGEST_TEXT + 1)});
        assert!(record(&long).tell("beads").unwrap_err().starts_with("`notes` has 1048577 bytes"));
    }

    fn value() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            (0..6u8).prop_map(Json::from),
            "[a-c\"\\\\ \u{1}\u{e9}]{0,6}".prop_map(Json::from),
            Just(Json::from("2025-11-02T21:58:07.295058-08:00")),
            Just(Json::from("")),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map("[a-c]|type|text|id|created_by", inner, 0..4)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    fn any_record() -> impl Strategy<Value = Json> {
        let names = prop::sample::select(vec![
            "description",
            "status",
            "priority",
            "issue_type",
            "assignee",
            "owner",
            "created_by",
            "updated_by",
            "estimated_minutes",
            "close_reason",
            "external_ref",
            "metadata",
            "labels",
            "dependencies",
            "comments",
            "pinned",
            "wisp",
            "dependent_count",
            "future",
            "_type",
        ]);
        let times = prop::sample::select(TIMES.to_vec());
        let time = prop::sample::select(vec!["2025-11-02T21:58:07.295058-08:00", "2025-11-03", ""]);
        let some = prop::collection::vec((names, value()), 0..10);
        let when = prop::collection::vec((times, time.prop_map(Json::from)), 0..4);
        (some, when, any::<bool>()).prop_map(|(some, when, first)| {
            let named = [("id", Json::from("bd-1")), ("title", Json::from("t"))];
            let (before, after) = if first { (Some(named), None) } else { (None, Some(named)) };
            let before = before.into_iter().flatten().chain(some).chain(when);
            let all = before.chain(after.into_iter().flatten());
            all.map(|(name, value)| (name.to_owned(), value)).collect()
        })
    }

    proptest! {
        #[test]
        fn whatever_was_said_comes_back(said in any_record()) {
            let back = there_and_back(std::slice::from_ref(&said));
            prop_assert_eq!(&back, std::slice::from_ref(&said));
            let names = |json: &Json| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            prop_assert_eq!(names(&back[0]), names(&said));
        }
    }
}
