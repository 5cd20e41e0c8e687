//! Where a push goes: into the queue, on to the real remote, or nowhere, and what is said about it.

use crate::support::{Place, Ran, Sandbox};

/// A script for an agent that has its bead and does nothing with it until it is stopped.
const IDLE: &str = "[agents.builder]\ncommand = ['sleep', '1000']\nprompt = 'stdin'\n";

/// A work tree that was slung to an agent, which sleeps.
fn slung<'w>(world: &'w Sandbox, repo: &Place<'w>, name: &str) -> (Place<'w>, String) {
    world.person(IDLE);
    repo.git("config shopfloor.autorun false").ok();
    let bead = repo.bead("Do the work");
    repo.git(&format!("sling {bead} builder")).ok();
    (repo.at(format!("../{name}.worktrees/builder")), bead)
}

fn begins_lists_anew(place: &Place<'_>) -> bool {
    let set = "git -c remote.x.url=a -c remote.x.url= -c remote.x.url=b remote get-url --all x";
    place.sh(set).line() == "b"
}

/// What the client was told, without git's own report.
pub(crate) fn told(ran: &Ran) -> Vec<String> {
    let lines = ran.err.lines().filter_map(|line| line.strip_prefix("remote: "));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

pub(crate) fn queued(repo: &Place<'_>) -> Vec<String> {
    let status = repo.json("refinery status --json");
    let commits = status["queue"].as_array().unwrap().iter();
    commits.map(|entry| entry["commit"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_slung_work_tree_pushes_into_the_queue_also_when_it_is_behind() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (tree, _) = slung(&world, &repo, "api");
    tree.commit("a", "a\n", "Add a").ok();
    repo.commit("b", "b\n", "A person goes on, on main").ok();
    let before = repo.rev("main");
    let push = tree.git("push origin HEAD:main").ok();
    let commit = tree.rev("HEAD");
    let short = &commit[..10];
    assert_eq!(
        told(&push),
        [
            &format!(
                "QUEUED #1 (not landed): {short} for main. Do not push it again, and do not force."
            ),
            "Wait for it with: git refinery wait 1",
            "note: shopfloor.autorun is off: `git refinery run` lands what is queued",
            &format!(r#"{{"queued":1,"target":"main","commit":"{commit}","state":"waiting"}}"#),
        ]
    );
    assert!(
        push.err.contains(" * [new reference]   HEAD -> refs/shopfloor/queue/main/1"),
        "{push}"
    );
    assert_eq!((repo.rev("main"), queued(&repo)), (before, vec![commit.clone()]));
    tree.git("push --force origin HEAD:main").ok();
    assert_eq!(queued(&repo), [commit], "once");
    tree.git("push origin :main").fails(1).says(&["main is protected, a push does not delete it"]);
    tree.git("checkout --quiet --detach").ok();
    tree.git("push origin HEAD:main").ok();
}

#[test]
fn push_options_are_known_or_refused() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (tree, bead) = slung(&world, &repo, "api");
    tree.commit("a", "a\n", "Add a").ok();
    tree.git("push -o hurry origin HEAD:main").fails(1).says(&["unknown push option `hurry`"]);
    assert!(queued(&repo).is_empty());
    tree.git(&format!("push -o bead={} origin HEAD:main", &bead[..8])).ok();
    assert_eq!(repo.json("refinery show 1 --json")["bead"], bead);
}

#[test]
fn a_push_that_waits_ends_with_the_verdict() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (tree, _) = slung(&world, &repo, "api");
    repo.git("config shopfloor.autorun true").ok();
    repo.write("shopfloor.toml", "[gates.test]\ncommand = 'test ! -e a'\n");
    repo.sh("git add . && git commit --quiet -m 'a gate that says no'").ok();
    repo.git("bead trust --yes").ok();
    tree.commit("a", "a\n", "Add a").ok();
    let push = tree.git("push -o wait origin HEAD:main").fails(1);
    assert!(push.err.contains("! [remote rejected] HEAD -> main (#1 was rejected: "), "{push}");
    assert_eq!(repo.json("refinery show 1 --json")["rejection"]["cause"], "gate");
    tree.sh("git mv a b && git commit --quiet --amend -m 'Add b'").ok();
    let push = tree.git("push -o wait origin HEAD:main").ok();
    let landed = repo.rev("main");
    assert!(told(&push).contains(&format!("LANDED #2 as {}", &landed[..10])), "{push}");
    assert!(push.err.contains(" HEAD -> main"), "{push}");
    assert_eq!(tree.rev("origin/main"), landed);
}

#[test]
fn without_a_remote_branches_and_tags_go_into_the_repository() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (tree, _) = slung(&world, &repo, "api");
    tree.commit("a", "a\n", "Add a").ok();
    tree.git("push origin HEAD:topic").ok();
    assert_eq!(repo.rev("topic"), tree.rev("HEAD"));
    tree.git("push origin HEAD").ok();
    tree.git("tag v1").ok();
    tree.git("push origin v1").ok();
    tree.git("fetch --quiet origin").ok();
    assert_eq!(tree.rev("origin/main"), repo.rev("main"));
    tree.git("commit --quiet --amend -m again").ok();
    tree.git("push origin HEAD:topic").fails(1);
    repo.git("worktree add --quiet ../seen topic").ok();
    tree.git("push --force origin HEAD:topic").fails(1).says(&["topic is checked out at"]);
    repo.git("worktree remove ../seen").ok();
    tree.git("push --force origin HEAD:topic").ok();
    assert_eq!(repo.rev("topic"), tree.rev("HEAD"));
    tree.git("push origin :topic").ok();
    tree.git("push origin HEAD:refs/shopfloor/x").fails(1).says(&["written by Shopfloor itself"]);
}

#[test]
fn a_topic_goes_on_to_the_real_remote_with_the_lease_of_what_was_seen() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let seed = world.repo("seed");
    seed.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    let repo = world.clone_of(&hub, "api");
    let other = world.clone_of(&hub, "other");
    let (tree, _) = slung(&world, &repo, "api");
    tree.commit("a", "a\n", "Add a").ok();
    tree.git("push origin HEAD:topic").ok();
    assert_eq!(hub.rev("topic"), tree.rev("HEAD"));
    assert_eq!(tree.rev("origin/topic"), tree.rev("HEAD"));
    tree.git("commit --quiet --amend -m again").ok();
    tree.git("push origin HEAD:topic").fails(1).says(&["non-fast-forward"]);
    tree.git("push --force-with-lease origin HEAD:topic").ok();
    assert_eq!(hub.rev("topic"), tree.rev("HEAD"));

    other.sh("git fetch --quiet && git switch --quiet topic && git commit --quiet --allow-empty -m theirs && git push --quiet").ok();
    tree.git("commit --quiet --amend -m differently").ok();
    tree.git("push --force-with-lease origin HEAD:topic").fails(1).says(&["stale info"]);
    assert_eq!(hub.rev("topic"), other.rev("HEAD"), "what we had not seen stays");
    tree.sh("git fetch --quiet && git rebase --quiet origin/topic").ok();
    tree.git("push origin HEAD:topic").ok();
    assert_eq!(hub.rev("topic"), tree.rev("HEAD"));
    tree.git("tag v1").ok();
    tree.git("push origin v1").ok();
    assert_eq!(hub.rev("v1"), tree.rev("HEAD"));
    tree.git("push origin :topic").ok();
    hub.git("rev-parse --verify --quiet topic").fails(1);
    let before = hub.rev("main");
    tree.commit("b", "b\n", "Add b").ok();
    tree.git("push origin HEAD:main").ok();
    assert_eq!((queued(&repo).len(), hub.rev("main")), (1, before));
}

