//! What other forms there are in which beads come in: the history of a file, tickets, issues of a host; and
//! the copy that is kept for viewers.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Place, Sandbox};

const LEDGER: &str = "refs/shopfloor/ledger";

fn commit(repo: &Place<'_>, who: &str, day: u8, records: &[Value]) {
    let lines: Vec<_> = records.iter().map(ToString::to_string).collect();
    repo.write(".beads/issues.jsonl", lines.join("\n") + "\n");
    let date = format!("2025-11-0{day}T12:00:00Z");
    repo.sh(&format!(
        "git add .beads && GIT_AUTHOR_NAME={who} GIT_AUTHOR_DATE={date} GIT_COMMITTER_DATE={date} \
         git commit --quiet -m 'day {day}'"
    ))
    .ok();
}

fn bead(id: &str, status: &str, day: u8) -> Value {
    let closed = (status == "closed").then(|| format!("2025-11-0{day}T00:00:00Z"));
    json!({"id": id, "title": id, "status": status, "created_at": "2025-11-01T00:00:00Z",
           "updated_at": format!("2025-11-0{day}T00:00:00Z"), "closed_at": closed})
}

#[test]
fn the_history_of_a_file_tells_who_closed_what() {
    let world = Sandbox::new();
    let (repo, other) = (world.repo("api"), world.repo("other"));
    let open = |id: &str| bead(id, "open", 1);
    commit(&repo, "Joan", 1, &[open("b-1"), open("b-2"), open("b-3")]);
    commit(&repo, "Jim", 2, &[bead("b-1", "closed", 2), open("b-2"), open("b-3")]);
    // Changed without a word of when, and gone without any.
    commit(&repo, "Ann", 3, &[bead("b-1", "closed", 2), bead("b-2", "hooked", 1)]);
    repo.git("checkout --quiet -b side HEAD~1").ok();
    commit(&repo, "Sid", 4, &[bead("b-1", "closed", 2), open("b-2"), open("b-3"), open("b-4")]);
    repo.git("checkout --quiet main").ok();
    repo.git("merge --quiet --no-commit -X ours side");
    commit(&repo, "Ann", 5, &[bead("b-1", "closed", 2), bead("b-2", "hooked", 1), open("b-4")]);

    repo.git("bead import --history .beads/issues.jsonl").ok();
    let show = |id: &str| repo.json(&format!("bead show --json {id}"))[0].clone();
    let first = show("b-1");
    assert_eq!((&first["status"], &first["author"]), (&json!("closed"), &json!("Jim")));
    assert_eq!(first["closed_at"], "2025-11-02T00:00:00.000Z");
    assert_eq!(
        (&show("b-2")["status"], &show("b-4")["status"]),
        (&json!("hooked"), &json!("open"))
    );
    let gone = show("b-3");
    assert_eq!((&gone["status"], &gone["deleted_by"]), (&json!("tombstone"), &json!("Ann")));
    let log = repo.git("bead log b-1").ok().out;
    let told: Vec<_> = log.lines().filter_map(|line| line.split("import.bead").nth(1)).collect();
    assert!(told[0].contains("by=Joan") && told[0].ends_with("status=open"), "{log}");
    assert!(told[1].contains("by=Jim") && told[1].ends_with("status=closed"), "{log}");

    let tip = repo.rev(LEDGER);
    repo.git("bead import --history .beads/issues.jsonl").ok();
    repo.git("bead import .beads/issues.jsonl").ok();
    assert_eq!(repo.rev(LEDGER), tip);
    other.git("bead import --repo ../api --history .beads/issues.jsonl").ok();
    let export = |place: &Place<'_>| place.git("bead export").ok().out;
    assert_eq!(export(&other), export(&repo));
    other.git("bead import --history no/such.jsonl").fails(1).says(&["no commit here", "hint: "]);
}

