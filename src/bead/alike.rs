//! Beads that may be the same thing written down twice. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

/// What products of fractions may be wrong by.
const ROUNDING: f64 = 1e-9;

/// What is compared of a bead: its words, in small letters.
pub struct Told {
    pub id: String,
    text: String,
    words: BTreeSet<String>,
}

impl Told {
    pub fn new(id: &str, title: &str, description: &str) -> Self {
        let lower = |text: &str| text.to_lowercase();
        let words = |text: &str| {
            let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        let (title, description) = (words(&lower(title)), words(&lower(description)));
        let text = format!("{}\n{}", title.join(" "), description.join(" "));
        Self { id: id.to_owned(), text, words: title.into_iter().chain(description).collect() }
    }
}

/// Groups of ids of which all say the same, but for case, blanks and marks; in the order given.
pub fn same(all: &[Told]) -> Vec<Vec<&str>> {
    let mut groups = indexmap::IndexMap::<&str, Vec<&str>>::new();
    for told in all.iter().filter(|told| !told.words.is_empty()) {
        groups.entry(&told.text).or_default().push(&told.id);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// Pairs of which so large a part of all their words is the same, the most alike first. What says the
/// same is no such pair.
pub fn near(all: &[Told], least: f64) -> Vec<(f64, &str, &str)> {
    let mut counts = HashMap::<&str, usize>::new();
    for word in all.iter().flat_map(|told| &told.words) {
        *counts.entry(word).or_default() += 1;
    }
    let mut at = HashMap::<&str, Vec<usize>>::new();
    let mut found = Vec::new();
    for (n, told) in all.iter().enumerate() {
        // Who shares so much shares one of the rarest words: of those that are not among them there are
        // too few.
        let mut rare: Vec<_> = told.words.iter().map(String::as_str).collect();
        rare.sort_unstable_by_key(|word| (counts.get(word).copied(), *word));
        let alone = rare.len() - (rare.len() as f64 * least - ROUNDING).ceil() as usize + 1;
        rare.truncate(alone);
        let mut seen = HashSet::new();
        for word in rare {
            let known = at.entry(word).or_default();
            for other in known.iter().filter_map(|other| all.get(*other)) {
                if seen.insert(&*other.id) && other.text != told.text {
                    let alike = alike(&told.words, &other.words);
                    found.extend((alike >= least).then_some((alike, &*other.id, &*told.id)));
                }
            }
            known.push(n);
        }
    }
    found.sort_unstable_by(|one, other| {
        other.0.total_cmp(&one.0).then_with(|| (one.1, one.2).cmp(&(other.1, other.2)))
    });
    found
}

/// The part of all words of both that both have.
fn alike(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let both = one.intersection(other).count();
    both as f64 / (one.len() + other.len() - both).max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_says_the_same_is_found_whatever_its_marks() {
        let all = [
            Told::new("a", "Parse the input!", "Now."),
            Told::new("b", "parse  THE input", "now"),
            Told::new("c", "Parse the input", ""),
            Told::new("d", "", ""),
            Told::new("e", "", ""),
        ];
        assert_eq!(same(&all), [["a", "b"]]);
        assert_eq!(near(&all, 0.7), [(0.75, "a", "c"), (0.75, "b", "c")]);
        assert_eq!(near(&all, 0.8), []);
    }

    proptest! {
        #[test]
        fn no_pair_is_missed(texts in proptest::collection::vec("[a-e]( [a-e]){0,5}", 0..12), part in 1..=10_u32) {
            let all: Vec<_> =
                texts.iter().enumerate().map(|(n, text)| Told::new(&n.to_string(), text, "")).collect();
            let least = f64::from(part) / 10.0;
            let mut slow = 0;
            for (n, one) in all.iter().enumerate() {
                let others = all.iter().skip(n + 1).filter(|other| other.text != one.text);
                slow += others.filter(|other| alike(&one.words, &other.words) >= least).count();
            }
            prop_assert_eq!(near(&all, least).len(), slow);
        }
    }
}
