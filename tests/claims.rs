//! Claims of clones that share a hub: what the hub has is confirmed, and nothing else stands or lands.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Place, Running, Sandbox};
use crate::sync::clones;

/// A hub with these beads in it, and clones that take its word.
pub(crate) fn floor<'w, const N: usize>(
    world: &'w Sandbox,
    names: [&str; N],
    beads: usize,
) -> (Place<'w>, [Place<'w>; N], Vec<String>) {
    let hub = world.bare("hub.git");
    let places = clones(world, &hub, names);
    let made = (0..beads).map(|n| places[0].bead(&format!("Work {n}"))).collect();
    for place in &places {
        let name = place.dir.file_name().unwrap().to_str().unwrap();
        place.git("config shopfloor.hub origin").ok();
        place.git(&format!("config user.name {name}")).ok();
        place.git("bead sync").ok();
    }
    (hub, places, made)
}

/// Who holds a bead, as this clone sees it.
fn holder(place: &Place<'_>, bead: &str) -> Value {
    place.json(&format!("bead show {bead} --full --json"))[0]["assignee"].clone()
}

#[test]
fn seventeen_claims_of_four_beads_from_three_clones_leave_four() {
    let world = Sandbox::new();
    let (hub, places, beads) = floor(&world, ["one", "two", "three"], 4);
    let script =
        "git bead update $0 --claim --json; claimed=$?; git bead sync || exit; exit $claimed";
    let claims: Vec<Running> =
        (0..17).map(|n| places[n % 3].start(["sh", "-c", script, &beads[n % 4]])).collect();
    for ran in claims.into_iter().map(Running::end) {
        assert!(ran.code == 0 || ran.code == 3, "{ran}");
    }
    for place in &places {
        place.git("bead sync").ok();
    }
    let told = |place: &Place<'_>| -> Vec<Value> {
        let all = place.json("bead list --status in_progress --json --limit 0");
        all.as_array().unwrap().iter().map(|bead| bead["assignee"].clone()).collect()
    };
    assert_eq!(told(&places[0]).len(), 4);
    for place in &places {
        assert_eq!(told(place), told(&places[0]));
        assert_eq!(place.rev("refs/shopfloor/ledger"), hub.rev("refs/shopfloor/ledger"));
        for bead in &beads {
            let shown = place.json(&format!("bead show {bead} --full --json"));
            assert_eq!(shown[0].get("provisional"), None, "{shown}");
            assert_eq!(one_stands(&shown[0]["trail"]), 1, "{shown}");
        }
    }
}

/// How many of a bead's claims were neither withdrawn nor released.
fn one_stands(trail: &Value) -> usize {
    let lines = trail.as_array().unwrap();
    let of = |kind: &str, field: fn(&Value) -> &Value| -> BTreeSet<String> {
        let found = lines.iter().filter(|line| line["do"] == kind);
        found.map(|line| field(line).as_str().unwrap().to_owned()).collect()
    };
    let claimed = of("bead.claimed", |line| &line["id"]);
    claimed.difference(&of("bead.withdrawn", |line| &line["with"]["claim"])).count()
}

#[test]
fn who_comes_second_is_told_who_holds_it() {
    let world = Sandbox::new();
    let (_, [one, two], beads) = floor(&world, ["one", "two"], 1);
    let bead = &beads[0];
    let claimed = two.git(&format!("bead update {bead} --claim --json")).ok().json();
    assert_eq!(claimed["provisional"], true);
    one.git(&format!("bead update {bead} --claim")).ok();
    let synced = one.json("bead sync --json");
    assert_eq!(synced.get("withdrawn"), None);
    assert_eq!(one.json(&format!("bead show {bead} --json"))[0].get("provisional"), None);
    let synced = two.json("bead sync --json");
    assert_eq!(
        (&synced["withdrawn"][0]["holder"], &synced["withdrawn"][0]["id"]),
        (&"one".into(), &bead.as_str().into())
    );
    two.git(&format!("bead close {bead}")).fails(3).says(&["one holds it"]);
    assert_eq!(holder(&two, bead), "one");
    // The hub saw one claim that stood, and then a second one with its withdrawal.
    one.git("bead sync").ok();
    assert_eq!(holder(&one, bead), "one");
}

#[test]
fn what_is_provisional_is_not_closed() {
    let world = Sandbox::new();
    let (_, [one], beads) = floor(&world, ["one"], 1);
    let bead = &beads[0];
    one.git(&format!("bead update {bead} --claim")).ok().says(&[
        "note: origin has not heard of this claim; another clone may be first",
        "hint: `git bead sync` asks origin; until then the bead can neither be closed nor land",
    ]);
    let close = format!("bead close {bead} --reason done");
    one.git(&close)
        .fails(3)
        .says(&["is provisional: origin has not confirmed it", "git bead sync"]);
    one.git("bead sync").ok();
    one.git(&close).ok();
}

