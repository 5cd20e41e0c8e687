//! Makes the rows of a table what they are saved as, row by row.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::rc::Rc;

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use super::Kept;
use super::layer::{LENGTHS, Layer, NAME, ORDER, ROW, Row, digest, entry_of, sum};
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

/// Makes what `Layer` opens, row by row in the order of creation.
pub(super) struct Builder<R> {
    rows: Vec<Row>,
    keys: Vec<u8>,
    faces: Vec<u8>,
    bodies: Vec<u8>,
    names: Vec<(String, u32)>,
    /// The rows, as far as it is known in the order of their keys: what is almost sorted is sorted soon.
    order: Vec<u32>,
    kind: PhantomData<R>,
}

impl<R: Kept> Builder<R> {
    /// With room for bodies of so many bytes: a large buffer that grows is copied again and again.
    pub(super) fn with_room(bytes: usize, mut bodies: Vec<u8>) -> Self {
        let (rows, keys, faces, names, order) = Default::default();
        bodies.clear();
        bodies.reserve(bytes);
        Self { rows, keys, faces, bodies, names, order, kind: PhantomData }
    }

    pub(super) fn add(&mut self, key: &str, row: &R) -> Option<()> {
        let n = u32::try_from(self.rows.len()).ok()?;
        self.names.extend(row.names().map(|name| (name.to_owned(), n)));
        let start = self.bodies.len();
        append(&mut self.bodies, row)?;
        if row.mark() == 0 {
            append(&mut self.faces, &row.face())?;
        }
        let sum = sum(self.bodies.get(start..)?);
        self.end(key.as_bytes(), sum, row.mark())
    }

    /// Copies all rows of a layer but those that `instead` has another for, in their order.
    pub(super) fn copy<'a>(
        &mut self,
        layer: &Layer<R>,
        skipped: &[bool],
        mut instead: impl FnMut(usize) -> Option<(&'a str, &'a R)>,
    ) -> Option<()>
    where
        R: 'a,
    {
        let first = u32::try_from(self.rows.len()).ok()?;
        let bodies = layer.back.read(0..layer.size())?;
        // What was never on a disk is what was put there.
        let is_ours = matches!(bodies, Cow::Borrowed(_));
        let faces = layer.front.get(layer.faces.clone())?;
        let mut face_start = 0;
        for n in 0..layer.len() {
            let row = layer.row(n);
            let face = face_start..row.face_end as usize;
            face_start = face.end;
            if skipped.get(n) == Some(&true) {
                let (key, row) = instead(n)?;
                self.add(key, row)?;
                continue;
            }
            let start = usize::try_from(layer.body_start(n)).ok()?;
            let body = bodies.get(start..usize::try_from(row.body_end).ok()?)?;
            if !is_ours && sum(body) != row.sum {
                return None;
            }
            self.bodies.extend_from_slice(body);
            self.faces.extend_from_slice(faces.get(face)?);
            self.end(layer.key_bytes(n), row.sum, row.mark)?;
        }
        self.order.truncate(self.rows.len() - layer.len());
        for entry in layer.chunks::<ORDER>(&layer.order) {
            self.order.push(first + u32::try_from(entry_of(entry).1).ok()?);
        }
        for entry in layer.chunks::<NAME>(&layer.names) {
            let (name, n) = layer.name(entry);
            if skipped.get(n) != Some(&true) {
                let name = std::str::from_utf8(name).ok()?.to_owned();
                self.names.push((name, first + u32::try_from(n).ok()?));
            }
        }
        Some(())
    }

    /// The row whose face and body were written last.
    fn end(&mut self, key: &[u8], sum: u32, mark: u32) -> Option<()> {
        self.keys.extend_from_slice(key);
        self.order.push(u32::try_from(self.rows.len()).ok()?);
        self.rows.push(Row {
            key_end: u32::try_from(self.keys.len()).ok()?,
            face_end: u32::try_from(self.faces.len()).ok()?,
            body_end: self.bodies.len() as u64,
            sum,
            mark,
        });
        Some(())
    }

    pub(super) fn finish(mut self) -> Option<Saved> {
        let mut start = 0;
        let keys: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| {
                self.keys
                    .get(std::mem::replace(&mut start, row.key_end as usize)..row.key_end as usize)
            })
            .collect();
        let common = common(&keys);
        let keyed = |n: u32| keys.get(n as usize).map(|key| (digest(key, common), *key, n));
        let mut order: Vec<_> = self.order.into_iter().filter_map(keyed).collect();
        order.sort();
        let order: Vec<_> = order.into_iter().map(|(digest, _, n)| (digest, n)).collect();
        self.names.sort_unstable();
        let mut texts = self.keys;
        let mut names = Vec::with_capacity(self.names.len() * NAME);
        let mut last: Option<(String, [u32; 2])> = None;
        for (name, row) in self.names {
            let place = match &last {
                Some((known, place)) if *known == name => *place,
                _ => {
                    let start = u32::try_from(texts.len()).ok()?;
                    texts.extend_from_slice(name.as_bytes());
                    let place = [start, u32::try_from(texts.len()).ok()?];
                    last = Some((name, place));
                    place
                }
            };
            names.extend(place.into_iter().chain([row]).flat_map(u32::to_le_bytes));
        }
        let lengths = [self.rows.len(), names.len() / NAME, texts.len(), self.faces.len(), common];
        let per_row = ROW + ORDER;
        let room = self.rows.len() * per_row + names.len() + texts.len() + self.faces.len();
        let mut front = Vec::with_capacity(LENGTHS + room);
        for length in lengths {
            front.extend(u32::try_from(length).ok()?.to_le_bytes());
        }
        front.extend(self.rows.iter().flat_map(|row| row.bytes()));
        for (digest, n) in order {
            front.extend(digest.to_le_bytes());
            front.extend(n.to_le_bytes());
        }
        front.extend(names);
        front.extend(texts);
        front.extend(self.faces);
        Some(Saved { front: Rc::new(front), back: Back::Memory(self.bodies) })
    }
}

/// How many bytes all keys begin with alike.
fn common(keys: &[&[u8]]) -> usize {
    let Some((first, rest)) = keys.split_first() else { return 0 };
    let alike =
        |key: &&[u8]| first.iter().zip(*key).take_while(|(one, other)| one == other).count();
    rest.iter().map(alike).min().unwrap_or(0)
}
