//! The graph of beads: trees, rings, what holds up and what frees, epics, and pictures of it all.

use serde_json::Value;

use crate::support::{Place, Sandbox, tell};

/// What people see.
#[test]
fn the_graph_reads_as_its_story_tells() {
    let world = Sandbox::new();
    tell("tests/stories/graph.md", &world.repo("api"));
}

/// A bead that waits for these; its whole id.
#[track_caller]
fn after(repo: &Place<'_>, title: &str, on: &[&str]) -> String {
    let id = repo.bead(title);
    for on in on {
        repo.git(&format!("bead dep add {id} {on}")).ok();
    }
    id
}

pub(crate) fn ids(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn dep_list_has_the_shapes_that_programs_know_from_beads() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let one = repo.bead("One");
    let two = after(&repo, "Two", &[&one]);
    let three = after(&repo, "Three", &[&one]);
    repo.git(&format!("bead dep relate {two} {three}")).ok();
    let up = repo.json(&format!("bead dep list {one} --json --direction=up"));
    assert_eq!(ids(&up), [two.as_str(), &three]);
    assert_eq!(up[0]["dependency_type"], "blocks");
    assert_eq!(up[0]["issue_type"], "task");
    let down = repo.json(&format!("bead dep list {two} --json -t blocks"));
    assert_eq!(ids(&down), [one.as_str()]);
    let edges = repo.json(&format!("bead dep list {two} {three} --json"));
    let edges: Vec<_> = edges
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| {
            let text = |name: &str| edge[name].as_str().unwrap().to_owned();
            (text("issue_id"), text("depends_on_id"), text("type"))
        })
        .collect();
    let edge = |from: &str, to: &str, kind: &str| (from.to_owned(), to.to_owned(), kind.to_owned());
    assert_eq!(
        edges,
        [
            edge(&two, &one, "blocks"),
            edge(&two, &three, "relates-to"),
            edge(&three, &one, "blocks"),
            edge(&three, &two, "relates-to"),
        ]
    );
    assert_eq!(repo.json(&format!("bead dep list {one} --json")), Value::Array(Vec::new()));
}

#[test]
fn each_spelling_of_a_dependency_means_the_same() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (one, two) = (repo.bead("One"), repo.bead("Two"));
    for words in [
        format!("dep add {two} {one}"),
        format!("dep add {two} --blocked-by {one}"),
        format!("dep add {two} --depends-on {one} --type blocks"),
        format!("dep {one} --blocks {two}"),
        format!("link {two} {one}"),
    ] {
        let added = repo.json(&format!("bead {words} --json"));
        assert_eq!(
            (&added["issue_id"], &added["depends_on_id"]),
            (&two.clone().into(), &one.clone().into())
        );
        assert_eq!((&added["status"], &added["type"]), (&"added".into(), &"blocks".into()));
        repo.git(&format!("bead dep remove {two} {one}")).ok();
    }
    repo.git("bead dep --json list -C . ").fails(129);
    repo.git(&format!("bead dep --json list {one}")).ok().json();
    repo.git(&format!("bead dep {one} --blocks {two} list {one}")).fails(129);
    repo.git("bead dep").fails(129).says(&["git bead dep add ID ON"]);
    repo.git(&format!("bead dep {one}")).fails(129);
    repo.git(&format!("bead dep add {one}")).fails(129);
    repo.git(&format!("bead dep relate {one} {one}")).fails(129);
    repo.git(&format!("bead dep unrelate {one} {two}")).fails(1);
}

