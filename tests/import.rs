//! What other tools have written down comes in whole, and goes out as it came.

use serde_json::{Value, json};

use crate::support::{Place, Sandbox};

const LEDGER: &str = "refs/shopfloor/ledger";

/// A file of several ages of beads, and the same after it was changed there.
const OLD: &str = r#"{"_schema":"beads-jsonl/1","_sort":"id"}
{"id":"bd-a3f8","title":"Draw the map","status":"open","priority":1,"issue_type":"epic","created_at":"2025-11-01T10:00:00.123456-08:00","created_by":"joan","updated_at":"2025-11-02T10:00:00.5-08:00"}
{"id":"bd-a3f8.1","title":"The coast","description":"All of it","status":"in_progress","priority":2,"issue_type":"task","assignee":"joan","created_at":"2025-11-01T11:00:00Z","updated_at":"2025-11-02T11:00:00Z","labels":["sea"],"dependencies":[{"issue_id":"bd-a3f8.1","depends_on_id":"bd-a3f8","type":"parent-child","created_at":"2025-11-01T11:00:00Z","created_by":"joan"}],"comments":[{"id":7,"issue_id":"bd-a3f8.1","author":"joan","text":"begun","created_at":"2025-11-02T11:00:00Z"}],"metadata":{"gc.attempt":1,"ratio":1.50}}
{"id":"bd-9fw","title":"The land","status":"open","issue_type":"docs","created_at":"2025-11-01T12:00:00Z","updated_at":"2025-11-02T12:00:00Z","defer_until":"2999-01-01T00:00:00Z","dependencies":[{"issue_id":"bd-9fw","depends_on_id":"bd-a3f8.1","type":"follows"}],"pinned":false,"crystallizes":true,"timeout":60000000000}
{"id":"bd-old","title":"Never mind","status":"tombstone","priority":3,"issue_type":"task","created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-02T12:00:00Z","deleted_at":"2025-10-02T12:00:00Z","deleted_by":"jim","delete_reason":"batch delete","original_type":"task"}
{"_type":"memory","key":"deploy","value":"from main"}
{"_type":"weather","wind":"west"}
"#;

fn export(place: &Place<'_>) -> String {
    place.git("bead export").ok().out
}

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An import whose summary is asked for as JSON.
fn import(place: &Place<'_>, words: &str) -> Value {
    place.git(&format!("bead import --json {words}")).ok().json()
}

fn show(place: &Place<'_>, id: &str) -> Value {
    place.json(&format!("bead show --json {id}"))[0].clone()
}

