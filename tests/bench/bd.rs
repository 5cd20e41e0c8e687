//! What Go's `bd` 1.0.5 (fbcee6c6, 2026-06-01) says of the same beads. It needs a Go toolchain and a database server, so its answers
//! are made here, after what its `cmd/bd` prints without a terminal: nothing coloured, no tips, every
//! optional part left out that these beads have no cause for, so that it costs rather less than in use.
//! `list` in its agent mode says an id and a title a line; ours does with `--fields id,title`.

use serde_json::{Value, json};

const RULE: &str =
    "--------------------------------------------------------------------------------";
const SIGNS: &str = "Status: ○ open  ◐ in_progress  ● blocked  ✓ closed  ❄ deferred";
const AT: &str = "2026-11-22T06:26:01Z";

/// Ids of its length for so few: three of 36 letters and digits.
fn id(n: usize) -> String {
    let digit = |n: usize| char::from_digit((n % 36) as u32, 36).unwrap();
    let n = n * 7919 + 4711;
    format!("floor-{}{}{}", digit(n / 1296), digit(n / 36), digit(n))
}

fn title(n: usize) -> String {
    format!("Parser case {n} accepts empty input")
}

/// The fields of a record in its order, and those that `more` adds behind the type.
fn record(n: usize, status: &str, more: &Value) -> Value {
    let mut all = json!({"id": id(n), "title": title(n), "description": super::TEXT,
        "status": status, "priority": n % 5, "issue_type": "bug"});
    let (map, more) = (all.as_object_mut().unwrap(), more.as_object().unwrap());
    map.extend(more.get("assignee").map(|it| ("assignee".to_owned(), it.clone())));
    map.extend([
        ("owner".to_owned(), json!("jane@example.org")),
        ("created_at".to_owned(), json!(AT)),
        ("created_by".to_owned(), json!("Jane Doe")),
        ("updated_at".to_owned(), json!(AT)),
    ]);
    let rest = more.iter().filter(|(name, _)| *name != "assignee");
    map.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
    all
}

fn counted(n: usize) -> Value {
    let waits = n < super::LINKED;
    let on = |yes: bool| usize::from(waits && yes);
    let counts = json!({"dependency_count": on(n.is_multiple_of(2)), "dependent_count": on(!n.is_multiple_of(2)),
        "comment_count": 0});
    record(n, "open", &counts)
}

/// It says an object in the order of its keys, and which form that has.
fn object(of: &Value) -> String {
    let mut keys: Vec<_> = of.as_object().unwrap().clone().into_iter().collect();
    keys.push(("schema_version".to_owned(), json!(1)));
    keys.sort_by(|one, other| one.0.cmp(&other.0));
    pretty(&Value::Object(keys.into_iter().collect()))
}

fn pretty(of: &Value) -> String {
    serde_json::to_string_pretty(of).unwrap() + "\n"
}

/// The rows of `ready` and `list`.
fn rows(which: &[usize], foot: &str) -> String {
    let row = |n: &usize| format!("○ {} ● P{} [bug] {}\n", id(*n), n % 5, title(*n));
    let rows: String = which.iter().map(row).collect();
    format!("{rows}\n{RULE}\n{foot}\n\n{SIGNS}\n")
}

