//! The trail beside the lines: noted, poured, merged, and never in anybody's way.

use std::thread;

use super::merge::take;
use super::*;
use crate::ledger::{Note, Query, REDACTED, Travel};

fn at<T>(world: &World, path: &Path, act: impl FnOnce(&Ledger<'_>) -> T) -> T {
    let repo = world.open(path);
    act(&Ledger::open(&repo, &Clock::real()).unwrap())
}

fn did(session: &str, n: u64) -> Note {
    let mut note = Note::new(Clock::real().now().to_string(), "b", "trail.edit");
    (note.by, note.owner) = ("toast".to_owned(), "jane@example.org".to_owned());
    note.session = Some(session.to_owned());
    note.with.insert("tokens".to_owned(), json!(n));
    note.text.insert("file".to_owned(), json!(format!("src/{session}-{n}.rs")));
    note
}

fn note(world: &World, path: &Path, session: &str, numbers: impl Iterator<Item = u64>) {
    let notes: Vec<_> = numbers.map(|n| did(session, n)).collect();
    at(world, path, |ledger| {
        ledger.note(notes).unwrap();
        ledger.pour().unwrap();
    });
}

fn told(world: &World, path: &Path) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let query = Query { act: vec!["trail".to_owned()], ..Query::default() };
    at(world, path, |ledger| ledger.tell(&query, &mut |line| lines.push(line.clone())))?;
    Ok(lines)
}

fn numbers(world: &World, path: &Path, session: &str) -> Vec<u64> {
    let lines = told(world, path).unwrap();
    let mine = lines.iter().filter(|line| line.session.as_deref() == Some(session));
    mine.map(|line| line.with.json()["tokens"].as_u64().unwrap()).collect()
}

fn tree(world: &World, path: &Path) -> String {
    world.git(path, &["rev-parse", &format!("{REF}^{{tree}}")])
}

fn verified(world: &World, path: &Path) -> (usize, usize, usize) {
    let found = at(world, path, |ledger| ledger.verify(&mut |_| {}).unwrap());
    (found.lines, found.trail, found.findings.len())
}

#[test]
fn a_trail_of_any_length_is_read_in_the_order_it_was_told() {
    let world = World::new();
    for (name, init) in [("files", &[][..]), ("reftable", &["--ref-format=reftable"])] {
        let path = world.repo(name, init);
        // In a clone that has written nothing else, too.
        note(&world, &path, "s", 0..3);
        say(&world, &path, "a", 1).unwrap();
        for start in (3..1000).step_by(100) {
            note(&world, &path, "s", start..start + 100);
        }
        say(&world, &path, "a", 2).unwrap();
        assert_eq!(numbers(&world, &path, "s"), (0..1003).collect::<Vec<_>>());
        assert_eq!(verified(&world, &path), (2, 1003, 0));
        assert_eq!(read(&world, &path).unwrap().order.len(), 2);
        let mut all = Vec::new();
        let query = Query { trail: true, ..Query::default() };
        at(&world, &path, |it| it.tell(&query, &mut |line| all.push(line.act.clone()))).unwrap();
        assert_eq!((all.len(), &*all[0], &*all[3]), (1005, "trail.edit", "test.said"));
        assert_eq!(all[1004], "test.said");
        let files = world.git(&path, &["ls-tree", "-r", "--name-only", REF]);
        assert!(files.contains("/trail/s/0000/00.jsonl"), "{files}");
        at(&world, &path, |ledger| ledger.maintain().unwrap().unwrap());
        world.git(&path, &["fsck", "--strict"]);
        assert_eq!(numbers(&world, &path, "s").len(), 1003);
    }
}

#[test]
fn two_clones_come_to_the_same_trail() {
    let world = World::new();
    let (one, two) = (world.repo("one", &[]), world.repo("two", &[]));
    say(&world, &one, "a", 1).unwrap();
    note(&world, &one, "s1", 0..5);
    assert_eq!(take(&world, &two, &one).unwrap(), 6);
    note(&world, &two, "s2", 0..300);
    note(&world, &one, "s1", 5..10);
    assert_eq!((take(&world, &one, &two).unwrap(), take(&world, &two, &one).unwrap()), (300, 5));
    // Lines that one has and trail that the other has meet in one directory.
    say(&world, &one, "a", 2).unwrap();
    note(&world, &one, "s1", 10..12);
    take(&world, &two, &one).unwrap();
    for path in [&one, &two] {
        assert_eq!(numbers(&world, path, "s1"), (0..12).collect::<Vec<_>>());
        assert_eq!(numbers(&world, path, "s2"), (0..300).collect::<Vec<_>>());
        assert_eq!(verified(&world, path), (2, 312, 0));
    }
    assert_eq!(tree(&world, &one), tree(&world, &two));
    assert_eq!([take(&world, &two, &one).unwrap(), take(&world, &one, &two).unwrap()], [0, 0]);
}

