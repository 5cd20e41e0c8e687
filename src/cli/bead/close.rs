//! `git bead close` and `git bead reopen`.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::agent::Roster;

use crate::bead::closing::{self, Elsewhere};
use crate::bead::event::{Closed, Link};
use crate::bead::export::priority;
use crate::bead::hub::{self, is_among};
use crate::bead::{Bead, Beads, change, epics, graph, together};
use crate::cli::bead::changed::Changed;
use crate::cli::bead::create::no_flag;
use crate::cli::bead::record::Record;
use crate::cli::context::Context;
use crate::cli::convoy;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::git::RefName;
use crate::refinery::{Entry, Queue};
use crate::refusal::{Refusal, word};

/// Finish a bead and name what it frees
///
/// One bead a call: a close is one action with its own time and reason. A bead whose change was
/// submitted is closed by its landing alone. An agent closes only what it holds; the overseer
/// closes for somebody else with --on-behalf-of. What it still waits for stays open, and is named.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead close 7f3k --reason 'the lexer does it now'
  git bead close 7f3k --on-behalf-of toast")]
pub(in crate::cli) struct Close {
    /// The bead, by any start of its id that names one
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Why it is over
    #[arg(short, long, default_value = "done")]
    reason: String,
    /// Close for the agent that holds it; recorded as such
    #[arg(long, value_name = "NAME")]
    on_behalf_of: Option<String>,
    /// Close it whatever stands against that, which nobody can
    #[arg(short, long, hide = true)]
    force: bool,
    /// What it frees is told always
    #[arg(long = "suggest-next", hide = true)]
    _next: bool,
}

impl Close {
    /// One that is over because all below it is.
    pub(super) fn epic(id: &str) -> Self {
        let reason = "all its children are closed".to_owned();
        Self { ids: vec![id.to_owned()], reason, on_behalf_of: None, force: false, _next: true }
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let [id] = self.ids.as_slice() else {
            return Err(Refusal::usage("close takes one bead at a time: one close, one reason")
                .hint("call it once for each")
                .into());
        };
        no_flag(id)?;
        if self.force {
            return Err(Refusal::usage("nothing is closed by force")
                .hint("who holds it closes it, and anybody what nobody holds: git bead close ID")
                .hint("the overseer closes for the holder: git bead close ID --on-behalf-of NAME")
                .into());
        }
        let closed = Closed {
            reason: self.reason.clone(),
            on_behalf_of: self.on_behalf_of.clone(),
            ..Closed::default()
        };
        finish(cx, id, &closed, None)
    }
}

/// Closes a bead by hand, in one write with the link to what it is closed for, if there is such.
pub(super) fn finish(
    cx: &Context,
    id: &str,
    closed: &Closed,
    instead: Option<&(&str, Link)>,
) -> Result<Done> {
    let (ledger, actor) = (cx.ledger()?, cx.actor()?);
    let held_back = held_back(cx, id)?;
    let (hub, provisional) = (hub::name(cx.repo()?)?, hub::provisional(cx.repo()?, &ledger)?);
    let ((was, passed), (beads, _)) =
        ledger.write_and_read(&actor, |(beads, queue): &(Beads, Queue), pen| {
            let bead = beads.find(id)?;
            let mut closed = closed.clone();
            if let Some((other, kind)) = instead {
                let other = beads.find(other)?;
                change::may_edit(beads, bead, &actor)?;
                closed.reason = closed.reason.replace("{}", &other.id);
                if let Some(event) = change::replaced(beads, bead, other, kind.clone())? {
                    pen.line(&bead.id, &event)?;
                }
            }
            let elsewhere = Elsewhere {
                submitted: queue.submitted(&bead.id).map(Entry::name),
                unconfirmed: hub.clone().filter(|_| is_among(&provisional, bead)),
                unsubmitted: held_back.clone(),
            };
            if let Some(event) = closing::by_hand(beads, bead, &actor, closed, &elsewhere)? {
                pen.line(&bead.id, &event)?;
            }
            let passed = graph::blockers(beads, &bead.id).into_iter().map(|id| beads.short(id));
            Ok((Record::of(beads, bead), passed.collect::<Vec<_>>().join(", ")))
        })?;
    convoy::announce(cx);
    let bead = beads.find(&was.id)?;
    if !passed.is_empty() {
        let short = beads.short(&bead.id);
        cx.note(format!("note: {short} waited for {passed}, and is closed all the same"));
    }
    let freed = graph::freed(&beads, &bead.id).into_iter();
    let freed = freed.map(|row| Freed::of(&beads, &row.read())).collect();
    if let Some(epic) = epics::ended_by(&beads, bead) {
        let short = beads.short(epic.key());
        let call = match epic.face().issue_type {
            "epic" => "git bead epic close-eligible".to_owned(),
            _ => format!("git bead close {short}"),
        };
        cx.hint(format!("all children of {short} are closed: `{call}` closes it, too"));
    }
    let bead = Changed::of("✓ Closed", &was, &Record::of(&beads, bead))?;
    Ok(Finished { freed, bead }.into())
}

