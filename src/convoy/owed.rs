//! Of which convoys the person's notify command is still to be told, on this machine. Noted before a
//! convoy is announced and struck out after the command has run: whoever dies between leaves the note.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::git::Repo;
use crate::host::{Turn, share};

/// Longer than one notify command may take.
const EACH: Duration = Duration::from_secs(15);

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
            _ => Some(Turn::take(&lock, "the notify command", patience(&noted(&path)?))?),
        };
        let Some(turn) = turn else { return Ok(None) };
        let earlier = noted(&path)?;
        let all: String = earlier.iter().chain(new).flat_map(|id| [id, "\n"]).collect();
        share::write(&path, all).with_context(|| format!("writing {}", path.display()))?;
        Ok(Some(Self { path, earlier, _turn: turn }))
    }

    pub(super) fn paid(self) -> Result<()> {
        fs::remove_file(&self.path).with_context(|| format!("removing {}", self.path.display()))
    }
}

/// The convoys in a note, which need not be there.
fn noted(path: &Path) -> Result<Vec<String>> {
    match fs::read_to_string(path) {
        Err(no) if no.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => {
            let text = read.with_context(|| format!("reading {}", path.display()))?;
            Ok(text.lines().map(str::to_owned).collect())
        }
    }
}

/// Who pays runs one command after another.
fn patience(ahead: &[String]) -> Duration {
    EACH * u32::try_from(ahead.len()).unwrap_or(u32::MAX).clamp(1, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_commands_ahead_are_waited_for() {
        for (ahead, seconds) in [(0, 15), (1, 15), (3, 45), (1000, 300)] {
            assert_eq!(patience(&vec![String::new(); ahead]).as_secs(), seconds, "{ahead}");
        }
    }
}
