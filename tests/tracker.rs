//! `git bead` as people and programs read it.

use crate::support::{Sandbox, tell};

#[test]
fn who_did_it_and_what_happened() {
    let world = Sandbox::new();
    tell("tests/stories/tracker.md", &world.repo("api"));
}

/// Git notes the path of our objects in every clone it makes on this machine.
#[test]
fn what_a_purge_leaves_in_a_local_clone_is_told_and_mended() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    world.clone_of(&repo, "copy");
    let copy = world.place("copy");
    copy.git("fsck").ok();
    let ran = repo.git("bead deinit --purge --yes").ok();
    assert_eq!(
        ran.err,
        "hint: a clone made from this directory may complain that `shopfloor-objects` does not exist: \
         delete that line from its .git/objects/info/alternates\n"
    );
    let said = copy.git("status --short").ok().err;
    assert!(said.contains("shopfloor-objects does not exist"), "{said}");
    copy.sh("sed -i '/shopfloor-objects$/d' .git/objects/info/alternates").ok();
    assert_eq!(copy.git("fsck").ok().err, "");
}

/// Where man is not installed, at least the pages are there, and only those that help shows.
#[test]
fn git_help_finds_the_manual() {
    let world = Sandbox::new();
    let place = world.place("anywhere");
    let dir = world.root().join("share/man");
    let said = place.git("bead manual").ok().out;
    assert_eq!(said, format!("The manual is in {}; git help bead opens it\n", dir.display()));
    place.git("bead manual ../not-there-yet").ok();
    assert!(world.root().join("not-there-yet/man7/gitshopfloor.7").is_file());
    let pages = place.sh("ls ../share/man/man1").ok().out;
    for page in ["git-bead.1", "git-bead-dep-add.1", "git-sling-ps.1", "git-refinery-wait.1"] {
        assert!(pages.lines().any(|line| line == page), "{pages}");
    }
    assert!(!pages.contains("hook") && !pages.contains("runner"), "{pages}");
    if place.sh("command -v man").code == 0 {
        let page = place.sh("MANWIDTH=100 git help bead | col -b").ok().out;
        assert!(page.contains("git bead ready --claim --json"), "{page}");
        let page = place.sh("MANWIDTH=100 git help shopfloor | col -b").ok().out;
        assert!(page.contains("Two copies that drift apart"), "{page}");
    }
}
