//! The same work by us, by other trackers that are on the PATH (`br` of beads_rust, `bd` of beads-rs), and
//! what one commit of git costs on this disk: `cargo bench --bench peers -- [BEADS]`. Each makes its own
//! beads by its own commands and closes four of five. Figures to compare on one machine, not a test.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark starts programs, says what it measured, and fails by panic"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 21;

/// A tracker: how it is called, and with which word it begins in a new repository.
struct Tracker {
    name: &'static str,
    program: &'static str,
    begin: &'static [&'static str],
}

const TRACKERS: [Tracker; 3] = [
    Tracker { name: "shopfloor", program: env!("CARGO_BIN_EXE_git-bead"), begin: &[] },
    Tracker { name: "beads_rust", program: "br", begin: &["init"] },
    Tracker { name: "beads-rs", program: "bd", begin: &["init"] },
];

fn main() {
    let beads = std::env::args().filter(|arg| arg != "--bench").nth(1);
    let beads: usize = beads.map_or(200, |beads| beads.parse().unwrap());
    assert!(beads / 5 >= RUNS, "too few: at least {}", 5 * RUNS);
    println!(
        "{:<12} {:>6} {:>12} {:>10} {:>10} {:>10} {:>10}",
        "", "beads", "all made in", "ready", "create", "close", "commit"
    );
    for tracker in TRACKERS {
        let home = tempfile::tempdir().unwrap();
        let floor = home.path().join("floor");
        let who = "[user]\n\tname = Jane Doe\n\temail = jane@example.org\n";
        std::fs::write(home.path().join(".gitconfig"), who).unwrap();
        run("git", home.path(), &["init", "-q", "--bare", "hub"]);
        run("git", home.path(), &["init", "-q", "-b", "main", "floor"]);
        run("git", &floor, &["commit", "-q", "--allow-empty", "-m", "start"]);
        run("git", &floor, &["remote", "add", "origin", "../hub"]);
        run("git", &floor, &["push", "-q", "origin", "main"]);
        if run(tracker.program, &floor, &["--version"]).is_none() {
            println!("{:<12} is not here", tracker.name);
            continue;
        }
        measure(&tracker, &floor, beads);
    }
}

fn measure(tracker: &Tracker, floor: &Path, beads: usize) {
    let tell = |args: &[&str]| {
        run(tracker.program, floor, &[args, &["--json"]].concat())
            .unwrap_or_else(|| panic!("{} {args:?}", tracker.name))
    };
    for word in tracker.begin {
        run(tracker.program, floor, &[word]).unwrap();
    }
    let start = Instant::now();
    let ids: Vec<_> = (0..beads).map(|n| id(&tell(&["create", &format!("Bead {n}")]))).collect();
    let (closed, open) = ids.split_at(beads / 5 * 4);
    for id in closed {
        drop(tell(&["close", id]));
    }
    let made = start.elapsed();
    let ready = median(|_| drop(tell(&["ready"])));
    let create = median(|n| drop(tell(&["create", &format!("One more {n}")])));
    let close = median(|n| drop(tell(&["close", open.get(n).unwrap()])));
    let commit = median(|_| {
        run("git", floor, &["commit", "-q", "--allow-empty", "-m", "x"]).unwrap();
    });
    println!(
        "{:<12} {beads:>6} {made:>12.1?} {ready:>10.1?} {create:>10.1?} {close:>10.1?} {commit:>10.1?}",
        tracker.name
    );
}

/// The id of what was created, wherever in the answer it stands.
fn id(told: &str) -> String {
    let start = told.find('{').unwrap_or_else(|| panic!("no JSON: {told}"));
    let mut answers = serde_json::Deserializer::from_str(&told[start..]).into_iter();
    let answer: serde_json::Value = answers.next().unwrap().unwrap();
    let found = ["/id", "/issue/id", "/data/id", "/issue/core/id"];
    let found = found.iter().find_map(|at| answer.pointer(at)?.as_str());
    found.unwrap_or_else(|| panic!("no id: {told}")).to_owned()
}

fn median(mut work: impl FnMut(usize)) -> Duration {
    let timed = |n| {
        let start = Instant::now();
        work(n);
        start.elapsed()
    };
    let mut taken: Vec<_> = (0..RUNS).map(timed).collect();
    taken.sort();
    taken.swap_remove(RUNS / 2)
}

/// What a program says; none if it is not there, or fails.
fn run(program: &str, at: &Path, args: &[&str]) -> Option<String> {
    let home = at.ancestors().find(|dir| dir.join(".gitconfig").exists()).unwrap();
    let told = Command::new(program)
        .args(args)
        .current_dir(at)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    told.status.success().then(|| String::from_utf8(told.stdout).unwrap())
}
