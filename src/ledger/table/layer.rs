//! The rows of a table as they are saved: what is looked at in many of them stands together at the
//! front and is read at once, the rest stays on the disk until one row is asked for.
//!
//! Front: five lengths, then per row where its texts end and how to check its body; the rows in the
//! order of their keys; who names whom, in the order of the names; the texts themselves; the faces.
//! Back: the bodies. Numbers are little-endian.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

use super::Kept;
use crate::ledger::saved::{Back, Saved};
use crate::ledger::seal::seal;

pub(super) const LENGTHS: usize = 20;
pub(super) const ROW: usize = 24;
pub(super) const ORDER: usize = 12;
pub(super) const NAME: usize = 12;
const PIECE: usize = 256;

type Bodies<R> = Vec<OnceCell<Box<R>>>;

fn cells<T>(count: usize) -> Vec<OnceCell<T>> {
    std::iter::repeat_with(OnceCell::new).take(count).collect()
}

pub(super) struct Layer<R> {
    pub(super) front: Rc<Vec<u8>>,
    pub(super) back: Back,
    rows: Range<usize>,
    pub(super) order: Range<usize>,
    pub(super) names: Range<usize>,
    texts: Range<usize>,
    pub(super) faces: Range<usize>,
    /// What all keys begin with.
    common: usize,
    /// Those that were read, in pieces: most are never asked for.
    bodies: Vec<OnceCell<Bodies<R>>>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Row {
    pub(super) key_end: u32,
    pub(super) face_end: u32,
    pub(super) body_end: u64,
    pub(super) sum: u32,
    pub(super) mark: u32,
}

impl Row {
    fn read(bytes: &[u8; ROW]) -> Self {
        let [a, b, c, d, e, f] = words(bytes);
        let body_end = u64::from(c) | (u64::from(d) << 32);
        Self { key_end: a, face_end: b, body_end, sum: e, mark: f }
    }

    pub(super) fn bytes(self) -> [u8; ROW] {
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
            bodies: cells(rows.div_ceil(PIECE)),
            front,
            back,
        };
        (layer.faces.end == layer.front.len()).then_some(layer)
    }

    /// What held its bodies, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        match self.back {
            Back::Memory(bytes) => bytes,
            Back::Disk { .. } => Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len() / ROW
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
        let from = if self.common > start.len() { 0 } else { self.place(start) };
        let rows = order.get(from..).unwrap_or_default().iter().map(|entry| entry_of(entry).1);
        rows.take_while(move |n| self.key_bytes(*n).starts_with(start.as_bytes()))
    }

    /// Where in the order of the keys the first one stands that is not before `key`.
    pub(super) fn place(&self, key: &str) -> usize {
        let digest = digest(key.as_bytes(), self.common);
        self.chunks::<ORDER>(&self.order).partition_point(|entry| {
            let (there, n) = entry_of(entry);
            // Texts are compared where their digests leave it open.
            there < digest || (there == digest && self.key_bytes(n) < key.as_bytes())
        })
    }

    /// The key at a place in that order.
    pub(super) fn placed(&self, at: usize) -> Option<&[u8]> {
        let entry = self.chunks::<ORDER>(&self.order).get(at)?;
        Some(self.key_bytes(entry_of(entry).1))
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
        let piece = self.bodies.get(n / PIECE)?.get_or_init(|| cells(PIECE));
        let cell = piece.get(n % PIECE)?;
        if let Some(body) = cell.get() {
            return Some(body);
        }
        let body = self.read_body(n)?;
        Some(cell.get_or_init(|| Box::new(body)))
    }

    /// The same for who keeps it: it is not remembered here.
    pub(super) fn read_body(&self, n: usize) -> Option<R> {
        let known = self.bodies.get(n / PIECE)?.get().and_then(|piece| piece.get(n % PIECE)?.get());
        if let Some(body) = known {
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

    pub(super) fn body_start(&self, n: usize) -> u64 {
        n.checked_sub(1).map_or(0, |before| self.row(before).body_end)
    }

    pub(super) fn row(&self, n: usize) -> Row {
        self.chunks::<ROW>(&self.rows).get(n).map(Row::read).unwrap_or_default()
    }

    pub(super) fn key_bytes(&self, n: usize) -> &[u8] {
        let rows = self.chunks::<ROW>(&self.rows);
        let end = |n: usize| rows.get(n)?.first_chunk().map(|word| u32::from_le_bytes(*word));
        let start = n.checked_sub(1).and_then(end).unwrap_or(0);
        self.text(start, end(n).unwrap_or(start))
    }

    pub(super) fn name(&self, entry: &[u8; NAME]) -> (&[u8], usize) {
        let [start, end, row] = words(entry);
        (self.text(start, end), row as usize)
    }

    fn text(&self, start: u32, end: u32) -> &[u8] {
        let texts = self.front.get(self.texts.clone()).unwrap_or_default();
        texts.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(super) fn chunks<const N: usize>(&self, range: &Range<usize>) -> &[[u8; N]] {
        self.front.get(range.clone()).unwrap_or_default().as_chunks::<N>().0
    }
}

#[inline]
pub(super) fn entry_of(entry: &[u8; ORDER]) -> (u64, usize) {
    let [a, b, c, d, e, f, g, h, row @ ..] = *entry;
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes(row) as usize)
}

/// Eight letters after what all keys have in common, so that most comparisons need no text. It keeps
/// the order of texts.
pub(super) fn digest(key: &[u8], common: usize) -> u64 {
    let mut letters = [0; 8];
    let rest = key.get(common..).unwrap_or_default();
    letters.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(letters)
}

pub(super) fn sum(body: &[u8]) -> u32 {
    (seal(body) >> 32) as u32
}
