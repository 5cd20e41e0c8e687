//! The beads as they stood at an earlier moment: all lines up to then, told again.

use std::collections::HashSet;

use anyhow::{Context as _, Result};

use crate::bead::Beads;
use crate::bead::event::{Event, Told};
use crate::git::{Oid, Repo};
use crate::host::Stamp;
use crate::ledger::{Each, Fold, Json, Ledger, Query};
use crate::refusal::Refusal;

/// A moment of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// From when to when that lasts which was asked for: what happened in it has happened.
    Time(String, String),
    /// A commit of the ledger, which holds what had happened.
    Tip(Oid),
}

impl Moment {
    /// What a revision stands for: a commit of the ledger for itself, any other for the moment at which
    /// it was committed.
    pub fn of(repo: &Repo, ledger: &Ledger<'_>, revision: &str) -> Result<Self> {
        let Some(commit) = repo.resolve(revision)? else {
            return Err(
                Refusal::nothing(format!("{revision:?} is neither a date nor a commit")).into()
            );
        };
        if ledger.is_tip(&commit)? {
            return Ok(Self::Tip(commit));
        }
        // Git's time is a whole second, and what happened in it may have been seen by the commit.
        let told = repo.commit(&commit)?.committer.time;
        let seconds: i64 = told.split(' ').next().unwrap_or_default().parse()?;
        let stamp = |seconds| Stamp::of_seconds(seconds).context("a commit with a strange time");
        Ok(Self::Time(stamp(seconds)?.to_string(), stamp(seconds + 1)?.to_string()))
    }

    /// Whether something had happened by then.
    pub fn has_seen(&self, at: &str) -> bool {
        match self {
            Self::Time(from, until) => at <= from.as_str() || at < until.as_str(),
            Self::Tip(_) => true,
        }
    }
}

/// All beads as they stood then. What another tool tells of one counts by the times of that tool.
pub fn beads(ledger: &Ledger<'_>, moment: &Moment) -> Result<Beads> {
    let mut beads = Beads::default();
    if let Moment::Tip(tip) = moment {
        ledger.tell_of(tip, &mut |line| beads.drink(line))?;
        return Ok(beads);
    }
    let mut early = HashSet::new();
    ledger.tell(&Query::default(), &mut |line| match line.event::<Event>() {
        Some(Event::Told(told)) if !moment.has_seen(&stamp(&told.at)) => {
            let is_known = beads.row(&line.on).is_some();
            let goes_on = told.more && early.contains(&line.on);
            match earlier(*told, moment) {
                // What is known of an earlier state is what came to be of it by then.
                Some(told) if is_known && !goes_on => beads.reach(&line.on, &told),
                Some(told) => {
                    early.insert(line.on.clone());
                    beads.hear(&line.on, &told);
                }
                None => {}
            }
        }
        Some(Event::Told(_)) => beads.drink(line),
        _ if moment.has_seen(&line.at) => beads.drink(line),
        _ => {}
    })?;
    Ok(beads)
}

/// A record as it may have been at an earlier moment, by the times in it; none if it was not there.
fn earlier(mut told: Told, moment: &Moment) -> Option<Told> {
    let seen = |at: &Json| at.as_str().is_some_and(|at| moment.has_seen(&stamp(at)));
    let record = &mut told.record;
    match record.get("created_at").cloned() {
        Some(created) if !seen(&created) => return None,
        Some(created) => {
            created.as_str().unwrap_or_default().clone_into(&mut told.at);
            record.insert("updated_at".to_owned(), created);
        }
        None if told.more => {}
        None => return None,
    }
    for list in ["comments", "dependencies"] {
        if let Some(Json::Array(items)) = record.get_mut(list) {
            items.retain(|item| item.get("created_at").is_none_or(seen));
        }
    }
    let is_begun = record.get("started_at").is_some_and(seen);
    let ends = ["closed_at", "deleted_at"].map(|end| record.get(end));
    let has_ended = ends.into_iter().flatten().any(seen);
    let status = record.get("status").and_then(Json::as_str).unwrap_or_default();
    let before = match status {
        "closed" | "tombstone" if !has_ended && is_begun => Some("in_progress"),
        "closed" | "tombstone" if !has_ended => Some("open"),
        "in_progress" if record.contains_key("started_at") && !is_begun => Some("open"),
        _ => None,
    };
    if let Some(before) = before {
        record.insert("status".to_owned(), before.into());
        let later = |name: &str| LATER.contains(&name) || (name == "started_at" && !is_begun);
        record.retain(|name, _| !later(name));
        told.rest.retain(|name, _| !later(name));
    }
    Some(told)
}

