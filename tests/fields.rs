//! What a bead is told about itself beside its texts, and how it goes away.

use serde_json::json;

use crate::support::Sandbox;

#[test]
fn due_and_deferred_beads_and_their_metadata() {
    let mut world = Sandbox::new();
    world.set("SHOPFLOOR_CLOCK", "2026-11-21T12:00:00Z");
    let repo = world.repo("api");
    let made = "bead create Map --due 2026-12-01 --defer +1d --spec-id docs/map.md";
    let made =
        repo.json(&format!("{made} --set-metadata gc.attempt=1 --set-metadata who=joan --json"));
    let id = made["id"].as_str().unwrap();
    let told = ["due_at", "defer_until", "spec_id"].map(|name| made[name].clone());
    let times = ["2026-12-01T00:00:00.000Z", "2026-11-22T12:00:00.000Z", "docs/map.md"];
    assert_eq!(told, times.map(|text| json!(text)));
    assert_eq!(made["metadata"], json!({"gc.attempt": 1, "who": "joan"}));
    repo.git("bead ready").fails(1);
    repo.git("bead ready --include-deferred").ok();
    let edit = "--set-metadata gc.attempt=2 --unset-metadata who --due= --defer=";
    let is = repo.json(&format!("bead update {id} {edit} --json"));
    assert_eq!(is["metadata"], json!({"gc.attempt": 2}));
    assert_eq!((&is["due_at"], &is["defer_until"]), (&json!(null), &json!(null)));
    repo.git("bead ready").ok();
    repo.git(&format!("bead update {id} --due someday")).fails(129).says(&["is no moment"]);
    repo.git(&format!("bead update {id} --set-metadata plain")).fails(129).says(&["KEY=VALUE"]);
}

#[test]
fn what_is_deleted_is_in_no_list_and_comes_back() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (one, other) = (repo.bead("Draw the map"), repo.bead("Walk the land"));
    repo.git(&format!("bead dep add {other} {one}")).ok();
    repo.git(&format!("bead delete {one} --reason twice")).ok();
    let ids = |words: &str| repo.json(words).as_array().unwrap().len();
    assert_eq!(ids("bead list --all --json"), 1);
    assert_eq!(ids("bead ready --json"), 1, "it holds nothing up");
    let shown = repo.git(&format!("bead show {one}")).ok().out;
    assert!(shown.contains("deleted by Jane Doe") && shown.contains(": twice"), "{shown}");
    repo.git(&format!("bead delete {one}")).fails(3).says(&["is deleted", "git bead reopen"]);
    repo.git(&format!("bead reopen {one}")).ok();
    assert_eq!(ids("bead list --json"), 2);
    let agent = "SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead";
    repo.sh(&format!("{agent} update {one} --claim")).ok();
    repo.git(&format!("bead delete {one}")).fails(3).says(&["is held by toast", "--status open"]);
}
