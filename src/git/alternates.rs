//! The line by which git finds our objects. A clone of a directory on the same disk copies that line,
//! and so borrows the objects of the repository it came from, which go whenever they are replaced there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::durable;
use crate::host::{share, unwritable};

pub(super) const DIR: &str = "shopfloor-objects";
/// How long the name of a folder of loose objects is.
const FAN: usize = 2;
const OURS: &str = "../shopfloor-objects";

/// How far git follows who borrows from whom.
const FURTHEST: usize = 5;

/// Puts our line right where it is missing. Where there are lines that lead to the like of it elsewhere,
/// everything there becomes ours as well, and they go.
pub(super) fn settle(common_dir: &Path) -> Result<()> {
    let objects = common_dir.join("objects");
    durable::make_dirs(common_dir, &common_dir.join(DIR))?;
    durable::make_dirs(&objects, &objects.join("info"))?;
    let file = objects.join("info/alternates");
    let known = match fs::read_to_string(&file) {
        Ok(known) => known,
        Err(no) if no.kind() == ErrorKind::NotFound => String::new(),
        Err(no) => return Err(no).with_context(|| format!("reading {}", file.display())),
    };
    let borrowed: Vec<_> = known.lines().filter(|line| is_borrowed(line)).collect();
    for place in &borrowed {
        take_over(Path::new(place), &common_dir.join(DIR))
            .with_context(|| format!("taking over what is borrowed from {place}"))?;
    }
    if borrowed.is_empty() && known.lines().any(|line| line == OURS) {
        return Ok(());
    }
    // Beside it and then in its place: git reads this file at any time.
    let new = file.with_extension("shopfloor");
    let kept = known.lines().filter(|line| !is_borrowed(line) && *line != OURS);
    let text: String = kept.chain([OURS]).flat_map(|line| [line, "\n"]).collect();
    share::write(&new, text).map_err(|no| unwritable(&new, &no))?;
    durable::flush(&new)?;
    fs::rename(&new, &file).map_err(|no| unwritable(&file, &no))?;
    durable::flush(&objects.join("info"))
}

/// Where the like of our objects is borrowed from by way of others: a clone that shares objects has a line
/// for those of the other repository, and that one has our line. What stands there goes at any time, and
/// gix takes a line that is relative there for one that is relative to here.
pub(super) fn lent(common_dir: &Path) -> Vec<PathBuf> {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let (mut known, mut found) = (Vec::new(), Vec::new());
    known.extend(real(&common_dir.join(DIR)));
    let mut next = vec![(0, common_dir.join("objects"))];
    while let Some((depth, objects)) = next.pop() {
        let lines = fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
        for dir in lines.lines().filter_map(|line| real(&objects.join(line))) {
            if known.contains(&dir) {
                continue;
            }
            known.push(dir.clone());
            match dir.ends_with(DIR) {
                true => found.push(dir),
                false if depth < FURTHEST => next.push((depth + 1, dir)),
                false => {}
            }
        }
    }
    found
}

/// Makes all of that ours as well. Says whether there is any.
pub(super) fn take_over_lent(common_dir: &Path) -> Result<bool> {
    let (lent, ours) = (lent(common_dir), common_dir.join(DIR));
    for place in &lent {
        durable::make_dirs(common_dir, &ours)?;
        take_over(place, &ours)
            .with_context(|| format!("taking over what is borrowed from {}", place.display()))?;
    }
    Ok(!lent.is_empty())
}

/// Whether our line is there, and none that leads to the like of it elsewhere.
pub(super) fn is_settled(common_dir: &Path) -> bool {
    let known = fs::read_to_string(common_dir.join("objects/info/alternates")).unwrap_or_default();
    known.lines().any(|line| line == OURS) && !known.lines().any(is_borrowed)
}

/// Beside the objects is what writers have on their desk, and notes that wait.
fn is_of_objects(folder: &OsStr) -> bool {
    folder == "pack" || folder.len() == FAN
}

pub(super) fn holds_objects(dir: &Path) -> bool {
    let mut here = fs::read_dir(dir).into_iter().flatten().flatten();
    here.any(|entry| is_of_objects(&entry.file_name()))
}

fn is_borrowed(line: &str) -> bool {
    let path = Path::new(line);
    path.is_absolute() && path.ends_with(DIR)
}

/// Every object file of another directory into ours. Files are never changed, so one file may stand in
/// both; one that goes away while we look was replaced, and nobody needs it.
fn take_over(from: &Path, to: &Path) -> Result<()> {
    let Ok(folders) = fs::read_dir(from) else { return Ok(()) };
    for folder in folders {
        let folder = folder?;
        let name = folder.file_name();
        if !is_of_objects(&name) {
            continue;
        }
        let (here, mut more) = (to.join(name), false);
        for file in fs::read_dir(folder.path()).into_iter().flatten() {
            let file = file?;
            let new = here.join(file.file_name());
            durable::make_dirs(to, &here)?;
            match take(&file.path(), &new) {
                Ok(is_new) => more |= is_new,
                Err(no) if no.kind() == ErrorKind::NotFound => {}
                Err(no) => return Err(no.into()),
            }
        }
        if more {
            durable::flush(&here)?;
        }
    }
    Ok(())
}

/// One of them, all of which are on the disk; no if it is here already. That may be that very file, so
/// nothing is ever written into it.
fn take(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::hard_link(from, to) {
        Err(no) if no.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(no) if no.kind() == ErrorKind::NotFound => Err(no),
        // On another disk.
        Err(_) => {
            let mut half = tempfile::NamedTempFile::new_in(to.parent().unwrap_or(to))?;
            io::copy(&mut File::open(from)?, &mut half)?;
            half.as_file().sync_all()?;
            share::persist(half, to).map(|()| true)
        }
        Ok(()) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_over_twice_empties_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, ours) = (dir.path().join("theirs").join(DIR), dir.path().join("ours"));
        fs::create_dir_all(theirs.join("80")).unwrap();
        fs::write(theirs.join("80/40ba"), "an object").unwrap();
        fs::create_dir_all(ours.join(DIR)).unwrap();
        let borrow = || {
            fs::create_dir_all(ours.join("objects/info")).unwrap();
            fs::write(ours.join("objects/info/alternates"), theirs.to_str().unwrap()).unwrap();
            settle(&ours).unwrap();
        };
        // Who is killed before the line is gone begins anew.
        (0..2).for_each(|_| borrow());
        for file in [theirs.join("80/40ba"), ours.join(DIR).join("80/40ba")] {
            assert_eq!(fs::read_to_string(file).unwrap(), "an object");
        }
        assert!(is_settled(&ours));
    }

    #[test]
    fn what_cannot_be_linked_is_copied() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir_in("/dev/shm"));
        let Ok(other) = other else { return };
        fs::write(other.path().join("40ba"), "an object").unwrap();
        take(&other.path().join("40ba"), &dir.path().join("40ba")).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("40ba")).unwrap(), "an object");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