#[test]
fn two_ends_of_a_trail_are_both_kept() {
    let world = World::new();
    let one = world.repo("one", &[]);
    note(&world, &one, "s", 0..3);
    say(&world, &one, "a", 1).unwrap();
    let two = one.with_file_name("two");
    let copy = ["-r", one.to_str().unwrap(), two.to_str().unwrap()];
    assert!(Program::new("cp").args(copy).run().succeeded());
    // A copy that does not know it is one.
    note(&world, &two, "t", 0..1);
    world.git(&two, &["update-ref", REF, &world.git(&one, &["rev-parse", REF])]);
    drop(fs::remove_file(two.join(".git/shopfloor-objects/desk/seen")));
    let replica = |at: &Path| at.join(".git/shopfloor-objects/desk/replica");
    let name = |at: &Path| {
        let text = fs::read_to_string(replica(at)).unwrap();
        let told: crate::ledger::Json = serde_json::from_str(&text).unwrap();
        told["name"].as_str().unwrap().to_owned()
    };
    let text = fs::read_to_string(replica(&two)).unwrap().replace(&name(&two), &name(&one));
    fs::write(replica(&two), text).unwrap();
    note(&world, &one, "one", 0..20);
    note(&world, &two, "two", 0..20);
    let three = world.repo("three", &[]);
    for (into, from) in [(&three, &two), (&three, &one), (&one, &two), (&two, &one)] {
        take(&world, into, from).unwrap();
    }
    for path in [&one, &two, &three] {
        assert_eq!(numbers(&world, path, "one").len(), 20);
        assert_eq!(numbers(&world, path, "two").len(), 20);
        assert_eq!(verified(&world, path), (1, 43, 0));
        assert_eq!(tree(&world, path), tree(&world, &one));
    }
}

#[test]
fn who_only_folds_opens_no_trail_and_who_asks_for_it_is_told_of_damage() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    note(&world, &path, "s", 0..5);
    let files = world.git(&path, &["ls-tree", "-r", REF]);
    let trail = files.lines().find(|line| line.contains("/trail/")).unwrap();
    let blob: Oid = trail.split_whitespace().nth(2).unwrap().parse().unwrap();
    crate::git::Store::open(&world.open(&path)).discard(&blob);
    fs::remove_dir_all(path.join(".git/shopfloor/cache")).ok();
    assert_eq!(read(&world, &path).unwrap().order.len(), 1);
    say(&world, &path, "a", 2).unwrap();
    assert_eq!(read(&world, &path).unwrap().on["a"], [1, 2]);
    let no = told(&world, &path).unwrap_err().to_string();
    assert!(no.contains("cannot be read whole") && no.contains(&blob.to_string()), "{no}");
    assert!(at(&world, &path, |ledger| ledger.verify(&mut |_| {}).map(drop)).is_err());
    assert!(at(&world, &path, |ledger| ledger.maintain()).is_err());
}

#[test]
fn what_is_taken_away_is_gone_wherever_it_is_merged_and_nothing_else() {
    let world = World::new();
    let (one, two) = (world.repo("one", &[]), world.repo("two", &[]));
    note(&world, &one, "secret", 0..700);
    note(&world, &one, "s", 0..3);
    take(&world, &two, &one).unwrap();
    let ids: Vec<_> = told(&world, &one).unwrap().into_iter().map(|line| line.id).collect();
    let secret = |line: &Line| line.session.as_deref() == Some("secret");
    let done = at(&world, &one, |ledger| ledger.redact(&secret).unwrap());
    assert_eq!((done.lines, done.remains), (700, false));
    assert_eq!(at(&world, &one, |ledger| ledger.redact(&secret).unwrap().lines), 0);
    // The other goes on with what it has, and loses it as they meet.
    note(&world, &two, "s", 3..5);
    note(&world, &one, "s", 5..7);
    take(&world, &one, &two).unwrap();
    take(&world, &two, &one).unwrap();
    let list = |path: &Path| world.git(path, &["ls-tree", "-r", REF]);
    assert_eq!(list(&one), list(&two));
    for path in [&one, &two] {
        let lines = told(&world, path).unwrap();
        assert!(ids.iter().all(|id| lines.iter().any(|line| line.id == *id)));
        for line in &lines {
            assert_eq!(line.with.json()["file"].is_null(), secret(line));
            assert_eq!(line.rest.contains_key(REDACTED), secret(line));
        }
        // Nobody said who did it.
        assert_eq!(verified(&world, path), (0, 707, 700));
    }
    assert_eq!(numbers(&world, &one, "secret"), (0..700).collect::<Vec<_>>());
}

