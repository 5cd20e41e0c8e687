//! Ends a process group that is known to be ours: asked first, then forced.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

use super::listing::{facts, processes};
use crate::host::Clock;

/// How long a process may take to leave after it was asked to.
pub(super) const GRACE: Duration = Duration::from_secs(2);

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

fn group_lives(leader: u32) -> bool {
    let here = processes();
    if here.is_empty() {
        return as_pid(leader).is_some_and(|pid| test_kill_process_group(pid).is_ok());
    }
    here.into_iter().filter_map(facts).any(|process| process.group == leader && !process.zombie)
}

/// None where signals to it would go to others.
pub(super) fn as_pid(pid: u32) -> Option<Pid> {
    // 1 and 0 are never ours; as a group they would mean everybody.
    Pid::from_raw(i32::try_from(pid).ok()?).filter(|_| pid > 1)
}
