//! Objects of ours that nothing leads to: what killed writers had written, and what was replaced and is
//! noted nowhere.
//!
//! Whether nothing does is asked of git, which looks at every ref, log, index and work tree: who adds a
//! file of the same content finds it here, and git writes it nowhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::Oid;
use super::store::Store;

impl Store<'_> {
    /// Whether anything that stands in a file of its own has been there so long.
    pub fn has_idle(&self, age: Duration) -> bool {
        self.loose_files().any(|file| is_idle(&file, age))
    }

    /// What of that nothing leads to, `kept` neither.
    pub fn strays(&self, age: Duration, kept: &[Oid]) -> Result<Vec<Oid>> {
        let listed = self
            .repo()
            .git(["prune", "--dry-run"])
            .arg(format!("--expire={}.seconds.ago", age.as_secs()))
            .arg("--")
            .args(kept.iter().map(Oid::to_string))
            .env("GIT_OBJECT_DIRECTORY", self.dir())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.repo().common_dir().join("objects"))
            .text()?;
        Ok(listed.lines().filter_map(|line| line.split_once(' ')?.0.parse().ok()).collect())
    }

    /// All directories among ours, whoever names them.
    pub fn trees(&self) -> Result<Vec<Oid>> {
        self.all(" tree")
    }

    /// All files, too.
    pub fn blobs(&self) -> Result<Vec<Oid>> {
        self.all(" blob")
    }

    fn all(&self, kind: &str) -> Result<Vec<Oid>> {
        let listed = self
            .repo()
            .git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"])
            .env("GIT_OBJECT_DIRECTORY", self.dir())
            .run()?;
        // What of it is damaged is called missing there, and the rest is told all the same.
        let listed = String::from_utf8_lossy(&listed.out).into_owned();
        let those = listed.lines().filter_map(|line| line.strip_suffix(kind));
        Ok(those.filter_map(|id| id.parse().ok()).collect())
    }

    /// Unlinks it, unless somebody has asked for it since.
    pub fn discard_idle(&self, id: &Oid, age: Duration) -> bool {
        let idle = is_idle(&self.loose_file(id), age);
        if idle {
            self.discard(id);
        }
        idle
    }

    /// Unlinks what a git that was killed had not yet given its name.
    pub fn discard_unnamed(&self, age: Duration) {
        let unnamed = |file: &PathBuf| {
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tmp_obj_"))
        };
        for file in self.loose_files().filter(unnamed).filter(|file| is_idle(file, age)) {
            drop(fs::remove_file(file));
        }
    }

    fn loose_files(&self) -> impl Iterator<Item = PathBuf> {
        let folders = fs::read_dir(self.dir()).into_iter().flatten().flatten();
        let fans = folders.filter(|folder| folder.file_name().len() == 2);
        fans.flat_map(|fan| fs::read_dir(fan.path()).into_iter().flatten().flatten())
            .map(|file| file.path())
    }
}

fn is_idle(file: &Path, age: Duration) -> bool {
    let made = fs::metadata(file).and_then(|file| file.modified());
    made.ok().and_then(|made| made.elapsed().ok()).is_some_and(|since| since > age)
}
