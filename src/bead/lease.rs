//! How long a claim stands without a word of its holder, and who may take it over then.
//!
//! A claim has a lease (git config `shopfloor.lease`). Any line of its holder renews it, and a session's
//! runner says one when the agent says none. No clock is compared with another's, and none that can be
//! set is read: who wants to take over must have heard nothing *itself*. Each exchange with the remote
//! by which claims are decided (without one, each look at the ledger) notes which holders have said
//! something new since the last, and adds the time that has passed on this machine, by its uptime, to the
//! silence of all others. What passes over a restart is not counted, nor is what an exchange takes, so a
//! silence is never told longer than it was; a clone that was away itself has heard nothing only once it
//! has asked again.
//!
//! A takeover names the last line that was heard. If the holder was faster after all, the remote has a
//! later one by the time ours arrives there, and the takeover is withdrawn as if it never was. Overseers
//! need no lease to run out; what they decide stands.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::bead::event::Event;
use crate::bead::{Bead, Beads, Claim, holding};
use crate::git::Repo;
use crate::host::{self, Uptime};
use crate::ledger::{Actor, Ledger, Line};
use crate::refusal::Refusal;

const KEY: &str = "shopfloor.lease";
/// Half a session at its longest; a person is back from lunch by then.
const USUAL: Duration = Duration::from_secs(4 * 60 * 60);

/// The lease of this repository.
pub fn length(repo: &Repo) -> Result<Duration> {
    let Some(text) = repo.config_get(KEY)? else { return Ok(USUAL) };
    host::duration(&text).ok_or_else(|| {
        Refusal::fatal(format!("{KEY} is {text:?}, which is no time"))
            .hint(format!("git config {KEY} 4h"))
            .into()
    })
}

/// What was heard of whom, as of the last time anybody here listened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Watch {
    /// When that was; none where this machine cannot say.
    at: Option<Uptime>,
    /// By the lines that made the claims.
    claims: BTreeMap<String, Heard>,
}

/// The last word of a holder, and how long that is ago.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub last: String,
    pub silent: Duration,
}

impl Watch {
    /// The claims of now after these lines. `passed` is what has gone by since the last time.
    fn hear(&self, held: &[&Claim], lines: &[Line], passed: Duration) -> BTreeMap<String, Heard> {
        let heard = |claim: &&Claim| {
            let word = lines.iter().rev().find(|line| is_of(claim, line));
            let silent = Duration::ZERO;
            let heard = match (word, self.claims.get(&claim.id)) {
                (Some(line), _) => Heard { last: line.id.clone(), silent },
                (None, Some(old)) => Heard { silent: old.silent + passed, ..old.clone() },
                (None, None) => Heard { last: claim.id.clone(), silent },
            };
            (claim.id.clone(), heard)
        };
        held.iter().map(heard).collect()
    }
}

/// Whether a line is a word of who holds this claim.
fn is_of(claim: &Claim, line: &Line) -> bool {
    let renews = |event| matches!(event, Event::Renewed { claim: of, .. } if of == claim.id);
    (line.by == claim.holder && line.session == claim.session)
        || (line.act == "bead.renewed" && line.event::<Event>().is_some_and(renews))
}

/// Notes what was heard. What there was to hear was asked for after `begun`.
pub fn listen(repo: &Repo, ledger: &Ledger<'_>, begun: Option<&Uptime>) -> Result<()> {
    let beads: Beads = ledger.read()?;
    let held: Vec<&Claim> = beads.held().filter_map(|bead| bead.claim.as_ref()).collect();
    ledger.listen(&file(repo)?, |known: Option<(Watch, &[Line])>| {
        let (watch, lines) = known.unwrap_or_default();
        let passed = match (begun, &watch.at) {
            (Some(begun), Some(last)) => begun.since(last),
            _ => Duration::ZERO,
        };
        Watch { claims: watch.hear(&held, lines, passed), at: Uptime::now() }
    })
}

/// What was heard of the holder of this claim.
pub fn heard(repo: &Repo, ledger: &Ledger<'_>, claim: &Claim) -> Result<Option<Heard>> {
    let watch: Option<Watch> = ledger.overheard(&file(repo)?);
    Ok(watch.and_then(|mut watch| watch.claims.remove(&claim.id)))
}