#[test]
fn a_push_address_of_the_repositorys_own_does_not_lead_around() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let write = world.bare("write");
    let seed = world.repo("seed");
    for to in [&hub, &write] {
        seed.run(["git", "push", "--quiet", to.dir.to_str().unwrap(), "main"]).ok();
    }
    let repo = world.clone_of(&hub, "api");
    repo.run(["git", "remote", "set-url", "--push", "origin", write.dir.to_str().unwrap()]).ok();
    let (tree, _) = slung(&world, &repo, "api");
    tree.commit("a", "a\n", "Add a").ok();
    let before = write.rev("main");
    tree.git("push origin HEAD:main HEAD:topic").ok();
    assert_eq!((queued(&repo), write.rev("main")), (vec![tree.rev("HEAD")], before));
    assert_eq!(write.rev("topic"), tree.rev("HEAD"));
    hub.git("rev-parse --verify --quiet topic").fails(1);
}

#[test]
fn around_the_gate_there_is_no_way_by_accident() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let seed = world.repo("seed");
    seed.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    let repo = world.clone_of(&hub, "api");
    let (tree, _) = slung(&world, &repo, "api");
    tree.commit("a", "a\n", "Add a").ok();
    let before = (repo.rev("main"), hub.rev("main"));
    for around in [
        hub.dir.display().to_string(),
        repo.dir.display().to_string(),
        repo.dir.join(".git").display().to_string(),
    ] {
        tree.git(&format!("push {around} HEAD:main"))
            .fails(1)
            .says(&["main is reached through the merge queue alone", "git push origin HEAD:main"]);
    }
    tree.git("update-ref refs/heads/main HEAD").fails(128).says(&["QUEUED #1 (not landed)"]);
    assert_eq!((repo.rev("main"), hub.rev("main")), before);
}

