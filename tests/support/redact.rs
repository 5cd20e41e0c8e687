//! What differs from run to run (ids, commits, times), named by the order in which it appears.

/// The volatile names met so far: the same one gets the same number.
#[derive(Default, Clone)]
pub(crate) struct Names {
    prefixes: Vec<String>,
    beads: Vec<String>,
    commits: Vec<String>,
}

/// A piece of text, as far as comparing goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    Text(String),
    Bead(String),
    Commit(String),
    Time(String),
}

impl Names {
    /// Beads are recognised by the prefixes their repositories give them.
    pub(crate) fn of(prefixes: &[&str]) -> Self {
        Self { prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(), ..Self::default() }
    }

    /// A short form and the whole id are one bead: one starts with the other.
    fn number(known: &mut Vec<String>, name: &str) -> usize {
        let same = |other: &String| other.starts_with(name) || name.starts_with(other.as_str());
        if let Some(at) = known.iter().position(same) {
            if name.len() > known[at].len() {
                name.clone_into(&mut known[at]);
            }
            return at + 1;
        }
        known.push(name.to_owned());
        known.len()
    }

    pub(super) fn pieces(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = token(rest);
            let (word, after) = rest.split_at(length.max(first.len_utf8()));
            pieces.push(self.piece(word, after));
            rest = after;
        }
        pieces
    }

    fn piece(&self, word: &str, after: &str) -> Piece {
        if self.is_bead(word) {
            Piece::Bead(word.to_owned())
        } else if is_commit(word) {
            Piece::Commit(word.to_owned())
        } else if is_time(word, after) {
            Piece::Time(word.to_owned())
        } else {
            Piece::Text(word.to_owned())
        }
    }

    fn is_bead(&self, word: &str) -> bool {
        let Some((prefix, suffix)) = word.rsplit_once('-') else { return false };
        let base32 = |c: char| matches!(c, 'a'..='z' | '0'..='9');
        self.prefixes.iter().any(|known| known == prefix)
            && (4..=16).contains(&suffix.len())
            && suffix.chars().all(base32)
    }
}

/// The text with `[ID1]`, `[COMMIT1]`, `[TIME]` in place of what varies.
pub(crate) fn redact(names: &mut Names, text: &str) -> String {
    let pieces = names.pieces(text);
    let show = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Bead(id) => format!("[ID{}]", Names::number(&mut names.beads, &id)),
        Piece::Commit(id) => format!("[COMMIT{}]", Names::number(&mut names.commits, &id)),
        Piece::Time(_) => "[TIME]".to_owned(),
    };
    pieces.into_iter().map(show).collect()
}

/// How many bytes of the start belong to one word; a dot belongs to it only between two digits.
fn token(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let inside = |at: usize| match bytes[at] {
        b'.' | b':' => at > 0 && digit(at - 1) && digit(at + 1),
        byte => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
    };
    (0..bytes.len()).take_while(|at| inside(*at)).count()
}

fn is_commit(word: &str) -> bool {
    (7..=64).contains(&word.len())
        && word.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        && word.chars().any(|c| c.is_ascii_digit())
}

fn is_time(word: &str, after: &str) -> bool {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let unit = |end: &str| {
        shape
            .strip_suffix(end)
            .is_some_and(|n| n.ends_with('9') && !n.contains(char::is_alphabetic))
    };
    let units = [" ms", " s ", " s\n", " s,", " seconds", " minutes"];
    shape.starts_with("9999-99-99")
        || shape == "99:99:99"
        || unit("ms")
        || unit("s")
        || (number && units.iter().any(|unit| after.starts_with(unit)))
}

#[test]
fn what_varies_is_numbered_by_appearance() {
    let mut names = Names::of(&["api"]);
    let text = "api-7f3k done by toast-2 in 3f2a1bc..9d8e7f6 at 2026-11-21T05:36:11.123Z\n\
                api-7f3k2m9qx4tbn0hd and api-9fw2, 3f2a1bc0 took 1.5s, 12 ms, v1.2\n";
    let plain = "[ID1] done by toast-2 in [COMMIT1]..[COMMIT2] at [TIME]\n\
                 [ID1] and [ID2], [COMMIT1] took [TIME], [TIME] ms, v1.2\n";
    assert_eq!(redact(&mut names, text), plain);
}