#[test]
fn a_pour_that_was_cut_short_is_finished_and_not_done_twice() {
    let world = World::new();
    let path = world.repo("app", &[]);
    note(&world, &path, "s", 0..2);
    let dir = path.join(".git/shopfloor-objects/trail");
    // Taken, and its pourer died: before the ref moved, or behind.
    for (again, count) in [(false, 4), (true, 4)] {
        at(&world, &path, |ledger| ledger.note(vec![did("s", 2), did("s", 3)]).unwrap());
        fs::rename(dir.join("spool"), dir.join("taken")).unwrap();
        if again {
            let last = told(&world, &path).unwrap().pop().unwrap().id;
            fs::write(dir.join("given"), format!("{last}\n")).unwrap();
        }
        at(&world, &path, |ledger| ledger.pour().unwrap());
        assert_eq!(numbers(&world, &path, "s").len(), count);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "the lock alone");
    }
    // What was poured last was said before these were noted.
    let last = told(&world, &path).unwrap().pop().unwrap().id;
    fs::write(dir.join("given"), format!("{last}\n")).unwrap();
    note(&world, &path, "late", 0..1);
    assert_eq!(numbers(&world, &path, "late"), [0]);
    // A note whose writer was killed in the middle takes no other along.
    fs::write(dir.join("spool"), "{\"at\":\"2026").unwrap();
    note(&world, &path, "s", 4..5);
    assert_eq!(numbers(&world, &path, "s"), [0, 1, 2, 3, 4]);
}

#[test]
fn a_note_that_waits_outlives_what_anybody_may_remove() {
    let world = World::new();
    let path = world.repo("app", &[]);
    note(&world, &path, "s", 0..1);
    at(&world, &path, |ledger| ledger.note(vec![did("s", 1)]).unwrap());
    fs::remove_dir_all(path.join(".git/shopfloor")).unwrap();
    at(&world, &path, |ledger| ledger.pour().unwrap());
    assert_eq!(numbers(&world, &path, "s"), [0, 1]);
}

#[test]
fn a_trail_that_stays_here_is_told_here_and_nowhere_else() {
    let world = World::new();
    let (one, two) = (world.repo("one", &[]), world.repo("two", &[]));
    say(&world, &one, "a", 1).unwrap();
    for (policy, sent) in [("local", 0), ("summary", 1), ("full", 1003)] {
        world.git(&one, &["config", "shopfloor.trail", policy]);
        note(&world, &one, policy, 0..1000);
        let mut sum = did(policy, 1000);
        Travel::SUM.clone_into(&mut sum.act);
        at(&world, &one, |ledger| ledger.note(vec![sum]).unwrap());
        at(&world, &one, |ledger| ledger.pour().unwrap());
        let mut here = numbers(&world, &one, policy);
        here.sort_unstable();
        assert_eq!(here, (0..1001).collect::<Vec<_>>());
        take(&world, &two, &one).unwrap();
        assert_eq!(verified(&world, &two).1 + usize::from(sent == 1003), sent);
    }
    let words = |line: &Line| line.session.as_deref() == Some("local");
    assert_eq!(at(&world, &one, |ledger| ledger.redact(&words).unwrap().lines), 1001);
    fs::remove_dir_all(one.join(".git/shopfloor/trail")).unwrap();
    assert_eq!(
        (numbers(&world, &one, "local").len(), numbers(&world, &one, "full").len()),
        (0, 1001)
    );
    world.git(&one, &["config", "shopfloor.trail", "fill"]);
    at(&world, &one, |ledger| ledger.note(vec![did("s", 0)]).unwrap());
    let no = at(&world, &one, |ledger| ledger.pour().unwrap_err());
    assert!(no.to_string().contains("`fill`"), "{no}");
}

/// A write that was being decided on goes on where the trail left it.
#[test]
fn a_pour_and_many_writers_are_not_in_each_others_way() {
    let world = World::new();
    let path = world.repo("app", &[]);
    thread::scope(|scope| {
        for writer in 0..4 {
            let (world, path) = (&world, &path);
            scope.spawn(move || all(world, path, &format!("w{writer}"), 25));
        }
        for n in 0..25 {
            note(&world, &path, "s", n..n + 1);
        }
    });
    assert_eq!(verified(&world, &path), (100, 25, 0));
    assert_eq!(numbers(&world, &path, "s"), (0..25).collect::<Vec<_>>());
}
