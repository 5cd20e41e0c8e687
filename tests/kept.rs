//! What is about to land is kept: `git gc --prune=now` beside a landing, or in the middle of one, takes
//! nothing that the target comes to point at.

use crate::publish::{meanwhile, shop, subjects};
use crate::refinery::{audited, drain, submit, tree};
use crate::support::{Place, Sandbox};

const ROUNDS: usize = 3;
const LANDINGS: usize = 10;

/// Work that was begun before `main` got what it has now: its landing is a merge.
fn behind(repo: &Place<'_>) {
    let (one, two) = (tree(repo, "one", "main"), tree(repo, "two", "main"));
    one.commit("one", "1\n", "One").ok();
    two.commit("two", "2\n", "Two").ok();
    submit(&one);
    submit(&two);
}

#[test]
fn a_gc_between_making_and_swapping_takes_no_candidate() {
    let world = Sandbox::new();
    let [hub, repo, _] = shop(&world);
    behind(&repo);
    meanwhile(&hub, "git gc --quiet --prune=now && git repack -adq && git prune --expire=now");
    let steps = drain(&repo);
    assert_eq!([&steps[0]["outcome"], &steps[1]["outcome"]], ["landed", "landed"]);
    assert_eq!(subjects(&repo)[0], "Land main#2: Two");
    repo.sound();
    assert_eq!(repo.sh("git for-each-ref refs/shopfloor/candidate").ok().out, "");
    assert_eq!(repo.sh("ls .git/objects/pack | grep keep").code, 1);
}

#[test]
fn landings_beside_gc_leave_no_target_at_nothing() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    repo.git("config gc.auto 0").ok();
    for round in 0..ROUNDS {
        let script = format!(
            "for n in $(seq {LANDINGS}); do git switch -q --detach main && echo $n >f{round}-$n && \
             git add . && git commit -q -m \"c{round}-$n\" && git branch b{round}-$n && \
             git refinery submit b{round}-$n || exit; done; git switch -q --detach main"
        );
        repo.sh(&script).ok();
        let mut run = repo.start(["git", "refinery", "run", "--drain"]);
        while !run.over() {
            repo.sh("git gc --quiet --prune=now").ok();
        }
        run.end().ok();
        repo.sound();
    }
    assert_eq!(audited(&repo).len(), ROUNDS * LANDINGS + 1);
}

#[test]
fn what_is_gone_before_the_swap_does_not_land() {
    let world = Sandbox::new();
    let [hub, repo, _] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    let file = "git rev-parse work | sed 's,^..,&/,'";
    meanwhile(&hub, &format!("mv .git/objects/$({file}) .git/lost"));
    repo.git("refinery run --drain").fails(128).says(&["is not in the repository any more"]);
    assert_eq!(subjects(&repo)[0], "A text");
    repo.sh(&format!("mv .git/lost .git/objects/$({file})")).ok();
    assert_eq!(drain(&repo)[0]["outcome"], "landed");
    repo.sound();
}
