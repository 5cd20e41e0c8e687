//! Make a file and its name outlast a power cut. An error here is never retried: a second flush may
//! say yes to what the first one lost.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Flushes a file, or the names in a directory.
pub(super) fn flush(path: &Path) -> Result<()> {
    let flushing = || format!("flushing {} to the disk", path.display());
    File::open(path).and_then(|file| file.sync_all()).with_context(flushing)
}

/// Makes a directory and those above it, each durable by name, down from `root`, which exists.
pub(super) fn make_dirs(root: &Path, dir: &Path) -> Result<()> {
    if dir.is_dir() || dir == root {
        return Ok(());
    }
    let parent = dir.parent().context("a directory without a parent")?;
    make_dirs(root, parent)?;
    match fs::create_dir(dir) {
        Ok(()) => flush(parent),
        Err(no) if no.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(no) => Err(super::repo::unwritable(dir, &no)),
    }
}
