//! The ledger travels beside what people push and fetch anyway, and is in nobody's way.

use crate::support::{Place, Sandbox};
use crate::sync::{clones, ids};

const LEDGER: &str = "refs/shopfloor/ledger";

/// Clones in which `git bead init` ran, with nobody to land anything.
fn set_up<'w, const N: usize>(
    world: &'w Sandbox,
    hub: &Place<'w>,
    names: [&str; N],
) -> [Place<'w>; N] {
    let places = clones(world, hub, names);
    for place in &places {
        place.git("config shopfloor.autorun false").ok();
        place.git("bead init --yes").ok();
    }
    places
}

#[test]
fn a_push_sends_it_and_a_fetch_brings_it() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = set_up(&world, &hub, ["one", "two"]);
    for (n, (here, there)) in [(&one, &two), (&two, &one), (&one, &two)].into_iter().enumerate() {
        here.bead(&format!("bead {n}"));
        here.git(&format!("switch -q -c topic-{n}")).ok();
        here.commit("topic", &n.to_string(), "work").ok();
        here.git(&format!("push -q origin topic-{n}")).ok();
        let sent =
            || hub.git(&format!("rev-parse -q --verify {LEDGER}")).line() == here.rev(LEDGER);
        here.wait("the ledger is there", "cat .git/shopfloor/sync.log", sent);
        there.git("fetch -q").ok();
        // What was fetched is here, and nobody has to be asked for it.
        let url = there.git("config remote.origin.url").ok().line();
        there.git("config remote.origin.url ../nowhere.git").ok();
        assert_eq!((ids(there).len(), ids(there)), (n + 1, ids(here)));
        there.git(&format!("config remote.origin.url {url}")).ok();
    }
    for place in [&one, &two, &hub] {
        place.sound();
    }
}

#[test]
fn what_landed_in_one_clone_is_audited_in_another() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = set_up(&world, &hub, ["one", "two"]);
    one.commit("file", "text", "work").fails(128).says(&["QUEUED #1"]);
    one.git("refinery run --drain").ok();
    assert_eq!(hub.rev("main"), one.rev("main"));
    let sent = || hub.git(&format!("rev-parse -q --verify {LEDGER}")).line() == one.rev(LEDGER);
    one.wait("the ledger is there", "cat .git/shopfloor/sync.log", sent);
    two.git("pull -q --ff-only").ok();
    assert_eq!(two.git("refinery audit").ok().out, one.git("refinery audit").ok().out);
}

#[test]
fn a_pull_brings_it_too() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = set_up(&world, &hub, ["one", "two"]);
    let [other] = clones(&world, &hub, ["other"]);
    one.bead("from one");
    one.git("bead sync").ok();
    other.commit("file", "text", "work").ok();
    other.git("push -q origin HEAD:main").ok();
    two.git("pull -q --ff-only").ok();
    assert_eq!(two.rev("refs/shopfloor/pins/origin/ledger"), one.rev(LEDGER));
    assert_eq!(ids(&two), ids(&one));
}

#[test]
fn nothing_goes_by_itself_where_it_is_manual() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = set_up(&world, &hub, ["one", "two"]);
    one.git("config shopfloor.sync manual").ok();
    one.git("bead init --yes").ok();
    assert!(
        !one.read(".git/config").contains("refs/shopfloor/remotes"),
        "{}",
        one.read(".git/config")
    );
    two.git("config shopfloor.sync manual").ok();
    for place in [&one, &two] {
        place.bead("kept here");
        place.git("push -q origin HEAD:topic").ok();
        assert!(!place.has(".git/shopfloor/sync.log"));
    }
    assert_eq!(hub.git("for-each-ref refs/shopfloor").ok().out, "");
    one.git("bead sync").ok();
    two.git("fetch -q").ok();
    assert_eq!(ids(&two).len(), 1);
    two.git("bead sync").ok();
    assert_eq!(ids(&two).len(), 2);
}

/// A dry run sends nothing, a remote nobody set up gets nothing, and what was set up goes again.
#[test]
fn what_was_set_up_goes_no_further_and_goes_again() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    one.git("config shopfloor.autorun false").ok();
    let config = one.read(".git/config");
    one.git("bead init --yes").ok();
    one.bead("kept here");
    one.git("push -q --dry-run origin HEAD:topic").ok();
    let fork = world.bare("fork.git");
    one.run(["git", "remote", "add", "fork", fork.dir.to_str().unwrap()]).ok();
    one.git("push -q fork HEAD:topic").ok();
    assert!(!one.has(".git/shopfloor/sync.log"));
    one.git("remote remove fork").ok();
    // A remote without a ledger is nothing to complain of.
    assert_eq!(one.git("fetch").ok().err, "");
    one.git("bead deinit").ok();
    assert_eq!(one.read(".git/config"), config);
}

#[test]
fn what_is_wrong_with_a_remote_is_told_by_the_next_change() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one] = set_up(&world, &hub, ["one"]);
    one.bead("first");
    one.git("bead sync").ok();
    let old = hub.rev(LEDGER);
    one.bead("second");
    one.git("bead sync").ok();
    hub.run(["git", "update-ref", LEDGER, &old]).ok();
    one.git("fetch -q").ok();
    assert_eq!(ids(&one).len(), 2);
    one.git("bead create third").ok().says(&["the ledger of origin", "went back", "git bead sync"]);
    hub.run(["git", "update-ref", "-d", LEDGER]).ok();
    one.git("fetch -q --prune").ok();
    one.git("push -q origin HEAD:topic").ok();
    let bead = ids(&one)[0].clone();
    let comment = format!("bead comment {bead} again");
    let told = || one.git(&comment).err.contains("the ledger of origin is gone");
    one.wait("somebody says so", "cat .git/shopfloor/sync.log", told);
    let tip = one.rev("refs/shopfloor/pins/origin/ledger");
    one.run([
        "git",
        "push",
        "-q",
        "--no-verify",
        &hub.dir.to_string_lossy(),
        &format!("{tip}:{LEDGER}"),
    ])
    .ok();
    one.git("bead sync").ok();
    assert_eq!(one.git("bead create fourth").ok().err, "");
}
