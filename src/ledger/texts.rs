//! Long texts stand beside the lines: in the ledger's tree under the hash of their content, with that
//! hash in the line. So a line stays short, a fold holds no text that nobody looks at, and git keeps a
//! text once, however many lines name it.
//!
//! A text on its way into the ledger is an object that is durable, and a note in our own directory that
//! says which: whoever commits the line puts it into the tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;

use super::line::{LONGEST, Line, OVERSIZED, canonical, digest};
use super::shelf::Shelf;
use super::{Json, Ledger, place};
use crate::git::{Entry, Oid, Repo, Store};
use crate::refusal::Refusal;

/// The most that one text may have.
pub const LONGEST_TEXT: usize = 1 << 20;

/// The fields that hold what people and agents write; no other is put beside its line.
const PROSE: [&str; 7] =
    ["description", "design", "acceptance_criteria", "notes", "append_notes", "text", "body"];
/// From this length on a text stands beside its line, unless `shopfloor.textLimit` says otherwise.
const LIMIT: usize = 16 << 10;
/// What is shorter stays in the line whatever that says.
const SHORT: usize = 256;
/// What a line needs beside its texts.
const ROOM: usize = 4 << 10;

/// The directory of the ledger's tree.
pub(super) const DIR: &str = "t";
/// How many digits of a hash name the directory in it.
const FAN: usize = 2;

const OPEN: &str = "\u{1}text:";
const CLOSE: char = '\u{1}';
/// How a line writes that.
const WRITTEN: &[u8] = br"\u0001text:";

/// What a text is called: by the hash of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    hash: String,
    bytes: usize,
}

/// A text that is to stand beside its line.
#[derive(Debug)]
pub(super) struct Text {
    name: Name,
    text: String,
}

impl Name {
    fn of(text: &[u8]) -> Self {
        Self { hash: digest(&[text]), bytes: text.len() }
    }

    fn mark(&self) -> String {
        format!("{OPEN}{}:{}{CLOSE}", self.hash, self.bytes)
    }

    /// What stands between the ends of a mark.
    fn parse(words: &str) -> Option<Self> {
        let (hash, bytes) = words.split_once(':')?;
        let is_hash = hash.len() == 26 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some(Self { hash: hash.to_owned(), bytes: bytes.parse().ok()? }).filter(|_| is_hash)
    }
}

/// A text in pieces: what stands there, and the names of what stands elsewhere.
enum Piece<'a> {
    Plain(&'a str),
    Named(Name),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut parts = text.split(OPEN);
    let mut pieces = vec![Piece::Plain(parts.next().unwrap_or_default())];
    for part in parts {
        let named =
            part.split_once(CLOSE).and_then(|(name, rest)| Some((Name::parse(name)?, rest)));
        match named {
            Some((name, rest)) => pieces.extend([Piece::Named(name), Piece::Plain(rest)]),
            None => pieces.extend([Piece::Plain(OPEN), Piece::Plain(part)]),
        }
    }
    pieces
}

/// Whether some of a text stands beside its line.
pub fn is_elsewhere(text: &str) -> bool {
    text.contains(OPEN)
}

/// Up to which length a text stands in its line here.
pub(super) fn limit(repo: &Repo) -> Result<usize> {
    let Some(said) = repo.config_get("shopfloor.textLimit")? else { return Ok(LIMIT) };
    size(&said).ok_or_else(|| {
        Refusal::fatal(format!("git config shopfloor.textLimit is {said:?}, which is no size"))
            .hint("git config shopfloor.textLimit 16k")
            .into()
    })
}

