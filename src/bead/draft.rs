//! Many beads in one file: records a line, a plan of nodes and edges, or sections of Markdown. Each form
//! becomes records of one shape, and each record a bead that is not made yet. Pure.

use std::collections::{HashMap, HashSet};

use crate::bead::change;
use crate::bead::event::{Link, New, NewLink};
use crate::bead::fields::is_external;
use crate::bead::rare;
use crate::bead::words::usual_type;
use crate::ledger::Json;

/// What is wrong, and in which line, or with which node of a plan.
pub type Wrong = (usize, String);
/// A record, and where it stands.
pub type Placed = (usize, Json);
/// A moment as a person says it, and as lines have it.
pub type Moment<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A bead as a file describes it. Its links lead to ids, or to keys of the same file.
#[derive(Debug)]
pub struct Draft {
    pub place: usize,
    pub key: Option<String>,
    pub new: New,
}

/// The records of a file, whichever of the three forms it has.
pub fn records(text: &str) -> (Vec<Placed>, Vec<Wrong>) {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(plan) = text.parse::<Json>().ok().filter(|plan| plan.get("nodes").is_some()) {
        return nodes(&plan);
    }
    match text.trim_start().starts_with('{') {
        true => lines(text),
        false => (sections(text), Vec::new()),
    }
}

fn lines(text: &str) -> (Vec<Placed>, Vec<Wrong>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match line.parse::<Json>() {
            Ok(json) if json.is_object() => good.push((n + 1, json)),
            Ok(_) => bad.push((n + 1, "is no JSON object".to_owned())),
            Err(no) => bad.push((n + 1, format!("is no JSON: {no}"))),
        }
    }
    (good, bad)
}

/// The nodes of a plan, each with the edges that lead from it.
fn nodes(plan: &Json) -> (Vec<Placed>, Vec<Wrong>) {
    let list = |name: &str| plan.get(name).and_then(Json::as_array).into_iter().flatten();
    let (mut good, mut bad) = (Vec::<Placed>::new(), Vec::new());
    for (n, node) in list("nodes").enumerate() {
        let mut node = node.clone();
        let Some(fields) = node.as_object_mut() else {
            bad.push((n + 1, "is no node".to_owned()));
            continue;
        };
        let parent = ["parent_key", "parent_id"].map(|name| fields.shift_remove(name));
        if let Some(parent) = parent.into_iter().flatten().find(|it| it.as_str() != Some("")) {
            fields.insert("parent".to_owned(), parent);
        }
        good.push((n + 1, node));
    }
    for (n, edge) in list("edges").enumerate() {
        let end = |names: [&str; 2]| names.iter().find_map(|name| edge.get(name)?.as_str());
        let kind = end(["type", "kind"]).unwrap_or(Link::BLOCKS.as_str());
        let ends = end(["from_key", "from"]).zip(end(["to_key", "to"]).or(end(["to_id", "to_id"])));
        let from = ends.and_then(|(from, to)| {
            let node = good.iter_mut().find(|(_, node)| node["key"] == from)?;
            Some((node.1.as_object_mut()?, to))
        });
        let Some((node, to)) = from else {
            bad.push((n + 1, "is an edge from no node".to_owned()));
            continue;
        };
        let deps = node.entry("deps").or_insert_with(|| Json::Array(Vec::new()));
        if let Some(deps) = deps.as_array_mut() {
            deps.push(format!("{kind}:{to}").into());
        }
    }
    (good, bad)
}

/// `## Title`, and below it text or `### Field` with its value. Between fences there are no headings.
fn sections(text: &str) -> Vec<Placed> {
    let mut found = Vec::<Placed>::new();
    let (mut field, mut open) = (String::new(), None);
    for (n, line) in text.lines().enumerate() {
        open = match (open, fence(line)) {
            (None, mark) => mark,
            (Some(open), Some(mark)) if mark.starts_with(open) && line.trim() == mark => None,
            (open, _) => open,
        };
        let heading = |marks: &str| line.strip_prefix(marks).filter(|_| open.is_none());
        let head = |marks: &str| heading(marks).map(|rest| rest.trim().to_owned());
        if let Some(title) = head("## ") {
            found.push((n + 1, [("title".to_owned(), Json::from(title))].into_iter().collect()));
            "description".clone_into(&mut field);
        } else if let Some(name) = head("### ") {
            field = match name.to_lowercase().as_str() {
                "acceptance criteria" => "acceptance".to_owned(),
                "dependencies" => "deps".to_owned(),
                other => other.replace(' ', "_"),
            };
        } else if let Some((_, record)) = found.last_mut() {
            let said = record.get(&field).and_then(Json::as_str).unwrap_or_default();
            if !(said.is_empty() && line.trim().is_empty()) {
                let more =
                    if said.is_empty() { line.to_owned() } else { format!("{said}\n{line}") };
                record[&field] = more.into();
            }
        }
    }
    for (_, record) in &mut found {
        let fields = record.as_object_mut().into_iter().flatten();
        for value in fields.map(|(_, value)| value) {
            *value = value.as_str().unwrap_or_default().trim_end().into();
        }
    }
    found
}

