//! The trail that does not travel: the same lines, in files of this clone that may be removed.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::end::End;
use super::note::Note;
use super::spool::Taken;
use crate::git::Oid;
use crate::host::share;
use crate::ledger::canon::split;
use crate::ledger::layout::MIDDLE;
use crate::ledger::leaf::Leaf;

/// Its files, oldest first, as a reader takes them.
pub(in crate::ledger) fn leaves(own_dir: &Path) -> Vec<Leaf> {
    files(own_dir).into_iter().map(|(first, path)| Leaf::of_disk(path, first)).collect()
}

/// Each with the number of lines before it.
pub(super) fn files(own_dir: &Path) -> Vec<(u64, PathBuf)> {
    let here = fs::read_dir(own_dir.join("trail/local")).into_iter().flatten().flatten();
    let named = here.filter_map(|entry| {
        let path = entry.path();
        Some((path.file_name()?.to_str()?.strip_suffix(".jsonl")?.parse().ok()?, path))
    });
    let mut files: Vec<_> = named.collect();
    files.sort_unstable();
    files
}

/// Puts another text in the place of a file.
pub(super) fn put(path: &Path, text: &[u8]) -> Result<()> {
    let writing = || format!("writing {}", path.display());
    let dir = path.parent().with_context(writing)?;
    let mut file = tempfile::NamedTempFile::new_in(dir).with_context(writing)?;
    file.write_all(text).with_context(writing)?;
    share::persist(file, path).with_context(writing)
}

/// Adds notes at its end.
pub(super) fn keep(own_dir: &Path, taken: &Taken, notes: &[Note], of: Option<&Oid>) -> Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let dir = own_dir.join("trail/local");
    share::make_dirs(&dir).with_context(|| format!("making {}", dir.display()))?;
    let (mut path, mut end) = (dir.join("0.jsonl"), End::default());
    if let Some((first, last)) = files(own_dir).pop() {
        let bytes = fs::read(&last).with_context(|| format!("reading {}", last.display()))?;
        end = End::of(&bytes).with_context(|| format!("reading {}", last.display()))?;
        path = last;
        if bytes.len() >= MIDDLE {
            path = dir.join(format!("{}.jsonl", first + split(&bytes)?.len() as u64));
        }
    }
    if taken.is_in(end.last.as_deref()) {
        return Ok(());
    }
    let (lines, end) = end.follow(notes, of)?;
    taken.give(&end.last.context("notes make lines")?)?;
    let bytes: Vec<u8> = lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
    let opened = share::append(&path);
    let written = opened.and_then(|mut file| file.write_all(&bytes));
    written.with_context(|| format!("writing {}", path.display()))
}
