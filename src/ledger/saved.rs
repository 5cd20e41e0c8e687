//! A state in the form in which it is saved.

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::rc::Rc;

use rustix::buffer::spare_capacity;
use rustix::io::{Errno, pread};

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
                let length = usize::try_from(at.end.checked_sub(at.start)?).ok()?;
                read_exact(file, from + at.start, length).map(Cow::Owned)
            }
        }
    }
}

/// Into memory that is not cleared first.
fn read_exact(file: &File, from: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let at = from + bytes.len() as u64;
        match pread(file, spare_capacity(&mut bytes), at) {
            Ok(0) => return None,
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    bytes.truncate(length);
    Some(bytes)
}
