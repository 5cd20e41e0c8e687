//! Many who write at once: `cargo bench --bench crowd -- [WRITERS [SECONDS]]`. Each writer is a process
//! that writes one line after the other; then each of those lines is a whole command. What was promised
//! is counted in the ledger afterwards, so this fails when a line is lost.
//!
//! `cargo bench --bench crowd -- size [LINES]` says what a line takes up on the disk.
//!
//! `cargo bench --bench crowd -- machines [CLONES [WRITERS [WRITES]]]` has that many writers in each of so
//! many clones of one hub, each clone in exchange with it all the while, over the file and the git
//! protocol. It fails unless all come to the same bytes, and says how often git went to the hub for that.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark starts programs, says what it measured, and fails by panic"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use shopfloor::bead::event::Event;
use shopfloor::git::Repo;
use shopfloor::host::{Clock, Environment};
use shopfloor::ledger::{Actor, Fold, Ledger, Line, Loaded, Pen, REF, Saving};

const BEAD: &str = env!("CARGO_BIN_EXE_git-bead");

fn main() {
    let args: Vec<String> = std::env::args().filter(|arg| arg != "--bench").collect();
    if let [_, word, repo, bead, seconds, kind] = &args[..]
        && word == "writer"
    {
        return writer(Path::new(repo), bead, seconds.parse().unwrap(), kind);
    }
    if args.get(1).is_some_and(|word| word == "size") {
        return size(args.get(2).map_or(100_000, |lines| lines.parse().unwrap()));
    }
    let number = |nth: usize, usual| args.get(nth).map_or(usual, |text| text.parse().unwrap());
    if args.get(1).is_some_and(|word| word == "machines") {
        println!(
            "{:<26} {:>8} {:>8} {:>8} {:>24}",
            "", "writes", "took", "syncs", "trips per write"
        );
        for protocol in ["file", "git"] {
            machines(number(2, 10), number(3, 10), number(4, 10), protocol);
        }
        return;
    }
    let (writers, seconds) = (number(1, 64), number(2, 10));
    println!(
        "{:<26} {:>8} {:>9} {:>13} {:>8} {:>8} {:>8}",
        "", "writes/s", "lost", "min..max each", "median", "p99", "max"
    );
    for format in ["files", "reftable"] {
        for kind in ["process", "command"] {
            crowd(writers, seconds, format, kind);
        }
    }
}

