//! Finds beads by words, the best first. Pure, but for what it reads.

use std::cmp::Reverse;

use anyhow::Result;

use crate::bead::face::Texts;
use crate::bead::filter::{Cond, Field, Op, Seen, Value};
use crate::bead::find::Asked;
use crate::bead::order::{Order, Place, sort_first};
use crate::bead::{Bead, Beads, words};
use crate::ledger::Row;

/// How alike two words are at least, of which one may be the other mistyped.
const ALIKE: f64 = 0.75;
/// Shorter words are alike too often.
const SHORTEST: usize = 4;

/// A bead that was found.
pub struct Match<'a> {
    pub row: Row<'a, Bead>,
    /// Which of its texts has most of what was asked for.
    pub field: &'static str,
    rank: (Reverse<u32>, Place),
}

/// That each word stands somewhere in a bead.
pub fn cond(asked: &[String]) -> Cond {
    let is_there = |word: &String| Cond::is(Field::Text, Op::Has, Value::word(word.as_str()));
    Cond::All(asked.iter().map(is_there).collect())
}

/// The beads that are asked for, ranked by where these words stand in them; the first of them where only
/// so many are shown.
pub fn exact<'a>(
    asked: &Asked<'_>,
    beads: &'a Beads,
    words: &[String],
    first: usize,
) -> Result<Vec<Match<'a>>> {
    let words: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
    let mut found = Vec::new();
    asked.each(beads, &has_texts, &mut |row, seen| {
        let own = match seen {
            Seen::Whole(bead) => Texts::of(bead),
            Seen::Texts(_, texts) => *texts,
            Seen::Closed(_) | Seen::Face(..) => return Ok(()),
        };
        let (weight, field) = rank(&own, &words);
        found.push(Match { row, field, rank: (Reverse(weight), Order::Priority.place(seen)) });
        Ok(())
    })?;
    Ok(in_order(found, first))
}

/// The beads with titles in which each word stands almost as it was said.
pub fn fuzzy<'a>(
    asked: &Asked<'_>,
    beads: &'a Beads,
    words: &[String],
    first: usize,
) -> Result<Vec<Match<'a>>> {
    let words: Vec<_> = words.iter().map(|word| Meant::new(&word.to_lowercase())).collect();
    let mut found = Vec::new();
    asked.each(beads, &has_texts, &mut |row, seen| {
        let title = match seen {
            Seen::Whole(bead) => bead.title.to_lowercase(),
            Seen::Texts(_, texts) => texts.title.to_lowercase(),
            Seen::Closed(_) | Seen::Face(..) => return Ok(()),
        };
        let alike = words.iter().map(|word| word.likeness(&title)).fold(1.0, f64::min);
        if alike >= ALIKE {
            // Between 0 and 1, so a thousandth is as fine as anybody asks.
            let weight = (alike * 1000.0) as u32;
            let rank = (Reverse(weight), Order::Priority.place(seen));
            found.push(Match { row, field: "title", rank });
        }
        Ok(())
    })?;
    Ok(in_order(found, first))
}

fn has_texts(seen: &Seen<'_>) -> bool {
    matches!(seen, Seen::Whole(_) | Seen::Texts(..))
}

fn in_order(mut found: Vec<Match<'_>>, first: usize) -> Vec<Match<'_>> {
    sort_first(&mut found, first, |one, other| {
        one.rank.cmp(&other.rank).then_with(|| one.row.key().cmp(other.row.key()))
    });
    found
}

/// The first line of the text of this name that has one of the words.
pub fn line<'b>(bead: &'b Bead, field: &str, words: &[String]) -> &'b str {
    let has = |line: &&str| words.iter().any(|word| words::holds(line, word));
    let comments = bead.comments.iter().map(|comment| (COMMENT, 0, comment.text.as_str()));
    let all = weighed(&Texts::of(bead)).into_iter().chain(comments);
    let lines = all.filter(|(name, ..)| *name == field).flat_map(|(.., text)| text.lines());
    lines.filter(has).map(str::trim).next().unwrap_or_default()
}

/// A word that may have been mistyped.
struct Meant {
    word: String,
    length: usize,
    letters: u64,
}

impl Meant {
    fn new(word: &str) -> Self {
        Self { word: word.to_owned(), length: word.chars().count(), letters: letters(word) }
    }

    /// How alike the word of a title that is most like it is to it.
    fn likeness(&self, title: &str) -> f64 {
        if self.length < SHORTEST {
            return if title.contains(&self.word) { 1.0 } else { 0.0 };
        }
        let parts = title.split(|c: char| !c.is_alphanumeric());
        let near = parts.filter(|part| {
            // Each letter that is put in or left out makes them differ in one, and a changed one in two.
            let most = (1.0 - ALIKE) * self.length.max(part.len()) as f64;
            f64::from((letters(part) ^ self.letters).count_ones()) <= 2.0 * most
                && part.chars().count().abs_diff(self.length) as f64 <= most
        });
        near.map(|part| strsim::normalized_damerau_levenshtein(part, &self.word))
            .fold(0.0, f64::max)
    }
}

/// The letters that stand in a word, as far as sixty-four can be told apart.
fn letters(word: &str) -> u64 {
    word.chars().fold(0, |letters, c| letters | 1 << (u32::from(c) % 64))
}

/// The name of what has no weight of its own.
const COMMENT: &str = "comment";

/// Every text of a bead by its name, with what it counts if a word stands in it.
fn weighed<'a>(texts: &Texts<'a>) -> [(&'static str, u32, &'a str); 6] {
    [
        ("title", 40, texts.title),
        ("id", 30, texts.id),
        ("description", 10, texts.description),
        ("acceptance", 8, texts.acceptance_criteria),
        ("design", 6, texts.design),
        ("notes", 5, texts.notes),
    ]
}

/// What it counts where these words stand, and the text that has most of them: a comment where no other
/// has any. They are in small letters.
fn rank(texts: &Texts<'_>, words: &[String]) -> (u32, &'static str) {
    let mut best = (0, COMMENT);
    let mut all = 0;
    for (field, weight, text) in weighed(texts) {
        let here = words.iter().map(|word| weight * closeness(text, word)).sum();
        all += here;
        if here > best.0 {
            best = (here, field);
        }
    }
    let together = words.len() > 1 && words::holds(texts.title, &words.join(" "));
    (all + if together { 100 } else { 0 }, best.1)
}

/// So long a text is told apart by no more than whether a word stands in it.
const LONG: usize = 200;

/// A word counts three times, the beginning of one twice, a part of one once.
fn closeness(text: &str, word: &str) -> u32 {
    if !words::holds(text, word) {
        return 0;
    }
    if text.len() > LONG {
        return 2;
    }
    let text = text.to_lowercase();
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let worth = text.match_indices(word).map(|(at, _)| {
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
        .map(|bead| rank(&Texts::of(&bead), &words));
        assert!(ranks.iter().is_sorted_by(|one, other| one.0 > other.0), "{ranks:?}");
        assert_eq!((ranks[3].1, ranks[4].1), ("title", "description"));
        let words = ["INPUT".to_owned()];
        assert_eq!(
            line(&bead("Other", "parse\n an input \ninput"), "description", &words),
            "an input"
        );
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
            assert_eq!(Meant::new(word).likeness(title) >= ALIKE, alike, "{word}");
        }
    }
}
