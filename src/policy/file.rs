//! TOML to policy: durations in words, and errors that name file, line, column and the nearest key.

use std::time::Duration;

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};

use crate::host;
use crate::refusal::Refusal;

/// Reads `text`, which stands in the file called `name`.
pub(super) fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let (line, column) = error.span().map_or((1, 1), |span| place(text, span.start));
        let said = error.message().lines().next().unwrap_or_default().to_owned();
        let mut refusal = Refusal::fatal(format!("{name}:{line}:{column}: {said}"));
        if let Some(near) = nearest(&said) {
            refusal = refusal.hint(format!("did you mean `{near}`?"));
        }
        refusal.into()
    })
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The known key that looks most like the unknown one, both taken from serde's own sentence.
fn nearest(said: &str) -> Option<&str> {
    let mut quoted = said.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let like = |key: &&str| (strsim::jaro_winkler(unknown, key) * 1000.0) as u64;
    quoted.max_by_key(like).filter(|key| like(key) > 700)
}

pub(super) fn quarter_of_an_hour() -> Duration {
    Duration::from_secs(15 * 60)
}

pub(super) fn patterns<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let patterns = Vec::<String>::deserialize(from)?;
    if patterns.is_empty() || patterns.iter().any(|pattern| pattern.trim().is_empty()) {
        return Err(D::Error::custom("`inputs` names no paths; leave it out for the whole tree"));
    }
    Ok(patterns)
}

pub(super) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    host::duration(&text)
        .ok_or_else(|| D::Error::custom(format!("`{text}` is no duration such as 90s, 15m or 2h")))
}

pub(super) fn some_duration<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    duration(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::{Command, Policy};
    use super::*;

    #[test]
    fn a_policy_reads_as_written() {
        let policy: Policy = parse(
            "overseers = ['jane@example.org']\n[gates.test]\ncommand = 'make test'\ntimeout = '90s'\n\
             inputs = ['src/**', 'Cargo.*']\n\
             [gates.lint]\ncommand = ['cargo', 'clippy']\n[agents.builder]\ncommand = ['./b.sh']\nprompt = 'stdin'\n",
            "shopfloor.toml",
        )
        .unwrap();
        assert_eq!(policy.gates["test"].command, Command::Shell("make test".into()));
        assert_eq!(policy.gates["test"].timeout, Duration::from_secs(90));
        assert_eq!(policy.gates["test"].inputs, ["src/**", "Cargo.*"]);
        assert_eq!(policy.gates["lint"].command.words(), ["cargo", "clippy"]);
        assert_eq!(policy.gates["lint"].timeout, quarter_of_an_hour());
        assert_eq!(policy.gates.keys().collect::<Vec<_>>(), ["test", "lint"]);
    }

    #[test]
    fn errors_name_file_line_column_and_the_nearest_key() {
        let cases = [
            (
                "[gates.test]\ncomand = 'x'\n",
                "shopfloor.toml:2:1: unknown field `comand`",
                Some("did you mean `command`?"),
            ),
            ("[gates.test\n", "shopfloor.toml:1:", None),
            (
                "[gates.t]\ncommand = 'x'\ntimeout = 'soon'\n",
                "shopfloor.toml:3:11: `soon` is no duration",
                None,
            ),
            (
                "[gates.t]\ncommand = 'x'\ninputs = ['src/**', '']\n",
                "shopfloor.toml:3:10: `inputs` names no paths",
                None,
            ),
            ("[gates.t]\ntimeout = '1s'\n", "shopfloor.toml:1:1: missing field `command`", None),
        ];
        for (text, said, hint) in cases {
            let error = parse::<Policy>(text, "shopfloor.toml").unwrap_err();
            let refusal = error.downcast_ref::<Refusal>().unwrap();
            assert!(refusal.what.starts_with(said), "{}", refusal.what);
            assert_eq!(refusal.hints.first().map(String::as_str), hint);
        }
    }
}
