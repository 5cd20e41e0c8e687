//! The rows of a table as they are saved.
//!
//! Front: a directory of all that follows. Back: the bodies, one after the other; then four kinds of
//! pages. Rows as they came to be, each with its key and where its body is; their order by key; who names
//! whom, in the order of the names; and of the rows that are looked at often their keys and faces, so that
//! whoever looks at these alone reads nothing else. Numbers are little-endian.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Kept;
use super::pages::{Bounds, Damaged, Pages, Sound, sum};
use crate::ledger::saved::{Back, Saved};

/// How many rows, and names, and faces, stand on a page.
pub(super) const ROWS: usize = 256;
/// How many places in the order of the keys do.
pub(super) const PLACES: usize = 1024;

pub(super) const ROW: usize = 16;
pub(super) const PLACE: usize = 12;
pub(super) const NAME: usize = 8;
pub(super) const FACE: usize = 12;
/// In front of the rows of a page: where the body of the first begins, and which live row the first is.
pub(super) const HEAD: usize = 12;

/// That a row stands for none further down.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Directory {
    pub(super) rows: u32,
    pub(super) names: u32,
    pub(super) live: u32,
    /// What all keys begin with.
    pub(super) common: u32,
    pub(super) bodies: u64,
    pub(super) row_pages: Bounds,
    pub(super) order_pages: Bounds,
    pub(super) name_pages: Bounds,
    pub(super) face_pages: Bounds,
    /// Per row the one further down that it stands for; empty where nothing is further down.
    pub(super) below: Vec<u32>,
}

type Bodies<R> = Vec<OnceCell<Box<R>>>;

fn cells<T>(count: usize) -> Vec<OnceCell<T>> {
    std::iter::repeat_with(OnceCell::new).take(count).collect()
}

pub(super) struct Layer<R> {
    pub(super) back: Back,
    directory: Directory,
    rows: Pages,
    order: Pages,
    names: Pages,
    faces: Pages,
    /// Those that were read, in pieces: most are never asked for.
    bodies: Vec<OnceCell<Bodies<R>>>,
}

/// What a row is without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'p> {
    pub(super) key: &'p [u8],
    pub(super) body: Range<u64>,
    pub(super) sum: u32,
    pub(super) mark: u8,
}

/// A row that is passed by.
pub(super) struct Swept<'p> {
    pub(super) n: usize,
    pub(super) key: &'p [u8],
    pub(super) mark: u8,
    pub(super) live: Option<u32>,
}

/// A live one.
pub(super) struct Looked<'p> {
    pub(super) n: usize,
    pub(super) key: &'p [u8],
    pub(super) mark: u8,
    pub(super) face: &'p [u8],
}

/// A page of rows, taken apart.
struct RowPage<'p> {
    start: u64,
    live: u32,
    entries: &'p [[u8; ROW]],
    keys: &'p [u8],
}

/// The little-endian words of some bytes.
#[inline]
fn words<const N: usize, const W: usize>(bytes: &[u8; N]) -> [u32; W] {
    let words = bytes.as_chunks::<4>().0;
    std::array::from_fn(|n| words.get(n).map_or(0, |word| u32::from_le_bytes(*word)))
}

/// Where a text ends, how to check a body, and where that ends, its mark in the highest byte.
pub(super) fn row_bytes(key_end: u32, sum: u32, body_end: u64, mark: u8) -> [u8; ROW] {
    let last = (body_end & (u64::MAX >> 8)) | (u64::from(mark) << 56);
    let mut bytes = [0; ROW];
    let words = [key_end, sum, last as u32, (last >> 32) as u32];
    for (to, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    bytes
}

impl<'p> RowPage<'p> {
    fn open(bytes: &'p [u8], count: usize) -> Sound<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or(Damaged)?;
        let (entries, keys) = rest.split_at_checked(count * ROW).ok_or(Damaged)?;
        let [low, high, live] = words(head);
        let start = u64::from(low) | (u64::from(high) << 32);
        Ok(Self { start, live, entries: entries.as_chunks().0, keys })
    }

    /// Where its key ends, how to check its body, where that ends, and its mark.
    fn ends(&self, n: usize) -> Sound<(usize, u32, u64, u8)> {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, mark] =
            *self.entries.get(n).ok_or(Damaged)?;
        let key_end = u32::from_le_bytes([a, b, c, d]) as usize;
        let sum = u32::from_le_bytes([e, f, g, h]);
        Ok((key_end, sum, u64::from_le_bytes([i, j, k, l, m, n, o, 0]), mark))
    }

    fn key(&self, n: usize) -> Sound<&'p [u8]> {
        let start = match n.checked_sub(1) {
            Some(before) => self.ends(before)?.0,
            None => 0,
        };
        self.keys.get(start..self.ends(n)?.0).ok_or(Damaged)
    }

    fn entry(&self, n: usize) -> Sound<Entry<'p>> {
        let start = match n.checked_sub(1) {
            Some(before) => self.ends(before)?.2,
            None => self.start,
        };
        let (_, sum, end, mark) = self.ends(n)?;
        Ok(Entry { key: self.key(n)?, body: start..end, sum, mark })
    }
}

