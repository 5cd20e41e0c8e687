//! Landings that go to a remote: the push with a lease is the compare-and-swap, and the local
//! branch follows.

use crate::refinery::{drain, submit, tree};
use crate::support::{Place, Sandbox};

/// A hub, somebody's clone of it that publishes to it, and a clone of somebody else.
pub(crate) fn shop(world: &Sandbox) -> [Place<'_>; 3] {
    let hub = world.bare("hub.git");
    let seed = world.repo("seed");
    seed.commit("text", "one\n", "A text").ok();
    seed.git("push --quiet ../hub.git main").ok();
    let (repo, other) = (world.clone_of(&hub, "shop"), world.clone_of(&hub, "other"));
    repo.git("config shopfloor.autorun false").ok();
    repo.git("config shopfloor.publish origin").ok();
    [hub, repo, other]
}

pub(crate) fn subjects(place: &Place<'_>) -> Vec<String> {
    let log = place.git("log --first-parent --format=%s main").ok();
    log.out.lines().map(str::to_owned).collect()
}

#[test]
fn the_remote_moves_first_and_the_branch_follows() {
    let world = Sandbox::new();
    let [hub, repo, _] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    assert_eq!(drain(&repo)[0]["outcome"], "landed");
    assert_eq!(subjects(&hub), ["Add new", "A text", "first light"]);
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main...origin/main");
    repo.git("refinery audit").ok();
}

#[test]
fn who_pushes_past_us_is_followed_and_named() {
    let world = Sandbox::new();
    let [hub, repo, other] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    other.commit("text", "two\n", "From elsewhere").ok();
    other.git("push --quiet origin main").ok();
    let steps = drain(&repo);
    assert_eq!([&steps[0]["outcome"], &steps[1]["outcome"]], ["foreign", "landed"]);
    let landed = ["Land main#1: Add new", "From elsewhere", "A text", "first light"];
    assert_eq!(subjects(&hub), landed);
    assert_eq!(subjects(&repo), landed);
    assert_eq!(repo.git("status --porcelain").ok().line(), "");
    let audit = repo.git("refinery audit --json").fails(3).json();
    assert_eq!(audit["findings"][0]["subject"], "From elsewhere");
}

#[test]
fn a_crash_between_push_and_branch_is_finished() {
    let world = Sandbox::new();
    let [hub, repo, _] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    repo.write(".git/refs/heads/main.lock", "");
    assert_ne!(repo.git("refinery run --drain").code, 0);
    assert_eq!(subjects(&hub)[0], "Add new");
    assert_eq!(subjects(&repo)[0], "A text");
    std::fs::remove_file(repo.dir.join(".git/refs/heads/main.lock")).unwrap();
    let steps = drain(&repo);
    assert_eq!(steps[0]["outcome"], "landed");
    assert_eq!(steps.as_array().unwrap().len(), 1, "nothing lands twice");
    assert_eq!(subjects(&repo)[0], "Add new");
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main...origin/main");
    repo.git("refinery audit").ok();
}

/// What happens in the shop at the moment when the hub has taken the push.
pub(crate) fn meanwhile(hub: &Place<'_>, what: &str) {
    let away = "unset $(git rev-parse --local-env-vars)";
    hub.script("hooks/post-receive", &format!("#!/bin/sh\n{away}\ncd ../shop && {what}\n"));
}

fn acts(repo: &Place<'_>) -> Vec<String> {
    let told = repo.git("bead log --json").ok().json();
    let acts = told.as_array().unwrap().iter().map(|line| line["do"].as_str().unwrap().to_owned());
    acts.collect()
}

#[test]
fn a_pull_between_push_and_branch_is_the_landing_itself() {
    let world = Sandbox::new();
    let [hub, repo, _] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    meanwhile(&hub, "git pull --quiet --ff-only origin main");
    assert_eq!(drain(&repo)[0]["outcome"], "landed");
    let expected = ["baseline", "queued", "tested", "intent", "landed"];
    assert_eq!(acts(&repo), expected.map(|act| format!("refinery.{act}")));
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main...origin/main");
    repo.git("refinery audit").ok();
}

