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

/// A `git` that was called: shown, as a person would write it; in messages, what it was for.
pub(super) struct Call<'r> {
    repo: &'r Repo,
    text: String,
    purpose: String,
    local: bool,
}

impl<'r> Call<'r> {
    pub(super) fn new(repo: &'r Repo, args: &[OsString], local: bool) -> Self {
        let words = args.iter().map(|arg| without_secret(&arg.to_string_lossy()));
        let words: Vec<String> = words.collect();
        Self { repo, text: format!("git {}", words.join(" ")), purpose: purpose(&words), local }
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
        let purpose = &self.purpose;
        match (done.err.as_str(), self.local) {
            ("", _) => anyhow::anyhow!("{purpose} failed: exit {}", done.code),
            (said, true) => anyhow::anyhow!("{purpose} failed: {}", last_lines(said)),
            (said, false) => anyhow::anyhow!("{purpose} failed: {}", reason(said)),
        }
    }

    /// The error for one that came to no exit code.
    pub(super) fn cut_short(&self, how: &str) -> anyhow::Error {
        anyhow::anyhow!("{}: {how}", self.purpose)
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

/// The verb, and the other end where there is one. The rest of its words tell nobody anything who
/// has not written them.
fn purpose(words: &[String]) -> String {
    let verb = words.first().map_or("", String::as_str);
    let end = words.iter().skip_while(|word| *word != "--end-of-options").nth(1);
    match (verb, end) {
        ("fetch", Some(from)) => format!("fetch from {from}"),
        ("push", Some(to)) => format!("push to {to}"),
        ("ls-remote", Some(at)) => format!("a look at {at}"),
        _ => format!("git {verb}"),
    }
}

/// The end of what git said: before it may stand all its options, or every file it has looked at.
fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join("; ")
}

/// The line in which a git that talks to a remote says why not: what it says after that is the same
/// every time.
fn reason(text: &str) -> &str {
    const ALWAYS: [&str; 4] = [
        "fatal: Could not read from remote repository.",
        "fatal: the remote end hung up unexpectedly",
        "fatal: The remote end hung up unexpectedly",
        "error: failed to push some refs",
    ];
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let advice = |line: &&str| line.starts_with("Please make sure");
    let said: Vec<&str> = lines.take_while(|line| !advice(line)).collect();
    let tells = |line: &&&str| !ALWAYS.iter().any(|start| line.starts_with(start));
    let line = said.iter().rfind(tells).or(said.last()).copied().unwrap_or_default();
    ["fatal: ", "error: "].iter().find_map(|start| line.strip_prefix(start)).unwrap_or(line)
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
        assert_eq!(last_lines("usage\n  -a\n  -b\n\n  -c\n"), "-a; -b; -c");
    }

    #[test]
    fn a_message_says_what_failed_and_not_how_it_was_called() {
        for (words, told) in [
            ("fetch --quiet --no-tags --end-of-options origin +a:b", "fetch from origin"),
            ("push --porcelain --end-of-options /srv/x a:b", "push to /srv/x"),
            ("ls-remote --refs --end-of-options hub", "a look at hub"),
            ("merge-tree --write-tree a b", "git merge-tree"),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(purpose(&words), told);
        }
        let advice = "\n\nPlease make sure you have the correct access rights\nand it exists.";
        for (said, why) in [
            (
                format!(
                    "fatal: '/x' does not appear to be a git repository\nfatal: Could not read from remote repository.{advice}"
                ),
                "'/x' does not appear to be a git repository",
            ),
            (
                format!(
                    "ssh: connect to host x port 22: Connection refused\nfatal: Could not read from remote repository.{advice}"
                ),
                "ssh: connect to host x port 22: Connection refused",
            ),
            (
                format!("fatal: Could not read from remote repository.{advice}"),
                "Could not read from remote repository.",
            ),
            (
                "fatal: couldn't find remote ref refs/heads/x".to_owned(),
                "couldn't find remote ref refs/heads/x",
            ),
        ] {
            assert_eq!(reason(&said), why);
        }
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
