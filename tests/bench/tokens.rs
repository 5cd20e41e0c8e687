//! What an agent pays to read the answers of trackers, ours and the ones on the PATH (`br` of beads_rust):
//! `cargo bench --bench tokens`. Each is told the same beads and asked the same questions, as text and as
//! JSON; bytes and tokens at the most, by the estimate that `prime` keeps to. Figures to compare.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark starts programs, says what it measured, and fails by panic"
)]

use std::path::Path;
use std::process::{Command, Stdio};

use shopfloor::bead::tokens::tokens;

const BEADS: usize = 200;

/// What is asked, of whom: `@` stands for a bead, `+` for another. An empty question has no answer there.
const QUESTIONS: [(&str, &str, &str); 11] = [
    ("create", "create Another", "create Another"),
    ("show", "show @", "show @"),
    ("ready, ten", "ready -n 10", "ready --limit 10"),
    ("list, twenty", "list -n 20", "list --limit 20"),
    ("search", "search parser -n 10", "search parser --limit 10"),
    ("blocked", "blocked", "blocked"),
    ("stats", "stats", "stats"),
    ("claim", "update + --claim", "update + --claim"),
    ("close", "close + --reason done", "close + --reason done"),
    ("ready, ten, brief", "ready -n 10 --brief", ""),
    ("prime", "prime", ""),
];

fn main() {
    let ours = answers(env!("CARGO_BIN_EXE_git-bead"), &[], |question| question.1);
    let theirs = answers("br", &["init"], |question| question.2);
    println!(
        "{:<20} {:>16} {:>16} {:>16} {:>16}",
        "bytes/tokens", "shopfloor", "json", "br", "json"
    );
    for (at, (name, ..)) in QUESTIONS.iter().enumerate() {
        let cell = |all: &Option<Vec<String>>, of: usize| {
            let said =
                all.as_ref().map(|all| all[2 * at + of].as_str()).filter(|it| !it.is_empty());
            said.map_or("-".to_owned(), |said| format!("{}/{}", said.len(), tokens(said)))
        };
        let (a, b) = (cell(&ours, 0), cell(&ours, 1));
        let (c, d) = (cell(&theirs, 0), cell(&theirs, 1));
        println!("{name:<20} {a:>16} {b:>16} {c:>16} {d:>16}");
    }
}

/// Each answer as text and as JSON; none where the program is not here.
fn answers(
    program: &str,
    begin: &[&str],
    question: fn(&(&'static str, &'static str, &'static str)) -> &'static str,
) -> Option<Vec<String>> {
    let home = tempfile::tempdir().unwrap();
    let who = "[user]\n\tname = Jane Doe\n\temail = jane@example.org\n";
    std::fs::write(home.path().join(".gitconfig"), who).unwrap();
    let floor = home.path().join("floor");
    run("git", home.path(), &["init", "-q", "-b", "main", "floor"]).unwrap();
    run("git", &floor, &["commit", "-q", "--allow-empty", "-m", "start"]).unwrap();
    run(program, &floor, &["--version"])?;
    for word in begin {
        drop(run(program, &floor, &[word]));
    }
    let text = "It stops at the first byte when the file is empty; the log of that run has more.";
    let make = |n: usize| {
        let (title, priority) =
            (format!("Parser case {n} accepts empty input"), format!("{}", n % 5));
        let call = ["create", &title, "-t", "bug", "-p", &priority, "-d", text, "--json"];
        id(&run(program, &floor, &call).unwrap())
    };
    let ids: Vec<_> = (0..BEADS).map(make).collect();
    for pair in ids[..20].chunks(2) {
        run(program, &floor, &["dep", "add", &pair[0], &pair[1]]).unwrap();
    }
    let mut fresh = ids.iter().rev().step_by(2);
    let mut said = Vec::new();
    for asked in &QUESTIONS {
        for json in [&[][..], &["--json"]] {
            let other = fresh.next().unwrap();
            let words = question(asked).split_whitespace().map(|word| match word {
                "@" => ids[0].as_str(),
                "+" => other.as_str(),
                word => word,
            });
            let words: Vec<_> = words.chain(json.iter().copied()).collect();
            let none = question(asked).is_empty();
            said.push(if none { String::new() } else { run(program, &floor, &words).unwrap() });
        }
    }
    Some(said)
}

fn id(told: &str) -> String {
    let start = told.find('{').unwrap_or_else(|| panic!("no JSON: {told}"));
    let mut answers = serde_json::Deserializer::from_str(&told[start..]).into_iter();
    let answer: serde_json::Value = answers.next().unwrap().unwrap();
    answer["id"].as_str().unwrap().to_owned()
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
