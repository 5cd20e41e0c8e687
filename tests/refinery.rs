//! The merge queue as people and agents meet it: what lands, what does not, and what is said.

use serde_json::Value;

use crate::support::{Place, Sandbox};

/// A repository whose gate wants the file `sum` to hold a 4; the refinery runs when it is told to.
pub(crate) fn shop(world: &Sandbox) -> Place<'_> {
    gated(world, "shop", "command = 'sh test.sh'\n")
}

pub(crate) fn gated<'w>(world: &'w Sandbox, name: &str, gate: &str) -> Place<'w> {
    let repo = world.repo(name);
    repo.write("sum", "4\n");
    repo.write(
        "test.sh",
        "grep -q 4 sum && exit 0\necho \"./sum:1: wrong sum\"\necho \"  expected: 4\"\necho \"  received: $(cat sum)\"\nexit 1\n",
    );
    repo.write("shopfloor.toml", format!("[gates.test]\n{gate}"));
    repo.sh("git add . && git commit --quiet -m 'a gate'").ok();
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead trust --yes").ok();
    repo
}

/// A work tree of the repository on a branch of its own, from `start`.
pub(crate) fn tree<'w>(repo: &Place<'w>, name: &str, start: &str) -> Place<'w> {
    repo.run(["git", "worktree", "add", "--quiet", "-b", name, &format!("../{name}"), start]).ok();
    repo.at(format!("../{name}"))
}

#[track_caller]
pub(crate) fn submit(place: &Place<'_>) -> u64 {
    place.json("refinery submit --json")["n"].as_u64().unwrap()
}

pub(crate) fn entry(place: &Place<'_>, n: u64) -> Value {
    place.json(&format!("refinery show {n} --json"))
}

#[track_caller]
pub(crate) fn drain(place: &Place<'_>) -> Value {
    place.json("refinery run --drain --json")["steps"].clone()
}

/// `[state, entry]` of each, so that a story reads at a glance.
pub(crate) fn standing(place: &Place<'_>, numbers: &[u64]) -> Vec<String> {
    let state = |n: &u64| entry(place, *n)["state"].as_str().unwrap().to_owned();
    numbers.iter().map(state).collect()
}

/// The commits of main, newest first, and nothing of main has moved past the queue.
#[track_caller]
pub(crate) fn audited(repo: &Place<'_>) -> Vec<String> {
    repo.git("refinery audit").ok();
    let log = repo.git("log --first-parent --format=%s main").ok();
    log.out.lines().map(str::to_owned).collect()
}

fn as_agent(world: &mut Sandbox, name: &str, session: &str) {
    world.set("SHOPFLOOR_AGENT", name);
    world.set("SHOPFLOOR_SESSION", session);
    world.set("SHOPFLOOR_EPOCH", "1");
}

/// The shop, the work tree of an agent that holds a bead there, and that bead.
fn held(world: &mut Sandbox) -> (Place<'_>, Place<'_>, String) {
    as_agent(world, "toast", "s1");
    let repo = world.place("shop");
    let bead = repo.bead("Sum it up");
    repo.git(&format!("bead update {bead} --claim")).ok();
    let work = tree(&repo, "work", "main");
    (repo, work, bead)
}

/// The trailers of that agent's commits.
pub(crate) fn marks(bead: &str) -> String {
    format!("Bead: {bead}\nAgent: toast\nAgent-Session: s1\n")
}

#[test]
fn what_passes_lands_as_the_tree_that_was_tested() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let (one, two) = (tree(&repo, "one", "main"), tree(&repo, "two", "main"));
    one.commit("a", "a\n", "Add a").ok();
    two.commit("b", "b\n", "Add b").ok();
    two.commit("c", "c\n", "Add c").ok();
    assert_eq!([submit(&one), submit(&two), submit(&one)], [1, 2, 1]);
    let steps = drain(&repo);
    assert_eq!(steps[0]["commit"], one.rev("HEAD"), "a single next commit lands as it is");
    assert_eq!(steps[1]["commit"], repo.rev("main"));
    assert_eq!(repo.rev("main^2"), two.rev("HEAD"));
    assert_eq!(audited(&repo), ["Land main#2: Add c", "Add a", "a gate", "first light"]);
    assert_eq!(repo.git("log -1 --format=%an main").ok().line(), "Jane Doe");
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
    assert!(repo.has("c"), "the clean work tree follows");
    let refs = repo.git("for-each-ref --format=%(refname) refs/shopfloor/queue/").ok();
    assert_eq!(refs.line(), "refs/shopfloor/queue/main/1\nrefs/shopfloor/queue/main/2");
    repo.git("refinery submit main").fails(1).says(&["is on main already"]);
    repo.git("refinery wait 2").ok();
}

