//! How many beads there are of what. Pure, but for what it reads.

use std::collections::BTreeMap;

use anyhow::Result;
use indexmap::IndexMap;

use crate::bead::Beads;
use crate::bead::event::Status;
use crate::bead::face::Face;
use crate::bead::filter::{Cond, Seen};
use crate::bead::find::Asked;
use crate::bead::order::Order;
use crate::bead::overlap::Owners;
use crate::bead::ready::{Call, Reason, ready, unready};
use crate::ledger::Kept as _;

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
    let enough = |seen: &Seen<'_>| match (by, seen) {
        (None | Some(By::Status), _) => true,
        (_, seen) => !matches!(seen, Seen::Closed(_)),
    };
    asked.each(beads, &enough, &mut |_, seen| {
        all += 1;
        let mut add = |group: &str| match groups.get_mut(group) {
            Some(count) => *count += 1,
            None => drop(groups.insert(group.to_owned(), 1)),
        };
        match (by, seen) {
            (None, _) => {}
            (Some(_), Seen::Closed(_)) => add(Status::CLOSED.as_str()),
            (Some(by), Seen::Face(_, face) | Seen::Texts(face, _)) => {
                each_group(face, by, &mut add);
            }
            (Some(by), Seen::Whole(bead)) => each_group(&bead.face(), by, &mut add),
        }
        Ok(())
    })?;
    let mut groups: Vec<_> = groups.into_iter().collect();
    if by != Some(By::Priority) {
        groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    Ok((all, groups.into_iter().collect()))
}

fn each_group(face: &Face<'_>, by: By, add: &mut dyn FnMut(&str)) {
    match by {
        By::Status => add(face.status),
        By::Priority => add(&format!("P{}", face.priority)),
        By::Type => add(face.issue_type),
        By::Assignee => add(face.assignee.unwrap_or("(nobody)")),
        By::Label if face.labels.is_empty() => add("(no label)"),
        By::Label => face.labels.iter().for_each(|label| add(label)),
    }
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
/// What shares files with what the owners hold is not ready.
pub fn stats<'a>(beads: &'a Beads, now: &str, owners: Option<&Owners<'a>>) -> Result<Stats> {
    let mut stats = Stats::default();
    let every = Cond::every();
    let asked = Asked { cond: &every, closed: true, texts: None };
    (stats.total, stats.by_status) = count(&asked, beads, Some(By::Status))?;
    stats.held = beads.live().filter(|row| row.look(|face| face.is_claimed)).count();
    let call = Call { wanted: &every, now: Some(now), ephemeral: false };
    let mut found = ready(beads, call, &Order::Oldest, 1);
    if let Some(owners) = owners {
        owners.leave_free(&mut found);
    }
    stats.ready = found.len();
    unready(beads, call, &mut |_, reasons| {
        let any = |is: fn(&Reason<'_>) -> bool| usize::from(reasons.iter().any(is));
        stats.blocked += any(|reason| matches!(reason, Reason::Waits(_)));
        stats.deferred += any(|reason| matches!(reason, Reason::Deferred(_)));
        stats.done_epics += any(|reason| *reason == Reason::Children(0));
        Ok(())
    })?;
    Ok(stats)
}