/// What comes after another thing waits for it, however that is said; what says nothing is no kind.
#[test]
fn a_kind_of_link_says_what_it_means_and_nothing_is_tied_to_itself() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (one, two) = (repo.bead("One"), repo.bead("Two"));
    for kind in ["blocked-by", "depends-on"] {
        let added = repo.json(&format!("bead dep add {two} {one} -t {kind} --json"));
        assert_eq!(added["type"], "blocks");
        assert_eq!(repo.git("bead ready -q").ok().out.trim(), one);
        repo.git(&format!("bead dep remove {two} {one}")).ok();
    }
    repo.run(["git", "bead", "create", "Three", "--deps", &format!("blocked-by:{one}")]).ok();
    assert_eq!(repo.git("bead ready -q").ok().out.lines().count(), 2);
    for kind in ["", "a\nb", "bogus kind"] {
        let says = &["is no kind of link", "hint: blocks, "];
        repo.run(["git", "bead", "dep", "add", &two, &one, "-t", kind]).fails(129).says(says);
    }
    let bogus = format!("bogus kind:{one}");
    repo.run(["git", "bead", "create", "Four", "--deps", &bogus]).fails(129).says(&["no kind"]);
    repo.git(&format!("bead dep add {one} {one} -t related")).fails(3).says(&["tied to itself"]);
    repo.git(&format!("bead dep add {two} {one} -t tested-by")).ok();
    let gone = repo.json(&format!("bead dep remove {two} {one} --json"));
    assert_eq!((&gone["status"], &gone["type"]), (&"removed".into(), &"tested-by".into()));
}

#[test]
fn rings_of_a_file_are_named_once_and_can_be_cut() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let on = |id: &str, to: &str| {
        format!(
            r#"{{"id":"{id}","title":"{id}","dependencies":[{{"issue_id":"{id}","depends_on_id":"{to}","type":"blocks"}}]}}"#
        ) + "\n"
    };
    repo.write(
        "ring.jsonl",
        on("bd-1", "bd-3") + &on("bd-2", "bd-1") + &on("bd-3", "bd-2") + &on("bd-4", "bd-1"),
    );
    repo.git("bead dep cycles").ok();
    repo.git("bead import ring.jsonl").ok();
    let told = repo.git("bead dep cycles --json").fails(3).json();
    assert_eq!(told.as_array().unwrap().len(), 1);
    assert_eq!(ids(&told[0]), ["bd-1", "bd-3", "bd-2"], "each waits for the next");
    let blocked = repo.json("bead blocked --fields held_up_by --json");
    assert!(
        blocked.as_array().unwrap().iter().all(|row| row["held_up_by"][0]["begin_with"].is_null())
    );
    repo.git("bead dep remove bd-1 bd-3").ok();
    assert_eq!(repo.json("bead dep cycles --json"), Value::Array(Vec::new()));
    let begin =
        &repo.json("bead blocked --fields held_up_by --json")[1]["held_up_by"][0]["begin_with"];
    assert_eq!(begin, "bd-1");
}

#[test]
fn show_says_what_a_close_is_good_for_and_close_does_it() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let one = repo.bead("One");
    let two = after(&repo, "Two", &[&one]);
    let three = after(&repo, "Three", &[&one, &two]);
    let shown = &repo.json(&format!("bead show {one} --json"))[0];
    assert_eq!(shown["frees"], serde_json::json!([two]));
    assert_eq!(shown["stand_behind"], 2);
    let closed = repo.json(&format!("bead close {one} --json"));
    assert_eq!(ids(&closed["freed"]), [two.as_str()]);
    let shown = &repo.json(&format!("bead show {three} --json"))[0];
    assert!(shown["frees"].is_null() && shown["stand_behind"].is_null());
}

#[test]
fn an_epic_closes_when_its_children_have_and_one_at_a_time() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let epic = |title: &str| {
        let made = repo.run(["git", "bead", "create", title, "-t", "epic", "--silent"]);
        made.ok().line()
    };
    let child = |title: &str, of: &str| {
        repo.run(["git", "bead", "create", title, "--parent", of, "--silent"]).ok().line()
    };
    let (one, two) = (epic("One"), epic("Two"));
    let (a, b, c) = (child("A", &one), child("B", &one), child("C", &two));
    repo.git("bead epic status --eligible-only").fails(1);
    repo.git("bead epic close-eligible").fails(1);
    repo.git(&format!("bead close {a}")).ok();
    repo.git(&format!("bead close {one}")).fails(3).says(&["has an open child"]);
    repo.git(&format!("bead close {b}")).ok().says(&["epic close-eligible"]);
    repo.git(&format!("bead close {c}")).ok();
    let status = repo.json("bead epic status --eligible-only --json");
    assert_eq!(status.as_array().unwrap().len(), 2);
    let first = &status[0];
    assert_eq!((&first["total_children"], &first["closed_children"]), (&2.into(), &2.into()));
    assert_eq!(
        (&first["epic"]["id"], &first["eligible_for_close"]),
        (&one.clone().into(), &true.into())
    );
    assert_eq!(repo.json("bead epic close-eligible --dry-run --json"), status);
    let closed = repo.git("bead epic close-eligible --json").ok();
    assert_eq!(closed.json()["id"], one.as_str());
    let line = repo.json(&format!("bead show {two} --json"));
    assert_eq!(line[0]["status"], "open", "one a call");
    repo.git("bead epic close-eligible").ok();
    repo.git("bead epic close-eligible").fails(1);
}

