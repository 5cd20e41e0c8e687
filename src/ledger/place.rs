//! Which clone this is, and what it last saw of the ledger.
//!
//! Both are bound to the place they were made in: the machine, and the directory as the disk knows it. A
//! repository that was copied finds another place noted, takes a new name, and remembers nothing.

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Ledger;
use super::shelf::{Position, Positions};
use crate::git::{Oid, Repo};
use crate::host::{machine, share, unwritable};

#[derive(Serialize, Deserialize)]
struct Replica {
    name: String,
    place: String,
    /// What it was called before it was moved, or what it is a copy of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<Name>,
}

/// A name under which a clone has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    name: String,
    /// The clock of the last line that it wrote so: what was copied goes on under that name.
    until: u64,
}

impl Name {
    #[cfg(test)]
    pub(crate) fn new(name: &str, until: u64) -> Self {
        Self { name: name.to_owned(), until }
    }

    /// Whether the line of this clock is its own.
    pub fn has(&self, replica: &str, clock: u64) -> bool {
        self.name == replica && clock <= self.until
    }
}

/// The tip that this clone last saw, and how far each replica had got in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) tip: Oid,
    pub(super) positions: Positions,
    place: String,
}

/// The name under which this clone has appended, if it ever did. Writes nothing.
pub fn known(repo: &Repo) -> Option<String> {
    let replica: Replica = read(&repo.desk().join("replica"))?;
    (replica.place == place(repo).ok()?).then_some(replica.name)
}

/// That name and all that it had before, wherever it stood then: what was said of it under those holds.
pub fn names(repo: &Repo) -> Vec<Name> {
    let Some(Replica { name, mut former, .. }) = read(&repo.desk().join("replica")) else {
        return Vec::new();
    };
    former.push(Name { name, until: u64::MAX });
    former
}

impl Ledger<'_> {
    /// The name under which this clone appends. To be asked for by who has the ledger's turn.
    pub(super) fn own_name(&self) -> Result<String> {
        let repo = self.repo;
        if let Some(name) = known(repo) {
            return Ok(name);
        }
        let (path, place) = (repo.desk_dir()?.join("replica"), place(repo)?);
        let (name, mut former) = (name(), names(repo));
        if let (Some(last), Some(tip)) = (former.last_mut(), repo.read_ref(&self.name)?) {
            let shelf = self.shelf_of(&tip)?;
            let end = shelf.replica(&last.name).map(|dir| Position::of(&self.store, dir));
            last.until = end.transpose()?.flatten().map_or(0, |end| end.clock);
        }
        write(&path, &Replica { name: name.clone(), place, former })?;
        Ok(name)
    }
}

/// A name that nothing else has.
pub(super) fn name() -> String {
    // The keys of the standard hasher are the one randomness that the standard library hands out.
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

impl Seen {
    pub(super) fn new(repo: &Repo, tip: Oid, positions: &Positions) -> Result<Self> {
        Ok(Self { tip, positions: positions.clone(), place: place(repo)? })
    }

    pub(super) fn load(repo: &Repo) -> Option<Self> {
        let seen: Self = read(&repo.desk().join("seen"))?;
        (seen.place == place(repo).ok()?).then_some(seen)
    }

    /// The tip has another name and the same lines.
    pub(super) fn moved(repo: &Repo, old: &Oid, new: Oid) {
        if let Some(seen) = Self::load(repo).filter(|seen| seen.tip == *old) {
            Self { tip: new, ..seen }.save(repo);
        }
    }

    /// A memory, not a record: a repository that cannot be written to does without.
    pub(super) fn save(&self, repo: &Repo) {
        if let Ok(desk) = repo.desk_dir() {
            drop(write(&desk.join("seen"), self));
        }
    }
}

fn place(repo: &Repo) -> Result<String> {
    let dir = repo.common_dir();
    let told = fs::metadata(dir).with_context(|| format!("reading {}", dir.display()))?;
    Ok(format!("{} {}:{}", machine(), told.dev(), told.ino()))
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

pub(super) fn write(path: &Path, what: &impl Serialize) -> Result<()> {
    let writing = || format!("writing {}", path.display());
    let dir = path.parent().with_context(writing)?;
    let mut file = tempfile::NamedTempFile::new_in(dir).with_context(writing)?;
    file.write_all(&serde_json::to_vec(what)?).with_context(writing)?;
    share::persist(file, path).map_err(|no| unwritable(path, &no))
}
