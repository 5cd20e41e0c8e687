//! The rows of a table as they are saved: what is looked at in many of them stands together at the
//! front and is read at once, the rest stays on the disk until one row is asked for.
//!
//! Front: four lengths, then per row where its texts end and how to check its body; the rows in the
//! order of their keys; who names whom, in the order of the names; the texts themselves; the faces.
//! Back: the bodies. Numbers are little-endian.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::marker::PhantomData;
use std::ops::Range;

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use super::Kept;
use crate::ledger::saved::{Back, Saved};
use crate::ledger::seal::seal;

const LENGTHS: usize = 20;
const ROW: usize = 24;
const ORDER: usize = 12;
const NAME: usize = 12;

pub(super) struct Layer<R> {
    front: Vec<u8>,
    back: Back,
    rows: Range<usize>,
    order: Range<usize>,
    names: Range<usize>,
    texts: Range<usize>,
    faces: Range<usize>,
    /// What all keys begin with.
    common: usize,
    bodies: Vec<OnceCell<Box<R>>>,
}

#[derive(Clone, Copy, Default)]
struct Row {
    key_end: u32,
    face_end: u32,
    body_end: u64,
    sum: u32,
    mark: u32,
}

impl Row {
    fn read(bytes: &[u8; ROW]) -> Self {
        let [a, b, c, d, e, f] = words(bytes);
        let body_end = u64::from(c) | (u64::from(d) << 32);
        Self { key_end: a, face_end: b, body_end, sum: e, mark: f }
    }

    fn bytes(self) -> [u8; ROW] {
        let [low, high] = [self.body_end as u32, (self.body_end >> 32) as u32];
        let mut bytes = [0; ROW];
        let words = [self.key_end, self.face_end, low, high, self.sum, self.mark];
        for (to, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        bytes
    }
}

/// The little-endian words of some bytes.
#[inline]
fn words<const N: usize, const W: usize>(bytes: &[u8; N]) -> [u32; W] {
    let words = bytes.as_chunks::<4>().0;
    std::array::from_fn(|n| words.get(n).map_or(0, |word| u32::from_le_bytes(*word)))
}

impl<R: Kept> Layer<R> {
    /// Takes apart what was saved; none if it is not what `Builder` makes.
    pub(super) fn open(saved: Saved) -> Option<Self> {
        let Saved { front, back } = saved;
        let lengths: [u32; 5] = words(front.first_chunk::<LENGTHS>()?);
        let [rows, names, texts, faces, common] = lengths.map(|length| length as usize);
        let mut at = LENGTHS;
        let mut next = |length: usize| {
            let range = at..at + length;
            at = range.end;
            range
        };
        let layer = Self {
            rows: next(rows * ROW),
            order: next(rows * ORDER),
            names: next(names * NAME),
            texts: next(texts),
            faces: next(faces),
            common,
            bodies: std::iter::repeat_with(OnceCell::new).take(rows).collect(),
            front,
            back,
        };
        (layer.faces.end == layer.front.len()).then_some(layer)
    }

    pub(super) fn len(&self) -> usize {
        self.bodies.len()
    }

    /// How many bytes its bodies have.
    pub(super) fn size(&self) -> u64 {
        self.len().checked_sub(1).map_or(0, |last| self.row(last).body_end)
    }

    /// Read without the rest of its row: whoever looks for one in many asks them all.
    pub(super) fn mark(&self, n: usize) -> u32 {
        let row = self.chunks::<ROW>(&self.rows).get(n).and_then(|row| row.last_chunk());
        row.map_or(0, |word| u32::from_le_bytes(*word))
    }

    pub(super) fn key(&self, n: usize) -> &str {
        std::str::from_utf8(self.key_bytes(n)).unwrap_or_default()
    }

    /// The row of a key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        self.starting(key).next().filter(|n| self.key_bytes(*n) == key.as_bytes())
    }

    /// The rows whose keys start so, in the order of their keys.
    pub(super) fn starting<'a>(&'a self, start: &'a str) -> impl Iterator<Item = usize> + 'a {
        let order = self.chunks::<ORDER>(&self.order);
        let digest = digest(start.as_bytes(), self.common);
        let from = order.partition_point(|entry| {
            let (there, n) = entry_of(entry);
            // Texts are compared where their digests leave it open.
            there < digest || (there == digest && self.key_bytes(n) < start.as_bytes())
        });
        let from = if self.common > start.len() { 0 } else { from };
        let rows = order.get(from..).unwrap_or_default().iter().map(|entry| entry_of(entry).1);
        rows.take_while(move |n| self.key_bytes(*n).starts_with(start.as_bytes()))
    }

