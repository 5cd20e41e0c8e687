//! How far a long read is: on stderr where a person looks, gone when it is done.

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crate::host::{Clock, Stamp};

/// What takes less needs no word.
const PATIENCE: Duration = Duration::from_secs(1);
const CLEAR: &str = "\r\u{1b}[K";

pub(super) struct Progress {
    what: &'static str,
    unit: &'static str,
    clock: Clock,
    since: Stamp,
    told: Cell<Option<usize>>,
}

impl Progress {
    pub(super) fn start(clock: &Clock) -> Self {
        Self::of(clock, "Reading the ledger", "files")
    }

    pub(super) fn of(clock: &Clock, what: &'static str, unit: &'static str) -> Self {
        Self { what, unit, clock: clock.clone(), since: clock.now(), told: Cell::new(None) }
    }

    /// So many of them are done, of so many.
    pub(super) fn tell(&self, done: usize, all: usize) {
        let waited = self.clock.now().since(&self.since);
        let (text, told) = next((self.what, self.unit), self.told.get(), waited, (done, all));
        self.told.set(told);
        let mut out = io::stderr();
        if let Some(text) = text
            && out.is_terminal()
        {
            drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        }
    }
}

/// What to say after what was `told`, in percent, and what is told then.
fn next(
    (what, unit): (&str, &str),
    told: Option<usize>,
    waited: Duration,
    (done, all): (usize, usize),
) -> (Option<String>, Option<usize>) {
    let percent = (done * 100).checked_div(all).unwrap_or(100);
    if done >= all {
        return (told.map(|_| CLEAR.to_owned()), None);
    }
    if waited < PATIENCE || told == Some(percent) {
        return (None, told);
    }
    let text = format!("\r{what}: {percent:3}% ({done}/{all} {unit})\u{1b}[K");
    (Some(text), Some(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_late_once_and_taken_back() {
        let (soon, late) = (Duration::from_millis(900), Duration::from_millis(1100));
        let half = "\rReading the ledger:  50% (5/10 files)\u{1b}[K";
        let cases = [
            (None, soon, (5, 10), None, None),
            (None, late, (5, 10), Some(half), Some(50)),
            (Some(50), late, (5, 10), None, Some(50)),
            (Some(50), late, (10, 10), Some(CLEAR), None),
            (None, late, (10, 10), None, None),
            (None, late, (0, 0), None, None),
        ];
        for (told, waited, how, text, then) in cases {
            let said = next(("Reading the ledger", "files"), told, waited, how);
            assert_eq!((said.0.as_deref(), said.1), (text, then), "{told:?} {waited:?} {how:?}");
        }
    }
}
