//! What nobody gets past: refs of ours that a clone would write, a commit on a parked work tree, a
//! protected branch that is deleted, put back or pushed half.

use crate::githook::set_up;
use crate::route::queued;
use crate::support::{Place, Sandbox};

/// A commit in a work tree of its own, which asks to land.
fn submitted<'w>(repo: &Place<'w>, name: &str) -> Place<'w> {
    repo.git(&format!("worktree add --quiet -b {name} ../{name} main")).ok();
    let tree = repo.at(format!("../{name}"));
    tree.commit(name, "x\n", &format!("Add {name}")).ok();
    tree.git("refinery submit").ok();
    tree
}

fn status(repo: &Place<'_>) -> String {
    repo.git("status --porcelain --branch").ok().line()
}

#[test]
fn a_clone_writes_no_ref_of_ours() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.bead("Kept");
    let clone = world.clone_of(&repo, "clone");
    clone.commit("a", "a\n", "Add a").ok();
    let before = repo.rev("refs/shopfloor/ledger");
    for push in [
        ":refs/shopfloor/ledger",
        "+HEAD:refs/shopfloor/ledger",
        "HEAD:refs/shopfloor/queue/main/50",
    ] {
        clone.git(&format!("push origin {push}")).fails(1).says(&["written by Shopfloor itself"]);
    }
    assert_eq!(repo.rev("refs/shopfloor/ledger"), before);
    assert!(queued(&repo).is_empty());
}

#[test]
fn a_commit_on_a_parked_work_tree_is_queued() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("worktree add --quiet --detach ../linked").ok();
    for (place, nth) in [(repo.at("."), 1), (repo.at("../linked"), 3)] {
        if nth == 3 {
            repo.git("switch --quiet --detach").ok();
            place.git("switch --quiet main").ok();
        }
        submitted(&repo, &format!("other{nth}"));
        place.write("README.md", format!("Mine {nth}.\n"));
        repo.git("refinery run --drain").ok();
        assert_eq!(status(&place), "## HEAD (no branch)\n M README.md");
        place
            .git("commit --all --message=Mine")
            .fails(128)
            .says(&[&format!("QUEUED #{} (not landed)", nth + 1)]);
        repo.git("refinery run --drain").ok();
        assert_eq!(status(&place), "## main");
        assert_eq!(place.read("README.md"), format!("Mine {nth}.\n"));
        assert!(place.has(&format!("other{nth}")));
    }
}

#[test]
fn whoever_leaves_a_parked_work_tree_is_let_go() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let other = submitted(&repo, "other");
    repo.write("README.md", "Mine.\n");
    repo.git("refinery run --drain").ok();
    repo.git("checkout --quiet --detach main").ok();
    assert_eq!(repo.rev("HEAD"), other.rev("HEAD"));
    repo.git("switch --quiet -c mine").ok();
    repo.git("commit --quiet --all --message=Mine").ok();
    assert!(queued(&repo).is_empty());
}

#[test]
fn any_changing_command_brings_a_clean_work_tree_back() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    submitted(&repo, "other");
    repo.write("README.md", "Mine.\n");
    repo.git("refinery run --drain").ok();
    repo.run(["git", "bead", "create", "One"])
        .ok()
        .says(&["on a detached HEAD", "git switch main"]);
    repo.git("restore README.md").ok();
    repo.bead("Two");
    assert_eq!(status(&repo), "## main");
    assert!(repo.has("other"));
}

#[test]
fn what_waits_is_taken_up_by_any_changing_command() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    submitted(&repo, "other");
    repo.git("config --unset shopfloor.autorun").ok();
    repo.bead("By the way");
    repo.wait("the entry has landed", "git refinery status", || queued(&repo).is_empty());
    assert_eq!(repo.git("log -1 --format=%s main").ok().line(), "Add other");
}

#[test]
fn a_push_that_waits_for_untrusted_gates_is_told() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.commit("shopfloor.toml", "[gates.test]\ncommand = 'true'\n", "A gate").ok();
    repo.git("bead init --yes").ok();
    repo.git("switch --quiet -c topic").ok();
    repo.commit("a", "a\n", "Add a").ok();
    repo.git("push -o wait origin topic:main").fails(1).says(&[
        "#1 is queued and waits",
        "is not trusted",
        "git bead trust",
    ]);
    assert_eq!(queued(&repo), [repo.rev("topic")]);
}

