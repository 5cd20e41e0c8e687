//! One program that runs, or ran: bounded in time, its output kept whole.

use std::fs;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No command of ours, and nothing that is waited for, may take longer than this in a test.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// What a program said, and how it ended. `code` is 128 + the signal for one that was killed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) said: String,
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The command must have succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.fails(0)
    }

    /// The command must have ended with exactly this code.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> Self {
        assert!(self.code == code, "expected exit {code}\n{self}");
        self
    }

    /// Standard output, which must be one JSON document and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("not JSON: {e}\n{self}"))
    }

    /// Standard output without the line end.
    pub(crate) fn line(&self) -> String {
        self.out.trim_end().to_owned()
    }

    /// A message on standard error has to contain each of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "nothing about {part:?} on stderr\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { said, code, out, err } = self;
        write!(f, "$ {said}\n[exit {code}]\n--- stdout\n{out}\n--- stderr\n{err}")
    }
}

/// A program that was started and not yet waited for; it leads its own process group.
pub(crate) struct Running {
    said: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// Output goes to files and not to pipes, so that a detached grandchild cannot hold us up.
    pub(crate) fn start(mut command: Command, said: String, out: PathBuf, err: PathBuf) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(fs::File::create(&out).unwrap())
            .stderr(fs::File::create(&err).unwrap())
            .process_group(0);
        let child = command.spawn().unwrap_or_else(|e| panic!("{said}: {e}"));
        Self { said, child, out, err }
    }

    /// SIGKILL to this one process and to nothing else; its children live on, as after a crash.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub(crate) fn over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        let status = self.status();
        let text = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
        let (out, err) = (text(&self.out), text(&self.err));
        for used in [&self.out, &self.err] {
            fs::remove_file(used).unwrap();
        }
        Ran { said: self.said, code, out, err }
    }

    #[track_caller]
    fn status(&mut self) -> ExitStatus {
        let from = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if from.elapsed() > PATIENCE {
                self.kill();
                let said = |path| fs::read_to_string(path).unwrap_or_default();
                let (out, err) = (said(&self.out), said(&self.err));
                panic!("still running after {PATIENCE:?}: {}\n{out}\n{err}", self.said);
            }
            pause(if from.elapsed().as_millis() < 50 { 1 } else { 5 });
        }
    }
}

/// The one sleep of the suite: between two looks at a fact that will be waited for.
#[expect(clippy::disallowed_methods, reason = "polling a process or a fact, with a deadline")]
pub(super) fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Whether a test can run that needs something which is not everywhere. CI promises to have it all.
#[expect(clippy::disallowed_methods, reason = "CI promises to have all that is asked for")]
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
#[track_caller]
pub(crate) fn there(found: bool, what: &str) -> bool {
    let promised = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false");
    assert!(found || !promised, "no {what}: use .ci/run");
    if !found {
        eprintln!("NOT RUN: no {what} here; .ci/run fetches it");
    }
    found
}
