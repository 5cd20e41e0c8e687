//! How far a key goes along with others: what tells it from all of them comes after that.

use std::ops::Bound::{Excluded, Unbounded};

use super::layer::Layer;
use super::pages::Sound;
use super::{Kept, Table};

impl<R: Kept> Table<R> {
    /// How many bytes of its start the key of a row has in common with another key, at most.
    pub fn shared(&self, key: &str) -> usize {
        let key = key.as_bytes();
        self.sound(|table| {
            let mut most = table.shared_in_memory(key);
            // In their order those that are most alike stand side by side.
            for layer in &table.layers {
                most = most.max(layer.shared(key)?);
            }
            Ok(most)
        })
    }
}

impl<R: Kept> Table<R> {
    /// The same among the rows in memory, which are put in order when somebody asks.
    fn shared_in_memory(&self, key: &[u8]) -> usize {
        let mut near = self.near.borrow_mut();
        for n in near.len()..self.fresh.len() {
            near.extend(self.fresh.get_index(n).map(|(key, _)| key.clone().into_bytes()));
        }
        let before = near.range::<[u8], _>((Unbounded, Excluded(key))).next_back();
        let after = near.range::<[u8], _>((Excluded(key), Unbounded)).next();
        before.into_iter().chain(after).map(|other| alike(key, other)).max().unwrap_or(0)
    }
}

impl<R: Kept> Layer<R> {
    /// The same among the keys of a layer.
    fn shared(&self, key: &[u8]) -> Sound<usize> {
        let at = self.place(key)?;
        let mut most = 0;
        // Before and after it, and after where it stands itself.
        for near in at.saturating_sub(1)..self.len().min(at + 2) {
            let other = self.key(self.placed(near)?.1)?;
            most = most.max(if other == key { 0 } else { alike(key, other) });
        }
        Ok(most)
    }
}

fn alike(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}
