//! A map from subjects to what is known of each, in the order in which they came to be known, that can
//! be saved at the cost of what changed and opened without reading it whole.
//!
//! It lies in layers: a large one saved seldom, a small one with what changed since, and on top what
//! changed in this process. The upper ones hide what they replace.

mod bodies;
mod builder;
mod layer;
mod near;
#[cfg(test)]
mod tests;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use anyhow::{Context as _, Result, anyhow};
pub use bodies::{Body, Hear};
use builder::Builder;
use indexmap::IndexMap;
use layer::Layer;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fold::{Fold, Loaded, Saving};
use super::saved::Saved;
use crate::refusal::Refusal;

/// So many rows in memory, and this part of all, are worth packing together.
const MANY: usize = 8192;
const GROWTH: usize = 16;
/// As many changed rows, or this part of all, are worth a new bottom layer.
const FEW: usize = 512;
const PART: usize = 8;
/// How many bytes a row may take, before one is known.
const USUAL: usize = 512;

/// What a table keeps of a subject.
pub trait Kept: Clone + Serialize + DeserializeOwned {
    /// What is looked at in many of them. It borrows, so that looking at it costs no memory.
    type Face<'a>: Serialize + Deserialize<'a>
    where
        Self: 'a;

    fn face(&self) -> Self::Face<'_>;

    /// 0 for one that is looked at often. Others are told apart by their mark, and their faces are read
    /// with the rest.
    fn mark(&self) -> u32;

    /// The subjects it points to.
    fn names(&self) -> impl Iterator<Item = &str>;
}

/// Makes a table again from the first line on.
type Again<R> = Rc<dyn Fn() -> Result<Table<R>>>;

pub struct Table<R: Kept> {
    layers: Vec<Layer<R>>,
    /// Per layer the rows that an upper one replaces.
    hidden: Vec<Vec<bool>>,
    fresh: IndexMap<String, R>,
    /// How many of the layers come from the disk.
    saved: usize,
    again: Option<Again<R>>,
    /// The table as it is made again because a row could not be read.
    healed: OnceCell<Box<Self>>,
    unsound: bool,
    /// Memory for the next time that rows are packed: a large buffer that is new has to be cleared.
    spare: Cell<Vec<u8>>,
}

impl<R: Kept> Default for Table<R> {
    fn default() -> Self {
        let (layers, hidden, fresh, saved, again) = Default::default();
        let (healed, unsound, spare) = Default::default();
        Self { layers, hidden, fresh, saved, again, healed, unsound, spare }
    }
}

/// Ends with a refusal for whoever catches what panics: no caller has a way to hand it on.
fn lost(key: &str, no: &anyhow::Error) -> ! {
    let told = no.downcast_ref::<Refusal>().map(|no| no.what.clone());
    let why = told.unwrap_or_else(|| format!("{no:#}"));
    let what = format!("what was saved of {key} is damaged, and it cannot be made again: {why}");
    std::panic::panic_any(Refusal::fatal(what).hint("git bead doctor tells the way back"))
}

/// Where a row is.
#[derive(Clone, Copy)]
enum At {
    Layer(usize, usize),
    Fresh(usize),
}

/// One row, of which only as much is read as is asked for.
pub struct Row<'a, R: Kept> {
    table: &'a Table<R>,
    at: At,
}

impl<R: Kept> Clone for Row<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Kept> Copy for Row<'_, R> {}

impl<'a, R: Kept> Row<'a, R> {
    pub fn key(&self) -> &'a str {
        let key = match self.at {
            At::Layer(layer, n) => self.table.layers.get(layer).map(|layer| layer.key(n)),
            At::Fresh(n) => self.table.fresh.get_index(n).map(|(key, _)| key.as_str()),
        };
        key.unwrap_or_default()
    }

    pub fn mark(&self) -> u32 {
        match self.at {
            At::Layer(layer, n) => self.table.layers.get(layer).map_or(0, |layer| layer.mark(n)),
            At::Fresh(_) => self.whole().mark(),
        }
    }

    pub fn face(&self) -> R::Face<'a> {
        let saved = match self.at {
            At::Layer(layer, n) => self.table.layers.get(layer).and_then(|layer| layer.face(n)),
            At::Fresh(_) => None,
        };
        saved.unwrap_or_else(|| self.whole().face())
    }

    pub fn whole(&self) -> &'a R {
        self.table.body(self.at).unwrap_or_else(|| self.table.heal(self.key()))
    }

    /// The same for who goes through many: nothing of it is remembered.
    pub fn read(&self) -> R {
        let saved = match self.at {
            At::Layer(layer, n) => {
                self.table.layers.get(layer).and_then(|layer| layer.read_body(n))
            }
            At::Fresh(_) => None,
        };
        saved.unwrap_or_else(|| self.whole().clone())
    }

    /// Looks at its face, for who goes through many: nothing of it is remembered.
    pub fn look<T>(&self, look: impl FnOnce(&R::Face<'_>) -> T) -> T {
        let saved = match self.at {
            At::Layer(layer, n) => self.table.layers.get(layer).and_then(|layer| layer.face(n)),
            At::Fresh(_) => return look(&self.whole().face()),
        };
        match saved {
            Some(face) => look(&face),
            None => look(&self.read().face()),
        }
    }
}

