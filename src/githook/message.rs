//! `prepare-commit-msg` and `commit-msg`: an agent's commit says whose it is.
//!
//! A person's commits stay as they are. The refinery looks at everything again: these git hooks are
//! skipped by `--no-verify`, rebase, cherry-pick and plumbing, and only help the honest.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::git::Repo;
use crate::githook::mark::Mark;
use crate::githook::trailers::Message;
use crate::host::share;
use crate::refusal::Refusal;

/// Git asks before the editor opens, and where none will. `source` is what git says of the text.
pub fn prepare(repo: &Repo, file: &Path, source: Option<&str>) -> Result<()> {
    // Without a source the editor shows what the person or agent has yet to write: a trailer in it
    // would make a commit of a message that was never written. `commit-msg` adds it afterwards.
    if matches!(source, None | Some("template")) {
        return Ok(());
    }
    let Some(mark) = Mark::of(repo)? else { return Ok(()) };
    rewrite(repo, file, |message| {
        let done = message.is_empty() || is_anothers(repo, &mark, message)?;
        // A message just written that says something else is for `commit-msg` to refuse, not for us
        // to mend. One that was taken from an older commit is brought up to date.
        let fresh = source == Some("message") && replayed_author(repo)?.is_none();
        let wrong = fresh && agree(message, &mark).is_err();
        Ok((!done && !wrong).then(|| message.with(&mark.trailers())))
    })
}

/// Git asks when the message is written.
pub fn check(repo: &Repo, file: &Path) -> Result<()> {
    let Some(mark) = Mark::of(repo)? else { return Ok(()) };
    rewrite(repo, file, |message| {
        if message.is_empty() || is_anothers(repo, &mark, message)? {
            return Ok(None);
        }
        agree(message, &mark)?;
        Ok(Some(message.with(&mark.trailers())))
    })
}

/// What the message says must not be another truth than ours.
fn agree(message: &Message<'_>, mark: &Mark) -> Result<()> {
    let sworn = message.values("Signed-off-by");
    if sworn.iter().any(|who| who.starts_with(&format!("{} <", mark.agent))) {
        return Err(Refusal::refused(
            "`Signed-off-by` is a person's word, an agent cannot give it",
        )
        .hint("commit without -s")
        .into());
    }
    for (key, ours) in mark.trailers() {
        let known = matches!(key, "Bead" | "Agent");
        if let Some(other) = message.values(key).into_iter().find(|said| known && *said != ours) {
            return Err(Refusal::refused(format!(
                "the message says `{key}: {other}`, but this is {ours}"
            ))
            .hint(format!("leave `{key}:` out, it is added by itself"))
            .into());
        }
    }
    Ok(())
}

/// A commit that git replays (rebase, cherry-pick) stays its author's.
fn is_anothers(repo: &Repo, mark: &Mark, message: &Message<'_>) -> Result<bool> {
    let Some(author) = replayed_author(repo)? else { return Ok(false) };
    let agents = message.values("Agent");
    if agents.is_empty() {
        return Ok(mark.ad_hoc || author != mark.agent);
    }
    Ok(!agents.contains(&mark.agent))
}

/// The author's name of the commit that is being replayed, when one is.
fn replayed_author(repo: &Repo) -> Result<Option<String>> {
    let dir = repo.git_dir();
    if let Ok(picked) = fs::read_to_string(dir.join("CHERRY_PICK_HEAD")) {
        return Ok(Some(repo.commit(&picked.trim().parse()?)?.author.name));
    }
    let Ok(script) = fs::read_to_string(dir.join("rebase-merge/author-script")) else {
        return Ok(None);
    };
    let name = script.lines().find_map(|line| line.strip_prefix("GIT_AUTHOR_NAME="));
    Ok(name.map(|quoted| quoted.trim_matches('\'').replace("'\\''", "'")))
}

fn rewrite(
    repo: &Repo,
    file: &Path,
    change: impl FnOnce(&Message<'_>) -> Result<Option<Vec<u8>>>,
) -> Result<()> {
    let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let comment = comment_mark(repo)?;
    let message = Message::parse(&text, comment.as_deref().map(str::as_bytes));
    match change(&message)? {
        Some(new) if new != text => {
            share::write(file, new).with_context(|| format!("writing {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// What starts a comment line, where git will take comments out.
fn comment_mark(repo: &Repo) -> Result<Option<String>> {
    if repo.env().get("GIT_EDITOR") == Some(":") {
        return Ok(None);
    }
    let said = match repo.config_get("core.commentString")? {
        Some(said) => Some(said),
        None => repo.config_get("core.commentChar")?,
    };
    Ok(Some(said.filter(|said| said != "auto").unwrap_or_else(|| "#".to_owned())))
}