impl<R: Kept> Layer<R> {
    /// Takes apart what was saved; none if it is not what `Builder` makes.
    pub(super) fn open(saved: Saved) -> Option<Self> {
        let mut directory: Directory = postcard::from_bytes(&saved.front).ok()?;
        let rows = Pages::new(directory.bodies, std::mem::take(&mut directory.row_pages));
        let order = Pages::new(rows.end(), std::mem::take(&mut directory.order_pages));
        let names = Pages::new(order.end(), std::mem::take(&mut directory.name_pages));
        let faces = Pages::new(names.end(), std::mem::take(&mut directory.face_pages));
        let bodies = cells((directory.rows as usize).div_ceil(ROWS));
        Some(Self { back: saved.back, directory, rows, order, names, faces, bodies })
    }

    /// What held its bodies, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        match self.back {
            Back::Memory(bytes) => bytes,
            Back::Disk { .. } => Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.directory.rows as usize
    }

    /// How many bytes its bodies have.
    pub(super) fn size(&self) -> u64 {
        self.directory.bodies
    }

    /// The row further down that one stands for.
    pub(super) fn below(&self, n: usize) -> Option<usize> {
        let below = self.directory.below.get(n).filter(|below| **below != NONE)?;
        Some(*below as usize)
    }

    /// Reads all that can be asked of rows but their faces and bodies.
    pub(super) fn read_rows(&self) -> Sound<()> {
        self.rows.read_all(&self.back)
    }

    pub(super) fn read_faces(&self) -> Sound<()> {
        self.faces.read_all(&self.back)
    }

    fn row_page(&self, n: usize) -> Sound<(RowPage<'_>, usize)> {
        let count = self.len().saturating_sub(n / ROWS * ROWS).min(ROWS);
        Ok((RowPage::open(self.rows.get(&self.back, n / ROWS)?, count)?, n % ROWS))
    }

    pub(super) fn entry(&self, n: usize) -> Sound<Entry<'_>> {
        let (page, n) = self.row_page(n)?;
        page.entry(n)
    }

    pub(super) fn key(&self, n: usize) -> Sound<&[u8]> {
        let (page, n) = self.row_page(n)?;
        page.key(n)
    }

    /// All rows, as they came to be. Their pages have been read.
    pub(super) fn sweep(&self) -> impl Iterator<Item = Swept<'_>> {
        (0..self.rows.len()).flat_map(move |at| self.sweep_page(at * ROWS).into_iter().flatten())
    }

    fn sweep_page(&self, first: usize) -> Sound<impl Iterator<Item = Swept<'_>>> {
        let (page, _) = self.row_page(first)?;
        let (mut start, mut next) = (0, page.live);
        Ok((first..first + page.entries.len()).map_while(move |n| {
            let (end, _, _, mark) = page.ends(n - first).ok()?;
            let key = page.keys.get(start..end)?;
            start = end;
            let live = (mark < R::OFTEN).then_some(next);
            next += u32::from(live.is_some());
            Some(Swept { n, key, mark, live })
        }))
    }

    /// The live rows, as they came to be. Their pages have been read.
    pub(super) fn sweep_live(&self) -> impl Iterator<Item = Swept<'_>> {
        (0..self.directory.live).map_while(|live| {
            let Looked { n, key, mark, .. } = self.look(live).ok()?;
            Some(Swept { n, key, mark, live: Some(live) })
        })
    }

    /// Which of the live rows a live one is.
    pub(super) fn as_live(&self, n: usize) -> Sound<u32> {
        let (page, n) = self.row_page(n)?;
        let before = page.entries.get(..n).ok_or(Damaged)?;
        let is_live = |entry: &&[u8; ROW]| entry.last().is_some_and(|mark| *mark < R::OFTEN);
        Ok(page.live + before.iter().filter(is_live).count() as u32)
    }

    pub(super) fn look(&self, live: u32) -> Sound<Looked<'_>> {
        let live = live as usize;
        let count = (self.directory.live as usize).saturating_sub(live / ROWS * ROWS).min(ROWS);
        let bytes = self.faces.get(&self.back, live / ROWS)?;
        let (entries, texts) = bytes.split_at_checked(count * FACE).ok_or(Damaged)?;
        let at = |n: usize| {
            let [a, b, c, d, e, f, g, h, i, j, k, l] =
                *entries.as_chunks::<FACE>().0.get(n).ok_or(Damaged)?;
            let ends = [[e, f, g, h], [i, j, k, l]].map(|end| u32::from_le_bytes(end) as usize);
            Ok((u32::from_le_bytes([a, b, c, d]) as usize, ends))
        };
        let (n, [key_end, end]) = at(live % ROWS)?;
        let start = match (live % ROWS).checked_sub(1) {
            Some(before) => at(before)?.1[1],
            None => 0,
        };
        let (mark, key) = texts.get(start..key_end).and_then(<[u8]>::split_first).ok_or(Damaged)?;
        Ok(Looked { n, key, mark: *mark, face: texts.get(key_end..end).ok_or(Damaged)? })
    }

    /// The row of a key.
    pub(super) fn find(&self, key: &[u8]) -> Sound<Option<usize>> {
        let at = self.place(key)?;
        if at == self.len() {
            return Ok(None);
        }
        let n = self.placed(at)?.1;
        Ok((self.key(n)? == key).then_some(n))
    }

    /// The rows whose keys start so, in the order of their keys.
    pub(super) fn starting(&self, start: &[u8]) -> Sound<Vec<usize>> {
        // What stands before what all keys have in common stands before all keys.
        let from = self.place(start)?;
        let mut found = Vec::new();
        for at in from..self.len() {
            let n = self.placed(at)?.1;
            if !self.key(n)?.starts_with(start) {
                break;
            }
            found.push(n);
        }
        Ok(found)
    }

    /// Where in the order of the keys the first one stands that is not before `key`.
    pub(super) fn place(&self, key: &[u8]) -> Sound<usize> {
        let common = self.directory.common as usize;
        let digest = digest(key, common);
        partition(self.len(), |at| {
            let (there, n) = self.placed(at)?;
            // Texts are compared where their digests leave it open.
            let is_open = there == digest || key.len() < common;
            Ok(if is_open { self.key(n)? < key } else { there < digest })
        })
    }

    /// The digest and the row at a place in that order.
    pub(super) fn placed(&self, at: usize) -> Sound<(u64, usize)> {
        let page = self.order.get(&self.back, at / PLACES)?;
        let [a, b, c, d, e, f, g, h, row @ ..] =
            *page.as_chunks::<PLACE>().0.get(at % PLACES).ok_or(Damaged)?;
        let digest = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        Ok((digest, u32::from_le_bytes(row) as usize))
    }

    pub(super) fn names(&self) -> usize {
        self.directory.names as usize
    }

    /// The rows that name this subject.
    pub(super) fn naming(&self, name: &[u8]) -> Sound<Vec<usize>> {
        let from = partition(self.names(), |at| Ok(self.name(at)?.0 < name))?;
        let mut found = Vec::new();
        for at in from..self.names() {
            let (there, n) = self.name(at)?;
            if there != name {
                break;
            }
            found.push(n);
        }
        Ok(found)
    }

    /// A name and a row that has it.
    pub(super) fn name(&self, at: usize) -> Sound<(&[u8], usize)> {
        let count = self.names().saturating_sub(at / ROWS * ROWS).min(ROWS);
        let bytes = self.names.get(&self.back, at / ROWS)?;
        let (entries, texts) = bytes.split_at_checked(count * NAME).ok_or(Damaged)?;
        let entry = |n: usize| entries.as_chunks::<NAME>().0.get(n).map(words).ok_or(Damaged);
        let [end, row] = entry(at % ROWS)?;
        let start = match (at % ROWS).checked_sub(1) {
            Some(before) => entry(before)?[0],
            None => 0,
        };
        Ok((texts.get(start as usize..end as usize).ok_or(Damaged)?, row as usize))
    }

    /// The whole row; none if the disk does not give back what was put there.
    pub(super) fn body(&self, n: usize) -> Option<&R> {
        let piece = self.bodies.get(n / ROWS)?.get_or_init(|| cells(ROWS));
        let cell = piece.get(n % ROWS)?;
        if let Some(body) = cell.get() {
            return Some(body);
        }
        let body = self.read_body(n)?;
        Some(cell.get_or_init(|| Box::new(body)))
    }

    /// The same for who keeps it: it is not remembered here.
    pub(super) fn read_body(&self, n: usize) -> Option<R> {
        let known = self.bodies.get(n / ROWS)?.get().and_then(|piece| piece.get(n % ROWS)?.get());
        if let Some(body) = known {
            return Some(R::clone(body));
        }
        let row = self.entry(n).ok()?;
        let bytes = self.back.read(row.body).filter(|bytes| sum(bytes) == row.sum);
        postcard::from_bytes(&bytes?).ok()
    }

    /// The bytes of a stretch of bodies.
    pub(super) fn stretch(&self, bodies: Range<u64>) -> Option<Cow<'_, [u8]>> {
        self.back.read(bodies)
    }
}

/// The first of so many places for which it is not so.
fn partition(count: usize, mut is_so: impl FnMut(usize) -> Sound<bool>) -> Sound<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if is_so(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Eight letters after what all keys have in common, so that most comparisons need no text. It keeps
/// the order of texts.
pub(super) fn digest(key: &[u8], common: usize) -> u64 {
    let mut letters = [0; 8];
    let rest = key.get(common..).unwrap_or_default();
    letters.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(letters)
}
