//! Clones with object stores of their own come to one ledger over real transports.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Dice, Place, Sandbox, kills};

#[test]
fn two_clones_have_what_both_wrote() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    let mut made = vec![one.bead("from one"), one.bead("from one again")];
    let synced = one.json("bead sync --json");
    assert_eq!((&synced["received"], &synced["sent"]), (&Value::from(0), &Value::from(2)));
    made.push(two.bead("from two"));
    let synced = two.json("bead sync --json");
    assert_eq!((&synced["received"], &synced["sent"]), (&Value::from(2), &Value::from(1)));
    let synced = one.json("bead sync origin --json");
    assert_eq!((&synced["received"], &synced["sent"]), (&Value::from(1), &Value::from(0)));
    let again = one.git("bead sync").ok();
    assert_eq!(again.line(), "origin has what is here, and nothing else");
    made.sort();
    for place in [&one, &two] {
        assert_eq!(ids(place), made);
        assert_eq!(place.rev("refs/shopfloor/ledger"), hub.rev("refs/shopfloor/ledger"));
        place.sound();
    }
    hub.sound();
}

/// Each sync is one commit with one parent on top of what the remote had, however both have diverged.
#[test]
fn what_is_sent_is_a_step_forward_for_the_remote() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    hub.git("config receive.denyNonFastForwards true").ok();
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    for round in 0..4 {
        for (place, name) in [(&one, "one"), (&two, "two")] {
            for n in 0..3 {
                place.bead(&format!("{name} {round} {n}"));
            }
            place.git("bead sync").ok();
        }
    }
    let count = |which: &str| {
        hub.git(&format!("rev-list --count {which} refs/shopfloor/ledger")).ok().line()
    };
    assert_eq!((count("").as_str(), count("--min-parents=2").as_str()), ("8", "0"));
    one.git("bead sync").ok();
    assert_eq!((ids(&one).len(), ids(&one)), (24, ids(&two)));
}

#[test]
fn many_clones_at_once_all_arrive() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let places = clones(&world, &hub, ["one", "two", "three", "four"]);
    let script = "for n in 1 2 3 4; do
                    git bead create \"$0 $n\" && git bead sync || exit
                  done";
    let running: Vec<_> =
        places.iter().map(|place| place.start(["sh", "-c", script, "work"])).collect();
    for ran in running {
        ran.end().ok();
    }
    for place in &places {
        place.git("bead sync").ok();
    }
    for place in &places {
        assert_eq!(ids(place).len(), 16);
        assert_eq!(place.rev("refs/shopfloor/ledger"), hub.rev("refs/shopfloor/ledger"));
        place.sound();
    }
}

/// Both queued their first change before they knew of each other.
#[test]
fn a_number_that_two_clones_gave_is_two_entries_with_a_ref_each() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let places = clones(&world, &hub, ["one", "two"]);
    for (place, name) in places.iter().zip(["one", "two"]) {
        place.git("config shopfloor.autorun false").ok();
        place.git(&format!("switch --quiet -c {name}")).ok();
        place.commit(name, "new\n", &format!("Add {name}")).ok();
        assert_eq!(place.json("refinery submit --json")["entry"], "main#1");
        place.git(&format!("push --quiet origin {name}")).ok();
        place.git("bead sync").ok();
    }
    let [one, two] = &places;
    one.git("bead sync").ok();
    let queue = one.json("refinery status --json")["queue"].clone();
    let [first, twin] = [&queue[0], &queue[1]];
    let other = format!("main#1-{}", &twin["commit"].as_str().unwrap()[..10]);
    assert_eq!([&first["entry"], &twin["entry"]], ["main#1", &*other]);
    one.git(&format!("refinery reject {other} --reason no")).ok();
    one.git("refinery reject 1 --reason no").ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    for place in &places {
        place.git("fetch --quiet origin").ok();
        place.git("refinery run --drain").ok();
        for entry in [first, twin] {
            let name = entry["entry"].as_str().unwrap();
            let now = place.json(&format!("refinery show {name} --json"));
            assert_eq!((&now["state"], &now["commit"]), (&"rejected".into(), &entry["commit"]));
            let kept = place.rev(&format!("refs/shopfloor/queue/{}", name.replace('#', "/")));
            assert_eq!(kept, *entry["commit"].as_str().unwrap(), "{name}");
        }
    }
}

