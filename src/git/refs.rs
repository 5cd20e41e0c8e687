//! Read refs, and move one: by compare-and-swap, durable, never past a change somebody else made.
//!
//! gix loads packed refs before it takes its lock, so beside `git pack-refs` its swaps lose updates, and
//! it reads no reftable. So for files the swap is ours: lock, read, compare, rename; for reftable it is
//! git's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::lock::{Lock, PATIENCE, PAUSE};
use super::{Oid, RefName, Repo, Signature, durable};
use crate::host::{Clock, share, unwritable};
use crate::refusal::Refusal;

const DEEPEST: usize = 5;

/// How a swap ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    Done,
    /// The ref was not what the caller took it for; this is what it is.
    Lost(Option<Oid>),
}

enum Found {
    Nothing,
    Object(Oid),
    Symbolic(RefName),
}

impl Repo {
    /// What a ref names now.
    pub fn read_ref(&self, name: &RefName) -> Result<Option<Oid>> {
        Ok(self.follow(name)?.1)
    }

    /// Where symbolic refs lead to from this one, and what is there.
    pub(super) fn follow(&self, name: &RefName) -> Result<(RefName, Option<Oid>)> {
        let mut name = name.clone();
        for _ in 0..DEEPEST {
            match self.look_up(&name)? {
                Found::Nothing => return Ok((name, None)),
                Found::Object(id) => return Ok((name, Some(id))),
                Found::Symbolic(target) => name = target,
            }
        }
        bail!("{name} leads from one symbolic ref to the next without end")
    }

