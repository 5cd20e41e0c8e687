//! One queue in several clones: each lands what it has, and believes of the others what they can prove.

use serde_json::Value;

use crate::refinery::{drain, standing, submit, tree};
use crate::support::{Place, Sandbox};
use crate::sync::clones;

/// Two clones that publish to a hub, in which the refinery runs when it is told to.
fn shops(world: &Sandbox) -> [Place<'_>; 2] {
    let hub = world.bare("hub.git");
    let places = clones(world, &hub, ["one", "two"]);
    set_up(&places);
    places
}

fn set_up(places: &[Place<'_>; 2]) {
    for place in places {
        place.git("config shopfloor.autorun false").ok();
        place.git("bead init --yes").ok();
        // A story says itself when ledgers meet.
        place.git("config shopfloor.sync manual").ok();
    }
}

/// Queues one new file, from a work tree of the name.
fn queue(place: &Place<'_>, name: &str) -> u64 {
    let work = tree(place, name, "main");
    work.commit(name, "x\n", &format!("Add {name}")).ok();
    submit(&work)
}

fn acts(place: &Place<'_>, act: &str) -> Vec<Value> {
    let told = place.json("bead log --json");
    told.as_array().unwrap().iter().filter(|line| line["do"] == act).cloned().collect()
}

#[test]
fn an_entry_is_landed_by_the_clone_that_has_its_commit() {
    let world = Sandbox::new();
    let [one, two] = shops(&world);
    queue(&one, "a");
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    assert!(drain(&two).as_array().unwrap().is_empty());
    let waits = "main#1 waits for the clone that has it";
    assert!(two.git("refinery status").ok().out.contains(waits));
    two.git("refinery wait 1").fails(75).says(&["waits for the clone that has it"]);
    queue(&two, "b");
    assert_eq!(drain(&two)[0]["entry"], "main#2", "nothing stands behind it");
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    assert!(!one.git("refinery status").ok().out.contains(waits));
    assert_eq!(drain(&one)[0]["entry"], "main#1");
}

#[test]
fn what_was_held_where_the_commit_is_not_is_taken_up_where_it_is() {
    let world = Sandbox::new();
    let [one, two] = shops(&world);
    queue(&one, "a");
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    // As earlier releases did: they took it for one of their own.
    two.write(".git/refs/shopfloor/queue/main/1", format!("{}\n", one.rev("a")));
    two.git("config --unset shopfloor.publish").ok();
    let held = drain(&two);
    assert!(held[0]["held"]["said"].as_str().unwrap().starts_with("reading commit"), "{held}");
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    assert_eq!(standing(&one, &[1]), ["held"]);
    assert_eq!(drain(&one)[0]["outcome"], "landed");
}

#[test]
fn what_another_clone_has_landed_is_landed_once() {
    let world = Sandbox::new();
    let [one, two] = shops(&world);
    for name in ["a", "b"] {
        queue(&one, name);
    }
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    drain(&one);
    // The commits come here with the target, and the word for it later.
    queue(&two, "c");
    let steps = drain(&two);
    assert_eq!([&steps[0]["outcome"], &steps[1]["entry"]], ["foreign", "main#3"]);
    assert_eq!(standing(&two, &[1, 2]), ["waiting", "waiting"]);
    drain(&two);
    for place in [&two, &one, &two] {
        place.git("bead sync").ok();
    }
    one.git("pull -q --ff-only").ok();
    for place in [&one, &two] {
        assert_eq!(standing(place, &[1, 2, 3]), ["landed", "landed", "landed"]);
        assert_eq!(acts(place, "refinery.landed").len(), 3);
        place.git("refinery audit").ok();
        assert!(drain(place).as_array().unwrap().is_empty());
        assert!(place.json("refinery status --json")["foreign"].is_null());
    }
}

#[test]
fn nobody_is_accused_of_what_another_clone_can_prove() {
    let world = Sandbox::new();
    let [one, two] = shops(&world);
    queue(&one, "a");
    drain(&one);
    one.git("bead sync").ok();
    two.git("config --unset shopfloor.sync").ok();
    queue(&two, "b");
    let steps = drain(&two);
    assert_eq!(steps.as_array().unwrap().len(), 1, "{steps}");
    assert_eq!(steps[0]["outcome"], "landed");
    assert!(acts(&two, "refinery.foreign").is_empty());
    two.git("refinery audit").ok();
}

#[test]
fn a_clone_that_is_behind_is_told_to_pull_and_accuses_nobody() {
    let world = Sandbox::new();
    let [one, two] = shops(&world);
    let start = one.rev("main");
    for name in ["a", "b"] {
        queue(&two, name);
    }
    drain(&two);
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    for step in ["log -1", "fetch -q"] {
        one.git(step).ok();
        let status = one.git("refinery status").ok().out;
        assert!(status.contains("main is behind: other clones have landed"), "{status}");
        assert!(!status.contains("past the queue"), "{status}");
        let audit = one.git("refinery audit").fails(1).says(&["git pull"]).out;
        assert!(audit.contains("main is behind: other clones have landed"), "{audit}");
        assert!(drain(&one).as_array().unwrap().is_empty());
    }
    one.git("pull -q --ff-only").ok();
    one.git("refinery audit").ok();
    assert!(acts(&one, "refinery.foreign").is_empty());
    // Who takes it off the branch everywhere is told from one who is behind.
    world.place("hub.git").run(["git", "update-ref", "refs/heads/main", &start]).ok();
    one.git("fetch -q").ok();
    one.git("config shopfloor.commitOnTarget allow").ok();
    one.git("reset -q --hard origin/main").ok();
    let audit = one.git("refinery audit").fails(3).out;
    assert!(audit.contains("rewound: main#1 landed it"), "{audit}");
}

/// Their numbers met while the gate of one ran: what it then said was said of the other.
#[test]
fn a_verdict_is_about_the_change_that_was_tested_whatever_its_number_has_become() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let places = clones(&world, &hub, ["one", "two"]);
    let [one, two] = &places;
    let (began, go) = (world.root().join("began"), world.root().join("go"));
    let gate = format!(
        "touch '{}'; until test -e '{}'; do sleep 0.05; done",
        began.display(),
        go.display()
    );
    one.commit("shopfloor.toml", &format!("[gates.slow]\ncommand = \"{gate}\"\n"), "A gate").ok();
    one.git("push --quiet origin HEAD:main").ok();
    two.git("pull --quiet --ff-only origin main").ok();
    set_up(&places);
    one.git("bead trust --yes").ok();
    let first = queue(two, "theirs");
    two.git("bead sync").ok();
    // Later in the order of the ledger, so it is the one that gets another name.
    for title in ["One", "Two", "Three", "Four", "Five", "Six"] {
        one.bead(title);
    }
    let second = queue(one, "ours");
    assert_eq!(first, second, "neither knew of the other");
    let running = one.start(["git-refinery", "run", "--drain"]);
    one.wait("the gate runs", "git refinery status", || began.exists());
    one.git("bead sync").ok();
    std::fs::write(&go, "").unwrap();
    running.end().ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    for place in &places {
        let landed = acts(place, "refinery.landed");
        let ours = one.rev("ours");
        let of_ours: Vec<_> =
            landed.iter().filter(|line| line["with"]["submitted"] == *ours).collect();
        assert_eq!(of_ours.len(), 1);
        assert_eq!(of_ours[0]["on"], format!("main#{second}-{}", &ours[..10]));
    }
    assert_eq!(standing(two, &[first]), ["waiting"]);
    two.git("bead trust --yes").ok();
    two.git("pull --quiet --ff-only").ok();
    assert_eq!(drain(two)[0]["entry"], format!("main#{first}"));
    assert_eq!(standing(two, &[first]), ["landed"]);
}

