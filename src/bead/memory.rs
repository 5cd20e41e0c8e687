//! What is remembered under a key, for every later session: the fold of its lines, and what may be written
//! of them. What another tool remembers is known, too, until something else is said here of its key.

use std::collections::HashSet;

use anyhow::Result;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::bead::event::{Beside, MemoryEvent};
use crate::bead::words::holds;
use crate::ledger::{Fold, Json, Line, Loaded, Pen, Saving, same_text};
use crate::refusal::Refusal;

/// What stands before a key in the subject of its lines, here and from another tool.
const SUBJECT: &str = "memory/";
const TOLD: &str = "memory:";
/// The most letters of a key, and how many words of a text make one.
const LONGEST: usize = 60;
const WORDS: usize = 8;

/// Something worth knowing again, and who said so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// What is remembered, or the whole record that another tool has of it.
    text: String,
    pub by: String,
    pub at: String,
    is_told: bool,
    is_forgotten: bool,
}

impl Memory {
    pub fn value(&self) -> String {
        if !self.is_told {
            return self.text.clone();
        }
        match self.text.parse::<Json>().unwrap_or_default().get("value") {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }
}

/// All that is remembered, in the order in which it was last said.
#[derive(Default, Serialize, Deserialize)]
pub struct Memories {
    all: IndexMap<String, Memory>,
}

impl Fold for Memories {
    const VERSION: u32 = 2;

    fn name() -> String {
        "memories".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        let said = |text: String| Memory {
            text,
            by: line.by.clone(),
            at: line.at.clone(),
            ..Memory::default()
        };
        if let Some(key) = line.on.strip_prefix(SUBJECT) {
            let memory = match line.event::<MemoryEvent>() {
                Some(MemoryEvent::Kept { text }) => said(text),
                Some(MemoryEvent::Forgotten) => {
                    Memory { is_forgotten: true, ..said(String::new()) }
                }
                None => return,
            };
            self.put(key, memory);
        } else if let Some(key) = line.on.strip_prefix(TOLD)
            && self.all.get(key).is_none_or(|known| known.is_told)
            && let Some(Beside::Memory(raw)) = line.event()
        {
            self.put(key, Memory { is_told: true, ..said(raw.text) });
        }
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}

impl Memories {
    /// As the newest, whatever was known of it.
    fn put(&mut self, key: &str, memory: Memory) {
        self.all.shift_remove(key);
        self.all.insert(key.to_owned(), memory);
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Memory)> {
        let known = self.all.iter().filter(|(_, memory)| !memory.is_forgotten);
        known.map(|(key, memory)| (key.as_str(), memory))
    }

    pub fn find(&self, key: &str) -> Result<&Memory> {
        let known = self.all.get(key).filter(|memory| !memory.is_forgotten);
        Ok(known.ok_or_else(|| {
            Refusal::nothing(format!("nothing is remembered as `{key}`"))
                .hint("`git bead memories` shows what is")
        })?)
    }

    /// Whether something else was said here since another tool told of this subject of its lines.
    pub fn is_outdated(&self, subject: &str) -> bool {
        let known = subject.strip_prefix(TOLD).and_then(|key| self.all.get(key));
        known.is_some_and(|memory| !memory.is_told)
    }

    /// The records, as other tools have them, of what was said here; `all` of it, or only where another
    /// tool knows the key.
    pub fn records<'a>(
        &'a self,
        all: bool,
        is_told: &'a dyn Fn(&str) -> bool,
    ) -> impl Iterator<Item = String> + 'a {
        let ours = self.iter().filter(|(_, memory)| !memory.is_told);
        let wanted = ours.filter(move |(key, _)| all || is_told(&format!("{TOLD}{key}")));
        wanted.map(|(key, memory)| {
            let [key, value] = [key, &memory.text].map(|text| Json::from(text).to_string());
            format!("{{\"_type\":\"memory\",\"key\":{key},\"value\":{value}}}")
        })
    }
}

/// The words in which something is looked for stand in its key or in what it says.
pub fn speaks_of(key: &str, value: &str, word: &str) -> bool {
    holds(key, word) || holds(value, word)
}

/// A key for a text that was given none: its first words.
pub fn key(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.take(WORDS).collect::<Vec<_>>().join("-").to_lowercase();
    let short: String = slug.chars().take(LONGEST).collect();
    Some(short.trim_end_matches('-').to_owned()).filter(|key| !key.is_empty())
}

