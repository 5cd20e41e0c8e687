//! A sealed world in a temporary directory: own home, own PATH, real repositories, nothing inherited.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use super::ran::{PATIENCE, pause, there};
use super::{Ran, Running};

/// The four commands as cargo built them.
pub(crate) const TOOLS: [(&str, &str); 4] = [
    ("git-bead", env!("CARGO_BIN_EXE_git-bead")),
    ("git-sling", env!("CARGO_BIN_EXE_git-sling")),
    ("git-convoy", env!("CARGO_BIN_EXE_git-convoy")),
    ("git-refinery", env!("CARGO_BIN_EXE_git-refinery")),
];

/// Who the person is, in every sandbox.
const GITCONFIG: &str = "\
[user]
\tname = Jane Doe
\temail = jane@example.org
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
[protocol \"file\"]
\tallow = always
";

pub(crate) struct Sandbox {
    dir: TempDir,
    root: PathBuf,
    env: Vec<(String, String)>,
    ran: Cell<u64>,
}

impl Sandbox {
    /// A world with all four commands on PATH.
    pub(crate) fn new() -> Self {
        let world = Self::empty();
        for (name, built) in TOOLS {
            symlink(built, world.root.join("bin").join(name)).unwrap();
        }
        world
    }

    /// A world where only these of the four commands exist, as copies: beside a link's target
    /// the others would be found.
    pub(crate) fn with(commands: &[&str]) -> Self {
        let world = Self::empty();
        for (name, built) in TOOLS.iter().filter(|(name, _)| commands.contains(name)) {
            fs::copy(built, world.root.join("bin").join(name)).unwrap();
        }
        world
    }

    fn empty() -> Self {
        let dir = tempfile::Builder::new().prefix("shopfloor-test-").tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for place in ["home/.config", "bin", "tmp", "run"] {
            fs::create_dir_all(root.join(place)).unwrap();
        }
        fs::set_permissions(root.join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(root.join("home/.gitconfig"), GITCONFIG).unwrap();
        let env = sealed(&root);
        Self { dir, root, env, ran: Cell::new(0) }
    }

    /// One more variable, or another value for one, for everything that runs here from now on.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.env.retain(|(known, _)| known != key);
        self.env.push((key.to_owned(), value.to_owned()));
    }

    /// What a variable is in here.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.env.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn place(&self, path: impl AsRef<Path>) -> Place<'_> {
        let dir = self.root.join(path);
        fs::create_dir_all(&dir).unwrap();
        Place { world: self, dir }
    }

    /// An executable on the PATH of this world.
    pub(crate) fn program(&self, name: &str, text: &str) {
        let path = self.root.join("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The person's own configuration file.
    pub(crate) fn person(&self, toml: &str) {
        let dir = self.root.join("home/.config/shopfloor");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("config.toml"), toml).unwrap();
    }

    /// A repository on `main` with one commit, as `git init` and a person make it.
    pub(crate) fn repo(&self, name: &str) -> Place<'_> {
        self.repo_as(name, &[])
    }

    /// The same with options for `git init`, such as `--object-format=sha256`.
    pub(crate) fn repo_as(&self, name: &str, options: &[&str]) -> Place<'_> {
        let place = self.place(name);
        place.run(["git", "init", "--quiet"].iter().chain(options)).ok();
        place.write("README.md", "A small project.\n");
        place.sh("git add . && git commit --quiet -m 'first light'").ok();
        place
    }

    /// Whether this git keeps refs in tables, too.
    pub(crate) fn knows_reftable(&self) -> bool {
        let made = self.place("probe").git("init --quiet --ref-format=reftable");
        there(made.code != 129, "git with reftable")
    }

    /// An empty bare repository that stands for a hosted remote.
    pub(crate) fn bare(&self, name: &str) -> Place<'_> {
        let place = self.place(name);
        place.run(["git", "init", "--quiet", "--bare"]).ok();
        place
    }

    pub(crate) fn clone_of(&self, from: &Place<'_>, name: &str) -> Place<'_> {
        let from = from.dir.to_str().unwrap();
        self.place(".").run(["git", "clone", "--quiet", from, name]).ok();
        self.place(name)
    }

    fn command(&self, dir: &Path, argv: &[String]) -> Command {
        let mut command = program(&argv[0], self.get("PATH"));
        command.args(&argv[1..]).current_dir(dir).env_clear();
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        command
    }

    fn start(&self, dir: &Path, argv: &[String]) -> Running {
        let nth = self.ran.get();
        self.ran.set(nth + 1);
        let file = |kind: &str| self.root.join("tmp").join(format!("{nth}.{kind}"));
        Running::start(self.command(dir, argv), argv.join(" "), file("out"), file("err"))
    }

    /// Every process that was started in this world, directly or not: its environment names it.
    fn inhabitants(&self) -> Vec<i32> {
        let mark = self.root.as_os_str().as_encoded_bytes();
        let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
        all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid: &i32| {
                let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment.windows(mark.len()).any(|part| part == mark)
            })
            .collect()
    }
}

