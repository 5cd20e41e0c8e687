//! What users and tools of beads type after `git bead`, word by word, and the JSON that they read.

use serde_json::{Value, json};

use crate::support::{Place, Sandbox};

fn ids(all: &Value) -> Vec<&str> {
    all.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

/// The id of what one of beads' own commands says it has made.
#[track_caller]
fn created(repo: &Place<'_>, words: &[&str]) -> String {
    let told = repo.run(["git", "bead", "create", "--json"].iter().chain(words)).ok().json();
    told["id"].as_str().unwrap().to_owned()
}

/// The calls that Gas City makes, as far as they are ours: one bead is an object, several are an array.
#[test]
fn what_gas_city_calls_is_answered_in_its_shapes() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let epic = created(&repo, &["Release", "-t", "epic", "--priority", "1"]);
    let first = created(
        &repo,
        &[
            "Walls",
            "-t",
            "task",
            "--priority",
            "2",
            "--description",
            "bricks",
            "--assignee",
            "toast",
            "--labels",
            "gc:work,ui",
            "--parent",
            &epic,
            "--metadata",
            r#"{"gc.routed_to":"toast"}"#,
        ],
    );
    let second = created(&repo, &["Roof", "--deps", &format!("discovered-from:{first}")]);
    let show = repo.json(&format!("bead show --json {first}"));
    assert_eq!((ids(&show), &show[0]["issue_type"]), (vec![first.as_str()], &json!("task")));
    assert_eq!(
        (&show[0]["parent"], &show[0]["metadata"]["gc.routed_to"]),
        (&json!(epic), &json!("toast"))
    );
    let counts = ["dependency_count", "dependent_count", "comment_count"];
    assert!(counts.iter().all(|name| show[0][name].is_u64()), "{show}");
    let update = format!(
        "bead update --json {first} --set-metadata gc.control_epoch=2 --add-label hot --remove-label ui --status open"
    );
    let told = repo.json(&update);
    assert_eq!(
        (&told["labels"], &told["metadata"]["gc.control_epoch"]),
        (&json!(["gc:work", "hot"]), &json!(2))
    );
    repo.git(&format!("bead update --json {second} --parent {epic}")).ok();
    let added = repo.json(&format!("bead dep add {second} {first} --type blocks --json"));
    assert_eq!((&added["issue_id"], &added["depends_on_id"]), (&json!(second), &json!(first)));
    repo.git(&format!("bead dep remove {second} {first} --json")).ok();
    lists(&repo, &first, &second);
    let closed = repo.json(&format!("bead close --json {first}"));
    assert_eq!((closed["id"].as_str(), closed["status"].as_str()), (Some(&*first), Some("closed")));
    let gone = repo.json(&format!("bead delete --force --json {second}"));
    assert_eq!(gone["status"], "tombstone");
    repo.git("bead show --json nothing").fails(1);
}

