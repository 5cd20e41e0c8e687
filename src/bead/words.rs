//! Words in texts: whether one holds another, whatever the case of its letters. Pure.

/// Whether a text holds a word.
pub fn holds(text: &str, word: &str) -> bool {
    match word.is_ascii() {
        true => Letters::new(word).are_in(text.as_bytes()),
        false => text.to_lowercase().contains(&word.to_lowercase()),
    }
}

/// The longest part of a word that is written with the same bytes wherever it stands, but for their case.
/// Where a word is compared letter by letter of any script, the Kelvin sign is a `k`, and a dotted capital
/// one of `i`.
pub fn letters(word: &str) -> Option<&str> {
    let folds = |c: char| !c.is_ascii() || (!word.is_ascii() && "kKiI".contains(c));
    let runs = word.split(folds);
    runs.max_by_key(|run| run.len()).filter(|run| run.len() > 1)
}

/// ASCII letters that are looked for in many bytes, whatever their case. Where the rarest of them does not
/// stand they are not, and most of what is looked through is passed over in large steps.
pub struct Letters<'w> {
    all: &'w [u8],
    /// Where in the letters that one stands.
    at: usize,
}

impl<'w> Letters<'w> {
    pub fn new(word: &'w str) -> Self {
        let all = word.as_bytes();
        let rarest = all.iter().enumerate().min_by_key(|(_, letter)| commonness(**letter));
        Self { all, at: rarest.map_or(0, |(at, _)| at) }
    }

    pub fn are_in(&self, bytes: &[u8]) -> bool {
        let Some(rare) = self.all.get(self.at) else { return true };
        let (small, large) = (rare.to_ascii_lowercase(), rare.to_ascii_uppercase());
        memchr::memchr2_iter(small, large, bytes).any(|place| {
            let start = place.checked_sub(self.at);
            let there = start.and_then(|start| bytes.get(start..start + self.all.len()));
            there.is_some_and(|there| there.eq_ignore_ascii_case(self.all))
        })
    }
}

/// How common a letter is in what is kept of beads: texts, and numbers that make up times and ids.
fn commonness(letter: u8) -> u32 {
    match letter.to_ascii_lowercase() {
        b'z' | b'q' | b'x' | b'j' => 1,
        b'k' | b'v' | b'w' | b'y' | b'b' => 3,
        b'f' | b'g' | b'p' | b'm' | b'c' | b'u' | b'd' | b'l' => 6,
        b'3'..=b'9' => 8,
        b'h' | b'r' | b's' | b'i' | b'n' | b'o' | b'a' => 12,
        b't' | b'e' | b' ' | b'0'..=b'2' | b'-' => 16,
        _ => 2,
    }
}

/// The usual name of a type for which people have several.
pub fn usual_type(word: &str) -> &str {
    match word {
        "enhancement" | "feat" => "feature",
        "dec" | "adr" => "decision",
        "investigation" | "timebox" => "spike",
        "user-story" | "user_story" => "story",
        "ms" => "milestone",
        "mr" => "merge-request",
        "mol" => "molecule",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_holds_a_word_whatever_the_case() {
        let long = format!("{}NeeDle{}", "nee".repeat(50), "dle".repeat(50));
        for (text, word, found) in [
            ("Parser accepts empty input", "PARSER", true),
            ("Parser accepts empty input", "s emp", true),
            ("Parser accepts empty input", "emptyi", false),
            ("Grüße", "GRÜSS", false),
            ("Grüße", "grüß", true),
            ("", "", true),
            ("", "x", false),
            ("x", "", true),
            ("xx", "xxx", false),
            (&long, "eneedled", true),
            (&long, "needlex", false),
        ] {
            assert_eq!(holds(text, word), found, "{word} in {text}");
        }
    }

    #[test]
    fn letters_are_found_at_every_place() {
        for before in 0..100 {
            for after in [0, 1, 31, 32, 33] {
                let bytes = [vec![b'k'; before], b"Kiwi".to_vec(), vec![b'w'; after]].concat();
                for (letters, there) in [("kiwi", true), ("kiwk", false), ("i", true), ("x", false)]
                {
                    let found = Letters::new(letters).are_in(&bytes);
                    assert_eq!(found, there, "{letters} between {before} and {after}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn where_a_word_is_its_letters_are(text in "[aäkK\u{212a}iIİ1]{0,6}", word in "[aäkKiI1]{1,3}") {
            let are_in = |part: &str| Letters::new(part).are_in(text.as_bytes());
            prop_assert!(!holds(&text, &word) || letters(&word).is_none_or(are_in));
        }
    }

    #[test]
    fn the_letters_of_a_word_are_its_longest_ascii_part() {
        for (word, part) in [
            ("größe", Some("gr")),
            ("ö", None),
            ("aö", None),
            ("plain", Some("plain")),
            ("äk12", Some("12")),
        ] {
            assert_eq!(letters(word), part);
        }
    }
}
