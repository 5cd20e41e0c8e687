//! The same work by us, by other trackers that are on the PATH (`br` of beads_rust, `bd` of beads-rs), and
//! what one commit of git costs on this disk: `cargo bench --bench peers -- [BEADS]`. Each takes in the
//! same file, of which one bead in five is open. Figures to compare on one machine, not a test.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark starts programs, says what it measured, and fails by panic"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 21;

/// A tracker: how it is called, and how it takes in a file of beads.
struct Tracker {
    name: &'static str,
    program: &'static str,
    take_in: fn(&Path, &Path),
}

const OURS: &str = env!("CARGO_BIN_EXE_git-bead");
const TRACKERS: [Tracker; 3] = [
    Tracker { name: "shopfloor", program: OURS, take_in: |floor, file| import(OURS, floor, file) },
    Tracker { name: "beads_rust", program: "br", take_in: reconcile },
    Tracker { name: "beads-rs", program: "bd", take_in: migrate },
];

fn import(program: &str, floor: &Path, file: &Path) {
    run(program, floor, &["import", file.to_str().unwrap()]).unwrap();
}

fn reconcile(floor: &Path, file: &Path) {
    run("br", floor, &["init"]).unwrap();
    std::fs::copy(file, floor.join(".beads/issues.jsonl")).unwrap();
    run("br", floor, &["sync", "--import-only"]).unwrap();
}

fn migrate(floor: &Path, file: &Path) {
    let file = file.to_str().unwrap();
    run("bd", floor, &["migrate", "from-go", "--force", "--input", file]).unwrap();
}

fn main() {
    let beads = std::env::args().filter(|arg| arg != "--bench").nth(1);
    let beads: usize = beads.map_or(10_000, |beads| beads.parse().unwrap());
    assert!(beads / 5 >= RUNS, "too few: at least {}", 5 * RUNS);
    println!(
        "{:<12} {:>6} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "", "beads", "taken in", "ready", "show", "search", "create", "close", "commit"
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
        let told = run(tracker.program, floor, &[args, &["--json"]].concat());
        assert!(told.is_some(), "{} {args:?}", tracker.name);
    };
    let file = floor.with_extension("jsonl");
    std::fs::write(&file, (0..beads).map(record).collect::<String>()).unwrap();
    let start = Instant::now();
    (tracker.take_in)(floor, &file);
    let taken = start.elapsed();
    let open: Vec<_> = (0..beads).filter(|n| is_open(*n)).map(id).collect();
    let ready = median(|_| tell(&["ready"]));
    let show = median(|n| tell(&["show", &open[n]]));
    let search = median(|_| tell(&["search", "harbour"]));
    let create = median(|n| tell(&["create", &format!("One more {n}")]));
    let close = median(|n| tell(&["close", &open[n]]));
    let commit = median(|_| {
        run("git", floor, &["commit", "-q", "--allow-empty", "-m", "x"]).unwrap();
    });
    let all = [taken, ready, show, search, create, close, commit];
    let all: String = all.iter().map(|taken| format!(" {taken:>10.1?}")).collect();
    println!("{:<12} {beads:>6}{all}", tracker.name);
}

fn is_open(n: usize) -> bool {
    n.is_multiple_of(5)
}

/// As a hash would be: spread, and the same each time.
fn id(n: usize) -> String {
    format!("floor-{:08x}", (n as u32).wrapping_mul(2_654_435_761))
}

/// A bead as beads' own export tells it. One in a hundred speaks of a harbour.
fn record(n: usize) -> String {
    let (status, closed) = match is_open(n) {
        true => ("open", ""),
        false => ("closed", r#","closed_at":"2025-03-02T10:00:00Z""#),
    };
    let about = if n % 100 == 7 { "the harbour" } else { "the quay" };
    format!(
        r#"{{"id":"{}","title":"Bead number {n} about {about}","description":"What has to be done, told in one plain sentence.","status":"{status}","priority":{},"issue_type":"task","created_at":"2025-03-01T10:00:00Z","created_by":"jane","updated_at":"2025-03-02T10:00:00Z"{closed}}}"#,
        id(n),
        n % 5,
    ) + "\n"
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
