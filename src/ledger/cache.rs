//! States saved, each fold for itself, so that the next command reads only what is new. Never a second
//! truth: whatever is not exactly as it should be is passed over without a word and made again.
//!
//! A file: a name for its form, a seal over what is read at once, three lengths; the front of the state,
//! where in the ledger it stands, and the back, of which each page and each row has a seal of its own. A
//! second file beside it holds what changed since, and the seal of the one it goes with.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::fold::{Loaded, Part, Saving, Source};
use super::saved::{Back, Saved};
use super::seal::seal;
use super::shelf::Positions;
use crate::git::Oid;
use crate::host::{Turn, share};

/// Names the form of the file; another form has another name.
const MAGIC: u64 = u64::from_le_bytes(*b"sfcache5");
const PRELUDE: usize = 40;

/// How far a state has drunk.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) tip: Option<Oid>,
    pub(super) positions: Positions,
    /// The place of the last line in the one order.
    pub(super) last: (u64, String),
}

#[derive(Clone, Serialize, Deserialize)]
struct Header {
    name: String,
    version: u32,
    /// The seal of the file that this one goes with.
    bottom: u64,
    mark: Mark,
}

/// Fills a fold with what was saved of it. Says how far that had drunk, and the seal of its lower file.
pub(super) fn load(own_dir: &Path, part: &mut dyn Part, lines: Source) -> Option<(Mark, u64)> {
    let [lower, upper] = paths(own_dir, &part.name());
    let fits = |header: &Header| header.name == part.name() && header.version == part.version();
    let (seal, bottom, saved) = read(&lower).filter(|(_, header, _)| fits(header))?;
    let since = read(&upper).filter(|(_, header, _)| fits(header) && header.bottom == seal);
    let mark = since.as_ref().map_or(bottom.mark, |(_, header, _)| header.mark.clone());
    let since = since.map(|(_, _, saved)| saved);
    part.load(Loaded { bottom: saved, since, lines }).then_some((mark, seal))
}

/// Saves a fold that stands on `bottom`, and says what it stands on then. A repository that cannot be
/// written to does without, and so does whoever comes while another one saves.
pub(super) fn save(own_dir: &Path, part: &dyn Part, mark: &Mark, bottom: u64) -> Option<u64> {
    let [lower, upper] = paths(own_dir, &part.name());
    let dir = lower.parent()?;
    share::make_dirs(dir).ok()?;
    let _turn = Turn::try_take(&dir.join(format!(".{}", part.name()))).ok()??;
    let header =
        |bottom| Header { name: part.name(), version: part.version(), bottom, mark: mark.clone() };
    match part.save()? {
        Saving::Whole(saved) => {
            let seal = write(&lower, &header(0), saved)?;
            drop(fs::remove_file(upper));
            Some(seal)
        }
        // Somebody else may have put another one below meanwhile.
        Saving::Since(saved) if File::open(&lower).ok().and_then(prelude)?.1 == bottom => {
            write(&upper, &header(bottom), saved).map(|_| bottom)
        }
        Saving::Since(_) => None,
    }
}

/// The files that hold no state that could be loaded.
pub(super) fn damaged(own_dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(own_dir.join("cache")).into_iter().flatten().flatten();
    let files = files.filter(|file| file.file_type().is_ok_and(|kind| kind.is_file()));
    let ours = |path: &PathBuf| {
        path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."))
    };
    files.map(|file| file.path()).filter(|path| ours(path) && read(path).is_none()).collect()
}

fn paths(own_dir: &Path, name: &str) -> [PathBuf; 2] {
    let dir = own_dir.join("cache");
    [dir.join(name), dir.join(format!("{name}.since"))]
}

/// The file behind its prelude, and the seal and the lengths in it.
fn prelude(mut file: File) -> Option<(File, u64, [usize; 3])> {
    let mut bytes = [0; PRELUDE];
    file.read_exact(&mut bytes).ok()?;
    let mut words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let mut next = || words.next();
    let (magic, seal) = (next()?, next()?);
    let lengths = [next()?, next()?, next()?];
    let all = lengths.iter().try_fold(PRELUDE as u64, |sum, length| sum.checked_add(*length))?;
    let sound = magic == MAGIC && file.metadata().ok()?.len() == all;
    let lengths = lengths.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    sound.then_some((file, seal, lengths))
}

fn read(path: &Path) -> Option<(u64, Header, Saved)> {
    let (mut file, told, [front, mark, back]) = prelude(File::open(path).ok()?)?;
    let all = front + mark;
    let mut bytes = Vec::with_capacity(all);
    Read::take(&mut file, all as u64).read_to_end(&mut bytes).ok()?;
    if bytes.len() != all || seal_of(&bytes, [front, mark, back]) != told {
        return None;
    }
    let header = serde_json::from_slice(bytes.get(front..)?).ok()?;
    bytes.truncate(front);
    let back = Back::Disk { file, from: (PRELUDE + all) as u64 };
    Some((told, header, Saved { front: Rc::new(bytes), back }))
}

fn write(path: &Path, header: &Header, saved: Saved) -> Option<u64> {
    let Back::Memory(back) = saved.back else { return None };
    let mark = serde_json::to_vec(header).ok()?;
    let lengths = [saved.front.len(), mark.len(), back.len()];
    let mut bytes = Rc::unwrap_or_clone(saved.front);
    bytes.extend(mark);
    let seal = seal_of(&bytes, lengths);
    let lengths = lengths.map(|length| length as u64);
    let prelude = [MAGIC, seal].into_iter().chain(lengths).flat_map(u64::to_le_bytes);
    let mut file = tempfile::NamedTempFile::new_in(path.parent()?).ok()?;
    file.write_all(&prelude.collect::<Vec<_>>()).ok()?;
    file.write_all(&bytes).ok()?;
    file.write_all(&back).ok()?;
    share::persist(file, path).ok()?;
    Some(seal)
}

fn seal_of(bytes: &[u8], lengths: [usize; 3]) -> u64 {
    let lengths: Vec<_> = lengths.into_iter().flat_map(usize::to_le_bytes).collect();
    seal(bytes) ^ seal(&lengths)
}
