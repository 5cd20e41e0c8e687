//! Many writers, one barrier; and what becomes of those who wait when the one who commits dies.

use super::*;
use crate::ledger::commit::Ticket;
use crate::ledger::progress::{Failure, Mark, Progress};
use crate::ledger::state::State;
use crate::ledger::{Pen, chain};

/// Decides on one line and leaves it in the chain, as somebody does who waits, or dies.
fn decide(world: &World, at: &Path, on: &str, n: u64) -> Ticket {
    let repo = world.open(at);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let mut say = |_: &Told, pen: &mut Pen<'_>| pen.line(on, &json!({"test.said": {"n": n}}));
    let mut state = State::default();
    let (answer, ticket) = ledger.propose(&jane(), (&mut state, None), &mut say).unwrap().unwrap();
    answer.unwrap();
    ticket.unwrap()
}

fn settle(world: &World, at: &Path, ticket: &Ticket) -> anyhow::Result<bool> {
    let repo = world.open(at);
    Ledger::open(&repo, &Clock::real()).unwrap().settle(ticket)
}

fn own(at: &Path) -> PathBuf {
    at.join(".git/shopfloor-objects/desk")
}

#[test]
fn who_waits_is_committed_by_whoever_comes_first() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let waiting: Vec<_> = (0..5).map(|n| decide(&world, &path, "a", n)).collect();
    assert_eq!(tip(&world, &path), None);
    assert!(settle(&world, &path, &waiting[3]).unwrap());
    let at = tip(&world, &path);
    for ticket in waiting.iter().rev() {
        assert!(settle(&world, &path, ticket).unwrap());
    }
    assert_eq!(tip(&world, &path), at);
    assert_eq!(read(&world, &path).unwrap().on["a"], [0, 1, 2, 3, 4]);
}

#[test]
fn a_decision_sees_what_was_decided_and_is_not_yet_committed() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let waits = decide(&world, &path, "a", 1);
    let repo = world.open(&path);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    // Even one that pens nothing is answered when what it saw is in the ledger.
    let seen = ledger.write(&jane(), |told: &Told, _| Ok(told.on["a"].clone())).unwrap();
    assert_eq!(seen, [1]);
    assert_eq!(read(&world, &path).unwrap().on["a"], [1]);
    assert!(settle(&world, &path, &waits).unwrap());
}

#[test]
fn what_the_dead_decided_is_dropped_when_nobody_waits() {
    let world = World::new();
    let path = world.repo("app", &[]);
    drop(decide(&world, &path, "a", 1));
    say(&world, &path, "a", 2).unwrap();
    drop(decide(&world, &path, "a", 3));
    assert_eq!(read(&world, &path).unwrap().on["a"], [2]);
    say(&world, &path, "a", 4).unwrap();
    assert_eq!(read(&world, &path).unwrap().on["a"], [2, 4]);
}

#[test]
fn what_a_killed_writer_left_half_written_is_cut_off() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let waits = decide(&world, &path, "a", 1);
    let file = own(&path).join("chain");
    let whole = fs::read(&file).unwrap();
    for torn in [&b"1"[..], b"1 20 abc", b"1 4 abc\nfoo", b"\n", b"1 4 abc\nfoo\n1 4 abc\nfoo\n"] {
        // The same file: those who wait hold it.
        fs::write(&file, [&whole, torn].concat()).unwrap();
        assert!(fs::read(&file).unwrap().len() > whole.len());
        let next = decide(&world, &path, "a", 2);
        assert!(fs::read(&file).unwrap().starts_with(&whole));
        drop(next);
    }
    assert!(settle(&world, &path, &waits).unwrap());
    let said = read(&world, &path).unwrap().on["a"].clone();
    assert_eq!(said, [1, 2]);
}

#[test]
fn who_comes_after_a_commit_that_nobody_spoke_of_finds_it() {
    let world = World::new();
    for (name, init) in [("files", &[][..]), ("reftable", &["--ref-format=reftable"])] {
        let path = world.repo(name, init);
        let waits: Vec<_> = (0..2).map(|n| decide(&world, &path, "a", n)).collect();
        assert!(settle(&world, &path, &waits[0]).unwrap());
        // Killed between the ref and the word.
        let mut progress = Progress::load(&own(&path)).unwrap();
        progress.durable = false;
        progress.save(&own(&path)).unwrap();
        assert!(settle(&world, &path, &waits[1]).unwrap());
        assert!(Progress::load(&own(&path)).unwrap().durable);
        assert_eq!(read(&world, &path).unwrap().on["a"], [0, 1]);
    }
}

