//! A commit asks to land. First a ref of who asks, so that it cannot be collected meanwhile; then the
//! decision, which may be made more than once and changes nothing but the ledger; then the ref of the
//! entry, and who asked is told "queued". A crash before the line leaves a commit that is kept and not
//! queued, one after it an entry without a ref, which the next refinery gives it. A number has a ref only
//! when its line stands, so nobody who was outrun or refused leaves one that is queued later.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::agent::trail::{self, Doer};
use crate::agent::{Roster, Session};
use crate::bead::{Bead, Beads, Claim};
use crate::git::{Oid, RefName, Repo, Swap};
use crate::ledger::{Actor, Ledger, Note};
use crate::refinery::clones;
use crate::refinery::entry::{self, Entry};
use crate::refinery::event::{Event, Queued};
use crate::refinery::lane::Lane;
use crate::refinery::marks::Marks;
use crate::refinery::number::Number;
use crate::refinery::queue::Queue;
use crate::refinery::refs::{self, REFS, entry_of, ref_name};
use crate::refusal::{Kind, Refusal};

/// What is asked for, by whom, in whose name.
#[derive(Clone, Debug)]
pub struct Submission {
    pub target: String,
    pub commit: Oid,
    /// The bead that the landing closes; absent, the commits' own trailers say.
    pub bead: Option<String>,
    /// The agent that submits; absent for a person.
    pub agent: Option<String>,
    pub epoch: Option<u64>,
    pub session: Option<String>,
}

/// Queues a commit, once: the same commit for the same target is the same entry until it is
/// rejected.
pub fn submit(
    repo: &Repo,
    ledger: &Ledger<'_>,
    actor: &Actor,
    wanted: &Submission,
) -> Result<Entry> {
    let target = wanted.target.as_str();
    let tip = tip(repo, target)?;
    let (mut queued, newest) = describe(repo, wanted, &tip)?;
    let contained = repo.is_ancestor(&wanted.commit, &tip)?;
    let told = tell(repo, actor, wanted, &ledger.now());
    let asked = refs::ask(repo, &wanted.commit)?;
    let decided =
        ledger.write::<(Queue, Beads, Roster), _>(actor, |(queue, beads, roster), pen| {
            let lane = queue.lane(target);
            if let Some(entry) = lane.and_then(|lane| lane.holding(&wanted.commit)) {
                return Ok(entry.clone());
            }
            if contained {
                let what = format!("{} is on {target} already", wanted.commit.short());
                return Err(Refusal::nothing(what).into());
            }
            newest.speaks((beads, roster), &mut queued)?;
            stands(beads, &mut queued, (actor, &newest.author))?;
            if lane.is_none_or(|lane| lane.baseline.is_none()) {
                pen.line(target, &Event::Baseline { tip })?;
            }
            let n = refs::free(repo, target, lane.map_or(1, Lane::next), &wanted.commit)?;
            pen.line(&entry::name(target, n), &Event::Queued(queued.clone()))?;
            for old in lane.into_iter().flat_map(|lane| lane.entries.values()) {
                if replaces(&queued, old) {
                    let reason = format!("replaced by {}", entry::name(target, n));
                    pen.line(&old.name(), &Event::Withdrawn { reason })?;
                }
            }
            Ok(Entry::new(target, n, queued.clone(), actor, pen.at()))
        });
    let is_over = match &decided {
        Ok(entry) => contained || refs::keep(repo, entry)?,
        Err(no) => is_final(no),
    };
    if is_over {
        refs::forget(repo, &asked, &wanted.commit);
    }
    let entry = decided?;
    if let Err(no) = told.and_then(|told| ledger.note(told)) {
        tracing::debug!("what was submitted is not in the trail: {no:#}");
    }
    Ok(entry)
}

/// Whether nothing can follow from what was asked. What could not be written may be written yet.
fn is_final(no: &anyhow::Error) -> bool {
    let kind = no.downcast_ref::<Refusal>().map(|no| &no.kind);
    matches!(kind, Some(Kind::Nothing | Kind::Refused))
}

/// What an agent submits, for its trail.
fn tell(repo: &Repo, actor: &Actor, wanted: &Submission, now: &str) -> Result<Vec<Note>> {
    let (Some(agent), Some(session)) = (&wanted.agent, &wanted.session) else {
        return Ok(Vec::new());
    };
    let doer = Doer {
        by: agent.clone(),
        owner: actor.owner.clone(),
        on: wanted.bead.as_ref().unwrap_or(session).clone(),
        session: Some(session.clone()),
        model: actor.model.clone(),
    };
    trail::submitted(repo, &doer, (&wanted.target, &wanted.commit), now)
}

/// Records where the target stands before the queue knows it, so that an audit knows where to begin.
pub fn baseline(repo: &Repo, ledger: &Ledger<'_>, actor: &Actor, target: &str) -> Result<()> {
    let tip = tip(repo, target)?;
    ledger.write::<Queue, _>(actor, |queue, pen| {
        match queue.lane(target).and_then(|lane| lane.baseline) {
            Some(_) => Ok(()),
            None => pen.line(target, &Event::Baseline { tip }),
        }
    })
}

