//! Finding beads: filters, the query language, words, counts, and what ought to be looked at.

use serde_json::Value;

use crate::support::{Place, Sandbox, tell};

/// A bead by words of `create`; its whole id.
#[track_caller]
fn bead(place: &Place<'_>, title: &str, words: &str) -> String {
    let call = ["git", "bead", "create", title, "--silent"];
    place.run(call.into_iter().chain(words.split_whitespace())).ok().line()
}

/// The titles that a list tells of, in its order.
#[track_caller]
fn titles(place: &Place<'_>, argv: &[&str]) -> Vec<String> {
    let told = place.run(["git", "bead"].iter().chain(argv).chain(&["--json"]));
    assert!([0, 1].contains(&told.code), "{told}");
    let all = told.json();
    let title = |bead: &Value| bead["title"].as_str().unwrap().to_owned();
    all.as_array().unwrap().iter().map(title).collect()
}

/// Six beads of several kinds, the last of them closed.
pub(crate) fn floor<'w>(world: &'w Sandbox, name: &str) -> Place<'w> {
    floor_in(world.repo(name))
}

fn floor_in(repo: Place<'_>) -> Place<'_> {
    let auth = bead(&repo, "Login", "-p 1 -t bug -l auth,ui -a toast -d the_form");
    let epic = bead(&repo, "Release", "-t epic -p 0");
    bead(&repo, "Notes", &format!("-p 3 -l docs --parent {epic} --notes NOTED"));
    bead(&repo, "Walls", &format!("-p 2 -t chore --deps {auth} -d bricks"));
    bead(&repo, "Door", "-p 4 -t feat -l auth -a joe -d the_lock");
    let last = bead(&repo, "Roof", "-p 2 -l ui -d tiles");
    repo.run(["git", "bead", "close", &last, "--reason", "done"]).ok();
    repo
}

#[test]
fn list_takes_every_filter_and_all_of_them_together() {
    let world = Sandbox::new();
    let repo = floor(&world, "api");
    let login =
        repo.json("bead list --title-contains login --json")[0]["id"].as_str().unwrap().to_owned();
    let release = repo.json("bead list -t epic --json")[0]["id"].as_str().unwrap().to_owned();
    for (words, found) in [
        ("", &["Release", "Login", "Walls", "Notes", "Door"][..]),
        ("--all", &["Release", "Login", "Roof", "Walls", "Notes", "Door"]),
        ("-s closed", &["Roof"]),
        ("-s open,closed -l ui", &["Login", "Roof"]),
        ("-s all -p 2", &["Roof", "Walls"]),
        ("-t bug,chore", &["Login", "Walls"]),
        ("-t feature", &["Door"]),
        ("--priority-min 1 --priority-max P2", &["Login", "Walls"]),
        ("-a toast", &["Login"]),
        ("--no-assignee", &["Release", "Walls", "Notes"]),
        ("-l auth -l ui", &["Login"]),
        ("--label-any docs,ui", &["Login", "Notes"]),
        ("--exclude-label auth,docs", &["Release", "Walls"]),
        ("--no-labels", &["Release", "Walls"]),
        ("--no-parent -t task --all", &["Roof"]),
        ("--desc-contains THE_", &["Login", "Door"]),
        ("--notes-contains noted", &["Notes"]),
        ("--empty-description", &["Release", "Notes"]),
        ("--created-after 1h -p 3", &["Notes"]),
        ("--created-before 1h", &[]),
        ("--updated-before tomorrow -p 0", &["Release"]),
        ("--closed-after yesterday", &["Roof"]),
        ("--closed-before yesterday", &[]),
        ("--overdue", &[]),
        ("--include-infra --include-gates -p 0", &["Release"]),
        ("--sort title", &["Door", "Login", "Notes", "Release", "Walls"]),
        ("--sort title --reverse -n 2", &["Walls", "Release"]),
        ("--sort created -n 1", &["Door"]),
    ] {
        let words: Vec<_> = ["list"].into_iter().chain(words.split_whitespace()).collect();
        assert_eq!(titles(&repo, &words), found, "{words:?}");
    }
    assert_eq!(titles(&repo, &["list", "--parent", &release]), ["Notes"]);
    assert_eq!(titles(&repo, &["list", "--id", &login]), ["Login"]);
    assert_eq!(repo.git("bead list --title-contains login -q").ok().line(), login);
    let long = repo.git("bead list -t bug --long").ok().out;
    assert!(long.contains("labels auth, ui") && long.contains("by Jane Doe"), "{long}");
    repo.git("bead list -n 1").ok().says(&["4 more; --limit 0 shows all 5"]);
    repo.git("bead list --sort colour").fails(129).says(&["is no field"]);
    repo.git("bead list --sort label").fails(129).says(&["not sorted by label"]);
    repo.git("bead list --created-after soon").fails(129).says(&["is no date"]);
    repo.git("bead list --metadata-field team").fails(129).says(&["is not KEY=VALUE"]);
}

#[test]
fn a_question_is_asked_in_words() {
    let world = Sandbox::new();
    let repo = floor(&world, "api");
    let release = repo.json("bead list -t epic --json")[0]["id"].as_str().unwrap().to_owned();
    let short = &release[..release.len() - 6];
    for (query, found) in [
        (
            "status=open AND (priority<=1 OR label=auth) AND updated>7d",
            &["Release", "Login", "Door"][..],
        ),
        ("NOT updated>7d", &[]),
        ("status=closed", &["Roof"]),
        ("status!=open", &["Roof"]),
        ("title~o and not assignee=none", &["Login", "Door"]),
        ("text~LOCK or notes~noted", &["Notes", "Door"]),
        ("created=today and priority>=3", &["Notes", "Door"]),
        ("type=feat", &["Door"]),
        ("type=bug,chore", &["Login", "Walls"]),
        ("priority!=0,P1", &["Walls", "Notes", "Door"]),
        (&format!("parent={short}"), &["Notes"]),
        (&format!("under={release}"), &["Notes"]),
        ("closed>1h", &["Roof"]),
    ] {
        assert_eq!(titles(&repo, &["query", query]), found, "{query}");
    }
    assert_eq!(titles(&repo, &["query", "label=ui"]), ["Login"]);
    let all = titles(&repo, &["query", "label=ui", "--all", "--sort", "title"]);
    assert_eq!(all, ["Login", "Roof"]);
    repo.git("bead query").fails(129);
    repo.git("bead query parent=zzzz").fails(1).says(&["no bead's id starts"]);
}

/// What people see: the place of a mistake, questions that are kept, reasons, groups, and what was then.
#[test]
fn finding_reads_as_its_story_tells() {
    let world = Sandbox::new();
    tell("tests/stories/finding.md", &world.repo("api"));
}

#[test]
fn a_question_that_is_kept_travels_with_the_ledger() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let one = world.clone_of(&hub, "one");
    one.commit("README.md", "x", "start").ok();
    one.git("push -q origin HEAD").ok();
    bead(&one, "Login", "-t bug -p 0");
    one.run(["git", "bead", "query", "type=bug AND priority<=1", "--save", "urgent"]).ok();
    one.git("bead sync").ok();
    let two = world.clone_of(&hub, "two");
    two.git("bead sync").ok();
    assert_eq!(titles(&two, &["query", "@urgent"]), ["Login"]);
    two.git("bead query --forget urgent").ok();
    two.git("bead query @urgent").fails(1).says(&["no question is kept as `urgent`"]);
    two.git("bead query --list --json").fails(1);
    let refused = two.run(["git", "bead", "query", "type=bug", "--save", "a/b"]);
    refused.fails(129).says(&["cannot be the name of a question"]);
    two.run(["git", "bead", "query", "type=", "--save", "x"])
        .fails(129)
        .says(&["a value is missing"]);
}

