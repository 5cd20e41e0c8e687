//! Words to people and back: parse, open, do, show, exit.

use std::process::ExitCode;

/// Which of the four commands was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Bead,
    Sling,
    Convoy,
    Refinery,
}

/// The whole program: parses the arguments, does the verb, says the result.
pub fn run(_tool: Tool) -> ExitCode {
    ExitCode::from(129)
}
