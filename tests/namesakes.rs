//! Claims of one name from clones that could not ask each other: the hub tells which was first, and who
//! came second holds nothing, although name and epoch are those of the holder.

use crate::claims::floor;
use crate::support::{Place, Ran, Sandbox};

/// What an agent without a session does here.
fn toast(place: &Place<'_>, words: &str) -> Ran {
    place.sh(&format!("SHOPFLOOR_AGENT=toast SHOPFLOOR_EPOCH=1 git {words}"))
}

/// Both clones push to their own queue, and nothing lands by itself.
fn set_up(places: &[Place<'_>]) {
    for place in places {
        place.git("bead init --yes --route all").ok();
        place.git("config shopfloor.autorun false").ok();
    }
}

/// One commit on a branch of its own that says whose it is.
fn work(place: &Place<'_>, bead: &str, by: &str) {
    place.git("switch -q -c work").ok();
    place.commit("work", "text\n", &format!("Do it\n\nBead: {bead}{by}")).ok();
}

fn status(place: &Place<'_>, bead: &str) -> String {
    let shown = place.json(&format!("bead show {bead} --json"));
    shown[0]["status"].as_str().unwrap().to_owned()
}

#[test]
fn who_came_second_does_not_act_for_its_namesake() {
    let world = Sandbox::new();
    let (_, places, beads) = floor(&world, ["one", "two"], 1);
    let ([one, two], bead) = (&places, beads[0].as_str());
    set_up(&places);
    for place in &places {
        toast(place, &format!("bead update {bead} --claim")).ok();
    }
    one.git("bead sync").ok();
    let lost = two.git("bead sync").ok();
    assert!(lost.out.contains("is held by toast in another clone, who was first"), "{lost}");
    one.git("bead sync").ok();
    let no = ["toast holds it in another clone (epoch 1)", "the claim made here was withdrawn"];
    toast(two, &format!("bead close {bead} --reason mine"))
        .fails(3)
        .says(&no)
        .says(&["hint: `git bead ready --claim` takes another one"]);
    toast(two, &format!("bead update {bead} --title mine")).fails(3).says(&no);
    toast(two, &format!("bead update {bead} --status open")).fails(3).says(&no);
    for place in &places {
        work(place, bead, "\nAgent: toast");
    }
    let stale = "stop work on this bead";
    toast(two, "refinery submit work").fails(3).says(&no).says(&[stale]);
    toast(two, "push origin work:main").fails(1).says(&no[..1]).says(&[stale]);
    two.git("bead sync").ok();
    // Nothing of that is in the way of who was first.
    toast(one, &format!("bead update {bead} --title theirs")).ok();
    toast(one, "push origin work:main").ok();
    toast(one, &format!("bead close {bead} --reason mine")).fails(3).says(&["closes when main#1"]);
    one.git("refinery run --drain").ok();
    assert_eq!(status(one, bead), "closed");
}

/// A person is told how to do it all the same: nothing keeps an overseer from what they say openly.
#[test]
fn a_person_does_not_act_for_themselves_elsewhere_without_saying_so() {
    let world = Sandbox::new();
    let (_, places, beads) = floor(&world, ["one", "two"], 2);
    let ([one, two], bead) = (&places, beads[0].as_str());
    set_up(&places);
    for place in &places {
        place.run(["git", "config", "user.name", "Jane"]).ok();
        for bead in &beads {
            place.git(&format!("bead update {bead} --claim")).ok();
        }
        place.git("bead sync").ok();
        work(place, bead, "");
    }
    let no = ["Jane holds it in another clone (epoch 1)", "the claim made here was withdrawn"];
    two.git(&format!("bead close {bead} --reason mine"))
        .fails(3)
        .says(&no)
        .says(&["--on-behalf-of Jane` closes it for the holder"]);
    let take_over = "--claim --take-over` makes it yours here";
    two.git("refinery submit work").fails(3).says(&no).says(&[take_over]);
    two.git("push origin work:main").fails(1).says(&no[..1]).says(&[take_over]);
    two.git(&format!("bead close {} --reason mine --on-behalf-of Jane", beads[1])).ok();
    one.git("push origin work:main").ok();
    one.git("refinery run --drain").ok();
    assert_eq!(status(one, bead), "closed");
}

#[test]
fn who_takes_it_over_holds_it() {
    let world = Sandbox::new();
    let (_, places, beads) = floor(&world, ["one", "two"], 1);
    let ([one, two], bead) = (&places, beads[0].as_str());
    for place in &places {
        place.run(["git", "config", "user.name", "Jane"]).ok();
        place.git(&format!("bead update {bead} --claim")).ok();
        place.git("bead sync").ok();
    }
    two.git(&format!("bead update {bead} --claim --take-over")).ok();
    two.git(&format!("bead close {bead} --reason mine")).ok();
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    assert_eq!(status(one, bead), "closed");
}

/// A fetch has brought the other claim, and nobody has said yet which of them is over.
#[test]
fn while_two_claims_of_one_name_stand_neither_is_presented() {
    let world = Sandbox::new();
    let (_, places, beads) = floor(&world, ["one", "two"], 1);
    let ([one, two], bead) = (&places, beads[0].as_str());
    set_up(&places);
    // What it writes comes later than all that the other has written.
    two.bead("Another");
    for place in &places {
        toast(place, &format!("bead update {bead} --claim")).ok();
    }
    one.git("bead sync").ok();
    two.git("fetch --quiet origin").ok();
    work(two, bead, "\nAgent: toast");
    for words in [&format!("bead close {bead}"), &format!("bead update {bead} --title mine")] {
        toast(two, words).fails(3).says(&["two clones have claimed it as toast (epoch 1)"]);
    }
    toast(two, "refinery submit work").fails(3).says(&["git bead sync tells which was first"]);
}

/// Who was first has finished the bead by hand by the time the other's change could land.
#[test]
fn what_came_second_does_not_land_after_the_first_has_closed_it() {
    let world = Sandbox::new();
    let (_, places, beads) = floor(&world, ["one", "two"], 1);
    let ([one, two], bead) = (&places, beads[0].as_str());
    two.git("config shopfloor.autorun false").ok();
    toast(two, &format!("bead update {bead} --claim")).ok();
    work(two, bead, "\nAgent: toast");
    toast(two, "refinery submit work").ok();
    toast(one, &format!("bead update {bead} --claim")).ok();
    one.git("bead sync").ok();
    toast(one, &format!("bead close {bead} --reason theirs")).ok();
    one.git("bead sync").ok();
    let main = two.rev("main");
    let ran = two.git("refinery run --drain --json");
    assert!(ran.out.contains("stale"), "{ran}");
    assert_eq!((two.rev("main"), status(two, bead)), (main, "closed".to_owned()));
}

/// What they write would be one line, which is nobody's second.
#[test]
fn who_claims_at_the_same_moment_under_the_same_name_is_another() {
    let mut world = Sandbox::new();
    world.set("SHOPFLOOR_CLOCK", "2026-11-21T08:00:00Z");
    let (_, places, beads) = floor(&world, ["one", "two"], 2);
    let [one, two] = &places;
    for place in &places {
        toast(place, &format!("bead update {} --claim", beads[0])).ok();
        toast(place, "bead ready --claim").ok();
    }
    one.git("bead sync").ok();
    let lost = two.json("bead sync --json");
    let lost: Vec<_> = lost["withdrawn"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert!(beads.iter().all(|bead| lost.contains(&&bead.as_str().into())), "{lost:?}");
    for bead in &beads {
        toast(two, &format!("bead close {bead}")).fails(3).says(&["in another clone"]);
        toast(one, &format!("bead close {bead}")).ok();
    }
}
