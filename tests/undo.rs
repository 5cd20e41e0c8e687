//! Every mistake taken back: by new lines, only where all stands as it was left, and never another's.

use serde_json::{Value, json};

use crate::claims::floor;
use crate::support::{Place, Sandbox};
use crate::sync::clones;

/// What changes with every line, whatever it says.
const ALWAYS: [&str; 9] = [
    "updated_at",
    "updated_by",
    "epoch",
    "started_at",
    "deleted_at",
    "deleted_by",
    "delete_reason",
    "trail",
    "dependents",
];

/// A bead as it stands, without the names and times of the lines that made it so.
fn picture(repo: &Place<'_>, id: &str) -> Value {
    let mut shown = repo.json(&format!("bead show {id} --json"))[0].take();
    for name in ALWAYS {
        shown.as_object_mut().unwrap().remove(name);
    }
    for (list, facts) in
        [("comments", ["text", "author"]), ("dependencies", ["id", "dependency_type"])]
    {
        let all = shown[list].as_array().cloned().unwrap_or_default();
        shown[list] = all.iter().map(|it| facts.map(|name| it[name].clone()).to_vec()).collect();
    }
    let mut edges = shown["dependencies"].as_array().cloned().unwrap_or_default();
    edges.sort_by_key(ToString::to_string);
    shown["dependencies"] = edges.into();
    let mut labels = shown["labels"].as_array().cloned().unwrap_or_default();
    labels.sort_by_key(ToString::to_string);
    shown["labels"] = labels.into();
    shown
}

const EVERYTHING: &str = "update ID --title New -p 0 -d more --append-notes x --set-metadata a=1 \
    --unset-metadata old --add-label c --remove-label a --parent EPIC -e 5 --set pinned=true \
    --set owner=joan --due 2027-01-01 -a joe -s blocked --spec-id y --external-ref z -t bug";

/// What is done to a bead, before and then; and whether it can be done again by undoing the undoing.
const DONE: [(&str, &str, bool); 13] = [
    ("", EVERYTHING, true),
    ("", "update ID --set-labels=", true),
    ("", "update ID -d=", true),
    ("", "dep add ID OTHER", true),
    ("dep add ID OTHER -t related", "dep remove ID OTHER", true),
    ("update ID --parent OTHER", "update ID --parent EPIC", true),
    ("comment ID first", "comment ID second", true),
    ("", "update ID --claim", true),
    ("update ID --claim", "update ID --status open", true),
    ("", "delete ID --reason twice", true),
    ("delete ID", "reopen ID", true),
    ("", "close ID --reason done", false),
    ("update ID --claim", "close ID --reason done", false),
];

#[test]
fn what_was_done_last_is_taken_back_and_done_again() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (other, epic) = (repo.bead("Other"), repo.bead("Epic"));
    for (first, then, again) in DONE {
        let made = "bead create Draw -d story --notes n -l a,b --set-metadata old=1 -e 3 --silent";
        let id = repo.git(made).ok().line();
        let call = |words: &str| {
            let words = words.replace("ID", &id).replace("OTHER", &other).replace("EPIC", &epic);
            repo.git(&format!("bead {words}")).ok();
        };
        if !first.is_empty() {
            call(first);
        }
        let before = picture(&repo, &id);
        call(then);
        let after = picture(&repo, &id);
        assert_ne!(before, after, "{then}");
        let tip = repo.rev("refs/shopfloor/ledger");
        repo.git("bead undo --dry-run").ok();
        assert_eq!(repo.rev("refs/shopfloor/ledger"), tip, "looking at it writes nothing");
        repo.git("bead undo").ok();
        assert_eq!(picture(&repo, &id), before, "{then}, taken back");
        if again {
            repo.git("bead undo").ok();
            assert_eq!(picture(&repo, &id), after, "{then}, done again");
        } else {
            repo.git("bead undo").fails(3).says(&["closing has a verb of its own"]);
        }
    }
}

