//! Everything the doctor knows, gathered in one place. It looks and asks; it writes nothing, runs
//! nothing that a repository brought along, and asks no remote.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::agent::Desk;
use crate::bead::past::{self, Moment};
use crate::bead::{overlap, rings};
use crate::cli::bead::doctor::finding::name;
use crate::cli::bead::overlap::standing;
use crate::cli::context::Context;
use crate::git::{Repo, Unpacked};
use crate::githook::{self, Standing};
use crate::host::{self, Stamp, share};
use crate::ledger::{self, Health, Ledger};
use crate::refinery;
use crate::refusal::quoted;

/// A lock file of git's that is older belongs to a git that was killed.
const OLD: u64 = 600;
/// A half-written file of ours that is older will never be finished.
const HALF: u64 = 60;

/// Where somebody is at work for no longer than a write takes.
const LOCKS: [&str; 4] = ["sync.lock", "maintain.lock", "agents.lock", "parking.lock"];
/// What else writers keep there.
const KEPT: [&str; 6] = ["seen", "replica", "progress", "chain", "begun", "superseded"];
const DESK: [&str; 3] = ["decide.lock", "ledger.lock", "refs/turn"];

/// Beads in other hands that own a path in common, and whether the repository refuses that.
pub(super) type Clashes = (Vec<String>, bool);

#[derive(Debug, Default)]
pub(super) struct Facts {
    pub now: Option<Stamp>,
    pub health: Health,
    pub known_to_git: bool,
    /// Locks that are held, and by which process.
    pub held: Vec<(PathBuf, String)>,
    /// Lock files that a killed git has left.
    pub orphaned: Vec<PathBuf>,
    /// Places that have to be written to and cannot be.
    pub closed: Vec<PathBuf>,
    /// What is not open to all who share the repository.
    pub narrow: Vec<PathBuf>,
    /// The same of what git has of linked work trees, and what opens them.
    pub shut: Vec<(PathBuf, String)>,
    /// What stands where the other one belongs.
    pub misplaced: Vec<(PathBuf, Misplaced)>,
    /// What git does not read of the packed refs.
    pub unpacked: Option<(PathBuf, Unpacked)>,
    /// The directory of ours for what can be made again.
    pub own: PathBuf,
    /// The newest time that the disk has given a file of ours.
    pub disk: Option<Stamp>,
    pub hooks: Standing,
    pub git: (u32, u32),
    pub reftable: bool,
    pub remotes: Remotes,
    pub leftovers: Leftovers,
    /// Beads that wait for themselves: each ring as it is told.
    pub rings: Vec<String>,
    pub clashes: Clashes,
    /// What could not be looked at, and why.
    pub unseen: Vec<(&'static str, String)>,
}

/// What is in the place of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misplaced {
    File,
    Dir,
}

#[derive(Debug, Default)]
pub(super) struct Remotes {
    pub names: Vec<String>,
    pub hub: Option<String>,
    /// With which remote the ledger is exchanged.
    pub chosen: Option<String>,
    /// Those whose ledger comes with every fetch.
    pub fetched: Vec<String>,
    /// Those whose ledger was seen once, and its name there: nothing of it may be missing from then on.
    pub pinned: Vec<(String, String)>,
    pub manual: bool,
    /// A fetch puts the remote's ledger over ours, or leaves some of it out.
    pub unfetchable: bool,
    /// What came of the last exchange that nobody saw, by remote.
    pub troubles: Vec<(String, String)>,
}

#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Work trees that a landing has parked, and what brings them back.
    pub parked: Vec<(PathBuf, String)>,
    pub halves: Vec<PathBuf>,
    /// Sessions for which nobody answers.
    pub sessions: Vec<String>,
    /// What gates left of targets that are gone.
    pub gates: Vec<PathBuf>,
    /// Work that was kept when its session ended.
    pub rescued: Vec<String>,
}

