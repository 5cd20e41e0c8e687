//! A table against a plain map, through any number of savings; and whatever befalls its files.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;

use super::packing::MANY;
use super::*;
use crate::ledger::Line;
use crate::ledger::cache::{self, Mark};
use crate::ledger::fold::{Fold, Loaded, Saving};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
    mark: u8,
    to: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Look<'a> {
    mark: u8,
    #[serde(borrow)]
    to: Vec<&'a str>,
}

impl Kept for Note {
    type Face<'a> = Look<'a>;

    const OFTEN: u8 = 2;

    fn face(&self) -> Look<'_> {
        Look { mark: self.mark, to: self.to.iter().map(String::as_str).collect() }
    }

    fn write_face(&self, to: &mut Vec<u8>) -> Option<()> {
        to.extend(postcard::to_allocvec(&self.face()).ok()?);
        Some(())
    }

    fn read_face(saved: &[u8]) -> Option<Look<'_>> {
        postcard::from_bytes(saved).ok()
    }

    fn mark(&self) -> u8 {
        self.mark
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.to.iter().map(String::as_str)
    }
}

type Plain = IndexMap<String, Note>;

/// A fold that is nothing but a table; the lines that would make it again are the rows it had.
#[derive(Default)]
struct Notes(Table<Note>);

impl Fold for Notes {
    const VERSION: u32 = 1;

    fn name() -> String {
        "notes".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        let note = serde_json::from_value(line.with.json()).unwrap();
        match self.0.get_mut(&line.on) {
            Some(known) => *known = note,
            None => self.0.add(&line.on, || note),
        }
    }

    fn save(&self) -> Option<Saving> {
        self.0.save()
    }

    fn load(loaded: Loaded) -> Option<Self> {
        Table::load(loaded, |notes: Self| notes.0).map(Self)
    }

    fn is_sound(&self) -> bool {
        self.0.is_sound()
    }
}

fn line(on: &str, note: &Note) -> Line {
    let with = serde_json::to_value(note).unwrap();
    Line { on: on.to_owned(), with: with.into(), ..Line::default() }
}

/// A process that another test has just forked may hold the turn until it becomes another program.
fn save(dir: &Path, notes: &Notes, bottom: u64) -> u64 {
    let tried = std::iter::repeat_with(|| cache::save(dir, notes, &Mark::default(), bottom));
    tried.take(10_000).flatten().next().unwrap()
}

fn load(dir: &Path, told: &[Line]) -> Option<(Notes, u64)> {
    let told = told.to_vec();
    let mut notes = Notes::default();
    let lines = Rc::new(move |each: &mut dyn FnMut(&Line)| -> Result<()> {
        told.iter().for_each(each);
        Ok(())
    });
    let (_, bottom) = cache::load(dir, &mut notes, lines)?;
    Some((notes, bottom))
}

fn same(table: &Table<Note>, plain: &Plain) {
    for row in table.rows() {
        let note = &plain[row.key()];
        assert!(row.look(|face| *face == note.face()) && row.read() == *note);
    }
    let rows = table.rows().map(|row| (row.key().to_owned(), row.whole().clone()));
    assert_eq!(rows.collect::<Vec<_>>(), Vec::from_iter(plain.clone()));
    assert_eq!(table.count(), plain.len());
    let live = table.live().map(|row| (row.key(), row.face(), row.mark(), row.read()));
    let due = plain.iter().filter(|(_, note)| note.mark < 2);
    let due = due.map(|(key, note)| (key.as_str(), note.face(), note.mark, note.clone()));
    assert_eq!(live.collect::<Vec<_>>(), due.collect::<Vec<_>>());
    for (key, note) in plain {
        let row = table.row(key).unwrap();
        assert_eq!((row.mark(), row.face(), row.whole()), (note.mark, note.face(), note));
        let together =
            |other: &String| key.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let shared = plain.keys().filter(|other| *other != key).map(together).max();
        assert_eq!(table.shared(key), shared.unwrap_or(0), "{key:?}");
    }
    for word in ["", "a", "ab", "b", "zz", "abc"] {
        let mut found: Vec<_> = table.starting(word).map(|row| row.key()).collect();
        found.sort_unstable();
        let mut due: Vec<_> = plain.keys().filter(|key| key.starts_with(word)).collect();
        due.sort_unstable();
        assert_eq!(found, due, "{word:?}");
        let found: Vec<_> = table.naming(word).map(|row| row.key()).collect();
        let due = plain.iter().filter(|(_, note)| note.to.iter().any(|to| to == word));
        assert_eq!(found, due.map(|(key, _)| key).collect::<Vec<_>>(), "{word:?}");
        assert_eq!(table.get(word).is_some(), plain.contains_key(word));
    }
}

