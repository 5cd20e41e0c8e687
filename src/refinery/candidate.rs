//! What would land: the submitted commit itself where it is the next one, else a merge commit whose
//! first parent is the target's tip. Built without a work tree; the target does not move here.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::git::{Commit, Conflict, Merged, Oid, Repo, Signature};
use crate::refinery::entry::Entry;
use crate::refinery::lease::Lease;
use crate::refinery::refs;

/// How often what git failed to make is tried again.
const TRIES: usize = 5;

/// A commit that could become the target's next tip.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub base: Oid,
    pub commit: Oid,
    pub tree: Oid,
    /// Where the submission left the target; `None` for the next commit itself.
    fork: Option<Oid>,
}

pub(super) enum Built {
    Candidate(Candidate),
    /// The target has this commit already.
    Contained,
    Conflicts(Vec<Conflict>),
}

/// Builds the candidate of an entry on `tip`.
///
/// Only a single commit directly on the tip is taken as it is. A longer submission gets a merge
/// commit even where git could fast-forward: every first-parent commit of the target is then one
/// whose exact tree was tested.
pub(super) fn build(
    lease: &Lease<'_>,
    entry: &Entry,
    head: &Commit,
    (tip, fork): (&Oid, &Oid),
) -> Result<Built> {
    let repo = lease.repo;
    if head.parents.first() == Some(tip) {
        let candidate = Candidate { base: *tip, commit: entry.commit, tree: head.tree, fork: None };
        return Ok(Built::Candidate(candidate));
    }
    if *fork == entry.commit {
        return Ok(Built::Contained);
    }
    let message = message(repo, entry, head)?;
    let now = Signature::new("git-refinery", &lease.actor.owner, &lease.clock.now());
    let author = Signature { time: now.time.clone(), ..head.author.clone() };
    let name = refs::candidate(&lease.target)?;
    beside_gc(|| {
        let tree = match merged(repo, (tip, fork), entry, head)? {
            Merged::Tree(tree) => tree,
            Merged::Conflicts(conflicts) => return Ok(Built::Conflicts(conflicts)),
        };
        let commit = repo.commit_tree(&tree, &[*tip, entry.commit], &message, (&author, &now))?;
        repo.keep(&name, &commit, &[tip, &entry.commit])?;
        Ok(Built::Candidate(Candidate { base: *tip, commit, tree, fork: Some(*fork) }))
    })
}

/// Does again what failed: a `git gc --prune=now` beside us takes what was made and not kept yet, and
/// the directories in which git is just about to make a file.
fn beside_gc<T>(make: impl Fn() -> Result<T>) -> Result<T> {
    for _ in 0..TRIES {
        match make() {
            Ok(made) => return Ok(made),
            Err(no) => tracing::debug!("once more: {no:#}"),
        }
    }
    make()
}

/// Where the submission left the target; `None` where the two have no commit in common.
pub(super) fn fork(repo: &Repo, entry: &Entry, head: &Commit, tip: &Oid) -> Result<Option<Oid>> {
    if head.parents.first() == Some(tip) {
        return Ok(Some(*tip));
    }
    repo.merge_base(tip, &entry.commit)
}

/// The commits that the landing would bring, oldest first. Where one follows the other from the
/// fork on, which is nearly always, they are read one by one; git is asked about anything else.
pub(super) fn commits(
    repo: &Repo,
    entry: &Entry,
    (tip, fork): (&Oid, &Oid),
) -> Result<Vec<(Oid, Commit)>> {
    const MOST: usize = 100;
    let mut found = Vec::new();
    let mut next = entry.commit;
    while next != *fork && found.len() < MOST {
        let commit = repo.commit(&next)?;
        let [parent] = commit.parents[..] else { break };
        found.push((next, commit));
        next = parent;
    }
    if next == *fork {
        found.reverse();
        return Ok(found);
    }
    let ids = repo.commits_between(tip, &entry.commit)?;
    ids.into_iter().map(|id| Ok((id, repo.commit(&id)?))).collect()
}

