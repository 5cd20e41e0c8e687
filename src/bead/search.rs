//! Finds beads by words, the best first. Pure, but for what it reads.

use std::cmp::Reverse;

use anyhow::Result;

use crate::bead::filter::{Cond, Field, Op, Seen, Value};
use crate::bead::find::Asked;
use crate::bead::order::{Order, Place};
use crate::bead::{Bead, Beads, words};
use crate::ledger::Row;

/// How alike two words are at least, of which one may be the other mistyped.
const ALIKE: f64 = 0.75;
/// Shorter words are alike too often.
const SHORTEST: usize = 4;

/// A bead that was found.
pub struct Match<'a> {
    pub row: Row<'a, Bead>,
    /// Which of its texts has most of what was asked for, and the line of it that has it first.
    pub field: &'static str,
    pub line: String,
    rank: (Reverse<u32>, Place),
}

/// That each word stands somewhere in a bead.
pub fn cond(asked: &[String]) -> Cond {
    let is_there = |word: &String| Cond::is(Field::Text, Op::Has, Value::word(word.as_str()));
    Cond::All(asked.iter().map(is_there).collect())
}

/// The beads that are asked for, ranked by where these words stand in them.
pub fn exact<'a>(asked: &Asked<'_>, beads: &'a Beads, words: &[String]) -> Result<Vec<Match<'a>>> {
    let mut found = Vec::new();
    asked.each(beads, true, &mut |row, seen| {
        if let Seen::Whole(bead) = seen {
            let (weight, field, line) = rank(bead, words);
            let rank = (Reverse(weight), Order::Priority.place(seen));
            found.push(Match { row, field, line, rank });
        }
        Ok(())
    })?;
    Ok(in_order(found))
}

/// The beads with titles in which each word stands almost as it was said.
pub fn fuzzy<'a>(asked: &Asked<'_>, beads: &'a Beads, words: &[String]) -> Result<Vec<Match<'a>>> {
    let words: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
    let mut found = Vec::new();
    asked.each(beads, true, &mut |row, seen| {
        let Seen::Whole(bead) = seen else { return Ok(()) };
        let title = bead.title.to_lowercase();
        let alike = words.iter().map(|word| likeness(&title, word));
        let alike = alike.fold(1.0, f64::min);
        if alike >= ALIKE {
            // Between 0 and 1, so a thousandth is as fine as anybody asks.
            let rank = (Reverse((alike * 1000.0) as u32), Order::Priority.place(seen));
            found.push(Match { row, field: "title", line: bead.title.clone(), rank });
        }
        Ok(())
    })?;
    Ok(in_order(found))
}

fn in_order(mut found: Vec<Match<'_>>) -> Vec<Match<'_>> {
    found.sort_by(|one, other| {
        one.rank.cmp(&other.rank).then_with(|| one.row.key().cmp(other.row.key()))
    });
    found
}

/// How alike the word of a title that is most like another is to it.
fn likeness(title: &str, word: &str) -> f64 {
    let length = word.chars().count();
    if length < SHORTEST {
        return if title.contains(word) { 1.0 } else { 0.0 };
    }
    let parts = title.split(|c: char| !c.is_alphanumeric());
    let near = parts.filter(|part| part.chars().count().abs_diff(length) <= 2);
    near.map(|part| strsim::normalized_damerau_levenshtein(part, word)).fold(0.0, f64::max)
}

/// What it counts where a word stands, the text that has most, and the line of that.
fn rank(bead: &Bead, words: &[String]) -> (u32, &'static str, String) {
    let comments = bead.comments.iter().map(|comment| ("comment", 4, comment.text.as_str()));
    let texts = [
        ("title", 40, bead.title.as_str()),
        ("id", 30, bead.id.as_str()),
        ("description", 10, &bead.description),
        ("acceptance", 8, &bead.acceptance_criteria),
        ("design", 6, &bead.design),
        ("notes", 5, &bead.notes),
    ];
    let mut best = (0, "title", String::new());
    let mut all = 0;
    for (field, weight, text) in texts.into_iter().chain(comments) {
        let here = words.iter().map(|word| weight * closeness(text, word)).sum();
        all += here;
        if here > best.0 {
            best = (here, field, line_with(text, words));
        }
    }
    let phrase = words.join(" ");
    let together = words.len() > 1 && words::holds(&bead.title, &phrase);
    (all + if together { 100 } else { 0 }, best.1, best.2)
}

/// A word counts three times, the beginning of one twice, a part of one once.
fn closeness(text: &str, word: &str) -> u32 {
    if !words::holds(text, word) {
        return 0;
    }
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let worth = text.match_indices(&word).map(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        match (is_part(before), is_part(after)) {
            (false, false) => 3,
            (false, true) => 2,
            (true, _) => 1,
        }
    });
    worth.max().unwrap_or(1)
}

fn line_with(text: &str, words: &[String]) -> String {
    let has = |line: &&str| words.iter().any(|word| words::holds(line, word));
    text.lines().find(has).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bead(title: &str, description: &str) -> Bead {
        let (title, description) = (title.to_owned(), description.to_owned());
        Bead { title, description, ..Bead::default() }
    }

    #[test]
    fn a_title_counts_more_than_a_text_and_a_word_more_than_a_part() {
        let words = ["parse".to_owned(), "input".to_owned()];
        let ranks = [
            bead("Parse input", ""),
            bead("Input: parse it", ""),
            bead("Parser of inputs", ""),
            bead("Reparse it", "of the Input"),
            bead("Other", "parse\nan input"),
            bead("Other", "reparsed inputs"),
        ]
        .map(|bead| rank(&bead, &words));
        assert!(ranks.iter().is_sorted_by(|one, other| one.0 > other.0), "{ranks:?}");
        assert_eq!((ranks[3].1, ranks[4].1, &*ranks[4].2), ("title", "description", "parse"));
    }

    #[test]
    fn a_word_that_was_mistyped_is_like_the_one_that_was_meant() {
        for (word, alike) in [
            ("parser", true),
            ("prser", true),
            ("parsre", true),
            ("praser", true),
            ("parking", false),
            ("the", true),
            ("teh", false),
        ] {
            let title = "the parser accepts empty input";
            assert_eq!(likeness(title, word) >= ALIKE, alike, "{word}");
        }
    }
}
