//! A directory of tickets, one Markdown file each: a head of plain `key: value` lines, a title, and sections.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Intake;
use super::lines::Said;
use crate::bead::record::Record;
use crate::host::Stamp;
use crate::ledger::Json;
use crate::refusal::Refusal;

pub(super) fn read(dir: &Path, intake: &mut Intake<'_>) -> Result<()> {
    let none = || {
        Refusal::fatal(format!("{} is no directory of tickets", dir.display()))
            .hint("git bead import --from ticket .tickets")
    };
    let entries = fs::read_dir(dir).map_err(|_| none())?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "md"));
    files.sort_unstable();
    if files.is_empty() {
        return Err(none().into());
    }
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let changed = fs::metadata(&path).ok().and_then(|about| Stamp::of(about.modified().ok()?));
        let said = fs::read(&path)
            .map_err(|no| format!("cannot be read: {no}"))
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()))
            .and_then(|text| ticket(&text))
            .and_then(|record| record.tell("ticket"))
            .map(|mut told| {
                // The file says when it was made; the disk, when it was changed.
                told.at = changed.map_or(told.at, |changed| changed.to_string());
                Said::Bead(Box::new(told))
            });
        intake.take(&name.unwrap_or_default(), 1, said)?;
    }
    Ok(())
}

fn ticket(text: &str) -> Result<Record, String> {
    let rest = text.trim_start_matches('\u{feff}').strip_prefix("---");
    let (head, body) =
        rest.and_then(|rest| rest.split_once("\n---")).ok_or("has no head between `---` lines")?;
    let mut record = Record::default();
    let mut edges = Vec::new();
    let fields = head_fields(head);
    let id = fields.iter().find(|(key, _)| key == "id").map(|(_, value)| value.join(""));
    let id = id.unwrap_or_default();
    let mut say = |name: &str, value: Json| drop(record.fields.insert(name.to_owned(), value));
    say("id", id.as_str().into());
    for (key, values) in fields {
        let one = values.join(", ");
        let mut edge =
            |kind: &str| {
                edges.extend(values.iter().map(
                    |to| serde_json::json!({"issue_id": id, "depends_on_id": to, "type": kind}),
                ));
            };
        match key.as_str() {
            "id" => {}
            "deps" => edge("blocks"),
            "links" => edge("related"),
            "parent" if !one.is_empty() => edge("parent-child"),
            "created" => say("created_at", one.into()),
            "type" => say("issue_type", one.into()),
            "priority" => match one.parse::<u8>() {
                Ok(number) => say("priority", number.into()),
                Err(_) => say("priority", one.into()),
            },
            "external-ref" => say("external_ref", one.into()),
            "tags" if !values.is_empty() => say("labels", values.into()),
            "assignee" | "status" => say(&key, one.into()),
            _ if one.is_empty() => {}
            // Of words that mean nothing here the one they have there is kept.
            _ => say(&key, one.into()),
        }
    }
    if !edges.is_empty() {
        say("dependencies", edges.into());
    }
    for (name, text) in sections(body) {
        if !text.is_empty() {
            say(name, text.into());
        }
    }
    Ok(record)
}

/// `key: value`, `key: [a, b]`, and lists of `- a` lines below their key.
fn head_fields(head: &str) -> Vec<(String, Vec<String>)> {
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    let word = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    for line in head.lines() {
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            if let Some((_, values)) = fields.last_mut() {
                values.push(word(item));
            }
        } else if let Some((key, value)) = line.split_once(':') {
            let value = value.trim();
            let values = match value.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
                Some(list) => list.split(',').map(word).filter(|it| !it.is_empty()).collect(),
                None if value.is_empty() => Vec::new(),
                None => vec![word(value)],
            };
            fields.push((key.trim().to_owned(), values));
        }
    }
    fields
}

/// The title, and the text below it up to the next section that has a field of its own.
fn sections(body: &str) -> Vec<(&'static str, String)> {
    let mut sections = vec![("title", String::new()), ("description", String::new())];
    for line in body.lines().skip(1) {
        let own = match line.trim_end() {
            "## Design" => Some("design"),
            "## Acceptance Criteria" => Some("acceptance_criteria"),
            "## Notes" => Some("notes"),
            _ => None,
        };
        match (own, sections.as_mut_slice()) {
            (Some(name), _) => sections.push((name, String::new())),
            (None, [(_, title), (_, below)])
                if title.is_empty() && below.trim().is_empty() && line.starts_with("# ") =>
            {
                line.trim_start_matches("# ").trim().clone_into(title);
            }
            (None, [.., (_, text)]) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, []) => {}
        }
    }
    let trimmed = sections.into_iter().map(|(name, text)| (name, text.trim().to_owned()));
    trimmed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_a_record() {
        let text = "---\nid: nw-5c46\nstatus: in_progress\ndeps: [nw-1, nw-2]\nlinks: []\n\
                    created: 2025-11-02T21:58:07Z\ntype: bug\npriority: 1\ntags:\n- ui\n- \"slow\"\n\
                    parent: nw-9\nmood: calm\n---\n# Draw the map\n\nAll of it.\n\n### Where\nhere\n\n\
                    ## Design\nwith a pen\n\n## Notes\n\n**2025-11-03T00:00:00Z**\n\nbegun\n";
        let record = ticket(text).unwrap();
        let said: Vec<_> =
            record.fields.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            said,
            [
                r#"id="nw-5c46""#,
                r#"status="in_progress""#,
                r#"created_at="2025-11-02T21:58:07Z""#,
                r#"issue_type="bug""#,
                "priority=1",
                r#"labels=["ui","slow"]"#,
                r#"mood="calm""#,
                r#"dependencies=[{"issue_id":"nw-5c46","depends_on_id":"nw-1","type":"blocks"},{"issue_id":"nw-5c46","depends_on_id":"nw-2","type":"blocks"},{"issue_id":"nw-5c46","depends_on_id":"nw-9","type":"parent-child"}]"#,
                r#"title="Draw the map""#,
                r#"description="All of it.\n\n### Where\nhere""#,
                r#"design="with a pen""#,
                r#"notes="**2025-11-03T00:00:00Z**\n\nbegun""#,
            ]
        );
        assert!(ticket("# no head").is_err());
        assert!(ticket("---\nid: x\n---\nno title\n").unwrap().tell("ticket").is_err());
    }
}
