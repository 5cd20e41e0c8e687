//! Where work lands when the branch or the remote is not the usual one.

use crate::refinery::drain;
use crate::route::{queued, told};
use crate::support::{Place, Sandbox};

/// An agent that commits one file, named after its bead, and pushes it to `trunk`.
const GREETER: &str = "\
#!/bin/sh
echo hello >\"$SHOPFLOOR_BEAD\" && git add . && git commit --quiet -m \"Greet\" &&
git push --quiet origin HEAD:trunk
";

/// A change on a branch of its own that is in the queue.
fn submitted(repo: &Place<'_>, name: &str) {
    repo.git(&format!("switch --quiet -c {name} main")).ok();
    repo.commit(name, "x\n", "Add it").ok();
    repo.git(&format!("refinery submit {name}")).ok();
    repo.git("switch --quiet main").ok();
}

#[test]
fn slung_work_lands_on_the_branch_it_began_from_whatever_that_is_called() {
    let world = Sandbox::new();
    world.program("greeter", GREETER);
    world.person("[agents.greeter]\ncommand = ['greeter']\nprompt = 'stdin'\n");
    let repo = world.repo("api");
    repo.git("branch -m main trunk").ok();
    let first = repo.rev("trunk");
    repo.run(["git", "sling", "Greet trunk", "greeter", "--wait"]).ok();
    assert_eq!(repo.rev("trunk^"), first);
    assert_eq!(repo.git("status --short --branch").ok().out, "## trunk\n");
    // The person goes elsewhere; the target does not follow.
    repo.git("switch --quiet -c aside").ok();
    repo.run(["git", "sling", "Greet trunk again", "greeter", "--wait"]).ok();
    assert_eq!((repo.rev("trunk~2"), repo.rev("aside^")), (first.clone(), first));
    repo.git("refinery audit").ok();
    repo.at("../api.worktrees/greeter").git("refinery audit").ok();
    assert_eq!(repo.git("rev-parse --verify --quiet main").code, 1);
}

#[test]
fn the_first_push_of_the_target_reaches_a_remote_that_is_empty() {
    for scheme in ["", "file://"] {
        let world = Sandbox::new();
        let hub = world.bare("hub");
        let repo = world.repo("api");
        repo.git("config shopfloor.autorun false").ok();
        repo.git(&format!("remote add origin {scheme}{}", hub.dir.display())).ok();
        repo.git("bead init --yes").ok();
        repo.git("push -u origin main").ok();
        assert_eq!(hub.rev("main"), repo.rev("main"), "{scheme}");
        repo.git("push origin main").ok().says(&["Everything up-to-date"]);
        submitted(&repo, "a");
        drain(&repo);
        repo.git("push origin main").ok();
        assert_eq!(hub.rev("main"), repo.rev("main"), "{scheme}");

        // What has landed is asked to land: nothing to queue, and nothing to send.
        let again = repo.git("push origin HEAD:refs/for/main").ok();
        let short = &repo.rev("main")[..10];
        assert_eq!(told(&again), [format!("{short} has landed on main already")]);
        let sent = hub.git("for-each-ref --format=%(refname) refs/heads refs/for").ok().out;
        assert_eq!(sent, "refs/heads/main\n");
    }
}

#[test]
fn the_first_remote_is_added_as_ever_after_init() {
    let world = Sandbox::new();
    let hub = world.bare("hub");
    let repo = world.repo("api");
    let config = repo.read(".git/config");
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes").ok();
    repo.git("switch --quiet -c topic").ok();
    repo.commit("a", "a\n", "Add a").ok();
    repo.git("push origin HEAD:main HEAD:topic-too").ok();
    assert_eq!(queued(&repo), [repo.rev("topic")]);
    assert_eq!(repo.rev("topic-too"), repo.rev("topic"));
    repo.git("remote add origin ../hub").ok();
    repo.git("push --quiet origin main").ok();
    assert_eq!(hub.rev("main"), repo.rev("main"));
    repo.git("remote remove origin").ok();
    drain(&repo);
    repo.git("bead deinit").ok();
    repo.git("config --unset shopfloor.autorun").ok();
    assert_eq!(repo.read(".git/config"), config);
}

#[test]
fn a_failed_wait_names_what_keeps_the_work() {
    let world = Sandbox::new();
    world.program("quitter", "#!/bin/sh\necho half >half; exit 1\n");
    world.person("[agents.quitter]\ncommand = ['quitter']\nprompt = 'stdin'\n");
    let repo = world.repo("api");
    let ran = repo.run(["git", "sling", "Try it", "quitter", "--wait"]).fails(3);
    let kept = "  what it had not submitted is kept: git show ";
    let name = ran.out.lines().find_map(|line| line.strip_prefix(kept)).expect(&ran.out);
    assert_eq!(repo.git(&format!("show {name}:half")).ok().out, "half\n");
}

