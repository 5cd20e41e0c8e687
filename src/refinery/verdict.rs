//! What came of a gate. Only `Pass` lands; everything that is not a judgement of the change has a
//! word of its own, so that a missing tool is never read as a red test, nor as a green one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::host::process::End;

/// What came of one gate on one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Pass,
    /// The gate ran and said no.
    Fail,
    /// A gate before it did not pass, so it was not asked.
    NotRun,
    /// It was ended at its deadline.
    Timeout,
    /// It crashed, or somebody ended it.
    Signal,
    /// Its program could not be started.
    Missing,
    /// It said yes, but left tracked files changed: what it tested is not what would land.
    Dirty,
}

/// What a verdict means for the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nothing stands against it.
    Clear,
    /// The change goes back to its author.
    Change,
    /// The gate or the machine is at fault; the change waits.
    House,
}

impl Verdict {
    /// Reads how the program ended. `dirty` is whether tracked files differ afterwards.
    ///
    /// A shell reports what ended its child as 128 + the signal, and a program that it could not
    /// find or start as 127 and 126.
    pub fn of(end: &End, dirty: bool) -> Self {
        match end {
            End::Exit(0) if dirty => Self::Dirty,
            End::Exit(0) => Self::Pass,
            End::Exit(126 | 127) | End::NotStarted(_) => Self::Missing,
            End::Exit(code) if is_signal(code - 128) => Self::Signal,
            End::Exit(_) => Self::Fail,
            End::Signal(_) => Self::Signal,
            End::Timeout => Self::Timeout,
        }
    }

    /// Who has to act. A signal that programs send themselves by crashing is the change's; one that
    /// only comes from outside (the memory killer, a shutdown) is not.
    pub fn blame(self, signal: Option<i32>) -> Blame {
        match self {
            Self::Pass => Blame::Clear,
            Self::Fail | Self::Timeout | Self::Dirty => Blame::Change,
            Self::Signal if signal.is_some_and(is_crash) => Blame::Change,
            Self::Signal | Self::Missing | Self::NotRun => Blame::House,
        }
    }
}

/// The signal behind an end, also when a shell stands between.
pub(super) fn signal(end: &End) -> Option<i32> {
    match end {
        End::Signal(signal) => Some(*signal),
        End::Exit(code) if is_signal(code - 128) => Some(code - 128),
        _ => None,
    }
}

/// The signals by which programs end: interrupt, quit, the crashes, kill, pipe, terminate. Not hang-up:
/// nobody has a terminal here, and 129 is how git and others say that they were called wrongly.
fn is_signal(number: i32) -> bool {
    is_crash(number) || matches!(number, 2 | 3 | 9 | 13 | 15)
}

/// Illegal instruction, trap, abort, bus error, arithmetic, segmentation.
fn is_crash(number: i32) -> bool {
    matches!(number, 4..=8 | 11)
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotRun => "not run",
            Self::Timeout => "timeout",
            Self::Signal => "signal",
            Self::Missing => "missing",
            Self::Dirty => "dirty",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clean_zero_passes() {
        let cases = [
            (End::Exit(0), false, Verdict::Pass, Blame::Clear),
            (End::Exit(0), true, Verdict::Dirty, Blame::Change),
            (End::Exit(1), false, Verdict::Fail, Blame::Change),
            (End::Exit(101), true, Verdict::Fail, Blame::Change),
            (End::Exit(255), false, Verdict::Fail, Blame::Change),
            (End::Exit(129), false, Verdict::Fail, Blame::Change),
            (End::Exit(126), false, Verdict::Missing, Blame::House),
            (End::Exit(127), false, Verdict::Missing, Blame::House),
            (End::NotStarted("no such file".into()), false, Verdict::Missing, Blame::House),
            (End::Timeout, false, Verdict::Timeout, Blame::Change),
            (End::Signal(11), false, Verdict::Signal, Blame::Change),
            (End::Exit(134), false, Verdict::Signal, Blame::Change),
            (End::Signal(9), false, Verdict::Signal, Blame::House),
            (End::Exit(137), false, Verdict::Signal, Blame::House),
            (End::Exit(143), false, Verdict::Signal, Blame::House),
        ];
        for (end, dirty, verdict, blame) in cases {
            assert_eq!(Verdict::of(&end, dirty), verdict, "{end:?}");
            assert_eq!(verdict.blame(signal(&end)), blame, "{end:?}");
        }
    }
}
