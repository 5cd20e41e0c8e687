//! A directory of the ledger that is lost, put together again from what it named: whether it is the same
//! is told by its name. It knows the files that are here, what earlier directories name, and how far this
//! clone has seen each replica come.

use std::collections::{BTreeMap, BTreeSet};

use super::canon::split;
use super::place::{self, Seen};
use super::shelf::{OF_FILE, Position, TEXTS};
use super::{Ledger, Line, format};
use crate::git::{Entry, Oid};
use crate::refusal::quoted;

/// After so many it is given up.
const TRIES: usize = 1 << 18;

/// A file of lines.
struct Lines {
    id: Oid,
    count: u64,
    first: u64,
    last: Line,
}

/// What there is to try.
struct Debris<'a, 'r> {
    ledger: &'a Ledger<'r>,
    lost: Oid,
    tip: Oid,
    trees: BTreeMap<Oid, Vec<Entry>>,
    named: BTreeSet<Oid>,
}

/// One place in a directory, and what can have stood there; nothing is a possibility, too.
type Slot = Vec<Option<Entry>>;

impl Ledger<'_> {
    /// The command that makes the first directory again that cannot be read.
    pub(super) fn regrow(&self) -> Option<String> {
        let tip = self.repo.read_ref(&self.name).ok()??;
        let root = self.store.commit(&tip).ok()?.tree;
        let ids = self.store.trees().ok()?.into_iter();
        let read = |id: Oid| Some((id, self.store.tree(&id).ok()?));
        let trees: BTreeMap<_, _> = ids.filter_map(read).collect();
        let named = trees.values().flatten().map(|entry| entry.id).collect();
        let mut debris = Debris { ledger: self, lost: root, tip, trees, named };
        let entries = match self.store.tree(&root) {
            Err(_) => debris.root(),
            Ok(entries) => entries.into_iter().filter(|entry| entry.is_tree).find_map(|entry| {
                debris.lost = entry.id;
                let name = entry.name.strip_prefix("r-")?;
                match self.store.tree(&entry.id) {
                    Err(_) => debris.book(name),
                    Ok(book) => debris.sealed(&book),
                }
            }),
        }?;
        let told = |entry: &Entry| {
            let kind = if entry.is_tree { "040000 tree" } else { "100644 blob" };
            format!(" {kind} {} {}", entry.id, quoted(&entry.name))
        };
        let all: String = entries.iter().map(told).collect();
        let dir = quoted(self.store.dir());
        let make = format!("GIT_OBJECT_DIRECTORY={dir} git mktree --missing");
        Some(format!("printf '%s %s %s\\t%s\\n'{all} | {make}"))
    }
}

impl Debris<'_, '_> {
    fn root(&self) -> Option<Vec<Entry>> {
        let store = &self.ledger.store;
        let mut slots = BTreeMap::<String, Slot>::new();
        let mut add = |name: &str, is_tree, id| {
            let slot = slots.entry(name.to_owned()).or_insert_with(|| vec![None]);
            let entry = Some(Entry { name: name.to_owned(), is_tree, id });
            if !slot.contains(&entry) {
                slot.push(entry);
            }
        };
        let is_root = |entries: &&Vec<Entry>| entries.iter().any(|it| it.name == format::FILE);
        for entry in self.trees.values().filter(is_root).flatten() {
            add(&entry.name, entry.is_tree, entry.id);
        }
        add(format::FILE, false, store.name_of(format::Format::file().as_bytes()).ok()?);
        for id in self.ledger.possible_files() {
            add(OF_FILE, false, id);
        }
        let seen = Seen::load(self.ledger.repo);
        for (name, position) in seen.iter().flat_map(|seen| &seen.positions) {
            add(&format!("r-{name}"), true, position.dir);
        }
        let ours = place::known(self.ledger.repo);
        for (id, entries) in self.trees.iter().filter(|(id, _)| !self.named.contains(id)) {
            if entries.iter().any(|entry| entry.name.starts_with("0-")) {
                if let Some(name) = &ours {
                    add(&format!("r-{name}"), true, *id);
                }
            } else if entries.iter().all(|it| it.is_tree && it.name.len() == 2) {
                add(TEXTS, true, *id);
            }
        }
        // Of this very tip it is known where each replica stood.
        if let Some(seen) = seen.filter(|seen| seen.tip == self.tip) {
            for (name, slot) in &mut slots {
                let dir = name.strip_prefix("r-").and_then(|name| seen.positions.get(name));
                if let Some(position) = dir {
                    slot.retain(|it| it.as_ref().is_some_and(|it| it.id == position.dir));
                }
            }
        }
        self.choose(&slots.into_values().collect::<Vec<_>>())
    }

