//! Where notes wait for the ledger: a file that hooks append to, each in a write that is flushed, and
//! that is taken whole when there is something to be done with it.
//!
//! It lies beside our objects: what was noted is as safe as a line, also from whoever clears what may be
//! removed.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::frame::{self, Found};
use super::note::Note;
use crate::host::{Turn, share};
use crate::ledger::manners::PATIENCE;

/// The folder beside the objects.
pub(super) const DIR: &str = "trail";
/// What was damaged while it waited.
pub(super) const ASIDE: &str = "damaged";
/// From this length on it is worth pouring.
pub(super) const FULL: u64 = 32 << 10;

pub(super) struct Spool {
    dir: PathBuf,
}

/// The spool as it was when it was taken, for one at a time.
pub(super) struct Taken {
    dir: PathBuf,
    pub(super) notes: Vec<Note>,
    damaged: Vec<Vec<u8>>,
    /// The ids that the last of them were given by somebody who died before he could say that they are
    /// in a trail.
    given: String,
    _turn: Turn,
}

impl Spool {
    pub(super) fn of(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Appends, and says how long it is now.
    pub(super) fn add(&self, notes: &[Note]) -> Result<u64> {
        // Behind what a writer that was killed may have left of a line.
        let mut bytes = b"\n".to_vec();
        for note in notes {
            bytes.extend(frame::framed(note)?);
        }
        let path = self.dir.join("spool");
        let writing = || format!("writing {}", path.display());
        let mut file = hold(&path).with_context(writing)?;
        let start = file.metadata().with_context(writing)?.len();
        // The name of a new file has to last as well.
        let named = || if start == 0 { File::open(&self.dir)?.sync_all() } else { Ok(()) };
        let written = file.write_all(&bytes).and_then(|()| file.sync_data()).and_then(|()| named());
        if written.is_err() {
            drop(file.set_len(start));
        }
        written.with_context(writing)?;
        Ok(start + bytes.len() as u64)
    }

    /// All that waits, if anything does.
    pub(super) fn take(&self) -> Result<Option<Taken>> {
        let (spool, taken) = (self.dir.join("spool"), self.dir.join("taken"));
        if !spool.exists() && !taken.exists() {
            return Ok(None);
        }
        let turn = Turn::take(&self.dir.join("turn"), "the trail", PATIENCE)?;
        if !taken.exists() {
            if !spool.exists() {
                return Ok(None);
            }
            // What was said of those before would be taken for a word about these.
            drop(fs::remove_file(self.dir.join("given")));
            let _last = hold(&spool)?;
            fs::rename(&spool, &taken).with_context(|| format!("taking {}", spool.display()))?;
        }
        let text = fs::read(&taken).with_context(|| format!("reading {}", taken.display()))?;
        let Found { notes, damaged } = frame::read(&text);
        let given = fs::read_to_string(self.dir.join("given")).unwrap_or_default();
        Ok(Some(Taken { dir: self.dir.clone(), notes, damaged, given, _turn: turn }))
    }
}

impl Taken {
    /// Puts what was damaged aside, for whoever can make something of it. Says how many notes that were.
    pub(super) fn put_aside(&self) -> Result<usize> {
        if self.damaged.is_empty() {
            return Ok(0);
        }
        let path = self.dir.join(ASIDE);
        let lines = self.damaged.iter().flat_map(|line| [line, &b"\n"[..]].concat());
        let lines: Vec<u8> = lines.collect();
        let opened = share::append(&path);
        let written = opened.and_then(|mut file| file.write_all(&lines).and(file.sync_all()));
        written.with_context(|| format!("writing {}", path.display()))?;
        Ok(self.damaged.len())
    }

    /// Takes down by which line it will be known that these are in a trail.
    pub(super) fn give(&self, last: &str) -> Result<()> {
        let path = self.dir.join("given");
        let opened = share::append(&path);
        let written = opened.and_then(|mut file| writeln!(file, "{last}"));
        written.with_context(|| format!("writing {}", path.display()))
    }

    /// Whether a trail that ends so has them.
    pub(super) fn is_in(&self, last: Option<&str>) -> bool {
        last.is_some_and(|last| self.given.lines().any(|given| given == last))
    }

    /// They are in the trail.
    pub(super) fn done(self) -> Result<()> {
        let path = self.dir.join("taken");
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        drop(fs::remove_file(self.dir.join("given")));
        Ok(())
    }
}

/// The file under this name, held: not one that was taken meanwhile.
fn hold(path: &Path) -> std::io::Result<File> {
    loop {
        let file = share::append(path)?;
        file.lock()?;
        let here = file.metadata()?.ino();
        if fs::metadata(path).is_ok_and(|there| there.ino() == here) {
            return Ok(file);
        }
    }
}
