//! What a remote may do to a ledger, and what a person who does what the message says has afterwards.

use crate::support::{Place, Ran, Sandbox};
use crate::sync::{clones, ids};
use crate::tamper::settled;

const LEDGER: &str = "refs/shopfloor/ledger";
const BRANCH: &str = "refs/heads/shopfloor/ledger";
const SET: &str = "git config shopfloor.remoteRef refs/heads/shopfloor/ledger";

/// Every way in which a host that took our names begins not to.
const WAYS: [&str; 4] = [
    "printf '#!/bin/sh\\ncase $1 in refs/heads/*) ;; *) exit 1 ;; esac\\n' >hooks/update &&
     chmod +x hooks/update",
    "git config receive.hideRefs refs/shopfloor",
    "git config transfer.hideRefs refs/shopfloor",
    "git config uploadpack.hideRefs refs/shopfloor",
];

/// The command that a hint names between these words, done as it is printed.
#[track_caller]
fn follow(place: &Place<'_>, told: &Ran, before: &str, after: &str) {
    let hint = told
        .err
        .lines()
        .find_map(|line| line.strip_prefix("hint: ")?.strip_prefix(before)?.strip_suffix(after));
    place.sh(hint.unwrap_or_else(|| panic!("no hint {before:?} {after:?}\n{told}"))).ok();
}

#[test]
fn a_remote_that_begins_to_refuse_our_names_has_the_ledger_under_the_fallback() {
    for way in WAYS {
        let world = Sandbox::new();
        let (hub, one, two, _) = settled(&world);
        hub.sh(way).ok();
        one.bead("later");
        one.git("bead sync").fails(3).says(&["origin", SET]);
        one.sh(SET).ok();
        one.git("bead sync").ok();
        assert_eq!(hub.rev(BRANCH), one.rev(LEDGER));
        // Who was not told finds it.
        two.bead("an answer");
        two.git("bead sync").ok();
        one.git("bead sync").ok();
        assert_eq!((ids(&one).len(), ids(&one)), (9, ids(&two)), "{way}");
        let again = two.git("bead sync").ok();
        assert_eq!(again.line(), "origin has what is here, and nothing else", "{way}");
        let [new] = clones(&world, &hub, ["new"]);
        new.git("bead sync").ok();
        assert_eq!(ids(&new), ids(&two), "{way}");
        new.bead("from a newcomer");
        new.git("bead sync").ok();
        assert_eq!(hub.rev(BRANCH), new.rev(LEDGER), "{way}");
        for place in [&one, &two, &hub] {
            place.sound();
        }
    }
}

#[test]
fn what_a_hub_s_hook_says_is_told_and_not_taken_for_a_host_that_takes_branches_only() {
    let world = Sandbox::new();
    let (hub, one, two, _) = settled(&world);
    let says = "printf 'not on a Sunday\\nsee \\033[31mthe rules\\n' >&2";
    hub.script("hooks/pre-receive", &format!("#!/bin/sh\n{says}\nexit 1\n"));
    one.bead("later");
    let told = one.git("bead sync").fails(3);
    let told = told.says(&["origin does not take", "\nremote: not on a Sunday\nremote: see "]);
    assert!(!told.err.contains("shopfloor.remoteRef") && !told.err.contains('\x1b'), "{told}");
    let told = one.git("bead doctor");
    assert!(told.out.contains("hook declined); remote: not on a Sunday; remote: see"), "{told}");
    // What it says to a push that it takes is passed on as well.
    hub.script("hooks/pre-receive", &format!("#!/bin/sh\n{says}\n"));
    let told = one.git("bead sync").ok();
    let told = told.says(&["remote: not on a Sunday\nremote: see "]);
    assert!(!told.err.contains('\x1b') && told.out.contains("1 line sent"), "{told}");
    assert!(!one.git("bead sync").ok().err.contains("Sunday"), "nothing was pushed");
    hub.sh("rm hooks/pre-receive").ok();
    two.git("bead sync").ok();
    assert_eq!((ids(&one).len(), ids(&one)), (8, ids(&two)));
}