    /// The refs whose names start so, by name.
    pub fn refs_under(&self, start: &str) -> Result<Vec<(RefName, Oid)>> {
        let folder = start.rsplit_once('/').map_or("refs", |(folder, _)| folder);
        if self.reftable() {
            // Git matches whole folders only.
            let args = ["for-each-ref", "--format=%(objectname) %(refname)", folder];
            let found = self.git(args).text()?.lines().map(pair).collect::<Result<Vec<_>>>()?;
            return Ok(found
                .into_iter()
                .filter(|(name, _)| name.as_str().starts_with(start))
                .collect());
        }
        let mut names = Vec::new();
        let folder = self.common_dir().join(folder);
        loose_names(self.common_dir(), &folder, &mut names)?;
        // Packed ones after loose ones, so that none is missed while it is being packed.
        let packed = packed_refs(self.common_dir())?;
        let told = packed
            .lines()
            .filter(|line| line.split_once(' ').is_some_and(|(_, name)| name.starts_with(start)));
        let mut found: BTreeMap<_, _> = told.filter_map(|line| pair(line).ok()).collect();
        for name in names.iter().filter(|name| name.starts_with(start)) {
            // A file whose name is none for a ref is no ref: editors and `pack-refs` leave such files.
            let Ok(name) = name.parse::<RefName>() else { continue };
            if let Some(id) = self.read_ref(&name)? {
                found.insert(name, id);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Moves a ref from `old` to `new`, where none is "there is no such ref". Once done it is durable.
    pub fn swap_ref(
        &self,
        name: &RefName,
        old: Option<&Oid>,
        new: Option<&Oid>,
        why: &str,
    ) -> Result<Swap> {
        match new {
            Some(new) if !self.reftable() => self.swap_file(name, old, new, why),
            _ => self.swap_by_git(name, old, new, why),
        }
    }

    fn look_up(&self, name: &RefName) -> Result<Found> {
        if self.reftable() {
            return self.ask_git(name);
        }
        // A ref that is being packed is in one place or the other; it may move behind our back once.
        for _ in 0..2 {
            match read_loose(&self.ref_path(name))? {
                Found::Nothing => {}
                found => return Ok(found),
            }
            if let Some(id) = read_packed(self.common_dir(), name)? {
                return Ok(Found::Object(id));
            }
        }
        Ok(Found::Nothing)
    }

    fn ask_git(&self, name: &RefName) -> Result<Found> {
        let done = self
            .git(["rev-parse", "--verify", "--quiet", "--end-of-options", name.as_str()])
            .run()?;
        match done.code {
            0 => Ok(Found::Object(String::from_utf8_lossy(&done.out).trim().parse()?)),
            1 => Ok(Found::Nothing),
            _ => bail!("reading {name}: {}", done.err),
        }
    }

    pub(super) fn ref_path(&self, name: &RefName) -> PathBuf {
        let own = ["refs/worktree/", "refs/bisect/", "refs/rewritten/"];
        let dir = if own.iter().any(|start| name.as_str().starts_with(start)) {
            self.git_dir()
        } else {
            self.common_dir()
        };
        dir.join(name.as_str())
    }

    fn swap_file(&self, name: &RefName, old: Option<&Oid>, new: &Oid, why: &str) -> Result<Swap> {
        let path = self.ref_path(name);
        let lock = Lock::take(self, name, &path, new)?;
        let now = match self.look_up(name)? {
            Found::Nothing => None,
            Found::Object(id) => Some(id),
            Found::Symbolic(target) => bail!("{name} is a symbolic ref to {target}: move that one"),
        };
        if now.as_ref() != old {
            return Ok(Swap::Lost(now));
        }
        if now.is_none() {
            self.make_room(name, &path)?;
        }
        self.write_reflog(name, old, new, why)?;
        lock.rename(&path)?;
        Ok(Swap::Done)
    }

    /// Git's own rule: where there is a ref `a/b`, there is no `a` and no `a/b/c`.
    fn make_room(&self, name: &RefName, path: &Path) -> Result<()> {
        remove_empty_dirs(path);
        let packed = packed_refs(self.common_dir())?;
        let known = packed.lines().filter_map(|line| Some(line.split_once(' ')?.1));
        let within = |outer: &str, inner: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
        };
        let in_the_way =
            |other: &&str| within(other, name.as_str()) || within(name.as_str(), other);
        match known.into_iter().find(in_the_way) {
            Some(other) => {
                Err(Refusal::refused(format!("there cannot be a ref {name} beside {other}"))
                    .hint(format!("one of the two needs another name; see git show-ref {other}"))
                    .into())
            }
            None => Ok(()),
        }
    }

    /// A reflog that is there is kept up; branches get one as git would give them one.
    fn write_reflog(&self, name: &RefName, old: Option<&Oid>, new: &Oid, why: &str) -> Result<()> {
        if is_amended(name) {
            return Ok(());
        }
        let path = self.common_dir().join("logs").join(name.as_str());
        let setting = self.handle().config_snapshot().string("core.logAllRefUpdates");
        let wanted = match setting.as_deref().map(|value| value.to_ascii_lowercase()).as_deref() {
            Some(b"always") => true,
            Some(b"false" | b"no" | b"off" | b"0") => false,
            None if self.is_bare() => false,
            _ => name.as_branch().is_some(),
        };
        if !wanted && !path.exists() {
            return Ok(());
        }
        let who = Signature::new("shopfloor", "shopfloor@localhost", &Clock::real().now());
        let none = Oid::null(self.sha256());
        let why = why.replace('\n', " ");
        let line = format!(
            "{} {new} {} <{}> {}\t{why}\n",
            old.unwrap_or(&none),
            who.name,
            who.email,
            who.time
        );
        let parent = path.parent().context("a reflog has a directory")?;
        let written = share::make_dirs(parent)
            .and_then(|()| share::append(&path))
            .and_then(|mut file| file.write_all(line.as_bytes()));
        written.map_err(|no| unwritable(&path, &no))
    }

    /// Makes durable what a ref names now, where who moved it cannot be asked any more.
    pub fn flush_ref(&self, name: &RefName) -> Result<()> {
        let path = self.ref_path(name);
        if !self.reftable() && path.exists() {
            durable::flush(&path)?;
            return durable::flush(path.parent().context("a ref has a directory")?);
        }
        self.flush_refs()
    }

    /// Makes durable what git wrote. It flushes a reftable before the footer is in it (seen with
    /// 2.47), and a table without its footer is a repository without refs: so each is flushed again.
    fn flush_refs(&self) -> Result<()> {
        if !self.reftable() {
            return durable::flush(&self.common_dir().join("refs"));
        }
        let tables = self.common_dir().join("reftable");
        let list = fs::read_to_string(tables.join("tables.list")).context("reading tables.list")?;
        for table in list.lines().map(|name| tables.join(name)) {
            // One that is gone was merged into another by a git beside us.
            if table.exists() {
                durable::flush(&table)?;
            }
        }
        durable::flush(&tables)
    }

    fn swap_by_git(
        &self,
        name: &RefName,
        old: Option<&Oid>,
        new: Option<&Oid>,
        why: &str,
    ) -> Result<Swap> {
        let none = Oid::null(self.sha256()).to_string();
        let was = old.map_or_else(|| none.clone(), Oid::to_string);
        let args = match new {
            Some(new) => vec![
                "update-ref".to_owned(),
                "--no-deref".to_owned(),
                "-m".to_owned(),
                why.to_owned(),
                name.to_string(),
                new.to_string(),
                was,
            ],
            None if old.is_none() => {
                return Ok(self.read_ref(name)?.map_or(Swap::Done, |id| Swap::Lost(Some(id))));
            }
            None => vec![
                "update-ref".to_owned(),
                "--no-deref".to_owned(),
                "-d".to_owned(),
                name.to_string(),
                was,
            ],
        };
        let start = Instant::now();
        loop {
            let mut git = self.git(&args);
            if is_amended(name) {
                git = git.config("core.logAllRefUpdates=false");
            }
            let done = git.run()?;
            if done.code == 0 {
                self.flush_refs()?;
                return Ok(Swap::Done);
            }
            let now = self.read_ref(name)?;
            if now.as_ref() != old {
                return Ok(Swap::Lost(now));
            }
            if !done.err.contains("lock") {
                bail!("git update-ref {name}: {}", done.err);
            }
            if start.elapsed() > PATIENCE {
                return Err(Refusal::again(format!("{name} is locked: {}", done.err))
                    .hint("if no git is running here, remove the lock that it names")
                    .into());
            }
            Clock::real().sleep(PAUSE);
        }
    }
}

/// The tips of a ledger replace each other, and what was replaced is taken away: a log would name what is
/// gone, and git complain of it.
fn is_amended(name: &RefName) -> bool {
    name.as_str() == "refs/shopfloor/ledger"
}

fn read_loose(path: &Path) -> Result<Found> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(no)
            if matches!(
                no.kind(),
                ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Found::Nothing);
        }
        Err(no) => return Err(no).with_context(|| format!("reading {}", path.display())),
    };
    let text = text.trim_end();
    let damaged = || {
        let what = format!("{} is damaged: it names no object", path.display());
        Refusal::fatal(what).hint("git fsck tells more; git reflog may tell what it named")
    };
    match text.strip_prefix("ref:") {
        Some(target) => Ok(Found::Symbolic(target.trim().parse()?)),
        None => Ok(Found::Object(text.parse().map_err(|_| damaged())?)),
    }
}

