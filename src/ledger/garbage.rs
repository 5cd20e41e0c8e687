//! What amended commits leave behind: objects of ours that nothing names any more.
//!
//! They are noted when they are replaced and unlinked a minute later, when no reader that saw the old tip
//! can still be at work. The note is a convenience: without it they stay, and take up room.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::git::{Oid, Repo, Store};
use crate::host::{Clock, Stamp, share};

/// It is worth looking when the note is this long, or its first entry this old.
const LONG: u64 = 64 << 10;
const OLD_SECONDS: i64 = 300;
/// As much of the note is done at once: other writers wait meanwhile, and on a busy disk they wait long.
const AT_ONCE: usize = 100;
const GRACE_SECONDS: i64 = 60;
const LEFTOVER_SECONDS: u64 = 3600;

/// Notes objects that were replaced just now.
pub(super) fn add(repo: &Repo, objects: &[Oid]) -> Result<()> {
    let path = note(repo)?;
    let ids: Vec<_> = objects.iter().map(Oid::to_string).collect();
    let line = format!("{} {}\n", now().seconds(), ids.join(" "));
    let opened = share::append(&path);
    opened
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .with_context(|| format!("writing {}", path.display()))
}

/// Unlinks what has been out of use for a minute, but for what the ledger of now is made of, and what is
/// part of an old commit that somebody made a ref to.
///
/// It looks whether there is enough to do, unless it is told that this is the time.
pub(super) fn sweep(repo: &Repo, store: &Store<'_>, tree: &Oid, now_or_never: bool) -> Result<()> {
    let path = note(repo)?;
    let reading = || format!("reading {}", path.display());
    if now_or_never && !path.exists() {
        return Ok(());
    }
    let mut file = File::open(&path).with_context(reading)?;
    let long = file.metadata().with_context(reading)?.len() > LONG;
    let mut text = String::new();
    BufReader::new(&file).read_line(&mut text).with_context(reading)?;
    let now = now().seconds();
    let due = if long { 2 * GRACE_SECONDS } else { OLD_SECONDS };
    if !now_or_never && now - noted(&text) < due {
        return Ok(());
    }
    text.clear();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).with_context(reading)?;
    let most = if now_or_never { usize::MAX } else { AT_ONCE };
    let (mut old, mut rest) = (Vec::new(), String::new());
    for line in text.lines() {
        match now - noted(line) > GRACE_SECONDS && old.len() < most {
            true => old.push(line),
            false => rest.extend([line, "\n"]),
        }
    }
    let ids = old.iter().flat_map(|line| line.split(' ').skip(1));
    let mut objects: BTreeSet<Oid> = ids.filter_map(|id| id.parse().ok()).collect();
    spare(store, tree, &mut objects)?;
    for (_, named) in repo.refs_under("refs/")? {
        if objects.remove(&named) {
            spare(store, &store.commit(&named)?.tree, &mut objects)?;
        }
    }
    // What others fetched from us before it was replaced may have come back below what they made of it.
    if !repo.refs_under("refs/shopfloor/remotes/")?.is_empty() {
        let all =
            ["rev-list", super::REF, "--glob=refs/shopfloor/remotes", "--glob=refs/shopfloor/pins"];
        for commit in repo.git(all).text()?.lines() {
            let commit: Oid = commit.parse()?;
            if objects.remove(&commit) {
                spare(store, &store.commit(&commit)?.tree, &mut objects)?;
            }
        }
    }
    for object in &objects {
        store.discard(object);
    }
    // Only now: who is killed before it has them on the list still.
    share::write(&path, rest).with_context(|| format!("writing {}", path.display()))?;
    let own_dir = repo.own_dir()?;
    for dir in [store.dir(), &repo.desk(), &own_dir, &own_dir.join("cache")] {
        sweep_leftovers(dir);
    }
    Ok(())
}

/// All that is noted.
pub(super) fn listed(repo: &Repo) -> BTreeSet<Oid> {
    let text = note(repo).ok().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let ids = text.lines().flat_map(|line| line.split(' ').skip(1));
    ids.filter_map(|id| id.parse().ok()).collect()
}

/// When an entry was made; one that says nothing is as old as can be.
fn noted(line: &str) -> i64 {
    line.split(' ').next().and_then(|at| at.parse().ok()).unwrap_or_default()
}

/// Beside the objects: what else stands there may go at any time, and with the note they would stay.
fn note(repo: &Repo) -> Result<PathBuf> {
    Ok(repo.desk_dir()?.join("superseded"))
}

/// Takes off the list what a tree is made of: somebody may have put the ref back to an older tip.
fn spare(store: &Store<'_>, tree: &Oid, objects: &mut BTreeSet<Oid>) -> Result<()> {
    objects.remove(tree);
    for entry in store.tree(tree)? {
        objects.remove(&entry.id);
        if entry.is_tree {
            spare(store, &entry.id, objects)?;
        }
    }
    Ok(())
}

/// Files that a killed writer had not yet given their names.
fn sweep_leftovers(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let hidden = entry.file_name().to_string_lossy().starts_with(".tmp");
        let age = entry
            .metadata()
            .and_then(|file| file.modified())
            .ok()
            .and_then(|made| made.elapsed().ok());
        if hidden && age.is_some_and(|age| age.as_secs() > LEFTOVER_SECONDS) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Real time, also where lines are stamped by a pinned clock: readers take real time.
fn now() -> Stamp {
    Clock::real().now()
}
