//! Make a file and its name outlast a power cut. An error here is never retried: a second flush may
//! say yes to what the first one lost.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

use crate::host::{share, unwritable};

/// How many flushes are asked for at once. A disk takes those for little more than the price of one.
const AT_ONCE: usize = 8;

/// Flushes a file, or the names in a directory.
pub(super) fn flush(path: &Path) -> Result<()> {
    let flushing = || format!("flushing {} to the disk", path.display());
    File::open(path).and_then(|file| file.sync_all()).with_context(flushing)
}

/// Flushes all of these, in no order.
pub(super) fn flush_all<'p>(
    paths: impl ExactSizeIterator<Item = &'p PathBuf> + Send,
) -> Result<()> {
    let more = paths.len().clamp(1, AT_ONCE) - 1;
    let paths = Mutex::new(paths);
    let next = || paths.lock().ok()?.next();
    let work = || std::iter::from_fn(next).try_for_each(|path| flush(path));
    thread::scope(|scope| {
        // What no thread can be had for is done by those that there are.
        let others: Vec<_> = (0..more)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let others = others.into_iter().map(|other| other.join());
        let ends = std::iter::once(work()).chain(
            others.map(|end| end.unwrap_or_else(|_| Err(anyhow!("a flush to the disk panicked")))),
        );
        ends.fold(Ok(()), Result::and)
    })
}

/// Makes a directory and those above it, each durable by name, down from `root`, which exists.
pub(super) fn make_dirs(root: &Path, dir: &Path) -> Result<()> {
    if dir.is_dir() || dir == root {
        return Ok(());
    }
    let parent = dir.parent().context("a directory without a parent")?;
    make_dirs(root, parent)?;
    match share::make_dir(dir) {
        Ok(()) => flush(parent),
        Err(no) if no.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(no) => Err(unwritable(dir, &no)),
    }
}

/// Says that a file is asked for, as git does with one that it need not write again.
pub(super) fn refresh(file: &Path) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let both = Timestamps { last_access: now, last_modification: now };
    utimensat(CWD, file, &both, AtFlags::empty()).is_ok()
}
