//! The name of an agent: checked once, because it becomes a directory, a branch and a trailer.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::refusal::Refusal;

const LONGEST: usize = 40;

/// `builder`, or `builder-2` for the second one of that kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Which table of the configuration describes this agent: its own name, else the name without its number.
    pub(crate) fn table(&self, known: impl Fn(&str) -> bool) -> Option<&str> {
        let base = || self.0.rsplit_once('-').filter(|(_, n)| is_number(n)).map(|(base, _)| base);
        Some(self.0.as_str())
            .filter(|name| known(name))
            .or_else(|| base().filter(|name| known(name)))
    }

    /// The first of `name`, `name-2`, `name-3` … whose hook is free.
    pub(crate) fn next_free(&self, busy: &BTreeSet<&str>) -> Self {
        let numbered = (2..).map(|n| format!("{}-{n}", self.0));
        let free = std::iter::once(self.0.clone())
            .chain(numbered)
            .find(|name| !busy.contains(name.as_str()));
        Self(free.unwrap_or_else(|| self.0.clone()))
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl FromStr for Name {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let ends = !text.ends_with('.') && !text.ends_with(".lock") && !text.contains("..");
        if starts && ends && text.len() <= LONGEST && text.chars().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::usage(format!("{text:?} cannot be the name of an agent")).hint(format!(
            "up to {LONGEST} letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
        )))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_and_are_not() {
        for good in ["toast", "toast-2", "a", "Qwen3.5_x", "7up"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        let long = "x".repeat(41);
        for bad in [
            "",
            "-f",
            ".git",
            "a/b",
            "a b",
            "a..b",
            "x.lock",
            "x.",
            "é",
            "a\nb",
            "a~1",
            long.as_str(),
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_falls_back_to_the_table_without_it() {
        let known = |name: &str| ["toast", "gpt-5"].contains(&name);
        let cases = [
            ("toast", Some("toast")),
            ("toast-2", Some("toast")),
            ("toast-x", None),
            ("gpt-5", Some("gpt-5")),
            ("gpt-5-2", Some("gpt-5")),
            ("gpt", None),
            ("other-2", None),
        ];
        for (name, table) in cases {
            assert_eq!(name.parse::<Name>().unwrap().table(known), table, "{name}");
        }
    }

    #[test]
    fn the_next_free_one() {
        let toast: Name = "toast".parse().unwrap();
        let free = |busy: &[&str]| toast.next_free(&busy.iter().copied().collect()).to_string();
        assert_eq!(free(&[]), "toast");
        assert_eq!(free(&["toast"]), "toast-2");
        assert_eq!(free(&["toast", "toast-2", "toast-4"]), "toast-3");
    }
}
