//! Claims whose holder is heard of no more: who else may have them, and when.

use serde_json::Value;

use crate::claims::floor;
use crate::support::{Place, Ran, Sandbox};

/// What an agent says in this clone.
fn agent(place: &Place<'_>, name: &str, epoch: u64, words: &str) -> Ran {
    place.sh(&format!(
        "SHOPFLOOR_AGENT={name} SHOPFLOOR_SESSION=s-{name} SHOPFLOOR_EPOCH={epoch} git bead {words}"
    ))
}

fn held(place: &Place<'_>, bead: &str) -> (Value, Value) {
    let shown = place.json(&format!("bead show {bead} --json"));
    (shown[0]["assignee"].clone(), shown[0]["epoch"].clone())
}

fn lease(places: &[Place<'_>], length: &str) {
    for place in places {
        place.git(&format!("config shopfloor.lease {length}")).ok();
    }
}

/// Asks again and again, as somebody would, until the lease has run out.
fn take(place: &Place<'_>, name: &str, bead: &str) {
    place.wait("the lease is over", "cat .git/shopfloor/heard.json", || {
        let asked = agent(place, name, 0, &format!("update {bead} --claim --take-over"));
        assert!(asked.code == 0 || asked.code == 3, "{asked}");
        asked.code == 0
    });
}

#[test]
fn a_takeover_waits_for_the_lease_raises_the_epoch_and_the_old_holder_is_told() {
    let world = Sandbox::new();
    let (_, places, beads) = floor(&world, ["one", "two"], 1);
    let (bead, [one, two]) = (&beads[0], &places);
    agent(one, "toast", 0, &format!("update {bead} --claim")).ok();
    one.git("bead sync").ok();
    lease(&places, "1h");
    let take_over = format!("update {bead} --claim --take-over");
    agent(two, "rye", 0, &take_over)
        .fails(3)
        .says(&["held by toast (epoch 1)", "nothing was heard of toast here for 3600 s"]);
    lease(&places, "1s");
    take(two, "rye", bead);
    assert_eq!(held(two, bead), ("rye".into(), 2.into()));
    assert_eq!(two.json(&format!("bead show {bead} --json"))[0].get("provisional"), None);
    // Back again, and not knowing yet: what is written for the old claim does not stand.
    agent(one, "toast", 1, &format!("close {bead} --reason done")).ok();
    one.git("bead sync").ok();
    for words in ["close --reason done", "update --title mine", "update --status open"] {
        let (verb, rest) = words.split_once(' ').unwrap();
        agent(one, "toast", 1, &format!("{verb} {bead} {rest}")).fails(3);
    }
    agent(one, "toast", 1, &format!("update {bead} --title mine"))
        .says(&["rye holds it (epoch 2)"]);
    two.git("bead sync").ok();
    for place in &places {
        assert_eq!(held(place, bead), ("rye".into(), 2.into()));
    }
}

/// A clock that somebody set ten years ahead is nobody's silence.
#[test]
fn no_wall_clock_ends_a_lease() {
    let mut world = Sandbox::new();
    world.set("SHOPFLOOR_CLOCK", "2026-11-21T08:00:00Z");
    let bead = {
        let (_, [one, _], beads) = floor(&world, ["one", "two"], 1);
        agent(&one, "toast", 0, &format!("update {} --claim", beads[0])).ok();
        one.git("bead sync").ok();
        beads[0].clone()
    };
    world.set("SHOPFLOOR_CLOCK", "2036-11-21T08:00:00Z");
    let two = world.place("two");
    two.git("bead sync").ok();
    let take_over = format!("update {bead} --claim --take-over");
    for _ in 0..2 {
        agent(&two, "rye", 0, &take_over).fails(3);
    }
    assert_eq!(held(&two, &bead), ("toast".into(), 1.into()));
}

/// Whatever a holder writes renews the lease, once it has arrived where somebody waits.
#[test]
fn a_word_of_the_holder_renews_the_lease() {
    let world = Sandbox::new();
    let (_, places, beads) = floor(&world, ["one", "two"], 2);
    let (bead, [one, two]) = (&beads[0], &places);
    lease(&places, "1s");
    agent(one, "toast", 0, &format!("update {bead} --claim")).ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    let silent = |place: &Place<'_>| {
        let heard: Value = serde_json::from_str(&place.read(".git/shopfloor/heard.json")).unwrap();
        let claims = heard["told"]["claims"].as_object().unwrap();
        claims.values().next().unwrap()["silent"]["secs"].as_u64().unwrap()
    };
    two.wait("a second has passed in silence", "true", || {
        two.git("bead sync").ok();
        silent(two) > 0
    });
    agent(one, "toast", 1, &format!("comment {} elsewhere", beads[1])).ok();
    one.git("bead sync").ok();
    let take_over = format!("update {bead} --claim --take-over");
    agent(two, "rye", 0, &take_over).fails(3).says(&["toast", "whose lease runs"]);
}