/// Refs without a line get one, entries without a ref get it back. Says how many of each.
pub(super) fn reconcile(repo: &Repo, ledger: &Ledger<'_>, actor: &Actor) -> Result<(usize, usize)> {
    let refs: BTreeMap<_, _> = repo.refs_under(REFS)?.into_iter().collect();
    refs::clear(repo, &refs)?;
    let mut queue = ledger.read::<Queue>()?;
    let mut lines = 0;
    for (name, commit) in &refs {
        let Some((target, n)) = entry_of(name) else { continue };
        if !queue.lane(target).is_some_and(|lane| lane.accounts_for(n, commit)) {
            lines += usize::from(adopt(repo, ledger, actor, (target, n, *commit))?);
        }
    }
    if lines > 0 {
        queue = ledger.read()?;
    }
    let mut again = 0;
    // Twins first: where another commit has the name of an entry, it has a ref of its own by then.
    let entries: Vec<_> = queue.entries().collect();
    for entry in entries.into_iter().rev() {
        let name = ref_name(&entry.target, entry.n)?;
        let old = refs.get(&name).filter(|old| **old != entry.commit);
        if (old.is_none() && refs.contains_key(&name)) || !repo.exists(&entry.commit) {
            continue;
        }
        // What another clone lands is kept by the target, and is not ours to judge.
        if entry.state.is_open() && clones::is_landed_elsewhere(repo, entry)? {
            continue;
        }
        let moved = |lane: &Lane| old.is_none_or(|old| lane.knows(entry.n, old));
        if queue.lane(&entry.target).is_some_and(moved) {
            let made = repo.swap_ref(&name, old, Some(&entry.commit), "shopfloor: kept")?;
            again += usize::from(matches!(made, Swap::Done));
        }
    }
    Ok((lines, again))
}

/// Makes the line of a ref that has none.
fn adopt(
    repo: &Repo,
    ledger: &Ledger<'_>,
    actor: &Actor,
    (target, n, commit): (&str, Number, Oid),
) -> Result<bool> {
    let Some(tip) = repo.read_ref(&RefName::branch(target)?)? else { return Ok(false) };
    let wanted = Submission {
        target: target.to_owned(),
        commit,
        bead: None,
        agent: None,
        epoch: None,
        session: None,
    };
    let (mut queued, newest) = describe(repo, &wanted, &tip)?;
    ledger.write::<(Queue, Beads, Roster), _>(actor, |(queue, beads, roster), pen| {
        let lane = queue.lane(target);
        if lane.is_some_and(|lane| lane.accounts_for(n, &commit)) {
            return Ok(false);
        }
        let n = lane.map_or(n, |lane| lane.called(n, &commit));
        let spoken = newest.speaks((beads, roster), &mut queued);
        if spoken.and_then(|()| stands(beads, &mut queued, (actor, &newest.author))).is_err() {
            // Nobody's word for a claim; the commits are judged by what they say themselves.
            (queued.bead, queued.agent, queued.session, queued.epoch) = (None, None, None, None);
            queued.claim = None;
        }
        if lane.is_none_or(|lane| lane.baseline.is_none()) {
            pen.line(target, &Event::Baseline { tip })?;
        }
        pen.line(&entry::name(target, n), &Event::Queued(queued.clone()))?;
        Ok(true)
    })
}

fn tip(repo: &Repo, target: &str) -> Result<Oid> {
    let tip = repo.read_ref(&RefName::branch(target)?)?;
    tip.ok_or_else(|| {
        Refusal::refused(format!("there is no branch {target} to land on"))
            .hint("`git config shopfloor.target BRANCH` names another")
            .into()
    })
}

/// What the queued line says. A bead that nobody named is taken from the trailers, where all
/// commits that have one agree.
fn describe(repo: &Repo, wanted: &Submission, tip: &Oid) -> Result<(Queued, Newest)> {
    let head = repo.commit(&wanted.commit)?;
    let mut queued = Queued {
        commit: wanted.commit,
        bead: wanted.bead.clone(),
        agent: wanted.agent.clone(),
        epoch: wanted.epoch,
        session: wanted.session.clone(),
        claim: None,
    };
    if queued.bead.is_none() {
        let mut named = BTreeSet::new();
        let commits = match head.parents.first() {
            Some(parent) if parent == tip => vec![wanted.commit],
            _ => repo.commits_between(tip, &wanted.commit)?,
        };
        for commit in commits {
            let message = repo.commit(&commit)?.message;
            let beads = repo.trailers(&message).into_iter().filter(|(key, _)| key == "Bead");
            named.extend(beads.map(|(_, bead)| bead));
        }
        queued.bead = named.pop_first().filter(|_| named.is_empty());
    }
    let session = Marks::of(&head.message).ok().and_then(|marks| marks.session.map(str::to_owned));
    Ok((queued, Newest { author: head.author.name, session }))
}

/// What the submitted commit itself says of who made it.
struct Newest {
    author: String,
    session: Option<String>,
}

