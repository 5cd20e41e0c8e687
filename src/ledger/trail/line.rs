//! A line of the trail: what may have to be taken away again stands beside what its id covers.
//!
//! The id is the hash of everything but `text`; of that it covers `said`, the hash of the text and a
//! grain of salt that stands in it and goes with it, so that nobody finds a short text by guessing. So
//! a line without its text is the same line, with the same id, which names the hash of what stood there;
//! and any other change shows. A line names the one before it in its trail, so that a gap shows, too; the
//! first one names the repository (`of`), so all of them are bound to it.

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize as _;
use serde_json::Map;

use super::note::Note;
use crate::git::Oid;
use crate::ledger::canon::{DEEPEST, LONGEST, canonical, depth, digest};
use crate::ledger::{Json, Line, place};

/// Of what was said in a line that has lost it: as readers are told.
pub const REDACTED: &str = "redacted";

const SALT: &str = "salt";

/// The stored form of a note, and the id it has there.
pub(super) fn seal(
    note: &Note,
    clock: u64,
    after: Option<&str>,
    of: Option<&Oid>,
) -> Result<(String, Vec<u8>)> {
    let Json::Object(mut rest) = serde_json::to_value(note)? else { return Ok(Default::default()) };
    rest.insert("clock".to_owned(), Json::from(clock));
    match (after, of) {
        (Some(after), _) => drop(rest.insert("after".to_owned(), Json::from(vec![after]))),
        (None, Some(of)) => drop(rest.insert("of".to_owned(), Json::from(of.to_string()))),
        (None, None) => {}
    }
    let mut text = match rest.shift_remove("text") {
        Some(Json::Object(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    if let Some(text) = &mut text {
        text.insert(SALT.to_owned(), Json::from(place::name()));
        rest.insert("said".to_owned(), Json::from(digest(&[&canonical(text)?])));
    }
    let id = digest(&[&canonical(&rest)?]);
    let stored = write(&id, text.as_ref(), &rest)?;
    ensure!(stored.len() <= LONGEST, "a line of the trail would have {} bytes", stored.len());
    Ok((id, stored))
}

/// Reads a stored line, checks its id and its text, and puts together what the two say.
pub(in crate::ledger) fn parse(stored: &[u8]) -> Result<Line> {
    let Split { id, text, rest } = split(stored)?;
    let mut fields = rest;
    if let Some(said) = fields.shift_remove("said") {
        match text {
            Some(mut text) => {
                text.shift_remove(SALT);
                let with = fields.entry("with").or_insert_with(|| Json::Object(Map::new()));
                let with = with.as_object_mut().with_context(|| format!("{id}: no facts"))?;
                with.extend(text);
            }
            None => drop(fields.insert(REDACTED.to_owned(), said)),
        }
    }
    fields.insert("id".to_owned(), Json::from(id));
    Line::deserialize(Json::Object(fields)).context("not a line of the trail")
}

/// The stored line without its text, if it has one.
pub(super) fn strip(stored: &[u8]) -> Result<Option<Vec<u8>>> {
    let Split { id, text, rest } = split(stored)?;
    text.map(|_| write(&id, None, &rest)).transpose()
}

struct Split {
    id: String,
    text: Option<Map<String, Json>>,
    rest: Map<String, Json>,
}

/// A line in its parts, each of them as the hashes say.
fn split(stored: &[u8]) -> Result<Split> {
    ensure!(stored.len() <= LONGEST, "the line has {} bytes", stored.len());
    ensure!(depth(stored) <= DEEPEST, "the line goes deeper than {DEEPEST} levels");
    let mut rest: Map<String, Json> =
        serde_json::from_slice(stored).context("not a line of the trail")?;
    let Some(Json::String(id)) = rest.shift_remove("id") else {
        bail!("a line of the trail without an id")
    };
    let text = match rest.shift_remove("text") {
        Some(Json::Object(text)) => Some(text),
        Some(_) => anyhow::bail!("line {id} was altered: its text is no text"),
        None => None,
    };
    let content = digest(&[&canonical(&rest)?]);
    ensure!(content == id, "line {id} was altered: its content is {content}");
    if let Some(text) = &text {
        let told = digest(&[&canonical(text)?]);
        let said = rest.get("said").and_then(Json::as_str);
        ensure!(said == Some(&told), "line {id} was altered: its text is {told}");
    }
    Ok(Split { id, text, rest })
}

fn write(id: &str, text: Option<&Map<String, Json>>, rest: &Map<String, Json>) -> Result<Vec<u8>> {
    let mut stored = format!("{{\"id\":\"{id}\",").into_bytes();
    if let Some(text) = text {
        stored.extend_from_slice(b"\"text\":");
        stored.extend(canonical(text)?);
        stored.push(b',');
    }
    stored.extend_from_slice(canonical(rest)?.get(1..).unwrap_or_default());
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn note() -> Note {
        let object = |json: Json| json.as_object().unwrap().clone();
        Note {
            at: "2026-11-21T05:36:11.123Z".to_owned(),
            by: "toast".to_owned(),
            owner: "jane@example.org".to_owned(),
            on: "api-1".to_owned(),
            act: "trail.edit".to_owned(),
            with: object(json!({"tokens": 7})),
            text: object(json!({"file": "src/x.rs", "reason": "because"})),
            session: Some("s-1".to_owned()),
            model: None,
            clock: 0,
        }
    }

    #[test]
    fn a_line_says_its_facts_and_its_text_as_one() {
        let (id, stored) = seal(&note(), 9, Some("before"), None).unwrap();
        let line = parse(&stored).unwrap();
        assert_eq!((line.id.as_str(), line.clock), (id.as_str(), 9));
        assert_eq!(line.with.json(), json!({"tokens": 7, "file": "src/x.rs", "reason": "because"}));
        assert_eq!((line.after, line.rest.len()), (vec!["before".to_owned()], 0));
        let bare = Note { text: Map::new(), ..note() };
        let (_, stored) = seal(&bare, 9, None, None).unwrap();
        assert_eq!(parse(&stored).unwrap().with.json(), json!({"tokens": 7}));
        assert_eq!(strip(&stored).unwrap(), None);
    }

    #[test]
    fn without_its_text_it_is_the_same_line_and_says_so() {
        let (id, stored) = seal(&note(), 9, None, None).unwrap();
        let bare = strip(&stored).unwrap().unwrap();
        assert!(!String::from_utf8(bare.clone()).unwrap().contains("because"));
        let line = parse(&bare).unwrap();
        assert_eq!((line.id, line.with.json()), (id, json!({"tokens": 7})));
        assert_eq!(line.rest[REDACTED].as_str().unwrap().len(), 26);
        assert_eq!(strip(&bare).unwrap(), None);
    }

    #[test]
    fn the_same_text_has_another_hash_each_time() {
        let said = || {
            let (_, stored) = seal(&note(), 9, None, None).unwrap();
            parse(&strip(&stored).unwrap().unwrap()).unwrap().rest[REDACTED].clone()
        };
        assert_ne!(said(), said());
    }

    #[test]
    fn any_other_change_shows() {
        let (_, stored) = seal(&note(), 9, None, None).unwrap();
        let text = String::from_utf8(stored).unwrap();
        for (old, new) in [
            ("because", "becau5e"),
            ("\"tokens\":7", "\"tokens\":8"),
            ("toast", "bread"),
            ("\"reason\":\"because\",", ""),
            ("\"said\"", "\"sung\""),
            ("\"clock\":9", "\"clock\":10"),
        ] {
            let altered = text.replacen(old, new, 1);
            assert_ne!(altered, text, "{old}");
            assert!(parse(altered.as_bytes()).is_err(), "{old}");
        }
        let start = text.find("\"text\":").unwrap();
        let end = text[start..].find('}').unwrap() + start + 2;
        let forged = [&text[..start], "\"text\":{},", &text[end..]].concat();
        assert!(parse(forged.as_bytes()).is_err(), "{forged}");
        let bare = [&text[..start], &text[end..]].concat();
        assert!(parse(bare.as_bytes()).is_ok(), "{bare}");
    }
}
