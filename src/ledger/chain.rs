//! What was decided and is not in the ledger yet: a file of lines that follow each other and the tip.
//!
//! Who decides reads it and appends to it; who commits reads it. It is never flushed and promises
//! nothing: whoever appended waits, and holds the file shared as long as that lasts. So when nobody holds
//! it, nobody will ask for what stands in it, and it is begun anew.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::canon::digest;
use super::progress::{Mark, Progress};
use crate::git::Oid;
use crate::host::share;

/// A chain that is longer has its committed part cut off.
pub(super) const LONG: u64 = 128 << 10;

/// The first line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    pub(super) chain: String,
    pub(super) replica: String,
    pub(super) base: Mark,
}

/// How many lines our replica has at this tip, where a chain leads on from it. It does not where somebody
/// else moved the ref, or what was decided could not be written.
pub(super) fn standing(
    opening: &Opening,
    progress: Option<&Progress>,
    tip: Option<&Oid>,
) -> Option<u64> {
    let at = |mark: &Mark| (mark.tip.as_ref() == tip).then_some(mark.lines);
    match progress.filter(|progress| progress.chain == opening.chain) {
        Some(Progress { failed: Some(_), .. }) => None,
        Some(progress) => progress.marks.iter().rev().find_map(at),
        None => at(&opening.base),
    }
}

/// The same for the tip of now, which is the newest that was told of; or the one before, if who told of
/// it died before the ref was moved.
pub(super) fn standing_now(
    opening: &Opening,
    progress: Option<&Progress>,
    tip: Option<&Oid>,
) -> Option<u64> {
    let ours = progress.filter(|told| told.chain == opening.chain);
    let newest =
        ours.map_or(0, |told| told.marks.len().saturating_sub(1 + usize::from(!told.durable)));
    let known = ours.map_or(std::slice::from_ref(&opening.base), |told| &told.marks);
    let is_newest = known.iter().skip(newest).any(|mark| mark.tip.as_ref() == tip);
    is_newest.then(|| standing(opening, progress, tip)).flatten()
}

/// The lines of one write: all of them or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) first: u64,
    pub(super) lines: Vec<Vec<u8>>,
}

/// A chain as it stands in the file, from some line on.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) opening: Opening,
    pub(super) links: Vec<Link>,
    /// How much of the file is sound: what follows was cut off when its writer died.
    pub(super) sound: usize,
}

impl Chain {
    /// The file of now. Anything that is not as it should be ends it.
    pub(super) fn read(desk: &Path) -> Option<(Opening, Vec<u8>)> {
        let bytes = fs::read(path(desk)).ok()?;
        Some((Opening::parse(&bytes)?, bytes))
    }

    /// The links from line `from` on, if they are still there.
    pub(super) fn parse(bytes: &[u8], from: u64) -> Option<Self> {
        let opening = Opening::parse(bytes).filter(|opening| opening.base.lines <= from)?;
        let mut sound = cut(bytes)?.0.len() + 1;
        let mut links = Vec::new();
        let mut first = opening.base.lines;
        while let Some((head, rest)) = bytes.get(sound..).and_then(cut)
            && let Some((count, length, seal)) = told(head)
            && let Some(body) = rest.get(..length)
        {
            if first >= from {
                let lines: Vec<_> = body.split_inclusive(|byte| *byte == b'\n').collect();
                if lines.len() as u64 != count || mark(&opening, body) != seal {
                    break;
                }
                let bare = |line: &&[u8]| line.strip_suffix(b"\n").unwrap_or(line).to_vec();
                links.push(Link { first, lines: lines.iter().map(bare).collect() });
            }
            first += count;
            sound += head.len() + 1 + length;
        }
        Some(Self { opening, links, sound })
    }

    /// The number of the line after the last.
    pub(super) fn end(&self, from: u64) -> u64 {
        self.links.last().map_or(from, Link::end)
    }
}

impl Opening {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(cut(bytes)?.0).ok()
    }
}

impl Link {
    fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }
}

/// The chain's file, open to append to; ours until we know what became of what we appended.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    file: File,
    /// Whether nobody who waits is alive.
    pub(super) alone: bool,
    length: u64,
}

/// As [`Turn`](crate::host::Turn) does: a child that is just being started has the file as well.
impl Drop for Held {
    fn drop(&mut self) {
        drop(self.file.unlock());
    }
}

impl Held {
    /// To be asked for by who has the turn to decide.
    pub(super) fn open(desk: &Path) -> Result<Self> {
        let path = path(desk);
        let opening = || format!("opening {}", path.display());
        let file = share::lockable(&path).with_context(opening)?;
        let alone = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(no)) => return Err(no).with_context(opening),
        };
        file.lock_shared().with_context(opening)?;
        Ok(Self { path, file, alone, length: 0 })
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file
            .read_to_end(&mut bytes)
            .with_context(|| format!("reading {}", self.path.display()))?;
        Ok(bytes)
    }

    /// Goes on behind what is sound of a file of this length.
    pub(super) fn follow(&mut self, sound: usize, length: usize) -> Result<()> {
        self.length = sound as u64;
        if sound == length { Ok(()) } else { self.cut(self.length) }
    }

    /// Ends the chain, with all that is in it.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.cut(0)
    }

    pub(super) fn begin(&mut self, opening: &Opening) -> Result<()> {
        self.cut(0)?;
        self.put(&head(opening)?)
    }

    pub(super) fn add(&mut self, opening: &Opening, lines: &[Vec<u8>]) -> Result<()> {
        self.put(&link(opening, lines))
    }

    /// All of it or nothing: a link that is cut off would end the chain.
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let start = SeekFrom::Start(self.length);
        let written = self.file.seek(start).and_then(|_| self.file.write_all(bytes));
        if written.is_err() {
            drop(self.file.set_len(self.length));
        }
        written.with_context(|| format!("writing {}", self.path.display()))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.length = length;
        self.file.set_len(length).with_context(|| format!("cutting {}", self.path.display()))
    }
}

