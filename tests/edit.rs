//! Every field, and every mistake taken back: what is changed, by whom, and how that is undone.

use serde_json::{Value, json};

use crate::support::{Place, Sandbox};
use crate::sync::clones;

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
    repo.sh(&format!("echo 'the whole story' | {made} {one}")).ok();
    let is = &repo.json(&format!("bead show {one} --json"))[0];
    assert_eq!(
        (&is["description"], &is["design"]),
        (&json!("the whole story\n"), &json!("lines, then colours\n"))
    );
    repo.sh(&format!(": | git bead update {one} --body-file -"))
        .fails(129)
        .says(&["--allow-empty-description"]);
    repo.sh(&format!(": | git bead update {one} --body-file - --allow-empty-description")).ok();
    assert_eq!(repo.json(&format!("bead show {one} --json"))[0]["description"], Value::Null);
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

/// As a person at a terminal, with this editor.
fn at_terminal(repo: &Place<'_>, editor: &str, words: &str) -> crate::support::Ran {
    repo.script("editor", editor);
    repo.sh(&format!("GIT_EDITOR=./editor script -qec 'git bead {words}' /dev/null </dev/null"))
}

#[test]
fn a_text_is_changed_in_the_editor_and_never_lost() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.git("bead create Draw -d story --silent").ok().line();
    let show = |field: &str| repo.json(&format!("bead show {id} --json"))[0][field].clone();
    let no = repo.git(&format!("bead edit {id} --design")).fails(129);
    no.says(&["needs a terminal", &format!("git bead update {id} --design")]);
    if repo.sh("command -v script").code != 0 {
        return; // Nothing here makes a terminal.
    }
    at_terminal(&repo, "#!/bin/sh\necho and more >>\"$1\"\n", &format!("edit {id}")).ok();
    assert_eq!(show("description"), "storyand more");
    let tip = repo.rev("refs/shopfloor/ledger");
    let said = at_terminal(&repo, "#!/bin/sh\n", &format!("edit {id} --title")).ok();
    assert!(said.out.contains("nothing was changed"), "{said}");
    assert_eq!(repo.rev("refs/shopfloor/ledger"), tip);
    let both = format!("#!/bin/sh\ngit bead update {id} -d theirs\necho mine >\"$1\"\n");
    let said = at_terminal(&repo, &both, &format!("edit {id}")).fails(3);
    assert!(said.out.contains("the description was changed by Jane Doe at"), "{said}");
    let file = format!(".git/shopfloor/edit/{id}-description.md");
    assert!(said.out.contains(&file), "{said}");
    assert_eq!((show("description"), repo.read(&file)), (json!("theirs"), "mine\n".to_owned()));
    at_terminal(&repo, "#!/bin/sh\nexit 1\n", &format!("edit {id} --notes")).fails(128);
}

/// An editor that fails leaves nothing behind but what was written in it.
#[test]
fn an_editor_that_fails_is_in_nobodys_way() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.git("bead create Draw --notes so --silent").ok().line();
    if repo.sh("command -v script").code != 0 {
        return; // Nothing here makes a terminal.
    }
    let edit = format!("edit {id} --notes");
    let file = format!(".git/shopfloor/edit/{id}-notes.md");
    at_terminal(&repo, "#!/bin/sh\nexit 1\n", &edit).fails(128);
    assert!(!repo.has(&file), "as it was");
    repo.write(&file, "so");
    at_terminal(&repo, "#!/bin/sh\necho more >>\"$1\"\n", &edit).ok();
    assert_eq!(repo.json(&format!("bead show {id} --json"))[0]["notes"], "somore");
    let said = at_terminal(&repo, "#!/bin/sh\necho mine >\"$1\"; exit 1\n", &edit).fails(128);
    assert!(said.out.contains(&file), "{said}");
    let said = at_terminal(&repo, "#!/bin/sh\n", &edit).fails(3);
    assert!(said.out.contains("--notes \"$(cat "), "{said}");
    assert_eq!(repo.read(&file), "mine\n");
}

#[test]
fn another_bead_stands_for_one_and_closes_it() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let [a, b, c] = ["Draw", "Draw it", "Draw it well"].map(|title| repo.bead(title));
    let closed = repo.json(&format!("bead duplicate {a} --of {b} --json"));
    assert_eq!(
        (&closed["status"], &closed["close_reason"]),
        (&json!("closed"), &json!(format!("duplicate of {b}")))
    );
    let edge = &repo.json(&format!("bead show {a} --json"))[0]["dependencies"][0];
    assert_eq!((&edge["id"], &edge["dependency_type"]), (&json!(b), &json!("duplicates")));
    repo.sh(&format!("SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead update {b} --claim"))
        .ok();
    repo.git(&format!("bead supersede {b} --with {c}")).fails(3).says(&["toast holds it"]);
    let other = "SHOPFLOOR_AGENT=other SHOPFLOOR_SESSION=s2 git bead";
    repo.sh(&format!("{other} supersede {b} --with {c}")).fails(3);
    assert_eq!(
        repo.json(&format!("bead show {b} --json"))[0]["dependencies"],
        Value::Null,
        "nothing half done"
    );
    let toast = "SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 SHOPFLOOR_EPOCH=1 git bead";
    repo.sh(&format!("{toast} supersede {b} --with {c}")).ok();
    repo.git(&format!("bead supersede {c} --with {c}")).fails(129);
    repo.git("bead undo").ok();
    let open = repo.json(&format!("bead show {a} --json"));
    assert_eq!((&open[0]["status"], &open[0]["dependencies"]), (&json!("open"), &Value::Null));
}

