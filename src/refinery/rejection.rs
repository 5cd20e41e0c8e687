//! A no that can be worked with: which gate, what it expected, where, and how to see it again.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::git::Oid;
use crate::refinery::report::Failure;
use crate::refinery::verdict::Verdict;

/// Why an entry did not land, as kept in the ledger, shown to people, and handed to the next
/// session on its bead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    pub cause: Cause,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bead: Option<String>,
    pub submitted: Oid,
    /// The target's tip it was tried on.
    pub base: Oid,
    /// One sentence.
    pub error: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Clash>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
    /// Commands that show the same thing again, or the way out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeat: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    Gate,
    Conflict,
    /// A commit does not name its author of record.
    Attribution,
    /// The claim it was submitted under no longer stands.
    Stale,
    /// `shopfloor.toml` of the change cannot be read.
    Policy,
    /// The candidate is not what a landing may be.
    Oracle,
    Person,
}

/// The gate that said no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    pub name: String,
    pub command: String,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Where the whole output is kept on the machine that ran it, under `.git`.
    pub output: String,
}

/// One path that both sides changed, with both sides named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clash {
    pub path: String,
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landed: Option<Side>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Side>,
}

/// The commit by which one side changed the path, and who answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    pub commit: Oid,
    pub subject: String,
    pub author: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bead: Option<String>,
}

impl Side {
    fn text(&self) -> String {
        let bead = self.bead.as_ref().map(|bead| format!(", {bead}")).unwrap_or_default();
        format!("{} \"{}\" ({}{bead})", self.commit.short(), self.subject, self.author)
    }
}

impl Rejection {
    /// The whole of it as a person or an agent reads it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).unwrap_or_default();
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "rejected: {}", self.error)?;
        if let Some(gate) = &self.gate {
            let exit = match (gate.exit, gate.signal) {
                (_, Some(signal)) => format!(", signal {signal}"),
                (Some(exit), None) => format!(", exit {exit}"),
                (None, None) => String::new(),
            };
            writeln!(out, "  gate      {} ({}{exit})", gate.name, gate.verdict)?;
            writeln!(out, "  command   {}", gate.command)?;
        }
        if let Some(bead) = &self.bead {
            writeln!(out, "  bead      {bead}")?;
        }
        if let Some(agent) = &self.agent {
            writeln!(out, "  agent     {agent}")?;
        }
        writeln!(out, "  commit    {} on {}", self.submitted.short(), self.base.short())?;
        for failure in &self.failures {
            failure_text(failure, out)?;
        }
        for clash in &self.conflicts {
            writeln!(out, "  {} ({})", clash.path, clash.what)?;
            if let Some(side) = &clash.landed {
                writeln!(out, "    landed     {}", side.text())?;
            }
            if let Some(side) = &clash.submitted {
                writeln!(out, "    submitted  {}", side.text())?;
            }
        }
        if !self.tail.is_empty() {
            writeln!(out, "  output ends")?;
            self.tail.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
        }
        if let Some((first, more)) = self.repeat.split_first() {
            writeln!(out, "  again     {first}")?;
            more.iter().try_for_each(|line| writeln!(out, "            {line}"))?;
        }
        Ok(())
    }
}

fn failure_text(failure: &Failure, out: &mut String) -> std::fmt::Result {
    let place = match (&failure.file, failure.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        _ => String::new(),
    };
    let test = failure.test.as_ref().map(|test| format!(" [{test}]")).unwrap_or_default();
    writeln!(out, "  {place}{}{test}", failure.message)?;
    if let Some(expected) = &failure.expected {
        writeln!(out, "    expected  {expected}")?;
    }
    if let Some(received) = &failure.received {
        writeln!(out, "    received  {received}")?;
    }
    Ok(())
}
