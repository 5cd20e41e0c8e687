//! What of an import is not taken over, what is not ready though it came in, and what the past knows of it.

use serde_json::{Value, json};

use crate::support::{Place, Sandbox};

/// An import whose summary is asked for as JSON.
fn import(place: &Place<'_>, words: &str) -> Value {
    place.git(&format!("bead import --json {words}")).ok().json()
}

fn show(place: &Place<'_>, id: &str) -> Value {
    place.json(&format!("bead show --json {id}"))[0].clone()
}

/// Whoever keeps two trackers side by side has to see what did not come over.
#[test]
fn a_record_that_differs_and_is_not_newer_is_named_with_its_fields() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let record = |title: &str, day: u8| {
        let at = format!("2025-11-0{day}T00:00:00Z");
        json!({"id": "bd-1", "title": title, "updated_at": at}).to_string()
    };
    repo.write("one.jsonl", record("one", 2));
    repo.git("bead import one.jsonl").ok();
    repo.git("bead update bd-1 -p 0").ok();
    let again = repo.git("bead import one.jsonl").ok().out;
    assert_eq!(again, "Imported 0 new, 0 changed, 1 unchanged\n");
    for day in [1, 2] {
        repo.write("other.jsonl", record("other", day));
        let told = repo.git("bead import other.jsonl").ok().out;
        let said = "  kept ours: bd-1  line 1 differs, and is not newer: title\n";
        assert_eq!(told, format!("Imported 0 new, 0 changed, 0 unchanged\n{said}"));
        let told = import(&repo, "other.jsonl");
        assert_eq!(told["not_newer"], json!([{"id": "bd-1", "line": 1, "fields": ["title"]}]));
    }
    assert_eq!(show(&repo, "bd-1")["title"], "one");
}

#[test]
fn children_by_name_alone_keep_their_epic_open() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let mut lines = ["bd-1", "bd-1.1", "bd-1.2"].map(|id| json!({"id": id, "title": id}));
    lines[0]["issue_type"] = json!("epic");
    repo.write("old.jsonl", lines.map(|line| line.to_string()).join("\n"));
    repo.git("bead import old.jsonl").ok();
    assert_eq!(show(&repo, "bd-1.1")["parent"], "bd-1");
    assert_eq!(repo.git("bead ready -q").ok().out, "bd-1.1\nbd-1.2\n");
    let no = repo.git("bead close bd-1 -r done").fails(3).err;
    assert!(no.contains("bd-1 has an open child: bd-1.1"), "{no}");
    repo.git("bead close bd-1.1 -r done").ok();
    repo.git("bead close bd-1.2 -r done").ok();
    repo.git("bead close bd-1 -r done").ok();
}

#[test]
fn what_another_tool_sets_aside_is_not_ready() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let flags = ["pinned", "ephemeral", "is_template", "wisp", "plain"];
    let mut lines =
        flags.map(|flag| json!({"id": format!("bd-{flag}"), "title": flag, flag: true}));
    lines[4]["pinned"] = json!(false);
    repo.write("old.jsonl", lines.map(|line| line.to_string()).join("\n"));
    repo.git("bead import old.jsonl").ok();
    let ready = |words: &str| repo.git(&format!("bead ready -q {words}")).ok().out;
    assert_eq!(ready(""), "bd-plain\n");
    assert_eq!(ready("--include-ephemeral --sort oldest"), "bd-ephemeral\nbd-plain\nbd-wisp\n");
    let why = repo.git("bead ready --explain").ok().out;
    assert!(why.contains("it is pinned") && why.contains("it is a template"), "{why}");
    assert!(why.contains("it is ephemeral; --include-ephemeral shows it"), "{why}");
    repo.git("bead close bd-plain").ok();
    repo.git("bead ready --claim").fails(1);
}

#[test]
fn what_stands_before_a_dot_is_the_parent_where_no_edge_says_another() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let edge = |to: &str| json!([{"depends_on_id": to, "type": "parent-child"}]);
    let lines = [
        json!({"id": "bd-1", "title": "x", "issue_type": "epic"}),
        json!({"id": "bd-1.1", "title": "x"}),
        json!({"id": "bd-1.1.1", "title": "x"}),
        json!({"id": "bd-1.2", "title": "x", "dependencies": edge("bd-2")}),
        json!({"id": "bd-2", "title": "x"}),
        json!({"id": "bd-10.1", "title": "x"}),
    ];
    repo.write("old.jsonl", lines.map(|line| line.to_string()).join("\n"));
    repo.git("bead import old.jsonl").ok();
    let ids = |words: &str| repo.git(&format!("bead {words} -q")).out;
    assert_eq!(ids("list --parent bd-1"), "bd-1.1\n");
    assert_eq!(ids("ready --parent bd-1"), "bd-1.1.1\n");
    assert_eq!(ids("ready --parent bd-2"), "bd-1.2\n");
    assert_eq!(ids("list --no-parent --sort id"), "bd-1\nbd-10.1\nbd-2\n");
}