    /// The directory of a replica, as far as this clone has seen it come.
    fn book(&self, name: &str) -> Option<Vec<Entry>> {
        let seen = Seen::load(self.ledger.repo)?;
        let Position { lines, last, .. } = seen.positions.get(name)?;
        let (mut sealed, mut trails): (Slot, Slot) = (vec![None], vec![None]);
        for entry in self.trees.values().flatten().filter(|entry| entry.is_tree) {
            let slot = match entry.name.as_str() {
                "s" => &mut sealed,
                "trail" => &mut trails,
                _ => continue,
            };
            if !slot.iter().flatten().any(|known| known.id == entry.id) {
                slot.push(Some(entry.clone()));
            }
        }
        // What stands in no directory any more may have stood in the lost one.
        for (id, _) in self.trees.iter().filter(|(id, _)| !self.named.contains(id)) {
            sealed.push(Some(Entry { name: "s".to_owned(), is_tree: true, id: *id }));
            trails.push(Some(Entry { name: "trail".to_owned(), is_tree: true, id: *id }));
        }
        let files = self.files();
        let file = |kind, lines: &Lines, end: u64| {
            let name = format!("{kind}-{}.jsonl", end.checked_sub(lines.count)?);
            Some(Entry { name, is_tree: false, id: lines.id })
        };
        let heads = files.iter().filter(|it| it.last.id == *last);
        heads.filter_map(|head| Some((head, file(0, head, *lines)?))).find_map(|(head, entry)| {
            let end = lines - head.count;
            let before = files.iter().filter(|it| it.last.clock < head.first);
            let middles = before.filter_map(|it| file(1, it, end)).map(Some);
            let middles = std::iter::once(None).chain(middles).collect();
            self.choose(&[vec![Some(entry)], middles, sealed.clone(), trails.clone()])
        })
    }

    /// The directories of the segments: what stands in them has no other place, and an order.
    fn sealed(&mut self, book: &[Entry]) -> Option<Vec<Entry>> {
        let sealed = book.iter().find(|entry| entry.name == "s")?.id;
        let Ok(folders) = self.ledger.store.tree(&sealed) else {
            self.lost = sealed;
            let first = |id: &Oid| {
                let name = self.trees.get(id)?.first().filter(|it| it.name == "00.jsonl")?;
                Some((self.lines(&name.id)?.first, *id))
            };
            let mut all: Vec<_> = self.trees.keys().filter_map(first).collect();
            all.retain(|(_, id)| !self.named.contains(id));
            all.sort_unstable();
            return self.window(&all, |n| (format!("{n:04x}"), true));
        };
        let is_lost = |folder: &&Entry| self.ledger.store.tree(&folder.id).is_err();
        self.lost = folders.iter().find(is_lost)?.id;
        let mut all = self.files();
        all.retain(|it| !self.named.contains(&it.id));
        // What was poured into another stands in that.
        all.sort_unstable_by_key(|it| (it.first, std::cmp::Reverse(it.last.clock)));
        let mut end = 0;
        all.retain(|it| {
            let goes_on = it.last.clock > end;
            end = end.max(it.last.clock);
            goes_on
        });
        let all: Vec<_> = all.iter().map(|it| (it.first, it.id)).collect();
        self.window(&all, |n| (format!("{n:02x}.jsonl"), false))
    }

    /// Some of these that stand side by side, behind what an earlier directory begins with.
    fn window(&self, all: &[(u64, Oid)], place: fn(usize) -> (String, bool)) -> Option<Vec<Entry>> {
        let is_one =
            |entries: &&Vec<Entry>| entries.first().is_some_and(|it| it.name == place(0).0);
        let earlier = self.trees.values().filter(is_one).map(Vec::as_slice);
        let earlier = earlier.flat_map(|it| [Some(it), it.split_last().map(|(_, rest)| rest)]);
        let starts: Vec<_> = earlier.flatten().chain([&[][..]]).collect();
        let ends = (0..all.len()).flat_map(|from| (from + 1..=all.len()).map(move |to| (from, to)));
        let tries = ends.flat_map(|ends| starts.iter().map(move |start| (start, ends)));
        tries.take(TRIES).find_map(|(start, (from, to))| {
            let mut entries = start.to_vec();
            for (_, id) in all.get(from..to)? {
                let (name, is_tree) = place(entries.len());
                entries.push(Entry { name, is_tree, id: *id });
            }
            self.is_it(&entries).then_some(entries)
        })
    }

    /// The files of lines that are here.
    fn files(&self) -> Vec<Lines> {
        let ids = self.ledger.store.blobs().unwrap_or_default().into_iter();
        ids.filter_map(|id| self.lines(&id)).collect()
    }

    fn lines(&self, id: &Oid) -> Option<Lines> {
        let bytes = self.ledger.store.blob(id).ok()?;
        let lines = split(&bytes).ok()?;
        let first = Line::parse(lines.first()?).ok()?.clock;
        let last = Line::parse(lines.last()?).ok()?;
        Some(Lines { id: *id, count: lines.len() as u64, first, last })
    }

    /// What of all that can have stood in these places is the one that is lost.
    fn choose(&self, slots: &[Slot]) -> Option<Vec<Entry>> {
        let all = slots.iter().try_fold(1_usize, |all, slot| all.checked_mul(slot.len()))?;
        (0..all.min(TRIES)).find_map(|mut nth| {
            let pick = |slot: &Slot| {
                let entry = slot.get(nth % slot.len()).cloned().flatten();
                nth /= slot.len();
                entry
            };
            let entries: Vec<_> = slots.iter().filter_map(pick).collect();
            self.is_it(&entries).then_some(entries)
        })
    }

    fn is_it(&self, entries: &[Entry]) -> bool {
        self.ledger.store.name_of_tree(entries).ok() == Some(self.lost)
    }
}
