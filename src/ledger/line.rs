//! One action by one actor: the line, its one canonical form, and the id that is the hash of the rest.
//!
//! A line is stored as `{"id":"…",` followed by the canonical form of everything else (keys sorted, no
//! blanks), so checking it is cutting those bytes off and hashing what is left. Lines are copied as
//! bytes, never written again from what was understood: fields and kinds of a later version survive.

use std::borrow::Cow;
use std::fmt;

use anyhow::{Context as _, Result, bail, ensure};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Map;
use sha2::{Digest as _, Sha256};

use super::{Json, With};
use crate::refusal::Refusal;

/// What bounds a line, so that no writer can make every reader choke.
pub(super) const LONGEST: usize = 64 << 10;
/// How many objects and lists may stand in each other.
pub(super) const DEEPEST: usize = 32;

/// What to do with a text that no line takes.
pub const OVERSIZED: &str =
    "commit it as a file of the repository, and write its name down instead";

/// No clock goes further: up to here a number is exact in every program that reads JSON.
const LAST_CLOCK: u64 = 1 << 53;
const ID_DIGITS: usize = 26;
const ID_FIELD: &[u8] = br#"{"id":""#;

/// A line as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub id: String,
    /// For people only; no order, merge or holder depends on it.
    pub at: String,
    pub clock: u64,
    pub by: String,
    pub owner: String,
    pub on: String,
    /// The kind, `do` in JSON.
    pub act: String,
    pub with: With,
    pub session: Option<String>,
    pub model: Option<String>,
    /// The last lines on this subject that the writer had seen.
    pub after: Vec<String>,
    /// What a later version added.
    pub rest: Map<String, Json>,
}

impl Line {
    /// Reads a stored line and checks its id against its content.
    pub fn parse(stored: &[u8]) -> Result<Self> {
        ensure!(
            stored.len() <= LONGEST,
            "the line has {} bytes, more than {LONGEST}",
            stored.len()
        );
        ensure!(depth(stored) <= DEEPEST, "the line goes deeper than {DEEPEST} levels");
        let line: Self = serde_json::from_slice(stored).context("not a line of the ledger")?;
        let told =
            stored.strip_prefix(ID_FIELD).and_then(|rest| rest.strip_prefix(line.id.as_bytes()));
        let sound =
            told.and_then(|rest| rest.strip_prefix(br#"","#)).map(|rest| digest(&[b"{", rest]));
        if sound.as_deref() != Some(&line.id) {
            let content = identify(&serde_json::from_slice(stored)?)?;
            ensure!(content == line.id, "line {} was altered: its content is {content}", line.id);
        }
        Ok(line)
    }

    /// The event of this line in the vocabulary `E`, or none for a kind that `E` does not know.
    pub fn event<E: DeserializeOwned>(&self) -> Option<E> {
        E::deserialize(Event(self)).ok()
    }

    /// Where the line stands in the one order of all lines.
    pub(super) fn key(&self) -> (u64, &str) {
        (self.clock, &self.id)
    }
}

/// The stored form of a line whose fields but the id are given, and that id.
pub(super) fn seal(fields: &Map<String, Json>) -> Result<(String, Vec<u8>)> {
    let clock = fields.get("clock").and_then(Json::as_u64).unwrap_or(u64::MAX);
    ensure!(clock <= LAST_CLOCK, "the ledger's clock has come to its end");
    let rest = canonical(fields)?;
    let id = digest(&[&rest]);
    let tail = rest.get(1..).unwrap_or_default();
    let stored = [ID_FIELD, id.as_bytes(), br#"","#, tail].concat();
    if stored.len() > LONGEST {
        return Err(oversized(fields, stored.len()).into());
    }
    ensure!(depth(&stored) <= DEEPEST, "the line would go deeper than {DEEPEST} levels");
    Ok((id, stored))
}

/// The refusal of a line that is too long, by the field that makes it so.
fn oversized(fields: &Map<String, Json>, length: usize) -> Refusal {
    let with = fields.get("with").and_then(Json::as_object);
    let sizes = with.into_iter().flatten().map(|(key, value)| (value.to_string().len(), key));
    let what = match sizes.max() {
        Some((size, key)) => format!("`{key}` is too long: {size} bytes as JSON"),
        None => "there is too much to write down".to_owned(),
    };
    Refusal::usage(format!("{what}; the line would have {length}, and {LONGEST} are allowed"))
        .hint(OVERSIZED)
}

/// How deep objects and lists stand in each other; hardly any line has more of them than may.
pub(super) fn depth(stored: &[u8]) -> usize {
    let opens = |byte: &u8| matches!(byte, b'{' | b'[');
    let most = stored.iter().filter(|byte| opens(byte)).count();
    if most <= DEEPEST {
        return most;
    }
    let (mut deep, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in stored {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                deep += 1;
                deepest = deepest.max(deep);
            }
            b'}' | b']' if !quoted => deep = deep.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The id that a line of these fields has; an `id` among them is passed over.
fn identify(fields: &Map<String, Json>) -> Result<String> {
    let mut rest = fields.clone();
    rest.shift_remove("id");
    Ok(digest(&[&canonical(&rest)?]))
}

/// Sorted keys on every level, nothing between the tokens.
pub(super) fn canonical(fields: &Map<String, Json>) -> Result<Vec<u8>> {
    let mut sorted = Json::Object(fields.clone());
    sorted.sort_all_objects();
    serde_json::to_vec(&sorted).context("writing a line as JSON")
}

/// 128 bits of SHA-256 as 26 lower-case base32 digits.
pub(super) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let full = hash.finalize();
    let mut text = data_encoding::BASE32_NOPAD.encode(full.get(..16).unwrap_or_default());
    text.make_ascii_lowercase();
    text
}

/// Splits a file of lines; a last line without its end is damage, not a line.
pub(super) fn split(file: &[u8]) -> Result<Vec<&[u8]>> {
    let Some(body) = file.strip_suffix(b"\n") else {
        if file.is_empty() {
            return Ok(Vec::new());
        }
        bail!("its last line is cut off");
    };
    Ok(body.split(|byte| *byte == b'\n').collect())
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

struct Fields;

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Fields {
    type Value = Line;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a line of the ledger")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
        let mut line = Line::default();
        let mut clock = None;
        while let Some(Key(key)) = map.next_key()? {
            match key.as_ref() {
                "id" => line.id = map.next_value()?,
                "at" => line.at = map.next_value()?,
                "clock" => clock = Some(map.next_value()?),
                "by" => line.by = map.next_value()?,
                "owner" => line.owner = map.next_value()?,
                "on" => line.on = map.next_value()?,
                "do" => line.act = map.next_value()?,
                "with" => line.with = map.next_value()?,
                "session" => line.session = map.next_value()?,
                "model" => line.model = map.next_value()?,
                "after" => line.after = map.next_value()?,
                _ => drop(line.rest.insert(key.into_owned(), map.next_value()?)),
            }
        }
        line.clock = clock.ok_or_else(|| de::Error::missing_field("clock"))?;
        if line.clock > LAST_CLOCK {
            return Err(de::Error::custom("the clock is beyond all clocks"));
        }
        for (field, text) in [("do", &line.act), ("on", &line.on), ("by", &line.by)] {
            if text.is_empty() {
                return Err(de::Error::missing_field(field));
            }
        }
        if line.id.len() != ID_DIGITS {
            return Err(de::Error::custom("the id has not 26 digits"));
        }
        Ok(line)
    }
}

/// A line seen as the map `{"do": …, "with": …}` that a room's vocabulary reads. Its errors are
/// empty: most lines are of no concern to most rooms, and telling why costs more than the fold.
struct Event<'a>(&'a Line);

#[derive(Debug)]
struct Unknown;

impl fmt::Display for Unknown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not a kind of this vocabulary")
    }
}

impl std::error::Error for Unknown {}

impl de::Error for Unknown {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }
}

