//! Housekeeping: what becomes of files, packs and commits, and that lines never notice.

use super::*;

fn maintain(world: &World, at: &Path) -> crate::ledger::Maintenance {
    let repo = world.open(at);
    Ledger::open(&repo, &Clock::real()).unwrap().maintain().unwrap().unwrap()
}

fn stored(at: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for folder in fs::read_dir(at.join(".git/shopfloor-objects")).unwrap() {
        let folder = folder.unwrap().path();
        for file in fs::read_dir(&folder).unwrap() {
            let name = file.unwrap().file_name().to_str().unwrap().to_owned();
            files.push(format!("{}{name}", folder.file_name().unwrap().to_str().unwrap()));
        }
    }
    files
}

#[test]
fn what_is_in_use_goes_into_one_pack_and_is_read_and_written_on() {
    let world = World::new();
    for (name, init) in [
        ("files", &[][..]),
        ("reftable", &["--ref-format=reftable"]),
        ("sha256", &["--object-format=sha256"]),
    ] {
        let path = world.repo(name, init);
        fill(&world, &path);
        for round in 1..4 {
            let done = maintain(&world, &path);
            let listed = world.git(&path, &["rev-list", "--objects", "--no-object-names", REF]);
            assert_eq!(done.packed.objects, listed.lines().count());
            let stored = stored(&path);
            assert!(listed.lines().all(|id| !stored.contains(&id.to_owned())), "{stored:?}");
            let packs = stored.iter().filter(|name| name.ends_with(".pack")).count();
            assert_eq!((packs, done.cut), (1, 0));
            world.git(&path, &["fsck", "--strict"]);
            assert_eq!(read(&world, &path).unwrap().order.len(), 639 + round);
            say(&world, &path, "more", u64::try_from(round).unwrap()).unwrap();
        }
        fs::remove_dir_all(path.join(".git/shopfloor")).unwrap();
        assert_eq!(read(&world, &path).unwrap().on["more"], [1, 2, 3]);
    }
}

#[test]
fn a_branch_of_an_old_tip_keeps_it() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    world.git(&path, &["branch", "keep", REF]);
    say(&world, &path, "a", 2).unwrap();
    maintain(&world, &path);
    maintain(&world, &path);
    assert_eq!(world.git(&path, &["rev-list", "--count", "--objects", "keep"]), "5");
    world.git(&path, &["fsck", "--strict"]);
}

/// Git reads its logs too when it looks whether all is there.
#[test]
fn no_log_names_what_was_taken_away() {
    let world = World::new();
    for (name, init) in [("files", &[][..]), ("reftable", &["--ref-format=reftable"])] {
        let path = world.repo(name, init);
        world.git(&path, &["config", "core.logAllRefUpdates", "always"]);
        say(&world, &path, "a", 1).unwrap();
        let first = tip(&world, &path).unwrap();
        say(&world, &path, "a", 2).unwrap();
        crate::git::Store::open(&world.open(&path)).discard(&first);
        assert_eq!(world.git(&path, &["fsck", "--strict", "--no-dangling"]), "");
        world.git(&path, &["gc", "-q", "--prune=now"]);
        assert_eq!(read(&world, &path).unwrap().on["a"], [1, 2]);
    }
}

#[test]
fn a_ledger_that_cannot_be_read_is_left_as_it_is() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    let old = world.git(&path, &["rev-parse", REF]);
    say(&world, &path, "a", 2).unwrap();
    let new = world.git(&path, &["rev-parse", REF]);
    world.git(&path, &["update-ref", REF, &old]);
    let before = stored(&path);
    let repo = world.open(&path);
    let no = Ledger::open(&repo, &Clock::real()).unwrap().maintain().unwrap_err();
    assert_eq!(refusal(&no).kind, Kind::Fatal);
    assert_eq!(stored(&path), before);
    world.git(&path, &["update-ref", REF, &new]);
    assert_eq!(read(&world, &path).unwrap().on["a"], [1, 2]);
}

#[test]
fn a_long_history_is_cut_and_a_clone_that_has_it_goes_on() {
    let world = World::new();
    let (hub, clone) = (world.repo("hub", &[]), world.repo("clone", &[]));
    say(&world, &hub, "a", 1).unwrap();
    let tree = world.git(&hub, &["rev-parse", &format!("{REF}^{{tree}}")]);
    let commit = "commit refs/heads/long\ncommitter j <j@e> 1 +0000\ndata 1\nx\n";
    let mut import = String::new();
    for _ in 0..600 {
        import += &format!("{commit}M 040000 {tree} \n");
    }
    let fast = Program::new("git").args(["fast-import", "--quiet"]).dir(&hub);
    assert!(fast.full_env(world.env.iter()).input(import.into()).run().succeeded());
    world.git(&hub, &["update-ref", REF, "refs/heads/long"]);
    world.git(&hub, &["branch", "-D", "-q", "long"]);
    let there = hub.to_str().unwrap();
    let fetch = |refspec: &str| world.git(&clone, &["fetch", "-q", there, refspec]);
    let take = || {
        let repo = world.open(&clone);
        let theirs = repo.read_ref(&"refs/shopfloor/remotes/hub/ledger".parse().unwrap());
        let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
        ledger.merge(&theirs.unwrap().unwrap(), &Positions::new()).unwrap()
    };
    fetch("+refs/shopfloor/ledger:refs/shopfloor/remotes/hub/ledger");
    assert_eq!(take(), 1);
    say(&world, &clone, "b", 1).unwrap();
    assert_eq!(maintain(&world, &hub).cut, 600 - 256);
    assert_eq!(world.git(&hub, &["rev-list", "--count", REF]), "256");
    assert_eq!(maintain(&world, &hub).cut, 0);
    say(&world, &hub, "a", 2).unwrap();
    fetch("+refs/shopfloor/ledger:refs/shopfloor/remotes/hub/ledger");
    assert_eq!(take(), 1);
    let told = read(&world, &clone).unwrap();
    assert_eq!((told.on["a"].clone(), told.on["b"].clone()), (vec![1, 2], vec![1]));
    world.git(&clone, &["push", "-q", there, &format!("{REF}:{REF}")]);
    assert_eq!(read(&world, &hub).unwrap(), told);
    assert_eq!(world.git(&hub, &["rev-list", "--count", REF]), "258");
    world.git(&hub, &["fsck", "--strict"]);
    world.git(&clone, &["fsck", "--strict"]);
}
