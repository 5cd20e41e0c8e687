//! Where `shopfloor.publish` names a remote, a landing goes there first: the push with a lease is
//! the compare-and-swap, and the local branch follows.

use anyhow::Result;

use crate::git::{Oid, Pushed, RefName, Repo};
use crate::refinery::lease::Lease;
use crate::refusal::Refusal;

/// The remote that landings are published to.
pub(super) struct Route {
    remote: String,
    url: String,
    target: String,
}

/// What is known of the target on both sides.
pub(super) enum Sides {
    /// The local branch has everything the remote has.
    Level,
    /// Somebody has pushed past us; the local branch can follow.
    Behind { remote: Oid },
}

/// A remote of a repository whose landings go nowhere. One that came after `git bead init` was in no plan
/// that anybody has agreed to, so it is for a person to say.
pub fn left_out(repo: &Repo) -> Result<Option<String>> {
    let (path, publish) =
        (repo.config_get("shopfloor.path")?, repo.config_get("shopfloor.publish")?);
    if path.is_none() || publish.is_some() {
        return Ok(None);
    }
    let here = repo.common_dir().to_string_lossy();
    let mut names: Vec<String> =
        repo.remotes()?.into_iter().filter(|r| r.url != here).map(|r| r.name).collect();
    let first = names.iter().position(|name| name == "origin").unwrap_or_default();
    Ok((first < names.len()).then(|| names.swap_remove(first)))
}

impl Route {
    pub(super) fn of(repo: &Repo, target: &str) -> Result<Option<Self>> {
        let Some(name) = repo.config_get("shopfloor.publish")? else { return Ok(None) };
        let remotes = repo.remotes()?;
        let Some(remote) = remotes.into_iter().find(|remote| remote.name == name) else {
            return Err(Refusal::refused(format!(
                "shopfloor.publish names {name}, which is no remote"
            ))
            .hint("`git bead init` looks again where landings are to go")
            .hint("`git config --unset shopfloor.publish` keeps landings in this repository")
            .into());
        };
        let url = repo.push_address(&remote)?;
        Ok(Some(Self { remote: name, url, target: target.to_owned() }))
    }

    /// Fetches the remote's target and compares it with the local `tip`.
    pub(super) fn look(&self, repo: &Repo, tip: &Oid) -> Result<Sides> {
        let (target, remote) = (&self.target, &self.remote);
        let tracking = self.tracking()?;
        let spec = format!("+refs/heads/{target}:{tracking}");
        if let Err(error) = repo.fetch(remote, &[&spec]) {
            if format!("{error:#}").contains("couldn't find remote ref") {
                return Ok(Sides::Level);
            }
            return Err(Refusal::again(format!("{target} waits for {remote}: {error:#}"))
                .hint("what waits stays queued")
                .into());
        }
        let Some(there) = repo.read_ref(&tracking)? else {
            return Ok(Sides::Level);
        };
        if repo.is_ancestor(&there, tip)? {
            return Ok(Sides::Level);
        }
        if repo.is_ancestor(tip, &there)? {
            return Ok(Sides::Behind { remote: there });
        }
        Err(Refusal::refused(format!("{target} and {remote}/{target} have gone different ways"))
            .hint(format!("nothing lands until one contains the other; look at `git log {target}...{remote}/{target}`"))
            .into())
    }

    /// Where the remote's target was when it was last looked at.
    pub(super) fn known(&self, repo: &Repo) -> Result<Option<Oid>> {
        repo.read_ref(&self.tracking()?)
    }

    fn tracking(&self) -> Result<RefName> {
        format!("refs/remotes/{}/{}", self.remote, self.target).parse()
    }

    /// Moves the remote's target, if it is still where it was last seen.
    pub(super) fn push(&self, lease: &Lease<'_>, old: Option<&Oid>, new: &Oid) -> Result<Pushed> {
        let (repo, branch) = (lease.repo, &lease.branch);
        let expected = old.map(ToString::to_string).unwrap_or_default();
        let spec = format!("{new}:{branch}");
        let pushed = repo.push(&self.url, &[&spec], &[format!("{branch}:{expected}")])?;
        if matches!(pushed, Pushed::Done(_)) {
            // Git follows a push by name, not one by address; the next fetch would put it right.
            repo.swap_ref(&self.tracking()?, old, Some(new), "shopfloor: published")?;
        }
        Ok(pushed)
    }

    pub(super) fn remote(&self) -> &str {
        &self.remote
    }
}
