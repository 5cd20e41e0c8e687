//! How many beads there are of what. Pure, but for what it reads.

use std::collections::BTreeMap;

use anyhow::Result;
use indexmap::IndexMap;

use crate::bead::event::Status;
use crate::bead::face::{CLOSED, is_live};
use crate::bead::filter::{Cond, Seen};
use crate::bead::find::Asked;
use crate::bead::order::Order;
use crate::bead::ready::{Call, Reason, ready, unready};
use crate::bead::{Bead, Beads};

/// What beads are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Status,
    Priority,
    Type,
    Assignee,
    Label,
}

/// How many of those that are asked for there are, in all, and of each group the largest first. A bead
/// with several labels is in several groups.
pub fn count(
    asked: &Asked<'_>,
    beads: &Beads,
    by: Option<By>,
) -> Result<(usize, IndexMap<String, usize>)> {
    let mut groups = BTreeMap::<String, usize>::new();
    let mut all = 0;
    asked.each(beads, by.is_some(), &mut |_, seen| {
        all += 1;
        if let (Some(by), Seen::Whole(bead)) = (by, seen) {
            for group in groups_of(bead, by) {
                *groups.entry(group).or_default() += 1;
            }
        }
        Ok(())
    })?;
    let mut groups: Vec<_> = groups.into_iter().collect();
    if by != Some(By::Priority) {
        groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    Ok((all, groups.into_iter().collect()))
}

fn groups_of(bead: &Bead, by: By) -> Vec<String> {
    let one = match by {
        By::Status => bead.status.to_string(),
        By::Priority => format!("P{}", bead.priority),
        By::Type => bead.issue_type.clone(),
        By::Assignee => bead.assignee.clone().unwrap_or_else(|| "(nobody)".to_owned()),
        By::Label if bead.labels.is_empty() => "(no label)".to_owned(),
        By::Label => return bead.labels.clone(),
    };
    vec![one]
}

/// The state of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub total: usize,
    pub by_status: IndexMap<String, usize>,
    pub ready: usize,
    pub blocked: usize,
    pub deferred: usize,
    /// Epics of which all children are closed.
    pub done_epics: usize,
    pub held: usize,
}

/// Counts all there is; of closed beads no more is read than that they are.
pub fn stats(beads: &Beads, now: &str) -> Result<Stats> {
    let mut stats = Stats::default();
    let mut of = BTreeMap::<String, usize>::new();
    for row in beads.rows() {
        stats.total += 1;
        let status = match row.mark() {
            CLOSED => Status::CLOSED.to_string(),
            _ => row.look(|face| face.status.to_owned()),
        };
        stats.held += usize::from(is_live(&row) && row.look(|face| face.is_claimed));
        *of.entry(status).or_default() += 1;
    }
    let every = Cond::every();
    let call = Call { wanted: &every, now: Some(now) };
    stats.ready = ready(beads, call, &Order::Oldest, 0).len();
    unready(beads, call, &mut |_, reasons| {
        let any = |is: fn(&Reason<'_>) -> bool| usize::from(reasons.iter().any(is));
        stats.blocked += any(|reason| matches!(reason, Reason::Waits(_)));
        stats.deferred += any(|reason| matches!(reason, Reason::Deferred(_)));
        stats.done_epics += any(|reason| *reason == Reason::Children(0));
        Ok(())
    })?;
    stats.by_status = of.into_iter().collect();
    Ok(stats)
}
