//! Claims where several clones share one remote. A claim is confirmed when that remote has it; until
//! then it is provisional, and goes when somebody else's is there already.

use std::collections::{HashMap, HashSet};

use anyhow::Result;

use crate::bead::event::Event;
use crate::bead::{Bead, Beads, Claim, lease};
use crate::git::{Oid, Repo};
use crate::host::Uptime;
use crate::ledger::{Actor, Ledger, Line, Synced, default_remote, seen_of};

/// A claim that came second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub bead: String,
    pub by: String,
    pub session: Option<String>,
    /// Who was first; none where that one has finished it.
    pub holder: Option<String>,
}

/// The hub of this repository, if it was given one: what it has not accepted cannot land.
pub fn name(repo: &Repo) -> Result<Option<String>> {
    repo.config_get("shopfloor.hub")
}

/// The claims of now that the hub has not accepted.
pub enum Provisional {
    /// It has nothing of ours yet.
    All,
    Those(HashSet<String>),
}

/// None of them are where there is no hub.
pub fn provisional(repo: &Repo, ledger: &Ledger<'_>) -> Result<Provisional> {
    let Some(hub) = name(repo)? else { return Ok(Provisional::Those(HashSet::new())) };
    let Some(seen) = seen_of(repo, &hub)? else { return Ok(Provisional::All) };
    let beyond = ledger.beyond(&seen)?;
    Ok(Provisional::Those(claims(&beyond).map(|line| line.id.clone()).collect()))
}

/// Whether the claim of a bead is one of these.
pub fn is_among(provisional: &Provisional, bead: &Bead) -> bool {
    bead.claim.as_ref().is_some_and(|claim| match provisional {
        Provisional::All => true,
        Provisional::Those(ids) => ids.contains(&claim.id),
    })
}

/// Withdraws every claim that a remote does not have yet and that would be a second one there. Only the
/// remote by which claims are decided has that say.
fn settle(
    repo: &Repo,
    ledger: &Ledger<'_>,
    actor: &Actor,
    (remote, theirs): (&str, Option<&Oid>),
) -> Result<Vec<Lost>> {
    let Some(theirs) = theirs else { return Ok(Vec::new()) };
    if default_remote(repo)?.as_deref() != Some(remote) {
        return Ok(Vec::new());
    }
    let beyond = ledger.beyond(theirs)?;
    if claims(&beyond).next().is_none() {
        return Ok(Vec::new());
    }
    let takes = |line: &Line| line.act == "bead.taken";
    let refuted = match claims(&beyond).any(takes) {
        true => lease::refuted(&ledger.lines()?, &beyond),
        false => HashSet::new(),
    };
    let ids: HashSet<&str> = claims(&beyond).map(|line| line.id.as_str()).collect();
    let writers = ledger.writers(theirs, &ids)?;
    ledger.write(actor, |beads: &Beads, pen| {
        let mut lost = Vec::new();
        for (event, told) in withdrawals(beads, &beyond, (&refuted, &writers), remote) {
            pen.line(&told.bead, &event)?;
            lost.push(told);
        }
        Ok(lost)
    })
}

fn claims(lines: &[Line]) -> impl Iterator<Item = &Line> {
    lines.iter().filter(|line| line.event().is_some_and(|event: Event| event.is_claim()))
}

/// A whole exchange with a remote: claims of ours that came second there are withdrawn, and what was
/// heard of other holders is noted.
pub fn exchange(
    repo: &Repo,
    ledger: &Ledger<'_>,
    actor: &Actor,
    remote: Option<&str>,
) -> Result<(Synced, Vec<Lost>)> {
    let (begun, mut lost) = (Uptime::now(), Vec::new());
    let synced = ledger.sync(remote, &mut |remote, theirs| {
        lost.extend(settle(repo, ledger, actor, (remote, theirs))?);
        Ok(())
    })?;
    if default_remote(repo)?.as_ref() == Some(&synced.remote) {
        lease::listen(repo, ledger, begun.as_ref())?;
    }
    Ok((synced, lost))
}

