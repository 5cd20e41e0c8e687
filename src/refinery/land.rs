//! The landing itself: evidence, intent, compare-and-swap, landed. Each step is durable before the
//! next, so after a crash at any point the lines and the target together tell what happened.

use std::borrow::Borrow;

use anyhow::{Result, ensure};

use crate::bead::event::Landed as Closing;
use crate::bead::{Beads, Claim, closing};
use crate::git::{Oid, Pushed, RefName, Repo, Swap};
use crate::refinery::entry::{Entry, State};
use crate::refinery::event::{Event, Intent, Landed, Tested};
use crate::refinery::lane::Lane;
use crate::refinery::lease::Lease;
use crate::refinery::park::{self, Parked};
use crate::refinery::publish::{Route, Sides};
use crate::refinery::queue::Queue;
use crate::refinery::recover::{self, Facts, Recovery};
use crate::refinery::refs::is_kept;
use crate::refusal::Refusal;

/// How an attempt to land ended.
pub(super) enum Landing {
    /// Landed; the bead that this closed, and what people should know.
    Done { bead: Option<String>, notes: Vec<String> },
    /// Something moved meanwhile; the entry waits and is tried again on what is there now.
    Overtaken(String),
    /// The same, by whoever was faster at the remote.
    Outrun(String),
}

/// Lands a candidate whose gates have all passed, and which both oracles have found sound.
pub(super) fn land(
    lease: &Lease<'_>,
    entry: &Entry,
    tested: &Tested,
    intent: &Intent,
) -> Result<Landing> {
    let route = Route::of(lease.repo, &lease.target)?;
    let published = route.as_ref().map(|route| route.known(lease.repo)).transpose()?.flatten();
    if !intend(lease, entry, tested, intent)? {
        return Ok(Landing::Overtaken("the entry or its claim has changed".to_owned()));
    }
    if let Some(route) = &route
        && let Pushed::Rejected { why, .. } = route.push(lease, published.as_ref(), &intent.new)?
    {
        let why = format!("{} refused the push: {why}", route.remote());
        abort(lease, entry, &why)?;
        // A lost race shows at the next look; a remote that says no for its own reasons would say
        // so again and again.
        return match route.look(lease.repo, &intent.old)? {
            Sides::Behind { .. } => Ok(Landing::Outrun(why)),
            Sides::Level => Err(Refusal::refused(why).hint("the entry stays queued").into()),
        };
    }
    let (swap, parked) = advance(lease, &intent.old, &intent.new, &entry.name())?;
    if let Swap::Lost(now) = swap {
        drop(parked);
        let notes = settle(lease)?;
        // Who has published it may be overtaken by a pull, which brings this very landing.
        if now.is_some_and(|now| holds(lease.repo, &now, &intent.new)) {
            return Ok(Landing::Done { bead: finish(lease, entry, intent)?, notes });
        }
        let why = format!("{} moved while we landed", lease.target);
        // What the remote has cannot be taken back: the intent stays open until both sides agree.
        if route.is_none() {
            abort(lease, entry, &why)?;
        }
        return Ok(Landing::Overtaken(why));
    }
    // Before the word is out: who is told "landed" finds the files there. A failure is a note.
    let queue = || lease.ledger.read::<Queue>().ok();
    let notes = parked.map(|parked| settle_in(lease.repo, &parked, &queue, Some(entry)));
    let notes =
        notes.unwrap_or_else(|| Ok(Vec::new())).unwrap_or_else(|error| vec![format!("{error:#}")]);
    Ok(Landing::Done { bead: finish(lease, entry, intent)?, notes })
}

/// Moves the local branch, with every work tree on it out of the way.
pub(super) fn advance(
    lease: &Lease<'_>,
    old: &Oid,
    new: &Oid,
    why: &str,
) -> Result<(Swap, Option<Parked>)> {
    // A branch that is elsewhere has taken its work trees there: none is to be parked at `old`.
    let now = lease.repo.read_ref(&lease.branch)?;
    if now.as_ref() != Some(old) {
        return Ok((Swap::Lost(now), None));
    }
    // What is gone, nothing we do should point at.
    let is_here = lease.repo.commit(new).is_ok_and(|commit| lease.repo.exists(&commit.tree));
    ensure!(is_here, "{} is to land, and is not in the repository any more", new.short());
    let parked = park::park(lease.repo, &lease.branch, old)?;
    let why = format!("shopfloor: land {why}");
    let swap = lease.repo.swap_ref(&lease.branch, Some(old), Some(new), &why)?;
    Ok((swap, Some(parked)))
}

/// Whether `commit` is `tip` or one of its ancestors, as far as both are here.
fn holds(repo: &Repo, tip: &Oid, commit: &Oid) -> bool {
    repo.exists(commit) && repo.is_ancestor(commit, tip).unwrap_or(false)
}

/// Evidence and intent, in one write, on the newest state: an entry that was taken back or whose
/// claim has gone to somebody else does not land.
fn intend(lease: &Lease<'_>, entry: &Entry, tested: &Tested, intent: &Intent) -> Result<bool> {
    lease.ledger.write::<(Queue, Beads), _>(&lease.actor, |(queue, beads), pen| {
        let waits = queue.again(entry).filter(|entry| entry.state == State::Waiting);
        let Some(entry) = waits.filter(|entry| stands(beads, entry)) else { return Ok(false) };
        pen.line(&entry.name(), &Event::Tested(tested.clone()))?;
        pen.line(&entry.name(), &Event::Intent(intent.clone()))?;
        Ok(true)
    })
}

