//! The ledger in every kind of repository git makes, and what happens when parts of it are gone.

use serde_json::Value;

use crate::support::{Place, Sandbox};

#[test]
fn a_bare_repository_has_a_ledger() {
    let world = Sandbox::new();
    let repo = world.bare("api.git");
    for (key, value) in [("user.name", "Jane"), ("user.email", "jane@example.org")] {
        repo.run(["git", "config", key, value]).ok();
    }
    keeps_beads(&repo);
}

#[test]
fn a_sha256_repository_has_a_ledger() {
    let world = Sandbox::new();
    keeps_beads(&world.repo_as("api", &["--object-format=sha256"]));
}

#[test]
fn a_reftable_repository_has_a_ledger() {
    let world = Sandbox::new();
    if !world.knows_reftable() {
        return;
    }
    keeps_beads(&world.repo_as("api", &["--ref-format=reftable"]));
}

#[test]
fn a_sha256_reftable_repository_has_a_ledger() {
    let world = Sandbox::new();
    if !world.knows_reftable() {
        return;
    }
    keeps_beads(&world.repo_as("api", &["--ref-format=reftable", "--object-format=sha256"]));
}

#[test]
fn linked_worktrees_and_subdirectories_share_one_ledger() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("worktree add -q ../elsewhere").ok();
    let linked = world.place("elsewhere");
    let deep = world.place("api/src/deep");
    let made = [repo.bead("here"), linked.bead("there"), deep.bead("deep")];
    for place in [&repo, &linked, &deep] {
        assert_eq!(ids(place), made);
    }
    let away = world.place("away");
    for words in ["-C ../api bead list --json", "bead -C ../api list --json"] {
        assert_eq!(away.json(words), repo.json("bead list --json"));
    }
}

#[test]
fn what_is_ours_in_the_git_directory_may_be_deleted() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let mut made = vec![repo.bead("before")];
    for round in 0..3 {
        repo.sh("rm -rf .git/shopfloor").ok();
        assert_eq!(ids(&repo), made);
        made.push(repo.bead(&format!("after {round}")));
        repo.sh("git gc --quiet --prune=now").ok();
    }
    assert_eq!(ids(&repo), made);
    assert_eq!(repo.git("fsck --no-dangling").ok().out, "");
}

#[test]
fn a_ledger_that_cannot_be_read_is_never_shown_as_empty() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    for n in 0..3 {
        repo.bead(&format!("Bead {n}"));
    }
    let tip = repo.rev("refs/shopfloor/ledger");
    let blobs = repo.sh("git ls-tree -r refs/shopfloor/ledger | awk '{print $3, $4}'").ok().line();
    let blobs = blobs.lines().filter_map(|blob| blob.split_once(' '));
    for (object, name) in blobs.chain([(tip.as_str(), "tip")]) {
        for damage in ["rm -f", "truncate -s 0", "truncate -s 20"] {
            let (dir, file) = object.split_at(2);
            let script = format!(
                "rm -rf .git/shopfloor
                 file=$(find .git -path '*/{dir}/{file}' -type f) && test -n \"$file\" || exit
                 chmod u+w \"$file\" && cp \"$file\" ../saved && echo \"$file\" && {damage} \"$file\""
            );
            let file = repo.sh(&script).ok().line();
            // What says whose ledger it is, only writers and verify ask for.
            let commands = match name {
                "of.json" => &["create X", "verify"][..],
                _ => &["list", "ready", "log", "create X", "update api-0 --claim", "blocked"],
            };
            for command in commands {
                let ran = repo.git(&format!("bead {command} --json"));
                assert_eq!(ran.code, 128, "{damage} {file}\n{ran}");
                assert_eq!(ran.out, "", "{damage} {file}\n{ran}");
            }
            assert_eq!(repo.rev("refs/shopfloor/ledger"), tip, "{damage} {file}");
            repo.run(["cp", "../saved", &file]).ok();
        }
    }
    assert_eq!(ids(&repo).len(), 3);
}

