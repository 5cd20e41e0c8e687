//! Run one program to its end, or to its deadline.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::super::share;
use super::group::end_members;

/// A deadline beyond this is none; what adds up times must not overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Exit(i32),
    Signal(i32),
    /// It was ended by us at its deadline.
    Timeout,
    /// It never ran; the text says why.
    NotStarted(String),
}

/// What a program did.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub end: End,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    pub took: Duration,
}

impl Outcome {
    pub fn succeeded(&self) -> bool {
        self.end == End::Exit(0)
    }
}

/// A program to run: no shell, no input, no inherited output, unless said so.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) path: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) dir: Option<PathBuf>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) only_env: bool,
    input: Vec<u8>,
    timeout: Option<Duration>,
    most: Option<u64>,
}

impl Program {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            dir: None,
            env: Vec::new(),
            only_env: false,
            input: Vec::new(),
            timeout: None,
            most: None,
        }
    }

    pub fn args<I: IntoIterator<Item = impl Into<OsString>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Adds or replaces one variable.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let key = key.into();
        self.env.retain(|(known, _)| *known != key);
        self.env.push((key, value.into()));
        self
    }

    /// Starts with no variables but those added from here on.
    pub fn clear_env(mut self) -> Self {
        self.only_env = true;
        self.env.clear();
        self
    }

    /// Exactly these variables, and those added from here on.
    pub fn full_env<K: Into<OsString>, V: Into<OsString>>(
        self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        pairs.into_iter().fold(self.clear_env(), |program, (key, value)| program.env(key, value))
    }

    pub fn input(mut self, bytes: Vec<u8>) -> Self {
        self.input = bytes;
        self
    }

    pub fn timeout(mut self, after: Duration) -> Self {
        self.timeout = Some(after);
        self
    }

    /// Of an output of more bytes than this, [`Self::run_into`] keeps the first half and the end.
    pub fn most_output(mut self, bytes: u64) -> Self {
        self.most = Some(bytes);
        self
    }

    /// Runs it and keeps what it says.
    pub fn run(self) -> Outcome {
        self.await_end(&self.plan().stderr_capture().stdout_capture())
    }

    /// Runs it with both outputs appended to a file as they come.
    pub fn run_into(self, log: &Path) -> Outcome {
        match append_to(log) {
            Ok(file) => {
                let plan = self.plan().stderr_to_stdout().stdout_file(file);
                let Some(most) = self.most else { return self.await_end(&plan) };
                let (done, over) = mpsc::channel::<()>();
                std::thread::scope(|scope| {
                    scope.spawn(move || keep_short(log, most, &over));
                    let outcome = self.await_end(&plan);
                    drop(done);
                    outcome
                })
            }
            Err(no) => ended(End::NotStarted(format!("{no:#}")), Instant::now()),
        }
    }

    /// The command, in a process group of its own so that all of it can be ended.
    pub(super) fn plan(&self) -> duct::Expression {
        let plan = self.bare_plan().before_spawn(|command| {
            command.process_group(0);
            Ok(())
        });
        if self.input.is_empty() { plan.stdin_null() } else { plan.stdin_bytes(self.input.clone()) }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door through which programs start")]
    pub(super) fn bare_plan(&self) -> duct::Expression {
        // As a path a bare name would mean a file in the current directory.
        let mut plan = duct::cmd(self.path.as_os_str(), &self.args).unchecked();
        if self.only_env {
            plan = plan.full_env(self.env.clone());
        } else {
            plan = self.env.iter().fold(plan, |plan, (key, value)| plan.env(key, value));
        }
        match &self.dir {
            Some(dir) => plan.dir(dir),
            None => plan,
        }
    }

    fn await_end(&self, plan: &duct::Expression) -> Outcome {
        let begun = Instant::now();
        let child = match plan.start() {
            Ok(child) => child,
            Err(no) => return ended(End::NotStarted(self.why_not(&no)), begun),
        };
        let in_time = match self.timeout {
            Some(limit) => child.wait_timeout(limit.min(LONGEST)).map(|done| done.cloned()),
            None => child.wait().map(|done| Some(done.clone())),
        };
        match in_time {
            Ok(Some(output)) => finished(output, begun),
            Ok(None) => {
                for pid in child.pids() {
                    end_members(pid);
                }
                // Something that left the group may still hold the pipe; it is not ours to wait for.
                let rest = child.wait_timeout(Duration::from_secs(1)).ok().flatten().cloned();
                let (out, err) =
                    rest.map(|output| (output.stdout, output.stderr)).unwrap_or_default();
                Outcome { end: End::Timeout, out, err, took: begun.elapsed() }
            }
            Err(no) => ended(End::NotStarted(self.why_not(&no)), begun),
        }
    }

    pub(super) fn why_not(&self, no: &io::Error) -> String {
        match &self.dir {
            Some(dir) if !dir.is_dir() => {
                format!("cannot run {}: no directory {}", self.path.display(), dir.display())
            }
            _ => format!("cannot run {}: {no}", self.path.display()),
        }
    }
}

