//! A landing on a branch that somebody has checked out never touches what is theirs, and never
//! looks like something they did.

use crate::githook::set_up;
use crate::support::{Place, Sandbox};

/// A repository without gates, main checked out in it, and a work tree with one commit to land.
fn shop(world: &Sandbox) -> (Place<'_>, Place<'_>) {
    let repo = world.repo("shop");
    repo.commit("text", "one\ntwo\n", "A text").ok();
    repo.git("config shopfloor.autorun false").ok();
    repo.git("worktree add --quiet -b work ../work").ok();
    let work = repo.at("../work");
    work.commit("new", "new\n", "Add new").ok();
    work.git("refinery submit").ok();
    (repo, work)
}

/// Lands what waits; what the refinery had to say about work trees.
pub(crate) fn land(repo: &Place<'_>) -> String {
    let ran = repo.git("refinery run --drain").ok();
    assert_eq!(repo.git("log -1 --format=%s main").ok().line(), "Add new");
    repo.git("refinery audit").ok();
    ran.err.replace(repo.dir.to_str().unwrap(), "shop").trim_end().to_owned()
}

pub(crate) fn status(repo: &Place<'_>) -> String {
    repo.git("status --porcelain --branch").ok().line()
}

const LEFT: &str = "note: shop was left as it is, on a detached HEAD:";
const BACK: &str = "`git switch main` brings it to the landed commits";

#[test]
fn a_clean_one_follows() {
    let world = Sandbox::new();
    let (repo, _) = shop(&world);
    repo.write("scratch", "untracked files are nobody's business\n");
    assert_eq!(land(&repo), "");
    assert_eq!(status(&repo), "## main\n?? scratch");
    assert_eq!(repo.read("new"), "new\n");
}

#[test]
fn one_with_edits_stays_as_it_is() {
    let world = Sandbox::new();
    let (repo, _) = shop(&world);
    repo.write("text", "one\ntwo\nthree\n");
    repo.write("staged", "staged\n");
    repo.git("add staged").ok();
    assert_eq!(land(&repo), format!("{LEFT} it has uncommitted changes; {BACK}"));
    assert_eq!(status(&repo), "## HEAD (no branch)\nA  staged\n M text");
    assert!(!repo.has("new"));
    repo.git("switch --quiet main").ok();
    assert_eq!(status(&repo), "## main\nA  staged\n M text");
    assert_eq!(repo.read("new"), "new\n");
}

#[test]
fn an_untracked_file_in_the_way_is_not_overwritten() {
    let world = Sandbox::new();
    let (repo, _) = shop(&world);
    repo.write("new", "mine\n");
    assert_eq!(land(&repo), format!("{LEFT} new is in the way; {BACK}"));
    assert_eq!(status(&repo), "## HEAD (no branch)\n?? new");
    assert_eq!(repo.read("new"), "mine\n");
    repo.sh("mv new mine").ok();
    // The next run brings it back by itself.
    repo.git("refinery run --drain").ok();
    assert_eq!(status(&repo), "## main\n?? mine");
}

#[test]
fn an_ignored_file_in_the_way_is_not_overwritten() {
    let cases = [("local.env", "local.env"), ("build/out", "build"), ("build", "build/out")];
    for (mine, theirs) in cases {
        let world = Sandbox::new();
        let repo = world.repo("shop");
        repo.commit(".gitignore", "local.env\nbuild\n", "Ignore what is local").ok();
        repo.git("config shopfloor.autorun false").ok();
        repo.git("worktree add --quiet -b work ../work").ok();
        repo.write(mine, "mine\n");
        let work = repo.at("../work");
        work.write(theirs, "theirs\n");
        work.sh("git add --force --all; git commit --quiet --message='Add new'").ok();
        work.git("refinery submit").ok();
        let way = mine.split('/').next().unwrap();
        assert_eq!(land(&repo), format!("{LEFT} {way} is in the way; {BACK}"));
        assert_eq!(status(&repo), "## HEAD (no branch)", "{mine}");
        assert_eq!(repo.read(mine), "mine\n");
        repo.sh(&format!("mv {way} ../kept")).ok();
        repo.git("refinery run --drain").ok();
        assert_eq!(status(&repo), "## main");
        assert_eq!(repo.read(theirs), "theirs\n");
    }
}

#[test]
fn a_detached_head_is_not_touched() {
    let world = Sandbox::new();
    let (repo, _) = shop(&world);
    repo.git("switch --quiet --detach main").ok();
    assert_eq!(land(&repo), "");
    assert_eq!(status(&repo), "## HEAD (no branch)");
    assert!(!repo.has("new"));
}

#[test]
fn a_rebase_goes_on_as_if_nothing_had_happened() {
    let world = Sandbox::new();
    let (repo, _) = shop(&world);
    repo.git("switch --quiet -c mine HEAD~1").ok();
    repo.commit("text", "mine\n", "My text").ok();
    assert_eq!(repo.git("rebase --quiet main").code, 1);
    assert_eq!(land(&repo), "");
    repo.write("text", "both\n");
    repo.git("add text").ok();
    repo.sh("GIT_EDITOR=true git rebase --continue").ok();
    assert_eq!(repo.git("log --format=%s").ok().line(), "My text\nA text\nfirst light");
}