#[test]
fn what_is_published_is_never_taken_back() {
    let world = Sandbox::new();
    let [hub, repo, _] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    meanwhile(&hub, "git commit --quiet --allow-empty -m 'From here'");
    repo.git("refinery run --drain").fails(3).says(&["have gone different ways"]);
    assert_eq!([&subjects(&hub)[0], &subjects(&repo)[0]], ["Add new", "From here"]);
    assert_eq!(
        repo.git("status --porcelain --branch").ok().line(),
        "## main...origin/main [ahead 1, behind 1]"
    );
    repo.git("reset --quiet --hard origin/main").ok();
    assert_eq!(drain(&repo)[0]["outcome"], "landed");
    let expected = ["baseline", "queued", "tested", "intent", "landed"];
    assert_eq!(acts(&repo), expected.map(|act| format!("refinery.{act}")));
    repo.git("refinery audit").ok();
}

#[test]
fn where_the_branch_did_not_follow_nothing_is_tested() {
    let world = Sandbox::new();
    let [_, repo, other] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    other.commit("text", "two\n", "From elsewhere").ok();
    other.git("push --quiet origin main").ok();
    // The branch moves while the refinery fetches.
    let fetch = "#!/bin/sh\ngit-upload-pack \"$@\"\nunset $(git rev-parse --local-env-vars)\ncd ../shop; git log -1 --format=%s | grep -q 'From here' || git commit --quiet --allow-empty -m 'From here' >&2\n";
    world.place("home").script("fetch", fetch);
    repo.git("config remote.origin.uploadpack ../home/fetch").ok();
    repo.git("refinery run --drain").fails(3).says(&["have gone different ways"]);
    assert_eq!(acts(&repo), ["refinery.baseline", "refinery.queued"]);
}

#[test]
fn nothing_lands_while_the_remote_says_no_and_nothing_is_lost() {
    let world = Sandbox::new();
    let [hub, repo, other] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    hub.script("hooks/pre-receive", "#!/bin/sh\necho 'not on a Sunday' >&2\nexit 1\n");
    repo.git("refinery run --drain").fails(3).says(&["origin refused the push"]);
    let stands = repo.git("refinery status").ok().out;
    assert!(stands.contains("the queue stands: origin refused the push: "), "{stands}");
    repo.git("refinery wait 1 --timeout 1").fails(75).says(&["the queue stands: origin refused"]);
    std::fs::remove_file(hub.dir.join("hooks/pre-receive")).unwrap();
    world.place(".").sh("mv hub.git away.git").ok();
    repo.git("refinery run --drain")
        .fails(75)
        .says(&["main waits for origin: fetch from origin failed: "]);
    repo.git("refinery status")
        .ok()
        .says(&["hint: what waits stays queued\nhint: `git refinery run --drain` tries again\n"]);
    world.place(".").sh("mv away.git hub.git").ok();
    other.commit("text", "two\n", "From elsewhere").ok();
    other.git("push --quiet origin main").ok();
    repo.sh("git commit --quiet --allow-empty -m 'From here'").ok();
    repo.git("refinery run --drain").fails(3).says(&["have gone different ways"]);
    let standing = repo.json("refinery status --json");
    assert_eq!(standing["queue"][0]["entry"], "main#1");
    assert!(standing["stopped"].as_str().unwrap().contains("have gone different ways"));
    repo.git("reset --quiet --hard HEAD~1").ok();
    assert_eq!(drain(&repo)[1]["outcome"], "landed");
    assert!(repo.json("refinery status --json")["stopped"].is_null());
}

#[test]
fn who_watches_tries_again_when_the_remote_is_back() {
    let world = Sandbox::new();
    let [hub, repo, _] = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    world.place(".").sh("mv hub.git away.git").ok();
    let watch = repo.start(["git", "refinery", "run", "--watch"]);
    repo.wait("it stands", "git refinery status", || {
        repo.has(".git/shopfloor/refinery/main.stopped")
    });
    world.place(".").sh("mv away.git hub.git").ok();
    repo.wait("it landed", "git refinery status", || subjects(&hub)[0] == "Add new");
    drop(watch);
}

#[test]
fn a_pass_that_comes_to_nothing_starts_nobody_who_would_start_the_next() {
    let world = Sandbox::new();
    let [_, repo, _] = shop(&world);
    repo.git("bead init --yes").ok();
    let work = tree(&repo, "work", "main");
    work.commit("new", "new\n", "Add new").ok();
    submit(&work);
    let log = repo.dir.join(".git/shopfloor/sync.log");
    std::fs::remove_file(&log).ok();
    world.place(".").sh("mv hub.git away.git").ok();
    repo.git("refinery run --drain").fails(75).says(&["main waits for origin"]);
    assert!(!log.exists(), "a sync was started");
    world.place(".").sh("mv away.git hub.git").ok();
    drain(&repo);
    assert!(log.exists(), "the evidence goes where the landing went");
}
