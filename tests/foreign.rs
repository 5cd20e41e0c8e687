//! Lines of another repository's ledger are known as such wherever they come to stand, and nothing that
//! is ours goes with them.

use crate::checkpoints::forged;
use crate::support::{Place, Sandbox};
use crate::sync::{clones, ids};
use crate::tamper::{is_refused, rewrite, settled};

const LEDGER: &str = "refs/shopfloor/ledger";

/// A repository with another beginning, and its newest lines: one that begins a subject, one that goes
/// on with it. Their clocks are ahead of ours.
fn another<'w>(world: &'w Sandbox) -> (Place<'w>, [String; 2]) {
    let other = world.place("other");
    other.sh("git init -q && git commit -q --allow-empty -m 'another beginning'").ok();
    for n in 0..20 {
        other.bead(&format!("elsewhere {n}"));
    }
    let bead = other.bead("the last one");
    other.run(["git", "bead", "comment", &bead, "and more"]).ok();
    let lines = other.sh(&format!(
        "git ls-tree -r {LEDGER} | grep jsonl | awk '{{print $3}}' | xargs git cat-file blob"
    ));
    let mut lines = lines.ok().out.lines().rev().map(str::to_owned).collect::<Vec<_>>();
    lines.truncate(2);
    let [comment, created] = lines.try_into().unwrap();
    assert!(created.contains("the last one") && comment.contains("and more"));
    (other, [created, comment])
}

#[test]
fn a_line_of_another_repository_in_a_sequence_of_ours_is_refused() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let (_, [created, comment]) = another(&world);
    for (line, words) in [(created, "another repository, whose"), (comment, "which is nowhere")] {
        let before = hub.rev(LEDGER);
        hub.write("foreign", format!("{line}\n"));
        rewrite(&hub, "cat - foreign");
        is_refused(&hub, &one, &before, &["has a line that is not of it, ", words]);
    }
}

/// Also where it comes with a sequence of its own, as if another clone of ours had joined.
#[test]
fn the_lines_of_another_repository_beside_ours_are_refused() {
    let world = Sandbox::new();
    let (hub, one, two, _) = settled(&world);
    let (other, _) = another(&world);
    let before = hub.rev(LEDGER);
    let path = other.dir.to_str().unwrap();
    hub.run(["git", "fetch", "-q", path, LEDGER]).ok();
    hub.sh(&format!(
        "set -e
         export GIT_INDEX_FILE=index-of-mine
         git read-tree {LEDGER}
         git ls-tree -r FETCH_HEAD | grep jsonl | git update-index --index-info
         commit=$(git -c user.name=x -c user.email=x commit-tree -m joined $(git write-tree))
         git update-ref {LEDGER} $commit"
    ))
    .ok();
    let joined = hub.rev(LEDGER);
    is_refused(&hub, &one, &before, &["has a line that is not of it, ", "another repository"]);
    // Also by who comes for the first time, who does not have what was there before.
    hub.run(["git", "update-ref", LEDGER, &joined]).ok();
    let [new] = clones(&world, &hub, ["new"]);
    new.bead("of a newcomer");
    let beads = ids(&new);
    new.git("bead sync").fails(3).says(&["has a line that is not of it, ", "another repository"]);
    assert_eq!((ids(&new), hub.rev(LEDGER)), (beads, joined));
    two.git("bead sync").fails(3);
}

/// A trail is bound to its repository by its first line, and every other line by the one before it.
#[test]
fn the_trail_of_another_repository_is_refused() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let (other, _) = another(&world);
    for n in 0..3 {
        other.git(&format!("bead trail add --do edit --file x{n}.rs")).ok();
    }
    other.git("bead log --trail").ok();
    let path = other.dir.to_str().unwrap();
    for (filter, words) in [("cat", "another repository"), ("tail -n +2", "which is nowhere")] {
        let before = hub.rev(LEDGER);
        hub.run(["git", "fetch", "-q", path, LEDGER]).ok();
        hub.sh(&format!(
            "set -e
             export GIT_INDEX_FILE=index-of-mine
             git read-tree {LEDGER}
             file=$(git ls-tree -r --name-only FETCH_HEAD | grep /trail/)
             blob=$(git cat-file blob FETCH_HEAD:$file | {filter} | git hash-object -w --stdin)
             git update-index --add --cacheinfo 100644,$blob,$file
             commit=$(git -c user.name=x -c user.email=x commit-tree -m joined $(git write-tree))
             git update-ref {LEDGER} $commit"
        ))
        .ok();
        is_refused(&hub, &one, &before, &["has a line that is not of it, ", words]);
    }
    // In our own ledger it is named, and stays here.
    let sent = hub.rev(LEDGER);
    one.bead("to be sent");
    one.run(["git", "fetch", "-q", path, LEDGER]).ok();
    one.sh(&format!(
        "set -e
         export GIT_INDEX_FILE=.git/index-of-mine
         git read-tree {LEDGER}
         git ls-tree -r FETCH_HEAD | grep /trail/ | git update-index --index-info
         git update-ref {LEDGER} $(git commit-tree -m joined $(git write-tree))"
    ))
    .ok();
    let told = one.git("bead verify").fails(3);
    assert!(told.out.contains("it is a line of another repository"), "{told}");
    one.git("bead sync").fails(3).says(&["has a line that is not of it", "nothing was sent"]);
    assert_eq!(hub.rev(LEDGER), sent);
}

