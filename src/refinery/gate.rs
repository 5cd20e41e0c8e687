//! Runs the gates of the target branch on a candidate's exact tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::git::Oid;
use crate::host::process::{End, Program};
use crate::host::{Shelf, share};
use crate::policy::{Gate, Policy};
use crate::refinery::event::Ran;
use crate::refinery::lease::{Lease, file_name};
use crate::refinery::report;
use crate::refinery::verdict::{self, Blame, Verdict};
use crate::refinery::workplace::{self, Workplace};

/// Of a longer output the middle is not kept.
const MOST: u64 = 16 << 20;

/// What is kept of earlier entries of a target.
const ROOM: Shelf = Shelf { entries: 500, bytes: 2 << 30 };

/// What came of all gates on one commit.
pub(super) struct Tests {
    pub gates: Vec<Ran>,
    /// The first gate that did not pass, with what it printed.
    pub failed: Option<Failed>,
}

pub(super) struct Failed {
    pub ran: Ran,
    pub output: String,
    pub kept: PathBuf,
}

impl Failed {
    pub(super) fn blame(&self) -> Blame {
        self.ran.verdict.blame(self.ran.signal)
    }

    /// One sentence about a gate that came to no judgement.
    pub(super) fn trouble(&self) -> String {
        let why = match (self.ran.verdict, self.ran.signal) {
            (Verdict::Signal, Some(signal)) => format!("was ended by signal {signal}"),
            _ => "could not start".to_owned(),
        };
        let said = self.output.lines().map(str::trim).rfind(|line| !line.is_empty());
        let said = said.map(|line| format!(": {line}")).unwrap_or_default();
        format!("the gate {} {why}{said}", self.ran.gate)
    }
}

/// Runs the gates in the order of the file, until one does not pass; the ones after it are noted as
/// not run. `entry` names the folder in which the outputs are kept.
pub(super) fn run_all(
    lease: &Lease<'_>,
    policy: &Policy,
    commit: &Oid,
    entry: &str,
) -> Result<Tests> {
    let mut tests = Tests { gates: Vec::new(), failed: None };
    if policy.gates.is_empty() {
        return Ok(tests);
    }
    let place = Workplace::at(lease, commit)?;
    let folder = lease.outputs(entry)?;
    share::make_dirs(&folder).with_context(|| format!("making {}", folder.display()))?;
    clear(&folder)?;
    for (at, (name, gate)) in policy.gates.iter().enumerate() {
        if tests.failed.is_some() {
            tests.gates.push(not_run(name, gate));
            continue;
        }
        if at > 0 {
            // What the one before has left running would write into what this one is to judge.
            workplace::end_leftovers(lease);
            place.restore()?;
        }
        let kept = folder.join(format!("{}.log", file_name(name)));
        let (ran, said) = run(&place, name, gate, &kept)?;
        if ran.verdict != Verdict::Pass {
            let output = said.unwrap_or_else(|| read(&kept));
            tests.failed = Some(Failed { ran: ran.clone(), output, kept });
        }
        tests.gates.push(ran);
    }
    workplace::end_leftovers(lease);
    Ok(tests)
}

/// Makes room beside the folder that is about to be written to.
fn clear(folder: &Path) -> Result<()> {
    let (Some(shelf), Some(own)) = (folder.parent(), folder.file_name()) else { return Ok(()) };
    let cleared = ROOM.clear(shelf, &|name| own == name);
    cleared.with_context(|| format!("clearing {}", shelf.display()))
}

/// Runs one gate. The text is what we have to say ourselves, where the gate could not.
fn run(
    place: &Workplace<'_>,
    name: &str,
    gate: &Gate,
    kept: &Path,
) -> Result<(Ran, Option<String>)> {
    if let Err(error) = share::write(kept, "") {
        return Err(error).with_context(|| format!("writing {}", kept.display()));
    }
    let words = gate.command.words();
    let (program, args) = words.split_first().map_or(("", &[][..]), |(p, args)| (p.as_str(), args));
    // A program of the tree itself is named by its path in the tree, anything else by PATH.
    let outcome = Program::new(if program.contains('/') {
        place.path().join(program)
    } else {
        program.into()
    })
    .args(args)
    .full_env(place.env(&gate.env)?)
    .dir(place.path())
    .timeout(gate.timeout)
    .most_output(MOST)
    .run_into(kept);
    tracing::debug!(gate = name, end = ?outcome.end, ms = outcome.took.as_millis(), "gate");
    let passed = outcome.end == End::Exit(0);
    let dirty = passed && place.is_dirty()?;
    let said = match &outcome.end {
        End::NotStarted(why) => Some(why.clone()),
        End::Exit(0) if dirty => Some("the gate changed files that git tracks".to_owned()),
        _ => None,
    };
    let exit = match outcome.end {
        End::Exit(code) => Some(code),
        _ => None,
    };
    let ran = Ran {
        gate: name.to_owned(),
        command: gate.command.to_string(),
        verdict: Verdict::of(&outcome.end, dirty),
        exit,
        signal: verdict::signal(&outcome.end),
        ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
    };
    Ok((ran, said))
}

fn not_run(name: &str, gate: &Gate) -> Ran {
    Ran {
        gate: name.to_owned(),
        command: gate.command.to_string(),
        verdict: Verdict::NotRun,
        exit: None,
        signal: None,
        ms: 0,
    }
}

/// The end of an output, as much of it as anybody will read.
fn read(path: &Path) -> String {
    const READ: usize = 4 << 20;
    let bytes = fs::read(path).unwrap_or_default();
    report::plain(bytes.get(bytes.len().saturating_sub(READ)..).unwrap_or_default())
}
