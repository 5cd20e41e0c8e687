//! May it land? The merge queue, its gates, and the landing.
//!
//! A commit is queued by a create-only ref and a line; it is tested as the exact tree that would
//! land, by the gates of the target branch; it lands by evidence, intent, compare-and-swap and
//! outcome, in this order, so that any crash leaves a state the next start can tell.

mod ask;
mod attribution;
pub mod audit;
mod author;
mod autorun;
mod candidate;
mod clones;
mod entry;
pub mod event;
mod examine;
mod foreign;
mod forward;
mod gate;
mod holder;
mod land;
mod lane;
mod lease;
mod marks;
mod number;
mod park;
mod publish;
mod queue;
mod recover;
mod refs;
pub mod rejection;
pub mod report;
mod stop;
mod submit;
mod tick;
pub mod verdict;
mod workplace;

use std::path::PathBuf;

use anyhow::Result;

use crate::agent::worktree;
use crate::git::{Oid, RefName, Repo};
use crate::ledger::{Actor, Ledger};
use crate::policy::{self, Surface};
use crate::refusal::Refusal;

pub use audit::audit;
pub use autorun::{Autorun, Awake, autorun, last_words, revive};
pub use clones::{behind, is_ours, next};
pub use entry::{Entry, State};
pub use event::{Event, Hold};
pub use foreign::moved;
pub use lane::Lane;
pub use lease::{Lease, at_work};
pub use number::Number;
pub use publish::left_out;
pub use queue::Queue;
pub use refs::ref_name;
pub use rejection::{Cause, Rejection};
pub use stop::{Stopped, stopped, why_stopped};
pub use submit::{Submission, baseline, submit};
pub use tick::{Outcome, begin, give_up, tick};

/// The work trees that a landing has parked and that have not come back, with what brings them back.
pub fn parked(repo: &Repo) -> Result<Vec<(PathBuf, String)>> {
    park::parked(repo)
}

/// What is left where nothing of ours stays.
pub struct Left {
    /// The work trees that were removed.
    pub gone: Vec<PathBuf>,
    /// Those that are still off their branch, with what brings them back.
    pub parked: Vec<(PathBuf, String)>,
}

/// Brings back what a landing has parked, forgets what stays, and removes the work trees for gates.
pub fn leave(repo: &Repo, ledger: &Ledger<'_>) -> Result<Left> {
    bring_back(repo, ledger)?;
    Ok(Left { parked: park::forget(repo)?, gone: workplace::leave(repo)? })
}

/// The entries that would bring the commit of this one along, should it be taken out of the line.
pub fn standing_on<'q>(repo: &Repo, queue: &'q Queue, entry: &Entry) -> Result<Vec<&'q Entry>> {
    let lane = queue.lane(&entry.target).into_iter().flat_map(|lane| lane.entries.values());
    let mut found = Vec::new();
    // What another clone has, nothing here stands on.
    if !repo.exists(&entry.commit) {
        return Ok(found);
    }
    for other in lane.filter(|other| other.state.is_open() && other.commit != entry.commit) {
        if repo.exists(&other.commit) && repo.is_ancestor(&entry.commit, &other.commit)? {
            found.push(other);
        }
    }
    Ok(found)
}

/// What gates left of targets that are no branches any more.
pub fn left_of_gates(repo: &Repo) -> Result<Vec<PathBuf>> {
    let branches = repo.refs_under("refs/heads/")?;
    let known: Vec<_> = branches.iter().map(|(name, _)| lease::file_name(name.short())).collect();
    let own = repo.common_dir().join("shopfloor");
    let homes = [own.join("gates"), own.join("workplace"), worktree::home(repo)?.join(".refinery")];
    let all = homes.iter().flat_map(std::fs::read_dir).flatten().flatten();
    let left = all.filter(|it| !known.iter().any(|name| it.file_name() == name.as_str()));
    Ok(left.map(|it| it.path()).collect())
}

