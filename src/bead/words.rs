//! Words in texts: whether one holds another, whatever the case of its letters. Pure.

/// Whether a text holds a word.
pub fn holds(text: &str, word: &str) -> bool {
    match word.is_ascii() {
        true => holds_letters(text.as_bytes(), word.as_bytes()),
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

/// Whether bytes hold ASCII letters, whatever their case. Most of what is looked through does not hold
/// the rarest of them, and is passed over in large steps.
pub fn holds_letters(bytes: &[u8], letters: &[u8]) -> bool {
    let rarity = |at: &usize| letters.get(*at).map_or(0, |letter| commonness(*letter));
    let Some(at) = (0..letters.len()).min_by_key(rarity) else { return true };
    let Some(letter) = letters.get(at) else { return true };
    let cases = [letter.to_ascii_lowercase(), letter.to_ascii_uppercase()];
    let is_here = |place: usize| {
        let start = place.checked_sub(at);
        let there = start.and_then(|start| bytes.get(start..start + letters.len()));
        there.is_some_and(|there| there.eq_ignore_ascii_case(letters))
    };
    let (steps, rest) = bytes.as_chunks::<TOGETHER>();
    let in_step = |(n, step): (usize, &[u8; TOGETHER])| {
        let some = step.iter().fold(false, |some, byte| some | cases.contains(byte));
        some && (0..TOGETHER).any(|k| {
            step.get(k).is_some_and(|byte| cases.contains(byte)) && is_here(n * TOGETHER + k)
        })
    };
    steps.iter().enumerate().any(in_step) || (bytes.len() - rest.len()..bytes.len()).any(is_here)
}

/// How common a letter is in what people write, the least common first.
fn commonness(letter: u8) -> usize {
    let common = b"zqxjkvwybfgpmcudlhrsinoate ";
    let letter = letter.to_ascii_lowercase();
    common.iter().position(|known| *known == letter).map_or(0, |place| place + 1)
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
                assert!(holds_letters(&bytes, b"kiwi"), "{before} {after}");
                assert!(!holds_letters(&bytes, b"kiwk"), "{before} {after}");
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