impl Facts {
    pub(super) fn gather(cx: &Context) -> Result<Self> {
        let (repo, ledger) = (cx.repo()?, cx.ledger()?);
        let mut unseen = Vec::new();
        let mut look = |what, no: anyhow::Error| unseen.push((what, format!("{no:#}")));
        let hooks = githook::standing(repo).unwrap_or_else(|no| {
            look("git hooks", no);
            Standing::default()
        });
        let git = repo.git_version().unwrap_or_else(|no| {
            look("git", no);
            (0, 0)
        });
        let remotes = Remotes::gather(repo).unwrap_or_else(|no| {
            look("remotes", no);
            Remotes::default()
        });
        let leftovers = Leftovers::gather(repo, cx).unwrap_or_else(|no| {
            look("leftovers", no);
            Leftovers::default()
        });
        // What keeps it from being read is found without.
        let (rings, clashes) = graph(cx, &ledger).unwrap_or_default();
        let (own, desk) = (repo.common_dir().join("shopfloor"), repo.desk());
        let held = LOCKS.iter().map(|name| own.join(name)).chain(DESK.map(|name| desk.join(name)));
        let held: Vec<_> =
            held.filter_map(|path| Some((path.clone(), host::holder(&path)?))).collect();
        Ok(Self {
            now: Some(cx.clock.now()),
            health: ledger.health(),
            known_to_git: ledger.is_known_to_git(),
            held,
            orphaned: orphaned(repo.common_dir(), &cx.clock.now()),
            closed: closed(repo),
            narrow: narrow(repo),
            shut: shut(repo),
            misplaced: misplaced(repo),
            unpacked: repo.unpacked(),
            own,
            disk: modified(&desk.join("decide.lock")),
            hooks,
            git,
            reftable: repo.reftable(),
            remotes,
            leftovers,
            rings,
            clashes,
            unseen,
        })
    }
}

/// Saves nothing on the way, as a read would.
fn graph(cx: &Context, ledger: &Ledger<'_>) -> Result<(Vec<String>, Clashes)> {
    let Some(tip) = cx.repo()?.resolve(ledger::REF)? else { return Ok(Default::default()) };
    let beads = past::beads(ledger, &Moment::Tip(tip))?;
    let told = |ring| rings::told(ring, &|id| beads.short(id).to_owned()).swap_remove(0);
    let (clashes, refused) = standing(cx, &beads);
    let clashes = clashes.iter().map(|sides| overlap::told(sides, &beads)).collect();
    Ok((rings::all(&beads).iter().map(told).collect(), (clashes, refused)))
}

impl Remotes {
    fn gather(repo: &Repo) -> Result<Self> {
        let names: Vec<String> = repo.remotes()?.into_iter().map(|remote| remote.name).collect();
        let chosen = ledger::default_remote(repo)?;
        let told = |name: &String| {
            let file = format!("shopfloor/sync-{}.trouble", name.replace('/', "-"));
            let told = fs::read_to_string(repo.common_dir().join(file)).ok()?;
            Some((name.clone(), told.trim().to_owned()))
        };
        let mut pinned = Vec::new();
        for name in &names {
            let taken = ledger::taken_from(repo, name)?;
            pinned.extend(taken.map(|there| (name.clone(), there.to_string())));
        }
        Ok(Self {
            hub: repo.config_get("shopfloor.hub")?,
            fetched: ledger::fetched_from(repo)?,
            pinned,
            manual: repo.config_get("shopfloor.sync")?.as_deref() == Some("manual"),
            unfetchable: chosen.is_some() && ledger::fetch_spec(repo)?.is_none(),
            troubles: names.iter().filter_map(told).collect(),
            chosen: chosen.filter(|name| names.contains(name)),
            names,
        })
    }
}

impl Leftovers {
    fn gather(repo: &Repo, cx: &Context) -> Result<Self> {
        let own = repo.common_dir().join("shopfloor");
        let mut halves = Vec::new();
        let texts = own.join("texts");
        for dir in [own.join("live"), own.join("sessions"), own.join("cache"), texts.clone(), own] {
            let waits = dir == texts;
            for file in fs::read_dir(dir).into_iter().flatten().flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                let is_half = waits || name.ends_with(".half") || name.starts_with(".tmp");
                if is_half && age(&file.path(), &cx.clock.now()) > HALF {
                    halves.push(file.path());
                }
            }
        }
        let rescued = repo.refs_under("refs/shopfloor/rescue/")?;
        Ok(Self {
            parked: refinery::parked(repo)?,
            halves,
            sessions: Desk::of(repo).orphans()?,
            gates: refinery::left_of_gates(repo)?,
            rescued: rescued.into_iter().map(|(name, _)| name.to_string()).collect(),
        })
    }
}

