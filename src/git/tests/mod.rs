//! The room against real git: work trees, bare, sha256, reftable.

mod refs;

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
        let env = Environment::default()
            .with("PATH", env!("PATH"))
            .with("HOME", dir.path().to_str().unwrap())
            .with("GIT_CONFIG_NOSYSTEM", "1")
            .with("GIT_CONFIG_GLOBAL", config.to_str().unwrap());
        Self { dir, env }
    }

    fn with(&self, key: &str, value: impl Into<String>) -> Environment {
        self.env.clone().with(key, value)
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
    repo.add_detached(&linked, &tip).unwrap();
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

#[test]
fn a_snapshot_holds_everything_and_touches_nothing() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    assert_eq!(repo.snapshot(&path, "nothing to save").unwrap(), None);

    fs::write(path.join(".gitignore"), "target\n").unwrap();
    fs::write(path.join("target"), "made again").unwrap();
    fs::write(path.join("file"), "staged\n").unwrap();
    world.git(&path, &["add", "file"]);
    fs::write(path.join("file"), "edited\n").unwrap();
    fs::create_dir(path.join("dir")).unwrap();
    fs::write(path.join("dir/new one"), "new\n").unwrap();
    let before = world.git(&path, &["status", "--porcelain"]);

    let saved = repo.snapshot(&path, "rescue").unwrap().unwrap();
    assert_eq!(world.git(&path, &["status", "--porcelain"]), before);
    let listed = world.git(&path, &["ls-tree", "-r", "--name-only", &saved.to_string()]);
    assert_eq!(listed, ".gitignore\ndir/new one\nfile");
    assert_eq!(repo.file_at(&saved, "file").unwrap().unwrap(), b"edited\n");
    let parents = repo.commit(&saved).unwrap().parents;
    assert_eq!(parents.first().copied(), repo.head().unwrap().oid);
    assert_eq!(repo.file_at(parents.last().unwrap(), "file").unwrap().unwrap(), b"staged\n");

    let state = repo.checkout_state(&path).unwrap();
    assert!(!state.clean);
    assert_eq!(
        (state.edits, state.untracked),
        (vec!["file".into()], vec![".gitignore".into(), "dir/new one".into()])
    );

    // A file that exists in the index alone is work as well.
    world.git(&path, &["stash", "-q", "-u"]);
    fs::write(path.join("ghost"), "boo").unwrap();
    world.git(&path, &["add", "ghost"]);
    fs::remove_file(path.join("ghost")).unwrap();
    let saved = repo.snapshot(&path, "rescue").unwrap().unwrap();
    let staged = *repo.commit(&saved).unwrap().parents.last().unwrap();
    assert_eq!(repo.file_at(&staged, "ghost").unwrap().unwrap(), b"boo");
}

#[test]
fn a_repository_inside_is_named_and_left_alone() {
    let world = World::new();
    let library = world.repo("library", &[]);
    let path = world.repo("app", &[]);
    let file = ["-c", "protocol.file.allow=always"];
    let add = ["submodule", "--quiet", "add", library.to_str().unwrap(), "sub mod"];
    world.git(&path, &[&file[..], &add].concat());
    world.git(&path, &["commit", "-q", "-m", "add a submodule"]);
    let repo = world.open(&path);
    assert_eq!(repo.checkout_state(&path).unwrap(), State { clean: true, ..State::default() });

    world.git(&path, &["clone", "-q", library.to_str().unwrap(), "cloned"]);
    world.git(&path, &["init", "-q", "empty"]);
    fs::write(path.join("sub mod/file"), "edited").unwrap();
    fs::write(path.join("note"), "text").unwrap();
    let state = repo.checkout_state(&path).unwrap();
    assert_eq!((state.clean, state.edits), (false, vec!["sub mod".to_owned()]));
    assert_eq!(state.untracked, ["cloned/", "empty/", "note"]);
    assert_eq!(state.inner, ["sub mod", "cloned/", "empty/"]);

    let saved = repo.snapshot(&path, "rescue").unwrap().unwrap();
    let listed = world.git(&path, &["ls-tree", "-r", "--name-only", &saved.to_string()]);
    assert_eq!(listed, ".gitmodules\nfile\nnote\nsub mod");
}

#[test]
fn work_in_a_repository_without_commits_is_saved_too() {
    let world = World::new();
    let path = world.path("empty");
    fs::create_dir(&path).unwrap();
    world.git(&path, &["init", "-q", "-b", "main"]);
    let repo = world.open(&path);
    assert_eq!(repo.head().unwrap(), Head { branch: Some(main()), oid: None });
    assert_eq!(
        (repo.snapshot(&path, "rescue").unwrap(), repo.default_branch().unwrap()),
        (None, "main".into())
    );
    fs::write(path.join("first"), "1").unwrap();
    let saved = repo.snapshot(&path, "rescue").unwrap().unwrap();
    assert_eq!(repo.commit(&saved).unwrap().parents, []);
}

