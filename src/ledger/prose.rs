//! Which texts stand beside their line, and what stands in the line for them: a mark with the hash of the
//! text and its length. Pure.

use anyhow::Result;
use serde_json::Map;

use super::Json;
use super::canon::{LONGEST, OVERSIZED, digest};
use super::line::Line;
use crate::refusal::Refusal;

/// The most that one text may have.
pub const LONGEST_TEXT: usize = 1 << 20;

/// The fields that hold what people and agents write; no other is put beside its line.
const PROSE: [&str; 7] =
    ["description", "design", "acceptance_criteria", "notes", "append_notes", "text", "body"];
/// How the kinds of lines begin that bring what another tool has said.
const TOLD: &str = "import.";
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

/// Whether two texts are the same, of which either may stand beside its line.
pub fn same_text(one: &str, other: &str) -> bool {
    let name = |text: &str| match pieces(text).as_slice() {
        [Piece::Plain(""), Piece::Named(name), Piece::Plain("")] => name.clone(),
        _ => Name::of(text.as_bytes()),
    };
    one == other || (is_elsewhere(one) != is_elsewhere(other) && name(one) == name(other))
}

/// Takes out of the fields of a line what is longer than `limit`, and then the longest until it fits.
pub(super) fn take_out(fields: &mut Map<String, Json>, limit: usize) -> Result<Vec<Text>> {
    let mut out = Vec::new();
    for (key, text) in prose(fields) {
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
    // As long as its canonical form, in another order.
    while serde_json::to_vec(fields)?.len() + ROOM > LONGEST {
        let texts = prose(fields).into_iter().map(|(_, text)| text);
        let texts = texts.filter(|text| text.len() > SHORT && !is_elsewhere(text));
        let Some(longest) = texts.max_by_key(|text| text.len()) else { break };
        out.push(replace(longest));
    }
    Ok(out)
}

/// The prose of a line, by its names.
fn prose(fields: &mut Map<String, Json>) -> Vec<(&str, &mut String)> {
    let act = fields.get("do").and_then(Json::as_str).unwrap_or_default();
    let told = act.starts_with(TOLD);
    fields.get_mut("with").map(|with| places(with, told)).unwrap_or_default()
}

/// Of what another tool has told, also the prose of its record, and what is kept as the text it was.
fn places(with: &mut Json, told: bool) -> Vec<(&str, &mut String)> {
    let mut found = Vec::new();
    for (key, value) in with.as_object_mut().into_iter().flatten() {
        match key.as_str() {
            "record" if told => found.extend(of_record(value)),
            "rest" | "metadata" if told => {
                let kept = value.as_object_mut().into_iter().flat_map(Map::values_mut);
                found.extend(kept.filter_map(text_of));
            }
            key => found.extend(named_so(key, value)),
        }
    }
    found
}

fn of_record(record: &mut Json) -> Vec<(&str, &mut String)> {
    let mut found = Vec::new();
    for (key, value) in record.as_object_mut().into_iter().flatten() {
        match key.as_str() {
            "comments" => {
                let comments = value.as_array_mut().into_iter().flatten();
                found.extend(comments.filter_map(text_of));
            }
            key => found.extend(named_so(key, value)),
        }
    }
    found
}

fn named_so<'a>(key: &'a str, value: &'a mut Json) -> Option<(&'a str, &'a mut String)> {
    match value {
        Json::String(text) if PROSE.contains(&key) => Some((key, text)),
        _ => None,
    }
}

fn text_of(value: &mut Json) -> Option<(&str, &mut String)> {
    match value.get_mut("text") {
        Some(Json::String(text)) => Some(("text", text)),
        _ => None,
    }
}

fn replace(text: &mut String) -> Text {
    let name = Name::of(text.as_bytes());
    Text { text: std::mem::replace(text, name.mark()), name }
}

/// The texts that a line has elsewhere.
pub(super) fn named(line: &Line) -> Vec<Name> {
    let mut with = line.with.json();
    let fields = places(&mut with, line.act.starts_with(TOLD));
    let pieces = fields.iter().filter(|(_, text)| is_elsewhere(text)).flat_map(|it| pieces(it.1));
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

    #[test]
    fn what_another_tool_has_said_is_looked_through() {
        let long = "é".repeat(10_000);
        let raw = json!({"payload": {"text": long}});
        let told = json!({"record": {"title": long, "notes": long, "comments": [{"text": long}, 7],
            "payload": {"text": long}}, "rest": raw, "metadata": raw});
        for (act, count) in [("import.bead", 4), ("bead.created", 0)] {
            let mut fields = fields(&told);
            fields.insert("do".to_owned(), act.into());
            assert_eq!(take_out(&mut fields, 16 << 10).unwrap().len(), count);
            let with = fields["with"].clone().into();
            let line = Line { act: act.to_owned(), with, ..Line::default() };
            assert_eq!(named(&line).len(), count);
        }
    }

    #[test]
    fn a_text_is_the_same_wherever_it_stands() {
        let mark = Name::of(b"text").mark();
        for (one, other, same) in [
            ("text", "text", true),
            ("text", mark.as_str(), true),
            (mark.as_str(), "text", true),
            (mark.as_str(), "other", false),
            ("text", "other", false),
        ] {
            assert_eq!(same_text(one, other), same, "{one} {other}");
        }
        assert!(!same_text(&format!("{mark} more"), "text more"), "nobody has looked");
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
