//! Proof that this is the only refinery on its target. The kernel holds the lock and gives it back
//! whatever happens to us; a note beside it says to others what is being tested.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::git::{RefName, Repo};
use crate::host::process::Identity;
use crate::host::{Clock, share};
use crate::ledger::{self, Actor, Ledger};
use crate::refinery::number::Number;
use crate::refinery::refs;

const FORKED: Duration = Duration::from_millis(1500);
const PAUSE: Duration = Duration::from_millis(5);

/// What a refinery works with, and the right to land on `target`.
pub struct Lease<'a> {
    pub repo: &'a Repo,
    pub ledger: &'a Ledger<'a>,
    pub clock: &'a Clock,
    pub actor: Actor,
    pub target: String,
    pub branch: RefName,
    note: PathBuf,
    _lock: File,
}

impl<'a> Lease<'a> {
    /// Takes the lease, or says `None` when another refinery has it. `owner` answers for what the
    /// refinery writes.
    pub fn take(
        repo: &'a Repo,
        ledger: &'a Ledger<'a>,
        clock: &'a Clock,
        owner: &str,
        target: &str,
    ) -> Result<Option<Self>> {
        let folder = folder(repo)?;
        share::make_dirs(&folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join(format!("{}.lock", file_name(target)));
        let lock = share::lockable(&path).with_context(|| format!("opening {}", path.display()))?;
        if !locked(&lock, &path, || at_work(repo, target).is_some(), clock)? {
            return Ok(None);
        }
        let actor = Actor {
            by: "refinery".to_owned(),
            owner: owner.to_owned(),
            replicas: ledger::replica_names(repo),
            ..Actor::default()
        };
        let note = note(repo, target)?;
        let branch = RefName::branch(target)?;
        let target = target.to_owned();
        let lease = Self { repo, ledger, clock, actor, target, branch, note, _lock: lock };
        lease.testing(Number::default());
        Ok(Some(lease))
    }

    /// Tells who asks that entry `n` is being tested; 0 is none. Only a display, so a failure to
    /// write it stops nothing.
    pub fn testing(&self, n: Number) {
        let own = Identity::own();
        let fresh = self.note.with_extension("fresh");
        let text = format!("{n}\n{}\n{}\n{}\n", own.pid, own.start, self.target);
        drop(share::write(&fresh, text).and_then(|()| fs::rename(&fresh, &self.note)));
    }

    /// Counts one more attempt at entry `n`; says how many there were before that came to no end.
    pub(super) fn attempt(&self, n: Number) -> usize {
        let file = self.note.with_extension("tries");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let before = text.strip_prefix(&format!("{n} ")).and_then(|tries| tries.parse().ok());
        let before: usize = before.unwrap_or(0);
        drop(share::write(&file, format!("{n} {}", before + 1)));
        before
    }

    /// The attempt came to an end, whichever.
    pub(super) fn attempted(&self) {
        drop(fs::remove_file(self.note.with_extension("tries")));
    }

    /// Where this refinery keeps the outputs of an entry's gates.
    pub fn outputs(&self, entry: &str) -> Result<PathBuf> {
        let n = entry.rsplit_once('#').map_or(entry, |(_, n)| n);
        Ok(self.repo.own_dir()?.join("gates").join(file_name(&self.target)).join(file_name(n)))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        drop(refs::forget_candidate(self.repo, &self.target));
        drop(fs::remove_file(&self.note));
    }
}

/// Locks, unless a living refinery has it. A child that one had just forked when it was killed holds
/// the lock until it is a program of its own; that is waited for.
fn locked(lock: &File, path: &Path, busy: impl Fn() -> bool, clock: &Clock) -> Result<bool> {
    for _ in 0..FORKED.as_millis() / PAUSE.as_millis() {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if busy() => return Ok(false),
            Err(TryLockError::WouldBlock) => clock.sleep(PAUSE),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
    }
    Ok(false)
}

/// The entry that a living refinery is testing; number 0 when it is between two.
pub fn at_work(repo: &Repo, target: &str) -> Option<Number> {
    let note = Note::read(&note(repo, target).ok()?)?;
    note.who.alive().then_some(note.n)
}

/// The targets whose refinery ended without putting its note away: it was killed.
pub(super) fn died(repo: &Repo) -> Vec<String> {
    let folder = repo.common_dir().join("shopfloor").join("refinery");
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let paths = files.flatten().map(|file| file.path());
    let notes = paths.filter(|path| path.extension().is_some_and(|end| end == "now"));
    let dead = notes.filter_map(|path| Note::read(&path)).filter(|note| !note.who.alive());
    dead.map(|note| note.target).collect()
}

/// What a refinery leaves for others to read.
struct Note {
    n: Number,
    who: Identity,
    target: String,
}

impl Note {
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut lines = text.lines();
        let n = lines.next()?.parse().ok()?;
        let pid = lines.next()?.parse().ok()?;
        let who = Identity { pid, start: lines.next()?.to_owned() };
        Some(Self { n, who, target: lines.next()?.to_owned() })
    }
}

/// A name that is one path component, whatever the branch or gate is called.
pub(super) fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut out = String::new();
    for (at, c) in name.chars().enumerate() {
        if plain(c) && !(at == 0 && c == '.') {
            out.push(c);
        } else {
            out.push_str(&format!("%{:X}", u32::from(c)));
        }
    }
    out
}

fn folder(repo: &Repo) -> Result<PathBuf> {
    Ok(repo.own_dir()?.join("refinery"))
}

fn note(repo: &Repo, target: &str) -> Result<PathBuf> {
    Ok(folder(repo)?.join(format!("{}.now", file_name(target))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_one_path_component() {
        let cases =
            [("main", "main"), ("release/1.0", "release%2F1.0"), ("..", "%2E."), ("é", "%E9")];
        for (name, expected) in cases {
            assert_eq!(file_name(name), expected);
        }
    }
}
