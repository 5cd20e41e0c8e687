//! `git bead next`: the one bead to do now, why that one, and how to take it.

use anyhow::Result;
use serde::Serialize;

use crate::bead::filter::Cond;
use crate::bead::order::Order;
use crate::bead::ready::{Call, ready_beside};
use crate::bead::{Bead, Beads, graph};
use crate::cli::bead::overlap::owners;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::ledger::{Actor, Row};

/// Tell which bead to do now, why, and how to take it
///
/// That is the one you hold, else the first of `git bead ready` that is not meant for somebody else.
/// `git bead ready --claim` takes it without telling why. Exit code 1: nothing is ready, and with --json
/// stdout has `null`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead next
  git bead next --json
  git bead next --as-of yesterday")]
pub(in crate::cli) struct Next {
    #[command(flatten)]
    as_of: AsOf,
}

impl Next {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (beads, actor) = (self.as_of.beads(cx)?, cx.actor()?);
        if let Some(held) = held(&beads, &actor).first() {
            let why =
                format!("you hold it (epoch {}), and one thing is done at a time", held.epoch);
            return Ok(Chosen::of(&beads, held, why, "show").into());
        }
        let now = self.as_of.now(cx)?.to_string();
        let found = startable(cx, &beads, &now)?;
        let Some(first) = found.first() else {
            cx.remark("nothing is ready");
            if cx.json {
                return Ok(Done::from(Nothing).exit(exit::NOTHING));
            }
            cx.hint("`git bead ready --explain` says what is in the way");
            return Ok(Done::silent().exit(exit::NOTHING));
        };
        let why = why(&beads, first.whole(), found.len(), &now);
        Ok(Chosen::of(&beads, first.whole(), why, "update --claim").into())
    }
}

/// What somebody holds, the newest claim first; in a session, only what is held in that.
pub(super) fn held<'a>(beads: &'a Beads, actor: &Actor) -> Vec<&'a Bead> {
    let is_its = |bead: &&Bead| {
        bead.claim.as_ref().is_some_and(|claim| {
            claim.holder == actor.by && (actor.session.is_none() || claim.session == actor.session)
        })
    };
    let mut held: Vec<_> = beads.held().filter(is_its).collect();
    held.sort_unstable_by_key(|bead| bead.claim.as_ref().map(|claim| std::cmp::Reverse(&claim.at)));
    held
}

/// What whoever asks can start on now, the best first.
pub(super) fn startable<'a>(
    cx: &Context,
    beads: &'a Beads,
    now: &str,
) -> Result<Vec<Row<'a, Bead>>> {
    let (name, mut held) = (cx.actor()?.by, Vec::new());
    let call = Call { wanted: &Cond::every(), now: Some(now), ephemeral: false };
    let mut found = ready_beside(beads, call, &Order::Priority, 0, &mut |row| held.push(row));
    if let Some(owners) = owners(cx, beads, &held)? {
        owners.leave_free(&mut found);
    }
    found.retain(|row| row.face().assignee.is_none_or(|meant| meant == name));
    Ok(found)
}

/// One sentence: what puts this bead before the others.
fn why(beads: &Beads, bead: &Bead, ready: usize, now: &str) -> String {
    let mut said = match ready {
        1 => format!("P{}, the only one that is ready", bead.priority),
        more => format!("P{}, the first of {more} that are ready", bead.priority),
    };
    if bead.assignee.is_some() {
        said.push_str("; it is meant for you");
    }
    match bead.due_at.as_deref() {
        Some(due) if due <= now => said.push_str(&format!("; it was due {due}")),
        Some(due) => said.push_str(&format!("; it is due {due}")),
        None => {}
    }
    match waiting(beads, &bead.id) {
        0 => {}
        1 => said.push_str("; another bead waits for it"),
        more => said.push_str(&format!("; {more} others wait for it")),
    }
    said
}

/// How many beads a bead holds up.
fn waiting(beads: &Beads, id: &str) -> usize {
    let near = beads.dependents(id).map(|(_, bead)| bead.id.as_str());
    let mut near: Vec<_> = near.collect();
    near.dedup();
    near.into_iter().filter(|other| graph::blockers(beads, other).contains(&id)).count()
}

/// `null`.
#[derive(Serialize)]
struct Nothing;

impl Show for Nothing {
    fn show(&self, _: &mut Screen) {}
}

#[derive(Serialize)]
struct Chosen {
    id: String,
    title: String,
    status: String,
    priority: u8,
    issue_type: String,
    why: String,
    command: String,
    #[serde(skip)]
    record: Record,
}

impl Chosen {
    fn of(beads: &Beads, bead: &Bead, why: String, how: &str) -> Self {
        let (verb, flag) = how.split_once(' ').unwrap_or((how, ""));
        let command = format!("git bead {verb} {} {flag}", beads.short(&bead.id));
        Self {
            id: bead.id.clone(),
            title: bead.title.clone(),
            status: bead.status.to_string(),
            priority: bead.priority,
            issue_type: bead.issue_type.clone(),
            why,
            command: command.trim_end().to_owned(),
            record: Record::of(beads, bead),
        }
    }
}

impl Show for Chosen {
    fn show(&self, out: &mut Screen) {
        record::list(out, std::slice::from_ref(&self.record));
        out.parts(&[(Tone::Faint, &format!("    {}", self.why))]);
        out.line(format!("    {}", self.command));
    }
}
