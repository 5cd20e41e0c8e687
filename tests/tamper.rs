//! What a remote has shown once cannot be taken back: every way of doing so is noticed and refused,
//! and what is here stays whole.

use crate::support::{Place, Sandbox};
use crate::sync::{clones, ids};

const LEDGER: &str = "refs/shopfloor/ledger";

/// Two clones that have synced, and what the hub had before the last two syncs.
pub(crate) fn settled(world: &Sandbox) -> (Place<'_>, Place<'_>, Place<'_>, String) {
    let hub = world.bare("hub.git");
    let [one, two] = clones(world, &hub, ["one", "two"]);
    for n in 0..6 {
        one.bead(&format!("bead {n}"));
    }
    one.git("bead sync").ok();
    let old = hub.rev(LEDGER);
    two.git("bead sync").ok();
    two.bead("from two");
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    (hub, one, two, old)
}

/// A sync is refused with these words and with what was there before; then what the hint says helps.
#[track_caller]
pub(crate) fn is_refused(hub: &Place<'_>, one: &Place<'_>, before: &str, words: &[&str]) {
    let (beads, tip) = (ids(one), one.rev(LEDGER));
    for _ in 0..2 {
        one.git("bead sync").fails(3).says(words).says(&["origin", before]);
        assert_eq!((ids(one), one.rev(LEDGER)), (beads.clone(), tip.clone()));
    }
    // What was fetched is not taken in by any other command either.
    one.bead("written meanwhile");
    assert_eq!(ids(one).len(), beads.len() + 1);
    one.run(["git", "push", "--quiet", "origin", &format!("+{before}:{LEDGER}")]).ok();
    one.git("bead sync").ok();
    assert_eq!(hub.rev(LEDGER), one.rev(LEDGER));
}

#[test]
fn a_rewind_is_refused() {
    let world = Sandbox::new();
    let (hub, one, _, old) = settled(&world);
    let before = hub.rev(LEDGER);
    hub.run(["git", "update-ref", LEDGER, &old]).ok();
    is_refused(&hub, &one, &before, &["went back", "bead.created on"]);
}

#[test]
fn a_deletion_is_refused() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let before = hub.rev(LEDGER);
    hub.run(["git", "update-ref", "-d", LEDGER]).ok();
    is_refused(&hub, &one, &before, &["is gone", "git push"]);
}

#[test]
fn a_push_of_a_mirror_without_a_ledger_is_refused() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let before = hub.rev(LEDGER);
    let [other] = clones(&world, &hub, ["other"]);
    other.git("push -q --mirror origin").ok();
    is_refused(&hub, &one, &before, &["is gone"]);
}

#[test]
fn an_edit_is_refused() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let before = hub.rev(LEDGER);
    rewrite(&hub, "sed 's/bead 2/bead two/'");
    is_refused(&hub, &one, &before, &["is damaged", "was altered"]);
}

#[test]
fn a_missing_line_is_refused_also_in_the_middle() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let before = hub.rev(LEDGER);
    rewrite(&hub, "sed '/bead 3/d'");
    is_refused(&hub, &one, &before, &["went back", "bead.created on"]);
}

#[test]
fn another_order_is_refused() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let before = hub.rev(LEDGER);
    rewrite(&hub, "tac");
    is_refused(&hub, &one, &before, &["is damaged", "its clock is"]);
}

/// A line that is sound in itself and was written by somebody else takes the place of another.
#[test]
fn a_forged_line_is_refused() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let before = hub.rev(LEDGER);
    let other = world.repo("other");
    for n in 0..6 {
        other.bead(&format!("forged {n}"));
    }
    let forged = other.sh("git ls-tree -r refs/shopfloor/ledger | grep 0-0.jsonl | awk '{print $3}' | xargs git cat-file blob | sed -n 4p").ok().line();
    hub.write("forged", format!("{forged}\n"));
    rewrite(&hub, "sed -e '/bead 3/{r forged' -e 'd}'");
    is_refused(&hub, &one, &before, &["went back", "bead.created on"]);
}

#[test]
fn the_ledger_of_another_repository_is_refused() {
    let world = Sandbox::new();
    let (hub, one, two, _) = settled(&world);
    let before = hub.rev(LEDGER);
    let other = world.place("other");
    other.sh("git init -q && git commit -q --allow-empty -m 'another beginning'").ok();
    other.bead("of another project");
    let elsewhere = world.bare("elsewhere.git");
    other.run(["git", "remote", "add", "origin", elsewhere.dir.to_str().unwrap()]).ok();
    other.git("bead sync").ok();
    let path = elsewhere.dir.to_str().unwrap();
    hub.run(["git", "fetch", "-q", path, &format!("+{LEDGER}:{LEDGER}")]).ok();
    is_refused(&hub, &one, &before, &["went back"]);
    // Also by who meets it for the first time.
    let beads = ids(&two);
    two.run(["git", "remote", "add", "wrong", path]).ok();
    two.git("bead sync wrong").fails(3).says(&["belongs to another repository", "wrong"]);
    assert_eq!(ids(&two), beads);
}

