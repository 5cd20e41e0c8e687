//! A bead as programs see it: the field names of beads' own JSON, absent where empty.

use anyhow::Result;
use serde::Serialize;

use crate::bead::export::priority;
use crate::bead::fields::{self, Deletion};
use crate::bead::raw::Fields;
use crate::bead::unlike::DERIVED;
use crate::bead::{Bead, Beads, hub};
use crate::cli::context::Context;
use crate::cli::show::{Screen, Tone};
use crate::cli::table;
use crate::ledger::{Json, is_elsewhere};

type Object = serde_json::Map<String, Json>;

/// What a record of another tool says of a digest of its own.
const COMPACTION: [&str; 4] =
    ["compaction_level", "compacted_at", "compacted_at_commit", "original_size"];

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
    pub priority: i64,
    pub issue_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub updated_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub updated_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub spec_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_system: Option<String>,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub metadata: Object,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Edge>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    /// What is told in place of the texts, which are left out then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub compaction_level: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compacted_at: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub original_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependent_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment_count: Option<usize>,
    /// What another tool said beside all that.
    #[serde(flatten)]
    pub rest: Object,
    #[serde(skip)]
    pub short: String,
}

fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

impl Record {
    /// With what the hub, if there is one, says of the claim.
    pub(super) fn asked(cx: &Context, beads: &Beads, bead: &Bead) -> Result<Self> {
        let provisional = hub::provisional(cx.repo()?, &cx.ledger()?)?;
        Ok(Self { provisional: hub::is_among(&provisional, bead), ..Self::of(beads, bead) })
    }

    /// What `show` alone tells of it is left out: whoever looks through many chooses by none of it.
    pub(super) fn row(mut self) -> Self {
        self.owner.clear();
        self.said_once()
    }

    /// Who changed it last is told where that is somebody else than who made it.
    pub(super) fn said_once(mut self) -> Self {
        if self.updated_by == self.created_by {
            self.updated_by.clear();
        }
        self
    }

    /// A row in which nothing is told of what there is none of, nor whose idea it was.
    pub(super) fn uncounted(mut self) -> Self {
        self = self.row();
        self.created_by.clear();
        let some = |count: Option<usize>| count.filter(|count| *count > 0);
        Self {
            dependency_count: some(self.dependency_count),
            dependent_count: some(self.dependent_count),
            comment_count: some(self.comment_count),
            ..self
        }
    }

    /// In short, where it was told so.
    pub(super) fn of(beads: &Beads, bead: &Bead) -> Self {
        let Some(digest) = &bead.digest else { return Self::full(beads, bead) };
        let mut told = Self::full(beads, bead);
        for text in [
            &mut told.description,
            &mut told.design,
            &mut told.acceptance_criteria,
            &mut told.notes,
        ] {
            text.clear();
        }
        told.comments.clear();
        told.close_reason = None;
        told.rest.retain(|name, _| !COMPACTION.contains(&name.as_str()));
        told.digest = Some(digest.text.clone());
        told.compacted_at = Some(digest.at.clone());
        (told.compaction_level, told.original_size) = (1, digest.size);
        told
    }

    pub(super) fn full(beads: &Beads, bead: &Bead) -> Self {
        let deleted = bead.deletion();
        let deleted = |part: fn(&Deletion) -> &String| {
            deleted.as_ref().map(part).filter(|text| !text.is_empty()).cloned()
        };
        let mut rest = object(&bead.rest);
        // What is told from what is here, and not as somebody told it once.
        rest.retain(|name, _| !DERIVED.contains(&name.as_str()));
        let parent = beads.parent(bead).map(|parent| parent.key().to_owned());
        Self {
            id: bead.id.clone(),
            title: bead.title.clone(),
            description: bead.description.clone(),
            design: bead.design.clone(),
            acceptance_criteria: bead.acceptance_criteria.clone(),
            notes: bead.notes.clone(),
            status: bead.status.to_string(),
            priority: priority(bead),
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
            due_at: bead.due_at.clone(),
            defer_until: bead.defer_until.clone(),
            external_ref: bead.external_ref.clone(),
            spec_id: bead.spec_id.clone(),
            source_system: bead.source_system.clone(),
            metadata: object(&bead.metadata),
            labels: bead.labels.clone(),
            parent,
            epoch: bead.epoch,
            session: bead.claim.as_ref().and_then(|claim| claim.session.clone()),
            provisional: false,
            landed_commit: bead.landed.as_ref().map(|landed| landed.commit.clone()),
            deleted_at: deleted(|it| &it.at),
            deleted_by: deleted(|it| &it.by),
            delete_reason: deleted(|it| &it.reason),
            dependencies: bead.dependencies.iter().map(Edge::of).collect(),
            comments: bead.comments.iter().map(Comment::of).collect(),
            digest: None,
            compaction_level: 0,
            compacted_at: None,
            original_size: 0,
            dependency_count: Some(bead.dependencies.len()),
            dependent_count: Some(beads.count_dependents(&bead.id)),
            comment_count: Some(bead.comments.len()),
            rest,
            short: beads.short(&bead.id).to_owned(),
        }
    }
}

