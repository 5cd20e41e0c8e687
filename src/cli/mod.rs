//! Words to people and back: parse, open, do, show, exit.
//!
//! A verb is a struct of arguments whose doc comment is its manual, and a `run` of a dozen lines
//! over operations of the rooms below. Nothing else in the program prints or exits.

mod bead;
mod context;
mod convoy;
mod exit;
mod hook;
mod refinery;
mod show;
mod sling;
mod table;
mod trace;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use context::Context;
use exit::Voice;
use show::{Done, Screen};

use crate::refusal::Refusal;

/// Which of the four commands was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Bead,
    Sling,
    Convoy,
    Refinery,
}

/// What all verbs of all tools understand.
#[derive(clap::Args)]
struct Everywhere {
    /// Give the result as JSON on stdout
    #[arg(long, global = true)]
    json: bool,
    /// Act as if called in this directory
    #[arg(short = 'C', value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
}

/// The whole program: parses the arguments, does the verb, says the result.
pub fn run(tool: Tool) -> ExitCode {
    match tool {
        Tool::Bead => call(|cli: bead::Bead| (cli.everywhere, cli.verb), bead::Verb::run),
        Tool::Convoy => call(|cli: convoy::Convoy| (cli.everywhere, cli.verb), convoy::Verb::run),
        Tool::Refinery => {
            call(|cli: refinery::Refinery| (cli.everywhere, cli.verb), refinery::Verb::run)
        }
        Tool::Sling => call(sling::Sling::parts, sling::Call::run),
    }
}

/// One call of one tool: `T` is its grammar, `verb` does what was parsed.
fn call<T: Parser, V>(
    parts: impl FnOnce(T) -> (Everywhere, V),
    run: impl FnOnce(V, &Context) -> Result<Done>,
) -> ExitCode {
    let cli = match T::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let (everywhere, verb) = parts(cli);
    let cx = match Context::new(everywhere.json, everywhere.dir.as_deref()) {
        Ok(cx) => cx,
        Err(error) => return exit::fail(&error, Voice { json: everywhere.json, hints: true }),
    };
    trace::listen(&cx.env);
    match run(verb, &cx).and_then(|done| say(&cx, &done).map(|()| done.code)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => exit::fail(&error, Voice { json: cx.json, hints: cx.hints() }),
    }
}

/// Help and version are answers; anything else that does not parse is a usage error.
fn explain(error: &clap::Error) -> ExitCode {
    let asked = !error.use_stderr();
    // What did not parse cannot say how it wants to hear so; its words can.
    if !asked && std::env::args().any(|word| word == "--json") {
        let said = error.to_string();
        let what = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let refusal = Refusal::usage(what).hint("the call with -h explains the words");
        return exit::fail(&refusal.into(), Voice { json: true, hints: true });
    }
    match error.print() {
        Ok(()) if asked => ExitCode::SUCCESS,
        _ => ExitCode::from(exit::USAGE),
    }
}

/// The one place where a result is written. A closed pipe is the reader's choice, not our failure.
fn say(cx: &Context, done: &Done) -> Result<()> {
    let Some(view) = &done.view else { return Ok(()) };
    let text = if cx.json {
        format!("{}\n", serde_json::to_string_pretty(&view.json()?)?)
    } else {
        let mut screen = Screen::new(cx.colour());
        view.text(&mut screen);
        screen.finish()
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
