//! Makes the rows of a table what they are saved as, row by row.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::rc::Rc;

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use super::layer::{Directory, Layer, NONE, PLACES, ROWS, digest, row_bytes};
use super::pages::{Bounds, sum};
use super::{Kept, Row};
use crate::ledger::saved::{Back, Saved};

/// Texts are copied as a whole: what postcard has for buffers that grow takes them byte by byte.
struct Onto(Vec<u8>);

impl Flavor for Onto {
    type Output = Vec<u8>;

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

fn append(buffer: &mut Vec<u8>, value: &impl Serialize) -> Option<()> {
    let onto = Onto(std::mem::take(buffer));
    *buffer = postcard::serialize_with_flavor(value, onto).ok()?;
    Some(())
}

/// A row of which the body is written.
struct Written {
    key_end: usize,
    body_end: u64,
    sum: u32,
    mark: u8,
}

/// The face of a live row.
struct Live {
    row: u32,
    mark: u8,
    end: usize,
}

/// Makes what `Layer` opens, row by row in the order of creation.
pub(super) struct Builder<R> {
    rows: Vec<Written>,
    keys: Vec<u8>,
    live: Vec<Live>,
    faces: Vec<u8>,
    bodies: Vec<u8>,
    names: Vec<(String, u32)>,
    /// The rows, as far as it is known in the order of their keys: what is almost sorted is sorted soon.
    order: Vec<u32>,
    /// Per row the one further down that it stands for.
    below: Vec<u32>,
    kind: PhantomData<R>,
}

impl<R: Kept> Builder<R> {
    /// With room for bodies of so many bytes: a large buffer that grows is copied again and again.
    pub(super) fn with_room(bytes: usize, mut bodies: Vec<u8>) -> Self {
        bodies.clear();
        bodies.reserve(bytes);
        Self {
            rows: Vec::new(),
            keys: Vec::new(),
            live: Vec::new(),
            faces: Vec::new(),
            bodies,
            names: Vec::new(),
            order: Vec::new(),
            below: Vec::new(),
            kind: PhantomData,
        }
    }

    /// Says which row it is.
    pub(super) fn add(&mut self, key: &str, row: &R) -> Option<u32> {
        let n = u32::try_from(self.rows.len()).ok()?;
        self.names.extend(row.names().map(|name| (name.to_owned(), n)));
        let start = self.bodies.len();
        append(&mut self.bodies, row)?;
        if row.mark() < R::OFTEN {
            row.write_face(&mut self.faces)?;
        }
        let sum = sum(self.bodies.get(start..)?);
        self.order.push(n);
        self.end(key.as_bytes(), sum, row.mark())
    }

    /// Copies the rows of a layer in their order, but those that `instead` has another for; says which
    /// rows they are.
    pub(super) fn copy<'a>(
        &mut self,
        layer: &Layer<R>,
        mut instead: impl FnMut(usize) -> Instead<'a, R>,
    ) -> Option<Vec<Option<u32>>>
    where
        R: 'a,
    {
        let mut moved = Vec::with_capacity(layer.len());
        let known = self.order.len();
        let bodies = layer.stretch(0..layer.size())?;
        // What was never on a disk is what was put there.
        let is_ours = matches!(bodies, Cow::Borrowed(_));
        let (mut kept, mut live) = (vec![false; layer.len()], 0..);
        for (n, kept) in kept.iter_mut().enumerate() {
            let row = layer.entry(n).ok()?;
            let live = if row.mark < R::OFTEN { live.next() } else { None };
            moved.push(match instead(n) {
                Instead::Nothing => None,
                Instead::Other(row) => Some(self.add(row.key(), row.whole())?),
                Instead::Itself => {
                    let body = bodies.get(row.body.start as usize..row.body.end as usize)?;
                    if !is_ours && sum(body) != row.sum {
                        return None;
                    }
                    self.bodies.extend_from_slice(body);
                    if let Some(live) = live {
                        self.faces.extend_from_slice(layer.look(live).ok()?.face);
                    }
                    *kept = true;
                    Some(self.end(row.key, row.sum, row.mark)?)
                }
            });
        }
        self.order.truncate(known);
        for at in 0..layer.len() {
            let row = moved.get(layer.placed(at).ok()?.1)?;
            self.order.extend(row);
        }
        for at in 0..layer.names() {
            let (name, n) = layer.name(at).ok()?;
            if kept.get(n) == Some(&true) {
                let name = std::str::from_utf8(name).ok()?.to_owned();
                self.names.push((name, (*moved.get(n)?)?));
            }
        }
        Some(moved)
    }

    /// The row whose face and body were written last.
    fn end(&mut self, key: &[u8], sum: u32, mark: u8) -> Option<u32> {
        let row = u32::try_from(self.rows.len()).ok()?;
        self.keys.extend_from_slice(key);
        if mark < R::OFTEN {
            self.live.push(Live { row, mark, end: self.faces.len() });
        }
        let (key_end, body_end) = (self.keys.len(), self.bodies.len() as u64);
        self.rows.push(Written { key_end, body_end, sum, mark });
        Some(row)
    }