/// The rest of its calls: what has no meaning here says so, and does what is left of it.
#[test]
fn what_gas_city_sets_up_is_answered() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let hooks = || repo.sh("ls .git/hooks").ok().out;
    let before = hooks();
    let told = repo.git("bead init --server -p gt --skip-hooks").ok();
    assert_eq!(told.out, "New ids start with gt-; no git hook and no push route was touched\n");
    told.says(&["note: there is no server to set up", "hint: git bead init sets up git hooks"]);
    assert_eq!((hooks(), repo.read(".git/config").contains("shopfloor/gate")), (before, false));
    repo.git("bead init -p 'G T' --skip-hooks").fails(129);
    let walls = created(&repo, &["Walls", "-t", "molecule"]);
    assert!(walls.starts_with("gt-"), "{walls}");
    let custom = repo.git("bead config set types.custom molecule,convoy").ok();
    custom.says(&["note: any word is a type here"]);
    assert_eq!(
        repo.json("bead config get --json types.custom"),
        json!({"key": "types.custom", "value": "molecule"})
    );
    let wisp = created(&repo, &["Ping", "--set", "ephemeral=true", "-a", "toast"]);
    let pinned = created(&repo, &["Rules", "--set", "ephemeral=true", "--set", "pinned=true"]);
    let none = json!({"purged_count": 0, "dry_run": false, "ids": []});
    assert_eq!(repo.json("bead purge --json"), none);
    repo.sh(&format!("SHOPFLOOR_AGENT=toast git bead update {wisp} --claim")).ok();
    for (id, by) in [(&wisp, " --on-behalf-of toast"), (&pinned, ""), (&walls, "")] {
        repo.git(&format!("bead close {id}{by}")).ok();
    }
    let would = json!({"purged_count": 1, "dry_run": true, "ids": [wisp]});
    assert_eq!(repo.json("bead purge --json --dry-run"), would);
    assert_eq!(repo.json(&format!("bead show {wisp} --json"))[0]["status"], "closed");
    let said = repo.git("bead purge").ok().out;
    assert_eq!(said, format!("Deleted {}  Ping\n", &wisp[..7]));
    assert_eq!(repo.json(&format!("bead show {wisp} --json"))[0]["status"], "tombstone");
    assert_eq!(repo.json("bead purge --json"), none);
    repo.git(&format!("bead reopen {wisp}")).ok();
}

#[test]
fn settings_are_those_of_git_and_each_is_known() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("bead config get hub").fails(1).says(&["shopfloor.hub is not set", "hint: it says "]);
    repo.git("bead config set hub origin").ok();
    assert_eq!(repo.git("config shopfloor.hub").ok().out, "origin\n");
    assert_eq!(repo.git("bead config get shopfloor.HUB").ok().out, "origin\n");
    let listed = repo.json("bead config list --json");
    let hub = listed.as_array().unwrap().iter().find(|it| it["key"] == "shopfloor.hub").unwrap();
    assert_eq!(hub["value"], "origin");
    repo.git("bead config set issue_prefix gt").ok();
    assert!(repo.bead("Walls").starts_with("gt-"));
    for (words, why) in [
        ("set trail some", "it is full, or summary, or local"),
        ("set prefix 'G T'", "cannot stand before an id"),
        ("set hubb origin", "shopfloor.toml"),
        ("set hub", "VALUE"),
        ("get", "KEY"),
    ] {
        repo.sh(&format!("git bead config {words}")).fails(129).says(&[why]);
    }
}

fn lists(repo: &Place<'_>, first: &str, second: &str) {
    for (words, found) in [
        (
            "list --json --label=gc:work --assignee=toast --status=open --type=task --all",
            vec![first],
        ),
        (
            "list --json --metadata-field gc.routed_to=toast --include-infra --include-gates --limit 5",
            vec![first],
        ),
        ("list --json --limit 0 --status=closed", vec![]),
        ("ready --json --limit 0 --exclude-type epic", vec![first, second]),
        ("ready --json -n 0 -t epic --include-ephemeral", vec![]),
        ("stale -d 30 -s open --json", vec![]),
    ] {
        let told = repo.git(&format!("bead {words}"));
        let (told, code) = (told.json(), told.code);
        let mut told = ids(&told);
        told.sort_unstable();
        let mut found = found;
        found.sort_unstable();
        assert_eq!((&told, code), (&found, i32::from(found.is_empty())), "{words}");
    }
}