/// Nothing that was started in a test outlives it, not even what detached itself.
impl Drop for Sandbox {
    fn drop(&mut self) {
        for _ in 0..20 {
            let left = self.inhabitants();
            if left.is_empty() {
                break;
            }
            for pid in left {
                let pid = rustix::process::Pid::from_raw(pid).unwrap();
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
            }
            pause(5);
        }
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            eprint_kept(&self.root);
        }
    }
}

/// A directory of a sandbox in which things are done.
pub(crate) struct Place<'w> {
    pub(crate) world: &'w Sandbox,
    pub(crate) dir: PathBuf,
}

impl<'w> Place<'w> {
    pub(crate) fn at(&self, path: impl AsRef<Path>) -> Self {
        Self { world: self.world, dir: self.dir.join(path) }
    }

    pub(crate) fn run(&self, argv: impl IntoIterator<Item = impl AsRef<str>>) -> Ran {
        self.start(argv).end()
    }

    pub(crate) fn start(&self, argv: impl IntoIterator<Item = impl AsRef<str>>) -> Running {
        let argv: Vec<String> = argv.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        self.world.start(&self.dir, &argv)
    }

    pub(crate) fn sh(&self, script: &str) -> Ran {
        self.run(["sh", "-c", script])
    }

    /// A command line of plain words: `git("bead ready --json")`.
    pub(crate) fn git(&self, words: &str) -> Ran {
        self.run(std::iter::once("git").chain(words.split_whitespace()))
    }

    /// The JSON a command of plain words prints; it must succeed.
    #[track_caller]
    pub(crate) fn json(&self, words: &str) -> Value {
        self.git(words).ok().json()
    }

    /// A new bead; its whole id.
    #[track_caller]
    pub(crate) fn bead(&self, title: &str) -> String {
        let made = self.run(["git", "bead", "create", title, "--json"]).ok().json();
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn script(&self, path: &str, text: &str) {
        self.write(path, text);
        let path = self.dir.join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        let path = self.dir.join(path);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.dir.join(path).symlink_metadata().is_ok()
    }

    /// Write, add, and commit one file.
    pub(crate) fn commit(&self, path: &str, text: &str, message: &str) -> Ran {
        self.write(path, text);
        self.run(["git", "add", path]).ok();
        self.run(["git", "commit", "--quiet", "-m", message])
    }

    /// The commit a revision names.
    #[track_caller]
    pub(crate) fn rev(&self, revision: &str) -> String {
        self.run(["git", "rev-parse", "--verify", "--quiet", revision]).ok().line()
    }

    /// Git finds nothing to complain of. It lists the objects, then the refs, and misses what is written
    /// or packed in between; what is damaged stays so.
    #[track_caller]
    pub(crate) fn sound(&self) {
        let look = "git fsck --no-dangling --no-progress 2>&1";
        self.wait("nothing is missing or damaged", look, || {
            let ran = self.sh(look);
            ran.code == 0 && ran.out.is_empty()
        });
    }

    /// Wait until a fact holds. A test that no longer has patience fails and prints what `state` shows:
    /// how fast it became true on this machine is nobody's promise.
    #[track_caller]
    pub(crate) fn wait(&self, fact: &str, state: &str, holds: impl Fn() -> bool) {
        let from = Instant::now();
        while !holds() {
            if from.elapsed() > PATIENCE {
                panic!("after {PATIENCE:?} still not: {fact}\n{}", self.sh(state));
            }
            pause(20);
        }
    }
}

fn sealed(root: &Path) -> Vec<(String, String)> {
    let at = |path: &str| root.join(path).to_str().unwrap().to_owned();
    [
        ("HOME", at("home")),
        ("XDG_CONFIG_HOME", at("home/.config")),
        ("XDG_DATA_HOME", at("home/.local/share")),
        ("XDG_STATE_HOME", at("home/.local/state")),
        ("XDG_CACHE_HOME", at("home/.cache")),
        ("XDG_RUNTIME_DIR", at("run")),
        ("TMPDIR", at("tmp")),
        ("PATH", format!("{}:{}", at("bin"), path_without_us())),
        ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ("GIT_CEILING_DIRECTORIES", root.to_str().unwrap().to_owned()),
        ("GIT_TERMINAL_PROMPT", "0".to_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
        ("TERM", "dumb".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The tester's PATH without any directory in which one of our commands is installed.
#[expect(clippy::disallowed_methods, reason = "where git, sh and the rest are on this machine")]
fn path_without_us() -> String {
    let path = std::env::var("PATH").unwrap();
    let foreign = |dir: &&str| !TOOLS.iter().any(|(name, _)| Path::new(dir).join(name).exists());
    path.split(':').filter(|dir| !dir.is_empty()).filter(foreign).collect::<Vec<_>>().join(":")
}

/// Looked up in the PATH of the sandbox: the one of this process may name other programs.
#[expect(clippy::disallowed_methods, reason = "the tests start what a person would start")]
fn program(name: &str, path: &str) -> Command {
    let found = path.split(':').map(|dir| Path::new(dir).join(name)).find(|file| file.is_file());
    Command::new(found.unwrap_or_else(|| PathBuf::from(name)))
}

#[expect(clippy::print_stderr, reason = "where to look after a failure")]
fn eprint_kept(root: &Path) {
    eprintln!("kept for a look: {}", root.display());
}