/// The two oracles. A queue that lands another tree than the merge, or touches a path that the
/// change does not, corrupts the target without an alarm; so both are computed again, from the
/// commits alone, before the target moves.
pub(super) fn verify(repo: &Repo, entry: &Entry, candidate: &Candidate) -> Result<()> {
    let landing = repo.commit(&candidate.commit)?;
    ensure!(landing.tree == candidate.tree, "{} is not the tree that was tested", candidate.commit);
    ensure!(
        landing.parents.first() == Some(&candidate.base),
        "{} does not stand on {}",
        candidate.commit,
        candidate.base
    );
    let Some(fork) = &candidate.fork else { return Ok(()) };
    let head = repo.commit(&entry.commit)?;
    let again = beside_gc(|| merged(repo, (&candidate.base, fork), entry, &head))?;
    let Merged::Tree(again) = again else {
        anyhow::bail!("{} no longer merges into {}", entry.commit, candidate.base);
    };
    ensure!(again == candidate.tree, "merging {} again gives another tree", entry.commit);
    let strays = strays(repo, entry, candidate)?;
    ensure!(strays.is_empty(), "landing {} would change {strays:?}", entry.commit);
    Ok(())
}

/// The paths that the landing would change and the change itself does not, wherever the target has
/// moved what it changes.
pub(super) fn strays(repo: &Repo, entry: &Entry, candidate: &Candidate) -> Result<Vec<String>> {
    let Some(fork) = &candidate.fork else { return Ok(Vec::new()) };
    let own = repo.changed_paths(fork, &entry.commit)?;
    let changed = repo.changed_paths(&candidate.base, &candidate.commit)?;
    let strays = beyond(&changed, &own, &[]);
    if strays.is_empty() {
        return Ok(strays);
    }
    // All that was moved is compared, not what the change is about alone: where a merge has followed
    // a file into another that is more like a third, this says so.
    Ok(beyond(&changed, &own, &repo.renames(fork, &candidate.base)?))
}

/// What of `changed` is neither among a change's own paths nor where one of them was moved to.
fn beyond(changed: &[String], own: &[String], moved: &[(String, String)]) -> Vec<String> {
    let own: BTreeSet<_> = own.iter().collect();
    let there: BTreeSet<_> =
        moved.iter().filter(|(old, _)| own.contains(old)).map(|(_, new)| new).collect();
    let stray = |path: &&String| !own.contains(path) && !there.contains(path);
    changed.iter().filter(stray).cloned().collect()
}

fn merged(repo: &Repo, (tip, fork): (&Oid, &Oid), entry: &Entry, head: &Commit) -> Result<Merged> {
    // On the tip itself there is nothing to merge with.
    if fork == tip { Ok(Merged::Tree(head.tree)) } else { repo.merge(tip, &entry.commit) }
}

fn message(repo: &Repo, entry: &Entry, head: &Commit) -> Result<String> {
    let trailers: Vec<_> = repo
        .trailers(&head.message)
        .into_iter()
        .filter(|(key, _)| {
            matches!(key.as_str(), "Bead" | "Agent" | "Assisted-by" | "Agent-Session")
        })
        .collect();
    let subject = format!("Land {}: {}\n", entry.name(), head.subject());
    if trailers.is_empty() {
        return Ok(subject);
    }
    let lines: String = trailers.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
    Ok(format!("{subject}\n{lines}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_landing_changes_what_the_change_does_wherever_it_was_moved_to() {
        let moved = [("a", "b"), ("lib/x", "src/x"), ("lib/y", "src/y")];
        let cases: &[(&[&str], &[&str], &[&str])] = &[
            (&["a"], &["a"], &[]),
            (&["b"], &["a"], &[]),
            (&["a", "b"], &["a", "b"], &[]),
            (&["src/x", "new"], &["lib/x", "new"], &[]),
            // One that was not moved, one that was and is not the change's, the source of no change.
            (&["c"], &["a"], &["c"]),
            (&["b", "src/y"], &["a", "lib/x"], &["src/y"]),
            (&["a"], &["b"], &["a"]),
            // A directory is no path: a new file beside moved ones is expected where it was made.
            (&["src/z"], &["lib/z"], &["src/z"]),
            (&["b"], &[], &["b"]),
        ];
        let texts = |paths: &[&str]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        let moved = moved.map(|(old, new)| (old.to_owned(), new.to_owned()));
        for (changed, own, expected) in cases {
            let found = beyond(&texts(changed), &texts(own), &moved);
            assert_eq!(found, *expected, "{changed:?} of {own:?}");
        }
    }
}
