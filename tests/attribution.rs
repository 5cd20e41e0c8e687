//! Whose a commit is: what agents, people and forgers bring, and what of it lands in whose name.

use crate::refinery::{drain, entry};
use crate::support::{Place, Sandbox};

/// A repository with a queue, a bead that `idle` holds, and the work tree it holds it in.
pub(crate) fn held<'w>(world: &'w Sandbox) -> (Place<'w>, Place<'w>, String) {
    world.program("sleeper", "#!/bin/sh\nexec sleep 600\n");
    world.person("[agents.idle]\ncommand = ['sleeper']\n[agents.second]\ncommand = ['sleeper']\n");
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes").ok();
    let bead = repo.bead("Do the work");
    repo.git(&format!("sling {bead} idle")).ok();
    let tree = repo.at("../api.worktrees/idle");
    (repo, tree, bead)
}

/// A person's own branch with one commit of this message, made around the git hooks.
fn brought(repo: &Place<'_>, branch: &str, message: &str) {
    repo.git(&format!("switch --quiet -c {branch} main")).ok();
    repo.write(branch, "x\n");
    repo.git("add .").ok();
    let words = ["git", "commit", "--quiet", "--no-verify", "--cleanup=verbatim", "-m", message];
    repo.run(words).ok();
}

#[track_caller]
fn status(repo: &Place<'_>, bead: &str) -> String {
    let shown = repo.json(&format!("bead show {bead} --json"));
    shown[0]["status"].as_str().unwrap().to_owned()
}

/// The error with which the newest entry was rejected.
#[track_caller]
fn rejected(repo: &Place<'_>, n: u64) -> String {
    drain(repo);
    let entry = entry(repo, n);
    assert_eq!(entry["rejection"]["cause"], "attribution", "{entry}");
    entry["rejection"]["error"].as_str().unwrap().to_owned()
}

