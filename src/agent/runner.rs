//! What runs beside a session: starts the agent, waits for its end or its limit, and sees to it that
//! nothing of the session outlives it.
//!
//! Next to the agent runs a watcher on a leash from the runner. When the runner ends without a word,
//! by `kill -9` too, the watcher ends the session. Where there is no `/proc`, processes that left the
//! agent's process group are found by nobody but themselves.

use std::time::Duration;

use anyhow::{Context as _, Result};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::agent::desk::Desk;
use crate::agent::event::{Ended, Outcome};
use crate::agent::roster::Session;
use crate::host::Environment;
use crate::host::process::{Attended, End, Program, end_group, end_marked};

/// What marks every process of a session.
pub(crate) const MARK: &str = "SHOPFLOOR_SESSION";

/// A session without a limit of its own ends at this age.
pub(crate) const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);

/// What one session may write into its output.
const MOST_OUTPUT: u64 = 256 << 20;

/// How often the runner looks up.
const GLANCE: Duration = Duration::from_millis(250);

/// What a session runs, frozen when it was slung: no later edit of a file changes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) session: String,
    pub(crate) argv: Vec<String>,
    /// The prompt goes to standard input; otherwise it is among the arguments.
    pub(crate) stdin: bool,
    pub(crate) env: IndexMap<String, String>,
    pub(crate) seconds: u64,
}

/// Variables of git that do not lead it elsewhere or act in somebody's name.
const KEPT: &[&str] = &[
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_ASKPASS",
    "GIT_ALLOW_PROTOCOL",
    "GIT_DEFAULT_HASH",
];

/// Variables by which an agent program knows that it was started by another one of its kind.
const NESTED: &[&str] = &["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT", "OLDPWD"];

