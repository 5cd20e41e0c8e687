//! A change lands where the target has moved what it edits, and nowhere else.

use crate::refinery::{audited, drain, entry, shop, standing, submit, tree};
use crate::support::{Place, Sandbox};

/// A text long enough to be known again after an edit.
fn text(name: &str) -> String {
    (1..40).map(|n| format!("{name} {n}\n")).collect()
}

fn edited(name: &str) -> String {
    text(name).replace(" 25\n", " twenty-five\n")
}

/// A repository with `src/a.rs` and `lib/{one,two,three}`, and two work trees at the same commit.
fn two<'w>(world: &'w Sandbox) -> (Place<'w>, Place<'w>, Place<'w>) {
    let repo = shop(world);
    for path in ["src/a.rs", "lib/one", "lib/two", "lib/three"] {
        repo.write(path, text(path));
    }
    repo.sh("git add . && git commit --quiet -m Files").ok();
    let (moves, edits) = (tree(&repo, "moves", "main"), tree(&repo, "edits", "main"));
    (repo, moves, edits)
}

/// Lands the move, then whatever the edit comes to; the lines that this changed, by path.
fn land(repo: &Place<'_>, moves: &Place<'_>, edits: &Place<'_>) -> (String, String) {
    submit(moves);
    submit(edits);
    let steps = drain(repo);
    audited(repo);
    let outcome = steps[1]["outcome"].as_str().unwrap().to_owned();
    let changed = repo.git("diff-tree -r --name-status main~1 main").ok().line();
    (outcome, changed)
}

#[test]
fn an_edit_lands_in_the_file_that_main_has_moved_meanwhile() {
    let world = Sandbox::new();
    let (repo, moves, edits) = two(&world);
    moves.sh("git mv src/a.rs src/b.rs && git commit --quiet -m Move").ok();
    edits.commit("src/a.rs", &edited("src/a.rs"), "Edit").ok();
    assert_eq!(land(&repo, &moves, &edits), ("landed".to_owned(), "M\tsrc/b.rs".to_owned()));
    assert_eq!(repo.git("show main:src/b.rs").ok().out, edited("src/a.rs"));
    assert!(!repo.has("src/a.rs"));
}

#[test]
fn an_edit_lands_in_the_directory_that_main_has_moved_meanwhile() {
    let world = Sandbox::new();
    let (repo, moves, edits) = two(&world);
    moves.sh("git mv lib code && sed -i '3s/$/!/' code/two && git commit --quiet -am Move").ok();
    edits.commit("lib/two", &edited("lib/two"), "Edit").ok();
    assert_eq!(land(&repo, &moves, &edits), ("landed".to_owned(), "M\tcode/two".to_owned()));
    let expected = edited("lib/two").replace("lib/two 3\n", "lib/two 3!\n");
    assert_eq!(repo.git("show main:code/two").ok().out, expected);
}

#[test]
fn where_a_new_file_belongs_whose_directory_was_moved_is_for_its_author_to_say() {
    for setting in ["conflict", "true", "false"] {
        let world = Sandbox::new();
        let (repo, moves, edits) = two(&world);
        repo.git(&format!("config merge.directoryRenames {setting}")).ok();
        moves.sh("git mv lib code && git commit --quiet -m Move").ok();
        edits.commit("lib/four", "four\n", "Add four").ok();
        assert_eq!(land(&repo, &moves, &edits).0, "rejected", "{setting}");
        let rejection = entry(&repo, 2)["rejection"].clone();
        assert_eq!(rejection["cause"], "conflict");
        let what = rejection["conflicts"][0]["what"].as_str().unwrap();
        assert!(what.contains("perhaps be moved to code/four"), "{what}");
    }
}

#[test]
fn a_file_that_main_moved_and_the_change_removed_is_a_conflict() {
    let world = Sandbox::new();
    let (repo, moves, edits) = two(&world);
    moves.sh("git mv src/a.rs src/b.rs && git commit --quiet -m Move").ok();
    edits.sh("git rm --quiet src/a.rs && git commit --quiet -m Remove").ok();
    assert_eq!(land(&repo, &moves, &edits).0, "rejected");
    assert_eq!(standing(&repo, &[1, 2]), ["landed", "rejected"]);
}

#[test]
fn an_edit_that_a_merge_would_put_into_the_wrong_file_lands_nowhere() {
    let world = Sandbox::new();
    let (repo, moves, edits) = two(&world);
    // Two became one that is like both, and more like the one that nobody edits.
    repo.git("merge --quiet --ff-only main").ok();
    let whole = text("lib/one").replace("lib/one 3\n", "lib/one 3!\n");
    let like = |n: usize| {
        (0..n).fold(whole.clone(), |text, n| text.replace(&format!(" {}\n", n + 5), "\n"))
    };
    moves.write("lib/one", whole.clone());
    moves.write("src/a.rs", like(8));
    moves.sh("git commit --quiet -am Alike").ok();
    submit(&moves);
    drain(&repo);
    moves.sh("git rm --quiet lib/one src/a.rs").ok();
    moves.write("joined", format!("{whole}more\n"));
    moves.sh("git add . && git commit --quiet -m Join").ok();
    edits.git("reset --quiet --hard main").ok();
    edits.write("src/a.rs", like(8).replace(" 25\n", " twenty-five\n"));
    edits.sh("git commit --quiet -am Edit").ok();
    assert_eq!(land(&repo, &moves, &edits).0, "rejected");
    let said = entry(&repo, 3)["rejection"]["error"].clone();
    assert_eq!(said, "landing it would change joined, which it does not");
    assert_eq!(repo.git("show main:joined").ok().out.lines().nth(24), Some("lib/one 25"));
}