    /// The rows that name this subject.
    pub(super) fn naming<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        let names = self.chunks::<NAME>(&self.names);
        let from = names.partition_point(|entry| self.name(entry).0 < name.as_bytes());
        let names = names.get(from..).unwrap_or_default().iter().map(|entry| self.name(entry));
        names.take_while(move |(there, _)| *there == name.as_bytes()).map(|(_, n)| n)
    }

    /// What is looked at in many; none of a settled row.
    pub(super) fn face(&self, n: usize) -> Option<R::Face<'_>> {
        let row = self.row(n);
        if row.mark != 0 {
            return None;
        }
        let start = n.checked_sub(1).map_or(0, |before| self.row(before).face_end) as usize;
        let faces = self.front.get(self.faces.clone())?;
        postcard::from_bytes(faces.get(start..row.face_end as usize)?).ok()
    }

    /// The whole row; none if the disk does not give back what was put there.
    pub(super) fn body(&self, n: usize) -> Option<&R> {
        let cell = self.bodies.get(n)?;
        if let Some(body) = cell.get() {
            return Some(body);
        }
        let body = self.read_body(n)?;
        Some(cell.get_or_init(|| Box::new(body)))
    }

    /// The same for who keeps it: it is not remembered here.
    pub(super) fn read_body(&self, n: usize) -> Option<R> {
        if let Some(body) = self.bodies.get(n)?.get() {
            return Some(R::clone(body));
        }
        let (start, row) = (self.body_start(n), self.row(n));
        let bytes = self.back.read(start..row.body_end).filter(|bytes| sum(bytes) == row.sum);
        postcard::from_bytes(&bytes?).ok()
    }

    /// The bodies of rows that follow each other, as one.
    pub(super) fn stretch(&self, rows: Range<usize>) -> Option<Cow<'_, [u8]>> {
        self.back.read(self.body_start(rows.start)..self.body_start(rows.end))
    }

    /// One body of a stretch that begins with the one of `first`; none if it is not what was put there.
    pub(super) fn body_in<'s>(
        &self,
        stretch: &'s [u8],
        first: usize,
        n: usize,
    ) -> Option<&'s [u8]> {
        let from = usize::try_from(self.bytes_between(first, n)).ok()?;
        let to = usize::try_from(self.bytes_between(first, n + 1)).ok()?;
        stretch.get(from..to).filter(|body| sum(body) == self.row(n).sum)
    }

    /// How many bytes the bodies from one row up to another take.
    pub(super) fn bytes_between(&self, from: usize, to: usize) -> u64 {
        self.body_start(to).saturating_sub(self.body_start(from))
    }

    fn body_start(&self, n: usize) -> u64 {
        n.checked_sub(1).map_or(0, |before| self.row(before).body_end)
    }

    fn row(&self, n: usize) -> Row {
        self.chunks::<ROW>(&self.rows).get(n).map(Row::read).unwrap_or_default()
    }

    fn key_bytes(&self, n: usize) -> &[u8] {
        let rows = self.chunks::<ROW>(&self.rows);
        let end = |n: usize| rows.get(n)?.first_chunk().map(|word| u32::from_le_bytes(*word));
        let start = n.checked_sub(1).and_then(end).unwrap_or(0);
        self.text(start, end(n).unwrap_or(start))
    }

    fn name(&self, entry: &[u8; NAME]) -> (&[u8], usize) {
        let [start, end, row] = words(entry);
        (self.text(start, end), row as usize)
    }

    fn text(&self, start: u32, end: u32) -> &[u8] {
        let texts = self.front.get(self.texts.clone()).unwrap_or_default();
        texts.get(start as usize..end as usize).unwrap_or_default()
    }

    fn chunks<const N: usize>(&self, range: &Range<usize>) -> &[[u8; N]] {
        self.front.get(range.clone()).unwrap_or_default().as_chunks::<N>().0
    }
}

#[inline]
fn entry_of(entry: &[u8; ORDER]) -> (u64, usize) {
    let [a, b, c, d, e, f, g, h, row @ ..] = *entry;
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes(row) as usize)
}

/// Eight letters after what all keys have in common, so that most comparisons need no text. It keeps
/// the order of texts.
fn digest(key: &[u8], common: usize) -> u64 {
    let mut letters = [0; 8];
    let rest = key.get(common..).unwrap_or_default();
    letters.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(letters)
}

fn sum(body: &[u8]) -> u32 {
    (seal(body) >> 32) as u32
}

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
    pub(super) fn with_room(bytes: usize) -> Self {
        let (rows, keys, faces, names, order) = Default::default();
        let bodies = Vec::with_capacity(bytes);
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
        Some(Saved { front, back: Back::Memory(self.bodies) })
    }
}

/// How many bytes all keys begin with alike.
fn common(keys: &[&[u8]]) -> usize {
    let Some((first, rest)) = keys.split_first() else { return 0 };
    let alike =
        |key: &&[u8]| first.iter().zip(*key).take_while(|(one, other)| one == other).count();
    rest.iter().map(alike).min().unwrap_or(0)
}
