//! What an action says of itself: kept as it was written, understood only by who asks.

use std::fmt;

use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Json;

/// The `with` of a line. Most lines are of no concern to most folds, so it is not taken apart before
/// somebody wants to know.
#[derive(Clone, PartialEq, Eq)]
pub struct With(Box<str>);

const NOTHING: &str = "null";

impl With {
    pub fn json(&self) -> Json {
        serde_json::from_slice(self.0.as_bytes()).unwrap_or_default()
    }

    /// The text under a key; none if it is something else, or not there.
    pub fn text(&self, key: &str) -> Option<String> {
        // Most lines have it nowhere, and need not be taken apart.
        if !self.0.contains(&format!("\"{key}\"")) && !self.0.contains('\\') {
            return None;
        }
        match self.json().get_mut(key).map(Json::take) {
            Some(Json::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether this text stands under a key.
    pub fn says(&self, key: &str, text: &str) -> bool {
        let quoted = Json::from(text).to_string();
        self.0.contains(&quoted) && self.text(key).is_some_and(|there| there == text)
    }

    /// Whether a text in it may begin with this control character: JSON has but one way to write one.
    pub(super) fn may_hold(&self, control: char) -> bool {
        self.0.contains(&format!("\\u{:04x}", u32::from(control)))
    }

    pub(super) fn read<'de, T: de::DeserializeSeed<'de>>(&'de self, seed: T) -> Option<T::Value> {
        seed.deserialize(&mut serde_json::Deserializer::from_slice(self.0.as_bytes())).ok()
    }
}

impl Default for With {
    fn default() -> Self {
        Self(NOTHING.into())
    }
}

impl From<Json> for With {
    fn from(json: Json) -> Self {
        Self(json.to_string().into())
    }
}

impl fmt::Debug for With {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for With {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(<Box<RawValue>>::deserialize(from)?.into()))
    }
}

impl Serialize for With {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_what_was_written() {
        for json in
            [json!(null), json!({}), json!({"a": [1, "é\n", {"b": null}], "c": "d"}), json!(7)]
        {
            let with: With = serde_json::from_str(&json.to_string()).unwrap();
            assert_eq!(with, With::from(json.clone()));
            assert_eq!(with.json(), json);
            assert_eq!(serde_json::to_value(&with).unwrap(), json);
        }
    }

    #[test]
    fn a_text_is_found_by_its_key() {
        let with = With::from(json!({"bead": "b-1", "epoch": 3}));
        assert_eq!(with.text("bead").as_deref(), Some("b-1"));
        assert_eq!((with.text("epoch"), with.text("none")), (None, None));
        assert_eq!(With::default().text("bead"), None);
        assert!(with.says("bead", "b-1") && !with.says("bead", "b") && !with.says("to", "b-1"));
        assert!(With::from(json!({"holder": "a \"b\" é"})).says("holder", "a \"b\" é"));
    }
}
