//! The one typed error: a no that says what to do next.
//!
//! Everything else that fails is an `anyhow::Error` with the thing and the place in its context.
//! Only a `Refusal` decides an exit code (`cli::exit` maps its kind).

use std::ffi::OsStr;
use std::fmt;

/// Why the answer is no; each kind has an exit code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing was found, or nothing is ready.
    Nothing,
    /// Held by another, stale, ambiguous, rejected, forbidden.
    Refused,
    /// A lock is taken; the same call may succeed in a moment.
    Again,
    /// Not a repository, unreadable, damaged.
    Fatal,
    /// The words of the call are wrong.
    Usage,
}

/// A no, with the next step. `what` and `hints` are whole sentences without a full stop.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub kind: Kind,
    pub what: String,
    pub hints: Vec<String>,
}

impl Refusal {
    pub fn nothing(what: impl Into<String>) -> Self {
        Self::of(Kind::Nothing, what)
    }

    pub fn refused(what: impl Into<String>) -> Self {
        Self::of(Kind::Refused, what)
    }

    pub fn again(what: impl Into<String>) -> Self {
        Self::of(Kind::Again, what)
    }

    pub fn fatal(what: impl Into<String>) -> Self {
        Self::of(Kind::Fatal, what)
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::of(Kind::Usage, what)
    }

    fn of(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), hints: Vec::new() }
    }

    /// Adds a next step, shown as a `hint:` line.
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for Refusal {}

/// A text or a path as one word of a shell, for the commands that hints name and for scripts.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    format!("'{}'", word.as_ref().to_string_lossy().replace('\'', r"'\''"))
}

/// The same, without quotes where a shell needs none.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => quoted(text),
    }
}