fn crowd(writers: usize, seconds: usize, format: &str, kind: &str) {
    let home = tempfile::tempdir().unwrap();
    let who = "[user]\n\tname = Jane Doe\n\temail = jane@example.org\n";
    std::fs::write(home.path().join(".gitconfig"), who).unwrap();
    let floor = home.path().join("floor");
    let storage = format!("--ref-format={format}");
    run("git", home.path(), &["init", "-q", "-b", "main", &storage, "floor"]);
    let made = run(BEAD, &floor, &["create", "Wanted by all", "--json"]);
    let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
    let bead = made["id"].as_str().unwrap();
    let start = Instant::now();
    let all: Vec<_> = (0..writers)
        .map(|_| {
            let own = std::env::current_exe().unwrap();
            command(own.to_str().unwrap(), &floor)
                .args(["writer", floor.to_str().unwrap(), bead, &seconds.to_string(), kind])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let told: Vec<Vec<u64>> = all
        .into_iter()
        .map(|one| {
            let told = one.wait_with_output().unwrap();
            assert!(told.status.success());
            let text = String::from_utf8(told.stdout).unwrap();
            text.lines().map(|line| line.parse().unwrap()).collect()
        })
        .collect();
    let took = start.elapsed();
    let mut each: Vec<u64> = told.iter().flatten().copied().collect();
    each.sort_unstable();
    let log = run(BEAD, &floor, &["log", bead, "--json"]);
    let log: Vec<serde_json::Value> = serde_json::from_slice(&log).unwrap();
    let kept = log.iter().filter(|line| line["do"] == "bead.commented").count();
    let at = |part: usize| Duration::from_micros(each[(each.len() - 1) * part / 1000]);
    let counts = told.iter().map(Vec::len);
    let (least, most) = (counts.clone().min().unwrap(), counts.max().unwrap());
    println!(
        "{:<26} {:>8.0} {:>9} {:>13} {:>8.0?} {:>8.0?} {:>8.0?}",
        format!("{writers} of {kind}, {format}"),
        each.len() as f64 / took.as_secs_f64(),
        each.len() as i64 - kept as i64,
        format!("{least}..{most}"),
        at(500),
        at(990),
        at(1000)
    );
    assert_eq!(kept, each.len());
}

/// Says of every git of ours whether it goes to another repository.
const COUNTED: &str = "#!/bin/sh
for word; do
    case $word in
    ls-remote | fetch | push) echo \"$word\" >>\"$HOME/trips\" ;;
    esac
done
exec \"$GIT\" \"$@\"
";

fn machines(clones: usize, writers: usize, writes: usize, protocol: &str) {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let who = "[user]\n\tname = Jane Doe\n\temail = jane@example.org\n";
    std::fs::write(at.join(".gitconfig"), who).unwrap();
    std::fs::write(at.join("trips"), "").unwrap();
    let (url, _daemon) = hub(at, protocol);
    let places: Vec<_> = (0..clones).map(|n| at.join(format!("machine-{n}"))).collect();
    for place in &places {
        run("git", at, &["clone", "-q", &url, place.to_str().unwrap()]);
    }
    run(BEAD, &places[0], &["create", "Wanted by all"]);
    for place in &places {
        run(BEAD, place, &["sync"]);
    }
    let made = run(BEAD, &places[0], &["list", "--json"]);
    let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
    let bead = made[0]["id"].as_str().unwrap();
    count_trips(at);
    let start = Instant::now();
    let syncs = all_write(&places, (writers, writes), bead);
    let tip = |place: &Path| run("git", place, &["rev-parse", REF]);
    let took = start.elapsed();
    let written = clones * writers * writes;
    let log = run(BEAD, &places[0], &["log", "--json"]);
    let lines: Vec<serde_json::Value> = serde_json::from_slice(&log).unwrap();
    assert_eq!(lines.iter().filter(|line| line["do"] == "bead.commented").count(), written);
    for place in &places {
        assert_eq!(tip(place), tip(&at.join("hub.git")));
        assert!(run(BEAD, place, &["log", "--json"]) == log);
        assert!(
            run(BEAD, place, &["show", bead, "--json"])
                == run(BEAD, &places[0], &["show", bead, "--json"])
        );
    }
    let trips = std::fs::read_to_string(at.join("trips")).unwrap();
    let per =
        |word: &str| trips.lines().filter(|trip| *trip == word).count() as f64 / written as f64;
    println!(
        "{:<26} {:>8} {:>8.1?} {:>8} {:>24}",
        format!("{clones} times {writers}, {protocol}"),
        written,
        took,
        syncs,
        format!(
            "{:.2} ({:.2} of them push)",
            trips.lines().count() as f64 / written as f64,
            per("push")
        )
    );
}

/// Writes everywhere, in exchange with the hub until all has arrived. Says how many exchanges that took.
fn all_write(places: &[PathBuf], (writers, writes): (usize, usize), bead: &str) -> usize {
    let (busy, syncs) = (AtomicUsize::new(places.len() * writers), AtomicUsize::new(0));
    std::thread::scope(|all| {
        for place in places {
            for writer in 0..writers {
                let busy = &busy;
                all.spawn(move || {
                    comment(place, bead, writer, writes);
                    busy.fetch_sub(1, Ordering::SeqCst);
                });
            }
            all.spawn(|| {
                while busy.load(Ordering::SeqCst) > 0 {
                    exchange(place);
                    syncs.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    // What is the last to arrive is fetched by all.
    for place in places.iter().chain(places) {
        exchange(place);
        syncs.fetch_add(1, Ordering::SeqCst);
    }
    syncs.into_inner()
}

fn comment(place: &Path, bead: &str, writer: usize, writes: usize) {
    for n in 0..writes {
        run(BEAD, place, &["comment", bead, &format!("{n} by {writer}")]);
    }
}

/// Others may be faster for as long as a sync tries.
fn exchange(place: &Path) {
    let told = command(BEAD, place).arg("sync").output().unwrap();
    assert!(matches!(told.status.code(), Some(0 | 75)), "{told:?}");
}

struct Daemon(Option<Child>);

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.0 {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }
}

/// A hub with a branch, and how it is reached.
fn hub(at: &Path, protocol: &str) -> (String, Daemon) {
    run("git", at, &["init", "-q", "--bare", "-b", "main", "hub.git"]);
    run("git", at, &["init", "-q", "-b", "main", "first"]);
    let first = at.join("first");
    run("git", &first, &["commit", "-q", "--allow-empty", "-m", "first"]);
    run("git", &first, &["push", "-q", "../hub.git", "main"]);
    if protocol == "file" {
        return (format!("file://{}/hub.git", at.display()), Daemon(None));
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // Not by way of `git`, which would leave it behind when it is ended.
    let programs = String::from_utf8(run("git", at, &["--exec-path"])).unwrap();
    let daemon = command(&format!("{}/git-daemon", programs.trim()), at)
        .args(["--export-all", "--enable=receive-pack", "--reuseaddr"])
        .args(["--listen=127.0.0.1", &format!("--port={free}")])
        .arg(format!("--base-path={}", at.display()))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (url, daemon) = (format!("git://127.0.0.1:{free}/hub.git"), Daemon(Some(daemon)));
    while !command("git", at).args(["ls-remote", "-q", &url]).output().unwrap().status.success() {}
    (url, daemon)
}

/// From here on a git that our commands start is counted when it leaves for the hub.
fn count_trips(at: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::var("PATH").unwrap();
    let git =
        path.split(':').map(|dir| Path::new(dir).join("git")).find(|git| git.exists()).unwrap();
    std::fs::create_dir(at.join("bin")).unwrap();
    let counted = COUNTED.replace("$GIT", git.to_str().unwrap());
    let counted = counted.replace("$HOME", at.to_str().unwrap());
    std::fs::write(at.join("bin/git"), counted).unwrap();
    std::fs::set_permissions(at.join("bin/git"), PermissionsExt::from_mode(0o755)).unwrap();
}

/// Writes until the time is over and says how many microseconds each write took.
fn writer(at: &Path, bead: &str, seconds: u64, kind: &str) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        let from = Instant::now();
        let text = format!("{} at {:?}", std::process::id(), start.elapsed());
        if kind == "command" {
            run(BEAD, at, &["comment", bead, &text]);
        } else {
            write(at, bead, &text);
        }
        println!("{}", from.elapsed().as_micros());
    }
}

fn write(at: &Path, bead: &str, text: &str) {
    let env: Environment = sealed(at).into_iter().collect();
    let repo = Repo::open(at, &env).unwrap();
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let actor = Actor {
        by: "Jane Doe".to_owned(),
        owner: "jane@example.org".to_owned(),
        ..Actor::default()
    };
    let said = |_: &shopfloor::bead::Beads, pen: &mut Pen<'_>| {
        pen.line(bead, &Event::Commented { text: text.to_owned() })
    };
    ledger.write(&actor, said).unwrap();
}

/// Reads nothing: what is measured is the disk.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Blind;

impl Fold for Blind {
    const VERSION: u32 = 1;

    fn name() -> String {
        "blind".to_owned()
    }

    fn drink(&mut self, _: &Line) {}

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}

fn size(lines: usize) {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".gitconfig"), "").unwrap();
    run("git", home.path(), &["init", "-q", "floor"]);
    let floor = home.path().join("floor");
    let env: Environment = sealed(&floor).into_iter().collect();
    let repo = Repo::open(&floor, &env).unwrap();
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let actor = Actor {
        by: "api/polecat/toast".to_owned(),
        owner: "jane@example.org".to_owned(),
        session: Some("k2m9qx4tbn0hd7f3".to_owned()),
        ..Actor::default()
    };
    let mut raw = 0;
    for start in (0..lines).step_by(20) {
        let text = |n| format!("{n}: what was found out about it, told in one plain sentence");
        let said = |_: &Blind, pen: &mut Pen<'_>| {
            (start..start + 20).try_for_each(|n| {
                let on = format!("api-{:016x}", n % (lines / 5) * 0x9e37_79b9);
                pen.line(&on, &Event::Commented { text: text(n) })
            })
        };
        ledger.write(&actor, said).unwrap();
    }
    for line in ledger.lines().unwrap() {
        raw += serde_json::to_vec(&line).unwrap().len();
    }
    let listed = run("git", &floor, &["rev-list", "--objects", "--disk-usage", REF]);
    let loose: usize = String::from_utf8(listed).unwrap().trim().parse().unwrap();
    let packed = ledger.maintain().unwrap().unwrap().packed;
    println!("{lines} lines of {} bytes", raw / lines);
    println!("loose:  {} bytes a line", loose / lines);
    let each = packed.bytes as usize / lines;
    println!("packed: {each} bytes a line, {} objects", packed.objects);
    assert!(each < 400);
}

fn sealed(at: &Path) -> Vec<(String, String)> {
    let own = Path::new(BEAD).parent().unwrap();
    let home = at.ancestors().find(|dir| dir.join(".gitconfig").exists()).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}/bin:{}:{path}", home.display(), own.display());
    let home = home.to_str().unwrap();
    let pairs = [("PATH", path.as_str()), ("HOME", home), ("GIT_CONFIG_NOSYSTEM", "1")];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn command(program: &str, at: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(at).env_clear().envs(sealed(at)).stdin(Stdio::null());
    command
}

fn run(program: &str, at: &Path, args: &[&str]) -> Vec<u8> {
    let told = command(program, at).args(args).output().unwrap();
    assert!(told.status.success(), "{program} {args:?}: {told:?}");
    told.stdout
}
