//! `git bead count` and `git bead stats`: how many there are of what.

use anyhow::Result;
use indexmap::IndexMap;
use serde::Serialize;

use crate::bead::Bead;
use crate::bead::find::Asked;
use crate::bead::tally::{self, By, Stats};
use crate::cli::bead::asked::{More, Said, Which};
use crate::cli::bead::design::Design;
use crate::cli::bead::overlap::owners;
use crate::cli::bead::past::AsOf;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::table;
use crate::ledger::Row;

/// Count beads, all or those that are asked for, in groups or together
///
/// Closed ones count, unless --status says otherwise. A bead with several labels counts under each of
/// them, and once in all. Exit code 1: there is none.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead count
  git bead count -s open -t bug
  git bead count --by assignee --created-after 7d --json
  git bead count --by status --as-of 2026-11-01")]
pub(in crate::cli) struct Count {
    /// What to count by
    #[arg(long, value_enum)]
    by: Option<Group>,
    #[command(flatten)]
    spelled: Spelled,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    more: More,
    #[command(flatten)]
    as_of: AsOf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Group {
    Status,
    Priority,
    Type,
    Assignee,
    Label,
}

/// The same as flags, one each.
#[derive(clap::Args)]
#[group(multiple = false, conflicts_with = "by")]
struct Spelled {
    #[arg(long, hide = true)]
    by_status: bool,
    #[arg(long, hide = true)]
    by_priority: bool,
    #[arg(long, hide = true)]
    by_type: bool,
    #[arg(long, hide = true)]
    by_assignee: bool,
    #[arg(long, hide = true)]
    by_label: bool,
}

impl Spelled {
    fn by(&self) -> Option<By> {
        let all = [
            (self.by_status, By::Status),
            (self.by_priority, By::Priority),
            (self.by_type, By::Type),
            (self.by_assignee, By::Assignee),
            (self.by_label, By::Label),
        ];
        all.into_iter().find(|(said, _)| *said).map(|(_, by)| by)
    }
}

impl Count {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, beads) = (cx.ledger()?, self.as_of.beads(cx)?);
        let mut said = Said::new(cx);
        self.which.say(&mut said)?;
        self.more.say(&beads, &mut said)?;
        let by = self.by.map(|by| match by {
            Group::Status => By::Status,
            Group::Priority => By::Priority,
            Group::Type => By::Type,
            Group::Assignee => By::Assignee,
            Group::Label => By::Label,
        });
        let by = by.or_else(|| self.spelled.by());
        let cond = said.done();
        let (total, groups) = tally::count(&Asked::new(&ledger, &cond, true)?, &beads, by)?;
        let code = if total == 0 { exit::NOTHING } else { 0 };
        let done = match by {
            None => Done::from(Counted { count: total }),
            Some(_) => {
                let groups = groups.into_iter().map(|(group, count)| Part { group, count });
                Done::from(Grouped { total, groups: groups.collect() })
            }
        };
        Ok(done.exit(code))
    }
}

#[derive(Serialize)]
struct Counted {
    count: usize,
}

impl Show for Counted {
    fn show(&self, out: &mut Screen) {
        out.line(self.count.to_string());
    }
}

#[derive(Serialize)]
struct Grouped {
    total: usize,
    groups: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    group: String,
    count: usize,
}

impl Show for Grouped {
    fn show(&self, out: &mut Screen) {
        let width = self.total.to_string().len();
        let row = |count: usize, group: &str| {
            vec![(Tone::Strong, format!("{count:>width$}")), (Tone::Plain, group.to_owned())]
        };
        let rows = self.groups.iter().map(|part| row(part.count, &part.group));
        table::rows(out, &rows.chain([row(self.total, "in all")]).collect::<Vec<_>>());
    }
}

/// Say how the whole stands: what is open, ready, blocked, held and done
///
/// --design says what `git bead lint` finds in all beads that were written down here, as they read now: how
/// many of a day's beads are fit to be done, how many landed without a rejection by the number of findings,
/// and for how many hours there is work at the rate of the last 7 days.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead stats
  git bead stats --as-of 7d --json
  git bead stats --design               is work well written down?")]
pub(in crate::cli) struct ShowStats {
    #[command(flatten)]
    as_of: AsOf,
    /// Also how well work is written down, and for how long there is some
    #[arg(long, conflicts_with = "as_of")]
    design: bool,
}

impl ShowStats {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let beads = self.as_of.beads(cx)?;
        let is_held = |row: &Row<'_, Bead>| row.look(|face| face.is_claimed);
        let held: Vec<_> = match self.as_of.is_now() {
            true => beads.live().filter(is_held).collect(),
            false => Vec::new(),
        };
        let owners = owners(cx, &beads, &held)?;
        let stats = tally::stats(&beads, &cx.clock.now().to_string(), owners.as_ref())?;
        let design = self.design.then(|| Design::read(cx)).transpose()?;
        Ok(Told { summary: Summary::of(&stats), design, stats }.into())
    }
}

#[derive(Serialize)]
struct Told {
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    design: Option<Design>,
    #[serde(skip)]
    stats: Stats,
}

#[derive(Serialize)]
struct Summary {
    total_issues: usize,
    open_issues: usize,
    in_progress_issues: usize,
    closed_issues: usize,
    ready_issues: usize,
    blocked_issues: usize,
    deferred_issues: usize,
    pinned_issues: usize,
    held_issues: usize,
    epics_eligible_for_closure: usize,
    by_status: IndexMap<String, usize>,
}

impl Summary {
    fn of(stats: &Stats) -> Self {
        let of = |status: &str| stats.by_status.get(status).copied().unwrap_or_default();
        Self {
            total_issues: stats.total,
            open_issues: of("open"),
            in_progress_issues: of("in_progress"),
            closed_issues: of("closed"),
            ready_issues: stats.ready,
            blocked_issues: stats.blocked,
            deferred_issues: stats.deferred,
            pinned_issues: of("pinned"),
            held_issues: stats.held,
            epics_eligible_for_closure: stats.done_epics,
            by_status: stats.by_status.clone(),
        }
    }
}

impl Show for Told {
    fn show(&self, out: &mut Screen) {
        let Self { stats, design, .. } = self;
        let own = [
            ("in all", stats.total),
            ("ready", stats.ready),
            ("held", stats.held),
            ("waiting for others", stats.blocked),
            ("put off", stats.deferred),
            ("epics to close", stats.done_epics),
        ];
        let by_status = stats.by_status.iter().map(|(status, count)| (status.as_str(), *count));
        let width = stats.total.to_string().len();
        let (first, rest) = own.split_at(1);
        let rows = first.iter().copied().chain(by_status).chain(rest.iter().copied());
        let rows = rows.map(|(what, count)| {
            vec![(Tone::Strong, format!("{count:>width$}")), (Tone::Plain, what.to_owned())]
        });
        table::rows(out, &rows.collect::<Vec<_>>());
        if let Some(design) = design {
            design.show(out);
        }
    }
}
