//! Beads that wait for themselves, what waits for what cannot be started, and how both are told.

use serde_json::Value;

use crate::graph::ids;
use crate::support::Sandbox;

/// A parent ends after its children, so none of them may wait for its end. Nobody can say that, and what
/// comes from elsewhere is named; a parent that waits for its own children is no ring.
#[test]
fn a_child_that_waits_for_its_parent_is_a_ring() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (one, two) = (repo.bead("One"), repo.bead("Two"));
    let no: &[&str] = &["closes a cycle", " ends only after its child "];
    repo.git(&format!("bead create Three --parent {one} --deps blocks:{one}")).fails(3).says(no);
    repo.git(&format!("bead dep add {one} {two}")).ok();
    repo.git(&format!("bead dep add {one} {two} -t parent-child")).fails(3).says(no);
    repo.git(&format!("bead update {one} --parent {two}")).fails(3).says(no);
    repo.git(&format!("bead dep remove {one} {two}")).ok();
    repo.git(&format!("bead update {one} --parent {two}")).ok();
    repo.git(&format!("bead dep add {one} {two}")).fails(3).says(no);
    repo.git(&format!("bead dep add {two} {one}")).ok();
    assert_eq!(repo.git("bead ready -q").ok().out.trim(), one, "the child comes first");
    let plan = r#"{"key":"e","title":"E"}
{"key":"c","title":"C","parent":"e","deps":"e"}
"#;
    repo.write("plan.jsonl", plan);
    repo.git("bead create --file plan.jsonl")
        .fails(129)
        .says(&["plan.jsonl:2: closes a cycle: e -> c -> e"]);
    let related = plan.replace("\"e\",\"title\"", "\"e\",\"deps\":\"related:c\",\"title\"");
    repo.write("plan.jsonl", related.replace("\"deps\":\"e\"", "\"deps\":\"related:e\""));
    repo.git("bead create --file plan.jsonl").ok();
    repo.git("bead dep cycles").ok();
    repo.git("bead doctor").ok();
    repo.write(
        "ring.jsonl",
        r#"{"id":"bd-1","title":"E"}
{"id":"bd-2","title":"C","dependencies":[{"issue_id":"bd-2","depends_on_id":"bd-1","type":"blocks"},{"issue_id":"bd-2","depends_on_id":"bd-1","type":"parent-child"}]}
{"id":"bd-3","title":"P","dependencies":[{"issue_id":"bd-3","depends_on_id":"bd-4","type":"blocks"},{"issue_id":"bd-3","depends_on_id":"bd-5","type":"blocks"}]}
{"id":"bd-4","title":"Q","dependencies":[{"issue_id":"bd-4","depends_on_id":"bd-3","type":"parent-child"}]}
{"id":"bd-5","title":"R","dependencies":[{"issue_id":"bd-5","depends_on_id":"bd-3","type":"parent-child"}]}
"#,
    );
    repo.git("bead import ring.jsonl").ok();
    let told = repo.git("bead dep cycles --json").fails(3).json();
    assert_eq!(told.as_array().unwrap().len(), 1);
    assert_eq!(ids(&told[0]), ["bd-1", "bd-2"]);
    let shown = repo.git("bead dep cycles").fails(3).out;
    assert!(shown.contains("bd-1  E  ends only after its child the next"), "{shown}");
    let doctor = repo.git("bead doctor").fails(1);
    assert!(doctor.out.contains("beads wait for themselves: bd-1 -> bd-2 -> bd-1"), "{doctor}");
    assert!(repo.json("bead show bd-1 --json")[0]["frees"].is_null());
    let blocked = repo.git("bead blocked").ok().out;
    assert!(blocked.contains("(waits for itself: `git bead dep cycles`)"), "{blocked}");
    let ready = repo.git("bead ready -q").ok().out;
    assert!(ready.contains("bd-4") && ready.contains("bd-5") && !ready.contains("bd-3"), "{ready}");
}

