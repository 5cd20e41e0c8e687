//! `git bead maintain`: by hand, by itself, and never two at once.

use crate::support::{Place, Sandbox};

#[test]
fn by_hand() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let bead = repo.bead("Wanted");
    repo.git(&format!("bead comment {bead} well")).ok();
    let done = repo.json("bead maintain --json");
    assert_eq!((&done["objects"], &done["cut"]), (&6.into(), &0.into()));
    assert_eq!(packs(&repo), 1);
    repo.bead("One more");
    assert_eq!(repo.git("bead maintain").ok().line(), "Nothing to pack yet");
    repo.git("gc --quiet --prune=now").ok();
    assert_eq!(repo.json(&format!("bead show {bead} --json"))[0]["comments"][0]["text"], "well");
    assert_eq!(repo.git("fsck --no-dangling").ok().out, "");
}

#[test]
fn by_itself_when_there_is_enough_to_do_and_git_may() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("First");
    repo.sh("mkdir -p .git/shopfloor-objects/17 && cd .git/shopfloor-objects/17 &&
             for n in 1 2 3 4 5 6; do echo x | git hash-object -w --stdin >/dev/null; touch $n; done")
        .ok();
    repo.git("config maintenance.auto false").ok();
    repo.bead("Second");
    assert!(!repo.has(".git/shopfloor/maintain.log"));
    repo.git("config --unset maintenance.auto").ok();
    repo.bead("Third");
    repo.wait("all is in a pack", "cat .git/shopfloor/maintain.log", || packs(&repo) == 1);
    let list = repo.json("bead list --json");
    assert_eq!(list.as_array().unwrap().len(), 3);
}

#[test]
fn never_two_at_once() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("First");
    let lock = std::fs::File::create(repo.dir.join(".git/shopfloor/maintain.lock")).unwrap();
    lock.lock().unwrap();
    repo.git("bead maintain").fails(75).says(&["somebody is at it already"]);
    drop(lock);
    repo.git("bead maintain").ok();
}

/// What killed writers had written, and what was replaced when the note of it was lost.
#[test]
fn what_nothing_leads_to_goes_and_what_anybody_needs_stays() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let objects = ".git/shopfloor-objects";
    let loose = || repo.sh(&format!("find {objects} -type f -path '*/??/*' | sort")).ok().out;
    let mut beads = Vec::new();
    for nth in 0..8 {
        let before = loose();
        let mut writer = repo.start(["git-bead", "create", &format!("Killed {nth}")]);
        while loose() == before && !writer.over() {}
        writer.kill();
        drop(writer.end());
        beads.push(repo.bead(&format!("After {nth}")));
    }
    repo.sh(&format!("rm -rf {objects}/desk")).ok();
    // A text whose line never came. One of them a person has in a file: git finds it with us.
    let put = |text: &str| {
        let to_us = format!("GIT_OBJECT_DIRECTORY=$PWD/{objects} git hash-object -w --stdin");
        let id = repo.sh(&format!("echo {text} | {to_us}")).ok().line();
        format!("{objects}/{}/{}\n", &id[..2], &id[2..])
    };
    let (wanted, stray) = (put("wanted"), put("stray"));
    repo.sh("echo wanted >wanted && git add wanted").ok();
    repo.git("bead maintain").ok();
    assert!(loose().contains(&stray), "whoever wrote it may be at work");
    repo.sh(&format!("touch -d '2 hours ago' $(find {objects} -type f -path '*/??/*')")).ok();
    let list = repo.json("bead list --all --limit 0 --json");
    let swept = repo.json("bead maintain --json")["swept"].as_u64().unwrap();
    assert!(swept > 8, "{swept}");
    assert_eq!(loose(), wanted);
    assert_eq!(repo.json("bead maintain --json")["swept"], 0);
    repo.sh("rm -rf .git/shopfloor").ok();
    assert_eq!(repo.json("bead list --all --limit 0 --json"), list);
    let there = |id: &String| list.as_array().unwrap().iter().any(|bead| bead["id"] == **id);
    assert!(beads.iter().all(there));
    assert_eq!(repo.git("fsck --strict").ok().out, "");
    repo.git("commit -qm wanted").ok();
    assert_eq!(repo.git("cat-file -p HEAD:wanted").ok().line(), "wanted");
}

fn packs(repo: &Place<'_>) -> usize {
    repo.sh("ls .git/shopfloor-objects/pack/*.pack 2>/dev/null").out.lines().count()
}