impl<R: Kept> Table<R> {
    pub fn count(&self) -> usize {
        let hidden = self.hidden.iter().flatten().filter(|hidden| **hidden).count();
        self.layers.iter().map(Layer::len).sum::<usize>() + self.fresh.len() - hidden
    }

    pub fn row<'a>(&'a self, key: &str) -> Option<Row<'a, R>> {
        Some(self.at(self.locate(key)?))
    }

    pub fn get(&self, key: &str) -> Option<&R> {
        self.row(key).map(|row| row.whole())
    }

    /// All rows, in the order in which they came to be.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_, R>> {
        let saved = self.layers.iter().enumerate();
        let saved = saved.flat_map(|(at, layer)| (0..layer.len()).map(move |n| At::Layer(at, n)));
        let all = saved.chain((0..self.fresh.len()).map(At::Fresh));
        all.filter_map(|at| self.first_of(at))
    }

    /// The rows whose keys start so, in no particular order.
    pub fn starting<'a>(&'a self, start: &'a str) -> impl Iterator<Item = Row<'a, R>> {
        let saved = self
            .layers
            .iter()
            .enumerate()
            .flat_map(move |(at, layer)| layer.starting(start).map(move |n| At::Layer(at, n)));
        let fresh = (0..self.fresh.len()).map(At::Fresh);
        let all = saved.filter(|at| !self.is_hidden(*at)).chain(fresh).map(|at| self.at(at));
        all.filter(move |row| row.key().starts_with(start))
    }

    /// The rows that name a subject, in the order in which they came to be.
    pub fn naming<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Row<'a, R>> {
        let saved = self
            .layers
            .iter()
            .enumerate()
            .flat_map(move |(at, layer)| layer.naming(name).map(move |n| At::Layer(at, n)));
        let names = |row: &R| row.names().any(|there| there == name);
        let fresh = self.fresh.values().enumerate().filter(|(_, row)| names(row));
        let all = saved.filter(|at| !self.is_hidden(*at)).chain(fresh.map(|(n, _)| At::Fresh(n)));
        let mut found: Vec<_> = all.map(|at| self.at(at)).collect();
        found.sort_by_cached_key(|row| self.birth(row));
        // A row that names it twice is one row.
        found.dedup_by(|one, other| one.key() == other.key());
        found.into_iter()
    }

    /// The row of this key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut R> {
        if !self.fresh.contains_key(key) {
            self.make_room();
            let At::Layer(layer, n) = self.locate(key)? else { return None };
            let Some(row) = self.layers.get(layer)?.read_body(n) else {
                self.unsound = true;
                return None;
            };
            self.hide(layer, n);
            self.fresh.insert(key.to_owned(), row);
        }
        self.fresh.get_mut(key)
    }

    /// Adds a row for a key that has none.
    pub fn add(&mut self, key: &str, row: impl FnOnce() -> R) {
        if self.locate(key).is_none() {
            self.make_room();
            self.fresh.insert(key.to_owned(), row());
        }
    }

    fn make_room(&mut self) {
        let packed: usize = self.layers.iter().map(Layer::len).sum();
        if self.fresh.len() >= MANY.max(packed / GROWTH) {
            self.pack_together();
        }
    }

    /// Whether all that was read so far was as it had been saved.
    pub fn is_sound(&self) -> bool {
        !self.unsound
    }

    /// What is to be saved: the whole as a new bottom layer, or what changed since the bottom layer was.
    pub fn save(&self) -> Option<Saving> {
        let bottom = self.layers.first().filter(|_| self.saved > 0).map(Layer::len);
        let changed = self.count().saturating_sub(bottom.unwrap_or(0))
            + self.hidden.first().map_or(0, |hidden| hidden.iter().filter(|h| **h).count());
        match bottom {
            Some(all) if changed <= FEW.max(all / PART) => self.pack(1).map(Saving::Since),
            _ => self.pack(0).map(Saving::Whole),
        }
    }

    /// Opens what was saved of a fold that keeps nothing but a table. For a row that cannot be read back
    /// the whole is made anew by the same fold.
    pub fn load<F: Fold + 'static>(loaded: Loaded, table: fn(F) -> Self) -> Option<Self>
    where
        R: 'static,
    {
        let mut made = Self::default();
        for saved in [Some(loaded.bottom), loaded.since].into_iter().flatten() {
            let layer = Layer::open(saved)?;
            let above = if made.layers.is_empty() { 0 } else { layer.len() };
            for n in 0..above {
                if let Some(At::Layer(below, n)) = made.locate(layer.key(n)) {
                    made.hide(below, n);
                }
            }
            made.hidden.push(vec![false; layer.len()]);
            made.layers.push(layer);
        }
        made.saved = made.layers.len();
        let lines = loaded.lines;
        made.again = Some(Rc::new(move || {
            let mut fold = F::default();
            lines(&mut |line| fold.drink(line))?;
            Ok(table(fold))
        }));
        Some(made)
    }

    /// A row that has another on top of it is hidden.
    fn hide(&mut self, layer: usize, n: usize) {
        if let Some(hidden) = self.hidden.get_mut(layer).and_then(|rows| rows.get_mut(n)) {
            *hidden = true;
        }
    }

    fn is_hidden(&self, at: At) -> bool {
        match at {
            At::Layer(layer, n) => {
                self.hidden.get(layer).and_then(|rows| rows.get(n)).is_some_and(|hidden| *hidden)
            }
            At::Fresh(_) => false,
        }
    }

    fn locate(&self, key: &str) -> Option<At> {
        if let Some(n) = self.fresh.get_index_of(key) {
            return Some(At::Fresh(n));
        }
        let layers = self.layers.iter().enumerate().rev();
        layers.filter_map(|(at, layer)| Some(At::Layer(at, layer.find(key)?))).next()
    }

    fn at(&self, at: At) -> Row<'_, R> {
        Row { table: self, at }
    }

    /// The newest form of the row that is here for the first time, if it is.
    fn first_of(&self, at: At) -> Option<Row<'_, R>> {
        let row = self.at(at);
        let below = match at {
            At::Layer(layer, _) => layer,
            At::Fresh(_) => self.layers.len(),
        };
        if self.layers.iter().take(below).any(|layer| layer.find(row.key()).is_some()) {
            return None;
        }
        if self.is_hidden(at) { self.row(row.key()) } else { Some(row) }
    }

    /// Where in the order of creation a row stands.
    fn birth(&self, row: &Row<'_, R>) -> (usize, usize) {
        let layers = self.layers.iter().enumerate();
        let first = layers.filter_map(|(at, layer)| Some((at, layer.find(row.key())?))).next();
        let fresh = || (self.layers.len(), self.fresh.get_index_of(row.key()).unwrap_or_default());
        first.unwrap_or_else(fresh)
    }

    fn body(&self, at: At) -> Option<&R> {
        match at {
            At::Layer(layer, n) => self.layers.get(layer)?.body(n),
            At::Fresh(n) => self.fresh.get_index(n).map(|(_, row)| row),
        }
    }

    /// A row that the disk does not give back is made again from the ledger, and with it all others.
    /// With neither there is no answer, and whoever asked ends here: a row that is half there, or
    /// left out, would be told as the whole.
    fn heal(&self, key: &str) -> &R {
        let made =
            || self.again.as_ref().context("nothing to make it from").and_then(|again| again());
        let healed =
            self.healed.get_or_init(|| Box::new(made().unwrap_or_else(|no| lost(key, &no))));
        healed.get(key).unwrap_or_else(|| lost(key, &anyhow!("the ledger no longer has it")))
    }

    /// All rows from this layer on as one.
    fn pack(&self, from: usize) -> Option<Saved> {
        let mut builder = Builder::with_room(self.room(from)?, self.spare.take());
        for (at, layer) in self.layers.iter().enumerate().skip(from) {
            // Rows of an upper layer that stand for one further down are written in its place.
            let between = self.layers.get(from..at).unwrap_or_default();
            let shown = |n: usize| !between.iter().any(|below| below.find(layer.key(n)).is_some());
            if between.is_empty() || (0..layer.len()).all(shown) {
                let hidden = self.hidden.get(at).map(Vec::as_slice).unwrap_or_default();
                builder.copy(layer, hidden, |n| Some((layer.key(n), self.get(layer.key(n))?)))?;
            } else {
                for n in (0..layer.len()).filter(|n| shown(*n)) {
                    let row = self.row(layer.key(n))?;
                    builder.add(row.key(), self.body(row.at)?)?;
                }
            }
        }
        for (key, row) in &self.fresh {
            let between = self.layers.get(from..).unwrap_or_default();
            if !between.iter().any(|layer| layer.find(key).is_some()) {
                builder.add(key, row)?;
            }
        }
        builder.finish()
    }

    /// About how many bytes all rows from this layer on take.
    fn room(&self, from: usize) -> Option<usize> {
        let layers = self.layers.get(from..).unwrap_or_default();
        let bytes: u64 = layers.iter().map(Layer::size).sum();
        let bytes = usize::try_from(bytes).ok()?;
        let rows: usize = layers.iter().map(Layer::len).sum();
        let each = bytes.checked_div(rows).unwrap_or(USUAL);
        bytes.checked_add(each.checked_mul(self.fresh.len())?)
    }

    /// Packed rows take a tenth of the memory of loose ones.
    fn pack_together(&mut self) {
        let Some(layer) = self.pack(0).and_then(Layer::open) else { return };
        self.hidden = vec![vec![false; layer.len()]];
        let old = std::mem::replace(&mut self.layers, vec![layer]);
        self.spare.set(old.into_iter().next().map(Layer::into_buffer).unwrap_or_default());
        self.fresh = IndexMap::new();
        self.saved = 0;
    }
}