/// A clone of a directory borrows its objects, ours among them, and those are replaced there any time.
#[test]
fn a_clone_on_the_same_disk_stands_on_its_own() {
    let world = Sandbox::new();
    let one = world.repo("one");
    let made: Vec<_> = (0..3).map(|n| one.bead(&format!("bead {n}"))).collect();
    let two = world.clone_of(&one, "two");
    two.git("bead sync").ok();
    assert_eq!(two.read(".git/objects/info/alternates"), "../shopfloor-objects\n");
    world.place(".").sh("rm -rf one").ok();
    assert_eq!(ids(&two).len(), made.len());
    two.sound();
    two.bead("and one more");
}

#[test]
fn what_was_fetched_and_sent_outlives_gc() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    for n in 0..5 {
        one.bead(&format!("one {n}"));
        one.git("bead sync").ok();
        two.bead(&format!("two {n}"));
        two.git("bead sync").ok();
        for place in [&one, &two, &hub] {
            place.sh("git pack-refs --all && git gc --quiet --prune=now").ok();
            place.sound();
        }
    }
    one.git("bead sync").ok();
    assert_eq!((ids(&one).len(), ids(&one)), (10, ids(&two)));
}

#[test]
fn without_a_remote_there_is_a_clear_word() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("alone");
    repo.git("bead sync").fails(1).says(&["there is no remote to sync with", "git remote add"]);
    repo.git("bead sync upstream").fails(129).says(&["no remote is called upstream"]);
    repo.git("remote add origin ../nowhere.git").ok();
    repo.git("bead sync").fails(75).says(&["origin cannot be reached", "nothing was changed"]);
    assert_eq!(ids(&repo).len(), 1);
}

#[test]
fn where_only_branches_are_taken_one_hint_is_enough() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    hub.script(
        "hooks/update",
        "#!/bin/sh\ncase $1 in refs/heads/* | refs/tags/*) ;; *) exit 1 ;; esac\n",
    );
    let made = one.bead("for everybody");
    let hint = "git config shopfloor.remoteRef refs/heads/shopfloor/ledger";
    one.git("bead sync").fails(3).says(&["origin does not take the ledger", hint]);
    one.sh(hint).ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    assert_eq!(ids(&two), [made]);
    two.bead("an answer");
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    assert_eq!(ids(&one), ids(&two));
    assert_eq!(hub.git("for-each-ref refs/shopfloor").ok().out, "");
}

/// Over git's own protocol, as between two machines.
#[test]
fn a_daemon_serves_as_a_hub() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let base = format!("--base-path={}", world.root().display());
    let port_option = format!("--port={port}");
    let options = ["--reuseaddr", "--listen=127.0.0.1", "--export-all", "--enable=receive-pack"];
    let daemon = [&["git", "daemon", &base, &port_option][..], &options[..]].concat();
    let _daemon = world.place(".").start(daemon);
    let url = format!("git://127.0.0.1:{port}/hub.git");
    for place in [&one, &two] {
        place.run(["git", "remote", "set-url", "origin", &url]).ok();
    }
    one.wait("the daemon answers", "true", || one.git("ls-remote origin").code == 0);
    let mut made = vec![one.bead("from one"), two.bead("from two")];
    for place in [&one, &two, &one] {
        place.git("bead sync").ok();
    }
    made.sort();
    assert_eq!((ids(&one), ids(&two)), (made.clone(), made));
}

/// Where `git bead init` ran, git shows every push of the ledger to us before it takes it.
#[test]
fn a_repository_that_was_set_up_can_be_the_hub() {
    let world = Sandbox::new();
    let hub = world.repo("hub");
    let mut made = vec![hub.bead("from the hub")];
    hub.git("bead init --yes").ok();
    let url = format!("file://{}", hub.dir.display());
    world.place(".").run(["git", "clone", "--quiet", &url, "one"]).ok();
    let one = world.place("one");
    for n in 0..3 {
        made.push(one.bead(&format!("from one {n}")));
        one.git("bead sync").ok();
        made.push(hub.bead(&format!("from the hub {n}")));
    }
    one.git("bead sync").ok();
    made.sort();
    assert_eq!((ids(&one), ids(&hub)), (made.clone(), made.clone()));
    let other = world.repo("other");
    other.bead("of another project");
    let push = "+refs/shopfloor/ledger:refs/shopfloor/ledger";
    other.run(["git", "push", &url, push]).fails(1).says(&["no longer has"]);
    other.run(["git", "push", &url, ":refs/shopfloor/ledger"]).fails(1);
    assert_eq!(ids(&hub), made);
    hub.sound();
}