#[test]
fn what_was_changed_since_is_not_written_over_and_nothing_of_others_is_taken_back() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("Draw");
    let toast = "SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead";
    let show = |field: &str| repo.json(&format!("bead show {id} --json"))[0][field].clone();
    repo.git(&format!("bead update {id} -p 0 --title Mine")).ok();
    repo.sh(&format!("{toast} update {id} --title Theirs")).ok();
    let no = repo.git("bead undo").fails(3);
    assert!(no.err.starts_with("error: title of api-"), "{no}");
    no.says(&["was changed by toast at", "after you", "git bead log"]);
    assert_eq!((show("title"), show("priority")), (json!("Theirs"), json!(0)), "all or nothing");
    repo.git(&format!("bead update {id} --add-label mine")).ok();
    repo.sh(&format!("{toast} comment {id} 'from me'")).ok();
    repo.git("bead undo").ok();
    assert_eq!(
        (show("labels"), show("comment_count")),
        (Value::Null, json!(1)),
        "mine, not theirs"
    );
    repo.sh(&format!("{toast} undo")).ok();
    assert_eq!(show("comment_count"), 0);
    repo.sh("SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s2 git bead undo")
        .fails(1)
        .says(&["has done nothing"]);
    let made = repo.bead("Walk");
    repo.sh(&format!("{toast} comment {made} seen")).ok();
    repo.git("bead undo").fails(3).says(&["was changed by toast at", "after you made it"]);
}

#[test]
fn a_claim_that_somebody_else_has_taken_up_is_not_touched() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("Draw");
    repo.git(&format!("bead update {id} --status blocked")).ok();
    repo.git(&format!("bead update {id} --status open")).ok();
    let toast = "SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead";
    repo.sh(&format!("{toast} update {id} --claim")).ok();
    repo.git("bead undo").fails(3).says(&["was changed by toast"]);
    assert_eq!(repo.json(&format!("bead show {id} --json"))[0]["assignee"], "toast");
    repo.git(&format!("bead update {id} --status open")).ok();
    repo.git("bead undo").fails(3).says(&["made again by who wants it"]);
}

#[test]
fn a_file_of_beads_is_one_operation() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let kept = repo.bead("Kept");
    let records: String =
        (0..300).map(|n| format!("{{\"title\": \"bead {n}\", \"key\": \"k{n}\"}}\n")).collect();
    repo.write("plan.jsonl", records);
    repo.git("bead create --file plan.jsonl").ok();
    let count = || repo.json("bead count --json")["count"].clone();
    assert_eq!(count(), 301);
    let undone = repo.json("bead undo --json");
    assert_eq!((undone["undone"].as_array().unwrap().len(), count()), (300, json!(1)));
    assert_eq!(repo.json("bead list --json")[0]["id"], json!(kept));
    repo.git("bead undo").ok();
    assert_eq!(count(), 301);
    repo.git("bead verify").ok();
}

/// A text that is too long for its line comes back as it was.
#[test]
fn a_long_text_comes_back() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("Draw");
    let long = "Every line of the coast. ".repeat(9000);
    repo.write("long", &long);
    repo.git(&format!("bead update {id} --body-file long")).ok();
    repo.git(&format!("bead update {id} -d short")).ok();
    repo.git("bead undo").ok();
    assert_eq!(repo.json(&format!("bead show {id} --json"))[0]["description"], long);
}

/// Clocks of two clones run side by side, so the lines of two operations may alternate.
#[test]
fn what_another_clone_wrote_between_our_lines_is_not_taken_back() {
    let world = Sandbox::new();
    let (_hub, [jane, kim], made) = floor(&world, ["jane", "kim"], 1);
    let id = &made[0];
    let sync = || [&jane, &kim, &jane].map(|place| place.git("bead sync").ok());
    let before = picture(&jane, id);
    kim.git(&format!("bead update {id} --notes kims --add-label kim --set-metadata k=1")).ok();
    jane.git(&format!("bead update {id} -p 0 --add-label j --set-metadata j=1")).ok();
    sync();
    jane.git("bead undo").ok();
    sync();
    for place in [&jane, &kim] {
        let left = picture(place, id);
        assert_eq!((&left["labels"], &left["notes"]), (&json!(["kim"]), &json!("kims")), "{left}");
        assert_eq!(left["metadata"], json!({"k": 1}), "{left}");
    }
    kim.git("bead undo").ok();
    sync();
    assert_eq!((picture(&jane, id), picture(&kim, id)), (before.clone(), before));
}

