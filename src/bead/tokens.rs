//! How many tokens does a model read in a text, at the most? Nobody's tokenizer is here, so this is told from
//! how all of them work: none makes more tokens than bytes, they know common words whole and cut what is
//! none into pieces of two letters, they write digits one to three at a time, and a blank goes with the word
//! behind it. What is not ASCII counts all its bytes, and all of it a sixth more. Pure.

/// A letter run is no longer than that, so that even a text without a blank is cut in pieces.
const RUN: usize = 16;
/// Letters of a word for which one token is enough.
const WORD: usize = 6;
/// In a word no more letters of a kind follow each other: vowels, and others.
const VOWELS: usize = 2;
const OTHERS: usize = 3;

/// A text in words, runs of blanks, and single characters, each with what it costs.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = (&'t str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.0.chars().next()?;
        let run =
            |fits: fn(u8) -> bool| self.0.bytes().skip(1).take_while(|byte| fits(*byte)).count();
        let length = match first {
            'a'..='z' | 'A'..='Z' => 1 + run(|byte| byte.is_ascii_lowercase()).min(RUN - 1),
            ' ' => 1 + run(|byte| byte == b' '),
            other => other.len_utf8(),
        };
        let (piece, rest) = self.0.split_at(length);
        self.0 = rest;
        let cost = match first {
            'a'..='z' | 'A'..='Z' if is_word(piece) => 1 + (length - 1) / WORD,
            'a'..='z' | 'A'..='Z' => length.div_ceil(2),
            ' ' => (length + 2) / 4,
            _ => length,
        };
        Some((piece, cost))
    }
}

/// Whether one could say it.
fn is_word(letters: &str) -> bool {
    let (mut vowels, mut others, mut some) = (0, 0, letters.len() < 3);
    for letter in letters.bytes().map(|letter| letter.to_ascii_lowercase()) {
        (vowels, others) = match b"aeiouy".contains(&letter) {
            true => (vowels + 1, 0),
            false => (0, others + 1),
        };
        some |= vowels > 0;
        if vowels > VOWELS || others > OTHERS {
            return false;
        }
    }
    some
}

/// The most tokens that a text has.
pub fn tokens(text: &str) -> usize {
    let cost: usize = Pieces(text).map(|(_, cost)| cost).sum();
    (cost * 7).div_ceil(6)
}

/// The start of a text that has at most so many tokens, and whether that is less than all of it.
pub fn cut(text: &str, most: usize) -> (&str, bool) {
    let (mut end, mut cost) = (0, 0);
    for (piece, more) in Pieces(text) {
        cost += more;
        if cost > most * 6 / 7 {
            return (text.get(..end).unwrap_or_default().trim_end(), true);
        }
        end += piece.len();
    }
    (text, false)
}

/// Shares `room` among several that want so much each: who wants little gets it, the others the same.
pub fn shares(wanted: &[usize], room: usize) -> Vec<usize> {
    let (mut fair, mut left) = (0, room);
    loop {
        let open = wanted.iter().filter(|want| **want > fair).count();
        let more = left.checked_div(open).unwrap_or(0);
        if more == 0 {
            return wanted.iter().map(|want| fair.min(*want)).collect();
        }
        let given = wanted.iter().map(|want| want.saturating_sub(fair).min(more)).sum::<usize>();
        (fair, left) = (fair + more, left - given);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Beside each what two public tokenizers (cl100k and o200k) make of it, the higher of both.
    #[test]
    fn no_tokenizer_makes_more_of_it() {
        for (text, made) in [
            ("", 0),
            ("Parser accepts empty input", 4),
            ("a  b", 3),
            ("api-7f3k2m9qx4tbn0hd", 15),
            ("2026-11-21T05:36:11.123Z", 15),
            ("  \"issue_type\": \"task\",\n", 8),
            ("fn main() {}\n", 4),
            ("日本語", 4),
            ("🦀", 3),
            ("XJQZkv", 5),
        ] {
            assert!((made..=2 * made + 4).contains(&tokens(text)), "{text}: {}", tokens(text));
        }
    }

    #[test]
    fn room_is_shared_evenly_among_those_who_want_more() {
        for (wanted, room, given) in [
            (&[][..], 9, &[][..]),
            (&[3, 4], 9, &[3, 4]),
            (&[100, 4, 100], 24, &[10, 4, 10]),
            (&[100, 100], 5, &[2, 2]),
            (&[1, 1, 1], 2, &[0, 0, 0]),
        ] {
            assert_eq!(shares(wanted, room), given, "{wanted:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_starts_so(text in "\\PC{0,60}|[a-zA-Z0-9 \n]{0,60}", most in 0..40usize) {
            let (start, is_cut) = cut(&text, most);
            prop_assert!(text.starts_with(start) && tokens(start) <= most);
            prop_assert_eq!(is_cut, tokens(&text) > most);
            prop_assert!(tokens(&text) <= text.len() * 7 / 6 + 1);
        }

        #[test]
        fn nobody_gets_more_than_there_is(wanted in prop::collection::vec(0..500usize, 0..9), room in 0..900usize) {
            let given = shares(&wanted, room);
            prop_assert!(given.iter().sum::<usize>() <= room);
            prop_assert!(given.iter().zip(&wanted).all(|(given, wanted)| given <= wanted));
        }
    }
}
