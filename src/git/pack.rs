//! Many loose objects of ours into one pack. Nothing is unlinked before the pack that holds it was read
//! back and is on the disk, so a power cut or a kill in between leaves an object twice, never not at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::store::Store;
use super::{Oid, durable};

/// Whatever is at work beside us, a fetch or a reader, is done with a file that is older.
const OLD: Duration = Duration::from_secs(24 * 3600);

/// How the names of our own packs begin. All that is in use of one is in the next.
const OURS: &str = "pack-ours";

/// What a pack was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    pub objects: usize,
    pub bytes: u64,
}

impl Store<'_> {
    /// How many packs there are, and how many objects stand each in a file of its own.
    pub fn tally(&self) -> Result<(usize, usize)> {
        let (mut packs, mut loose) = (0, 0);
        let folders = if self.dir().is_dir() { files_of(self.dir())? } else { Vec::new() };
        for folder in folders {
            match folder.file_name().map_or(0, |name| name.len()) {
                2 => loose += files_of(&folder)?.len(),
                _ if folder.ends_with("pack") => {
                    let files = files_of(&folder)?;
                    packs += files
                        .iter()
                        .filter(|file| file.extension() == Some("pack".as_ref()))
                        .count();
                }
                _ => {}
            }
        }
        Ok((packs, loose))
    }

    /// Packs all that these commits are made of, their history too, and unlinks what is in the pack:
    /// loose files and older packs.
    pub fn pack(&self, tips: &[Oid]) -> Result<Packed> {
        let dir = self.dir().join("pack");
        durable::make_dirs(self.repo().common_dir(), &dir)?;
        let older = files_of(&dir)?;
        let tips: String = tips.iter().map(|tip| format!("{tip}\n")).collect();
        // With the names of the files: by them git finds what resembles what.
        let listed = self.repo().git(["rev-list", "--objects", "--stdin"]).input(tips).bytes()?;
        let made = self
            .repo()
            .git(["pack-objects", "--delta-base-offset", "--local", "--quiet"])
            .arg(dir.join(OURS))
            .env("GIT_OBJECT_DIRECTORY", self.dir())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.repo().common_dir().join("objects"))
            .input(listed)
            .text()?;
        let at = |end: &str| dir.join(format!("{OURS}-{made}.{end}"));
        self.repo().git(["verify-pack"]).arg(at("idx")).ok()?;
        let packed = self.objects_in(&at("idx"))?;
        let all = files_of(&dir)?;
        let new: BTreeSet<_> = all.iter().filter(|file| is_of(file, &made)).collect();
        for file in new.iter().copied().chain([&dir]) {
            durable::flush(file)?;
        }
        durable::flush(self.dir())?;
        for file in older.iter().filter(|file| !new.contains(file)) {
            // A fetch beside us may just have brought a pack of which no ref tells yet.
            if is_ours(file) || is_old(file) || self.is_within(file, &packed) {
                drop(fs::remove_file(file));
            }
        }
        for object in &packed {
            self.discard(object);
        }
        let bytes = fs::metadata(at("pack")).map_or(0, |pack| pack.len());
        Ok(Packed { objects: packed.len(), bytes })
    }

    /// Whether a pack, of which this is one of the files, has nothing that these are not.
    fn is_within(&self, file: &Path, objects: &BTreeSet<Oid>) -> bool {
        self.objects_in(&file.with_extension("idx")).is_ok_and(|within| within.is_subset(objects))
    }

    fn objects_in(&self, index: &Path) -> Result<BTreeSet<Oid>> {
        let bytes = fs::read(index).with_context(|| format!("reading {}", index.display()))?;
        let listed = self.repo().git(["show-index"]).input(bytes).text()?;
        Ok(listed.lines().filter_map(|line| line.split(' ').nth(1)?.parse().ok()).collect())
    }
}

fn is_of(file: &Path, pack: &str) -> bool {
    file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(pack))
}

fn is_ours(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OURS))
}

fn is_old(file: &Path) -> bool {
    let age =
        fs::metadata(file).and_then(|file| file.modified()).ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age > OLD)
}

/// Packs and what belongs to them; a pack before its index, so that the index tells of it to the end.
fn files_of(dir: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("reading {}", dir.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(reading)? {
        files.push(entry.with_context(reading)?.path());
    }
    files.sort_unstable_by_key(|file| {
        (file.extension().is_some_and(|end| end == "idx"), file.clone())
    });
    Ok(files)
}