#[test]
fn a_conflict_half_merged_is_named_and_saved() {
    let world = World::new();
    let path = world.repo("app", &[]);
    world.git(&path, &["switch", "-q", "-c", "topic"]);
    let topic = world.commit(&path, "file", "theirs\n");
    world.git(&path, &["switch", "-q", "main"]);
    let tip = world.commit(&path, "file", "ours\n");
    let repo = world.open(&path);
    let Merged::Conflicts(conflicts) = repo.merge(&tip, &topic).unwrap() else {
        panic!("no conflict")
    };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(
        (conflicts[0].path.as_str(), conflicts[0].what.as_str()),
        ("file", "CONFLICT (content): Merge conflict in file")
    );

    assert!(!repo.git(["merge", "topic"]).at(&path).succeeds().unwrap());
    let state = repo.checkout_state(&path).unwrap();
    assert_eq!((state.busy.as_deref(), state.edits), (Some("merge"), vec!["file".to_owned()]));
    let saved = repo.snapshot(&path, "rescue").unwrap().unwrap();
    let text = String::from_utf8(repo.file_at(&saved, "file").unwrap().unwrap()).unwrap();
    assert!(text.starts_with("<<<<<<<"), "{text}");

    world.git(&path, &["merge", "--abort"]);
    world.git(&path, &["checkout", "-q", "--orphan", "island"]);
    let island = world.commit(&path, "file", "alone\n");
    assert!(matches!(repo.merge(&tip, &island).unwrap(), Merged::Conflicts(_)));
    assert_eq!(repo.merge_base(&tip, &island).unwrap(), None);
}

#[test]
fn settings_come_from_files_options_and_environment() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let config = path.join(".git/config");
    let text = fs::read_to_string(&config).unwrap();
    let ours = "[Shopfloor \"Some.Sub\"]\n\tkey = 1\n\tKEY = 2\n[remote \"up.stream\"]\n\turl = ../x\n\tpushurl = a\n\tpushurl = b\n[shopfloor]\n\tautorun\n\tnotify = no\n";
    fs::write(&config, text + ours).unwrap();
    let expected = |repo: &Repo| {
        assert_eq!(repo.config_all("SHOPFLOOR.Some.Sub.Key").unwrap(), ["1", "2"]);
        assert_eq!(repo.config_all("shopfloor.some.sub.key").unwrap(), [""; 0]);
        assert_eq!(repo.config_bool("shopfloor.autoRun").unwrap(), Some(true));
        assert_eq!(repo.config_bool("shopfloor.notify").unwrap(), Some(false));
        assert_eq!(repo.config_bool("shopfloor.absent").unwrap(), None);
        let remotes = repo.remotes().unwrap();
        assert_eq!(remotes.len(), 1);
        assert_eq!((remotes[0].name.as_str(), remotes[0].url.as_str()), ("up.stream", "../x"));
        assert_eq!(remotes[0].push_urls, ["a", "b"]);
    };
    let repo = world.open(&path);
    expected(&repo);

    // As `git -c shopfloor.target=trunk bead …` passes it on.
    let given = world.with("GIT_CONFIG_PARAMETERS", "'shopfloor.target'='trunk'");
    let given = Repo::open(&path, &given).unwrap();
    expected(&given);
    assert_eq!(given.default_branch().unwrap(), "trunk");
    assert_eq!(
        given.config_get("core.fsmonitor").unwrap(),
        None,
        "our own options are nobody's settings"
    );

    world.git(&path, &["config", "shopfloor.target", "trunk"]);
    repo.config_changed();
    expected(&repo);
    assert_eq!(repo.default_branch().unwrap(), "trunk");
}

#[test]
fn trailers_are_read_as_git_reads_them() {
    let world = World::new();
    let repo = world.open(&world.repo("app", &[]));
    for message in [
        "title\n\nBead: app-1\nAgent: toast\n",
        "title\n\nbody: with a colon\nmore body\n\nBead: app-1\n  continued\nAgent:toast",
        "title\n\nno trailers here\nBead: app-1\n",
        "title\n\nfix\nBead: x\nSigned-off-by: Jane <j@example.org>\n",
        "Bead: in the title\n",
        "title\n\nBead: a\n\nBead: b\n\n\n",
        "title\r\n\r\nBead: a\r\nAgent: b\r\n",
        "title\n\nBead: a\n---\nAgent: after a divider\n",
        "title\n\nBe ad: a\nAgent : b\n",
        "",
    ] {
        let git = repo
            .git(["interpret-trailers", "--parse", "--no-divider"])
            .input(message)
            .text()
            .unwrap();
        let ours: Vec<String> = repo
            .trailers(message)
            .into_iter()
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        assert_eq!(ours.join("\n"), git, "{message:?}");
    }
}

