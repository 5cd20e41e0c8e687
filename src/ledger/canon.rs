//! The one form in which a line is stored, its bounds, and the id that is the hash of the rest.
//!
//! A line is stored as `{"id":"…",` followed by the canonical form of everything else (keys sorted, no
//! blanks), so checking it is cutting those bytes off and hashing what is left.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Map;
use sha2::{Digest as _, Sha256};

use super::Json;
use crate::refusal::Refusal;

/// What bounds a line, so that no writer can make every reader choke.
pub(super) const LONGEST: usize = 64 << 10;
/// How many objects and lists may stand in each other.
pub const DEEPEST: usize = 32;

/// What to do with a text that no line takes.
pub const OVERSIZED: &str =
    "commit it as a file of the repository, and write its name down instead";

/// No clock goes further: up to here a number is exact in every program that reads JSON.
pub(super) const LAST_CLOCK: u64 = 1 << 53;
pub(super) const ID_DIGITS: usize = 26;
const ID_FIELD: &[u8] = br#"{"id":""#;

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
pub fn depth(stored: &[u8]) -> usize {
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

/// The id that the content of a stored line has. One that has the `told` one, in the form we write, is
/// only hashed.
pub(super) fn identify(stored: &[u8], told: &str) -> Result<String> {
    let rest = stored.strip_prefix(ID_FIELD).and_then(|rest| rest.strip_prefix(told.as_bytes()));
    let rest = rest.and_then(|rest| rest.strip_prefix(br#"","#));
    if let Some(id) = rest.map(|rest| digest(&[b"{", rest])).filter(|id| id == told) {
        return Ok(id);
    }
    let mut fields: Map<String, Json> = serde_json::from_slice(stored)?;
    fields.shift_remove("id");
    Ok(digest(&[&canonical(&fields)?]))
}

/// Sorted keys on every level, nothing between the tokens.
pub(super) fn canonical(fields: &Map<String, Json>) -> Result<Vec<u8>> {
    let mut sorted = Json::Object(fields.clone());
    sorted.sort_all_objects();
    serde_json::to_vec(&sorted).context("writing a line as JSON")
}

/// 128 bits of SHA-256 as 26 lower-case base32 digits.
pub fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let full = hash.finalize();
    let mut text = data_encoding::BASE32_NOPAD.encode(full.get(..16).unwrap_or_default());
    text.make_ascii_lowercase();
    text
}

/// The id that a line says it has, before it is looked at whether it has.
pub(super) fn told_id(stored: &[u8]) -> Option<&str> {
    let digits = stored.strip_prefix(ID_FIELD)?.get(..ID_DIGITS)?;
    std::str::from_utf8(digits).ok()
}

/// Whether a line names others as standing before it: in the form that we write, that comes first.
pub(super) fn follows(stored: &[u8]) -> bool {
    let rest = stored.get(ID_FIELD.len() + ID_DIGITS..);
    rest.is_some_and(|rest| rest.starts_with(br#"","after":"#))
}

/// An id that takes up as little as it can: of some ledgers all are held at once.
pub(super) type Id = [u8; ID_DIGITS];

pub(super) fn id(text: &str) -> Option<Id> {
    text.as_bytes().try_into().ok()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
    fn a_cut_off_file_is_damage() {
        assert_eq!(split(b"a\nb\n").unwrap(), [b"a", b"b"]);
        assert!(split(b"").unwrap().is_empty());
        assert!(split(b"a\nb").is_err());
    }
}
