//! `git bead config`: the settings of this clone that are honoured, which are git's own.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::cli::bead::prefix;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::refusal::Refusal;

/// Read and change the settings of this clone
///
/// They are git's (shopfloor.KEY), and stand for this clone alone: `git config --global` makes one yours
/// everywhere, `git config --unset` takes it back. What all who share the repository are held to (gates,
/// overseers, agents, who may own files together) is no setting: shopfloor.toml on the target branch says it.
///
/// types.custom tells which types beads have here beside the usual ones. Any word is a type, so setting it
/// changes nothing.
///
/// Exit code 1: it is not set.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead config list
  git bead config get hub
  git bead config set sync manual")]
pub(in crate::cli) struct Config {
    /// What to do with it
    act: Act,
    /// Such as hub, or shopfloor.hub
    #[arg(required_if_eq_any = [("act", "get"), ("act", "set")])]
    key: Option<String>,
    /// What it is to be
    #[arg(required_if_eq("act", "set"))]
    value: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Act {
    Get,
    Set,
    List,
}

/// What it is called, what it decides, and the words that it knows where it knows no others.
type Setting = (&'static str, &'static str, &'static [&'static str]);

const SETTINGS: [Setting; 15] = [
    ("agent", "which agent `git sling` takes where none is named", &[]),
    ("autorun", "whether the queue runs by itself", &["true", "false"]),
    ("commitOnTarget", "what a commit made on the target becomes", &["adopt", "refuse", "allow"]),
    ("compactAfter", "how long after its close a bead is compacted", &[]),
    ("gateEnv", "variables of yours that gates see, too", &[]),
    ("hub", "the remote that decides between claims of two clones", &[]),
    ("prefix", "what new ids start with", &[]),
    ("publish", "the remote to which a landing is pushed", &[]),
    ("remoteRef", "what the ledger is called at remotes", &[]),
    ("sign", "whether what is sent is signed before", &["auto", "manual"]),
    ("sync", "whether the ledger goes with push and fetch", &["auto", "manual"]),
    ("target", "the branch on which work lands", &[]),
    ("textLimit", "how long a text may be, such as 16k", &[]),
    ("trail", "what of a session travels with the ledger", &["full", "summary", "local"]),
    ("worktrees", "where the work trees of agents stand", &[]),
];

const TYPES: &str = "types.custom";
const USUAL: [&str; 6] = ["bug", "feature", "task", "epic", "chore", "decision"];

impl Config {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (repo, key) = (cx.repo()?, self.key.unwrap_or_default());
        let full = |name: &str| format!("shopfloor.{name}");
        match (self.act, self.value) {
            (Act::List, _) => {
                let told = SETTINGS.iter().map(|(name, about, _)| {
                    Ok(Told { key: full(name), value: repo.config_get(&full(name))?, about })
                });
                Ok(All(told.collect::<Result<_>>()?).into())
            }
            (Act::Set, Some(value)) if key == TYPES => {
                cx.note("note: any word is a type here: nothing had to be set");
                Ok(One { key, value }.into())
            }
            (_, None) if key == TYPES => Ok(One { key, value: types(cx)? }.into()),
            (act, value) => {
                let (name, about, words) = known(&key)?;
                let key = full(name);
                let value = match value.filter(|_| matches!(act, Act::Set)) {
                    Some(value) => {
                        write(cx, (name, words), &value)?;
                        value
                    }
                    None => repo.config_get(&key)?.ok_or_else(|| {
                        Refusal::nothing(format!("{key} is not set"))
                            .hint(format!("it says {about}"))
                    })?,
                };
                Ok(One { key, value }.into())
            }
        }
    }
}

fn known(key: &str) -> Result<&'static Setting> {
    let name = match key.strip_prefix("shopfloor.").unwrap_or(key) {
        "issue_prefix" | "issue-prefix" => "prefix",
        name => name,
    };
    let found = SETTINGS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        Refusal::usage(format!("there is no setting {key:?}"))
            .hint("git bead config list tells all there are")
            .hint("what all who share the repository are held to is in shopfloor.toml")
            .into()
    })
}

fn write(cx: &Context, (name, words): (&str, &[&str]), value: &str) -> Result<()> {
    if !words.is_empty() && !words.contains(&value) {
        let no = Refusal::usage(format!("shopfloor.{name} cannot be {value:?}"));
        return Err(no.hint(format!("it is {}", words.join(", or "))).into());
    }
    match name {
        "prefix" => prefix::write(cx.repo()?, value),
        _ => cx.repo()?.git(["config", "--local", &format!("shopfloor.{name}"), value]).ok(),
    }
}

/// Those that somebody here has thought of.
fn types(cx: &Context) -> Result<String> {
    let beads: Beads = cx.ledger()?.read()?;
    let types = beads.rows().map(|row| row.look(|face| face.issue_type.to_owned()));
    let own: BTreeSet<_> = types.filter(|it| !USUAL.contains(&it.as_str())).collect();
    Ok(own.into_iter().collect::<Vec<_>>().join(","))
}

#[derive(Serialize)]
struct One {
    key: String,
    value: String,
}

impl Show for One {
    fn show(&self, out: &mut Screen) {
        out.line(&self.value);
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<Told>);

#[derive(Serialize)]
struct Told {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    about: &'static str,
}

impl Show for All {
    fn show(&self, out: &mut Screen) {
        for Told { key, value, about } in &self.0 {
            let value = value.as_ref().map_or_else(String::new, |value| format!(" = {value}"));
            out.parts(&[(Tone::Id, key), (Tone::Plain, &value)]);
            out.parts(&[(Tone::Faint, &format!("    {about}"))]);
        }
    }
}
