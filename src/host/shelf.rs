//! A folder of which only the newest entries stay: what is kept for a look has an end in number and
//! in size.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// How much of a folder stays.
#[derive(Clone, Copy, Debug)]
pub struct Shelf {
    pub entries: usize,
    pub bytes: u64,
}

impl Shelf {
    /// Takes the oldest folders away, by when something was last put into them, until the rest fits.
    /// What is `spared` stays, and does not count.
    pub fn clear(self, dir: &Path, spared: &dyn Fn(&str) -> bool) -> io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().is_none_or(spared) {
                continue;
            }
            // Another one may be clearing, too.
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_dir() {
                found.push((facts.modified()?, entry.path()));
            }
        }
        found.sort_unstable();
        let mut bytes = 0_u64;
        for (at, (_, path)) in found.iter().rev().enumerate() {
            bytes = bytes.saturating_add(size(path));
            if at < self.entries && bytes <= self.bytes {
                continue;
            }
            match fs::remove_dir_all(path) {
                Err(no) if no.kind() != ErrorKind::NotFound => return Err(no),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What the files of a folder hold together.
fn size(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|facts| facts.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_as_far_as_there_is_room() {
        let cases: [(usize, u64, &[&str]); 4] = [
            (9, 1000, &["a", "b", "c", "d", "kept"]),
            (2, 1000, &["c", "d", "kept"]),
            (9, 25, &["c", "d", "kept"]),
            (9, 5, &["kept"]),
        ];
        for (entries, bytes, expected) in cases {
            let dir = tempfile::tempdir().unwrap();
            for (at, name) in ["kept", "a", "b", "c", "d"].into_iter().enumerate() {
                let folder = dir.path().join(name);
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join("output"), "0123456789").unwrap();
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(at as u64);
                fs::File::open(&folder).unwrap().set_modified(time).unwrap();
            }
            Shelf { entries, bytes }.clear(dir.path(), &|name| name == "kept").unwrap();
            let mut left: Vec<_> = fs::read_dir(dir.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            left.sort();
            assert_eq!(left, expected, "{entries} {bytes}");
        }
    }
}