/// Who was away when the claim was taken over can write, but nothing of it stands.
#[test]
fn a_takeover_raises_the_epoch_and_the_old_holder_is_stale() {
    let world = Sandbox::new();
    let (_, [one, two], beads) = floor(&world, ["one", "two"], 2);
    let bead = &beads[0];
    one.git(&format!("bead update {bead} --claim")).ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    two.git(&format!("bead update {bead} --status open")).ok();
    let taken = two.git(&format!("bead update {bead} --claim --json")).ok().json();
    assert_eq!(taken["epoch"], 2);
    two.git("bead sync").ok();
    // It does not know yet, and closes.
    one.git(&format!("bead close {bead} --reason 'mine'")).ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    for place in [&one, &two] {
        let shown = place.json(&format!("bead show {bead} --full --json"));
        assert_eq!(
            (&shown[0]["status"], &shown[0]["assignee"]),
            (&"in_progress".into(), &"two".into())
        );
    }
    one.git(&format!("bead close {bead}")).fails(3).says(&["two holds it (epoch 2)"]);
}

/// Who deletes it has not heard of the claim, which the hub has.
#[test]
fn a_deletion_elsewhere_does_not_undo_an_accepted_claim() {
    let world = Sandbox::new();
    let (_, [one, two], beads) = floor(&world, ["one", "two"], 2);
    let [held, done] = &beads[..] else { unreachable!() };
    for bead in [held, done] {
        one.git(&format!("bead update {bead} --claim")).ok();
        two.git(&format!("bead delete {bead}")).ok();
    }
    one.git("bead sync").ok();
    one.git(&format!("bead close {done} --reason built")).ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    for place in [&one, &two] {
        let status =
            |bead| place.json(&format!("bead show {bead} --full --json"))[0]["status"].clone();
        assert_eq!((status(held), status(done)), ("in_progress".into(), "closed".into()));
    }
    assert_eq!(holder(&two, held), "one");
    one.git(&format!("bead close {held} --reason built")).ok();
}

/// What another clone said before it heard of the deletion is there again after it.
#[test]
fn words_about_a_deleted_bead_are_refused_or_kept() {
    let world = Sandbox::new();
    let (_, [one, two], beads) = floor(&world, ["one", "two"], 1);
    let bead = &beads[0];
    one.git(&format!("bead delete {bead}")).ok();
    one.git(&format!("bead comment {bead} lost?"))
        .fails(3)
        .says(&["is deleted", "git bead reopen"]);
    one.git(&format!("bead create Child --parent {bead}")).fails(3).says(&["is deleted"]);
    one.git("bead sync").ok();
    two.git(&format!("bead comment {bead} heard")).ok();
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    one.git(&format!("bead reopen {bead}")).ok();
    let shown = one.json(&format!("bead show {bead} --json"));
    assert_eq!(shown[0]["comments"][0]["text"], "heard");
}

/// Nobody takes what was free last week.
#[test]
fn the_past_is_not_claimed() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let bead = repo.bead("Work");
    repo.git("bead ready --as-of 7d --claim").fails(129);
    assert_eq!(repo.json(&format!("bead show {bead} --json"))[0]["status"], "open");
}

/// The refinery asks the hub before it lands anything, and lands nothing that the hub gave to another.
#[test]
fn a_claim_that_came_second_does_not_land() {
    let world = Sandbox::new();
    let (hub, [one, two], beads) = floor(&world, ["one", "two"], 1);
    let bead = &beads[0];
    one.git("config shopfloor.autorun false").ok();
    one.git(&format!("bead update {bead} --claim")).ok();
    one.git("switch -q -c work").ok();
    one.commit("work", "text\n", &format!("Do it\n\nBead: {bead}")).ok();
    let main = one.rev("main");
    one.git("refinery submit work").ok();
    two.git(&format!("bead update {bead} --claim")).ok();
    two.git("bead sync").ok();
    // Nobody can say whose it is.
    one.git("remote set-url origin ../nowhere.git").ok();
    one.git("refinery run --drain").fails(75).says(&["origin cannot be reached"]);
    assert_eq!(one.rev("main"), main);
    one.run(["git", "remote", "set-url", "origin", hub.dir.to_str().unwrap()]).ok();
    let ran = one.git("refinery run --drain --json");
    assert!(ran.out.contains("stale"), "{ran}");
    assert_eq!((one.rev("main"), holder(&one, bead)), (main, "two".into()));
}