#[test]
fn words_are_found_wherever_they_stand() {
    let world = Sandbox::new();
    let repo = floor(&world, "api");
    let walls =
        repo.json("bead list --title-contains walls --json")[0]["id"].as_str().unwrap().to_owned();
    repo.run(["git", "bead", "comment", &walls, "ask the Maßwerk people"]).ok();
    // Beside its line, where no search of the lines would find it.
    let long = format!("{} haystack", "straw ".repeat(5_000));
    repo.write("long.md", &long);
    repo.run(["git", "bead", "create", "Barn", "--body-file", "long.md"]).ok();
    for (words, found) in [
        (&["search", "BRICK"][..], &["Walls"][..]),
        (&["search", "maßwerk"], &["Walls"]),
        (&["search", "haystack"], &["Barn"]),
        (&["search", "the", "lock"], &["Door"]),
        (&["search", "the lock"], &["Door"]),
        (&["search", "tiles"], &[]),
        (&["search", "tiles", "--all"], &["Roof"]),
        (&["search", "o", "-t", "bug"], &["Login"]),
        (&["search", "relaese"], &["Release"]),
        (&["query", "description~haystack"], &["Barn"]),
    ] {
        assert_eq!(titles(&repo, words), found, "{words:?}");
    }
    let alike = repo.git("bead search relaese --json").ok();
    assert_eq!(
        (&alike.json()[0]["fuzzy"], &alike.json()[0]["matched_in"]),
        (&true.into(), &"title".into())
    );
    repo.git("bead search").fails(129);
    repo.run(["git", "bead", "search", " "]).fails(129).says(&["nothing to look for"]);
}

