//! Clones that write without knowing of each other.

use super::*;

/// Fetches another repository's ledger and takes it in, as a sync will.
pub(super) fn take(world: &World, into: &Path, from: &Path) -> anyhow::Result<u64> {
    let theirs = "refs/shopfloor/remotes/other/ledger";
    world.git(into, &["fetch", "-q", from.to_str().unwrap(), &format!("+{REF}:{theirs}")]);
    let repo = world.open(into);
    let theirs = repo.read_ref(&theirs.parse().unwrap()).unwrap().unwrap();
    Ledger::open(&repo, &Clock::real()).unwrap().merge(&theirs, &Positions::new())
}

fn tree(world: &World, at: &Path) -> String {
    world.git(at, &["rev-parse", &format!("{REF}^{{tree}}")])
}

#[test]
fn two_clones_come_to_the_same_ledger() {
    let world = World::new();
    let (one, two) = (world.repo("one", &[]), world.repo("two", &[]));
    say(&world, &one, "a", 1).unwrap();
    assert_eq!(take(&world, &two, &one).unwrap(), 1);
    assert_eq!(tip(&world, &one), tip(&world, &two));
    say(&world, &two, "a", 2).unwrap();
    say(&world, &one, "a", 3).unwrap();
    say(&world, &one, "b", 4).unwrap();
    assert_eq!(take(&world, &two, &one).unwrap(), 2);
    assert_eq!(take(&world, &one, &two).unwrap(), 1);
    assert_eq!(tip(&world, &one), tip(&world, &two));
    assert_eq!([take(&world, &two, &one).unwrap(), take(&world, &one, &two).unwrap()], [0, 0]);
    let told = read(&world, &one).unwrap();
    assert_eq!((told.clone(), told.order.len()), (read(&world, &two).unwrap(), 4));
    // The next line names both ends, and pushing it would be a fast-forward.
    let before = tip(&world, &two).unwrap().to_string();
    say(&world, &two, "a", 5).unwrap();
    let repo = world.open(&two);
    let last = Ledger::open(&repo, &Clock::real()).unwrap().lines().unwrap().pop().unwrap();
    assert_eq!((last.after.len(), last.clock), (2, 4));
    assert_eq!(
        world.git(&two, &["log", "--format=%P", "-1", REF]),
        world.git(&two, &["log", "--format=%P", "-1", &before])
    );
    world.git(&two, &["fsck", "--strict"]);
}

