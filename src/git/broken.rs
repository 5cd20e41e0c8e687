//! Which files of ours are not what their names say. Git writes no object that it believes to have, so
//! such a file has to go before anything can bring back what it was.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use gix::objs::Kind;

use super::Oid;
use super::store::{Entry, Store, in_a_tree};

impl Store<'_> {
    /// What a file of these bytes is called, whether it is among ours or not.
    pub fn name_of(&self, bytes: &[u8]) -> Result<Oid> {
        self.hash(Kind::Blob, bytes)
    }

    /// The same of a tree.
    pub fn name_of_tree(&self, entries: &[Entry]) -> Result<Oid> {
        self.hash(Kind::Tree, &in_a_tree(entries)?)
    }

    fn hash(&self, kind: Kind, bytes: &[u8]) -> Result<Oid> {
        let hash = self.repo().handle().object_hash();
        Ok(gix::objs::compute_hash(hash, kind, bytes).context("hashing an object")?.into())
    }

    /// It reads them all: for who knows already that something is wrong.
    pub fn broken(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let packs = self.dir().join("pack");
        for folder in fs::read_dir(self.dir()).into_iter().flatten().flatten() {
            let start = folder.file_name().to_string_lossy().into_owned();
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let name = format!("{start}{}", file.file_name().to_string_lossy());
                // Whatever has another name is no object.
                if start.len() == 2 && name.parse::<Oid>().is_ok_and(|id| !self.is_sound(&id)) {
                    found.push(file.path());
                }
            }
        }
        for pack in fs::read_dir(packs).into_iter().flatten().flatten().map(|file| file.path()) {
            if pack.extension().is_some_and(|end| end == "pack") && !self.is_sound_pack(&pack) {
                found.push(pack);
            }
        }
        found.sort_unstable();
        found
    }

    fn is_sound_pack(&self, pack: &std::path::Path) -> bool {
        let checked = self.repo().git(["verify-pack"]).arg(pack.with_extension("idx")).run();
        checked.is_ok_and(|done| done.code == 0)
    }
}
