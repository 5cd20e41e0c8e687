//! The number of an entry. Clones that knew nothing of each other may have given one number to two
//! commits. When their ledgers meet, the first in the ledger's order keeps the number alone, and
//! every other is `<number>-<start of its commit>`. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::git::Oid;
use crate::ledger::Line;

/// How many digits of its commit tell a twin from the others.
const DIGITS: usize = 10;

/// What an entry is called behind the `#`. Twins come right after the entry that has their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Number {
    n: u64,
    twin: Option<u64>,
}

impl Number {
    /// The number alone, as it was given.
    pub fn given(self) -> u64 {
        self.n
    }

    pub(super) fn is_twin(self) -> bool {
        self.twin.is_some()
    }

    /// What the entry of this commit is called when another one has the number.
    pub(super) fn twin(self, commit: &Oid) -> Self {
        let text = commit.to_string();
        let start = text.get(..DIGITS).and_then(|start| u64::from_str_radix(start, 16).ok());
        Self { twin: start, ..self }
    }

    /// All that may be called by the number that this one was given.
    pub(super) fn namesakes(self) -> RangeInclusive<Self> {
        Self { twin: None, ..self }..=Self { twin: Some(u64::MAX), ..self }
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        Self { n, twin: None }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.twin {
            None => write!(out, "{}", self.n),
            Some(twin) => write!(out, "{}-{twin:0DIGITS$x}", self.n),
        }
    }
}

impl FromStr for Number {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let not = || format!("{text:?} is no number of an entry");
        let (n, twin) = text.split_once('-').map_or((text, None), |(n, twin)| (n, Some(twin)));
        let n = n.parse().with_context(not)?;
        let Some(twin) = twin else { return Ok(Self::from(n)) };
        let digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        ensure!(twin.len() == DIGITS && twin.bytes().all(digit), not());
        Ok(Self { n, twin: Some(u64::from_str_radix(twin, 16).with_context(not)?) })
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.to_string()
    }
}

impl TryFrom<String> for Number {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// The twins of one target and the lines that told of them before they had a name of their own. By
/// these a line on a number that two commits have is known to mean the one or the other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Twins(BTreeMap<u64, Vec<(Number, BTreeSet<String>)>>);

impl Twins {
    /// A line that founds a twin.
    pub(super) fn found(&mut self, twin: Number, line: &Line) {
        let twins = self.0.entry(twin.n).or_default();
        match twins.iter_mut().find(|(number, _)| *number == twin) {
            Some((_, lines)) => {
                lines.insert(line.id.clone());
            }
            None => twins.push((twin, BTreeSet::from([line.id.clone()]))),
        }
    }