fn file(repo: &Repo) -> Result<PathBuf> {
    Ok(repo.own_dir()?.join("heard.json"))
}

/// Takes a bead from its holder, if the lease has run out or an overseer wants it; and as any claim
/// does where nobody holds it.
pub fn take_over(
    beads: &Beads,
    bead: &Bead,
    actor: &Actor,
    heard: Option<&Heard>,
    lease: Duration,
) -> Result<Option<Event>> {
    let Some(claim) = &bead.claim else {
        return holding::claim(beads, bead, &actor.by, actor.session.as_deref());
    };
    if actor.session.is_some() && claim.session == actor.session {
        return Ok(None);
    }
    let heard = heard.filter(|heard| heard.silent >= lease);
    if actor.agent && heard.is_none() {
        return Err(too_early(beads.short(&bead.id), claim, lease));
    }
    Ok(Some(Event::Taken {
        epoch: bead.epoch + 1,
        holder: actor.by.clone(),
        session: actor.session.clone(),
        claim: claim.id.clone(),
        heard: heard.filter(|_| actor.agent).map(|heard| heard.last.clone()),
    }))
}

fn too_early(short: &str, claim: &Claim, lease: Duration) -> anyhow::Error {
    let Claim { holder, epoch, .. } = claim;
    Refusal::refused(format!("{short} is held by {holder} (epoch {epoch}), whose lease runs"))
        .hint(format!(
            "it is over when nothing was heard of {holder} here for {} s; git bead sync listens",
            lease.as_secs()
        ))
        .hint("an overseer need not wait")
        .into()
}

/// The takeovers among what a remote does not have yet whose holders said something there after what
/// was heard of them. `lines` are all there are, in their order.
pub(super) fn refuted(lines: &[Line], beyond: &[Line]) -> HashSet<String> {
    let ours: HashSet<&str> = beyond.iter().map(|line| line.id.as_str()).collect();
    let lives = |from: &str, heard: &str| {
        let claim = lines.iter().find(|line| line.id == from).and_then(claim_of)?;
        let after = lines.iter().skip_while(|line| line.id != heard).skip(1);
        Some(after.filter(|line| !ours.contains(line.id.as_str())).any(|line| is_of(&claim, line)))
    };
    let refuted = |line: &&Line| match line.event() {
        Some(Event::Taken { claim, heard: Some(heard), .. }) => lives(&claim, &heard) == Some(true),
        _ => false,
    };
    beyond.iter().filter(refuted).map(|line| line.id.clone()).collect()
}