/// A clone that was moved or copied writes under a name of its own, and is still the one that lost.
#[test]
fn a_clone_that_came_second_is_no_holder_wherever_it_is_moved() {
    let world = Sandbox::new();
    let (_, [one, two], beads) = floor(&world, ["one", "two"], 1);
    let bead = &beads[0];
    for place in [&one, &two] {
        place.git("config user.name jane").ok();
        place.git("config shopfloor.autorun false").ok();
        place.git(&format!("bead update {bead} --claim")).ok();
        place.git("bead sync").ok();
    }
    let close = format!("bead close {bead} --reason mine");
    let says = ["jane holds it in another clone"];
    two.git(&close).fails(3).says(&says);
    let [moved, copied] = ["moved", "copied"].map(|name| world.place(".").at(name));
    world.place(".").sh("mv two moved").ok();
    moved.git(&close).fails(3).says(&says);
    moved.bead("Under its new name");
    moved.git(&close).fails(3).says(&says);
    world.place(".").sh("cp -r moved copied").ok();
    copied.bead("Under a third one");
    for place in [&moved, &copied] {
        place.git(&close).fails(3).says(&says);
        place.git("switch -q -c work").ok();
        place.commit("work", "text\n", &format!("Do it\n\nBead: {bead}")).ok();
        place.git("refinery submit work").fails(3).says(&says);
    }
    one.git(&close).ok();
}

/// What was copied goes on under the name that the copy had until then.
#[test]
fn a_copy_does_not_lose_what_the_original_claimed_later_and_came_second_with() {
    let world = Sandbox::new();
    let (_, [one], beads) = floor(&world, ["one"], 2);
    one.git("config user.name jane").ok();
    one.git("config shopfloor.autorun false").ok();
    let says = ["jane holds it in another clone"];
    for (bead, name) in beads.iter().zip(["win", "late"]) {
        world.place(".").sh(&format!("cp -r one {name}")).ok();
        let win = world.place(".").at(name);
        win.git(&format!("bead update {bead} --claim")).ok();
        win.git("bead sync").ok();
        one.git(&format!("bead update {bead} --claim")).ok();
        let lost = world.place(".").at(format!("lost-{name}"));
        world.place(".").sh(&format!("cp -r one lost-{name}")).ok();
        one.git("bead sync").ok();
        win.git("bead sync").ok();
        lost.bead("Under a name of its own");
        lost.git("bead sync").ok();
        let close = format!("bead close {bead} --reason mine");
        for place in [&one, &lost] {
            place.git(&close).fails(3).says(&says);
        }
        win.git("switch -q -c work").ok();
        win.commit("work", "text\n", &format!("Do it\n\nBead: {bead}")).ok();
        let kept = if name == "win" { "refinery submit work" } else { &close };
        win.git(kept).ok();
    }
}

#[test]
fn a_confirmed_claim_lands() {
    let world = Sandbox::new();
    let (_, [one], beads) = floor(&world, ["one"], 1);
    let bead = &beads[0];
    one.git("config shopfloor.autorun false").ok();
    one.git(&format!("bead update {bead} --claim")).ok();
    one.git("switch -q -c work").ok();
    one.commit("work", "text\n", &format!("Do it\n\nBead: {bead}")).ok();
    one.git("refinery submit work").ok();
    one.git("refinery run --drain").ok();
    assert_eq!(one.json(&format!("bead show {bead} --json"))[0]["status"], "closed");
}

/// What an agent holds, others leave alone; a person may, and is told what that ends.
#[test]
fn what_another_agent_holds_is_tied_to_nothing_and_a_person_is_told_whose_claim_ends() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let [held, on] = ["Held", "On"].map(|title| repo.bead(title));
    repo.sh(&format!("SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead update {held} --claim"))
        .ok();
    repo.git(&format!("bead dep add {held} {on}")).ok();
    let other = "SHOPFLOOR_AGENT=bun SHOPFLOOR_SESSION=s2 git bead";
    for words in [
        format!("dep add {held} {on} -t related"),
        format!("dep add {held} external:api:login"),
        format!("dep remove {held} {on}"),
        format!("dep relate {on} {held}"),
        format!("dep unrelate {on} {held}"),
    ] {
        repo.sh(&format!("{other} {words}")).fails(3).says(&["toast holds it", "git bead comment"]);
    }
    repo.sh(&format!("{other} dep add {on} {held} -t related")).ok();
    let said = repo.git(&format!("bead defer {held}")).ok();
    said.says(&["note: this ends the claim of toast on ", "(epoch 1)"]);
    let again = repo.git(&format!("bead update {held} --status open")).ok();
    assert!(!again.err.contains("ends the claim"), "{again}");
}
