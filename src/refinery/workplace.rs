//! The warm work tree in which candidates are tested. It stays between runs, so a checkout touches
//! only what differs; everything git does not track is removed before each candidate, so no
//! candidate sees what another one left behind.
//!
//! A build cache that is meant to survive is declared on the target branch, outside the tree:
//! `env = { CARGO_TARGET_DIR = "{cache}/target" }` in a gate's table. `{cache}` is a directory of
//! the target's own under `.git/shopfloor/`.
//!
//! The work tree stands beside the repository and not inside `.git`, because test runners that
//! skip everything under a `.git` find no tests there (jest is one) and call that success.
//!
//! What is checked out is known by an index of our own. The one in the work tree's git directory is
//! a copy for the gates: whatever they do to it decides nothing here.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use indexmap::IndexMap;

use crate::agent::worktree;
use crate::git::{Git, Oid, Repo};
use crate::host::{process, share};
use crate::refinery::lease::{Lease, file_name};

/// Set in every gate's environment, so that what a gate leaves running can be found and ended.
const MARK: &str = "SHOPFLOOR_GATE";

/// What a gate may know of the environment it was started from: how to find programs and how the
/// person has set up their tools, and nothing that opens a door.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTC_WRAPPER",
    "SCCACHE_DIR",
    "CCACHE_DIR",
    "GOPATH",
    "GOROOT",
    "GOCACHE",
    "GOMODCACHE",
    "GOTOOLCHAIN",
    "JAVA_HOME",
    "GRADLE_USER_HOME",
    "M2_HOME",
    "NVM_DIR",
    "NODE_PATH",
    "PNPM_HOME",
    "VOLTA_HOME",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "UV_CACHE_DIR",
    "RBENV_ROOT",
    "GEM_HOME",
    "GEM_PATH",
    "NIX_PATH",
    "NIX_PROFILES",
    "LD_LIBRARY_PATH",
    "PKG_CONFIG_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];

/// By these no file that a gate has changed can pass for unchanged, and none stays away.
const TRUTHFUL: &[&str] = &[
    "core.sparseCheckout=false",
    "core.splitIndex=false",
    "core.untrackedCache=false",
    "core.ignoreStat=false",
    "core.trustctime=true",
    "core.checkStat=default",
];

/// A work tree that holds exactly one commit's tree.
pub(super) struct Workplace<'l> {
    lease: &'l Lease<'l>,
    path: PathBuf,
    index: PathBuf,
    commit: Oid,
}

