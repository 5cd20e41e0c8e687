//! Who acts, what a refusal leaves behind, and who sees to what others left.

use crate::githook::set_up;
use crate::refinery::{drain, entry, marks, shop, submit, tree};
use crate::route::queued;
use crate::sling::text;
use crate::support::Sandbox;

#[test]
fn a_refused_trust_in_an_entry_trusts_nothing() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("shopfloor.toml", "[gates.test]\ncommand = 'touch evil'\n", "Evil").ok();
    submit(&work);
    let trusted = || repo.sh("find ~/.local ~/.config -type f | sort | xargs cat").ok().out;
    let before = trusted();
    assert!(!before.is_empty(), "the gate of main is trusted");
    repo.git("bead trust --entry 1 --yes")
        .fails(3)
        .says(&["main#1 is not held for its commands, it is waiting"]);
    assert_eq!(trusted(), before, "it waits");
    assert_eq!(drain(&repo)[0]["held"]["why"], "surface");
    repo.git("refinery reject 1 --reason No").ok();
    repo.git("bead trust --entry 1 --yes").fails(3).says(&["it is rejected"]);
    assert_eq!(trusted(), before, "it was rejected");
    submit(&work);
    assert_eq!(drain(&repo)[0]["held"]["why"], "surface");
    repo.git("bead trust --entry 2 --yes").ok();
    assert_ne!(trusted(), before);
}

#[test]
fn only_the_targets_own_upstream_moves_it_past_the_queue() {
    let world = Sandbox::new();
    let (hub, fork) = (world.bare("hub"), world.bare("fork"));
    let seed = world.repo("seed");
    let url = |place: &crate::support::Place<'_>| place.dir.to_str().unwrap().to_owned();
    seed.run(["git", "push", "--quiet", &url(&hub), "main"]).ok();
    let repo = world.clone_of(&hub, "api");
    repo.run(["git", "remote", "add", "mallory", &url(&fork)]).ok();
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes --route guard").ok();
    let before = repo.rev("main");
    seed.commit("a", "a\n", "Add a").ok();
    seed.run(["git", "push", "--quiet", &url(&hub), "main:jane/main"]).ok();
    seed.run(["git", "push", "--quiet", &url(&fork), "main"]).ok();
    repo.git("fetch --quiet --all").ok();
    for theirs in ["origin/jane/main", "mallory/main"] {
        repo.git(&format!("merge --quiet --ff-only {theirs}")).fails(128).says(&["QUEUED #1"]);
        assert_eq!(repo.rev("main"), before, "{theirs}");
    }
    assert_eq!(queued(&repo), [seed.rev("main")]);
    seed.run(["git", "push", "--quiet", &url(&hub), "main"]).ok();
    repo.git("pull --quiet --ff-only origin main").ok();
    assert_eq!(repo.rev("main"), seed.rev("main"));
}

#[test]
fn a_slip_in_what_happens_to_commits_on_main_lets_nothing_past_the_queue() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let before = repo.rev("main");
    repo.git("config shopfloor.commitOnTarget refused").ok();
    repo.git("commit --quiet --allow-empty -m one").fails(128).says(&[
        "git config shopfloor.commitOnTarget is \"refused\"",
        "hint: git config shopfloor.commitOnTarget adopt, or refuse, or allow",
    ]);
    assert_eq!(repo.rev("main"), before);
    repo.git("pack-refs --all").ok();
}

#[test]
fn an_agent_says_under_which_epoch_it_submits() {
    let mut world = Sandbox::new();
    shop(&world);
    world.set("SHOPFLOOR_AGENT", "toast");
    world.set("SHOPFLOOR_SESSION", "s1");
    let repo = world.place("shop");
    let bead = repo.bead("Sum it up");
    repo.git(&format!("bead update {bead} --claim")).ok();
    let work = tree(&repo, "work", "main");
    work.commit("a", "a\n", &format!("Add\n\n{}", marks(&bead))).ok();
    work.git("refinery submit")
        .fails(3)
        .says(&["toast does not say under which epoch it holds shop-"]);
    world.set("SHOPFLOOR_EPOCH", "one");
    let work = world.place("work");
    work.git("refinery submit").fails(129).says(&["\"one\" is no epoch"]);
    assert!(queued(&world.place("shop")).is_empty());
    world.set("SHOPFLOOR_EPOCH", "1");
    assert_eq!(submit(&world.place("work")), 1);
    assert_eq!(entry(&world.place("shop"), 1)["state"], "waiting");
}

#[test]
fn every_changing_command_sees_to_what_a_crash_left_and_no_other() {
    for (call, sees) in [
        ("bead ready", false),
        ("bead ready --claim", true),
        ("bead dep tree BEAD", false),
        ("bead comment BEAD again", true),
        ("convoy list", false),
        ("convoy create Batch BEAD", true),
        ("sling mail", false),
        ("sling mail send overseer -s Hello", true),
        ("refinery status", false),
        ("refinery submit topic", true),
    ] {
        let world = crate::sling::shop("sleep 1000");
        let repo = set_up(&world, "api");
        repo.git("branch topic").ok();
        let bead = repo.bead("Another");
        repo.run(["git", "sling", "Do the work"]).ok();
        let session = text(&repo.json("sling ps --json")[0], "session");
        let live = format!(".git/shopfloor/live/{session}");
        repo.sh(&format!("kill -9 $(head -1 {live})")).ok();
        repo.wait("it is dead", "git sling ps", || {
            let left = "grep -qv ') Z ' /proc/$p/stat 2>/dev/null";
            repo.sh(&format!("p=$(head -1 {live}); ! {left}")).code == 0
        });
        let said = repo.git(&call.replace("BEAD", &bead));
        assert_eq!(said.err.contains("had lost its runner"), sees, "{said}");
        repo.git("sling stop --all");
    }
}

#[test]
fn reading_mends_no_git_hooks_and_changing_does_so_once() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.write(".git/hooks/commit-msg", "#!/bin/sh\n");
    assert_eq!(repo.git("sling mail").ok().err, "");
    let said = repo.git("sling mail send overseer -s Hello").ok();
    assert_eq!(said.err.matches("git hooks had lost our lines").count(), 1, "{said}");
}

#[test]
fn a_claim_says_status_and_holder_by_itself() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let bead = repo.bead("Draw the map");
    for more in ["--status open", "--assignee joe"] {
        repo.git(&format!("bead update {bead} --claim {more}"))
            .fails(129)
            .says(&["the argument '--claim' cannot be used with"]);
    }
    assert_eq!(repo.json(&format!("bead show {bead} --json"))[0]["status"], "open");
}

#[test]
fn a_new_file_is_work_that_was_never_submitted() {
    let world = crate::sling::shop("echo new >file; sleep 1000");
    let repo = world.repo("my api");
    repo.git("config shopfloor.autorun false").ok();
    let bead = repo.bead("Do the work");
    repo.git(&format!("sling {bead}")).ok();
    let tree = repo.at("../my api.worktrees/toast");
    repo.wait("it has made a file", "git sling ps", || tree.has("file"));
    let said = repo
        .git(&format!("bead close {bead} --on-behalf-of toast"))
        .fails(3)
        .says(&["has work that was never submitted"]);
    let pasted: Vec<_> =
        said.err.lines().filter_map(|line| line.strip_prefix("hint: git -C ")).collect();
    assert_eq!(pasted.len(), 2, "{said}");
    for command in pasted {
        repo.sh(&format!("export GIT_EDITOR='echo Work >'; git -C {command}")).ok();
    }
    assert_eq!(queued(&repo), [tree.rev("HEAD")]);
    repo.git("sling stop --all").ok();
}