/// The saved state that is searched as bytes, and what came after it was saved.
#[test]
fn what_was_saved_and_what_is_new_are_found_alike() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    for n in 0..60 {
        repo.run(["git", "bead", "create", &format!("Brick {n}"), "-d", "Of red CLAY"]).ok();
    }
    let count = |words: &str| repo.git(words).ok().out.lines().count();
    for round in 0..3 {
        assert_eq!(count("bead search clay -q -n 0"), 60 + round);
        assert_eq!(count("bead query description~clay -q -n 0"), 60 + round);
        assert_eq!(repo.json("bead count --by type --json")["total"], 60 + 2 * round);
        repo.run(["git", "bead", "create", "One more", "-d", "clay"]).ok();
        repo.run(["git", "bead", "create", "Another", "-d", "sand"]).ok();
        let sand = repo.git("bead search sand -q -n 1").ok().line();
        repo.run(["git", "bead", "close", &sand]).ok();
        repo.git("bead count").ok();
        let extra = repo.git("bead query title=Another -q --all").ok().line();
        assert!(!extra.is_empty());
        repo.run(["git", "bead", "update", extra.lines().next().unwrap(), "-t", "chore"]).ok();
    }
}

#[test]
fn no_text_of_anybody_acts_on_the_terminal() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let evil = "evil \u{1b}]0;x\u{7} \u{202e}";
    repo.run(["git", "bead", "create", "Bad", "-d", evil, "-l", "\u{202e}x"]).ok();
    repo.run(["git", "bead", "query", "title~bad", "--save", "bad"]).ok();
    for words in [
        "list --long",
        "search evil",
        "query @bad",
        "ready --explain",
        "duplicates",
        "stale -d 0",
        "count --by type",
    ] {
        let said = repo.git(&format!("bead {words}"));
        assert!(!said.out.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{said}");
    }
    let wrong = repo.run(["git", "bead", "query", "title~\"\u{1b}[2J\" OR \u{202e}=x"]).fails(129);
    assert!(!wrong.err.contains(['\u{1b}', '\u{202e}']), "{wrong}");
    assert_eq!(repo.json("bead list --json")[0]["description"], evil, "kept as data");
}

#[test]
fn what_commits_name_and_is_open_is_an_orphan() {
    let world = Sandbox::new();
    let repo = floor(&world, "api");
    let ids = repo.git("bead list --sort title -q").ok().out;
    let [door, login, notes, ..] = ids.lines().collect::<Vec<_>>()[..] else { panic!("{ids}") };
    let roof = repo.git("bead list -s closed -q").ok().line();
    repo.commit("a", "a", &format!("Fix {} at last", &door[..8])).ok();
    repo.commit("b", "b", &format!("Work\n\nBead: {login}")).ok();
    repo.commit("c", "c", &format!("Mention\n\nin the text: {notes}")).ok();
    repo.commit("d", "d", &format!("Close {roof}")).ok();
    repo.commit("e", "e", &format!("Fix {door} again")).ok();
    let found = repo.json("bead orphans --json");
    let told = |n: usize| (found[n]["title"].as_str(), found[n]["latest_commit_message"].as_str());
    assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
    assert_eq!(told(0), (Some("Door"), Some(&*format!("Fix {door} again"))));
    assert_eq!(told(1), (Some("Login"), Some("Work")));
    assert_eq!(repo.git("bead orphans -q").ok().out, format!("{door}\n{login}\n"));
    repo.git("bead orphans --branch nowhere").fails(1).says(&["there is no branch nowhere"]);
}

