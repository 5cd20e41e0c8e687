//! Taking turns: a lock of the kernel's on a file. It is free again the moment its holder dies, it is
//! handed on about in the order of asking, and nobody waits for it without end.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};

use super::{share, unwritable};
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
                    wait(file, Patience::new(path, patience)).with_context(|| locking(path))?
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
    share::lockable(path).map_err(|no| unwritable(path, &no))
}

fn locking(path: &Path) -> String {
    format!("locking {}", path.display())
}

/// How long somebody waits for a turn: as long as was said for one who keeps it, and longer where others
/// get theirs meanwhile. A busy place on a slow disk is no place where nothing moves.
#[derive(Debug)]
pub struct Patience {
    path: PathBuf,
    length: Duration,
    begun: Instant,
    since: Instant,
    seen: Option<SystemTime>,
}

impl Patience {
    /// How long a place that is merely busy is waited for.
    const BUSY: Duration = Duration::from_secs(60);

    /// With whoever has the turn at `path` now.
    pub fn new(path: &Path, length: Duration) -> Self {
        let begun = Instant::now();
        Self { path: path.to_owned(), length, begun, since: begun, seen: last_taken(path) }
    }

    pub fn is_over(&mut self) -> bool {
        if self.since.elapsed() < self.length {
            return false;
        }
        let now = last_taken(&self.path);
        if now == self.seen || self.begun.elapsed() >= Self::BUSY {
            return true;
        }
        (self.seen, self.since) = (now, Instant::now());
        false
    }
}

/// Whoever gets the turn writes that down.
fn last_taken(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// The kernel's own queue knows no deadline: so a thread stands in it. One that comes too late finds
/// nobody listening and lets go.
fn wait(file: File, mut patience: Patience) -> io::Result<Option<File>> {
    let (told, asked) = mpsc::channel();
    thread::spawn(move || {
        let locked = file.lock();
        drop(told.send(locked.map(|()| file)));
    });
    loop {
        if let Ok(locked) = asked.recv_timeout(patience.length) {
            return locked.map(Some);
        }
        if patience.is_over() {
            return Ok(None);
        }
    }
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
    fn a_place_where_others_get_their_turns_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("turn");
        drop(Turn::take(&path, "x", Duration::ZERO).unwrap());
        let mut patience = Patience::new(&path, Duration::ZERO);
        let file = File::options().write(true).open(&path).unwrap();
        let taken = |seconds| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            file.set_modified(time).unwrap();
        };
        taken(1);
        assert!(!patience.is_over());
        taken(2);
        assert!(!patience.is_over());
        assert!(patience.is_over());
        let mut hour = Patience::new(&path, Duration::from_secs(3600));
        assert!(!hour.is_over());
        // Busy as it may be, there is an end.
        taken(3);
        patience.begun = patience.begun.checked_sub(Patience::BUSY).unwrap();
        assert!(patience.is_over());
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