#[test]
fn a_file_comes_in_whole_and_goes_out_as_it_came() {
    let world = Sandbox::new();
    let (one, other) = (world.repo("one"), world.repo("other"));
    one.write("old.jsonl", OLD);
    let would = one.git("bead import --dry-run old.jsonl").ok();
    assert_eq!(would.out, "Would import 4 new, 0 changed, 0 unchanged, 3 kept beside\n");
    one.git(&format!("rev-parse --verify --quiet {LEDGER}")).fails(1);
    let did = one.git("bead import old.jsonl").ok();
    assert_eq!(did.out, "Imported 4 new, 0 changed, 0 unchanged, 3 kept beside\n");

    let out = export(&one);
    assert_eq!(records(&out), records(OLD));
    assert!(out.contains(r#""metadata":{"gc.attempt":1,"ratio":1.50}"#), "{out}");
    one.git("bead export ../out.jsonl").ok();
    other.git("bead import ../out.jsonl").ok();
    assert_eq!(export(&other), out);
    let canonical = |place: &Place<'_>| place.git("bead export --canonical").ok().out;
    assert_eq!(canonical(&other), canonical(&one));

    let tip = one.rev(LEDGER);
    for again in ["old.jsonl", "../out.jsonl"] {
        let told = import(&one, again);
        let counts = ["created", "updated", "unchanged", "kept"].map(|word| told[word].clone());
        assert_eq!(counts, [0, 0, 4, 0].map(Value::from));
    }
    assert_eq!(one.rev(LEDGER), tip, "nothing was written");
}

#[test]
fn what_was_imported_is_shown_and_claims_nothing() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.write("old.jsonl", OLD);
    repo.git("bead import old.jsonl").ok();
    let coast = show(&repo, "bd-a3f8.1");
    assert_eq!((&coast["status"], &coast["assignee"]), (&json!("in_progress"), &json!("joan")));
    assert_eq!((&coast["epoch"], &coast["comments"][0]["id"]), (&Value::Null, &json!(7)));
    assert_eq!(coast["metadata"]["ratio"], 1.5);
    let ids = |words: &str| {
        let rows = repo.sh(&format!("git bead {words} --json")).json();
        let ids = rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids("list"), ["bd-a3f8", "bd-9fw", "bd-a3f8.1"]);
    assert_eq!(ids("ready"), Vec::<String>::new(), "an epic with children, and what is put off");
    assert_eq!(ids("ready --include-deferred"), ["bd-9fw"]);
    assert_eq!(ids("list --status tombstone"), ["bd-old"]);
    let gone = repo.git("bead show bd-old").ok().out;
    assert!(gone.contains("deleted by jim, 2025-10-02T12:00:00Z: batch delete"), "{gone}");
    repo.git("bead verify").ok();
    for refused in ["update bd-old --claim", "close bd-old", "update bd-old -p 1"] {
        repo.git(&format!("bead {refused}")).fails(3).says(&["is deleted", "git bead reopen"]);
    }
    repo.git("bead reopen bd-old").ok();
    repo.git("bead update bd-old --claim").ok();
}

/// The past is told by the times that the other tool says, not by when the file came in.
#[test]
fn the_past_of_what_was_imported_is_asked_by_its_own_times() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let closed = json!({"id": "b-1", "title": "x", "status": "closed", "created_at": "2025-11-01T00:00:00Z",
        "updated_at": "2025-11-05T00:00:00Z", "closed_at": "2025-11-03T00:00:00Z", "close_reason": "done"});
    repo.write("one.jsonl", closed.to_string());
    repo.git("bead import one.jsonl").ok();
    for (day, status) in
        [("2025-10-31", None), ("2025-11-02", Some("open")), ("2025-11-04", Some("closed"))]
    {
        let ran = repo.git(&format!("bead list --all --json --as-of {day}"));
        let rows = ran.json();
        assert_eq!(rows[0]["status"].as_str(), status, "{day}\n{ran}");
    }
}

#[test]
fn a_newer_file_is_merged_field_by_field() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let record = |at: &str, more: Value| {
        let mut all = json!({"id": "bd-1", "title": "Draw the map", "status": "open", "priority": 2,
            "issue_type": "task", "created_at": "2025-11-01T00:00:00Z", "updated_at": at,
            "labels": ["sea", "old"], "metadata": {"a": 1, "b": 1}});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all.to_string()
    };
    repo.write("1.jsonl", record("2025-11-01T00:00:00Z", json!({})));
    repo.git("bead import 1.jsonl").ok();
    for edit in ["--title Mapped --add-label ours --remove-label old", "-p 0"] {
        repo.git(&format!("bead update bd-1 {edit}")).ok();
    }
    let newer = json!({"description": "All of it", "labels": ["sea", "old", "new"], "priority": 4,
        "metadata": {"a": 2, "b": 1}});
    repo.write("2.jsonl", record("2025-11-02T00:00:00Z", newer));
    assert_eq!(import(&repo, "2.jsonl")["updated"], 1);
    let is = show(&repo, "bd-1");
    let told = ["title", "description", "priority"].map(|name| is[name].clone());
    assert_eq!(told, [json!("Mapped"), json!("All of it"), json!(0)], "ours is later than theirs");
    assert_eq!(is["labels"], json!(["sea", "ours", "new"]));
    assert_eq!(is["metadata"], json!({"a": 2, "b": 1}));

    repo.git("bead import 1.jsonl").ok();
    assert_eq!(show(&repo, "bd-1")["description"], "All of it", "an older file takes nothing back");
    repo.write("3.jsonl", record("2999-01-01T00:00:00Z", json!({"priority": 3})));
    repo.git("bead import 3.jsonl").ok();
    let is = show(&repo, "bd-1");
    assert_eq!((&is["priority"], &is["title"]), (&json!(3), &json!("Mapped")));
    let log = repo.git("bead log bd-1 --json").ok().out;
    assert!(log.contains("\"priority\":0"), "what gave way stays in the ledger");
}

