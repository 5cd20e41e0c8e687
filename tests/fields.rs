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

/// Whatever is set can be found again, and what it was before.
#[test]
fn the_log_tells_every_value_that_was_set() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let one = repo.bead("One");
    let two = ["git", "bead", "create", "Two", "--silent", "--metadata", "{\"a\":{\"b\":1}}"];
    let two = repo.run([&two[..], &["--deps", &one, "--files", "a/**,b"]].concat()).ok();
    let two = two.out.trim();
    for words in [
        "--set-metadata team=core --spec-id s.md --files a/**",
        "--files b/** --set-metadata team=edge",
        "--set sender=jo",
        "--set sender= --unset-metadata team --files=",
    ] {
        let words = ["git", "bead", "update", two].into_iter().chain(words.split(' '));
        repo.run(words.collect::<Vec<_>>()).ok();
    }
    let told = repo.git(&format!("bead log {two}")).ok().out;
    let facts: Vec<_> = told.lines().map(|line| line.split("  ").last().unwrap().trim()).collect();
    let made = format!(
        "issue_type=task links=blocks:{one} metadata.a={{\"b\":1}} priority=2 files=a/**,b title=Two"
    );
    assert_eq!(
        facts,
        [
            made.as_str(),
            "files=a/** metadata.team=core spec_id=s.md",
            "files=b/** metadata.team=edge",
            "sender=jo",
            "files= sender= metadata.team=",
        ]
    );
}
