//! Find and open the repository: which directories, which hash, which ref storage.

use std::cell::{Cell, OnceCell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use gix::bstr::ByteSlice as _;

use super::config::Settings;
use crate::host::Environment;
use crate::host::process::Program;
use crate::host::share::{self, Sharing};
use crate::host::unwritable;
use crate::refusal::Refusal;

/// How long git may take to say whether it would work here.
const PATIENCE: Duration = Duration::from_secs(10);

/// A repository as seen from one of its work trees, or from itself when it is bare.
pub struct Repo {
    handle: gix::Repository,
    env: Environment,
    pub(super) common_dir: PathBuf,
    pub(super) git_dir: PathBuf,
    work_dir: Option<PathBuf>,
    reftable: bool,
    /// It belongs to somebody else, and git was told that it is safe.
    pub(super) vouched: bool,
    pub(super) version: OnceCell<(u32, u32)>,
    /// Whether we changed the configuration after it was read.
    pub(super) config_written: Cell<bool>,
    pub(super) settings: RefCell<Option<Rc<Settings>>>,
}

impl Repo {
    /// The repository around `at`, or the one that `GIT_DIR` and its kin name.
    pub fn discover(at: &Path, env: &Environment) -> anyhow::Result<Self> {
        if let Some(named) = env.get("GIT_DIR") {
            let git_dir = at.join(named);
            let mut repo = Self::open(&git_dir, env)?;
            if let Some(shared) = env.get("GIT_COMMON_DIR") {
                repo.common_dir = canonical(&at.join(shared))?;
                share::declare(&repo.common_dir, sharing(&repo.handle));
            }
            match env.get("GIT_WORK_TREE") {
                Some(named) => repo.work_dir = Some(canonical(&at.join(named))?),
                // Git takes the current directory for the work tree then, and so do its hooks.
                None if repo.work_dir.is_none() && !repo.handle.is_bare() => {
                    repo.work_dir = Some(canonical(at)?);
                }
                None => {}
            }
            return Ok(repo);
        }
        let ceilings =
            std::env::split_paths(env.get("GIT_CEILING_DIRECTORIES").unwrap_or_default());
        let options = gix::discover::upwards::Options {
            ceiling_dirs: ceilings
                .filter(|dir| dir.is_absolute())
                .map(|dir| canonical(&dir).unwrap_or(dir))
                .collect(),
            match_ceiling_dir_or_error: false,
            cross_fs: env
                .get("GIT_DISCOVERY_ACROSS_FILESYSTEM")
                .is_some_and(|yes| yes != "0" && yes != "false"),
            ..Default::default()
        };
        let start = canonical(at)?;
        let (found, _) = gix::discover::upwards_opts(&start, options).map_err(|_| outside(at))?;
        let (git_dir, _) = found.into_repository_and_work_tree_directories();
        Self::open_from(&start, &git_dir, env)
    }

    /// The repository whose work tree or git directory stands at `at`, whatever the environment says.
    pub fn open(at: &Path, env: &Environment) -> anyhow::Result<Self> {
        Self::open_from(at.parent().filter(|_| at.ends_with(".git")).unwrap_or(at), at, env)
    }

    fn open_from(seen_from: &Path, at: &Path, env: &Environment) -> anyhow::Result<Self> {
        let options = gix::open::Options::default()
            // An object is what its name says: replacements would make two answers for one question.
            .config_overrides(["core.useReplaceRefs=false"]);
        let strict = options.clone().bail_if_untrusted(true);
        let mut vouched = false;
        let opened = match gix::ThreadSafeRepository::open_opts(at, strict) {
            Err(no) if is_foreign(&no) && git_trusts(seen_from, env) => {
                vouched = true;
                gix::ThreadSafeRepository::open_opts(at, options)
            }
            opened => opened,
        };
        let handle = match opened {
            Ok(found) => found.to_thread_local(),
            Err(no) if no.is_not_found() => return Err(outside(at)),
            Err(no) => return Err(unopened(at, &no)),
        };
        let common_dir = canonical(handle.common_dir())?;
        let git_dir = canonical(handle.git_dir())?;
        let work_dir = handle.workdir().map(canonical).transpose()?;
        share::declare(&common_dir, sharing(&handle));
        let storage = handle.config_snapshot().string("extensions.refStorage");
        let reftable = storage.is_some_and(|name| !name.eq_ignore_ascii_case(b"files"));
        Ok(Self {
            handle,
            env: env.clone(),
            common_dir,
            git_dir,
            work_dir,
            reftable,
            vouched,
            version: OnceCell::new(),
            config_written: Cell::new(false),
            settings: RefCell::new(None),
        })
    }

    /// What all work trees share: objects, refs, config. Canonical, so two ways in are one place.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// What this work tree has for itself: its `HEAD`, its index. Canonical.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The top of the work tree this was opened in.
    pub fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// The top of the main work tree; none when the repository is bare.
    pub fn main_work_dir(&self) -> Option<PathBuf> {
        if self.common_dir == self.git_dir {
            return self.work_dir.clone();
        }
        // Only the main git directory knows, by its name or by a setting linked work trees do not see.
        Self::open(&self.common_dir, &self.env).ok()?.work_dir
    }

    /// Whether the repository has no main work tree. Linked ones it may have all the same.
    pub fn is_bare(&self) -> bool {
        self.main_work_dir().is_none()
    }

    /// Whether refs are kept in a way that only `git` itself can read.
    pub fn reftable(&self) -> bool {
        self.reftable
    }

    pub fn sha256(&self) -> bool {
        self.handle.object_hash() == gix::hash::Kind::Sha256
    }

    pub fn env(&self) -> &Environment {
        &self.env
    }

    /// Our own directory, for what can be made again: a person may delete it at any time.
    pub fn own_dir(&self) -> anyhow::Result<PathBuf> {
        let dir = self.common_dir.join("shopfloor");
        match share::make_dirs(&dir) {
            Ok(()) => Ok(dir),
            Err(no) => Err(unwritable(&dir, &no)),
        }
    }

    pub(super) fn handle(&self) -> &gix::Repository {
        &self.handle
    }
}

fn sharing(handle: &gix::Repository) -> Option<Sharing> {
    let value = handle.config_snapshot().string("core.sharedRepository")?;
    Sharing::named(&value.to_str_lossy())
}

fn outside(at: &Path) -> anyhow::Error {
    let what = format!("not in a git repository: {}", at.display());
    Refusal::fatal(what).hint("go to one, name one with -C, or make one with git init").into()
}

fn is_foreign(no: &gix::Error) -> bool {
    format!("{no:#}").contains("not owned by the current user")
}

/// Whether git itself would work in a repository of somebody else. gix knows `safe.directory` from
/// files alone; what `git -c` and the environment say of it, git is asked.
fn git_trusts(seen_from: &Path, env: &Environment) -> bool {
    let Some(git) = env.path_of("git") else { return false };
    let asked = Program::new(git).full_env(env.iter()).args(["rev-parse", "--git-dir"]);
    asked.dir(seen_from).timeout(PATIENCE).run().succeeded()
}

fn unopened(at: &Path, no: &gix::Error) -> anyhow::Error {
    let at = at.parent().filter(|_| at.ends_with(".git")).unwrap_or(at);
    if is_foreign(no) {
        let what = format!("the repository at {} belongs to somebody else", at.display());
        let fix =
            format!("if you trust it: git config --global --add safe.directory '{}'", at.display());
        return Refusal::fatal(what).hint(fix).into();
    }
    Refusal::fatal(format!("cannot open the repository at {}: {no}", at.display())).into()
}

fn canonical(path: &Path) -> anyhow::Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("finding {}", path.display()))
}
