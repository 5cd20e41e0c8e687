//! Be another program from here on, or until it ends: same terminal, same place in its group.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::anyhow;

use super::Program;

impl Program {
    /// Replaces this process by the program. It comes back only when that failed, and says why.
    pub fn become_it(self) -> anyhow::Error {
        let no = self.command().exec();
        anyhow!(self.why_not(&no))
    }

    /// Leaves the terminal to it until it ends, for as long as a person takes. Says whether it ended well.
    pub fn lend_terminal(self) -> anyhow::Result<bool> {
        let status = self.command().status().map_err(|no| anyhow!(self.why_not(&no)))?;
        Ok(status.success())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door through which programs start")]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if self.only_env {
            command.env_clear();
        }
        command.args(&self.args).envs(self.env.iter().map(|(key, value)| (key, value)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }
}
