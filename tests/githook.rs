//! The git hooks as git runs them: what an agent's commit gets, what a person's does not, what was
//! there before, and that nothing of ours is left afterwards.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::support::{Place, Sandbox};

/// A repository that is set up, in which nothing lands by itself.
pub(crate) fn set_up<'w>(world: &'w Sandbox, name: &str) -> Place<'w> {
    let repo = world.repo(name);
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes").ok();
    repo
}

/// Every file of the git directory that is not an object or a log, with its mode, links as links.
fn picture(repo: &Place<'_>) -> Vec<String> {
    let mut found = Vec::new();
    walk(&repo.dir.join(".git"), "", &mut found);
    found.sort();
    found
}

fn walk(dir: &Path, at: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{at}/{}", path.file_name().unwrap().to_str().unwrap());
        let meta = path.symlink_metadata().unwrap();
        if ["/objects", "/logs", "/shopfloor", "/index", "/refs"].contains(&name.as_str()) {
            continue;
        }
        if meta.is_dir() {
            found.push(format!("{name}/"));
            walk(&path, &name, found);
        } else if meta.is_symlink() {
            found.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
        } else {
            let text = fs::read(&path).unwrap();
            found.push(format!(
                "{name} {:o} {}",
                meta.permissions().mode(),
                String::from_utf8_lossy(&text)
            ));
        }
    }
}

fn trailers(place: &Place<'_>, rev: &str) -> String {
    place
        .run(["git", "log", "-1", "--format=%(trailers:only,unfold)", rev])
        .ok()
        .out
        .trim()
        .to_owned()
}

#[test]
fn init_shows_asks_does_and_says_so_once() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let before = picture(&repo);
    let shown = repo.git("bead init --dry-run").ok();
    assert_eq!(picture(&repo), before, "a plan changes nothing");
    repo.git("bead init").fails(129).says(&["hint: git bead init --yes does it"]);
    assert_eq!(picture(&repo), before, "without a yes nothing is done");
    let done = repo.git("bead init --yes --prefix shop").ok();
    let steps = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("  .git/"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(steps(&shown.out), steps(&done.out));
    assert!(done.out.contains("shopfloor.prefix = shop\n"), "{done}");
    let installed = picture(&repo);
    assert_eq!(repo.git("bead init --yes").ok().line(), "Nothing to do: everything is set up");
    assert_eq!(picture(&repo), installed, "twice is once");
    assert!(repo.bead("Draw the map").starts_with("shop-"));
    let plan = repo.json("bead init --dry-run --json");
    assert_eq!(
        (plan["prefix"].as_str(), plan["changes"].as_array().map(Vec::len)),
        (Some("shop"), Some(0))
    );
    repo.git("bead init --yes --prefix Shop!").fails(129);
}

#[test]
fn the_installed_scripts_are_those_of_the_repository() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks")).unwrap() {
        let shipped = entry.unwrap().path();
        let name = shipped.file_name().unwrap().to_str().unwrap();
        if name == "pre-receive" {
            continue; // For a hub, where a person puts it.
        }
        assert_eq!(repo.read(&format!(".git/hooks/{name}")), fs::read_to_string(&shipped).unwrap());
    }
}

#[test]
fn deinit_leaves_everything_as_it_was_to_the_byte() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.script(".git/hooks/commit-msg", "#!/bin/sh\necho no line break");
    repo.script(".git/hooks/pre-push", "#!/usr/bin/env bash\nset -eu\ncat\n");
    repo.script(".git/hooks/prepare-commit-msg", "#!/usr/bin/env python3\nprint('hi')\n");
    repo.write(".git/hooks/post-merge", "#!/bin/sh\necho never runs: not executable\n");
    repo.script("tools/hook", "#!/bin/sh\nexit 0\n");
    symlink("../../tools/hook", repo.dir.join(".git/hooks/reference-transaction")).unwrap();
    fs::set_permissions(repo.dir.join(".git/hooks/pre-push"), fs::Permissions::from_mode(0o711))
        .unwrap();
    repo.write(".git/config", format!("{}[alias]\n\tst = status", repo.read(".git/config")));
    let before = picture(&repo);
    repo.git("bead init --yes").ok();
    let installed = picture(&repo);
    assert_ne!(installed, before);
    repo.git("bead init --yes").ok();
    assert_eq!(picture(&repo), installed);
    repo.git("bead deinit").ok();
    let after: Vec<String> =
        picture(&repo).into_iter().filter(|file| !file.starts_with("/shopfloor-objects")).collect();
    assert_eq!(after, before);
    assert!(repo.git("bead deinit").ok().out.starts_with("Nothing to do"));
}

