//! `git bead doctor`: names what is wrong and what mends it, changes nothing unless it is asked to, and
//! runs nothing that a repository brought along.

use std::fs;

use serde_json::Value;

use crate::input::sealed;
use crate::support::{Place, Ran, Sandbox};
use crate::sync::clones;

const LEDGER: &str = "refs/shopfloor/ledger";

/// The findings of one check: how bad, and what is said.
fn findings(ran: &Ran, check: &str) -> Vec<(String, String)> {
    let report = ran.json();
    let all = report["findings"].as_array().unwrap();
    let ours = all.iter().filter(|it| it["check"] == check);
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    ours.map(|it| {
        assert!(!text(it, "why").is_empty(), "{it}");
        (text(it, "level"), text(it, "what") + " -> " + &text(it, "mend"))
    })
    .collect()
}

/// One problem of this check, and the exit code that goes with it.
#[track_caller]
fn names(repo: &Place<'_>, check: &str, words: &[&str]) {
    let ran = repo.git("bead doctor --json").fails(1);
    let found = findings(&ran, check);
    let problems: Vec<_> = found.iter().filter(|(level, _)| level == "problem").collect();
    assert_eq!(problems.len(), 1, "{ran}");
    for word in words {
        assert!(problems[0].1.contains(word), "{word}\n{ran}");
    }
}

/// Everything under `.git` with its content and times, but for what a reader of files changes.
fn everything(repo: &Place<'_>) -> String {
    repo.sh("find . -printf '%p %s %T@ %m\\n' | sort; find . -type f | sort | xargs sha1sum")
        .ok()
        .out
}

#[test]
fn where_nothing_is_wrong_it_says_so() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("bead init --yes").ok();
    repo.bead("Draw the map");
    let ran = repo.git("bead doctor").ok();
    assert!(ran.out.contains("ledger of format 1, "), "{ran}");
    assert!(ran.out.ends_with(": nothing is wrong\n"), "{ran}");
    assert_eq!(repo.json("bead doctor --json")["findings"], Value::Array(Vec::new()));
}

/// In a repository that knows nothing of us, in a clone, in one with a damaged ledger.
#[test]
fn without_being_asked_to_it_changes_nothing_and_runs_nothing() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let evil = repo.dir.join("evil");
    repo.script("evil", &format!("#!/bin/sh\ntouch '{}.ran'\n", evil.display()));
    for key in ["core.fsmonitor", "core.hooksPath", "core.sshCommand", "diff.external"] {
        repo.run(["git", "config", key, evil.to_str().unwrap()]).ok();
    }
    fs::write(repo.dir.join("shopfloor.toml"), "[gates.x]\ncommand = \"touch gate.ran\"\n")
        .unwrap();
    for damage in ["true", "git bead create X", "rm -r .git/shopfloor-objects/*"] {
        repo.sh(damage).ok();
        fs::remove_file(repo.dir.join("evil.ran")).ok();
        let before = everything(&repo);
        let ran = repo.git("bead doctor --json");
        assert!(ran.code < 2, "{ran}");
        assert_eq!(everything(&repo), before, "after {damage}");
        assert!(!repo.has("evil.ran"), "after {damage}");
    }
}

#[test]
fn a_repository_that_was_not_set_up_is_no_problem() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let ran = repo.git("bead doctor --json").ok();
    let found = findings(&ran, "git hooks");
    assert_eq!(found[0].0, "note");
    assert!(found[0].1.ends_with("-> git bead init"), "{ran}");
    assert!(repo.git("bead doctor").ok().out.contains("no ledger; git "));
    world.place("outside").git("bead doctor").fails(128);
}

