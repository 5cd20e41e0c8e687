//! Who else may use what is made in a repository: `core.sharedRepository`, as git itself takes it.
//!
//! Like the umask this belongs to the process, but by directory: a repository that is opened is declared
//! here once, and whatever any room makes inside gets its bits through this file, and only through it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Mostly empty: a repository that is not shared leaves everything to the umask, and costs nothing.
static SHARED: RwLock<Vec<(PathBuf, Sharing)>> = RwLock::new(Vec::new());

const SETGID: u32 = 0o2000;

/// What a shared repository grants beyond the umask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// These bits on top of what the umask leaves.
    More(u32),
    /// These bits whatever the umask is.
    Exactly(u32),
}

impl Sharing {
    /// The setting in git's spellings; none is the umask alone. With a value that git does not know, git
    /// works in no such repository, and there is nothing to share.
    pub fn named(value: &str) -> Option<Self> {
        match value.to_ascii_lowercase().as_str() {
            "group" | "true" | "yes" | "on" => return Some(Self::More(0o660)),
            "all" | "world" | "everybody" => return Some(Self::More(0o664)),
            _ => {}
        }
        match u32::from_str_radix(value, 8).ok()? {
            0 => None,
            // Two numbers from before there were octal modes.
            1 => Some(Self::More(0o660)),
            2 => Some(Self::More(0o664)),
            mode if mode & 0o600 == 0o600 => Some(Self::Exactly(mode & 0o666)),
            _ => None,
        }
    }

    /// The mode that something is to have which was made with `mode`.
    pub fn mode(self, is_dir: bool, mode: u32) -> u32 {
        let runs = |bits: u32| bits | (bits & 0o444) >> 2;
        let (Self::More(mut bits) | Self::Exactly(mut bits)) = self;
        if mode & 0o200 == 0 {
            bits &= !0o222;
        }
        if mode & 0o100 != 0 {
            bits = runs(bits);
        }
        let kept = match self {
            Self::More(_) => mode,
            Self::Exactly(_) => mode & !0o777,
        };
        let new = kept | bits;
        match is_dir {
            true if new & 0o060 != 0 => runs(new) | SETGID,
            true => runs(new),
            false => new,
        }
    }
}

/// Everything below `dir` is shared so from now on.
pub fn declare(dir: &Path, sharing: Option<Sharing>) {
    if of(dir) == sharing {
        return;
    }
    let mut shared = SHARED.write().unwrap_or_else(PoisonError::into_inner);
    shared.retain(|(known, _)| known != dir);
    shared.extend(sharing.map(|sharing| (dir.to_owned(), sharing)));
}

/// What belongs to a repository and stands beside it is shared as it is.
pub fn follow(dir: &Path, repository: &Path) {
    declare(dir, of(repository));
}

/// As the repository nearest above it says.
fn of(path: &Path) -> Option<Sharing> {
    let shared = SHARED.read().unwrap_or_else(PoisonError::into_inner);
    let above = shared.iter().filter(|(dir, _)| path.starts_with(dir));
    above.max_by_key(|(dir, _)| dir.as_os_str().len()).map(|(_, sharing)| *sharing)
}

pub fn is_shared(dir: &Path) -> bool {
    of(dir).is_some()
}

/// What `chmod` is to be told so that others have what they are to have.
pub fn words(dir: &Path) -> String {
    let Some(Sharing::More(bits) | Sharing::Exactly(bits)) = of(dir) else { return String::new() };
    let words = [('g', bits >> 3), ('o', bits)].into_iter().filter(|(_, bits)| bits & 6 != 0);
    let word = |(who, bits): (char, u32)| {
        format!(
            "{who}+{}{}X",
            if bits & 4 != 0 { "r" } else { "" },
            if bits & 2 != 0 { "w" } else { "" }
        )
    };
    words.map(word).collect::<Vec<_>>().join(",")
}

/// Whether others are to have more of it than they have.
pub fn is_narrow(path: &Path) -> bool {
    wanted(path).is_ok_and(|modes| modes.is_some_and(|(old, new)| new & !old & 0o777 != 0))
}

