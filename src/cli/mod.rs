//! Words to people and back: parse, open, do, show, exit.
//!
//! A verb is a struct of arguments whose doc comment is its manual, and a `run` of a dozen lines
//! over operations of the rooms below. Nothing else in the program prints or exits.

mod bead;
mod context;
mod convoy;
mod exit;
mod hook;
mod misspoken;
mod progress;
mod refinery;
mod say;
mod show;
mod sling;
mod stream;
mod table;
mod trace;
mod when;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser};

use context::{Context, Everywhere};
use exit::Voice;
use misspoken::explain;
use show::Done;

/// Which of the four commands was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Bead,
    Sling,
    Convoy,
    Refinery,
}

/// The whole program: parses the arguments, does the verb, says the result.
pub fn run(tool: Tool) -> ExitCode {
    let words = std::env::args_os().collect();
    match tool {
        Tool::Bead => call(bead::short::written_out(words), |cli: bead::Bead| {
            (cli.everywhere, cli.verb.changes(), |cx: &Context| cli.verb.run(cx))
        }),
        Tool::Convoy => call(words, |cli: convoy::Convoy| {
            let verb = cli.verb.unwrap_or_default();
            (cli.everywhere, verb.changes(), |cx: &Context| verb.run(cx))
        }),
        Tool::Refinery => call(words, |cli: refinery::Refinery| {
            (cli.everywhere, cli.verb.changes(), |cx: &Context| cli.verb.run(cx))
        }),
        Tool::Sling => call(words, |cli: sling::Sling| {
            let (everywhere, call) = cli.parts();
            (everywhere, call.changes(), |cx: &Context| call.run(cx))
        }),
    }
}

/// What each of the four commands understands.
fn grammars() -> [clap::Command; 4] {
    [
        bead::Bead::command(),
        convoy::Convoy::command(),
        refinery::Refinery::command(),
        sling::Sling::command(),
    ]
}

/// One call of one tool: `T` is its grammar. `parts` says whether the verb changes something, and
/// does it.
fn call<T: Parser, V: FnOnce(&Context) -> Result<Done>>(
    words: Vec<OsString>,
    parts: impl FnOnce(T) -> (Everywhere, bool, V),
) -> ExitCode {
    let cli = match T::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return explain(&T::command(), error),
    };
    let (everywhere, changes, run) = parts(cli);
    let cx = match Context::new(everywhere.json, everywhere.dir.as_deref()) {
        Ok(cx) => cx,
        Err(error) => return exit::fail(&error, Voice { json: everywhere.json, hints: true }),
    };
    exit::tell_of_panics(Voice { json: cx.json, hints: cx.hints() });
    trace::listen(&cx.env);
    let settled = if changes && cx.repo().is_ok() { sling::tend(&cx) } else { Ok(()) };
    match run(&cx).and_then(|done| say::say(&cx, &done).map(|()| done.code)) {
        Ok(code) => {
            // Where the verb fails as well, it has said so in its own words.
            if let Err(error) = settled {
                cx.note(format!("note: what was left behind here was not seen to: {error:#}"));
            }
            ExitCode::from(code)
        }
        Err(error) => exit::fail(&error, Voice { json: cx.json, hints: cx.hints() }),
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    /// The command and all verbs that help shows, however deep, each with the words that lead to it.
    fn shown(verb: &Command, path: &str, all: &mut Vec<(String, Command)>) {
        let taught = |below: &&Command| !below.is_hide_set() && below.get_name() != "help";
        for below in verb.get_subcommands().filter(taught) {
            shown(below, &format!("{path} {}", below.get_name()), all);
        }
        all.push((path.to_owned(), verb.clone()));
    }

    /// The words of an example as a shell would give them, up to the remark behind it.
    fn words(example: &str) -> Vec<String> {
        let line = example.trim();
        let mut words = vec![String::new()];
        let (mut quoted, mut blanks) = (false, 0);
        for c in line.chars() {
            blanks = if c == ' ' && !quoted { blanks + 1 } else { 0 };
            match c {
                '\'' => quoted = !quoted,
                ' ' if blanks == 1 => words.push(String::new()),
                ' ' if blanks > 1 => break,
                c => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_verb_teaches_by_examples_that_parse() {
        for mut tool in grammars() {
            tool.build();
            let mut all = Vec::new();
            shown(&tool, &format!("git {}", &tool.get_name()["git-".len()..]), &mut all);
            for (path, verb) in all {
                teaches(&tool, &path, verb);
            }
        }
    }

    fn teaches(tool: &Command, path: &str, mut verb: Command) {
        assert!(verb.get_about().is_some(), "`{path}` says nothing about itself");
        for arg in verb.get_arguments().filter(|arg| !arg.is_hide_set()) {
            assert!(arg.get_help().is_some(), "{path}: nothing about {}", arg.get_id());
        }
        let help = verb.render_long_help().to_string();
        let (_, examples) = help.split_once("Examples:\n").expect(path);
        let examples: Vec<_> =
            examples.lines().take_while(|line| line.starts_with("  git ")).collect();
        assert!((1..=8).contains(&examples.len()), "{path}: {examples:?}");
        for example in examples {
            let words = words(example);
            if words[1] == "push" {
                continue; // Git's own, where a push does the same.
            }
            assert!(words.join(" ").starts_with(path), "{path}: {example}");
            let call = std::iter::once(tool.get_name().to_owned()).chain(words.into_iter().skip(2));
            if let Err(no) = tool.clone().try_get_matches_from(call) {
                panic!("{example}\n{no}");
            }
        }
    }
}