#[test]
fn what_a_slung_work_tree_pushes_is_its_agents_whatever_the_environment_says() {
    let world = Sandbox::new();
    let (repo, tree, bead) = held(&world);
    let before = repo.rev("main");
    tree.write("y", "y\n");
    tree.sh("git add y && bare='env -i PATH='\"$PATH\"' HOME='\"$HOME\" &&
        $bare git -c user.name=Jane -c core.hooksPath=/dev/null commit --quiet -m y &&
        $bare git push --quiet origin HEAD:main")
        .ok();
    let short = &tree.rev("HEAD")[..10];
    assert_eq!(rejected(&repo, 1), format!("commit {short}: the trailer `Agent: idle` is missing"));
    let entry = entry(&repo, 1);
    assert_eq!((&entry["agent"], &entry["bead"]), (&"idle".into(), &bead.as_str().into()));
    assert_eq!((repo.rev("main"), status(&repo, &bead)), (before, "in_progress".to_owned()));
    tree.git("commit --quiet --amend --reset-author --no-edit").ok();
    tree.sh("env -i PATH=\"$PATH\" HOME=\"$HOME\" git push --quiet origin HEAD:main").ok();
    drain(&repo);
    assert_eq!((repo.rev("main"), status(&repo, &bead)), (tree.rev("HEAD"), "closed".to_owned()));
}

#[test]
fn a_stale_claimant_lands_by_no_way() {
    let world = Sandbox::new();
    let (repo, old, bead) = held(&world);
    old.commit("old", "old\n", "Old work").ok();
    let (before, stale) = (repo.rev("main"), old.rev("HEAD"));
    repo.git("sling stop --all").ok();
    repo.git(&format!("sling {bead} second")).ok();

    old.git("push origin HEAD:main").fails(1).says(&["stale: ", "is held by second"]);
    repo.git(&format!("push . {stale}:refs/for/main")).fails(1).says(&["stale: idle had"]);
    repo.git(&format!("refinery submit {stale}")).fails(3).says(&["stale: idle had"]);
    repo.git(&format!("update-ref refs/shopfloor/queue/main/1 {stale}")).ok();
    let error = rejected(&repo, 1);
    assert!(error.contains("`Agent: idle` is forged or stale"), "{error}");
    assert_eq!((repo.rev("main"), status(&repo, &bead)), (before, "in_progress".to_owned()));

    let new = repo.at("../api.worktrees/second");
    new.git(&format!("merge --quiet --ff-only {stale}")).ok();
    new.commit("new", "new\n", "New work").ok();
    new.git("push origin HEAD:main").ok();
    drain(&repo);
    let landed = entry(&repo, 2);
    assert_eq!([&landed["state"], &landed["agent"]], ["landed", "second"], "{landed}");
    assert_eq!(status(&repo, &bead), "closed");
}

#[test]
fn marks_outside_the_trailers_are_refused() {
    let world = Sandbox::new();
    let (repo, _, bead) = held(&world);
    let marks = format!("Fix\n\nBead: {bead}\nAgent: idle\n");
    for (n, tail) in (1..).zip(["\n# x\n", "\nConflicts:\n\tfoo\n"]) {
        brought(&repo, &format!("b{n}"), &format!("{marks}{tail}"));
        // A bead that is held is not closed by a person, so none is named here.
        repo.git(&format!("update-ref refs/shopfloor/queue/main/{n} HEAD")).ok();
        let error = rejected(&repo, n);
        assert!(error.contains("does not stand among the trailers"), "{error}");
    }
    for (n, blank) in (3..).zip(["\u{3000}", "\u{c}"]) {
        let text = format!("{marks}{blank}\nSigned-off-by: M <m@example.org>\n");
        brought(&repo, &format!("b{n}"), &text);
        repo.git(&format!("update-ref refs/shopfloor/queue/main/{n} HEAD")).ok();
        let error = rejected(&repo, n);
        assert!(error.contains("the trailer `Agent-Session:"), "{error}");
    }
}

#[test]
fn the_name_of_a_slung_agent_needs_its_bead_and_its_owner() {
    let world = Sandbox::new();
    let (repo, _, _) = held(&world);
    brought(&repo, "named", "Fix\n\nAgent: idle\n");
    repo.git("push origin HEAD:main").ok();
    let error = rejected(&repo, 1);
    assert!(error.contains("idle is slung to beads"), "{error}");
    brought(&repo, "ad-hoc", "Fix\n\nAgent: helper\nAssisted-by: helper:unknown\n");
    repo.git("commit --quiet --amend --no-edit --no-verify --author=Mallory<m@evil.example>").ok();
    repo.git("push origin HEAD:main").ok();
    let error = rejected(&repo, 2);
    assert!(error.contains("m@evil.example, but jane@example.org answers for helper"), "{error}");
    repo.git("commit --quiet --amend --no-edit --no-verify --reset-author").ok();
    repo.git("push origin HEAD:main").ok();
    drain(&repo);
    assert_eq!(entry(&repo, 3)["state"], "landed", "an agent that its person started");
}

#[test]
fn marks_made_by_hand_lack_the_session_of_the_holder() {
    let mut world = Sandbox::new();
    let bead = held(&world).2;
    world.set("SHOPFLOOR_AGENT", "idle");
    world.set("SHOPFLOOR_BEAD", &bead);
    world.set("SHOPFLOOR_EPOCH", "1");
    let repo = world.place("api");
    brought(&repo, "forged", &format!("Fix\n\nBead: {bead}\nAgent: idle\n"));
    repo.git("push origin HEAD:main").ok();
    let error = rejected(&repo, 1);
    assert!(error.contains("the trailer `Agent-Session:"), "{error}");
    assert_eq!(status(&repo, &bead), "in_progress");
}

#[test]
fn a_person_closes_no_bead_that_another_holds() {
    let world = Sandbox::new();
    let (repo, _, bead) = held(&world);
    let said = ["is held by idle, and its landing would close it"];
    brought(&repo, "plain", "Fix\n");
    repo.git(&format!("push -o bead={bead} origin HEAD:main")).fails(1).says(&said);
    brought(&repo, "written", &format!("Fix\n\nBead: {bead}\n"));
    repo.git("push origin HEAD:main").fails(1).says(&said);
    let free = repo.bead("Free for all");
    repo.git("switch --quiet plain").ok();
    repo.git(&format!("push -o bead={free} origin HEAD:main")).ok();
    drain(&repo);
    assert_eq!([status(&repo, &bead), status(&repo, &free)], ["in_progress", "closed"]);
}

#[test]
fn an_agents_commit_without_marks_is_no_persons_when_its_claim_is_gone() {
    let world = Sandbox::new();
    let (repo, tree, _) = held(&world);
    repo.git("sling stop --all").ok();
    tree.write("a", "a\n");
    tree.git("add a").ok();
    tree.git("-c core.hooksPath=/dev/null commit --quiet -m bare").ok();
    tree.git("push origin HEAD:main").fails(1).says(&["stale: idle no longer holds"]);
    repo.git(&format!("update-ref refs/shopfloor/queue/main/1 {}", tree.rev("HEAD"))).ok();
    let error = rejected(&repo, 1);
    assert!(error.contains("the trailer `Agent: idle` is missing"), "{error}");
}

#[test]
fn an_agents_commit_has_the_agents_name_as_its_author() {
    let world = Sandbox::new();
    let (repo, tree, bead) = held(&world);
    tree.write("a", "a\n");
    tree.git("add a").ok();
    tree.git("commit --quiet -m one --author=Linus<jane@example.org>").ok();
    tree.git("push origin HEAD:main").ok();
    let error = rejected(&repo, 1);
    assert!(error.contains("its author is Linus, but its trailers say idle"), "{error}");
    assert_eq!(status(&repo, &bead), "in_progress");
    tree.git("commit --quiet --amend --no-edit --reset-author").ok();
    tree.git("push origin HEAD:main").ok();
    drain(&repo);
    assert_eq!(status(&repo, &bead), "closed");
}

#[test]
fn a_clone_writes_nothing_under_our_refs() {
    let world = Sandbox::new();
    let (repo, _, _) = held(&world);
    repo.git("sling stop --all").ok();
    let ledger = repo.rev("refs/shopfloor/ledger");
    let clone = world.clone_of(&repo, "clone");
    clone.commit("a", "a\n", "Add a").ok();
    for refspec in [
        ":refs/shopfloor/ledger",
        "+HEAD:refs/shopfloor/ledger",
        "HEAD:refs/shopfloor/queue/main/99",
    ] {
        let push = clone.run(["git", "push", "origin", refspec]).fails(1);
        push.says(&["that is written by Shopfloor itself"]);
    }
    assert_eq!(repo.rev("refs/shopfloor/ledger"), ledger);
    repo.git("rev-parse --quiet --verify refs/shopfloor/queue/main/99").fails(1);
}

#[test]
fn an_agent_that_pushes_again_after_its_landing_is_told_that_it_landed() {
    let world = Sandbox::new();
    let (repo, tree, bead) = held(&world);
    tree.commit("a", "a\n", "Add a").ok();
    tree.git("push origin HEAD:main").ok();
    repo.git("refinery run --drain").ok();
    tree.commit("b", "b\n", "Add b").ok();
    let ran = tree.git("push origin HEAD:main").fails(1);
    let short = repo.git(&format!("bead show {bead} --json")).ok();
    assert_eq!(short.json()[0]["status"], "closed");
    ran.says(&["has landed as main#1, and is closed", "or git bead reopen"]);
}
