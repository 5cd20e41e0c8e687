//! A bead field by field, as beads' JSON names them: the JSON text that stands for each, and a field from
//! what JSON says. Pure.

use crate::bead::event::{Link, Status};
use crate::bead::fields::{Bead, Comment, Edge};
use crate::bead::raw::{Fields, Raw};
use crate::host;
use crate::ledger::Json;

/// The order in which beads writes the fields of a record; those it does not know come after, by name.
pub const USUAL: [&str; 73] = [
    "_type",
    "id",
    "title",
    "description",
    "design",
    "acceptance_criteria",
    "notes",
    "spec_id",
    "status",
    "priority",
    "issue_type",
    "assignee",
    "owner",
    "estimated_minutes",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "started_at",
    "closed_at",
    "close_reason",
    "closed_by_session",
    "due_at",
    "defer_until",
    "external_ref",
    "source_system",
    "metadata",
    "compaction_level",
    "compacted_at",
    "compacted_at_commit",
    "original_size",
    "source_repo",
    "labels",
    "dependencies",
    "comments",
    "deleted_at",
    "deleted_by",
    "delete_reason",
    "original_type",
    "sender",
    "ephemeral",
    "no_history",
    "wisp_type",
    "pinned",
    "is_template",
    "bonded_from",
    "creator",
    "validations",
    "quality_score",
    "crystallizes",
    "await_type",
    "await_id",
    "timeout",
    "waiters",
    "holder",
    "source_formula",
    "source_location",
    "hook_bead",
    "role_bead",
    "agent_state",
    "last_activity",
    "role_type",
    "rig",
    "mol_type",
    "work_type",
    "event_kind",
    "actor",
    "target",
    "payload",
    "parent",
    "dependency_count",
    "dependent_count",
    "comment_count",
];

/// Fields with one plain value, each of which is changed for itself.
pub(super) const SCALARS: [&str; 16] = [
    "title",
    "description",
    "design",
    "acceptance_criteria",
    "notes",
    "spec_id",
    "priority",
    "issue_type",
    "assignee",
    "owner",
    "estimated_minutes",
    "started_at",
    "due_at",
    "defer_until",
    "external_ref",
    "source_system",
];

/// The other fields that have a place of their own in a bead.
pub(super) const OTHERS: [&str; 12] = [
    "id",
    "status",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "closed_at",
    "close_reason",
    "metadata",
    "labels",
    "dependencies",
    "comments",
];

pub(super) fn is_ours(name: &str) -> bool {
    SCALARS.contains(&name) || OTHERS.contains(&name)
}

/// Where a field stands in the usual order.
pub(super) fn place(name: &str) -> (usize, &str) {
    (USUAL.iter().position(|usual| *usual == name).unwrap_or(USUAL.len()), name)
}

/// A moment as we write it; none if it is none.
pub(super) fn stamp(text: &str) -> Option<String> {
    host::moment(text).map(|moment| format!("{}Z", moment.get(..23).unwrap_or_default()))
}

fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// The JSON text of a field that has a place of its own; none where it has nothing to say.
pub(super) fn text(bead: &Bead, name: &str) -> Option<String> {
    let filled = |text: &str| (!text.is_empty()).then(|| quoted(text));
    let given = |text: &Option<String>| text.as_deref().map(quoted);
    let list = |items: Vec<String>| (!items.is_empty()).then(|| format!("[{}]", items.join(",")));
    match name {
        "id" => Some(quoted(&bead.id)),
        "title" => Some(quoted(&bead.title)),
        "description" => filled(&bead.description),
        "design" => filled(&bead.design),
        "acceptance_criteria" => filled(&bead.acceptance_criteria),
        "notes" => filled(&bead.notes),
        "spec_id" => filled(&bead.spec_id),
        "status" => Some(quoted(bead.status.as_str())),
        "priority" => Some(bead.priority.to_string()),
        "issue_type" => Some(quoted(&bead.issue_type)),
        "assignee" => given(&bead.assignee),
        "owner" => filled(&bead.owner),
        "estimated_minutes" => bead.estimated_minutes.map(|minutes| minutes.to_string()),
        "created_at" => filled(&bead.created_at),
        "created_by" => filled(&bead.created_by),
        "updated_at" => filled(&bead.updated_at),
        // Who made it and has changed it last is named once.
        "updated_by" if bead.updated_by == bead.created_by => None,
        "updated_by" => filled(&bead.updated_by),
        "started_at" => given(&bead.started_at),
        "closed_at" => given(&bead.closed_at),
        "close_reason" => given(&bead.close_reason),
        "due_at" => given(&bead.due_at),
        "defer_until" => given(&bead.defer_until),
        "external_ref" => given(&bead.external_ref),
        "source_system" => given(&bead.source_system),
        // Lines keep no order of keys.
        "metadata" => (!bead.metadata.is_empty()).then(|| {
            let mut sorted = bead.metadata.clone();
            sorted.sort_unstable_keys();
            object(&[], &sorted)
        }),
        "labels" => list(bead.labels.iter().map(|label| quoted(label)).collect()),
        "dependencies" => list(bead.dependencies.iter().map(edge).collect()),
        "comments" => list(bead.comments.iter().map(comment).collect()),
        _ => None,
    }
}