/// Old commits may be squashed: what counts is lines.
#[test]
fn squashed_commits_are_no_loss() {
    let world = Sandbox::new();
    let (hub, one, two, _) = settled(&world);
    one.bead("not sent yet");
    hub.sh("git update-ref refs/shopfloor/ledger $(git -c user.name=x -c user.email=x commit-tree -m squashed 'refs/shopfloor/ledger^{tree}')").ok();
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    assert_eq!((ids(&one).len(), ids(&one)), (8, ids(&two)));
    assert_eq!(hub.rev(LEDGER), two.rev(LEDGER));
}

/// Where the hub runs the sample hook, nothing of all this gets in.
#[test]
fn a_hub_with_the_hook_takes_sound_ledgers_only() {
    let world = Sandbox::new();
    let (hub, one, two, old) = settled(&world);
    let before = hub.rev(LEDGER);
    let hook = concat!(env!("CARGO_MANIFEST_DIR"), "/hooks/pre-receive");
    hub.run(["cp", hook, "hooks/pre-receive"]).ok();
    let evil = world.place("evil.git");
    evil.sh("git init -q --bare && git fetch -q ../hub.git 'refs/shopfloor/*:refs/shopfloor/*'")
        .ok();
    evil.run(["git", "config", "user.name", "Mallory"]).ok();
    evil.run(["git", "config", "user.email", "m@example.org"]).ok();
    let push = |spec: &str, word: &str| {
        evil.run(["git", "push", "--force", "../hub.git", spec]).fails(1).says(&[word]);
        assert_eq!(hub.rev(LEDGER), before);
        evil.run(["git", "update-ref", LEDGER, &before]).ok();
    };
    push(&format!("{old}:{LEDGER}"), "it no longer has bead.created on");
    push(&format!(":{LEDGER}"), "not to be deleted");
    for (filter, word) in [
        ("sed 's/bead 2/bead two/'", "was altered"),
        ("sed '/bead 3/d'", "it no longer has"),
        ("tac", "its clock is"),
        ("head -c 100", "cut off"),
    ] {
        rewrite(&evil, filter);
        push(&format!("{LEDGER}:{LEDGER}"), word);
    }
    // And everything honest does.
    for place in [&one, &two, &one] {
        place.bead("honest work");
        place.git("bead sync").ok();
    }
    let fresh = world.bare("fresh.git");
    fresh.run(["cp", hook, "hooks/pre-receive"]).ok();
    one.run(["git", "remote", "add", "fresh", fresh.dir.to_str().unwrap()]).ok();
    one.git("bead sync fresh").ok();
    assert_eq!(fresh.rev(LEDGER), one.rev(LEDGER));
}

#[test]
fn verify_walks_everything() {
    let world = Sandbox::new();
    let (hub, one, two, _) = settled(&world);
    let told = one.json("bead verify --json");
    assert_eq!((&told["lines"], &told["replicas"]), (&7.into(), &2.into()));
    assert_eq!(one.git("bead verify").ok().line(), "7 lines of 2 clones: all sound");
    // Past the rules, by a session that wrote with another name.
    let bead = one.bead("held");
    one.run(["git", "bead", "update", &bead, "--claim"]).ok();
    let close = "SHOPFLOOR_AGENT=x SHOPFLOOR_SESSION=s git bead close";
    one.sh(&format!("{close} {bead} --reason 'not mine'")).fails(3);
    one.git("bead verify").ok();
    // What was seen of a remote and is no longer here.
    two.bead("seen");
    two.git("bead sync").ok();
    let before = one.rev(LEDGER);
    one.git("bead sync").ok();
    let synced = one.rev(LEDGER);
    one.sh(&format!("rm -rf .git/shopfloor-objects/desk && git update-ref {LEDGER} {before}")).ok();
    one.git("bead verify").fails(3).says(&["lacks what was seen as refs/shopfloor/pins/origin"]);
    one.run(["git", "update-ref", LEDGER, &synced]).ok();
    one.git("bead verify").ok();
    rewrite(&hub, "sed 's/bead 2/bead two/'");
    let path = hub.dir.to_str().unwrap();
    one.sh(&format!(
        "rm -rf .git/shopfloor-objects/desk && git fetch -q {path} +{LEDGER}:{LEDGER}"
    ))
    .ok();
    one.git("bead verify").fails(128).says(&["was altered"]);
}

/// Rewrites the longest file of lines in the hub's ledger with a filter.
pub(crate) fn rewrite(hub: &Place<'_>, filter: &str) {
    rewrite_in(hub, "", filter);
}

/// The same of the files that are named so.
pub(crate) fn rewrite_in(hub: &Place<'_>, which: &str, filter: &str) {
    hub.sh(&format!(
        "set -e
         file=$(git ls-tree -r -l {LEDGER} | grep -e '{which}' | sort -k4n | tail -n 1 | cut -f2)
         git cat-file blob {LEDGER}:$file | {filter} >changed
         ! git cat-file blob {LEDGER}:$file | cmp -s - changed
         export GIT_INDEX_FILE=index-of-mine
         git read-tree {LEDGER}
         git update-index --add --cacheinfo 100644,$(git hash-object -w changed),$file
         commit=$(git -c user.name=x -c user.email=x commit-tree -m changed $(git write-tree))
         git update-ref {LEDGER} $commit"
    ))
    .ok();
}