#[test]
fn a_setting_somebody_put_into_our_block_survives_it() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("config receive.denyNonFastForwards true").ok();
    repo.git("bead deinit").ok();
    assert_eq!(repo.git("config receive.denyNonFastForwards").ok().line(), "true");
    assert_eq!(repo.git("config receive.procReceiveRefs").fails(1).line(), "");
}

#[test]
fn purge_takes_the_work_with_it() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.bead("Draw the map");
    repo.git("bead deinit --purge").fails(129);
    repo.git("bead deinit --purge --yes").ok();
    assert_eq!(repo.git("for-each-ref refs/shopfloor").ok().line(), "");
    for gone in ["shopfloor", "shopfloor-objects", "objects/info/alternates"] {
        assert!(!repo.has(&format!(".git/{gone}")), "{gone}");
    }
    repo.git("fsck --strict").ok();
}

#[test]
fn deinit_waits_for_what_waits() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.commit("a", "a\n", "Add a").fails(128);
    repo.git("bead deinit").fails(3).says(&["#1", "git refinery run --drain"]);
    repo.git("refinery run --drain").ok();
    repo.git("bead deinit").ok();
}

#[test]
fn hooks_that_were_there_run_after_ours_with_the_same_words() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    let log = |what: &str| {
        format!(
            "echo \"$(basename \"$0\") {what} $#\" >>\"$(git rev-parse --git-common-dir)/ran\"\n"
        )
    };
    repo.script(
        ".git/hooks/commit-msg",
        &format!("#!/bin/sh\n{}grep Agent: \"$1\" >>.git/ran || :\n", log("sh")),
    );
    repo.script(
        ".git/hooks/prepare-commit-msg",
        "#!/usr/bin/env python3\nimport sys\nopen('.git/ran', 'a').write('python ' + sys.argv[0].rsplit('/')[-1] + '\\n')\n",
    );
    repo.script(
        ".git/hooks/pre-push",
        &format!(
            "#!/bin/sh\n{}while read -r line; do echo \"<$line>\" >>.git/ran; done\n",
            log("sh")
        ),
    );
    repo.script("tools/hook", &format!("#!/bin/sh\n{}", log("link")));
    symlink("../../tools/hook", repo.dir.join(".git/hooks/post-merge")).unwrap();
    repo.git("bead init --yes").ok();
    let away = world.bare("away");
    repo.run(["git", "remote", "add", "away", away.dir.to_str().unwrap()]).ok();
    repo.git("switch --quiet -c topic").ok();
    repo.sh("AI_AGENT=robot git commit --quiet --allow-empty -m one").ok();
    repo.git("push --quiet away topic").ok();
    repo.git("branch up").ok();
    repo.git("commit --quiet --allow-empty -m two").ok();
    repo.git("switch --quiet up").ok();
    repo.git("merge --quiet topic").ok();
    let null = "0".repeat(40);
    let (one, two) = (repo.rev("topic~1"), repo.rev("topic"));
    assert_ne!(one, two);
    assert_eq!(
        repo.read(".git/ran"),
        format!(
            "python prepare-commit-msg\ncommit-msg sh 1\nAgent: robot\npre-push sh 2\n\
             <refs/heads/topic {one} refs/heads/topic {null}>\npython prepare-commit-msg\ncommit-msg sh 1\npost-merge link 1\n"
        )
    );
}

#[test]
fn a_persons_commit_is_not_touched() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("switch --quiet -c topic").ok();
    repo.run(["git", "commit", "--quiet", "--allow-empty", "-m", "one\n\nCo-authored-by: A <a@b>"])
        .ok();
    assert_eq!(
        repo.run(["git", "log", "-1", "--format=%B"]).ok().out,
        "one\n\nCo-authored-by: A <a@b>\n\n"
    );
}

