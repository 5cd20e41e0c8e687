//! `git bead delete` and `git bead purge`: take beads out of everybody's way.

use anyhow::Result;
use serde::Serialize;

use crate::bead::{Beads, change, purge};
use crate::cli::bead::changed::Changed;
use crate::cli::bead::record::Record;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};

/// Delete a bead: it is in no list any more, and holds nothing up
///
/// The ledger forgets nothing: `git bead show` still tells what it was, and `git bead reopen` brings it
/// back. What has children that are not deleted is not deleted without --force, which leaves them without it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead delete 7f3k --reason 'there is one already'")]
pub(in crate::cli) struct Delete {
    /// The bead, by any start of its id that names one
    id: String,
    /// Why it is not wanted
    #[arg(short, long, default_value = "")]
    reason: String,
    /// Also if it has children, which are a part of nothing then
    #[arg(short, long)]
    force: bool,
}

impl Delete {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        let (was, beads) = ledger.write_and_read(&actor, |beads: &Beads, pen| {
            let bead = beads.find(&self.id)?;
            if !self.force {
                change::leaves_none(beads, &[&bead.id], &|_| false)?;
            }
            pen.line(&bead.id, &change::delete(beads, bead, &actor, &self.reason)?)?;
            Ok(Record::of(beads, bead))
        })?;
        let is = Record::of(&beads, beads.find(&was.id)?);
        Ok(Changed::of("Deleted", &was, &is)?.into())
    }
}

/// Delete all that was meant for a while and is over
///
/// That is what is closed and ephemeral, as another tool or --set ephemeral=true has it, but for what is
/// pinned or has children that stay. All of it goes as one write. The ledger forgets nothing:
/// `git bead reopen` brings one back.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead purge --dry-run
  git bead purge --json")]
pub(in crate::cli) struct Purge {
    /// Say what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Purge {
    pub(super) fn changes(&self) -> bool {
        !self.dry_run
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        if self.dry_run {
            return Ok(Purged::of(&ledger.read()?, true).into());
        }
        let purged = ledger.write(&actor, |beads: &Beads, pen| {
            let purged = Purged::of(beads, false);
            for id in &purged.ids {
                let event = change::delete(beads, beads.find(id)?, &actor, "purged")?;
                pen.line(id, &event)?;
            }
            Ok(purged)
        })?;
        Ok(purged.into())
    }
}

#[derive(Serialize)]
struct Purged {
    purged_count: usize,
    dry_run: bool,
    ids: Vec<String>,
    #[serde(skip)]
    told: Vec<(String, String)>,
}

impl Purged {
    fn of(beads: &Beads, dry_run: bool) -> Self {
        let over = purge::over(beads);
        let told = over
            .iter()
            .map(|row| (beads.short(row.key()).to_owned(), format!("  {}", row.whole().title)));
        let told: Vec<_> = told.collect();
        let ids = over.iter().map(|row| row.key().to_owned()).collect();
        Self { purged_count: told.len(), dry_run, ids, told }
    }
}

impl Show for Purged {
    fn show(&self, out: &mut Screen) {
        let done = if self.dry_run { "Would delete " } else { "Deleted " };
        for (short, title) in &self.told {
            out.parts(&[(Tone::Good, done), (Tone::Id, short), (Tone::Plain, title)]);
        }
        if self.told.is_empty() {
            out.line("nothing that was meant for a while is over");
        }
    }
}