#[test]
fn what_another_project_is_to_do_holds_up_until_somebody_ends_that() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let end = "external:lib:v2";
    let made = repo.git(&format!("bead create Later --deps blocks:{end} --silent")).ok().line();
    let bare = repo.git(&format!("bead create Bare --deps {end} --silent")).ok().line();
    let work = repo.bead("Work");
    let said = repo.git(&format!("bead dep add {work} {end}")).ok();
    assert!(said.line().ends_with(&format!("now waits for {end}")), "{said}");
    let again = repo.git(&format!("bead dep add {work} {end}")).ok();
    assert!(again.line().ends_with(&format!("already waits for {end}")), "{again}");
    repo.write("plan.jsonl", format!("{{\"title\":\"Planned\",\"deps\":[\"{end}\"]}}"));
    let planned = repo.git("bead create --file plan.jsonl --silent").ok().line();
    repo.git("bead ready").fails(1);
    for id in [&made, &bare, &work, &planned] {
        let tree = repo.json(&format!("bead dep tree {id} --json"));
        assert_eq!(ids(&tree), [id, end]);
        assert_eq!((&tree[1]["dependency_type"], &tree[1]["depth"]), (&"blocks".into(), &1.into()));
        let shown = repo.git(&format!("bead dep tree {id}")).ok().out;
        assert!(shown.contains(&format!("{end}  (of another project)")), "{shown}");
        let drawn = repo.git(&format!("bead dep tree {id} --format mermaid")).ok().out;
        assert!(drawn.contains(end), "{drawn}");
        repo.git(&format!("bead dep remove {id} {end}")).ok();
    }
    assert_eq!(repo.json("bead ready --json").as_array().unwrap().len(), 4);
    for wrong in ["external:", "external:lib", "external:lib:"] {
        repo.git(&format!("bead dep add {work} {wrong}"))
            .fails(129)
            .says(&["external:PROJECT:WHAT"]);
    }
    repo.git(&format!("bead create Child --parent {end}")).fails(129);
    repo.git(&format!("bead dep tree {work} --status closed")).fails(1).says(&["no such beads"]);
}

#[test]
fn what_is_over_has_no_critical_path() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let first = repo.bead("First");
    after(&repo, "Second", &[&first]);
    repo.git(&format!("bead close {first}")).ok();
    let drawn = repo.git(&format!("bead graph {first}")).ok().out;
    assert!(
        drawn.trim_end().ends_with("critical path: none, for nothing there is open"),
        "{drawn}"
    );
}

#[test]
fn an_epic_of_another_keeps_no_epic_from_being_closed() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let epic = |title: &str| {
        let made = repo.run(["git", "bead", "create", title, "-t", "epic", "--silent"]).ok().line();
        let child = repo.git(&format!("bead create Part --parent {made} --silent")).ok().line();
        repo.git(&format!("bead close {child}")).ok();
        made
    };
    let (held, free) = (epic("Held"), epic("Free"));
    let both = [held.as_str(), free.as_str()];
    assert_eq!(repo.git("bead epic status -q").ok().out.lines().collect::<Vec<_>>(), both);
    let bot = |words: &str| {
        repo.sh(&format!("SHOPFLOOR_AGENT=bot SHOPFLOOR_SESSION=s1 git bead {words}"))
    };
    bot("epic close-eligible").fails(3).says(&["nobody holds it", "--claim` takes it"]);
    bot(&format!("update {held} --claim")).ok();
    let closed =
        repo.git("bead epic close-eligible --json").ok().says(&["passed over:", "bot holds it"]);
    assert_eq!(closed.json()["id"], free.as_str());
    let no = repo.git("bead epic close-eligible").fails(3).says(&["bot holds it"]);
    let way = no.err.split('`').find(|said| said.starts_with("git bead close")).unwrap();
    repo.git(way.strip_prefix("git ").unwrap()).ok();
    repo.git("bead epic close-eligible").fails(1);
}

