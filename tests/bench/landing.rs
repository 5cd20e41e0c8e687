//! What the merge queue adds to a landed change beside its gates: `cargo bench --bench landing`. One
//! refinery drains a queue of changes of one file each, in a repository of 100 files whose target is
//! checked out. Figures to compare on one machine, not a test.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark starts programs, says what it measured, and fails by panic"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use shopfloor::git::Repo;
use shopfloor::host::{Clock, Environment, Stamp};
use shopfloor::ledger::Ledger;

const ROUNDS: usize = 3;
const CHANGES: usize = 24;
const FILES: usize = 100;

fn main() {
    println!("{:>8} {:>10} {:>10} {:>13}   load", "landed", "median", "p95", "git children");
    for _ in 0..ROUNDS {
        let home = tempfile::tempdir().unwrap();
        let floor = home.path().join("floor");
        queue(home.path(), &floor);
        // To note what it starts costs a refinery next to nothing.
        let ran = run("git-refinery", &floor, &["run", "--drain"]);
        let said = String::from_utf8_lossy(&ran.stderr);
        let children = said.lines().filter(|line| line.contains(" git call=")).count();
        let mut taken = overheads(&floor);
        taken.sort_unstable();
        let at = |part: usize| format!("{} ms", taken[(taken.len() - 1) * part / 100]);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default().to_owned();
        let each = format!("{:.1}", children as f64 / CHANGES as f64);
        println!("{:>8} {:>10} {:>10} {each:>13}   {load}", taken.len() + 1, at(50), at(95));
    }
}

/// A repository in which everything waits that is to land.
fn queue(home: &Path, floor: &Path) {
    let who = "[user]\n\tname = Jane Doe\n\temail = jane@example.org\n";
    fs::write(home.join(".gitconfig"), who).unwrap();
    run("git", home, &["init", "-q", "-b", "main", "floor"]);
    let file = |n: usize| floor.join(format!("room-{}/file-{n}", n % 10));
    for n in 0..FILES {
        fs::create_dir_all(file(n).parent().unwrap()).unwrap();
        fs::write(file(n), format!("file {n}\n").repeat(20)).unwrap();
    }
    fs::write(floor.join("shopfloor.toml"), "[gates.test]\ncommand = \"true\"\n").unwrap();
    run("git", floor, &["add", "."]);
    run("git", floor, &["commit", "-q", "-m", "start"]);
    run("git-bead", floor, &["init", "--yes"]);
    run("git-bead", floor, &["trust", "--yes"]);
    run("git", floor, &["config", "shopfloor.autorun", "false"]);
    for n in 0..CHANGES {
        run("git", floor, &["switch", "-q", "-c", &format!("topic-{n}"), "main"]);
        fs::write(file(n), format!("change {n}\n")).unwrap();
        run("git", floor, &["commit", "-q", "-a", "-m", &format!("Change {n}")]);
        run("git-refinery", floor, &["submit"]);
    }
    run("git", floor, &["switch", "-q", "main"]);
}

/// From one landing to the next, in milliseconds, without what the gate took.
fn overheads(floor: &Path) -> Vec<u64> {
    let env: Environment = sealed(floor).into_iter().collect();
    let repo = Repo::open(floor, &env).unwrap();
    let lines = Ledger::open(&repo, &Clock::real()).unwrap().lines().unwrap();
    let (mut taken, mut before, mut gates) = (Vec::new(), None::<Stamp>, 0);
    for line in &lines {
        match line.act.as_str() {
            "refinery.tested" => gates = line.with.json()["gates"][0]["ms"].as_u64().unwrap(),
            "refinery.landed" => {
                let at: Stamp = line.at.parse().unwrap();
                let since = before.map(|before| at.since(&before).as_millis());
                taken.extend(since.map(|since| u64::try_from(since).unwrap() - gates));
                before = Some(at);
            }
            _ => {}
        }
    }
    assert_eq!(taken.len() + 1, CHANGES, "not everything has landed");
    taken
}

fn sealed(at: &Path) -> Vec<(String, String)> {
    let own = Path::new(env!("CARGO_BIN_EXE_git-bead")).parent().unwrap();
    let home =
        at.ancestors().find(|dir| dir.join(".gitconfig").exists()).unwrap().to_str().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let pairs = [
        ("PATH", path.as_str()),
        ("HOME", home),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("SHOPFLOOR_TRACE", "1"),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn run(program: &str, at: &Path, args: &[&str]) -> Output {
    let sealed = sealed(at);
    let found = sealed[0].1.split(':').map(|dir| Path::new(dir).join(program));
    let ran = Command::new(found.into_iter().find(|path| path.exists()).unwrap())
        .args(args)
        .current_dir(at)
        .env_clear()
        .envs(sealed)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program} {args:?}: {}\n{said}", ran.status);
    ran
}