fn claim_of(line: &Line) -> Option<Claim> {
    let (Event::Claimed { epoch, holder, session } | Event::Taken { epoch, holder, session, .. }) =
        line.event()?
    else {
        return None;
    };
    let (id, at, clock) = (line.id.clone(), line.at.clone(), line.clock);
    Some(Claim { id, holder, session, epoch, at, clock })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::line;
    use crate::bead::event::New;
    use crate::ledger::Fold as _;

    const SECOND: Duration = Duration::from_secs(1);

    fn by(id: &str, by: &str, session: Option<&str>, event: &Event) -> Line {
        let session = session.map(str::to_owned);
        Line { id: id.to_owned(), session, ..line("b-1", by, event) }
    }

    fn claimed(holder: &str, session: Option<&str>) -> Event {
        let session = session.map(str::to_owned);
        Event::Claimed { epoch: 1, holder: holder.to_owned(), session }
    }

    fn said() -> Event {
        Event::Commented { text: "at it".to_owned() }
    }

    fn renewed(claim: &str) -> Event {
        Event::Renewed { epoch: 1, claim: claim.to_owned() }
    }

    #[test]
    fn silence_grows_until_the_holder_says_something() {
        let session = Some("s1");
        let claim = claim_of(&by("c", "x", session, &claimed("x", session))).unwrap();
        let old = Heard { last: "old".to_owned(), silent: 5 * SECOND };
        for (known, lines, last, silent) in [
            (true, vec![], "old", 8),
            (false, vec![], "c", 0),
            (true, vec![by("w", "x", session, &said())], "w", 0),
            (false, vec![by("w", "x", session, &said())], "w", 0),
            (true, vec![by("w", "x", session, &said()), by("v", "y", None, &said())], "w", 0),
            (true, vec![by("w", "x", None, &said())], "old", 8),
            (true, vec![by("w", "y", session, &said())], "old", 8),
            (true, vec![by("w", "jane", None, &renewed("c"))], "w", 0),
            (true, vec![by("w", "jane", None, &renewed("d"))], "old", 8),
        ] {
            let known = known.then(|| ("c".to_owned(), old.clone()));
            let watch = Watch { at: None, claims: known.into_iter().collect() };
            let heard = watch.hear(&[&claim], &lines, 3 * SECOND);
            let expected = Heard { last: last.to_owned(), silent: silent * SECOND };
            assert_eq!(heard, BTreeMap::from([("c".to_owned(), expected)]), "{lines:?}");
        }
        let over = Watch { at: None, claims: BTreeMap::from([("c".to_owned(), old)]) };
        assert_eq!(over.hear(&[], &[], SECOND), BTreeMap::new());
    }

    #[test]
    fn an_agent_waits_for_the_lease_and_an_overseer_does_not() {
        let mut beads = Beads::default();
        beads.drink(&by("0", "jane", None, &Event::Created(New::default())));
        beads.drink(&by("c", "x", Some("s1"), &claimed("x", Some("s1"))));
        let bead = beads.get("b-1").unwrap();
        let actor = |agent, session: Option<&str>| Actor {
            by: "y".to_owned(),
            agent,
            session: session.map(str::to_owned),
            ..Actor::default()
        };
        let heard = |seconds: u32| Heard { last: "w".to_owned(), silent: seconds * SECOND };
        let taker = actor(true, Some("s2"));
        for (who, heard, named) in [
            (&taker, None, None),
            (&taker, Some(heard(9)), None),
            (&taker, Some(heard(10)), Some(Some("w"))),
            (&actor(false, None), None, Some(None)),
            (&actor(false, None), Some(heard(99)), Some(None)),
        ] {
            let taken = take_over(&beads, bead, who, heard.as_ref(), 10 * SECOND);
            let found = taken.map(|event| match event {
                Some(Event::Taken { epoch: 2, claim, heard, .. }) if claim == "c" => heard,
                other => panic!("{other:?}"),
            });
            let named = named.map(|named| named.map(str::to_owned));
            assert_eq!(found.ok(), named, "{who:?} {heard:?}");
        }
        let own = take_over(&beads, bead, &actor(true, Some("s1")), None, SECOND);
        assert_eq!(own.unwrap(), None);
    }

    #[test]
    fn a_holder_who_was_heard_at_the_remote_refutes_it() {
        let take = |heard: Option<&str>| Event::Taken {
            epoch: 2,
            holder: "y".to_owned(),
            session: None,
            claim: "c".to_owned(),
            heard: heard.map(str::to_owned),
        };
        let start = [by("c", "x", None, &claimed("x", None)), by("w", "x", None, &said())];
        for (heard, more, ours, found) in [
            (Some("w"), vec![], &["t"][..], false),
            (Some("c"), vec![], &["t"], true),
            (Some("w"), vec![by("v", "x", None, &said())], &["t"], true),
            (Some("w"), vec![by("v", "z", None, &said())], &["t"], false),
            (Some("w"), vec![by("v", "z", None, &renewed("c"))], &["t"], true),
            // Said here, by somebody of the same name.
            (Some("w"), vec![by("v", "x", None, &said())], &["t", "v"], false),
            (None, vec![by("v", "x", None, &said())], &["t"], false),
        ] {
            let mut lines = start.to_vec();
            lines.push(by("t", "y", None, &take(heard)));
            lines.extend(more);
            let beyond: Vec<_> =
                lines.iter().filter(|line| ours.contains(&line.id.as_str())).cloned().collect();
            assert_eq!(refuted(&lines, &beyond).contains("t"), found, "{heard:?} {lines:?}");
        }
    }
}