/// Words that only say what is so anyway are understood, and a short word that lacks something says what.
#[test]
fn short_words_answer_for_themselves() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let [walls, roof] = [&["Walls", "-l", "ui,door"][..], &["Roof"]].map(|it| created(&repo, it));
    repo.git(&format!("bead dep add {roof} {walls}")).ok();
    assert_eq!(repo.git(&format!("bead label list {walls}")).ok().out, "[\"ui\",\"door\"]\n");
    for (words, usage) in [
        ("note", "git bead note ID TEXT"),
        ("assign", "git bead assign ID NAME"),
        ("label add", "git bead label add ID LABEL"),
    ] {
        let told = repo.git(&format!("bead {words} {walls}")).fails(129);
        assert_eq!(told.err, format!("error: that is too little to go by\nhint: {usage}\n"));
    }
    repo.sh(&format!("git bead note {walls} '- a bullet'")).ok();
    assert_eq!(repo.git("bead ready --plain -q").ok().line(), walls);
    assert_eq!(repo.json("bead statuses --json")["groups"][0]["count"], 2);
    assert_eq!(repo.json("bead types --json")["groups"][0]["group"], "task");
    let taken = repo.json("bead ready --claim --brief --json");
    assert_eq!((taken["id"].as_str(), taken.get("description")), (Some(&*walls), None));
    let closed = repo.json(&format!("bead close {walls} --suggest-next --json"));
    assert_eq!(closed["freed"][0]["id"], roof);
    repo.git(&format!("bead close {roof}")).ok();
    assert_eq!(repo.git("bead next --json").fails(1).json(), Value::Null);
}

#[test]
fn beads_own_words_for_finding_are_understood() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let epic = created(&repo, &["Release", "-t", "epic"]);
    let walls = created(&repo, &["Walls", "--parent", &epic, "-l", "ui", "-a", "toast", "-p", "1"]);
    let roof = created(&repo, &["Roof of tiles", "-t", "chore", "--deps", &walls]);
    repo.git(&format!("bead close {walls}")).ok();
    for (by, groups) in [
        ("status", json!([{"group": "open", "count": 2}, {"group": "closed", "count": 1}])),
        ("priority", json!([{"group": "P1", "count": 1}, {"group": "P2", "count": 2}])),
    ] {
        let told = repo.json(&format!("bead count --by-{by} --json"));
        assert_eq!((&told["total"], &told["groups"]), (&json!(3), &groups));
    }
    for by in ["type", "assignee", "label"] {
        let [flag, word] = [format!("--by-{by}"), format!("--by {by}")];
        assert_eq!(
            repo.json(&format!("bead count {flag} --json")),
            repo.json(&format!("bead count {word} --json"))
        );
    }
    repo.git("bead count --by-type --by-label").fails(129);
    let found = |words: &str| {
        let told = repo.git(&format!("bead {words} --json")).json();
        ids(&told).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for (words, all) in [
        ("search walls", vec![]),
        ("search walls --status all", vec![&walls]),
        ("search walls -s closed --label ui --priority-max 1", vec![&walls]),
        ("search o --no-assignee --title-contains tiles", vec![&roof]),
        ("list --exclude-type epic,chore --all", vec![&walls]),
        ("ready --exclude-type chore", vec![]),
        (&format!("show {epic} --children"), vec![&walls]),
        (&format!("show {walls} --refs"), vec![&roof]),
        (&format!("show {walls} {roof} --short"), vec![&walls, &roof]),
        ("list --flat -n 1 -t chore", vec![&roof]),
    ] {
        assert_eq!(found(words), all.into_iter().cloned().collect::<Vec<_>>(), "{words}");
    }
    let tree = repo.git("bead list --tree --all --sort title").ok().out;
    let ends = ["epic   Release", "task     Walls  @toast", "chore  Roof of tiles"];
    assert!(tree.lines().zip(ends).all(|(row, end)| row.ends_with(end)), "{tree}");
    let parsed =
        repo.run(["git", "bead", "query", "type=bug,feat and not label=ui", "--parse-only"]).ok();
    assert_eq!(parsed.line(), "(type=bug OR type=feature) AND NOT label=ui");
    repo.git("bead query --parse-only type=").fails(129).says(&["a value is missing"]);
    repo.git("bead query type=bug --save bugs --as-of yesterday").fails(129);
    repo.git("bead export -o out.jsonl").ok();
    assert_eq!(repo.read("out.jsonl"), repo.git("bead export").ok().out);
}

