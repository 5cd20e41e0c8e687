//! No work is lost: whatever stands in a worktree when it is removed, or cleared for the next bead,
//! can be reached from a ref afterwards.

use crate::support::{Place, Sandbox};

/// What was done in the worktree, and the texts that must survive.
const STATES: &[(&str, &str, &[&str])] = &[
    ("clean", "true", &[]),
    ("untracked", "echo u >new; mkdir d; echo v >d/deep", &["u\n", "v\n"]),
    ("edited", "echo e >>README.md", &["A small project.\ne\n"]),
    (
        "edited where git was told not to look",
        "echo a >a; echo b >b; git add a b; git commit -qm ab; git update-index --assume-unchanged a; \
         git update-index --skip-worktree b; echo hidden >>a; echo too >>b",
        &["a\nhidden\n", "b\ntoo\n"],
    ),
    ("staged", "echo s >f; git add f", &["s\n"]),
    ("staged, then edited", "echo s1 >f; git add f; echo s2 >f", &["s1\n", "s2\n"]),
    ("deleted and staged elsewhere", "git rm -q README.md; echo r >r; git add r", &["r\n"]),
    ("committed", "echo c >f; git add f; git commit -qm c", &["c\n"]),
    (
        "detached ahead",
        "git checkout -q --detach; echo h >f; git add f; git commit -qm h",
        &["h\n"],
    ),
    (
        "detached, branch ahead too",
        "echo b >f; git add f; git commit -qm b; git checkout -q --detach HEAD~; echo h >f; git add f; git commit -qm h",
        &["b\n", "h\n"],
    ),
    (
        "in the middle of a merge",
        "git checkout -q -b side; echo left >f; git add f; git commit -qm l; git checkout -q --detach HEAD~; \
         echo right >f; git add f; git commit -qm r; git merge side || true; git branch -qD side",
        &["left\n", "right\n"],
    ),
    (
        "in the middle of a rebase",
        "echo one >f; git add f; git commit -qm 1; echo two >g; git add g; git commit -qm 2; \
         git checkout -q --detach HEAD~2; echo base >f; git add f; git commit -qm base; base=$(git rev-parse HEAD); \
         git checkout -q -; git rebase -q $base || true",
        &["one\n", "two\n"],
    ),
    ("on an unborn branch", "git checkout -q --orphan new; echo o >o; git add o", &["o\n"]),
    ("with a locked index", "echo i >f; touch $(git rev-parse --git-path index.lock)", &["i\n"]),
    (
        "with odd names",
        "echo n >'-x'; echo m >' sp ace'; echo o >\"$(printf 'a\\nb')\"",
        &["n\n", "m\n", "o\n"],
    ),
    (
        "with own refs",
        "echo p >f; git add f; git commit -qm p; git update-ref refs/worktree/mine HEAD; git reset -q --hard HEAD~",
        &["p\n"],
    ),
    ("with a link", "ln -s /nowhere l; echo k >k", &["k\n", "/nowhere"]),
];

fn shop() -> Sandbox {
    let world = Sandbox::new();
    world.program("worker", "#!/bin/sh\nexec sh \"$(git config shopfloor.play)\"\n");
    world.person("[agents.toast]\ncommand = ['worker']\n");
    world
}

/// Plays a state into toast's worktree in a session of its own, which then ends.
fn play(repo: &Place<'_>, script: &str) {
    let quiet =
        "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null";
    repo.write("../play.sh", format!("{quiet}\n{script}\n"));
    repo.run([
        "git",
        "config",
        "shopfloor.play",
        repo.world.root().join("play.sh").to_str().unwrap(),
    ])
    .ok();
    let slung = repo.run(["git", "sling", "Play a state", "--json"]).ok().json();
    let session = slung["session"].clone();
    repo.wait("the session is over", 30, "git sling ps --all; git sling logs toast", || {
        let rows = repo.json("sling ps --all --json");
        rows.as_array()
            .unwrap()
            .iter()
            .any(|row| row["session"] == session && !row["ended_at"].is_null())
    });
}

#[track_caller]
fn survives(repo: &Place<'_>, state: &str, texts: &[&str]) {
    repo.git("worktree prune").ok();
    for text in texts {
        repo.write(".git/sought", text);
        let found =
            repo.sh("git rev-list --objects --all | grep -q $(git hash-object .git/sought)");
        assert_eq!(
            found.code,
            0,
            "{state}: lost {text:?}\n{}",
            repo.sh("git for-each-ref; git sling ps -a")
        );
    }
}

#[test]
fn a_removed_worktree_is_kept_in_every_state() {
    for (state, script, texts) in STATES {
        let world = shop();
        let repo = world.repo("api");
        play(&repo, script);
        let tree = repo.at("../api.worktrees/toast");
        assert!(tree.has("."), "{state}");
        repo.git("sling rm toast").ok();
        assert!(!tree.has("."), "{state}");
        survives(&repo, state, texts);
        // A branch goes when another ref keeps what it has.
        let branches = repo.sh("git for-each-ref refs/heads/toast").ok().out;
        assert_eq!(branches.is_empty(), *state != "detached, branch ahead too", "{state}");
    }
}

#[test]
fn a_worktree_is_cleared_for_the_next_bead_and_nothing_is_lost() {
    for (state, script, texts) in STATES {
        let world = shop();
        let repo = world.repo("api");
        play(&repo, script);
        play(&repo, "git status --porcelain; git rev-parse --abbrev-ref HEAD; ls");
        let seen = repo.git("sling logs toast").ok().out;
        let (branch, files) = seen.split_once('\n').unwrap_or_default();
        assert!(branch.starts_with("toast/api-"), "{state}: {seen}");
        assert_eq!(files, "README.md\n", "{state}");
        survives(&repo, state, texts);
    }
}

#[test]
fn what_no_commit_can_hold_stays_where_it_is() {
    let world = shop();
    let repo = world.repo("api");
    play(&repo, "git init -q inner; echo x >inner/x");
    repo.git("sling rm toast").fails(3).says(&["has a repository of its own inside, inner/"]);
    repo.run(["git", "sling", "The next task"]).fails(3).says(&["inner/"]);
    assert!(repo.at("../api.worktrees/toast").has("inner/x"));
    assert_eq!(repo.git("sling ps").ok().out, "nobody is at work\n");
    repo.sh("rm -r ../api.worktrees/toast/inner; git worktree lock ../api.worktrees/toast").ok();
    repo.git("sling rm toast").fails(3).says(&["is locked", "git worktree unlock"]);
    repo.git("worktree unlock ../api.worktrees/toast").ok();
    repo.git("sling rm toast").ok();
    repo.git("sling rm toast").fails(1).says(&["toast has no worktree and no branch here"]);
}

#[test]
fn a_worktree_whose_directory_is_gone_is_made_again() {
    let world = shop();
    let repo = world.repo("api");
    play(&repo, "echo c >f; git add f; git commit -qm c");
    repo.sh("rm -r ../api.worktrees/toast").ok();
    play(&repo, "ls");
    assert_eq!(repo.git("sling logs toast").ok().out, "README.md\n");
    survives(&repo, "directory gone", &["c\n"]);
    // Something else in its place is not ours to touch.
    repo.git("sling rm toast").ok();
    repo.write("../api.worktrees/toast/mine", "m\n");
    repo.run(["git", "sling", "The next task"]).fails(3).says(&["is in the way"]);
    assert_eq!(repo.read("../api.worktrees/toast/mine"), "m\n");
}
