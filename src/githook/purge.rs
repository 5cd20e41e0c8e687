//! `git bead deinit --purge`: the refs, the objects, the directories, everything that is ours.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::git::Repo;
use crate::githook::file;

const ALTERNATE: &str = "../shopfloor-objects";

pub fn purge(repo: &Repo) -> Result<Vec<PathBuf>> {
    let mut orders = String::new();
    for (name, oid) in repo.refs_under("refs/shopfloor/")? {
        orders += &format!("delete {name} {oid}\n");
    }
    if !orders.is_empty() {
        repo.git(["update-ref", "--stdin"]).input(orders).ok()?;
    }
    let mut gone = vec![repo.common_dir().join("refs/shopfloor")];
    gone.retain(|dir| dir.exists() && emptied(dir));
    let objects = repo.common_dir().join("shopfloor-objects");
    if objects.exists() && let_go(repo)? {
        fs::remove_dir_all(&objects).with_context(|| format!("removing {}", objects.display()))?;
        gone.push(objects);
    }
    let own = repo.common_dir().join("shopfloor");
    if own.exists() {
        fs::remove_dir_all(&own).with_context(|| format!("removing {}", own.display()))?;
        gone.push(own);
    }
    Ok(gone)
}

/// Removes a directory of directories in which there is nothing left.
fn emptied(dir: &Path) -> bool {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        emptied(&entry.path());
    }
    fs::remove_dir(dir).is_ok()
}

/// Stops borrowing our objects. A person may have put a branch on one of them: then nothing that is
/// reachable may go missing, and they stay.
fn let_go(repo: &Repo) -> Result<bool> {
    let path = repo.common_dir().join("objects/info/alternates");
    let Some(old) = file::read(&path)? else { return Ok(true) };
    let text = String::from_utf8_lossy(&old);
    let kept: String =
        text.split_inclusive('\n').filter(|line| line.trim_end() != ALTERNATE).collect();
    match kept.is_empty() {
        true => file::remove(&path)?,
        false => file::write(&path, kept.as_bytes(), Some(file::mode(&path).unwrap_or(0o644)))?,
    }
    let whole = repo
        .git(["rev-list", "--objects", "--quiet", "--all", "--reflog", "--indexed-objects"])
        .run()?;
    if whole.code != 0 {
        file::write(&path, &old, Some(0o644))?;
    }
    Ok(whole.code == 0)
}
