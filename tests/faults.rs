//! Each system call of a write fails, or is the last: what was promised is there, what was not is whole
//! or not there at all, and the next command works.
//!
//! Every commit gets a handful of cases by chance; `SHOPFLOOR_FAULTS=all cargo test faults::` goes
//! through all of them, about ten minutes. `SEED=…` repeats a handful.

use crate::power::traceable;
use crate::support::{Dice, Place, Ran, Sandbox, all_faults, soon};

const CALLS: [&str; 13] = [
    "openat",
    "write",
    "pwrite64",
    "read",
    "fsync",
    "rename",
    "renameat",
    "linkat",
    "unlink",
    "mkdir",
    "ftruncate",
    "flock",
    "statx",
];
const ERRORS: [&str; 6] = ["EIO", "ENOSPC", "EINTR", "EACCES", "EROFS", "EMFILE"];
const HANDFUL: usize = 24;

#[test]
fn an_error_of_any_call_is_told_and_harms_nothing() {
    let mut dice = Dice::cast("faults::error");
    let world = Sandbox::new();
    let repo = ready(&world);
    let cases: Vec<_> = CALLS
        .iter()
        .flat_map(|call| ERRORS.map(|error| (*call, format!("error={error}"))))
        .collect();
    run(&repo, &mut dice, &cases);
}

#[test]
fn kill_at_any_call_harms_nothing() {
    let mut dice = Dice::cast("faults::kill");
    let world = Sandbox::new();
    let repo = ready(&world);
    let cases: Vec<_> = CALLS.iter().map(|call| (*call, "signal=KILL".to_owned())).collect();
    run(&repo, &mut dice, &cases);
}

/// A second flush may say yes to what the first one lost.
#[test]
fn a_failed_flush_is_never_made_good_by_another() {
    let world = Sandbox::new();
    let repo = ready(&world);
    if !traceable(&world) {
        return;
    }
    // Threads flush side by side, and the tracer counts the calls of each by itself: one round can
    // fail several of them.
    let mut failures = 0;
    for nth in 1.. {
        let (ran, trace) = inject(&repo, "fsync", "error=EIO", nth, &format!("Bead {nth}"));
        failures += trace.matches("(INJECTED)").count();
        let Some((_, after)) = trace.split_once("(INJECTED)") else {
            assert!(ran.code == 0 && failures >= 5, "{failures} failed\n{ran}");
            break;
        };
        let ran = ran.fails(128).says(&["Input/output error"]);
        let failed = trace.lines().find(|line| line.contains("(INJECTED)")).unwrap();
        let is_object = failed.contains("objects");
        let moved = after
            .lines()
            .any(|line| line.contains("rename") && line.contains("refs/shopfloor/ledger\""));
        assert!(!(is_object && moved), "{failed}\n{ran}");
        let found = titles(&repo).iter().filter(|title| **title == format!("Bead {nth}")).count();
        assert!(found == 0 || !is_object, "{failed}\n{ran}");
        soon(|| repo.bead(&format!("After {nth}")));
        sound(&repo);
    }
}

fn ready(world: &Sandbox) -> Place<'_> {
    let repo = world.repo("api");
    repo.bead("The first");
    repo
}

/// `create` under each of these faults at its nth such call, for each n that there is.
fn run(repo: &Place<'_>, dice: &mut Dice, cases: &[(&str, String)]) {
    if !traceable(repo.world) {
        return;
    }
    let mut done = 0;
    for (call, fault) in cases {
        if !all_faults() {
            continue;
        }
        for nth in 1.. {
            if !survives(repo, call, fault, nth, done) {
                break;
            }
            done += 1;
        }
    }
    while done < HANDFUL {
        let (call, fault) = &cases[usize::try_from(dice.below(cases.len() as u64)).unwrap()];
        let nth = usize::try_from(dice.below(60)).unwrap() + 1;
        survives(repo, call, fault, nth, done);
        done += 1;
    }
    sound(repo);
}

/// Whether there was such a call.
fn survives(repo: &Place<'_>, call: &str, fault: &str, nth: usize, case: usize) -> bool {
    let title = format!("{case}: {call} {nth} {fault}");
    let (ran, trace) = inject(repo, call, fault, nth, &title);
    assert!(!ran.err.contains("panicked"), "{title}\n{ran}");
    let times = |title: &str| titles(repo).iter().filter(|known| *known == title).count();
    match ran.code {
        0 => assert_eq!(times(&title), 1, "promised, and not there\n{ran}"),
        _ => assert!(times(&title) <= 1, "{title} is there twice\n{ran}"),
    }
    let after = format!("After {title}");
    soon(|| repo.bead(&after));
    assert_eq!(times(&after), 1);
    trace.contains("(INJECTED)") || trace.contains("killed by SIGKILL")
}

fn inject(repo: &Place<'_>, call: &str, fault: &str, nth: usize, title: &str) -> (Ran, String) {
    let trace = repo.world.root().join("trace");
    let at = trace.to_str().unwrap();
    let (calls, fault) = (
        format!("trace={call},rename,renameat,linkat"),
        format!("inject={call}:{fault}:when={nth}"),
    );
    let strace = ["strace", "-f", "-y", "-o", at, "-e", &calls, "-e", &fault];
    let ran = repo.run(strace.into_iter().chain(["git-bead", "create", title]));
    (ran, std::fs::read_to_string(trace).unwrap())
}

fn titles(repo: &Place<'_>) -> Vec<String> {
    let list = repo.json("bead list --all --json --limit 0");
    let title = |bead: &serde_json::Value| bead["title"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(title).collect()
}

fn sound(repo: &Place<'_>) {
    repo.sound();
}
