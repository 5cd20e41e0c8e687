//! Words in texts: whether one holds another, whatever the case of its letters. Pure.

/// Whether a text holds a word.
pub fn holds(text: &str, word: &str) -> bool {
    match word.is_ascii() {
        true => Letters::new(word).are_in(text.as_bytes()),
        false => text.to_lowercase().contains(&word.to_lowercase()),
    }
}

/// The longest part of a word that is written with the same bytes wherever it stands, but for their case.
pub fn letters(word: &str) -> Option<&str> {
    let runs = word.split(|c: char| !c.is_ascii());
    runs.max_by_key(|run| run.len()).filter(|run| run.len() > 1)
}

/// So many bytes are looked at together.
const TOGETHER: usize = 32;
/// The bit in which the cases of a letter differ.
const CASE: u8 = 0x20;

/// ASCII letters that are looked for in many bytes, whatever their case. Most of what is looked through
/// does not hold the rarest two of them, and is passed over in large steps.
pub struct Letters<'w> {
    all: &'w [u8],
    /// Where in the letters those two stand.
    at: usize,
}

impl<'w> Letters<'w> {
    pub fn new(word: &'w str) -> Self {
        let all = word.as_bytes();
        let commonness = |at: &usize| -> u32 {
            all.get(*at..*at + 2).unwrap_or_default().iter().map(|letter| commonness(*letter)).sum()
        };
        let at = (0..all.len().saturating_sub(1)).min_by_key(commonness).unwrap_or(0);
        Self { all, at }
    }

    pub fn are_in(&self, bytes: &[u8]) -> bool {
        let (Some(one), other) = (self.all.get(self.at), self.all.get(self.at + 1)) else {
            return true;
        };
        let Some(last) = bytes.len().checked_sub(self.all.len()) else { return false };
        let (one, other) = (one | CASE, other.map(|other| other | CASE));
        let is_here = |start: usize| {
            let there = bytes.get(start..start + self.all.len());
            there.is_some_and(|there| there.eq_ignore_ascii_case(self.all))
        };
        // Only where the rare ones can stand.
        let (mut from, end) = (self.at, self.at + last + 1);
        while from < end {
            let to = (from + TOGETHER).min(end);
            let here = bytes.get(from..to).unwrap_or_default();
            let next = bytes.get(from + 1..(to + 1).min(bytes.len())).unwrap_or_default();
            let some = match other {
                Some(other) => here.iter().zip(next).fold(false, |some, (this, next)| {
                    some | ((this | CASE == one) & (next | CASE == other))
                }),
                None => here.iter().fold(false, |some, this| some | (this | CASE == one)),
            };
            if some && (from..to).any(|place| is_here(place - self.at)) {
                return true;
            }
            from = to;
        }
        false
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

    #[test]
    fn the_letters_of_a_word_are_its_longest_ascii_part() {
        for (word, part) in
            [("größe", Some("gr")), ("ö", None), ("aö", None), ("plain", Some("plain"))]
        {
            assert_eq!(letters(word), part);
        }
    }
}