/// The branch that this very work tree would stand on, had a landing not parked it, and the commit
/// it still stands at.
pub fn parked_here(repo: &Repo) -> Result<Option<(RefName, Oid)>> {
    park::here(repo)
}

/// The same as [`settle`] for any command by the way: cheap when nothing is parked.
pub fn bring_back(repo: &Repo, ledger: &Ledger<'_>) -> Result<Vec<String>> {
    if !park::any(repo) {
        return Ok(Vec::new());
    }
    settle(repo, &ledger.read::<Queue>()?)
}

/// Brings work trees back that a landing has parked. Moves no branch, so any command may do it.
pub fn settle(repo: &Repo, queue: &Queue) -> Result<Vec<String>> {
    land::settle_by_hand(repo, queue)
}

/// The commands that an entry held for its `shopfloor.toml` would have run, for a person to read.
pub fn surface(repo: &Repo, entry: &Entry) -> Result<Surface> {
    Ok(policy::read(repo, &entry.commit)?.surface())
}

/// Lets a held entry go on, with a person's word for exactly what it would have run.
pub fn approve(
    ledger: &Ledger<'_>,
    actor: &Actor,
    (target, n): (&str, Number),
    surface: &Surface,
) -> Result<()> {
    persons_word(actor)?;
    let hash = surface.hash();
    change(ledger, actor, (target, n), |entry| {
        let asked = entry.held.as_ref().and_then(|held| held.surface.as_ref());
        if entry.state != State::Held || asked.is_none() {
            return Err(not(entry, "held for its commands"));
        }
        if asked != Some(&hash) {
            return Err(Refusal::refused(format!("{} would run something else", entry.name()))
                .hint(format!("git bead trust --entry {} shows what", entry.n)));
        }
        Ok(Event::Approved { surface: hash.clone() })
    })
}

/// Puts a held entry back into the line.
pub fn retry(ledger: &Ledger<'_>, actor: &Actor, (target, n): (&str, Number)) -> Result<()> {
    change(ledger, actor, (target, n), |entry| match entry.state {
        State::Held => Ok(Event::Retried {}),
        State::Rejected => Err(not(entry, "held").hint("a new commit is a new entry: push again")),
        _ => Err(not(entry, "held")),
    })
}

/// Takes an entry out of the line by a person's decision.
pub fn reject(
    repo: &Repo,
    ledger: &Ledger<'_>,
    actor: &Actor,
    (target, n): (&str, Number),
    reason: &str,
) -> Result<()> {
    persons_word(actor)?;
    let branch = RefName::branch(target)?;
    let tip = repo.read_ref(&branch)?;
    change(ledger, actor, (target, n), |entry| {
        if !entry.state.is_open() || entry.intent.is_some() {
            return Err(not(entry, "waiting"));
        }
        let tip = tip.unwrap_or(entry.commit);
        let rejection = examine::rejection(entry, &tip, Cause::Person, reason.to_owned());
        Ok(Event::Rejected(rejection))
    })
}

fn persons_word(actor: &Actor) -> Result<()> {
    if actor.agent {
        return Err(Refusal::refused("this is the overseer's to decide")
            .hint("git sling mail send overseer asks for it")
            .into());
    }
    Ok(())
}

fn not(entry: &Entry, what: &str) -> Refusal {
    Refusal::refused(format!("{} is not {what}, it is {}", entry.name(), entry.state))
        .hint(format!("`git refinery show {}` says more", entry.n))
}

fn change(
    ledger: &Ledger<'_>,
    actor: &Actor,
    (target, n): (&str, Number),
    decide: impl Fn(&Entry) -> Result<Event, Refusal>,
) -> Result<()> {
    ledger.write::<Queue, _>(actor, |queue, pen| {
        let entry = queue.find(&n.to_string(), target)?;
        pen.line(&entry.name(), &decide(entry)?)
    })
}