/// A number of bytes as git writes it.
fn size(said: &str) -> Option<usize> {
    let (digits, unit) = match said.trim().to_ascii_lowercase() {
        said if said.ends_with('k') => (said.trim_end_matches('k').to_owned(), 1 << 10),
        said if said.ends_with('m') => (said.trim_end_matches('m').to_owned(), 1 << 20),
        said => (said, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

/// Takes out of the fields of a line what is longer than `limit`, and then the longest until it fits.
pub(super) fn take_out(fields: &mut Map<String, Json>, limit: usize) -> Result<Vec<Text>> {
    let mut out = Vec::new();
    for key in PROSE {
        let Some(Json::String(text)) = prose(fields).and_then(|with| with.get_mut(key)) else {
            continue;
        };
        if text.len() > LONGEST_TEXT {
            let (length, most) = (text.len(), LONGEST_TEXT);
            let what = format!("`{key}` is too long: {length} bytes, and {most} are allowed");
            return Err(Refusal::usage(what).hint(OVERSIZED).into());
        }
        // What looks like the name of a text is not to be taken for one.
        if text.len() > limit.max(SHORT) || is_elsewhere(text) {
            out.push(replace(text));
        }
    }
    while canonical(fields)?.len() + ROOM > LONGEST {
        let Some(with) = prose(fields) else { break };
        let texts = with.iter_mut().filter(|(key, _)| PROSE.contains(&key.as_str()));
        let texts = texts.filter_map(|(_, value)| match value {
            Json::String(text) if text.len() > SHORT && !is_elsewhere(text) => Some(text),
            _ => None,
        });
        let Some(longest) = texts.max_by_key(|text| text.len()) else { break };
        out.push(replace(longest));
    }
    Ok(out)
}

fn prose(fields: &mut Map<String, Json>) -> Option<&mut Map<String, Json>> {
    fields.get_mut("with").and_then(Json::as_object_mut)
}

fn replace(text: &mut String) -> Text {
    let name = Name::of(text.as_bytes());
    Text { text: std::mem::replace(text, name.mark()), name }
}

/// The texts that a line has elsewhere.
fn named(line: &Line) -> Vec<Name> {
    let with = line.with.json();
    let fields = PROSE.into_iter().filter_map(|key| with.get(key).and_then(Json::as_str));
    let pieces = fields.filter(|text| is_elsewhere(text)).flat_map(pieces);
    let names = pieces.filter_map(|piece| match piece {
        Piece::Named(name) => Some(name),
        Piece::Plain(_) => None,
    });
    names.collect()
}

type Texts = BTreeMap<String, Oid>;

/// All texts of a ledger, by their hashes.
fn all(store: &Store<'_>, shelf: &Shelf) -> Result<Texts> {
    let mut all = Texts::new();
    let Some(dir) = shelf.entry(DIR) else { return Ok(all) };
    for folder in store.tree(&dir.id)? {
        for file in store.tree(&folder.id)? {
            all.insert(format!("{}{}", folder.name, file.name), file.id);
        }
    }
    Ok(all)
}

/// The trees that they stand in.
pub(super) fn trees(store: &Store<'_>, shelf: &Shelf) -> Result<Vec<Oid>> {
    let Some(dir) = shelf.entry(DIR) else { return Ok(Vec::new()) };
    let folders = store.tree(&dir.id)?.into_iter().map(|folder| folder.id);
    Ok(folders.chain([dir.id]).collect())
}

fn put(store: &Store<'_>, shelf: &mut Shelf, texts: &Texts) -> Result<()> {
    let mut folders = BTreeMap::<&str, Vec<Entry>>::new();
    for (hash, id) in texts {
        let (folder, name) = hash.split_at_checked(FAN).context("a text has a hash")?;
        let entry = Entry { name: name.to_owned(), is_tree: false, id: *id };
        folders.entry(folder).or_default().push(entry);
    }
    let folders = folders.into_iter().map(|(name, files)| {
        Ok(Entry { name: name.to_owned(), is_tree: true, id: store.write_tree(&files)? })
    });
    let id = store.write_tree(&folders.collect::<Result<Vec<_>>>()?)?;
    shelf.set(Entry { name: DIR.to_owned(), is_tree: true, id });
    Ok(())
}

/// The texts of both, into the first.
pub(super) fn unite(store: &Store<'_>, united: &mut Shelf, other: &Shelf) -> Result<()> {
    let same = |shelf: &Shelf| shelf.entry(DIR).map(|dir| dir.id);
    if other.entry(DIR).is_none() || same(united) == same(other) {
        return Ok(());
    }
    let mut texts = all(store, united)?;
    for (hash, id) in all(store, other)? {
        // Of two that have one name, one is not what it says.
        let sound = |id: &Oid| store.blob(id).is_ok_and(|text| digest(&[&text]) == hash);
        match texts.get(&hash) {
            Some(ours) if *ours == id || sound(ours) => {}
            _ => drop(texts.insert(hash, id)),
        }
    }
    put(store, united, &texts)
}

/// A text that was there before and is no longer, or is another one.
pub(super) fn lost(store: &Store<'_>, old: &Shelf, new: &Shelf) -> Result<Option<String>> {
    let now = all(store, new)?;
    let gone = all(store, old)?.into_iter().find(|(hash, id)| now.get(hash) != Some(id));
    Ok(gone.map(|(hash, _)| format!("the text {hash}")))
}

/// That all texts which these lines name are there, and are what they say.
pub(super) fn check(store: &Store<'_>, shelf: &Shelf, lines: &[Line]) -> Result<()> {
    let mut there = None;
    for line in lines {
        for name in named(line) {
            let of = || format!("the text {} of line {} ({})", name.hash, line.id, line.on);
            let there = match &there {
                Some(there) => there,
                None => there.insert(all(store, shelf)?),
            };
            let id = there.get(&name.hash).with_context(|| format!("{} is missing", of()))?;
            let bytes = store.blob(id).with_context(of)?;
            ensure!(Name::of(&bytes) == name, "{} was altered", of());
        }
    }
    Ok(())
}

impl Ledger<'_> {
    /// Makes texts durable, before any line that names them is said to anybody.
    pub(super) fn shelve(&self, texts: &[Text]) -> Result<()> {
        if texts.is_empty() {
            return Ok(());
        }
        let dir = self.waiting()?;
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        let ids = texts.iter().map(|Text { text, .. }| self.store.write_blob(text.as_bytes()));
        let ids = ids.collect::<Result<Vec<_>>>()?;
        self.store.barrier().context("nothing was written")?;
        for (Text { name, .. }, id) in texts.iter().zip(ids) {
            place::write(&dir.join(&name.hash), &id)?;
        }
        Ok(())
    }

    /// Puts the texts of lines that are being committed into the tree. Says which were not there yet.
    pub(super) fn take_texts(&self, shelf: &mut Shelf, lines: &[Vec<u8>]) -> Result<Vec<PathBuf>> {
        let writes = |line: &&Vec<u8>| line.windows(WRITTEN.len()).any(|part| part == WRITTEN);
        let (mut texts, mut taken) = (None, Vec::new());
        for line in lines.iter().filter(writes) {
            let line = Line::parse(line)?;
            for name in named(&line) {
                let texts = match &mut texts {
                    Some(texts) => texts,
                    None => texts.insert(all(&self.store, shelf)?),
                };
                if texts.contains_key(&name.hash) {
                    continue;
                }
                let path = self.waiting()?.join(&name.hash);
                let gone = || format!("the text {} of {} did not arrive", name.hash, line.on);
                let id: Oid = place::read(&path).with_context(gone)?;
                let bytes = self.store.blob(&id).with_context(gone)?;
                ensure!(Name::of(&bytes) == name, gone());
                texts.insert(name.hash.clone(), id);
                taken.push(path);
            }
        }
        if let Some(texts) = texts.filter(|_| !taken.is_empty()) {
            put(&self.store, shelf, &texts)?;
        }
        Ok(taken)
    }

    fn waiting(&self) -> Result<PathBuf> {
        Ok(self.repo.own_dir()?.join("texts"))
    }

    /// A value of the state with the texts that stand elsewhere.
    pub fn spelled<T: Serialize + DeserializeOwned>(&self, value: T) -> Result<T> {
        let mut json = serde_json::to_value(&value)?;
        match self.spell(&mut json)? {
            true => Ok(serde_json::from_value(json)?),
            false => Ok(value),
        }
    }

    /// Puts the texts that stand elsewhere where they are named; says whether there were any. One that
    /// is missing is an error: it was written, so it is not empty.
    pub fn spell(&self, value: &mut Json) -> Result<bool> {
        let mut texts = None;
        spell(value, &mut |text| {
            let texts = match &mut texts {
                Some(texts) => texts,
                None => texts.insert(self.texts()?),
            };
            self.whole(text, texts)
        })
    }

    fn texts(&self) -> Result<Texts> {
        let Some((_, shelf)) = self.checked()? else { return Ok(Texts::new()) };
        all(&self.store, &shelf)
    }

    fn whole(&self, text: &str, texts: &Texts) -> Result<String> {
        let mut whole = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Plain(part) => whole.push_str(part),
                Piece::Named(name) => {
                    let text = self.text(&name, texts).map_err(|no| missing(&name, &no))?;
                    whole.push_str(&text);
                }
            }
        }
        Ok(whole)
    }

    fn text(&self, name: &Name, texts: &Texts) -> Result<String> {
        let id = texts.get(&name.hash).ok_or_else(|| anyhow!("it is not in the ledger's tree"))?;
        let bytes = self.store.blob(id)?;
        ensure!(Name::of(&bytes) == *name, "object {id} is not what was written");
        Ok(String::from_utf8(bytes)?)
    }
}