/// The answer to a question as text and as JSON; nothing to what it is not asked.
pub(crate) fn answer(question: &str) -> [String; 2] {
    let waits = |n: &usize| *n < super::LINKED && n.is_multiple_of(2);
    let all: Vec<_> = (0..super::BEADS).collect();
    let ready: Vec<_> = all.iter().copied().filter(|n| !waits(n)).take(10).collect();
    let first = |many: usize| all.get(..many).unwrap_or(&all).to_vec();
    let counted = |which: &[usize]| pretty(&which.iter().map(|n| counted(*n)).collect());
    let named = |n: usize| format!("{} — {}", id(n), title(n));
    let changed = |status, more| pretty(&json!([record(30, status, &more)]));
    match question {
        "create" => [
            "✓ Created issue: floor-zq1 — Another\n  Priority: P2\n  Status: open\n".to_owned(),
            object(&json!({"id": "floor-zq1", "title": "Another", "status": "open", "priority": 2,
                "issue_type": "task", "owner": "jane@example.org", "created_at": AT,
                "created_by": "Jane Doe", "updated_at": AT})),
        ],
        "show" => show(),
        "ready, ten" => {
            let foot = format!("Ready: {} issues with no active blockers", ready.len());
            [rows(&ready, &foot), counted(&ready)]
        }
        "list, twenty" => {
            let foot = "Total: 20 issues (20 open, 0 in progress)";
            [rows(&first(20), foot), counted(&first(20))]
        }
        "search" => {
            let row = |n: &usize| format!("{} [P{}] [bug] open - {}\n", id(*n), n % 5, title(*n));
            let rows: String = first(10).iter().map(row).collect();
            [format!("Found 10 issues matching 'parser':\n{rows}"), counted(&first(10))]
        }
        "blocked" => blocked(&all.iter().copied().filter(waits).collect::<Vec<_>>()),
        "stats" => stats(),
        "claim" => [
            format!("✓ Updated issue: {}\n", named(30)),
            changed("in_progress", json!({"assignee": "Jane Doe", "started_at": AT})),
        ],
        "update" => [format!("✓ Updated issue: {}\n", named(30)), changed("open", json!({}))],
        "close" => [
            format!("✓ Closed {}: done\n", named(30)),
            changed("closed", json!({"closed_at": AT, "close_reason": "done"})),
        ],
        "close, frees one" => [
            format!("✓ Closed {}: done\n\nNewly unblocked:\n  • {} (P0)\n", named(1), named(0)),
            object(&json!({
                "closed": [record(1, "closed", &json!({"closed_at": AT, "close_reason": "done"}))],
                "unblocked": [record(0, "open", &json!({}))]})),
        ],
        _ => [String::new(), String::new()],
    }
}

fn show() -> [String; 2] {
    let text = format!(
        "○ {} [BUG] · {}   [● P0 · OPEN]\nOwner: Jane Doe · Type: bug\nCreated: 2026-11-22 · \
         Updated: 2026-11-22\n\nDESCRIPTION\n{}\n\nDEPENDS ON\n  → ○ {}: (BUG) {} ● P1\n\n",
        id(0),
        title(0),
        super::TEXT,
        id(1),
        title(1)
    );
    let on = record(1, "open", &json!({"dependency_type": "blocks"}));
    let more = json!({"dependencies": [on], "dependent_count": 0, "dependency_count": 1,
        "comment_count": 0});
    [text, pretty(&json!([record(0, "open", &more)]))]
}

fn blocked(which: &[usize]) -> [String; 2] {
    let row = |n: &usize| {
        let (id, title, on) = (id(*n), title(*n), id(n + 1));
        let p = n % 5;
        format!("[● P{p}] {id}: {title}\n  Blocked by 1 open dependencies: [{on}]\n\n")
    };
    let rows: String = which.iter().map(row).collect();
    let waiting =
        |n: &usize| record(*n, "open", &json!({"blocked_by_count": 1, "blocked_by": [id(n + 1)]}));
    let text = format!("\n🚫 Blocked issues ({}):\n\n{rows}", which.len());
    [text, pretty(&which.iter().map(waiting).collect())]
}

fn stats() -> [String; 2] {
    let all = super::BEADS;
    let blocked = super::LINKED / 2;
    let ready = all - blocked;
    let text = format!(
        "\n📊 Issue Database Status\n\nSummary:\n  Total Issues:           {all}\n  \
         Open:                   {all}\n  In Progress:            0\n  \
         Blocked:                {blocked}\n  Closed:                 0\n  \
         Ready to Work:          {ready}\n\nFor more details, use 'bd list' to see individual \
         issues.\n"
    );
    let summary = json!({"total_issues": all, "open_issues": all, "in_progress_issues": 0,
        "closed_issues": 0, "blocked_issues": blocked, "deferred_issues": 0,
        "ready_issues": ready, "pinned_issues": 0, "epics_eligible_for_closure": 0,
        "average_lead_time_hours": 0});
    [text, object(&json!({"summary": summary}))]
}
