//! The target moved, and not by us. It is too late to say no; so the new tip is put to the gates of
//! the old one, and what came of it is written down for everybody to see.

use anyhow::Result;

use crate::git::Oid;
use crate::policy::{self, Policy, trust};
use crate::refinery::event::{Event, Foreign};
use crate::refinery::gate;
use crate::refinery::lease::Lease;
use crate::refinery::queue::{Lane, Queue};
use crate::refinery::verdict::Verdict;

/// Where the target was when a line last said so, if it is elsewhere now.
pub(super) fn moved(lane: Option<&Lane>, tip: &Oid) -> Option<Oid> {
    lane?.tip.filter(|known| known != tip)
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
        match moved(queue.lane(&lease.target), new) {
            Some(_) => pen.line(&lease.target, &Event::Foreign(foreign.clone())),
            None => Ok(()),
        }
    })?;
    Ok(foreign)
}

/// Why a commit that `tip` contains has not landed by that; `None` where it has: it came with a
/// landing, or past the queue and all gates passed on what it came with.
pub(super) fn unproven(
    lease: &Lease<'_>,
    lane: Option<&Lane>,
    (commit, tip): (&Oid, &Oid),
) -> Result<Option<String>> {
    let (repo, target) = (lease.repo, &lease.target);
    let Some((lane, baseline)) = lane.and_then(|lane| Some((lane, lane.baseline?))) else {
        return Ok(None);
    };
    // From the first tip of the target that has the commit on, all have it.
    let tips = repo.first_parents(tip, Some(&baseline))?;
    let (mut has, mut lacks) = (0, tips.len());
    while has + 1 < lacks {
        let middle = has.midpoint(lacks);
        match tips.get(middle) {
            Some(tip) if repo.is_ancestor(commit, tip)? => has = middle,
            _ => lacks = middle,
        }
    }
    let Some(brought) = tips.get(has) else {
        return Ok(Some(format!("it was on {target} before the queue was")));
    };
    if lane.landing(brought).is_some() {
        return Ok(None);
    }
    for foreign in lane.foreign.iter().rev() {
        let here = repo.is_ancestor(brought, &foreign.new)?;
        if here && !(repo.exists(&foreign.old) && repo.is_ancestor(brought, &foreign.old)?) {
            let red = foreign.gates.iter().find(|ran| ran.verdict != Verdict::Pass);
            return Ok(red.map(|ran| {
                format!("it came to {target} past the queue, and {} gave {}", ran.gate, ran.verdict)
            }));
        }
    }
    Ok(Some(format!("it came to {target} past the queue, and nobody has tested it")))
}

/// Whether the target itself is known not to pass `gate`: then a change that fails it too is not
/// to blame.
pub(super) fn fails(lane: Option<&Lane>, gate: &str) -> Option<Oid> {
    let foreign = lane?.foreign_tip()?;
    let red = |ran: &crate::refinery::event::Ran| {
        ran.gate == gate && !matches!(ran.verdict, Verdict::Pass | Verdict::NotRun)
    };
    foreign.gates.iter().any(red).then_some(foreign.new)
}

/// Whether the tip fails `gate` by itself, where no line vouches for it: it was there before the
/// queue was, and nobody has tested it yet.
pub(super) fn fails_untested(
    lease: &Lease<'_>,
    policy: &Policy,
    (lane, tip): (Option<&Lane>, &Oid),
    gate: &str,
) -> Result<bool> {
    let vouched = |lane: &Lane| lane.landing(tip).is_some() || lane.foreign_tip().is_some();
    if lane.is_some_and(vouched) {
        return Ok(false);
    }
    let tests = gate::run_all(lease, policy, tip, &format!("tip-{}", tip.short()))?;
    Ok(tests.failed.is_some_and(|failed| failed.ran.gate == gate))
}
