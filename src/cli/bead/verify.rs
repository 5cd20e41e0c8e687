//! `git bead verify`: nothing was lost, changed, or written past the rules.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::bead::audit::Audit;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::table;
use crate::git::Oid;
use crate::ledger::{Checkpoint, Finding, Ledger, Line, Verified};
use crate::refusal::Refusal;

/// Read the whole ledger and check every line of it
///
/// Each line is what its id says, in its place, and after what it names; nothing that was seen of
/// a remote is missing; nobody closed what another held. What is damaged or lost is an error,
/// what was written past the rules is listed, and then the exit code is 3.
///
/// --range is for the hub: as hooks/pre-receive there does, it decides whether a push may replace
/// one state of the ledger by another. What is wrong in OLD already does not count there.
///
/// --sign writes a checkpoint: the lines and the trail of this clone up to now, signed with your SSH
/// key as git would sign a commit (gpg.format ssh, user.signingKey). It holds for this repository, ref
/// and clone alone. Every later verify checks all checkpoints, and against gpg.ssh.allowedSignersFile
/// whose they are; one that does not hold is listed. One by a key that is not in that file counts for
/// nothing and is noted; nothing is signed with such a key.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead verify
  git bead verify --sign                  and sign what this clone has written
  git bead verify --range \"$old..$new\"    in the pre-receive hook of a hub")]
pub(in crate::cli) struct Verify {
    /// Whether NEW may take the place of OLD; no lines may be lost
    #[arg(long, value_name = "OLD..NEW")]
    range: Option<String>,
    /// Sign what this clone has written, if all is sound
    #[arg(long, conflicts_with = "range")]
    sign: bool,
}

impl Verify {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let mut audit = Audit::default();
        let each = &mut |line: &Line| audit.drink(line);
        let (old, verified) = match &self.range {
            None => (None, ledger.verify(each)?),
            Some(range) => {
                let (old, new) = ends(range)?;
                (old, ledger.verify_range((old.as_ref(), new.as_ref()), each)?)
            }
        };
        let mut report = Report::of(verified, audit);
        if let Some(old) = old {
            report.findings = ledger.new_since(&old, report.findings)?;
        }
        if !report.findings.is_empty() {
            return Ok(Done::from(report).exit(exit::REFUSED));
        }
        if self.sign {
            report.signed = sign(cx, &ledger)?;
        }
        Ok(report.into())
    }
}

/// How many lines were signed; none where nothing came after what was signed last.
fn sign(cx: &Context, ledger: &Ledger<'_>) -> Result<Option<u64>> {
    let Some(attested) = ledger.attest()? else {
        cx.remark("nothing came after what is signed");
        return Ok(None);
    };
    ledger.write(&cx.actor()?, |_: &Beads, pen| attested.write(pen))?;
    Ok(Some(attested.lines))
}

/// Both ends of a range as a hook gets them: whole names, zeros for nothing.
fn ends(range: &str) -> Result<(Option<Oid>, Option<Oid>)> {
    let wrong = || {
        Refusal::usage(format!("{range:?} is no range of whole object names"))
            .hint("--range \"$(git rev-parse OLD)..$(git rev-parse NEW)\"; zeros stand for nothing")
    };
    let (old, new) = range.split_once("..").ok_or_else(wrong)?;
    let end = |text: &str| text.parse::<Oid>().map_err(|_| wrong());
    let real = |id: Oid| Some(id).filter(|id| !id.is_null());
    Ok((real(end(old)?), real(end(new)?)))
}

#[derive(Serialize)]
struct Report {
    lines: usize,
    /// Those of the trail.
    trail: usize,
    replicas: usize,
    findings: Vec<Finding>,
    checkpoints: Vec<Checkpoint>,
    /// Checkpoints by keys that nobody here allows.
    idle: Vec<Finding>,
    /// How many lines were signed now.
    signed: Option<u64>,
}

impl Report {
    fn of(verified: Verified, audit: Audit) -> Self {
        let Verified { lines, replicas, trail, mut findings, checkpoints, idle } = verified;
        findings.extend(audit.findings);
        Self { lines, trail, replicas, findings, checkpoints, idle, signed: None }
    }
}

impl Show for Report {
    fn show(&self, out: &mut Screen) {
        let Self { lines, trail, replicas, findings, checkpoints, idle, signed } = self;
        let rows: Vec<_> = findings
            .iter()
            .map(|it| {
                vec![
                    (Tone::Faint, it.line.clone()),
                    (Tone::Id, it.on.clone()),
                    (Tone::Plain, it.by.clone()),
                    (Tone::Bad, it.what.clone()),
                ]
            })
            .collect();
        table::rows(out, &rows);
        let clones = if *replicas == 1 { "1 clone" } else { &format!("{replicas} clones") };
        let told = match findings.len() {
            0 => (Tone::Good, "all sound".to_owned()),
            count => (Tone::Bad, format!("{count} written past the rules")),
        };
        let trail = match trail {
            0 => String::new(),
            trail => format!(" and {trail} of the trail"),
        };
        let all = format!("{lines} lines{trail} of {clones}: ");
        out.parts(&[(Tone::Plain, &all), (told.0, &told.1)]);
        for newest in furthest(checkpoints) {
            let Checkpoint { lines, replica, trail, signer, key, .. } = newest;
            let trail = trail.map(|trail| format!(" and {trail} of its trail")).unwrap_or_default();
            let all = format!("{lines} of clone {replica}{trail} are signed");
            out.line(match signer {
                Some(who) => format!("{all} by {who}, {key}"),
                None => format!(
                    "{all} with {key}; \
                     git config gpg.ssh.allowedSignersFile would say by whom"
                ),
            });
        }
        let told: BTreeSet<_> = idle.iter().map(|it| (&it.on, &it.what)).collect();
        for (clone, why) in told {
            out.line(format!("note: a checkpoint of clone {clone} counts for nothing here: {why}"));
        }
        if let Some(lines) = signed {
            out.line(format!("{lines} of this clone are signed now"));
        }
    }
}

/// The checkpoint of each clone that covers the most lines.
fn furthest(all: &[Checkpoint]) -> Vec<&Checkpoint> {
    let is_last = |one: &&Checkpoint| {
        let others = all.iter().filter(|other| other.replica == one.replica);
        others.map(|other| (other.lines, &other.line)).max() == Some((one.lines, &one.line))
    };
    all.iter().filter(is_last).collect()
}