impl<'l> Workplace<'l> {
    /// Brings the work tree to `commit`, whatever the last run left there.
    pub(super) fn at(lease: &'l Lease<'l>, commit: &Oid) -> Result<Self> {
        let path = place(lease.repo, &lease.target)?;
        let index = lease.repo.own_dir()?.join("workplace").join(file_name(&lease.target));
        let place = Self { lease, path, index, commit: *commit };
        if !place.path.join(".git").exists() || place.check_out().is_err() {
            place.make()?;
            place.check_out()?;
        }
        Ok(place)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a tracked file is no longer as the checkout left it, or nobody can say.
    ///
    /// Git calls a file changed that it would write differently today (line ends that were never
    /// normalised, say), so what it names is compared with what a checkout makes of the commit.
    pub(super) fn is_dirty(&self) -> Result<bool> {
        if self.own().is_err() {
            return Ok(true);
        }
        let commit = self.commit.to_string();
        let diff = ["diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let done = self.git(diff).args([&commit, "--"]).run()?;
        if done.code != 0 {
            return Ok(true);
        }
        match edited(&done.out) {
            None => Ok(true),
            Some(paths) if paths.is_empty() => Ok(false),
            Some(paths) => self.differs(&paths),
        }
    }

    /// Whether one of these files is not what a checkout would write.
    fn differs(&self, paths: &[&[u8]]) -> Result<bool> {
        let fresh =
            tempfile::tempdir_in(self.lease.repo.own_dir()?).context("a place to compare")?;
        let mut prefix = OsStr::new("--prefix=").to_owned();
        prefix.push(fresh.path());
        prefix.push("/");
        let args = ["checkout-index", "-z", "--stdin"];
        self.git(args).arg(prefix).input(paths.join(&0)).network().ok()?;
        for path in paths {
            let path = Path::new(OsStr::from_bytes(path));
            let (expected, found) =
                (fs::read(fresh.path().join(path)), fs::read(self.path.join(path)));
            if expected.context("reading what was checked out")? != found.unwrap_or_default() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts back what a gate changed, for the next one.
    pub(super) fn restore(&self) -> Result<()> {
        self.check_out()
    }

    /// The environment of a gate, with what its own table sets.
    pub(super) fn env(&self, own: &IndexMap<String, String>) -> Result<Vec<(String, String)>> {
        let repo = self.lease.repo;
        let more = repo.config_all("shopfloor.gateEnv")?;
        let kept = KEPT.iter().copied().chain(more.iter().map(String::as_str));
        let mut env: IndexMap<String, String> = kept
            .filter_map(|key| Some((key.to_owned(), repo.env().get(key)?.to_owned())))
            .collect();
        env.insert("PATH".to_owned(), repo.env().search_path());
        let locale = repo.env().iter().filter(|(key, _)| key.starts_with("LC_"));
        env.extend(locale.map(|(key, value)| (key.to_owned(), value.to_owned())));
        env.insert("TERM".to_owned(), "dumb".to_owned());
        env.insert(MARK.to_owned(), mark(self.lease));
        for (key, value) in own {
            let value = if value.contains("{cache}") {
                value.replace("{cache}", &self.cache()?.to_string_lossy())
            } else {
                value.clone()
            };
            env.insert(key.clone(), value);
        }
        Ok(env.into_iter().collect())
    }

    fn cache(&self) -> Result<PathBuf> {
        let path = self.lease.repo.own_dir()?.join("cache").join(file_name(&self.lease.target));
        share::make_dirs(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    }

    fn check_out(&self) -> Result<()> {
        let (dir, commit) = (self.own()?, self.commit.to_string());
        // Nobody else works here, so a lock that is there was left by somebody killed.
        let mut lock = self.index.clone().into_os_string();
        lock.push(".lock");
        remove(Path::new(&lock))?;
        self.git(["checkout", "--quiet", "--force", "--detach", &commit, "--"]).network().ok()?;
        if !self.lease.repo.nothing_beside(&self.path, &self.commit).unwrap_or(false) {
            self.git(["clean", "-ffdxq"]).ok()?;
        }
        let copy = dir.join("index");
        remove(&dir.join("index.lock"))?;
        remove(&copy)?;
        let copying = || format!("copying {}", self.index.display());
        share::copy(&self.index, &copy).with_context(copying)?;
        // Git tells by an index's age which files it has to read again.
        let age =
            fs::metadata(&self.index).and_then(|known| known.modified()).with_context(copying)?;
        File::options().write(true).open(&copy)?.set_modified(age).with_context(copying)
    }

    fn make(&self) -> Result<()> {
        let repo = self.lease.repo;
        if self.path.exists() {
            fs::remove_dir_all(&self.path)
                .with_context(|| format!("removing {}", self.path.display()))?;
        }
        remove(&self.index)?;
        for parent in [self.path.parent(), self.index.parent()].into_iter().flatten() {
            share::make_dirs(parent).with_context(|| format!("making {}", parent.display()))?;
        }
        // Forced twice, it also takes the place of one that a gate has locked. Others whose directory
        // is gone stay known: git keeps there what their agents left behind.
        let add = ["worktree", "add", "--quiet", "--force", "--force", "--no-checkout", "--detach"];
        repo.git(add).arg(&self.path).arg(self.commit.to_string()).ok()?;
        repo.share_worktree(&self.path)
    }

    /// The git directory of the work tree, without what would hide files from us; an error when
    /// `.git` leads elsewhere.
    fn own(&self) -> Result<PathBuf> {
        let repo = self.lease.repo;
        let dir = repo.git_dir_of(&self.path)?;
        let home = repo.common_dir().join("worktrees");
        let common = fs::read_to_string(dir.join("commondir")).unwrap_or_default();
        ensure!(
            dir.parent() == Some(&home) && common.trim() == "../..",
            "{} is no longer a work tree of this repository",
            self.path.display()
        );
        remove(&dir.join("config.worktree"))?;
        remove(&dir.join("info/sparse-checkout"))?;
        Ok(dir)
    }

    /// A `git` in the work tree with our own index, which believes no setting that hides a change. What
    /// a power cut has torn here is made again, so nobody waits for the disk.
    fn git<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Git<'l> {
        let git = self.lease.repo.git(args).at(&self.path).env("GIT_INDEX_FILE", &self.index);
        let git = git.config("core.fsync=none");
        TRUTHFUL.iter().fold(git, |git, setting| git.config(*setting))
    }
}

/// The paths of files that are there with another content, in what `git diff --raw -z` says; `None`
/// when anything else has changed.
fn edited(raw: &[u8]) -> Option<Vec<&[u8]>> {
    let mut paths = Vec::new();
    let mut fields = raw.split(|byte| *byte == 0);
    while let (Some(what), Some(path)) = (fields.next(), fields.next()) {
        let what = std::str::from_utf8(what).ok()?;
        let words: Vec<_> = what.trim_start_matches(':').split(' ').collect();
        let [before, after, _, _, "M"] = words[..] else { return None };
        // Of links and submodules git has no other version to write.
        if before != after || !before.starts_with("100") {
            return None;
        }
        paths.push(path);
    }
    Some(paths)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Ends what gates of this target have left running, exactly what carries our mark: after each
/// candidate, because it would write into the tree of the next one, and before the first, because
/// the last refinery may have been killed.
pub(super) fn end_leftovers(lease: &Lease<'_>) {
    process::end_marked(MARK, &mark(lease));
}

fn mark(lease: &Lease<'_>) -> String {
    format!("{}#{}", lease.repo.common_dir().display(), lease.target)
}

/// Removes the work trees of all targets, which hold nothing of anybody's. Says where they stood.
pub(super) fn leave(repo: &Repo) -> Result<Vec<PathBuf>> {
    let home = worktree::home(repo)?.join(".refinery");
    let mut gone = Vec::new();
    for tree in repo.worktrees()? {
        if tree.path.parent() == Some(&home) {
            if tree.path.exists() {
                fs::remove_dir_all(&tree.path)
                    .with_context(|| format!("removing {}", tree.path.display()))?;
            }
            repo.remove_worktree(&tree.path)?;
            gone.push(tree.path);
        }
    }
    // Only what is empty goes.
    for dir in [Some(home.as_path()), home.parent()].into_iter().flatten() {
        fs::remove_dir(dir).ok();
    }
    Ok(gone)
}

/// Where the work tree of a target stands: beside the repository, with those of the agents.
fn place(repo: &Repo, target: &str) -> Result<PathBuf> {
    Ok(worktree::home(repo)?.join(".refinery").join(file_name(target)))
}