/// Lock files of git's own that are old: of all refs, the index and the configuration.
fn orphaned(common: &Path, now: &Stamp) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![common.join("refs")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => dirs.push(entry.path()),
                _ => found.push(entry.path()),
            }
        }
    }
    let here = fs::read_dir(common).into_iter().flatten().flatten().map(|entry| entry.path());
    found.extend(here.filter(|path| path.is_file()));
    found.retain(|path| path.extension().is_some_and(|end| end == "lock") && age(path, now) > OLD);
    found.sort_unstable();
    found
}

/// What a write writes to, that this process may not write to. What is not there yet stands for the
/// directory in which it would be made.
fn closed(repo: &Repo) -> Vec<PathBuf> {
    let common = repo.common_dir();
    let places =
        ["shopfloor", "shopfloor-objects", "objects", "objects/info", "refs/shopfloor", "refs"];
    let mut closed: Vec<PathBuf> = Vec::new();
    for place in places.map(|place| common.join(place)).into_iter().chain([common.to_owned()]) {
        if place.exists() && !host::may_write(&place) {
            closed.push(place);
        }
    }
    closed
}

/// Of what is ours, and not of what a session or a gate has to itself.
fn narrow(repo: &Repo) -> Vec<PathBuf> {
    if !share::is_shared(repo.common_dir()) {
        return Vec::new();
    }
    let own = repo.common_dir().join("shopfloor");
    let mut found = vec![own.clone(), own.join("live"), own.join("sessions")];
    let shallow = [own.clone(), own.join("cache"), own.join("texts")];
    let files = shallow.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
    found.extend(files.map(|file| file.path()).filter(|path| path.is_file()));
    found.extend(shallow.into_iter().skip(1));
    let mut dirs =
        ["shopfloor-objects", "refs/shopfloor"].map(|dir| repo.common_dir().join(dir)).to_vec();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => dirs.push(entry.path()),
                _ => found.push(entry.path()),
            }
        }
        found.push(dir);
    }
    // What is being written is for nobody else until it has its name.
    let is_half = |path: &Path| name(path).starts_with(".tmp");
    found.retain(|path| !is_half(path) && share::is_narrow(path));
    found.sort_unstable();
    found
}

/// Git makes those as the umask says, in a shared repository too.
fn shut(repo: &Repo) -> Vec<(PathBuf, String)> {
    let home = repo.common_dir().join("worktrees");
    let trees = fs::read_dir(&home).into_iter().flatten().flatten().map(|tree| tree.path());
    let shut = trees.chain([home]).filter(|path| share::is_narrow(path));
    let open = |path: PathBuf| {
        let command = format!("chmod -R {} {}", share::words(&path), quoted(&path));
        (path, command)
    };
    let mut shut: Vec<_> = shut.map(open).collect();
    shut.sort_unstable();
    shut
}

/// Somebody's `mkdir` or `touch` in a place of ours, or what a restored backup has made of it.
fn misplaced(repo: &Repo) -> Vec<(PathBuf, Misplaced)> {
    let (common, desk) = (repo.common_dir(), repo.desk());
    let (own, objects) = (common.join("shopfloor"), common.join("shopfloor-objects"));
    let dirs = ["cache", "texts", "live", "sessions"].map(|name| own.join(name));
    let more = ["trail", "pack", "desk", "desk/refs"].map(|name| objects.join(name));
    let dirs = dirs.into_iter().chain(more).chain([common.join("refs/shopfloor")]);
    let files = DESK.iter().chain(&KEPT).map(|name| desk.join(name));
    let files = files.chain(LOCKS.map(|name| own.join(name)));
    let files = files.chain([common.join("objects/info/alternates")]);
    let file = |path: &PathBuf| path.is_file();
    let dir = |path: &PathBuf| path.is_dir();
    let dirs = dirs.chain([own, objects]).filter(file);
    let found = dirs.map(|path| (path, Misplaced::File));
    found.chain(files.filter(dir).map(|path| (path, Misplaced::Dir))).collect()
}

fn modified(path: &Path) -> Option<Stamp> {
    Stamp::of(fs::metadata(path).ok()?.modified().ok()?)
}

/// In seconds; a file from the future is new.
fn age(path: &Path, now: &Stamp) -> u64 {
    modified(path).map_or(0, |made| now.since(&made).as_secs())
}
