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
    (
        "detached, then left",
        "git checkout -q --detach; echo l >f; git add f; git commit -qm l; git checkout -q -",
        &["l\n"],
    ),
    (
        "detached, then left for a branch without commits",
        "git checkout -q --detach; echo l >f; git add f; git commit -qm l; git checkout -q --orphan new; git rm -qf f",
        &["l\n"],
    ),
    (
        "reset away",
        "for n in 1 2; do echo $n >f; git add f; git commit -qm $n; done; git reset -q --hard HEAD~2; \
         echo 3 >f; git add f; git commit -qm 3; git reset -q --hard HEAD~",
        &["1\n", "2\n", "3\n"],
    ),
    (
        "reset away, and edited since",
        "echo c >f; git add f; git commit -qm c; git reset -q --hard HEAD~; echo e >>README.md; echo n >n",
        &["c\n", "A small project.\ne\n", "n\n"],
    ),
    (
        "on a topic branch that was deleted",
        "git checkout -q -b side; echo t >f; git add f; git commit -qm t; git checkout -q -; git branch -qD side",
        &["t\n"],
    ),
    (
        "amended",
        "echo a >f; git add f; git commit -qm a; echo b >f; git commit -qa --amend -m b",
        &["a\n", "b\n"],
    ),
    (
        "on a branch of its own that was moved elsewhere",
        "on=$(git symbolic-ref HEAD); tree=$(echo m >f; git add f; git write-tree); git rm -qf f; \
         git update-ref refs/heads/toast/more $(git commit-tree -m m $tree); \
         git update-ref refs/heads/toast/more HEAD",
        &["m\n"],
    ),
    (
        "taken out of the index and ignored",
        "git rm -q --cached README.md; echo README.md >.gitignore; echo m >README.md",
        &["m\n"],
    ),
    ("with a link", "ln -s /nowhere l; echo k >k", &["k\n", "/nowhere"]),
];

pub(crate) fn shop() -> Sandbox {
    let world = Sandbox::new();
    world.program("worker", "#!/bin/sh\nexec sh \"$(git config shopfloor.play)\"\n");
    world.person("[agents.toast]\ncommand = ['worker']\n");
    world
}

/// Plays a state into toast's worktree in a session of its own, which then ends.
pub(crate) fn play(repo: &Place<'_>, script: &str) {
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
    repo.wait("the session is over", "git sling ps --all; git sling logs toast", || {
        let rows = repo.json("sling ps --all --json");
        rows.as_array()
            .unwrap()
            .iter()
            .any(|row| row["session"] == session && !row["ended_at"].is_null())
    });
}

#[track_caller]
pub(crate) fn survives(repo: &Place<'_>, state: &str, texts: &[&str]) {
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
        assert_eq!(repo.sh("git for-each-ref refs/heads/toast").ok().out, "", "{state}");
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
    let beads = repo.git("bead list --all --json").ok().out;
    assert!(!beads.contains("The next task"), "who tries again has it twice: {beads}");
    assert!(repo.at("../api.worktrees/toast").has("inner/x"));
    assert_eq!(repo.git("sling ps").ok().out, "nobody is at work\n");
    repo.sh("rm -r ../api.worktrees/toast/inner; git worktree lock ../api.worktrees/toast").ok();
    repo.git("sling rm toast").fails(3).says(&["is locked", "git worktree unlock"]);
    repo.git("worktree unlock ../api.worktrees/toast").ok();
    repo.git("sling rm toast").ok();
    repo.git("sling rm toast").fails(1).says(&["toast has no worktree and no branch here"]);
}

