//! A line in the words of a room: its kind and its content, read as that room's event.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, Visitor};

use super::line::Line;

impl Line {
    /// The event of this line in the vocabulary `E`, or none for a kind that `E` does not know.
    pub fn event<E: DeserializeOwned>(&self) -> Option<E> {
        E::deserialize(Event(self)).ok()
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

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;
    use crate::ledger::Json;

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
}
