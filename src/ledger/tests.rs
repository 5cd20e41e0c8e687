//! The ledger in real repositories, beside real git.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Actor, Fold, Ledger, Line, REF};
use crate::git::{Oid, Repo};
use crate::host::process::Program;
use crate::host::{Clock, Environment};
use crate::refusal::{Kind, Refusal};

/// Which lines each subject has, and all of them in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Told {
    on: BTreeMap<String, Vec<u64>>,
    order: Vec<String>,
}

impl Fold for Told {
    const VERSION: u32 = 1;

    fn name() -> String {
        "told".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        if let Some(n) = line.with["n"].as_u64() {
            self.on.entry(line.on.clone()).or_default().push(n);
        }
        self.order.push(line.id.clone());
    }
}

struct World {
    dir: tempfile::TempDir,
    env: Environment,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("gitconfig");
        fs::write(&config, "[user]\n\tname = Jane\n\temail = jane@example.org\n").unwrap();
        let env = Environment::default()
            .with("PATH", env!("PATH"))
            .with("HOME", dir.path().to_str().unwrap())
            .with("GIT_CONFIG_NOSYSTEM", "1")
            .with("GIT_CONFIG_GLOBAL", config.to_str().unwrap());
        Self { dir, env }
    }

    fn repo(&self, name: &str, init: &[&str]) -> PathBuf {
        let path = fs::canonicalize(self.dir.path()).unwrap().join(name);
        fs::create_dir(&path).unwrap();
        self.git(&path, &[&["init", "-q", "-b", "main"], init].concat());
        path
    }

    fn git(&self, at: &Path, args: &[&str]) -> String {
        let outcome = Program::new("git").args(args).dir(at).full_env(self.env.iter()).run();
        assert!(outcome.succeeded(), "git {args:?}: {}", String::from_utf8_lossy(&outcome.err));
        String::from_utf8(outcome.out).unwrap().trim_end().to_owned()
    }

    fn open(&self, at: &Path) -> Repo {
        Repo::open(at, &self.env).unwrap()
    }
}

fn jane() -> Actor {
    Actor { by: "jane".to_owned(), owner: "jane@example.org".to_owned(), ..Actor::default() }
}

/// A new repository handle each time, as each command has.
fn read(world: &World, at: &Path) -> anyhow::Result<Told> {
    Ledger::open(&world.open(at), &Clock::real()).unwrap().read()
}

fn say(world: &World, at: &Path, on: &str, n: u64) -> anyhow::Result<()> {
    let repo = world.open(at);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    ledger
        .write(&jane(), |_: &Told, pen| pen.line(on, &json!({"do": "test.said", "with": {"n": n}})))
}

fn tip(world: &World, at: &Path) -> Option<Oid> {
    world.open(at).read_ref(&REF.parse().unwrap()).unwrap()
}

fn refusal(no: &anyhow::Error) -> &Refusal {
    no.downcast_ref::<Refusal>().unwrap_or_else(|| panic!("{no:#}"))
}

/// Writes until every kind of file of the layout is there; some 200 KiB.
fn fill(world: &World, at: &Path) {
    let repo = world.open(at);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    for part in 0..40 {
        let text = "x".repeat(200);
        let say = |_: &Told, pen: &mut super::Pen<'_>| {
            (0..16).try_for_each(|n| {
                let n = part * 16 + n;
                pen.line("full", &json!({"do": "test.said", "with": {"n": n, "text": text}}))
            })
        };
        ledger.write(&jane(), say).unwrap();
    }
}

#[test]
fn what_is_written_is_read_in_every_kind_of_repository() {
    let world = World::new();
    let bare = world.repo("bare", &["--bare"]);
    let sha256 = world.repo("sha256", &["--object-format=sha256"]);
    let reftable = world.repo("reftable", &["--ref-format=reftable"]);
    let plain = world.repo("plain", &[]);
    world.git(&plain, &["commit", "-q", "--allow-empty", "-m", "root"]);
    world.git(&plain, &["worktree", "add", "-q", "../linked"]);
    let linked = plain.with_file_name("linked");
    for (writer, reader) in
        [(&bare, &bare), (&sha256, &sha256), (&reftable, &reftable), (&linked, &plain)]
    {
        assert_eq!(read(&world, reader).unwrap(), Told::default());
        for n in 0..3 {
            say(&world, writer, "a", n).unwrap();
        }
        assert_eq!(read(&world, reader).unwrap().on["a"], [0, 1, 2], "{}", reader.display());
        world.git(reader, &["fsck", "--strict"]);
        assert_eq!(world.git(reader, &["rev-list", "--count", REF]), "1");
        let file = world.git(reader, &["ls-tree", "-r", "--name-only", REF]);
        assert!(file.ends_with("/0-0.jsonl\nv.json"), "{file}");
    }
}

#[test]
fn a_decision_that_pens_nothing_writes_nothing() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    assert_eq!(ledger.write(&jane(), |_: &Told, _| Ok(7)).unwrap(), 7);
    let no = ledger.write(&jane(), |_: &Told, pen| {
        pen.line("a", &json!({"do": "test.said"}))?;
        anyhow::bail!("no") as anyhow::Result<()>
    });
    assert_eq!(no.unwrap_err().to_string(), "no");
    assert_eq!(tip(&world, &path), None);
}

#[test]
fn lines_name_what_came_before_on_their_subject() {
    let world = World::new();
    let path = world.repo("app", &[]);
    for (on, n) in [("a", 1), ("b", 2), ("a", 3)] {
        say(&world, &path, on, n).unwrap();
    }
    let repo = world.open(&path);
    let lines = Ledger::open(&repo, &Clock::real()).unwrap().lines().unwrap();
    assert_eq!(lines.iter().map(|line| line.clock).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(lines[2].after, [lines[0].id.clone()]);
    assert!(lines[1].after.is_empty());
}
