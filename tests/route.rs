//! Where a push goes: into the queue, on to the real remote, or nowhere, and what is said about it.

use crate::githook::set_up;
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

/// What the client was told, without git's own report.
fn told(ran: &Ran) -> Vec<String> {
    let lines = ran.err.lines().filter_map(|line| line.strip_prefix("remote: "));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

fn queued(repo: &Place<'_>) -> Vec<String> {
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
    tree.git("push -o prio=7 origin HEAD:main").fails(1);
    assert!(queued(&repo).is_empty());
    tree.git(&format!("push -o bead={} -o prio=1 origin HEAD:main", &bead[..8])).ok();
    assert_eq!(repo.json("refinery show 1 --json")["bead"], bead);
}

#[test]
fn a_push_that_waits_ends_with_the_verdict() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (tree, _) = slung(&world, &repo, "api");
    repo.git("config shopfloor.autorun true").ok();
    tree.commit("a", "a\n", "Add a").ok();
    let push = tree.git("push -o wait origin HEAD:main").ok();
    let landed = repo.rev("main");
    assert!(told(&push).contains(&format!("LANDED #1 as {}", &landed[..10])), "{push}");
    assert!(push.err.contains(" HEAD -> main"), "{push}");
    assert_eq!(tree.rev("origin/main"), landed);
    repo.write("shopfloor.toml", "[gates.test]\ncommand = 'exit 1'\n");
    repo.sh("git add . && git -c shopfloor.x=1 commit --quiet -m 'a gate that says no'").ok();
    repo.git("bead trust --yes").ok();
    tree.commit("b", "b\n", "Add b").ok();
    let push = tree.git("push -o wait origin HEAD:main").fails(1);
    assert!(push.err.contains("! [remote rejected] HEAD -> main (#2 was rejected: "), "{push}");
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
    tree.git("push origin HEAD:main").ok();
    assert_eq!(queued(&repo), [tree.rev("HEAD")]);
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
    repo.sh("git fetch --quiet && git reset --quiet --hard origin/main").ok();
    assert_eq!(repo.rev("main"), seed.rev("main"));
}