#[test]
fn an_agents_commits_say_whose_they_are() {
    let mut world = Sandbox::new();
    for (key, value) in [
        ("SHOPFLOOR_AGENT", "builder"),
        ("SHOPFLOOR_BEAD", "api-1"),
        ("SHOPFLOOR_SESSION", "s-1"),
        ("SHOPFLOOR_TOOL", "mock"),
        ("SHOPFLOOR_MODEL", "m1"),
    ] {
        world.set(key, value);
    }
    let repo = set_up(&world, "api");
    repo.git("switch --quiet -c topic").ok();
    let ours = "Bead: api-1\nAgent: builder\nAssisted-by: mock:m1\nAgent-Session: s-1";
    let empty = ["git", "commit", "--quiet", "--allow-empty"];
    let commit = |more: &[&str]| repo.run(empty.iter().chain(more));

    commit(&["-m", "plain"]).ok();
    assert_eq!(trailers(&repo, "HEAD"), ours);
    commit(&["-m", "skipped", "--no-verify"]).ok();
    assert_eq!(trailers(&repo, "HEAD"), ours, "prepare-commit-msg runs all the same");
    commit(&["-m", "foreign\n\nChange-Id: I1"]).ok();
    assert_eq!(trailers(&repo, "HEAD"), format!("Change-Id: I1\n{ours}"));
    commit(&["--amend", "--no-edit"]).ok();
    assert_eq!(trailers(&repo, "HEAD"), format!("Change-Id: I1\n{ours}"), "once");
    commit(&["--fixup", "HEAD"]).ok();
    assert_eq!(trailers(&repo, "HEAD"), ours);
    repo.sh("GIT_SEQUENCE_EDITOR=true git rebase --quiet -i --autosquash HEAD~2").ok();
    assert_eq!(trailers(&repo, "HEAD"), format!("Change-Id: I1\n{ours}"));
    repo.sh("GIT_EDITOR='echo edited >' git commit --quiet --allow-empty --verbose").ok();
    assert_eq!(
        repo.run(["git", "log", "-1", "--format=%B"]).ok().out,
        format!("edited\n\n{ours}\n\n")
    );
    repo.sh("GIT_EDITOR=true git commit --quiet --allow-empty")
        .fails(1)
        .says(&["Aborting commit due to empty commit message"]);
    commit(&["--squash", "HEAD", "-m", "more"]).ok();
    repo.sh("GIT_EDITOR=true GIT_SEQUENCE_EDITOR=true git rebase --quiet -i --autosquash HEAD~2")
        .ok();
    let whole = repo.run(["git", "log", "-1", "--format=%B"]).ok().out;
    assert_eq!(whole.matches("Agent: builder").count(), 1, "{whole}");

    commit(&["-m", "another\n\nAgent: eve"])
        .fails(1)
        .says(&["the message says `Agent: eve`, but this is builder"]);
    commit(&["--no-verify", "-m", "sworn"]).ok();
    commit(&["-s", "-m", "sworn"]).ok();
    repo.sh("git -c user.name=builder commit --quiet --allow-empty -s -m sworn")
        .fails(1)
        .says(&["`Signed-off-by` is a person's word"]);
}

#[test]
fn a_replayed_commit_stays_its_authors() {
    let world = Sandbox::new();
    let repo = set_up(&world, "api");
    repo.git("switch --quiet -c person").ok();
    repo.git("commit --quiet --allow-empty -m mine").ok();
    repo.git("switch --quiet -c agent main").ok();
    repo.sh("CLAUDECODE=1 git cherry-pick --allow-empty person").ok();
    assert_eq!(trailers(&repo, "HEAD"), "");
    repo.sh("CLAUDECODE=1 CLAUDE_CODE_SESSION_ID=abc git commit --quiet --allow-empty -m its").ok();
    assert_eq!(
        trailers(&repo, "HEAD"),
        "Agent: claude-code\nAssisted-by: claude-code:unknown\nAgent-Session: abc"
    );
    repo.git("switch --quiet person").ok();
    repo.git("commit --quiet --allow-empty -m more").ok();
    repo.git("switch --quiet agent").ok();
    repo.sh("CLAUDECODE=1 git merge --quiet --no-ff --no-edit person").ok();
    assert_eq!(trailers(&repo, "HEAD"), "Agent: claude-code\nAssisted-by: claude-code:unknown");
}

