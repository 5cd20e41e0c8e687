//! Which remote a ledger is synced with, and under which names its ledger stands there and here.

use anyhow::Result;

use super::REF;
use crate::git::{Oid, RefName, Repo, Store};
use crate::refusal::Refusal;

/// Where a ledger goes on a host that takes branches and tags only.
const BRANCH: &str = "refs/heads/shopfloor/ledger";

/// Where it is kept what was taken in of each remote last.
pub(super) const PINS: &str = "refs/shopfloor/pins/";

/// A remote and what stands there.
pub(super) struct Remote {
    pub(super) name: String,
    /// Where a push goes that is not to be queued by the gate.
    pub(super) address: String,
    /// What its ledger was when it was last fetched, by us or by anybody's `git fetch`.
    pub(super) tracking: RefName,
    /// What of it was taken in last: no later state may lack any line of that.
    pub(super) pin: RefName,
    configured: Option<RefName>,
}

/// The ledger of a remote as it is there.
pub(super) struct There {
    pub(super) name: RefName,
    pub(super) tip: Option<Oid>,
}

/// The remote whose word decides about claims and by which we sync: the one that is named, else the one
/// that the target branch follows, else `origin`, else the only one.
pub fn default_remote(repo: &Repo) -> Result<Option<String>> {
    if let Some(hub) = repo.config_get("shopfloor.hub")? {
        return Ok(Some(hub));
    }
    let names = names(repo)?;
    let followed = repo.config_get(&format!("branch.{}.remote", repo.default_branch()?))?;
    let known = |name: &str| names.iter().find(|known| *known == name).cloned();
    let only = names.first().filter(|_| names.len() == 1).cloned();
    Ok(followed.as_deref().and_then(known).or_else(|| known("origin")).or(only))
}

/// Remotes but for one that leads back into this very repository.
fn names(repo: &Repo) -> Result<Vec<String>> {
    let ours = repo.common_dir().to_string_lossy().into_owned();
    let remotes = repo.remotes()?.into_iter().filter(|remote| remote.url != ours);
    Ok(remotes.map(|remote| remote.name).collect())
}

/// What brings the default remote's ledger with every `git fetch`; none where there is no remote, and
/// where a fetch would go over ours or leave half of it out. A remote without a ledger is no error.
pub fn fetch_spec(repo: &Repo) -> Result<Option<(String, String)>> {
    let Some(name) = default_remote(repo)? else { return Ok(None) };
    let partial = repo.config_bool(&format!("remote.{name}.promisor"))? == Some(true);
    if partial || overwrites(&repo.config_all(&format!("remote.{name}.fetch"))?) {
        return Ok(None);
    }
    let there = repo.config_get("shopfloor.remoteRef")?.unwrap_or_else(|| REF.to_owned());
    let spec = format!("+{there}*:{}*", tracking(&name)?);
    Ok(Some((name, spec)))
}

impl Remote {
    pub(super) fn find(repo: &Repo, named: Option<&str>) -> Result<Self> {
        let name = match named {
            Some(name) => Some(name.to_owned()),
            None => default_remote(repo)?,
        };
        let known = names(repo)?;
        let Some(name) = name else {
            let refusal = match known.is_empty() {
                true => Refusal::nothing("there is no remote to sync with")
                    .hint("git remote add origin URL"),
                false => Refusal::usage(format!("which remote: {}?", known.join(", ")))
                    .hint("git bead sync NAME, or git config shopfloor.hub NAME for always"),
            };
            return Err(refusal.into());
        };
        let remote = repo.remotes()?.into_iter().find(|remote| remote.name == name);
        let Some(remote) = remote.filter(|remote| known.contains(&remote.name)) else {
            let refusal = Refusal::usage(format!("no remote is called {name}"));
            return Err(match known.is_empty() {
                true => refusal.hint(format!("git remote add {name} URL")),
                false => refusal.hint(format!("there are: {}", known.join(", "))),
            }
            .into());
        };
        let specs = repo.config_all(&format!("remote.{name}.fetch"))?;
        if overwrites(&specs) {
            let what = format!("{name} is mirrored: git fetch puts its ledger over the one here");
            let fix = format!("git config --add remote.{name}.fetch '^refs/shopfloor/*'");
            return Err(Refusal::refused(what).hint(fix).into());
        }
        let configured = repo.config_get("shopfloor.remoteRef")?;
        Ok(Self {
            address: repo.push_address(&remote)?,
            tracking: tracking(&name)?,
            pin: pin(&name)?,
            configured: configured.map(|name| name.parse()).transpose()?,
            name,
        })
    }

