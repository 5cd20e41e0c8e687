//! One row of a table.

use super::layer::Layer;
use super::{Kept, Table};

/// Where a row is.
#[derive(Clone, Copy)]
pub(super) enum At {
    Layer(usize, usize),
    Fresh(usize),
}

/// One row, of which only as much is read as is asked for.
pub struct Row<'a, R: Kept> {
    pub(super) table: &'a Table<R>,
    pub(super) at: At,
    pub(super) key: &'a str,
    pub(super) mark: u8,
    /// Which of the live ones of its layer it is, where that is known.
    pub(super) live: Option<u32>,
}

impl<R: Kept> Clone for Row<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Kept> Copy for Row<'_, R> {}

impl<'a, R: Kept> Row<'a, R> {
    pub fn key(&self) -> &'a str {
        self.key
    }

    pub fn mark(&self) -> u8 {
        self.mark
    }

    pub fn face(&self) -> R::Face<'a> {
        self.saved_face().unwrap_or_else(|| self.whole().face())
    }

    /// The layer that it is in, and which row it is there.
    pub(super) fn place(&self) -> Option<(&'a Layer<R>, usize)> {
        match self.at {
            At::Layer(at, n) => Some((self.table.layers.get(at)?, n)),
            At::Fresh(_) => None,
        }
    }

    /// None of a row that is not looked at often.
    fn saved_face(&self) -> Option<R::Face<'a>> {
        let (layer, n) = self.place().filter(|_| self.mark < R::OFTEN)?;
        let live = match self.live {
            Some(live) => live,
            None => layer.as_live(n).ok()?,
        };
        R::read_face(layer.look(live).ok()?.face)
    }

    pub fn whole(&self) -> &'a R {
        let kept = match self.at {
            At::Layer(..) => self.place().and_then(|(layer, n)| layer.body(n)),
            At::Fresh(n) => self.table.fresh.get_index(n).map(|(_, row)| row),
        };
        kept.unwrap_or_else(|| self.table.heal(self.key))
    }

    /// The same for who goes through many: nothing of it is remembered.
    pub fn read(&self) -> R {
        let saved = self.place().and_then(|(layer, n)| layer.read_body(n));
        saved.unwrap_or_else(|| self.whole().clone())
    }

    /// Looks at its face, for who goes through many: nothing of it is remembered.
    pub fn look<T>(&self, look: impl FnOnce(&R::Face<'_>) -> T) -> T {
        match (self.saved_face(), self.at) {
            (Some(face), _) => look(&face),
            (None, At::Fresh(_)) => look(&self.whole().face()),
            (None, At::Layer(..)) => look(&self.read().face()),
        }
    }
}
