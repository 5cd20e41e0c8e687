//! The ledger in real repositories, beside real git.

mod beside;
mod clones;
mod damage;
mod find;
mod maintain;
mod merge;
pub(crate) mod replicas;
mod together;
mod trail;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::shelf::Positions;
use super::{Actor, Fold, Ledger, Line, Loaded, REF, Saving};
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
        if let Some(n) = line.with.json()["n"].as_u64() {
            self.on.entry(line.on.clone()).or_default().push(n);
        }
        self.order.push(line.id.clone());
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
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
        let told = [
            ("PATH", env!("PATH")),
            ("HOME", dir.path().to_str().unwrap()),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", config.to_str().unwrap()),
        ];
        let env = told.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
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
    ledger.write(&jane(), |_: &Told, pen| pen.line(on, &json!({"test.said": {"n": n}})))
}

fn all(world: &World, at: &Path, on: &str, count: u64) {
    for n in 0..count {
        say(world, at, on, n).unwrap();
    }
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
                pen.line("full", &json!({"test.said": {"n": n, "text": text}}))
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
        pen.line("a", &"test.said")?;
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

#[test]
fn a_deleted_directory_of_ours_loses_nothing() {
    let world = World::new();
    let path = world.repo("app", &[]);
    for n in 0..3 {
        say(&world, &path, "a", n).unwrap();
        fs::remove_dir_all(path.join(".git/shopfloor")).unwrap();
    }
    assert_eq!(read(&world, &path).unwrap().on["a"], [0, 1, 2]);
    assert_eq!(world.git(&path, &["ls-tree", "-d", "--name-only", REF]).lines().count(), 1);
}

#[test]
fn a_copy_of_the_repository_takes_another_name() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    let copy = path.with_file_name("copy");
    assert!(
        Program::new("cp")
            .args(["-r", path.to_str().unwrap(), copy.to_str().unwrap()])
            .run()
            .succeeded()
    );
    say(&world, &copy, "a", 2).unwrap();
    say(&world, &path, "a", 3).unwrap();
    let name = |at: &Path| {
        let repo = world.open(at);
        Ledger::open(&repo, &Clock::real()).unwrap().replica().unwrap()
    };
    assert_ne!(name(&path), name(&copy));
    assert_eq!(name(&path), name(&path));
    assert_eq!(read(&world, &copy).unwrap().on["a"], [1, 2]);
}

#[test]
fn the_alternate_is_added_to_others_and_put_back() {
    let world = World::new();
    let (path, other) = (world.repo("app", &[]), world.repo("other", &["--bare"]));
    let file = path.join(".git/objects/info/alternates");
    let line = format!("{}/objects", other.display());
    fs::write(&file, &line).unwrap();
    say(&world, &path, "a", 1).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{line}\n../shopfloor-objects\n"));
    fs::remove_file(&file).unwrap();
    say(&world, &path, "a", 2).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "../shopfloor-objects\n");
    assert_eq!(read(&world, &path).unwrap().on["a"], [1, 2]);
}

#[test]
fn an_empty_file_in_place_of_an_object_is_written_anew() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let repo = world.open(&path);
    let store = crate::git::Store::open(&repo);
    let id = store.write_blob(b"whole").unwrap();
    store.barrier().unwrap();
    let hex = id.to_string();
    let file = store.dir().join(&hex[..2]).join(&hex[2..]);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "").unwrap();
    assert!(store.blob(&id).is_err());
    assert_eq!(store.write_blob(b"whole").unwrap(), id);
    assert_eq!(store.blob(&id).unwrap(), b"whole");
}

#[test]
fn a_full_ledger_is_in_heads_middles_and_segments() {
    let world = World::new();
    let path = world.repo("app", &[]);
    fill(&world, &path);
    let files = world.git(&path, &["ls-tree", "-r", "--name-only", REF]);
    let kinds: Vec<_> = files
        .lines()
        .map(|name| name.rsplit_once("r-").map_or(name, |(_, rest)| &rest[17..]))
        .collect();
    assert_eq!(
        kinds,
        ["0-627.jsonl", "1-608.jsonl", "s/0000/00.jsonl", "s/0000/01.jsonl", "v.json"]
    );
    let told = read(&world, &path).unwrap();
    assert_eq!(told.on["full"], (0..640).collect::<Vec<_>>());
    assert_eq!(world.git(&path, &["rev-list", "--count", REF]), "1");
    world.git(&path, &["fsck", "--strict"]);
}

/// Everybody else waits for who sweeps.
#[test]
fn what_was_superseded_is_swept_a_little_at_a_time() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 0).unwrap();
    let note = world.open(&path).desk_dir().unwrap().join("superseded");
    fs::write(&note, format!("1 {}\n", "0".repeat(40)).repeat(250)).unwrap();
    let left =
        || fs::read_to_string(&note).unwrap().lines().filter(|it| it.starts_with("1 ")).count();
    for due in [150, 50, 0] {
        say(&world, &path, "a", 1).unwrap();
        assert_eq!(left(), due);
    }
}

#[test]
fn what_a_killed_writer_had_not_named_is_swept_after_an_hour() {
    let world = World::new();
    let path = world.repo("app", &[]);
    let own_dir = world.open(&path).own_dir().unwrap();
    fs::write(world.open(&path).desk_dir().unwrap().join("superseded"), "1 \n").unwrap();
    let hour = std::time::Duration::from_secs(3700);
    for (name, age) in [(".tmpOld", hour), (".tmpYoung", hour / 4), ("kept", hour)] {
        let file = fs::File::create(own_dir.join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - age).unwrap();
    }
    say(&world, &path, "a", 0).unwrap();
    let there = |name: &str| own_dir.join(name).exists();
    assert_eq!([".tmpOld", ".tmpYoung", "kept"].map(there), [false, true, true]);
}