#[test]
fn what_is_safe_is_mended_and_said() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("bead init --yes").ok();
    let id = repo.bead("Draw the map");
    for n in 0..40 {
        repo.git(&format!("bead comment {id} {n}")).ok();
    }
    repo.git("bead list").ok();
    repo.sh("printf x >.git/shopfloor/cache/beads").ok();
    repo.sh(": >.git/objects/info/alternates && : >.git/hooks/pre-push").ok();
    repo.sh("mkdir -p .git/shopfloor/live && echo >.git/shopfloor/live/s-1.77.half").ok();
    repo.sh("touch .git/refs/shopfloor/ledger.lock .git/index.lock").ok();
    let old = "touch -d '2 hours ago' .git/shopfloor/live/s-1.77.half .git/index.lock";
    repo.sh(&format!("{old} .git/refs/shopfloor/ledger.lock")).ok();
    names(&repo, "cache", &["beads", "git bead doctor --fix"]);
    names(&repo, "alternates", &["objects/info/alternates"]);
    names(&repo, "git hooks", &["git bead doctor --fix"]);
    names(&repo, "leftovers", &["s-1.77.half"]);
    let ran = repo.git("bead doctor --fix").fails(1);
    assert_eq!(ran.out.matches("mended  ").count(), 5, "{ran}");
    // A lock that is not ours is left to whoever knows what else is running.
    assert!(ran.out.contains("one thing is wrong"), "{ran}");
    names(&repo, "locks", &["index.lock", "if no git is running here: rm "]);
    fs::remove_file(repo.dir.join(".git/index.lock")).unwrap();
    repo.git("bead doctor").ok();
    assert_eq!(repo.git("bead doctor --fix --json").ok().json()["fixed"], Value::Array(Vec::new()));
    repo.git("fsck --strict").ok();
}

#[test]
fn a_repository_that_was_moved_is_told_and_mended() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead init --yes --route all").ok();
    one.bead("Draw the map");
    one.git("bead sync").ok();
    one.git("bead doctor").ok();
    world.place(".").sh("mv one two").ok();
    let two = world.place("two");
    names(&two, "git hooks", &["before it was moved", "git bead doctor --fix"]);
    two.git("bead doctor --fix").ok();
    assert!(
        two.git("remote get-url --push origin").ok().out.starts_with(two.dir.to_str().unwrap())
    );
}

#[test]
fn a_damaged_ledger_is_named_with_the_way_back() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    one.bead("Draw the map");
    one.git("bead sync").ok();
    one.sh("find .git/shopfloor-objects -type f -delete; rm -r .git/shopfloor/cache; true").ok();
    one.git("bead list").fails(128);
    let way = format!("git fetch --refetch origin {LEDGER}");
    names(&one, "ledger", &["cannot be read whole", &way]);
    let told = one.git("bead doctor --fix").fails(1).out;
    assert!(told.contains("the ledger was not read whole; git "), "{told}");
    one.sh(&way).ok();
    one.git("bead doctor").ok();
    assert_eq!(one.json("bead list --json")[0]["title"], "Draw the map");
    // One that is gone, or went back.
    let tip = one.rev(LEDGER);
    one.git(&format!("update-ref -d {LEDGER}")).ok();
    names(&one, "ledger", &["is gone", &format!("git update-ref {LEDGER} {tip}")]);
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    for place in [".git/shopfloor", ".git/shopfloor-objects", ".git/refs/shopfloor"] {
        let ran = sealed(&repo, place, "git bead doctor --json").fails(1);
        let found = findings(&ran, "access");
        assert!(found.len() == 1 && found[0].1.contains(place), "{ran}");
    }
    repo.git("bead doctor").ok();
}

#[test]
fn a_lock_that_is_held_is_named_with_its_holder() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    let holds =
        "exec 9<>.git/shopfloor-objects/desk/ledger.lock && flock 9 && git bead doctor --json";
    let ran = repo.sh(holds).ok();
    let found = findings(&ran, "locks");
    assert!(found[0].1.starts_with("ledger.lock is held by process "), "{ran}");
    assert!(findings(&repo.git("bead doctor --json").ok(), "locks").is_empty());
}

