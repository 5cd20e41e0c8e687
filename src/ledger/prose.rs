//! Which texts stand beside their line, and what stands in the line for them: a mark with the hash of the
//! text and its length. Pure.

use anyhow::Result;
use serde_json::Map;

use super::Json;
use super::canon::{LONGEST, OVERSIZED, canonical, digest};
use super::line::Line;
use crate::refusal::Refusal;

/// The most that one text may have.
pub const LONGEST_TEXT: usize = 1 << 20;

/// The fields that hold what people and agents write; no other is put beside its line.
const PROSE: [&str; 7] =
    ["description", "design", "acceptance_criteria", "notes", "append_notes", "text", "body"];
/// What is shorter stays in the line whatever that says.
const SHORT: usize = 256;
/// What a line needs beside its texts.
const ROOM: usize = 4 << 10;

const OPEN: &str = "\u{1}text:";
/// Letters of every mark.
pub const MARK: &str = OPEN;
pub(super) const CLOSE: char = '\u{1}';
/// How a line writes that.
pub(super) const WRITTEN: &[u8] = br"\u0001text:";

/// What a text is called: by the hash of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) hash: String,
    pub(super) bytes: usize,
}

/// A text that is to stand beside its line.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) name: Name,
    pub(super) text: String,
}

impl Name {
    pub(super) fn of(text: &[u8]) -> Self {
        Self { hash: digest(&[text]), bytes: text.len() }
    }

    fn mark(&self) -> String {
        format!("{OPEN}{}:{}{CLOSE}", self.hash, self.bytes)
    }

    /// What stands between the ends of a mark.
    fn parse(words: &str) -> Option<Self> {
        let (hash, bytes) = words.split_once(':')?;
        let is_hash = hash.len() == 26 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some(Self { hash: hash.to_owned(), bytes: bytes.parse().ok()? }).filter(|_| is_hash)
    }
}

/// A text in pieces: what stands there, and the names of what stands elsewhere.
pub(super) enum Piece<'a> {
    Plain(&'a str),
    Named(Name),
}

pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut parts = text.split(OPEN);
    let mut pieces = vec![Piece::Plain(parts.next().unwrap_or_default())];
    for part in parts {
        let named =
            part.split_once(CLOSE).and_then(|(name, rest)| Some((Name::parse(name)?, rest)));
        match named {
            Some((name, rest)) => pieces.extend([Piece::Named(name), Piece::Plain(rest)]),
            None => pieces.extend([Piece::Plain(OPEN), Piece::Plain(part)]),
        }
    }
    pieces
}

/// Whether some of a text stands beside its line.
pub fn is_elsewhere(text: &str) -> bool {
    text.contains(OPEN)
}

/// Takes out of the fields of a line what is longer than `limit`, and then the longest until it fits.
pub(super) fn take_out(fields: &mut Map<String, Json>, limit: usize) -> Result<Vec<Text>> {
    let mut out = Vec::new();
    for key in PROSE {
        let Some(Json::String(text)) = prose(fields).and_then(|with| with.get_mut(key)) else {
            continue;
        };
        if text.len() > LONGEST_TEXT {
            let (length, most) = (text.len(), LONGEST_TEXT);
            let what = format!("`{key}` is too long: {length} bytes, and {most} are allowed");
            return Err(Refusal::usage(what).hint(OVERSIZED).into());
        }
        // What looks like the name of a text is not to be taken for one.
        if text.len() > limit.max(SHORT) || is_elsewhere(text) {
            out.push(replace(text));
        }
    }
    while canonical(fields)?.len() + ROOM > LONGEST {
        let Some(with) = prose(fields) else { break };
        let texts = with.iter_mut().filter(|(key, _)| PROSE.contains(&key.as_str()));
        let texts = texts.filter_map(|(_, value)| match value {
            Json::String(text) if text.len() > SHORT && !is_elsewhere(text) => Some(text),
            _ => None,
        });
        let Some(longest) = texts.max_by_key(|text| text.len()) else { break };
        out.push(replace(longest));
    }
    Ok(out)
}

fn prose(fields: &mut Map<String, Json>) -> Option<&mut Map<String, Json>> {
    fields.get_mut("with").and_then(Json::as_object_mut)
}