#[test]
fn our_own_beads_go_out_and_come_back() {
    let world = Sandbox::new();
    let (one, other) = (world.repo("one"), world.repo("other"));
    let (first, second) = (one.bead("Draw the map"), one.bead("Walk the land"));
    one.git(&format!("bead dep add {second} {first}")).ok();
    one.git(&format!("bead comment {second} soon")).ok();
    one.git(&format!("bead update {second} --claim --notes begun --add-label sea")).ok();
    one.git(&format!("bead close {first} --reason done")).ok();
    let out = export(&one);
    one.write("out.jsonl", &out);
    let tip = one.rev(LEDGER);
    one.git("bead import out.jsonl").ok();
    assert_eq!(one.rev(LEDGER), tip);
    other.git("bead import ../one/out.jsonl").ok();
    assert_eq!(export(&other), out);
    let theirs = out.replace("\"closed\"", "\"open\"").replace("T0", "T1");
    let theirs =
        theirs.replace("\"updated_at\":\"2", "\"updated_at\":\"9").replace("begun", "over");
    one.write("theirs.jsonl", theirs);
    one.git("bead import theirs.jsonl");
    assert_eq!(show(&one, &first)["status"], "closed", "closing is done here");
    let held = show(&one, &second);
    assert_eq!((&held["status"], &held["epoch"]), (&json!("in_progress"), &json!(1)));
}

#[test]
fn bad_lines_are_named_and_good_ones_come_in() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let good = |id: &str| format!(r#"{{"id":"{id}","title":"Good"}}"#);
    let deep = format!(r#"{{"id":"b-7","title":"x","y":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let lines = [
        "<<<<<<< HEAD".to_owned(),
        good("b-1"),
        "=======".to_owned(),
        r#"{"id":"b-2","title":"no date","created_at":"the day before"}"#.to_owned(),
        ">>>>>>> theirs".to_owned(),
        deep,
        r#"{"id":"b-3"}"#.to_owned(),
        good("b-4"),
    ];
    let mut file = (lines.join("\n") + "\n").into_bytes();
    file.extend(b"{\"id\":\"b-5\",\"title\":\"\xff\"}\n{\"id\":\"b-6\",\"tit");
    repo.write("bad.jsonl", file);
    let ran = repo.git("bead import bad.jsonl").fails(3);
    assert_eq!(
        ran.out,
        "Imported 2 new, 0 changed, 0 unchanged
  bad.jsonl:1 is the mark of a merge conflict
  bad.jsonl:3 is the mark of a merge conflict
  bad.jsonl:4 created_at is \"the day before\", which is no date
  bad.jsonl:5 is the mark of a merge conflict
  bad.jsonl:6 `y` goes deeper than 127 levels
  bad.jsonl:7 has no title
  bad.jsonl:9 is not UTF-8: byte 22 begins no character
  bad.jsonl:10 is cut off: column 16 (no line end)
8 not read
"
    );
    let bad = repo.git("bead import bad.jsonl --json").fails(3).json();
    assert_eq!((bad["unchanged"].clone(), bad["bad"][2]["line"].clone()), (json!(2), json!(4)));
    repo.git("bead import .").fails(128).says(&["is a directory", "hint: "]);
    repo.git("bead import nowhere.jsonl").fails(128).says(&["nowhere.jsonl", "hint: "]);
}

