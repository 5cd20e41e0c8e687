//! A person who commits on the protected branch and works on, while what they committed waits and
//! lands: each commit is its own change, and what `git status` shows is theirs alone.

use crate::attribution::held;
use crate::githook::set_up;
use crate::route::queued;
use crate::support::{Place, Sandbox};

fn status(repo: &Place<'_>) -> String {
    repo.git("status --porcelain --branch").ok().line()
}

/// A commit by somebody else, in a work tree of its own, which asks to land.
fn submitted(repo: &Place<'_>, name: &str) {
    repo.git(&format!("worktree add --quiet -b {name} ../{name} main")).ok();
    let tree = repo.at(format!("../{name}"));
    tree.git("config extensions.worktreeConfig true").ok();
    tree.git("config --worktree user.email other@example.org").ok();
    tree.commit(name, "x\n", &format!("Add {name}")).ok();
    tree.git("refinery submit").ok();
}

#[test]
fn a_second_commit_on_main_stands_on_the_first_that_still_waits() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let before = repo.rev("main");
    repo.sh("echo one >>README.md; git commit --quiet -am c1").fails(128).says(&["QUEUED #1"]);
    let again = "GIT_COMMITTER_DATE='2031-01-01T00:00:00Z' git commit --quiet -m c2 --date";
    repo.sh(&format!("echo two >>README.md; git add README.md; {again} 2031-01-01T00:00:00Z"))
        .fails(128)
        .says(&["QUEUED #2 (not landed)", "on top of #1, which waits too"]);
    repo.sh(&format!("{again} 2031-01-01T00:00:00Z"))
        .fails(128)
        .says(&["this very change is main#2 already"]);
    repo.sh("echo x >new; git add new; git commit --quiet -m c3").fails(128).says(&["QUEUED #3"]);
    let [one, two, three] = queued(&repo).try_into().unwrap();
    assert_eq!(repo.rev(&format!("{three}~1")), two);
    assert_eq!((repo.rev(&format!("{two}~1")), repo.rev(&format!("{one}~1"))), (one, before));
    assert_eq!(repo.git(&format!("show --format= --name-only {three}")).ok().line(), "new");
    let kept = repo.git("for-each-ref --format=%(subject) refs/shopfloor/vetoed").ok().line();
    let mut kept: Vec<_> = kept.lines().collect();
    kept.sort_unstable();
    assert_eq!(kept, ["c2", "c3"]);
    repo.git("refinery run --drain").ok();
    assert_eq!(repo.git("log --format=%s main").ok().line(), "c3\nc2\nc1\nfirst light");
    assert_eq!(status(&repo), "## main");
    repo.git("refinery audit").ok();
}

#[test]
fn a_commit_without_the_change_of_the_one_that_waits_is_left_as_it_is() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.commit("a", "a\n", "Add a").fails(128);
    repo.git("reset --quiet --hard").ok();
    repo.commit("b", "b\n", "Add b").fails(128);
    for commit in queued(&repo) {
        assert_eq!(repo.rev(&format!("{commit}~1")), repo.rev("main"));
    }
    repo.git("refinery run --drain").ok();
    assert!(repo.has("a") && repo.has("b"));
}

#[test]
fn who_rejects_a_commit_is_told_what_stands_on_it_and_can_change_both() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.commit("a", "a\n", "Add a").fails(128);
    repo.commit("b", "b\n", "Add b").fails(128);
    repo.write("b", "c\n");
    repo.git("commit --quiet --all --amend -m Better").fails(128).says(&["it waits as main#2"]);
    repo.git("refinery reject 1 --reason amended").ok().says(&["git refinery reject 2"]);
    repo.git("refinery reject 2 --reason amended").ok();
    repo.git("commit --quiet --all -m Both").fails(128).says(&["QUEUED #3"]);
    repo.git("refinery run --drain").ok();
    assert_eq!(repo.git("log --format=%s main").ok().line(), "Both\nfirst light");
    assert_eq!(status(&repo), "## main");
}

#[test]
fn what_has_landed_is_not_shown_as_staged_to_who_works_on() {
    for (work, left) in [
        ("echo 2 >p2; git add p2", "A  p2"),
        ("echo 2 >>p1", " M p1"),
        ("echo 2 >>p1; git add p1", "M  p1"),
        ("echo 2 >>p1; git add p1; echo 3 >>p1", "MM p1"),
        ("git rm --quiet --cached README.md", "D  README.md\n?? README.md"),
    ] {
        let world = Sandbox::new();
        let repo = set_up(&world, "api");
        repo.commit("p1", "1\n", "Add p1").fails(128);
        repo.sh(work).ok();
        let before = repo.sh("git ls-files --stage; cat p1 p2 2>/dev/null; true").out;
        repo.git("refinery run --drain").ok();
        assert_eq!(status(&repo), format!("## main\n{left}"), "{work}");
        let after = repo.sh("git ls-files --stage; cat p1 p2 2>/dev/null; true").out;
        assert_eq!(after, before, "{work}");
    }
}

#[test]
fn what_was_committed_past_the_index_is_not_shown_as_an_edit_either() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.sh("echo one >>README.md; git commit --quiet -am c1").fails(128);
    repo.sh("echo two >>README.md; echo x >new; git add new").ok();
    repo.git("refinery run --drain").ok();
    assert_eq!(status(&repo), "## main\n M README.md\nA  new");
    let diff = repo.git("diff -U0 README.md").ok().out;
    assert!(diff.contains("\n+two\n") && !diff.contains("+one"), "{diff}");
}