/// The environment of a session: the person's, without what leads git to another repository or
/// speaks in another's name, and with what says who acts here.
pub(crate) fn environment(
    env: &Environment,
    session: &Session,
    own: &IndexMap<String, String>,
) -> IndexMap<String, String> {
    let mut vars = cleared(env);
    vars.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    vars.insert("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned());
    // Git's own word for "do not open one": a commit without a message fails instead of hanging.
    vars.insert("GIT_EDITOR".to_owned(), ":".to_owned());
    let said = [
        ("SHOPFLOOR_AGENT", session.agent.clone()),
        ("SHOPFLOOR_BEAD", session.bead.clone()),
        ("SHOPFLOOR_EPOCH", session.epoch.to_string()),
        (MARK, session.id.clone()),
        ("SHOPFLOOR_TOOL", session.kind.clone()),
        ("SHOPFLOOR_TARGET", session.target.clone()),
    ];
    vars.extend(said.into_iter().map(|(key, value)| (key.to_owned(), value)));
    vars.extend(session.model.clone().map(|model| ("SHOPFLOOR_MODEL".to_owned(), model)));
    vars
}

/// The person's environment for a process that belongs to no session and no repository yet.
pub(crate) fn cleared(env: &Environment) -> IndexMap<String, String> {
    let stays = |key: &str| {
        (!key.starts_with("GIT_") || KEPT.contains(&key))
            && !key.starts_with("SHOPFLOOR_")
            && !NESTED.contains(&key)
    };
    let ours = ["SHOPFLOOR_CLOCK"];
    let kept = env.iter().filter(|(key, _)| stays(key) || ours.contains(key));
    kept.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Starts the agent. From here on the desk knows its process.
pub(crate) fn start(
    plan: &Plan,
    session: &Session,
    desk: &Desk,
    env: &Environment,
) -> Result<Attended> {
    let (program, args) = plan.argv.split_first().context("the plan names no program")?;
    let path = match program.contains('/') {
        // Seen from the worktree, where the agent works.
        true => std::path::Path::new(&session.worktree).join(program),
        false => env.path_of(program).with_context(|| format!("no program `{program}` on PATH"))?,
    };
    let mut agent = Program::new(path)
        .args(args)
        .dir(&session.worktree)
        .full_env(&environment(env, session, &plan.env));
    if plan.stdin {
        let prompt = desk.prompt(&session.id);
        agent = agent.input(
            std::fs::read(&prompt).with_context(|| format!("reading {}", prompt.display()))?,
        );
    }
    let agent = agent.start_into(&desk.output(&session.id))?;
    desk.started(&session.id, agent.identity())?;
    Ok(agent)
}

/// Waits for the end of the agent, or brings it about at a limit or a person's word. `glance` is
/// called now and then.
pub(crate) fn attend(
    plan: &Plan,
    session: &Session,
    agent: &Attended,
    desk: &Desk,
    glance: &mut dyn FnMut(),
) -> Result<Ended> {
    let begun = std::time::Instant::now();
    let output = desk.output(&session.id);
    loop {
        if let Some(end) = agent.wait(GLANCE)? {
            return Ok(match end {
                _ if desk.asked_to_stop(&session.id).is_some() => stopped(session, desk),
                End::Exit(code) => Ended { exit: Some(code), ..ended(session, Outcome::Exited) },
                End::Signal(_) | End::Timeout => ended(session, Outcome::Killed),
                End::NotStarted(_) => ended(session, Outcome::NotStarted),
            });
        }
        let limit = if begun.elapsed() >= Duration::from_secs(plan.seconds) {
            Some(format!("timeout of {} s", plan.seconds))
        } else {
            let size = std::fs::metadata(&output).map_or(0, |facts| facts.len());
            (size > MOST_OUTPUT).then(|| format!("{} MiB of output", MOST_OUTPUT >> 20))
        };
        if limit.is_some() || desk.asked_to_stop(&session.id).is_some() {
            end_group(agent.identity());
            agent.wait(Duration::from_secs(5))?;
            return Ok(match limit {
                Some(_) => Ended { limit, ..ended(session, Outcome::Limit) },
                None => stopped(session, desk),
            });
        }
        if !desk.is_open(&session.id) {
            // A person removed our directory; say again who is here.
            desk.answer(&session.id)?;
            desk.started(&session.id, agent.identity())?;
        }
        glance();
    }
}

/// Ends whatever a session may have left running, and nothing else.
pub(crate) fn sweep(desk: &Desk, session: &str) {
    if let Some(agent) = desk.agent(session) {
        end_group(&agent);
    }
    end_marked(MARK, session);
}

/// How the end of a session is told.
pub(crate) fn ended(session: &Session, outcome: Outcome) -> Ended {
    let (agent, bead) = (session.agent.clone(), session.bead.clone());
    Ended { agent, bead, outcome, exit: None, limit: None, error: None, asked: None }
}

/// The same of one that a person has ended.
pub(crate) fn stopped(session: &Session, desk: &Desk) -> Ended {
    Ended { asked: desk.asked_to_stop(&session.id), ..ended(session, Outcome::Stopped) }
}

/// The arguments with the prompt in its place: at `{prompt}`, else as the last one.
pub(crate) fn with_prompt(argv: &[String], prompt: &str) -> Vec<String> {
    const HERE: &str = "{prompt}";
    let mut argv = argv.to_vec();
    if argv.iter().any(|word| word == HERE) {
        for word in argv.iter_mut().filter(|word| *word == HERE) {
            prompt.clone_into(word);
        }
    } else {
        argv.push(prompt.to_owned());
    }
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_stands_where_it_is_asked_for() {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(with_prompt(&words(&["a", "-p"]), "x y"), words(&["a", "-p", "x y"]));
        assert_eq!(with_prompt(&words(&["a", "{prompt}", "b"]), "x"), words(&["a", "x", "b"]));
    }

    #[test]
    fn nothing_of_another_repository_or_session_leaks() {
        let given = [
            ("PATH", "/bin"),
            ("GIT_DIR", "/x"),
            ("GIT_INDEX_FILE", "/x"),
            ("GIT_AUTHOR_NAME", "z"),
            ("GIT_CONFIG_GLOBAL", "/home/c"),
            ("GIT_SSH_COMMAND", "ssh"),
            ("SHOPFLOOR_SESSION", "s-1"),
            ("SHOPFLOOR_AGENT", "a"),
            ("CLAUDECODE", "1"),
            ("API_KEY", "k"),
        ];
        let env =
            given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let kept = cleared(&env);
        let kept: Vec<_> = kept.keys().map(String::as_str).collect();
        assert_eq!(kept, ["PATH", "GIT_CONFIG_GLOBAL", "GIT_SSH_COMMAND", "API_KEY"]);
    }
}
