//! Which commands of which repository a person has agreed to. Kept outside the repository, so that
//! no clone and no commit can bring its own trust.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::git::Repo;
use crate::host::{Environment, share};
use crate::policy::Surface;
use crate::refusal::Refusal;

/// Whether exactly these commands were trusted for exactly this repository.
pub fn is_trusted(env: &Environment, repo: &Repo, surface: &Surface) -> bool {
    surface.is_empty() || record(env, repo, surface).is_some_and(|path| path.exists())
}

/// Refuses with the list of what would run, unless it is trusted.
pub fn demand(env: &Environment, repo: &Repo, surface: &Surface) -> Result<()> {
    if is_trusted(env, repo, surface) {
        return Ok(());
    }
    let mut refusal =
        Refusal::refused("this repository's shopfloor.toml is not trusted; it would run:");
    for line in surface.lines() {
        refusal.what.push_str(&format!("\n  {line}"));
    }
    refusal = refusal.hint("read them, then say yes with `git bead trust`");
    Err(refusal.into())
}

/// Records a person's yes.
pub fn grant(env: &Environment, repo: &Repo, surface: &Surface) -> Result<()> {
    let path = record(env, repo, surface)
        .ok_or_else(|| Refusal::fatal("no place to keep trust in").hint("set HOME"))?;
    let folder = path.parent().unwrap_or(&path);
    share::make_dirs(folder).with_context(|| format!("making {}", folder.display()))?;
    let text = format!("{}\n{}\n", repo.common_dir().display(), surface.lines().join("\n"));
    share::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

fn record(env: &Environment, repo: &Repo, surface: &Surface) -> Option<PathBuf> {
    let base = match env.get("XDG_STATE_HOME").filter(|path| path.starts_with('/')) {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env.get("HOME")?).join(".local/state"),
    };
    let mut hash = Sha256::new();
    hash.update(repo.common_dir().as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(surface.hash());
    Some(base.join("shopfloor").join("trust").join(HEXLOWER.encode(&hash.finalize())))
}