    /// The entry that a line tells of: of all that the lines before it tell of, the first. Who wrote
    /// when both were known meant the one that has the number.
    pub(super) fn meant(&mut self, said: Number, line: &Line) -> Number {
        let twins = match self.0.get_mut(&said.n) {
            Some(twins) if !said.is_twin() => twins,
            _ => return said,
        };
        let of = |id: &String| twins.iter().position(|(_, lines)| lines.contains(id));
        let before: Option<Vec<usize>> = line.after.iter().map(of).collect();
        let first = before.and_then(|before| before.into_iter().min());
        let Some((number, lines)) = first.and_then(|first| twins.get_mut(first)) else {
            return said;
        };
        lines.insert(line.id.clone());
        *number
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::Fold as _;
    use crate::refinery::entry::State;
    use crate::refinery::queue::Queue;

    const A: &str = "aaaaaaaaaa000000000000000000000000000000";
    const B: &str = "bbbbbbbbbb000000000000000000000000000000";
    const C: &str = "cccccccccc000000000000000000000000000000";

    /// `id after,… subject word`: a line; a word is a commit that is queued, or what happens to it.
    fn lines(text: &[&str]) -> Vec<Line> {
        let line = |(clock, text): (usize, &&str)| {
            let mut words = text.split(' ');
            let (id, after) = (words.next().unwrap(), words.next().unwrap());
            let after: Vec<_> = after.split(',').filter(|id| *id != "-").map(id_of).collect();
            let on = words.next().unwrap();
            let (act, with) = match words.next().unwrap() {
                "no" => ("withdrawn", json!({"reason": "no"})),
                "later" => ("of-a-later-version", json!({})),
                commit => ("queued", json!({"commit": commit})),
            };
            Line {
                id: id_of(id),
                after,
                clock: clock as u64 + 1,
                act: format!("refinery.{act}"),
                on: on.to_owned(),
                with: with.into(),
                ..Line::default()
            }
        };
        text.iter().enumerate().map(line).collect()
    }

    fn id_of(id: &str) -> String {
        format!("{id:a<26}")
    }

    /// The names and who of them was withdrawn, by whichever of the states it was saved in between.
    #[track_caller]
    fn folds(text: &[&str], expected: &[(&str, &str, bool)]) {
        let text: Vec<_> =
            text.iter().map(|t| t.replace('A', A).replace('B', B).replace('C', C)).collect();
        let text: Vec<_> = text.iter().map(String::as_str).collect();
        let lines = lines(&text);
        for saved in 0..=lines.len() {
            let mut queue = Queue::default();
            for (at, line) in lines.iter().enumerate() {
                if at == saved {
                    let text = serde_json::to_string(&queue).unwrap();
                    queue = serde_json::from_str(&text).unwrap();
                }
                queue.drink(line);
            }
            let found: Vec<_> = queue
                .entries()
                .map(|entry| {
                    let commit = entry.commit.to_string().to_uppercase();
                    (entry.name(), commit[..1].to_owned(), entry.state == State::Withdrawn)
                })
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(n, c, w)| ((*n).to_owned(), (*c).to_owned(), *w)).collect();
            assert_eq!(found, expected, "{text:?} saved after {saved}");
        }
    }

    #[test]
    fn of_two_commits_with_one_number_each_has_its_own_lines() {
        let (one, two, three) = ("main#4", "main#4-bbbbbbbbbb", "main#4-cccccccccc");
        folds(&["a - main#4 A", "b - main#4 B"], &[(one, "A", false), (two, "B", false)]);
        folds(
            &["b - main#4 B", "a - main#4 A"],
            &[(one, "B", false), ("main#4-aaaaaaaaaa", "A", false)],
        );
        let same = ["a - main#4 A", "b - main#4 A", "d b main#4 no"];
        folds(&same, &[(one, "A", true)]);
        let both = |last: &[&str], expected: &[(&str, &str, bool)]| {
            folds(&[&["a - main#4 A", "b - main#4 B"], last].concat(), expected);
        };
        let (first, second) =
            (&[(one, "A", true), (two, "B", false)], &[(one, "A", false), (two, "B", true)]);
        both(&["d a main#4 no"], first);
        both(&["d b main#4 no"], second);
        both(&["d b main#4 later", "e d main#4 no"], second);
        both(&["d a,b main#4 no"], first);
        both(&["d a,b main#4 later", "e d main#4 no"], first);
        both(&["d - main#4-bbbbbbbbbb no"], second);
        both(&["d - main#4 no"], first);
        let third = [(one, "A", false), (two, "B", true), (three, "C", false)];
        both(&["c - main#4 C", "d b,c main#4 no"], &third);
        // Known only by the name it has where the other one never came.
        folds(&["b - main#4-bbbbbbbbbb B", "d b main#4-bbbbbbbbbb no"], &[(two, "B", true)]);
    }

    #[test]
    fn a_number_is_read_as_it_is_written() {
        for good in ["1", "42", "42-0123456789", "7-00000000af"] {
            assert_eq!(good.parse::<Number>().unwrap().to_string(), good);
        }
        for bad in ["", "-", "x", "42-", "42-012345678", "42-01234567890", "4-ABCDEF0123"] {
            assert!(bad.parse::<Number>().is_err(), "{bad}");
        }
    }
}
