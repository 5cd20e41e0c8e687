//! Chance that can be repeated: every draw follows from a seed that is printed.

use std::time::{Duration, Instant};

use super::ran::pause;

pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// `SEED=…` repeats a run.
    #[expect(clippy::print_stderr, reason = "the seed of a failure")]
    pub(crate) fn cast(what: &str) -> Self {
        let seed = number("SEED").unwrap_or_else(|| u64::from(std::process::id()) << 16 | clock());
        eprintln!("{what}: SEED={seed}");
        Self { state: seed ^ 0x9e37_79b9_7f4a_7c15 }
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) % end.max(1)
    }

    /// Let a part of this time go by, any part: a crash has no schedule.
    pub(crate) fn linger(&mut self, most: Duration) {
        let wait = Duration::from_micros(self.below(most.as_micros().try_into().unwrap()));
        let from = Instant::now();
        while from.elapsed() < wait {
            if wait.saturating_sub(from.elapsed()) > Duration::from_millis(3) {
                pause(1);
            } else {
                std::thread::yield_now();
            }
        }
    }
}

/// Counts a kill that came in time. How long to linger follows from how often that is so: what was
/// measured once may have been a slow moment, and then hardly any would ever come in time.
pub(crate) fn hit(usual: &mut Duration, in_time: bool) -> usize {
    *usual = *usual * if in_time { 9 } else { 7 } / 8;
    usize::from(in_time)
}

/// How many kills a test is to survive; `SHOPFLOOR_KILLS=300` asks for more than every commit needs.
pub(crate) fn kills(usual: usize) -> usize {
    number("SHOPFLOOR_KILLS").map_or(usual, |wanted| wanted.try_into().unwrap())
}

/// For how many seconds each kind of noise is to last: `SHOPFLOOR_BESIDE=10`.
pub(crate) fn beside() -> Option<u64> {
    number("SHOPFLOOR_BESIDE")
}

/// Whether a test is to go through all there is: `SHOPFLOOR_FAULTS=all`.
#[expect(clippy::disallowed_methods, reason = "how a person asks for more")]
pub(crate) fn all_faults() -> bool {
    std::env::var("SHOPFLOOR_FAULTS").is_ok_and(|wanted| wanted == "all")
}

#[expect(clippy::disallowed_methods, reason = "how a person asks for one run again, or for more")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "a seed nobody chose")]
fn clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos())
}
