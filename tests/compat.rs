//! What any release wrote, every later one still reads: a ledger of the first format, with a line of
//! every kind, and what it says. Releases add to it and take nothing away; `UPDATE=1` rewrites the
//! answers, never the lines.

use std::fs;
use std::path::Path;

use crate::support::{Place, Sandbox, updating};

const QUESTIONS: &[(&str, &str)] = &[
    ("beads", "git bead list --all --limit 0 --json"),
    ("log", "git bead log --json"),
    ("convoys", "git convoy list --all --json"),
    ("mail", "git sling mail --json"),
    ("queue", "git refinery status --json | grep -v '\"tip\":'"),
];

#[test]
fn the_first_format_reads_as_it_was_meant() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat");
    let world = Sandbox::new();
    let repo = world.repo("api");
    plant(&repo, &corpus.join("v1"));
    for (name, question) in QUESTIONS {
        let said = repo.sh(question).ok().out;
        let file = corpus.join(format!("v1-{name}.json"));
        if updating() {
            fs::write(&file, &said).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), said, "{question}");
    }
}

#[test]
fn every_kind_of_line_has_a_sample() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let log = fs::read_to_string(root.join("tests/compat/v1-log.json")).unwrap();
    let mut missing = Vec::new();
    for room in ["agent", "bead", "convoy", "refinery"] {
        let file = root.join(format!("src/{room}/event.rs"));
        let words = fs::read_to_string(file).unwrap();
        let kinds = words.split("rename = \"").skip(1).filter_map(|rest| rest.split('"').next());
        let kinds = kinds.filter(|kind| kind.contains('.'));
        missing.extend(
            kinds.filter(|kind| !log.contains(&format!("\"do\": \"{kind}\""))).map(str::to_owned),
        );
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// Puts a ledger's tree where this repository would have it.
fn plant(repo: &Place<'_>, tree: &Path) {
    let script = format!(
        "export GIT_INDEX_FILE=$PWD/.git/planted\n\
         git --work-tree='{}' add --all . &&\n\
         commit=$(git commit-tree -m planted $(git write-tree)) &&\n\
         git update-ref refs/shopfloor/ledger $commit && rm $GIT_INDEX_FILE",
        tree.display()
    );
    repo.sh(&script).ok();
}
