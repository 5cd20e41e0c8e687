//! What an agent is told at the beginning, what it is to do next, and what is remembered for all of them.

use crate::support::{Sandbox, tell};
use crate::sync::clones;

#[test]
fn an_agent_reads_what_it_needs_and_no_more() {
    let mut world = Sandbox::new();
    world.set("SHOPFLOOR_CLOCK", "2026-11-21T08:00:00.000Z");
    tell("tests/stories/prime.md", &world.repo("api"));
}

/// What an agent is told was reviewed; a file in its work tree tells it nothing.
#[test]
fn rules_are_those_of_the_target_branch() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let told = || repo.git("bead prime").ok().out;
    repo.write("shopfloor.toml", "prime = 'Run make check before you push.'\n");
    assert!(!told().contains("make check"));
    repo.sh("git add . && git commit -qm rules").ok();
    let whole = told();
    assert!(
        whole.contains("\nRules of this repository\nRun make check before you push.\n"),
        "{whole}"
    );
    repo.sh("git rm -q shopfloor.toml && mkdir .beads && echo 'Ask Jane.' >.beads/PRIME.md").ok();
    repo.sh("git add . && git commit -qm 'as beads has it'").ok();
    assert!(told().contains("\nRules of this repository\nAsk Jane.\n"));
    repo.sh("echo 'prim = 1' >shopfloor.toml && git add . && git commit -qm typo").ok();
    repo.git("bead prime").ok().says(&["unknown field `prim`"]);
}

/// A whole session's beginning from a bead nobody could read in one go.
#[test]
fn whatever_there_is_it_is_no_more_than_1500_tokens() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.sh("yes 'a sentence about 漢字 and 🚀 and \"quotes\"' | head -c 60000 >long").ok();
    let labels: Vec<_> = (0..500).map(|n| format!("label-{n}")).collect();
    repo.run(["git", "bead", "create", "Big", "--body-file", "long", "-l", &labels.join(",")]).ok();
    for n in 0..100 {
        let text = format!("lesson {n}: {}", "the same thing again and again ".repeat(20));
        repo.run(["git", "bead", "remember", &text]).ok();
    }
    repo.git("bead ready --claim").ok();
    for call in ["bead prime", "bead prime --json"] {
        let told = repo.git(call).ok().out;
        assert!(told.contains("lesson 99") && told.contains("label-0"), "{told}");
        assert!((2000..6000).contains(&told.len()), "{}: {told}", told.len());
    }
}

#[test]
fn clones_agree_on_what_is_remembered() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    one.git("bead remember first --key k").ok();
    two.git("bead remember second --key k").ok();
    for place in [&one, &two, &one] {
        place.git("bead sync").ok();
    }
    let told = one.git("bead memories --json").ok().out;
    assert_eq!(told, two.git("bead memories --json").ok().out);
    assert_eq!(one.json("bead log memory/k --json").as_array().unwrap().len(), 2);
    two.git("bead forget k").ok();
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    one.git("bead recall k").fails(1).says(&["nothing is remembered as `k`"]);
}

#[test]
fn what_another_tool_remembers_is_recalled_and_goes_back() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let record = "{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"theirs\",\"x\":1}\n";
    repo.write("in.jsonl", record);
    repo.git("bead import in.jsonl").ok();
    assert_eq!(repo.json("bead recall k --json")["value"], "theirs");
    repo.git("bead remember ours --key o").ok();
    assert_eq!(repo.git("bead export").ok().out, record, "what is said here stays here");
    let ours = "{\"_type\":\"memory\",\"key\":\"o\",\"value\":\"ours\"}\n";
    assert_eq!(repo.git("bead export --include-memories").ok().out, format!("{record}{ours}"));
    repo.run(["git", "bead", "remember", "not any more", "--key", "k"]).ok();
    let changed = "{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"not any more\"}\n";
    assert_eq!(repo.git("bead export").ok().out, changed);
    repo.git("bead import in.jsonl").ok();
    assert_eq!(repo.json("bead recall k --json")["value"], "not any more");
    repo.git("bead forget k").ok();
    assert_eq!(repo.git("bead export").ok().out, "");
}

#[test]
fn a_secret_is_not_remembered() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let ran = repo.run(["git", "bead", "remember", "use GITHUB_TOKEN=abc123 to push"]).ok();
    ran.says(&["what looks like a secret was left out"]);
    assert!(!repo.git("bead log --json").ok().out.contains("abc123"));
    let secret = format!("ghp_{}", "a1B2".repeat(9));
    let no = repo.run(["git", "bead", "remember", "x", "--key", &secret]).fails(129);
    assert!(!no.says(&["looks like a secret"]).err.contains(&secret));
    assert!(!repo.git("bead log --json").ok().out.contains(&secret));
    repo.run(["git", "bead", "remember", " "]).fails(129);
    repo.run(["git", "bead", "remember", "x", "--key", ""]).fails(129);
}

#[test]
fn what_was_just_said_again_is_told_first() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    for n in 0..22 {
        repo.git(&format!("bead remember lesson{n} --key m{n}")).ok();
    }
    repo.sh("printf 'more of it\\n' | git bead remember --stdin --key m1").ok();
    let told = repo.json("bead prime --json");
    let memories = told["memories"].as_object().unwrap();
    let first = memories.iter().next().map(|(key, text)| (key.as_str(), text.as_str().unwrap()));
    assert_eq!(first, Some(("m1", "more of it")));
    repo.git("bead remember").fails(129);
    repo.git("bead remember x --stdin").fails(129);
}

/// What was told at a commit of the ledger is told of it later, too.
#[test]
fn what_was_remembered_and_next_can_be_asked_of_the_past() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let first = repo.bead("Draw the map");
    repo.sh("git bead remember 'walls are thin' --key walls").ok();
    let then = repo.rev("refs/shopfloor/ledger");
    repo.sh("git bead remember 'walls are thick' --key walls").ok();
    repo.git("bead forget walls").ok();
    repo.git(&format!("bead close {first} --reason drawn")).ok();
    let later = repo.bead("Walk the land");
    repo.git("bead recall walls").fails(1);
    repo.git("bead memories").fails(1);
    let past = |call: &str| repo.git(&format!("bead {call} --as-of {then}")).ok();
    assert_eq!(past("memories").out, "walls: walls are thin\n");
    assert_eq!(past("recall walls").out, "walls are thin\n");
    assert_eq!(past("next --json").json()["id"], first);
    let told = past("prime --json").json();
    assert_eq!(
        (&told["memories"]["walls"], &told["ready"][0]["id"]),
        (&"walls are thin".into(), &first.into())
    );
    assert_eq!(repo.json("bead next --json")["id"], later);
}
