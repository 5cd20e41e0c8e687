//! What this process may do to a place, asked of the system: a sandbox and a read-only mount say no
//! where the file's own permissions say yes.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{Access, access};

use crate::refusal::Refusal;

pub fn may_write(path: &Path) -> bool {
    access(path, Access::WRITE_OK).is_ok()
}

/// The refusal for who could not write to a place.
pub fn unwritable(path: &Path, no: &io::Error) -> anyhow::Error {
    let is_in_the_way = |path: &&Path| path.is_file();
    let way = match no.kind() {
        ErrorKind::IsADirectory => Some("a file belongs there".to_owned()),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => path
            .ancestors()
            .find(is_in_the_way)
            .map(|file| format!("{} is a file, and a directory belongs there", file.display())),
        _ => None,
    };
    let fix = match way {
        Some(way) => format!("{way}; git bead doctor names the command"),
        None => "give yourself write access to that directory".to_owned(),
    };
    Refusal::fatal(format!("cannot write to {}: {no}", path.display())).hint(fix).into()
}

/// Who holds the lock that this file is, as far as the file says; none where nobody does. Changes
/// nothing.
pub fn holder(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let told = std::fs::read_to_string(path).unwrap_or_default();
            Some(told.lines().next().unwrap_or_default().trim().to_owned())
        }
        _ => None,
    }
}
