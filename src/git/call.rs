//! A `git` as it was called and what it said, and what to say of one that said no.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use anyhow::Context as _;

use super::Repo;
use crate::host::process::Program;
use crate::refusal::Refusal;

/// How long a `git` may take that was given no time of its own.
pub(super) const DEADLINE: Duration = Duration::from_secs(300);

/// What a `git` that ran to its end said.
#[derive(Clone, Debug)]
pub struct Done {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

/// A `git` that was called, as a person would write it.
pub(super) struct Call<'r> {
    repo: &'r Repo,
    text: String,
    local: bool,
}

impl<'r> Call<'r> {
    pub(super) fn new(repo: &'r Repo, args: &[OsString], local: bool) -> Self {
        let words = args.iter().map(|arg| without_secret(&arg.to_string_lossy()));
        let text = words.fold("git".to_owned(), |line, word| line + " " + &word);
        Self { repo, text, local }
    }

    /// The error for one that said no: what it said, or the version where that is why.
    pub(super) fn failed(&self, done: &Done) -> anyhow::Error {
        if let Ok((major, minor)) = self.repo.git_version()
            && (major, minor) < (2, 38)
        {
            let what = format!("git {major}.{minor} is too old");
            return Refusal::fatal(what).hint("install git 2.38 or later").into();
        }
        let locked = ["Read-only file system", "Permission denied", "insufficient permission"];
        // A remote that says so means something else.
        if self.local && locked.iter().any(|said| done.err.contains(said)) {
            let dir = self.repo.common_dir().display();
            let what = format!("cannot write to {dir}: {}", first_line(&done.err));
            return Refusal::fatal(what)
                .hint("give yourself write access to that directory")
                .into();
        }
        match done.err.as_str() {
            "" => anyhow::anyhow!("{}: exit {}", self.text, done.code),
            said => anyhow::anyhow!("{}: {}", self.text, last_lines(said)),
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// An address without the name and password in it.
fn without_secret(word: &str) -> String {
    match word.split_once("://").and_then(|(kind, rest)| Some((kind, rest.split_once('@')?.1))) {
        Some((kind, rest)) => format!("{kind}://{rest}"),
        None => word.to_owned(),
    }
}

/// The end of what git said: before it may stand all its options, or every file it has looked at.
fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join("\n")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

impl Repo {
    /// The version of the installed git, asked for once.
    pub fn git_version(&self) -> anyhow::Result<(u32, u32)> {
        if let Some(known) = self.version.get() {
            return Ok(*known);
        }
        let outcome = Program::new(self.git_program()?).args(["version"]).timeout(DEADLINE).run();
        let text = String::from_utf8_lossy(&outcome.out);
        let version = parse_version(&text)
            .with_context(|| format!("git does not say its version: {text:?}"))?;
        Ok(*self.version.get_or_init(|| version))
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stays_out_of_messages() {
        assert_eq!(without_secret("https://jane:s3cret@example.org/x"), "https://example.org/x");
        assert_eq!(without_secret("git@example.org:x"), "git@example.org:x");
    }

    #[test]
    fn of_much_that_git_said_the_end_is_told() {
        assert_eq!(last_lines("fatal: no"), "fatal: no");
        assert_eq!(last_lines("usage\n  -a\n  -b\n\n  -c"), "  -b\n\n  -c");
    }

    #[test]
    fn versions_of_many_builders() {
        for (text, version) in [
            ("git version 2.47.3\n", Some((2, 47))),
            ("git version 2.39.5 (Apple Git-154)", Some((2, 39))),
            ("git version 2.50.0.rc1.windows.1", Some((2, 50))),
            ("hub version 2", None),
        ] {
            assert_eq!(parse_version(text), version, "{text}");
        }
    }
}
