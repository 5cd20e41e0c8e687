//! The tree of the ledger: its format, a directory per replica, and where each replica had got to when
//! we last looked.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

use super::canon::split;
use super::format::{self, Format};
use super::layout::Book;
use super::line::Line;
use crate::git::{Entry, Oid, Store};

/// The directory of the texts that stand beside their lines.
pub(super) const TEXTS: &str = "t";
/// Says whose ledger this is.
pub(super) const OF_FILE: &str = "of.json";

/// The repository of a ledger, by the commit that its history begins with.
#[derive(Serialize, Deserialize)]
struct Of {
    root: Oid,
    /// What it said before, when nobody else had seen it and that commit was amended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<Oid>,
}

/// The file that says whose ledger this is.
pub(super) fn of_file(root: Oid, former: Vec<Oid>) -> Result<String> {
    Ok(serde_json::to_string(&Of { root, former })? + "\n")
}

/// How far a replica has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) dir: Oid,
    pub(super) lines: u64,
    /// The last of those lines.
    pub(super) last: String,
    pub(super) clock: u64,
}

impl Position {
    /// Where a directory ends; only its newest file is read. None if it has a trail alone.
    pub(super) fn of(store: &Store<'_>, dir: &Oid) -> Result<Option<Self>> {
        let files = Book::open(store, dir)?.files(store, u64::MAX)?;
        let Some(file) = files.last() else { return Ok(None) };
        let lines = split(&file.bytes).with_context(|| file.name.clone())?;
        let line = Line::parse(lines.last().context("it has no lines")?)?;
        Ok(Some(Self {
            dir: *dir,
            lines: file.first + lines.len() as u64,
            last: line.id,
            clock: line.clock,
        }))
    }
}

/// Books by the names of their replicas.
pub(super) type Dirs = BTreeMap<String, Oid>;

pub(super) type Positions = BTreeMap<String, Position>;

/// The root of the tree, with whatever else later versions put there.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    entries: Vec<Entry>,
    pub(super) format: Format,
}

/// What became of known positions.
pub(super) enum News {
    To(Positions),
    /// A replica no longer begins with what we know of it; this says which and how.
    Rewritten(String),
}

impl Shelf {
    pub(super) fn open(store: &Store<'_>, tree: &Oid) -> Result<Self> {
        let entries = store.tree(tree)?;
        let format = entries.iter().find(|entry| entry.name == format::FILE);
        let format = format.with_context(|| format!("{} is gone", format::FILE))?;
        let format = Format::parse(&store.blob(&format.id)?)?;
        Ok(Self { entries, format })
    }

    /// The root before the first line.
    pub(super) fn new(store: &Store<'_>) -> Result<Self> {
        let file = Format::file();
        let id = store.write_blob(file.as_bytes())?;
        let entries = vec![Entry { name: format::FILE.to_owned(), is_tree: false, id }];
        Ok(Self { entries, format: Format::parse(file.as_bytes())? })
    }

    /// The first commit of the repository that this ledger belongs to, where it says so.
    pub(super) fn root(&self, store: &Store<'_>) -> Result<Option<Oid>> {
        Ok(self.roots(store)?.first().copied())
    }

    /// That commit, and those by which its lines may call the same repository.
    pub(super) fn roots(&self, store: &Store<'_>) -> Result<Vec<Oid>> {
        let Some(file) = self.entry(OF_FILE) else { return Ok(Vec::new()) };
        let of: Of = serde_json::from_slice(&store.blob(&file.id)?).context(OF_FILE)?;
        Ok([vec![of.root], of.former].concat())
    }

    pub(super) fn set_root(&mut self, store: &Store<'_>, root: &Oid) -> Result<()> {
        let mut former = self.roots(store)?;
        former.retain(|known| known != root);
        let id = store.write_blob(of_file(*root, former)?.as_bytes())?;
        self.set(Entry { name: OF_FILE.to_owned(), is_tree: false, id });
        Ok(())
    }

    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    pub(super) fn set(&mut self, entry: Entry) {
        self.entries.retain(|known| known.name != entry.name);
        self.entries.push(entry);
    }

    pub(super) fn replica(&self, name: &str) -> Option<&Oid> {
        self.replicas().find(|(known, _)| *known == name).map(|(_, dir)| dir)
    }

    pub(super) fn set_replica(&mut self, name: &str, dir: Oid) {
        self.set(Entry { name: format!("r-{name}"), is_tree: true, id: dir });
    }

    pub(super) fn write(&self, store: &Store<'_>) -> Result<Oid> {
        store.write_tree(&self.entries)
    }

    pub(super) fn replicas(&self) -> impl Iterator<Item = (&str, &Oid)> {
        let trees = self.entries.iter().filter(|entry| entry.is_tree);
        trees.filter_map(|entry| Some((entry.name.strip_prefix("r-")?, &entry.id)))
    }