/// `issue_id` depends on `depends_on_id`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Edge {
    issue_id: String,
    depends_on_id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    created_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    created_by: String,
    #[serde(flatten)]
    rest: Object,
}

impl Edge {
    pub(super) fn of(edge: &fields::Edge) -> Self {
        Self {
            issue_id: edge.issue_id.clone(),
            depends_on_id: edge.depends_on_id.clone(),
            kind: edge.kind.to_string(),
            created_at: edge.created_at.clone(),
            created_by: edge.created_by.clone(),
            rest: object(&edge.rest),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Comment {
    id: Json,
    issue_id: String,
    pub author: String,
    pub text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_at: String,
    #[serde(flatten)]
    rest: Object,
}

impl Comment {
    /// Numbers of other tools stay numbers.
    pub(super) fn of(said: &fields::Comment) -> Self {
        let mut rest = object(&said.rest);
        Self {
            id: rest.shift_remove("id").unwrap_or_else(|| said.id.clone().into()),
            issue_id: said.issue_id.clone(),
            author: said.author.clone(),
            text: said.text.clone(),
            created_at: said.created_at.clone(),
            rest,
        }
    }
}

/// What stands beside its line is left out: whoever wants it asks for the bead whole.
fn object(fields: &Fields) -> Object {
    let odd = |text: &str| text.is_empty() || is_elsewhere(text) || text.contains(r"\u0001text:");
    let here = fields.iter().filter(|(_, value)| !odd(&value.text));
    here.map(|(key, value)| (key.clone(), value.json())).collect()
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

/// No type takes more room in a row, or each row would be as wide as the longest.
const WIDEST: usize = 20;

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
                (Tone::Faint, record.issue_type.chars().take(WIDEST).collect()),
                match &record.digest {
                    Some(digest) => (Tone::Faint, digest.clone()),
                    None => {
                        (Tone::Plain, format!("{}{}", record.title, holder.unwrap_or_default()))
                    }
                },
            ]
        })
        .collect();
    match rows.as_slice() {
        // One alone stands in no column.
        [row] if out.terse => {
            let words = row.iter().map(|(tone, text)| [(*tone, text.as_str()), (Tone::Plain, " ")]);
            let words: Vec<_> = words.flatten().collect();
            out.parts(words.get(..words.len() - 1).unwrap_or(&words));
        }
        rows => table::rows(out, rows),
    }
}

/// The same with more of each.
pub(super) fn long(out: &mut Screen, records: &[Record]) {
    for record in records {
        list(out, std::slice::from_ref(record));
        let mut facts = Vec::new();
        if !record.created_at.is_empty() {
            let by = if record.created_by.is_empty() { "" } else { " by " };
            facts.push(format!("created {}{by}{}", record.created_at, record.created_by));
        }
        if !record.updated_at.is_empty() {
            facts.push(format!("updated {}", record.updated_at));
        }
        facts.extend(record.due_at.as_ref().map(|due| format!("due {due}")));
        facts.extend(record.defer_until.as_ref().map(|until| format!("put off until {until}")));
        facts.extend(record.parent.as_ref().map(|parent| format!("child of {parent}")));
        facts.extend(
            (!record.labels.is_empty()).then(|| format!("labels {}", record.labels.join(", "))),
        );
        facts.extend(record.closed_at.as_ref().map(|at| format!("closed {at}")));
        for fact in facts {
            out.parts(&[(Tone::Faint, &format!("    {fact}"))]);
        }
    }
}
