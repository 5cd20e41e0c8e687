//! Many beads at once from one file: made and changed as one write, and never claimed or closed.

use serde_json::{Value, json};

use crate::support::{Place, Sandbox};

const LEDGER: &str = "refs/shopfloor/ledger";

fn shown(repo: &Place<'_>, id: &str) -> Value {
    repo.json(&format!("bead show {id} --json"))[0].take()
}

/// Writes records to a file, each in a line of its own.
fn plan(repo: &Place<'_>, records: &[Value]) {
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    repo.write("plan.jsonl", lines);
}

#[test]
fn one_file_makes_beads_and_changes_others_and_is_taken_back_as_one() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let made = "bead create Draw -l a,b -d old -e 5 --due 2027-01-01 --silent --set-metadata k=1";
    let (one, epic) = (repo.git(made).ok().line(), repo.bead("Epic"));
    let other = repo.git(&format!("bead create Walk --parent {epic} --deps {one} --silent"));
    let other = other.ok().line();
    let before = [&one, &other].map(|id| shown(&repo, id));
    plan(
        &repo,
        &[
            json!({"id": one, "title": "Draw it", "priority": "P0", "type": "feat", "estimate": null,
                "add_labels": "c", "remove_labels": ["a"], "append_notes": "so", "due": "",
                "metadata": {"team": "core"}, "unset_metadata": "k", "files": "src/**",
                "status": "blocked", "assignee": "jane", "pinned": true, "deps": ["land"]}),
            json!({"key": "land", "title": "Land", "deps": "related:sea", "parent": epic}),
            json!({"key": "sea", "title": "Sea", "deps": "related:land"}),
            json!({"id": &other[4..], "labels": ["x"], "parent": "sea", "remove_deps": [one]}),
        ],
    );
    let lines = || repo.git("bead log").ok().out.lines().count();
    let known = lines();
    let all = repo.json("bead update --file plan.jsonl --json");
    let ids: Vec<_> = (0..4).map(|n| all[n]["id"].as_str().unwrap()).collect();
    assert_eq!((ids[0], ids[3]), (one.as_str(), other.as_str()), "in the order of the file");
    assert_eq!(
        repo.sh("git bead log --json | grep -o '\"nth\":[0-9]*' | tail -1").line(),
        "\"nth\":9"
    );
    assert_eq!(lines() - known, 10);
    let is = shown(&repo, &one);
    let field = |name: &str| is[name].clone();
    for (name, value) in [
        ("title", json!("Draw it")),
        ("priority", json!(0)),
        ("issue_type", json!("feature")),
        ("estimated_minutes", Value::Null),
        ("due_at", Value::Null),
        ("description", json!("old")),
        ("notes", json!("so")),
        ("labels", json!(["b", "c"])),
        ("metadata", json!({"team": "core"})),
        ("files", json!(["src/**"])),
        ("status", json!("blocked")),
        ("assignee", json!("jane")),
        ("pinned", json!(true)),
    ] {
        assert_eq!(field(name), value, "{name}");
    }
    assert_eq!(field("dependencies")[0]["id"], ids[1]);
    let moved = shown(&repo, &other);
    assert_eq!((&moved["parent"], &moved["labels"]), (&json!(ids[2]), &json!(["x"])));
    assert_eq!(moved["dependency_count"], 1, "only its parent is left");
    repo.git("bead undo").ok();
    for (id, before) in [&one, &other].into_iter().zip(before) {
        let after = shown(&repo, id);
        for name in
            ["title", "parent", "priority", "status", "estimated_minutes", "due_at", "files"]
        {
            assert_eq!(after[name], before[name], "{name}");
        }
    }
    assert_eq!(repo.json("bead count --json")["count"], 3);
}

