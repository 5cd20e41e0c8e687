//! Beside the real husky, lefthook and pre-commit: theirs keep running, ours come and go without a trace.
//!
//! `.ci/run` fetches them into `target/hook-managers`. Without them (a plain `cargo test` on a
//! machine with only git and Rust) these tests say so and pass; with `CI=true` they fail instead.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::{Place, Sandbox, there};

/// How a project uses one of them.
struct Manager {
    name: &'static str,
    /// Run once, by the person who sets the project up.
    adopt: &'static str,
    /// What `npm install` and the like run again and again.
    install: &'static str,
    /// Where git looks for git hooks afterwards.
    dir: &'static str,
}

const HUSKY: Manager = Manager {
    name: "husky",
    adopt: "echo '{}' >package.json
            mkdir -p .husky
            echo 'echo commit-msg >>\"$MARKS\"' >.husky/commit-msg
            echo 'echo pre-push >>\"$MARKS\"' >.husky/pre-push",
    install: "husky",
    dir: ".husky/_",
};

const LEFTHOOK: Manager = Manager {
    name: "lefthook",
    adopt: "printf '%s\\n' \
            'commit-msg: {commands: {mark: {run: echo commit-msg >>\"$MARKS\"}}}' \
            'pre-push: {commands: {mark: {run: echo pre-push >>\"$MARKS\"}}}' >lefthook.yml",
    install: "lefthook install",
    dir: ".git/hooks",
};

const PRE_COMMIT: Manager = Manager {
    name: "pre-commit",
    adopt: "printf '%s\\n' 'repos:' '- repo: local' '  hooks:' \
            '  - {id: a, name: a, language: system, pass_filenames: false, always_run: true, \
                  stages: [commit-msg], entry: sh -c \"echo commit-msg >>$MARKS\"}' \
            '  - {id: b, name: b, language: system, pass_filenames: false, always_run: true, \
                  stages: [pre-push], entry: sh -c \"echo pre-push >>$MARKS\"}' \
            >.pre-commit-config.yaml",
    install: "pre-commit install -t commit-msg -t pre-push",
    dir: ".git/hooks",
};

/// A plain executable git hook, and none of the managers.
const PLAIN: Manager = Manager {
    name: "sh",
    adopt: "for hook in commit-msg pre-push; do
              printf '#!/bin/sh\\necho %s >>\"$MARKS\"\\n' $hook >.git/hooks/$hook
              chmod +x .git/hooks/$hook
            done",
    install: "true",
    dir: ".git/hooks",
};

/// A directory of git hooks that the person named, with programs sh cannot read.
const OWN_DIRECTORY: Manager = Manager {
    name: "sh",
    adopt: "mkdir -p .tools/hooks
            for hook in commit-msg pre-push; do
              printf '#!/usr/bin/env -S awk -f\\nBEGIN { print \"%s\" >>ENVIRON[\"MARKS\"] }\\n' $hook >.tools/hooks/$hook
              chmod +x .tools/hooks/$hook
            done
            git config core.hooksPath .tools/hooks",
    install: "true",
    dir: ".tools/hooks",
};

#[test]
fn husky_stays() {
    stays(&HUSKY);
}

#[test]
fn husky_comes_back() {
    comes_back(&HUSKY);
}

#[test]
fn lefthook_stays() {
    stays(&LEFTHOOK);
}

#[test]
fn lefthook_comes_back() {
    comes_back(&LEFTHOOK);
}

#[test]
fn pre_commit_stays() {
    stays(&PRE_COMMIT);
}

#[test]
fn pre_commit_comes_back() {
    comes_back(&PRE_COMMIT);
}

#[test]
fn plain_git_hooks_stay() {
    stays(&PLAIN);
}

#[test]
fn a_directory_of_the_person_stays() {
    stays(&OWN_DIRECTORY);
}

/// Ours are installed beside theirs, twice, and removed again.
fn stays(manager: &Manager) {
    let Some(world) = world(manager) else { return };
    let repo = project(&world, manager);
    let before = installed(&repo, manager);
    repo.git("bead init --yes").ok();
    let ours = installed(&repo, manager);
    assert_ne!(before, ours, "nothing was installed");
    repo.git("bead init --yes").ok();
    assert_eq!(ours, installed(&repo, manager), "installing twice changed something");
    both_run(&repo, "one");
    repo.git("bead deinit --yes").ok();
    assert_eq!(before, installed(&repo, manager), "deinit left something behind");
    theirs_run(&repo, "two");
}

