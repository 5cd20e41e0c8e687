//! Every field, and every mistake taken back: what is changed, by whom, and how that is undone.

use serde_json::{Value, json};

use crate::support::{Place, Sandbox};

/// A field; how create sets it, and what it is then; how update changes and clears it.
type Told = (&'static str, [&'static str; 3], fn() -> [Value; 2]);

const TIMES: fn() -> [Value; 2] =
    || [json!("2026-12-01T00:00:00.000Z"), json!("2027-01-01T00:00:00.000Z")];
const WORDS: fn() -> [Value; 2] = || [json!("one"), json!("two")];

/// What beads' records have, but for what only follows from other things: ids, times and names of who did
/// something, counts, and what a compaction left.
const FIELDS: [Told; 35] = [
    ("title", ["--title=one", "--title=two", ""], WORDS),
    ("description", ["-d one", "-d two", "-d="], WORDS),
    ("design", ["--design one", "--design two", "--design="], WORDS),
    ("acceptance_criteria", ["--acceptance one", "--acceptance two", "--acceptance="], WORDS),
    ("notes", ["--notes one", "--notes two", "--notes="], WORDS),
    ("spec_id", ["--spec-id one", "--spec-id two", "--spec-id="], WORDS),
    ("status", ["", "-s blocked", "-s open"], || [json!("open"), json!("blocked")]),
    ("priority", ["-p 1", "-p P3", ""], || [json!(1), json!(3)]),
    ("issue_type", ["-t bug", "-t feat", ""], || [json!("bug"), json!("feature")]),
    ("assignee", ["-a one", "-a two", "-a="], WORDS),
    ("estimated_minutes", ["-e 5", "-e 0", "-e="], || [json!(5), json!(0)]),
    ("due_at", ["--due 2026-12-01", "--due 2027-01-01", "--due="], TIMES),
    ("defer_until", ["--defer 2026-12-01", "--defer 2027-01-01", "--defer="], TIMES),
    ("external_ref", ["--external-ref one", "--external-ref two", "--external-ref="], WORDS),
    (
        "metadata",
        [
            r#"--metadata {"a":[1]} --set-metadata b=x"#,
            "--set-metadata a=2",
            "--unset-metadata a,b",
        ],
        || [json!({"a": [1], "b": "x"}), json!({"a": 2, "b": "x"})],
    ),
    ("labels", ["-l a,b", "--add-label c --remove-label a", "--set-labels="], || {
        [json!(["a", "b"]), json!(["b", "c"])]
    }),
    ("owner", ["--set owner=one", "--set owner=two", "--set owner="], WORDS),
    rare("source_system"),
    rare("sender"),
    rare("wisp_type"),
    yes("ephemeral"),
    yes("no_history"),
    yes("pinned"),
    yes("is_template"),
    (
        "bonded_from",
        [r#"--set bonded_from=[{"source_id":"x"}]"#, "--set bonded_from=[]", "--set bonded_from="],
        || [json!([{"source_id": "x"}]), json!([])],
    ),
    rare("await_type"),
    rare("await_id"),
    ("timeout", ["--set timeout=90000000000", "--set timeout=1", "--set timeout="], || {
        [json!(90_000_000_000_u64), json!(1)]
    }),
    ("waiters", ["--set waiters=a,b", "--set waiters=c", "--set waiters="], || {
        [json!(["a", "b"]), json!(["c"])]
    }),
    rare("source_formula"),
    rare("source_location"),
    rare("mol_type"),
    rare("event_kind"),
    rare("target"),
    rare("payload"),
];

const fn rare(name: &'static str) -> Told {
    (name, ["--set *=one", "--set *=two", "--set *="], WORDS)
}

const fn yes(name: &'static str) -> Told {
    (name, ["--set *=true", "--set *=false", "--set *="], || [json!(true), json!(false)])
}

/// What `show` and `export` say of a field, which is the same.
#[track_caller]
fn told(repo: &Place<'_>, id: &str, name: &str) -> Value {
    let shown = repo.json(&format!("bead show {id} --json"));
    let shown = shown.get(0).unwrap_or(&shown)[name].clone();
    let lines = repo.git("bead export").ok().out;
    let record: Value = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|it: &Value| it["id"] == id)
        .unwrap();
    assert_eq!(shown, record[name], "{name} in show and in export");
    shown
}

