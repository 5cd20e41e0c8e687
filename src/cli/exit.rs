//! The exit codes, and how an error becomes one. Never 2: agents' hook protocols read it as "block".

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use crate::cli::show::inert;
use crate::refusal::{Kind, Refusal};

pub(super) const NOTHING: u8 = 1;
pub(super) const REFUSED: u8 = 3;
pub(super) const AGAIN: u8 = 75;
const FATAL: u8 = 128;
pub(super) const USAGE: u8 = 129;

/// The code of a kind of refusal.
pub(super) fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Nothing => NOTHING,
        Kind::Refused => REFUSED,
        Kind::Again => AGAIN,
        Kind::Fatal => FATAL,
        Kind::Usage => USAGE,
    }
}

/// How errors are said: as JSON, and with next steps or without.
#[derive(Clone, Copy)]
pub(super) struct Voice {
    pub json: bool,
    pub hints: bool,
}

/// The next step after an error of the system, where there is one that a person can take.
fn remedy(error: &anyhow::Error) -> Vec<String> {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    let step = causes.find_map(|cause| match cause.kind() {
        ErrorKind::PermissionDenied => Some("give yourself access to that place"),
        ErrorKind::ReadOnlyFilesystem => Some("that place is mounted read-only"),
        ErrorKind::StorageFull => Some("make room on that disk, then repeat the call"),
        _ => None,
    });
    step.map(str::to_owned).into_iter().collect()
}

/// Says what ends the program from within, where no caller can hand it on, as any other error is said;
/// a mistake of ours, too. Then the exit code is that of an error and not of a signal.
#[expect(clippy::exit, clippy::disallowed_methods, reason = "nothing comes after a panic")]
pub(super) fn tell_of_panics(voice: Voice) {
    std::panic::set_hook(Box::new(move |panic| {
        let refusal = panic.payload().downcast_ref::<Refusal>().cloned();
        let ours = || Refusal::fatal(format!("a mistake in this program: {panic}"));
        let refusal = refusal.unwrap_or_else(ours);
        fail(&refusal.clone().into(), voice);
        std::process::exit(code(refusal.kind).into());
    }));
}

/// Says an error on stderr, with its next steps, and gives the exit code.
#[expect(clippy::print_stderr, reason = "errors leave the program here")]
pub(super) fn fail(error: &anyhow::Error, voice: Voice) -> ExitCode {
    let refusal = error.downcast_ref::<Refusal>();
    let code = refusal.map_or(FATAL, |refusal| code(refusal.kind));
    let what = refusal.map_or_else(|| format!("{error:#}"), |refusal| refusal.what.clone());
    let steps = refusal.map_or_else(|| remedy(error), |refusal| refusal.hints.clone());
    if voice.json {
        let said = serde_json::json!({ "error": what, "hints": steps, "exit": code });
        eprintln!("{said}");
        return ExitCode::from(code);
    }
    let word = if code == FATAL { "fatal" } else { "error" };
    eprintln!("{word}: {}", inert(&what));
    if voice.hints {
        for step in &steps {
            eprintln!("hint: {}", inert(step));
        }
    }
    ExitCode::from(code)
}
