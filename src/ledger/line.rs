//! One action by one actor, as it is read. Lines are copied as bytes, never written again from what was
//! understood: fields and kinds of a later version survive.

use std::borrow::Cow;
use std::fmt;

use anyhow::{Context as _, Result, ensure};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Map;

use super::canon::{DEEPEST, ID_DIGITS, LAST_CLOCK, LONGEST, depth, identify};
use super::{Json, With};
use crate::git::Oid;

/// The field that tells that.
pub(super) const NTH: &str = "nth";
/// The first line of what this one takes back.
pub const UNDOES: &str = "undoes";

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
    /// Where there are none: the commit with which the history of the writer's repository begins.
    pub of: Option<Oid>,
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
        let content = identify(stored, &line.id)?;
        ensure!(content == line.id, "line {} was altered: its content is {content}", line.id);
        Ok(line)
    }

    /// How many lines of its writer stand before it in the same write.
    pub fn nth(&self) -> u64 {
        self.rest.get(NTH).and_then(Json::as_u64).unwrap_or(0)
    }

    /// Where the line stands in the one order of all lines.
    pub(super) fn key(&self) -> (u64, &str) {
        (self.clock, &self.id)
    }
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
                "of" => line.of = Some(map.next_value()?),
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
        if let Some(of) = &self.of {
            map.serialize_entry("of", of)?;
        }
        for (key, value) in &self.rest {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::canon::seal;

    fn fields(json: &Json) -> Map<String, Json> {
        json.as_object().unwrap().clone()
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
}
