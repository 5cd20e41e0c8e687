//! What the repository demands of claims that get in each other's way, and how that is said.

use anyhow::Result;

use crate::bead::event::{Edit, Event};
use crate::bead::overlap::{self, Owners, Side};
use crate::bead::{Bead, Beads, files};
use crate::cli::context::Context;
use crate::git::RefName;
use crate::ledger::Row;
use crate::policy::{self, Overlapping};

/// As the target branch has it.
pub(in crate::cli) fn demanded(cx: &Context) -> Result<Overlapping> {
    let repo = cx.repo()?;
    let tip = repo.read_ref(&RefName::branch(&repo.default_branch()?)?)?;
    let policy = tip.map(|tip| policy::read(repo, &tip)).transpose()?;
    Ok(policy.unwrap_or_default().beads.overlapping)
}

/// Whose files nobody else may take, where that is refused.
pub(super) fn owners<'a>(
    cx: &Context,
    beads: &'a Beads,
    held: &[Row<'a, Bead>],
) -> Result<Option<Owners<'a>>> {
    if held.is_empty() {
        return Ok(None);
    }
    let actor = cx.actor()?;
    let owners = Owners::beside(beads, (&actor.by, actor.session.as_deref()));
    let owners = owners.knowing(&mut held.iter().map(|row| row.whole()));
    let refuses = !owners.is_empty() && demanded(cx)? == Overlapping::Refuse;
    Ok(refuses.then_some(owners))
}

/// Those that are in each other's way where that is not allowed, and whether it is refused. What cannot be read
/// demands what is usual: the beads stand all the same.
pub(super) fn standing(cx: &Context, beads: &Beads) -> (Vec<[Side; 2]>, bool) {
    let found = overlap::standing(beads);
    let rule = if found.is_empty() { Overlapping::Warn } else { demanded(cx).unwrap_or_default() };
    match rule {
        Overlapping::Allow => (Vec::new(), false),
        rule => (found, rule == Overlapping::Refuse),
    }
}

pub(in crate::cli) fn tell(cx: &Context, told: &[String]) {
    for told in told {
        cx.note(format!("note: {told}"));
    }
    if !told.is_empty() {
        cx.hint("shopfloor.toml decides: overlapping = \"refuse\" or \"allow\" under [beads]");
    }
}

/// Whose files the bead would share: who takes it, or changes the files of what is held, is told or refused.
pub(super) fn shared(
    cx: &Context,
    (beads, bead): (&Beads, &Bead),
    events: &[Event],
) -> Result<Vec<String>> {
    let holder = bead.claim.as_ref().map(|claim| (claim.holder.as_str(), claim.session.as_deref()));
    let (mut taker, mut files, mut is_new) = (holder, bead.files(), false);
    for event in events {
        match event {
            Event::Claimed { holder, session, .. } | Event::Taken { holder, session, .. } => {
                (taker, is_new) = (Some((holder.as_str(), session.as_deref())), true);
            }
            Event::Edited(Edit { set, .. }) => {
                if let Some(new) = set.get(files::NAME) {
                    (files, is_new) = (files::said(new), true);
                }
            }
            Event::Released { .. } => taker = None,
            _ => {}
        }
    }
    match taker.filter(|_| is_new) {
        Some(taker) => Owners::beside(beads, taker).decide((&bead.id, &files), &|| demanded(cx)),
        None => Ok(Vec::new()),
    }
}
