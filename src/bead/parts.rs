//! A record that is too long for one line of the ledger, as several. Pure.

use indexmap::IndexMap;

use crate::bead::Bead;
use crate::bead::births::id_of;
use crate::bead::event::Told;
use crate::bead::remarks::{self, Echo};
use crate::bead::told::LISTS;
use crate::ledger::Json;

/// What tells which of several beads of one id a record is about.
const BIRTH: [&str; 3] = ["id", "created_at", "created_by"];

/// How much of what cannot stand beside its line one line takes.
pub(super) const ROOM: usize = 24 << 10;
/// A text in a list counts for as much at most: longer ones can stand beside the line.
pub(super) const SHORT: usize = 300;

/// Whether lines can share what is in it.
pub(super) fn is_list(name: &str) -> bool {
    ["labels", "dependencies", "comments", "metadata"].contains(&name)
}

impl Told {
    /// As many lines as it needs. What may be taken out of a list is told by all of it, so those that can
    /// stand in the first line whole.
    pub(super) fn parts(&self) -> Vec<Self> {
        let long = |wanted: fn(&str) -> bool| -> usize {
            let lists = self.record.iter().filter(|(name, _)| wanted(name));
            lists.map(|(_, value)| value.to_string().len()).sum()
        };
        if long(is_list) <= ROOM {
            return vec![self.clone()];
        }
        let whole = long(|name| LISTS.contains(&name)) <= ROOM;
        let goes_on = |name: &str| is_list(name) && !(whole && LISTS.contains(&name));
        let mut first = self.clone();
        first.record.retain(|name, _| !goes_on(name));
        let birth = self.record.iter().filter(|(name, _)| BIRTH.contains(&name.as_str()));
        let birth: IndexMap<_, _> = birth.map(|(name, it)| (name.clone(), it.clone())).collect();
        let mut parts = vec![first];
        let said = Bead::told(id_of(self), self).comments;
        let mut echoes = remarks::echoes(&said).into_iter();
        let mut room = ROOM;
        for (name, value) in self.record.iter().filter(|(name, _)| goes_on(name)) {
            for it in items(value) {
                let size = size(&it);
                let (key, item) = it;
                if size > room {
                    room = ROOM;
                    let (at, from, by) = (self.at.clone(), self.from.clone(), self.by.clone());
                    let record = birth.clone();
                    parts.push(Self { at, from, by, record, more: true, ..Self::default() });
                }
                room = room.saturating_sub(size);
                let is_said = name == "comments" && item.is_object();
                let echo = is_said.then(|| echoes.next()).flatten();
                if let Some(part) = parts.last_mut() {
                    part.echoes.extend(echo.filter(|_| part.more));
                    put(part, name, (key, item));
                }
            }
        }
        parts
    }

    /// Which comments are like others of their record, where this goes on with one.
    pub(super) fn rest_of(&self) -> Option<Vec<Echo>> {
        // Lines of old say nothing of it.
        let said = self.record.get("comments").and_then(Json::as_array).map_or(0, Vec::len);
        let old = || vec![Some(0); said];
        self.more.then(|| if self.echoes.is_empty() { old() } else { self.echoes.clone() })
    }
}

pub(super) type Item = (Option<String>, Json);

pub(super) fn items(value: &Json) -> Vec<Item> {
    match value {
        Json::Array(items) => items.iter().map(|item| (None, item.clone())).collect(),
        Json::Object(fields) => {
            fields.iter().map(|(key, item)| (Some(key.clone()), item.clone())).collect()
        }
        _ => Vec::new(),
    }
}

fn put(part: &mut Told, name: &str, (key, item): (Option<String>, Json)) {
    let empty = if key.is_some() { Json::Object(Default::default()) } else { Json::Array(vec![]) };
    match (part.record.entry(name.to_owned()).or_insert(empty), key) {
        (Json::Object(fields), Some(key)) => drop(fields.insert(key, item)),
        (Json::Array(items), _) => items.push(item),
        _ => {}
    }
}

/// How much of a line an entry takes at least; a long text of it can stand beside that.
pub(super) fn size((key, item): &Item) -> usize {
    let text = item.get("text").and_then(Json::as_str).map_or(0, str::len);
    let bytes = item.to_string().len().saturating_sub(text.saturating_sub(SHORT));
    bytes + key.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bead::Beads;
    use crate::bead::beads::tests::line;
    use crate::bead::event::Event;
    use crate::bead::intake::plan;
    use crate::bead::intake::tests::{incoming, said, write};
    use crate::bead::unite::tests::at;
    use crate::ledger::Fold as _;

    #[test]
    fn a_label_that_was_taken_off_does_not_come_back_with_a_long_record() {
        let word = "word ".repeat(80);
        let comments: Vec<_> = (0..100).map(|n| said(n, "x", &format!("{n} {word}"), 1)).collect();
        let record = |minute: usize, labels: Json| {
            json!({"id": "bd-1", "title": "t", "created_at": at(0), "updated_at": at(minute),
                "labels": labels, "comments": comments})
        };
        let mut beads = Beads::default();
        let import = |beads: &mut Beads, record: Json| {
            let told = plan(beads, &incoming(&[record]));
            assert!(told.lines.len() > 1, "it is long");
            write(beads, told);
        };
        import(&mut beads, record(1, json!(["a", "old", "a"])));
        assert_eq!(beads.get("bd-1").unwrap().labels, ["a", "old", "a"], "as it was said");
        let off = Event::Labeled { add: vec!["ours".to_owned()], remove: vec!["old".to_owned()] };
        beads.drink(&line("bd-1", "x", &off));
        import(&mut beads, record(2, json!(["a", "old", "new"])));
        let mut labels = beads.get("bd-1").unwrap().labels.clone();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels, ["a", "new", "ours"]);
        assert_eq!(beads.get("bd-1").unwrap().comments.len(), 100);
    }
}
