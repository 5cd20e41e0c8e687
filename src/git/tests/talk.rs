//! Settings, messages, other repositories, and what is refused.

use super::*;

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
    let Pushed::Rejected { why, .. } = repo.push(hub_url, &[&spec], &lease(&new)).unwrap() else {
        panic!("stale lease")
    };
    assert_eq!(why, "main [rejected] (stale info)");
    assert_eq!(repo.push(hub_url, &[&spec], &lease(&old)).unwrap(), Pushed::Done(Vec::new()));
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
    let no = Repo::open(&path, &old).unwrap().first_parents(&Oid::null(false), None).unwrap_err();
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
    let env = world.with("GIT_INDEX_FILE", "/nonexistent");
    let repo = Repo::open(&path, &env).unwrap();
    repo.git(["commit", "-q", "--allow-empty", "-m", "quiet"]).at(&path).ok().unwrap();
    assert!(!path.join("hook-ran").exists());
    world.git(&path, &["commit", "-q", "--allow-empty", "-m", "loud"]);
    assert!(path.join("hook-ran").exists());
    assert!(repo.git(["status"]).at(&world.path("")).ok().is_err());
}
