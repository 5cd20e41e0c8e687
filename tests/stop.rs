//! The end of sessions before their time: by a person's word, by the death or the silence of who
//! looks after them.

use crate::sling::{copied, reachable, shop, sling, text};

#[test]
fn a_runner_that_does_not_answer_is_ended_with_its_session() {
    let world = shop("echo here >file; touch started; sleep 1000");
    let repo = world.repo("api");
    let slung = sling(&repo, &["Hang on"]);
    let tree = text(&slung, "worktree");
    repo.wait("it is at work", "git sling ps", || repo.at(&tree).has("started"));
    let keeper = format!("head -1 .git/shopfloor/live/{}", text(&slung, "session"));
    repo.sh(&format!("kill -STOP $({keeper})")).ok();
    let said = repo.git("sling stop toast").ok().out;
    assert!(said.starts_with("Stopped toast"), "{said}");
    let told = repo.json("bead log --json");
    let ended = told.as_array().unwrap().iter().find(|line| line["do"] == "agent.ended").unwrap();
    assert_eq!(ended["with"]["outcome"], "stopped");
    assert_eq!(ended["with"]["asked"], "Jane Doe");
    assert!(reachable(&repo, "here\n"));
    assert_eq!(repo.git("sling ps").ok().out, "nobody is at work\n");
}

#[test]
fn sessions_of_another_clone_keep_nobody_here() {
    let world = shop("sleep 1000");
    let repo = world.repo("api");
    repo.git("bead init --yes").ok();
    let slung = sling(&repo, &["Stay here"]);
    let copy = copied(&repo, &text(&slung, "session"));
    repo.git("bead deinit").fails(3).says(&["sessions are running: toast"]);
    copy.git("bead deinit").ok();
    repo.git("sling stop toast").ok();
}

#[test]
fn a_session_whose_runner_fails_on_the_way_was_started() {
    let world = shop("touch started; sleep 1000");
    let repo = world.repo("api");
    let tree = text(&sling(&repo, &["Lose the desk"]), "worktree");
    repo.wait("it is at work", "git sling ps", || repo.at(&tree).has("started"));
    // Nobody can answer for it any more, and its runner notices.
    repo.sh("rm -r .git/shopfloor/live && touch .git/shopfloor/live").ok();
    let ended = || {
        let told = repo.json("bead log --json");
        told.as_array().unwrap().iter().find(|line| line["do"] == "agent.ended").cloned()
    };
    repo.wait("it has ended", "git bead log", || ended().is_some());
    assert_eq!(ended().unwrap()["with"]["outcome"], "lost");
}

#[test]
fn stop_ends_all_sessions_and_keeps_their_work() {
    let world = shop("echo $SHOPFLOOR_AGENT >file; touch started; sleep 1000");
    let repo = world.repo("api");
    for title in ["First task", "Second task", "Third task"] {
        let tree = text(&sling(&repo, &[title]), "worktree");
        repo.wait("it is at work", "git sling ps", || repo.at(&tree).has("started"));
    }
    let agents = |rows: serde_json::Value| {
        let rows = rows.as_array().unwrap().clone();
        rows.iter().map(|row| text(row, "agent")).collect::<Vec<_>>()
    };
    assert_eq!(agents(repo.json("sling ps --json")), ["toast", "toast-2", "toast-3"]);
    let stopped = repo.json("sling stop --all --json");
    assert_eq!(stopped.as_array().unwrap().len(), 3);
    assert_eq!(repo.git("sling ps").ok().out, "nobody is at work\n");
    for agent in ["toast", "toast-2", "toast-3"] {
        assert!(reachable(&repo, &format!("{agent}\n")), "{agent}");
    }
    repo.git("sling stop --all").fails(1).says(&["nothing to stop"]);
    assert_eq!(repo.json("bead ready --json").as_array().unwrap().len(), 3);
}