/// Who wrote it did not know that it was deleted, and was told that it is kept.
#[test]
fn what_was_changed_where_a_deletion_was_not_known_is_there_once_it_is_open_again() {
    let world = Sandbox::new();
    let (_hub, [jane, kim], made) = floor(&world, ["jane", "kim"], 2);
    let (id, other) = (&made[0], &made[1]);
    kim.git(&format!("bead delete {id}")).ok();
    jane.git(&format!("bead update {id} -d important --add-label l")).ok();
    jane.git(&format!("bead dep add {id} {other}")).ok();
    let sync = || [&jane, &kim, &jane].map(|place| place.git("bead sync").ok());
    sync();
    assert_eq!(picture(&jane, id)["status"], "tombstone");
    kim.git("bead undo").ok();
    sync();
    for place in [&jane, &kim] {
        let back = picture(place, id);
        assert_eq!((&back["status"], &back["description"]), (&json!("open"), &json!("important")));
        assert_eq!(back["labels"], json!(["l"]));
        assert_eq!(back["dependencies"], json!([[other, "blocks"]]));
    }
}

#[test]
fn what_was_remembered_or_forgotten_last_is_taken_back_and_no_command_before_it() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("Draw");
    let recall = || repo.git("bead recall k").out;
    let undo = || drop(repo.git("bead undo").ok());
    repo.git(&format!("bead update {id} -d story")).ok();
    repo.git("bead remember one --key k").ok();
    undo();
    repo.git("bead recall k").fails(1);
    undo();
    assert_eq!(recall(), "one\n");
    repo.git("bead remember two --key k").ok();
    undo();
    assert_eq!(recall(), "one\n");
    repo.git("bead forget k").ok();
    undo();
    assert_eq!(recall(), "one\n");
    repo.sh("SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead remember three --key k").ok();
    repo.git("bead undo").fails(3).says(&["`k` was changed by toast at", "after you"]);
    assert_eq!(repo.json(&format!("bead show {id} --json"))[0]["description"], "story");
    repo.write("beads.jsonl", "{\"_type\":\"memory\",\"key\":\"t\",\"value\":\"told\"}\n");
    repo.git("bead import beads.jsonl").ok();
    repo.git("bead undo").fails(3).says(&["is not taken back"]);
    repo.git("bead remember ours --key t").ok();
    undo();
    assert_eq!(repo.git("bead recall t").out, "told\n");
}

#[test]
fn what_was_told_in_short_is_told_whole_again() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let text = "A sentence that goes on and says the same again. ".repeat(20);
    let id = repo.run(["git", "bead", "create", "Draw", "--silent", "-d", &text]).ok().line();
    repo.git(&format!("bead close {id} -r done")).ok();
    repo.git(&format!("bead compact {id}")).ok();
    let digest = || repo.json(&format!("bead show {id} --json"))[0]["digest"].clone();
    let short = digest();
    assert_ne!(short, Value::Null);
    repo.git("bead undo").ok();
    assert_eq!(digest(), Value::Null);
    repo.git("bead undo").ok();
    assert_eq!(digest(), short);
}