/// Gives a field that has a place of its own the value that JSON says, as far as it is one.
pub(super) fn set(bead: &mut Bead, name: &str, json: &Json) {
    let said = json.as_str();
    let word = || said.unwrap_or_default().to_owned();
    let filled = || said.filter(|text| !text.is_empty()).map(str::to_owned);
    let moment = || said.and_then(stamp);
    match name {
        "title" => bead.title = word(),
        "description" => bead.description = word(),
        "design" => bead.design = word(),
        "acceptance_criteria" => bead.acceptance_criteria = word(),
        "notes" => bead.notes = word(),
        "spec_id" => bead.spec_id = word(),
        "status" => bead.status = filled().map_or(Status::OPEN, Status::new),
        "priority" => {
            // What has none of ours is sorted with the nearest, and shown as it was said.
            let number = json.as_i64().and_then(|number| u8::try_from(number.clamp(0, 255)).ok());
            bead.priority = number.unwrap_or(2);
        }
        "issue_type" => bead.issue_type = filled().unwrap_or_else(|| "task".to_owned()),
        "assignee" => bead.assignee = filled(),
        "owner" => bead.owner = word(),
        "estimated_minutes" => bead.estimated_minutes = json.as_u64(),
        "created_at" => bead.created_at = moment().unwrap_or_default(),
        "created_by" => bead.created_by = word(),
        "updated_at" => bead.updated_at = moment().unwrap_or_default(),
        "updated_by" => bead.updated_by = word(),
        "started_at" => bead.started_at = moment(),
        "closed_at" => bead.closed_at = moment(),
        "close_reason" => bead.close_reason = filled(),
        "due_at" => bead.due_at = moment(),
        "defer_until" => bead.defer_until = moment(),
        "external_ref" => bead.external_ref = filled(),
        "source_system" => bead.source_system = filled(),
        "metadata" => {
            let keys = json.as_object().into_iter().flatten();
            bead.metadata = keys.map(|(key, value)| (key.clone(), Raw::from(value))).collect();
        }
        "labels" => {
            let labels = items(json).filter_map(Json::as_str);
            bead.labels = labels.map(str::to_owned).collect();
        }
        "dependencies" => {
            bead.dependencies = items(json).filter_map(|item| as_edge(&bead.id, item)).collect();
        }
        "comments" => {
            bead.comments = items(json).filter_map(|item| as_comment(&bead.id, item)).collect();
        }
        _ => {}
    }
}

