//! Linked work trees, and where `HEAD` stands.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gix::bstr::ByteSlice as _;

use super::{Oid, RefName, Repo};
use crate::host::share;

/// A work tree as git lists it; the main one comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worktree {
    pub path: PathBuf,
    pub head: Option<Oid>,
    pub branch: Option<RefName>,
    /// The main repository of linked work trees, without files of its own.
    pub bare: bool,
    /// Its directory is gone.
    pub prunable: bool,
}

/// Where a work tree stands. No branch: detached; no oid: nothing committed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub branch: Option<RefName>,
    pub oid: Option<Oid>,
}

impl Repo {
    /// Where this work tree stands.
    pub fn head(&self) -> anyhow::Result<Head> {
        if self.reftable() {
            let named = self.git(["symbolic-ref", "--quiet", "HEAD"]).here().run()?;
            let branch = String::from_utf8_lossy(&named.out).trim().parse().ok();
            return Ok(Head { branch, oid: self.resolve("HEAD")? });
        }
        let head = self.handle().head()?;
        let branch: Option<RefName> =
            head.referent_name().and_then(|name| name.as_bstr().to_str().ok()?.parse().ok());
        let oid = match &branch {
            // Our own reading: gix may miss a ref that is being packed.
            Some(branch) => self.read_ref(branch)?,
            None => head.id().map(|id| id.detach().into()),
        };
        Ok(Head { branch, oid })
    }

    /// All work trees, the main one first.
    pub fn worktrees(&self) -> anyhow::Result<Vec<Worktree>> {
        if self.reftable() {
            return self.worktrees_by_git();
        }
        let common = self.common_dir();
        let path = if common.ends_with(".git") { common.parent() } else { None };
        let path = path.unwrap_or(common).to_owned();
        let main = Worktree { path, bare: self.is_bare(), ..Worktree::default() };
        let main = if main.bare { main } else { self.standing(main, common)? };
        let mut linked = Vec::new();
        let home = common.join("worktrees");
        let dirs = match fs::read_dir(&home) {
            Err(no) if no.kind() == ErrorKind::NotFound => None,
            dirs => Some(dirs.with_context(|| format!("reading {}", home.display()))?),
        };
        for dir in dirs.into_iter().flatten() {
            let dir = dir.with_context(|| format!("reading {}", home.display()))?.path();
            let Ok(link) = fs::read(dir.join("gitdir")) else { continue };
            // Relative to where it is written, if that is configured.
            let link = dir.join(OsStr::from_bytes(link.trim_ascii_end()));
            let path = if link.ends_with(".git") { link.parent() } else { None };
            let path = path.unwrap_or(&link);
            let tree = Worktree {
                path: fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
                prunable: !link.exists() && !dir.join("locked").exists(),
                ..Worktree::default()
            };
            linked.push(self.standing(tree, &dir)?);
        }
        linked.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(std::iter::once(main).chain(linked).collect())
    }

    /// The work tree with what the `HEAD` in its git directory says.
    fn standing(&self, tree: Worktree, git_dir: &Path) -> anyhow::Result<Worktree> {
        let text = fs::read_to_string(git_dir.join("HEAD")).unwrap_or_default();
        let Some(named) = text.strip_prefix("ref:") else {
            return Ok(Worktree { head: text.trim_end().parse().ok(), ..tree });
        };
        // No name of a ref: git says nothing of such a `HEAD`, and neither can we.
        let Ok(name) = named.trim().parse::<RefName>() else { return Ok(tree) };
        let (branch, head) = self.follow(&name)?;
        Ok(Worktree { head, branch: Some(branch), ..tree })
    }

    pub(super) fn worktrees_by_git(&self) -> anyhow::Result<Vec<Worktree>> {
        let out = self.git(["worktree", "list", "--porcelain", "-z"]).bytes()?;
        let mut found: Vec<Worktree> = Vec::new();
        for field in out.split(|byte| *byte == 0) {
            let (key, value) = field.split_once_str(" ").unwrap_or((field, b""));
            if key == b"worktree" {
                found.push(Worktree {
                    path: OsStr::from_bytes(value).into(),
                    ..Worktree::default()
                });
                continue;
            }
            let Some(last) = found.last_mut() else { continue };
            match key {
                // An unborn branch has a head of zeros.
                b"HEAD" => {
                    last.head = value.to_str_lossy().parse().ok().filter(|id: &Oid| !id.is_null());
                }
                b"branch" => last.branch = value.to_str_lossy().parse().ok(),
                b"bare" => last.bare = true,
                b"prunable" => last.prunable = true,
                _ => {}
            }
        }
        Ok(found)
    }

    /// What git still has of a linked work tree whose files are gone.
    pub fn git_dir_left_of(&self, path: &Path) -> anyhow::Result<Option<PathBuf>> {
        let known = self.handle().worktrees()?;
        let left = known.iter().find(|tree| tree.base().is_ok_and(|base| base == path));
        Ok(left.map(|tree| tree.git_dir().to_owned()))
    }

    /// A new work tree on `branch`, which is made at `start` or stands there already.
    pub fn add_worktree(&self, path: &Path, branch: &RefName, start: &Oid) -> anyhow::Result<()> {
        let name = branch.as_branch().unwrap_or(branch.as_str());
        let start_text = start.to_string();
        let mut args: Vec<&OsStr> = ["worktree", "add", "--quiet"].map(OsStr::new).into();
        if self.read_ref(branch)?.as_ref() == Some(start) {
            args.extend([path.as_os_str(), OsStr::new(name)]);
        } else {
            args.extend(["--no-track", "-b", name].map(OsStr::new));
            args.extend([path.as_os_str(), OsStr::new(&start_text)]);
        }
        self.git(args).network().ok()?;
        self.share_worktree(path)
    }

    /// Git leaves what it has of a work tree to the umask, and so shuts it to who shares the repository.
    pub fn share_worktree(&self, path: &Path) -> anyhow::Result<()> {
        if !share::is_shared(self.common_dir()) {
            return Ok(());
        }
        let sharing = || format!("sharing what git has of {}", path.display());
        let link = fs::read_to_string(path.join(".git")).with_context(sharing)?;
        let git_dir = path.join(link.trim_start_matches("gitdir:").trim());
        for entry in fs::read_dir(&git_dir).with_context(sharing)? {
            share::adjust(&entry.with_context(sharing)?.path()).with_context(sharing)?;
        }
        share::adjust(&git_dir).with_context(sharing)
    }

    /// Removes a linked work tree with all that is in it. What is worth keeping is saved before.
    pub fn remove_worktree(&self, path: &Path) -> anyhow::Result<()> {
        let args = ["worktree", "remove", "--force", "--force"].map(OsStr::new);
        self.git(args.into_iter().chain([path.as_os_str()])).ok()
    }
}
