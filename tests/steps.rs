//! A no comes with a next step, also where nothing is wrong but the world.

use crate::sling::{copied, shop, sling, text};
use crate::support::Sandbox;

#[test]
fn who_has_an_empty_name_is_told_how_to_get_one() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    for empty in ["user.name", "user.email"] {
        repo.run(["git", "config", empty, ""]).ok();
        repo.run(["git", "bead", "create", "Walk the land"])
            .fails(128)
            .says(&["git does not know who you are", "hint: git config --global user.name"]);
        for reads in ["bead list", "bead ready", "refinery status", "convoy status", "sling ps"] {
            let ran = repo.git(reads);
            assert!(ran.code <= 1 && !ran.err.contains("fatal"), "{ran}");
        }
        repo.git(&format!("config --unset {empty}")).ok();
    }
}

#[test]
fn a_clone_without_a_ledger_is_told_where_one_may_be() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let empty = world.clone_of(&hub, "empty");
    empty.git("refinery audit").fails(1).says(&[
        "nothing to audit: nothing was ever queued for main",
        "hint: what was queued in other clones comes with `git bead sync`",
    ]);
    let repo = world.repo("api");
    repo.git("refinery audit").fails(1).says(&["hint: its evidence begins with the first change"]);
    repo.git("remote add origin ../hub.git").ok();
    repo.git("push --quiet origin main").ok();
    repo.bead("Draw the map");
    assert_eq!(repo.git("bead list --status closed").fails(1).err, "no such beads\n");
    repo.git("bead sync").ok();
    let clone = world.clone_of(&hub, "clone");
    let hint = "hint: what was written down elsewhere comes with `git bead sync`\n";
    assert_eq!(clone.git("bead list").fails(1).err, format!("no such beads\n{hint}"));
    assert_eq!(clone.git("bead ready").fails(1).err, format!("nothing is ready\n{hint}"));
    assert_eq!(clone.git("bead list --json").fails(1).err, "");
    clone.git("bead sync").ok();
    assert!(clone.git("bead list").ok().out.contains("Draw the map"));
}

#[test]
fn a_task_whose_session_cannot_start_is_named() {
    let world = shop("exit 0");
    let repo = world.repo("api");
    let place = world.place("api.worktrees/toast");
    place.write("mine", "somebody's\n");
    let ran = repo.run(["git", "sling", "Draw the map"]).fails(3);
    let id = repo.json("bead list --json")[0]["id"].as_str().unwrap().to_owned();
    let short = &id[..8];
    ran.says(&[
        "is in the way",
        &format!(
            "hint: the task is written down as {short} and free: `git sling {short}` tries again"
        ),
    ]);
    place.sh("rm mine").ok();
    repo.git(&format!("sling {short}")).ok();
}

#[test]
fn after_the_wait_the_session_is_over() {
    let world = shop(
        "echo hello >hello; git add .; git commit --quiet -m Greet; git push --quiet origin HEAD:main\n\
         until git bead show \"$SHOPFLOOR_BEAD\" --json | grep -q '\"closed\"'; do :; done",
    );
    let repo = world.repo("api");
    repo.git("bead init --yes").ok();
    repo.run(["git", "sling", "Greet the floor", "--wait"]).ok();
    repo.git("bead deinit").ok();
}

#[test]
fn a_session_that_is_gone_with_its_machine_is_ended_by_a_persons_word() {
    let world = shop("touch started; sleep 1000");
    let repo = world.repo("api");
    let slung = sling(&repo, &["Stay away"]);
    let session = text(&slung, "session");
    let tree = repo.at(text(&slung, "worktree"));
    repo.wait("it is at work", "git sling ps", || tree.has("started"));
    let copy = copied(&repo, &session);
    let lost = format!("sling stop {session} --lost");
    repo.git(&lost).fails(3).says(&["was started here", &format!("git sling stop {session}")]);
    copy.git("sling stop toast")
        .fails(3)
        .says(&["another clone", &format!("hint: if that is gone for good: git {lost}")]);
    copy.run(["env", "SHOPFLOOR_AGENT=bread", "git", "sling", "stop", "toast", "--lost"])
        .fails(3)
        .says(&["only a person"]);
    copy.git(&lost).ok();
    let told = copy.json("bead log --json");
    let ended = told.as_array().unwrap().iter().find(|line| line["do"] == "agent.ended").unwrap();
    assert_eq!(
        (&ended["with"]["outcome"], &ended["with"]["asked"]),
        (&"lost".into(), &"Jane Doe".into())
    );
    assert!(copy.json("bead ready --json")[0]["title"] == "Stay away");
    assert_eq!(copy.git("sling ps").ok().out, "nobody is at work\n");
    assert!(tree.has("started"), "nothing that is not ours was touched");
    // Were it alive after all, what it submits would be stale.
    let again = sling(&copy, &[&text(&slung, "bead"), "toast-2"]);
    assert_eq!((&slung["epoch"], &again["epoch"]), (&1.into(), &2.into()));
    copy.git("sling stop --all").ok();
    repo.git("sling stop toast").ok();
}
