//! Long texts stand beside the lines: in the ledger's tree under the hash of their content, with that
//! hash in the line. So a line stays short, a fold holds no text that nobody looks at, and git keeps a
//! text once, however many lines name it.
//!
//! A text on its way into the ledger is an object that is durable, and a note in our own directory that
//! says which: whoever commits the line puts it into the tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::canon::digest;
use super::chain::Chain;
use super::line::Line;
use super::prose::{self, Name, Piece, Text, WRITTEN, named, pieces};
use super::shelf::{Shelf, TEXTS};
use super::{Json, Ledger, place};
use crate::git::{Entry, Oid, Repo, Store};
use crate::host::share;
use crate::refusal::Refusal;

/// From this length on a text stands beside its line, unless `shopfloor.textLimit` says otherwise.
const LIMIT: usize = 16 << 10;
/// How many digits of a hash name the directory in it.
const FAN: usize = 2;

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

pub(super) type Texts = BTreeMap<String, Oid>;

/// All texts of a ledger, by their hashes.
pub(super) fn all(store: &Store<'_>, shelf: &Shelf) -> Result<Texts> {
    let mut all = Texts::new();
    let Some(dir) = shelf.entry(TEXTS) else { return Ok(all) };
    for folder in store.tree(&dir.id)? {
        for file in store.tree(&folder.id)? {
            all.insert(format!("{}{}", folder.name, file.name), file.id);
        }
    }
    Ok(all)
}

/// The trees that they stand in.
pub(super) fn trees(store: &Store<'_>, shelf: &Shelf) -> Result<Vec<Oid>> {
    let Some(dir) = shelf.entry(TEXTS) else { return Ok(Vec::new()) };
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
    shelf.set(Entry { name: TEXTS.to_owned(), is_tree: true, id });
    Ok(())
}

/// The texts of both, into the first.
pub(super) fn unite(store: &Store<'_>, united: &mut Shelf, other: &Shelf) -> Result<()> {
    let same = |shelf: &Shelf| shelf.entry(TEXTS).map(|dir| dir.id);
    if other.entry(TEXTS).is_none() || same(united) == same(other) {
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

impl Ledger<'_> {
    /// Makes texts durable, before any line that names them is said to anybody.
    pub(super) fn shelve(&self, texts: &[Text]) -> Result<()> {
        if texts.is_empty() {
            return Ok(());
        }
        let dir = self.waiting()?;
        share::make_dirs(&dir).with_context(|| format!("making {}", dir.display()))?;
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

    /// What the notes name. One that is old and not in the chain was left by a writer who died, or who
    /// found that its text was there already; it goes.
    pub(super) fn texts_on_their_way(&self, old: Duration) -> Vec<Oid> {
        let Ok(dir) = self.waiting() else { return Vec::new() };
        let chain = Chain::read(&self.repo.desk()).map(|(_, bytes)| bytes).unwrap_or_default();
        let mut texts = Vec::new();
        for note in fs::read_dir(dir).into_iter().flatten().flatten() {
            let made = note.metadata().and_then(|note| note.modified()).ok();
            let is_old = made.and_then(|made| made.elapsed().ok()).is_some_and(|age| age > old);
            let name = note.file_name();
            let hash = name.as_encoded_bytes();
            if is_old && !chain.windows(hash.len().max(1)).any(|part| part == hash) {
                drop(fs::remove_file(note.path()));
            } else {
                texts.extend(place::read::<Oid>(&note.path()));
            }
        }
        texts
    }

    fn waiting(&self) -> Result<PathBuf> {
        Ok(self.repo.own_dir()?.join("texts"))
    }

    /// A value of the state with the texts that stand elsewhere.
    pub fn spelled<T: Serialize + DeserializeOwned>(&self, value: T) -> Result<T> {
        let mut json = serde_json::to_value(&value)?;
        match self.spell(&mut json)? {
            // As lines are read, so that no program holds two ways to read a bead.
            true => Ok(serde_json::from_slice(json.to_string().as_bytes())?),
            false => Ok(value),
        }
    }

    /// Puts the texts that stand elsewhere where they are named; says whether there were any. One that
    /// is missing is an error: it was written, so it is not empty.
    pub fn spell(&self, value: &mut Json) -> Result<bool> {
        let mut texts = None;
        prose::spell(value, &mut |text| {
            let texts = match &mut texts {
                Some(texts) => texts,
                None => texts.insert(self.texts()?),
            };
            self.whole(text, texts)
        })
    }

    /// Whether any text stands beside its line.
    pub fn has_texts(&self) -> Result<bool> {
        Ok(self.checked()?.is_some_and(|(_, shelf)| shelf.entry(TEXTS).is_some()))
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
        .hint("git bead doctor tells the way back")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

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
