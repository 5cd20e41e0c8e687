//! Clones that write without knowing of each other.

use super::*;

/// Fetches another repository's ledger and takes it in, as a sync will.
fn take(world: &World, into: &Path, from: &Path) -> anyhow::Result<u64> {
    let theirs = "refs/shopfloor/remotes/other/ledger";
    world.git(into, &["fetch", "-q", from.to_str().unwrap(), &format!("+{REF}:{theirs}")]);
    let repo = world.open(into);
    let theirs = repo.read_ref(&theirs.parse().unwrap()).unwrap().unwrap();
    Ledger::open(&repo, &Clock::real()).unwrap().merge(&theirs)
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
    let replica = |at: &Path| at.join(".git/shopfloor/replica");
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
    drop(fs::remove_file(two.join(".git/shopfloor/seen")));
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
