//! The bodies of many rows, those that lie together read at once.

use anyhow::Result;
use serde::Deserialize;

use super::{At, Kept, Row, Table};

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

impl<R: Kept> Table<R> {
    /// Hands over the bodies of these rows, which stand as `rows` gives them. None is remembered.
    pub fn bodies<'a>(&'a self, rows: &[Row<'a, R>], hear: Hear<'_, 'a, R>) -> Result<()> {
        let mut rest = rows;
        while let Some((row, behind)) = rest.split_first() {
            let At::Layer(at, first) = row.at else {
                hear(*row, Body::Fresh(row.whole()))?;
                rest = behind;
                continue;
            };
            let Some(layer) = self.layers.get(at) else { break };
            let (mut count, mut last) = (1, first);
            for next in behind {
                let At::Layer(other, n) = next.at else { break };
                let near = other == at
                    && n > last
                    && layer.bytes_between(last + 1, n) <= GAP
                    && layer.bytes_between(first, n + 1) <= STRETCH;
                if !near {
                    break;
                }
                (count, last) = (count + 1, n);
            }
            let (together, behind) = rest.split_at(count);
            let stretch = layer.stretch(first..last + 1);
            for row in together {
                let At::Layer(_, n) = row.at else { continue };
                let body = stretch.as_ref().and_then(|stretch| layer.body_in(stretch, first, n));
                hear(*row, body.map_or(Body::Damaged, Body::Saved))?;
            }
            rest = behind;
        }
        Ok(())
    }
}