/// Who undoes a close goes on with the work, under a claim that no earlier one counts against.
#[test]
fn a_claim_that_a_close_has_ended_is_given_back_to_its_holder_alone() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (id, other) = (repo.bead("Draw"), repo.bead("Walk"));
    let toast = |epoch: u64, words: &str| {
        let who = "SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1";
        repo.sh(&format!("{who} SHOPFLOOR_EPOCH={epoch} git bead {words}"))
    };
    toast(1, &format!("update {id} --claim")).ok();
    toast(1, &format!("close {id} -r done")).ok();
    toast(1, "undo").ok().says(&["SHOPFLOOR_EPOCH=2"]);
    let now = picture(&repo, &id);
    assert_eq!((&now["status"], &now["assignee"]), (&json!("in_progress"), &json!("toast")));
    toast(1, &format!("close {id} -r stale")).fails(3).says(&["epoch 1 is stale"]);
    toast(2, &format!("close {id} -r done")).ok();
    repo.sh(&format!("SHOPFLOOR_AGENT=bun SHOPFLOOR_SESSION=s2 git bead update {other} --claim"))
        .ok();
    repo.git(&format!("bead close {other} -r no --on-behalf-of bun")).ok();
    let said = repo.git("bead undo").ok();
    said.says(&["note: nobody holds", &format!("git bead update {} --claim", &other[..8])]);
    let now = picture(&repo, &other);
    assert_eq!((&now["status"], &now["assignee"]), (&json!("open"), &Value::Null));
}

/// Whoever has children of others is not gone without a word.
#[test]
fn an_epic_of_which_others_have_made_parts_is_not_deleted_without_a_word() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let epic = repo.bead("Epic");
    let child = "SHOPFLOOR_AGENT=toast SHOPFLOOR_SESSION=s1 git bead create Part --silent --parent";
    let child = repo.sh(&format!("{child} {epic}")).ok().line();
    let tip = repo.rev("refs/shopfloor/ledger");
    let no = ["has children that stay: ", &child[..8], "--force", "git bead update CHILD --parent"];
    repo.git("bead undo").fails(3).says(&no);
    repo.git(&format!("bead delete {epic}")).fails(3).says(&no);
    assert_eq!(repo.rev("refs/shopfloor/ledger"), tip, "nothing was written");
    repo.git(&format!("bead delete {epic} --force")).ok();
    repo.git("bead undo").ok();
    repo.git(&format!("bead delete {child}")).ok();
    repo.git(&format!("bead delete {epic}")).ok();
    // All of one file goes together.
    repo.write(
        "plan.jsonl",
        "{\"title\":\"a\",\"key\":\"a\"}\n{\"title\":\"b\",\"parent\":\"a\"}\n",
    );
    repo.git("bead create -f plan.jsonl").ok();
    repo.git("bead undo").ok();
    repo.git("bead count").fails(1);
}

#[test]
fn an_edit_that_changes_nothing_writes_nothing_and_is_in_nobodys_way() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("Draw");
    repo.git(&format!("bead update {id} -p 1 --add-label x")).ok();
    repo.git(&format!("bead update {id} -d wrong")).ok();
    let (tip, then) = (repo.rev("refs/shopfloor/ledger"), repo.json("bead list --json"));
    for same in ["-t task", "-p 1", "--add-label x", "--remove-label y", "-d wrong", "--parent="] {
        let said = repo.git(&format!("bead update {id} {same}")).ok();
        assert_eq!(said.out, format!("Nothing changed in {}  Draw\n", &id[..8]), "{same}");
    }
    assert!(repo.git(&format!("bead tag {id} x")).ok().out.starts_with("Nothing changed"));
    repo.write("same.jsonl", format!("{{\"id\":\"{id}\",\"priority\":1}}\n"));
    let said = repo.git("bead update --file same.jsonl").ok().out;
    assert!(said.starts_with("Nothing changed\n"), "{said}");
    assert_eq!(repo.rev("refs/shopfloor/ledger"), tip);
    assert_eq!(repo.json("bead list --json"), then, "nor is it newer");
    repo.git(&format!("bead update {id}")).fails(129).says(&["nothing to change"]);
    repo.git("bead undo").ok();
    assert_eq!(repo.json(&format!("bead show {id} --json"))[0]["description"], Value::Null);
}

/// As earlier versions wrote it, and as two clones still do when both say the same.
#[test]
fn undo_steps_over_what_had_no_effect() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    let id = one.bead("Draw");
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    let urge = format!("bead update {id} -p 0");
    one.git(&urge).ok();
    two.git(&urge).ok();
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    one.git("bead undo").ok();
    assert_eq!(picture(&one, &id)["priority"], json!(2));
}
