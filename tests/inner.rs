//! Submodules and filters: what a work tree depends on beyond its own files.

use crate::checkout::{adopted, land, status};
use crate::rescue::{play, shop, survives};
use crate::support::{Place, Sandbox};

const FILE: &str = "git -c protocol.file.allow=always";

/// A repository with the submodule `sub`, and the repository that it is a clone of.
fn with_library<'w>(world: &'w Sandbox, name: &str) -> (Place<'w>, Place<'w>) {
    let (library, repo) = (world.repo("library"), world.repo(name));
    repo.sh(&format!("{FILE} submodule --quiet add {} sub", library.dir.display())).ok();
    repo.git("commit --quiet -m Submodule").ok();
    (repo, library)
}

#[test]
fn submodule_commits_that_are_nowhere_else_are_not_removed() {
    let inits = ["submodule --quiet update --init", "clone --quiet ../../library more/sub"];
    for (init, sub) in inits.into_iter().zip(["sub", "more/sub"]) {
        let world = shop();
        let (repo, library) = with_library(&world, "api");
        let bump = "echo s >s; git add s; git commit -qm Bump";
        play(
            &repo,
            &format!("{FILE} {init}; (cd {sub}; {bump}); git add {sub}; git commit -qm Bump"),
        );
        let tree = repo.at("../api.worktrees/toast");
        let only = tree.rev(&format!("HEAD:{sub}"));
        let no = repo
            .git("sling rm toast")
            .fails(3)
            .says(&["commits that are nowhere else"])
            .err
            .clone();
        assert!(tree.has(sub), "{no}");
        let push = no.lines().find_map(|line| line.strip_prefix("hint: git --git-dir")).unwrap();
        repo.sh(&format!("git --git-dir{} --quiet", push.replace("NAME", "kept"))).ok();
        assert_eq!(library.rev("kept"), only);
        repo.git("sling rm toast").ok();
        assert!(!tree.has("."));
    }
}

#[test]
fn a_submodule_that_a_landing_left_behind_is_no_edit() {
    let world = Sandbox::new();
    let (repo, library) = with_library(&world, "shop");
    repo.git("config shopfloor.autorun false").ok();
    library.commit("two", "2\n", "Two").ok();
    let next = library.rev("HEAD");
    repo.git("worktree add --quiet -b work ../work").ok();
    let work = repo.at("../work");
    work.git(&format!("update-index --cacheinfo 160000,{next},sub")).ok();
    work.git("commit --quiet -m Bump").ok();
    work.git("refinery submit").ok();
    assert_eq!(repo.git("refinery run --drain").ok().err, "");
    assert_eq!(status(&repo), "## main\n M sub");
    work.commit("new", "new\n", "Add new").ok();
    work.git("refinery submit").ok();
    assert_eq!(land(&repo), "");
    assert_eq!(status(&repo), "## main\n M sub");
    assert_eq!(repo.read("new"), "new\n");
    // A commit on main that lands behind another one is no edit either.
    work.commit("more", "more\n", "Add more").ok();
    work.git("refinery submit").ok();
    adopted(&repo);
    repo.git("refinery run --drain").ok();
    assert_eq!(status(&repo), "## main\n M sub");
    assert_eq!(repo.read("mine") + &repo.read("more"), "mine\nmore\n");
    // What is edited in it is a person's.
    repo.write("sub/README.md", "edited\n");
    work.commit("last", "last\n", "Add last").ok();
    work.git("refinery submit").ok();
    repo.git("refinery run --drain").ok().says(&["it has uncommitted changes"]);
    assert_eq!(repo.read("sub/README.md"), "edited\n");
}

#[test]
fn a_filter_that_fails_keeps_nobody_from_the_name_of_an_agent() {
    let world = shop();
    let repo = world.repo("api");
    play(
        &repo,
        "git config filter.broken.clean false; git config filter.broken.required true
         echo '*.bin filter=broken' >.gitattributes; echo raw >a.bin",
    );
    play(&repo, "ls; echo '*.bin filter=broken' >.gitattributes; echo cooked >a.bin");
    assert_eq!(repo.git("sling logs toast").ok().out, "README.md\n");
    survives(&repo, "cleared", &["raw\n"]);
    repo.git("sling rm toast").ok();
    survives(&repo, "removed", &["cooked\n"]);
}