#[test]
fn one_bad_issue_or_ticket_does_not_keep_the_others_out() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    repo.write(
        "issues.json",
        format!(r#"[{{"number":1,"title":"One"}},7,{{"title":"none"}},{{"number":2,"title":"Two","x":{deep}}},{{"number":3,"title":"Three"}}]"#),
    );
    let told = repo.git("bead import --from github issues.json").fails(3).out;
    assert!(told.starts_with("Imported 2 new, 0 changed, 0 unchanged\n"), "{told}");
    assert!(
        told.contains("issues.json:2 is no issue") && told.contains("issues.json:3 has no number"),
        "{told}"
    );
    assert!(told.contains("issues.json:4 is no issue") && told.ends_with("3 not read\n"), "{told}");
    let ticket = |id: &str| format!("---\nid: {id}\nstatus: open\n---\n# Title\n");
    repo.write("tickets/a.md", ticket("nw-1"));
    repo.write("tickets/c.md", "no head\n");
    repo.write("tickets/d.md", ticket("nw-2"));
    repo.sh("mkdir tickets/b.md").ok();
    let told = repo.git("bead import --from ticket tickets").fails(3).out;
    assert!(told.starts_with("Imported 2 new"), "{told}");
    assert!(
        told.contains("b.md:1 cannot be read") && told.contains("c.md:1 has no head"),
        "{told}"
    );
}

/// A time that nobody knows is no empty word, an id of another tool is no hash, and a priority is shown as
/// it was said.
#[test]
fn what_has_no_time_or_a_strange_priority_is_shown_as_what_it_is() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let edge = json!([{"depends_on_id": "bd-low", "type": "related"}]);
    let lines = [
        json!({"id": "bd-polecat-toasty", "title": "urgent", "priority": -1, "dependencies": edge,
            "comments": [{"text": "x", "author": "y"}]}),
        json!({"id": "bd-low", "title": "low", "priority": 7}),
        json!({"id": "bd-usual", "title": "usual"}),
    ];
    let file = lines.map(|line| format!("{line}\n")).concat();
    repo.write("old.jsonl", &file);
    repo.git("bead import old.jsonl").ok();
    let all = repo.json("bead list --json");
    let told = |at: usize, name: &str| all[at][name].clone();
    assert_eq!([0, 1, 2].map(|at| told(at, "priority")), [json!(-1), json!(2), json!(7)]);
    assert!(!repo.git("bead show bd-polecat-toasty --json").ok().out.contains("_at\":\"\""));
    assert_eq!((told(0, "created_at"), told(0, "updated_at")), (Value::Null, Value::Null));
    let rows = repo.git("bead list").ok().out;
    assert!(rows.starts_with("○  bd-polecat-toasty  P-1  task  urgent\n"), "{rows}");
    assert_eq!(repo.git("bead export").ok().out.lines().count(), 3);
    let back: Vec<Value> = repo
        .git("bead export")
        .ok()
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(back, said);
    repo.git("bead update bd-polecat-toasty -p 1").ok();
    assert_eq!(repo.json("bead list --json --id bd-polecat-toasty")[0]["priority"], 1);
    let none = repo.git("bead list --json -l nothing").fails(1);
    assert_eq!(none.out, "[]\n");
}

/// Between its close and its last edit, told by two versions of its record.
#[test]
fn the_past_knows_a_close_also_of_a_record_that_came_in_twice() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let open = json!({"id": "b-1", "title": "x", "status": "open", "created_at": "2025-11-01T00:00:00Z",
        "updated_at": "2025-11-02T00:00:00Z"});
    let mut closed = open.clone();
    closed["status"] = json!("closed");
    closed["closed_at"] = json!("2025-11-04T12:00:00Z");
    closed["updated_at"] = json!("2025-11-08T00:00:00Z");
    for record in [open, closed] {
        repo.write("one.jsonl", record.to_string());
        repo.git("bead import one.jsonl").ok();
    }
    for (day, status) in [(3, "open"), (4, "closed"), (6, "closed"), (9, "closed")] {
        let rows = repo.json(&format!("bead list --all --json --as-of 2025-11-0{day}"));
        assert_eq!(rows[0]["status"], status, "{day}");
    }
    repo.git("bead ready --as-of 2025-11-06").fails(1);
}