fn note() -> impl Strategy<Value = (String, Note)> {
    let note = ("[a-c]{0,20}", 0u8..3, proptest::collection::vec("[ab]{0,2}", 0..3));
    ("[ab]{0,3}", note.prop_map(|(text, mark, to)| Note { text, mark, to }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_what_a_plain_map_is(rounds in proptest::collection::vec(proptest::collection::vec(note(), 0..6), 1..6), packs: bool) {
        let dir = tempfile::tempdir().unwrap();
        let (mut notes, mut plain) = (Notes::default(), Plain::default());
        let (mut told, mut bottom) = (Vec::new(), 0);
        for round in rounds {
            for (key, note) in round {
                told.push(line(&key, &note));
                notes.drink(told.last().unwrap());
                plain.insert(key, note);
            }
            same(&notes.0, &plain);
            if packs {
                notes.0.pack_together();
                same(&notes.0, &plain);
            }
            save(dir.path(), &notes, bottom);
            (notes, bottom) = load(dir.path(), &told).unwrap();
            same(&notes.0, &plain);
        }
    }

    #[test]
    fn whatever_befalls_the_files_the_answer_stays(notes in proptest::collection::vec(note(), 1..12), cut in 0usize..12, upper: bool, at: prop::sample::Index, bit in 0u8..9) {
        let dir = tempfile::tempdir().unwrap();
        let (mut table, mut plain, mut bottom) = (Notes::default(), Plain::default(), 0);
        let mut told = Vec::new();
        for (n, (key, note)) in notes.into_iter().enumerate() {
            if n == cut {
                bottom = save(dir.path(), &table, 0);
                table = load(dir.path(), &told).unwrap().0;
            }
            told.push(line(&key, &note));
            table.drink(told.last().unwrap());
            plain.insert(key, note);
        }
        save(dir.path(), &table, bottom);
        let file = dir.path().join(if upper { "cache/notes.since" } else { "cache/notes" });
        let Ok(mut bytes) = fs::read(&file) else { return Ok(()) };
        let at = at.index(bytes.len());
        match bit {
            8 => bytes.truncate(at),
            _ => bytes[at] ^= 1 << bit,
        }
        fs::write(&file, bytes).unwrap();
        // Refused, or of the time before the damaged file, or made again row by row.
        if let Some((mut loaded, _)) = load(dir.path(), &told) {
            for line in &told {
                loaded.drink(line);
            }
            if loaded.is_sound() {
                same(&loaded.0, &plain);
            }
        }
        if let Some((loaded, _)) = load(dir.path(), &told)
            && loaded.0.count() == plain.len()
            && bit < 8
            && !upper
        {
            same(&loaded.0, &plain);
        }
    }
}

/// Rows that change long after they came to be are packed again as well: what is loose is bounded, in
/// whichever order things happen.
#[test]
fn no_order_of_changes_leaves_many_rows_loose() {
    let (mut table, mut plain) = (Table::<Note>::default(), Plain::new());
    let key = |n: usize| format!("note-{n:05}");
    for n in 0..MANY + 100 {
        table.add(&key(n), Note::default);
        plain.insert(key(n), Note::default());
    }
    for round in 0..2 {
        for n in (0..MANY + 100).rev() {
            for note in [table.get_mut(&key(n)).unwrap(), plain.get_mut(&key(n)).unwrap()] {
                note.text += "more";
                note.mark = round;
            }
            assert!(table.fresh.len() <= MANY);
        }
    }
    assert!(table.is_sound());
    same(&table, &plain);
}