#[test]
fn with_route_all_every_work_tree_goes_through_the_gate() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let seed = world.repo("seed");
    seed.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    let repo = world.clone_of(&hub, "api");
    let config = repo.read(".git/config");
    repo.git("config shopfloor.autorun false").ok();
    assert_eq!(
        repo.json("bead init --yes --json")["route"],
        "all",
        "the remote is on this machine"
    );
    repo.git("switch --quiet -c topic").ok();
    repo.commit("a", "a\n", "Add a").ok();
    repo.git("push --quiet --set-upstream origin topic").ok();
    assert_eq!(hub.rev("topic"), repo.rev("topic"));
    repo.git("push origin topic:main").ok();
    assert_eq!(queued(&repo), [repo.rev("topic")]);
    repo.git("refinery run --drain").ok();
    assert_eq!(hub.rev("main"), repo.rev("topic"), "a landing is published");
    repo.git("bead deinit").ok();
    repo.git("config --unset shopfloor.autorun").ok();
    repo.git("config --remove-section branch.topic").ok();
    assert_eq!(repo.read(".git/config"), config);
}

#[test]
fn what_only_the_gate_received_outlives_the_gate() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (tree, _) = slung(&world, &repo, "api");
    let clone = world.clone_of(&repo, "clone");
    clone.commit("a", "a\n", "Add a").ok();
    let gate = repo.dir.join(".git/shopfloor/gate.git");
    clone.git(&format!("push {} HEAD:main HEAD:topic", gate.display())).ok();
    std::fs::remove_dir_all(&gate).unwrap();
    assert_eq!(repo.git("log -1 --format=%s topic").ok().line(), "Add a");
    assert_eq!(queued(&repo), [clone.rev("HEAD")]);
    repo.git("fsck --strict").ok();
    tree.git("status").ok();
}

#[test]
fn a_moved_repository_is_looked_after_by_the_next_command() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (tree, _) = slung(&world, &repo, "api");
    repo.git("sling stop --all").ok();
    tree.commit("a", "a\n", "Add a").ok();
    std::fs::rename(&repo.dir, world.root().join("moved")).unwrap();
    std::fs::rename(world.root().join("api.worktrees"), world.root().join("moved.worktrees"))
        .unwrap();
    let (repo, tree) = (world.place("moved"), world.place("moved.worktrees/builder"));
    repo.run(["git", "worktree", "repair", tree.dir.to_str().unwrap()]).ok();
    repo.bead("Something else");
    tree.commit("b", "b\n", "Add b").ok();
    assert!(tree.git("log -1 --format=%B").ok().out.contains("Agent: builder"));
    tree.git("push origin HEAD:topic").ok();
    assert_eq!(repo.rev("topic"), tree.rev("HEAD"));
    tree.git("push origin HEAD:main").fails(1).says(&["stale: builder no longer holds"]);

    // The same for our own directory, which a person may delete at any time.
    std::fs::remove_dir_all(repo.dir.join(".git/shopfloor")).unwrap();
    repo.bead("And something else");
    tree.commit("c", "c\n", "Add c").ok();
    assert!(tree.git("log -1 --format=%B").ok().out.contains("Agent: builder"));
    tree.git("push origin HEAD:topic").ok();
    assert_eq!(repo.rev("topic"), tree.rev("HEAD"));
}

#[test]
fn a_commit_in_a_moved_repository_is_enough_for_the_push_that_follows() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes").ok();
    std::fs::rename(&repo.dir, world.root().join("moved")).unwrap();
    let repo = world.place("moved");
    repo.git("switch --quiet -c topic").ok();
    repo.commit("a", "a\n", "Add a").ok();
    repo.git("push origin HEAD:main").ok().says(&["QUEUED #1"]);
}