pub(super) fn append_to(log: &Path) -> anyhow::Result<File> {
    share::append(log).with_context(|| format!("opening {}", log.display()))
}

/// Cuts the middle out of a growing file until `over` is closed, and once more then, however late.
fn keep_short(log: &Path, most: u64, over: &mpsc::Receiver<()>) {
    const LOOK: Duration = Duration::from_millis(50);
    while over.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        drop(cut(log, most));
    }
    drop(cut(log, most));
}

/// What writes the file appends, so it goes on behind the cut. What it adds between two steps of ours is
/// lost: while it is at it that is a part of the middle, so only a file that rests has its end for sure.
fn cut(log: &Path, most: u64) -> io::Result<()> {
    const END: u64 = 64 << 10;
    const TRIES: usize = 3;
    let mut file = OpenOptions::new().read(true).append(true).open(log)?;
    let mut end = Vec::new();
    for _ in 0..TRIES {
        let size = file.metadata()?.len();
        if size <= most {
            return Ok(());
        }
        let kept = END.min(most / 4);
        file.seek(SeekFrom::Start(size - kept))?;
        end.clear();
        (&file).take(kept).read_to_end(&mut end)?;
        if file.metadata()?.len() == size {
            break;
        }
    }
    file.set_len(most / 2)?;
    // Only a mark for the reader.
    file.write_all(b"\n[much was said here and is not kept]\n")?;
    file.write_all(&end)
}

fn finished(output: Output, begun: Instant) -> Outcome {
    Outcome {
        end: end_of(output.status),
        out: output.stdout,
        err: output.stderr,
        took: begun.elapsed(),
    }
}

fn ended(end: End, begun: Instant) -> Outcome {
    Outcome { end, out: Vec::new(), err: Vec::new(), took: begun.elapsed() }
}

pub(super) fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exit(code),
        (None, Some(signal)) => End::Signal(signal),
        (None, None) => End::NotStarted("ended in an unknown way".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::process::Identity;

    fn sh(script: &str) -> Program {
        Program::new("/bin/sh").args(["-c", script])
    }

    #[test]
    fn ends_are_told_apart() {
        assert_eq!(sh("exit 3").run().end, End::Exit(3));
        assert_eq!(sh("kill -9 $$").run().end, End::Signal(9));
        let End::NotStarted(why) = Program::new("/no/such/program").run().end else {
            panic!("it ran")
        };
        assert!(why.starts_with("cannot run /no/such/program"), "{why}");
        let End::NotStarted(why) = sh("true").dir("/no/such/directory").run().end else {
            panic!("it ran")
        };
        assert!(why.contains("no directory /no/such/directory"), "{why}");
    }

    #[test]
    fn input_output_and_environment_are_what_was_said() {
        let outcome = sh("cat; echo err >&2").input(b"in".to_vec()).run();
        assert_eq!((outcome.out.as_slice(), outcome.err.as_slice()), (&b"in"[..], &b"err\n"[..]));
        let outcome = Program::new("/usr/bin/env").clear_env().env("A", "1").env("A", "2").run();
        assert_eq!(outcome.out, b"A=2\n");
    }

    #[test]
    fn a_log_is_appended_to() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        assert!(sh("echo one").run_into(&log).succeeded());
        assert!(sh("echo two >&2; echo three").run_into(&log).succeeded());
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "one\ntwo\nthree\n");
        assert!(matches!(sh("true").run_into(&dir.path().join("no/log")).end, End::NotStarted(_)));
    }

    #[test]
    fn of_too_much_output_both_ends_stay() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let script = "echo first; while [ $(wc -c <log) -lt 200000 ] && [ ! -e cut ]; do \
            head -c 9999 /dev/zero; echo; grep -q 'not kept' log && touch cut; done; echo last";
        let program = sh(script).dir(dir.path()).timeout(Duration::from_secs(60));
        assert!(program.most_output(20_000).run_into(&log).succeeded());
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.len() <= 20_000, "{}", text.len());
        assert!(text.starts_with("first\n") && text.ends_with("last\n"));
    }

    #[test]
    fn what_is_said_in_one_go_at_the_end_is_cut_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let program = sh("echo first; head -c 3000000 /dev/zero; echo last");
        assert!(program.most_output(20_000).run_into(&log).succeeded());
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.len() <= 20_000, "{}", text.len());
        assert!(text.starts_with("first\n") && text.contains("not kept"));
    }

    #[test]
    fn at_its_deadline_a_program_goes_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let script = "sleep 300 & echo $! >child; trap '' TERM; while :; do wait; sleep 1; done";
        let outcome = sh(script).dir(dir.path()).timeout(Duration::from_millis(300)).run();
        assert_eq!(outcome.end, End::Timeout);
        assert!(outcome.took < Duration::from_secs(30));
        let child =
            std::fs::read_to_string(dir.path().join("child")).unwrap().trim().parse().unwrap();
        assert!(Identity::of(child).is_none_or(|child| !child.alive()));
    }
}
