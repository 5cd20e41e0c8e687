//! Which file holds which line.
//!
//! A replica's lines are one sequence over three kinds of files: a small head that each append writes
//! anew, a middle into which the head is poured, and sealed segments that never change again. The number
//! in a name counts the lines before the file, so names change as seldom as contents are replaced, which
//! is what git packs well, and who knows the first lines reads from the end until it meets them.

use anyhow::{Context as _, Result, bail, ensure};

use super::canon::split;
use super::leaf::{At, File, Leaf};
use crate::git::{Entry, Oid, Store};

/// The most that one append writes anew.
const HEAD: usize = 8 << 10;
/// The most that pouring a head writes anew, and the size of a segment.
pub(super) const MIDDLE: usize = 128 << 10;
/// Segments in one directory.
const FAN: usize = 256;
/// The directory beside them in which the trail is.
const TRAIL: &str = "trail";

/// The directory of one replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    head: Option<(u64, Oid)>,
    middle: Option<(u64, Oid)>,
    sealed: Option<Oid>,
    /// What sessions told of themselves: another book, which is carried along and not opened.
    trail: Option<Oid>,
    /// What other versions keep here.
    others: Vec<Entry>,
}

impl Book {
    pub(super) fn open(store: &Store<'_>, dir: &Oid) -> Result<Self> {
        let mut book = Self::default();
        for entry in store.tree(dir)? {
            let slot = match (entry.name.split_once('-'), entry.name.as_str()) {
                (None, "s") if entry.is_tree => {
                    book.sealed = Some(entry.id);
                    continue;
                }
                (None, TRAIL) if entry.is_tree => {
                    book.trail = Some(entry.id);
                    continue;
                }
                (Some(("0", _)), _) => &mut book.head,
                (Some(("1", _)), _) => &mut book.middle,
                _ => {
                    book.others.push(entry);
                    continue;
                }
            };
            let number = entry
                .name
                .get(2..)
                .and_then(|rest| rest.strip_suffix(".jsonl"))
                .and_then(|text| text.parse().ok());
            let first = number.with_context(|| format!("{} is no file of lines", entry.name))?;
            ensure!(
                slot.replace((first, entry.id)).is_none(),
                "there are two files like {}",
                entry.name
            );
        }
        ensure!(
            book.head.is_some() || (book.middle.is_none() && book.sealed.is_none()),
            "its newest lines are gone"
        );
        Ok(book)
    }

    /// Whether what is called so in a directory is its lines.
    pub(super) fn holds_lines(name: &str) -> bool {
        name == "s" || name.starts_with("0-") || name.starts_with("1-")
    }

    /// The files that hold the lines from `from` on, oldest first, read.
    pub(super) fn files(&self, store: &Store<'_>, from: u64) -> Result<Vec<File>> {
        let mut next = None;
        let leaves = self.leaves(store, from)?.into_iter();
        leaves.map(|leaf| leaf.read(store, &mut next)).collect()
    }

    /// The files that hold the lines from `from` on, oldest first. Whole, nothing is read for that: only
    /// who begins in the middle counts the lines back from the end.
    pub(super) fn leaves(&self, store: &Store<'_>, from: u64) -> Result<Vec<Leaf>> {
        let open = [(&self.head, head_name as fn(u64) -> String), (&self.middle, middle_name)];
        let mut leaves = Vec::new();
        let mut first = 0;
        for (slot, name) in open {
            if let Some((number, id)) = slot
                && (leaves.is_empty() || first > from)
            {
                first = *number;
                let at = At::Ledger(*id);
                leaves.push(Leaf { name: name(first), first: Some(first), at });
            }
        }
        if first > from || from == 0 {
            for (name, id) in self.segments(store)?.into_iter().rev() {
                let mut leaf = Leaf { name, first: None, at: At::Ledger(id) };
                if from > 0 {
                    let count = split(&store.blob(&id)?).with_context(|| leaf.name.clone())?.len();
                    let before = first.checked_sub(count as u64);
                    let has_more = || format!("{} has more lines than there are", leaf.name);
                    first = before.with_context(has_more)?;
                    leaf.first = Some(first);
                }
                leaves.push(leaf);
                if from > 0 && first <= from {
                    break;
                }
            }
        }
        ensure!(from == 0 || first <= from, "lines {from} to {first} are gone");
        leaves.reverse();
        if from == 0
            && let Some(leaf) = leaves.first_mut()
        {
            let first = leaf.first.unwrap_or(0);
            ensure!(first == 0, "lines 0 to {first} are gone");
            leaf.first = Some(0);
        }
        Ok(leaves)
    }

