//! Records from a file of lines, each looked at for itself: what is wrong with one says nothing of others,
//! and none may be so long that it fills the memory.

use std::fmt;
use std::io::{BufRead, Read as _};

use indexmap::IndexMap;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::bead::event::{Beside, Told};
use crate::bead::forms::{CONFLICT, is_conflict};
use crate::bead::raw::Raw;
use crate::bead::record::Record;
use crate::ledger::{Json, digest};

/// No record is longer.
const LONGEST: u64 = 8 << 20;
/// What the header of a file says that `export --watch` has written.
pub(in crate::cli::bead) const MIRROR: &str = "_mirror";

/// What a line says.
pub(super) enum Said {
    Bead(Box<Told>),
    /// What is kept under a subject of its own.
    Beside(String, Beside),
    /// The file is a copy of our ledger.
    Mirror,
}

/// Hands over every line that is not empty, with its number, and how many bytes were read by then.
pub(super) fn read(
    mut file: impl BufRead,
    each: &mut dyn FnMut(usize, u64, Result<Said, String>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut number, mut bytes) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = file.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        bytes += read;
        let ended = line.pop_if(|last| *last == b'\n').is_some();
        if !ended && read == LONGEST {
            bytes += file.skip_until(b'\n')? as u64;
            each(number, bytes, Err(format!("is longer than {LONGEST} bytes")))?;
            continue;
        }
        let start = if number == 1 { "\u{feff}".as_bytes() } else { b"" };
        let text = line.strip_prefix(start).unwrap_or(&line).trim_ascii();
        if !text.is_empty() {
            let said =
                parse(text).map_err(|no| if ended { no } else { format!("{no} (no line end)") });
            each(number, bytes, said)?;
        }
    }
}

pub(super) fn parse(line: &[u8]) -> Result<Said, String> {
    if is_conflict(line) {
        return Err(CONFLICT.to_owned());
    }
    let text = std::str::from_utf8(line)
        .map_err(|no| format!("is not UTF-8: byte {} begins no character", no.valid_up_to() + 1))?;
    let Object(raw) = serde_json::from_slice(text.as_bytes()).map_err(|no| {
        if let Some(no) = twice(&no) {
            return no;
        }
        let what = if no.is_eof() { "is cut off" } else { "is no JSON object" };
        format!("{what}: column {}", no.column())
    })?;
    let kind = raw.get("_type").map(|kind| kind.get());
    if raw.contains_key(MIRROR) {
        return Ok(Said::Mirror);
    }
    let kept = || Raw { text: text.to_owned() };
    if raw.contains_key("_schema") {
        return Ok(Said::Beside("import:header".to_owned(), Beside::Other(kept())));
    }
    match kind {
        Some(r#""memory""#) => {
            let key: Option<String> =
                raw.get("key").and_then(|key| serde_json::from_slice(key.get().as_bytes()).ok());
            let key = key.ok_or_else(|| "is a memory without a key".to_owned())?;
            Ok(Said::Beside(format!("memory:{key}"), Beside::Memory(kept())))
        }
        None | Some(r#""issue""#) => Ok(Said::Bead(Box::new(record(raw)?.tell("beads")?))),
        Some(_) => {
            let name = digest(&[line]);
            Ok(Said::Beside(format!("import:{name}"), Beside::Other(kept())))
        }
    }
}

const TWICE: &str = " has two values";

/// An object whose keys have one value each: of two nobody knows which one was meant.
struct Object(IndexMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Object;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut fields = IndexMap::<String, Box<RawValue>>::new();
        while let Some(name) = map.next_key::<String>()? {
            let value: Box<RawValue> = map.next_value()?;
            if fields.get(&name).is_some_and(|known| known.get() != value.get()) {
                return Err(de::Error::custom(format!("`{name}`{TWICE}")));
            }
            fields.insert(name, value);
        }
        Ok(Object(fields))
    }
}

fn twice(no: &serde_json::Error) -> Option<String> {
    no.to_string().split_once(TWICE).map(|(name, _)| format!("{name}{TWICE}"))
}

/// Which key of an object, or of one within it, has two values.
pub(in crate::cli::bead) fn doubled(text: &str) -> Option<String> {
    let inner: Vec<Box<RawValue>> = match text.as_bytes().first()? {
        b'{' => match serde_json::from_slice(text.as_bytes()) {
            Ok(Object(fields)) => fields.into_values().collect(),
            Err(no) => return twice(&no),
        },
        b'[' => serde_json::from_slice(text.as_bytes()).unwrap_or_default(),
        _ => return None,
    };
    inner.iter().find_map(|raw| doubled(raw.get()))
}

