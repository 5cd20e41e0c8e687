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

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use indexmap::IndexMap;

use crate::agent::worktree;
use crate::git::{Oid, Repo};
use crate::host::process;
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

/// A work tree that holds exactly one commit's tree.
pub(super) struct Workplace<'l> {
    lease: &'l Lease<'l>,
    path: PathBuf,
    commit: Oid,
}

impl<'l> Workplace<'l> {
    /// Brings the work tree to `commit`, whatever the last run left there.
    pub(super) fn at(lease: &'l Lease<'l>, commit: &Oid) -> Result<Self> {
        let path = place(lease.repo, &lease.target)?;
        let place = Self { lease, path, commit: *commit };
        if !place.path.join(".git").exists() || place.check_out().is_err() {
            place.make()?;
            place.check_out()?;
        }
        Ok(place)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a tracked file is no longer as the commit has it.
    pub(super) fn is_dirty(&self) -> Result<bool> {
        let commit = self.commit.to_string();
        let diff = ["diff", "--quiet", "--no-ext-diff", "--no-textconv", &commit, "--"];
        Ok(!self.lease.repo.git(diff).at(&self.path).succeeds()?)
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
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    }

    fn check_out(&self) -> Result<()> {
        let (repo, commit) = (self.lease.repo, self.commit.to_string());
        repo.git(["checkout", "--quiet", "--force", "--detach", &commit, "--"])
            .at(&self.path)
            .ok()?;
        repo.git(["clean", "-ffdxq"]).at(&self.path).ok()
    }

    fn make(&self) -> Result<()> {
        let repo = self.lease.repo;
        if self.path.exists() {
            fs::remove_dir_all(&self.path)
                .with_context(|| format!("removing {}", self.path.display()))?;
        }
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        }
        repo.git(["worktree", "prune"]).ok()?;
        repo.add_detached(&self.path, &self.commit)
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

/// Where the work tree of a target stands: beside the repository, with those of the agents.
fn place(repo: &Repo, target: &str) -> Result<PathBuf> {
    Ok(worktree::home(repo)?.join(".refinery").join(file_name(target)))
}