    /// Says for which row further down one stands.
    pub(super) fn stands_for(&mut self, below: u32, row: u32) -> Option<()> {
        self.below.resize(self.rows.len(), NONE);
        *self.below.get_mut(row as usize)? = below;
        Some(())
    }

    pub(super) fn finish(mut self) -> Option<Saved> {
        let mut start = 0;
        let keys: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| {
                self.keys.get(std::mem::replace(&mut start, row.key_end)..row.key_end)
            })
            .collect();
        let common = common(&keys);
        let keyed = |n: u32| keys.get(n as usize).map(|key| (digest(key, common), *key, n));
        let mut order: Vec<_> = self.order.iter().copied().filter_map(keyed).collect();
        order.sort();
        let order: Vec<_> = order.into_iter().map(|(digest, _, n)| (digest, n)).collect();
        self.names.sort_unstable();
        let mut to = std::mem::take(&mut self.bodies);
        let bodies = to.len() as u64;
        let directory = Directory {
            rows: u32::try_from(self.rows.len()).ok()?,
            names: u32::try_from(self.names.len()).ok()?,
            live: u32::try_from(self.live.len()).ok()?,
            common: u32::try_from(common).ok()?,
            bodies,
            row_pages: self.write_rows(&mut to)?,
            order_pages: pages(&mut to, &order, PLACES, |to, page| {
                for (digest, n) in page {
                    to.extend(digest.to_le_bytes().into_iter().chain(n.to_le_bytes()));
                }
                Some(())
            })?,
            name_pages: pages(&mut to, &self.names, ROWS, write_names)?,
            face_pages: self.write_faces(&keys, &mut to)?,
            below: self.below,
        };
        let front = Rc::new(postcard::to_allocvec(&directory).ok()?);
        Some(Saved { front, back: Back::Memory(to) })
    }

    fn write_rows(&self, to: &mut Vec<u8>) -> Option<Bounds> {
        let (mut key_start, mut body_start, mut live) = (0, 0u64, 0u32);
        pages(to, &self.rows, ROWS, |to, page| {
            to.extend(body_start.to_le_bytes().into_iter().chain(live.to_le_bytes()));
            let last = page.last()?;
            for row in page {
                let key_end = u32::try_from(row.key_end - key_start).ok()?;
                to.extend(row_bytes(key_end, row.sum, row.body_end, row.mark));
                live += u32::from(row.mark < R::OFTEN);
            }
            to.extend_from_slice(self.keys.get(key_start..last.key_end)?);
            (key_start, body_start) = (last.key_end, last.body_end);
            Some(())
        })
    }

    fn write_faces(&self, keys: &[&[u8]], to: &mut Vec<u8>) -> Option<Bounds> {
        let mut start = 0;
        pages(to, &self.live, ROWS, |to, page| {
            let mut texts = Vec::new();
            for live in page {
                texts.push(live.mark);
                texts.extend_from_slice(keys.get(live.row as usize)?);
                let key_end = u32::try_from(texts.len()).ok()?;
                let face = std::mem::replace(&mut start, live.end)..live.end;
                texts.extend_from_slice(self.faces.get(face)?);
                let end = u32::try_from(texts.len()).ok()?;
                to.extend([live.row, key_end, end].into_iter().flat_map(u32::to_le_bytes));
            }
            to.extend(texts);
            Some(())
        })
    }
}

/// What is written where a row stood.
pub(super) enum Instead<'a, R: Kept> {
    Itself,
    Other(Row<'a, R>),
    Nothing,
}

/// Writes pages of so many each.
fn pages<T>(
    to: &mut Vec<u8>,
    all: &[T],
    each: usize,
    mut write: impl FnMut(&mut Vec<u8>, &[T]) -> Option<()>,
) -> Option<Bounds> {
    let mut bounds = Bounds::default();
    for page in all.chunks(each) {
        let start = to.len();
        write(to, page)?;
        bounds.push(to, start);
    }
    Some(bounds)
}

fn write_names(to: &mut Vec<u8>, page: &[(String, u32)]) -> Option<()> {
    let mut end = 0;
    for (name, row) in page {
        end += u32::try_from(name.len()).ok()?;
        to.extend([end, *row].into_iter().flat_map(u32::to_le_bytes));
    }
    for (name, _) in page {
        to.extend_from_slice(name.as_bytes());
    }
    Some(())
}

/// How many bytes all keys begin with alike.
fn common(keys: &[&[u8]]) -> usize {
    let Some((first, rest)) = keys.split_first() else { return 0 };
    let alike =
        |key: &&[u8]| first.iter().zip(*key).take_while(|(one, other)| one == other).count();
    rest.iter().map(alike).min().unwrap_or(0)
}
