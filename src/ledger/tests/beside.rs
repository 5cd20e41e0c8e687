//! Who writes beside other writers, and beside what git does to a repository meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

#[test]
fn eight_at_once_lose_nothing() {
    let world = World::new();
    for (name, init) in [("files", &[][..]), ("reftable", &["--ref-format=reftable"])] {
        let path = world.repo(name, init);
        thread::scope(|scope| {
            for writer in 0..8 {
                let (world, path) = (&world, &path);
                scope.spawn(move || all(world, path, &format!("w{writer}"), 12));
            }
        });
        let told = read(&world, &path).unwrap();
        assert_eq!(told.order.len(), 96);
        assert!(
            told.on.values().all(|numbers| *numbers == (0..12).collect::<Vec<_>>()),
            "{told:?}"
        );
    }
}

#[test]
fn one_of_many_claimants_wins() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let wins: usize = thread::scope(|scope| {
        let claim = || {
            let repo = world.open(&path);
            let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
            let won = ledger.write(&jane(), |told: &Told, pen| {
                let free = !told.on.contains_key("bead");
                if free {
                    pen.line("bead", &json!({"test.said": {"n": 1}}))?;
                }
                Ok(free)
            });
            usize::from(won.unwrap())
        };
        let all: Vec<_> = (0..16).map(|_| scope.spawn(claim)).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!((wins, read(&world, &path).unwrap().order.len()), (1, 1));
}

/// Runs git commands over and over while 4 writers write 25 lines each.
fn beside(world: &World, path: &Path, commands: &[&[&str]]) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let noise = scope.spawn(|| {
            let mut rounds = 0;
            while !done.load(Ordering::Relaxed) {
                for command in commands {
                    Program::new("git")
                        .args(command.iter().copied())
                        .dir(path)
                        .full_env(world.env.iter())
                        .run();
                }
                rounds += 1;
            }
            rounds
        });
        let writers: Vec<_> = (0..4)
            .map(|writer| scope.spawn(move || all(world, path, &format!("w{writer}"), 25)))
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(noise.join().unwrap() > 0);
    });
    let told = read(world, path).unwrap();
    assert!(
        told.on.len() == 4 && told.on.values().all(|said| *said == (0..25).collect::<Vec<_>>()),
        "{told:?}"
    );
    world.git(path, &["fsck", "--strict"]);
}

#[test]
fn gc_and_prune_beside_writers_hurt_nobody() {
    let world = World::new();
    let path = world.repo("app", &[]);
    world.git(&path, &["commit", "-q", "--allow-empty", "-m", "root"]);
    beside(&world, &path, &[&["gc", "-q", "--prune=now"], &["prune", "--expire=now"]]);
}

#[test]
fn packing_refs_beside_writers_hurts_nobody() {
    let world = World::new();
    let path = world.repo("app", &[]);
    beside(&world, &path, &[&["pack-refs", "--all", "--prune"]]);
}
