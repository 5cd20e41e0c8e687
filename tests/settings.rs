//! Our settings in `.git/config`, whatever git itself does to that file while they stand in it: they
//! stay in force as far as they can, never stop a command of ours, and go without a trace.

use crate::githook::set_up;
use crate::support::{Place, Sandbox};

/// A clone of `hub` in which nothing lands by itself.
fn clone<'w>(world: &'w Sandbox, hub: &Place<'w>, name: &str) -> Place<'w> {
    let repo = world.clone_of(hub, name);
    repo.git("config shopfloor.autorun false").ok();
    repo
}

fn hub(world: &Sandbox) -> Place<'_> {
    let hub = world.bare("hub");
    let seed = world.repo("seed");
    seed.run(["git", "push", "--quiet", hub.dir.to_str().unwrap(), "main"]).ok();
    hub
}

/// What git does to a file of its own, with us in it and without us, comes to the same once we are gone.
#[test]
fn what_git_does_to_its_configuration_stands_when_we_are_gone() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let (ours, theirs) = (clone(&world, &hub, "ours"), clone(&world, &hub, "theirs"));
    let (bare, plain) = (ours.read(".git/config"), theirs.read(".git/config"));
    ours.git("bead init --yes").ok();
    let whole = ours.read(".git/config");
    for done in [
        "git branch topic && git branch --quiet --set-upstream-to=origin/main topic && git branch --quiet -D topic",
        "git remote remove origin",
        "git remote remove origin && git remote add origin ../hub",
        "git remote rename origin up 2>/dev/null",
        "git config --remove-section remote.origin",
        "git config --unset remote.origin.pushurl || :",
        "git remote set-url --push origin ../elsewhere",
        "git remote set-url --add origin ../elsewhere",
        "git remote set-branches --add origin topic",
        "git config receive.denyNonFastForwards true",
        "git config remote.origin.tagOpt --tags",
        "git config core.hooksPath .githooks",
        "printf '[core] hooksPath = x' >>.git/config",
        "git config --remove-section receive || :",
    ] {
        for place in [&ours, &theirs] {
            place.write(".git/config", if place.dir == ours.dir { &whole } else { &plain });
            place.sh(done).ok();
        }
        let touched = ours.read(".git/config");
        for again in [false, true] {
            ours.write(".git/config", &touched);
            if again {
                ours.git("bead init --yes").ok();
            }
            ours.git("bead deinit").ok();
            assert_eq!(ours.read(".git/config"), theirs.read(".git/config"), "{done}");
        }
    }
    ours.write(".git/config", &whole);
    ours.git("bead deinit").ok();
    assert_eq!(ours.read(".git/config"), bare);
}

/// `git remote remove` took our marks along, or half of them, and then nothing of ours ran any more.
#[test]
fn a_lost_mark_stops_nothing() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let repo = clone(&world, &hub, "api");
    let bare = repo.read(".git/config");
    repo.git("bead init --yes").ok();
    let whole = repo.read(".git/config");
    let older = whole.replace("\t# by shopfloor\n", "");
    let older = older.replace("[shopfloor]\n\tprefix", "# >>> shopfloor\n[shopfloor]\n\tprefix");
    for torn in
        [whole.replace("\t# by shopfloor\n", ""), older.clone(), older + "# <<< shopfloor\n"]
    {
        repo.write(".git/config", torn);
        repo.git("sling api-nothing builder").fails(3);
        repo.git("bead init --yes").ok();
        assert_eq!(repo.read(".git/config"), whole);
        repo.git("bead deinit").ok();
        assert_eq!(repo.read(".git/config"), bare);
        repo.git("bead init --yes").ok();
    }
    let hook = repo.read(".git/hooks/pre-push");
    repo.script(".git/hooks/pre-push", &hook.replace("# <<< shopfloor\n", "echo mine\n"));
    repo.bead("Mends by the way");
    repo.git("refinery run --drain").ok();
    assert!(repo.read(".git/hooks/pre-push").contains("# <<< shopfloor\necho mine\n"));
    repo.script(".git/hooks/pre-push", &hook.replace("# <<< shopfloor\n", ""));
    repo.git("bead deinit").ok();
    assert!(!repo.has(".git/hooks/pre-push"));
}

