//! What writers share while they write: locks, and what they tell each other.

use std::path::PathBuf;

use anyhow::Result;

use super::{Repo, alternates, durable};

impl Repo {
    /// The directory for that. It is beside the ledger's objects: what may be removed at any time must not
    /// hold what keeps two writers apart.
    pub fn desk_dir(&self) -> Result<PathBuf> {
        let dir = self.desk();
        durable::make_dirs(self.common_dir(), &dir)?;
        Ok(dir)
    }

    /// The same, which may not be there yet.
    pub fn desk(&self) -> PathBuf {
        self.common_dir().join(alternates::DIR).join("desk")
    }
}
