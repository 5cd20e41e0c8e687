//! How long the command after a crash may take.

use std::time::{Duration, Instant};

use super::Sandbox;

/// What DESIGN promises (I8).
const SOON: Duration = Duration::from_secs(2);

/// A machine that is busy with other things is told from a command that waits for the dead by what the
/// slowest of five writes takes where nothing ever crashed.
const BUSY: u32 = 4;

pub(crate) fn soon<T>(act: impl FnOnce() -> T) -> T {
    let (done, took) = timed(act);
    if took >= SOON {
        let calm = calm();
        assert!(took < calm * BUSY, "it took {took:?}, and {calm:?} where nothing crashed");
    }
    done
}

fn calm() -> Duration {
    let world = Sandbox::new();
    let repo = world.repo("calm");
    (0..5).map(|nth| timed(|| repo.bead(&format!("Calm {nth}"))).1).max().unwrap()
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let from = Instant::now();
    let done = act();
    (done, from.elapsed())
}
