//! Power loss: by the time a command says "done", all it wrote is on the disk, and in the right order.
//!
//! `strace` shows each file written, renamed and synced. Two moments are looked at: when our ref
//! moves, no object may still be on its way; when the result is printed, nothing may.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::support::{Place, Sandbox, there};

const CALLS: &str = "trace=openat,open,creat,write,pwrite64,writev,rename,renameat,renameat2,link,\
                     linkat,mkdir,mkdirat,unlink,unlinkat,fsync,fdatasync,sync_file_range,syncfs,sync";

#[test]
fn what_is_acknowledged_is_durable() {
    let world = Sandbox::new();
    if !traceable(&world) {
        return;
    }
    let repo = world.repo("api");
    let bead = durable(&repo, &["git-bead", "create", "Survive"]);
    assert_eq!(bead, 1);
    let id = repo.json("bead list --json")[0]["id"].as_str().unwrap().to_owned();
    for n in 0..30 {
        durable(&repo, &["git-bead", "comment", &id, &format!("{n} {}", "long ".repeat(200))]);
    }
    durable(&repo, &["git-bead", "update", &id, "--claim"]);
    durable(&repo, &["git-bead", "close", &id, "--reason", "done"]);
}

/// Git's own tests turn off its flushes so; ours are no git's.
#[test]
fn nobody_turns_the_flushes_off() {
    for format in ["files", "reftable"] {
        let mut world = Sandbox::new();
        world.set("GIT_TEST_FSYNC", "0");
        let storage = format!("--ref-format={format}");
        if !traceable(&world) || !world.knows_reftable() {
            return;
        }
        let repo = world.repo_as("api", &[&storage]);
        for n in 0..3 {
            durable(&repo, &["git-bead", "create", &format!("Survive {n}")]);
        }
    }
}

#[test]
fn the_same_holds_with_reftable() {
    let world = Sandbox::new();
    if !traceable(&world) || !world.knows_reftable() {
        return;
    }
    let repo = world.repo_as("api", &["--ref-format=reftable"]);
    for n in 0..5 {
        durable(&repo, &["git-bead", "create", &format!("Survive {n}")]);
    }
}

pub(crate) fn traceable(world: &Sandbox) -> bool {
    there(world.place(".").sh("strace -f -o trace true").code == 0, "strace that may trace")
}

/// Run a command under strace and look at both moments; how often our ref moved.
#[track_caller]
fn durable(repo: &Place<'_>, argv: &[&str]) -> usize {
    let trace = repo.world.root().join("trace");
    let strace = ["strace", "-f", "-y", "-s", "300", "-e", CALLS, "-o", trace.to_str().unwrap()];
    let ran = repo.run(strace.iter().chain(argv)).ok();
    let mut disk = Disk { cwd: repo.dir.clone(), ..Disk::default() };
    for line in whole(&std::fs::read_to_string(trace).unwrap()) {
        disk.see(&line);
    }
    assert!(disk.spoke, "it said nothing\n{ran}");
    disk.moved
}

/// The lines of a trace in the order in which calls ended. Of one that others ran beside, strace
/// tells the start and the end on lines of their own.
fn whole(trace: &str) -> Vec<String> {
    let mut begun = BTreeMap::new();
    let end = |line: &str| {
        let (process, call) = line.split_once(char::is_whitespace)?;
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix("<unfinished ...>") {
            begun.insert(process.to_owned(), start.trim_end().to_owned());
            return None;
        }
        let Some((_, rest)) = call.split_once(" resumed>") else { return Some(line.to_owned()) };
        Some(format!("{process} {}{rest}", begun.remove(process)?))
    };
    trace.lines().filter_map(end).collect()
}

/// What a disk could still forget.
#[derive(Default)]
struct Disk {
    cwd: PathBuf,
    files: BTreeSet<PathBuf>,
    entries: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    moved: usize,
    spoke: bool,
}

