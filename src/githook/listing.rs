//! The person's list of repositories: `init` puts this one in, so that its beads are found from anywhere.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::git::Repo;
use crate::githook::file;
use crate::host::share;
use crate::policy;
use crate::refusal::Refusal;

/// Where this repository is, as the list names it.
pub(super) fn place(repo: &Repo) -> PathBuf {
    repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned())
}

/// What the list says of a prefix.
#[derive(Debug, PartialEq, Eq)]
pub enum Listed {
    /// This repository, or there is no home for a list.
    Here,
    Nothing,
    Elsewhere(PathBuf),
}

/// Which repository the person's list has for `prefix`. One that is gone counts as none.
pub fn listed(repo: &Repo, prefix: &str) -> Result<Listed> {
    if policy::person_file(repo.env()).is_none() {
        return Ok(Listed::Here);
    }
    let all = policy::person(repo.env())?.repositories;
    let Some(named) = all.get(prefix) else { return Ok(Listed::Nothing) };
    let path = match (named.strip_prefix("~"), repo.env().home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => named.clone(),
    };
    Ok(match fs::canonicalize(&path) {
        Ok(path) if path == place(repo) || path == repo.common_dir() => Listed::Here,
        Ok(_) => Listed::Elsewhere(named.clone()),
        Err(_) => Listed::Nothing,
    })
}

/// The person's file, if this repository has to be put in.
pub(super) fn missing(repo: &Repo, prefix: &str) -> Result<Option<PathBuf>> {
    let missing = listed(repo, prefix)? == Listed::Nothing;
    Ok(policy::person_file(repo.env()).filter(|_| missing))
}

pub(super) fn add(repo: &Repo, list: &Path, prefix: &str) -> Result<()> {
    let place = place(repo);
    let dir = list.parent().unwrap_or(Path::new("."));
    share::make_dirs(dir).with_context(|| format!("making {}", dir.display()))?;
    file::edit_config(list, |old| {
        let old = old.map(std::str::from_utf8).transpose()?;
        let bare = old.map(|old| policy::unlist(old, &place));
        let bare = bare.as_ref().map_or(old, |left| left.as_deref());
        let new = policy::list(bare, prefix, &place).ok_or_else(|| {
            Refusal::fatal(format!("{} cannot take another line", list.display()))
                .hint("write it there yourself, below `[repositories]`:")
                .hint(format!("  {prefix} = '{}'", place.display()))
        })?;
        Ok(Some(new.into_bytes()))
    })?;
    Ok(())
}

/// Takes our line out; tells whether there was one.
pub(super) fn take(repo: &Repo) -> Result<Option<PathBuf>> {
    let Some(list) = policy::person_file(repo.env()).filter(|list| list.exists()) else {
        return Ok(None);
    };
    let touched = file::edit_config(&list, |old| {
        let old = old.map(std::str::from_utf8).transpose()?;
        Ok(old.and_then(|old| policy::unlist(old, &place(repo))).map(String::into_bytes))
    })?;
    if let Some(dir) = list.parent().filter(|_| !list.exists()) {
        // Only what is empty goes.
        fs::remove_dir(dir).ok();
    }
    Ok(touched.then_some(list))
}