/// Nobody decided between them, so both did the work. That is no rewind, and nobody went past the queue.
#[test]
fn what_two_clones_have_landed_is_told_as_that() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let places = clones(&world, &hub, ["one", "two"]);
    let [one, two] = &places;
    one.git("switch -q -c work").ok();
    one.commit("work", "x\n", "Work").ok();
    one.git("switch -q main").ok();
    one.commit("other", "x\n", "Other").ok();
    one.git("push -q origin main work").ok();
    two.git("pull -q").ok();
    for (place, hour) in places.iter().zip(["08", "09"]) {
        place.git("config shopfloor.autorun false").ok();
        place.git("refinery submit origin/work").ok();
        place
            .sh(&format!("SHOPFLOOR_CLOCK=2026-11-21T{hour}:00:00Z git refinery run --drain"))
            .ok();
    }
    let landed = [one.rev("main"), two.rev("main")];
    assert_ne!(landed[0], landed[1]);
    for place in [one, two, one] {
        place.git("bead sync").ok();
    }
    for (place, own, other) in [(one, 0, 1), (two, 1, 0)] {
        let audit = place.git("refinery audit").fails(3).out;
        let told = format!(
            "two clones landed main#1: here it is {}, elsewhere {}, with the same tree",
            &landed[own][..10],
            &landed[other][..10]
        );
        assert!(audit.contains(&told) && audit.contains("1 finding in 1 commit"), "{audit}");
        let status = place.git("refinery status").ok().out;
        assert!(!status.contains("past the queue"), "{status}");
        assert!(drain(place).as_array().unwrap().is_empty());
    }
    assert!(acts(one, "refinery.foreign").is_empty());
    // Both are on the branch, in which order ever.
    one.git("push -q origin main").ok();
    two.git("fetch -q").ok();
    two.git("config shopfloor.commitOnTarget allow").ok();
    two.git("merge -q --no-edit origin/main").ok();
    let audit = two.git("refinery audit").fails(3).out;
    assert!(!audit.contains("two clones") && audit.contains("no evidence"), "{audit}");
}