pub(super) fn is_long(desk: &Path) -> bool {
    fs::metadata(path(desk)).is_ok_and(|file| file.len() > LONG)
}

/// Cuts off what is committed. To be asked for by who has both turns. The file stays the same one: those
/// who wait hold it.
pub(super) fn shorten(desk: &Path, done: &Mark) -> Result<()> {
    let Some((mut opening, bytes)) = Chain::read(desk) else { return Ok(()) };
    let Some(chain) = Chain::parse(&bytes, done.lines) else { return Ok(()) };
    opening.base = done.clone();
    let mut short = head(&opening)?;
    short.extend(chain.links.iter().flat_map(|next| link(&opening, &next.lines)));
    let path = path(desk);
    share::write(&path, short).with_context(|| format!("writing {}", path.display()))
}

fn path(desk: &Path) -> PathBuf {
    desk.join("chain")
}

fn head(opening: &Opening) -> Result<Vec<u8>> {
    let mut head = serde_json::to_vec(opening)?;
    head.push(b'\n');
    Ok(head)
}

fn link(opening: &Opening, lines: &[Vec<u8>]) -> Vec<u8> {
    let body: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
    let head = format!("{} {} {}\n", lines.len(), body.len(), mark(opening, &body));
    [head.as_bytes(), &body].concat()
}

/// Of this chain and no other: who reads while a new one is begun must not mix the two.
fn mark(opening: &Opening, body: &[u8]) -> String {
    digest(&[opening.chain.as_bytes(), body])
}

fn told(head: &[u8]) -> Option<(u64, usize, &str)> {
    let mut words = str::from_utf8(head).ok()?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?))
}

fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::progress::Failure;

    fn opening(lines: u64) -> Opening {
        let base = Mark { tip: None, lines };
        Opening { chain: "c".to_owned(), replica: "r".to_owned(), base }
    }

    fn oid(digit: char) -> Oid {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn words(text: &str) -> Vec<Vec<u8>> {
        text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn links_are_read_from_any_line_on_and_only_whole() {
        let (open, one, two) = (opening(7), words("a b"), words("c"));
        let bytes = [head(&open).unwrap(), link(&open, &one), link(&open, &two)].concat();
        let read = |from| Chain::parse(&bytes, from).unwrap().links;
        let (one, two) = (Link { first: 7, lines: one }, Link { first: 9, lines: two });
        assert_eq!(read(7), [one.clone(), two.clone()]);
        assert_eq!(read(9), [two]);
        assert_eq!((read(10), Chain::parse(&bytes, 10).unwrap().end(10)), (vec![], 10));
        assert!(Chain::parse(&bytes, 6).is_none(), "that has been cut off");
        let start = head(&open).unwrap().len();
        let second = start + link(&open, &one.lines).len();
        for cut in 0..bytes.len() {
            match Chain::parse(&bytes[..cut], 7) {
                None => assert!(cut < start),
                Some(chain) if cut < second => {
                    assert_eq!((chain.links, chain.sound), (vec![], start));
                }
                Some(chain) => assert_eq!((chain.links, chain.sound), (vec![one.clone()], second)),
            }
        }
    }

    #[test]
    fn a_link_that_was_changed_or_belongs_elsewhere_ends_the_chain() {
        let (open, mut other) = (opening(0), opening(0));
        other.chain = "d".to_owned();
        let mut bytes = [head(&open).unwrap(), link(&open, &words("a"))].concat();
        let foreign = [head(&open).unwrap(), link(&other, &words("a"))].concat();
        assert!(Chain::parse(&foreign, 0).unwrap().links.is_empty());
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        assert!(Chain::parse(&bytes, 0).unwrap().links.is_empty());
    }

    #[test]
    fn a_chain_leads_on_from_the_tips_it_was_told_of() {
        let (a, b, c) = (oid('a'), oid('b'), oid('c'));
        let at = |tip: &Oid, lines| Mark { tip: Some(*tip), lines };
        let open = Opening { base: at(&a, 1), ..opening(0) };
        let marks = vec![at(&a, 1), at(&b, 3)];
        let moved = Progress { chain: "c".to_owned(), marks, durable: false, failed: None };
        let elsewhere = Progress { chain: "d".to_owned(), ..moved.clone() };
        let failure = Failure { what: "no".to_owned(), again: false };
        let failed = Progress { failed: Some(failure), ..moved.clone() };
        for (progress, tip, lines) in [
            (None, &a, Some(1)),
            (None, &b, None),
            (Some(&moved), &a, Some(1)),
            (Some(&moved), &b, Some(3)),
            (Some(&moved), &c, None),
            (Some(&elsewhere), &a, Some(1)),
            (Some(&elsewhere), &b, None),
            (Some(&failed), &a, None),
        ] {
            assert_eq!(standing(&open, progress, Some(tip)), lines, "{progress:?} {tip}");
            assert_eq!(standing_now(&open, progress, Some(tip)), lines, "{progress:?} {tip}");
        }
        let there = Progress { durable: true, ..moved };
        assert_eq!(standing(&open, Some(&there), Some(&a)), Some(1));
        assert_eq!(standing_now(&open, Some(&there), Some(&a)), None);
        assert_eq!(standing_now(&open, Some(&there), Some(&b)), Some(3));
        assert_eq!(standing(&opening(0), None, None), Some(0));
    }
}