#[test]
fn a_rejection_can_be_worked_with() {
    let mut world = Sandbox::new();
    shop(&world);
    let (repo, work, bead) = held(&mut world);
    let said = |text: &str| format!("{text}\n\n{}", marks(&bead));
    work.commit("sum", "3\n", &said("Sum up")).ok();
    assert_eq!(submit(&work), 1);
    let steps = drain(&repo);
    let no = &steps[0]["rejection"];
    assert_eq!(no["error"], "test failed (exit 1): wrong sum");
    assert_eq!([&no["agent"], &no["bead"]], ["toast", bead.as_str()]);
    assert_eq!([&no["gate"]["name"], &no["gate"]["command"]], ["test", "sh test.sh"]);
    assert_eq!([&no["gate"]["exit"], &no["failures"][0]["line"]], [1, 1]);
    let found = &no["failures"][0];
    assert_eq!([&found["file"], &found["expected"], &found["received"]], ["sum", "4", "3"]);
    assert!(repo.has(&format!(".git/shopfloor/{}", no["gate"]["output"].as_str().unwrap())));
    repo.git("refinery wait 1").fails(3);
    let held = repo.json(&format!("bead show {bead} --json"));
    assert_eq!(held[0]["status"], "in_progress", "the bead stays with its claim");

    work.commit("sum", "4 at last\n", &said("Sum up, rightly")).ok();
    assert_eq!(submit(&work), 2);
    assert_eq!(drain(&repo)[0]["bead"], bead.as_str());
    let closed = repo.json(&format!("bead show {bead} --json"));
    assert_eq!(closed[0]["status"], "closed");
    assert_eq!(standing(&repo, &[1, 2]), ["rejected", "landed"]);
    let log = repo.git("log -1 --format=%(trailers:key=Agent,valueonly) main").ok();
    assert_eq!(log.line(), "toast");
    audited(&repo);
}

#[test]
fn each_outcome_of_a_gate_has_its_own_word() {
    let world = Sandbox::new();
    let cases = [
        (
            "false",
            "command = 'test -e a || exit 0; exit 3'",
            "rejected",
            "fail",
            "test failed (exit 3)",
        ),
        (
            "slow",
            "command = 'test -e a || exit 0; sleep 1000'\ntimeout = '4s'",
            "rejected",
            "timeout",
            "did not end within 4 s",
        ),
        (
            "dirty",
            "command = 'test -e a || exit 0; echo x >> sum'",
            "rejected",
            "dirty",
            "changed tracked files",
        ),
        (
            "crash",
            "command = 'test -e a || exit 0; kill -SEGV $$'",
            "rejected",
            "signal",
            "crashed (signal 11)",
        ),
        (
            "killed",
            "command = 'test -e a || exit 0; kill -KILL $$'",
            "held",
            "signal",
            "was ended by signal 9",
        ),
        ("absent", "command = 'no-such-program'", "held", "missing", "could not start"),
        ("gone", "command = ['./no-such-file']", "held", "missing", "could not start"),
    ];
    for (name, gate, state, verdict, said) in cases {
        let repo = gated(&world, name, &format!("{gate}\n[gates.after]\ncommand = 'true'\n"));
        let work = tree(&repo, &format!("{name}-work"), "main");
        work.commit("a", "a\n", "Add a").ok();
        let n = submit(&work);
        let before = repo.rev("main");
        let step = &drain(&repo)[0];
        let told = step["rejection"]["error"].as_str().or(step["held"]["said"].as_str()).unwrap();
        assert!(told.contains(said), "{name}: {told}");
        let entry = entry(&repo, n);
        assert_eq!(entry["state"], state, "{name}");
        assert_eq!(entry["gates"][0]["verdict"], verdict, "{name}");
        assert_eq!(entry["gates"][1]["verdict"], "not-run", "{name}");
        assert_eq!(repo.rev("main"), before, "{name}: only a pass lands");
    }
}