/// The fields, and the text of those that would not come back from JSON.
fn record(raw: IndexMap<String, Box<RawValue>>) -> Result<Record, String> {
    let mut record = Record::default();
    for (name, raw) in raw {
        let value = value(&name, &raw)?;
        if let Some(no) = doubled(raw.get()) {
            return Err(format!("in `{name}`, {no}"));
        }
        if name == "metadata" && value.is_object() {
            let keys: IndexMap<String, Box<RawValue>> =
                serde_json::from_slice(raw.get().as_bytes()).unwrap_or_default();
            for (key, raw) in keys {
                if value.get(&key).is_some_and(|value| is_inexact(value, &raw)) {
                    record.exact_metadata.insert(key, Raw { text: raw.get().to_owned() });
                }
            }
        } else if is_inexact(&value, &raw) {
            record.exact.insert(name.clone(), Raw { text: raw.get().to_owned() });
        }
        record.fields.insert(name, value);
    }
    Ok(record)
}

fn value(name: &str, raw: &RawValue) -> Result<Json, String> {
    serde_json::from_slice(raw.get().as_bytes()).map_err(|no| {
        let deep = no.to_string().contains("recursion limit");
        let what = if deep { "goes deeper than 127 levels" } else { "is no JSON" };
        format!("`{name}` {what}")
    })
}

/// Whether a number in it would be written otherwise than it was.
fn is_inexact(value: &Json, raw: &RawValue) -> bool {
    let written = has_fraction(value).then(|| value.to_string());
    written.is_some_and(|written| written != raw.get())
}

fn has_fraction(value: &Json) -> bool {
    match value {
        Json::Number(number) => number.is_f64(),
        Json::Array(items) => items.iter().any(has_fraction),
        Json::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as it is asked for")]
    fn note(
        found: &mut Vec<String>,
        number: usize,
        said: Result<Said, String>,
    ) -> anyhow::Result<()> {
        found.push(match said {
            Ok(Said::Bead(told)) => format!("{number} {}", told.record["id"]),
            Ok(Said::Beside(subject, _)) => format!("{number} {subject}"),
            Ok(Said::Mirror) => format!("{number} mirror"),
            Err(why) => format!("{number} {why}"),
        });
        Ok(())
    }

    fn told(file: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        read(file, &mut |number, _, said| note(&mut found, number, said)).unwrap();
        found
    }

    #[test]
    fn each_line_is_looked_at_for_itself() {
        let long = "x".repeat(9 << 20);
        let deep =
            format!(r#"{{"id":"b","title":"t","x":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
        let fine =
            format!(r#"{{"id":"b","title":"t","x":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
        let mut file = Vec::new();
        for line in [
            "\u{feff}{\"_schema\":\"beads-jsonl/1\"}",
            "<<<<<<< HEAD",
            "{\"id\":\"b-1\",\"title\":\"one\"}\r",
            "=======",
            "",
            &long,
            "{\"_type\":\"memory\",\"key\":\"k\",\"value\":\"v\"}",
            "{\"_type\":\"issue\",\"id\":\"b-2\",\"title\":\"two\"}",
            &deep,
            &fine,
            "{\"id\":\"b-3\"}",
            "{\"title\":\"x\"}",
            "{\"id\":\"b-3\",\"title\":\"x\",\"due_at\":\"soon\"}",
            "[1,2]",
            "{\"id\":\"b-5\",\"title\":\"x\",\"title\":\"y\"}",
            "{\"id\":\"b-5\",\"title\":\"x\",\"title\":\"x\"}",
            "{\"id\":\"b-6\",\"title\":\"x\",\"metadata\":{\"a\":1,\"b\":[{\"k\":1,\"k\":2}]}}",
        ] {
            file.extend([line.as_bytes(), b"\n"].concat());
        }
        file.extend(b"\xff{\n{\"id\":\"b-4\",\"ti");
        assert_eq!(
            told(&file),
            [
                "1 import:header",
                "2 is the mark of a merge conflict",
                "3 \"b-1\"",
                "4 is the mark of a merge conflict",
                "6 is longer than 8388608 bytes",
                "7 memory:k",
                "8 \"b-2\"",
                "9 `x` goes deeper than 127 levels",
                "10 \"b\"",
                "11 has no title",
                "12 has no id",
                "13 due_at is \"soon\", which is no date",
                "14 is no JSON object: column 0",
                "15 `title` has two values",
                "16 \"b-5\"",
                "17 in `metadata`, `k` has two values",
                "18 is not UTF-8: byte 1 begins no character",
                "19 is cut off: column 15 (no line end)",
            ]
        );
    }

    #[test]
    fn numbers_that_json_would_round_are_kept_as_they_were() {
        let line = br#"{"id":"b","title":"t","big":123456789012345678901,"half":0.5,"metadata":{"e":1e2,"n":7}}"#;
        let Ok(Said::Bead(told)) = parse(line) else { panic!() };
        assert_eq!(told.rest["big"].text, "123456789012345678901");
        assert_eq!(told.metadata["e"].text, "1e2");
        assert_eq!(told.record["metadata"].to_string(), r#"{"n":7}"#);
        assert_eq!(told.record["half"].to_string(), "0.5");
    }
}
