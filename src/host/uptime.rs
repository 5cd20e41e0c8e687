//! How long this machine has been running: a measure of passed time that nobody sets.

use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment of one run of this machine. It says nothing about any other run or machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uptime {
    pub boot: String,
    pub millis: u64,
}

impl Uptime {
    /// None where the machine does not say (no `/proc`).
    pub fn now() -> Option<Self> {
        let told = fs::read_to_string("/proc/uptime").ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let seconds: f64 = told.split_ascii_whitespace().next()?.parse().ok()?;
        let millis = u64::try_from(Duration::try_from_secs_f64(seconds).ok()?.as_millis()).ok()?;
        Some(Self { boot: boot.trim().to_owned(), millis })
    }

    /// How long after `earlier` this is; nothing if that was in another run.
    pub fn since(&self, earlier: &Self) -> Duration {
        let same = !self.boot.is_empty() && self.boot == earlier.boot;
        Duration::from_millis(if same { self.millis.saturating_sub(earlier.millis) } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_within_one_run_only() {
        let at = |boot: &str, millis| Uptime { boot: boot.to_owned(), millis };
        for (earlier, later, passed) in [
            (at("a", 5), at("a", 12), 7),
            (at("a", 12), at("a", 5), 0),
            (at("a", 5), at("b", 12), 0),
            (at("", 5), at("", 12), 0),
        ] {
            assert_eq!(later.since(&earlier), Duration::from_millis(passed));
        }
    }
}
