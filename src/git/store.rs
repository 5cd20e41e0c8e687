//! Objects of our own, in a directory of our own, durable before anything may name them.
//!
//! `git gc --prune=now` beside a writer deletes what no ref names yet, so our objects stand in
//! `<common>/shopfloor-objects`, which git reads as an alternate and never prunes.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use gix::objs::tree::{self, EntryKind};
use gix::objs::{Exists as _, Find as _, FindHeader as _, Kind, TreeRef, Write as _, WriteTo as _};

use super::elsewhere::Elsewhere;
use super::object::understood;
use super::{Commit, Oid, Repo, Signature, alternates, durable};
use crate::host::{share, unwritable};

/// How large an object may be to be remembered, and how many are.
const SMALL: usize = 16 << 10;
const KNOWN: usize = 256;
/// No file of ours is larger, so no other clone can make us read one that is.
pub(super) const LARGEST: u64 = 1 << 20;
/// The same for a directory, which may have many files.
const WIDEST: u64 = 8 << 20;

/// A directory of objects: the one that is ours, or the repository's own.
pub struct Store<'r> {
    repo: &'r Repo,
    dir: PathBuf,
    loose: gix::odb::loose::Store,
    elsewhere: Elsewhere,
    packs: OnceCell<Option<gix::odb::Handle>>,
    /// What was read: an object never changes, and one command looks at the same few again and again.
    known: RefCell<BTreeMap<Oid, (Kind, Vec<u8>)>>,
    ready: Cell<bool>,
    unflushed: RefCell<Unflushed>,
}

#[derive(Default)]
struct Unflushed {
    files: BTreeSet<PathBuf>,
    /// Those of the files that were not there before.
    new: Vec<PathBuf>,
    dirs: BTreeSet<PathBuf>,
}

/// What a tree holds: files and trees, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub is_tree: bool,
    pub id: Oid,
}

/// A tree as it is stored.
pub(super) fn in_a_tree(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut tree = gix::objs::Tree::empty();
    tree.entries.extend(entries.iter().map(|entry| tree::Entry {
        mode: if entry.is_tree { EntryKind::Tree } else { EntryKind::Blob }.into(),
        filename: entry.name.as_str().into(),
        oid: entry.id.id(),
    }));
    tree.entries.sort_unstable();
    let mut bytes = Vec::new();
    tree.write_to(&mut bytes).context("writing a tree")?;
    Ok(bytes)
}

impl<'r> Store<'r> {
    /// Nothing is made on the disk before the first write.
    pub fn open(repo: &'r Repo) -> Self {
        Self::at(repo, alternates::DIR, false)
    }

    /// The repository's own objects, for what belongs to its people.
    pub(super) fn of_the_repository(repo: &'r Repo) -> Self {
        Self::at(repo, "objects", true)
    }

    fn at(repo: &'r Repo, dir: &str, ready: bool) -> Self {
        let dir = repo.common_dir().join(dir);
        let loose = gix::odb::loose::Store::at(&dir, repo.handle().object_hash());
        Self {
            repo,
            dir,
            loose,
            elsewhere: Elsewhere::default(),
            packs: OnceCell::new(),
            known: RefCell::default(),
            ready: Cell::new(ready),
            unflushed: RefCell::default(),
        }
    }

    pub fn blob(&self, id: &Oid) -> Result<Vec<u8>> {
        self.measure(id, LARGEST)?;
        self.read(id, Kind::Blob)
    }

    pub fn tree(&self, id: &Oid) -> Result<Vec<Entry>> {
        self.measure(id, WIDEST)?;
        let bytes = self.read(id, Kind::Tree)?;
        let tree = TreeRef::from_bytes(&bytes, id.id().kind())
            .with_context(|| format!("tree {id} is damaged"))?;
        tree.entries
            .iter()
            .map(|entry| {
                Ok(Entry {
                    name: String::from_utf8(entry.filename.to_vec())
                        .with_context(|| format!("a name in tree {id}"))?,
                    is_tree: match entry.mode.kind() {
                        EntryKind::Tree => true,
                        EntryKind::Blob => false,
                        other => bail!(
                            "tree {id} holds {}, which is no file and no directory: {other:?}",
                            entry.filename
                        ),
                    },
                    id: entry.oid.to_owned().into(),
                })
            })
            .collect()
    }

    pub fn commit(&self, id: &Oid) -> Result<Commit> {
        let bytes = self.read(id, Kind::Commit)?;
        let commit = gix::objs::CommitRef::from_bytes(&bytes, id.id().kind());
        understood(&commit.with_context(|| format!("commit {id} is damaged"))?)
            .with_context(|| format!("commit {id}"))
    }

    pub fn write_blob(&self, bytes: &[u8]) -> Result<Oid> {
        self.write(Kind::Blob, bytes)
    }

    pub fn write_tree(&self, entries: &[Entry]) -> Result<Oid> {
        self.write(Kind::Tree, &in_a_tree(entries)?)
    }

