//! From a commit that git hands us to an entry of the merge queue, and what the one who brought it
//! is told.

use anyhow::Result;

use crate::bead::Beads;
use crate::git::{Oid, Repo};
use crate::githook::mark::{self, Mark};
use crate::githook::outfit;
use crate::host::Clock;
use crate::ledger::{Json, Ledger};
use crate::refinery::{self, Autorun, Entry, Submission};
use crate::refusal::Refusal;

/// What a push may say about its entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub wait: bool,
    pub bead: Option<String>,
}

impl Options {
    /// Unknown ones are refused: what was asked for and does not happen is worse than no.
    pub(super) fn parse(said: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for option in said {
            match option.split_once('=') {
                None if option == "wait" => options.wait = true,
                Some(("bead", id)) if !id.is_empty() => options.bead = Some(id.to_owned()),
                _ => {
                    let what = format!("unknown push option `{option}`");
                    return Err(Refusal::usage(what).hint("known are wait and bead=ID").into());
                }
            }
        }
        Ok(options)
    }
}

/// Queues a commit durably, and starts the refinery where it does not run. The second result says why
/// it was not started, if it has to be started by hand.
pub(super) fn queue(
    repo: &Repo,
    clock: &Clock,
    (target, commit): (&str, Oid),
    options: &Options,
) -> Result<(Entry, Option<String>)> {
    outfit::fix_target(repo)?;
    let mark = Mark::of(repo)?;
    let ledger = Ledger::open(repo, clock)?;
    let actor = mark::actor(repo, mark.as_ref())?;
    let slung = mark.filter(|mark| !mark.ad_hoc);
    let named = match &options.bead {
        Some(start) => Some(ledger.read::<Beads>()?.find(start)?.id.clone()),
        None => slung.as_ref().and_then(|mark| mark.bead.clone()),
    };
    let wanted = Submission {
        target: target.to_owned(),
        commit,
        bead: named,
        agent: slung.as_ref().map(|mark| mark.agent.clone()),
        epoch: actor.epoch,
        session: slung.and_then(|mark| mark.session),
    };
    let entry = refinery::submit(repo, &ledger, &actor, &wanted)?;
    // It is queued; that nobody could be started to test it takes nothing of that back.
    let left = match refinery::autorun(repo, target) {
        Ok(Autorun::Left(why)) => Some(why),
        Ok(Autorun::Started(_) | Autorun::Running) => None,
        Err(no) => Some(format!("the refinery could not be started: {no:#}")),
    };
    Ok((entry, left))
}

/// The lines for whoever brought it, the last one for programs.
pub(super) fn told((entry, left): &(Entry, Option<String>)) -> Vec<String> {
    let (n, target, commit) = (entry.n, &entry.target, entry.commit.short());
    let json: Json = [
        ("queued", Json::from(n.given())),
        ("target", Json::from(target.as_str())),
        ("commit", Json::from(entry.commit.to_string())),
        ("state", Json::from(entry.state.to_string())),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    let mut lines = vec![
        format!(
            "QUEUED #{n} (not landed): {commit} for {target}. Do not push it again, and do not force."
        ),
        format!("Wait for it with: git refinery wait {n}"),
    ];
    lines.extend(left.iter().map(|why| format!("note: {why}")));
    lines.push(json.to_string());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(said: &[&str]) -> Result<Options> {
        Options::parse(&said.iter().map(|&option| option.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_known_or_refused() {
        let options = parse(&["wait", "bead=api-1"]).unwrap();
        assert_eq!((options.wait, options.bead.as_deref()), (true, Some("api-1")));
        for bad in ["wait=yes", "bead=", "prio=1", "force", ""] {
            assert!(parse(&[bad]).is_err(), "{bad}");
        }
    }
}