#[test]
fn the_critical_path_is_in_minutes_where_every_bead_has_some() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let bead = |title: &str, minutes: &str, on: &str| {
        let call = ["git", "bead", "create", title, "-e", minutes, "--silent"];
        let on = if on.is_empty() { vec![] } else { vec!["--deps", on] };
        repo.run(call.into_iter().chain(on)).ok().line()
    };
    let long = bead("Long", "90", "");
    let end = bead("End", "5", &long);
    let (one, two) = (bead("One", "10", ""), bead("Two", "10", ""));
    repo.git(&format!("bead dep add {two} {one}")).ok();
    let graph = repo.json("bead graph --json");
    assert_eq!(
        graph["critical"],
        serde_json::json!({"unit": "minutes", "total": 95, "unestimated": 0, "ids": [long, end]})
    );
    assert_eq!(
        graph["edges"][1],
        serde_json::json!({"issue_id": two, "depends_on_id": one, "type": "blocks"})
    );
    assert_eq!(
        (&graph["nodes"][1]["state"], &graph["nodes"][1]["layer"]),
        (&"waits".into(), &1.into())
    );
    let around = repo.json(&format!("bead graph {two} --critical --json"));
    assert_eq!(
        (ids(&around["nodes"]), &around["critical"]["total"]),
        (vec![one.as_str(), &two], &20.into())
    );
    repo.git(&format!("bead close {one}")).ok();
    let around = repo.json(&format!("bead graph {two} --json"));
    assert_eq!(around["nodes"][1]["state"], "closed");
    assert_eq!(around["critical"]["total"], 10);
    assert_eq!(
        ids(&repo.json("bead graph --json")["nodes"]),
        [long.as_str(), &end],
        "Two is tied to nothing open"
    );
    assert_eq!(ids(&repo.json("bead graph --all --json")["nodes"]), [long.as_str(), &end, &two]);
}

#[test]
fn a_page_holds_what_titles_say_as_text_alone() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let one = repo.bead("</title><script>alert(1)</script>\u{202e}&amp;");
    after(&repo, "]]> \" onload=\"x", &[&one]);
    let page = repo.git("bead graph --html").ok().out;
    assert_eq!(page.matches("<script>").count(), 1, "ours");
    assert!(page.contains("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}&amp;amp;"));
    assert!(!page.contains("\" onload") && !page.contains('\u{202e}'));
    assert!(!page.contains("src=") && !page.contains("url(http"), "nothing comes from elsewhere");
    for (form, raw) in [("svg", "<script>"), ("mermaid", "<script>"), ("dot", "\" onload=\"")] {
        let drawn = repo.git(&format!("bead graph --{form}")).ok().out;
        assert!(!drawn.contains(raw) || drawn.contains("\\\" onload=\\\""), "{drawn}");
        assert!(!drawn.contains('\u{202e}'), "{drawn}");
    }
    world.repo("empty").git("bead graph").fails(1).says(&["nothing to draw"]);
}

#[test]
fn what_has_open_children_is_not_offered_whatever_its_type() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let make = |words: &str| repo.git(&format!("bead create {words} --silent")).ok().line();
    let parent = make("F -t feature -p 0");
    let child = make(&format!("K --parent {parent}"));
    let first = |words: &str| repo.json(&format!("bead {words} --json"))[0]["id"].clone();
    assert_eq!(first("ready"), *child);
    let told = repo.json("bead ready --explain --json");
    assert_eq!(
        told["blocked"][0]["reasons"][0]["reason"],
        "is done by doing its children (1 open)"
    );
    let taken = repo.json("bead ready --claim --json");
    assert_eq!(taken["id"], *child);
    repo.git("bead ready --claim").fails(1).says(&["nothing is ready"]);
    let page = repo.git("bead prime").ok().out;
    assert!(!page.contains("Waiting for it"), "{page}");
    let said = format!("git bead close {}", &parent[..8]);
    repo.git(&format!("bead close {child}")).ok().says(&["all children of", &said]);
    assert_eq!(first("ready"), *parent, "what is left of it is its own");
    repo.git(&said[4..]).ok();
}