#[test]
fn the_protected_branch_is_neither_deleted_nor_put_back() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    repo.git("remote add origin ../hub").ok();
    repo.git("push --quiet origin main").ok();
    repo.git("bead init --yes").ok();
    submitted(&repo, "other");
    repo.git("refinery run --drain").ok();
    let landed = repo.rev("main");
    assert_ne!(hub.rev("main"), landed);
    repo.git("reset --quiet --hard origin/main").fails(128).says(&["only moves forward"]);
    repo.git("reset --quiet --hard").ok();
    repo.git("switch --quiet --detach").ok();
    for _ in 0..2 {
        for way in ["update-ref -d refs/heads/main", "branch -D main"] {
            let ran = repo.git(way);
            assert_ne!(ran.code, 0);
            ran.says(&["neither deleted nor renamed"]);
        }
        assert_ne!(repo.git("branch -m main away").code, 0);
        assert_eq!(repo.rev("main"), landed);
        repo.git("pack-refs --all --prune").ok();
        repo.git("gc --quiet --prune=now").ok();
        assert_eq!(repo.rev("main"), landed);
    }
    repo.git("branch --quiet topic").ok();
    repo.git("branch --quiet -D topic").ok();
}

#[test]
fn a_rebase_that_is_given_up_after_a_landing_has_a_way_out() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("config shopfloor.commitOnTarget allow").ok();
    repo.commit("a", "a\n", "Add a").ok();
    repo.git("config --unset shopfloor.commitOnTarget").ok();
    let other = submitted(&repo, "other");
    repo.sh("GIT_SEQUENCE_EDITOR='sed -i 1s/pick/edit/' git rebase --quiet -i HEAD~1").ok();
    repo.git("refinery run --drain").ok();
    let landed = repo.rev("main");
    assert_eq!(landed, other.rev("HEAD"));
    let abort = repo.git("rebase --abort");
    assert_ne!(abort.code, 0);
    abort.says(&["hint: git rebase --quit && git switch main"]);
    repo.sh("git rebase --quit && git switch --quiet main").ok();
    assert_eq!((status(&repo).as_str(), repo.rev("HEAD")), ("## main", landed));
}

#[test]
fn a_rebase_of_the_protected_branch_has_a_way_back() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("config shopfloor.commitOnTarget allow").ok();
    repo.commit("a", "a\n", "Add a").ok();
    repo.git("config --unset shopfloor.commitOnTarget").ok();
    let before = repo.rev("main");
    let reword = "GIT_SEQUENCE_EDITOR='sed -i 1s/pick/reword/' GIT_EDITOR='sed -i 1s/a/b/'";
    let rebase = repo.sh(&format!("{reword} git rebase --quiet -i HEAD~1"));
    assert_ne!(rebase.code, 0, "{rebase}");
    rebase.says(&["main only moves forward", "hint: git rebase --abort"]);
    repo.git("rebase --abort").ok();
    assert_eq!((status(&repo).as_str(), repo.rev("HEAD")), ("## main", before));
}

#[test]
fn an_atomic_push_through_the_gate_is_all_or_nothing() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("switch --quiet -c topic").ok();
    repo.commit("a", "a\n", "Add a").ok();
    let before = repo.git("for-each-ref refs/heads").ok().out;
    repo.git("push --atomic origin topic:refs/heads/t :main").fails(1).says(&["main is protected"]);
    repo.git("push --atomic origin topic:main topic:refs/shopfloor/x").fails(1);
    assert_eq!(repo.git("for-each-ref refs/heads").ok().out, before);
    assert!(queued(&repo).is_empty());
    repo.git("push --atomic origin topic:refs/heads/t topic:main").ok();
    assert_eq!(
        (repo.rev("refs/heads/t"), queued(&repo)),
        (repo.rev("topic"), vec![repo.rev("topic")])
    );
}
