//! How the rows of a table are put together, in memory and to be saved, and how they are opened again.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::builder::{Builder, Instead};
use super::layer::Layer;
use super::row::At;
use super::{Kept, Table};
use crate::ledger::fold::{Fold, Loaded, Saving};
use crate::ledger::saved::Saved;

/// So many rows in memory, and this part of all, are worth packing together.
pub(super) const MANY: usize = 8192;
const GROWTH: usize = 16;
/// As many changed rows, or this part of all, are worth a new bottom layer.
const FEW: usize = 512;
const PART: usize = 8;
/// How many bytes a row may take, before one is known.
const USUAL: usize = 512;

impl<R: Kept> Table<R> {
    pub(super) fn make_room(&mut self) {
        let packed: usize = self.layers.iter().map(Layer::len).sum();
        if self.fresh.len() >= MANY.max(packed / GROWTH) {
            self.pack_together();
        }
    }

    /// What is to be saved: the whole as a new bottom layer, or what changed since the bottom layer was.
    pub fn save(&self) -> Option<Saving> {
        let bottom = self.layers.first().filter(|_| self.saved > 0).map(Layer::len);
        let changed = self.count().saturating_sub(bottom.unwrap_or(0))
            + self.hidden.first().map_or(0, BTreeMap::len);
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
            let (at, layer) = (made.layers.len(), Layer::open(saved)?);
            let over = (0..layer.len()).filter_map(|n| Some((layer.below(n)?, At::Layer(at, n))));
            if let Some(hidden) = made.hidden.last_mut() {
                hidden.extend(over);
            }
            made.hidden.push(BTreeMap::new());
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

    /// All rows from this layer on as one.
    fn pack(&self, from: usize) -> Option<Saved> {
        let mut builder = Builder::with_room(self.room(from)?, self.spare.take());
        let (mut moved, mut added) = (Vec::new(), Vec::new());
        for (at, layer) in self.layers.iter().enumerate().skip(from) {
            moved = builder.copy(layer, |n| match self.newest(At::Layer(at, n)) {
                // A row that stands for one further down was written in its place.
                _ if at > from && layer.below(n).is_some() => Instead::Nothing,
                At::Layer(above, _) if above == at => Instead::Itself,
                newest => self.at(newest).map_or(Instead::Nothing, Instead::Other),
            })?;
        }
        for (n, (key, row)) in self.fresh.iter().enumerate() {
            let stead = self.stead.get(n).copied().flatten();
            let is_new = stead.is_none_or(|(layer, _)| layer < from);
            added.push(if is_new { Some(builder.add(key, row)?) } else { None });
        }
        let below = from.checked_sub(1).and_then(|below| self.hidden.get(below));
        for (n, at) in below.into_iter().flatten() {
            let row = match at {
                At::Layer(_, upper) => moved.get(*upper),
                At::Fresh(n) => added.get(*n),
            };
            builder.stands_for(u32::try_from(*n).ok()?, (*row?)?)?;
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
    pub(super) fn pack_together(&mut self) {
        let Some(layer) = self.pack(0).and_then(Layer::open) else { return };
        self.hidden = vec![BTreeMap::new()];
        let old = std::mem::replace(&mut self.layers, vec![layer]);
        self.spare.set(old.into_iter().next().map(Layer::into_buffer).unwrap_or_default());
        (self.fresh, self.stead, self.near) = Default::default();
        self.saved = 0;
    }
}