    /// The first of its lines.
    pub(super) fn first(&self, store: &Store<'_>) -> Result<Vec<u8>> {
        let leaf = self.leaves(store, 0)?.into_iter().next().context("it has no lines")?;
        let file = leaf.read(store, &mut None)?;
        let line = split(&file.bytes)?.into_iter().next().context("it has no lines")?;
        Ok(line.to_vec())
    }

    /// How many lines it has.
    pub(super) fn count(&self, store: &Store<'_>) -> Result<u64> {
        self.files(store, u64::MAX)?.last().map_or(Ok(0), File::end)
    }

    /// Whether the lines of `old` stand here first, byte for byte. Segments that both have are not read.
    pub(super) fn begins_with(&self, store: &Store<'_>, old: &Self) -> Result<bool> {
        let (here, there) = (self.segments(store)?, old.segments(store)?);
        let same = here.iter().zip(&there).take_while(|(one, other)| one.1 == other.1).count();
        let rest = |book: &Self, segments: &[(String, Oid)]| -> Vec<Oid> {
            let open = [book.middle, book.head].into_iter().flatten().map(|(_, id)| id);
            segments.iter().skip(same).map(|(_, id)| *id).chain(open).collect()
        };
        let (mut read, mut due) = (Vec::new(), Vec::new());
        for id in rest(old, &there) {
            due.extend(store.blob(&id)?);
        }
        for id in rest(self, &here) {
            if read.len() >= due.len() {
                break;
            }
            read.extend(store.blob(&id)?);
        }
        Ok(read.starts_with(&due))
    }

    fn segments(&self, store: &Store<'_>) -> Result<Vec<(String, Oid)>> {
        let mut segments = Vec::new();
        let Some(sealed) = self.sealed else { return Ok(segments) };
        for folder in store.tree(&sealed)? {
            for entry in store.tree(&folder.id)? {
                let name = format!("{}/{}", folder.name, entry.name);
                let due = segment_name(segments.len());
                ensure!(name == due, "segment s/{name} stands where s/{due} should");
                segments.push((format!("s/{name}"), entry.id));
            }
        }
        Ok(segments)
    }

    /// Writes the directory anew with these lines at its end. The second list is what it replaced.
    pub(super) fn append(&self, store: &Store<'_>, lines: &[Vec<u8>]) -> Result<(Oid, Vec<Oid>)> {
        let read = |slot: &Option<(u64, Oid)>| match slot {
            Some((first, id)) => {
                Ok(Some(File { name: String::new(), first: *first, bytes: store.blob(id)? }))
            }
            None => anyhow::Ok(None),
        };
        let mut head = read(&self.head)?.unwrap_or_default();
        split(&head.bytes).context("its head")?;
        let new: usize = lines.iter().map(|line| line.len() + 1).sum();
        let mut next = self.clone();
        if head.bytes.len() + new <= HEAD {
            head.extend(lines);
        } else {
            let poured = pour(head, read(&self.middle)?, lines);
            next.sealed = self.seal(store, &poured.sealed)?;
            if let Some(middle) = poured.middle {
                next.middle = Some((middle.first, store.write_blob(&middle.bytes)?));
            }
            head = poured.head;
        }
        next.head = Some((head.first, store.write_blob(&head.bytes)?));
        let dir = next.write(store)?;
        let kept = next.parts();
        Ok((dir, self.parts().into_iter().filter(|id| !kept.contains(id)).collect()))
    }

    /// What other versions keep here.
    pub(super) fn strangers(&self) -> &[Entry] {
        &self.others
    }

    pub(super) fn trail(&self) -> Option<Oid> {
        self.trail
    }

    pub(super) fn with_trail(&self, trail: Option<Oid>) -> Self {
        Self { trail, ..self.clone() }
    }

    pub(super) fn write(&self, store: &Store<'_>) -> Result<Oid> {
        store.write_tree(&self.entries())
    }

    fn entries(&self) -> Vec<Entry> {
        let mut entries = self.others.clone();
        let tree = |name: &str, id| Entry { name: name.to_owned(), is_tree: true, id };
        entries.extend(self.head.map(|(first, id)| Entry {
            name: head_name(first),
            is_tree: false,
            id,
        }));
        entries.extend(self.middle.map(|(first, id)| Entry {
            name: middle_name(first),
            is_tree: false,
            id,
        }));
        entries.extend(self.sealed.map(|id| tree("s", id)));
        entries.extend(self.trail.map(|id| tree(TRAIL, id)));
        entries
    }