impl Disk {
    fn see(&mut self, line: &str) {
        let Some(call) = Call::parse(line, &self.cwd) else { return };
        match call.name {
            "openat" | "open" | "creat" if call.args.contains("O_CREAT") => {
                if let Some(path) = call.opened {
                    self.appear(path);
                }
            }
            "mkdir" | "mkdirat" => {
                for dir in call.paths.into_iter().filter(|dir| ours(dir)) {
                    self.entries.entry(parent(&dir)).or_default().insert(dir);
                }
            }
            "write" | "writev" | "pwrite64" if call.says() => self.speak(line),
            "write" | "writev" | "pwrite64" => {
                self.files.extend(call.handle.filter(|path| ours(path)));
            }
            "rename" | "renameat" | "renameat2" | "link" | "linkat" => self.name(&call),
            "unlink" | "unlinkat" => call.paths.iter().for_each(|path| self.forget(path)),
            "fsync" | "fdatasync" => {
                let path = call.handle.unwrap();
                self.files.remove(&path);
                self.entries.remove(&path);
            }
            "syncfs" | "sync" => {
                self.files.clear();
                self.entries.clear();
            }
            _ => {}
        }
    }

    fn appear(&mut self, path: PathBuf) {
        if ours(&path) {
            self.entries.entry(parent(&path)).or_default().insert(path.clone());
            self.files.insert(path);
        }
    }

    /// A file takes its lasting name: a ref that does so must not come before its objects.
    fn name(&mut self, call: &Call<'_>) {
        let [from, to] = &call.paths[..] else { return };
        if !ours(to) {
            return;
        }
        let name = to.to_str().unwrap();
        if name.contains("refs/shopfloor/") && !name.ends_with(".lock") {
            self.moved += 1;
            let objects = |path: &&PathBuf| {
                path.components().any(|part| part.as_os_str().to_string_lossy().contains("objects"))
            };
            let late: Vec<_> = self.files.iter().filter(objects).collect();
            let unnamed: Vec<_> = self.entries.values().flatten().filter(objects).collect();
            assert!(late.is_empty() && unnamed.is_empty(), "the ref before {late:?} {unnamed:?}");
            assert!(!self.files.contains(from), "the ref has no bytes yet: {}", from.display());
        }
        let dirty = self.files.contains(from);
        if call.name.starts_with("rename") {
            self.forget(from);
        }
        if dirty {
            self.files.insert(to.clone());
        }
        self.entries.entry(parent(to)).or_default().insert(to.clone());
    }

    fn forget(&mut self, path: &Path) {
        self.files.remove(path);
        for entries in self.entries.values_mut() {
            entries.remove(path);
        }
        self.entries.retain(|_, entries| !entries.is_empty());
    }

    fn speak(&mut self, line: &str) {
        self.spoke = true;
        let left = (&self.files, &self.entries);
        assert!(
            self.files.is_empty() && self.entries.is_empty(),
            "{line}\nstill not safe: {left:#?}"
        );
    }
}

/// One finished system call of a trace.
struct Call<'t> {
    name: &'t str,
    args: &'t str,
    /// The path that an opened descriptor has.
    opened: Option<PathBuf>,
    /// The path of the descriptor that is the first argument.
    handle: Option<PathBuf>,
    /// The paths among the arguments.
    paths: Vec<PathBuf>,
}

impl<'t> Call<'t> {
    fn parse(line: &'t str, cwd: &Path) -> Option<Self> {
        let (_, line) = line.split_once(char::is_whitespace)?;
        let (name, rest) = line.trim_start().split_once('(')?;
        let (args, result) = rest.rsplit_once(" = ")?;
        if result.starts_with('-') || result.starts_with('?') {
            return None;
        }
        let handle = args.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let paths = args.split('"').skip(1).step_by(2).map(|path| absolute(cwd, path)).collect();
        Some(Self {
            name,
            args,
            opened: result
                .split_once('<')
                .map(|(_, path)| PathBuf::from(path.trim_end_matches('>'))),
            handle: handle.map(|(path, _)| PathBuf::from(path)),
            paths,
        })
    }
}

