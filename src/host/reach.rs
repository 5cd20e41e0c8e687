//! What this process may do to a place, asked of the system: a sandbox and a read-only mount say no
//! where the file's own permissions say yes.

use std::fs::{File, TryLockError};
use std::path::Path;

use rustix::fs::{Access, access};

pub fn may_write(path: &Path) -> bool {
    access(path, Access::WRITE_OK).is_ok()
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