    /// What stands in it that this version knows nothing of, its own and that of its replicas.
    pub(super) fn strangers(&self, store: &Store<'_>) -> Result<Vec<Entry>> {
        let is_known =
            |name: &str| name.starts_with("r-") || [format::FILE, OF_FILE, TEXTS].contains(&name);
        let own = self.entries.iter().filter(|entry| !is_known(&entry.name));
        let mut found: Vec<_> = own.cloned().collect();
        for (_, dir) in self.replicas() {
            let book = Book::open(store, dir)?;
            found.extend_from_slice(book.strangers());
            if let Some(trail) = book.trail() {
                found.extend_from_slice(Book::open(store, &trail)?.strangers());
            }
        }
        Ok(found)
    }

    /// The directories by the names of their replicas.
    pub(super) fn dirs(&self) -> Dirs {
        self.replicas().map(|(name, dir)| (name.to_owned(), *dir)).collect()
    }

    /// Takes what another shelf has beside its replicas and texts; of two of one name both clones take the same:
    /// the later form, and for all that we do not know the larger id.
    pub(super) fn adopt(&mut self, other: &Self) {
        let ours = self.format.clone();
        let known_otherwise = |name: &str| name.starts_with("r-") || name == TEXTS;
        for entry in other.entries.iter().filter(|entry| !known_otherwise(&entry.name)) {
            let Some(known) = self.entries.iter_mut().find(|known| known.name == entry.name) else {
                self.entries.push(entry.clone());
                continue;
            };
            let takes = match entry.name == format::FILE {
                true => (&ours, known.id) < (&other.format, entry.id),
                false => known.id < entry.id,
            };
            if takes {
                known.clone_from(entry);
            }
        }
        self.format = ours.max(other.format.clone());
    }

    /// Hands over the lines beyond `known`, replica by replica, each checked against its id.
    pub(super) fn news(
        &self,
        store: &Store<'_>,
        known: &Positions,
        each: &mut dyn FnMut(Line),
    ) -> Result<News> {
        if let Some(lost) = known.keys().find(|name| self.replica(name).is_none()) {
            return Ok(News::Rewritten(format!("the lines of replica {lost} are gone")));
        }
        let mut positions = Positions::new();
        for (name, dir) in self.replicas() {
            let old = known.get(name);
            if let Some(old) = old
                && old.dir == *dir
            {
                positions.insert(name.to_owned(), old.clone());
                continue;
            }
            let place = || format!("replica {name}");
            match tail(store, dir, old, each).with_context(place)? {
                Tail::To(position) => drop(positions.insert(name.to_owned(), position)),
                Tail::Nothing => {}
                Tail::Rewritten => {
                    let count = old.map_or(0, |old| old.lines);
                    return Ok(News::Rewritten(format!(
                        "replica {name} no longer has the {count} lines it had"
                    )));
                }
            }
        }
        Ok(News::To(positions))
    }

    /// Every line there is, replica by replica.
    pub(super) fn lines(&self, store: &Store<'_>, each: &mut dyn FnMut(Line)) -> Result<()> {
        match self.news(store, &Positions::new(), each)? {
            News::To(_) => Ok(()),
            News::Rewritten(how) => Err(anyhow!(how)),
        }
    }
}

/// Where the lines of a replica end.
pub(super) enum Tail {
    To(Position),
    /// It has a trail alone.
    Nothing,
    /// It does not begin with what is known of it.
    Rewritten,
}

/// Hands over the lines of one replica after `known`, one file of them in memory at once.
pub(super) fn tail(
    store: &Store<'_>,
    dir: &Oid,
    known: Option<&Position>,
    each: &mut dyn FnMut(Line),
) -> Result<Tail> {
    // From the last line that is known, to see that it still is the last of those.
    let from = known.map_or(0, |known| known.lines.saturating_sub(1));
    let (mut next, mut clock, mut position) = (None, 0, None);
    let mut met = known.is_none();
    for leaf in Book::open(store, dir)?.leaves(store, from)? {
        let file = leaf.read(store, &mut next)?;
        for (number, stored) in
            (file.first..).zip(split(&file.bytes).with_context(|| file.name.clone())?)
        {
            if number < from {
                continue;
            }
            let place = || format!("{}, line {}", file.name, number - file.first + 1);
            let line = Line::parse(stored).with_context(place)?;
            ensure!(line.clock > clock, "{}: its clock is {}, after {clock}", place(), line.clock);
            clock = line.clock;
            position =
                Some(Position { dir: *dir, lines: number + 1, last: line.id.clone(), clock });
            match known {
                Some(known) if number == from && line.id != known.last => {
                    return Ok(Tail::Rewritten);
                }
                Some(_) if number == from => met = true,
                _ => each(line),
            }
        }
    }
    Ok(match position {
        _ if !met => Tail::Rewritten,
        Some(position) => Tail::To(position),
        None => Tail::Nothing,
    })
}
