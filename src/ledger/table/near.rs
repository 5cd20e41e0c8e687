//! How far a key goes along with others: what tells it from all of them comes after that.

use super::layer::Layer;
use super::{Kept, Table};

impl<R: Kept> Table<R> {
    /// How many bytes of its start the key of a row has in common with another key, at most.
    pub fn shared(&self, key: &str) -> usize {
        // In their order those that are most alike stand side by side.
        let saved = self.layers.iter().flat_map(|layer| layer.beside(key));
        let fresh =
            self.fresh.keys().map(String::as_bytes).filter(|other| *other != key.as_bytes());
        saved.chain(fresh).map(|other| alike(key.as_bytes(), other)).max().unwrap_or(0)
    }
}

impl<R: Kept> Layer<R> {
    /// The keys that stand before and after this one, or would if it were here.
    fn beside(&self, key: &str) -> impl Iterator<Item = &[u8]> {
        let at = self.place(key);
        let is_here = self.placed(at).is_some_and(|there| there == key.as_bytes());
        let before = at.checked_sub(1).and_then(|at| self.placed(at));
        before.into_iter().chain(self.placed(at + usize::from(is_here)))
    }
}

fn alike(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}
