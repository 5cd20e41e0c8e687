//! What stands in a work tree, and how it is saved and merged.

use super::*;

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

/// Git goes by times, here all the same, and looks again into files no older than the index.
#[test]
fn an_edit_at_the_time_of_the_last_add_is_saved() {
    let world = World::new();
    let path = world.repo("app", &[]);
    world.git(&path, &["config", "core.trustctime", "false"]);
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let date = |file: &str| {
        let file = fs::File::options().write(true).open(path.join(file)).unwrap();
        file.set_modified(then).unwrap();
    };
    fs::write(path.join("file"), "one\n").unwrap();
    date("file");
    world.git(&path, &["add", "file"]);
    fs::write(path.join("file"), "two\n").unwrap();
    date("file");
    date(".git/index");
    let repo = world.open(&path);
    let saved = repo.snapshot(&path, "rescue").unwrap().unwrap();
    assert_eq!(repo.file_at(&saved, "file").unwrap().unwrap(), b"two\n");
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
fn a_commit_is_the_one_that_git_would_make() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    let head = repo.resolve("HEAD").unwrap().unwrap();
    let tree = repo.tree_of(&head).unwrap();
    let by = |name: &str, email: &str| Signature {
        name: name.into(),
        email: email.into(),
        time: "1760000000 +0130".into(),
    };
    let who = [by("Jane <Doe>", "jane@example.org"), by(",Dr. Jané O'D\n,", "<j@x>")];
    for (message, parents) in [
        ("Change\n", vec![head]),
        ("Without an end", vec![head]),
        ("Land main#1: x\n\nBead: a-1\n", vec![]),
        ("", vec![head]),
    ] {
        let mut args = vec!["commit-tree".to_owned(), tree.to_string()];
        args.extend(parents.iter().flat_map(|id| ["-p".to_owned(), id.to_string()]));
        let git = repo.git(args).args(["-F", "-"]).input(message);
        let git = ["AUTHOR", "COMMITTER"].iter().zip(&who).fold(git, |git, (role, who)| {
            let git = git.env(format!("GIT_{role}_NAME"), &who.name);
            let git = git.env(format!("GIT_{role}_EMAIL"), &who.email);
            git.env(format!("GIT_{role}_DATE"), format!("@{}", who.time))
        });
        let expected: Oid = git.text().unwrap().parse().unwrap();
        // The file alone: others may stand in its folder.
        let (folder, name) = (&expected.to_string()[..2], &expected.to_string()[2..]);
        fs::remove_file(path.join(".git/objects").join(folder).join(name)).unwrap();
        let made = repo.commit_tree(&tree, &parents, message, (&who[0], &who[1])).unwrap();
        assert_eq!(made, expected, "{message:?}");
        assert_eq!(world.git(&path, &["cat-file", "-t", &made.to_string()]), "commit");
    }
    let odd = Signature { time: "yesterday".into(), ..by("Jane", "j@x") };
    assert!(repo.commit_tree(&tree, &[head], "x", (&odd, &odd)).is_err());
}

#[test]
fn what_stands_beside_a_commit_in_a_work_tree_is_seen() {
    let world = World::new();
    let path = world.repo("app", &[]);
    fs::create_dir(path.join("deep")).unwrap();
    fs::write(path.join(".gitignore"), "*.o\n").unwrap();
    let commit = world.commit(&path, "deep/file", "x");
    let repo = world.open(&path);
    assert!(repo.nothing_beside(&path, &commit).unwrap());
    fs::write(path.join("deep/file"), "edited").unwrap();
    assert!(repo.nothing_beside(&path, &commit).unwrap());
    for stray in ["new", "deep/new", "ignored.o", "deep/.git"] {
        fs::write(path.join(stray), "").unwrap();
        assert!(!repo.nothing_beside(&path, &commit).unwrap(), "{stray}");
        fs::remove_file(path.join(stray)).unwrap();
    }
    fs::create_dir(path.join("deep/empty")).unwrap();
    assert!(!repo.nothing_beside(&path, &commit).unwrap());
}