/// Long records come in as several lines; one that none takes keeps no other out.
#[test]
fn a_record_of_any_length_comes_in_or_is_named() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let word = |n: usize| format!("a word of some length {n}");
    let words: Vec<_> = (0..3000).map(word).collect();
    let edges = (0..2000).map(|n| json!({"depends_on_id": word(n), "type": "related"}));
    let keys: serde_json::Map<_, _> = (0..3000).map(|n| (word(n), json!(n))).collect();
    let bead = |id: &str, name: &str, value: Value| json!({"id": id, "title": "x", name: value});
    let records = [
        bead("b-1", "labels", json!(words)),
        bead("b-2", "dependencies", edges.collect()),
        bead("b-3", "metadata", keys.into()),
        bead("b-4", "metadata", json!({"k": words})),
        bead("b-5", "waiters", json!(words)),
        bead("b-6", "labels", json!(["x".repeat(70_000)])),
        bead("b-7", "assignee", json!("x".repeat(70_000))),
    ];
    repo.write("long.jsonl", records.iter().map(|it| format!("{it}\n")).collect::<String>());
    let ran = repo.git("bead import long.jsonl").fails(3);
    assert_eq!(
        ran.out,
        "Imported 5 new, 0 changed, 0 unchanged
  long.jsonl:6 has 70002 bytes in one entry of `labels`; no line takes that
  long.jsonl:7 has 70025 bytes in fields that no line takes
2 not read
"
    );
    let file = export(&repo);
    for (line, record) in file.lines().zip(&records) {
        let told: Value = serde_json::from_str(line).unwrap();
        let same = record.as_object().unwrap().iter().all(|(name, value)| told[name] == *value);
        assert!(same, "{}", told["id"]);
    }
}

/// What cannot be written is not held either, however long it is.
#[test]
fn a_line_without_end_takes_no_memory() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let good = r#"echo '{"id":"b-1","title":"Good"}'"#;
    let ran = repo
        .sh(&format!(
            "{{ {good}; head -c 1073741824 /dev/zero | tr '\\0' x; echo; {good}; }} |
             {{ ulimit -v 524288; git-bead import -; }}"
        ))
        .fails(3);
    assert!(ran.out.contains("standard input:2 is longer than 8388608 bytes"), "{ran}");
    assert!(ran.out.starts_with("Imported 1 new"), "{ran}");
}

#[test]
fn of_two_records_with_one_id_both_are_kept_and_said() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let record = |title: &str, born: u8, at: u8| {
        let born = format!("2025-11-0{born}T00:00:00Z");
        json!({"id": "bd-1", "title": title, "created_at": born, "created_by": "x",
               "updated_at": format!("2025-11-0{at}T00:00:00Z")})
    };
    let all = [record("newer", 1, 3), record("another", 2, 2), record("older", 1, 2)];
    repo.write("twice.jsonl", all.map(|record| record.to_string()).join("\n"));
    let first = import(&repo, "twice.jsonl");
    let other = first["duplicates"][1]["kept_as"].as_str().unwrap().to_owned();
    assert_eq!((&first["created"], &first["updated"]), (&json!(2), &json!(1)));
    assert_eq!(first["duplicates"][0]["lines"], json!([1, 3]));
    assert_eq!(show(&repo, "bd-1 ")["title"], "newer");
    assert_eq!(show(&repo, &other)["title"], "another");
    let tip = repo.rev(LEDGER);
    assert_eq!(import(&repo, "twice.jsonl")["duplicates"], first["duplicates"]);
    assert_eq!(repo.rev(LEDGER), tip);
}