/// Whether nobody has claimed the bead anew since the entry was submitted, nor was first elsewhere.
pub(super) fn stands(beads: &Beads, entry: &Entry) -> bool {
    let (Some(bead), Some(epoch)) = (entry.bead.as_ref().and_then(|id| beads.get(id)), entry.epoch)
    else {
        return true;
    };
    let is_own = |claim: &Claim| entry.claim.as_ref() == Some(&claim.id);
    let other = entry.claim.is_some() && bead.claim.as_ref().is_some_and(|claim| !is_own(claim));
    let second = bead.seconds.iter().any(|second| is_own(&second.claim));
    bead.epoch == epoch && !other && !second
}

/// Says landed, and closes the bead, in one write.
pub(super) fn finish(lease: &Lease<'_>, entry: &Entry, intent: &Intent) -> Result<Option<String>> {
    let landed = Landed {
        submitted: entry.commit,
        commit: intent.new,
        author: intent.author.clone(),
        vouched: intent.vouched.clone(),
    };
    say_landed(lease, entry, &landed)
}

/// The `landed` line, and the close of the bead that the landing means.
pub(super) fn say_landed(
    lease: &Lease<'_>,
    entry: &Entry,
    landed: &Landed,
) -> Result<Option<String>> {
    lease.ledger.write::<(Queue, Beads), _>(&lease.actor, |(queue, beads), pen| {
        let open = queue.again(entry).filter(|entry| entry.state != State::Landed);
        let Some(entry) = open else { return Ok(None) };
        pen.line(&entry.name(), &Event::Landed(landed.clone()))?;
        let Some(bead) = entry.bead.as_ref().and_then(|id| beads.get(id)) else { return Ok(None) };
        let landing = Closing {
            entry: entry.name(),
            submitted: landed.submitted.to_string(),
            commit: landed.commit.to_string(),
        };
        let Some(closed) = closing::by_landing(bead, landing) else { return Ok(None) };
        pen.line(&bead.id, &closed)?;
        Ok(Some(bead.id.clone()))
    })
}

/// The intent came to nothing.
pub(super) fn abort(lease: &Lease<'_>, entry: &Entry, why: &str) -> Result<()> {
    lease.ledger.write::<Queue, _>(&lease.actor, |queue, pen| {
        match queue.again(entry).filter(|entry| entry.intent.is_some()) {
            Some(entry) => pen.line(&entry.name(), &Event::Aborted { reason: why.to_owned() }),
            None => Ok(()),
        }
    })
}

/// Gives every intent that a crash has left open its outcome. Says which entries turned out to have
/// landed, with the beads that closed.
pub(super) fn recover(lease: &Lease<'_>) -> Result<Vec<(Entry, Option<String>)>> {
    let queue = lease.ledger.read::<Queue>()?;
    let mut landed = Vec::new();
    let entries = queue.lane(&lease.target).into_iter().flat_map(|lane| lane.entries.values());
    for entry in entries {
        let Some(intent) = &entry.intent else { continue };
        // What another clone is about to land is for that one to finish.
        if !is_kept(lease.repo, entry)? {
            continue;
        }
        let Some(tip) = lease.repo.read_ref(&lease.branch)? else { continue };
        match recover::judge(&facts(lease, intent, &tip)?) {
            Recovery::Landed => landed.push((entry.clone(), finish(lease, entry, intent)?)),
            Recovery::Finish(there) => match advance(lease, &tip, &there, &entry.name())?.0 {
                Swap::Done => landed.push((entry.clone(), finish(lease, entry, intent)?)),
                // The next look finds it somewhere else.
                Swap::Lost(_) => {}
            },
            Recovery::Requeue => abort(lease, entry, "the landing was interrupted")?,
        }
    }
    Ok(landed)
}

fn facts(lease: &Lease<'_>, intent: &Intent, tip: &Oid) -> Result<Facts> {
    let repo = lease.repo;
    let contains = holds(repo, tip, &intent.new);
    let mut published = None;
    if !contains && let Some(route) = Route::of(repo, &lease.target)? {
        // A branch that has all the remote has, and not this, has proof that it was not published.
        published = match route.look(repo, tip)? {
            Sides::Behind { remote } if holds(repo, &remote, &intent.new) => Some(remote),
            Sides::Behind { .. } | Sides::Level => None,
        };
    }
    Ok(Facts { contains, published })
}

/// Brings parked work trees back, and says what stays.
pub(super) fn settle(lease: &Lease<'_>) -> Result<Vec<String>> {
    settle_by_hand(lease.repo, &lease.ledger.read::<Queue>()?)
}

/// The same without a lease: no branch moves, so any command may do it. While somebody lands it is
/// theirs to do.
pub(super) fn settle_by_hand(repo: &Repo, queue: &Queue) -> Result<Vec<String>> {
    match park::look(repo)? {
        Some(parked) => settle_in(repo, &parked, &|| Some(queue), None),
        None => Ok(Vec::new()),
    }
}

/// `landing` is the entry whose commit the branch has just moved to, with its line still to come. The
/// queue is asked for only where a work tree has something of its own.
fn settle_in<Q: Borrow<Queue>>(
    repo: &Repo,
    parked: &Parked,
    queue: &dyn Fn() -> Option<Q>,
    landing: Option<&Entry>,
) -> Result<Vec<String>> {
    const LOOK: usize = 50;
    let submitted = |branch: &RefName| {
        let Some(queue) = queue() else { return Vec::new() };
        let landed = queue.borrow().lane(branch.short()).into_iter().flat_map(Lane::landed);
        let newest =
            landing.into_iter().filter(|entry| entry.target == branch.short()).chain(landed);
        newest.map(|entry| entry.commit).take(LOOK).collect()
    };
    park::settle(repo, parked, &submitted)
}