/// What is said of the end of a bead.
const LATER: &[&str] = &[
    "closed_at",
    "close_reason",
    "closed_by_session",
    "deleted_at",
    "deleted_by",
    "delete_reason",
];

/// A time as our lines have it; what is none stays as it is.
fn stamp(time: &str) -> String {
    time.parse::<Stamp>().map_or_else(|_| time.to_owned(), |stamp| stamp.to_string())
}

/// What else the lines up to then come to.
pub fn read<S: Fold>(ledger: &Ledger<'_>, moment: &Moment) -> Result<S> {
    let mut state = S::default();
    lines(ledger, moment, &mut |line| state.drink(line))?;
    Ok(state)
}

/// Hands over all lines up to then, in the one order.
pub fn lines(ledger: &Ledger<'_>, moment: &Moment, each: Each<'_>) -> Result<()> {
    match moment {
        Moment::Tip(tip) => ledger.tell_of(tip, each),
        Moment::Time(..) => ledger.tell(&Query::default(), &mut |line| {
            if moment.has_seen(&line.at) {
                each(line);
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A record that came in twice: closed on the third day, as the version of the fifth says.
    #[test]
    fn a_close_counts_from_its_own_time_also_where_a_record_came_in_twice() {
        let day = |day: usize| format!("2025-11-0{day}T00:00:00.000Z");
        let first = json!({"id": "b-1", "title": "first", "status": "open", "created_at": day(1)});
        let then = json!({"id": "b-1", "title": "then", "status": "closed", "created_at": day(1),
            "started_at": day(2), "closed_at": day(3), "close_reason": "done",
            "comments": [{"text": "early", "created_at": day(3)}, {"text": "late", "created_at": day(5)}]});
        let told = |at: usize, record: &Json| {
            let record = record.as_object().unwrap().clone().into_iter().collect();
            Told { at: day(at), record, ..Told::default() }
        };
        for (asked, status, comments) in
            [(1, "open", 0), (2, "in_progress", 0), (3, "closed", 1), (4, "closed", 1)]
        {
            let moment = Moment::Time(day(asked), day(asked));
            let mut beads = Beads::default();
            beads.hear("b-1", &told(1, &first));
            // Twice is not more than once.
            for _ in 0..2 {
                beads.reach("b-1", &earlier(told(5, &then), &moment).unwrap());
            }
            let bead = beads.get("b-1").unwrap();
            let known = (bead.title.as_str(), bead.status.as_str(), bead.comments.len());
            assert_eq!(known, ("first", status, comments), "day {asked}");
            let closed = (status == "closed").then(|| day(3));
            assert_eq!(bead.closed_at, closed);
        }
    }

    #[test]
    fn a_record_is_told_as_it_was_by_the_times_in_it() {
        let record = json!({
            "id": "bd-1",
            "created_at": "2025-11-01T10:00:00-08:00",
            "started_at": "2025-11-03T10:00:00Z",
            "closed_at": "2025-11-05T10:00:00Z",
            "close_reason": "done",
            "status": "closed",
            "comments": [
                {"text": "early", "created_at": "2025-11-02T10:00:00Z"},
                {"text": "late", "created_at": "2025-11-04T10:00:00Z"},
            ],
        });
        let told = || Told {
            at: "2025-11-06T10:00:00Z".to_owned(),
            record: serde_json::from_value(record.clone()).unwrap(),
            ..Told::default()
        };
        for (day, status, comments) in [
            ("2025-11-01", None, 0),
            ("2025-11-02", Some("open"), 1),
            ("2025-11-03", Some("in_progress"), 1),
            ("2025-11-04", Some("in_progress"), 2),
            ("2025-11-05", Some("closed"), 2),
        ] {
            let end = format!("{day}T12:00:00.000Z");
            let then = earlier(told(), &Moment::Time(end.clone(), end));
            let status_then = then.as_ref().map(|then| then.record["status"].clone());
            assert_eq!(status_then, status.map(Json::from), "{day}");
            let said =
                then.as_ref().map_or(0, |then| then.record["comments"].as_array().unwrap().len());
            assert_eq!(said, comments, "{day}");
            let reason = then.is_some_and(|then| then.record.contains_key("close_reason"));
            assert_eq!(reason, status == Some("closed"), "{day}");
        }
    }
}
