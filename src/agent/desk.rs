//! What this machine knows of its sessions: who looks after each, what it said, whether it is to
//! stop. Kept under `<common>/shopfloor/`, true for as long as the processes are, never in the ledger.
//!
//! `live/<session>` names the process that answers for a session: first the one that starts it, then
//! its runner. Whoever finds that process dead ends what the session left behind.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};

use crate::agent::roster::Session;
use crate::git::Repo;
use crate::host::process::Identity;
use crate::host::{self, Clock, Shelf, Turn, share};

const DIGITS: usize = 10;

/// Long enough for the checkout of a large repository, which is done in turn.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is kept of sessions that are over.
const ROOM: Shelf = Shelf { entries: 500, bytes: 4 << 30 };

/// Files of a session can hold what its environment holds: they are the person's alone.
const PRIVATE: u32 = 0o700;

pub(crate) struct Desk {
    place: String,
    live: PathBuf,
    sessions: PathBuf,
}

impl Desk {
    /// Looks only; directories are made when something is put into them.
    pub(crate) fn of(repo: &Repo) -> Self {
        let own = repo.common_dir().join("shopfloor");
        let place = [host::machine().as_bytes(), b" ", own.as_os_str().as_encoded_bytes()].concat();
        Self { place: digest(&place), live: own.join("live"), sessions: own.join("sessions") }
    }

    /// This machine and directory, by a name that says nothing about them.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the session was started here, so that its processes can be judged here.
    pub(crate) fn is_ours(&self, session: &Session, replica: Option<&str>) -> bool {
        session.place == self.place || Some(session.replica.as_str()) == replica
    }

    /// A new session that this process answers for, until a runner takes over.
    pub(crate) fn begin(&self, clock: &Clock) -> Result<String> {
        make_open(&self.sessions)?;
        self.make_room()?;
        let mut nonce = 0;
        loop {
            let id = name(&Identity::own(), clock, nonce);
            let folder = self.sessions.join(&id);
            match fs::DirBuilder::new().mode(PRIVATE).create(&folder) {
                Ok(()) => {
                    self.answer(&id)?;
                    return Ok(id);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => nonce += 1,
                Err(error) => {
                    return Err(error).with_context(|| format!("making {}", folder.display()));
                }
            }
        }
    }

    /// The folders of the oldest sessions go when there are too many.
    fn make_room(&self) -> Result<()> {
        let stays = |name: &str| !is_id(name) || self.is_open(name);
        let cleared = ROOM.clear(&self.sessions, &stays);
        cleared.with_context(|| format!("clearing {}", self.sessions.display()))
    }

    /// From now on this process answers for the session.
    pub(crate) fn answer(&self, id: &str) -> Result<()> {
        make_open(&self.live)?;
        make_private(&self.folder(id))?;
        // Made in the session's folder: whoever is killed between the two leaves nothing in `live/`.
        let half = self.folder(id).join("keeper");
        let path = self.live.join(id);
        share::write(&half, told(&Identity::own()))
            .and_then(|()| fs::rename(&half, &path))
            .with_context(|| format!("writing {}", path.display()))
    }

    /// Whether somebody answers for the session. A process on another machine is taken at its word, and
    /// so is what may not be read here: nobody ends what they cannot see.
    pub(crate) fn alive(&self, id: &str) -> bool {
        let keeper = self.live.join(id);
        match read(&keeper) {
            Some((keeper, machine)) => machine != host::machine() || keeper.alive(),
            None => is_shut(&keeper),
        }
    }

    /// The process that answers for the session, if it was started on this machine.
    pub(crate) fn keeper(&self, id: &str) -> Option<Identity> {
        let (keeper, machine) = read(&self.live.join(id))?;
        (machine == host::machine()).then_some(keeper)
    }

    /// Sessions for which nobody answers any more, though they never came to an end.
    pub(crate) fn orphans(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.live) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("reading {}", self.live.display()));
            }
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut orphans: Vec<String> =
            names.filter(|name| is_id(name) && !self.alive(name)).collect();
        orphans.sort_unstable();
        Ok(orphans)
    }

    /// Whether anybody ever answered for the session here and has not closed it.
    pub(crate) fn is_open(&self, id: &str) -> bool {
        let keeper = self.live.join(id);
        keeper.exists() || is_shut(&keeper)
    }

    /// Whether this very process answers for the session.
    pub(crate) fn is_mine(&self, id: &str) -> bool {
        read(&self.live.join(id)).is_some_and(|(keeper, _)| keeper == Identity::own())
    }

    /// The session never began: nothing of it stays.
    pub(crate) fn forget(&self, id: &str) -> Result<()> {
        let folder = self.folder(id);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}", folder.display()));
            }
            _ => {}
        }
        self.close(id)
    }

    /// The session is over and its lines are written: nobody needs to answer for it.
    pub(crate) fn close(&self, id: &str) -> Result<()> {
        let path = self.live.join(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Notes which process is the agent's, the leader of the session's process group.
    pub(crate) fn started(&self, id: &str, agent: &Identity) -> Result<()> {
        write(&self.folder(id).join("agent"), &told(agent))
    }

    /// The agent's process, if it was started on this machine.
    pub(crate) fn agent(&self, id: &str) -> Option<Identity> {
        let (agent, machine) = read(&self.folder(id).join("agent"))?;
        (machine == host::machine()).then_some(agent)
    }

    /// A person wants the session to end.
    pub(crate) fn ask_to_stop(&self, id: &str, who: &str) -> Result<()> {
        make_private(&self.folder(id))?;
        write(&self.folder(id).join("stop"), who)
    }

    /// Who wants the session to end, if anybody does.
    pub(crate) fn asked_to_stop(&self, id: &str) -> Option<String> {
        fs::read_to_string(self.folder(id).join("stop")).ok()
    }

    pub(crate) fn folder(&self, id: &str) -> PathBuf {
        self.sessions.join(id)
    }

    /// Everything the session said, as it said it.
    pub(crate) fn output(&self, id: &str) -> PathBuf {
        self.folder(id).join("output")
    }

    pub(crate) fn prompt(&self, id: &str) -> PathBuf {
        self.folder(id).join("prompt")
    }

    pub(crate) fn plan(&self, id: &str) -> PathBuf {
        self.folder(id).join("plan")
    }

    /// What the runner itself had to say, which is nothing unless something is wrong.
    pub(crate) fn runner_log(&self, id: &str) -> PathBuf {
        self.folder(id).join("runner")
    }

    /// One at a time: held while worktrees are made or taken away, and while orphans are settled.
    pub(crate) fn turn(&self) -> Result<Turn> {
        make_open(&self.live)?;
        let path = self.live.with_file_name("agents.lock");
        Turn::take(&path, "the place of the agents' worktrees", PATIENCE)
    }
}

fn make_private(dir: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(PRIVATE).create(dir);
    made.with_context(|| format!("making {}", dir.display()))
}

/// Whole or not at all: a reader never sees half a file.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let half = path.with_extension(format!("{}.half", std::process::id()));
    share::write(&half, text)
        .and_then(|()| fs::rename(&half, path))
        .with_context(|| format!("writing {}", path.display()))
}

