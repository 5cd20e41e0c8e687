//! Many processes at once: one claim wins, and every acknowledged line is there.

use std::collections::BTreeSet;

use crate::support::{Ran, Running, Sandbox};

#[test]
fn of_64_claimants_exactly_one_wins() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    for round in 0..3 {
        let bead = repo.bead(&format!("Wanted {round}"));
        let claims: Vec<Running> = (0..64)
            .map(|_| repo.start(["git-bead", "update", &bead, "--claim", "--json"]))
            .collect();
        let ends: Vec<Ran> = claims.into_iter().map(Running::end).collect();
        let codes = |code| ends.iter().filter(|ran| ran.code == code).count();
        assert_eq!((codes(0), codes(3)), (1, 63), "{}", ends[0]);
        let log = repo.json(&format!("bead log {bead} --json"));
        let claimed = log.as_array().unwrap().iter().filter(|line| line["do"] == "bead.claimed");
        assert_eq!(claimed.count(), 1);
    }
}

#[test]
fn of_64_who_take_what_is_ready_each_gets_another_bead() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let beads: BTreeSet<String> = (0..16).map(|n| repo.bead(&format!("Work {n}"))).collect();
    let takers: Vec<Running> =
        (0..64).map(|_| repo.start(["git-bead", "ready", "--claim", "--json"])).collect();
    let mut taken = Vec::new();
    for ran in takers.into_iter().map(Running::end) {
        match ran.code {
            0 => taken.extend(ids(&ran.json())),
            code => assert_eq!(code, 1, "{ran}"),
        }
    }
    assert_eq!(taken.len(), 16);
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), beads);
}

#[test]
fn eight_writers_beside_gc_lose_nothing() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let script = "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
                    git bead create \"$0 $n\" --json || exit
                  done";
    let mut writers: Vec<Running> =
        (0..8).map(|n| repo.start(["sh", "-c", script, &format!("writer {n}")])).collect();
    while !writers.iter_mut().all(Running::over) {
        repo.sh("git pack-refs --all && git gc --quiet --prune=now").ok();
    }
    let mut promised = BTreeSet::new();
    for ran in writers.into_iter().map(Running::end) {
        let ran = ran.ok();
        let made = serde_json::Deserializer::from_str(&ran.out).into_iter::<serde_json::Value>();
        promised.extend(made.map(|bead| bead.unwrap()["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(promised.len(), 8 * 15);
    let kept: BTreeSet<String> =
        ids(&repo.json("bead list --json --limit 0")).into_iter().collect();
    assert_eq!(kept, promised);
    repo.sound();
}

/// The ids in one bead or in a list of them.
fn ids(value: &serde_json::Value) -> Vec<String> {
    let id = |bead: &serde_json::Value| bead["id"].as_str().unwrap().to_owned();
    value.as_array().map_or_else(|| vec![id(value)], |beads| beads.iter().map(id).collect())
}