    pub(super) fn parts(&self) -> Vec<Oid> {
        [self.head.map(|(_, id)| id), self.middle.map(|(_, id)| id), self.sealed]
            .into_iter()
            .flatten()
            .collect()
    }

    fn seal(&self, store: &Store<'_>, files: &[File]) -> Result<Option<Oid>> {
        if files.is_empty() {
            return Ok(self.sealed);
        }
        let count = self.segments(store)?.len();
        let mut folders = self.sealed.map_or(Ok(Vec::new()), |id| store.tree(&id))?;
        for (count, file) in (count..).zip(files) {
            let name = segment_name(count);
            let Some((folder, leaf)) = name.split_once('/') else {
                bail!("{name} is no name of a segment")
            };
            let old = folders.pop_if(|last| last.name == folder);
            let mut entries = old.map_or(Ok(Vec::new()), |old| store.tree(&old.id))?;
            entries.push(Entry {
                name: leaf.to_owned(),
                is_tree: false,
                id: store.write_blob(&file.bytes)?,
            });
            folders.push(Entry {
                name: folder.to_owned(),
                is_tree: true,
                id: store.write_tree(&entries)?,
            });
        }
        store.write_tree(&folders).map(Some)
    }
}

struct Poured {
    head: File,
    middle: Option<File>,
    sealed: Vec<File>,
}

/// Adds lines one by one: a full head goes into the middle, a full middle is sealed.
fn pour(mut head: File, mut middle: Option<File>, lines: &[Vec<u8>]) -> Poured {
    let mut sealed = Vec::new();
    for line in lines {
        if !head.bytes.is_empty() && head.bytes.len() + line.len() + 1 > HEAD {
            let count = head.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            let next = File { first: head.first + count, ..File::default() };
            let full = std::mem::replace(&mut head, next);
            match &mut middle {
                Some(open) if open.bytes.len() + full.bytes.len() <= MIDDLE => {
                    open.bytes.extend_from_slice(&full.bytes);
                }
                other => sealed.extend(other.replace(full)),
            }
        }
        head.extend(std::slice::from_ref(line));
    }
    Poured { head, middle, sealed }
}

fn head_name(first: u64) -> String {
    format!("0-{first}.jsonl")
}

fn middle_name(first: u64) -> String {
    format!("1-{first}.jsonl")
}

fn segment_name(count: usize) -> String {
    format!("{:04x}/{:02x}.jsonl", count / FAN, count % FAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize, len: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| format!("{n:0len$}").into_bytes()).collect()
    }

    #[test]
    fn a_full_head_is_poured_and_a_full_middle_is_sealed() {
        // 81 lines of 100 bytes fit a head, 16 heads fit a middle.
        let lines = lines(81 * 18 + 1, 99);
        let mut at = (File::default(), None::<File>);
        let mut sealed = Vec::new();
        for line in &lines {
            let poured = pour(at.0, at.1, std::slice::from_ref(line));
            assert!(poured.head.bytes.len() <= HEAD);
            at = (poured.head, poured.middle);
            sealed.extend(poured.sealed);
        }
        let middle = at.1.unwrap();
        assert_eq!(sealed.iter().map(|file| file.first).collect::<Vec<_>>(), [0]);
        assert_eq!((middle.first, at.0.first), (81 * 16, 81 * 18));
        let whole = [sealed[0].bytes.clone(), middle.bytes, at.0.bytes].concat();
        assert_eq!(split(&whole).unwrap(), lines);
    }

    #[test]
    fn one_write_of_many_lines_pours_as_many_writes_do() {
        let lines = lines(5000, 60);
        let whole = pour(File::default(), None, &lines);
        let mut at = Poured { head: File::default(), middle: None, sealed: Vec::new() };
        for line in &lines {
            let mut next = pour(at.head, at.middle, std::slice::from_ref(line));
            at.sealed.append(&mut next.sealed);
            at = Poured { sealed: at.sealed, ..next };
        }
        assert_eq!((whole.head, whole.middle, whole.sealed), (at.head, at.middle, at.sealed));
    }

    #[test]
    fn a_line_longer_than_a_head_has_a_file_to_itself() {
        let lines = [vec![b'a'; HEAD * 2], b"b".to_vec()];
        let poured = pour(File::default(), None, &lines);
        assert_eq!((poured.middle.unwrap().bytes.len(), poured.head.first), (HEAD * 2 + 1, 1));
    }

    #[test]
    fn segments_fill_one_directory_after_the_other() {
        assert_eq!(
            [0, 255, 256].map(segment_name),
            ["0000/00.jsonl", "0000/ff.jsonl", "0001/00.jsonl"]
        );
    }
}