#[test]
fn remotes_and_what_became_of_the_last_exchange_are_told() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    let told = |repo: &Place<'_>| findings(&repo.git("bead doctor --json"), "remotes");
    one.bead("Draw the map");
    let found = told(&one);
    assert!(found[0].1.ends_with("-> git bead sync origin"), "{found:?}");
    one.git("bead sync").ok();
    assert_eq!(told(&one), []);
    one.git("config shopfloor.hub upstream").ok();
    names(&one, "remotes", &["shopfloor.hub is upstream", "git remote add upstream URL"]);
    one.git("config --unset shopfloor.hub").ok();
    // A host that takes branches only.
    hub.script("hooks/update", "#!/bin/sh\ncase $1 in refs/heads/*) ;; *) exit 1 ;; esac\n");
    one.bead("Walk the land");
    // Also of an exchange that nobody named a remote for, and nobody saw.
    one.git("bead sync").fails(3);
    names(&one, "remotes", &["does not take the ledger", "git bead sync origin"]);
}

#[test]
fn what_gates_left_of_a_branch_that_is_gone_and_what_was_rescued_are_notes() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.sh("mkdir -p .git/shopfloor/gates/main .git/shopfloor/gates/old").ok();
    repo.git("update-ref refs/shopfloor/rescue/toast/s-1 HEAD").ok();
    let ran = repo.git("bead doctor --json").ok();
    let found = findings(&ran, "leftovers");
    assert_eq!(found.len(), 2, "{ran}");
    assert!(found[0].1.contains("gates/old is of a branch that is gone -> rm -r '"), "{ran}");
    assert!(found[1].1.ends_with("-> git show refs/shopfloor/rescue/toast/s-1"), "{ran}");
}

#[test]
fn copies_of_a_repository_are_told() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    repo.sh("cp -r . ../copy").ok();
    let copy = world.place("copy");
    let told = |place: &Place<'_>| findings(&place.git("bead doctor --json").ok(), "replicas");
    assert!(told(&copy)[0].1.contains("was copied or moved"));
    copy.bead("From the copy");
    assert_eq!(told(&copy), []);
    // Restored onto the same place, so that it could not notice.
    repo.sh("cp -r .git ../kept").ok();
    repo.bead("Before");
    let theirs = repo.rev(LEDGER);
    repo.git(&format!("push -q ../copy {LEDGER}:refs/shopfloor/other")).ok();
    repo.sh("rm -r .git/* && cp -r ../kept/. .git/").ok();
    repo.bead("After");
    repo.git(&format!("fetch -q ../copy refs/shopfloor/other:{LEDGER}-other")).ok();
    assert_eq!(repo.rev(&format!("{LEDGER}-other")), theirs);
    let hub = world.bare("hub.git");
    repo.run(["git", "remote", "add", "origin", hub.dir.to_str().unwrap()]).ok();
    hub.run([
        "git",
        "fetch",
        "-q",
        repo.dir.to_str().unwrap(),
        &format!("{LEDGER}-other:{LEDGER}"),
    ])
    .ok();
    repo.git("bead sync").ok();
    let found = told(&repo);
    assert!(found[0].1.contains("went on in two places"), "{found:?}");
    assert_eq!(repo.json("bead list --json").as_array().unwrap().len(), 3);
}

#[test]
fn dead_sessions_are_named_and_ended() {
    let world = Sandbox::new();
    world.program("builder", "#!/bin/sh\nexec sleep 1000\n");
    world.person("[agents.builder]\ncommand = [\"builder\"]\n");
    let repo = world.repo("api");
    repo.run(["git", "sling", "Draw the map"]).ok();
    let works = || repo.git("sling ps").ok().out.contains("  builder  working  ");
    repo.wait("the agent is at work", "git sling ps", works);
    let id = repo.json("sling ps --json")[0]["session"].as_str().unwrap().to_owned();
    repo.sh(&format!("kill -9 $(head -1 .git/shopfloor/live/{id})")).ok();
    let dead = || repo.git("bead doctor").code == 1;
    repo.wait("its runner is dead", "git bead doctor", dead);
    names(&repo, "leftovers", &[&id, "git bead doctor --fix"]);
    repo.git("bead doctor --fix").ok();
    assert_eq!(repo.git("sling ps").ok().out, "nobody is at work\n");
}
