//! A file of records as of each commit: who changed what, and when, where the history knows it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Intake;
use super::lines::{self, Said};
use crate::bead::event::Told;
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::git::Repo;
use crate::host;
use crate::refusal::Refusal;

/// So many commits are compared by one git.
const TOGETHER: usize = 50;

struct Commit {
    id: String,
    author: String,
    at: String,
}

/// Hands over each record as it came to be, the oldest first, and those that are gone from the file.
pub(super) fn read(
    cx: &Context,
    path: &Path,
    dir: Option<&Path>,
    intake: &mut Intake<'_>,
) -> Result<()> {
    let opened;
    let (repo, here) = match dir {
        Some(dir) => {
            opened = Repo::discover(&cx.path(dir), &cx.env)?;
            (&opened, cx.path(dir))
        }
        None => (cx.repo()?, cx.path(Path::new(""))),
    };
    let (here, path) = from_the_root(repo, here, path);
    let path = path.to_str().context("a path in a repository is text")?;
    let git = |args: &[&str]| repo.git(args).at(&here).text();
    let all = git(&["log", "--reverse", "--topo-order", "--format=%H%x09%cI%x09%an", "--", path])?;
    let commits: Vec<_> = all.lines().filter_map(commit).collect();
    let Some(last) = commits.last() else {
        return Err(Refusal::nothing(format!("no commit here has {path}"))
            .hint("git log --all -- '*.jsonl' shows where such files were")
            .into());
    };
    let progress = Progress::of(&cx.clock, "Importing", "commits");
    let mut states = States { path, latest: HashMap::new(), intake };
    for (n, some) in commits.chunks(TOGETHER).enumerate() {
        progress.tell(n * TOGETHER, commits.len());
        let ids: String = some.iter().map(|commit| format!("{}\n", commit.id)).collect();
        let args = ["diff-tree", "--stdin", "--root", "-p", "-c", "-U0", "--no-renames"];
        let diff = repo.git(args.into_iter().chain(["--relative", "--", path]));
        let diff = diff.at(&here).input(ids.into_bytes()).run()?;
        anyhow::ensure!(diff.code == 0, "comparing the commits of {path}: {}", diff.err);
        states.follow(some, &diff.out)?;
    }
    progress.tell(1, 1);
    let now = repo.git(["show", &format!("HEAD:./{path}")]).at(&here).run()?;
    if now.code == 0 {
        states.bury(last, &now.out)?;
    }
    Ok(())
}

/// The same path, as the root of the work tree has it: git is asked there alone.
fn from_the_root(repo: &Repo, here: PathBuf, path: &Path) -> (PathBuf, PathBuf) {
    let below = here.canonicalize().ok();
    let root = repo.work_dir().map(Path::to_owned);
    match root.and_then(|root| Some((below?.strip_prefix(&root).ok()?.join(path), root))) {
        Some((path, root)) => (root, path),
        None => (here, path.to_owned()),
    }
}

fn commit(line: &str) -> Option<Commit> {
    let mut words = line.splitn(3, '\t').map(str::to_owned);
    Some(Commit { id: words.next()?, at: words.next()?, author: words.next()? })
}

struct States<'a, 'c> {
    path: &'a str,
    latest: HashMap<String, Told>,
    intake: &'a mut Intake<'c>,
}

impl States<'_, '_> {
    /// The lines that each commit has added.
    fn follow(&mut self, commits: &[Commit], diff: &[u8]) -> Result<()> {
        let (mut commit, mut parents, mut line) = (None, 0, 0);
        for text in diff.split(|byte| *byte == b'\n') {
            if let Some(next) = commits.iter().find(|it| it.id.as_bytes() == text) {
                (commit, parents) = (Some(next), 0);
            } else if text.starts_with(b"diff --") {
                parents = 0;
            } else if text.starts_with(b"@@") {
                parents = text.iter().take_while(|byte| **byte == b'@').count() - 1;
                line = first_line(text);
            } else if let Some((marks, record)) = text.split_at_checked(parents)
                && let (Some(commit), true) = (commit, parents > 0)
                && !marks.contains(&b'-')
            {
                // New is what no parent has.
                if marks.iter().all(|mark| *mark == b'+') {
                    self.take(commit, line, record)?;
                }
                line += 1;
            }
        }
        Ok(())
    }

    fn take(&mut self, commit: &Commit, line: usize, record: &[u8]) -> Result<()> {
        if record.trim_ascii().is_empty() {
            return Ok(());
        }
        let said = lines::parse(record);
        let Ok(Said::Bead(mut told)) = said else {
            let file = format!("{}:{}", commit.id.get(..10).unwrap_or_default(), self.path);
            return self.intake.take(&file, line, said);
        };
        let id = told.record.get("id").map(ToString::to_string).unwrap_or_default();
        if let Some(before) = self.latest.get(&id)
            && host::moment(&told.at) == host::moment(&before.at)
        {
            // Whoever changed it did not say so; the commit does.
            told.at = later(&before.at, &commit.at);
        }
        (told.by, told.commit) = (Some(commit.author.clone()), Some(commit.id.clone()));
        self.latest.insert(id, (*told).clone());
        self.intake.take(self.path, line, Ok(Said::Bead(told)))
    }

    /// Beads that the file had once and has no longer were deleted.
    fn bury(&mut self, last: &Commit, file: &[u8]) -> Result<()> {
        lines::read(file, &mut |_, _, said| {
            if let Ok(Said::Bead(told)) = said
                && let Some(id) = told.record.get("id")
            {
                self.latest.remove(&id.to_string());
            }
            Ok(())
        })?;
        let mut gone: Vec<_> = self.latest.drain().collect();
        gone.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for (_, mut told) in gone {
            if told.record.get("status").is_some_and(|status| status == "tombstone") {
                continue;
            }
            told.at = later(&told.at, &last.at);
            told.record.insert("status".to_owned(), "tombstone".into());
            told.record.insert("deleted_at".to_owned(), last.at.as_str().into());
            told.record.insert("deleted_by".to_owned(), last.author.as_str().into());
            (told.by, told.commit) = (Some(last.author.clone()), Some(last.id.clone()));
            told.record.insert("delete_reason".to_owned(), "gone from the file".into());
            self.intake.take(self.path, 0, Ok(Said::Bead(Box::new(told))))?;
        }
        Ok(())
    }
}

/// A moment after this one: that of the commit, if it is one.
fn later(before: &str, commit: &str) -> String {
    let before = host::moment(before).unwrap_or_default();
    let commit = host::moment(commit).unwrap_or_default();
    if commit > before { commit } else { host::just_after(&before).unwrap_or(before) }
}

/// Where in the new file a hunk begins: `@@ -1,2 +7,3 @@`.
fn first_line(hunk: &[u8]) -> usize {
    let text = String::from_utf8_lossy(hunk);
    let at = text.split(" +").nth(1).unwrap_or_default();
    at.split([',', ' ']).next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