/// The mark that opens or ends a block of code.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let long = |mark: char| line.len() - line.trim_start_matches(mark).len();
    let long = long('`').max(long('~'));
    line.get(..long).filter(|_| long >= 3)
}

/// A bead from its record.
pub fn draft((place, record): Placed, moment: Moment<'_>) -> Result<Draft, Wrong> {
    let mut new = New { priority: 2, issue_type: "task".to_owned(), ..New::default() };
    let mut key = None;
    for (name, value) in record.as_object().into_iter().flatten() {
        field(&mut new, &mut key, (name, value), moment).map_err(|no| (place, no))?;
    }
    change::title(&new.title).map_err(|no| (place, no.to_string()))?;
    Ok(Draft { place, key, new })
}

fn field(
    new: &mut New,
    key: &mut Option<String>,
    (name, value): (&str, &Json),
    moment: Moment<'_>,
) -> Result<(), String> {
    let text = || {
        let said = if value.is_null() { Some("") } else { value.as_str() };
        said.map(str::to_owned).ok_or_else(|| format!("`{name}` is no text"))
    };
    let filled = || text().map(|text| Some(text).filter(|text| !text.is_empty()));
    match name {
        "_type" if value == "issue" => {}
        "key" => *key = filled()?,
        "title" => new.title = text()?,
        "description" => new.description = text()?,
        "design" => new.design = text()?,
        "acceptance" | "acceptance_criteria" => new.acceptance_criteria = text()?,
        "notes" => new.notes = text()?,
        "spec_id" => new.spec_id = text()?,
        "assignee" => new.assignee = filled()?,
        "external_ref" => new.external_ref = filled()?,
        "type" | "issue_type" => usual_type(&text()?).clone_into(&mut new.issue_type),
        "priority" => new.priority = priority(value)?,
        "labels" => new.labels = words(name, value)?,
        "estimate" | "estimated_minutes" => {
            let minutes = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
            new.estimated_minutes = Some(minutes.ok_or_else(|| format!("`{name}` is no number"))?);
        }
        "due" | "due_at" => new.due_at = filled()?.map(|said| moment(&said)).transpose()?,
        "defer" | "defer_until" => {
            new.defer_until = filled()?.map(|said| moment(&said)).transpose()?;
        }
        "metadata" => {
            let keys = value.as_object().ok_or("`metadata` is no object")?;
            new.metadata = keys.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        }
        "parent" => new.links.extend(filled()?.map(|to| NewLink { to, kind: Link::PARENT_CHILD })),
        "deps" | "dependencies" => new.links.extend(links(name, value)?),
        name => {
            rare::check(name, value)?;
            new.set.insert(name.to_owned(), value.clone());
        }
    }
    Ok(())
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

/// Drafts in an order in which each comes after those of the file that it names. What names each other in
/// a ring is wrong.
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
            let waits = |link: &NewLink| keys.contains_key(&link.to) && !made.contains(&link.to);
            if draft.new.links.iter().any(waits) {
                later.push(draft);
            } else {
                made.extend(draft.key.clone());
                ordered.push(draft);
            }
        }
        if later.len() == before {
            let ring = |draft: Draft| (draft.place, "waits for what waits for it".to_owned());
            return Err(later.into_iter().map(ring).collect());
        }
        left = later;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let (good, bad) = records(text);
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
            let links = draft.new.links.iter().map(|link| format!(" {}>{}", link.kind, link.to));
            let New { title, priority, issue_type, .. } = &draft.new;
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
        assert_eq!(told(plan), [&format!("2 {drawn}"), "1 Walk P1 task parent-child>x-1 blocks>a"]);
        let markdown = "# A plan\n\n## Draw\nIn colours,\nall of them.\n\n### Type\nfeature\n\n\
                        ## Walk\n### Priority\nP1\n### Dependencies\nx-1, related:x-2\n";
        assert_eq!(
            told(markdown),
            [&format!("3 {drawn}"), "10 Walk P1 task blocks>x-1 related>x-2"]
        );
        assert_eq!(sections(markdown)[0].1["description"], "In colours,\nall of them.");
    }

    #[test]
    fn between_fences_there_are_no_headings() {
        let text =
            "## Draw\n````md\n## no\n```\n### Type\nbug\n````\n## Walk\n~~~\n```\n## no\n~~~\n";
        assert_eq!(told(text), ["1 Draw P2 task", "8 Walk P2 task"]);
        let said = &sections(text)[0].1["description"];
        assert_eq!(said, "````md\n## no\n```\n### Type\nbug\n````");
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
    fn a_ring_of_keys_and_a_key_twice_are_wrong() {
        let ring = "{\"key\":\"a\",\"title\":\"x\",\"deps\":\"b\"}\n{\"key\":\"b\",\"title\":\"y\",\"deps\":\"a\"}";
        assert_eq!(
            told(ring),
            ["1: waits for what waits for it", "2: waits for what waits for it"]
        );
        let twice = "{\"key\":\"a\",\"title\":\"x\"}\n{\"key\":\"a\",\"title\":\"y\"}";
        assert_eq!(told(twice), ["2: has the key \"a\" of 1"]);
    }
}