#[test]
fn tickets_come_in() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let ticket = |status: &str| {
        format!(
            "---\nid: nw-5c46\nstatus: {status}\ndeps: [nw-1]\nlinks: []\n\
             created: 2025-11-02T21:58:07Z\ntype: bug\npriority: 1\ntags: [ui]\n---\n\
             # Draw the map\n\nAll of it.\n\n## Design\n\nwith a pen\n"
        )
    };
    repo.write(".tickets/nw-5c46.md", ticket("open"));
    repo.write(".tickets/none.md", "# no head\n");
    let ran = repo.git("bead import --from ticket .tickets").fails(3);
    assert_eq!(
        ran.out,
        "Imported 1 new, 0 changed, 0 unchanged\n  none.md:1 has no head between `---` lines\n1 not read\n"
    );
    let is = repo.json("bead show --json nw-5c46")[0].clone();
    let told = ["title", "description", "design", "issue_type"].map(|name| is[name].clone());
    assert_eq!(told, ["Draw the map", "All of it.", "with a pen", "bug"].map(Value::from));
    let tip = repo.rev(LEDGER);
    repo.sh("rm .tickets/none.md; touch -d 2999-01-01 .tickets/*").ok();
    repo.git("bead import --from ticket .tickets").ok();
    assert_eq!(repo.rev(LEDGER), tip, "a file that was only touched says nothing new");
    repo.write(".tickets/nw-5c46.md", ticket("closed"));
    repo.sh("touch -d 2999-01-02 .tickets/*").ok();
    repo.git("bead import --from ticket .tickets").ok();
    assert_eq!(repo.json("bead show --json nw-5c46")[0]["status"], "closed");
    repo.git("bead import --from ticket src").fails(128).says(&["is no directory of tickets"]);
}

#[test]
fn issues_of_a_host_come_in() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let issue = json!({"number": 7, "title": "Draw the map", "body": "All of it", "state": "CLOSED",
        "stateReason": "COMPLETED", "labels": [{"id": "1", "name": "bug"}], "author": {"login": "ann"},
        "assignees": [{"login": "joan"}], "createdAt": "2025-11-01T00:00:00Z",
        "updatedAt": "2025-11-02T00:00:00Z", "closedAt": "2025-11-02T00:00:00Z", "url": "https://x/7",
        "comments": [{"id": "IC_1", "author": {"login": "jim"}, "body": "seen",
                      "createdAt": "2025-11-02T00:00:00Z"}]});
    repo.write("issues.json", json!([issue, {"title": "no number"}]).to_string());
    let ran = repo.git("bead import --from github issues.json").fails(3);
    assert!(ran.out.contains("issues.json:2 has no number"), "{ran}");
    let is = repo.json("bead show --json gh-7")[0].clone();
    let told = ["status", "issue_type", "assignee", "created_by", "close_reason", "url"];
    let told = told.map(|name| is[name].clone());
    assert_eq!(told, ["closed", "bug", "joan", "ann", "completed", "https://x/7"].map(Value::from));
    assert_eq!((&is["comments"][0]["author"], &is["labels"]), (&json!("jim"), &json!(["bug"])));
    repo.write("issues.json", "{}");
    repo.git("bead import --from github issues.json").fails(129).says(&["gh issue list"]);
}

/// The file follows the ledger, and nobody takes it for something new.
#[test]
fn a_copy_for_viewers_is_kept_up_and_never_comes_back_in() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    let path = repo.dir.join(".beads/issues.jsonl");
    let text = || fs::read_to_string(&path).unwrap_or_default();
    let mut watching = repo.start(["git-bead", "export", "--watch", ".beads/issues.jsonl"]);
    repo.wait("the first is there", "cat .beads/*", || text().contains("Draw the map"));
    repo.bead("Walk the land");
    repo.wait("the second is there", "cat .beads/*", || text().contains("Walk the land"));
    watching.kill();
    watching.end().fails(137);
    assert_eq!(text().lines().count(), 3);
    let ran = repo.git("bead import .beads/issues.jsonl").fails(3);
    ran.says(&["issues.jsonl is a copy of this ledger", "hint: "]);
}

#[test]
fn a_history_is_read_from_anywhere_in_the_work_tree() {
    let world = Sandbox::new();
    let (repo, other) = (world.repo("api"), world.repo("other"));
    let record = |title: &str, day: u8| {
        format!(
            r#"{{"id":"b-1","title":"{title}","created_at":"2025-11-01T00:00:00Z","updated_at":"2025-11-0{day}T00:00:00Z"}}"#
        )
    };
    for (title, day) in [("one", 2), ("other", 3)] {
        repo.write(".beads/issues.jsonl", record(title, day));
        repo.git("add .beads").ok();
        repo.git(&format!("commit -q -m {title}")).ok();
    }
    for words in [
        "-C .beads bead import --dry-run --history issues.jsonl",
        "-C .beads bead import --dry-run --history ../.beads/issues.jsonl",
        "bead import --dry-run --history .beads/issues.jsonl",
    ] {
        assert_eq!(
            repo.git(words).ok().out,
            "Would import 1 new, 1 changed, 0 unchanged\n",
            "{words}"
        );
    }
    let far = other.git("bead import --history issues.jsonl --repo ../api/.beads").ok();
    assert_eq!(far.out, "Imported 1 new, 1 changed, 0 unchanged\n");
}
