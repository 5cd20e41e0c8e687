//! A state saved, so that the next command reads only what is new. Never a second truth: whatever is
//! not exactly as it should be is passed over without a word and made again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Fold;
use super::shelf::Positions;
use super::state::State;
use crate::git::Oid;
use crate::host::Turn;

/// Names the form of the file; another form has another name.
const MAGIC: &str = "shopfloor-cache-2";

#[derive(Serialize, Deserialize)]
struct Header {
    name: String,
    version: u32,
    tip: Oid,
    positions: Positions,
    count: u64,
    last: (u64, String),
    fold: usize,
}

/// The saved state of a fold.
pub(super) fn load<S: Fold>(own_dir: &Path) -> Option<State<S>> {
    let bytes = fs::read(path::<S>(own_dir)).ok()?;
    let (seal, rest) = cut_line(&bytes)?;
    if seal != mark(rest).as_bytes() {
        return None;
    }
    let (header, rest) = cut_line(rest)?;
    let header: Header = serde_json::from_slice(header).ok()?;
    if (header.name.as_str(), header.version) != (&*S::name(), S::VERSION) {
        return None;
    }
    let (fold, heads) = rest.split_at_checked(header.fold)?;
    Some(State {
        tip: Some(header.tip),
        positions: header.positions,
        count: header.count,
        last: header.last,
        fold: serde_json::from_slice(fold).ok()?,
        heads: heads.to_vec(),
        fresh: Vec::new(),
    })
}

/// Saves a state; a repository that cannot be written to does without, and so does whoever comes while
/// another one saves: many writers at once would else all save the same.
pub(super) fn save<S: Fold>(own_dir: &Path, state: &State<S>) -> Option<()> {
    let path = path::<S>(own_dir);
    let dir = path.parent()?;
    fs::create_dir_all(dir).ok()?;
    let _turn = Turn::try_take(&dir.join("turn")).ok()??;
    let fold = serde_json::to_vec(&state.fold).ok()?;
    let header = Header {
        name: S::name(),
        version: S::VERSION,
        tip: state.tip?,
        positions: state.positions.clone(),
        count: state.count,
        last: state.last.clone(),
        fold: fold.len(),
    };
    let mut body = serde_json::to_vec(&header).ok()?;
    body.push(b'\n');
    body.extend(fold);
    body.extend(state.heads().ok()?.text().into_bytes());
    let mut file = tempfile::NamedTempFile::new_in(dir).ok()?;
    writeln!(file, "{}", mark(&body)).ok()?;
    file.write_all(&body).ok()?;
    file.persist(path).ok().map(drop)
}

fn path<S: Fold>(own_dir: &Path) -> PathBuf {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    own_dir.join("cache").join(S::name().chars().map(plain).collect::<String>())
}

fn cut_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = bytes.split_at_checked(end)?;
    Some((line, rest.get(1..)?))
}

/// Against accidents, not against malice: who can write here can write anything. So it is fast.
fn mark(bytes: &[u8]) -> String {
    let (words, rest) = bytes.as_chunks::<8>();
    let step =
        |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let sum =
        words.iter().fold(bytes.len() as u64, |sum, word| step(sum, u64::from_le_bytes(*word)));
    let sum = rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)));
    format!("{MAGIC} {sum:016x}")
}
