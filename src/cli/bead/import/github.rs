//! What `gh issue list --json …` prints: one array of issues.

use anyhow::Result;
use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::Intake;
use super::lines::Said;
use crate::bead::record::Record;
use crate::ledger::Json;
use crate::refusal::Refusal;

pub(super) fn read(name: &str, text: &[u8], intake: &mut Intake<'_>) -> Result<()> {
    let issues: Vec<&RawValue> = serde_json::from_slice(text).map_err(|no| {
        Refusal::usage(format!("{name} is no array of issues: {no}"))
            .hint("gh issue list --state all --limit 9999 --json number,title,body,state,…")
    })?;
    for (n, issue) in issues.into_iter().enumerate() {
        let said = serde_json::from_slice(issue.get().as_bytes())
            .map_err(|no| format!("is no issue: {no}"));
        let said = said.and_then(record).and_then(|record| record.tell("github"));
        intake.take(name, n + 1, said.map(|told| Said::Bead(Box::new(told))))?;
    }
    Ok(())
}

/// Each field under the name that it has here; others keep theirs.
fn record(issue: IndexMap<String, Json>) -> Result<Record, String> {
    let number = issue.get("number").and_then(Json::as_u64).ok_or("has no number")?;
    let mut record = Record::default();
    let mut say = |name: &str, value: Json| drop(record.fields.insert(name.to_owned(), value));
    say("id", format!("gh-{number}").into());
    for (name, value) in issue {
        let text = value.as_str().unwrap_or_default();
        match name.as_str() {
            "number" => say("external_ref", format!("gh-{number}").into()),
            "body" if !text.is_empty() => say("description", value),
            "body" => {}
            "state" => say("status", text.to_lowercase().into()),
            "stateReason" if !text.is_empty() => say("close_reason", text.to_lowercase().into()),
            "createdAt" => say("created_at", value),
            "updatedAt" => say("updated_at", value),
            "closedAt" if !value.is_null() => say("closed_at", value),
            "author" => say("created_by", login(&value)),
            "assignees" => {
                let mut names = items(&value).map(login);
                if let Some(first) = names.next() {
                    say("assignee", first);
                }
                // There may be several there.
                if names.next().is_some() {
                    say("assignees", value.clone());
                }
            }
            "labels" => {
                let labels: Vec<_> =
                    items(&value).filter_map(|it| it.get("name")?.as_str()).collect();
                say("issue_type", kind(&labels).into());
                if !labels.is_empty() {
                    say("labels", labels.into());
                }
            }
            "comments" => {
                let comments: Vec<_> = items(&value).map(comment).collect();
                if !comments.is_empty() {
                    say("comments", comments.into());
                }
            }
            _ => say(&name, value),
        }
    }
    Ok(record)
}

fn items(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

fn login(who: &Json) -> Json {
    who.get("login").cloned().unwrap_or_default()
}

fn kind(labels: &[&str]) -> &'static str {
    match () {
        () if labels.contains(&"bug") => "bug",
        () if labels.contains(&"enhancement") || labels.contains(&"feature") => "feature",
        () if labels.contains(&"epic") => "epic",
        () => "task",
    }
}

fn comment(said: &Json) -> Json {
    let mut comment = serde_json::Map::new();
    for (name, value) in said.as_object().into_iter().flatten() {
        let (name, value) = match name.as_str() {
            "body" => ("text", value.clone()),
            "createdAt" => ("created_at", value.clone()),
            "author" => ("author", login(value)),
            name => (name, value.clone()),
        };
        comment.insert(name.to_owned(), value);
    }
    comment.into()
}