/// The lines `<object> <name>` of the packed refs.
fn packed_refs(common_dir: &Path) -> Result<String> {
    let path = common_dir.join("packed-refs");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(no) if no.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(no) => Err(no).with_context(|| format!("reading {}", path.display())),
    }
}

fn read_packed(common_dir: &Path, name: &RefName) -> Result<Option<Oid>> {
    let packed = packed_refs(common_dir)?;
    let line = packed
        .lines()
        .find(|line| line.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with(' ')));
    line.map(|line| Ok(pair(line)?.1)).transpose()
}

fn pair(line: &str) -> Result<(RefName, Oid)> {
    let (id, name) = line.split_once(' ').with_context(|| format!("{line:?} is no ref"))?;
    Ok((name.parse()?, id.parse()?))
}

fn loose_names(common_dir: &Path, folder: &Path, names: &mut Vec<String>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(no) if matches!(no.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(());
        }
        Err(no) => return Err(no).with_context(|| format!("reading {}", folder.display())),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            loose_names(common_dir, &path, names)?;
        } else if let Some(name) = path.strip_prefix(common_dir).ok().and_then(Path::to_str) {
            names.push(name.to_owned());
        }
    }
    Ok(())
}

/// Empty directories are no refs; git leaves them behind and so may stand where a ref is to be.
fn remove_empty_dirs(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        remove_empty_dirs(&entry.path());
    }
    drop(fs::remove_dir(path));
}
