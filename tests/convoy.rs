//! `git convoy` through the real commands: batches, their state, and that it is said once.

use serde_json::json;

use crate::support::{Place, Sandbox, tell};

#[test]
fn the_story_of_a_convoy() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("config shopfloor.prefix api").ok();
    tell("tests/stories/convoy.md", &repo);
}

fn convoy(repo: &Place<'_>, title: &str, members: &[&str]) -> String {
    let words = ["git", "convoy", "create", title, "--silent"];
    repo.run(words.iter().chain(members)).ok().line()
}

fn state(repo: &Place<'_>, id: &str) -> serde_json::Value {
    let all = repo.json("convoy list --all --json");
    all.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()["state"].clone()
}

/// What the person's notify command was given, one JSON document per call.
fn told(repo: &Place<'_>) -> Vec<serde_json::Value> {
    let heard = if repo.has("../heard") { repo.read("../heard") } else { String::new() };
    heard.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn listening(world: &Sandbox) {
    let heard = world.root().join("heard");
    world.person(&format!("notify = 'tr -d \"\\n\" >>{0}; echo >>{0}'\n", heard.display()));
}

#[test]
fn many_who_close_the_last_members_say_it_once() {
    let world = Sandbox::new();
    listening(&world);
    let repo = world.repo("api");
    let beads: Vec<_> = (0..8).map(|n| repo.bead(&format!("bead {n}"))).collect();
    let ids: Vec<_> = beads.iter().map(String::as_str).collect();
    let id = convoy(&repo, "all of them", &ids);
    let closing = |bead| repo.start(["git", "bead", "close", bead, "--reason", "done"]);
    let running: Vec<_> = ids.iter().map(|bead| closing(*bead)).collect();
    for one in running {
        one.end().ok();
    }
    assert_eq!(state(&repo, &id), "closed");
    let heard = told(&repo);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["id"], id.as_str());
    assert_eq!(heard[0]["state"], "closed");
    assert_eq!(heard[0]["members"].as_array().unwrap().len(), 8);
    assert_eq!(heard[0]["members"][0]["reason"], "done");
    let log = repo.git("bead log --json").ok().json();
    let said = |kind| log.as_array().unwrap().iter().filter(|line| line["do"] == kind).count();
    assert_eq!((said("convoy.announced"), said("mail.sent")), (1, 1));
}

#[test]
fn another_round_is_said_again() {
    let world = Sandbox::new();
    listening(&world);
    let repo = world.repo("api");
    let (one, two) = (repo.bead("one"), repo.bead("two"));
    let id = convoy(&repo, "both", &[&one]);
    repo.git(&format!("bead close {one} --reason done")).ok();
    assert_eq!(told(&repo).len(), 1);
    repo.git(&format!("bead reopen {one} --reason why-not")).ok();
    assert_eq!(state(&repo, &id), "open");
    repo.git(&format!("bead close {one} --reason again")).ok();
    assert_eq!(told(&repo).len(), 2);
    repo.git(&format!("convoy add {id} {two}")).ok();
    assert_eq!(state(&repo, &id), "open");
    repo.git(&format!("bead close {two} --reason done")).ok();
    let heard = told(&repo);
    assert_eq!(heard.len(), 3);
    assert_eq!(heard[2]["members"].as_array().unwrap().len(), 2);
}

#[test]
fn a_notify_command_that_fails_fails_nothing() {
    let world = Sandbox::new();
    world.person("notify = [\"no-such-command\"]\n");
    let repo = world.repo("api");
    let one = repo.bead("one");
    let id = convoy(&repo, "one", &[&one]);
    let closed = repo.git(&format!("bead close {one} --reason done")).ok();
    closed.says(&["is closed: one", "warning: the notify command `no-such-command` failed"]);
    assert_eq!(state(&repo, &id), "closed");
}

#[test]
fn a_notify_command_whose_caller_was_killed_is_run_by_the_next() {
    let world = Sandbox::new();
    let (heard, killed) = (world.root().join("heard"), world.root().join("killed"));
    world.person(&format!(
        "notify = 'test -e {1} || {{ touch {1}; kill -9 $PPID; exit; }}; tr -d \"\\n\" >>{0}; echo >>{0}'\n",
        heard.display(),
        killed.display()
    ));
    let repo = world.repo("api");
    let (one, two) = (repo.bead("one"), repo.bead("two"));
    let id = convoy(&repo, "one", &[&one]);
    repo.run(["git-bead", "close", &one, "--reason", "done"]).fails(137);
    assert_eq!((state(&repo, &id), told(&repo).len()), ("closed".into(), 0));
    repo.git(&format!("bead close {two} --reason done")).ok();
    assert_eq!(told(&repo)[0]["id"], id.as_str());
    repo.git(&format!("bead reopen {two}")).ok();
    repo.git(&format!("bead close {two} --reason again")).ok();
    assert_eq!(told(&repo).len(), 1, "and then no more");
}

#[test]
fn a_convoy_is_no_bead() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let one = repo.bead("one");
    let id = convoy(&repo, "one", &[&one]);
    assert_eq!(repo.json("bead list --all --json").as_array().unwrap().len(), 1);
    repo.git(&format!("bead show {id}")).fails(1);
    repo.git(&format!("convoy status {one}")).fails(1).says(&["no convoy's id starts with"]);
}

#[test]
fn what_is_wrong_is_said() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("convoy list").fails(1);
    assert_eq!(repo.git("convoy list --json").fails(1).json(), json!([]));
    repo.git("convoy status nope").fails(1).says(&["no convoy's id starts with `nope`"]);
    repo.git("convoy create title nope").fails(1).says(&["no bead's id starts with `nope`"]);
    repo.run(["git", "convoy", "create", "  "]).fails(129).says(&["needs a title"]);
    let (one, two) = (repo.bead("one"), repo.bead("two"));
    let first = convoy(&repo, "first", &[&one]);
    convoy(&repo, "second", &[&two]);
    repo.git("convoy add api- nope").fails(3).says(&["names more than one convoy", &first]);
    repo.git(&format!("convoy add {first} {one}")).fails(1).says(&["has them all"]);
    world.place("nowhere").git("convoy list").fails(128);
}
