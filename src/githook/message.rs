//! `prepare-commit-msg` and `commit-msg`: an agent's commit says whose it is.
//!
//! A person's commits stay as they are. The refinery looks at everything again: these git hooks are
//! skipped by `--no-verify`, rebase, cherry-pick and plumbing, and only help the honest.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::git::Repo;
use crate::githook::program;
use crate::githook::trailers::Message;
use crate::host::Environment;
use crate::refusal::Refusal;

/// Who acts, as the trailers say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub agent: String,
    pub bead: Option<String>,
    pub assisted_by: Option<String>,
    pub session: Option<String>,
    /// Nobody slung it: an agent program that a person started, owned by that person.
    pub ad_hoc: bool,
}

impl Mark {
    /// The agent that acts here: as `git sling` said in the environment, else as the work tree says,
    /// else an agent program that shows in the environment. Nobody, when it is a person.
    pub fn of(repo: &Repo) -> Result<Option<Self>> {
        Self::read(repo.env(), |key| repo.config_get(key))
    }

    fn read(
        env: &Environment,
        config: impl Fn(&str) -> Result<Option<String>>,
    ) -> Result<Option<Self>> {
        let program = program::running(env);
        let slung = env.get("SHOPFLOOR_AGENT").map(str::to_owned);
        let Some(agent) =
            slung.map_or_else(|| config("shopfloor.identity"), |agent| Ok(Some(agent)))?
        else {
            return Ok(program.map(|program| Self {
                assisted_by: Some(format!("{}:unknown", program.name)),
                agent: program.name,
                session: program.session,
                bead: None,
                ad_hoc: true,
            }));
        };
        let said = |variable: &str, key: &str| match env.get(variable) {
            Some(value) => Ok(Some(value.to_owned())),
            None => config(key),
        };
        let tool = match said("SHOPFLOOR_TOOL", "shopfloor.tool")? {
            Some(tool) => Some(tool),
            None => program.map(|program| program.name),
        };
        let model = said("SHOPFLOOR_MODEL", "shopfloor.model")?;
        let assisted_by = (tool.is_some() || model.is_some()).then(|| {
            format!(
                "{}:{}",
                word(tool.as_deref().unwrap_or(&agent)),
                word(model.as_deref().unwrap_or("unknown"))
            )
        });
        Ok(Some(Self {
            bead: said("SHOPFLOOR_BEAD", "shopfloor.bead")?,
            session: said("SHOPFLOOR_SESSION", "shopfloor.session")?,
            agent,
            assisted_by,
            ad_hoc: false,
        }))
    }

    pub fn trailers(&self) -> Vec<(&'static str, String)> {
        let mut trailers = Vec::new();
        let mut add = |key, value: Option<&String>| {
            if let Some(value) = value {
                trailers.push((key, value.clone()));
            }
        };
        add("Bead", self.bead.as_ref());
        add("Agent", Some(&self.agent));
        add("Assisted-by", self.assisted_by.as_ref());
        add("Agent-Session", self.session.as_ref());
        trailers
    }
}

/// One word, as the format of `Assisted-by` wants it.
fn word(text: &str) -> String {
    let joined: Vec<&str> = text.split_whitespace().collect();
    if joined.is_empty() { "unknown".to_owned() } else { joined.join("-") }
}

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
            fs::write(file, new).with_context(|| format!("writing {}", file.display()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(env: &[(&str, &str)], config: &[(&str, &str)]) -> Option<Mark> {
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let look = |key: &str| {
            Ok(config.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()))
        };
        Mark::read(&env, look).unwrap()
    }

    #[test]
    fn a_person_leaves_no_mark() {
        assert_eq!(mark(&[("USER", "jane")], &[]), None);
    }

    #[test]
    fn the_session_speaks_before_the_work_tree() {
        let env = [
            ("SHOPFLOOR_AGENT", "builder"),
            ("SHOPFLOOR_BEAD", "api-1"),
            ("SHOPFLOOR_SESSION", "s1"),
            ("CLAUDECODE", "1"),
        ];
        let config = [
            ("shopfloor.identity", "old"),
            ("shopfloor.bead", "api-0"),
            ("shopfloor.model", "opus 4"),
        ];
        assert_eq!(
            mark(&env, &config).unwrap().trailers(),
            [
                ("Bead", "api-1".to_owned()),
                ("Agent", "builder".to_owned()),
                ("Assisted-by", "claude-code:opus-4".to_owned()),
                ("Agent-Session", "s1".to_owned())
            ]
        );
        let quiet = mark(&[], &config).unwrap();
        assert_eq!((quiet.agent.as_str(), quiet.bead.as_deref()), ("old", Some("api-0")));
    }

    #[test]
    fn an_agent_program_that_nobody_slung_is_named() {
        let found = mark(&[("GEMINI_CLI", "1")], &[]).unwrap();
        assert!(found.ad_hoc);
        assert_eq!(
            found.trailers(),
            [("Agent", "gemini-cli".to_owned()), ("Assisted-by", "gemini-cli:unknown".to_owned())]
        );
    }
}