#[test]
fn a_merge_that_is_under_way_stays_under_way() {
    let world = Sandbox::new();
    let (repo, _) = shop(&world);
    repo.git("branch side HEAD~1").ok();
    repo.git("worktree add --quiet ../side side").ok();
    repo.at("../side").commit("text", "theirs\n", "Their text").ok();
    assert_eq!(repo.git("merge --quiet side").code, 1);
    assert_eq!(land(&repo), format!("{LEFT} a merge is under way; {BACK}"));
    assert_eq!(status(&repo), "## HEAD (no branch)\nAA text");
    repo.git("merge --abort").ok();
    repo.git("refinery run --drain").ok();
    assert_eq!(status(&repo), "## main");
}

#[test]
fn a_commit_on_a_parked_head_is_not_walked_away_from() {
    let world = Sandbox::new();
    let (repo, _) = shop(&world);
    repo.write("text", "mine\n");
    land(&repo);
    repo.git("commit --quiet --all --message=Mine").ok();
    let ran = repo.git("refinery run --drain").ok();
    assert!(ran.err.contains("its HEAD has moved"), "{ran}");
    assert_eq!(repo.git("log -1 --format=%s").ok().line(), "Mine");
}

/// What `git commit` on a protected main leaves behind: the commit submitted, the index as it was
/// for it, HEAD where it was.
pub(crate) fn adopted(repo: &Place<'_>) {
    repo.write("mine", "mine\n");
    repo.git("add mine").ok();
    let tree = repo.git("write-tree").ok().line();
    let commit = repo.run(["git", "commit-tree", "-p", "main", "-m", "Mine", &tree]).ok().line();
    repo.git(&format!("refinery submit {commit}")).ok();
}

#[test]
fn an_adopted_commit_is_nobodys_edit_any_more() {
    let world = Sandbox::new();
    let repo = world.repo("shop");
    repo.git("config shopfloor.autorun false").ok();
    adopted(&repo);
    assert_eq!(repo.git("refinery run --drain").ok().err, "");
    assert_eq!(status(&repo), "## main");
    assert_eq!(repo.read("mine"), "mine\n");
}

#[test]
fn edits_made_after_an_adopted_commit_are_all_that_is_left_of_it() {
    let world = Sandbox::new();
    let repo = world.repo("shop");
    repo.git("config shopfloor.autorun false").ok();
    adopted(&repo);
    repo.write("mine", "mine, and more\n");
    repo.write("README.md", "Another project.\n");
    assert_eq!(repo.git("refinery run --drain").ok().err, "");
    assert_eq!(status(&repo), "## main\n M README.md\n M mine");
    assert_eq!(repo.read("mine"), "mine, and more\n");
}

#[test]
fn commits_of_a_part_leave_the_rest_as_it_was() {
    let world = Sandbox::new();
    let repo = set_up(&world, "shop");
    repo.commit("text", "one\n", "A text").fails(128);
    repo.git("refinery run --drain").ok();
    repo.sh("echo 2 >2; git add 2; echo 3 >3; git add 3; git commit -qm two -- 2").fails(128);
    repo.sh("echo more >>text; git commit -qm more text").fails(128);
    assert_eq!(repo.git("refinery run --drain").ok().err, "");
    assert_eq!(status(&repo), "## main\nA  3");
    assert_eq!(repo.read("text") + &repo.read("2"), "one\nmore\n2\n");
}

#[test]
fn the_way_back_that_is_told_works_where_others_changed_the_same_file() {
    let world = Sandbox::new();
    let repo = set_up(&world, "shop");
    repo.commit("text", "1\n2\n3\n4\n5\n", "A text").fails(128);
    repo.git("refinery run --drain").ok();
    repo.git("worktree add --quiet -b other ../other main").ok();
    let other = repo.at("../other");
    other.commit("text", "one\n2\n3\n4\n5\n", "Spell it").ok();
    other.git("refinery submit").ok();
    repo.write("text", "1\n2\n3\n4\nfive\n");
    let told = repo.git("refinery run --drain").ok().err;
    let way = "git stash && git switch main && git stash pop";
    assert!(told.contains(&format!("`{way}` brings it to the landed commits")), "{told}");
    assert!(repo.git("refinery status").ok().out.contains(&format!("`{way}` there")));
    repo.sh(way).ok();
    assert_eq!(status(&repo), "## main\n M text");
    assert_eq!(repo.read("text"), "one\n2\n3\n4\nfive\n");
}

#[test]
fn every_work_tree_on_the_branch_is_seen_to_and_bare_ones_have_none() {
    let world = Sandbox::new();
    let (repo, _) = shop(&world);
    repo.git("switch --quiet --detach").ok();
    repo.git("worktree add --quiet ../second main").ok();
    land(&repo);
    assert_eq!(status(&repo.at("../second")), "## main");
    let bare = world.bare("hub.git");
    repo.git("push --quiet ../hub.git main work").ok();
    bare.git("config shopfloor.autorun false").ok();
    bare.git("refinery submit work").fails(1);
    bare.git("update-ref refs/heads/main main~1").ok();
    bare.git("refinery submit work").ok();
    bare.git("refinery run --drain").ok();
    assert_eq!(bare.rev("main"), repo.rev("work"));
}
