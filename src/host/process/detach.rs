//! Start a program that outlives us.

use std::path::Path;

use anyhow::{Context as _, anyhow};

use super::program::append_to;
use super::{Identity, Program};

impl Program {
    /// Starts it and returns at once. Both outputs are appended to `log`.
    ///
    /// It survives us; to survive our terminal as well, what it runs calls [`leave_terminal`] first.
    pub fn spawn_detached(self, log: &Path) -> anyhow::Result<Identity> {
        let plan = self.bare_plan().stdin_null().stderr_to_stdout().stdout_file(append_to(log)?);
        let child = plan.start().map_err(|no| anyhow!(self.why_not(&no)))?;
        let pid = *child.pids().first().context("a program without a process id")?;
        Identity::of(pid).ok_or_else(|| anyhow!("{} ended before it began", self.path.display()))
    }
}

/// Leaves the caller's terminal and process group for a session of our own.
pub fn leave_terminal() {
    // The one refusal is for a process that leads a group already: it has left.
    let _ = rustix::process::setsid();
}
