//! `core.sharedRepository`: whoever may use what git makes may use what we make, whatever the umask is of
//! the one who made it.

use crate::support::{Place, Sandbox};

const SETTINGS: [&str; 5] = ["group", "all", "0660", "0640", "0664"];

/// What stands in these places, with its mode.
fn modes(repo: &Place<'_>, places: &str) -> Vec<(String, u32)> {
    let told = repo.sh(&format!("find {places} -printf '%m %y %p\\n'")).ok().out;
    let each = told.lines().map(|line| {
        let (mode, path) = line.split_once(' ').unwrap();
        (path.to_owned(), u32::from_str_radix(mode, 8).unwrap())
    });
    each.collect()
}

/// Everything of ours has at least the bits that git gives its own, made beside it by the same person.
#[track_caller]
fn is_open(repo: &Place<'_>, setting: &str) {
    let git = modes(repo, ".git/objects/?? .git/refs/heads");
    let git_s = |start: &str, is_made: &dyn Fn(u32) -> bool| {
        let bits = git.iter().filter(|(path, mode)| path.starts_with(start) && is_made(*mode));
        bits.map(|(_, mode)| *mode).next().unwrap()
    };
    let dir = git_s("d ", &|mode| mode & 0o2000 != 0);
    let kept = git_s("f .git/objects", &|mode| mode & 0o200 == 0);
    let written = git_s("f .git/refs", &|mode| mode & 0o200 != 0);
    let ours = ".git/shopfloor .git/shopfloor-objects .git/objects/info .git/refs/shopfloor \
                .git/logs/refs/shopfloor .git/hooks/pre-push .git/config";
    let found = modes(repo, ours);
    assert!(found.len() > 50, "{found:#?}");
    // What a session holds of its environment is the person's alone, shared repository or not.
    let is_private = |path: &str| path.contains("/sessions/s-");
    for (path, mode) in found.iter().filter(|(path, _)| !is_private(path)) {
        let least = match (path.starts_with('d'), mode & 0o200) {
            (true, _) => dir,
            (false, 0) => kept,
            (false, _) => written,
        };
        assert_eq!(mode & least, least, "{setting}: {path} has {mode:o}, and git's have {least:o}");
    }
}

/// With the umask of somebody who shares nothing else.
fn alone(repo: &Place<'_>, line: &str) {
    repo.sh(&format!("umask 077; {line}")).ok();
}

#[test]
fn what_is_made_in_a_shared_repository_is_for_all_who_share_it() {
    for setting in SETTINGS {
        let world = Sandbox::new();
        let hub = world.bare("hub.git");
        let repo = world.place("api");
        alone(
            &repo,
            &format!("git init -q --shared={setting} && git config core.logAllRefUpdates always"),
        );
        alone(&repo, "echo one >file && git add file && git commit -q -m one");
        alone(&repo, &format!("git remote add origin {}", hub.dir.display()));
        // Nothing runs beside us while we look.
        alone(&repo, "git config shopfloor.autorun false && git config shopfloor.sync manual");
        alone(&repo, "git config maintenance.auto false && git bead init --yes --route all");
        for n in 0..5 {
            alone(&repo, &format!("git bead create 'Draw map {n}' --description 'in ink'"));
        }
        alone(&repo, "seq 20000 | git bead create 'A long story' --body-file -");
        alone(&repo, "git bead sync && git bead maintain");
        alone(&repo, "git bead create 'Walk the land' && git bead list");
        alone(&repo, "echo two >file && git commit -q -am two; git refinery run --drain; true");
        is_open(&repo, setting);
    }
}

