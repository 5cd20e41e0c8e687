//! `git refinery`: see `shopfloor::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    shopfloor::cli::run(shopfloor::cli::Tool::Refinery)
}
