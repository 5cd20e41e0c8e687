//! Taking turns: a lock of the kernel's on a file. It is free again the moment its holder dies, it is
//! handed on in the order of asking, and nobody waits for it without end.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::share;
use crate::refusal::Refusal;

/// The turn of this process; dropping it gives it up.
#[derive(Debug)]
pub struct Turn {
    file: File,
}

/// Not by closing the file alone: a process that another thread is just starting has it, too, until it has
/// become the program that it is to be.
impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.file.unlock());
    }
}

impl Turn {
    /// Waits for the turn at `path`; `what` is locked meanwhile, in words for the refusal.
    pub fn take(path: &Path, what: &str, patience: Duration) -> Result<Self> {
        loop {
            let file = open(path)?;
            let held = match file.try_lock() {
                Ok(()) => Some(file),
                Err(TryLockError::WouldBlock) => {
                    wait(file, patience).with_context(|| locking(path))?
                }
                Err(TryLockError::Error(no)) => return Err(no).with_context(|| locking(path)),
            };
            let Some(file) = held else { return Err(Self::taken(path, what, patience)) };
            if let Some(turn) = Self::own(file, path)? {
                return Ok(turn);
            }
        }
    }

    /// The turn at `path` if nobody has it.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Self::own(file, path),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(no)) => Err(no).with_context(|| locking(path)),
        }
    }

    /// The refusal for who has waited long enough; it names who has the turn.
    pub fn taken(path: &Path, what: &str, patience: Duration) -> anyhow::Error {
        let holder = fs::read_to_string(path).unwrap_or_default();
        let holder = match holder.trim() {
            "" => "another process".to_owned(),
            pid => format!("process {pid}"),
        };
        let what = format!("{what} has been locked by {holder} for {} s", patience.as_secs());
        Refusal::again(what).hint("try again; the lock goes when that process ends").into()
    }

    /// None where the file was deleted while we waited for it: others hold a newer one.
    fn own(file: File, path: &Path) -> Result<Option<Self>> {
        let ours = file.metadata().with_context(|| locking(path))?;
        if !fs::metadata(path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
        {
            return Ok(None);
        }
        // Always as wide, so that nothing has to be cut off.
        let told = file.write_all_at(format!("{:<10}\n", std::process::id()).as_bytes(), 0);
        told.with_context(|| format!("writing {}", path.display()))?;
        Ok(Some(Self { file }))
    }
}

fn open(path: &Path) -> Result<File> {
    share::lockable(path).map_err(|no| {
        let fix = "give yourself write access to that directory";
        Refusal::fatal(format!("cannot write to {}: {no}", path.display())).hint(fix).into()
    })
}

fn locking(path: &Path) -> String {
    format!("locking {}", path.display())
}

/// The kernel's own queue is fair, but it knows no deadline: so a thread stands in it. One that comes
/// too late finds nobody listening and lets go.
fn wait(file: File, patience: Duration) -> io::Result<Option<File>> {
    let (told, asked) = mpsc::channel();
    thread::spawn(move || {
        let locked = file.lock();
        drop(told.send(locked.map(|()| file)));
    });
    asked.recv_timeout(patience).ok().transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Kind;

    #[test]
    fn one_at_a_time_and_nobody_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("turn");
        let mine = Turn::take(&path, "the ledger", Duration::ZERO).unwrap();
        assert!(Turn::try_take(&path).unwrap().is_none());
        let no = Turn::take(&path, "the ledger", Duration::from_millis(20)).unwrap_err();
        let no = no.downcast::<Refusal>().unwrap();
        assert_eq!(no.kind, Kind::Again);
        assert_eq!(
            no.what,
            format!("the ledger has been locked by process {} for 0 s", std::process::id())
        );
        drop(mine);
        assert!(Turn::try_take(&path).unwrap().is_some());
    }

    #[test]
    fn a_child_that_is_being_started_keeps_no_turn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("turn");
        let turn = Turn::try_take(&path).unwrap().unwrap();
        let _of_a_child = turn.file.try_clone().unwrap();
        drop(turn);
        assert!(Turn::try_take(&path).unwrap().is_some());
    }

    #[test]
    fn a_deleted_lock_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("turn");
        let first = Turn::take(&path, "x", Duration::ZERO).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(Turn::take(&path, "x", Duration::ZERO).is_ok());
        drop(first);
    }
}
