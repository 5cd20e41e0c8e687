//! Agent programs that nobody slung, known by what they leave in the environment of their commands.
//!
//! Only variables that a program sets for what it runs itself: those that an editor also sets in a
//! person's own terminal (`CURSOR_TRACE_ID`, `REPL_ID`) or that a person configures
//! (`AIDER_MODEL`, `COPILOT_MODEL`) say nothing about who acts.

use crate::host::Environment;

struct Sign {
    program: &'static str,
    variable: &'static str,
    /// The value it must have; any, when empty.
    value: &'static str,
    /// Where the program names its session.
    session: &'static str,
}

const AIDER: &str = "aider";

const fn sign(
    program: &'static str,
    variable: &'static str,
    value: &'static str,
    session: &'static str,
) -> Sign {
    Sign { program, variable, value, session }
}

/// The first that is there counts: programs that also set the signs of another stand before it.
const SIGNS: &[Sign] = &[
    sign("amp", "AGENT", "amp", "AMP_CURRENT_THREAD_ID"),
    sign("amp", "AMP_CURRENT_THREAD_ID", "", "AMP_CURRENT_THREAD_ID"),
    sign("goose", "AGENT", "goose", ""),
    sign("goose", "GOOSE_TERMINAL", "", ""),
    sign("claude-code", "CLAUDECODE", "", "CLAUDE_CODE_SESSION_ID"),
    sign("claude-code", "CLAUDE_CODE", "", "CLAUDE_CODE_SESSION_ID"),
    sign("codex", "CODEX_THREAD_ID", "", "CODEX_THREAD_ID"),
    sign("codex", "CODEX_SANDBOX", "", "CODEX_THREAD_ID"),
    sign("codex", "CODEX_CI", "", "CODEX_THREAD_ID"),
    sign("cursor", "CURSOR_AGENT", "", ""),
    sign("gemini-cli", "GEMINI_CLI", "", ""),
    sign("antigravity", "ANTIGRAVITY_AGENT", "", ""),
    sign("augment", "AUGMENT_AGENT", "", ""),
    sign("cline", "CLINE_ACTIVE", "", ""),
    sign("copilot", "COPILOT_CLI", "", ""),
    sign("opencode", "OPENCODE", "", ""),
    sign("opencode", "OPENCODE_CLIENT", "", ""),
    sign("pi", "PI_CODING_AGENT", "", ""),
];

/// What people find in commits of agent programs that they start by hand.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SIGNS.iter().map(|sign| sign.program).chain([AIDER])
}

/// An agent program at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub name: String,
    pub session: Option<String>,
}

/// The agent program whose command we are, if one shows.
pub(crate) fn running(env: &Environment) -> Option<Program> {
    // The vendors' common proposal: the name itself, perhaps with a version behind an `@`.
    if let Some(name) = env.get("AI_AGENT").and_then(|said| said.split('@').next()) {
        let named = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if named && !name.is_empty() && !matches!(name, "0" | "1" | "true" | "false") {
            return Some(Program { name: name.to_owned(), session: None });
        }
    }
    let found = SIGNS.iter().find(|sign| {
        env.get(sign.variable).is_some_and(|value| sign.value.is_empty() || value == sign.value)
    });
    if let Some(sign) = found {
        let session = env.get(sign.session).map(str::to_owned);
        return Some(Program { name: sign.program.to_owned(), session });
    }
    // Aider sets no variable; it writes itself behind the author's name.
    let author = env.get("GIT_AUTHOR_NAME").or_else(|| env.get("GIT_COMMITTER_NAME"))?;
    author.ends_with(" (aider)").then(|| Program { name: AIDER.to_owned(), session: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_signs() {
        type Known = Option<(&'static str, Option<&'static str>)>;
        let table: &[(&[(&str, &str)], Known)] = &[
            (&[], None),
            (&[("CURSOR_TRACE_ID", "x"), ("AIDER_MODEL", "y"), ("AGENT", "1")], None),
            (&[("CLAUDECODE", "1")], Some(("claude-code", None))),
            (&[("CLAUDECODE", "1"), ("AGENT", "amp")], Some(("amp", None))),
            (
                &[("CODEX_SANDBOX", "seatbelt"), ("CODEX_THREAD_ID", "t1")],
                Some(("codex", Some("t1"))),
            ),
            (&[("AI_AGENT", "my-agent@2.0")], Some(("my-agent", None))),
            (&[("AI_AGENT", "evil\nBead: x")], None),
            (&[("GIT_AUTHOR_NAME", "Jane (aider)")], Some(("aider", None))),
        ];
        for (env, expected) in table {
            let env: Environment =
                env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let found = running(&env);
            let found = found.as_ref().map(|it| (it.name.as_str(), it.session.as_deref()));
            assert_eq!(found, *expected, "{env:?}");
        }
    }
}
