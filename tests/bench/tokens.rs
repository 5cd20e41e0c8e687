//! What an agent pays to read the answers of trackers, ours, `br` of beads_rust where it is on the PATH, and
//! Go's `bd`: `cargo bench --bench tokens`. Each is told the same beads and asked the same questions, as text
//! and as JSON; bytes and tokens at the most, by the estimate that `prime` keeps to. A `!` stands where ours
//! costs more than `bd`, which fails the bench. Ids make a difference: ours are whole in JSON, 20 letters
//! where the others' have 9.
//!
//! Measured on 2026-11-22, 40 beads, br 0.7.6:
//!
//! ```text
//! bytes/tokens          shopfloor         json           br         json     bd 1.0.5         json
//! create                    28/12      179/144        31/14      306/224        71/34      269/189
//! show                     236/88      581/336      298/136      566/334      323/177      987/527
//! ready, ten              609/266    3072/1848      686/321    3370/2098      812/419    4748/2597
//! list, twenty           1182/520    8177/4981     1264/614    9212/5631     1428/698    9493/5192
//! search                  568/216    3675/2243      815/376    4773/2881      655/257    4743/2593
//! blocked                 905/356    3238/1826     1033/448    3788/2375     1043/452    4698/2631
//! stats                     93/46      237/139      470/189      385/219      269/111      316/170
//! claim                     65/25       132/75       117/48      183/122        68/28      478/282
//! update                    55/21        48/33        76/34      170/115        68/28      401/227
//! close                     58/21      156/103        64/26      156/109        66/27      472/277
//! close, frees one         120/40      254/152       133/52      256/164       142/59      982/558
//! ready, ten, brief       608/268     1261/711            -            -            -            -
//! prime                   977/366     1358/689            -            -            -            -
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark starts programs, says what it measured, and fails by panic"
)]

mod bd;

use std::path::Path;
use std::process::{Command, Stdio};

use shopfloor::bead::tokens::tokens;

const BEADS: usize = 40;
/// The first of them wait in pairs, each even one for the next.
const LINKED: usize = 20;
const TEXT: &str =
    "It stops at the first byte when the file is empty; the log of that run has more.";

/// What is asked, of whom: `@` stands for a bead, `+` for another, `=` for one that others wait for. An
/// empty question has no answer there.
const QUESTIONS: [(&str, &str, &str); 13] = [
    ("create", "create Another", "create Another"),
    ("show", "show @", "show @"),
    ("ready, ten", "ready -n 10", "ready --limit 10"),
    ("list, twenty", "list -n 20", "list --limit 20"),
    ("search", "search parser -n 10", "search parser --limit 10"),
    ("blocked", "blocked", "blocked"),
    ("stats", "stats", "stats"),
    ("claim", "update + --claim", "update + --claim"),
    ("update", "update + -p 1", "update + -p 1"),
    ("close", "close + --reason done", "close + --reason done"),
    ("close, frees one", "close = --reason done", "close = --reason done --suggest-next"),
    ("ready, ten, brief", "ready -n 10 --brief", ""),
    ("prime", "prime", ""),
];

fn main() {
    let ours = answers(env!("CARGO_BIN_EXE_git-bead"), &[], |question| question.1);
    let br = answers("br", &["init"], |question| question.2);
    let head = ["bytes/tokens", "shopfloor", "json", "br", "json", "bd 1.0.5", "json"];
    line(&head.map(str::to_owned));
    let mut dear = Vec::new();
    for (at, (name, ..)) in QUESTIONS.iter().enumerate() {
        let said = |all: &Option<Vec<String>>, of: usize| {
            all.as_ref().map_or(String::new(), |all| all[2 * at + of].clone())
        };
        let mut row = vec![(*name).to_owned()];
        let theirs = bd::answer(name);
        for of in [0, 1] {
            let (ours, theirs) = (said(&ours, of), &theirs[of]);
            let is_dear = !theirs.is_empty() && tokens(&ours) > tokens(theirs);
            dear.extend(is_dear.then_some(*name));
            row.push(cell(&ours) + if is_dear { " !" } else { "" });
        }
        row.extend([0, 1].map(|of| cell(&said(&br, of))));
        row.extend(theirs.iter().map(|said| cell(said)));
        line(&row);
    }
    assert_eq!(dear, Vec::<&str>::new(), "these cost more than bd's");
}

fn cell(said: &str) -> String {
    if said.is_empty() { "-".to_owned() } else { format!("{}/{}", said.len(), tokens(said)) }
}

fn line(row: &[String]) {
    let cells: String = row.iter().skip(1).map(|cell| format!(" {cell:>12}")).collect();
    println!("{:<18}{cells}", row[0]);
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
    let make = |n: usize| {
        let (title, priority) =
            (format!("Parser case {n} accepts empty input"), format!("{}", n % 5));
        let call = ["create", &title, "-t", "bug", "-p", &priority, "-d", TEXT, "--json"];
        id(&run(program, &floor, &call).unwrap())
    };
    let ids: Vec<_> = (0..BEADS).map(make).collect();
    for pair in ids[..LINKED].chunks(2) {
        run(program, &floor, &["dep", "add", &pair[0], &pair[1]]).unwrap();
    }
    let (mut fresh, mut held_up) = (ids[LINKED..].iter().rev(), ids[1..].iter().step_by(2));
    let mut said = Vec::new();
    for asked in &QUESTIONS {
        for json in [&[][..], &["--json"]] {
            let words = question(asked).split_whitespace().map(|word| match word {
                "@" => ids[0].as_str(),
                "+" => fresh.next().unwrap(),
                "=" => held_up.next().unwrap(),
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
        .envs(["BR_ACTOR", "BEADS_ACTOR", "BD_ACTOR"].map(|name| (name, "Jane Doe")))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    told.status.success().then(|| String::from_utf8(told.stdout).unwrap())
}