/// What one has under the fallback lacks what another one had sent before.
#[test]
fn what_was_seen_under_another_name_is_missed_until_a_person_says_where_it_is() {
    let world = Sandbox::new();
    let (hub, one, two, _) = settled(&world);
    two.bead("sent before");
    two.git("bead sync").ok();
    hub.sh("git config transfer.hideRefs refs/shopfloor").ok();
    one.sh(SET).ok();
    one.git("bead sync").ok();
    let pinned = two.rev("refs/shopfloor/pins/origin/ledger");
    let told = two.git("bead sync").fails(3).says(&["is gone", LEDGER, &pinned]);
    follow(&two, &told, "if it hides such names now: ", "");
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    assert_eq!((ids(&one).len(), ids(&one)), (8, ids(&two)));
}

#[test]
fn a_deletion_is_refused_under_the_fallback_too() {
    let world = Sandbox::new();
    let (hub, one, two, _) = settled(&world);
    hub.sh("git update-ref -d refs/shopfloor/ledger && git config receive.hideRefs refs/shopfloor")
        .ok();
    one.sh(SET).ok();
    for place in [&one, &two] {
        place.git("bead sync").ok();
    }
    let before = hub.rev(BRANCH);
    hub.run(["git", "update-ref", "-d", BRANCH]).ok();
    for place in [&one, &two] {
        place.git("bead sync").fails(3).says(&["is gone", &before]);
    }
    let told = one.git("bead sync").fails(3);
    follow(&one, &told, "", " brings back what was there");
    for place in [&one, &two] {
        place.git("bead sync").ok();
    }
    assert_eq!(hub.rev(BRANCH), before);
}

#[test]
fn the_commands_that_are_named_bring_back_what_was_there_or_accept_what_is() {
    for (way, words) in [
        ("git update-ref refs/shopfloor/ledger $OLD", "went back"),
        ("git update-ref -d refs/shopfloor/ledger", "is gone"),
    ] {
        let world = Sandbox::new();
        let (hub, one, two, old) = settled(&world);
        let before = hub.rev(LEDGER);
        let spoil = || hub.sh(&format!("OLD={old}; {way}")).ok();
        spoil();
        let told = one.git("bead sync").fails(3).says(&[words]);
        let back =
            if words == "is gone" { " brings back what was there" } else { " puts that back" };
        follow(&one, &told, "", back);
        assert_eq!(hub.rev(LEDGER), before);
        two.git("bead sync").ok();
        spoil();
        let told = two.git("bead sync").fails(3).says(&[words]);
        follow(&two, &told, "if that was meant: ", "");
        two.git("bead sync").ok();
        // Nothing was lost here, so it is there again.
        one.git("bead sync").ok();
        assert_eq!((ids(&one).len(), ids(&one)), (7, ids(&two)));
        assert_eq!(hub.rev(LEDGER), two.rev(LEDGER));
    }
}

/// Whoever damages a file does not mean it.
#[test]
fn what_is_damaged_at_a_remote_is_named_with_the_way_to_mend_it() {
    for part in ["", "^{tree}", ":v.json"] {
        let world = Sandbox::new();
        let (hub, one, two, _) = settled(&world);
        let id = hub.rev(&format!("{LEDGER}{part}"));
        let file = format!("objects/{}/{}", &id[..2], &id[2..]);
        hub.sh(&format!(
            "chmod u+w {file} && printf XX | dd of={file} bs=1 seek=12 conv=notrunc status=none"
        ))
        .ok();
        let [new] = clones(&world, &hub, ["new"]);
        let told = new.git("bead sync").fails(3).says(&["origin cannot read its ledger", LEDGER]);
        assert!(!told.err.contains("if that was meant"), "{told}");
        assert!(hub.git("fsck").err.contains(&id), "{part}");
        hub.sh(&format!("mv {file} moved-away")).ok();
        follow(&one, &told, "then in the clone that synced with it last: ", "");
        hub.sh(&format!("cp {}/ledger.bundle .", one.dir.display())).ok();
        follow(&hub, &told, "and there: ", "");
        hub.sound();
        two.bead("afterwards");
        for place in [&new, &two, &one] {
            place.git("bead sync").ok();
        }
        assert_eq!((ids(&one).len(), ids(&one)), (8, ids(&two)));
    }
}

