//! `git sling --wait`: from the sling to the verdict, by agents that commit and push like anybody.

use crate::sling::{shop, text};

/// The gate wants every file to be in order; the agent puts that right when it is told.
const PICKY: &str = "[gates.order]\ncommand = 'test -e work || exit 0; grep DISORDER work || exit 0; echo work:1: error: disorder; exit 1'\n";

#[test]
fn what_was_rejected_is_slung_again_with_the_reason_and_lands() {
    let world = shop(
        "case $1 in *rejected*) echo order >work ;; *) echo DISORDER >work ;; esac\n\
         git add work && git commit -qm 'Do the work' && git push -q origin HEAD:main",
    );
    let repo = world.repo("api");
    repo.commit("shopfloor.toml", PICKY, "policy").ok();
    repo.git("bead trust --yes").ok();
    let bead = repo.bead("Put things in order");
    let no = repo.run(["git", "sling", &bead, "--wait", "--json"]).fails(3).json();
    assert_eq!(
        (&no["outcome"], &no["rejection"]["gate"]["name"]),
        (&"rejected".into(), &"order".into())
    );
    assert_eq!(no["rejection"]["error"], "order failed (exit 1): work:1: error: disorder");
    assert_eq!(repo.json("bead ready --json")[0]["id"], bead);
    let yes = repo.run(["git", "sling", &bead, "--wait"]).ok().out;
    assert!(
        yes.starts_with("Landed api-") && yes.contains("Put things in order  (main#2 "),
        "{yes}"
    );
    assert_eq!(repo.git("show main:work").ok().out, "order\n");
    assert_eq!(repo.git("status --porcelain").ok().out, "");
    let authors = repo
        .run(["git", "log", "--no-merges", "--format=%an <%ae>", "main", "--", "work"])
        .ok()
        .out;
    assert_eq!(authors, "toast <jane@example.org>\n".repeat(2));
    repo.git("refinery audit").ok();
}

#[test]
fn wait_for_the_queue_ends_when_it_is_queued() {
    let world = shop(
        "echo x >work; git add work && git commit -qm 'Do it' && git push -q origin HEAD:main",
    );
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    let said = repo.run(["git", "sling", "Just queue it", "--wait=queued"]).ok().out;
    assert!(said.starts_with("Queued api-") && said.contains("(main#1)"), "{said}");
    let bead = text(&repo.json("bead list --json")[0], "id");
    repo.wait("its session is over", "git sling ps", || {
        repo.git("sling ps").ok().out == "nobody is at work\n"
    });
    repo.run(["git", "sling", &bead]).fails(3).says(&["is in the queue already, as main#1"]);
    repo.git("refinery run --drain").ok();
    repo.run(["git", "sling", &bead]).fails(3).says(&["is closed"]);
}

#[test]
fn who_waits_is_told_that_nobody_can_land_it() {
    let world = shop(
        "echo x >work; git add work && git commit -qm 'Do it' && git push -q origin HEAD:main",
    );
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    let off = "shopfloor.autorun is off: `git refinery run` lands what is queued";
    repo.run(["git", "sling", "Nobody is to land this", "--wait"]).fails(75).says(&[off]);
    repo.git("refinery wait 1").fails(75).says(&[off]);
    repo.commit("shopfloor.toml", "[gates.test]\ncommand = 'true'\n", "policy").ok();
    repo.git("config --unset shopfloor.autorun").ok();
    let no = repo.run(["git", "sling", "And nothing is trusted", "--wait"]).fails(3);
    no.says(&["is not trusted", "git bead trust"]);
}
