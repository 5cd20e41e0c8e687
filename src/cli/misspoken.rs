//! What is said of words that do not parse, and of those that ask for help.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::bead::short;
use crate::cli::exit::{self, Voice};
use crate::refusal::Refusal;

/// What to do with a text that nobody else could read.
pub(super) const NOT_UTF8: &str =
    "the ledger holds UTF-8 alone; `iconv -f latin1 -t utf-8` converts";

/// Help and version are answers; anything else that does not parse is a usage error.
pub(super) fn explain(grammar: &clap::Command, mut error: clap::Error) -> ExitCode {
    let asked = !error.use_stderr();
    // What did not parse cannot say how it wants to hear so; its words can.
    let json = std::env::args_os().any(|word| word == "--json");
    if error.kind() == ErrorKind::InvalidUtf8 {
        let foreign = std::env::args_os().enumerate().find(|(_, word)| word.to_str().is_none());
        let (at, word) = foreign.unwrap_or_default();
        let what = format!("argument {at} is not UTF-8: {}", word.display());
        let refusal = Refusal::usage(what).hint(NOT_UTF8);
        return exit::fail(&refusal.into(), Voice { json, hints: true });
    }
    let words: Vec<_> = std::env::args_os().collect();
    if error.kind() == ErrorKind::MissingRequiredArgument
        && grammar.get_name() == "git-bead"
        && let Some(usage) = short::usage(&words)
    {
        let refusal = Refusal::usage("that is too little to go by").hint(usage);
        return exit::fail(&refusal.into(), Voice { json, hints: true });
    }
    keep_quiet_about_machinery(grammar, &mut error);
    if !asked && json {
        let said = error.to_string();
        // What is missing stands on lines of its own, up to the first empty one.
        let lines: Vec<_> =
            said.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let refusal = Refusal::usage(lines.join(" ").trim_start_matches("error: "))
            .hint("the call with -h explains the words");
        return exit::fail(&refusal.into(), Voice { json, hints: true });
    }
    match error.print() {
        Ok(()) if asked => ExitCode::SUCCESS,
        _ => ExitCode::from(exit::USAGE),
    }
}

/// Takes what no help shows out of the suggestions for what was mistyped.
fn keep_quiet_about_machinery(grammar: &clap::Command, error: &mut clap::Error) {
    if let Some(ContextValue::Strings(verbs)) = error.get(ContextKind::SuggestedSubcommand) {
        let shown = |verb: &&String| {
            !grammar.get_subcommands().any(|known| known.get_name() == *verb && known.is_hide_set())
        };
        let shown: Vec<_> = verbs.iter().filter(shown).cloned().collect();
        error.remove(ContextKind::SuggestedSubcommand);
        if !shown.is_empty() {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(shown));
        }
    }
    if let Some(ContextValue::String(flag)) = error.get(ContextKind::SuggestedArg) {
        let hidden = |verb: &clap::Command| {
            verb.get_arguments().any(|arg| {
                arg.is_hide_set() && arg.get_long() == Some(flag.trim_start_matches('-'))
            })
        };
        if grammar.get_subcommands().any(hidden) {
            error.remove(ContextKind::SuggestedArg);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;
    use crate::cli::grammars;

    #[test]
    fn what_is_hidden_is_not_suggested() {
        let said = |tool: &Command, words: &[&str]| {
            let call = std::iter::once(tool.get_name()).chain(words.iter().copied());
            let mut no = tool.clone().try_get_matches_from(call).unwrap_err();
            keep_quiet_about_machinery(tool, &mut no);
            no.to_string()
        };
        let [bead, _, refinery, sling] = grammars();
        assert!(said(&bead, &["lits"]).contains("'list'"), "{}", said(&bead, &["lits"]));
        assert!(said(&refinery, &["run", "--drian"]).contains("'--drain'"));
        let cases: [(&Command, &[&str], &str); 4] = [
            (&bead, &["hok"], "'hook'"),
            (&refinery, &["hooks"], "'hook'"),
            (&refinery, &["run", "--detach"], "'--detached'"),
            (&sling, &["api-1", "toast", "runer"], "'runner'"),
        ];
        for (tool, words, hidden) in cases {
            let said = said(tool, words);
            assert!(!said.contains(hidden), "{words:?}: {said}");
        }
    }
}
