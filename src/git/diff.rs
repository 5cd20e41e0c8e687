//! Which paths differ between two commits, told by their trees alone: no rename is guessed, no
//! attribute is asked, and only what differs is read.

use std::collections::BTreeMap;

use anyhow::Context as _;
use gix::bstr::ByteSlice as _;

use super::{Oid, Repo};

/// The entries of one tree: name to mode and object.
type Entries = BTreeMap<Vec<u8>, (u16, gix::ObjectId)>;

const TREE: u16 = 0o40000;

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
            names.sort();
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
        paths.sort();
        Ok(paths)
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