/// They install themselves again, over ours. What still stands of ours mends that, or the next command
/// does; after `deinit` nothing does.
fn comes_back(manager: &Manager) {
    let Some(world) = world(manager) else { return };
    let repo = project(&world, manager);
    let before = installed(&repo, manager);
    repo.git("bead init --yes").ok();
    let ours = installed(&repo, manager);
    repo.sh(manager.install).ok();
    theirs_run(&repo, "one");
    both_run(&repo, "two");
    repo.sh(manager.install).ok();
    let lost = installed(&repo, manager);
    repo.git("bead create Rested").ok().says(&["git hooks had lost our lines, they are back: "]);
    assert_ne!(lost, installed(&repo, manager));
    assert!(!repo.git("bead create Quiet").ok().err.contains("lost"));
    both_run(&repo, "three");
    repo.git("bead init --yes").ok();
    assert_eq!(ours, installed(&repo, manager), "mended is not the same as installed");
    repo.git("bead deinit --yes").ok();
    theirs_run(&repo, "four");
    repo.sh(manager.install).ok();
    assert!(!repo.git("bead create Alone").ok().err.contains("lost"));
    theirs_run(&repo, "five");
    assert_eq!(before, installed(&repo, manager), "something of ours is still there");
}

/// Husky moves into a repository that is set up beside another hooks path: `git config core.hooksPath`
/// works, ours are found to be gone and put back, and `deinit` leaves what husky would have made.
#[test]
fn husky_moves_in() {
    let Some(world) = world(&HUSKY) else { return };
    for (name, tracked) in [("tracked", true), ("global", false)] {
        let repo = world.repo(name);
        world.bare(&format!("{name}.git"));
        repo.sh(&format!("git remote add origin ../{name}.git")).ok();
        repo.git("config shopfloor.autorun false").ok();
        let hook = "#!/bin/sh\necho old >>\"$MARKS\"\n";
        let (dir, scope) = if tracked { (".githooks", "") } else { ("../shared", "--global") };
        repo.script(&format!("{dir}/commit-msg"), hook);
        repo.sh(&format!(
            "git add . && git commit -q --allow-empty -m 'set up' && git config {scope} core.hooksPath \"$(realpath {dir})\""
        ))
        .ok();
        let before = repo.read(".git/config");
        repo.git("bead init --yes").ok();
        let said = repo.git("config --local --get-all core.hooksPath").ok();
        assert_eq!(said.out.lines().count(), 1, "{said}");
        repo.sh(HUSKY.adopt).ok();
        repo.sh(HUSKY.install).ok();
        repo.git("bead create Moved").ok().says(&["they are back: "]);
        repo.sh("git add . && git commit -q --no-verify -m husky").fails(128);
        both_run(&repo, name);
        repo.git("refinery run --drain").ok();
        repo.git("bead deinit --yes").ok();
        let after = repo.read(".git/config");
        let expected = match tracked {
            true => before.replace(
                &format!("hooksPath = {}", repo.dir.join(dir).display()),
                "hooksPath = .husky/_",
            ),
            // Where it would have put it without us.
            false => before.replace(
                "\tlogallrefupdates = true\n",
                "\tlogallrefupdates = true\n\thooksPath = .husky/_\n",
            ),
        };
        assert_eq!(after, expected);
        theirs_run(&repo, "last");
        repo.sh("git config --global --unset-all core.hooksPath || :").ok();
    }
}

#[test]
fn lefthook_moves_in() {
    moves_in(&LEFTHOOK);
}

#[test]
fn pre_commit_moves_in() {
    moves_in(&PRE_COMMIT);
}

/// A manager that comes after us takes our files for somebody's own hooks. Both run, and `deinit` leaves
/// what the manager would have made without us.
fn moves_in(manager: &Manager) {
    let Some(world) = world(manager) else { return };
    let alone = project(&world, manager);
    let expected = hooks(&alone);
    let repo = world.repo("web");
    repo.sh("git remote add origin ../hub.git").ok();
    repo.git("bead init --yes").ok();
    repo.sh(manager.adopt).ok();
    repo.sh(manager.install).ok();
    repo.git("bead create Beside").ok().says(&["they are back: "]);
    both_run(&repo, "beside");
    repo.git("bead deinit --yes").ok();
    assert_eq!(hooks(&repo), expected);
}

