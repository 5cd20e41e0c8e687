//! `git refinery wait`: stay until the verdict.

use std::time::Duration;

use anyhow::Result;

use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::refinery::Target;
use crate::cli::refinery::record::Record;
use crate::cli::refinery::show::Page;
use crate::cli::show::Done;
use crate::git::RefName;
use crate::policy::{self, trust};
use crate::refinery::{self, Autorun, Entry, Queue, State};
use crate::refusal::Refusal;

/// Wait until an entry has landed or was rejected
///
/// Exit 0: landed. Exit 3: rejected; the output says why. Exit 75: held for a person, or --timeout
/// is over. Starts the refinery if none is at work.
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

/// The pause between two looks, and how many starts of a refinery may come to nothing.
const LOOK: Duration = Duration::from_millis(50);
const STARTS: usize = 3;

/// Stays until the entry is landed, rejected or withdrawn.
pub(in crate::cli) fn verdict(
    cx: &Context,
    entry: &str,
    target: &str,
    limit: Option<Duration>,
) -> Result<(Entry, Beads)> {
    let (repo, ledger) = (cx.repo()?, cx.ledger()?);
    let mut waited = Duration::ZERO;
    let mut starts = Starts { left: STARTS, at: Duration::ZERO, told: false };
    let tip = "refs/shopfloor/ledger".parse()?;
    let mut seen = None;
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
        }
        starts.ensure(cx, target, waited)?;
        if limit.is_some_and(|limit| waited >= limit) {
            let what = format!("{entry} has no verdict after {} s", waited.as_secs());
            return Err(Refusal::again(what).into());
        }
        cx.clock.sleep(LOOK);
        waited += LOOK;
    }
}

fn held(entry: &Entry) -> Refusal {
    let name = entry.name();
    let what = entry.held.as_ref().map_or("", |held| held.said.as_str());
    let asks = entry.held.as_ref().is_some_and(|held| held.surface.is_some());
    Refusal::again(format!("{name} is held: {what}")).hint(if asks {
        format!("a person can read and approve it: `git bead trust --entry {}`", entry.n)
    } else {
        format!("when that is mended: `git refinery retry {}`", entry.n)
    })
}

/// Keeps a refinery running for whoever waits, without starting one after another in vain.
struct Starts {
    left: usize,
    at: Duration,
    told: bool,
}

impl Starts {
    fn ensure(&mut self, cx: &Context, target: &str, waited: Duration) -> Result<()> {
        let repo = cx.repo()?;
        if waited < self.at || refinery::at_work(repo, target).is_some() {
            return Ok(());
        }
        if let Some(tip) = repo.read_ref(&RefName::branch(target)?)? {
            trust::demand(&cx.env, repo, &policy::read(repo, &tip)?.surface())?;
        }
        if self.left == 0 {
            let log = repo.own_dir()?.join(format!("refinery-{target}.log"));
            return Err(Refusal::again(format!("the refinery does not get to work on {target}"))
                .hint("`git refinery run --drain` shows why")
                .hint(format!("its last words are in {}", log.display()))
                .into());
        }
        match refinery::autorun(repo, target)? {
            Autorun::Started => self.left -= 1,
            Autorun::Running => {}
            Autorun::Left(why) if !self.told => {
                self.told = true;
                cx.note(format!("note: {why}"));
            }
            Autorun::Left(_) => {}
        }
        self.at = waited + Duration::from_secs(1);
        Ok(())
    }
}