#[test]
fn what_is_held_is_tried_again_when_a_person_says_so() {
    let world = Sandbox::new();
    let repo = gated(&world, "shop", "command = 'the-tool'\n");
    let work = tree(&repo, "work", "main");
    work.commit("a", "a\n", "Add a").ok();
    submit(&work);
    assert_eq!(drain(&repo)[0]["outcome"], "held");
    assert_eq!(drain(&repo), Value::Array(vec![]), "a held entry does not stop the line");
    repo.git("refinery wait 1").fails(3).says(&["the gate test could not start"]);
    world.program("the-tool", "#!/bin/sh\nexit 0\n");
    repo.git("refinery retry").ok();
    assert_eq!(drain(&repo)[0]["outcome"], "landed");
    repo.git("refinery retry 1").fails(3).says(&["main#1 is not held, it is landed"]);
}

#[test]
fn a_gate_sees_the_exact_tree_and_nothing_else() {
    let mut world = Sandbox::new();
    world.set("SECRET_TOKEN", "hush");
    world.set("SSH_AUTH_SOCK", "/nowhere");
    let seen = "command = 'env | cut -d= -f1 | sort > $HOME/seen; ls -A > $HOME/files; touch left.o; git rev-parse HEAD > $HOME/head'";
    let repo = gated(&world, "shop", seen);
    let work = tree(&repo, "work", "main");
    work.write(".gitignore", "*.o\n");
    work.commit("a", "a\n", "Add a").ok();
    work.run(["git", "add", ".gitignore"]).ok();
    work.git("commit --quiet -m ignore").ok();
    submit(&work);
    drain(&repo);
    work.commit("b", "b\n", "Add b").ok();
    submit(&work);
    drain(&repo);
    let home = world.place("home");
    let vars = home.read("seen");
    let known = ["HOME", "LC_ALL", "PATH", "PWD", "SHOPFLOOR_GATE", "TERM", "TMPDIR", "TZ"];
    let odd: Vec<_> = vars
        .lines()
        .filter(|var| {
            !known.contains(var) && !var.starts_with("XDG_") && *var != "GIT_CONFIG_NOSYSTEM"
        })
        .collect();
    assert_eq!(odd, ["OLDPWD"; 0]);
    assert_eq!(
        home.read("files"),
        ".git\n.gitignore\nREADME.md\na\nb\nshopfloor.toml\nsum\ntest.sh\n"
    );
    assert_eq!(home.read("head").trim(), repo.rev("main"));
}

#[test]
fn a_conflict_names_both_sides() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let (one, two) = (tree(&repo, "one", "main"), tree(&repo, "two", "main"));
    one.commit("sum", "4 by one\n", "One's sum").ok();
    two.commit("sum", "4 by two\n", "Two's sum").ok();
    submit(&one);
    submit(&two);
    let no = drain(&repo)[1]["rejection"].clone();
    assert_eq!(no["cause"], "conflict");
    let clash = &no["conflicts"][0];
    assert_eq!(clash["path"], "sum");
    assert_eq!(clash["landed"]["subject"], "One's sum");
    assert_eq!(clash["landed"]["commit"], one.rev("HEAD"));
    assert_eq!(clash["submitted"]["subject"], "Two's sum");
    assert_eq!(clash["submitted"]["author"], "Jane Doe");
    assert_eq!(audited(&repo), ["One's sum", "a gate", "first light"]);
}

#[test]
fn a_stale_claimant_cannot_land() {
    let mut world = Sandbox::new();
    shop(&world);
    let bead = world.place("shop").bead("Sum it up");
    let message = format!("Add\n\n{}", marks(&bead));
    as_agent(&mut world, "toast", "s1");
    {
        let repo = world.place("shop");
        repo.git(&format!("bead update {bead} --claim")).ok();
        let work = tree(&repo, "work", "main");
        work.commit("a", "a\n", &message).ok();
        assert_eq!(submit(&work), 1);
        repo.sh(&format!("git bead close {bead} --reason x; true"));
    }
    // The claim is given up behind the entry's back, and somebody else takes the bead.
    as_agent(&mut world, "", "");
    let repo = world.place("shop");
    repo.git(&format!("bead close {bead} --on-behalf-of toast"))
        .fails(3)
        .says(&["closes when main#1 lands"]);
    repo.git("refinery reject 1 --reason hold").ok();
    repo.git(&format!("bead close {bead} --on-behalf-of toast")).ok();
    repo.git(&format!("bead reopen {bead}")).ok();
    as_agent(&mut world, "bread", "s2");
    let repo = world.place("shop");
    repo.git(&format!("bead update {bead} --claim")).ok();
    as_agent(&mut world, "toast", "s1");
    world.set("SHOPFLOOR_EPOCH", "1");
    let work = world.place("work");
    work.commit("b", "b\n", &message).ok();
    work.git("refinery submit").fails(3).says(&["stale", "held by bread"]);
    assert_eq!(world.place("shop").git("log -1 --format=%s main").ok().line(), "a gate");
}