    /// Asks the remote what it has.
    pub(super) fn look(&self, repo: &Repo) -> Result<There> {
        let names = match &self.configured {
            Some(name) => vec![name.clone()],
            None => vec![REF.parse()?, BRANCH.parse()?],
        };
        let wanted: Vec<_> = names.iter().collect();
        let found = repo.refs_of(&self.name, &wanted).map_err(|no| self.unreachable(&no))?;
        let first = found.iter().min_by_key(|(name, _)| names.iter().position(|it| it == name));
        Ok(match (first, names.into_iter().next()) {
            (Some((name, tip)), _) => There { name: name.clone(), tip: Some(*tip) },
            (None, name) => There { name: name.map_or_else(|| REF.parse(), Ok)?, tip: None },
        })
    }

    /// Fetches what is there, and moves no ref.
    pub(super) fn fetch(&self, store: &Store<'_>, name: &RefName, again: bool) -> Result<()> {
        store.fetch(&self.name, &[name.as_str()], again).map_err(|no| self.unreachable(&no))
    }

    fn unreachable(&self, no: &anyhow::Error) -> anyhow::Error {
        if let Some(refusal) = no.downcast_ref::<Refusal>() {
            return refusal.clone().into();
        }
        Refusal::again(format!("{} cannot be reached: {no:#}", self.name))
            .hint("nothing was changed; what is here stays and goes with the next sync")
            .into()
    }

    /// What the remote says to a push that it will say again.
    pub(super) fn refused(&self, name: &RefName, why: &str) -> anyhow::Error {
        let refusal = Refusal::refused(format!("{} does not take the ledger: {why}", self.name));
        match name.as_branch() {
            Some(_) => refusal,
            None => refusal.hint(format!(
                "if it takes branches only: git config shopfloor.remoteRef {BRANCH}"
            )),
        }
        .into()
    }
}

pub(super) fn tracking(remote: &str) -> Result<RefName> {
    format!("refs/shopfloor/remotes/{remote}/ledger").parse()
}

pub(super) fn pin(remote: &str) -> Result<RefName> {
    format!("{PINS}{remote}/ledger").parse()
}

/// Whether a fetch by these refspecs moves or prunes our own ledger.
fn overwrites(specs: &[String]) -> bool {
    let covers = |pattern: &str| match pattern.split_once('*') {
        Some((start, end)) => REF.starts_with(start) && REF.ends_with(end),
        None => pattern == REF,
    };
    let into = |spec: &String| {
        let to = spec.trim_start_matches('+').split_once(':').map(|(_, to)| to.to_owned());
        to.is_some_and(|to| covers(&to))
    };
    let spared = |spec: &String| spec.strip_prefix('^').is_some_and(covers);
    specs.iter().any(into) && !specs.iter().any(spared)
}

/// Whether somebody else was faster, so that looking again helps.
pub(super) fn is_lost_race(why: &str) -> bool {
    const RACES: [&str; 8] = [
        "stale info",
        "fetch first",
        "non-fast-forward",
        "cannot lock ref",
        "failed to update ref",
        "incorrect old value",
        "already exists",
        "unable to lock",
    ];
    RACES.iter().any(|race| why.contains(race))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_told_by_what_it_fetches() {
        for (specs, mirror) in [
            (&["+refs/*:refs/*"][..], true),
            (&["+refs/*:refs/*", "^refs/shopfloor/*"], false),
            (&["+refs/heads/*:refs/remotes/origin/*"], false),
            (&["+refs/shopfloor/ledger*:refs/shopfloor/remotes/origin/ledger*"], false),
            (&["refs/shopfloor/ledger:refs/shopfloor/ledger"], true),
            (&["^refs/heads/x"], false),
        ] {
            let specs: Vec<_> = specs.iter().map(|&spec| spec.to_owned()).collect();
            assert_eq!(overwrites(&specs), mirror, "{specs:?}");
        }
    }

    #[test]
    fn a_lost_race_is_told_from_a_no() {
        for (why, race) in [
            ("1234:refs/shopfloor/ledger [rejected] (stale info)", true),
            ("1234:refs/shopfloor/ledger [remote rejected] (cannot lock ref 'x': is at 1)", true),
            ("1234:refs/shopfloor/ledger [remote rejected] (pre-receive hook declined)", false),
            ("1234:refs/shopfloor/ledger [remote rejected] (deny updating a hidden ref)", false),
            ("1234:refs/shopfloor/ledger [remote rejected] (funny refname)", false),
        ] {
            assert_eq!(is_lost_race(why), race, "{why}");
        }
    }
}
