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

fn packs(repo: &Place<'_>) -> usize {
    repo.sh("ls .git/shopfloor-objects/pack/*.pack 2>/dev/null").out.lines().count()
}
