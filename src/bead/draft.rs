//! A record of a file of beads: a bead that is not made yet, or a change of one that is there. Pure.

use std::collections::{HashMap, HashSet};

use crate::bead::alter::Ask;
use crate::bead::event::{Link, NewLink, Status};
use crate::bead::fields::is_external;
use crate::bead::forms::{Placed, Wrong};
use crate::bead::words::usual_type;
use crate::bead::{change, files, rare};
use crate::ledger::Json;
use crate::refusal::Refusal;

/// A moment as a person says it, and as lines have it.
pub type Moment<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A bead as a file describes it. Its links lead to ids, or to keys of the same file.
#[derive(Debug, Default)]
pub struct Draft {
    pub place: usize,
    pub key: Option<String>,
    /// The bead that is to be changed; none where one is to be made.
    pub id: Option<String>,
    pub ask: Ask,
}

/// What is said of beads that are there, and of no new one.
const OF_KNOWN: [&str; 6] =
    ["status", "append_notes", "add_labels", "remove_labels", "unset_metadata", "remove_deps"];

/// A bead, or the change of one, from its record.
pub fn draft((place, record): Placed, moment: Moment<'_>) -> Result<Draft, Wrong> {
    let mut draft = Draft { place, ..Draft::default() };
    let id = record.get("id").and_then(Json::as_str).unwrap_or("ID");
    let named = |no: String| (place, no.replace(" ID", &format!(" {id}")));
    let mut of_known = None;
    for (name, value) in record.as_object().into_iter().flatten() {
        field(&mut draft, (name, value), moment).map_err(named)?;
        of_known = of_known.or(OF_KNOWN.iter().find(|known| *known == name));
    }
    let Draft { key, id, ask, .. } = &draft;
    let no = match of_known {
        Some(name) if id.is_none() => {
            Some(format!("`{name}` is said of a bead that is there, by its `id`"))
        }
        _ if id.is_some() && key.is_some() => Some("has an `id`, and needs no `key`".to_owned()),
        _ if id.is_some() && record.as_object().is_some_and(|fields| fields.len() == 1) => {
            Some("says nothing of it".to_owned())
        }
        _ => None,
    };
    let title = ask.edit.title.as_deref().or(id.is_none().then_some(""));
    let titled = title.map_or(Ok(()), change::title).map_err(|no| no.to_string());
    no.map_or(titled, Err).map_err(|no| (place, no))?;
    Ok(draft)
}

/// A no in one line, with its next steps.
pub fn in_line(no: &anyhow::Error) -> String {
    let hints = no.downcast_ref::<Refusal>().map(|no| no.hints.join("; ")).unwrap_or_default();
    if hints.is_empty() { format!("{no:#}") } else { format!("{no:#} ({hints})") }
}

fn field(
    draft: &mut Draft,
    (name, value): (&str, &Json),
    moment: Moment<'_>,
) -> Result<(), String> {
    let text = || {
        let said = if value.is_null() { Some("") } else { value.as_str() };
        said.map(str::to_owned).ok_or_else(|| format!("`{name}` is no text"))
    };
    let filled = || text().map(|text| Some(text).filter(|text| !text.is_empty()));
    let time = || filled()?.map_or(Ok(String::new()), |said| moment(&said));
    let Ask { edit, .. } = &mut draft.ask;
    match name {
        "_type" if value == "issue" => {}
        "key" => draft.key = filled()?,
        "id" => draft.id = Some(text()?),
        "title" => edit.title = Some(text()?),
        "description" => edit.description = Some(text()?),
        "design" => edit.design = Some(text()?),
        "acceptance" | "acceptance_criteria" => edit.acceptance_criteria = Some(text()?),
        "notes" => edit.notes = Some(text()?),
        "append_notes" => edit.append_notes = filled()?,
        "spec_id" => edit.spec_id = Some(text()?),
        "status" => edit.status = Some(status(&text()?)?),
        "claim" => return Err(NO_CLAIM.to_owned()),
        "assignee" => edit.assignee = Some(text()?),
        "external_ref" => edit.external_ref = Some(text()?),
        "type" | "issue_type" => edit.issue_type = Some(usual_type(&text()?).to_owned()),
        "priority" => edit.priority = Some(priority(value)?),
        "estimate" | "estimated_minutes" => {
            let minutes = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
            if minutes.is_none()
                && filled().map_err(|_| format!("`{name}` is no number"))?.is_some()
            {
                return Err(format!("`{name}` is no number"));
            }
            edit.estimated_minutes = minutes;
            if minutes.is_none() {
                edit.set.insert("estimated_minutes".to_owned(), Json::Null);
            }
        }
        "due" | "due_at" => edit.due_at = Some(time()?),
        "defer" | "defer_until" => edit.defer_until = Some(time()?),
        "metadata" if is_empty(value) => draft.ask.clear_metadata = true,
        "metadata" => {
            let keys = value.as_object().ok_or("`metadata` is no object")?;
            edit.set_metadata = keys.clone().into_iter().collect();
        }
        "unset_metadata" => edit.unset_metadata = words(name, value)?,
        "files" => {
            let said = if is_empty(value) { Vec::new() } else { words(name, value)? };
            let (name, value) = files::field(&said).map_err(|no| in_line(&no))?;
            edit.set.insert(name, value);
        }
        _ => return of_others(&mut draft.ask, (name, value)),
    }
    Ok(())
}

