//! A push that is not for the queue: on to the real remote, with the lease of what the client saw,
//! or, where there is no remote, into the repository itself.

use anyhow::Result;

use crate::git::{Oid, Pushed, RefName, Repo, Swap};
use crate::githook::pkt::{Answer, Command};
use crate::githook::route;
use crate::refusal::Refusal;

pub(super) fn on(
    repo: &Repo,
    gate: Option<&Repo>,
    target: &str,
    command: &Command,
) -> Result<Answer> {
    let upstream = route::upstream(repo, target)?;
    let Some(remote) = upstream.name().filter(|_| gate.is_some()) else {
        return here(repo, target, command);
    };
    let pushed = match command.name.strip_prefix("refs/heads/") {
        Some(branch) => {
            let tracked = RefName::branch(branch)?;
            let known = format!("refs/remotes/{remote}/{branch}").parse()?;
            let seen = repo.read_ref(&known)?;
            in_view(repo, command, seen, remote)?;
            let lease =
                format!("{tracked}:{}", seen.map_or_else(String::new, |oid| oid.to_string()));
            send(repo, &upstream.urls, &spec(command), &[lease])?
        }
        None => send(repo, &upstream.urls, &spec(command), &[])?,
    };
    match pushed {
        Pushed::Done(_) => {
            if command.name.strip_prefix("refs/heads/") == Some(target) {
                let known = format!("refs/remotes/{remote}/{target}").parse()?;
                let seen = repo.read_ref(&known)?;
                repo.swap_ref(&known, seen.as_ref(), Some(&command.new), "push")?;
                route::mirror(repo)?;
            } else if let Some(gate) = gate
                && command.name.starts_with("refs/heads/")
            {
                show(gate, command)?;
            }
            Ok(Answer::Done)
        }
        Pushed::Rejected { why, .. } => Ok(Answer::No(format!("{remote} says no: {why}"))),
    }
}

fn spec(command: &Command) -> String {
    match command.new.is_null() {
        true => format!(":{}", command.name),
        false => format!("{}:{}", command.new, command.name),
    }
}

fn send(repo: &Repo, urls: &[String], spec: &str, leases: &[String]) -> Result<Pushed> {
    for url in urls {
        let pushed = repo.push(url, &[spec], leases)?;
        if !matches!(pushed, Pushed::Done(_)) {
            return Ok(pushed);
        }
    }
    Ok(Pushed::Done(Vec::new()))
}

/// The client checked its push against the gate, which may show less than the repository knows.
fn in_view(repo: &Repo, command: &Command, seen: Option<Oid>, remote: &str) -> Result<()> {
    let Some(seen) = seen else { return Ok(()) };
    if command.old == seen || command.new.is_null() || repo.is_ancestor(&seen, &command.new)? {
        return Ok(());
    }
    route::mirror(repo)?;
    Err(Refusal::refused(format!(
        "{} is at {} on {remote}, which this push does not contain",
        command.name,
        seen.short()
    ))
    .hint("rebase on it; or, if it is yours to replace: git push --force-with-lease")
    .into())
}

/// Shows the client its own push: the next one is checked against it.
fn show(gate: &Repo, command: &Command) -> Result<()> {
    let name = &command.name;
    match command.new.is_null() {
        true => gate.git(["update-ref", "-d", name]).ok(),
        false => gate.git(["update-ref", name, &command.new.to_string()]).ok(),
    }
}

/// Without a remote the repository itself is where branches and tags go.
fn here(repo: &Repo, target: &str, command: &Command) -> Result<Answer> {
    let name: RefName = command.name.parse()?;
    let current = repo.read_ref(&name)?;
    let new = Some(command.new).filter(|new| !new.is_null());
    if current == new || name.as_branch() == Some(target) {
        return Ok(Answer::Done);
    }
    if let Some(place) =
        repo.worktrees()?.into_iter().find(|tree| tree.branch.as_ref() == Some(&name))
    {
        let what = format!("{} is checked out at {}", name.short(), place.path.display());
        let fix = format!("`git -C {:?} switch BRANCH` goes elsewhere", place.path);
        return Err(Refusal::refused(what).hint(fix).into());
    }
    if let (Some(current), Some(new)) = (&current, &new) {
        let forward = name.as_branch().is_some() && repo.is_ancestor(current, new)?;
        if !forward && command.old != *current {
            let what = format!(
                "{} is at {}, which this push does not contain",
                name.short(),
                current.short()
            );
            return Err(Refusal::refused(what).hint("git fetch, and rebase on it").into());
        }
    }
    match repo.swap_ref(&name, current.as_ref(), new.as_ref(), "push")? {
        Swap::Done => Ok(Answer::Done),
        Swap::Lost(_) => Err(Refusal::again(format!("{} moved meanwhile", name.short()))
            .hint("git fetch, then push again")
            .into()),
    }
}
