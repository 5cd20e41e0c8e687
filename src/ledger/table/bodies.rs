//! The bodies of many rows, those that lie together read at once.

use anyhow::Result;
use serde::Deserialize;

use super::layer::{Entry, Layer};
use super::pages::sum;
use super::{Kept, Row, Table};

/// About how many bytes are read at once: so few that the same memory serves for the next.
const STRETCH: u64 = 96 << 10;
/// So many bytes that nobody asks for are sooner read than passed over.
const GAP: u64 = 8 << 10;

/// A body as it lies there.
pub enum Body<'b, R> {
    Saved(&'b [u8]),
    Fresh(&'b R),
    /// The disk does not give back what was put there.
    Damaged,
}

impl<R: Kept> Body<'_, R> {
    /// The bytes of it, in which each text stands as it is.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Saved(bytes) => Some(bytes),
            Self::Fresh(_) | Self::Damaged => None,
        }
    }

    /// The first fields of it, which stand as they are; none where the row has to be asked itself.
    pub fn begin<'s, T: Deserialize<'s>>(&'s self) -> Option<T> {
        postcard::from_bytes(self.bytes()?).ok()
    }

    /// None where the row has to be asked itself.
    pub fn read(&self) -> Option<R> {
        match self {
            Self::Saved(bytes) => postcard::from_bytes(bytes).ok(),
            Self::Fresh(row) => Some(R::clone(row)),
            Self::Damaged => None,
        }
    }
}

/// Hears of each row and its body.
pub type Hear<'h, 'a, R> = &'h mut dyn FnMut(Row<'a, R>, Body<'_, R>) -> Result<()>;

impl<'a, R: Kept> Row<'a, R> {
    /// The layer that it is in, and what that has of it without its body.
    fn saved(&self) -> Option<(&'a Layer<R>, Entry<'a>)> {
        let (layer, n) = self.place()?;
        Some((layer, layer.entry(n).ok()?))
    }
}

impl Entry<'_> {
    /// Its body in a stretch that begins at `start`; none if it is not what was put there.
    fn body_in<'s>(&self, stretch: &'s [u8], start: u64) -> Option<&'s [u8]> {
        let [from, to] = [self.body.start, self.body.end].map(|at| at.checked_sub(start));
        let body = stretch.get(usize::try_from(from?).ok()?..usize::try_from(to?).ok()?)?;
        (sum(body) == self.sum).then_some(body)
    }
}

impl<R: Kept> Table<R> {
    /// Hands over the bodies of these rows, which stand as `rows` gives them. None is remembered.
    pub fn bodies<'a>(&'a self, rows: &[Row<'a, R>], hear: Hear<'_, 'a, R>) -> Result<()> {
        let mut rest = rows;
        while let Some((row, behind)) = rest.split_first() {
            let Some((layer, first)) = row.saved() else {
                hear(*row, Body::Fresh(row.whole()))?;
                rest = behind;
                continue;
            };
            let (start, mut end, mut together) = (first.body.start, first.body.end, vec![first]);
            for next in behind {
                let Some((other, body)) = next.saved() else { break };
                let near = std::ptr::eq(other, layer)
                    && body.body.start >= end
                    && body.body.start - end <= GAP
                    && body.body.end - start <= STRETCH;
                if !near {
                    break;
                }
                end = body.body.end;
                together.push(body);
            }
            let (rows, behind) = rest.split_at(together.len());
            let stretch = layer.stretch(start..end);
            for (row, entry) in rows.iter().zip(together) {
                let body = stretch.as_ref().and_then(|stretch| entry.body_in(stretch, start));
                hear(*row, body.map_or(Body::Damaged, Body::Saved))?;
            }
            rest = behind;
        }
        Ok(())
    }
}