/// The mode that something has, and the one that it is to have.
fn wanted(path: &Path) -> io::Result<Option<(u32, u32)>> {
    let Some(sharing) = of(path) else { return Ok(None) };
    let facts = fs::metadata(path)?;
    let old = facts.permissions().mode();
    Ok(Some((old, sharing.mode(facts.is_dir(), old))))
}

/// Gives to others what they are to have of something that was just made.
pub fn adjust(path: &Path) -> io::Result<()> {
    let Some((old, new)) = wanted(path)? else { return Ok(()) };
    if new == old {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(new)) {
        // It is somebody else's, who made it when nothing was shared yet.
        Err(no) if no.kind() == ErrorKind::PermissionDenied => Ok(()),
        adjusted => adjusted,
    }
}

pub fn make_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)?;
    adjust(dir)
}

/// With those above it, as far as they are missing.
pub fn make_dirs(dir: &Path) -> io::Result<()> {
    if of(dir).is_none() {
        return fs::create_dir_all(dir);
    }
    if dir.is_dir() {
        return Ok(());
    }
    dir.parent().map_or(Ok(()), make_dirs)?;
    match make_dir(dir) {
        Err(no) if no.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        made => made,
    }
}

/// Opens what may have to be made for that.
fn open(path: &Path, how: &OpenOptions) -> io::Result<File> {
    let file = how.open(path)?;
    adjust(path)?;
    Ok(file)
}

pub fn append(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().append(true).create(true))
}

/// A file that is locked, and written to by who has the lock.
pub fn lockable(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

pub fn create_new(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().write(true).create_new(true))
}

pub fn create(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().write(true).create(true).truncate(true))
}

pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    adjust(to)
}

/// Puts a file that is whole in its place in one step.
pub fn persist(file: tempfile::NamedTempFile, to: &Path) -> io::Result<()> {
    adjust(file.path())?;
    file.persist(to).map(drop).map_err(|no| no.error)
}

pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    create(path)?.write_all(bytes.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_s_spellings() {
        for (value, sharing) in [
            ("umask", None),
            ("false", None),
            ("0", None),
            ("group", Some(Sharing::More(0o660))),
            ("true", Some(Sharing::More(0o660))),
            ("1", Some(Sharing::More(0o660))),
            ("all", Some(Sharing::More(0o664))),
            ("World", Some(Sharing::More(0o664))),
            ("everybody", Some(Sharing::More(0o664))),
            ("2", Some(Sharing::More(0o664))),
            ("0660", Some(Sharing::Exactly(0o660))),
            ("0770", Some(Sharing::Exactly(0o660))),
            ("640", Some(Sharing::Exactly(0o640))),
            ("0060", None),
            ("nonsense", None),
        ] {
            assert_eq!(Sharing::named(value), sharing, "{value}");
        }
    }

    #[test]
    fn only_what_is_below_is_shared_and_the_nearest_says_how() {
        let dir = tempfile::tempdir().unwrap();
        let (outer, inner) = (dir.path().join("outer"), dir.path().join("outer/inner"));
        declare(&outer, Sharing::named("0640"));
        declare(&inner, Sharing::named("0664"));
        fs::create_dir_all(&inner).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        make_dirs(&outer.join("a/b")).unwrap();
        write(&outer.join("a/b/c"), "").unwrap();
        write(&inner.join("d"), "").unwrap();
        let beside = dir.path().join("beside");
        write(&beside, "").unwrap();
        fs::set_permissions(&beside, Permissions::from_mode(0o600)).unwrap();
        adjust(&beside).unwrap();
        let modes = ["outer/a", "outer/a/b", "outer/a/b/c", "outer/inner/d", "beside"]
            .map(|path| mode(&dir.path().join(path)));
        assert_eq!(modes, [0o2750, 0o2750, 0o640, 0o664, 0o600]);
        declare(&outer, None);
        declare(&inner, None);
        assert_eq!(of(&inner), None);
    }
}
