//! Of which convoys the person's notify command is still to be told, on this machine. Noted before a
//! convoy is announced and struck out after the command has run: whoever dies between leaves the note.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::git::Repo;
use crate::host::Turn;

/// Longer than one notify command may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The note, in the hands of the one who pays.
pub(super) struct Owed {
    path: PathBuf,
    /// What somebody before us has not paid.
    pub(super) earlier: Vec<String>,
    _turn: Turn,
}

impl Owed {
    /// Notes convoys that are about to be announced. None where nothing is owed, or where all that is
    /// owed is somebody's who is still at it.
    pub(super) fn take(repo: &Repo, new: &[String]) -> Result<Option<Self>> {
        let own_dir = repo.own_dir()?;
        let (path, lock) = (own_dir.join("notify"), own_dir.join("notify.lock"));
        if new.is_empty() && !path.exists() {
            return Ok(None);
        }
        let turn = match new {
            [] => Turn::try_take(&lock)?,
            _ => Some(Turn::take(&lock, "the notify command", PATIENCE)?),
        };
        let Some(turn) = turn else { return Ok(None) };
        let earlier = match fs::read_to_string(&path) {
            Err(no) if no.kind() == ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("reading {}", path.display()))?,
        };
        let earlier: Vec<String> = earlier.lines().map(str::to_owned).collect();
        let all: String = earlier.iter().chain(new).flat_map(|id| [id, "\n"]).collect();
        fs::write(&path, all).with_context(|| format!("writing {}", path.display()))?;
        Ok(Some(Self { path, earlier, _turn: turn }))
    }

    pub(super) fn paid(self) -> Result<()> {
        fs::remove_file(&self.path).with_context(|| format!("removing {}", self.path.display()))
    }
}
