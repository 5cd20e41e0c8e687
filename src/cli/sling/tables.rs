//! Which agents there are to choose from: the person's own, then the repository's, once trusted.

use anyhow::Result;
use indexmap::IndexMap;

use crate::agent::{Name, preset};
use crate::cli::context::Context;
use crate::git::Oid;
use crate::policy::{self, AgentSpec, Overlapping, trust};
use crate::refusal::Refusal;

pub(super) struct Tables {
    all: IndexMap<String, AgentSpec>,
    usual: Option<String>,
    pub(super) overlapping: Overlapping,
}

impl Tables {
    /// Reads both files. Refuses as long as what the repository's would run is not trusted.
    pub(super) fn read(cx: &Context, tip: &Oid) -> Result<Self> {
        let repo = cx.repo()?;
        let shared = policy::read(repo, tip)?;
        let person = policy::person(&cx.env)?;
        trust::demand(&cx.env, repo, &shared.surface())?;
        let (mut all, overlapping) = (shared.agents, shared.beads.overlapping);
        // The person decides what runs under a name on this machine.
        all.extend(person.agents);
        Ok(Self { all, usual: repo.config_get("shopfloor.agent")?, overlapping })
    }

    /// The table that describes this agent.
    pub(super) fn of(&self, agent: &Name, cx: &Context) -> Result<(&str, &AgentSpec)> {
        let table = agent.table(|name| self.all.contains_key(name));
        let found = table.and_then(|table| self.all.get_key_value(table));
        found.map(|(name, spec)| (name.as_str(), spec)).ok_or_else(|| {
            let no = Refusal::refused(format!("no agent is called {agent}"));
            if self.all.is_empty() { first_steps(no, cx) } else { no.hint(self.known()) }.into()
        })
    }

    /// Who works when nobody is named: `shopfloor.agent`, else the only one there is.
    pub(super) fn usual(&self, cx: &Context) -> Result<Name> {
        let name = match (&self.usual, self.all.len()) {
            (Some(name), _) => Some(name.as_str()),
            (None, 1) => self.all.keys().next().map(String::as_str),
            (None, _) => None,
        };
        match name {
            Some(name) => Ok(name.parse::<Name>()?),
            None if self.all.is_empty() => {
                Err(first_steps(Refusal::refused("there is no agent yet"), cx).into())
            }
            None => Err(Refusal::refused("there is more than one agent; name one")
                .hint(self.known())
                .hint("`git config shopfloor.agent NAME` makes one the usual one")
                .into()),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        name.parse::<Name>()
            .is_ok_and(|name| name.table(|name| self.all.contains_key(name)).is_some())
    }

    fn known(&self) -> String {
        let names: Vec<_> = self.all.keys().map(String::as_str).collect();
        format!("there are {}", names.join(", "))
    }
}

fn first_steps(no: Refusal, cx: &Context) -> Refusal {
    let file = policy::person_file(&cx.env).map(|path| path.display().to_string());
    let file = file.unwrap_or_else(|| "shopfloor/config.toml".to_owned());
    let preset = preset::installed(&cx.env).first().copied().unwrap_or("claude");
    no.hint(format!("write an agent into {file}:"))
        .hint("  [agents.toast]")
        .hint(format!("  preset = \"{preset}\"    # or: command = [\"/path/to/my-agent\"]"))
}
