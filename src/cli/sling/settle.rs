//! Ends what sessions left behind for which nobody answers any more: their processes, their hooks,
//! their claims; and a refinery that was killed. Their work is kept first. Cheap when there is nothing to do.

use std::path::Path;

use anyhow::Result;

use crate::agent::event::{Ended, Outcome, Rescued};
use crate::agent::{Desk, End, Session, Word, end, left_behind, rescue, runner, trail, worktree};
use crate::cli::context::Context;
use crate::cli::sling::world::World;
use crate::ledger::{self, Pen};
use crate::refinery;

/// Run first by every changing command: what was left undone around the git hooks, and the rest.
pub(in crate::cli) fn tend(cx: &Context) -> Result<()> {
    cx.look_after()?;
    settle(cx)
}

/// The same for those that choose among sessions.
pub(super) fn tend_whole(cx: &Context) -> Result<()> {
    cx.look_after()?;
    settle_whole(cx)
}

/// A settler that is killed is followed by another.
fn settle(cx: &Context) -> Result<()> {
    let (repo, ledger) = (cx.repo()?, cx.ledger()?);
    refinery::revive(repo, &ledger)?;
    // Of other people's work trees `git refinery status` tells.
    let here = repo.work_dir().map(|dir| format!("{} ", dir.display()));
    for note in refinery::bring_back(repo, &ledger)? {
        if here.as_ref().is_some_and(|here| note.starts_with(here)) {
            cx.note(format!("note: {note}"));
        }
    }
    end_orphans(cx)
}

fn end_orphans(cx: &Context) -> Result<()> {
    let desk = Desk::of(cx.repo()?);
    let orphans = desk.orphans()?;
    if orphans.is_empty() { Ok(()) } else { end_all(cx, &desk, &orphans) }
}

/// That, and what can only be seen in the ledger: sessions of which our own directory has lost
/// every trace, and beads whose submission was rejected after their session was over.
pub(in crate::cli) fn settle_whole(cx: &Context) -> Result<()> {
    settle(cx)?;
    settle_lost(cx)
}

/// Sessions alone, for the refinery, which sees to its own.
pub(in crate::cli) fn settle_sessions(cx: &Context) -> Result<()> {
    end_orphans(cx)?;
    settle_lost(cx)
}

fn settle_lost(cx: &Context) -> Result<()> {
    let desk = Desk::of(cx.repo()?);
    let ledger = cx.ledger()?;
    let (beads, roster, queue) = ledger.read::<World>()?;
    if roster.running().next().is_some() {
        let replica = ledger::known_replica(cx.repo()?);
        let lost = |session: &&Session| {
            desk.is_ours(session, replica.as_deref()) && !desk.is_open(&session.id)
        };
        let lost: Vec<String> = roster.running().filter(lost).map(|s| s.id.clone()).collect();
        if !lost.is_empty() {
            end_all(cx, &desk, &lost)?;
        }
    }
    let queued = |bead: &str| queue.submitted(bead).is_some();
    if !left_behind(&beads, &roster, &queued).is_empty() {
        ledger.write(&cx.actor()?, |(beads, roster, queue): &World, pen| {
            let queued = |bead: &str| queue.submitted(bead).is_some();
            pen_all(pen, left_behind(beads, roster, &queued))
        })?;
    }
    Ok(())
}

fn end_all(cx: &Context, desk: &Desk, orphans: &[String]) -> Result<()> {
    let _one_at_a_time = desk.turn()?;
    let ledger = cx.ledger()?;
    let replica = ledger::known_replica(cx.repo()?);
    let (_, roster, _) = ledger.read::<World>()?;
    for id in orphans.iter().filter(|id| !desk.alive(id)) {
        let Some(session) = roster.session(id) else {
            desk.forget(id)?;
            continue;
        };
        // A copy of a repository has a copy of its desk, and no part in its sessions.
        if session.ended.is_some() || !desk.is_ours(session, replica.as_deref()) {
            desk.close(id)?;
            continue;
        }
        let stopped = desk.asked_to_stop(id).is_some();
        let ended = match stopped {
            true => runner::stopped(session, desk),
            false => runner::ended(session, Outcome::Lost),
        };
        let kept = finish(cx, desk, session, ended)?;
        if !stopped {
            cx.note(format!("session {id} of {} had lost its runner and was ended", session.agent));
        }
        if let Some(kept) = kept {
            cx.note(format!("its work is kept: {kept}"));
        }
    }
    Ok(())
}

/// Brings one session to its end: processes, then work, then lines. Says where its work is kept.
pub(super) fn finish(
    cx: &Context,
    desk: &Desk,
    session: &Session,
    mut ended: Ended,
) -> Result<Option<String>> {
    runner::sweep(desk, &session.id);
    // Before it is kept by a ref, what was not submitted is seen to be new.
    let left = trail::left(cx.repo()?, session, &cx.clock.now().to_string());
    let rescued = match keep(cx, session) {
        Ok(rescued) => rescued,
        Err(error) => {
            // The worktree stays as it is: nothing is lost, and the next one to clear it tries again.
            ended.error.get_or_insert(format!("{error:#}"));
            None
        }
    };
    let over = End { session: session.id.clone(), ended, rescued };
    let (actor, ledger) = (cx.actor()?, cx.ledger()?);
    // Whoever sees that it is over sees all that is told of it.
    let now = cx.clock.now().to_string();
    let told = left.and_then(|left| trail::end(&ledger, session, left, (&over.ended, &now)));
    if let Err(error) = told {
        cx.note(format!("the end of its trail is not told: {error:#}"));
    }
    ledger.write(&actor, |(beads, roster, queue): &World, pen| {
        let queued = |bead: &str| queue.submitted(bead).is_some();
        pen_all(pen, end(beads, roster, &over, &queued))
    })?;
    desk.close(&session.id)?;
    Ok(over.rescued.map(|rescued| rescued.name))
}

fn keep(cx: &Context, session: &Session) -> Result<Option<Rescued>> {
    let path = Path::new(&session.worktree);
    let repo = cx.repo()?;
    if path.join(".git").exists() {
        worktree::unlock(repo, path)?;
    }
    repo.unlock_branches(&session.agent)?;
    let kept = rescue::rescue(repo, path, &session.agent, &session.id)?;
    Ok(kept.map(|kept| Rescued {
        agent: session.agent.clone(),
        bead: session.bead.clone(),
        name: kept.name.to_string(),
        commit: kept.commit.to_string(),
    }))
}

pub(super) fn pen_all(pen: &mut Pen<'_>, words: Vec<Word>) -> Result<()> {
    for word in words {
        match word {
            Word::Agent { on, event } => pen.line(&on, &event)?,
            Word::Bead { on, event } => pen.line(&on, &event)?,
        }
    }
    Ok(())
}
