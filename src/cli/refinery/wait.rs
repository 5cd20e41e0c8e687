//! `git refinery wait`: stay until the verdict.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::refinery::record::Record;
use crate::cli::refinery::show::Page;
use crate::cli::refinery::target::Target;
use crate::cli::show::Done;
use crate::refinery::{self, Awake, Entry, Queue, State};
use crate::refusal::Refusal;

/// Wait until an entry has landed or was rejected
///
/// Exit 0: landed. Exit 3: rejected, or held for a person; the output says why. Exit 75: --timeout is
/// over, or nobody can land it. Starts the refinery if none is at work.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git refinery wait 42
  git refinery wait 42 --timeout 600")]
pub(in crate::cli) struct Wait {
    /// The entry, as `42` or `main#42`
    entry: String,
    #[command(flatten)]
    target: Target,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl Wait {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let target = self.target.name(cx)?;
        let limit = self.timeout.map(Duration::from_secs);
        let (entry, beads) = verdict(cx, &self.entry, &target, limit)?;
        let page = Page(Record::of(cx.repo()?, &beads, &entry, None));
        let code = if entry.state == State::Landed { 0 } else { exit::REFUSED };
        Ok(Done::from(page).exit(code))
    }
}

/// Says to whoever waits why nothing moves, each reason once.
pub(in crate::cli) fn tell_stop(cx: &Context, target: &str, said: &mut String) -> Result<()> {
    if let Some(stopped) = refinery::why_stopped(cx.repo()?, target)
        && stopped.why != *said
    {
        cx.note(format!("note: the queue stands: {}", stopped.why));
        *said = stopped.why;
    }
    Ok(())
}

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Stays until the entry is decided, or a person has to do something about it.
fn verdict(
    cx: &Context,
    entry: &str,
    target: &str,
    limit: Option<Duration>,
) -> Result<(Entry, Beads)> {
    let (repo, ledger) = (cx.repo()?, cx.ledger()?);
    let (begun, mut awake, mut told) = (Instant::now(), Awake::default(), false);
    let tip = "refs/shopfloor/ledger".parse()?;
    let (mut seen, mut said, mut ours) = (None, String::new(), true);
    loop {
        let now = repo.read_ref(&tip)?;
        if seen.is_none() || seen != Some(now) {
            let (queue, beads) = ledger.read::<(Queue, Beads)>()?;
            let entry = queue.find(entry, target)?;
            match entry.state {
                State::Landed | State::Rejected | State::Withdrawn => {
                    return Ok((entry.clone(), beads));
                }
                State::Held => return Err(held(entry).into()),
                State::Waiting => seen = Some(now),
            }
            ours = refinery::is_ours(repo, &queue, entry)?;
        }
        tell_stop(cx, target, &mut said)?;
        let left = match ours {
            true => awake.see_to(repo, target)?,
            false => Some("it waits for the clone that has it".to_owned()),
        };
        if let Some(why) = left {
            // Who says how long to wait may have somebody in mind who runs it.
            if limit.is_none() {
                return Err(nobody(&why, entry).into());
            }
            if !told {
                told = true;
                cx.note(format!("note: {why}"));
            }
        }
        if limit.is_some_and(|limit| begun.elapsed() >= limit) {
            let what = format!("{entry} has no verdict after {} s", begun.elapsed().as_secs());
            return Err(Refusal::again(what)
                .hint("it goes on without you; `git refinery status` says where it is")
                .into());
        }
        cx.clock.sleep(LOOK);
    }
}

/// Nothing lands what is waited for, and waiting changes nothing about it.
pub(in crate::cli) fn nobody(why: &str, entry: &str) -> Refusal {
    Refusal::again(format!("{entry} stays queued: {why}"))
}

fn held(entry: &Entry) -> Refusal {
    let name = entry.name();
    let what = entry.held.as_ref().map_or("", |held| held.said.as_str());
    let asks = entry.held.as_ref().is_some_and(|held| held.surface.is_some());
    Refusal::refused(format!("{name} is held: {what}")).hint(if asks {
        format!("a person can read and approve it: `git bead trust --entry {}`", entry.n)
    } else {
        format!("when that is mended: `git refinery retry {}`", entry.n)
    })
}
