//! The room against real git: work trees, bare, sha256, reftable.

mod content;
mod refs;
mod shared;
mod talk;

use std::fs;
use std::path::{Path, PathBuf};

use super::{Head, Merged, Oid, Pushed, RefName, Repo, Signature, State};
use crate::host::Environment;
use crate::host::process::Program;
use crate::refusal::{Kind, Refusal};

/// A directory with repositories in it, and an environment that knows nothing else.
struct World {
    dir: tempfile::TempDir,
    env: Environment,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("gitconfig");
        fs::write(&config, "[user]\n\tname = Jane\n\temail = jane@example.org\n").unwrap();
        let told = [
            ("PATH", env!("PATH")),
            ("HOME", dir.path().to_str().unwrap()),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", config.to_str().unwrap()),
        ];
        let env = told.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
        Self { dir, env }
    }

    fn with(&self, key: &str, value: impl Into<String>) -> Environment {
        let known = self.env.iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        known.chain([(key.to_owned(), value.into())]).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap().join(name)
    }

    fn git(&self, at: &Path, args: &[&str]) -> String {
        let outcome = Program::new("git").args(args).dir(at).full_env(self.env.iter()).run();
        assert!(outcome.succeeded(), "git {args:?}: {}", String::from_utf8_lossy(&outcome.err));
        String::from_utf8(outcome.out).unwrap().trim_end().to_owned()
    }

    /// A repository with one commit on `main` that holds `file`.
    fn repo(&self, name: &str, init: &[&str]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        self.git(&path, &[&["init", "-q", "-b", "main"], init].concat());
        self.commit(&path, "file", "one\n");
        path
    }

    fn commit(&self, at: &Path, file: &str, text: &str) -> Oid {
        fs::write(at.join(file), text).unwrap();
        self.git(at, &["add", "-A"]);
        self.git(at, &["commit", "-q", "-m", &format!("change {file}")]);
        self.git(at, &["rev-parse", "HEAD"]).parse().unwrap()
    }

    fn open(&self, at: &Path) -> Repo {
        Repo::open(at, &self.env).unwrap()
    }
}

fn main() -> RefName {
    RefName::branch("main").unwrap()
}

fn refusal(no: &anyhow::Error) -> &Refusal {
    no.downcast_ref::<Refusal>().unwrap_or_else(|| panic!("{no:#}"))
}

#[test]
fn a_linked_work_tree_shares_what_is_shared() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    let tip = repo.resolve("main").unwrap().unwrap();
    let linked = world.path("app.worktrees/toast");
    let topic = RefName::branch("toast/app-1").unwrap();
    repo.add_worktree(&linked, &topic, &tip).unwrap();
    fs::create_dir(linked.join("deep")).unwrap();

    let seen = Repo::discover(&linked.join("deep"), &world.env).unwrap();
    assert_eq!(seen.common_dir(), path.join(".git"));
    assert_eq!(seen.git_dir(), path.join(".git/worktrees/toast"));
    assert_eq!(seen.work_dir(), Some(linked.as_path()));
    assert_eq!(seen.main_work_dir(), Some(path.clone()));
    assert!(!seen.is_bare());
    assert_eq!(seen.head().unwrap(), Head { branch: Some(topic.clone()), oid: Some(tip) });
    assert_eq!(repo.head().unwrap().branch, Some(main()));
    assert_eq!(seen.default_branch().unwrap(), "main");
    assert_eq!(seen.git_dir_of(&path).unwrap(), path.join(".git"));

    let listed = seen.worktrees().unwrap();
    let shown: Vec<_> =
        listed.iter().map(|tree| (tree.path.clone(), tree.branch.clone())).collect();
    assert_eq!(shown, [(path, Some(main())), (linked.clone(), Some(topic))]);

    // What a git hook in that work tree is given.
    let hooked = world.with("GIT_DIR", seen.git_dir().to_str().unwrap());
    let hooked = Repo::discover(&linked, &hooked).unwrap();
    assert_eq!((hooked.work_dir(), hooked.common_dir()), (seen.work_dir(), seen.common_dir()));

    fs::write(linked.join("new"), "unsaved").unwrap();
    repo.remove_worktree(&linked).unwrap();
    assert!(!linked.exists());
    assert_eq!(repo.worktrees().unwrap().len(), 1);
}