#[test]
fn a_lock_left_by_the_dead_is_no_obstacle() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("before");
    repo.sh("touch -d '1 minute ago' .git/refs/shopfloor/ledger.lock").ok();
    repo.bead("after");
    assert_eq!(ids(&repo).len(), 2);
}

#[test]
fn a_lock_that_somebody_lives_with_is_waited_for_and_then_names_them() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("before");
    for file in ["ledger.lock", "decide.lock"] {
        let path = repo.dir.join(".git/shopfloor-objects/desk").join(file);
        let own = std::process::id();
        std::fs::write(&path, format!("{own}\n")).unwrap();
        let held = std::fs::File::open(&path).unwrap();
        held.lock().unwrap();
        let told = format!("the ledger has been locked by process {own} for 10 s");
        repo.git("bead create meanwhile --json").fails(75).says(&[&told]);
        drop(held);
        repo.bead(file);
    }
    // Nobody waited for it any more, so it was not done behind anybody's back.
    assert_eq!(ids(&repo).len(), 3);
}

/// The cache is never a second truth: damaged or from another time, it changes nothing.
#[test]
fn a_damaged_cache_changes_nothing() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    // Enough of them that it is worth it to save what was read.
    let made: Vec<_> = (0..40).map(|n| repo.bead(&format!("bead {n}"))).collect();
    repo.sh("rm -r .git/shopfloor/cache; git bead list >/dev/null").ok();
    let files = repo.sh("find .git/shopfloor -type f").ok().out;
    assert!(files.contains("/cache/beads\n"), "{files}");
    for file in files.lines() {
        for damage in ["", "garbage\n", "{}"] {
            let kept = repo.sh(&format!("cp '{file}' ../kept")).code == 0;
            repo.write(file, damage);
            assert_eq!(ids(&repo), made, "{file} is {damage:?}");
            if kept {
                repo.sh(&format!("cp ../kept '{file}'")).ok();
            }
        }
    }
}

/// Write, read, and write again, with git's own housekeeping in between.
fn keeps_beads(repo: &Place<'_>) {
    let first = repo.bead("Draw the map");
    let second = repo.bead("Walk the land");
    repo.run(["git", "bead", "dep", "add", &second, &first]).ok();
    repo.run(["git", "bead", "update", &first, "--claim"]).ok();
    assert_eq!(ids(repo), [first.clone(), second.clone()]);
    repo.sh("git pack-refs --all && git gc --quiet --prune=now").ok();
    repo.run(["git", "bead", "close", &first, "--reason", "drawn"]).ok();
    assert_eq!(listed(&repo.json("bead ready --json")), [second]);
    assert_eq!(repo.json(&format!("bead show {first} --json"))[0]["status"], "closed");
    assert_eq!(repo.git("fsck --no-dangling").ok().out, "");
}

/// Every bead, in the order of making.
fn ids(place: &Place<'_>) -> Vec<String> {
    let mut beads = place.json("bead list --all --json --limit 0");
    let made = |bead: &Value| bead["created_at"].as_str().unwrap().to_owned();
    beads.as_array_mut().unwrap().sort_by_key(made);
    listed(&beads)
}

fn listed(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|bead| bead["id"].as_str().unwrap().to_owned()).collect()
}

/// What keeps writers apart, and what they have told each other, is not in what anybody may remove.
#[test]
fn who_clears_our_directory_beside_writers_loses_and_doubles_nothing() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.sh("(while [ ! -e ../done ]; do rm -rf .git/shopfloor; done) &
         for w in 1 2 3 4; do
             (for n in $(seq 12); do
                 git bead create $w-$n >/dev/null 2>&1 && echo $w-$n
             done >../told-$w) &
             writers=\"$writers $!\"
         done
         wait $writers
         touch ../done
         wait")
        .ok();
    let told = repo.sh("cat ../told-*").ok().out;
    let list = repo.json("bead list --all --limit 0 --json");
    let titles: Vec<_> =
        list.as_array().unwrap().iter().map(|bead| bead["title"].as_str().unwrap()).collect();
    assert!(!titles.is_empty());
    for title in told.lines() {
        let count = titles.iter().filter(|known| **known == title).count();
        assert_eq!(count, 1, "{title}");
    }
}