#[test]
fn a_file_that_changes_beads_is_heeded_whole_or_not_at_all_and_each_bad_line_is_named() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let [one, two, held, shut] = ["One", "Two", "Held", "Shut"].map(|title| repo.bead(title));
    let toast = "SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead";
    repo.sh(&format!("{toast} update {held} --claim")).ok();
    repo.git(&format!("bead close {shut} -r done")).ok();
    let long = "x".repeat((1 << 20) + 1);
    let many: Vec<_> = (0..3000).map(|n| format!("a-label-of-some-length-{n}")).collect();
    let bad = [
        (json!({"id": one, "status": "closed"}), "git bead close ID --reason"),
        (json!({"id": one, "status": "in_progress"}), "git bead update ID --claim"),
        (json!({"id": one, "status": "Hooked", "assignee": "x"}), "git bead update ID --claim"),
        (json!({"id": one, "claim": true}), "git bead update ID --claim"),
        (json!({"id": held, "status": "open"}), "toast holds it, and no file ends that"),
        (json!({"id": held, "assignee": "joe"}), "is held by toast"),
        (json!({"id": shut, "status": "open"}), "git bead reopen"),
        (json!({"id": "zzzz", "priority": 1}), "no bead's id starts with `zzzz`"),
        (json!({"id": one}), "says nothing of it"),
        (json!({"id": one, "key": "k", "priority": 1}), "needs no `key`"),
        (json!({"id": one, "colour": "red"}), "\"colour\" is not set so"),
        (json!({"id": one, "title": ""}), "a bead needs a title"),
        (json!({"id": one, "deps": "two words:x"}), "is no kind of link"),
        (json!({"id": one, "description": long}), "`description` is too long"),
        (json!({"id": one, "add_labels": many}), "`add` is too long"),
        (json!({"title": "new", "labels": many}), "`labels` is too long"),
        (json!({"title": "new", "status": "open"}), "by its `id`"),
        (json!({"title": "new", "notes": long}), "`notes` is too long"),
    ];
    let tip = repo.rev(LEDGER);
    for (record, no) in bad {
        plan(&repo, &[json!({"id": two, "priority": 0}), record.clone()]);
        let id = record["id"].as_str().unwrap_or_default();
        let said = repo.git("bead create -f plan.jsonl").fails(129);
        said.says(&["plan.jsonl:2: ", &no.replace("ID", id), "nothing was written"]);
        assert_eq!(repo.rev(LEDGER), tip, "{no}");
    }
    plan(&repo, &[json!({"id": two, "priority": 0}), json!({"id": two, "title": "Too"})]);
    repo.git("bead update --file plan.jsonl").fails(129).says(&[":2: ", "is changed in 1, too"]);
    repo.write("plan.jsonl", format!("{{\"id\":{one:?},\"metadata\":{{\"k\":1,\"k\":2}}}}\n"));
    repo.git("bead update --file plan.jsonl").fails(129).says(&[":1: `k` has two values"]);
    // Neither of the two closes a ring.
    plan(&repo, &[json!({"id": one, "deps": two}), json!({"id": two, "deps": one})]);
    repo.git("bead update --file plan.jsonl").fails(129).says(&[":1: closes a cycle", ":2: "]);
    plan(&repo, &[json!({"id": one, "deps": "k"}), json!({"key": "k", "title": "x", "deps": one})]);
    repo.git("bead update --file plan.jsonl").fails(129).says(&[":1: closes a cycle"]);
    // An agent says what is said of what nobody holds, and takes nothing so.
    plan(&repo, &[json!({"id": held, "priority": 0})]);
    let other = "SHOPFLOOR_AGENT=other SHOPFLOOR_SESSION=s2 git bead update --file plan.jsonl";
    repo.sh(other).fails(129).says(&["toast holds it"]);
    plan(&repo, &[json!({"id": one, "assignee": "other"})]);
    repo.sh(other).fails(129).says(&["no file claims a bead", "--claim"]);
    repo.git(&format!("bead update {one} --file plan.jsonl")).fails(129);
    assert_eq!(repo.rev(LEDGER), tip, "nothing was written");
    plan(&repo, &[json!({"id": one, "priority": 0}), json!({"id": two, "priority": 0})]);
    let said = repo.sh("git bead update --file - <plan.jsonl").ok().out;
    assert!(said.starts_with("Changed 2 beads\n"), "{said}");
}

#[test]
fn a_line_that_goes_too_deep_is_named_and_kills_no_process() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("One");
    let record = |deep: usize| {
        let (open, shut) = ("[".repeat(deep), "]".repeat(deep));
        format!("{{\"id\":{id:?},\"metadata\":{{\"x\":{open}{shut}}}}}\n")
    };
    repo.write("plan.jsonl", record(30_000) + "{\n");
    let no = repo.git("bead update --file plan.jsonl").fails(129);
    no.says(&["plan.jsonl:1: goes deeper than 32 levels", "plan.jsonl:2: is no JSON"]);
    // In its line of the ledger it stands one level deeper.
    repo.write("plan.jsonl", record(30));
    repo.git("bead update --file plan.jsonl").fails(129).says(&[":1: ", "deeper than 32 levels"]);
    repo.write("plan.jsonl", record(29));
    repo.git("bead update --file plan.jsonl").ok();
}

