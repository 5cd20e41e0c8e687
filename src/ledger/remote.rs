//! Which remote a ledger is synced with, and under which names its ledger stands there and here.

use anyhow::Result;

use super::REF;
use crate::git::{Oid, RefName, Repo, Store};
use crate::refusal::Refusal;

/// Where a ledger goes on a host that takes branches and tags only.
pub(super) const BRANCH: &str = "refs/heads/shopfloor/ledger";

/// Where it is kept what was taken in of each remote last.
pub(super) const PINS: &str = "refs/shopfloor/pins/";

/// A remote, and where its ledger may stand.
pub(super) struct Remote {
    pub(super) name: String,
    /// Where a push goes that is not to be queued by the gate.
    pub(super) address: String,
    /// The same as people say it.
    pub(super) called: String,
    /// The one that was set, else ours and then the one for hosts that take branches only.
    pub(super) spots: Vec<Spot>,
}

/// A name of a ledger at a remote, and what is kept of it here. What was seen under one name says nothing
/// of another: whoever sets another name has said that the ledger is there from now on.
#[derive(Clone)]
pub(super) struct Spot {
    pub(super) name: RefName,
    /// What it was when it was last fetched, by us or by anybody's `git fetch`.
    pub(super) tracking: RefName,
    /// What of it was taken in last: no later state may lack any line of that.
    pub(super) pin: RefName,
}

/// What a remote has under a name.
pub(super) struct There {
    pub(super) spot: Spot,
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
    let spec = fetched_by(repo, &name)?;
    Ok(spec.map(|spec| (name, spec)))
}

/// The refspec that brings the ledger of a remote, under the name that it has there now.
pub fn fetched_by(repo: &Repo, remote: &str) -> Result<Option<String>> {
    let first = spots(repo, remote)?.into_iter().next();
    Ok(first.map(|spot| format!("+{}*:{}*", spot.name, spot.tracking)))
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
        let address = repo.push_address(&remote)?;
        let called = if remote.push_urls.is_empty() { &name } else { &address }.clone();
        Ok(Self { spots: spots(repo, &name)?, address, called, name })
    }

    /// Asks the remote what it has.
    pub(super) fn look(&self, repo: &Repo) -> Result<Vec<There>> {
        let names: Vec<_> = self.spots.iter().map(|spot| &spot.name).collect();
        let found = repo.refs_of(&self.name, &names).map_err(|no| self.unreachable(&no))?;
        let there = self.spots.iter().map(|spot| {
            let tip = found.iter().find(|(name, _)| *name == spot.name).map(|(_, tip)| *tip);
            There { spot: spot.clone(), tip }
        });
        Ok(there.collect())
    }

    /// Fetches what is there, and moves no ref.
    pub(super) fn fetch(&self, store: &Store<'_>, spot: &Spot, again: bool) -> Result<()> {
        store.fetch(&self.name, &[spot.name.as_str()], again)
    }
}

impl Spot {
    fn of(remote: &str, name: RefName) -> Result<Self> {
        let kept = match name.as_str() {
            REF => "ledger".to_owned(),
            other => other.trim_start_matches("refs/").replace('/', "+"),
        };
        let tracking = format!("refs/shopfloor/remotes/{remote}/{kept}").parse()?;
        Ok(Self { name, tracking, pin: format!("{PINS}{remote}/{kept}").parse()? })
    }
}

/// Where the ledger of a remote may stand.
pub(super) fn spots(repo: &Repo, remote: &str) -> Result<Vec<Spot>> {
    let names = match repo.config_get("shopfloor.remoteRef")? {
        Some(name) => vec![name.parse()?],
        None => vec![REF.parse()?, BRANCH.parse()?],
    };
    names.into_iter().map(|name| Spot::of(remote, name)).collect()
}

/// Under which name the ledger of a remote was taken in last, if it ever was.
pub fn taken_from(repo: &Repo, remote: &str) -> Result<Option<RefName>> {
    for spot in spots(repo, remote)?.into_iter().rev() {
        if repo.read_ref(&spot.pin)?.is_some() {
            return Ok(Some(spot.name));
        }
    }
    Ok(None)
}

/// What a remote had when it was last taken in or sent to.
pub fn seen_of(repo: &Repo, remote: &str) -> Result<Option<Oid>> {
    let mut spots = spots(repo, remote)?.into_iter().rev();
    spots.find_map(|spot| repo.read_ref(&spot.pin).transpose()).transpose()
}

/// The remote-tracking refs that somebody's fetch may have moved, for those who look without asking.
pub fn fetched_from(repo: &Repo) -> Result<Vec<String>> {
    let ours = |spec: &String| spec.contains(":refs/shopfloor/remotes/");
    let mut names = Vec::new();
    for remote in repo.remotes()? {
        if repo.config_all(&format!("remote.{}.fetch", remote.name))?.iter().any(ours) {
            names.push(remote.name);
        }
    }
    Ok(names)
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
    fn each_name_has_a_pin_of_its_own() {
        let kept = |name: &str| Spot::of("origin", name.parse().unwrap()).unwrap().pin.to_string();
        assert_eq!(kept(REF), "refs/shopfloor/pins/origin/ledger");
        assert_eq!(kept(BRANCH), "refs/shopfloor/pins/origin/heads+shopfloor+ledger");
    }
}
