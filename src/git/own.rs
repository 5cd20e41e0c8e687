//! Files of ours for a thread that has no repository at hand: those in our own directory, as far as all
//! is well there. Whoever gets none asks the store, which looks everywhere and says what is wrong.

use std::path::PathBuf;

use gix::objs::{Find as _, FindHeader as _, Kind};

use super::Oid;
use super::store::{LARGEST, Store};

/// Where our objects are. It may go to another thread, and is opened there.
pub struct Own {
    dir: PathBuf,
    hash: gix::hash::Kind,
}

pub struct Opened {
    loose: gix::odb::loose::Store,
    packs: Option<gix::odb::Handle>,
}

impl Store<'_> {
    pub fn own(&self) -> Own {
        Own { dir: self.dir().to_owned(), hash: self.repo().handle().object_hash() }
    }
}

impl Own {
    pub fn open(self) -> Opened {
        let loose = gix::odb::loose::Store::at(&self.dir, self.hash);
        let is_packed = self.dir.join("pack").is_dir();
        Opened { loose, packs: is_packed.then(|| gix::odb::at(self.dir, self.hash).ok()).flatten() }
    }
}

impl Opened {
    /// Reads a file into a buffer that serves for many of them. It is not checked as a whole: a file of
    /// lines checks itself line by line.
    pub fn blob<'b>(&self, id: &Oid, bytes: &'b mut Vec<u8>) -> Option<&'b [u8]> {
        let id = id.id();
        if let Some((size, _)) = self.loose.try_header(&id).ok()? {
            let data =
                (size <= LARGEST).then(|| self.loose.try_find(&id, bytes).ok()).flatten()??;
            return (data.kind == Kind::Blob).then_some(data.data);
        }
        let packs = self.packs.as_ref()?;
        let header = packs.try_header(&id).ok()??;
        let fits = header.kind == Kind::Blob && header.size <= LARGEST;
        let data = fits.then(|| packs.try_find(&id, bytes).ok()).flatten()??;
        Some(data.data)
    }
}
