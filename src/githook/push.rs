//! `pre-push`: a push to the protected branch that would go past the queue is queued instead. Git
//! has to call it failed then, so the message says what really happened.

use std::io::Read;

use anyhow::{Context as _, Result};

use crate::bead::aside;
use crate::git::{Oid, RefName, Repo};
use crate::githook::entry::{self, Options};
use crate::githook::mark::Mark;
use crate::githook::route;
use crate::host::Clock;
use crate::host::process::callers;
use crate::refusal::Refusal;

/// One line of what git is about to push.
struct Update {
    local: Oid,
    remote_ref: String,
    remote: Oid,
}

/// Whether git may go on with the push to `remote` at `url`.
pub fn guard(
    repo: &Repo,
    clock: &Clock,
    (remote, url): (&str, &str),
    input: &mut impl Read,
    say: &mut dyn FnMut(&str),
) -> Result<bool> {
    let mut text = String::new();
    input.read_to_string(&mut text).context("reading what git pushes")?;
    let updates = text.lines().map(parse).collect::<Result<Vec<_>>>()?;
    let target = repo.default_branch()?;
    let here = route::leads_here(repo, url);
    if here && route::is_gate(url) {
        look_again(repo, updates.is_empty(), say)?;
        return Ok(true);
    }
    // Where this repository was set up, it queues what is pushed into it by itself.
    let received = repo.config_all("receive.procReceiveRefs")?;
    if here && received.iter().any(|prefix| *prefix == format!("refs/heads/{target}")) {
        return Ok(true);
    }
    let protected = RefName::branch(&target)?;
    let ours: Vec<&Update> =
        updates.iter().filter(|update| update.remote_ref == protected.as_str()).collect();
    if ours.is_empty() || !(here || protects(repo, &target, (remote, url))?) {
        return Ok(true);
    }
    let slung = repo.config_get("shopfloor.identity")?.is_some()
        || repo.env().get("SHOPFLOOR_AGENT").is_some();
    let mut free = true;
    for update in ours {
        // From here on only a clear yes lets it go past the queue.
        free &= pass(repo, clock, &target, (update, slung), say).map_err(closed)?;
    }
    if !free && updates.len() > 1 {
        say("nothing else of this push was sent; push the rest without it");
    }
    Ok(free)
}

fn closed(no: anyhow::Error) -> anyhow::Error {
    match no.is::<Refusal>() {
        true => no,
        false => Refusal::fatal(format!("{no:#}")).into(),
    }
}

/// Whether the target's name over there is the target: on the remote it is published to, or on any
/// where none is; for an agent, on any.
fn protects(repo: &Repo, target: &str, (remote, url): (&str, &str)) -> Result<bool> {
    let upstream = route::upstream(repo, target)?;
    let Some(name) = upstream.name() else { return Ok(true) };
    let url = route::absolute(repo, url.to_owned());
    Ok(name == remote || upstream.urls.contains(&url) || Mark::of(repo)?.is_some())
}

fn pass(
    repo: &Repo,
    clock: &Clock,
    target: &str,
    (update, slung): (&Update, bool),
    say: &mut dyn FnMut(&str),
) -> Result<bool> {
    if update.local.is_null() {
        return Err(Refusal::refused(format!("{target} is protected, a push does not delete it"))
            .hint("if it has to be: git push --no-verify")
            .into());
    }
    let tip = repo.resolve(&format!("refs/heads/{target}"))?;
    let landed = match &tip {
        Some(tip) => repo.is_ancestor(&update.local, tip)?,
        None => true,
    };
    let forward = update.remote.is_null()
        || !repo.exists(&update.remote)
        || repo.is_ancestor(&update.remote, &update.local)?;
    if landed && forward {
        return Ok(true);
    }
    if !forward {
        return Err(Refusal::refused(format!("{target} only moves forward, nothing forces it"))
            .hint("fetch and rebase, then push again")
            .into());
    }
    if slung {
        return Err(Refusal::refused(format!("{target} is reached through the merge queue alone"))
            .hint(format!(
                "push by the remote's name, not by its address: git push origin HEAD:{target}"
            ))
            .into());
    }
    if is_dry_run(&callers()) {
        say(&format!("{} would be queued for {target}; this was a dry run", update.local.short()));
        return Ok(false);
    }
    let queued = entry::queue(repo, clock, (target, update.local), &Options::default())?;
    for line in entry::told(&queued) {
        say(&line);
    }
    say("It was not sent anywhere else, which git calls a failed push below.");
    Ok(false)
}

/// Beside a push the ledger goes the same way, by itself: nobody waits for it.
pub fn beside(repo: &Repo, remote: &str) {
    let can = aside::remotes(repo).is_ok_and(|names| names.iter().any(|name| name == remote));
    if can
        && !is_dry_run(&callers())
        && let Err(error) = aside::exchange(repo, remote)
    {
        tracing::debug!("no exchange with {remote}: {error:#}");
    }
}

/// What the gate shows is renewed for the next push; one that found nothing to send may have been
/// measured against an old view.
fn look_again(repo: &Repo, nothing: bool, say: &mut dyn FnMut(&str)) -> Result<()> {
    route::mirror(repo)?;
    if nothing {
        say(
            "hint: if git says that this push was rejected, try it once more: the view of the remote was renewed",
        );
    }
    Ok(())
}

/// Git runs this hook for a dry run too, and says so neither in words nor in the environment: only its own
/// call tells, as far as the system shows it.
fn is_dry_run(callers: &[Vec<String>]) -> bool {
    let is_git = |words: &&Vec<String>| {
        let program = words.first().and_then(|path| path.rsplit('/').next());
        program == Some("git") && words.iter().any(|word| word == "push")
    };
    let Some(push) = callers.iter().find(is_git) else { return false };
    let options = push.iter().skip_while(|word| *word != "push").take_while(|word| *word != "--");
    options.into_iter().any(|word| {
        let short = word
            .strip_prefix('-')
            .filter(|flags| flags.chars().all(|flag| "fnquvd46".contains(flag)));
        word == "--dry-run" || short.is_some_and(|flags| flags.contains('n'))
    })
}

fn parse(line: &str) -> Result<Update> {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        [_, local, remote_ref, remote] => Ok(Update {
            local: local.parse()?,
            remote_ref: (*remote_ref).to_owned(),
            remote: remote.parse()?,
        }),
        _ => anyhow::bail!("git said {line:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_told_by_the_call() {
        for (call, dry) in [
            ("git push origin main", false),
            ("/usr/bin/git -C /x push --dry-run origin main", true),
            ("git push -n origin main", true),
            ("git push -fn origin main", true),
            ("git push -o n origin main", false),
            ("git push origin -- -n", false),
            ("git commit -n", false),
        ] {
            let words = call.split(' ').map(str::to_owned).collect();
            assert_eq!(is_dry_run(&[vec!["sh".to_owned(), "-n".to_owned()], words]), dry, "{call}");
        }
    }
}