/// Labels and links, and what is set by its name alone.
fn of_others(ask: &mut Ask, (name, value): (&str, &Json)) -> Result<(), String> {
    match name {
        "labels" if is_empty(value) => ask.labels = Some(Vec::new()),
        "labels" => ask.labels = Some(words(name, value)?),
        "add_labels" => ask.add_labels = words(name, value)?,
        "remove_labels" => ask.remove_labels = words(name, value)?,
        "parent" if value.is_null() => ask.parent = Some(String::new()),
        "parent" => ask.parent = Some(value.as_str().ok_or("`parent` is no text")?.to_owned()),
        "deps" | "dependencies" => {
            for link in links(name, value)? {
                let kind = change::link_kind(link.kind.as_str()).map_err(|no| in_line(&no))?;
                ask.links.push(NewLink { kind, ..link });
            }
        }
        "remove_deps" => ask.unlink = words(name, value)?,
        "comment" | "comments" => return Err(NO_COMMENT.to_owned()),
        name => {
            if let Some(meant) = meant(name) {
                return Err(format!("`{name}` is no field of a bead; did you mean `{meant}`?"));
            }
            rare::check(name, value)?;
            ask.edit.set.insert(name.to_owned(), value.clone());
        }
    }
    Ok(())
}

const NO_CLAIM: &str = "no file claims a bead (git bead update ID --claim)";
const NO_COMMENT: &str = "no file says a comment (git bead comment ID TEXT)";

/// What clears a field.
fn is_empty(value: &Json) -> bool {
    value.is_null() || value == ""
}

/// What a record says beside what hardly any does, in the words that help uses.
const KEYS: [&str; 27] = [
    "key",
    "id",
    "title",
    "description",
    "design",
    "acceptance",
    "notes",
    "append_notes",
    "spec_id",
    "status",
    "assignee",
    "external_ref",
    "type",
    "issue_type",
    "priority",
    "estimate",
    "due",
    "defer",
    "metadata",
    "unset_metadata",
    "files",
    "labels",
    "add_labels",
    "remove_labels",
    "parent",
    "deps",
    "remove_deps",
];

/// The field that looks most like one that is none, or does what options of that name do.
fn meant(name: &str) -> Option<&'static str> {
    if rare::names().any(|known| known == name) {
        return None;
    }
    match name {
        "set_labels" => return Some("labels"),
        "set_metadata" => return Some("metadata"),
        _ => {}
    }
    let like = |key: &&str| (strsim::jaro_winkler(name, key) * 1000.0) as u64;
    KEYS.into_iter().chain(rare::names()).max_by_key(like).filter(|key| like(key) > 800)
}

/// One that no claim and no close has to bring about.
fn status(said: &str) -> Result<Status, String> {
    let status = change::status(said).map_err(|no| in_line(&no))?;
    let takes = status == Status::IN_PROGRESS || status.as_str() == "hooked";
    if takes { Err(NO_CLAIM.to_owned()) } else { Ok(status) }
}

