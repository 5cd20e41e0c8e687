//! A bead as programs see it: the field names of beads' own JSON, absent where empty.

use anyhow::Result;
use serde::Serialize;

use crate::bead::fields::{Comment, Edge};
use crate::bead::{Bead, Beads, hub};
use crate::cli::context::Context;
use crate::cli::show::{Screen, Tone};
use crate::cli::table;

/// One bead with what can be counted about it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Record {
    pub id: String,
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub design: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub acceptance_criteria: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    pub status: String,
    pub priority: u8,
    pub issue_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    pub owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<u64>,
    pub created_at: String,
    pub created_by: String,
    pub updated_at: String,
    pub updated_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The claim's number; an agent presents it with what it writes and submits.
    #[serde(skip_serializing_if = "is_zero")]
    pub epoch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The hub has not confirmed the claim.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landed_commit: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Edge>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    pub dependency_count: usize,
    pub dependent_count: usize,
    pub comment_count: usize,
    #[serde(skip)]
    pub short: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Record {
    /// With what the hub, if there is one, says of the claim.
    pub(super) fn asked(cx: &Context, beads: &Beads, bead: &Bead) -> Result<Self> {
        let provisional = hub::provisional(cx.repo()?, &cx.ledger()?)?;
        Ok(Self { provisional: hub::is_among(&provisional, bead), ..Self::of(beads, bead) })
    }

    pub(super) fn of(beads: &Beads, bead: &Bead) -> Self {
        let parent = beads.parent(bead).map(|parent| parent.key().to_owned());
        Self {
            id: bead.id.clone(),
            title: bead.title.clone(),
            description: bead.description.clone(),
            design: bead.design.clone(),
            acceptance_criteria: bead.acceptance_criteria.clone(),
            notes: bead.notes.clone(),
            status: bead.status.to_string(),
            priority: bead.priority,
            issue_type: bead.issue_type.clone(),
            assignee: bead.assignee.clone(),
            owner: bead.owner.clone(),
            estimated_minutes: bead.estimated_minutes,
            created_at: bead.created_at.clone(),
            created_by: bead.created_by.clone(),
            updated_at: bead.updated_at.clone(),
            updated_by: bead.updated_by.clone(),
            started_at: bead.started_at.clone(),
            closed_at: bead.closed_at.clone(),
            close_reason: bead.close_reason.clone(),
            external_ref: bead.external_ref.clone(),
            labels: bead.labels.clone(),
            parent,
            epoch: bead.epoch,
            session: bead.claim.as_ref().and_then(|claim| claim.session.clone()),
            provisional: false,
            landed_commit: bead.landed.as_ref().map(|landed| landed.commit.clone()),
            dependencies: bead.dependencies.clone(),
            comments: bead.comments.clone(),
            dependency_count: bead.dependencies.len(),
            dependent_count: beads.count_dependents(&bead.id),
            comment_count: bead.comments.len(),
            short: beads.short(&bead.id).to_owned(),
        }
    }
}

/// Sign and tone of a status, so that it is told by shape as well as by colour.
pub(super) fn sign(status: &str) -> (&'static str, Tone) {
    match status {
        "open" => ("○", Tone::Plain),
        "in_progress" => ("◐", Tone::Busy),
        "closed" => ("✓", Tone::Good),
        "blocked" => ("●", Tone::Bad),
        "deferred" => ("❄", Tone::Faint),
        _ => ("·", Tone::Plain),
    }
}

/// The rows that `list`, `ready` and `blocked` share.
pub(super) fn list(out: &mut Screen, records: &[Record]) {
    let rows: Vec<_> = records
        .iter()
        .map(|record| {
            let (sign, tone) = sign(&record.status);
            let holder = record.assignee.as_ref().map(|name| format!("  @{name}"));
            vec![
                (tone, sign.to_owned()),
                (Tone::Id, record.short.clone()),
                (Tone::Plain, format!("P{}", record.priority)),
                (Tone::Faint, record.issue_type.clone()),
                (Tone::Plain, format!("{}{}", record.title, holder.unwrap_or_default())),
            ]
        })
        .collect();
    table::rows(out, &rows);
}
