//! The lock beside a ref, taken so that one whose writer died is known for what it is.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{Oid, RefName, Repo, durable};
use crate::host::{Clock, Turn, share, unwritable};
use crate::refusal::Refusal;

/// How long a swap waits for a lock that somebody else holds.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long a swap waits for others of ours, each of whom takes a millisecond or two.
const TURN: Duration = Duration::from_secs(10);
pub(super) const PAUSE: Duration = Duration::from_millis(5);

/// Nobody holds the lock of one of our own refs for as long as this and lives.
const ORPHAN: Duration = Duration::from_secs(10);

/// The `.lock` file beside a ref, holding what the ref is to name.
///
/// It is written under a name of our own first and then linked: whoever finds a lock that is the same
/// file as our draft, while holding the kernel's lock on our refs, has found one whose writer is dead.
pub(super) struct Lock {
    path: PathBuf,
    draft: PathBuf,
    _turn: Turn,
    held: bool,
}

impl Lock {
    pub(super) fn take(repo: &Repo, name: &RefName, at: &Path, new: &Oid) -> Result<Self> {
        let dir = repo.desk_dir()?.join("refs");
        share::make_dirs(&dir).map_err(|no| unwritable(&dir, &no))?;
        let turn = Turn::take(&dir.join("turn"), "moving refs", TURN)?;
        reclaim(repo, &dir)?;
        let parent = at.parent().context("a ref has a directory")?;
        durable::make_dirs(repo.common_dir(), parent)?;
        let draft = dir.join(name.as_str().replace('%', "%25").replace('/', "%2F"));
        // A new file, whatever happens: what is there may by now be a ref under its other name.
        let written = share::create_new(&draft).and_then(|mut file| {
            file.write_all(format!("{new}\n").as_bytes())?;
            file.sync_all()
        });
        written.map_err(|no| unwritable(&draft, &no))?;
        let mut lock = Self { path: lock_of(at), draft, _turn: turn, held: false };
        lock.wait(parent, name.as_str().starts_with("refs/shopfloor/"))?;
        Ok(lock)
    }

    fn wait(&mut self, parent: &Path, ours: bool) -> Result<()> {
        let start = Instant::now();
        loop {
            match fs::hard_link(&self.draft, &self.path) {
                Ok(()) => {
                    self.held = true;
                    return Ok(());
                }
                Err(no) if no.kind() == ErrorKind::AlreadyExists => {}
                // `git pack-refs` removes directories it has emptied.
                Err(no) if no.kind() == ErrorKind::NotFound && !parent.is_dir() => {
                    share::make_dirs(parent).map_err(|no| unwritable(parent, &no))?;
                    continue;
                }
                Err(no) => return Err(unwritable(&self.path, &no)),
            }
            if ours && is_orphan(&self.path) {
                drop(fs::remove_file(&self.path));
                continue;
            }
            if start.elapsed() > PATIENCE {
                let what = format!("another git holds {}", self.path.display());
                let fix = "wait for it; if no git is running here, remove that file";
                return Err(Refusal::again(what).hint(fix).into());
            }
            Clock::real().sleep(PAUSE);
        }
    }

    pub(super) fn rename(mut self, to: &Path) -> Result<()> {
        fs::rename(&self.path, to).with_context(|| format!("moving {}", to.display()))?;
        self.held = false;
        durable::flush(to.parent().context("a ref has a directory")?)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.held {
            drop(fs::remove_file(&self.path));
        }
        drop(fs::remove_file(&self.draft));
    }
}

impl Repo {
    /// Takes away the locks beside all branches that start so, a whole directory, for who knows that
    /// nobody works on them: a git that was killed leaves them, and no other git takes them away.
    pub fn unlock_branches(&self, start: &str) -> Result<()> {
        unlock(&self.common_dir().join("refs/heads").join(start))
    }
}

fn unlock(dir: &Path) -> Result<()> {
    let entries = match fs::read_dir(dir) {
        // There may be a branch of that name.
        Err(no) if matches!(no.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(());
        }
        entries => entries.with_context(|| format!("reading {}", dir.display()))?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            unlock(&path)?;
        } else if path.extension().is_some_and(|end| end == "lock") {
            fs::remove_file(&path).with_context(|| format!("taking away {}", path.display()))?;
        }
    }
    Ok(())
}

fn lock_of(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// Takes away what writers of ours left behind who died between lock and rename, of whatever ref.
fn reclaim(repo: &Repo, drafts: &Path) -> Result<()> {
    for draft in fs::read_dir(drafts).with_context(|| format!("reading {}", drafts.display()))? {
        let draft = draft?;
        let name = draft.file_name().to_string_lossy().replace("%2F", "/").replace("%25", "%");
        let Ok(name) = name.parse::<RefName>() else { continue };
        let lock = lock_of(&repo.ref_path(&name));
        if same_file(&draft.path(), &lock) {
            fs::remove_file(&lock).with_context(|| format!("taking away {}", lock.display()))?;
        }
        drop(fs::remove_file(draft.path()));
    }
    Ok(())
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

fn is_orphan(lock: &Path) -> bool {
    let now = Clock::real().now().seconds();
    let age = |made: i64| u64::try_from(now - made).unwrap_or(0);
    fs::metadata(lock).is_ok_and(|file| age(file.mtime()) > ORPHAN.as_secs())
}