#[test]
fn a_record_that_is_longer_than_a_line_comes_back() {
    let world = Sandbox::new();
    let (one, other) = (world.repo("one"), world.repo("other"));
    let comment =
        |n: usize| json!({"id": n, "author": "x", "text": format!("{n} {}", "word ".repeat(80))});
    let keys = (0..600).map(|n| (format!("key.{n:03}"), json!("x".repeat(90))));
    let deep = (0..100).fold(json!("\u{1b}[2J\u{202e}"), |inner, _| json!([inner]));
    let said = json!({
        "id": "bd-1",
        "title": "Long \u{202e}and\u{1b} odd",
        "description": "Sentence. ".repeat(90_000),
        "notes": "\u{1}text:aaaaaaaaaaaaaaaaaaaaaaaaaa:7\u{1}",
        "updated_at": "2025-11-03T00:00:00Z",
        "metadata": keys.collect::<serde_json::Map<_, _>>(),
        "labels": (0..3000).map(|n| format!("label-{n}")).collect::<Vec<_>>(),
        "comments": (0..300).map(comment).collect::<Vec<_>>(),
        "deep": deep,
        "payload": {"text": "\u{1}text:aaaaaaaaaaaaaaaaaaaaaaaaaa:7\u{1}", "all": "y".repeat(100_000)},
    });
    one.write("long.jsonl", said.to_string());
    one.git("bead import long.jsonl").ok();
    let tip = one.rev(LEDGER);
    one.git("bead import long.jsonl").ok();
    assert_eq!(one.rev(LEDGER), tip);
    let out = export(&one);
    assert_eq!(records(&out), [said]);
    one.git("bead export out.jsonl").ok();
    other.git("bead import ../one/out.jsonl").ok();
    assert_eq!(export(&other), out);
    let list = one.git("bead list").ok().out;
    assert!(list.contains("Long \\u{202e}and\\u{1b} odd"), "{list}");
    one.git("bead list --json").ok();
    one.git("bead show bd-1 --json").ok();
    one.git("bead verify").ok();
}

/// A pipe, a link and a mode are somebody's decision.
#[test]
fn an_export_leaves_what_it_writes_to_as_it_is() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Work");
    let all = export(&repo);
    assert_eq!(repo.sh("git bead export - && test ! -e ./-").ok().out, all);
    repo.sh("mkfifo pipe && { cat pipe > got & git bead export pipe && wait && test -p pipe; }")
        .ok();
    assert_eq!(repo.read("got"), all);
    repo.sh("ln -s real link && ln -s late lost && touch real && chmod 640 real").ok();
    let said = "git bead export link && git bead export lost && test -L link && test -L lost \
                && umask 027 && git bead export new && stat -c %a real new";
    assert!(repo.sh(said).ok().out.ends_with("640\n640\n"));
    assert_eq!([repo.read("real"), repo.read("late")], [all.clone(), all]);
    for options in ["", "--watch "] {
        repo.git(&format!("bead export {options}mistyped/a/b.jsonl"))
            .fails(128)
            .says(&["there is no directory", "mistyped/a"]);
    }
    repo.git("bead export --watch -").fails(129);
    assert!(!repo.has("mistyped"));
}

#[test]
fn an_edge_to_what_is_not_there_can_be_removed() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let edge = |to: &str| json!({"issue_id": "bd-1", "depends_on_id": to, "type": "blocks"});
    let edges = [edge("bd-9"), edge("external:lib:v2")];
    let said = json!({"id": "bd-1", "title": "Work", "status": "open", "dependencies": edges});
    repo.write("old.jsonl", said.to_string());
    repo.git("bead import old.jsonl").ok();
    for to in ["bd-9", "external:lib:v2"] {
        let told = repo.git(&format!("bead dep remove bd-1 {to}")).ok();
        assert_eq!(told.line(), format!("bd-1 no longer depends on {to}"));
        repo.git(&format!("bead dep remove bd-1 {to}")).fails(1);
    }
    assert_eq!(repo.json("bead show bd-1 --json")[0]["dependencies"], json!(null));
}