/// Somebody is left who does it.
#[test]
fn what_another_stands_for_stands_for_none() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let [a, b, c] = ["Draw", "Draw it", "Draw it well"].map(|title| repo.bead(title));
    repo.git(&format!("bead supersede {a} --with {b}")).ok();
    let tip = repo.rev("refs/shopfloor/ledger");
    for words in [format!("duplicate {b} --of {a}"), format!("supersede {c} --with {a}")] {
        repo.git(&format!("bead {words}")).fails(3).says(&["stands for"]);
    }
    let no = repo.git(&format!("bead duplicate {a} --of {c}")).fails(3);
    no.says(&["is closed already", "git bead reopen"]);
    repo.git(&format!("bead supersede {a} --with {b}")).ok();
    assert_eq!(repo.rev("refs/shopfloor/ledger"), tip, "nothing was written");
    repo.git(&format!("bead reopen {a}")).ok();
    repo.git(&format!("bead duplicate {b} --of {a}")).ok();
}

#[test]
fn new_ids_start_with_another_word_and_the_old_ones_stay() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let old = repo.bead("Draw");
    let said = repo.git("bead rename-prefix map").ok().out;
    assert_eq!(said, "New ids start with map- and no longer with api-\n1 ids stay as they are\n");
    assert!(repo.bead("Walk").starts_with("map-"));
    assert_eq!(repo.json(&format!("bead show {} --json", &old[4..]))[0]["id"], json!(old));
    repo.git("bead rename-prefix No!").fails(129).says(&["git bead rename-prefix no"]);
}

#[test]
fn a_file_of_beads_is_made_whole_or_not_at_all() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let there = repo.bead("There");
    repo.write(
        "plan.md",
        format!("# Plan\n\n## Draw\nIn colours.\n\n### Type\nfeature\n\n## Walk\n### Priority\nP1\n### Deps\n{there}\n"),
    );
    let made = repo.json("bead create -f plan.md --json");
    let told = |n: usize, field: &str| made[n][field].clone();
    assert_eq!((told(0, "title"), told(0, "description")), (json!("Draw"), json!("In colours.")));
    assert_eq!(
        (told(1, "priority"), told(1, "dependencies")[0]["depends_on_id"].clone()),
        (json!(1), json!(there))
    );
    let plan = r#"{"nodes": [{"key": "walk", "title": "Walk", "parent_key": "land"}, {"key": "land", "title": "Land"},
        {"key": "map", "title": "Map"}], "edges": [{"from_key": "walk", "to_key": "map", "type": "blocks"}]}"#;
    repo.write("plan.json", plan);
    let ids = repo.json("bead create --graph plan.json --json")["ids"].clone();
    let walk = repo.json(&format!("bead show {} --json", ids["walk"].as_str().unwrap()));
    assert_eq!((&walk[0]["parent"], &walk[0]["dependency_count"]), (&ids["land"], &json!(2)));
    let tip = repo.rev("refs/shopfloor/ledger");
    let bad = "{\"title\": \"good\"}\n{\"title\": \"x\", \"status\": \"closed\"}\n{\"title\": \"y\", \"due\": \"never\"}\n{oops\n";
    let no = repo.sh(&format!("printf '{bad}' | git bead create --file -")).fails(129);
    no.says(&["-:2: ", "-:3: \"never\" is no moment", "-:4: is no JSON", "nothing was written"]);
    let unknown =
        "{\"title\": \"x\", \"deps\": \"zzzz\"}\n{\"title\": \"y\", \"parent\": \"yyyy\"}\n";
    repo.sh(&format!("printf '{unknown}' | git bead create --file -"))
        .fails(129)
        .says(&["-:1: no bead", "-:2: no bead"]);
    assert_eq!(repo.rev("refs/shopfloor/ledger"), tip);
}

/// What three people say of one bead without knowing of each other.
#[test]
fn edits_of_several_clones_are_all_kept_and_the_later_of_one_field_stands() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two, three] = clones(&world, &hub, ["one", "two", "three"]);
    let id = one.git("bead create Draw -l a,b --set-metadata k=0 --silent").ok().line();
    for place in [&one, &two, &three] {
        place.git("bead sync").ok();
    }
    let edit = |place: &Place<'_>, name: &str, words: &str| {
        place.git(&format!("config user.name {name}")).ok();
        place.git(&format!("bead update {id} {words}")).ok();
        let is = &place.json(&format!("bead show {id} --full --json"))[0];
        assert_eq!(is["updated_by"], name, "whoever changed it last is told at once");
    };
    edit(&one, "Ann", "--design lines --set-metadata a=1 --add-label c --title Ann");
    edit(&two, "Ben", "--notes soon --set-metadata b=2 --remove-label a --add-label d");
    edit(&two, "Ben", "--title Ben");
    edit(&three, "Cid", "--append-notes later --unset-metadata k -p 0");
    for place in [&three, &one, &two, &one, &three] {
        place.git("bead sync").ok();
    }
    let [first, ..] =
        [&one, &two, &three].map(|place| place.json(&format!("bead show {id} --json"))[0].clone());
    for place in [&two, &three] {
        assert_eq!(place.json(&format!("bead show {id} --json"))[0], first);
    }
    assert_eq!(first["metadata"], json!({"a": 1, "b": 2}));
    let mut labels: Vec<_> = first["labels"].as_array().unwrap().iter().collect();
    labels.sort_by_key(ToString::to_string);
    assert_eq!(labels, ["b", "c", "d"]);
    assert_eq!((&first["design"], &first["priority"]), (&json!("lines"), &json!(0)));
    assert_eq!(first["title"], "Ben", "the later in the order of the ledger");
    let log = three.git(&format!("bead log {id} --do bead.edited")).ok().out;
    assert!(log.lines().any(|line| line.contains("Ann ") && line.contains("title=Ann")), "{log}");
}
