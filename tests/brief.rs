//! Who pays for every word reads as few as are enough.

use serde_json::{Value, json};

use crate::find::floor;
use crate::support::Sandbox;

#[test]
fn a_reader_gets_the_fields_that_were_asked_for_and_no_others() {
    let world = Sandbox::new();
    let repo = floor(&world, "api");
    let fields = |call: &str| {
        let told = repo.json(call);
        told[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    for (call, told) in [
        ("list --brief -a toast --json", "id title status priority issue_type assignee"),
        ("ready --brief --json", "id title status priority issue_type assignee"),
        ("search login --fields labels,matched_in --json", "labels matched_in"),
        ("query priority=3 --fields title,due_at --json", "title"),
        ("blocked --fields blocked_by --json", "blocked_by"),
        (
            "list -t epic --json",
            "id title status priority issue_type created_at created_by updated_at dependency_count dependent_count comment_count",
        ),
        (
            "list -t epic --long --json",
            "id title status priority issue_type owner created_at created_by updated_at updated_by dependency_count dependent_count comment_count",
        ),
    ] {
        assert_eq!(fields(&format!("bead {call}")), told, "{call}");
    }
    let rows = repo.git("bead list -l auth --fields title,labels").ok().out;
    assert_eq!(rows, "Login  [\"auth\",\"ui\"]\nDoor   [\"auth\"]\n");
    let one = repo.git("bead list -t epic --brief -q").fails(129);
    one.says(&["cannot be used with"]);
    repo.git("bead list --fields titel").fails(129).says(&["did you mean `title`?"]);
}

/// Who changes something hears which bead it was and what is new about it: no text comes back to who wrote it.
#[test]
fn a_change_answers_with_what_was_changed_and_no_more() {
    let world = Sandbox::new();
    let repo = floor(&world, "api");
    let [id, next] = ["Walls", "Roof"].map(|title| repo.bead(title));
    repo.git(&format!("bead dep add {next} {id}")).ok();
    let keys =
        |told: &Value| told.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    for (call, told) in [
        ("update @ -d long -p 1 --json", "id status priority"),
        ("update @ --add-label ui --json", "id status priority labels"),
        ("update @ --append-notes more --json", "id status priority"),
        ("update @ --claim --json", "id title status priority assignee epoch"),
        ("close @ --reason built --json", "id title status closed_at close_reason freed"),
        ("reopen @ --json", "id title status"),
        ("delete @ --json", "id title status deleted_at"),
    ] {
        let said = repo.json(&format!("bead {}", call.replace('@', &id)));
        assert_eq!(keys(&said), told, "{call}");
        if let Some(freed) = said.get("freed") {
            assert_eq!(keys(&freed[0]), "id title priority");
        }
    }
    let seen = repo.json(&format!("bead show {next} --json"))[0]["updated_at"].clone();
    let edit = format!("bead update {next} -p 0 --if-unchanged {} --json", seen.as_str().unwrap());
    assert_eq!(keys(&repo.json(&edit)), "id status priority updated_at");
    // One line, as all JSON that no person looks at.
    assert_eq!(repo.git(&format!("bead show {next} --json")).ok().out.lines().count(), 1);
    let page = repo.git(&format!("bead show {next}")).ok().out;
    assert!(!page.contains("Trail"), "{page}");
    let page = repo.git(&format!("bead show {next} --full")).ok().out;
    assert!(page.contains("Trail") && page.contains("bead.created"), "{page}");
}

#[test]
fn a_change_tells_every_field_that_it_named_as_nothing_where_it_was_cleared() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (one, epic) = (repo.bead("Draw"), repo.bead("Land"));
    let update = |words: &str| repo.json(&format!("bead update {one} {words} --json"));
    let set =
        "-d long --due 2027-01-01 -a joe -e 5 -p 3 --add-label ui --files src --set pinned=true";
    let is = update(&format!("{set} --set-metadata k=1 --parent {epic}"));
    assert_eq!(is.get("description"), None, "no text comes back to who wrote it");
    for (name, value) in [
        ("due_at", json!("2027-01-01T00:00:00.000Z")),
        ("assignee", json!("joe")),
        ("estimated_minutes", json!(5)),
        ("priority", json!(3)),
        ("labels", json!(["ui"])),
        ("files", json!(["src"])),
        ("pinned", json!(true)),
        ("metadata", json!({"k": 1})),
        ("parent", json!(epic)),
    ] {
        assert_eq!(is[name], value, "{name}");
    }
    let same = update("-a joe -p 3");
    assert_eq!((&same["assignee"], &same["priority"]), (&json!("joe"), &json!(3)), "named, and so");
    let clear =
        "-d= --due= -a= -e= --set-labels= --files= --set pinned= --unset-metadata k --parent=";
    let is = update(clear);
    let is = is.as_object().unwrap();
    for name in
        ["description", "due_at", "assignee", "estimated_minutes", "pinned", "metadata", "parent"]
    {
        assert_eq!(is.get(name), Some(&Value::Null), "{name}");
    }
    for name in ["labels", "files"] {
        assert_eq!(is.get(name), Some(&json!([])), "{name}");
    }
    assert_eq!(is["priority"], 3, "always");
}
