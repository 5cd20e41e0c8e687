//! What would be executed: the part of a policy that needs a person's trust, in one canonical form.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::policy::Policy;

/// Every command of a policy with everything that changes what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surface {
    lines: Vec<String>,
}

impl Surface {
    pub(super) fn of(policy: &Policy) -> Self {
        let gates = policy.gates.iter().map(|(name, gate)| {
            format!("gate {name}: {}{}", words(&gate.command.words()), settings(&gate.env))
        });
        let agents = policy.agents.iter().map(|(name, agent)| {
            let program = match &agent.preset {
                Some(preset) if agent.command.is_empty() => format!("preset {preset}"),
                _ => words(&agent.command),
            };
            format!("agent {name}: {program}{}", settings(&agent.env))
        });
        Self { lines: gates.chain(agents).collect() }
    }

    /// Nothing to run is nothing to trust.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// One line a command, as a person should read it before saying yes.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Names exactly this content; any other command, argument or variable has another name.
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

fn settings(env: &indexmap::IndexMap<String, String>) -> String {
    env.iter().map(|(name, value)| format!(" {name}={value:?}")).collect()
}

#[cfg(test)]
mod tests {
    use crate::policy::{Policy, file};

    #[test]
    fn another_command_is_another_surface() {
        let surface = |text: &str| file::parse::<Policy>(text, "t").unwrap().surface();
        let one = surface("[gates.t]\ncommand = ['a', 'b']\n");
        assert_eq!(one, surface("[gates.t]\ncommand = ['a', 'b']\ntimeout = '1m'\n"));
        for other in [
            "[gates.t]\ncommand = ['a b']\n",
            "[gates.t]\ncommand = 'a b'\n",
            "[gates.u]\ncommand = ['a', 'b']\n",
            "[gates.t]\ncommand = ['a', 'b']\nenv = { X = '1' }\n",
        ] {
            assert_ne!(one.hash(), surface(other).hash(), "{other}");
        }
        assert!(surface("overseers = ['jane@example.org']\n").is_empty());
    }
}