#[test]
fn a_file_with_marks_of_a_merge_conflict_or_a_json_array_is_refused_by_name() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("One");
    let tip = repo.rev(LEDGER);
    let mark = "is the mark of a merge conflict";
    let jsonl = format!(
        "<<<<<<< HEAD\n{{\"id\":{id:?},\"priority\":0}}\n=======\n{{\"id\":{id:?},\"priority\":1}}\n>>>>>>> topic\n"
    );
    repo.write("plan", jsonl);
    let said = [1, 3, 5].map(|n| format!("plan:{n}: {mark}"));
    let no = repo.git("bead update --file plan").fails(129);
    no.says(&[&said[0], &said[1], &said[2], "nothing was written"]);
    repo.write("plan", "## Draw\n<<<<<<< HEAD\nin ink\n=======\nin chalk\n>>>>>>> topic\n");
    let no = repo.git("bead create --file plan").fails(129);
    no.says(&[&format!("plan:2: {mark}"), &format!("plan:4: {mark}"), &format!("plan:6: {mark}")]);
    repo.write("plan", "{\"title\":\"x\"}\n=======\n");
    repo.git("bead create --file plan").fails(129).says(&[&format!("plan:2: {mark}")]);
    repo.write("plan", "[\n  {\"title\": \"x\"}\n]\n");
    repo.git("bead create --file plan").fails(129).says(&["plan:1: is a JSON array", "jq -c"]);
    assert_eq!(repo.rev(LEDGER), tip, "nothing was written");
    repo.write("plan", "## Draw\nIn ink\n=======\n");
    repo.git("bead create --file plan").ok();
}

#[test]
fn a_misspelt_key_of_a_bulk_file_gets_the_nearest_and_null_clears() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let made = "bead create One -l a,b --files src --set-metadata k=1 --set-metadata l=2 --silent";
    let id = repo.git(made).ok().line();
    for (key, meant) in [
        ("lables", "did you mean `labels`?"),
        ("set_labels", "did you mean `labels`?"),
        ("set_metadata", "did you mean `metadata`?"),
        ("add_label", "did you mean `add_labels`?"),
        ("prioriti", "did you mean `priority`?"),
        ("pined", "did you mean `pinned`?"),
        ("comment", "git bead comment ID TEXT"),
        ("colour", "these are: owner"),
    ] {
        plan(&repo, &[json!({"id": id, key: "x"})]);
        let no = repo.git("bead update --file plan.jsonl").fails(129);
        no.says(&["plan.jsonl:1: ", &meant.replace("ID", &id)]);
    }
    plan(&repo, &[json!({"id": id, "labels": null, "metadata": null, "files": null})]);
    repo.git("bead update --file plan.jsonl").ok();
    let is = shown(&repo, &id);
    for name in ["labels", "metadata", "files"] {
        assert_eq!(is[name], Value::Null, "{name}");
    }
    // So it does where there is nothing to clear, and in what is new.
    plan(
        &repo,
        &[
            json!({"id": id, "labels": null, "metadata": null}),
            json!({"title": "x", "metadata": null, "labels": null}),
        ],
    );
    repo.git("bead update --file plan.jsonl").ok();
}

#[test]
fn a_bulk_file_is_answered_as_the_verbs_for_one_bead_answer() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let one = repo.bead("One");
    repo.git(&format!("bead update {one} -d long -a joe --add-label ui")).ok();
    let keys = |told: &Value| told.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let single = repo.json("bead create New -d long --json");
    plan(
        &repo,
        &[
            json!({"id": one, "assignee": null, "labels": [], "notes": "said"}),
            json!({"title": "New", "description": "long"}),
        ],
    );
    let all = repo.json("bead update --file plan.jsonl --json");
    let changed =
        json!({"id": one, "status": "open", "priority": 2, "assignee": null, "labels": []});
    assert_eq!(all[0], changed);
    assert_eq!(keys(&all[1]), keys(&single));
}