/// Every git hook that is not one of git's samples.
fn hooks(repo: &Place<'_>) -> BTreeMap<PathBuf, (u32, String)> {
    let mut found = BTreeMap::new();
    collect(&repo.dir.join(".git/hooks"), &mut found);
    let hooks =
        found.into_iter().filter(|(path, _)| path.extension().is_none_or(|it| it != "sample"));
    hooks.map(|(path, it)| (path.strip_prefix(&repo.dir).unwrap().to_owned(), it)).collect()
}

/// A world with the manager on PATH, if this machine has it.
fn world(manager: &Manager) -> Option<Sandbox> {
    let mut world = Sandbox::new();
    let tools = tools();
    let path = format!(
        "{}:{}:{}",
        tools.join("node_modules/.bin").display(),
        tools.join("python/bin").display(),
        world.get("PATH")
    );
    world.set("PATH", &path);
    let marks = world.root().join("marks").to_str().unwrap().to_owned();
    world.set("MARKS", &marks);
    let found = world.place(".").sh(&format!("command -v {}", manager.name)).code == 0;
    there(found, &format!("{} in {}", manager.name, tools.display())).then_some(world)
}

/// A project that uses the manager, with a remote to push to.
fn project<'w>(world: &'w Sandbox, manager: &Manager) -> Place<'w> {
    let repo = world.repo("api");
    world.bare("hub.git");
    repo.sh(manager.adopt).ok();
    repo.sh(manager.install).ok();
    repo.sh(
        "git add . && git commit -q --no-verify --allow-empty -m 'set up' && git remote add origin ../hub.git",
    )
    .ok();
    theirs_run(&repo, "zero");
    repo
}

fn theirs_run(repo: &Place<'_>, name: &str) {
    let branch = format!("topic-{name}");
    repo.run(["git", "switch", "-q", "-c", &branch]).ok();
    repo.commit(name, name, name).ok();
    repo.run(["git", "push", "-q", "origin", &branch]).ok();
    repo.git("switch -q main").ok();
    assert_eq!(marks(repo), "commit-msg\npre-push\n", "theirs did not run, once each");
}

fn both_run(repo: &Place<'_>, name: &str) {
    let branch = format!("topic-{name}");
    repo.run(["git", "switch", "-q", "-c", &branch]).ok();
    repo.write(name, name);
    repo.sh(&format!("git add . && CLAUDECODE=1 git commit -q -m {name}")).ok();
    repo.run(["git", "push", "-q", "origin", &branch]).ok();
    let message = repo.git("log -1 --format=%B").ok().out;
    repo.git("switch -q main").ok();
    assert!(message.contains("\nAgent: "), "ours did not run:\n{message}");
    assert_eq!(marks(repo), "commit-msg\npre-push\n", "theirs did not run, once each");
}

/// What theirs wrote since the last look.
fn marks(repo: &Place<'_>) -> String {
    let path = repo.world.get("MARKS");
    let text = fs::read_to_string(path).unwrap_or_default();
    fs::remove_file(path).ok();
    text
}

/// Every file that an installation may touch: bytes and mode.
fn installed(repo: &Place<'_>, manager: &Manager) -> BTreeMap<PathBuf, (u32, String)> {
    let mut found = BTreeMap::new();
    for path in [".git/hooks", ".git/config", ".gitattributes", ".gitignore", manager.dir] {
        collect(&repo.dir.join(path), &mut found);
    }
    found
}

fn collect(path: &Path, found: &mut BTreeMap<PathBuf, (u32, String)>) {
    let Ok(meta) = path.symlink_metadata() else { return };
    if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), found);
        }
        return;
    }
    let text = fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    found.insert(path.to_owned(), (meta.permissions().mode(), text));
}

#[expect(clippy::disallowed_methods, reason = "where .ci/run put them")]
fn tools() -> PathBuf {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/hook-managers");
    std::env::var_os("SHOPFLOOR_HOOK_MANAGERS").map_or(usual, PathBuf::from)
}
