//! Many beads in one file: records a line, a plan of nodes and edges, or sections of Markdown. Each form
//! becomes records of one shape. Pure.

use crate::bead::event::Link;
use crate::ledger::{DEEPEST, Json, depth};

/// What is wrong, and in which line, or with which node of a plan.
pub type Wrong = (usize, String);
/// A record, and where it stands.
pub type Placed = (usize, Json);

/// What is wrong with the text of a record, though it can be parsed.
pub type Check<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The records of a file, whichever of the three forms it has.
pub fn records(text: &str, check: Check<'_>) -> (Vec<Placed>, Vec<Wrong>) {
    let text = text.trim_start_matches('\u{feff}');
    let marks = conflicts(text);
    if !marks.is_empty() {
        return (Vec::new(), marks);
    }
    if let Some(plan) = text.parse::<Json>().ok().filter(|plan| plan.get("nodes").is_some()) {
        let (good, mut bad) = nodes(&plan);
        bad.extend(check(text.trim_start()).map(|no| (1, no)));
        return (good, bad);
    }
    match text.trim_start().as_bytes().first() {
        Some(b'{') => lines(text, check),
        Some(b'[') if !text.lines().any(|line| line.starts_with(TITLE)) => {
            let no = "is a JSON array; a file of beads has one object a line (jq -c '.[]' FILE)";
            (Vec::new(), vec![(1, no.to_owned())])
        }
        _ => sections(text),
    }
}

const TITLE: &str = "## ";
/// What is said of a line that a merge has left behind.
pub const CONFLICT: &str = "is the mark of a merge conflict";
/// The line between two sides. Under a line of Markdown it makes a heading, too.
const BETWEEN: &str = "=======";

pub fn is_conflict(line: &[u8]) -> bool {
    ["<<<<<<<", BETWEEN, ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark.as_bytes()))
}

/// Every mark, if one of them can be nothing else.
fn conflicts(text: &str) -> Vec<Wrong> {
    let lines = text.lines().enumerate().filter(|(_, line)| is_conflict(line.as_bytes()));
    let marks: Vec<_> = lines.collect();
    let is_one = marks.iter().any(|(_, line)| !line.starts_with(BETWEEN));
    let marks = marks.into_iter().filter(|_| is_one);
    marks.map(|(n, _)| (n + 1, CONFLICT.to_owned())).collect()
}

fn lines(text: &str, check: Check<'_>) -> (Vec<Placed>, Vec<Wrong>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match record(line.trim(), check) {
            Ok(json) => good.push((n + 1, json)),
            Err(no) => bad.push((n + 1, no)),
        }
    }
    (good, bad)
}

/// How deep it goes is asked before anything else: whoever looks into it goes as deep.
fn record(line: &str, check: Check<'_>) -> Result<Json, String> {
    if is_conflict(line.as_bytes()) {
        return Err(CONFLICT.to_owned());
    }
    if depth(line.as_bytes()) > DEEPEST {
        return Err(format!("goes deeper than {DEEPEST} levels"));
    }
    match line.parse::<Json>() {
        Ok(json) if json.is_object() => check(line).map_or(Ok(json), Err),
        Ok(_) => Err("is no JSON object".to_owned()),
        Err(no) => Err(format!("is no JSON: {no}")),
    }
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

/// `## Title`, and below it text or `### Field` with its value. Between fences there are no headings. What
/// would be part of no bead, or of one by mistake, is wrong.
pub(super) fn sections(text: &str) -> (Vec<Placed>, Vec<Wrong>) {
    let (mut found, mut bad) = (Vec::<Placed>::new(), Vec::new());
    let (mut field, mut open) = (String::new(), None);
    for (n, line) in text.lines().enumerate() {
        open = match (open, fence(line)) {
            (None, mark) => mark.map(|mark| (n + 1, mark)),
            (Some((_, open)), Some(mark)) if mark.starts_with(open) && line.trim() == mark => None,
            (open, _) => open,
        };
        let heading = |marks: &str| line.strip_prefix(marks).filter(|_| open.is_none());
        let head = |marks: &str| heading(marks).map(|rest| rest.trim().to_owned());
        if let Some(title) = head(TITLE) {
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
        } else if bad.is_empty() && !line.trim().is_empty() && head("# ").is_none() {
            bad.push((
                n + 1,
                "stands before the first `## title`, and belongs to no bead".to_owned(),
            ));
        }
    }
    bad.extend(open.map(|(n, _)| (n, "opens a block of code that nothing closes".to_owned())));
    for (_, record) in &mut found {
        let fields = record.as_object_mut().into_iter().flatten();
        for value in fields.map(|(_, value)| value) {
            *value = value.as_str().unwrap_or_default().trim_end().into();
        }
    }
    (found, bad)
}

/// The mark that opens or ends a block of code.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let long = |mark: char| line.len() - line.trim_start_matches(mark).len();
    let long = long('`').max(long('~'));
    line.get(..long).filter(|_| long >= 3)
}