fn replace(text: &mut String) -> Text {
    let name = Name::of(text.as_bytes());
    Text { text: std::mem::replace(text, name.mark()), name }
}

/// The texts that a line has elsewhere.
pub(super) fn named(line: &Line) -> Vec<Name> {
    let with = line.with.json();
    let fields = PROSE.into_iter().filter_map(|key| with.get(key).and_then(Json::as_str));
    let pieces = fields.filter(|text| is_elsewhere(text)).flat_map(pieces);
    let names = pieces.filter_map(|piece| match piece {
        Piece::Named(name) => Some(name),
        Piece::Plain(_) => None,
    });
    names.collect()
}

/// Changes all prose in a value that stands elsewhere; says whether there was any.
pub(super) fn spell(
    value: &mut Json,
    whole: &mut dyn FnMut(&str) -> Result<String>,
) -> Result<bool> {
    let mut found = false;
    match value {
        Json::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Json::String(text) if !PROSE.contains(&key.as_str()) || !is_elsewhere(text) => {
                    }
                    Json::String(text) => {
                        *text = whole(text)?;
                        found = true;
                    }
                    value => found |= spell(value, whole)?,
                }
            }
        }
        Json::Array(values) => {
            for value in values {
                found |= spell(value, whole)?;
            }
        }
        _ => {}
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn fields(with: &Json) -> Map<String, Json> {
        json!({"do": "bead.created", "with": with}).as_object().unwrap().clone()
    }

    fn taken(with: &Json, limit: usize) -> (usize, Json) {
        let mut fields = fields(with);
        let texts = take_out(&mut fields, limit).unwrap();
        let given: BTreeMap<_, _> =
            texts.iter().map(|Text { name, text }| (name.mark(), text.clone())).collect();
        let mut back = fields["with"].clone();
        spell(&mut back, &mut |text| Ok(given[text].clone())).unwrap();
        assert_eq!(back, *with, "what was taken out comes back as it was");
        (texts.len(), fields["with"].clone())
    }

    #[test]
    fn long_prose_is_taken_out_and_nothing_else() {
        let long = "é".repeat(10_000);
        for (with, limit, count) in [
            (json!({"description": long}), 16 << 10, 1),
            (json!({"description": long}), 32 << 10, 0),
            (json!({"description": "short", "notes": long, "design": long}), 16 << 10, 2),
            (json!({"title": long, "reason": long}), 16 << 10, 0),
            (json!({"description": "x".repeat(SHORT)}), 0, 0),
            (json!({"description": "x".repeat(SHORT + 1)}), 0, 1),
            (json!({"text": "\u{1}text:abc"}), 16 << 10, 1),
            (Json::Null, 0, 0),
        ] {
            assert_eq!(taken(&with, limit).0, count, "{limit}");
        }
    }

    /// Control characters take six bytes each in JSON, and five short texts may be one long line.
    #[test]
    fn a_line_that_would_be_too_long_gives_up_its_longest_texts() {
        let noise = "\u{2}".repeat(15_000);
        assert_eq!(taken(&json!({"description": noise}), 16 << 10).0, 1);
        let (some, more) = ("a".repeat(15_000), "b".repeat(16_000));
        let with =
            json!({"description": some, "design": more, "notes": some, "text": some, "body": some});
        let (count, left) = taken(&with, 16 << 10);
        assert_eq!((count, left["notes"] == some.as_str()), (1, true), "{left}");
    }

    #[test]
    fn a_text_without_bounds_is_refused() {
        let mut fields = fields(&json!({"notes": "x".repeat(LONGEST_TEXT + 1)}));
        let no = take_out(&mut fields, 1 << 30).unwrap_err().to_string();
        assert_eq!(no, "`notes` is too long: 1048577 bytes, and 1048576 are allowed");
    }

    #[test]
    fn what_is_no_mark_is_text() {
        let name = Name::of(b"text");
        let (mark, plain) = (name.mark(), "\u{1}text:short:7\u{1} \u{1}text:");
        let text = format!("before {mark}\nbetween {plain} {mark}");
        let told: Vec<_> = pieces(&text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Plain(text) => text.to_owned(),
                Piece::Named(found) => format!("<{}>", found == name),
            })
            .collect();
        assert_eq!(told.concat(), format!("before <true>\nbetween {plain} <true>"));
    }
}
