//! Which process is it, and is it still that one? Process ids are used again; a start time is not.

use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::host::Clock;

/// How long a process may take to leave after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

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

/// Ends all members of a process group whose leader is known to be ours.
pub(super) fn end_members(leader: u32) {
    let Some(pid) = as_pid(leader) else { return };
    if kill_process_group(pid, Signal::TERM).is_err() {
        // It has not made its group yet, or never will.
        let _ = kill_process(pid, Signal::TERM);
    }
    let clock = Clock::real();
    let deadline = Instant::now() + GRACE;
    while group_lives(leader) && Instant::now() < deadline {
        clock.sleep(Duration::from_millis(5));
    }
    if group_lives(leader) && kill_process_group(pid, Signal::KILL).is_err() {
        let _ = kill_process(pid, Signal::KILL);
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

struct Facts {
    start: String,
    group: u32,
    zombie: bool,
}

#[cfg(target_os = "linux")]
fn facts(pid: u32) -> Option<Facts> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (state, group, ticks) = stat_fields(&stat)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(Facts {
        start: format!("{} {ticks}", boot.trim()),
        group,
        zombie: matches!(state, "Z" | "X" | "x"),
    })
}

/// State, process group and start time; the name before them may hold spaces and parentheses.
fn stat_fields(stat: &str) -> Option<(&str, u32, &str)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some((fields.first()?, fields.get(2)?.parse().ok()?, fields.get(19)?))
}

#[cfg(not(target_os = "linux"))]
fn facts(pid: u32) -> Option<Facts> {
    let line = asked("ps", &["-o", "pgid=,stat=,lstart=", "-p", &pid.to_string()])?;
    let mut words = line.split_ascii_whitespace();
    let (group, state) = (words.next()?.parse().ok()?, words.next()?);
    Some(Facts {
        start: words.collect::<Vec<_>>().join(" "),
        group,
        zombie: state.starts_with('Z'),
    })
}

/// What a small program of the system says, in one line.
pub(super) fn asked(program: &str, args: &[&str]) -> Option<String> {
    let outcome = super::Program::new(program).args(args).env("LC_ALL", "C").timeout(GRACE).run();
    let text = String::from_utf8(outcome.out).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn group_lives(leader: u32) -> bool {
    let here = processes();
    if here.is_empty() {
        return as_pid(leader)
            .is_some_and(|pid| rustix::process::test_kill_process_group(pid).is_ok());
    }
    here.into_iter().filter_map(facts).any(|process| process.group == leader && !process.zombie)
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

/// The ids of all processes, where the system lists them as files.
fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn as_pid(pid: u32) -> Option<Pid> {
    // 1 and 0 are never ours; as a group they would mean everybody.
    Pid::from_raw(i32::try_from(pid).ok()?).filter(|_| pid > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::process::Program;

    #[test]
    fn a_name_with_spaces_and_parentheses_hides_nothing() {
        let tail = "S 1 77 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(stat_fields(&format!("9 (a) b (c) {tail}")), Some(("S", 77, "4242")));
        assert_eq!(stat_fields("9 (short) S 1 77"), None);
        assert_eq!(stat_fields(""), None);
    }

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
        end_marked("SHOPFLOOR_TEST_MARK", &mark);
        assert!(!ours.alive() && !also.alive() && other.alive());
        end_group(&other);
        assert!(!other.alive());
    }
}