#[test]
fn a_slung_work_tree_of_a_repository_with_route_all_pushes_once() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let seed = world.repo("seed");
    seed.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    for repo in [world.clone_of(&hub, "api"), world.repo("alone")] {
        let name = repo.dir.file_name().unwrap().to_str().unwrap().to_owned();
        repo.git("config shopfloor.autorun false").ok();
        repo.git("bead init --yes --route all").ok();
        let (tree, _) = slung(&world, &repo, &name);
        tree.commit("a", "a\n", "Add a").ok();
        let push = tree.git("push origin HEAD:main").ok();
        assert_eq!(push.err.matches("QUEUED").count(), 1, "{push}");
        repo.git("bead init --yes --route guard").ok();
        assert_eq!(repo.git("config --local --get-all remote.origin.pushurl").code, 1);
        // Before 2.46 git could not begin a list of addresses anew, so there was one for both.
        if !begins_lists_anew(&repo) {
            continue;
        }
        tree.commit("b", "b\n", "Add b").ok();
        let push = tree.git("push origin HEAD:main").ok();
        assert_eq!(push.err.matches("QUEUED").count(), 1, "{push}");
    }
}

#[test]
fn every_kind_of_repository_has_its_route() {
    let options: [&[&str]; 2] = [&["--object-format=sha256"], &["--ref-format=reftable"]];
    for (nth, options) in options.into_iter().enumerate() {
        let world = Sandbox::new();
        if options == ["--ref-format=reftable"] && !world.knows_reftable() {
            continue;
        }
        let name = format!("api{nth}");
        let repo = world.repo_as(&name, options);
        let (tree, _) = slung(&world, &repo, &name);
        tree.commit("a", "a\n", "Add a").ok();
        tree.git("push origin HEAD:main HEAD:topic").ok();
        assert_eq!(queued(&repo), [tree.rev("HEAD")], "{options:?}");
        assert_eq!(repo.rev("topic"), tree.rev("HEAD"));
        repo.git("bead init --yes").ok();
        repo.git("commit --quiet --allow-empty -m mine").fails(128).says(&["QUEUED #2"]);
        let clone = world.clone_of(&repo, "clone");
        clone.commit("b", "b\n", "Add b").ok();
        clone.git("push origin main").ok();
        assert_eq!(queued(&repo).len(), 3);
    }
}

#[test]
fn a_bare_repository_has_slung_work_trees_too() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let seed = world.repo("seed");
    seed.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    let config = hub.read("config");
    hub.git("config --global shopfloor.autorun false").ok();
    world.person(IDLE);
    let bead = hub.bead("Do the work");
    hub.git(&format!("sling {bead} builder")).ok();
    let tree = hub.sh("git worktree list --porcelain | sed -n 's/^worktree //p' | tail -1").line();
    let tree = world
        .place(tree.strip_prefix(world.root().to_str().unwrap()).unwrap().trim_start_matches('/'));
    tree.commit("a", "a\n", "Add a").ok();
    tree.git("push origin HEAD:main").ok();
    assert_eq!(queued(&hub), [tree.rev("HEAD")]);
    assert_eq!(hub.git("rev-parse --is-bare-repository").ok().line(), "true");
    assert_eq!(tree.git("rev-parse --is-bare-repository").ok().line(), "false");
    hub.git("sling stop --all").ok();
    hub.git("refinery run --drain").ok();
    hub.git("bead deinit").ok();
    assert_eq!(hub.read("config"), config);
    assert_eq!(hub.git("rev-parse --is-bare-repository").ok().line(), "true");
}

#[test]
fn hooks_that_come_later_run_in_a_slung_work_tree_and_beside_a_shared_directory() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.script(".tools/commit-msg", "#!/bin/sh\necho theirs >>\"$1\"\n");
    repo.sh("git add . && git commit --quiet -m tools").ok();
    let (tree, _) = slung(&world, &repo, "api");
    repo.git("config core.hooksPath .tools").ok();
    tree.git("bead create Seen").ok().says(&["they are back: the hooks of this work tree"]);
    tree.commit("a", "a\n", "Add a").ok();
    let message = tree.git("log -1 --format=%B").ok().out;
    assert!(message.contains("theirs") && message.contains("Agent: builder"), "{message}");
    repo.git("bead init --yes").ok();
    repo.script(".tools/pre-commit", "#!/bin/sh\necho too late >&2\nexit 1\n");
    repo.git("bead create Later").ok().says(&["they are back: .git/shopfloor-hooks/pre-commit"]);
    repo.git("switch --quiet -c topic").ok();
    repo.git("commit --allow-empty -m no").fails(1).says(&["too late"]);
}