/// `beyond` is what the remote does not have; all else in `beads` it has.
fn withdrawals(
    beads: &Beads,
    beyond: &[Line],
    (refuted, writers): (&HashSet<String>, &HashMap<String, String>),
    remote: &str,
) -> Vec<(Event, Lost)> {
    let ours: HashSet<&str> = claims(beyond).map(|line| line.id.as_str()).collect();
    let mut found = Vec::new();
    for line in claims(beyond) {
        let Some(bead) = beads.get(&line.on) else { continue };
        let Some(claim) = bead.candidates().find(|claim| claim.id == line.id) else { continue };
        let (reason, holder) = if refuted.contains(&claim.id) {
            let holder = bead.held_before().map(|claim| claim.holder.clone());
            (format!("whose lease had run out was heard again at {remote}"), holder)
        } else {
            let Some(first) = before(bead, claim, &ours) else { continue };
            let holder = (!bead.is_closed_by(first)).then(|| first.holder.clone());
            (format!("{} was first at {remote}", first.holder), holder)
        };
        let replica = writers.get(&claim.id).cloned();
        let event =
            Event::Withdrawn { epoch: claim.epoch, claim: claim.id.clone(), reason, replica };
        let (by, session) = (claim.holder.clone(), claim.session.clone());
        found.push((event, Lost { bead: bead.id.clone(), by, session, holder }));
    }
    found
}

/// The claim that makes this one the second: one the remote has, else the one that stands here.
fn before<'b>(bead: &'b Bead, claim: &Claim, ours: &HashSet<&str>) -> Option<&'b Claim> {
    let accepted = bead.candidates().find(|other| !ours.contains(other.id.as_str()));
    accepted.or_else(|| bead.candidates().next()).filter(|other| other.id != claim.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::line;
    use crate::bead::event::{Closed, New};
    use crate::ledger::Fold as _;

    fn told(events: &[(&str, Event)]) -> (Beads, Vec<Line>) {
        let mut beads = Beads::default();
        let born = ("0", Event::Created(New::default()));
        let lines: Vec<_> = [born]
            .iter()
            .chain(events)
            .map(|(id, event)| Line { id: (*id).to_owned(), ..line("b-1", "x", event) })
            .collect();
        for line in &lines {
            beads.drink(line);
        }
        (beads, lines)
    }

    #[test]
    fn what_the_remote_has_was_first() {
        let claim =
            |holder: &str| Event::Claimed { epoch: 1, holder: holder.to_owned(), session: None };
        let close = |id: &str| {
            Event::Closed(Closed {
                epoch: Some(1),
                claim: Some(id.to_owned()),
                ..Closed::default()
            })
        };
        let (x, y) = (("x", claim("x")), ("y", claim("y")));
        for (events, ours, withdrawn) in [
            (vec![x.clone()], &["x"][..], &[][..]),
            (vec![x.clone(), y.clone()], &["x"], &["x"]),
            (vec![x.clone(), y.clone()], &["y"], &["y"]),
            (vec![x.clone(), y.clone()], &["x", "y"], &["y"]),
            (vec![x.clone(), y.clone()], &[], &[]),
            (vec![x.clone(), ("c", close("x")), y.clone()], &["x", "c"], &["x"]),
            (vec![x.clone(), ("c", close("x")), y.clone()], &["y"], &["y"]),
        ] {
            let (beads, lines) = told(&events);
            let beyond: Vec<_> =
                lines.into_iter().filter(|line| ours.contains(&line.id.as_str())).collect();
            let nothing = (&HashSet::new(), &HashMap::new());
            let found = withdrawals(&beads, &beyond, nothing, "origin");
            let ids: Vec<_> = found
                .iter()
                .map(|(event, _)| match event {
                    Event::Withdrawn { claim, .. } => claim.as_str(),
                    _ => "",
                })
                .collect();
            assert_eq!(ids, withdrawn, "{events:?} {ours:?}");
        }
    }
}