#[test]
fn a_push_is_accepted_or_refused_by_name() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let hub = world.path("hub.git");
    world.git(&path, &["clone", "-q", "--bare", ".", hub.to_str().unwrap()]);
    let repo = world.open(&path);
    let hub_url = hub.to_str().unwrap();
    let old = repo.resolve("main").unwrap().unwrap();
    let new = world.commit(&path, "file", "two\n");
    let spec = format!("{new}:refs/heads/main");
    let lease = |at: &Oid| [format!("refs/heads/main:{at}")];
    let Pushed::Rejected(why) = repo.push(hub_url, &[&spec], &lease(&new)).unwrap() else {
        panic!("stale lease")
    };
    assert!(why.contains("refs/heads/main") && why.contains("stale info"), "{why}");
    assert_eq!(repo.push(hub_url, &[&spec], &lease(&old)).unwrap(), Pushed::Done);
    repo.fetch(hub_url, &["+refs/heads/main:refs/shopfloor/remotes/hub/main"]).unwrap();
    assert_eq!(repo.resolve("refs/shopfloor/remotes/hub/main").unwrap(), Some(new));
    assert!(repo.push(world.path("nowhere").to_str().unwrap(), &[&spec], &[]).is_err());
    assert_eq!(repo.resolve("no-such-branch").unwrap(), None);
    assert_eq!(repo.resolve("--all").unwrap(), None);
}

#[test]
fn what_cannot_be_used_is_refused_with_a_next_step() {
    let world = World::new();
    let outside = world.path("plain");
    fs::create_dir(&outside).unwrap();
    let sealed = world.with("GIT_CEILING_DIRECTORIES", world.path("").to_str().unwrap());
    for no in [
        Repo::discover(&outside, &sealed).err().unwrap(),
        Repo::open(&outside, &sealed).err().unwrap(),
    ] {
        let no = refusal(&no);
        assert_eq!(
            (no.kind, no.what.as_str()),
            (Kind::Fatal, format!("not in a git repository: {}", outside.display()).as_str())
        );
        assert!(!no.hints.is_empty());
    }

    let path = world.repo("app", &[]);
    let without = world.with("PATH", outside.to_str().unwrap());
    let no = Repo::open(&path, &without).unwrap().resolve("main").unwrap_err();
    assert_eq!(refusal(&no).what, "no git on PATH");

    let bin = world.path("bin");
    fs::create_dir(&bin).unwrap();
    let script = "#!/bin/sh\n[ \"$1\" = version ] && echo git version 2.30.2 && exit\nexit 129\n";
    fs::write(bin.join("git"), script).unwrap();
    Program::new("chmod").args(["+x", "git"]).dir(&bin).run();
    let old = world.with("PATH", format!("{}:{}", bin.display(), env!("PATH")));
    let no = Repo::open(&path, &old).unwrap().worktrees().unwrap_err();
    assert_eq!(refusal(&no).what, "git 2.30 is too old");
}

#[test]
fn the_repository_of_somebody_else_is_not_opened() {
    let world = World::new();
    let path = world.repo("app", &[]);
    if !Program::new("chown").args(["-R", "65534", path.to_str().unwrap()]).run().succeeded() {
        // Only root can give a repository away.
        return;
    }
    let no = Repo::discover(&path, &world.env).err().unwrap();
    let what = format!("the repository at {} belongs to somebody else", path.display());
    assert_eq!(refusal(&no).what, what);
}

#[test]
fn nothing_of_the_callers_environment_or_hooks_gets_in() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let hook = path.join(".git/hooks/post-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho ran >hook-ran\n").unwrap();
    Program::new("chmod").args(["+x", hook.to_str().unwrap()]).run();
    let env = world
        .env
        .clone()
        .with("GIT_INDEX_FILE", "/nonexistent")
        .with("GIT_WORK_TREE", "/nonexistent");
    let repo = Repo::open(&path, &env).unwrap();
    repo.git(["commit", "-q", "--allow-empty", "-m", "quiet"]).at(&path).ok().unwrap();
    assert!(!path.join("hook-ran").exists());
    repo.git(["commit", "-q", "--allow-empty", "-m", "loud"]).at(&path).hooks().ok().unwrap();
    assert!(path.join("hook-ran").exists());
    assert!(repo.git(["status"]).at(&world.path("")).ok().is_err());
}
