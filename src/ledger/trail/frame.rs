//! How a note stands in the spool: on a line that begins with how long it is and what it hashes to. So what
//! was cut off when its writer died, which nobody was promised, is told from what was damaged since.

use anyhow::Result;

use super::note::Note;
use crate::ledger::canon::digest;

/// What stood in a spool.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) notes: Vec<Note>,
    /// What was a note, as it is now.
    pub(super) damaged: Vec<Vec<u8>>,
}

enum Part<'t> {
    /// What stands behind it on the line was parted from it by the end of a line that is damaged.
    Note(&'t [u8], &'t [u8]),
    CutOff {
        lacks: usize,
    },
    Damaged,
}

pub(super) fn framed(note: &Note) -> Result<Vec<u8>> {
    let text = serde_json::to_vec(note)?;
    let head = format!("{} {} ", text.len(), digest(&[&text]));
    Ok([head.as_bytes(), &text, b"\n"].concat())
}

pub(super) fn read(spool: &[u8]) -> Found {
    let mut found = Found::default();
    let mut lines = spool.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        // Who writes behind what was cut off ends that line and no other.
        let is_ended = lines.peek().is_some_and(|next| next.is_empty());
        let mut rest = line;
        while !rest.is_empty() {
            let (note, next) = match part(rest) {
                Part::Note(text, next) => (serde_json::from_slice(text).ok(), next),
                Part::CutOff { lacks: 1 } if is_ended => (None, &[][..]),
                Part::CutOff { .. } => break,
                Part::Damaged => (None, &[][..]),
            };
            match note {
                Some(note) => found.notes.push(note),
                None => found.damaged.push(rest.to_vec()),
            }
            rest = next;
        }
    }
    found
}

fn part(line: &[u8]) -> Part<'_> {
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (length, sum, text) = (words.next().unwrap_or_default(), words.next(), words.next());
    let length = std::str::from_utf8(length).ok().and_then(|length| length.parse().ok());
    let Some(length): Option<usize> = length else { return Part::Damaged };
    let is_sum = |byte: &u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
    let (Some(sum), Some(text)) = (sum.filter(|sum| sum.iter().all(is_sum)), text) else {
        let begun = text.is_none() && sum.is_none_or(|sum| sum.iter().all(is_sum));
        return if begun { Part::CutOff { lacks: length } } else { Part::Damaged };
    };
    let fits = |text: &[u8]| digest(&[text]).as_bytes() == sum;
    if fits(text) {
        return Part::Note(text, &[]);
    }
    match text.split_at_checked(length) {
        Some((text, rest)) if fits(text) => Part::Note(text, rest.get(1..).unwrap_or_default()),
        Some(_) => Part::Damaged,
        None => Part::CutOff { lacks: length - text.len() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool() -> Vec<u8> {
        let note = |n: &str| framed(&Note::new("now".to_owned(), n, "trail.edit")).unwrap();
        [note("one"), b"\n".to_vec(), note("two"), note("three")].concat()
    }

    fn names(found: &Found) -> Vec<&str> {
        found.notes.iter().map(|note| note.on.as_str()).collect()
    }

    #[test]
    fn a_flipped_byte_anywhere_shows_and_costs_one_note_at_most() {
        let whole = spool();
        assert_eq!(names(&read(&whole)), ["one", "two", "three"]);
        for at in 0..whole.len() {
            for flip in [0x01, 0x10, 0x80, whole[at] ^ b'\n'] {
                let mut spool = whole.clone();
                spool[at] ^= flip;
                let found = read(&spool);
                let said = (names(&found), found.damaged.len());
                let kept = |note: &&str| ["one", "two", "three"].contains(note);
                assert!(said.0.iter().all(kept) && said.0.len() >= 2, "{at} {flip} {said:?}");
                assert_eq!(said.0.len() == 2, said.1 > 0, "{at} {flip} {said:?}");
            }
        }
    }

    #[test]
    fn what_was_cut_off_is_no_damage() {
        let whole = spool();
        let last = whole.len()
            - framed(&Note::new("now".to_owned(), "three", "trail.edit")).unwrap().len();
        for end in last..whole.len() - 1 {
            let more = [&whole[..end], b"\n", &whole[..]].concat();
            let found = read(&more);
            assert_eq!(names(&found), ["one", "two", "one", "two", "three"], "{end}");
            assert!(found.damaged.is_empty(), "{end}");
        }
    }
}