/// What `ready` would not show is nothing to begin with.
#[test]
fn blocked_and_graph_call_nothing_startable_that_is_not() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (put_off, held, free) = (repo.bead("Put off"), repo.bead("Held"), repo.bead("Free"));
    let gate = repo.git("bead create Gate -t gate --silent").ok().line();
    repo.git(&format!("bead update {put_off} --defer +30d")).ok();
    repo.git(&format!("bead update {held} --claim")).ok();
    for on in [&put_off, &held, &gate, &free] {
        let first = repo.git(&format!("bead create First --deps {on} --silent")).ok().line();
        repo.git(&format!("bead create Then --deps {first} --silent")).ok();
    }
    let blocked = repo.json("bead blocked --fields held_up_by --json");
    let begins = blocked.as_array().unwrap().iter().map(|row| &row["held_up_by"][0]["begin_with"]);
    let begins: Vec<_> = begins.filter_map(Value::as_str).collect();
    assert_eq!(begins, [&free, &free], "{blocked}");
    let said = repo.git("bead blocked").ok().out;
    assert_eq!(said.matches("(ready)").count(), 1, "{said}");
    for told in ["(put off until ", ": put off until ", "(in progress, @", ": in progress, @"] {
        assert_eq!(said.matches(told).count(), 1, "{told} {said}");
    }
    for told in ["(a gate)", ": a gate)"] {
        assert_eq!(said.matches(told).count(), 1, "{told} {said}");
    }
    let graph = repo.json("bead graph --json");
    let ready: Vec<_> =
        graph["nodes"].as_array().unwrap().iter().filter(|it| it["state"] == "ready").collect();
    assert_eq!(ready.len(), 1, "{graph}");
    assert_eq!(ready[0]["id"], free);
}

#[test]
fn a_ring_has_a_sign_in_every_picture_and_no_critical_path() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let on = |id: &str, to: &str| {
        format!(
            r#"{{"id":"{id}","title":"{id}","dependencies":[{{"issue_id":"{id}","depends_on_id":"{to}","type":"blocks"}}]}}"#
        ) + "\n"
    };
    repo.write("ring.jsonl", on("bd-1", "bd-2") + &on("bd-2", "bd-1") + &on("bd-3", "bd-2"));
    repo.git("bead import ring.jsonl").ok();
    let text = repo.git("bead graph").ok().out;
    assert_eq!(text.matches("  waits, in a ring").count(), 2, "{text}");
    assert!(text.contains("critical path: none, for a ring is in the way"), "{text}");
    repo.git("bead graph bd-1 --critical").fails(1);
    let told = repo.json("bead graph bd-3 --json");
    assert_eq!(told["critical"]["ids"], serde_json::json!([]));
    assert_eq!(
        (&told["nodes"][0]["id"], &told["nodes"][0]["in_ring"]),
        (&"bd-3".into(), &Value::Null)
    );
    let svg = repo.git("bead graph --svg").ok().out;
    assert!(svg.contains("class=\"tie back\"") && svg.contains("back: a ring"), "{svg}");
}

/// While it was over, nothing waited for it, so it could be tied to what waits for it.
#[test]
fn what_was_over_does_not_come_back_into_a_ring() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let no = ["cannot be opened again: that closes a cycle", " -> ", "git bead dep remove"];
    for (over, back) in [
        ("close ID", "reopen ID"),
        ("close ID", "undo"),
        ("update ID -s pinned", "update ID -s open"),
    ] {
        let (a, b) = (repo.bead("A"), repo.bead("B"));
        let call = |words: &str| repo.git(&format!("bead {}", words.replace("ID", &a)));
        call(&format!("dep add {b} ID")).ok();
        call(over).ok();
        let toast = "SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead";
        repo.sh(&format!("{toast} dep add {a} {b}")).ok();
        call(back).fails(3).says(&no);
        repo.git("bead dep cycles").ok();
        repo.sh(&format!("{toast} dep remove {a} {b}")).ok();
        call(back).ok();
    }
    let parent = repo.bead("P");
    repo.git(&format!("bead close {parent}")).ok();
    let child = repo.git(&format!("bead create C --parent {parent} --silent")).ok().line();
    repo.git(&format!("bead dep add {child} {parent}")).ok();
    repo.git(&format!("bead reopen {parent}")).fails(3).says(&no);
}

#[test]
fn a_close_that_passes_over_an_open_blocker_says_so() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (a, b) = (repo.bead("A"), repo.bead("B"));
    repo.git(&format!("bead dep add {a} {b}")).ok();
    repo.git(&format!("bead update {a} --claim")).ok();
    let said = format!("note: {} waited for {}, and is closed all the same", &a[..8], &b[..8]);
    repo.git(&format!("bead close {a}")).ok().says(&[&said]);
    assert!(!repo.git(&format!("bead close {b}")).ok().err.contains("waited for"));
}