#[test]
fn a_line_of_another_repository_in_our_own_sequence_is_named_and_not_sent() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let (_, [created, comment]) = another(&world);
    let (before, sent) = (one.rev(LEDGER), hub.rev(LEDGER));
    for (line, words) in [(created, "it is a line of another repository"), (comment, "is missing")]
    {
        one.write("foreign", format!("{line}\n"));
        rewrite(&one, "cat - ../one/foreign");
        for _ in 0..2 {
            let told = one.git("bead verify").fails(3);
            assert!(told.out.contains(words), "{told}");
            one.git("bead sync").fails(3).says(&[
                "the ledger has a line that is not of it",
                "refs/shopfloor/pins/origin/ledger is what was seen before",
                &format!("hint: git update-ref {LEDGER} {before}\n"),
            ]);
            assert_eq!(hub.rev(LEDGER), sent);
        }
        one.sh(&format!(
            "git update-ref {LEDGER} {before} && rm -f .git/shopfloor-objects/desk/seen"
        ))
        .ok();
        one.git("bead verify").ok();
    }
    one.bead("as before");
    one.git("bead sync").ok();
    assert_eq!(hub.rev(LEDGER), one.rev(LEDGER));
}

/// Lines once said nothing of their repository; after one that does, each has to.
#[test]
fn a_line_that_says_nothing_of_its_repository_is_named_behind_those_that_do() {
    let world = Sandbox::new();
    let (_, one, _, _) = settled(&world);
    let before = one.rev(LEDGER);
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compat/later/lines.jsonl");
    let line = one.sh(&format!("tail -n 1 '{old}'")).ok().json();
    one.write("silent", forged(&line));
    rewrite(&one, "cat - ../one/silent");
    let told = one.git("bead verify").fails(3);
    assert!(told.out.contains("it does not say of which repository it is"), "{told}");
    one.sh(&format!("git update-ref {LEDGER} {before} && rm -f .git/shopfloor-objects/desk/seen"))
        .ok();
    one.git("bead verify").ok();
}

/// Nobody remembers here what stood there before but the remote and its pin.
#[test]
fn another_ledger_in_the_place_of_ours_is_named_and_not_sent() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let (other, _) = another(&world);
    let (before, sent) = (one.rev(LEDGER), hub.rev(LEDGER));
    let path = other.dir.to_str().unwrap();
    one.sh(&format!("git fetch -q {path} +{LEDGER}:{LEDGER}")).ok();
    one.git("bead list").fails(128).says(&["the ledger went back", &before]);
    one.sh("rm -rf .git/shopfloor .git/shopfloor-objects/desk").ok();
    for verb in ["bead verify", "bead sync"] {
        one.git(verb).fails(3).says(&[
            "the ledger belongs to another repository, whose first commit is",
            &format!("hint: git update-ref {LEDGER} {before}\n"),
        ]);
    }
    assert_eq!(hub.rev(LEDGER), sent);
    one.sh(&format!(
        "git update-ref {LEDGER} {before} && rm -rf .git/shopfloor .git/shopfloor-objects/desk"
    ))
    .ok();
    one.git("bead sync").ok();
    one.git("bead verify").ok();
    // Where there is no remote to remember anything, it is known by itself.
    let alone = world.repo("alone");
    alone.sh(&format!("git fetch -q {path} +{LEDGER}:{LEDGER}")).ok();
    alone.git("bead verify").fails(3).says(&["belongs to another repository"]);
}

/// The hub has its own history to tell by, and its own ledger.
#[test]
fn a_hub_with_the_hook_takes_no_other_ledger_and_no_line_of_one() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let (other, [created, _]) = another(&world);
    let hook = concat!(env!("CARGO_MANIFEST_DIR"), "/hooks/pre-receive");
    hub.run(["cp", hook, "hooks/pre-receive"]).ok();
    let before = hub.rev(LEDGER);
    let path = hub.dir.to_str().unwrap();
    other.run(["git", "push", "-f", path, LEDGER]).fails(1).says(&["it no longer has"]);
    let evil = world.place("evil.git");
    evil.sh(&format!("git init -q --bare && git fetch -q ../hub.git {LEDGER}:{LEDGER}")).ok();
    evil.write("foreign", format!("{created}\n"));
    rewrite(&evil, "cat - foreign");
    let refused = evil.run(["git", "push", "-f", path, LEDGER]).fails(1);
    refused.says(&["it is a line of another repository"]);
    assert_eq!(hub.rev(LEDGER), before);
    one.bead("honest work");
    one.git("bead sync").ok();
    // One that has no ledger yet, but a history.
    let fresh = world.bare("fresh.git");
    fresh.run(["cp", hook, "hooks/pre-receive"]).ok();
    let path = fresh.dir.to_str().unwrap();
    one.run(["git", "push", "-q", path, "main"]).ok();
    other.run(["git", "push", path, LEDGER]).fails(1).says(&["belongs to another repository"]);
    one.run(["git", "remote", "add", "fresh", path]).ok();
    one.git("bead sync fresh").ok();
    assert_eq!(fresh.rev(LEDGER), one.rev(LEDGER));
}

