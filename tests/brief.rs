//! Who pays for every word reads as few as are enough.

use crate::find::floor;
use crate::support::Sandbox;

#[test]
fn a_reader_gets_the_fields_that_were_asked_for_and_no_others() {
    let world = Sandbox::new();
    let repo = floor(&world, "api");
    let fields = |call: &str| {
        let told = repo.json(call);
        told[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    for (call, told) in [
        ("list --brief -a toast --json", "id title status priority issue_type assignee"),
        ("ready --brief --json", "id title status priority issue_type assignee"),
        ("search login --fields labels,matched_in --json", "labels matched_in"),
        ("query priority=3 --fields title,due_at --json", "title"),
        ("blocked --fields blocked_by --json", "blocked_by"),
        (
            "list -t epic --json",
            "id title status priority issue_type owner created_at created_by updated_at updated_by dependency_count dependent_count comment_count",
        ),
    ] {
        assert_eq!(fields(&format!("bead {call}")), told, "{call}");
    }
    let rows = repo.git("bead list -l auth --fields title,labels").ok().out;
    assert_eq!(rows, "Login  [\"auth\",\"ui\"]\nDoor   [\"auth\"]\n");
    let one = repo.git("bead list -t epic --brief -q").fails(129);
    one.says(&["cannot be used with"]);
    repo.git("bead list --fields titel").fails(129).says(&["did you mean `title`?"]);
}