/// The commands that submit what the holder's worktree has and the target lacks: edits, new files, or
/// commits that no queue entry carries.
fn held_back(cx: &Context, id: &str) -> Result<Vec<String>> {
    let repo = cx.repo()?;
    let (beads, queue, roster): (Beads, Queue, Roster) = cx.ledger()?.read()?;
    let claim = beads.find(id)?.claim.as_ref();
    let session = claim.and_then(|claim| roster.session(claim.session.as_deref()?));
    let Some(session) = session else { return Ok(Vec::new()) };
    let place = Path::new(&session.worktree);
    if !place.is_dir() {
        return Ok(Vec::new());
    }
    let git = format!("git -C {}", word(&session.worktree));
    let push = format!("{git} push origin {}", word(&format!("HEAD:{}", session.target)));
    let state = repo.checkout_state(place)?;
    if !state.clean || !state.untracked.is_empty() {
        return Ok(vec![format!("{git} add --all && {git} commit"), push]);
    }
    let target = RefName::branch(&session.target)?;
    let tips = (repo.resolve_in(place, "HEAD")?, repo.resolve(target.as_str())?);
    let (Some(head), Some(tip)) = tips else { return Ok(Vec::new()) };
    let holding = |head| queue.lane(&session.target).and_then(|lane| lane.holding(head)).is_some();
    let carried = repo.is_ancestor(&head, &tip)? || holding(&head);
    Ok(if carried { Vec::new() } else { vec![push] })
}

#[derive(Serialize)]
struct Finished {
    #[serde(flatten)]
    bead: Changed,
    /// What can start now and could not before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    freed: Vec<Freed>,
}

#[derive(Serialize)]
struct Freed {
    id: String,
    title: String,
    priority: i64,
    #[serde(skip)]
    short: String,
}

impl Freed {
    fn of(beads: &Beads, bead: &Bead) -> Self {
        let short = beads.short(&bead.id).to_owned();
        let (id, title) = (bead.id.clone(), bead.title.clone());
        Self { id, title, priority: priority(bead), short }
    }
}

impl Show for Finished {
    fn show(&self, out: &mut Screen) {
        self.bead.show(out);
        for bead in &self.freed {
            out.parts(&[
                (Tone::Faint, "  can start now: "),
                (Tone::Id, &bead.short),
                (Tone::Plain, &format!("  {}", bead.title)),
            ]);
        }
    }
}

/// Open a closed bead again
///
/// An agent takes back only a close of its own. What would wait for itself, by what it was tied to since, is
/// not opened.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead reopen 7f3k --reason 'not for tabs'")]
pub(in crate::cli) struct Reopen {
    /// The bead, by any start of its id that names one
    id: String,
    /// Why it was not over
    #[arg(short, long, default_value = "")]
    reason: String,
}

impl Reopen {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        let (was, beads) = ledger.write_and_read(&actor, |beads: &Beads, pen| {
            let bead = beads.find(&self.id)?;
            let event = closing::reopen(beads, bead, &actor, &self.reason)?;
            together::opens(beads, &[(&bead.id, &event)])?;
            pen.line(&bead.id, &event)?;
            Ok(Record::of(beads, bead))
        })?;
        let is = Record::of(&beads, beads.find(&was.id)?);
        Ok(Changed::of("Reopened", &was, &is)?.into())
    }
}