/// Remembers a text; says whether there was another of that key.
pub fn keep(memories: &Memories, key: &str, text: &str, pen: &mut Pen<'_>) -> Result<bool> {
    let wrong = |what: &str| {
        Refusal::usage(what.to_owned())
            .hint("git bead remember 'what is worth knowing' --key SHORT-NAME")
    };
    if text.trim().is_empty() {
        return Err(wrong("there is nothing to remember").into());
    }
    if key.is_empty() || key.chars().count() > LONGEST || key.contains(char::is_control) {
        return Err(
            wrong(&format!("{key:?} cannot be a key: 1 to {LONGEST} letters make one")).into()
        );
    }
    let known = memories.find(key).ok();
    if !known.is_some_and(|known| !known.is_told && same_text(&known.text, text)) {
        pen.line(&format!("{SUBJECT}{key}"), &MemoryEvent::Kept { text: text.to_owned() })?;
    }
    Ok(known.is_some())
}

/// Forgets a key, and says what it was.
pub fn forget(memories: &Memories, key: &str, pen: &mut Pen<'_>) -> Result<Memory> {
    let memory = memories.find(key)?.clone();
    pen.line(&format!("{SUBJECT}{key}"), &MemoryEvent::Forgotten)?;
    Ok(memory)
}

/// What was remembered before an operation, by all lines on a subject of ours; and of others, what was told
/// of its key.
pub fn before(on: &str, lines: &[Line], operation: &HashSet<&str>) -> Result<Option<Memory>> {
    let key = on.strip_prefix(SUBJECT).unwrap_or(on);
    let is_in = |line: &&Line| operation.contains(line.id.as_str());
    if let Some(last) = lines.iter().rfind(|line| line.on == on).filter(|line| !is_in(line)) {
        let what =
            format!("what is remembered as `{key}` was changed by {} at {}", last.by, last.at);
        return Err(Refusal::refused(format!("{what}, after you"))
            .hint(format!("`git bead log {on}` tells what it was"))
            .into());
    }
    let mut memories = Memories::default();
    lines.iter().filter(|line| !is_in(line)).for_each(|line| memories.drink(line));
    Ok(memories.find(key).ok().cloned())
}

/// Under which subject another tool tells of the same key.
pub fn told_of(on: &str) -> Option<String> {
    on.strip_prefix(SUBJECT).map(|key| format!("{TOLD}{key}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bead::raw::Raw;
    use crate::ledger;

    fn line(on: &str, event: &impl Serialize) -> Line {
        let (act, with) = ledger::word(event).unwrap();
        Line { on: on.to_owned(), act, with: with.into(), ..Line::default() }
    }

    fn told(value: &str) -> Line {
        let record = json!({"_type": "memory", "key": "k", "value": value});
        line("memory:k", &Beside::Memory(Raw::from(&record)))
    }

    fn ours(text: &str) -> Line {
        line("memory/k", &MemoryEvent::Kept { text: text.to_owned() })
    }

    #[test]
    fn what_is_said_here_stands_over_what_another_tool_tells() {
        let forgotten = line("memory/k", &MemoryEvent::Forgotten);
        for (lines, known) in [
            (vec![told("a")], Some("a")),
            (vec![told("a"), told("b")], Some("b")),
            (vec![told("a"), ours("x")], Some("x")),
            (vec![ours("x"), told("a")], Some("x")),
            (vec![ours("x"), ours("y")], Some("y")),
            (vec![told("a"), forgotten.clone()], None),
            (vec![told("a"), forgotten.clone(), told("b")], None),
            (vec![forgotten, ours("x")], Some("x")),
        ] {
            let mut all = Memories::default();
            for line in &lines {
                all.drink(line);
            }
            assert_eq!(all.find("k").ok().map(Memory::value).as_deref(), known, "{lines:?}");
        }
    }

    #[test]
    fn what_was_said_last_is_the_newest() {
        let mut all = Memories::default();
        for on in ["memory/a", "memory/b", "memory/c", "memory/a"] {
            all.drink(&line(on, &MemoryEvent::Kept { text: "x".to_owned() }));
        }
        assert_eq!(all.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["b", "c", "a"]);
    }

    #[test]
    fn the_first_words_of_a_text_are_its_key() {
        for (text, made) in [
            ("Always run tests with -race flag", Some("always-run-tests-with-race-flag")),
            (
                "one two three four five six seven eight nine",
                Some("one-two-three-four-five-six-seven-eight"),
            ),
            ("テストは順番に", Some("テストは順番に")),
            ("!? --", None),
        ] {
            assert_eq!(key(text).as_deref(), made);
        }
        assert_eq!(key(&"x".repeat(200)).unwrap().len(), LONGEST);
    }
}
