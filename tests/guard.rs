//! What stands before the protected branch in a repository that is set up, whoever comes: a person's
//! commit, a person's push, another clone, what the remote already has.

use crate::githook::set_up;
use crate::route::{queued, told};
use crate::support::{Place, Sandbox, TOOLS};

#[test]
fn pre_push_queues_what_a_person_pushes_and_lets_pass_what_has_landed() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let seed = world.repo("seed");
    seed.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    let repo = world.clone_of(&hub, "api");
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes --route guard").ok();
    assert_eq!(repo.git("config shopfloor.publish").ok().line(), "origin");
    repo.git("switch --quiet -c topic").ok();
    repo.commit("a", "a\n", "Add a").ok();
    repo.git("push --quiet origin topic").ok();
    let before = hub.rev("main");
    repo.git("push --dry-run origin topic:main").fails(1).says(&["would be queued"]);
    assert!(queued(&repo).is_empty());
    let push = repo
        .git("push origin topic:main")
        .fails(1)
        .says(&["QUEUED #1 (not landed)", "git calls a failed push"]);
    assert!(push.err.contains("error: failed to push some refs"), "{push}");
    assert_eq!((hub.rev("main"), queued(&repo)), (before, vec![repo.rev("topic")]));
    repo.git("push origin :main").fails(1).says(&["main is protected"]);
    repo.git("push --quiet origin main").ok();
    repo.git("refinery run --drain").ok();
    assert_eq!(hub.rev("main"), repo.rev("topic"));
    repo.sh("git fetch --quiet && git push --quiet origin main").ok();
}

#[test]
fn a_second_clone_pushes_into_the_queue_of_the_first() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let clone = world.clone_of(&repo, "clone");
    clone.commit("a", "a\n", "Add a").ok();
    let before = repo.rev("main");
    let push = clone.git("push origin main").ok();
    assert!(told(&push)[0].starts_with("QUEUED #1 (not landed)"), "{push}");
    assert_eq!((repo.rev("main"), queued(&repo)), (before, vec![clone.rev("HEAD")]));
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
    clone.git("push --quiet origin main:topic").ok();
    assert_eq!(repo.rev("topic"), clone.rev("HEAD"));
    repo.git("refinery run --drain").ok();
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
    clone.sh("git reset --quiet --hard HEAD~1").ok();
    clone.commit("b", "b\n", "Add b").ok();
    clone.git("push origin main").fails(1).says(&["non-fast-forward"]);
    clone
        .git("push --force origin main")
        .fails(1)
        .says(&["main only moves forward", "HEAD:refs/for/main"]);
    clone.git("push origin HEAD:refs/for/main").ok();
    clone.git("push origin HEAD:refs/for/other").fails(1).says(&["there is no queue for other"]);
    assert_eq!(queued(&repo), [clone.rev("HEAD")]);
    let push = clone.git("push origin :main").fails(1);
    assert!(push.err.contains("main is protected"), "{push}");
}

#[test]
fn an_atomic_push_from_a_second_clone_is_refused_whole() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let clone = world.clone_of(&repo, "clone");
    clone.commit("a", "a\n", "Add a").ok();
    let before = repo.git("for-each-ref").ok().out;
    for rest in ["", " main:topic", " main:refs/tags/v1 main:topic"] {
        let no = clone.git(&format!("push --atomic origin main{rest}")).fails(1);
        no.says(&[
            "cannot be part of an atomic push",
            "hint: push main by itself, without --atomic",
        ]);
        assert_eq!(repo.git("for-each-ref").ok().out, before, "{rest}");
    }
    clone.git("push --atomic --quiet origin main:one main:two").ok();
    clone.git("push origin main main:topic").ok();
    assert_eq!((queued(&repo), repo.rev("topic")), (vec![clone.rev("HEAD")], clone.rev("HEAD")));
}

#[test]
fn a_stale_clone_of_its_own_pushes_to_refs_for() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let clone = world.clone_of(&repo, "clone");
    clone.commit("a", "a\n", "Add a").ok();
    repo.commit("b", "b\n", "Add b").fails(128);
    repo.git("refinery run --drain").ok();
    clone.git("push origin HEAD:main").fails(1).says(&["fetch first"]);
    let push = clone.git("push origin HEAD:refs/for/main").ok();
    assert!(told(&push)[0].starts_with("QUEUED #2 (not landed)"), "{push}");
    repo.git("refinery run --drain").ok();
    clone.git("fetch --quiet").ok();
    clone.git("merge-base --is-ancestor HEAD origin/main").ok();
    for help in ["refinery -h", "refinery submit --help"] {
        let said = repo.git(help).out;
        assert!(said.contains("git push origin HEAD:refs/for/main"), "{said}");
    }
}