#[test]
fn beside_what_others_landed_only_the_persons_own_is_shown() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.sh("echo 1 >p1; git add p1").ok();
    submitted(&repo, "other");
    repo.git("refinery run --drain").ok();
    assert_eq!(status(&repo), "## HEAD (no branch)\nA  p1");
    repo.git("commit --quiet -m p1").fails(128).says(&["QUEUED #2"]);
    repo.sh("echo 2 >p2; git add p2").ok();
    repo.git("refinery run --drain").ok();
    assert_eq!(status(&repo), "## HEAD (no branch)\nA  p2");
    repo.git("commit --quiet -m p2").fails(128).says(&["QUEUED #3"]);
    repo.git("refinery run --drain").ok();
    assert_eq!(status(&repo), "## main");
    assert!(repo.has("other") && repo.has("p1") && repo.has("p2"));
}

#[test]
fn a_work_tree_that_was_moved_away_comes_back_when_it_is_found() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    submitted(&repo, "other");
    repo.git("switch --quiet --detach").ok();
    repo.git("worktree add --quiet ../linked main").ok();
    repo.sh("mv ../linked ../moved").ok();
    repo.git("refinery run --drain").ok();
    repo.git("worktree repair ../moved").ok();
    let moved = repo.at("../moved");
    assert_eq!(status(&moved), "## HEAD (no branch)");
    moved.bead("Anything");
    assert_eq!(status(&moved), "## main");
    assert!(moved.has("other"));
}

#[test]
fn the_way_that_is_told_after_a_conflict_with_ones_own_commit_works() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.sh("echo one >>README.md; git commit --quiet -am c1").fails(128);
    repo.sh("sed -i s/one/uno/ README.md; git commit --quiet -am c2").fails(128);
    repo.git("refinery run --drain").ok();
    let no = repo.git("refinery show 2").ok();
    assert!(no.out.contains("git refinery status    # if it was made on main itself"), "{no}");
    let way = "git stash && git switch main && git stash pop";
    assert!(repo.git("refinery status").ok().out.contains(&format!("`{way}` there")));
    repo.sh(way).fails(1);
    repo.write("README.md", "uno\n");
    repo.sh("git commit --quiet -am c3").fails(128).says(&["QUEUED #3"]);
    repo.git("refinery run --drain").ok();
    assert_eq!((status(&repo).as_str(), repo.read("README.md").as_str()), ("## main", "uno\n"));
}

#[test]
fn deinit_brings_work_trees_back_or_says_how_and_leaves_none_of_ours() {
    for (edited, head) in [(true, "## HEAD (no branch)\n M README.md"), (false, "## main")] {
        let world = Sandbox::new();
        let repo = world.repo("api");
        repo.git("config shopfloor.autorun false").ok();
        repo.commit("shopfloor.toml", "[gates.test]\ncommand = 'true'\n", "A gate").ok();
        repo.git("bead init --yes").ok();
        repo.git("bead trust --yes").ok();
        submitted(&repo, "other");
        repo.write("README.md", "Mine.\n");
        repo.git("refinery run --drain").ok();
        assert!(repo.has("../api.worktrees/.refinery") && repo.has(".git/shopfloor-parked"));
        if !edited {
            repo.git("restore README.md").ok();
        }
        let said = repo.git("bead deinit --purge --yes").ok();
        assert_eq!(said.out.contains("`git switch main` there"), edited, "{said}");
        assert_eq!(status(&repo), head);
        let trees = repo.git("worktree list").ok().out;
        assert!(!trees.contains(".refinery") && !repo.has("../api.worktrees"), "{trees}");
        assert!(!repo.has(".git/shopfloor-parked"));
        repo.git("switch --quiet main").ok();
        assert!(repo.has("other"));
    }
}

#[test]
fn a_reset_that_is_refused_says_what_it_did_and_nothing_of_entries_that_landed() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    for name in ["a", "b"] {
        repo.commit(name, "x\n", name).fails(128);
        repo.git("refinery run --drain").ok();
    }
    let no = repo.git("reset --hard HEAD~1").fails(128).says(&["`git reset --hard main` brings"]);
    assert!(!no.err.contains("QUEUED") && !no.err.contains("Your files stay"), "{no}");
    assert!(!repo.has("b"));
    repo.git("reset --hard main").ok();
    assert_eq!((status(&repo).as_str(), repo.has("b")), ("## main", true));
    let no = repo.git("reset HEAD~1").fails(128).says(&["`git reset` takes what is staged back"]);
    assert!(!no.err.contains("QUEUED"), "{no}");
    repo.git("reset").ok();
    assert_eq!(status(&repo), "## main");
    repo.git("switch --quiet --detach").ok();
    let no = repo.git("branch -f main HEAD~1").fails(128).says(&["main only moves forward"]);
    assert!(!no.err.contains("QUEUED") && !no.err.contains("your files"), "{no}");
}

#[test]
fn a_commit_on_main_that_is_refused_as_stale_is_kept_by_a_ref_that_is_named() {
    let world = Sandbox::new();
    let (repo, tree, _) = held(&world);
    repo.git("sling stop --all").ok();
    repo.git("switch --quiet --detach").ok();
    tree.git("switch --quiet main").ok();
    tree.write("a", "a\n");
    tree.git("add a").ok();
    let no = tree.git("commit --quiet -m one").fails(128).says(&["stale: ", "is on no branch"]);
    assert!(!no.err.contains("safe on its branch"), "{no}");
    let kept = repo.git("for-each-ref --format=%(refname) refs/shopfloor/vetoed").ok().line();
    assert!(no.err.contains(&format!("{kept} keeps it")), "{no}");
    assert_eq!(repo.git(&format!("log -1 --format=%s {kept}")).ok().line(), "one");
}
