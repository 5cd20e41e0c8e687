//! Where a repository keeps its git hooks, and whether our lines may stand in them.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::git::Repo;
use crate::githook::{file, hooks_path, whose};

/// The hooks directory, were it not for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// As configured: relative to wherever git runs a hook, or absolute.
    pub named: PathBuf,
    /// Where that is in the main work tree.
    pub dir: PathBuf,
    /// Where git looks when it receives a push.
    pub receiving: PathBuf,
    /// It belongs to this repository and to no commit of it, so lines of ours may stand there. In a
    /// directory that is shared with other repositories, or tracked, they may not.
    pub ours_to_edit: bool,
}

/// The directory in which a hooks path of ours runs what stands in the repository's own.
pub(super) fn beside(repo: &Repo) -> PathBuf {
    repo.common_dir().join("shopfloor-hooks")
}

pub(super) fn of(repo: &Repo) -> Result<Place> {
    let mut place = found(repo)?;
    if place.ours_to_edit {
        let top = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
        place.ours_to_edit = !is_tracked(repo, &top, &place.dir)?;
    }
    Ok(place)
}

/// The same without asking git what is tracked.
pub(super) fn found(repo: &Repo) -> Result<Place> {
    let named = own(repo, &[&repo.common_dir().join("config")])?;
    let top = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
    let dir = top.join(&named);
    let receiving = repo.common_dir().join(&named);
    let ours_to_edit = dir.starts_with(repo.common_dir()) || dir.starts_with(&top);
    Ok(Place { named, dir, receiving, ours_to_edit })
}

impl Place {
    /// Where git looks for the hook of this name.
    pub(super) fn script(&self, name: &str) -> PathBuf {
        let dir = if name == "proc-receive" { &self.receiving } else { &self.dir };
        dir.join(name)
    }
}

/// The configured hooks path that is not ours, where ours are said in these files, the nearest first.
pub(super) fn own(repo: &Repo, files: &[&Path]) -> Result<PathBuf> {
    let mut set = None;
    for path in files {
        let text = file::read(path)?.unwrap_or_default();
        set = set.or(hooks_path::of_others(&text)?.filter(|dir| !dir.is_empty()));
    }
    if set.is_none() {
        let all = repo.config_all("core.hooksPath")?;
        set = all.into_iter().rfind(|dir| !dir.is_empty() && !whose::is_our_dir(dir));
    }
    let home = repo.env().home();
    Ok(match set {
        Some(dir) => match (dir.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(dir),
        },
        None => repo.common_dir().join("hooks"),
    })
}

fn is_tracked(repo: &Repo, top: &Path, dir: &Path) -> Result<bool> {
    let Ok(inside) = dir.strip_prefix(top) else { return Ok(false) };
    if repo.is_bare() || dir.starts_with(repo.common_dir()) {
        return Ok(false);
    }
    let listed = repo.git(["ls-files", "-z", "--"]).arg(inside).at(top).bytes()?;
    Ok(!listed.is_empty())
}
