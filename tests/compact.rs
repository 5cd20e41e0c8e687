//! What is long done is told in one line, and nothing of it is lost.

use crate::support::{Sandbox, tell};
use crate::sync::clones;

#[test]
fn what_is_long_done_is_told_in_one_line() {
    let mut world = Sandbox::new();
    world.set("SHOPFLOOR_CLOCK", "2026-09-01T08:00:00.000Z");
    let long = "More about the first byte, and why it was read before anybody looked. ".repeat(40);
    let repo = world.repo("api");
    repo.write("story", format!("It stops at the first byte. {long}"));
    tell("tests/stories/compact-before.md", &repo);
    world.set("SHOPFLOOR_CLOCK", "2026-11-21T08:00:00.000Z");
    tell("tests/stories/compact.md", &world.place("api"));
}

/// Where a change has landed, the digest names the commit and what it changed.
#[test]
fn a_digest_names_what_has_landed() {
    let world = Sandbox::new();
    world.person("[agents.builder]\ncommand = ['sh', '-c', 'echo 1 >greeting && git add . && git commit -qm x && git push -q origin HEAD:main']\n");
    let repo = world.repo("api");
    let text =
        "Greet the floor in a file. ".to_owned() + &"It was silent here for long. ".repeat(20);
    let id = repo.run(["git", "bead", "create", "Greet", "--silent", "-d", &text]).ok().line();
    repo.git(&format!("sling {id} builder --wait")).ok();
    let told = repo.json(&format!("bead compact {id} --json"));
    let digest = told["beads"][0]["digest"].as_str().unwrap();
    let commit = &repo.rev("main")[..10];
    assert!(digest.starts_with("Greet ("), "{digest}");
    assert!(digest.ends_with(&format!("where: greeting in {commit}")), "{digest}");
}

/// A command of the person's own writes digests; none that a clone brings does.
#[test]
fn a_command_of_the_person_writes_the_digest() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let bead = |title: &str| {
        let text = "A sentence that goes on and says the same again. ".repeat(20);
        let id = repo.run(["git", "bead", "create", title, "--silent", "-d", &text]).ok().line();
        repo.run(["git", "bead", "close", &id, "--reason", "done"]).ok();
        id
    };
    let digest = |id: &str| {
        let told = repo.run(["git", "bead", "compact", id, "--json"]).ok();
        told.json()["beads"][0]["digest"].as_str().unwrap().to_owned()
    };
    let (one, two) = (bead("One"), bead("Two"));
    world.person("digest = 'grep -o \"A sentence\" | head -1; echo more'\n");
    assert_eq!(digest(&one), "A sentence");
    world.person("digest = 'exit 3'\n");
    assert!(digest(&two).starts_with("Two (Jane Doe) | why: A sentence"));
    world.person("");
    repo.write("shopfloor.toml", "digest = 'touch ran'\n");
    repo.sh("git add . && git commit -qm policy").ok();
    let three = bead("Three");
    assert!(digest(&three).starts_with("Three (Jane Doe) | why:"));
    assert!(!repo.has("ran"));
}

/// What a digest never saw is not hidden behind it.
#[test]
fn a_digest_from_before_a_comment_was_known_does_not_hide_it() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [kim, jane] = clones(&world, &hub, ["kim", "jane"]);
    let text = "A sentence that goes on and says the same again. ".repeat(20);
    let id = kim.run(["git", "bead", "create", "One", "--silent", "-d", &text]).ok().line();
    kim.git(&format!("bead close {id} --reason done")).ok();
    let sync = || {
        for place in [&kim, &jane, &kim, &jane] {
            place.git("bead sync").ok();
        }
    };
    sync();
    kim.git(&format!("bead comment {id} WARNING")).ok();
    jane.git(&format!("bead compact {id}")).ok();
    sync();
    for place in [&kim, &jane] {
        let shown = place.git(&format!("bead show {id}")).ok().out;
        assert!(shown.contains("WARNING") && !shown.contains("In short"), "{shown}");
    }
    jane.git(&format!("bead compact {id}")).ok();
    sync();
    let shown = kim.git(&format!("bead show {id}")).ok().out;
    assert!(shown.contains(" | why: A sentence"), "{shown}");
}
