//! Keep a commit that was just made, also from a `git gc --prune=now` that began before there was a ref.
//!
//! It reads the refs first and deletes last, which may be minutes later: a ref made in between saves
//! nothing. What it deletes are loose objects, and such packs as it found when it began without a
//! `.keep` beside them. So the objects go into a pack that has one, then the ref is made, then the
//! `.keep` goes: whoever began before that leaves the pack alone, and whoever begins later finds the ref.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::{Oid, RefName, Repo, Swap, durable};
use crate::host::process::Identity;
use crate::host::{share, unwritable};

const OURS: &str = "shopfloor ";

impl Repo {
    /// Moves the ref `name` to a commit, with all that it brings and `known` do not have. Those are
    /// kept already.
    pub fn keep(&self, name: &RefName, commit: &Oid, known: &[&Oid]) -> Result<()> {
        let was = self.read_ref(name)?;
        if was.as_ref() == Some(commit) {
            return Ok(());
        }
        let dir = self.common_dir().join("objects/pack");
        durable::make_dirs(self.common_dir(), &dir)?;
        let stem = unused(&dir, commit)?;
        let guard = Guard(stem.with_extension("keep"));
        share::write(&guard.0, format!("{OURS}{}\n", std::process::id()))
            .map_err(|no| unwritable(&guard.0, &no))?;
        self.pack_new(&stem, commit, known)?;
        match self.swap_ref(name, was.as_ref(), Some(commit), "shopfloor: about to land")? {
            Swap::Done => Ok(()),
            Swap::Lost(_) => bail!("{name} was moved by somebody else"),
        }
    }

    fn pack_new(&self, stem: &Path, commit: &Oid, known: &[&Oid]) -> Result<()> {
        let half = self.own_dir()?.join(format!(".tmp-{commit}"));
        let known: String = known.iter().map(|known| format!("^{known}\n")).collect();
        let made = self
            .git(["pack-objects", "--revs", "--delta-base-offset", "--quiet"])
            .arg(&half)
            .config("pack.packSizeLimit=0")
            .input(format!("{commit}\n{known}"))
            .text()?;
        // By its index git knows a pack; so that comes last.
        for end in ["pack", "rev", "idx"] {
            let (from, to) = (format!("{}-{made}.{end}", half.display()), stem.with_extension(end));
            match fs::rename(&from, &to) {
                Err(_) if end == "rev" => {}
                moved => moved.map_err(|no| unwritable(&to, &no))?,
            }
        }
        for file in [&stem.with_extension("pack"), &stem.with_extension("idx")] {
            durable::flush(file)?;
        }
        durable::flush(stem.parent().context("a pack has a directory")?)
    }

    /// Lets git have the packs of those that were killed before they made their ref.
    pub fn forget_unkept(&self) {
        let files = fs::read_dir(self.common_dir().join("objects/pack")).into_iter().flatten();
        let paths = files.flatten().map(|file| file.path());
        for path in paths.filter(|path| path.extension().is_some_and(|end| end == "keep")) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let pid = text.strip_prefix(OURS).and_then(|pid| pid.trim().parse().ok());
            if pid.is_some_and(|pid| Identity::of(pid).is_none()) {
                drop(Guard(path));
            }
        }
    }
}

/// A `.keep` of ours, which goes when what it guards has a ref, or is given up.
struct Guard(PathBuf);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// Called after the commit. A pack that is there already may be on somebody's list of what goes, so
/// then it is another name, of as many digits as git wants.
fn unused(dir: &Path, commit: &Oid) -> Result<PathBuf> {
    let digits = commit.to_string();
    let turned = (0..digits.len()).map(|at| {
        let (end, start) = digits.split_at(at);
        dir.join(format!("pack-{start}{end}"))
    });
    let mut free = turned.filter(|stem| !stem.with_extension("pack").exists());
    free.next().with_context(|| format!("there are packs of {commit} under all names"))
}