fn target(place: &Place<'_>) -> String {
    let plan = place.json("bead init --dry-run --json");
    plan["target"].as_str().unwrap().to_owned()
}

#[test]
fn a_stray_main_takes_no_work_from_trunk() {
    let world = Sandbox::new();
    world.program("greeter", GREETER);
    world.person("[agents.greeter]\ncommand = ['greeter']\nprompt = 'stdin'\n");
    let repo = world.repo_as("api", &["--initial-branch=trunk"]);
    repo.git("branch main").ok();
    assert_eq!(target(&repo), "trunk");
    repo.git("switch --quiet -c topic").ok();
    assert_eq!(target(&repo), "trunk", "the repository began with it");
    repo.run(["git", "sling", "Greet trunk", "greeter", "--wait"]).ok();
    assert_eq!(repo.rev("trunk^"), repo.rev("main"));
    repo.git("switch --quiet main").ok();
    assert_eq!(target(&repo), "trunk", "it was written down");

    let bare = world.place(".");
    bare.git("clone --quiet --bare api bare.git").ok();
    let bare = world.place("bare.git");
    assert_eq!(target(&bare), "main", "what its HEAD says");
    bare.git("symbolic-ref HEAD refs/heads/topic").ok();
    assert_eq!(target(&bare), "topic");
    let clone = world.clone_of(&bare, "clone");
    clone.git("switch --quiet main").ok();
    assert_eq!(target(&clone), "topic", "what the remote says");
}

#[test]
fn the_target_that_was_written_down_outlives_init_and_deinit() {
    let world = Sandbox::new();
    world.program("greeter", GREETER);
    world.person("[agents.greeter]\ncommand = ['greeter']\nprompt = 'stdin'\n");
    let repo = world.repo_as("api", &["--initial-branch=trunk"]);
    repo.run(["git", "sling", "Greet trunk", "greeter", "--wait"]).ok();
    let said = || repo.git("config --get-all shopfloor.target").ok().out;
    assert_eq!(said(), "trunk\n");
    repo.git("bead init --yes").ok();
    assert_eq!(said(), "trunk\n");
    repo.git("bead init --yes").ok();
    assert_eq!(said(), "trunk\n");
    repo.git("bead deinit").ok();
    assert_eq!(said(), "trunk\n");
}

#[test]
fn an_agent_that_pushes_to_a_name_nobody_has_is_told_the_right_one() {
    let world = Sandbox::new();
    world.program(
        "greeter",
        "#!/bin/sh\necho hello >hello && git add . && git commit --quiet -m Greet\n\
         git push origin HEAD:main 2>said && exit 1\n\
         cat said; eval \"$(sed -n 's/^remote: hint: \\(git push .*HEAD:[a-z]*\\).*/\\1/p' said)\"\n",
    );
    world.person("[agents.greeter]\ncommand = ['greeter']\nprompt = 'stdin'\n");
    for hosted in [false, true] {
        let name = if hosted { "hosted" } else { "alone" };
        let repo = world.repo_as(name, &["--initial-branch=trunk"]);
        let hub = world.bare(&format!("{name}.git"));
        if hosted {
            repo.git(&format!("remote add origin ../{name}.git")).ok();
            repo.git("push --quiet origin trunk").ok();
        }
        repo.run(["git", "sling", "Greet trunk", "greeter", "--wait"]).ok();
        let said = repo.git("sling logs greeter").ok().out;
        assert!(said.contains("(there is no main here, work lands on trunk)"), "{said}");
        assert_eq!(repo.git("log -1 --format=%s trunk").ok().out, "Greet\n");
        for place in [&repo, &hub] {
            assert_eq!(place.git("rev-parse --verify --quiet main").code, 1, "{name}");
        }
        // A branch that is no slip goes where it is meant to go.
        let tree = repo.at(format!("../{name}.worktrees/greeter"));
        tree.git("push --quiet origin HEAD:feature").ok();
        assert_eq!(if hosted { &hub } else { &repo }.rev("feature"), tree.rev("HEAD"));
    }
}

#[test]
fn a_session_that_submitted_nothing_is_told_with_what_it_pushed() {
    let world = Sandbox::new();
    world.program("greeter", &GREETER.replace("HEAD:trunk", "HEAD:feature"));
    world.person("[agents.greeter]\ncommand = ['greeter']\nprompt = 'stdin'\n");
    let repo = world.repo("api");
    let ran = repo.run(["git", "sling", "Greet somebody", "greeter", "--wait"]).fails(3);
    let told = "  the session ended without submitting anything\n  it pushed to feature; what is pushed to main lands\n";
    assert!(ran.out.contains(told), "{ran}");
}
