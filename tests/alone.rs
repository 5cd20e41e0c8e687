//! One of the four commands and no other: it does its own work, and says what it left undone.

use crate::support::{Place, Sandbox};

#[test]
fn git_bead_alone() {
    let world = Sandbox::with(&["git-bead"]);
    let repo = world.repo("api");
    let [map, walk] = ["Draw the map", "Walk the land"].map(|title| repo.bead(title));
    repo.run(["git", "bead", "dep", "add", &walk, &map]).ok();
    assert_eq!(repo.json("bead ready --claim --json")["id"], map.as_str());
    repo.run(["git", "bead", "close", &map, "--reason", "drawn"]).ok();
    assert_eq!(repo.json("bead ready --json")[0]["id"], walk.as_str());
    let before = repo.sh("cat .git/config; ls .git/hooks").ok().out;
    repo.git("bead init --yes").ok();
    let side = elsewhere(&repo);
    // On a branch of one's own nothing is missing; on main it is said, and the commit stands.
    assert_eq!(side.commit("one", "one", "One").ok().err, "");
    side.git("push ../api HEAD:main")
        .fails(1)
        .says(&["shopfloor: git-refinery is not on PATH here, so nothing was taken"]);
    let past = "shopfloor: git-refinery is not on PATH, so this goes past the merge queue\n";
    assert_eq!(repo.commit("two", "two", "Two").ok().err, past);
    assert_eq!(repo.git("status --porcelain").ok().out, "");
    repo.git("bead deinit --yes").ok();
    assert_eq!(repo.sh("cat .git/config; ls .git/hooks").ok().out, before);
}

#[test]
fn git_sling_alone() {
    let world = Sandbox::with(&["git-sling"]);
    world.person(
        "[agents.builder]\ncommand = [\"sh\", \"-c\", \
         \"echo hi >hi; git add hi; git commit -qm Hi; git push -q origin HEAD:main\"]\n",
    );
    let repo = world.repo("api");
    let slung = repo.run(["git", "sling", "Say hi", "builder"]).ok();
    assert_eq!(
        slung.err,
        "note: git-bead is not on PATH: its commits get no trailers, and without them nothing of it lands\n\
         note: git-refinery is not on PATH: what it pushes is not queued\n"
    );
    repo.wait("the session is over", "git sling ps --all", || {
        repo.json("sling ps --json").as_array().unwrap().is_empty()
    });
    let logs = repo.git("sling logs builder").ok().out;
    assert!(
        logs.contains("shopfloor: git-bead is not on PATH, so this commit gets no trailers"),
        "{logs}"
    );
    assert!(
        logs.contains("shopfloor: git-refinery is not on PATH here, so nothing was taken"),
        "{logs}"
    );
    assert_eq!(repo.sh("git log --all --format=%s -- hi").ok().out, "Hi\n", "its work is lost");
    repo.git("sling rm builder").ok();
    assert_eq!(repo.sh("git log --all --format=%s -- hi").ok().out, "Hi\n", "its work is lost");
}

#[test]
fn git_convoy_alone() {
    let world = Sandbox::with(&["git-convoy"]);
    let repo = world.repo("api");
    let made = repo.run(["git", "convoy", "create", "Everything", "--json"]).ok().json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(repo.json("convoy list --json")[0]["id"], id);
    assert_eq!(repo.json(&format!("convoy status {id} --json"))[0]["title"], "Everything");
    repo.run(["git", "convoy", "add", id, "api-7f3k"]).fails(1);
}

#[test]
fn git_refinery_alone() {
    let world = Sandbox::with(&["git-refinery"]);
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    let side = elsewhere(&repo);
    side.commit("one", "one", "One").ok();
    side.git("refinery submit").ok();
    repo.git("refinery run --drain").ok();
    assert_eq!(repo.json("refinery show 1 --json")["state"], "landed");
    assert_eq!(repo.git("log -1 --format=%s main -- one").ok().line(), "One");
    repo.git("refinery audit").ok();
    // Only git-bead takes a person's yes to the commands of a shopfloor.toml: the queue says so and waits.
    repo.commit("shopfloor.toml", "[gates.test]\ncommand = \"test -f README.md\"\n", "Gate").ok();
    side.commit("two", "two", "Two").ok();
    side.git("refinery submit").ok();
    repo.git("refinery run --drain").fails(3).says(&["test -f README.md", "git bead trust"]);
    assert_eq!(repo.json("refinery show 2 --json")["state"], "waiting");
}

fn elsewhere<'w>(repo: &Place<'w>) -> Place<'w> {
    repo.git("worktree add -q ../side -b topic").ok();
    repo.at("../side")
}