pub(super) fn priority(value: &Json) -> Result<u8, String> {
    let said = match value {
        Json::String(text) => text.trim().trim_start_matches(['P', 'p']).parse().ok(),
        other => other.as_u64().and_then(|n| u8::try_from(n).ok()),
    };
    said.filter(|n| *n <= change::LAST_PRIORITY)
        .ok_or_else(|| format!("priority {value} is not one of 0 to 4"))
}

/// A list of texts, or one text with commas or blanks between them.
pub(super) fn words(name: &str, value: &Json) -> Result<Vec<String>, String> {
    let all: Option<Vec<_>> = match value {
        Json::String(text) => Some(text.split([',', '\n']).map(str::to_owned).collect()),
        Json::Array(items) => items.iter().map(|it| it.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let all = all.ok_or_else(|| format!("`{name}` is no list of texts"))?;
    Ok(all.iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect())
}

/// `KIND:ID`, an id alone, or the edges of a record of beads.
fn links(name: &str, value: &Json) -> Result<Vec<NewLink>, String> {
    let edge = |it: &Json| {
        let kind = it.get("type").and_then(Json::as_str).unwrap_or(Link::BLOCKS.as_str());
        Some(NewLink { to: it.get("depends_on_id")?.as_str()?.to_owned(), kind: Link::new(kind) })
    };
    if let Some(edges) = value.as_array().filter(|all| all.first().is_some_and(Json::is_object)) {
        let all: Option<_> = edges.iter().map(edge).collect();
        return all.ok_or_else(|| format!("`{name}` has an edge without `depends_on_id`"));
    }
    Ok(words(name, value)?.iter().map(|said| link(said)).collect())
}

pub fn link(said: &str) -> NewLink {
    let pair = said.split_once(':').filter(|_| !is_external(said));
    let (kind, to) = pair.unwrap_or((Link::BLOCKS.as_str(), said));
    NewLink { to: to.to_owned(), kind: Link::new(kind) }
}

/// Drafts in an order in which each comes after those of the file that it waits for, or is a part of, as far
/// as there is one.
pub fn in_order(drafts: Vec<Draft>) -> Result<Vec<Draft>, Vec<Wrong>> {
    let mut keys = HashMap::new();
    let mut wrong = Vec::new();
    for draft in &drafts {
        if let Some(key) = &draft.key
            && let Some(first) = keys.insert(key.clone(), draft.place)
        {
            wrong.push((draft.place, format!("has the key {key:?} of {first}")));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let (mut made, mut ordered, mut left) = (HashSet::new(), Vec::new(), drafts);
    while !left.is_empty() {
        let before = left.len();
        let mut later = Vec::new();
        for draft in left {
            let waits = |link: NewLink| {
                link.kind.orders() && keys.contains_key(&link.to) && !made.contains(&link.to)
            };
            if draft.ask.ends().any(waits) {
                later.push(draft);
            } else {
                made.extend(draft.key.clone());
                ordered.push(draft);
            }
        }
        if later.len() == before {
            // They name each other: the first of them is told of the others later.
            let first = later.remove(0);
            made.extend(first.key.clone());
            ordered.push(first);
        }
        left = later;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::event::New;
    use crate::bead::forms::{records, sections};

    fn told(text: &str) -> Vec<String> {
        let (good, bad) = records(text, &|_| None);
        let moment = |said: &str| Ok(said.to_owned());
        let mut wrong: Vec<_> = bad;
        let mut drafts = Vec::new();
        for record in good {
            match draft(record, &moment) {
                Ok(draft) => drafts.push(draft),
                Err(no) => wrong.push(no),
            }
        }
        let ordered = in_order(drafts).unwrap_or_else(|no| {
            wrong.extend(no);
            Vec::new()
        });
        let of = |draft: &Draft| {
            let links = draft.ask.ends().map(|link| format!(" {}>{}", link.kind, link.to));
            let New { title, priority, issue_type, .. } = draft.ask.new_one();
            format!("{} {title} P{priority} {issue_type}{}", draft.place, links.collect::<String>())
        };
        let wrong = wrong.iter().map(|(place, no)| format!("{place}: {no}"));
        ordered.iter().map(of).chain(wrong).collect()
    }

    #[test]
    fn three_forms_say_the_same() {
        let records = "{\"key\":\"b\",\"title\":\"Walk\",\"priority\":\"P1\",\"deps\":[\"a\"],\"parent\":\"x-1\"}\n\n\
                       {\"key\":\"a\",\"title\":\"Draw\",\"type\":\"feat\",\"due\":\"monday\",\"labels\":\"x, y\"}\n";
        let plan = r#"{"nodes": [{"key": "b", "title": "Walk", "priority": 1, "parent_id": "x-1"},
            {"key": "a", "title": "Draw", "type": "feature"}], "edges": [{"from_key": "b", "to_key": "a"}]}"#;
        let drawn = "Draw P2 feature";
        assert_eq!(
            told(records),
            [&format!("3 {drawn}"), "1 Walk P1 task blocks>a parent-child>x-1"]
        );
        assert_eq!(told(plan), [&format!("2 {drawn}"), "1 Walk P1 task blocks>a parent-child>x-1"]);
        let markdown = "# A plan\n\n## Draw\nIn colours,\nall of them.\n\n### Type\nfeature\n\n\
                        ## Walk\n### Priority\nP1\n### Dependencies\nx-1, related:x-2\n";
        assert_eq!(
            told(markdown),
            [&format!("3 {drawn}"), "10 Walk P1 task blocks>x-1 related>x-2"]
        );
        assert_eq!(sections(markdown).0[0].1["description"], "In colours,\nall of them.");
    }

    #[test]
    fn between_fences_there_are_no_headings() {
        let text =
            "## Draw\n````md\n## no\n```\n### Type\nbug\n````\n## Walk\n~~~\n```\n## no\n~~~\n";
        assert_eq!(told(text), ["1 Draw P2 task", "8 Walk P2 task"]);
        let said = &sections(text).0[0].1["description"];
        assert_eq!(said, "````md\n## no\n```\n### Type\nbug\n````");
    }

    #[test]
    fn markdown_that_would_lose_text_is_named() {
        let lost = "stands before the first `## title`, and belongs to no bead";
        assert_eq!(told("# A plan\n\n## Draw\n"), ["3 Draw P2 task"]);
        assert_eq!(
            told("# A plan\nFor us.\nAll.\n## Draw\n"),
            ["4 Draw P2 task", &format!("2: {lost}")]
        );
        assert_eq!(told("Nothing\n"), [format!("1: {lost}")]);
        let open = "opens a block of code that nothing closes";
        for text in ["## Draw\n```\n## Walk\n", "## Draw\n~~~~\n~~~\n```\n## Walk\n"] {
            assert_eq!(told(text), ["1 Draw P2 task", &format!("2: {open}")]);
        }
    }

    #[test]
    fn each_bad_record_is_named() {
        let wrong = [
            r#"{"title":"x","status":"closed"}"#,
            r#"{"title":"x","priority":9}"#,
            r#"{"priority":1}"#,
            r#"{"title":"x""#,
            "[1]",
            r#"{"title":"x","colour":"red"}"#,
            r#"{"title":"x","labels":[1]}"#,
            r#"{"title":"x","pinned":"yes"}"#,
        ];
        let told = told(&wrong.join("\n"));
        let start = |n: usize| format!("{}: ", n + 1);
        for n in 0..wrong.len() {
            assert_eq!(told.iter().filter(|no| no.starts_with(&start(n))).count(), 1, "{told:?}");
        }
    }

    #[test]
    fn what_names_each_other_is_in_order_and_a_key_twice_is_wrong() {
        let ring = "{\"key\":\"a\",\"title\":\"x\",\"deps\":\"b\"}\n{\"key\":\"b\",\"title\":\"y\",\"deps\":\"a\"}";
        assert_eq!(told(ring), ["1 x P2 task blocks>b", "2 y P2 task blocks>a"]);
        let twice = "{\"key\":\"a\",\"title\":\"x\"}\n{\"key\":\"a\",\"title\":\"y\"}";
        assert_eq!(told(twice), ["2: has the key \"a\" of 1"]);
    }
}
