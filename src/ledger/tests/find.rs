//! Single lines out of many.

use std::collections::BTreeSet;

use super::*;
use crate::ledger::Query;

/// A repository with two replicas, one with every kind of file, the other with one.
fn merged(world: &World) -> PathBuf {
    let (path, other) = (world.repo("app", &[]), world.repo("other", &[]));
    fill(world, &path);
    all(world, &other, "b", 5);
    world.git(&path, &["fetch", "-q", other.to_str().unwrap(), &format!("{REF}:refs/theirs")]);
    let repo = world.open(&path);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let theirs = repo.read_ref(&"refs/theirs".parse().unwrap()).unwrap().unwrap();
    ledger.merge(&theirs, &Positions::new()).unwrap();
    path
}

#[test]
fn the_newest_lines_are_those_that_stand_last() {
    let world = World::new();
    let repo = world.open(&merged(&world));
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let lines = ledger.lines().unwrap();
    let on = lines[lines.len() / 2].on.clone();
    let one = Query { on: vec![on], ..Query::default() };
    let nothing = Query { by: vec!["nobody".to_owned()], ..Query::default() };
    for query in [Query::default(), one, nothing] {
        for most in [0, 1, 4, 17, lines.len(), lines.len() + 1] {
            let mut due: Vec<_> = lines.iter().filter(|line| query.fits(line)).cloned().collect();
            due.drain(..due.len().saturating_sub(most));
            assert_eq!(ledger.newest(&query, most).unwrap(), due, "{most} of {query:?}");
        }
    }
}

#[test]
fn the_lines_of_some_clocks_are_found_wherever_they_are() {
    let world = World::new();
    let repo = world.open(&merged(&world));
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let lines = ledger.lines().unwrap();
    let last = lines.last().unwrap().clock;
    for asked in [
        (0..=last + 1).collect(),
        BTreeSet::new(),
        BTreeSet::from([0, last + 1]),
        BTreeSet::from([1, 3, last / 2, last]),
    ] {
        let due: Vec<_> =
            lines.iter().filter(|line| asked.contains(&line.clock)).cloned().collect();
        assert_eq!(ledger.at(&asked).unwrap(), due);
    }
}

#[test]
fn folds_that_others_ask_for_are_made_with_the_first_and_need_no_line_again() {
    let world = World::new();
    let path = world.repo("app", &[]);
    fill(&world, &path);
    fs::remove_dir_all(path.join(".git/shopfloor/cache")).unwrap();
    let repo = world.open(&path);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let count = |ledger: Ledger<'_>| {
        let files = std::cell::Cell::new(0);
        let ledger = ledger.telling(|_, all| files.set(all));
        ledger.read::<Counted>().unwrap();
        drop(ledger);
        files.get()
    };
    assert_eq!(
        ledger.also(|| vec![Box::new(Counted::default())]).read::<Told>().unwrap().order.len(),
        640
    );
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    assert_eq!(count(ledger), 0, "files were read");
    fs::remove_dir_all(path.join(".git/shopfloor/cache")).unwrap();
    assert_ne!(count(Ledger::open(&repo, &Clock::real()).unwrap()), 0);
}

/// Another fold than `Told`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counted(u64);

impl Fold for Counted {
    const VERSION: u32 = 1;

    fn name() -> String {
        "counted".to_owned()
    }

    fn drink(&mut self, _: &Line) {
        self.0 += 1;
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}