#[test]
fn every_field_is_set_changed_cleared_and_given_back() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let words = |name: &str, said: &str| said.replace('*', name);
    let with: Vec<_> = FIELDS.iter().map(|(name, [made, ..], _)| words(name, made)).collect();
    let made = repo.json(&format!("bead create {} --json", with.join(" ")));
    let id = made["id"].as_str().unwrap();
    for (name, [_, change, clear], values) in FIELDS {
        let [first, second] = values();
        assert_eq!(told(&repo, id, name), first, "{name} as it was made");
        repo.git(&format!("bead update {id} {}", words(name, change))).ok();
        assert_eq!(told(&repo, id, name), second, "{name} once it was changed");
        if clear.is_empty() {
            repo.git(&format!("bead update {id} --set {name}=")).fails(129);
            continue;
        }
        repo.git(&format!("bead update {id} {}", words(name, clear))).ok();
        let left = told(&repo, id, name);
        assert!(left.is_null() || name == "status" && left == "open", "{name} is {left}");
    }
    let is = repo.json(&format!("bead show {id} --json"));
    let is = is.get(0).unwrap_or(&is);
    assert_eq!(
        (&is["title"], &is["priority"], &is["issue_type"]),
        (&json!("two"), &json!(3), &json!("feature"))
    );
}

#[test]
fn texts_come_from_files_and_several_beads_change_at_once() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (one, other, epic) = (repo.bead("Draw"), repo.bead("Walk"), repo.bead("Land"));
    repo.write("design.md", "lines, then colours\n");
    let made = "git bead update --json --design-file design.md --stdin --append-notes so";
    let is = repo.sh(&format!("echo 'the whole story' | {made} {one}")).ok().json();
    assert_eq!(
        (&is["description"], &is["design"]),
        (&json!("the whole story\n"), &json!("lines, then colours\n"))
    );
    repo.sh(&format!(": | git bead update {one} --body-file -"))
        .fails(129)
        .says(&["--allow-empty-description"]);
    let cleared = repo
        .sh(&format!(": | git bead update {one} --json --body-file - --allow-empty-description"))
        .ok();
    assert_eq!(cleared.json()["description"], Value::Null);
    let both = repo.json(&format!("bead update {one} {other} {one} --parent {epic} -p 1 --json"));
    let parents: Vec<_> =
        both.as_array().unwrap().iter().map(|it| it["parent"].as_str().unwrap()).collect();
    assert_eq!(parents, [&epic, &epic]);
    repo.git(&format!("bead update {epic} --parent {one}")).fails(3).says(&["closes a cycle"]);
    repo.git(&format!("bead update {other} --parent {one}")).ok();
    let moved = repo.json(&format!("bead update {one} --parent= --json"));
    assert_eq!(moved["parent"], Value::Null);
    repo.git(&format!("bead update {one} {other} --claim"))
        .fails(129)
        .says(&["one bead at a time"]);
    repo.git(&format!("bead update {one} zzzz -p 0")).fails(1);
    assert_eq!(
        repo.json(&format!("bead show {one} --json"))[0]["priority"],
        1,
        "all of them or none"
    );
    let children = repo.json(&format!("bead children {one} --json"));
    assert_eq!(children[0]["id"], json!(other));
}

#[test]
fn a_change_that_was_not_seen_is_not_written_over() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("Draw");
    let seen =
        repo.json(&format!("bead show {id} --json"))[0]["updated_at"].as_str().unwrap().to_owned();
    repo.git(&format!("bead update {id} --if-unchanged {seen} -p 1")).ok();
    let no = repo.git(&format!("bead update {id} --if-unchanged {seen} -p 0")).fails(3);
    no.says(&["was changed by Jane Doe at", "git bead log"]);
    assert_eq!(repo.json(&format!("bead show {id} --json"))[0]["priority"], 1);
}

#[test]
fn the_short_words_of_beads_do_what_the_longer_ones_do() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.git("bead q Draw -p 3").ok().line();
    for (short, field, value) in [
        ("assign ID jane", "assignee", json!("jane")),
        ("priority ID 0", "priority", json!(0)),
        ("tag ID parser", "labels", json!(["parser"])),
        ("label add ID tabs", "labels", json!(["parser", "tabs"])),
        ("label remove ID parser", "labels", json!(["tabs"])),
        ("note ID more", "notes", json!("more")),
        ("defer ID", "status", json!("deferred")),
        ("undefer ID", "status", json!("open")),
        ("defer ID --until 2027-01-01", "defer_until", json!("2027-01-01T00:00:00.000Z")),
        ("undefer ID", "defer_until", Value::Null),
        ("comments add ID seen", "comment_count", json!(1)),
    ] {
        repo.git(&format!("bead {}", short.replace("ID", &id))).ok();
        assert_eq!(repo.json(&format!("bead show {id} --json"))[0][field], value, "{short}");
    }
    assert_eq!(repo.json(&format!("bead comments {id} --json"))[0]["text"], "seen");
    assert_eq!(repo.json("bead label list-all --json")["groups"][0]["count"], 1);
}