#[test]
fn a_push_into_a_bare_repository_that_is_set_up_is_queued() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let seed = world.repo("seed");
    seed.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    hub.git("config shopfloor.autorun false").ok();
    hub.git("bead init --yes").ok();
    let clone = world.clone_of(&hub, "clone");
    clone.commit("a", "a\n", "Add a").ok();
    let before = hub.rev("main");
    clone.git("push origin main").ok();
    assert_eq!((hub.rev("main"), queued(&hub)), (before, vec![clone.rev("HEAD")]));
    hub.git("refinery run --drain").ok();
    assert_eq!(hub.rev("main"), clone.rev("HEAD"));
}

#[test]
fn a_commit_on_main_becomes_an_entry_and_main_stays() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let before = repo.rev("main");
    repo.write("a", "a\n");
    repo.git("add a").ok();
    repo.git("commit -m one").fails(128).says(&["QUEUED #1 (not landed)", "git refinery wait 1"]);
    assert_eq!(repo.rev("main"), before);
    repo.git("refinery run --drain").ok();
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
    assert_eq!(repo.git("log -1 --format=%s").ok().line(), "one");

    repo.git("reset --quiet --hard HEAD~1").fails(128).says(&["main only moves forward"]);
    repo.git("reset --quiet --hard HEAD").ok();
    repo.git("pack-refs --all").ok();
    repo.git("gc --quiet --prune=now").ok();
    assert_eq!(repo.git("log -1 --format=%s").ok().line(), "one");

    repo.git("config shopfloor.commitOnTarget refuse").ok();
    repo.git("commit --quiet --allow-empty -m two")
        .fails(128)
        .says(&["moved by the merge queue alone"]);
    assert!(queued(&repo).is_empty());
    repo.git("config shopfloor.commitOnTarget allow").ok();
    repo.git("commit --quiet --allow-empty -m two").ok();
}

#[test]
fn what_the_remote_has_comes_in_without_asking() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let seed = world.repo("seed");
    seed.run(["git", "remote", "add", "origin", hub.dir.to_str().unwrap()]).ok();
    seed.git("push --quiet --set-upstream origin main").ok();
    let repo = world.clone_of(&hub, "api");
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes").ok();
    seed.commit("a", "a\n", "Add a").ok();
    seed.git("push --quiet").ok();
    repo.git("pull --quiet").ok();
    assert_eq!(repo.rev("main"), seed.rev("main"));
    seed.git("commit --quiet --amend -m rewritten").ok();
    seed.git("push --quiet --force").ok();
    let before = repo.rev("main");
    repo.sh("git fetch --quiet && git reset --quiet --hard origin/main")
        .fails(128)
        .says(&["main only moves forward"]);
    assert_eq!(repo.rev("main"), before);
}

#[test]
fn everybody_pushes_at_once_and_everything_is_queued() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let trees: Vec<Place<'_>> = (0..8)
        .map(|nth| {
            repo.git(&format!("worktree add --quiet -b t{nth} ../t{nth}")).ok();
            let tree = repo.at(format!("../t{nth}"));
            tree.commit(&format!("f{nth}"), "x\n", &format!("Add f{nth}")).ok();
            tree
        })
        .collect();
    let pushes: Vec<_> =
        trees.iter().map(|tree| tree.start(["git", "push", "origin", "HEAD:main"])).collect();
    for push in pushes {
        push.end().ok();
    }
    let mut wanted: Vec<String> = trees.iter().map(|tree| tree.rev("HEAD")).collect();
    let mut found = queued(&repo);
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    let kept = repo.git("for-each-ref --format=%(objectname) refs/shopfloor/queue/main").ok().out;
    let mut kept: Vec<&str> = kept.lines().collect();
    kept.sort_unstable();
    assert_eq!(kept, wanted, "one ref each");
}

#[test]
fn with_one_command_alone_each_hook_still_does_its_part() {
    for (command, code, said) in [
        ("git-bead", 0, "git-refinery is not on PATH, so this push goes past the merge queue"),
        ("git-refinery", 1, "QUEUED #1 (not landed)"),
    ] {
        let whole = Sandbox::new();
        let repo = set_up(&whole, "api");
        repo.git("config shopfloor.path /nowhere").ok();
        repo.git("switch --quiet -c topic").ok();
        repo.commit("a", "a\n", "Add a").ok();
        let away = whole.bare("away");
        for (name, _) in TOOLS.iter().filter(|(name, _)| *name != command) {
            std::fs::remove_file(whole.root().join("bin").join(name)).unwrap();
        }
        let push = repo.git(&format!("push {} HEAD:main", away.dir.display())).fails(code);
        push.says(&[said]);
    }
}

