//! Why the last refinery stopped although something waited. Only a display: whoever comes next tries
//! again, and a failure to write it stops nothing.

use std::fs;
use std::path::PathBuf;

use crate::git::Repo;
use crate::refinery::lease::file_name;

/// Notes why a pass over the queue ended early, or that the last one did not.
pub fn stopped(repo: &Repo, target: &str, why: Option<&anyhow::Error>) {
    let place = place(repo, target);
    drop(match why {
        Some(why) => fs::write(place, format!("{why:#}")),
        None => fs::remove_file(place),
    });
}

/// Why the queue stands, as far as the last pass over it knew.
pub fn why_stopped(repo: &Repo, target: &str) -> Option<String> {
    fs::read_to_string(place(repo, target)).ok()
}

fn place(repo: &Repo, target: &str) -> PathBuf {
    let name = format!("{}.stopped", file_name(target));
    repo.common_dir().join("shopfloor").join("refinery").join(name)
}