/// The past is what the lines up to then say, whoever asks for it.
#[test]
fn every_reading_verb_knows_the_past() {
    let mut world = Sandbox::new();
    world.set("SHOPFLOOR_CLOCK", "2026-11-01T10:00:00Z");
    let repo = world.repo("api");
    let login = bead(&repo, "Login", "-p 3");
    let then = repo.rev("refs/shopfloor/ledger");
    drop(repo);
    world.set("SHOPFLOOR_CLOCK", "2026-11-02T10:00:00Z");
    let repo = world.place("api");
    let date = "2026-11-02T12:00:00Z";
    repo.sh(&format!("GIT_COMMITTER_DATE={date} git commit -q --allow-empty -m code")).ok();
    repo.run(["git", "bead", "update", &login, "-p", "0", "--title", "Log in"]).ok();
    drop(repo);
    world.set("SHOPFLOOR_CLOCK", "2026-11-03T10:00:00Z");
    let repo = world.place("api");
    bead(&repo, "Door", "");
    repo.run(["git", "bead", "close", &login]).ok();
    repo.git(&format!("update-ref refs/keep/then {then}")).ok();
    for (when, found) in [
        ("2026-10-31", &[][..]),
        ("2026-11-01", &["Login"]),
        ("2026-11-02", &["Log in"]),
        ("2026-11-02T09:59:59Z", &["Login"]),
        ("1d", &["Log in"]),
        ("now", &["Door"]),
        ("HEAD", &["Log in"]),
        (&then, &["Login"]),
        ("refs/shopfloor/ledger", &["Door"]),
    ] {
        for verb in ["list", "ready"] {
            assert_eq!(titles(&repo, &[verb, "--as-of", when]), found, "{verb} {when}");
        }
        let asked = ["query", "status=open", "--as-of", when];
        assert_eq!(titles(&repo, &asked), found, "query {when}");
        let sought = ["search", "o", "--as-of", when];
        assert_eq!(titles(&repo, &sought), found, "search {when}");
        let count = repo.run(["git", "bead", "count", "-s", "open", "--json", "--as-of", when]);
        assert_eq!(count.json()["count"], found.len(), "{when}");
        let stats = repo.run(["git", "bead", "stats", "--json", "--as-of", when]).ok().json();
        assert_eq!(stats["summary"]["ready_issues"], found.len(), "{when}");
    }
    let show = repo
        .run(["git", "bead", "show", &login, "--as-of", "2026-11-01", "--full", "--json"])
        .ok()
        .json();
    assert_eq!((&show[0]["priority"], &show[0]["status"]), (&3.into(), &"open".into()));
    assert_eq!(show[0]["trail"].as_array().unwrap().len(), 1);
    let show =
        repo.run(["git", "bead", "show", &login, "--as-of", &then, "--full", "--json"]).ok().json();
    assert_eq!(show[0]["trail"].as_array().unwrap().len(), 1);
    repo.git("bead list --as-of nowhere").fails(1).says(&["is neither a date nor a commit"]);
}

#[test]
fn ready_is_sorted_and_narrowed_as_it_is_asked() {
    let mut world = Sandbox::new();
    world.set("SHOPFLOOR_CLOCK", "2026-10-30T10:00:00Z");
    drop(world.repo("api"));
    bead(&world.place("api"), "Eldest", "-p 3 -a toast");
    world.set("SHOPFLOOR_CLOCK", "2026-11-01T10:00:00Z");
    drop(floor_in(world.place("api")));
    world.set("SHOPFLOOR_CLOCK", "2026-11-05T10:00:00Z");
    let repo = world.place("api");
    bead(&repo, "Late", "-p 4");
    bead(&repo, "Urgent", "-p 1");
    let release = repo.json("bead list -t epic --json")[0]["id"].as_str().unwrap().to_owned();
    for (words, found) in [
        ("", &["Urgent", "Login", "Notes", "Eldest", "Late", "Door"][..]),
        ("--sort oldest -n 1", &["Eldest"]),
        ("--sort hybrid -n 2", &["Urgent", "Late"]),
        ("--unassigned", &["Urgent", "Notes", "Late"]),
        ("--label auth --exclude-label ui", &["Door"]),
        ("--label-any docs,ui", &["Login", "Notes"]),
        ("-t bug", &["Login"]),
        ("-t gate", &[]),
        (&format!("--parent {release}"), &["Notes"]),
    ] {
        let words: Vec<_> = ["ready"].into_iter().chain(words.split_whitespace()).collect();
        let told = titles(&repo, &words);
        assert_eq!(told, found, "{words:?}");
    }
    let why = repo.json("bead ready --explain --json");
    let walls =
        why["blocked"].as_array().unwrap().iter().find(|it| it["title"] == "Walls").unwrap();
    assert_eq!(walls["reasons"][0]["kind"], "waits");
    assert_eq!(why["ready"].as_array().unwrap().len(), 6);
}

