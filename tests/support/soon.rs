//! How long the command after a crash may take.

use std::sync::mpsc::{RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use super::Sandbox;

/// What DESIGN promises (I8).
const SOON: Duration = Duration::from_secs(2);

/// A machine that is busy with other things is told from a command that waits for the dead by what is
/// written meanwhile where nothing ever crashed: no command has as much to do as so many writes.
const MANY: usize = 60;

pub(crate) fn soon<T>(act: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (at_work, over) = channel::<()>();
        let calm = scope.spawn(move || {
            if over.recv_timeout(SOON) != Err(RecvTimeoutError::Timeout) {
                return 0;
            }
            let world = Sandbox::new();
            let repo = world.repo("calm");
            let goes_on = || over.try_recv() == Err(TryRecvError::Empty);
            let mut written = 0;
            while written < MANY && goes_on() {
                repo.bead("Calm");
                written += 1;
            }
            written
        });
        let done = act();
        drop(at_work);
        let calm = calm.join().unwrap();
        assert!(calm < MANY, "it took more than {SOON:?}, and {MANY} writes where nothing crashed");
        done
    })
}