impl Call<'_> {
    /// Whether this is the command's own result, and not what a child tells its parent.
    fn says(&self) -> bool {
        self.args.starts_with("1<")
            && self.handle.as_ref().is_some_and(|path| path.extension().is_some())
    }
}

/// What has to last: everything in the git directory but locks and what can be made again.
fn ours(path: &Path) -> bool {
    let text = path.to_str().unwrap();
    text.contains("/.git/")
        && !text.contains("/.git/shopfloor/")
        && !text.contains("-objects/desk/")
        && !text.ends_with(".lock")
        || text.contains("/.git/refs/shopfloor/")
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap().to_owned()
}

/// Without `.` and `..`, and without asking the disk.
fn absolute(cwd: &Path, path: &str) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in cwd.join(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}
#[test]
fn a_queued_push_is_durable() {
    let world = Sandbox::new();
    if !traceable(&world) {
        return;
    }
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    repo.sh("git switch -q -c topic && echo a >a && git add a && git commit -q -m a").ok();
    durable(&repo, &["git-refinery", "submit"]);
}

#[test]
fn nobody_is_told_before_the_barrier_that_all_wait_for() {
    let world = Sandbox::new();
    if !traceable(&world) {
        return;
    }
    let repo = world.repo("api");
    let id = repo.bead("Wanted by all");
    let trace = world.root().join("trace").to_str().unwrap().to_owned();
    let crowd = format!("for n in 1 2 3 4 5 6 7 8; do git-bead comment {id} $n & done; wait");
    let calls = format!("{CALLS},read");
    repo.run(["strace", "-f", "-y", "-s", "300", "-e", &calls, "-o", &trace, "sh", "-c", &crowd])
        .ok();
    let mut crowd = Crowd::default();
    for line in whole(&std::fs::read_to_string(trace).unwrap()) {
        crowd.see(&line);
    }
    assert_eq!(crowd.spoke, 8);
    assert!(crowd.moved < 8, "each had a barrier to itself");
    assert_eq!(
        repo.json(&format!("bead show {id} --json"))[0]["comments"].as_array().unwrap().len(),
        8
    );
}

/// Who decided when, who then read what was decided, moved the ref, and made that durable.
#[derive(Default)]
struct Crowd {
    now: usize,
    decided: BTreeMap<String, usize>,
    read: BTreeMap<String, usize>,
    swapped: BTreeMap<String, usize>,
    /// Up to when what had been decided is durable.
    durable: usize,
    moved: usize,
    spoke: usize,
}

impl Crowd {
    fn see(&mut self, line: &str) {
        self.now += 1;
        let Some(call) = Call::parse(line, Path::new("/")) else { return };
        let pid = line.split_once(' ').unwrap().0.to_owned();
        let ends = |path: Option<&PathBuf>, end| path.is_some_and(|path| path.ends_with(end));
        let ledger = "refs/shopfloor/ledger";
        match call.name {
            "write" if ends(call.handle.as_ref(), "desk/chain") => {
                self.decided.insert(pid, self.now);
            }
            // Not when it was opened: what others add until it is read is read, too.
            "read" if ends(call.handle.as_ref(), "desk/chain") => {
                self.read.insert(pid, self.now);
            }
            "rename" | "renameat" | "renameat2" if ends(call.paths.last(), ledger) => {
                self.moved += 1;
                self.swapped.insert(pid.clone(), self.read[&pid]);
            }
            "fsync" if ends(call.handle.as_ref(), "refs/shopfloor") => {
                let read = self.swapped.get(&pid).copied().unwrap_or_default();
                self.durable = self.durable.max(read);
            }
            "write" if call.says() => {
                self.spoke += 1;
                assert!(self.decided[&pid] < self.durable, "{line}\nis said before it is safe");
            }
            _ => {}
        }
    }
}
