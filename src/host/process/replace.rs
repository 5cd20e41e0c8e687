//! Be another program from here on: same process, same terminal, same place in its group.

use std::os::unix::process::CommandExt as _;

use anyhow::anyhow;

use super::Program;

impl Program {
    /// Replaces this process by the program. It comes back only when that failed, and says why.
    #[expect(clippy::disallowed_methods, reason = "this is the door through which programs start")]
    pub fn become_it(self) -> anyhow::Error {
        let mut command = std::process::Command::new(&self.path);
        if self.only_env {
            command.env_clear();
        }
        command.args(&self.args).envs(self.env.iter().map(|(key, value)| (key, value)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        let no = command.exec();
        anyhow!(self.why_not(&no))
    }
}