/// A clone that shares objects sees ours by way of the other repository, where they go at any time.
#[test]
fn a_clone_that_shares_objects_has_its_own_of_the_ledger() {
    let world = Sandbox::new();
    let origin = world.repo("origin");
    origin.bead("from the beginning");
    let at = world.place(".");
    let url = format!("file://{}", origin.dir.display());
    for (name, how) in [
        ("shared", "-s origin"),
        ("nested", "-s shared"),
        ("reference", &*format!("--reference origin {url}")),
        ("further", &format!("--reference nested {url}")),
        ("dissociated", &format!("--reference nested --dissociate {url}")),
    ] {
        at.git(&format!("clone -q {how} {name}")).ok();
        let place = world.place(name);
        place.run(["git", "remote", "set-url", "origin", &url]).ok();
        place.bead(&format!("from {name}"));
        for n in 0..2 {
            place.git("bead sync").ok();
            assert_eq!(ids(&place), ids(&origin), "{name}");
            origin.bead(&format!("meanwhile {name} {n}"));
        }
        // As a person who has the ledger among what is fetched.
        let spec = "+refs/shopfloor/ledger*:refs/shopfloor/remotes/origin/ledger*";
        place.run(["git", "fetch", "-q", "origin", spec]).ok();
        place.git("bead sync").ok();
        assert_eq!(ids(&place), ids(&origin), "{name}");
        place.sound();
    }
    let kept = ids(&origin);
    at.sh("rm -rf */.git/shopfloor").ok();
    origin.sh("mv .git/shopfloor-objects ../away").ok();
    for name in ["shared", "nested", "reference", "further", "dissociated"] {
        let place = world.place(name);
        assert!(ids(&place).len() >= 2 && ids(&place).iter().all(|id| kept.contains(id)));
        place.bead("and one more");
    }
}

#[test]
fn a_mirror_that_shares_objects_can_be_read() {
    let world = Sandbox::new();
    let origin = world.repo("origin");
    origin.bead("one");
    world.place(".").git("clone -q -s --mirror origin mirror").ok();
    let mirror = world.place("mirror");
    assert_eq!(ids(&mirror), ids(&origin));
    mirror.bead("two");
    mirror.sh("git config --add remote.origin.fetch '^refs/shopfloor/*'").ok();
    mirror.git("bead sync").ok();
    assert_eq!(ids(&mirror), ids(&origin));
}

#[test]
fn what_is_fetched_follows_the_name_that_the_ledger_has_there() {
    let world = Sandbox::new();
    let (_, one, ..) = settled(&world);
    one.git("bead init --yes").ok();
    let fetched = || one.git("config --get-all remote.origin.fetch").ok().out;
    let ours =
        |there: &str, here: &str| format!("+{there}*:refs/shopfloor/remotes/origin/{here}*\n");
    let (first, second) = (ours(LEDGER, "ledger"), ours(BRANCH, "heads+shopfloor+ledger"));
    let theirs = fetched().replace(&first, "");
    one.git("config --add remote.origin.fetch +refs/heads/x:refs/remotes/origin/x").ok();
    let more = "+refs/heads/x:refs/remotes/origin/x\n";
    assert_eq!(fetched(), format!("{theirs}{first}{more}"));
    one.sh(SET).ok();
    one.git("bead list").ok();
    assert!(fetched().contains(&first), "who only reads changes nothing");
    one.bead("Next");
    assert!(!fetched().contains(&first) && fetched().contains(&second), "{}", fetched());
    assert!(fetched().contains(more) && fetched().contains(&theirs), "{}", fetched());
    one.git("config --unset shopfloor.remoteRef").ok();
    one.bead("And back");
    assert!(fetched().contains(&first) && !fetched().contains(&second), "{}", fetched());
}
