//! A state in the form in which it is saved.

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::rc::Rc;

/// A saved state: what is read at once, and what is read when it is asked for.
pub struct Saved {
    pub(super) front: Rc<Vec<u8>>,
    pub(super) back: Back,
}

pub(super) enum Back {
    Memory(Vec<u8>),
    Disk { file: File, from: u64 },
}

impl Back {
    pub(super) fn read(&self, at: Range<u64>) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Memory(bytes) => {
                let range = usize::try_from(at.start).ok()?..usize::try_from(at.end).ok()?;
                bytes.get(range).map(Cow::Borrowed)
            }
            Self::Disk { file, from } => {
                let mut bytes = vec![0; usize::try_from(at.end.checked_sub(at.start)?).ok()?];
                file.read_exact_at(&mut bytes, from + at.start).ok()?;
                Some(Cow::Owned(bytes))
            }
        }
    }
}