#[test]
fn an_agent_that_pushes_again_replaces_what_it_pushed_before() {
    let mut world = Sandbox::new();
    shop(&world);
    let (repo, work, bead) = held(&mut world);
    let message = format!("Add\n\n{}", marks(&bead));
    work.commit("a", "a\n", &message).ok();
    assert_eq!(submit(&work), 1);
    work.write("a", "better\n");
    work.git("commit --quiet --amend --no-edit a").ok();
    assert_eq!(submit(&work), 2);
    assert_eq!(drain(&repo).as_array().unwrap().len(), 1);
    assert_eq!(standing(&repo, &[1, 2]), ["withdrawn", "landed"]);
    assert_eq!(entry(&repo, 1)["withdrawn"], "replaced by main#2");
    assert_eq!(repo.rev("refs/shopfloor/queue/main/1").len(), 40, "its commit is kept");
}

#[test]
fn commits_made_around_the_git_hooks_are_found_out() {
    let mut world = Sandbox::new();
    shop(&world);
    let bead = world.place("shop").bead("Sum it up");
    as_agent(&mut world, "toast", "s1");
    let repo = world.place("shop");
    repo.git(&format!("bead update {bead} --claim")).ok();
    let work = tree(&repo, "work", "main");
    let trailers = marks(&bead);
    let cases = [
        ("Add".to_owned(), "the trailer `Agent: toast` is missing"),
        (
            format!("Add\n\n{}", trailers.replace("toast", "bread")),
            "`Agent: bread` is forged or stale",
        ),
        (format!("Add\n\n{trailers}agent: bread\n"), "is not a trailer as we write it"),
        (
            format!("Add\n\n{trailers}Signed-off-by: toast <jane@example.org>\n"),
            "is a person's word",
        ),
    ];
    for (n, (message, said)) in (1..).zip(cases) {
        work.git("reset --quiet --hard main").ok();
        work.write(&format!("f{n}"), "x\n");
        work.git("add .").ok();
        let made = work.run([
            "git",
            "commit-tree",
            "-p",
            "main",
            "-m",
            &message,
            &work.git("write-tree").line(),
        ]);
        work.git(&format!("reset --quiet --hard {}", made.ok().line())).ok();
        work.commit("g", "honest\n", &format!("Honest\n\n{trailers}")).ok();
        assert_eq!(submit(&work), n);
        let no = drain(&repo)[0]["rejection"].clone();
        assert_eq!(no["cause"], "attribution");
        assert!(no["error"].as_str().unwrap().contains(said), "{no}");
    }
    assert_eq!(repo.git("log -1 --format=%s main").ok().line(), "a gate");
}

#[test]
fn a_change_of_the_commands_waits_for_a_person() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("shopfloor.toml", "[gates.test]\ncommand = 'true'\n", "An easier gate").ok();
    submit(&work);
    let held = drain(&repo)[0]["held"].clone();
    assert_eq!(held["why"], "surface");
    assert!(held["said"].as_str().unwrap().contains("+ gate \"test\""), "{held}");
    repo.git("refinery retry").fails(1);
    repo.git("refinery reject 1 --reason 'No.'").ok();
    work.git("reset --quiet --hard main").ok();
    work.commit("shopfloor.toml", "[gates.test]\ncomand = 'true'\n", "A slip").ok();
    submit(&work);
    let no = drain(&repo)[0]["rejection"].clone();
    assert_eq!(no["cause"], "policy");
    assert!(no["error"].as_str().unwrap().contains("shopfloor.toml:2:1"), "{no}");
}

#[test]
fn a_push_starts_the_refinery_unless_told_not_to() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let work = tree(&repo, "work", "main");
    work.commit("a", "a\n", "Add a").ok();
    work.git("refinery submit").ok().says(&["shopfloor.autorun is off"]);
    repo.git("config --unset shopfloor.autorun").ok();
    work.git("refinery wait 1").ok();
    work.commit("b", "b\n", "Add b").ok();
    submit(&work);
    work.git("refinery wait 2 --timeout 1000").ok();
    assert_eq!(audited(&repo), ["Add b", "Add a", "a gate", "first light"]);
}
