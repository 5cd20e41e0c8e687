//! Which process is it, and is it still that one? Process ids are used again; a start time is not.

use std::fs;
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::test_kill_process;
use serde::{Deserialize, Serialize};

use super::Program;
use super::group::{GRACE, as_pid, end_members};
#[cfg(target_os = "linux")]
use super::listing::facts;

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

    /// Whether it is still running. A zombie is not. Where the system hides the processes of others, one
    /// that has this id may be it.
    pub fn alive(&self) -> bool {
        match facts(self.pid) {
            Some(now) => now.start == self.start && !now.zombie,
            None => is_hidden(as_pid(self.pid).map(test_kill_process)),
        }
    }

    /// Whether the process id is still its own: dead but not yet reaped counts.
    pub(super) fn present(&self) -> bool {
        facts(self.pid).is_some_and(|now| now.start == self.start)
    }
}

/// What a signal to a process that is not listed would come to: it is there if it may not be sent.
fn is_hidden(answer: Option<Result<(), Errno>>) -> bool {
    answer == Some(Err(Errno::PERM))
}

/// Ends the process group that this process leads: asked first, then forced. A process that is gone
/// leads no group we could prove to be ours, so nothing happens then.
pub fn end_group(leader: &Identity) {
    if leader.present() {
        end_members(leader.pid);
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
        parent: 0,
        group,
        session: 0,
        kernel: false,
        zombie: state.starts_with('Z'),
    })
}

/// What a small program of the system says, in one line.
pub(super) fn asked(program: &str, args: &[&str]) -> Option<String> {
    let outcome = Program::new(program).args(args).env("LC_ALL", "C").timeout(GRACE).run();
    let text = String::from_utf8(outcome.out).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
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
    fn who_is_not_shown_and_may_not_be_asked_is_not_gone() {
        for (answer, hidden) in [
            (Some(Err(Errno::PERM)), true),
            (Some(Err(Errno::SRCH)), false),
            // It has ended, or begun, between the two looks.
            (Some(Ok(())), false),
            (None, false),
        ] {
            assert_eq!(is_hidden(answer), hidden, "{answer:?}");
        }
    }
}