/// Who shares the repository sees whose sessions there are, and whether somebody answers for them.
fn make_open(dir: &Path) -> Result<()> {
    make_private(dir)?;
    share::adjust(dir).with_context(|| format!("making {}", dir.display()))
}

fn told(who: &Identity) -> String {
    format!("{}\n{}\n{}\n", who.pid, who.start, host::machine())
}

fn read(path: &Path) -> Option<(Identity, String)> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    let identity = Identity { pid: lines.next()?.parse().ok()?, start: lines.next()?.to_owned() };
    Some((identity, lines.next()?.to_owned()))
}

/// Whether there may be something that only others may read.
fn is_shut(path: &Path) -> bool {
    fs::File::open(path).is_err_and(|no| is_forbidden(no.kind()))
}

fn is_forbidden(no: ErrorKind) -> bool {
    no == ErrorKind::PermissionDenied
}

/// No two processes have one identity, and one process counts.
fn name(who: &Identity, clock: &Clock, nonce: u32) -> String {
    let seed = format!("{} {} {} {} {nonce}", host::machine(), who.pid, who.start, clock.now());
    format!("s-{}", digest(seed.as_bytes()))
}

fn digest(seed: &[u8]) -> String {
    let hash = Sha256::digest(seed);
    let mut text = BASE32_NOPAD.encode(hash.get(..16).unwrap_or_default()).to_ascii_lowercase();
    text.truncate(DIGITS);
    text
}

fn is_id(name: &str) -> bool {
    name.strip_prefix("s-")
        .is_some_and(|rest| rest.len() == DIGITS && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_read_is_taken_for_alive() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let desk = Desk { place: String::new(), live: at("live"), sessions: at("sessions") };
        let stands = |desk: &Desk| (desk.is_open("s-1"), desk.alive("s-1"));
        assert_eq!(stands(&desk), (false, false));
        desk.answer("s-1").unwrap();
        assert_eq!(stands(&desk), (true, true));
        fs::write(at("live/s-1"), "nobody").unwrap();
        assert_eq!(stands(&desk), (true, false));
        // What is lost is lost to all; to whom something is shut, nothing is.
        fs::remove_dir_all(at("live")).unwrap();
        fs::write(at("live"), "").unwrap();
        assert_eq!(stands(&desk), (false, false));
        assert!(is_forbidden(ErrorKind::PermissionDenied));
        assert!(![ErrorKind::NotFound, ErrorKind::NotADirectory].into_iter().any(is_forbidden));
    }

    #[test]
    fn names_of_sessions_differ_and_are_recognised() {
        let (who, clock) =
            (Identity::own(), Clock::pinned("2026-11-21T05:36:11Z".parse().unwrap()));
        let (one, two) = (name(&who, &clock, 0), name(&who, &clock, 1));
        assert_ne!(one, two);
        assert!(is_id(&one) && is_id(&two), "{one} {two}");
        for other in ["s-1", "s-abcdefghij.half", "agents.lock", ""] {
            assert!(!is_id(other), "{other}");
        }
    }
}
