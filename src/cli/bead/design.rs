//! `git bead stats --design`: is work written down well enough, and fast enough for those who do it?

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use serde::Serialize;

use crate::bead::lint::lint;
use crate::bead::{Bead, Beads};
use crate::cli::bead::lint::{Floor, whole};
use crate::cli::context::Context;
use crate::cli::show::{Screen, Tone};
use crate::cli::table;
use crate::host::Stamp;
use crate::refinery::{Queue, State};

const DAY: f64 = 86_400.0;
/// The present rate is that of so many days.
const PRESENT: f64 = 7.0 * DAY;
/// So many findings and more are one group.
const MANY: usize = 3;

/// What came from another tool counts nowhere here.
#[derive(Clone, Default, Serialize)]
pub(super) struct Design {
    /// Each day on which any were written down, the newest first.
    days: Vec<Day>,
    created_per_day: f64,
    passing_per_day: f64,
    by_findings: Vec<Group>,
    backlog: Backlog,
}

#[derive(Clone, Serialize)]
struct Day {
    day: String,
    created: usize,
    passing: usize,
}

/// Beads with so many findings, or more.
#[derive(Clone, Default, Serialize)]
struct Group {
    findings: usize,
    landed: usize,
    /// Without a rejection before.
    first_time: usize,
    share: Option<f64>,
}

#[derive(Clone, Default, Serialize)]
struct Backlog {
    open: usize,
    landed_lately: usize,
    /// None where nothing landed lately.
    hours: Option<f64>,
}

impl Design {
    pub(super) fn read(cx: &Context) -> Result<Self> {
        let (beads, queue) = cx.ledger()?.read::<(Beads, Queue)>()?;
        let floor = Floor::new(cx, &beads)?;
        let shared = floor.shared(None);
        let ground = floor.ground(&shared);
        let rejected = queue.entries().filter(|entry| entry.state == State::Rejected);
        let rejected: HashSet<_> = rejected.filter_map(|entry| entry.bead.as_deref()).collect();
        let now = cx.clock.now();
        let mut counted = Counted::default();
        for bead in beads.rows().map(|row| row.whole()).filter(|bead| is_ours(bead)) {
            let findings = lint(&ground, &whole(cx, bead)?).len();
            counted.hear(bead, findings, !rejected.contains(bead.id.as_str()), &now);
        }
        Ok(counted.told())
    }

    pub(super) fn show(&self, out: &mut Screen) {
        let number = |number: f64| format!("{number:.1}");
        let backlog = match self.backlog.hours {
            Some(hours) => format!(
                "{} open, {} hours at the rate of the last 7 days",
                self.backlog.open,
                number(hours)
            ),
            None => format!(
                "{} open, for how long is unknown: nothing landed in the last 7 days",
                self.backlog.open
            ),
        };
        let mut rows = vec![
            ("written a day", number(self.created_per_day)),
            ("of them fit to be done without asking", number(self.passing_per_day)),
            ("backlog", backlog),
        ];
        let groups: Vec<_> = self.by_findings.iter().map(Group::said).collect();
        rows.extend(groups.iter().map(|(what, said)| (what.as_str(), said.clone())));
        out.line("");
        out.parts(&[(Tone::Strong, "Design")]);
        let rows = rows.into_iter();
        let rows =
            rows.map(|(what, said)| vec![(Tone::Faint, format!("  {what}")), (Tone::Plain, said)]);
        table::rows(out, &rows.collect::<Vec<_>>());
    }
}

impl Group {
    fn said(&self) -> (String, String) {
        let more = if self.findings == MANY { " or more" } else { "" };
        let said = match self.share {
            Some(share) => {
                format!("{} of {} ({:.0} %)", self.first_time, self.landed, share * 100.0)
            }
            None => "none landed".to_owned(),
        };
        (format!("landed first time with {}{more} findings", self.findings), said)
    }
}

/// Work that was written down here.
fn is_ours(bead: &Bead) -> bool {
    let made_here = bead.source.as_ref().is_none_or(|source| source.ours);
    made_here && !["epic", "decision"].contains(&bead.issue_type.as_str())
}

fn ago(time: &str, now: &Stamp) -> Option<f64> {
    let time: Stamp = time.parse().ok()?;
    Some(now.since(&time).as_secs_f64())
}

#[derive(Default)]
struct Counted {
    days: BTreeMap<String, (usize, usize)>,
    groups: [Group; MANY + 1],
    backlog: Backlog,
    oldest: f64,
}

impl Counted {
    fn hear(&mut self, bead: &Bead, findings: usize, first_time: bool, now: &Stamp) {
        let day = bead.created_at.get(..10).unwrap_or_default();
        let (created, passing) = self.days.entry(day.to_owned()).or_default();
        *created += 1;
        *passing += usize::from(findings == 0);
        self.oldest = self.oldest.max(ago(&bead.created_at, now).unwrap_or_default());
        self.backlog.open += usize::from(!bead.status.frees());
        if bead.landed.is_none() {
            return;
        }
        if let Some(group) = self.groups.get_mut(findings.min(MANY)) {
            group.landed += 1;
            group.first_time += usize::from(first_time);
        }
        let lately = bead.closed_at.as_deref().and_then(|at| ago(at, now));
        self.backlog.landed_lately += usize::from(lately.is_some_and(|ago| ago <= PRESENT));
    }

    fn told(self) -> Design {
        let (created, passing) =
            self.days.values().fold((0, 0), |sum, day| (sum.0 + day.0, sum.1 + day.1));
        let days = (self.oldest / DAY).max(1.0);
        let mut backlog = self.backlog;
        let rate = backlog.landed_lately as f64 / self.oldest.clamp(3600.0, PRESENT);
        backlog.hours = (backlog.landed_lately > 0).then(|| backlog.open as f64 / rate / 3600.0);
        let groups = self.groups.into_iter().enumerate().map(|(findings, group)| {
            let share = (group.landed > 0).then(|| group.first_time as f64 / group.landed as f64);
            Group { findings, share, ..group }
        });
        let by_day = self.days.into_iter().rev();
        let by_day = by_day.map(|(day, (created, passing))| Day { day, created, passing });
        Design {
            days: by_day.collect(),
            created_per_day: created as f64 / days,
            passing_per_day: passing as f64 / days,
            by_findings: groups.collect(),
            backlog,
        }
    }
}
