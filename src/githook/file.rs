//! Files of git's that we change: whole or not at all, with the mode they had.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::host::process::Identity;
use crate::host::{Clock, share};
use crate::refusal::Refusal;

const PATIENCE: Duration = Duration::from_secs(5);

/// The bytes of a file, or none when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(no) if no.kind() == ErrorKind::NotFound => Ok(None),
        Err(no) => Err(no).with_context(|| format!("reading {}", path.display())),
    }
}

pub(super) fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|meta| meta.permissions().mode() & 0o7777)
}

/// Puts a file in its place in one step. Without a mode it is a script, with all that the umask leaves:
/// so are those that git copies from a template.
pub(super) fn write(path: &Path, bytes: &[u8], mode: Option<u32>) -> Result<()> {
    let whole = || {
        let dir = path.parent().unwrap_or(Path::new("."));
        share::make_dirs(dir)?;
        let script = Permissions::from_mode(0o777);
        let mut new = tempfile::Builder::new().permissions(script).tempfile_in(dir)?;
        new.write_all(bytes)?;
        if let Some(mode) = mode {
            new.as_file().set_permissions(Permissions::from_mode(mode))?;
        }
        new.as_file().sync_all()?;
        share::persist(new, path)
    };
    whole().map_err(|no| unwritable(path, &no))
}

fn unwritable(path: &Path, no: &std::io::Error) -> anyhow::Error {
    let reason = no.kind();
    Refusal::fatal(format!("cannot write to {}: {reason}", path.display()))
        .hint("give yourself write access to that directory")
        .into()
}

pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(no) if no.kind() != ErrorKind::NotFound => {
            Err(no).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Changes a git configuration file under git's own lock. `change` may say that the file goes.
/// Tells whether anything was changed.
pub(super) fn edit_config(
    path: &Path,
    change: impl FnOnce(Option<&[u8]>) -> Result<Option<Vec<u8>>>,
) -> Result<bool> {
    // Git locks what a link points to.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let lock = Lock::take(&path)?;
    let old = read(&path)?;
    let new = change(old.as_deref())?;
    if new == old {
        return Ok(false);
    }
    match new {
        Some(new) => {
            let mode = mode(&path).unwrap_or(0o644);
            write(&path, &new, Some(mode))?;
        }
        None => remove(&path)?,
    }
    drop(lock);
    Ok(true)
}

/// `<file>.lock`, as git takes it. It names its holder, so that the next of us can tell that the
/// holder was killed; whatever else stands in such a file is somebody else's.
pub(super) struct Lock(PathBuf);

const OURS: &str = "shopfloor";

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self> {
        let with = |end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let own = Identity::own();
        let (lock, mine) = (with(".lock"), with(&format!(".{OURS}-{}", own.pid)));
        share::write(&mine, format!("{OURS}\n{}\n{}\n", own.pid, own.start))
            .map_err(|no| unwritable(path, &no))?;
        let taken = Self::link(path, &mine, lock);
        fs::remove_file(&mine).ok();
        taken
    }

    /// A link appears whole or not at all, so no lock of ours is ever without its holder's name.
    fn link(path: &Path, mine: &Path, lock: PathBuf) -> Result<Self> {
        let (begun, clock) = (Instant::now(), Clock::real());
        loop {
            match fs::hard_link(mine, &lock) {
                Ok(()) => return Ok(Self(lock)),
                Err(no) if no.kind() == ErrorKind::AlreadyExists && orphaned(&lock) => {
                    take_away(&lock, &mine.with_extension("dead"));
                }
                Err(no) if no.kind() == ErrorKind::AlreadyExists && begun.elapsed() < PATIENCE => {
                    clock.sleep(Duration::from_millis(20));
                }
                Err(no) if no.kind() == ErrorKind::AlreadyExists => {
                    return Err(Refusal::again(format!("{} is locked", path.display()))
                        .hint(format!("if no git is running here, remove {}", lock.display()))
                        .into());
                }
                Err(no) => {
                    return Err(unwritable(path, &no));
                }
            }
        }
    }
}

/// Of two who see an orphan one may take away what the other has just taken: it is looked at again
/// under a name of our own, and put back then.
fn take_away(lock: &Path, dead: &Path) {
    if fs::rename(lock, dead).is_err() {
        return;
    }
    if !orphaned(dead) {
        fs::hard_link(dead, lock).ok();
    }
    fs::remove_file(dead).ok();
}

/// Whether the lock was taken by one of us who has died.
fn orphaned(lock: &Path) -> bool {
    let text = fs::read_to_string(lock).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let [OURS, pid, start] = lines.as_slice() else { return false };
    let Ok(pid) = pid.parse() else { return false };
    !Identity { pid, start: (*start).to_owned() }.alive()
}

impl Drop for Lock {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_whose_holder_was_killed_is_taken_over_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (config, lock) = (dir.path().join("config"), dir.path().join("config.lock"));
        fs::write(&lock, format!("{OURS}\n{}\nlong ago\n", std::process::id())).unwrap();
        let changed = edit_config(&config, |_| Ok(Some(b"[a]\n".to_vec()))).unwrap();
        assert!(changed && !lock.exists());
        for other in [String::new(), "[core]\n".to_owned(), format!("{OURS}\n1\n")] {
            fs::write(&lock, other).unwrap();
            assert!(!orphaned(&lock));
        }
        let own = Identity::own();
        fs::write(&lock, format!("{OURS}\n{}\n{}\n", own.pid, own.start)).unwrap();
        assert!(!orphaned(&lock));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
