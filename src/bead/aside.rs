//! The exchange with a remote beside what people do anyway: a push sends, a fetch brings. Nobody waits
//! for it, and nothing of theirs fails because of it.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::git::Repo;
use crate::host::process::Program;
use crate::host::share;
use crate::ledger::{self, Ledger};
use crate::refusal::{Kind, Refusal};

const PROGRAM: &str = "git-bead";
/// A log longer than this is begun anew.
const LONG: u64 = 64 << 10;

/// The remotes that were set up for it, unless `shopfloor.sync` is `manual`.
pub fn remotes(repo: &Repo) -> Result<Vec<String>> {
    if repo.config_get("shopfloor.sync")?.as_deref() == Some("manual") {
        return Ok(Vec::new());
    }
    ledger::fetched_from(repo)
}

/// Starts a sync that goes on by itself, if there is something to send to this remote.
pub fn exchange(repo: &Repo, remote: &str) -> Result<()> {
    if !remotes(repo)?.iter().any(|name| name == remote) {
        return Ok(());
    }
    let tip = repo.read_ref(&ledger::REF.parse()?)?;
    if tip.is_none() || tip == ledger::seen_of(repo, remote)? {
        return Ok(());
    }
    let Some(program) = program(repo, PROGRAM) else { return Ok(()) };
    let log = repo.own_dir()?.join("sync.log");
    if fs::metadata(&log).is_ok_and(|file| file.len() > LONG) {
        fs::remove_file(&log)?;
    }
    let place = repo.common_dir();
    Program::new(program)
        .args([OsStr::new("-C"), place.as_os_str()])
        .args(["sync", "--detached", remote])
        .full_env(environment(repo))
        .env("SSH_ASKPASS_REQUIRE", "never")
        .dir(place)
        .spawn_detached(&log)?;
    Ok(())
}

/// Takes in what somebody's `git fetch` has brought, and says what is wrong with it, or with the last
/// exchange that nobody saw.
pub fn attend(repo: &Repo, ledger: &Ledger<'_>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for name in remotes(repo)? {
        match ledger.take_fetched(&name) {
            Err(no) if no.is::<Refusal>() => {
                wrong.push(format!("{no:#}; git bead sync {name} tells more"));
            }
            Err(no) => tracing::debug!("taking in what was fetched from {name}: {no:#}"),
            Ok(_) => wrong.extend(fs::read_to_string(trouble(repo, &name)?).ok()),
        }
    }
    Ok(wrong)
}

/// Keeps what a detached exchange came to for who comes next. That a remote could not be reached is no
/// trouble: the next exchange goes there again.
pub fn remember<T>(repo: &Repo, remote: &str, came: &Result<T>) -> Result<()> {
    let path = trouble(repo, remote)?;
    let refusal = came.as_ref().err().and_then(|no| no.downcast_ref::<Refusal>());
    match refusal.filter(|refusal| refusal.kind != Kind::Again) {
        Some(refusal) => {
            let what = refusal.what.lines().collect::<Vec<_>>().join("; ");
            share::write(&path, format!("{what}; git bead sync {remote} tells more"))?;
        }
        None if path.exists() => fs::remove_file(path)?,
        None => {}
    }
    Ok(())
}

fn trouble(repo: &Repo, remote: &str) -> Result<PathBuf> {
    Ok(repo.own_dir()?.join(format!("sync-{}.trouble", remote.replace('/', "-"))))
}

/// The command beside the one that runs, else the one on PATH.
pub fn program(repo: &Repo, name: &str) -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(name));
    beside.filter(|path| path.is_file()).or_else(|| repo.env().path_of(name))
}

/// The caller's environment without what tells git where it is, and without what names a session:
/// what runs aside belongs to the repository, and must not end with the agent that woke it.
pub fn environment(repo: &Repo) -> Vec<(String, String)> {
    const KEPT: [&str; 9] = [
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_ASKPASS",
        "GIT_ALLOW_PROTOCOL",
        "GIT_TERMINAL_PROMPT",
    ];
    let ours = |key: &str| !key.starts_with("GIT_") && !key.starts_with("SHOPFLOOR_");
    let kept = repo.env().iter().filter(|(key, _)| ours(key) || KEPT.contains(key));
    kept.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