/// What other tools have words for and we mean otherwise says how it is meant.
#[test]
fn what_is_done_in_another_way_says_in_which() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let first = created(&repo, &["Draw the map"]);
    let second = created(&repo, &["Walk the walls", "--deps", &first]);
    let closed = repo.git(&format!("bead update {first} --status closed")).fails(129);
    closed.says(&["hint: git bead close api-"]);
    let force = repo.git(&format!("bead close {first} --force")).fails(129);
    force.says(&["nothing is closed by force", "--on-behalf-of NAME"]);
    assert_eq!(ids(&repo.json("bead list --ready --json")), [first.as_str()]);
    assert_eq!(repo.git("bead list --ready -q").ok().line(), first);
    repo.git("bead list --ready --all").fails(129);
    for call in ["bead --no-pager list", "bead list --no-pager", "convoy list --no-pager"] {
        let told = repo.git(call);
        assert!(told.code < 2, "{told}");
    }
    let plan = repo.git("bead init -p gt --dry-run --json").ok().json();
    assert_eq!(plan["prefix"], "gt");
    assert_eq!(repo.git(&format!("bead dep list {second} -q")).ok().line(), first);
    let both = [second.as_str(), first.as_str()].join("\n");
    assert_eq!(repo.git(&format!("bead dep tree {second} -q")).ok().out.trim(), both);
}

#[test]
fn what_is_long_leaves_room_for_the_rest() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    created(&repo, &["Draw the map", "-t", &"x".repeat(3000)]);
    created(&repo, &["Walk the walls"]);
    let rows = repo.git("bead list").ok().out;
    assert!(rows.lines().all(|row| row.chars().count() < 100), "{rows}");
    for query in ["(".repeat(3000), format!("{}oops", "type=bug or ".repeat(300))] {
        let no = repo.run(["git", "bead", "query", &query]).fails(129).err;
        assert!(no.lines().all(|row| row.chars().count() < 300) && no.contains("^"), "{no}");
    }
}

/// Every verb that reads beads can read those of then.
#[test]
fn every_read_can_be_asked_for_the_past() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let first = created(&repo, &["Draw the map"]);
    let then = repo.rev("refs/shopfloor/ledger");
    let second = created(&repo, &["Draw the map"]);
    repo.git(&format!("bead dep add {second} {first}")).ok();
    repo.commit("map", "x\n", &format!("Draw it\n\nBead: {first}")).ok();
    for (verb, now) in [
        ("list", 2),
        ("ready", 1),
        ("query status=open", 2),
        ("search map", 2),
        ("duplicates", 1),
        ("blocked", 1),
    ] {
        let count = |words: &str| {
            repo.git(&format!("bead {verb} --json {words}")).json().as_array().unwrap().len()
        };
        assert_eq!(count(""), now, "{verb}");
        let past = usize::from(!["duplicates", "blocked"].contains(&verb));
        assert_eq!(count(&format!("--as-of {then}")), past, "{verb}");
        assert_eq!(count("--as-of 2001-01-01"), 0, "{verb}");
    }
    let lines = |words: &str| repo.git(&format!("bead {words}")).out.lines().count();
    assert_eq!((lines("export"), lines(&format!("export --as-of {then}"))), (2, 1));
    assert_eq!((lines("log"), lines(&format!("log --as-of {then}"))), (3, 1));
    assert_eq!((lines("orphans -q"), lines("orphans -q --as-of 2001-01-01")), (1, 0));
    repo.git(&format!("bead stale -d 0 --as-of {then}"));
    repo.git("bead stale --as-of 2001-01-01").fails(1);
    repo.git(&format!("bead dep list {second}")).ok();
    repo.git(&format!("bead dep list {second} --as-of {then}")).fails(1);
    repo.git(&format!("bead comment {first} north")).ok();
    let said = format!("bead comment {first} --list");
    assert!(repo.git(&said).ok().out.contains("north"));
    repo.git(&format!("{said} --as-of {then}")).fails(1);
    repo.git(&format!("bead comment {first} south --as-of {then}")).fails(129);
}
