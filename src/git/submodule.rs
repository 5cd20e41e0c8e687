//! The repositories of submodules that go when a work tree goes: those git keeps in its git directory,
//! and those that stand in it as whole repositories.

use std::fs;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice as _;

use super::object::fields;
use super::{Oid, Repo};

/// A commit that a submodule has and that none of its remotes is known to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lone {
    /// Where the submodule's files are, or its git directory when they are gone.
    pub path: PathBuf,
    pub git_dir: PathBuf,
    pub commit: Oid,
}

impl Repo {
    /// What only the submodules of one work tree have, one commit of each. Its git directory may have
    /// outlived its files.
    pub fn lone_commits(
        &self,
        git_dir: &Path,
        worktree: Option<&Path>,
    ) -> anyhow::Result<Vec<Lone>> {
        let mut dirs = Vec::new();
        repositories(&git_dir.join("modules"), &mut dirs);
        if let Some(worktree) = worktree {
            let listed = self.git(["ls-files", "--stage", "-z"]).at(worktree).bytes()?;
            let links = fields(&listed).filter(|entry| entry.starts_with(b"160000 "));
            let paths = links.filter_map(|entry| entry.split_once_str("\t"));
            let paths = paths.map(|(_, path)| worktree.join(path.to_path_lossy()).join(".git"));
            for whole in paths.filter(|path| path.is_dir()) {
                repositories(&whole, &mut dirs);
            }
        }
        let mut found = Vec::new();
        for dir in dirs {
            if let Some(commit) = self.lone_commit(&dir)? {
                let path = home(&dir);
                found.push(Lone { path, git_dir: dir, commit });
            }
        }
        Ok(found)
    }

    fn lone_commit(&self, dir: &Path) -> anyhow::Result<Option<Oid>> {
        // What a submodule stands at may have been fetched by its name alone.
        let fetched = fs::read_to_string(dir.join("FETCH_HEAD")).unwrap_or_default();
        let fetched = fetched.lines().filter_map(|line| line.split_whitespace().next());
        let known = fetched.filter(|word| word.parse::<Oid>().is_ok());
        let known: String = known.map(|id| format!("^{id}\n")).collect();
        let every = ["rev-list", "--max-count=1", "--ignore-missing", "--all", "--reflog"];
        let kept = ["--not", "--remotes", "--tags", "--stdin"];
        let newest = self.git(every).args(kept).of(dir).input(known).text()?;
        Ok(newest.parse().ok())
    }
}

/// All git directories at or under `dir`: a submodule may have submodules, and a slash in its name.
fn repositories(dir: &Path, found: &mut Vec<PathBuf>) {
    if dir.join("HEAD").is_file() && dir.join("objects").is_dir() {
        found.push(dir.to_owned());
        return repositories(&dir.join("modules"), found);
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            repositories(&entry.path(), found);
        }
    }
}

/// The work tree of a submodule, if it is there.
fn home(dir: &Path) -> PathBuf {
    let config =
        gix::config::File::from_path_no_includes(dir.join("config"), gix::config::Source::Local);
    let named = config.ok().and_then(|config| {
        let named = config.string("core.worktree")?;
        dir.join(named.to_path_lossy()).canonicalize().ok()
    });
    let around = || dir.parent().filter(|_| dir.ends_with(".git")).map(Path::to_owned);
    named.or_else(around).unwrap_or_else(|| dir.to_owned())
}
