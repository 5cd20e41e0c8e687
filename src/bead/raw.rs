//! What another tool said and we have no word for, as it was written.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::ledger::Json;

/// A JSON value of which only its text is kept: whoever asks for it takes it apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    pub text: String,
}

impl Raw {
    pub fn json(&self) -> Json {
        self.text.parse().unwrap_or_default()
    }
}

impl From<&Json> for Raw {
    fn from(json: &Json) -> Self {
        Self { text: json.to_string() }
    }
}

/// Fields by their names, in the order in which they were said.
pub type Fields = IndexMap<String, Raw>;