#[test]
fn an_overseer_need_not_wait_and_needs_no_remote() {
    let world = Sandbox::new();
    let (_, [one, two], beads) = floor(&world, ["one", "two"], 1);
    let bead = &beads[0];
    agent(&one, "toast", 0, &format!("update {bead} --claim")).ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    two.git("remote set-url origin ../nowhere.git").ok();
    agent(&two, "rye", 0, &format!("update {bead} --claim --take-over"))
        .fails(75)
        .says(&["origin cannot be reached"]);
    two.git(&format!("bead update {bead} --claim --take-over")).ok();
    assert_eq!(held(&two, bead), ("two".into(), 2.into()));
}

/// The remote got a word of the holder before it got the takeover: then that never was.
#[test]
fn a_takeover_that_comes_after_a_word_of_the_holder_is_withdrawn() {
    let world = Sandbox::new();
    let (hub, places, beads) = floor(&world, ["one", "two"], 1);
    let (bead, [one, two]) = (&beads[0], &places);
    lease(&places, "1s");
    agent(one, "toast", 0, &format!("update {bead} --claim")).ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    // What is taken over does not get through.
    hub.script("hooks/pre-receive", "#!/bin/sh\nexit 1\n");
    take(two, "rye", bead);
    assert_eq!(held(two, bead), ("rye".into(), 2.into()));
    hub.sh("rm hooks/pre-receive").ok();
    agent(one, "toast", 1, &format!("close {bead} --reason 'all done'")).ok();
    one.git("bead sync").ok();
    let lost = two.json("bead sync --json");
    assert_eq!(
        (&lost["withdrawn"][0]["by"], &lost["withdrawn"][0]["id"]),
        (&"rye".into(), &bead.as_str().into())
    );
    one.git("bead sync").ok();
    for place in &places {
        let shown = place.json(&format!("bead show {bead} --json"));
        assert_eq!(
            (&shown[0]["status"], &shown[0]["close_reason"]),
            (&"closed".into(), &"all done".into())
        );
    }
}

#[test]
fn alone_a_claim_is_taken_over_as_well() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("config shopfloor.lease 1s").ok();
    let bead = repo.bead("Left behind");
    agent(&repo, "toast", 0, &format!("update {bead} --claim")).ok();
    take(&repo, "rye", &bead);
    assert_eq!(held(&repo, &bead), ("rye".into(), 2.into()));
    repo.git("config shopfloor.lease soon").ok();
    repo.git(&format!("bead update {bead} --claim --take-over"))
        .fails(128)
        .says(&["shopfloor.lease is \"soon\""]);
}

/// An agent may think for long without a word; who stays beside it says that it is there.
#[test]
fn a_session_at_work_renews_its_lease() {
    let world = Sandbox::new();
    world.program("worker", "#!/bin/sh\nwhile [ ! -e ../go ]; do sleep 0.1; done\n");
    world.person("[agents.toast]\ncommand = ['worker']\n");
    let repo = world.repo("api");
    repo.git("config shopfloor.lease 3s").ok();
    repo.run(["git", "sling", "Think about it"]).ok();
    let log = || {
        let log = repo.json("bead log --json");
        let lines = log.as_array().unwrap().iter();
        let renewed = lines.filter(|line| line["do"] == "bead.renewed");
        renewed.map(|line| line["at"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    repo.wait("the lease is renewed twice", "git sling ps", || log().len() > 1);
    repo.sh("touch ../api.worktrees/go").ok();
    let over = || repo.json("sling ps --json").as_array().unwrap().is_empty();
    repo.wait("the session is over", "git sling ps", over);
}
