//! Whoever queues something, or finds something queued, starts the refinery: one at a time,
//! detached, gone when nothing waits. There is no daemon.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bead::aside;
use crate::git::{RefName, Repo};
use crate::host::process::{Identity, Program};
use crate::host::share;
use crate::ledger::Ledger;
use crate::policy::{self, trust};
use crate::refinery::clones;
use crate::refinery::entry::State;
use crate::refinery::lease::{self, file_name};
use crate::refinery::queue::Queue;
use crate::refusal::Refusal;

/// What became of the wish to have a refinery run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Autorun {
    Started(Identity),
    /// One is at work and will see what waits.
    Running,
    /// The person turned it off, or it cannot be found; somebody has to run it by hand.
    Left(String),
}

const PROGRAM: &str = "git-refinery";

/// Starts `git-refinery run --drain` for `target`, unless one is at work.
pub fn autorun(repo: &Repo, target: &str) -> Result<Autorun> {
    if repo.config_bool("shopfloor.autorun")? == Some(false) {
        let what = "shopfloor.autorun is off: `git refinery run` lands what is queued";
        return Ok(Autorun::Left(what.to_owned()));
    }
    if lease::at_work(repo, target).is_some() {
        return Ok(Autorun::Running);
    }
    let Some(program) = aside::program(repo, PROGRAM) else {
        let what = format!("{PROGRAM} is not on PATH: what is queued stays queued until it runs");
        return Ok(Autorun::Left(what));
    };
    let log = log(repo, target)?;
    shorten(&log);
    let place = repo.common_dir();
    let started = Program::new(program)
        .args([OsStr::new("-C"), place.as_os_str()])
        .args(["run", "--drain", "--detached", "--target", target])
        .full_env(aside::environment(repo))
        .dir(place)
        .spawn_detached(&log);
    match started {
        Ok(refinery) => Ok(Autorun::Started(refinery)),
        Err(error) => Ok(Autorun::Left(format!("{PROGRAM} could not be started: {error:#}"))),
    }
}

/// Nobody reads what earlier ones said, once it is long. A failure to shorten it stops nothing.
fn shorten(log: &Path) {
    const LONG: u64 = 1 << 20;
    if fs::metadata(log).is_ok_and(|facts| facts.len() > LONG) {
        drop(share::write(log, ""));
    }
}

/// What the refinery said last that was started here.
pub fn last_words(repo: &Repo, target: &str) -> Option<String> {
    let said = fs::read(log(repo, target).ok()?).ok()?;
    let said = String::from_utf8_lossy(&said);
    let mut lines = said.lines().filter(|line| !line.starts_with("hint: "));
    Some(lines.rfind(|line| !line.trim().is_empty())?.to_owned())
}

/// Keeps a refinery at work for whoever waits, without starting one after another in vain.
#[derive(Debug, Default)]
pub struct Awake {
    started: usize,
    last: Option<Identity>,
    next: Option<Instant>,
}

impl Awake {
    /// How many starts may come to nothing.
    const STARTS: usize = 3;
    const PAUSE: Duration = Duration::from_secs(1);

    /// Starts one where none is at work. Says why, where a person has to do it; refuses where it would
    /// come to nothing.
    pub fn see_to(&mut self, repo: &Repo, target: &str) -> Result<Option<String>> {
        // On a slow machine the last one may still be on its way.
        let early = self.next.is_some_and(|next| Instant::now() < next)
            || self.last.as_ref().is_some_and(Identity::alive);
        if early || lease::at_work(repo, target).is_some() {
            return Ok(None);
        }
        if let Some(tip) = repo.read_ref(&RefName::branch(target)?)? {
            trust::demand(repo.env(), repo, &policy::read(repo, &tip)?.surface())?;
        }
        if self.started >= Self::STARTS {
            let what = format!("the refinery does not get to work on {target}");
            return Err(Refusal::again(what)
                .hint("`git refinery run --drain` shows why")
                .hint(format!("its last words are in {}", log(repo, target)?.display()))
                .into());
        }
        self.next = Some(Instant::now() + Self::PAUSE);
        match autorun(repo, target)? {
            Autorun::Started(refinery) => {
                self.started += 1;
                self.last = Some(refinery);
            }
            Autorun::Running => {}
            Autorun::Left(why) => return Ok(Some(why)),
        }
        Ok(None)
    }
}

fn log(repo: &Repo, target: &str) -> Result<PathBuf> {
    Ok(repo.own_dir()?.join(format!("refinery-{}.log", file_name(target))))
}

/// Starts what was killed in the middle of its work again, and what nobody started for those who
/// wait: who queued them was killed first, or there was no way to go on then.
pub fn revive(repo: &Repo, ledger: &Ledger<'_>) -> Result<()> {
    if repo.config_bool("shopfloor.autorun")? == Some(false) {
        return Ok(());
    }
    let mut targets: BTreeSet<String> = lease::died(repo).into_iter().collect();
    let queue = ledger.read::<Queue>()?;
    let waiting = queue.entries().filter(|entry| entry.state == State::Waiting);
    let waiting: BTreeSet<_> = waiting.map(|entry| entry.target.as_str()).collect();
    for target in waiting {
        if lease::at_work(repo, target).is_none() && clones::next(repo, &queue, target)?.is_some() {
            targets.insert(target.to_owned());
        }
    }
    for target in targets {
        autorun(repo, &target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_grows_only_so_long() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        for (size, kept) in [(100, 100), ((1 << 20) + 1, 0)] {
            fs::write(&log, "x".repeat(size)).unwrap();
            shorten(&log);
            assert_eq!(fs::metadata(&log).unwrap().len(), kept);
        }
        shorten(&dir.path().join("none"));
        assert!(!dir.path().join("none").exists());
    }
}
