//! How long a whole command takes on a floor of 1,000, 10,000 and 100,000 beads with five lines each:
//! `cargo bench --bench floor`. Medians over many runs of the real binaries, in a temporary
//! repository; figures to compare on one machine, not a test.

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

use shopfloor::bead::Beads;
use shopfloor::bead::event::{Event, New};
use shopfloor::git::Repo;
use shopfloor::host::{Clock, Environment};
use shopfloor::ledger::{Actor, Ledger};

const RUNS: usize = 41;
const OURS: &str = env!("CARGO_BIN_EXE_git-bead");

fn main() {
    println!("{:>8}  {:<42} {:>10} {:>10}", "beads", "command", "median", "p95");
    for beads in [1_000, 10_000, 100_000] {
        let home = tempfile::tempdir().unwrap();
        let floor = home.path().join("floor");
        let who = "[user]\n\tname = Jane Doe\n\temail = jane@example.org\n";
        std::fs::write(home.path().join(".gitconfig"), who).unwrap();
        git(home.path(), &["init", "-q", "-b", "main", "floor"]);
        git(&floor, &["commit", "-q", "--allow-empty", "-m", "start"]);
        fill(&floor, beads);
        measure(beads, &floor);
    }
}

fn measure(beads: usize, floor: &Path) {
    let bead = |args: &[&str]| run(OURS, floor, args);
    let cold = || {
        std::fs::remove_dir_all(floor.join(".git/shopfloor/cache")).ok();
        timed(|| bead(&["ready", "--json"]))
    };
    say(beads, "first read, no cache", 3, cold);
    // A floor does not grow to that size in a minute: it was rolled up, and it is on the disk.
    bead(&["maintain"]);
    run("sync", floor, &[]);
    // The first write after it makes what only writers need.
    bead(&["create", "one more"]);
    say(beads, "ready --json", RUNS, || timed(|| bead(&["ready", "--json"])));
    let ids = open(floor);
    for question in [
        &["list", "--limit", "50", "--json"] as &[_],
        &["search", "number 77", "--json"],
        &["query", "status=open AND priority<=2 AND updated<7d", "--json"],
        &["query", "status=closed AND priority=3 AND title=77", "--json"],
        &["show", &ids[0], "--json"],
        &["count", "--by", "status", "--json"],
    ] {
        let what = question.iter().filter(|word| **word != "--json" && **word != ids[0]);
        let what = what.copied().collect::<Vec<_>>().join(" ");
        say(beads, &what, RUNS, || timed(|| bead(question)));
    }
    say(beads, "create --json", RUNS, || timed(|| bead(&["create", "one more", "--json"])));
    say(beads, "ready --json after a create", RUNS, || {
        bead(&["create", "one more"]);
        timed(|| bead(&["ready", "--json"]))
    });
    for (what, args) in [("claim", ["update", "--claim"].as_slice()), ("close", &["close"])] {
        let mut ids = ids.iter();
        say(beads, what, RUNS, || timed(|| bead(&[args, &[ids.next().unwrap()]].concat())));
    }
    let commit = || timed(|| git(floor, &["commit", "-q", "--allow-empty", "-m", "x"]));
    say(beads, "git commit, no git hooks", RUNS, commit);
    bead(&["init", "--yes"]);
    git(floor, &["switch", "-q", "-c", "topic"]);
    say(beads, "git commit, our git hooks", RUNS, commit);
    let file = floor.with_extension("jsonl");
    say(beads, "export", 5, || timed(|| bead(&["export", file.to_str().unwrap()])));
    git(floor, &["init", "-q", "../anew"]);
    let anew = floor.with_file_name("anew");
    git(&anew, &["commit", "-q", "--allow-empty", "-m", "start"]);
    let import = || run(OURS, &anew, &["import", file.to_str().unwrap()]);
    say(beads, "import of that into another", 1, || timed(import));
}

/// The ids of open beads.
fn open(floor: &Path) -> Vec<String> {
    let repo = Repo::open(floor, &sealed(floor).into_iter().collect()).unwrap();
    let all: Beads = Ledger::open(&repo, &Clock::real()).unwrap().read().unwrap();
    all.live().map(|row| row.key().to_owned()).take(RUNS).collect()
}

/// Five lines a bead, a thousand beads a write.
fn fill(floor: &Path, beads: usize) {
    let env: Environment = sealed(floor).into_iter().collect();
    let repo = Repo::open(floor, &env).unwrap();
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let actor = Actor {
        by: "Jane Doe".to_owned(),
        owner: "jane@example.org".to_owned(),
        ..Actor::default()
    };
    for start in (0..beads).step_by(1_000) {
        ledger
            .write::<Beads, _>(&actor, |_, pen| {
                for n in start..(start + 1_000).min(beads) {
                    let new = New {
                        title: format!("Bead number {n} of the floor"),
                        description:
                            "What has to be done, told in one plain sentence of usual length."
                                .to_owned(),
                        issue_type: "task".to_owned(),
                        priority: u8::try_from(n % 5).unwrap(),
                        ..New::default()
                    };
                    let id = pen.create("floor", &Event::Created(new))?;
                    for text in ["seen", "thought about", "asked about"] {
                        pen.line(&id, &Event::Commented { text: text.to_owned() })?;
                    }
                    pen.line(
                        &id,
                        &match n % 5 {
                            0 => {
                                Event::Labeled { add: vec!["open".to_owned()], remove: Vec::new() }
                            }
                            _ => Event::Closed(shopfloor::bead::event::Closed::default()),
                        },
                    )?;
                }
                Ok(())
            })
            .unwrap();
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn say(beads: usize, what: &str, runs: usize, each: impl FnMut() -> Duration) {
    let mut taken: Vec<_> = std::iter::repeat_with(each).take(runs).collect();
    taken.sort();
    let at = |part: usize| taken[(taken.len() - 1) * part / 100];
    println!("{beads:>8}  {what:<30} {:>10.1?} {:>10.1?}", at(50), at(95));
}

fn sealed(at: &Path) -> Vec<(String, String)> {
    let own = Path::new(env!("CARGO_BIN_EXE_git-bead")).parent().unwrap();
    let home =
        at.ancestors().find(|dir| dir.join(".gitconfig").exists()).unwrap().to_str().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let pairs = [("PATH", path.as_str()), ("HOME", home), ("GIT_CONFIG_NOSYSTEM", "1")];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn git(at: &Path, args: &[&str]) {
    run("git", at, args);
}

fn run(program: &str, at: &Path, args: &[&str]) {
    let status = Command::new(program)
        .args(args)
        .current_dir(at)
        .env_clear()
        .envs(sealed(at))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{program} {args:?}: {status}");
}
