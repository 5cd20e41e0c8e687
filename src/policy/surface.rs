//! What would be executed, for how long at most, and who answers for it: the part of a policy that
//! needs a person's trust, in one canonical form.

use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::policy::{AgentSpec, Policy, Prompt};

/// Every command of a policy with everything that changes what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surface {
    lines: Vec<String>,
    runs: bool,
}

impl Surface {
    pub(super) fn of(policy: &Policy) -> Self {
        let gates = policy.gates.iter().map(|(name, gate)| {
            let (command, limit) = (words(&gate.command.words()), within(Some(gate.timeout)));
            format!("gate {name:?}: {command}{}{limit}{}", settings(&gate.env), on(&gate.inputs))
        });
        let agents = policy.agents.iter().map(|(name, agent)| {
            let program = match &agent.preset {
                Some(preset) if agent.command.is_empty() => format!("preset {preset:?}"),
                _ => words(&agent.command),
            };
            let (told, env, limit) = (told(agent), settings(&agent.env), within(agent.timeout));
            format!("agent {name:?}: {program}{told}{env}{limit}")
        });
        let overseers = policy.overseers.iter().map(|email| format!("overseer {email:?}"));
        let runs = !policy.gates.is_empty() || !policy.agents.is_empty();
        Self { lines: gates.chain(agents).chain(overseers).collect(), runs }
    }

    /// Nothing to run is nothing to trust.
    pub fn is_empty(&self) -> bool {
        !self.runs
    }

    /// One line a command or overseer, as a person should read it before saying yes.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Names exactly this content; any other command, limit or overseer has another name.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for line in &self.lines {
            hash.update(line.as_bytes());
            hash.update([0]);
        }
        HEXLOWER.encode(&hash.finalize())
    }
}

/// Words so that different argument lists never read alike.
fn words(words: &[String]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    quoted.join(" ")
}

/// A default is a limit like any other, so it need not be told from one that was written down.
fn within(limit: Option<Duration>) -> String {
    limit.map(|limit| format!(", within {} s", limit.as_secs_f64())).unwrap_or_default()
}

fn settings(env: &indexmap::IndexMap<String, String>) -> String {
    env.iter().map(|(name, value)| format!(" {name:?}={value:?}")).collect()
}

fn on(inputs: &[String]) -> String {
    if inputs.is_empty() { String::new() } else { format!(", on {}", words(inputs)) }
}

/// What an agent program is told besides its work, and what its commits say of it.
fn told(agent: &AgentSpec) -> String {
    let prompt = match agent.prompt {
        Prompt::Arg => "",
        Prompt::Stdin => ", prompt on stdin",
        Prompt::File => ", prompt in a file",
    };
    let said = [("tool", &agent.tool), ("model", &agent.model)];
    let said = said.into_iter().filter_map(|(word, value)| Some((word, value.as_ref()?)));
    said.map(|(word, value)| format!(", {word} {value:?}")).collect::<String>() + prompt
}

#[cfg(test)]
mod tests {
    use crate::policy::{Policy, file};

    #[test]
    fn another_command_is_another_surface() {
        let surface = |text: &str| file::parse::<Policy>(text, "t").unwrap().surface();
        let one = surface("[gates.t]\ncommand = ['a', 'b']\n");
        assert_eq!(one, surface("[gates.t]\ncommand = ['a', 'b']\ntimeout = '15m'\n"));
        for other in [
            "[gates.t]\ncommand = ['a b']\n",
            "[gates.t]\ncommand = 'a b'\n",
            "[gates.u]\ncommand = ['a', 'b']\n",
            "[gates.t]\ncommand = ['a', 'b']\nenv = { X = '1' }\n",
            "[gates.t]\ncommand = ['a', 'b']\ntimeout = '1s'\n",
            "[gates.t]\ncommand = ['a', 'b']\ninputs = ['c']\n",
            "overseers = ['jane@example.org']\n[gates.t]\ncommand = ['a', 'b']\n",
        ] {
            assert_ne!(one.hash(), surface(other).hash(), "{other}");
        }
        assert!(surface("overseers = ['jane@example.org']\n").is_empty());
        let agent = |more: &str| surface(&format!("[agents.a]\ncommand = ['a']\n{more}\n"));
        for other in ["model = 'm'", "tool = 't'", "prompt = 'stdin'", "prompt = 'file'"] {
            assert_ne!(agent(""), agent(other), "{other}");
        }
    }

    #[test]
    fn no_name_forges_a_line_of_what_is_read_before_a_yes() {
        let evil = "[gates.\"t: true\\ngate u\"]\ncommand = 'a'\nenv = { \"X\\nY\" = '1' }\n\
                    [agents.\"a\\nb\"]\npreset = \"c\\nd\"\n";
        let surface = file::parse::<Policy>(evil, "t").unwrap().surface();
        assert_eq!(
            surface.lines(),
            [
                r#"gate "t: true\ngate u": "sh" "-c" "a" "X\nY"="1", within 900 s"#,
                r#"agent "a\nb": preset "c\nd""#
            ]
        );
    }
}