#[test]
fn work_trees_are_listed_as_git_lists_them() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    let add = |args: &[&str]| world.git(&path, &[&["worktree", "add", "-q"], args].concat());
    add(&["../detached", "--detach"]);
    add(&["../topic", "-b", "deep/topic"]);
    add(&["../gone", "-b", "gone"]);
    add(&["../away", "-b", "away"]);
    world.git(&path, &["worktree", "lock", "../away"]);
    add(&["../a b\nc", "-b", "odd"]);
    add(&["../unborn", "-b", "soon"]);
    world.git(&world.path("unborn"), &["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    add(&["../alias", "-b", "other"]);
    world.git(&path, &["symbolic-ref", "refs/heads/alias", "refs/heads/other"]);
    world.git(&world.path("alias"), &["symbolic-ref", "HEAD", "refs/heads/alias"]);
    world.git(&path, &["pack-refs", "--all"]);
    for gone in ["gone", "away"] {
        fs::remove_dir_all(world.path(gone)).unwrap();
    }
    let listed = repo.worktrees().unwrap();
    assert_eq!(listed, repo.worktrees_by_git().unwrap());
    assert_eq!(listed.len(), 8);
    assert_eq!(world.open(&world.path("topic")).worktrees().unwrap(), listed);
    let bare = world.path("bare.git");
    world.git(&path, &["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    world.git(&bare, &["worktree", "add", "-q", "../linked", "main"]);
    let bare = world.open(&bare);
    assert_eq!(bare.worktrees().unwrap(), bare.worktrees_by_git().unwrap());
}

#[test]
fn a_bare_repository_stays_bare_beside_its_work_trees() {
    let world = World::new();
    let origin = world.repo("app", &[]);
    let bare = world.path("app.git");
    world.git(&origin, &["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let repo = world.open(&bare);
    assert_eq!((repo.is_bare(), repo.work_dir(), repo.main_work_dir()), (true, None, None));
    assert_eq!(Repo::discover(&bare.join("refs"), &world.env).unwrap().common_dir(), bare);

    let linked = world.path("linked");
    let tip = repo.resolve("main").unwrap().unwrap();
    world.git(&bare, &["worktree", "add", "-q", "--detach", linked.to_str().unwrap(), "main"]);
    for _ in 0..2 {
        let seen = world.open(&linked);
        assert!(seen.is_bare() && seen.main_work_dir().is_none());
        assert_eq!(seen.work_dir(), Some(linked.as_path()));
        assert_eq!(seen.head().unwrap(), Head { branch: None, oid: Some(tip) });
        assert!(seen.checkout_state(&linked).unwrap().clean);
        // The second round is after core.bare has moved to the file of the bare repository.
        world.git(&linked, &["sparse-checkout", "disable"]);
    }
    assert_eq!(world.git(&bare, &["rev-parse", "--is-bare-repository"]), "true");
    assert_eq!(world.git(&linked, &["rev-parse", "--is-bare-repository"]), "false");
    assert_eq!(
        repo.config_get("extensions.worktreeConfig").unwrap(),
        None,
        "read before it was set"
    );
    repo.config_changed();
    assert_eq!(repo.config_bool("extensions.worktreeConfig").unwrap(), Some(true));
}

#[test]
fn every_kind_of_repository_reads_merges_and_saves() {
    for init in [
        &[][..],
        &["--object-format=sha256"],
        &["--ref-format=reftable"],
        &["--object-format=sha256", "--ref-format=reftable"],
    ] {
        let world = World::new();
        let path = world.repo("app", init);
        let base = world.open(&path).resolve("HEAD").unwrap().unwrap();
        world.git(&path, &["switch", "-q", "-c", "topic"]);
        let topic = world.commit(&path, "other", "two\n");
        world.git(&path, &["switch", "-q", "main"]);
        let tip = world.commit(&path, "file", "three\n");

        let repo = Repo::discover(&path, &world.env).unwrap();
        assert_eq!(repo.sha256(), init.iter().any(|option| option.contains("sha256")), "{init:?}");
        assert_eq!(
            repo.reftable(),
            init.iter().any(|option| option.contains("reftable")),
            "{init:?}"
        );
        assert_eq!(repo.head().unwrap(), Head { branch: Some(main()), oid: Some(tip) });
        assert_eq!(repo.default_branch().unwrap(), "main");
        assert_eq!(repo.merge_base(&tip, &topic).unwrap(), Some(base));
        assert!(
            repo.is_ancestor(&base, &topic).unwrap() && !repo.is_ancestor(&tip, &topic).unwrap()
        );
        assert_eq!(repo.changed_paths(&tip, &topic).unwrap(), ["file", "other"]);
        assert_eq!(repo.first_parents(&tip, None).unwrap(), [tip, base]);
        assert_eq!(repo.commits_between(&tip, &topic).unwrap(), [topic]);

        let Merged::Tree(tree) = repo.merge(&tip, &topic).unwrap() else {
            panic!("a conflict in {init:?}")
        };
        let by = Signature {
            name: "Jane".into(),
            email: "j@example.org".into(),
            time: "1760000000 +0200".into(),
        };
        let landed = repo.commit_tree(&tree, &[tip, topic], "land it\n", (&by, &by)).unwrap();
        let read = repo.commit(&landed).unwrap();
        assert_eq!(
            (read.tree, &read.parents, &read.author, read.subject()),
            (tree, &vec![tip, topic], &by, "land it")
        );
        assert_eq!(repo.file_at(&landed, "other").unwrap().unwrap(), b"two\n");
        assert_eq!(repo.file_at(&landed, "nowhere/other").unwrap(), None);

        fs::write(path.join("loose"), "untracked").unwrap();
        let saved = repo.snapshot(&path, "rescue").unwrap().unwrap();
        assert_eq!(repo.file_at(&saved, "loose").unwrap().unwrap(), b"untracked");
    }
}
