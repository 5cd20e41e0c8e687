//! A record of another tool, as it was read: what is wrong with it, or what the ledger's line will say. Pure.

use indexmap::IndexMap;

use crate::bead::event::Told;
use crate::bead::field;
use crate::bead::parts::{self, ROOM, SHORT, is_list};
use crate::bead::raw::{Fields, Raw};
use crate::host;
use crate::ledger::{Json, LONGEST_TEXT};

/// A value of no meaning here that is longer, or goes deeper, is kept as the text it was.
const LONG: usize = 4 << 10;
const DEEP: usize = 12;
const LONGEST_ID: usize = 200;

/// Fields in which another tool tells a time.
pub(super) const TIMES: [&str; 7] =
    ["created_at", "updated_at", "started_at", "closed_at", "due_at", "defer_until", "deleted_at"];

/// A record as it was read.
#[derive(Debug, Default)]
pub struct Record {
    pub fields: IndexMap<String, Json>,
    /// The text of those that JSON would not give back.
    pub exact: Fields,
    /// The same of keys of the metadata.
    pub exact_metadata: Fields,
}

impl Record {
    /// What the line will say of it, or what is wrong with it.
    pub fn tell(self, from: &str) -> Result<Told, String> {
        let text = |name: &str| self.fields.get(name).and_then(Json::as_str).unwrap_or_default();
        check_id(text("id"))?;
        if text("title").trim().is_empty() && text("status") != "tombstone" {
            return Err("has no title".to_owned());
        }
        for name in TIMES {
            check_time(name, self.fields.get(name))?;
        }
        let times = [text("updated_at"), text("created_at")].map(str::to_owned);
        let at = times.into_iter().find(|time| !time.is_empty()).unwrap_or_default();
        let mut usual: Vec<_> = self.fields.keys().collect();
        usual.sort_unstable_by_key(|name| field::place(name));
        let order = match usual.iter().copied().eq(self.fields.keys()) {
            true => Vec::new(),
            false => self.fields.keys().cloned().collect(),
        };
        let mut told = Told { at, from: from.to_owned(), order, ..Told::default() };
        let (exact, exact_metadata) = (self.exact, self.exact_metadata);
        for (name, value) in self.fields {
            keep(&mut told, (name, value), &exact, &exact_metadata);
        }
        let fixed: usize = told.record.iter().filter(|it| !is_list(it.0)).map(fixed).sum();
        if fixed > 2 * ROOM {
            return Err(format!("has {fixed} bytes in fields that no line takes"));
        }
        for (name, value) in told.record.iter().filter(|it| is_list(it.0)) {
            let most = parts::items(value).iter().map(parts::size).max().unwrap_or(0);
            if most > 2 * ROOM {
                return Err(format!(
                    "has {most} bytes in one entry of `{name}`; no line takes that"
                ));
            }
        }
        if let Some((name, length)) = longest(&told).filter(|(_, length)| *length > LONGEST_TEXT) {
            return Err(format!("`{name}` has {length} bytes, and {LONGEST_TEXT} are allowed"));
        }
        Ok(told)
    }
}

fn check_id(id: &str) -> Result<(), String> {
    let odd = |c: char| c.is_control() || c.is_whitespace();
    match id {
        "" => Err("has no id".to_owned()),
        id if id.len() > LONGEST_ID || id.contains(odd) => Err(format!("{id:?} is no id")),
        _ => Ok(()),
    }
}

fn check_time(name: &str, value: Option<&Json>) -> Result<(), String> {
    match value {
        None | Some(Json::Null) => Ok(()),
        Some(Json::String(text)) if text.is_empty() || host::moment(text).is_some() => Ok(()),
        Some(other) => Err(format!("{name} is {other}, which is no date")),
    }
}

/// Where in the line a field stands.
fn keep(told: &mut Told, (name, value): (String, Json), exact: &Fields, keys: &Fields) {
    if let Some(raw) = exact.get(&name) {
        told.rest.insert(name, raw.clone());
    } else if let ("metadata", Json::Object(metadata)) = (name.as_str(), &value) {
        let mut plain = Json::Object(metadata.clone());
        for (key, value) in metadata {
            let odd = keys.get(key).cloned().or_else(|| is_odd(value).then(|| Raw::from(value)));
            if let (Some(raw), Some(plain)) = (odd, plain.as_object_mut()) {
                told.metadata.insert(key.clone(), raw);
                plain.shift_remove(key);
            }
        }
        told.record.insert(name, plain);
    } else if (!field::is_ours(&name) || depth(&value) > DEEP) && is_odd(&value) {
        told.rest.insert(name, Raw::from(&value));
    } else {
        told.record.insert(name, value);
    }
}

fn is_odd(value: &Json) -> bool {
    let text = value.to_string();
    // Written as JSON, what looks like the name of a text is none.
    text.len() > LONG || depth(value) > DEEP || text.contains(r"\u0001text:")
}

fn depth(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The bytes of a field that have to stand in the line itself.
fn fixed((name, value): (&String, &Json)) -> usize {
    let prose = ["description", "design", "acceptance_criteria", "notes"].contains(&name.as_str());
    name.len() + if prose { SHORT } else { value.to_string().len() }
}

fn longest(told: &Told) -> Option<(&str, usize)> {
    let plain = told.record.iter().map(|(name, value)| (name.as_str(), longest_in(value)));
    let kept = told.rest.iter().chain(&told.metadata);
    plain.chain(kept.map(|(name, raw)| (name.as_str(), raw.text.len()))).max_by_key(|it| it.1)
}

fn longest_in(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(longest_in).max().unwrap_or(0),
        Json::Object(fields) => fields.values().map(longest_in).max().unwrap_or(0),
        _ => 0,
    }
}
