//! A map from subjects to what is known of each, in the order in which they came to be known, that can
//! be saved at the cost of what changed and opened without reading it whole.
//!
//! It lies in layers: a large one saved seldom, a small one with what changed since, and on top what
//! changed in this process. The upper ones hide what they replace.

mod bodies;
mod builder;
mod layer;
mod near;
mod packing;
mod pages;
mod row;
#[cfg(test)]
mod tests;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{Context as _, Result, anyhow};
pub use bodies::{Body, Hear};
use indexmap::IndexMap;
use layer::{Layer, Swept};
use pages::{Damaged, Sound};
use row::At;
pub use row::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;

/// What a table keeps of a subject.
pub trait Kept: Clone + Serialize + DeserializeOwned {
    /// What is looked at in many of them. It borrows, so that looking at it costs no memory.
    type Face<'a>
    where
        Self: 'a;

    fn face(&self) -> Self::Face<'_>;

    /// Saves its face.
    fn write_face(&self, to: &mut Vec<u8>) -> Option<()>;

    /// The face that was saved so; none if it is not one.
    fn read_face(saved: &[u8]) -> Option<Self::Face<'_>>;

    /// Those with a smaller mark are looked at often. The faces of others are read with the rest.
    const OFTEN: u8 = 1;

    fn mark(&self) -> u8;

    /// The subjects it points to.
    fn names(&self) -> impl Iterator<Item = &str>;
}

/// Makes a table again from the first line on.
type Again<R> = Rc<dyn Fn() -> Result<Table<R>>>;

/// A row stands in the place where its key came to be first, in whichever layer its newest form is. So
/// each form but the first says for which it stands: one in an upper layer by `Layer::below`, one in memory
/// by `stead`; and `hidden` is the way back, from what is replaced to what replaces it.
pub struct Table<R: Kept> {
    layers: Vec<Layer<R>>,
    /// Per layer the rows that an upper one replaces, each with what stands for it.
    hidden: Vec<BTreeMap<usize, At>>,
    fresh: IndexMap<String, R>,
    /// Per row in memory the one that it stands for.
    stead: Vec<Option<(usize, usize)>>,
    /// The keys of those in memory as far as somebody has asked which are alike, in their order.
    near: RefCell<BTreeSet<Vec<u8>>>,
    /// How many of the layers come from the disk.
    saved: usize,
    again: Option<Again<R>>,
    /// The table as it is made again because a row could not be read.
    healed: OnceCell<Box<Self>>,
    unsound: bool,
    /// Memory for the next time that rows are packed: a large buffer that is new has to be cleared.
    spare: Cell<Vec<u8>>,
}

/// A key, which was a text when it was put there.
fn text(key: &[u8]) -> &str {
    std::str::from_utf8(key).unwrap_or_default()
}

impl<R: Kept> Default for Table<R> {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            hidden: Vec::new(),
            fresh: IndexMap::new(),
            stead: Vec::new(),
            near: RefCell::default(),
            saved: 0,
            again: None,
            healed: OnceCell::new(),
            unsound: false,
            spare: Cell::default(),
        }
    }
}

/// Ends with a refusal for whoever catches what panics: no caller has a way to hand it on.
fn lost(key: &str, no: &anyhow::Error) -> ! {
    let told = no.downcast_ref::<Refusal>().map(|no| no.what.clone());
    let why = told.unwrap_or_else(|| format!("{no:#}"));
    let what = format!("what was saved of {key} is damaged, and it cannot be made again: {why}");
    std::panic::panic_any(Refusal::fatal(what).hint("git bead doctor tells the way back"))
}

impl<R: Kept> Table<R> {
    pub fn count(&self) -> usize {
        let hidden: usize = self.hidden.iter().map(BTreeMap::len).sum();
        self.layers.iter().map(Layer::len).sum::<usize>() + self.fresh.len() - hidden
    }

    /// What is found, here or, where the disk does not give back what was put there, in the table as it
    /// is made again.
    fn sound<'a, T>(&'a self, find: impl Fn(&'a Self) -> Sound<T>) -> T {
        let healed = |Damaged| find(self.healed());
        let twice = |Damaged| lost("a state", &anyhow!("what was made is damaged, too"));
        find(self).or_else(healed).unwrap_or_else(twice)
    }