/// Set up without a remote, given one, set up again, and the remote taken away again: what was left of us
/// refused every push.
#[test]
fn a_remote_that_came_and_went_leaves_nothing_of_ours() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("remote add origin ../hub").ok();
    repo.git("bead init --yes").ok();
    repo.git("remote remove origin").ok();
    repo.git("bead deinit").ok();
    let config = repo.read(".git/config");
    assert!(
        !config.contains("[receive]") && config.ends_with("[shopfloor]\n\tautorun = false\n"),
        "{config}"
    );
    let clone = world.clone_of(&repo, "clone");
    clone.git("commit --quiet --allow-empty -m one").ok();
    repo.git("switch --quiet -c topic").ok();
    clone.git("push --quiet origin main").ok();
    assert_eq!(clone.rev("main"), repo.rev("main"));
}

/// Landings go to a remote by its name, which `git remote rename` does not look for.
#[test]
fn a_renamed_remote_gets_landings_after_another_init() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let repo = clone(&world, &hub, "api");
    repo.git("bead init --yes").ok();
    repo.git("remote rename origin up").ok();
    repo.commit("a", "a\n", "Add a").fails(128);
    repo.git("refinery run --drain")
        .fails(3)
        .says(&["origin, which is no remote", "git bead init"]);
    repo.git("bead init --yes").ok();
    repo.git("refinery run --drain").ok();
    assert_eq!((hub.rev("main"), repo.rev("up/main")), (repo.rev("main"), repo.rev("main")));
}

#[test]
fn a_hooks_path_is_read_as_git_reads_it() {
    let world = Sandbox::new();
    for (nth, said) in [
        "[core] hooksPath = checks",
        "[Core]\n\thookspath = che\\\ncks ; \"note\"\n",
        "[core]\n\thooksPath = \"checks\" # x\n",
    ]
    .into_iter()
    .enumerate()
    {
        let repo = world.repo(&format!("r{nth}"));
        repo.script("checks/pre-commit", "#!/bin/sh\necho ran >>.git/ran\n");
        repo.sh("git add . && git commit --quiet -m checks").ok();
        let before = repo.read(".git/config") + said;
        repo.write(".git/config", &before);
        repo.git("bead init --yes").ok();
        let dir = repo.git("config --get-all core.hooksPath").ok().line();
        assert!(dir.ends_with("/.git/shopfloor-hooks"), "{dir}");
        repo.git("switch --quiet -c topic").ok();
        repo.git("commit --quiet --allow-empty -m one").ok();
        assert_eq!(repo.read(".git/ran"), "ran\n");
        repo.git("bead deinit").ok();
        assert_eq!(repo.read(".git/config"), before);
    }
}

/// It only stands in for a first remote: `origin.example:x` begins like it, and is somebody else's.
#[test]
fn the_stand_in_for_a_remote_ends_with_the_first_one() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let away = world.bare("api/origin2");
    repo.git("switch --quiet -c topic").ok();
    repo.git("remote add mirror origin2").ok();
    repo.git("refinery run --drain").ok();
    repo.git("push --quiet mirror topic").ok();
    assert_eq!(away.rev("topic"), repo.rev("topic"));
}

#[test]
fn a_remote_added_later_gets_landings_once_somebody_says_so() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let hub = world.bare("hub");
    let said = "git config shopfloor.publish origin";
    assert!(!repo.git("refinery status").ok().out.contains(said));
    repo.git("remote add origin ../hub").ok();
    repo.git("push --quiet --no-verify origin main").ok();
    assert!(repo.git("refinery status").ok().out.contains(said));
    repo.commit("a", "a\n", "Add a").fails(128);
    repo.git("refinery run --drain").ok().says(&[&format!("main is published nowhere: `{said}`")]);
    assert_ne!(hub.rev("main"), repo.rev("main"));
    repo.git(&said["git ".len()..]).ok();
    assert!(!repo.git("refinery status").ok().out.contains(said));
    repo.git("bead init --yes").ok();
    repo.commit("b", "b\n", "Add b").fails(128);
    repo.git("refinery run --drain").ok();
    assert_eq!(hub.rev("main"), repo.rev("main"));
}

#[test]
fn deinit_leaves_no_empty_directory_in_a_persons_home() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    let home = world.place("home/.config");
    assert!(home.has("shopfloor/config.toml"));
    repo.git("bead deinit").ok();
    assert!(!home.has("shopfloor"));
}
