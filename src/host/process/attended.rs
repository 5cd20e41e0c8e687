//! Programs that run beside us: one whose end we await piece by piece, one that learns of ours.

use std::io::{self, PipeWriter, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::program::{append_to, end_of};
use super::{End, Identity, Program};

/// A running program that leads a process group of its own.
pub struct Attended {
    handle: duct::Handle,
    identity: Identity,
}

impl Attended {
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its end, if that comes within this time.
    pub fn wait(&self, time: Duration) -> anyhow::Result<Option<End>> {
        let done = self.handle.wait_timeout(time).context("waiting for a program")?;
        Ok(done.map(|output| end_of(output.status)))
    }
}

/// A program on a pipe from us. The pipe breaks when we end, however that happens.
pub struct Leash {
    attended: Attended,
    pipe: PipeWriter,
}

impl Leash {
    /// Tells it that all is well and nothing is left to do, and waits for it to go.
    pub fn release(mut self) {
        let told = self.pipe.write_all(b".");
        drop(self.pipe);
        if told.is_ok() {
            drop(self.attended.wait(Duration::from_secs(5)));
        }
    }
}

impl Program {
    /// Starts it in a group of its own, both outputs appended to `log`.
    pub fn start_into(self, log: &Path) -> anyhow::Result<Attended> {
        let plan = self.plan().stderr_to_stdout().stdout_file(append_to(log)?);
        self.attend(&plan)
    }

    /// Starts it with our end of a pipe as its leash; its input is the other end.
    pub fn start_leashed(self, log: &Path) -> anyhow::Result<Leash> {
        let (reader, pipe) = io::pipe().context("making a pipe")?;
        let plan = self.bare_plan().before_spawn(|command| {
            command.process_group(0);
            Ok(())
        });
        let plan = plan.stdin_file(reader).stderr_to_stdout().stdout_file(append_to(log)?);
        Ok(Leash { attended: self.attend(&plan)?, pipe })
    }

    fn attend(&self, plan: &duct::Expression) -> anyhow::Result<Attended> {
        let handle = plan.start().map_err(|no| anyhow!(self.why_not(&no)))?;
        let pid = *handle.pids().first().context("a program without a process id")?;
        let identity = Identity::of(pid).unwrap_or(Identity { pid, start: String::new() });
        Ok(Attended { handle, identity })
    }
}

/// Waits until our input ends. Yes when whoever holds the other end said first that all is well.
pub fn held_to_the_end() -> bool {
    let mut said = Vec::new();
    io::Read::read_to_end(&mut io::stdin(), &mut said).is_ok() && !said.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attended_program_is_known_and_its_end_seen() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let child = Program::new("/bin/sh")
            .args(["-c", "read line; echo out; exit 3"])
            .input(b"x\n".to_vec());
        let child = child.start_into(&log).unwrap();
        let end = child.wait(Duration::from_secs(20)).unwrap();
        assert_eq!(end, Some(End::Exit(3)));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "out\n");
    }

    #[test]
    fn a_leash_tells_a_release_from_a_break() {
        let dir = tempfile::tempdir().unwrap();
        for (released, said) in [(true, ".\n"), (false, "\n")] {
            let log = dir.path().join(format!("log-{released}"));
            let leash =
                Program::new("/bin/sh").args(["-c", "cat; echo"]).start_leashed(&log).unwrap();
            if released {
                leash.release();
            } else {
                let Leash { attended, pipe } = leash;
                assert_eq!(attended.wait(Duration::from_millis(50)).unwrap(), None);
                drop(pipe);
                assert_eq!(attended.wait(Duration::from_secs(20)).unwrap(), Some(End::Exit(0)));
            }
            assert_eq!(std::fs::read_to_string(&log).unwrap(), said);
        }
    }
}