#[test]
fn two_ends_under_one_name_are_both_kept_wherever_they_meet() {
    let world = World::new();
    let one = world.repo("one", &[]);
    fill(&world, &one);
    // A copy that does not know it is one: restored from a backup onto the same place.
    let two = one.with_file_name("two");
    assert!(
        Program::new("cp")
            .args(["-r", one.to_str().unwrap(), two.to_str().unwrap()])
            .run()
            .succeeded()
    );
    let replica = |at: &Path| at.join(".git/shopfloor-objects/desk/replica");
    let name = |at: &Path| {
        let text = fs::read_to_string(replica(at)).unwrap();
        serde_json::from_str::<super::super::Json>(&text).unwrap()["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let shared = name(&one);
    say(&world, &two, "x", 0).unwrap();
    world.git(&two, &["update-ref", REF, &world.git(&one, &["rev-parse", REF])]);
    drop(fs::remove_file(two.join(".git/shopfloor-objects/desk/seen")));
    let text = fs::read_to_string(replica(&two)).unwrap().replace(&name(&two), &shared);
    fs::write(replica(&two), text).unwrap();
    for n in 0..30 {
        say(&world, &one, "one", n).unwrap();
        say(&world, &two, "two", n).unwrap();
    }
    let three = world.repo("three", &[]);
    say(&world, &three, "three", 0).unwrap();
    for (into, from) in [
        (&three, &one),
        (&three, &two),
        (&one, &two),
        (&two, &one),
        (&one, &three),
        (&two, &three),
        (&three, &one),
    ] {
        take(&world, into, from).unwrap();
    }
    assert_eq!(
        [tree(&world, &one), tree(&world, &two)],
        [tree(&world, &three), tree(&world, &three)]
    );
    let told = read(&world, &one).unwrap();
    assert_eq!((told.order.len(), told.on["one"].len(), told.on["two"].len()), (701, 30, 30));
    assert_eq!(told.order, read(&world, &two).unwrap().order);
    say(&world, &one, "one", 30).unwrap();
    take(&world, &two, &one).unwrap();
    assert_eq!(read(&world, &two).unwrap().order.len(), 702);
}

/// Later versions may keep things beside a replica's lines: whichever directory a merge takes, they stay.
#[test]
fn what_stands_beside_the_lines_of_a_replica_survives_every_merge() {
    let world = World::new();
    let (one, two) = (world.repo("one", &[]), world.repo("two", &[]));
    say(&world, &one, "a", 1).unwrap();
    take(&world, &two, &one).unwrap();
    beside(&world, &two, "later");
    say(&world, &one, "a", 2).unwrap();
    take(&world, &one, &two).unwrap();
    beside(&world, &one, "other");
    take(&world, &two, &one).unwrap();
    let kept = |at: &Path| {
        let listed = world.git(at, &["ls-tree", "-r", "--name-only", REF]);
        ["/later", "/other"].map(|name| listed.lines().any(|line| line.ends_with(name)))
    };
    assert_eq!([kept(&one), kept(&two)], [[true, true]; 2]);
    assert_eq!(tree(&world, &one), tree(&world, &two));
    // With the same lines in both, either way round comes to the same.
    beside(&world, &one, "more of one");
    beside(&world, &two, "more of two");
    take(&world, &one, &two).unwrap();
    take(&world, &two, &one).unwrap();
    assert_eq!(tree(&world, &one), tree(&world, &two));
    assert_eq!(read(&world, &one).unwrap().order.len(), 2);
}

/// Puts a file of an unknown kind into the one replica that there is.
fn beside(world: &World, at: &Path, name: &str) {
    let replica = world.git(at, &["ls-tree", "--name-only", REF]);
    let replica = replica.lines().find(|name| name.starts_with("r-")).unwrap();
    fs::write(at.join("file"), name).unwrap();
    let blob = world.git(at, &["hash-object", "-w", "file"]);
    world.git(at, &["read-tree", REF]);
    let entry = format!("100644,{blob},{replica}/{name}");
    world.git(at, &["update-index", "--add", "--cacheinfo", &entry]);
    let tree = world.git(at, &["write-tree"]);
    let commit = world.git(at, &["commit-tree", "-m", name, "-p", REF, &tree]);
    world.git(at, &["update-ref", REF, &commit]);
}

#[test]
fn a_damaged_ledger_of_others_is_not_taken_in() {
    let world = World::new();
    let (one, two) = (world.repo("one", &[]), world.repo("two", &[]));
    say(&world, &one, "a", 1).unwrap();
    say(&world, &two, "a", 2).unwrap();
    let file =
        world.git(&two, &["ls-tree", "-r", "--name-only", REF]).lines().next().unwrap().to_owned();
    let text = world.git(&two, &["cat-file", "blob", &format!("{REF}:{file}")]);
    fs::write(two.join("forged"), text.replace("jane", "joan") + "\n").unwrap();
    let blob = world.git(&two, &["hash-object", "-w", "forged"]);
    let index = ["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{file}")];
    world.git(&two, &["read-tree", REF]);
    world.git(&two, &index);
    let forged = world.git(&two, &["write-tree"]);
    let commit = world.git(&two, &["commit-tree", "-m", "forged", &forged]);
    world.git(&two, &["update-ref", REF, &commit]);
    let before = tip(&world, &one);
    let no = take(&world, &one, &two).unwrap_err();
    assert!(no.to_string().contains("was altered"), "{no}");
    assert_eq!(tip(&world, &one), before);
}