#[test]
fn a_failure_is_everybodys_and_is_not_tried_again() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 0).unwrap();
    let waits: Vec<_> = (1..4).map(|n| decide(&world, &path, "a", n)).collect();
    let at = Mark { tip: tip(&world, &path), lines: 1 };
    let failure = Failure { what: "the disk is broken".to_owned(), again: false };
    let failed = Progress {
        chain: waits[0].opening.chain.clone(),
        marks: vec![at.clone(), Mark { tip: None, lines: 4 }],
        durable: false,
        failed: Some(failure),
    };
    failed.save(&own(&path)).unwrap();
    for ticket in &waits {
        let no = settle(&world, &path, ticket).unwrap_err();
        assert_eq!(no.to_string(), "the disk is broken");
    }
    assert_eq!(tip(&world, &path), at.tip);
    // While they are still there, others begin anew.
    say(&world, &path, "a", 9).unwrap();
    assert_eq!(read(&world, &path).unwrap().on["a"], [0, 9]);
}

#[test]
fn when_somebody_else_moves_the_ref_all_decide_anew() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 0).unwrap();
    let old = world.git(&path, &["rev-parse", REF]);
    say(&world, &path, "a", 1).unwrap();
    let new = world.git(&path, &["rev-parse", REF]);
    let waits = decide(&world, &path, "a", 2);
    world.git(&path, &["update-ref", REF, &old]);
    assert!(!settle(&world, &path, &waits).unwrap());
    world.git(&path, &["update-ref", REF, &new]);
    assert!(settle(&world, &path, &waits).unwrap());
    assert_eq!(read(&world, &path).unwrap().on["a"], [0, 1, 2]);
}

/// Seen with 64 commands at once: who had read a tip that the chain no longer remembers ended it for all.
#[test]
fn who_comes_late_ends_nobodys_chain() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 0).unwrap();
    let repo = world.open(&path);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let (mut first, mut waits) = (Some(decide(&world, &path, "a", 1)), None);
    // While it decides, the chain it saw ends, and another one goes on for longer than is remembered.
    let mut state = State::default();
    let said =
        ledger.propose(&jane(), (&mut state, None), &mut |told: &Told, pen: &mut Pen<'_>| {
            assert_eq!(told.on["a"], [0, 1]);
            if let Some(first) = first.take() {
                assert!(settle(&world, &path, &first).unwrap());
            }
            waits = Some(decide(&world, &path, "a", 2));
            for n in 3..20 {
                say(&world, &path, "a", n).unwrap();
            }
            pen.line("late", &json!({"test.said": {"n": 0}}))
        });
    assert!(said.unwrap().is_none());
    let (waits, last) = (waits.unwrap(), decide(&world, &path, "a", 20));
    assert_eq!(last.opening.chain, waits.opening.chain);
    assert!(settle(&world, &path, &last).unwrap() && settle(&world, &path, &waits).unwrap());
    assert_eq!(read(&world, &path).unwrap().on["a"], (0..21).collect::<Vec<_>>());
}

#[test]
fn a_cleared_desk_makes_those_who_wait_decide_anew() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let waits = decide(&world, &path, "a", 1);
    fs::remove_dir_all(own(&path)).unwrap();
    assert!(!settle(&world, &path, &waits).unwrap());
    assert_eq!(tip(&world, &path), None);
    let waits = decide(&world, &path, "a", 2);
    assert!(settle(&world, &path, &waits).unwrap());
    fs::remove_dir_all(own(&path)).unwrap();
    assert!(settle(&world, &path, &waits).unwrap());
    assert_eq!(read(&world, &path).unwrap().on["a"], [2]);
}

#[test]
fn a_long_chain_is_cut_and_those_who_wait_stay_in_it() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let waits = decide(&world, &path, "a", 0);
    let text = "x".repeat(1000);
    let mut length = 0;
    let mut most = 0;
    for n in 1..400 {
        let event = json!({"test.said": {"n": n, "text": text}});
        ledger.write(&jane(), |_: &Told, pen| pen.line("a", &event)).unwrap();
        length += 1000;
        most = most.max(fs::metadata(own(&path).join("chain")).unwrap().len());
    }
    assert!(length > 2 * chain::LONG && most < 2 * chain::LONG, "{length} {most}");
    assert!(settle(&world, &path, &waits).unwrap());
    assert_eq!(read(&world, &path).unwrap().on["a"], (0..400).collect::<Vec<_>>());
}