#[test]
fn a_program_with_another_path_finds_us_and_one_without_us_goes_on() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.script(".git/hooks/prepare-commit-msg", "#!/bin/sh -eu\n:\n");
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes").ok();
    repo.git("switch --quiet -c topic").ok();
    let bare = repo.sh("echo \"$PATH\" | cut -d: -f2-").line();
    let gui = |command: &str| repo.sh(&format!("PATH='{bare}' {command}"));
    gui("AI_AGENT=robot git commit --quiet --allow-empty -m one").ok();
    assert_eq!(trailers(&repo, "HEAD"), "Agent: robot\nAssisted-by: robot:unknown");
    repo.git("config shopfloor.path /nowhere").ok();
    let ran = gui("git commit --quiet --allow-empty -m two").ok();
    assert_eq!(
        ran.err,
        "shopfloor: git-bead is not on PATH, so this commit gets no trailers and no check\n"
    );
    repo.git("config --unset shopfloor.path").ok();
    gui("git commit --quiet --allow-empty -m three").ok();
    let away = world.bare("away");
    let ran = gui(&format!("git push --quiet {} topic", away.dir.display())).ok();
    assert_eq!(
        ran.err,
        "shopfloor: git-refinery is not on PATH, so this push goes past the merge queue\n"
    );
}

#[test]
fn hooks_in_a_tracked_or_a_shared_directory_stay_as_they_are() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.script("checks/commit-msg", "#!/bin/sh\necho tracked >>.git/ran\n");
    repo.script("checks/pre-commit", "#!/bin/sh\necho first >>.git/ran\n");
    repo.sh("git add . && git commit --quiet -m checks && git config core.hooksPath checks").ok();
    let before = picture(&repo);
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead init --yes").ok();
    assert_eq!(repo.git("status --porcelain").ok().line(), "");
    repo.git("switch --quiet -c topic").ok();
    repo.sh("AI_AGENT=robot git commit --quiet --allow-empty -m one").ok();
    assert_eq!(repo.read(".git/ran"), "first\ntracked\n");
    assert!(trailers(&repo, "HEAD").starts_with("Agent: robot"));
    repo.git("bead init --yes").ok();
    repo.git("bead deinit").ok();
    repo.sh("rm .git/ran && git config --unset shopfloor.autorun").ok();
    let config = |files: &[String]| {
        files
            .iter()
            .filter(|file| file.starts_with("/config") || file.starts_with("/hooks"))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(config(&picture(&repo)), config(&before));

    let shared = world.place("shared");
    shared.script("commit-msg", "#!/bin/sh\necho shared >>.git/ran\n");
    let other = world.repo("web");
    other.run(["git", "config", "--global", "core.hooksPath", shared.dir.to_str().unwrap()]).ok();
    other.git("bead init --yes").ok();
    other.git("switch --quiet -c topic").ok();
    other.sh("AI_AGENT=robot git commit --quiet --allow-empty -m one").ok();
    assert_eq!(other.read(".git/ran"), "shared\n");
    assert!(trailers(&other, "HEAD").starts_with("Agent: robot"));
    assert_eq!(shared.sh("ls").line(), "commit-msg");
}

#[test]
fn a_repository_without_commits_or_a_name_is_set_up_all_the_same() {
    let world = Sandbox::new();
    let new = world.place("new");
    new.git("init --quiet").ok();
    new.git("bead init --yes").ok();
    new.commit("a", "a\n", "The first commit is nobody's entry").ok();
    new.git("commit --quiet --allow-empty -m two").fails(128).says(&["QUEUED #1"]);

    let nobody = world.repo("nobody");
    nobody.git("config --global --remove-section user").ok();
    let before = picture(&nobody);
    nobody.git("bead init --yes").fails(128).says(&["git does not know who you are"]);
    assert_eq!(picture(&nobody), before, "nothing half done");
}

#[test]
fn init_in_a_linked_work_tree_sets_up_the_repository() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("worktree add --quiet -b topic ../topic").ok();
    let tree = repo.at("../topic");
    let plan = tree.json("bead init --yes --json");
    assert_eq!(plan["target"], "main");
    assert!(repo.has(".git/hooks/commit-msg"));
    tree.sh("AI_AGENT=robot git commit --quiet --allow-empty -m one").ok();
    assert!(trailers(&tree, "HEAD").starts_with("Agent: robot"));
    tree.git("bead deinit").ok();
    assert!(!repo.has(".git/hooks/commit-msg"));
}
