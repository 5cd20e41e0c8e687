//! Who acts in a work tree: an agent that was slung, an agent program that a person started, or the
//! person. Asked by every command and every git hook, and answered here alone.

use anyhow::Result;

use crate::agent::program;
use crate::git::Repo;
use crate::host::Environment;
use crate::ledger::{self, Actor};
use crate::refusal::Refusal;

/// How much may be said of who acts: more than any name has, and little in a line.
const LONGEST: usize = 256;

/// Who acts, as the trailers say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub agent: String,
    pub bead: Option<String>,
    pub assisted_by: Option<String>,
    pub session: Option<String>,
    /// Of the claim it works under.
    pub epoch: Option<u64>,
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
        let tree = config("shopfloor.identity")?;
        let Some(agent) = env.get("SHOPFLOOR_AGENT").map(str::to_owned).or(tree.clone()) else {
            return Ok(program.map(|program| Self {
                assisted_by: Some(format!("{}:unknown", program.name)),
                agent: program.name,
                session: program.session,
                bead: None,
                epoch: None,
                ad_hoc: true,
            }));
        };
        // What a work tree says of its own agent says nothing of another that stands in it.
        let own = tree.as_ref() == Some(&agent);
        let said = |variable: &str, key: &str| match env.get(variable) {
            None if own => config(key),
            value => Ok(value.map(str::to_owned)),
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
        let epoch = said("SHOPFLOOR_EPOCH", "shopfloor.epoch")?.map(|said| number(&said));
        Ok(Some(Self {
            epoch: epoch.transpose()?,
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

/// The actor of the ledger's lines: the agent that shows, else the person whose git this is.
pub fn actor(repo: &Repo, mark: Option<&Mark>) -> Result<Actor> {
    let said = |key| anyhow::Ok(repo.config_get(key)?.filter(|said| names_somebody(said)));
    let (name, owner) = (said("user.name")?, said("user.email")?);
    let (Some(by), Some(owner)) = (mark.map(|mark| mark.agent.clone()).or(name), owner) else {
        return Err(Refusal::fatal("git does not know who you are")
            .hint("git config --global user.name 'Your Name'")
            .hint("git config --global user.email you@example.org")
            .into());
    };
    if by.contains(char::is_control) {
        let what = format!("{by:?} is no name: it has control characters");
        return Err(Refusal::usage(what).hint("git config --global user.name 'Your Name'").into());
    }
    let session = mark.and_then(|mark| mark.session.clone());
    let model = repo.env().get("SHOPFLOOR_MODEL").map(str::to_owned);
    for (key, said) in [
        (if mark.is_some() { "SHOPFLOOR_AGENT" } else { "user.name" }, Some(&by)),
        ("user.email", Some(&owner)),
        ("SHOPFLOOR_SESSION", session.as_ref()),
        ("SHOPFLOOR_MODEL", model.as_ref()),
    ] {
        short(key, said.map_or(0, String::len))?;
    }
    Ok(Actor {
        by,
        owner,
        session,
        model,
        agent: mark.is_some(),
        epoch: mark.and_then(|mark| mark.epoch),
        replicas: ledger::replica_names(repo),
    })
}

/// Every line of theirs carries it.
fn short(key: &str, length: usize) -> Result<()> {
    if length <= LONGEST {
        return Ok(());
    }
    Err(Refusal::usage(format!("{key} is too long: {length} bytes, and {LONGEST} are allowed"))
        .hint("every line of the ledger says who wrote it; a short name will do")
        .into())
}

/// Git cuts these off both ends of a name, and takes what is empty then for none.
fn names_somebody(said: &str) -> bool {
    let crud = |c: char| c.is_whitespace() || c.is_control() || ".,:;<>\"\\'".contains(c);
    !said.trim_matches(crud).is_empty()
}

fn number(epoch: &str) -> Result<u64> {
    epoch.parse().map_err(|_| {
        Refusal::usage(format!("{epoch:?} is no epoch: a number"))
            .hint("`git bead show ID` says under which epoch a bead is held")
            .into()
    })
}

/// One word, as the format of `Assisted-by` wants it.
fn word(text: &str) -> String {
    let joined: Vec<&str> = text.split_whitespace().collect();
    if joined.is_empty() { "unknown".to_owned() } else { joined.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(env: &[(&str, &str)], config: &[(&str, &str)]) -> Option<Mark> {
        read(env, config).unwrap()
    }

    fn read(env: &[(&str, &str)], config: &[(&str, &str)]) -> Result<Option<Mark>> {
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let look = |key: &str| {
            Ok(config.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()))
        };
        Mark::read(&env, look)
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
                ("Assisted-by", "claude-code:unknown".to_owned()),
                ("Agent-Session", "s1".to_owned())
            ]
        );
        let quiet = mark(&[], &config).unwrap();
        assert_eq!((quiet.agent.as_str(), quiet.bead.as_deref()), ("old", Some("api-0")));
        assert_eq!(quiet.assisted_by.as_deref(), Some("old:opus-4"));
    }

    #[test]
    fn an_epoch_is_the_sessions_or_the_work_trees_and_a_number() {
        let tree = [("shopfloor.identity", "toast"), ("shopfloor.epoch", "3")];
        let (toast, bread) = (("SHOPFLOOR_AGENT", "toast"), ("SHOPFLOOR_AGENT", "bread"));
        let epoch = |env: &[(&str, &str)]| mark(env, &tree).unwrap().epoch;
        assert_eq!(epoch(&[]), Some(3));
        assert_eq!(epoch(&[toast]), Some(3), "a shell that lost half of what sling set");
        assert_eq!(epoch(&[toast, ("SHOPFLOOR_EPOCH", "4")]), Some(4));
        assert_eq!(epoch(&[bread]), None, "the tree is another's");
        for bad in ["x", "-1", "3.0"] {
            assert!(read(&[toast, ("SHOPFLOOR_EPOCH", bad)], &tree).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_more_than_git_cuts_off() {
        for (said, somebody) in
            [("Jane", true), ("J.", true), ("", false), (" \t", false), ("\"<>'", false)]
        {
            assert_eq!(names_somebody(said), somebody, "{said:?}");
        }
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