impl<'de> de::Deserializer<'de> for Event<'de> {
    type Error = Unknown;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unknown> {
        visitor.visit_map(Parts { line: self.0, next: 0 })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Parts<'a> {
    line: &'a Line,
    next: u8,
}

impl<'de> MapAccess<'de> for Parts<'de> {
    type Error = Unknown;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unknown> {
        let key = match self.next {
            0 => "do",
            1 if !self.line.with.is_nothing() => "with",
            _ => return Ok(None),
        };
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unknown> {
        self.next += 1;
        if self.next == 1 {
            return seed.deserialize(StrDeserializer::new(&self.line.act));
        }
        self.line.with.read(seed).ok_or(Unknown)
    }
}

impl Serialize for Line {
    /// The line as it stands in the ledger, in the order a person would tell it.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("at", &self.at)?;
        map.serialize_entry("clock", &self.clock)?;
        map.serialize_entry("by", &self.by)?;
        map.serialize_entry("owner", &self.owner)?;
        map.serialize_entry("on", &self.on)?;
        map.serialize_entry("do", &self.act)?;
        map.serialize_entry("with", &self.with)?;
        if let Some(session) = &self.session {
            map.serialize_entry("session", session)?;
        }
        if let Some(model) = &self.model {
            map.serialize_entry("model", model)?;
        }
        if !self.after.is_empty() {
            map.serialize_entry("after", &self.after)?;
        }
        for (key, value) in &self.rest {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde_json::json;

    fn fields(json: &Json) -> Map<String, Json> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn the_canonical_form_is_sorted_on_every_level_and_compact() {
        let json = json!({"on": "b-1", "at": "t", "with": {"z": [{"b": 1, "a": 2}], "é": "\n"}});
        assert_eq!(
            String::from_utf8(canonical(&fields(&json)).unwrap()).unwrap(),
            r#"{"at":"t","on":"b-1","with":{"z":[{"a":2,"b":1}],"é":"\n"}}"#
        );
    }

    #[test]
    fn the_id_is_the_hash_of_the_rest_and_stays_what_it_was() {
        let json = json!({"at": "2026-11-21T05:36:11.123Z", "clock": 812, "by": "toast", "owner": "jane@example.org",
            "on": "api-7f3k2m9qx4tbn0hd", "do": "bead.claimed", "with": {"epoch": 3}});
        let (id, stored) = seal(&fields(&json)).unwrap();
        assert_eq!(id, "7iczbm5xo3f46xl5aknbofmmla");
        let line = Line::parse(&stored).unwrap();
        assert_eq!(
            (line.clock, line.act.as_str(), line.with.json()["epoch"].as_u64()),
            (812, "bead.claimed", Some(3))
        );
    }

    #[test]
    fn a_line_in_another_order_of_keys_is_the_same_line() {
        let json = json!({"clock": 1, "by": "a", "on": "b", "do": "c", "new": {"y": 1, "x": 2}});
        let (id, _) = seal(&fields(&json)).unwrap();
        let text = format!(
            r#"{{"new":{{"y":1,"x":2}},"do":"c","on":"b","by":"a","clock":1,"id":"{id}"}}"#
        );
        let line = Line::parse(text.as_bytes()).unwrap();
        assert_eq!(line.rest["new"]["x"], 2);
    }

    #[test]
    fn an_altered_line_is_refused() {
        let json = json!({"clock": 1, "by": "a", "on": "b", "do": "c"});
        let (_, stored) = seal(&fields(&json)).unwrap();
        let altered = String::from_utf8(stored).unwrap().replace(r#""by":"a""#, r#""by":"z""#);
        assert!(Line::parse(altered.as_bytes()).unwrap_err().to_string().contains("was altered"));
        for broken in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"id":"x"}"#,
            r#"{"clock":-1}"#,
            r#"{"clock":9007199254740993,"by":"a","on":"b","do":"c"}"#,
        ] {
            assert!(Line::parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_line_is_bounded_in_length_and_depth() {
        let lists = |count: usize| {
            (0..count).fold(Json::from("[\"{[\\"), |inner, _| Json::Array(vec![inner]))
        };
        let said = |with: Json| {
            let line = json!({"clock": 1, "by": "a", "on": "b", "do": "c", "with": with});
            seal(&fields(&line)).map(|(_, stored)| stored)
        };
        let many = Json::Array((0..100).map(|_| json!({"x": []})).collect());
        for (with, fits) in [
            (lists(DEEPEST - 1), true),
            (lists(DEEPEST), false),
            (many, true),
            (json!({"x": "{".repeat(1000)}), true),
            (json!({"x": "x".repeat(LONGEST)}), false),
        ] {
            let stored = said(with);
            assert_eq!(stored.is_ok(), fits);
            assert!(!fits || Line::parse(&stored.unwrap()).is_ok());
        }
        let deep = format!(r#"{{"clock":1,"with":{}{}}}"#, "[".repeat(40), "]".repeat(40));
        assert!(Line::parse(deep.as_bytes()).unwrap_err().to_string().contains("32 levels"));
        let long = format!(r#"{{"clock":1,"with":"{}"}}"#, "x".repeat(LONGEST));
        assert!(Line::parse(long.as_bytes()).unwrap_err().to_string().contains("more than 65536"));
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "do", content = "with")]
    enum Word {
        #[serde(rename = "bead.claimed")]
        Claimed { epoch: u64, holder: Option<String> },
        #[serde(rename = "bead.made")]
        Made(Made),
        #[serde(rename = "bead.gone")]
        Gone,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Made {
        title: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<String>,
    }

    #[test]
    fn a_room_reads_its_own_words_and_no_others() {
        let line = |act: &str, with: Json| Line {
            act: act.to_owned(),
            with: with.into(),
            ..Line::default()
        };
        let claimed = Word::Claimed { epoch: 3, holder: Some("a".to_owned()) };
        assert_eq!(
            line("bead.claimed", json!({"epoch": 3, "holder": "a", "later": 1})).event(),
            Some(claimed)
        );
        let made = Word::Made(Made { title: "x".to_owned(), labels: Vec::new() });
        assert_eq!(line("bead.made", json!({"title": "x"})).event(), Some(made));
        assert_eq!(line("bead.gone", Json::Null).event(), Some(Word::Gone));
        assert_eq!(line("bead.other", json!({"title": "x"})).event::<Word>(), None);
        assert_eq!(line("bead.made", json!({})).event::<Word>(), None);
    }

    #[test]
    fn a_cut_off_file_is_damage() {
        assert_eq!(split(b"a\nb\n").unwrap(), [b"a", b"b"]);
        assert!(split(b"").unwrap().is_empty());
        assert!(split(b"a\nb").is_err());
    }
}
