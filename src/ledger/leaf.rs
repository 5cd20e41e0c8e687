//! A file of lines, read or still to be read: where it is, where it begins and where it ends.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::canon::split;
use crate::git::{Oid, Store};

/// A file of lines and how many lines stand before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) first: u64,
    pub(super) bytes: Vec<u8>,
}

impl File {
    /// How many lines stand before whatever follows this file.
    pub(super) fn end(&self) -> Result<u64> {
        Ok(self.first + split(&self.bytes).with_context(|| self.name.clone())?.len() as u64)
    }

    pub(super) fn extend(&mut self, lines: &[Vec<u8>]) {
        for line in lines {
            self.bytes.extend_from_slice(line);
            self.bytes.push(b'\n');
        }
    }
}

/// A file that is still to be read, and how many lines stand before it where that is known.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) name: String,
    pub(super) first: Option<u64>,
    pub(super) at: At,
}

#[derive(Clone, Debug)]
pub(super) enum At {
    Ledger(Oid),
    /// What does not travel.
    Disk(PathBuf),
}

impl Leaf {
    pub(super) fn of_disk(path: PathBuf, first: u64) -> Self {
        Self { name: path.display().to_string(), first: Some(first), at: At::Disk(path) }
    }

    /// Reads the file. `next` is where the one before it ended, and then where this one does.
    pub(super) fn read(self, store: &Store<'_>, next: &mut Option<u64>) -> Result<File> {
        let bytes = self.bytes(store)?;
        let count = split(&bytes).with_context(|| self.name.clone())?.len() as u64;
        let end = self.end(*next, count)?;
        *next = Some(end);
        Ok(File { name: self.name, first: end - count, bytes })
    }

    /// What the file is called among the objects, if it is one.
    pub(super) fn in_ledger(&self) -> Option<&Oid> {
        match &self.at {
            At::Ledger(id) => Some(id),
            At::Disk(_) => None,
        }
    }

    pub(super) fn bytes(&self, store: &Store<'_>) -> Result<Vec<u8>> {
        match &self.at {
            At::Ledger(id) => store.blob(id),
            At::Disk(path) => fs::read(path).with_context(|| format!("reading {}", self.name)),
        }
    }

    /// Where the file ends if it holds so many lines, and those before it end there.
    pub(super) fn end(&self, before: Option<u64>, count: u64) -> Result<u64> {
        let first = self.first.or(before).context("a file without a place")?;
        let follows = before.is_none_or(|before| before == first);
        ensure!(follows, "what stands before {} does not end where it begins", self.name);
        Ok(first + count)
    }
}