fn missing(name: &Name, no: &anyhow::Error) -> anyhow::Error {
    let Name { hash, bytes } = name;
    Refusal::fatal(format!("a text of {bytes} bytes cannot be read ({hash}): {no:#}"))
        .hint("git bead verify names the line that it belongs to")
        .hint(format!(
            "git fetch --refetch REMOTE {} brings it from a remote that has it",
            super::REF
        ))
        .into()
}

/// Changes all prose in a value that stands elsewhere; says whether there was any.
fn spell(value: &mut Json, whole: &mut dyn FnMut(&str) -> Result<String>) -> Result<bool> {
    let mut found = false;
    match value {
        Json::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Json::String(text) if !PROSE.contains(&key.as_str()) || !is_elsewhere(text) => {
                    }
                    Json::String(text) => {
                        *text = whole(text)?;
                        found = true;
                    }
                    value => found |= spell(value, whole)?,
                }
            }
        }
        Json::Array(values) => {
            for value in values {
                found |= spell(value, whole)?;
            }
        }
        _ => {}
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(with: &Json) -> Map<String, Json> {
        json!({"do": "bead.created", "with": with}).as_object().unwrap().clone()
    }

    fn taken(with: &Json, limit: usize) -> (usize, Json) {
        let mut fields = fields(with);
        let texts = take_out(&mut fields, limit).unwrap();
        let given: BTreeMap<_, _> =
            texts.iter().map(|Text { name, text }| (name.mark(), text.clone())).collect();
        let mut back = fields["with"].clone();
        spell(&mut back, &mut |text| Ok(given[text].clone())).unwrap();
        assert_eq!(back, *with, "what was taken out comes back as it was");
        (texts.len(), fields["with"].clone())
    }

    #[test]
    fn long_prose_is_taken_out_and_nothing_else() {
        let long = "é".repeat(10_000);
        for (with, limit, count) in [
            (json!({"description": long}), 16 << 10, 1),
            (json!({"description": long}), 32 << 10, 0),
            (json!({"description": "short", "notes": long, "design": long}), 16 << 10, 2),
            (json!({"title": long, "reason": long}), 16 << 10, 0),
            (json!({"description": "x".repeat(SHORT)}), 0, 0),
            (json!({"description": "x".repeat(SHORT + 1)}), 0, 1),
            (json!({"text": "\u{1}text:abc"}), 16 << 10, 1),
            (Json::Null, 0, 0),
        ] {
            assert_eq!(taken(&with, limit).0, count, "{limit}");
        }
    }

    /// Control characters take six bytes each in JSON, and five short texts may be one long line.
    #[test]
    fn a_line_that_would_be_too_long_gives_up_its_longest_texts() {
        let noise = "\u{2}".repeat(15_000);
        assert_eq!(taken(&json!({"description": noise}), 16 << 10).0, 1);
        let (some, more) = ("a".repeat(15_000), "b".repeat(16_000));
        let with =
            json!({"description": some, "design": more, "notes": some, "text": some, "body": some});
        let (count, left) = taken(&with, 16 << 10);
        assert_eq!((count, left["notes"] == some.as_str()), (1, true), "{left}");
    }

    #[test]
    fn a_text_without_bounds_is_refused() {
        let mut fields = fields(&json!({"notes": "x".repeat(LONGEST_TEXT + 1)}));
        let no = take_out(&mut fields, 1 << 30).unwrap_err().to_string();
        assert_eq!(no, "`notes` is too long: 1048577 bytes, and 1048576 are allowed");
    }

    #[test]
    fn what_is_no_mark_is_text() {
        let name = Name::of(b"text");
        let (mark, plain) = (name.mark(), "\u{1}text:short:7\u{1} \u{1}text:");
        let text = format!("before {mark}\nbetween {plain} {mark}");
        let told: Vec<_> = pieces(&text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Plain(text) => text.to_owned(),
                Piece::Named(found) => format!("<{}>", found == name),
            })
            .collect();
        assert_eq!(told.concat(), format!("before <true>\nbetween {plain} <true>"));
    }

    #[test]
    fn sizes_are_written_as_git_writes_them() {
        for (said, bytes) in [
            ("4096", Some(4096)),
            ("16k", Some(16384)),
            ("1M", Some(1 << 20)),
            (" 8K ", Some(8192)),
            ("", None),
            ("k", None),
            ("-1", None),
            ("much", None),
            ("99999999999999999999m", None),
        ] {
            assert_eq!(size(said), bytes, "{said}");
        }
    }
}
