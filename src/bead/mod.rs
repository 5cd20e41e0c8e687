//! What is to be done? The work graph as a fold of ledger lines, and what may be done to it.

pub mod alike;
pub mod alter;
pub mod aside;
pub mod audit;
pub mod beads;
pub mod births;
pub mod chain;
pub mod change;
mod claims;
pub mod closing;
mod compare;
#[cfg(test)]
mod delivered;
pub mod digest;
pub mod draft;
pub mod epics;
pub mod event;
pub mod export;
pub mod face;
pub mod field;
pub mod fields;
pub mod files;
pub mod filter;
pub mod find;
pub mod forms;
pub mod graph;
pub mod history;
pub mod holding;
pub mod hub;
pub mod intake;
pub mod kept;
mod kind;
pub mod layout;
pub mod lease;
mod life;
pub mod lint;
pub mod memory;
pub mod order;
pub mod orphans;
pub mod overlap;
mod parts;
pub mod past;
pub mod purge;
pub mod query;
pub mod rare;
pub mod raw;
pub mod ready;
pub mod record;
mod remarks;
pub mod rings;
mod rival;
pub mod search;
mod spelling;
pub mod tally;
pub mod together;
pub mod tokens;
pub mod told;
pub mod tree;
pub mod undo;
mod unite;
pub mod unlike;
pub mod views;
pub mod waits;
pub mod web;
pub mod words;

use anyhow::Result;

use crate::git::Repo;
use crate::refusal::Refusal;

pub use beads::Beads;
pub use fields::{Bead, Claim};

/// What a repository's ids start with: `shopfloor.prefix`, else the name of its directory.
pub fn prefix(repo: &Repo) -> Result<String> {
    if let Some(prefix) = repo.config_get("shopfloor.prefix")? {
        if slug(&prefix) == prefix {
            return Ok(prefix);
        }
        return Err(Refusal::fatal(format!(
            "shopfloor.prefix is {prefix:?}, which cannot stand before an id"
        ))
        .hint(format!("git config shopfloor.prefix {}", slug(&prefix)))
        .into());
    }
    let place = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
    let name = place.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(slug(name.as_deref().unwrap_or("bead").trim_end_matches(".git")))
}

/// A name as it can stand before an id: lower-case letters, digits and single dashes, 24 at most.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 24 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "bead".to_owned() } else { slug.to_owned() }
}
