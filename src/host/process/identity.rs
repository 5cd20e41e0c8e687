//! Which process is it, and is it still that one? Process ids are used again; a start time is not.

use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::Program;
use super::group::{GRACE, as_pid, end_members};
#[cfg(target_os = "linux")]
use super::listing::facts;
use super::listing::processes;
use crate::host::Clock;

/// A process that cannot be confused with a later one of the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub pid: u32,
    /// The boot and the moment it started.
    pub start: String,
}

impl Identity {
    pub fn own() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or_else(|| Self { pid, start: String::new() })
    }

    /// The process that has this id now.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, start: facts(pid)?.start })
    }

    /// Whether it is still running. A zombie is not.
    pub fn alive(&self) -> bool {
        facts(self.pid).is_some_and(|now| now.start == self.start && !now.zombie)
    }

    /// Whether the process id is still its own: dead but not yet reaped counts.
    fn present(&self) -> bool {
        facts(self.pid).is_some_and(|now| now.start == self.start)
    }
}

/// Ends the process group that this process leads: asked first, then forced. A process that is gone
/// leads no group we could prove to be ours, so nothing happens then.
pub fn end_group(leader: &Identity) {
    if leader.present() {
        end_members(leader.pid);
    }
}

/// Ends every process that carries `key=value` in its environment, however far it went from its
/// parent. Where the system does not show environments there are none.
pub fn end_marked(key: &str, value: &str) {
    let mark = format!("{key}={value}");
    let mut found: Vec<Identity> = Vec::new();
    let clock = Clock::real();
    let deadline = Instant::now() + GRACE;
    // Again until none is left: one may have forked while we looked.
    loop {
        let marked = marked_processes(&mark);
        if marked.is_empty() {
            return;
        }
        let overdue = Instant::now() >= deadline;
        for process in marked {
            let known = found.contains(&process);
            if let Some(pid) =
                as_pid(process.pid).filter(|_| (overdue || !known) && process.present())
            {
                let _ = kill_process(pid, if overdue { Signal::KILL } else { Signal::TERM });
            }
            if !known {
                found.push(process);
            }
        }
        if Instant::now() >= deadline + GRACE {
            return;
        }
        clock.sleep(Duration::from_millis(10));
    }
}

/// A short name of this machine that stays the same.
pub fn machine() -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    let ask = || {
        let name = fs::read_to_string("/proc/sys/kernel/hostname")
            .or_else(|_| fs::read_to_string("/etc/hostname"));
        match name {
            Ok(name) if !name.trim().is_empty() => name.trim().to_owned(),
            _ => asked("hostname", &[]).unwrap_or_else(|| "localhost".to_owned()),
        }
    };
    NAME.get_or_init(ask).clone()
}

#[cfg(not(target_os = "linux"))]
fn facts(pid: u32) -> Option<super::listing::Facts> {
    let line = asked("ps", &["-o", "pgid=,stat=,lstart=", "-p", &pid.to_string()])?;
    let mut words = line.split_ascii_whitespace();
    let (group, state) = (words.next()?.parse().ok()?, words.next()?);
    Some(super::listing::Facts {
        start: words.collect::<Vec<_>>().join(" "),
        group,
        zombie: state.starts_with('Z'),
    })
}

/// What a small program of the system says, in one line.
pub(super) fn asked(program: &str, args: &[&str]) -> Option<String> {
    let outcome = Program::new(program).args(args).env("LC_ALL", "C").timeout(GRACE).run();
    let text = String::from_utf8(outcome.out).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn marked_processes(mark: &str) -> Vec<Identity> {
    let own = std::process::id();
    let carries = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    // A look at the mark first, because who a process is costs more to find out.
    let candidates = processes().into_iter().filter(|pid| *pid != own && carries(*pid));
    // The identity is taken before the mark is read: what carries the mark is then that process.
    let identified = candidates.filter_map(Identity::of);
    identified.filter(|process| carries(process.pid) && process.alive()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_process_id_is_somebody_else() {
        let own = Identity::own();
        assert!(own.alive());
        let earlier = Identity { start: "another boot 1".into(), ..own };
        assert!(!earlier.alive());
        // Were this believed, the test would end here.
        end_group(&earlier);
        let read: Identity = serde_json::from_str(&serde_json::to_string(&own).unwrap()).unwrap();
        assert_eq!(read, own);
    }

    #[test]
    fn only_marked_processes_are_ended() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let sleeper = |mark: &str| {
            let program = Program::new("/bin/sleep").args(["300"]).env("SHOPFLOOR_TEST_MARK", mark);
            program.spawn_detached(&log).unwrap()
        };
        let mark = format!("{}-{}", std::process::id(), dir.path().display());
        let (ours, also, other) = (sleeper(&mark), sleeper(&mark), sleeper(&format!("{mark}-not")));
        // A program that has just been started shows its environment a moment later.
        let shown = || marked_processes(&format!("SHOPFLOOR_TEST_MARK={mark}")).len() == 2;
        assert!(std::iter::repeat_with(shown).take(10_000).any(|shown| shown));
        end_marked("SHOPFLOOR_TEST_MARK", &mark);
        assert!(!ours.alive() && !also.alive() && other.alive());
        end_group(&other);
        assert!(!other.alive());
    }
}
