//! Work is never lost: before a worktree is cleared or removed, and when a session ends without
//! having submitted, all that is in it gets a ref of its own.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::git::{Commit, Oid, RefName, Repo, Swap};
use crate::refusal::Refusal;

/// Files of a half-done operation that name commits nothing else may name.
const HELD: &[&str] = &[
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "rebase-merge/orig-head",
    "rebase-merge/stopped-sha",
    "rebase-merge/autostash",
    "rebase-apply/orig-head",
    "rebase-apply/autostash",
    "MERGE_AUTOSTASH",
];

/// Refs that belong to one worktree and go with it.
const OWN_REFS: &[&str] = &["refs/worktree", "refs/bisect", "refs/rewritten"];

/// Work that a ref keeps now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) name: RefName,
    pub(crate) commit: Oid,
}

/// Keeps everything in the worktree that no ref but the agent's own branches keeps already: commits,
/// what is staged, edits, untracked files, the commits of a rebase or merge half done. `None` when
/// there is nothing of that kind. Touches no file.
pub(crate) fn rescue(
    repo: &Repo,
    worktree: &Path,
    agent: &str,
    label: &str,
) -> Result<Option<Kept>> {
    let message = format!("rescued from {agent} ({label})\n");
    let snapshot = repo
        .snapshot(worktree, &message)
        .with_context(|| format!("keeping the work in {}", worktree.display()))?;
    let head = in_worktree(repo, worktree, "HEAD")?;
    let mut tips: Vec<Oid> = Vec::new();
    for tip in held(repo, worktree)? {
        if loose(repo, agent, &tip)? && !tips.contains(&tip) {
            tips.push(tip);
        }
    }
    let commit = match (snapshot, head) {
        (Some(snapshot), _) => snapshot,
        (None, Some(head)) if !tips.is_empty() || loose(repo, agent, &head)? => head,
        (None, None) if !tips.is_empty() => tips.remove(0),
        _ => return Ok(None),
    };
    tips.retain(|tip| *tip != commit);
    let commit = if tips.is_empty() { commit } else { knot(repo, &commit, &tips, &message)? };
    keep(repo, agent, label, commit).map(Some)
}

/// Refuses when something in the worktree is beyond what a snapshot can hold.
pub(crate) fn ensure_whole(repo: &Repo, worktree: &Path) -> Result<()> {
    let state = repo.checkout_state(worktree)?;
    let Some(inner) = state.inner.first() else { return Ok(()) };
    Err(Refusal::refused(format!(
        "{} has a repository of its own inside, {inner}, which no commit can hold",
        worktree.display()
    ))
    .hint("move it away, then try again")
    .into())
}

/// Whether no ref but the agent's own branches would keep this commit.
pub(crate) fn loose(repo: &Repo, agent: &str, tip: &Oid) -> Result<bool> {
    let own = format!("--exclude=refs/heads/{agent}/*");
    // Without `--single-worktree`, `--all` would count where the worktrees stand themselves.
    let args = [
        "rev-list",
        "--max-count=1",
        &tip.to_string(),
        "--not",
        &own,
        "--single-worktree",
        "--all",
    ];
    Ok(!repo.git(args).text()?.is_empty())
}

/// A ref for the commit, checked to be there. The same work asked for twice has one ref.
fn keep(repo: &Repo, agent: &str, label: &str, commit: Oid) -> Result<Kept> {
    let start = format!("refs/shopfloor/rescue/{agent}/");
    for (name, there) in repo.refs_under(&start)? {
        if same(repo, &there, &commit)? {
            return Ok(Kept { name, commit: there });
        }
    }
    for n in 1..1000 {
        let suffix = if n == 1 { String::new() } else { format!("-{n}") };
        let name: RefName = format!("{start}{label}{suffix}").parse()?;
        if repo.swap_ref(&name, None, Some(&commit), "rescued")? == Swap::Done {
            let there = repo.read_ref(&name)?;
            ensure!(there == Some(commit), "{name} does not stay where it was put");
            ensure!(repo.exists(&commit), "{name} names nothing");
            return Ok(Kept { name, commit });
        }
    }
    bail!("no name is left for the rescued work of {agent}")
}

/// Whether two commits hold the same work; two snapshots of it differ in their time alone.
fn same(repo: &Repo, one: &Oid, other: &Oid) -> Result<bool> {
    if one == other {
        return Ok(true);
    }
    let (one, other) = (repo.commit(one)?, repo.commit(other)?);
    if one.tree != other.tree || one.parents.first() != other.parents.first() {
        return Ok(false);
    }
    let trees = |commit: &Commit| -> Result<Vec<Oid>> {
        commit.parents.iter().skip(1).map(|parent| repo.tree_of(parent)).collect()
    };
    Ok(trees(&one)? == trees(&other)?)
}

/// One commit with the first one's tree, from which all others can be reached.
fn knot(repo: &Repo, first: &Oid, others: &[Oid], message: &str) -> Result<Oid> {
    let by = repo.commit(first)?.committer;
    let parents: Vec<Oid> = std::iter::once(first).chain(others).copied().collect();
    repo.commit_tree(&repo.tree_of(first)?, &parents, message, (&by, &by))
}

fn held(repo: &Repo, worktree: &Path) -> Result<Vec<Oid>> {
    let dir = repo.git_dir_of(worktree)?;
    let texts = HELD.iter().filter_map(|file| fs::read_to_string(dir.join(file)).ok());
    let mut found: Vec<Oid> = Vec::new();
    for text in texts {
        found.extend(text.lines().filter_map(|line| line.trim().parse::<Oid>().ok()));
    }
    let args = ["for-each-ref", "--format=%(objectname)"].iter().chain(OWN_REFS);
    let refs = repo.git(args).at(worktree).text()?;
    found.extend(refs.lines().filter_map(|line| line.parse::<Oid>().ok()));
    let mut commits = Vec::new();
    for oid in found {
        commits.extend(in_worktree(repo, worktree, &oid.to_string())?);
    }
    Ok(commits)
}

fn in_worktree(repo: &Repo, worktree: &Path, rev: &str) -> Result<Option<Oid>> {
    let rev = format!("{rev}^{{commit}}");
    let done = repo
        .git(["rev-parse", "--verify", "--quiet", "--end-of-options", &rev])
        .at(worktree)
        .run()?;
    Ok(String::from_utf8_lossy(&done.out).trim().parse().ok())
}