    pub fn write_commit(
        &self,
        tree: &Oid,
        parents: &[Oid],
        message: &str,
        by: &Signature,
    ) -> Result<Oid> {
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let who = format!("{} <{}> {}", by.name, by.email, by.time);
        let text = format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message}\n");
        self.write(Kind::Commit, text.as_bytes())
    }

    /// Makes all that was written since the last barrier durable, files before the names that lead to
    /// them. After a failure the new files are gone, so that no later write takes them for safe.
    pub fn barrier(&self) -> Result<()> {
        let Unflushed { files, new, dirs } = self.unflushed.take();
        let flushed =
            durable::flush_all(files.iter()).and_then(|()| durable::flush_all(dirs.iter()));
        if flushed.is_err() {
            for file in &new {
                drop(fs::remove_file(file));
            }
        }
        flushed
    }

    /// Fetches exactly these refspecs into our own directory: what is fetched into the common one can be
    /// collected before any ref names it. Nothing else is brought along, and nothing is left out.
    pub fn fetch(&self, from: &str, refspecs: &[&str], again: bool) -> Result<()> {
        self.prepare()?;
        let fixed = ["--refmap=", "--no-filter"];
        let refetch = again.then_some("--refetch");
        let git = self.repo.fetching(from, fixed.into_iter().chain(refetch), refspecs);
        let common = self.repo.common_dir().join("objects").to_string_lossy().into_owned();
        let quoted = common.replace('\\', "\\\\").replace('"', "\\\"");
        git.env("GIT_OBJECT_DIRECTORY", &self.dir)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", format!("\"{quoted}\""))
            .ok()?;
        // Git flushes the files and not the directories they stand in.
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                durable::flush(&entry.path())?;
            }
        }
        durable::flush(&self.dir)?;
        // Git fetches nothing that it finds here, wherever that stands.
        self.take_over()
    }

    /// Makes ours what is borrowed by way of other repositories: it goes whenever it is replaced there.
    pub fn take_over(&self) -> Result<()> {
        alternates::take_over_lent(self.repo.common_dir()).map(drop)
    }

    /// Whether there is any of that.
    pub fn borrows(&self) -> bool {
        !alternates::lent(self.repo.common_dir()).is_empty()
    }

    /// Unlinks an object of ours that nothing names any more, or that is in a pack.
    pub fn discard(&self, id: &Oid) {
        self.known.borrow_mut().remove(id);
        drop(fs::remove_file(self.loose_file(id)));
    }

    pub(super) fn loose_file(&self, id: &Oid) -> PathBuf {
        self.loose.object_path(&id.id())
    }

    pub(super) fn repo(&self) -> &'r Repo {
        self.repo
    }

    /// Whether git is told of them, where there are any.
    pub fn is_known_to_git(&self) -> bool {
        !alternates::holds_objects(&self.dir) || alternates::is_settled(self.repo.common_dir())
    }

    pub fn make_known_to_git(&self) -> Result<()> {
        alternates::settle(self.repo.common_dir())
    }

    /// Where the objects stand.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A folder beside the objects, for what has to outlast the directory that anybody may remove. It is
    /// made so that it lasts.
    pub fn beside(&self, name: &str) -> Result<PathBuf> {
        let folder = self.dir.join(name);
        durable::make_dirs(self.repo.common_dir(), &folder)?;
        Ok(folder)
    }

    /// Whether an object is among ours, however it stands there.
    pub fn has(&self, id: &Oid) -> bool {
        self.loose.contains(&id.id()) || self.packs().is_some_and(|packs| packs.exists(&id.id()))
    }

    /// Whether an object that stands in a file of its own is what its name says.
    pub(super) fn is_sound(&self, id: &Oid) -> bool {
        let mut bytes = Vec::new();
        let read = self.loose.try_find(&id.id(), &mut bytes);
        matches!(read, Ok(Some(data)) if data.verify_checksum(&id.id()).is_ok())
    }

    /// About how many objects stand each in a file of its own, by one folder of 256.
    pub fn loose_count(&self) -> usize {
        fs::read_dir(self.dir.join("17")).map_or(0, |folder| folder.count() * 256)
    }

    /// What is said of an object that is not what its name says.
    fn damaged(&self, id: &Oid) -> String {
        let file = self.loose.object_path(&id.id());
        match fs::metadata(&file).map(|file| file.len()) {
            Ok(0) => format!("object {id} is damaged: {} is empty", file.display()),
            Ok(_) => format!("object {id} is damaged: {}", file.display()),
            Err(_) => format!("object {id} is damaged"),
        }
    }

    fn lacking(&self, id: &Oid) -> String {
        match self.loose.object_path(&id.id()).exists() {
            true => self.damaged(id),
            false => format!("object {id} is missing or damaged"),
        }
    }

    /// Whether an object is not larger than any of ours may be.
    pub fn fits(&self, id: &Oid) -> Result<()> {
        self.measure(id, LARGEST)
    }

    /// An object's size, before any memory is given to it.
    fn measure(&self, id: &Oid, most: u64) -> Result<()> {
        let damaged = || self.damaged(id);
        if self.known.borrow().contains_key(id) {
            return Ok(());
        }
        let mut size = self.loose.try_header(&id.id()).with_context(damaged)?.map(|(size, _)| size);
        if size.is_none()
            && let Some(packs) = self.packs()
        {
            let found = packs.try_header(&id.id()).map_err(|no| anyhow!(no));
            size = found.with_context(damaged)?.map(|found| found.size);
        }
        let size = match size {
            Some(size) => size,
            None => match self.repo.handle().find_header(id.id()) {
                Ok(found) => found.size(),
                Err(no) => match self.elsewhere.find(self.repo, id)? {
                    Some((_, bytes)) => bytes.len() as u64,
                    None => return Err(no).with_context(|| self.lacking(id)),
                },
            },
        };
        ensure!(size <= most, "object {id} has {size} bytes, more than {most}");
        Ok(())
    }

    fn read(&self, id: &Oid, kind: Kind) -> Result<Vec<u8>> {
        let known = self.known.borrow().get(id).cloned();
        let (found, bytes) = match known {
            Some(known) => known,
            None => self.find(id, kind)?,
        };
        ensure!(found == kind, "object {id} is a {found}, not a {kind}");
        let mut known = self.known.borrow_mut();
        if bytes.len() <= SMALL && known.len() < KNOWN {
            known.insert(*id, (kind, bytes.clone()));
        }
        Ok(bytes)
    }

    /// Our own directory first: it spares opening every pack of a large repository.
    fn find(&self, id: &Oid, kind: Kind) -> Result<(Kind, Vec<u8>)> {
        let damaged = || self.damaged(id);
        let mut bytes = Vec::new();
        if let Some(data) = self.loose.try_find(&id.id(), &mut bytes).with_context(damaged)? {
            // A file of lines checks itself line by line.
            if kind != Kind::Blob {
                data.verify_checksum(&id.id()).with_context(damaged)?;
            }
            return Ok((data.kind, bytes));
        }
        if let Some(packs) = self.packs() {
            let found = packs.try_find(&id.id(), &mut bytes).map_err(|no| anyhow!(no));
            if let Some(data) = found.with_context(damaged)? {
                if kind != Kind::Blob {
                    data.verify_checksum(&id.id()).with_context(damaged)?;
                }
                return Ok((data.kind, bytes));
            }
        }
        match self.repo.handle().find_object(id.id()) {
            Ok(mut object) => Ok((object.kind, std::mem::take(&mut object.data))),
            Err(no) => match self.elsewhere.find(self.repo, id)? {
                Some(found) => Ok(found),
                None => Err(no).with_context(|| self.lacking(id)),
            },
        }
    }

    fn packs(&self) -> Option<&gix::odb::Handle> {
        let open = || {
            let hash = self.repo.handle().object_hash();
            self.dir.join("pack").is_dir().then(|| gix::odb::at(&self.dir, hash).ok()).flatten()
        };
        self.packs.get_or_init(open).as_ref()
    }

    pub(super) fn write(&self, kind: Kind, bytes: &[u8]) -> Result<Oid> {
        self.prepare()?;
        let hash = self.repo.handle().object_hash();
        let id = gix::objs::compute_hash(hash, kind, bytes).context("hashing an object")?;
        let path = self.loose.object_path(&id);
        let fan = path.parent().context("an object has a directory")?.to_owned();
        let mut unflushed = self.unflushed.borrow_mut();
        if !fan.is_dir() {
            share::make_dirs(&fan).map_err(|no| unwritable(&fan, &no))?;
            unflushed.dirs.insert(self.dir.clone());
        }
        // A torn file of the right name would stay torn: git and gix take it for the object.
        if !self.holds(&id, kind, bytes) || !durable::refresh(&path) {
            let written = self.loose.write_buf_with_known_id(kind, bytes, id);
            written.map_err(|no| self.unwritten(no))?;
            share::adjust(&path).map_err(|no| unwritable(&path, &no))?;
            unflushed.new.push(path.clone());
        }
        unflushed.files.insert(path);
        unflushed.dirs.insert(fan);
        Ok(id.into())
    }

    fn holds(&self, id: &gix::oid, kind: Kind, bytes: &[u8]) -> bool {
        let mut found = Vec::new();
        matches!(self.loose.try_find(id, &mut found), Ok(Some(data)) if data.kind == kind && data.data == bytes)
    }

    fn unwritten(&self, no: gix::Error) -> anyhow::Error {
        match no.downcast_any_ref::<std::io::Error>() {
            Some(io) => unwritable(&self.dir, io),
            None => anyhow::Error::from(no)
                .context(format!("writing an object to {}", self.dir.display())),
        }
    }

    /// The directory, and the line by which git knows it; both are put right when they are missing.
    fn prepare(&self) -> Result<()> {
        if self.ready.get() {
            return Ok(());
        }
        alternates::settle(self.repo.common_dir())?;
        self.ready.set(true);
        Ok(())
    }
}