/// Whatever moment a sync is killed in, nothing is lost and the next one goes through.
#[test]
fn a_sync_that_is_killed_leaves_what_was() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    let mut dice = Dice::cast("kill a sync");
    let (mut killed, mut round) = (0, 0);
    while killed < kills(12) {
        round += 1;
        one.bead(&format!("one {round}"));
        two.bead(&format!("two {round}"));
        two.git("bead sync").ok();
        let before = ids(&one);
        let mut sync = one.start(["git-bead", "sync"]);
        dice.linger(Duration::from_millis(120));
        sync.kill();
        killed += usize::from(sync.end().code == 137);
        let after = ids(&one);
        assert!(before.iter().all(|id| after.contains(id)), "{before:?} {after:?}");
        one.git("bead sync").ok();
        one.sound();
        hub.sound();
    }
    two.git("bead sync").ok();
    assert_eq!(ids(&one), ids(&two));
}

#[test]
fn every_kind_of_clone_can_sync() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
        hub.run(["git", "config", key, "true"]).ok();
    }
    let [one] = clones(&world, &hub, ["one"]);
    one.commit("more", "text\n", "a second commit").ok();
    one.git("push -q origin HEAD:main").ok();
    let mut made = vec![one.bead("from one")];
    one.git("bead sync").ok();
    let url = format!("file://{}", hub.dir.display());
    for (name, options) in [
        ("shallow", "--depth=1"),
        ("single", "--single-branch"),
        ("partial", "--filter=blob:none"),
        ("treeless", "--filter=tree:0 --no-checkout"),
        ("bare", "--bare"),
    ] {
        world.place(".").git(&format!("clone -q {options} {url} {name}")).ok();
        let place = world.place(name);
        made.push(place.bead(&format!("from {name}")));
        place.git("bead sync").ok();
        made.sort();
        assert_eq!(ids(&place), made, "{name}");
        one.bead("meanwhile");
        one.git("bead sync").ok();
        // As a person who has the ledger among what is fetched.
        let spec = "+refs/shopfloor/ledger*:refs/shopfloor/remotes/origin/ledger*";
        place.run(["git", "fetch", "-q", "origin", spec]).ok();
        place.git("bead sync").ok();
        assert_eq!(ids(&place), ids(&one), "{name}");
        made = ids(&one);
    }
}

/// What a mirror fetches goes over what is here, the ledger too.
#[test]
fn a_mirror_says_what_to_do_before_it_loses_anything() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    one.bead("from one");
    one.git("bead sync").ok();
    let url = format!("file://{}", hub.dir.display());
    world.place(".").git(&format!("clone -q --mirror {url} mirror")).ok();
    let mirror = world.place("mirror");
    mirror.bead("from the mirror");
    let hint = "git config --add remote.origin.fetch '^refs/shopfloor/*'";
    mirror.git("bead sync").fails(3).says(&["origin is mirrored", hint]);
    mirror.sh(hint).ok();
    mirror.git("bead sync").ok();
    mirror.bead("and another");
    one.bead("another from one");
    one.git("bead sync").ok();
    mirror.git("fetch -q --prune").ok();
    mirror.git("bead sync").ok();
    one.git("bead sync").ok();
    assert_eq!((ids(&mirror).len(), ids(&mirror)), (4, ids(&one)));
}

/// Clones over the file protocol, as a network would make them: nothing is shared on the disk.
pub(crate) fn clones<'w, const N: usize>(
    world: &'w Sandbox,
    hub: &Place<'w>,
    names: [&str; N],
) -> [Place<'w>; N] {
    if !hub.has("refs/heads/main") {
        let first = world.repo("first");
        first.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    }
    let url = format!("file://{}", hub.dir.display());
    names.map(|name| {
        world.place(".").run(["git", "clone", "--quiet", &url, name]).ok();
        world.place(name)
    })
}

pub(crate) fn ids(place: &Place<'_>) -> Vec<String> {
    let beads = place.json("bead list --all --json --limit 0");
    let mut ids: Vec<String> = beads
        .as_array()
        .unwrap()
        .iter()
        .map(|bead| bead["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}