    pub fn row<'a>(&'a self, key: &str) -> Option<Row<'a, R>> {
        self.sound(|table| table.locate(key)?.map(|at| table.at(at)).transpose())
    }

    pub fn get(&self, key: &str) -> Option<&R> {
        self.row(key).map(|row| row.whole())
    }

    /// All rows, in the order in which they came to be.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_, R>> {
        let table = self.sound(|table| {
            table.layers.iter().try_for_each(Layer::read_rows)?;
            Ok(table)
        });
        let first = |layer: &Layer<R>, n: usize| layer.below(n).is_none();
        let layers = table.layers.iter().zip(&table.hidden).enumerate();
        let saved = layers.flat_map(move |(at, (layer, hidden))| {
            let rows = layer.sweep().filter(move |swept| first(layer, swept.n));
            rows.filter_map(move |swept| match hidden.get(&swept.n) {
                Some(upper) => table.at(table.newest(*upper)).ok(),
                None => Some(table.swept(at, &swept)),
            })
        });
        saved.chain(table.born())
    }

    /// The rows that are looked at often, in the order in which they came to be.
    pub fn live(&self) -> impl Iterator<Item = Row<'_, R>> {
        let table = self.sound(|table| {
            table.layers.iter().try_for_each(Layer::read_faces)?;
            table.layers.iter().skip(1).try_for_each(Layer::read_rows)?;
            Ok(table)
        });
        let layers = table.layers.iter().zip(&table.hidden).enumerate();
        let saved = layers.flat_map(|(at, (layer, hidden))| table.live_of(at, layer, hidden));
        saved.chain(table.born()).filter(|row| row.mark < R::OFTEN)
    }

    /// The live rows of a layer, and in their places what stands for its other rows.
    fn live_of<'a>(
        &'a self,
        at: usize,
        layer: &'a Layer<R>,
        hidden: &'a BTreeMap<usize, At>,
    ) -> impl Iterator<Item = Row<'a, R>> {
        let is_first = |n: usize| layer.below(n).is_none();
        let is_own = move |swept: &Swept<'_>| is_first(swept.n) && !hidden.contains_key(&swept.n);
        let mut own = layer.sweep_live().filter(is_own).peekable();
        let mut others = hidden.iter().filter(move |(n, _)| is_first(**n)).peekable();
        std::iter::from_fn(move || {
            let next = own.peek().map_or(usize::MAX, |swept| swept.n);
            match others.next_if(|(n, _)| **n < next) {
                Some((_, upper)) => Some(self.at(self.newest(*upper)).ok()),
                None => own.next().map(|swept| Some(self.swept(at, &swept))),
            }
        })
        .flatten()
    }

    /// The rows in memory that stand for none.
    fn born(&self) -> impl Iterator<Item = Row<'_, R>> {
        let first = |(_, stead): &(usize, &Option<_>)| stead.is_none();
        let born = self.stead.iter().enumerate().filter(first);
        born.filter_map(|(n, _)| self.at(At::Fresh(n)).ok())
    }

    /// What stands for a row, if anything does.
    fn newest(&self, mut at: At) -> At {
        while let At::Layer(layer, n) = at
            && let Some(upper) = self.hidden.get(layer).and_then(|hidden| hidden.get(&n))
        {
            at = *upper;
        }
        at
    }

    /// The rows whose keys start so, in no particular order.
    pub fn starting<'a>(&'a self, start: &str) -> impl Iterator<Item = Row<'a, R>> {
        let found = self.sound(|table| {
            let mut found = Vec::new();
            for (at, layer) in table.layers.iter().enumerate() {
                let here = layer.starting(start.as_bytes())?.into_iter();
                let first = here.filter(|n| layer.below(*n).is_none());
                let rows = first.map(|n| table.at(table.newest(At::Layer(at, n))));
                found.extend(rows.collect::<Sound<Vec<_>>>()?);
            }
            found.extend(table.born().filter(|row| row.key.starts_with(start)));
            Ok(found)
        });
        found.into_iter()
    }

    /// The rows that name a subject, in the order in which they came to be.
    pub fn naming<'a>(&'a self, name: &str) -> impl Iterator<Item = Row<'a, R>> + use<'a, R> {
        let found = self.sound(|table| {
            let mut found = Vec::new();
            for (at, (layer, hidden)) in table.layers.iter().zip(&table.hidden).enumerate() {
                let here = layer.naming(name.as_bytes())?.into_iter();
                let shown = here.filter(|n| !hidden.contains_key(n));
                let rows = shown.map(|n| table.at(At::Layer(at, n)));
                found.extend(rows.collect::<Sound<Vec<_>>>()?);
            }
            let names = |row: &R| row.names().any(|there| there == name);
            let fresh = table.fresh.values().enumerate().filter(|(_, row)| names(row));
            for (n, _) in fresh {
                found.push(table.at(At::Fresh(n))?);
            }
            found.sort_unstable_by_key(|row| table.birth(row.at));
            // A row that names it twice is one row.
            found.dedup_by_key(|row| row.key);
            Ok(found)
        });
        found.into_iter()
    }

    /// The row of this key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut R> {
        if !self.fresh.contains_key(key) {
            self.make_room();
            let Ok(found) = self.locate(key) else {
                self.unsound = true;
                return None;
            };
            let Some(At::Layer(layer, n)) = found else { return None };
            let Some(row) = self.layers.get(layer)?.read_body(n) else {
                self.unsound = true;
                return None;
            };
            self.hidden.get_mut(layer)?.insert(n, At::Fresh(self.fresh.len()));
            self.fresh.insert(key.to_owned(), row);
            self.stead.push(Some((layer, n)));
        }
        self.fresh.get_mut(key)
    }

    /// Adds a row for a key that has none.
    pub fn add(&mut self, key: &str, row: impl FnOnce() -> R) {
        match self.locate(key) {
            Ok(None) => {
                self.make_room();
                self.fresh.insert(key.to_owned(), row());
                self.stead.push(None);
            }
            Ok(Some(_)) => {}
            Err(Damaged) => self.unsound = true,
        }
    }

    /// Whether all that was read so far was as it had been saved.
    pub fn is_sound(&self) -> bool {
        !self.unsound && self.healed.get().is_none()
    }

    fn locate(&self, key: &str) -> Sound<Option<At>> {
        if let Some(n) = self.fresh.get_index_of(key) {
            return Ok(Some(At::Fresh(n)));
        }
        for (at, layer) in self.layers.iter().enumerate().rev() {
            if let Some(n) = layer.find(key.as_bytes())? {
                return Ok(Some(At::Layer(at, n)));
            }
        }
        Ok(None)
    }

    fn at(&self, at: At) -> Sound<Row<'_, R>> {
        let (key, mark) = match at {
            At::Layer(layer, n) => {
                let entry = self.layers.get(layer).ok_or(Damaged)?.entry(n)?;
                (text(entry.key), entry.mark)
            }
            At::Fresh(n) => {
                let (key, row) = self.fresh.get_index(n).ok_or(Damaged)?;
                (key.as_str(), row.mark())
            }
        };
        Ok(Row { table: self, at, key, mark, live: None })
    }

    fn swept<'a>(&'a self, at: usize, swept: &Swept<'a>) -> Row<'a, R> {
        let Swept { n, key, mark, live } = *swept;
        Row { table: self, at: At::Layer(at, n), key: text(key), mark, live }
    }

    /// Where in the order of creation a row of a layer or in memory stands.
    fn birth(&self, at: At) -> (usize, usize) {
        let (layer, n) = match at {
            At::Fresh(n) => match self.stead.get(n).copied().flatten() {
                Some(stead) => stead,
                None => return (self.layers.len(), n),
            },
            At::Layer(layer, n) => (layer, n),
        };
        let below = self.layers.get(layer).and_then(|layer| layer.below(n));
        below.map_or((layer, n), |below| (layer.saturating_sub(1), below))
    }

    /// A row that the disk does not give back is made again from the ledger, and with it all others.
    /// With neither there is no answer, and whoever asked ends here: a row that is half there, or
    /// left out, would be told as the whole.
    fn heal(&self, key: &str) -> &R {
        let healed = self.healed();
        healed.get(key).unwrap_or_else(|| lost(key, &anyhow!("the ledger no longer has it")))
    }

    fn healed(&self) -> &Self {
        let made =
            || self.again.as_ref().context("nothing to make it from").and_then(|again| again());
        let why = |no| lost("a state", &no);
        self.healed.get_or_init(|| Box::new(made().unwrap_or_else(why)))
    }
}