/// Its objects are here, as after `git remote add` and a merge of some of its files.
#[test]
fn a_repository_that_was_fetched_is_still_another_one() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let (other, _) = another(&world);
    let elsewhere = world.bare("elsewhere.git");
    let path = elsewhere.dir.to_str().unwrap();
    other.run(["git", "push", "-q", path, "HEAD:main", LEDGER]).ok();
    one.run(["git", "remote", "add", "elsewhere", path]).ok();
    one.git("fetch -q elsewhere").ok();
    let (tip, beads) = (one.rev(LEDGER), ids(&one));
    one.git("bead sync elsewhere").fails(3).says(&["belongs to another repository"]);
    assert_eq!((one.rev(LEDGER), ids(&one)), (tip, beads));
    one.git("bead sync origin").ok();
    assert_eq!(hub.rev(LEDGER), one.rev(LEDGER));
}

/// Who has rewritten the whole history says so, once in each clone, and all is as before.
#[test]
fn a_repository_with_a_rewritten_history_is_told_what_it_was() {
    let world = Sandbox::new();
    let (hub, one, _, _) = settled(&world);
    let was = one.rev("main");
    one.git("commit -q --amend -m rewritten").ok();
    one.git("push -q -f origin main").ok();
    // What was synced before is known by that.
    one.bead("goes on");
    one.git("bead sync").ok();
    one.git("bead verify").ok();
    let [new] = clones(&world, &hub, ["new"]);
    let command = format!("git config --add shopfloor.root {was}");
    new.git("bead sync").fails(3).says(&["belongs to another repository", &command]);
    new.sh(&command).ok();
    new.git("bead sync").ok();
    new.bead("from a fresh clone");
    new.git("bead sync").ok();
    new.git("bead verify").ok();
    one.git("bead sync").ok();
    assert_eq!(ids(&one), ids(&new));
}

/// What was written before there was a commit says nothing of a repository, and stays.
#[test]
fn a_ledger_that_is_older_than_the_first_commit_goes_on() {
    let world = Sandbox::new();
    let one = world.place("one");
    one.git("init -q").ok();
    let early = one.bead("before anything else");
    one.git("bead verify").ok();
    one.git("commit -q --allow-empty -m light").ok();
    one.run(["git", "bead", "comment", &early, "known since"]).ok();
    one.bead("after it");
    one.git("bead verify").ok();
    let of = format!("git cat-file blob {LEDGER}:of.json");
    assert!(one.sh(&of).ok().out.contains(&one.rev("HEAD")));
    let hub = world.bare("hub.git");
    one.run(["git", "push", "-q", hub.dir.to_str().unwrap(), "main"]).ok();
    one.run(["git", "remote", "add", "origin", hub.dir.to_str().unwrap()]).ok();
    one.git("bead sync").ok();
    let [two] = clones(&world, &hub, ["two"]);
    two.git("bead sync").ok();
    two.git("bead verify").ok();
    assert_eq!(ids(&one), ids(&two));
}

/// Nobody else has seen it yet: then it is the same repository, and whoever clones it finds it so.
#[test]
fn who_amends_the_first_commit_is_at_home_still() {
    let world = Sandbox::new();
    let one = world.place("one");
    one.sh("git init -q && git commit -q --allow-empty -m begun").ok();
    let early = one.bead("before");
    one.git("commit -q --allow-empty --amend -m better").ok();
    one.git("bead verify").ok();
    let late = one.bead("behind");
    let hub = world.bare("hub.git");
    one.git("remote add origin ../hub.git").ok();
    one.git("push -q origin HEAD").ok();
    one.git("bead sync origin").ok();
    let two = world.clone_of(&hub, "two");
    two.git("bead sync origin").ok();
    assert_eq!(ids(&two).len(), 2);
    for bead in [early, late] {
        two.run(["git", "bead", "comment", &bead, "from two"]).ok();
    }
    two.git("bead sync origin").ok();
    for place in [&one, &two] {
        place.git("bead sync origin").ok();
        place.git("bead verify").ok();
    }
}
