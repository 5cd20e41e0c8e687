//! The target moved, and not by us. It is too late to say no; so the new tip is put to the gates of
//! the old one, and what came of it is written down for everybody to see.

use anyhow::Result;

use crate::git::{Oid, Repo};
use crate::policy::{self, Policy, trust};
use crate::refinery::clones;
use crate::refinery::entry::Entry;
use crate::refinery::event::{Event, Foreign, Held, Hold, Ran};
use crate::refinery::gate;
use crate::refinery::lane::Lane;
use crate::refinery::lease::Lease;
use crate::refinery::queue::Queue;
use crate::refinery::verdict::{Blame, Verdict};

/// Where the target was when a line last said so, if somebody has moved it elsewhere since. Lines of
/// several clones need not come in the order of their landings, and a branch may have yet to follow.
pub fn moved(repo: &Repo, queue: &Queue, target: &str, tip: &Oid) -> Result<Option<Oid>> {
    let Some(lane) = queue.lane(target) else { return Ok(None) };
    let Some(known) = lane.tip.filter(|known| known != tip) else { return Ok(None) };
    let is_told = lane.vouches(tip) && repo.exists(&known) && repo.is_ancestor(&known, tip)?;
    let is_told = is_told || lane.are_one(tip, &known);
    let is_told = is_told || clones::is_ahead(repo, lane, target, (tip, &known))?;
    Ok(Some(known).filter(|_| !is_told))
}

/// Tests the tip that somebody else made, and records it.
pub(super) fn record(lease: &Lease<'_>, old: &Oid, new: &Oid) -> Result<Foreign> {
    let repo = lease.repo;
    // An old tip that history rewriting has thrown away has no policy to ask for.
    let judge = if repo.exists(old) { old } else { new };
    let policy = policy::read(repo, judge)?;
    trust::demand(repo.env(), repo, &policy.surface())?;
    let rewound = !repo.exists(old) || !repo.is_ancestor(old, new)?;
    let tests = gate::run_all(lease, &policy, new, &format!("foreign-{}", new.short()))?;
    let foreign =
        Foreign { old: *old, new: *new, tree: repo.tree_of(new)?, gates: tests.gates, rewound };
    lease.ledger.write::<Queue, _>(&lease.actor, |queue, pen| {
        match moved(repo, queue, &lease.target, new)? {
            Some(_) => pen.line(&lease.target, &Event::Foreign(foreign.clone())),
            None => Ok(()),
        }
    })?;
    Ok(foreign)
}

/// Whether a commit that the target contains has landed by that.
pub(super) enum Proof {
    /// It came with a landing, or past the queue and all gates passed on what it came with.
    Stands,
    Fails(String),
    /// The gates could not judge what it came with, and still cannot.
    Unknown(String),
}

/// What is known of how a commit that `tip` contains came there.
pub(super) fn proof(
    lease: &Lease<'_>,
    policy: &Policy,
    lane: Option<&Lane>,
    (commit, tip): (&Oid, &Oid),
) -> Result<Proof> {
    let (repo, target) = (lease.repo, &lease.target);
    let Some(lane) = lane.filter(|lane| lane.baseline.is_some()) else {
        return Ok(Proof::Stands);
    };
    let Some(brought) = clones::brought(repo, lane, (commit, tip))? else {
        return Ok(Proof::Fails(format!("it was on {target} before the queue was")));
    };
    if lane.landing(&brought).is_some() || lane.evidence(&brought).is_some() {
        return Ok(Proof::Stands);
    }
    for foreign in lane.foreign.iter().rev() {
        let here = repo.is_ancestor(&brought, &foreign.new)?;
        if here && !(repo.exists(&foreign.old) && repo.is_ancestor(&brought, &foreign.old)?) {
            return judged(lease, policy, foreign);
        }
    }
    Ok(Proof::Fails(format!("it came to {target} past the queue, and nobody has tested it")))
}

/// What the gates said of a foreign landing. Where they could not judge it they are asked again, so
/// that who mends them and retries gets an answer.
fn judged(lease: &Lease<'_>, policy: &Policy, foreign: &Foreign) -> Result<Proof> {
    let past = format!("it came to {} past the queue", lease.target);
    let no = |ran: &Ran| Proof::Fails(format!("{past}, and {} gave {}", ran.gate, ran.verdict));
    let Some(ran) = foreign.gates.iter().find(|ran| ran.verdict != Verdict::Pass) else {
        return Ok(Proof::Stands);
    };
    if ran.verdict.blame(ran.signal) == Blame::Change {
        return Ok(no(ran));
    }
    let again = format!("foreign-{}", foreign.new.short());
    Ok(match gate::run_all(lease, policy, &foreign.new, &again)?.failed {
        None => Proof::Stands,
        Some(failed) if failed.blame() == Blame::Change => no(&failed.ran),
        Some(failed) => Proof::Unknown(format!("{past}, and {}", failed.trouble())),
    })
}