impl Newest {
    /// A commit of a session that holds its bead is that session's submission, whoever brings it
    /// and whatever shows in their environment; one of a session whose claim was renewed is stale.
    fn speaks(&self, (beads, roster): (&Beads, &Roster), queued: &mut Queued) -> Result<()> {
        let session = self.session.as_deref().and_then(|id| roster.session(id));
        let (Some(session), None) = (session, &queued.agent) else { return Ok(()) };
        let Some(bead) = beads.get(&session.bead) else { return Ok(()) };
        if bead.epoch != session.epoch {
            return Err(renewed(beads, bead, session));
        }
        if bead.claim.as_ref().is_some_and(|claim| claim.session.as_ref() == Some(&session.id)) {
            queued.agent = Some(session.agent.clone());
            queued.session = Some(session.id.clone());
            queued.epoch = Some(session.epoch);
            queued.bead.get_or_insert_with(|| session.bead.clone());
        }
        Ok(())
    }
}

fn renewed(beads: &Beads, bead: &Bead, session: &Session) -> anyhow::Error {
    let now = match &bead.claim {
        Some(claim) => format!("{} holds it now", claim.holder),
        None => "others have held it since".to_owned(),
    };
    stale(&format!(
        "{} had {} under epoch {}, and {now} (epoch {})",
        session.agent,
        beads.short(&bead.id),
        session.epoch,
        bead.epoch
    ))
}

fn stale(what: &str) -> anyhow::Error {
    Refusal::refused(format!("stale: {what}; the commit was not queued"))
        .hint("stop work on this bead")
        .into()
}

/// Refuses what could not land anyway, and notes the epoch under which it is submitted. A person that
/// brings it speaks for themselves and for the author.
fn stands(beads: &Beads, queued: &mut Queued, (actor, author): (&Actor, &str)) -> Result<()> {
    let Some(id) = queued.bead.clone() else { return Ok(()) };
    let Some(bead) = beads.get(&id) else {
        if queued.agent.is_none() {
            // A trailer of another repository's bead: the commit may land, it closes nothing here.
            queued.bead = None;
            return Ok(());
        }
        return Err(Refusal::refused(format!("no bead has the id {id}")).into());
    };
    match (&queued.agent, &bead.claim) {
        (Some(agent), _) => holds(beads, bead, agent, (queued.epoch, actor))?,
        (None, Some(claim)) => may_bring(beads.short(&id), bead, claim, (actor, author))?,
        (None, None) => {}
    }
    queued.epoch = queued.epoch.or(Some(bead.epoch));
    queued.claim = bead.claim.as_ref().map(|claim| claim.id.clone());
    Ok(())
}

/// A person brings what they, or the author, hold themselves.
fn may_bring(
    short: &str,
    bead: &Bead,
    claim: &Claim,
    (actor, author): (&Actor, &str),
) -> Result<()> {
    let Claim { holder, .. } = claim;
    if ![actor.by.as_str(), author].contains(&holder.as_str()) {
        let what = format!("{short} is held by {holder}, and its landing would close it");
        return Err(Refusal::refused(what).hint("name no bead, or wait until it is free").into());
    }
    let Some(whose) = bead.is_of_another(claim, &actor.replicas) else { return Ok(()) };
    Err(Refusal::refused(format!("{short}: {whose}"))
        .hint(format!("`git bead update {short} --claim --take-over` makes it yours here"))
        .into())
}

fn holds(
    beads: &Beads,
    bead: &Bead,
    agent: &str,
    (epoch, actor): (Option<u64>, &Actor),
) -> Result<()> {
    let short = beads.short(&bead.id);
    if let (None, Some(landed)) = (&bead.claim, &bead.landed) {
        let what = format!("{short} has landed as {}, and is closed", landed.entry);
        return Err(Refusal::refused(what)
            .hint(format!("what comes after that is work of its own: git bead create, or git bead reopen {short}"))
            .into());
    }
    let what = match &bead.claim {
        None => Some(format!("{agent} no longer holds {short}")),
        Some(claim) if claim.holder != agent => {
            Some(format!("{short} is held by {}", claim.holder))
        }
        Some(claim) if epoch.is_some_and(|epoch| epoch != claim.epoch) => {
            Some(format!("the claim of {short} was renewed (epoch {})", claim.epoch))
        }
        Some(claim) => {
            let whose = bead.is_of_another(claim, &actor.replicas);
            whose.map(|whose| format!("{short}: {whose}"))
        }
    };
    if what.is_none() && epoch.is_none() {
        let what = format!("{agent} does not say under which epoch it holds {short}");
        return Err(Refusal::refused(what)
            .hint(format!("`git bead show {short}` says it; SHOPFLOOR_EPOCH tells it to us"))
            .into());
    }
    what.map_or(Ok(()), |what| Err(stale(&what)))
}

/// Whether an agent has pushed again for the same claim: what it pushed before is not tried any
/// more, unless it is landing already. Its commit keeps its ref.
fn replaces(new: &Queued, old: &Entry) -> bool {
    new.agent.is_some()
        && new.bead.is_some()
        && (&new.agent, &new.bead, new.epoch) == (&old.agent, &old.bead, old.epoch)
        && old.state.is_open()
        && old.intent.is_none()
}