#[test]
fn an_ignored_file_is_not_overwritten_by_the_next_bead() {
    let world = shop();
    let repo = world.repo("api");
    repo.commit(".gitignore", "local.env\n", "Ignore what is local").ok();
    play(&repo, "echo mine >local.env");
    repo.write("local.env", "theirs\n");
    repo.sh("git add -f local.env; git commit -qm 'Share it'").ok();
    let tree = repo.at("../api.worktrees/toast");
    repo.run(["git", "sling", "The next task"]).fails(3).says(&["local.env is in the way"]);
    assert_eq!(tree.read("local.env"), "mine\n");
    repo.sh("mv ../api.worktrees/toast/local.env ../kept").ok();
    play(&repo, "cat local.env");
    assert_eq!(repo.git("sling logs toast").ok().out, "theirs\n");
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

/// What only the log of a `HEAD` led to is told, by one name as long as it is the same.
#[test]
fn a_commit_that_was_left_is_found_and_named() {
    let left = "git checkout -q --detach; echo l >f; git add f; git commit -qm 'left alone'; \
                git checkout -q -";
    let more =
        left.replace("alone", "again") + "; echo more >more; git add more; git commit -qm more";
    let plain: &[&str] = &[];
    for options in [plain, &["--object-format=sha256"], &["--ref-format=reftable"]] {
        let world = shop();
        if options.contains(&"--ref-format=reftable") && !world.knows_reftable() {
            continue;
        }
        let repo = world.repo_as("api", options);
        repo.git("config core.logAllRefUpdates false").ok();
        play(&repo, left);
        let kept = repo.sh("git for-each-ref --format='%(refname)' refs/shopfloor/rescue").ok().out;
        assert_eq!(kept.lines().count(), 1, "{kept}");
        assert_eq!(
            repo.run(["git", "log", "-1", "--format=%s", kept.trim()]).ok().line(),
            "left alone"
        );
        let rows = repo.json("sling ps --all --json");
        assert_eq!(rows[0]["rescued"][0], kept.trim());
        // Nothing new, nothing to say again.
        play(&repo, "true");
        assert_eq!(repo.json("sling ps --all --json")[1]["rescued"], serde_json::Value::Null);
        play(&repo, &more);
        let rows = repo.json("sling ps --all --json");
        let named = rows[2]["rescued"][0].as_str().unwrap().to_owned();
        let removed = repo.git("sling rm toast").ok().out;
        assert!(removed.ends_with(&format!("  its work is kept: {named}\n")), "{removed}");
        let kept = repo.sh("git for-each-ref refs/shopfloor/rescue").ok().out;
        assert_eq!(kept.lines().count(), 2, "{kept}");
        let told = repo.run(["git", "log", "-1", "--format=%B", &named]).ok().out;
        assert!(told.contains(" left again\n"), "{told}");
        survives(&repo, "left", &["l\n", "more\n"]);
    }
}

#[test]
fn a_commit_that_was_left_in_a_shallow_clone_is_found() {
    let world = shop();
    let far = world.repo("far");
    far.commit("g", "g\n", "second").ok();
    let url = format!("file://{}", far.dir.display());
    world.place(".").run(["git", "clone", "-q", "--depth=1", &url, "api"]).ok();
    let repo = world.place("api");
    play(&repo, "echo l >f; git add f; git commit -qm l; git reset -q --hard HEAD~");
    repo.git("sling rm toast").ok();
    survives(&repo, "shallow", &["l\n"]);
}

/// Of a worktree that somebody removed by hand git still has the log, until it is pruned.
#[test]
fn a_commit_that_was_left_outlives_its_directory() {
    for next in [["rm", "toast"], ["The next task", "toast"]] {
        let world = shop();
        let repo = world.repo("api");
        play(&repo, "true");
        let tree = repo.at("../api.worktrees/toast");
        tree.git("checkout -q --detach").ok();
        tree.write("f", "l\n");
        tree.sh("git add f; git -c core.hooksPath=/dev/null commit -qm l; git checkout -q -").ok();
        repo.git("worktree add -q ../else").ok();
        repo.sh("rm -r ../api.worktrees/toast ../else").ok();
        let said = repo.run(["git", "sling"].iter().chain(&next)).ok();
        assert!(repo.has(".git/worktrees/else"), "what became of other worktrees is not for us");
        let kept = repo.sh("git for-each-ref --format='%(refname)' refs/shopfloor/rescue");
        assert!(said.to_string().contains(&kept.ok().line()), "{said}");
        survives(&repo, next[0], &["l\n"]);
    }
}
