//! Work is never lost: before a worktree is cleared or removed, and when a session ends without
//! having submitted, all that is in it gets a ref of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::git::{Lone, Oid, RefName, Repo, Swap};
use crate::refusal::Refusal;

/// Files of a half-done operation that name commits nothing else may name.
const HELD: &[&str] = &[
    "MERGE_HEAD",
    "rebase-merge/orig-head",
    "rebase-merge/stopped-sha",
    "rebase-merge/autostash",
    "rebase-apply/orig-head",
    "rebase-apply/autostash",
    "MERGE_AUTOSTASH",
];

/// Names of one worktree, by which git alone may know a commit.
const NAMED: &[&str] = &["HEAD", "ORIG_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD"];

/// Work that a ref keeps now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) name: RefName,
    pub(crate) commit: Oid,
}

/// Keeps everything in the worktree that no ref but the agent's own branches keeps already: commits,
/// what is staged, edits, untracked files, the commits of a rebase or merge half done, and those that
/// were made there and then left. `None` when there is nothing of that kind. Touches no file.
///
/// An amended or rebased commit is left work like any other: nobody can tell whether something in it
/// is missed, and one ref more is a small price. One ref keeps all that is found at one time.
pub(crate) fn rescue(
    repo: &Repo,
    worktree: &Path,
    agent: &str,
    label: &str,
) -> Result<Option<Kept>> {
    let message = format!("{}{label})\n", ours(agent));
    let keeping = || format!("keeping the work in {}", worktree.display());
    let there = match worktree.join(".git").exists() {
        // What stands there now may be another repository, which is none of our business.
        true => Some(repo.git_dir_of(worktree)?).filter(|dir| dir.starts_with(repo.common_dir())),
        false => None,
    };
    let snapshot = match &there {
        Some(_) => repo.snapshot(worktree, &message).with_context(keeping)?,
        None => None,
    };
    let dir = match there {
        Some(dir) => Some(dir),
        None => repo.git_dir_left_of(worktree)?,
    };
    let branches = own_branches(agent);
    let mut revs = match &dir {
        Some(dir) => held(repo, dir)?,
        None => Vec::new(),
    };
    let stood = repo.stood_at(dir.as_deref(), &branches).with_context(keeping)?;
    revs.extend(stood.iter().chain(&snapshot).map(Oid::to_string));
    // What this label has kept before is asked for again, and gets the same name as before.
    let before = format!("{}{label}", kept_under(agent));
    let but = [branches, format!("{before}-*"), before];
    let mut tips = repo.unkept(dir.as_deref().unwrap_or(repo.common_dir()), &revs, &but)?;
    let head = dir.as_deref().and_then(|dir| repo.head_in(dir).transpose()).transpose()?;
    let head = head.filter(|head| tips.contains(head));
    let Some(first) = snapshot.or(head).or(tips.first().copied()) else { return Ok(None) };
    tips.retain(|tip| *tip != first);
    let commit = if tips.is_empty() { first } else { knot(repo, &first, &tips, &message)? };
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

/// Refuses when a submodule has commits that would go with the worktree's git directory: no ref of
/// ours can hold them, and a commit here may refer to them.
pub(crate) fn ensure_pushed(repo: &Repo, git_dir: &Path, worktree: Option<&Path>) -> Result<()> {
    let lone = repo.lone_commits(git_dir, worktree)?;
    let Some(Lone { path, git_dir, commit }) = lone.first() else { return Ok(()) };
    Err(Refusal::refused(format!(
        "the submodule {} has commits that are nowhere else, such as {}",
        path.display(),
        commit.short()
    ))
    .hint(format!("git --git-dir='{}' push origin {commit}:refs/heads/NAME", git_dir.display()))
    .hint(format!("if nobody needs them, remove {} first", git_dir.display()))
    .into())
}

/// Whether no ref but the agent's own branches would keep this commit.
pub(crate) fn loose(repo: &Repo, agent: &str, tip: &Oid) -> Result<bool> {
    let tips = repo.unkept(repo.common_dir(), &[tip.to_string()], &[own_branches(agent)])?;
    Ok(!tips.is_empty())
}

fn own_branches(agent: &str) -> String {
    format!("refs/heads/{agent}/*")
}

fn kept_under(agent: &str) -> String {
    format!("refs/shopfloor/rescue/{agent}/")
}

/// How the message of a commit begins that we made ourselves.
fn ours(agent: &str) -> String {
    format!("rescued from {agent} (")
}

/// A ref for the commit, checked to be there. The same work asked for twice has one ref.
fn keep(repo: &Repo, agent: &str, label: &str, commit: Oid) -> Result<Kept> {
    let start = kept_under(agent);
    for (name, there) in repo.refs_under(&start)? {
        if holds(repo, agent, &there, &commit)? {
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

/// Whether a commit that a ref keeps is the same work as another one, or ties it together with more.
fn holds(repo: &Repo, agent: &str, there: &Oid, commit: &Oid) -> Result<bool> {
    if same(repo, agent, there, commit)? {
        return Ok(true);
    }
    match repo.commit(there)?.parents.first() {
        Some(first) => same(repo, agent, first, commit),
        None => Ok(false),
    }
}

/// Whether two commits hold the same work; two of our own about it differ in time and label alone.
fn same(repo: &Repo, agent: &str, one: &Oid, other: &Oid) -> Result<bool> {
    if one == other {
        return Ok(true);
    }
    let (one, other) = (repo.commit(one)?, repo.commit(other)?);
    let made_here = [&one, &other].iter().all(|commit| commit.message.starts_with(&ours(agent)));
    if !made_here || one.tree != other.tree || one.parents.len() != other.parents.len() {
        return Ok(false);
    }
    for (one, other) in one.parents.iter().zip(&other.parents) {
        if !same(repo, agent, one, other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One commit with the first one's tree, from which all others can be reached.
fn knot(repo: &Repo, first: &Oid, others: &[Oid], message: &str) -> Result<Oid> {
    let by = repo.commit(first)?.committer;
    let parents: Vec<Oid> = std::iter::once(first).chain(others).copied().collect();
    let mut message = format!("{message}\nWith commits that no branch had any more:\n");
    for other in others {
        let _ = writeln!(message, "  {} {}", other.short(), repo.commit(other)?.subject());
    }
    repo.commit_tree(&repo.tree_of(first)?, &parents, &message, (&by, &by))
}

/// What the worktree with this git directory holds by other means than a log.
fn held(repo: &Repo, git_dir: &Path) -> Result<Vec<String>> {
    let texts = HELD.iter().filter_map(|file| fs::read_to_string(git_dir.join(file)).ok());
    let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    let named = lines.filter(|line| line.trim().parse::<Oid>().is_ok());
    let mut found: Vec<String> = NAMED.iter().map(|name| (*name).to_owned()).collect();
    found.extend(named.map(|line| line.trim().to_owned()));
    found.extend(repo.own_refs(git_dir)?.iter().map(Oid::to_string));
    Ok(found)
}