#[test]
fn a_range_that_is_picked_on_main_is_queued_once_each() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("switch --quiet -c picks").ok();
    for name in ["one", "two", "three"] {
        repo.commit(name, "x\n", name).ok();
    }
    repo.git("switch --quiet main").ok();
    let pick = repo.git("cherry-pick main..picks");
    assert!(pick.err.contains("QUEUED #1 (not landed)"), "{pick}");
    let again = "git -c core.editor=true cherry-pick --continue";
    let hint = "hint: `git cherry-pick --skip` goes on with the next one";
    repo.sh(&format!("GIT_COMMITTER_DATE='2031-01-01T00:00:00Z' {again}"))
        .fails(128)
        .says(&["this very change is main#1 already (waiting)", hint]);
    repo.sh(again).fails(128).says(&[hint]);
    assert_eq!(queued(&repo).len(), 1);
    for n in 2..4 {
        let next = repo.git("cherry-pick --skip");
        assert!(next.err.contains(&format!("QUEUED #{n} (not landed)")), "{next}");
    }
    repo.git("cherry-pick --skip").ok();
    assert_eq!(queued(&repo).len(), 3);
    repo.git("refinery run --drain").ok();
    for name in ["one", "two", "three"] {
        assert_eq!(
            repo.git(&format!("log --format=%s --no-merges main -- {name}")).ok().line(),
            name
        );
    }
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
}

#[test]
fn an_amend_of_what_is_queued_is_told_how_to_change_it() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let before = repo.rev("main");
    assert_eq!(repo.commit("a", "a\n", "Add a").code, 128);
    repo.write("a", "b\n");
    let no = repo.git("commit --quiet --all --amend -m Better").fails(128);
    no.says(&["it waits as main#1", "git refinery reject 1 --reason amended", "without --amend"]);
    assert_eq!(repo.rev("main"), before);
    repo.git("refinery reject 1 --reason amended").ok();
    repo.git("commit --quiet --all -m Better").fails(128).says(&["QUEUED #2"]);
    repo.git("refinery run --drain").ok();
    assert_eq!(repo.git("log --format=%s main").ok().line(), "Better\nfirst light");
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
}

#[test]
fn every_way_to_commit_on_main_ends_clean() {
    for (way, code) in [
        ("git add a && git commit --quiet -m one", 128),
        ("git add a && echo more >>README.md && git commit --quiet -am one", 128),
        (
            "git switch --quiet -c t && git add a && git commit --quiet -m one && git switch --quiet main && git merge --quiet t",
            128,
        ),
        (
            "git switch --quiet -c t && git add a && git commit --quiet -m one && git switch --quiet main && git merge --quiet --no-ff --no-edit t",
            128,
        ),
    ] {
        let world = Sandbox::new();
        let repo = set_up(&world, "api");
        repo.write("a", "a\n");
        repo.sh(way).fails(code).says(&["QUEUED #1 (not landed)"]);
        repo.git("refinery run --drain").ok();
        assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main", "{way}");
        assert!(repo.has("a"));
    }
}

#[test]
fn an_agent_that_nobody_slung_lands_under_its_own_name_and_its_owners() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("switch --quiet -c topic").ok();
    repo.write("a", "a\n");
    repo.sh("git add a && CLAUDECODE=1 git commit --quiet -m 'Add a'").ok();
    repo.sh("CLAUDECODE=1 git push --quiet origin HEAD:main").ok();
    repo.git("refinery run --drain").ok();
    repo.git("refinery audit").ok();
    let log =
        repo.run(["git", "log", "-1", "--format=%an|%(trailers:key=Agent,valueonly)", "main"]);
    assert_eq!(log.line(), "Jane Doe|claude-code");
}

#[test]
fn a_commit_that_was_vetoed_and_not_yet_queued_is_queued_by_the_next_command() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("commit --quiet --allow-empty -m one").fails(128);
    let commit = queued(&repo).remove(0);
    repo.git("refinery reject 1 --reason again").ok();
    // What a kill between the two leaves behind: the note, and no entry.
    repo.write(&format!(".git/shopfloor/adopt/{commit}"), "");
    repo.bead("Anything");
    assert_eq!(queued(&repo), [commit]);
    assert!(repo.sh("ls .git/shopfloor/adopt").line().is_empty());
}