/// A project of another tool: what it says of keys, of edges, and of times.
const TOLD: &str = r#"{"id":"bd-1","title":"Routed","status":"closed","priority":1,"issue_type":"task","created_at":"2025-11-01T10:00:00-08:00","updated_at":"2025-11-06T10:00:00Z","closed_at":"2025-11-05T10:00:00Z","due_at":"2025-11-04T00:00:00Z","metadata":{"gc.team":"core","gc.try":2}}
{"id":"bd-2","title":"Spawner","status":"open","priority":2,"issue_type":"task","created_at":"2025-11-02T10:00:00Z","updated_at":"2025-11-02T10:00:00Z","due_at":"2025-11-30T00:00:00Z"}
{"id":"bd-3","title":"Waits for one","status":"open","priority":2,"issue_type":"task","created_at":"2025-11-02T11:00:00Z","updated_at":"2025-11-02T11:00:00Z","dependencies":[{"issue_id":"bd-3","depends_on_id":"bd-2","type":"waits-for","created_at":"2025-11-02T11:00:00Z","created_by":"x","metadata":"{\"gate\":\"any-children\"}"}]}
{"id":"bd-4","title":"Waits for all","status":"open","priority":2,"issue_type":"task","created_at":"2025-11-02T12:00:00Z","updated_at":"2025-11-02T12:00:00Z","dependencies":[{"issue_id":"bd-4","depends_on_id":"bd-2","type":"waits-for","created_at":"2025-11-02T11:00:00Z","created_by":"x"}]}
{"id":"bd-5","title":"First child","status":"closed","priority":3,"issue_type":"task","created_at":"2025-11-02T13:00:00Z","updated_at":"2025-11-03T13:00:00Z","closed_at":"2025-11-03T13:00:00Z","dependencies":[{"issue_id":"bd-5","depends_on_id":"bd-2","type":"parent-child","created_at":"2025-11-02T13:00:00Z","created_by":"x"}]}
{"id":"bd-6","title":"Put \u202eoff","status":"open","priority":3,"issue_type":"task","created_at":"2025-11-02T14:00:00Z","updated_at":"2025-11-02T14:00:00Z","defer_until":"2999-01-01T00:00:00Z","dependencies":[{"issue_id":"bd-6","depends_on_id":"bd-2","type":"parent-child","created_at":"2025-11-02T14:00:00Z","created_by":"x"}]}
{"id":"bd-7","title":"Needs another","status":"open","priority":4,"issue_type":"task","created_at":"2025-11-02T15:00:00Z","updated_at":"2025-11-02T15:00:00Z","dependencies":[{"issue_id":"bd-7","depends_on_id":"external:api:login","type":"blocks","created_at":"2025-11-02T15:00:00Z","created_by":"x"}]}
"#;

#[test]
fn what_another_tool_told_is_found_by_its_keys_and_its_times() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.write("told.jsonl", TOLD);
    repo.git("bead import told.jsonl").ok();
    for (words, found) in [
        ("list --all --metadata-field gc.team=core", &["Routed"][..]),
        ("list --all --metadata-field gc.try=2", &["Routed"]),
        ("list --all --has-metadata-key gc.team", &["Routed"]),
        ("list --all --metadata-field gc.team=ui", &[]),
        ("query metadata.gc.team!=none", &[]),
        ("query metadata.gc.team!=none --all", &["Routed"]),
        ("list --overdue", &["Spawner"]),
        ("list --due-after 2025-11-30 --due-before 2025-12-01", &["Spawner"]),
        (
            "list --deferred --defer-after 2998-01-01 --defer-before 3000-01-01",
            &["Put \u{202e}off"],
        ),
        ("list --sort due -n 0 --all --no-parent -s all -p 1", &["Routed"]),
        ("list --created-before 2025-11-02", &[]),
        ("list --all --created-before 2025-11-02", &["Routed"]),
        ("list --closed-after 2025-11-05 --closed-before 2025-11-06", &["Routed"]),
        ("list --as-of 2025-10-31", &[]),
        ("list --as-of 2025-11-01", &["Routed"]),
        ("list --as-of 2025-11-04 -p 1", &["Routed"]),
        ("list --as-of 2025-11-05 -p 1", &[]),
        ("list --as-of 2025-11-03T12:00:00Z --title-contains child", &["First child"]),
        ("list --as-of 2025-11-03 --title-contains child", &[]),
        ("ready", &["Waits for one"]),
        ("ready --include-deferred", &["Waits for one", "Put \u{202e}off"]),
    ] {
        let words: Vec<_> = words.split_whitespace().collect();
        assert_eq!(titles(&repo, &words), found, "{words:?}");
    }
    let why = repo.git("bead ready --explain").ok().out;
    assert!(!why.contains('\u{202e}'), "{why}");
    for reason in
        ["waits for bd-6", "it is put off until 2999-01-01", "waits for external:api:login"]
    {
        assert!(why.contains(reason), "{why}");
    }
}