fn items(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

const EDGE: [&str; 5] = ["issue_id", "depends_on_id", "type", "created_at", "created_by"];
const COMMENT: [&str; 5] = ["id", "issue_id", "author", "text", "created_at"];

fn edge(edge: &Edge) -> String {
    let Edge { issue_id, depends_on_id, kind, created_at, created_by, rest } = edge;
    let known = [issue_id, depends_on_id, kind.as_str(), created_at, created_by];
    let known: Vec<_> = EDGE.into_iter().zip(known).collect();
    object(&known, rest)
}

fn comment(comment: &Comment) -> String {
    let Comment { id, issue_id, author, text, created_at, rest } = comment;
    let known: [&str; 5] = [id, issue_id, author, text, created_at];
    let known: Vec<_> = COMMENT.into_iter().zip(known).collect();
    object(&known, rest)
}

fn as_edge(bead: &str, json: &Json) -> Option<Edge> {
    let ([issue_id, depends_on_id, kind, created_at, created_by], rest) = apart(json, EDGE)?;
    let issue_id = issue_id.unwrap_or_else(|| bead.to_owned());
    let kind = Link::new(kind.unwrap_or_default());
    let [depends_on_id, created_at, created_by] =
        [depends_on_id, created_at, created_by].map(Option::unwrap_or_default);
    Some(Edge { issue_id, depends_on_id, kind, created_at, created_by, rest })
}

fn as_comment(bead: &str, json: &Json) -> Option<Comment> {
    let ([id, issue_id, author, text, created_at], rest) = apart(json, COMMENT)?;
    let issue_id = issue_id.unwrap_or_else(|| bead.to_owned());
    let [id, author, text, created_at] =
        [id, author, text, created_at].map(Option::unwrap_or_default);
    Some(Comment { id, issue_id, author, text, created_at, rest })
}

/// The known fields of an object as texts, and beside them all that those do not say.
fn apart<const N: usize>(json: &Json, known: [&str; N]) -> Option<([Option<String>; N], Fields)> {
    let fields = json.as_object()?;
    let mut rest = Fields::default();
    let texts = known.map(|name| match fields.get(name) {
        Some(Json::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(value) => {
            rest.insert(name.to_owned(), Raw::from(value));
            value.is_number().then(|| value.to_string())
        }
        // That it is not there is told, too, where it usually is.
        None if name != "created_at" && name != "created_by" => {
            rest.insert(name.to_owned(), Raw::default());
            None
        }
        None => None,
    });
    let more = fields.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    rest.extend(more.map(|(name, value)| (name.clone(), Raw::from(value))));
    Some((texts, rest))
}

/// An object of texts, and of what stands beside them: that says more than they do.
fn object(known: &[(&str, &str)], rest: &Fields) -> String {
    let mut parts = Vec::new();
    for (name, text) in known {
        match rest.get(*name) {
            Some(raw) if raw.text.is_empty() => {}
            Some(raw) => parts.push(format!("{}:{}", quoted(name), raw.text)),
            None if text.is_empty() => {}
            None => parts.push(format!("{}:{}", quoted(name), quoted(text))),
        }
    }
    let more = rest.iter().filter(|(name, _)| !known.iter().any(|known| known.0 == *name));
    parts.extend(more.map(|(name, raw)| format!("{}:{}", quoted(name), raw.text)));
    format!("{{{}}}", parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_and_comments_come_back_as_they_were_said() {
        for (name, said) in [
            ("dependencies", r#"[{"issue_id":"b-1","depends_on_id":"b-2","type":"blocks"}]"#),
            ("dependencies", r#"[{"depends_on_id":"b-2","type":"","created_by":""}]"#),
            (
                "dependencies",
                r#"[{"issue_id":"b-1","depends_on_id":"external:a:b","type":"parent_child","created_at":"t","created_by":"x","metadata":"{}","thread_id":"7"}]"#,
            ),
            (
                "comments",
                r#"[{"id":12,"issue_id":"b-1","author":"x","text":"y","created_at":"t"}]"#,
            ),
            ("comments", r#"[{"id":"c","text":"","mood":["calm"]}]"#),
            ("labels", r#"["a","b"]"#),
            ("metadata", r#"{"z":1,"a":{"b":null}}"#),
        ] {
            let mut bead = Bead { id: "b-1".to_owned(), ..Bead::default() };
            set(&mut bead, name, &said.parse().unwrap());
            let json = |text: &str| text.parse::<Json>().unwrap();
            assert_eq!(json(&text(&bead, name).unwrap()), json(said), "{name}");
        }
    }

    #[test]
    fn the_usual_order_has_each_field_once() {
        let known = SCALARS.iter().chain(&OTHERS);
        for name in known {
            assert_eq!(USUAL.iter().filter(|usual| *usual == name).count(), 1, "{name}");
        }
    }
}
