//! All there is to tell at the beginning of a session, before any of it is cut.

use anyhow::Result;

use crate::agent::Roster;
use crate::bead::fields::{Comment, Edge};
use crate::bead::memory::Memories;
use crate::bead::past;
use crate::bead::{Bead, Beads, graph};
use crate::cli::bead::next::{held, startable};
use crate::cli::bead::past::AsOf;
use crate::cli::context::Context;
use crate::cli::show::inert;
use crate::git::Repo;
use crate::policy;
use crate::refinery::Queue;

/// Rows of one kind that are told at the most.
pub(super) const ROWS: usize = 5;
/// Remembered things that are told at the most, the newest.
const MEMORIES: usize = 20;
/// Comments that are told, the newest.
const COMMENTS: usize = 3;
/// Whatever is longer is cut anyway, and need not be looked through.
const LONGEST: usize = 8 << 10;

/// A bead in a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Near {
    pub id: String,
    pub short: String,
    pub title: String,
    pub priority: u8,
    pub issue_type: String,
}

impl Near {
    fn of(beads: &Beads, bead: &Bead) -> Self {
        Self {
            id: plain(&bead.id),
            short: plain(beads.short(&bead.id)),
            title: plain(&bead.title),
            priority: bead.priority,
            issue_type: plain(&bead.issue_type),
        }
    }
}

/// What is held, in full.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub bead: Near,
    pub epoch: u64,
    pub labels: Vec<String>,
    pub waits_for: Vec<Near>,
    pub dependents: Vec<Near>,
    /// The entry of the queue that it waits in.
    pub submitted: Option<String>,
    /// Its texts with their names, as JSON has them.
    pub texts: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub actor: String,
    pub is_agent: bool,
    pub session: Option<String>,
    pub target: String,
    pub held: Option<Held>,
    pub also: Vec<Near>,
    pub also_count: usize,
    pub ready: Vec<Near>,
    pub ready_count: usize,
    pub memories: Vec<(String, String)>,
    pub memory_count: usize,
    pub rules: String,
}

impl Facts {
    pub(super) fn gather(cx: &Context, then: &AsOf) -> Result<Self> {
        let (repo, ledger, actor) = (cx.repo()?, cx.ledger()?, cx.actor()?);
        let (mut beads, mut memories, mut roster, mut queue): (Beads, Memories, Roster, Queue) =
            ledger.read()?;
        if let Some(moment) = then.moment(cx)? {
            (beads, memories) = (past::beads(&ledger, &moment)?, past::read(&ledger, &moment)?);
            (roster, queue) = (past::read(&ledger, &moment)?, past::read(&ledger, &moment)?);
        }
        let (target, rules) = rules(cx, repo)?;
        let mut mine = held(&beads, &actor);
        let hooked = |bead: &&Bead| roster.hook(&actor.by).is_some_and(|hook| hook.bead == bead.id);
        if let Some(first) = mine.iter().position(hooked).and_then(|at| mine.get_mut(..=at)) {
            first.rotate_right(1);
        }
        let mine: Vec<_> = match mine.split_first() {
            Some((first, rest)) => {
                let first = ledger.spelled((*first).clone())?;
                std::iter::once(first).chain(rest.iter().map(|bead| (*bead).clone())).collect()
            }
            None => Vec::new(),
        };
        let now = if then.is_now() { ledger.now() } else { then.now(cx)?.to_string() };
        let ready = startable(cx, &beads, &now).unwrap_or_else(|no| {
            cx.note(format!("note: what is ready is not told: {no:#}"));
            Vec::new()
        });
        let near = |bead: &Bead| Near::of(&beads, bead);
        let memory_count = memories.iter().count();
        let newest = memories.iter().rev().take(MEMORIES);
        let newest = newest
            .map(|(key, memory)| Ok((plain(key), plain(&ledger.spelled(memory.clone())?.value()))));
        Ok(Self {
            is_agent: actor.agent,
            session: actor.session.as_deref().map(plain),
            target: plain(&target),
            held: mine.first().map(|bead| full(&beads, &queue, bead)),
            also: mine.iter().skip(1).take(ROWS).map(near).collect(),
            also_count: mine.len().saturating_sub(1),
            ready: ready.iter().take(ROWS).map(|row| near(&row.read())).collect(),
            ready_count: ready.len(),
            memories: newest.collect::<Result<_>>()?,
            memory_count,
            rules: plain(&rules),
            actor: plain(&actor.by),
        })
    }
}

/// What this repository demands of who works in it: said on the target branch, where it was reviewed, and
/// in no work tree. Nothing of it is run.
fn rules(cx: &Context, repo: &Repo) -> Result<(String, String)> {
    let target = repo.default_branch()?;
    let Some(tip) = repo.resolve(&format!("refs/heads/{target}"))? else {
        return Ok((target, String::new()));
    };
    let said = policy::read(repo, &tip).map(|policy| policy.prime).unwrap_or_else(|no| {
        cx.note(format!("note: {no:#}"));
        None
    });
    let rules = match said {
        Some(rules) => rules,
        None => {
            let file = repo.file_at(&tip, ".beads/PRIME.md")?.unwrap_or_default();
            String::from_utf8_lossy(&file).into_owned()
        }
    };
    Ok((target, rules))
}

fn full(beads: &Beads, queue: &Queue, bead: &Bead) -> Held {
    let near = |bead: &Bead| Near::of(beads, bead);
    let blockers = graph::blockers(beads, &bead.id);
    let waits_for = blockers.iter().filter_map(|id| beads.get(id)).map(near);
    // A child waits for it no more than it is held up by what is only related to it.
    let waits = |edge: &Edge| edge.kind.orders() && !edge.kind.is_parent();
    let open = beads.dependents(&bead.id);
    let open = open.filter(|(edge, other)| waits(edge) && !other.status.frees());
    let rejection = queue.last_rejection(&bead.id).map(|it| it.text()).unwrap_or_default();
    let mut texts = vec![
        ("rejection", plain(&rejection)),
        ("acceptance_criteria", plain(&bead.acceptance_criteria)),
        ("description", plain(&bead.description)),
        ("design", plain(&bead.design)),
        ("notes", plain(&bead.notes)),
        ("comments", comments(&bead.comments)),
    ];
    texts.retain(|(_, text)| !text.is_empty());
    Held {
        bead: near(bead),
        epoch: bead.epoch,
        labels: bead.labels.iter().map(|label| plain(label)).collect(),
        waits_for: waits_for.take(ROWS).collect(),
        dependents: open.take(ROWS).map(|(_, other)| near(other)).collect(),
        submitted: queue.submitted(&bead.id).map(|entry| plain(&entry.name())),
        texts,
    }
}

/// The newest first: where there is no room for all, these matter most.
fn comments(all: &[Comment]) -> String {
    let said = all.iter().rev().take(COMMENTS);
    let said = said.map(|it| format!("{}: {}", plain(&it.author), plain(&it.text)));
    said.collect::<Vec<_>>().join("\n")
}

/// Without what a terminal would act on, and no longer than can be told.
fn plain(text: &str) -> String {
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    let start = text.get(..end.unwrap_or_default()).unwrap_or_default();
    let mut plain = inert(start.trim());
    if start.len() < text.len() {
        plain.push_str(" …");
    }
    plain
}
