//! Refs: read wherever git keeps them, moved by compare-and-swap or not at all.

use super::*;
use crate::git::Swap;

#[test]
fn a_ref_moves_only_from_what_it_was() {
    let world = World::new();
    for init in [&[][..], &["--ref-format=reftable"], &["--bare"], &["--object-format=sha256"]] {
        let name = init.first().map_or("files", |option| option.trim_start_matches('-'));
        let (path, bare) = (world.path(name), init == ["--bare"]);
        let path = if bare {
            fs::create_dir(&path).unwrap();
            world.git(&path, &["init", "-q", "--bare"]);
            path
        } else {
            world.repo(name, init)
        };
        let repo = world.open(&path);
        let tree = world.git(&path, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let who = ["-c", "user.name=a", "-c", "user.email=b"];
        let commit = |text: &str| -> Oid {
            world
                .git(&path, &[&who[..], &["commit-tree", "-m", text, &tree]].concat())
                .parse()
                .unwrap()
        };
        let (one, two) = (commit("one"), commit("two"));
        let at: RefName = "refs/shopfloor/queue/main/1".parse().unwrap();
        assert_eq!(repo.read_ref(&at).unwrap(), None);
        assert_eq!(repo.swap_ref(&at, Some(&one), Some(&two), "").unwrap(), Swap::Lost(None));
        assert_eq!(repo.swap_ref(&at, None, Some(&one), "make").unwrap(), Swap::Done);
        assert_eq!(repo.swap_ref(&at, None, Some(&two), "").unwrap(), Swap::Lost(Some(one)));
        for pack in [false, true] {
            if pack {
                world.git(&path, &["pack-refs", "--all", "--prune"]);
            }
            assert_eq!(repo.read_ref(&at).unwrap(), Some(one));
            assert_eq!(repo.refs_under("refs/shopfloor/").unwrap(), [(at.clone(), one)]);
            assert_eq!(repo.refs_under("refs/shopfloor/queue/ma").unwrap().len(), 1);
            assert_eq!(repo.refs_under("refs/shopfloor/rescue/").unwrap(), []);
        }
        assert_eq!(repo.swap_ref(&at, Some(&one), Some(&two), "move").unwrap(), Swap::Done);
        assert_eq!(world.git(&path, &["rev-parse", at.as_str()]), two.to_string());
        assert_eq!(repo.refs_under("refs/shopfloor/").unwrap(), [(at.clone(), two)]);
        assert_eq!(repo.swap_ref(&at, Some(&one), None, "").unwrap(), Swap::Lost(Some(two)));
        assert_eq!(repo.swap_ref(&at, Some(&two), None, "drop").unwrap(), Swap::Done);
        assert_eq!(repo.swap_ref(&at, None, None, "").unwrap(), Swap::Done);
        assert_eq!(repo.read_ref(&at).unwrap(), None);
    }
}

#[test]
fn a_branch_keeps_its_reflog_and_its_neighbours() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    let old = repo.read_ref(&main()).unwrap().unwrap();
    let new = world.commit(&path, "file", "two\n");
    world.git(&path, &["update-ref", main().as_str(), &old.to_string()]);
    assert_eq!(repo.swap_ref(&main(), Some(&old), Some(&new), "landed #1").unwrap(), Swap::Done);
    let log = world.git(&path, &["reflog", "-1", "--format=%H %gs", "main"]);
    assert_eq!(log, format!("{new} landed #1"));

    let below = RefName::branch("main/below").unwrap();
    for _ in 0..2 {
        assert!(repo.swap_ref(&below, None, Some(&new), "").is_err());
        world.git(&path, &["pack-refs", "--all", "--prune"]);
    }
    // Git leaves an empty directory where there was a deeper branch.
    fs::create_dir_all(path.join(".git/refs/heads/topic/deep")).unwrap();
    let topic = RefName::branch("topic").unwrap();
    assert_eq!(repo.swap_ref(&topic, None, Some(&new), "").unwrap(), Swap::Done);
    world.git(&path, &["fsck"]);
}

#[test]
fn a_symbolic_ref_is_followed_and_a_damaged_one_is_not_absent() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    let tip = repo.read_ref(&main()).unwrap();
    world.git(&path, &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main"]);
    assert_eq!(repo.read_ref(&"refs/remotes/origin/HEAD".parse().unwrap()).unwrap(), tip);
    for text in ["", "not hex\n", "\u{0}\n"] {
        fs::write(path.join(".git/refs/heads/main"), text).unwrap();
        let no = repo.read_ref(&main()).unwrap_err();
        assert_eq!(refusal(&no).kind, Kind::Fatal);
        assert!(no.to_string().contains("refs/heads/main is damaged"), "{no}");
        assert!(repo.swap_ref(&main(), None, tip.as_ref(), "").is_err());
    }
}

#[test]
fn swaps_at_once_lose_nothing_beside_pack_refs() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let tree = world.git(&path, &["rev-parse", "HEAD^{tree}"]);
    let commits: Vec<Oid> = (0..40)
        .map(|n| world.git(&path, &["commit-tree", "-m", &n.to_string(), &tree]).parse().unwrap())
        .collect();
    let at: RefName = "refs/shopfloor/race".parse().unwrap();
    // Each swap names what it took the place of; a chain without a fork is a race without a loss.
    let mut won: Vec<(Option<Oid>, Oid)> = std::thread::scope(|scope| {
        let (world, path, at) = (&world, &path, &at);
        let racers: Vec<_> = commits
            .chunks(10)
            .map(|mine| {
                scope.spawn(move || {
                    let repo = world.open(path);
                    mine.iter().map(|new| push(&repo, at, new)).collect::<Vec<_>>()
                })
            })
            .collect();
        for _ in 0..10 {
            world.git(path, &["pack-refs", "--all", "--prune"]);
        }
        racers.into_iter().flat_map(|racer| racer.join().unwrap()).collect()
    });
    let mut tip = None;
    while let Some(next) = won.iter().position(|(old, _)| *old == tip) {
        tip = Some(won.swap_remove(next).1);
    }
    assert!(won.is_empty(), "{won:?} hang in the air");
    assert_eq!(world.open(&path).read_ref(&at).unwrap(), tip);
}

/// Swaps until it works, and says what was there.
fn push(repo: &Repo, at: &RefName, new: &Oid) -> (Option<Oid>, Oid) {
    loop {
        let old = repo.read_ref(at).unwrap();
        if repo.swap_ref(at, old.as_ref(), Some(new), "").unwrap() == Swap::Done {
            return (old, *new);
        }
    }
}
