//! What others know is asked for before a step: the hub of claims, the remote that landings go to, and
//! the clones that share it.

use anyhow::Result;

use crate::bead::{aside, hub};
use crate::git::{Oid, Swap};
use crate::refinery::land;
use crate::refinery::lease::Lease;
use crate::refinery::publish::{Route, Sides};

/// Where a hub decides about claims it is asked first: what it has not confirmed does not land, and who
/// was first there may have been somebody else.
pub(super) fn hub(lease: &Lease<'_>) -> Result<bool> {
    let Some(hub) = hub::name(lease.repo)? else { return Ok(false) };
    hub::exchange(lease.repo, lease.ledger, &lease.actor, Some(&hub))?;
    Ok(true)
}

/// Before anybody is said to have moved the target, what other clones know of it is asked for. Says
/// whether there was something new.
pub(super) fn others(lease: &Lease<'_>) -> Result<bool> {
    let Some(remote) = lease.repo.config_get("shopfloor.publish")? else { return Ok(false) };
    if !aside::remotes(lease.repo)?.contains(&remote) {
        return Ok(false);
    }
    match hub::exchange(lease.repo, lease.ledger, &lease.actor, Some(&remote)) {
        Ok((synced, _)) => Ok(synced.received > 0),
        Err(no) => {
            tracing::debug!("asking {remote} who moved {}: {no:#}", lease.target);
            Ok(false)
        }
    }
}

/// Where the local branch is after a look at the remote.
pub(super) enum Followed {
    Level,
    To(Oid),
    /// Somebody moved it meanwhile, to where nobody has looked.
    Not,
}

/// Brings the local branch to where the remote is, if somebody has pushed past us.
pub(super) fn follow(lease: &Lease<'_>, tip: &Oid) -> Result<Followed> {
    let Some(route) = Route::of(lease.repo, &lease.target)? else { return Ok(Followed::Level) };
    let Sides::Behind { remote } = route.look(lease.repo, tip)? else {
        return Ok(Followed::Level);
    };
    let (swap, parked) =
        land::advance(lease, tip, &remote, &format!("what {} has", route.remote()))?;
    drop(parked);
    land::settle(lease)?;
    Ok(if swap == Swap::Done { Followed::To(remote) } else { Followed::Not })
}
