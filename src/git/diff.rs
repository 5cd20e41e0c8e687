//! Which paths differ between two commits, told by their trees alone: no rename is guessed, no
//! attribute is asked, and only what differs is read. And which names stand in a work tree.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::Context as _;
use gix::bstr::ByteSlice as _;

use super::{Oid, Repo};

/// The entries of one tree: name to mode and object.
type Entries = BTreeMap<Vec<u8>, (u16, gix::ObjectId)>;

const TREE: u16 = 0o40000;
const SUBMODULE: u16 = 0o160000;

/// Of more directories than this git tells sooner what is in them: its index names all files at once.
const MOST: usize = 256;

impl Repo {
    /// The paths whose content differs, both names of what was moved.
    pub fn changed_paths(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<String>> {
        let mut paths = Vec::new();
        let trees = (self.tree_of(from)?, self.tree_of(to)?);
        // What waits: where, and the trees there on either side.
        let mut waiting = vec![(String::new(), Some(trees.0.id()), Some(trees.1.id()))];
        while let Some((place, from, to)) = waiting.pop() {
            if from == to {
                continue;
            }
            let (old, new) = (self.entries(from)?, self.entries(to)?);
            let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let (one, other) = (old.get(name), new.get(name));
                if one == other {
                    continue;
                }
                let path = format!("{place}{}", name.to_str_lossy());
                let file = |side: Option<&(u16, gix::ObjectId)>| side.is_some_and(|s| s.0 != TREE);
                if file(one) || file(other) {
                    paths.push(path.clone());
                }
                let tree = |side: Option<&(u16, gix::ObjectId)>| {
                    side.filter(|side| side.0 == TREE).map(|side| side.1)
                };
                waiting.push((format!("{path}/"), tree(one), tree(other)));
            }
        }
        paths.sort_unstable();
        Ok(paths)
    }

    /// Whether the work tree at `path` is known to have no file and no directory that `commit` has
    /// not. What is in the files is not looked at, nor what is in submodules.
    pub fn nothing_beside(&self, path: &Path, commit: &Oid) -> anyhow::Result<bool> {
        let mut waiting = vec![(path.to_owned(), self.tree_of(commit)?.id())];
        let mut looked_at = 0;
        while let Some((dir, tree)) = waiting.pop() {
            looked_at += 1;
            if looked_at > MOST {
                return Ok(false);
            }
            let known = self.entries(Some(tree))?;
            let reading = || format!("reading {}", dir.display());
            for found in fs::read_dir(&dir).with_context(reading)? {
                let found = found.with_context(reading)?;
                let is_dir = found.file_type().with_context(reading)?.is_dir();
                match known.get(found.file_name().as_bytes()) {
                    Some((TREE, tree)) if is_dir => waiting.push((found.path(), *tree)),
                    Some((mode, _)) if is_dir == (*mode == SUBMODULE) => {}
                    None if dir == path && found.file_name() == ".git" => {}
                    _ => return Ok(false),
                }
            }
        }
        Ok(true)
    }

    fn entries(&self, tree: Option<gix::ObjectId>) -> anyhow::Result<Entries> {
        let Some(id) = tree else { return Ok(Entries::new()) };
        let reading = || format!("reading tree {id}");
        let found = self.handle().find_tree(id).with_context(reading)?;
        let decoded = found.decode().with_context(reading)?;
        let entries = decoded.entries.iter();
        Ok(entries.map(|e| (e.filename.to_vec(), (e.mode.value(), e.oid.to_owned()))).collect())
    }
}
