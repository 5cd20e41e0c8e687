//! A line in the words of a room: its kind and its content, read as that room's event.

use std::fmt;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor,
};

use super::Json;
use super::line::Line;

impl Line {
    /// The event of this line in the vocabulary `E`, or none for a kind that `E` does not know.
    pub fn event<E: DeserializeOwned>(&self) -> Option<E> {
        E::deserialize(Event(self)).ok()
    }
}

/// The kind and the content of an event: the variant of an enum that it is, and what that holds.
pub fn word(event: &impl Serialize) -> Result<(String, Json)> {
    match serde_json::to_value(event)? {
        Json::String(kind) => Some((kind, Json::Null)),
        Json::Object(word) if word.len() == 1 => word.into_iter().next(),
        _ => None,
    }
    .context("an event is a variant of an enum")
}

/// A line seen as one of the words of a vocabulary, which are the variants of an enum: the kind says
/// which. Its errors are empty: most lines are of no concern to most rooms, and telling why costs more
/// than the fold.
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

impl<'de> Deserializer<'de> for Event<'de> {
    type Error = Unknown;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unknown> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Event<'de> {
    type Error = Unknown;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Unknown> {
        Ok((seed.deserialize(StrDeserializer::new(&self.0.act))?, self))
    }
}

impl<'de> VariantAccess<'de> for Event<'de> {
    type Error = Unknown;

    fn unit_variant(self) -> Result<(), Unknown> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unknown> {
        self.0.with.read(seed).ok_or(Unknown)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Unknown> {
        Err(Unknown)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        self.0.with.read(Fields(visitor)).ok_or(Unknown)
    }
}

struct Fields<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Fields<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        from.deserialize_map(self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
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