/// Why a change that fails `gate` is not to blame, if it is not: the target fails it too. A tip that
/// no line vouches for was there before the queue was, or its gates could not run then; it is tested
/// now, and where even that comes to no judgement the change waits.
pub(super) fn excuse(
    lease: &Lease<'_>,
    policy: &Policy,
    (lane, tip): (Option<&Lane>, &Oid),
    failed: &Ran,
) -> Result<Option<Held>> {
    let gate = &failed.gate;
    // A tip that brought a gate along was never put to it.
    let asked = |gates: &[Ran]| {
        gates.iter().any(|ran| (&ran.gate, &ran.command) == (&failed.gate, &failed.command))
    };
    let held = |why, said| Some(Held { why, said, surface: None });
    let target = &lease.target;
    if let Some(foreign) = lane.and_then(|lane| lane.foreign_tip(tip)) {
        let ran = foreign.gates.iter().find(|ran| ran.verdict != Verdict::Pass);
        match ran.map(|ran| (ran, ran.verdict.blame(ran.signal))) {
            Some((ran, Blame::Change)) if ran.gate == *gate => {
                let said = format!("{target} itself fails {gate} since {}", foreign.new.short());
                return Ok(held(Hold::Target, said));
            }
            Some((_, Blame::House)) => {}
            _ if asked(&foreign.gates) => return Ok(None),
            _ => {}
        }
    } else if let Some(entry) = lane.and_then(|lane| lane.landing(tip))
        && entry.tested.as_ref().is_some_and(|tested| asked(&tested.gates))
    {
        return Ok(None);
    }
    let tests = gate::run_all(lease, policy, tip, &format!("tip-{}", tip.short()))?;
    Ok(tests.failed.and_then(|failed| match failed.blame() {
        Blame::House => held(Hold::Infra, format!("on {target} itself {}", failed.trouble())),
        _ if failed.ran.gate == *gate => {
            let said = format!("{target} itself fails {gate} at {}", tip.short());
            held(Hold::Target, said)
        }
        _ => None,
    }))
}

/// Puts back into the line what waits for a target that fails a gate, once a later tip of it is known
/// to pass: it landed, or came past the queue and its gates passed. Says whether anything waited.
pub(super) fn absolve(lease: &Lease<'_>, lane: Option<&Lane>, tip: &Oid) -> Result<bool> {
    let passed = |foreign: &Foreign| foreign.gates.iter().all(|ran| ran.verdict == Verdict::Pass);
    let good = |lane: &&Lane| match lane.foreign_tip(tip) {
        Some(foreign) => passed(foreign),
        None => lane.landing(tip).is_some(),
    };
    let waits = |entry: &&Entry| {
        let here = entry.tested.as_ref().is_some_and(|tested| tested.base == *tip);
        !here && entry.held.as_ref().is_some_and(|held| held.why == Hold::Target)
    };
    let held = lane.filter(good).into_iter().flat_map(|lane| lane.entries.values()).filter(waits);
    again(lease, held.collect())
}

/// Puts back into the line what a clone has held that did not have the commit, where this one has it.
pub(super) fn take_up(lease: &Lease<'_>, lane: Option<&Lane>) -> Result<bool> {
    let missed = |entry: &&Entry| {
        let said = |held: &Held| {
            held.why == Hold::Infra
                && held.said.starts_with(&format!("reading commit {}", entry.commit))
        };
        entry.held.as_ref().is_some_and(said) && lease.repo.exists(&entry.commit)
    };
    again(lease, lane.into_iter().flat_map(|lane| lane.entries.values()).filter(missed).collect())
}

/// Puts held entries back into the line. Says whether there were any.
fn again(lease: &Lease<'_>, held: Vec<&Entry>) -> Result<bool> {
    let held: Vec<_> = held.into_iter().cloned().collect();
    if held.is_empty() {
        return Ok(false);
    }
    lease.ledger.write::<Queue, _>(&lease.actor, |queue, pen| {
        let held = held.iter().filter_map(|entry| queue.again(entry));
        for entry in held.filter(|entry| entry.held.is_some()) {
            pen.line(&entry.name(), &Event::Retried {})?;
        }
        Ok(true)
    })
}
