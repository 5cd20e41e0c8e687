//! How long a whole command takes on a floor of 1,000 and 10,000 beads with five lines each:
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

use shopfloor::bead::event::{Event, New};
use shopfloor::git::Repo;
use shopfloor::host::{Clock, Environment};
use shopfloor::ledger::{Actor, Ledger};

const RUNS: usize = 41;

fn main() {
    println!("{:>8}  {:<28} {:>10} {:>10}", "beads", "command", "median", "p95");
    for beads in [1_000, 10_000] {
        let home = tempfile::tempdir().unwrap();
        let floor = home.path().join("floor");
        let who = "[user]\n\tname = Jane Doe\n\temail = jane@example.org\n";
        std::fs::write(home.path().join(".gitconfig"), who).unwrap();
        git(home.path(), &["init", "-q", "-b", "main", "floor"]);
        git(&floor, &["commit", "-q", "--allow-empty", "-m", "start"]);
        fill(&floor, beads);
        let bead = env!("CARGO_BIN_EXE_git-bead");
        let cold = time(1, || {
            std::fs::remove_dir_all(floor.join(".git/shopfloor/cache")).ok();
            run(bead, &floor, &["ready", "--json"]);
        });
        say(beads, "first read, no cache", &cold);
        for args in [["ready", "--json"].as_slice(), &["list", "--json"], &["create", "one more"]] {
            let taken = time(RUNS, || run(bead, &floor, args));
            say(beads, &format!("git bead {}", args.join(" ")), &taken);
        }
        let taken =
            time(RUNS, || run("git", &floor, &["commit", "-q", "--allow-empty", "-m", "x"]));
        say(beads, "git commit, no git hooks", &taken);
        run(bead, &floor, &["init", "--yes"]);
        run("git", &floor, &["switch", "-q", "-c", "topic"]);
        let taken =
            time(RUNS, || run("git", &floor, &["commit", "-q", "--allow-empty", "-m", "x"]));
        say(beads, "git commit, our git hooks", &taken);
    }
}

/// Five lines a bead, a thousand beads a write.
fn fill(floor: &Path, beads: usize) {
    let env: Environment = sealed(floor).into_iter().collect();
    let repo = Repo::open(floor, &env).unwrap();
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let actor = Actor {
        by: "Jane Doe".to_owned(),
        owner: "jane@example.org".to_owned(),
        session: None,
        model: None,
        agent: false,
        epoch: None,
    };
    for start in (0..beads).step_by(1_000) {
        ledger
            .write::<shopfloor::bead::Beads, _>(&actor, |_, pen| {
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

fn time(runs: usize, mut each: impl FnMut()) -> Vec<Duration> {
    let mut taken: Vec<_> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            each();
            start.elapsed()
        })
        .collect();
    taken.sort();
    taken
}

fn say(beads: usize, what: &str, taken: &[Duration]) {
    let at = |part: usize| taken[(taken.len() - 1) * part / 100];
    println!("{beads:>8}  {what:<28} {:>10.1?} {:>10.1?}", at(50), at(95));
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