/// Git copies what a template has into `hooks/`: ours are as open as those.
#[test]
fn git_hooks_are_as_open_as_those_that_git_makes() {
    let world = Sandbox::new();
    world.place("template/hooks").script("post-commit", "#!/bin/sh\n");
    for (nth, sharing) in ["", "--shared=group", "--shared=all", "--shared=0640"].iter().enumerate()
    {
        for umask in ["022", "077", "027"] {
            let repo = world.place(format!("api-{nth}-{umask}"));
            let init = format!("git init -q --template=../template {sharing}");
            repo.sh(&format!("umask {umask}; {init} && git bead init --yes")).ok();
            let modes = repo.sh("stat -c %a .git/hooks/post-commit .git/hooks/pre-push").ok().out;
            let (gits, ours) = modes.trim().split_once('\n').unwrap();
            assert_eq!(ours, gits, "{sharing} {umask}");
        }
    }
}

/// Git makes what it has of a work tree as the umask says.
#[test]
fn what_git_has_of_work_trees_is_open_or_the_doctor_says_how_to_open_it() {
    let world = Sandbox::new();
    world.person("[agents.builder]\ncommand = [\"true\"]\n");
    let repo = world.repo_as("api", &["--shared=group"]);
    repo.git("bead init --yes").ok();
    repo.git("config shopfloor.autorun false").ok();
    alone(&repo, "git sling 'Draw the map' builder");
    alone(
        &repo,
        "echo two >file && git add file && git commit -q -m two; git refinery run --drain",
    );
    let shut = || {
        let found = repo.git("bead doctor --json").out;
        let report: serde_json::Value = serde_json::from_str(&found).unwrap();
        let all = report["findings"].as_array().unwrap().clone();
        let what = |it: &serde_json::Value| it["what"].as_str().unwrap().contains(" is less open");
        all.into_iter().find(what).map(|it| it["mend"].as_str().unwrap().to_owned())
    };
    assert_eq!(shut(), None);
    alone(&repo, "git worktree add -q ../by-hand");
    let command = shut().unwrap();
    assert!(command.starts_with("chmod -R g+rwX "), "{command}");
    repo.sh(&command).ok();
    assert_eq!(shut(), None);
}

/// A clone by somebody else reads all that we made.
#[test]
fn whose_sessions_there_are_is_for_all_and_what_is_in_them_is_not() {
    let world = Sandbox::new();
    world.person("[agents.builder]\ncommand = [\"true\"]\n");
    let repo = world.repo_as("api", &["--shared=group"]);
    alone(&repo, "git sling 'Draw the map' builder");
    // Files of the session come and go while it runs; these stay.
    let places = "live sessions sessions/s-* ../../../api.worktrees";
    let modes = repo.sh(&format!("cd .git/shopfloor && stat -c %a {places}")).ok().out;
    assert_eq!(modes, "2770\n2770\n2700\n2770\n");
}

#[test]
fn what_was_made_before_a_repository_was_shared_is_opened_by_the_doctor() {
    let world = Sandbox::new();
    let repo = world.place("api");
    alone(&repo, "git init -q && git commit -q --allow-empty -m one");
    alone(&repo, "git bead create 'Draw the map' && git bead list && git bead doctor");
    repo.git("config core.sharedRepository group").ok();
    let told = repo.git("bead doctor").fails(1).out;
    assert!(told.contains("are less open than core.sharedRepository says"), "{told}");
    repo.git("bead doctor --fix").ok();
    let ours = modes(&repo, ".git/shopfloor .git/shopfloor-objects .git/refs/shopfloor");
    for (path, mode) in ours {
        assert_eq!(mode & 0o040, 0o040, "{path} has {mode:o}");
    }
    repo.git("bead doctor").ok();
}

#[test]
fn a_repository_that_is_not_shared_is_left_to_the_umask() {
    let world = Sandbox::new();
    let repo = world.place("api");
    alone(&repo, "git init -q && git commit -q --allow-empty -m one");
    alone(&repo, "git bead init --yes && git bead create 'Draw the map' && git bead list");
    let ours = modes(&repo, ".git/shopfloor .git/shopfloor-objects .git/refs/shopfloor");
    for (path, mode) in ours {
        assert_eq!(mode & 0o2022, 0, "{path} has {mode:o}");
    }
}
