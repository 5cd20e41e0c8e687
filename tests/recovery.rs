//! What the refinery finds when it comes back: after a crash, after somebody else moved the branch,
//! after a ref or a line was lost; and what an audit says about it.

use serde_json::Value;

use crate::refinery::{audited, drain, entry, gated, shop, standing, submit, tree};
use crate::support::{Place, Sandbox, TOOLS};

/// A branch of this name with one file more waits to land.
fn submitted<'w>(repo: &Place<'w>, name: &str, file: &str) -> Place<'w> {
    let work = tree(repo, name, "main");
    work.commit(file, &format!("{file}\n"), &format!("Add {file}")).ok();
    submit(&work);
    work
}

/// Somebody holds the branch: the refinery stops between intent and swap.
fn stop_before_the_swap(repo: &Place<'_>) {
    let lock = ".git/refs/heads/main.lock";
    repo.write(lock, "");
    assert_ne!(repo.git("refinery run --drain").code, 0);
    std::fs::remove_file(repo.dir.join(lock)).unwrap();
}

#[test]
fn a_landing_that_was_interrupted_is_told_from_one_that_was_not() {
    let world = Sandbox::new();
    let repo = shop(&world);
    submitted(&repo, "one", "a");
    submitted(&repo, "two", "b");
    stop_before_the_swap(&repo);
    assert_eq!(repo.git("log -1 --format=%s main").ok().line(), "a gate");
    assert_eq!(repo.git("status --porcelain").ok().line(), "", "nothing is staged by a landing");
    // And now between swap and outcome: the branch has moved, the line is missing.
    repo.git("update-ref refs/heads/main one").ok();
    let steps = drain(&repo);
    assert_eq!(steps[0]["entry"], "main#1");
    assert_eq!([&steps[0]["outcome"], &steps[1]["outcome"]], ["landed", "landed"]);
    assert_eq!(steps.as_array().unwrap().len(), 2, "nothing lands twice");
    assert_eq!(audited(&repo), ["Land main#2: Add b", "Add a", "a gate", "first light"]);
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
}

#[test]
fn a_landing_in_progress_is_no_accusation() {
    let world = Sandbox::new();
    let repo = shop(&world);
    submitted(&repo, "one", "a");
    stop_before_the_swap(&repo);
    repo.git("update-ref refs/heads/main one").ok();
    let said = repo.git("refinery audit").ok().out;
    assert!(said.starts_with("main#1 is landing\n"), "{said}");
    assert!(repo.json("refinery status --json")["foreign"].is_null());
    drain(&repo);
    assert!(!repo.git("refinery audit").ok().out.contains("landing"));
}

#[test]
fn an_intent_without_a_move_waits_again() {
    let world = Sandbox::new();
    let repo = shop(&world);
    submitted(&repo, "one", "a");
    stop_before_the_swap(&repo);
    assert_eq!(drain(&repo)[0]["outcome"], "landed");
    let told = repo.git("bead log --json").ok().json();
    let acts: Vec<_> =
        told.as_array().unwrap().iter().filter_map(|line| line["do"].as_str()).collect();
    let expected =
        ["baseline", "queued", "tested", "intent", "aborted", "tested", "intent", "landed"];
    assert_eq!(acts, expected.map(|act| format!("refinery.{act}")));
    audited(&repo);
}

#[test]
fn whatever_else_moves_the_target_is_tested_and_named() {
    let world = Sandbox::new();
    let repo = shop(&world);
    submitted(&repo, "work", "a");
    repo.commit("b", "b\n", "Straight to main").ok();
    repo.commit("sum", "five\n", "And it is broken").ok();
    let steps = drain(&repo);
    assert_eq!(steps[0]["outcome"], "foreign");
    assert_eq!(steps[1]["outcome"], "held", "the change is not to blame");
    assert!(steps[1]["held"]["said"].as_str().unwrap().starts_with("main itself fails test since"));
    let mend = tree(&repo, "mend", "main");
    mend.commit("sum", "4\n", "Mend the sum").ok();
    submit(&mend);
    // What was held because main was red waits for nobody once main is green.
    let steps = drain(&repo);
    let again: Vec<_> =
        steps.as_array().unwrap().iter().map(|s| (&s["entry"], &s["outcome"])).collect();
    let landed = serde_json::json!("landed");
    assert_eq!(again, [(&"main#2".into(), &landed), (&"main#1".into(), &landed)]);
    let audit = repo.git("refinery audit --json").fails(3).json();
    let found: Vec<_> =
        audit["findings"].as_array().unwrap().iter().map(|f| (&f["subject"], &f["kind"])).collect();
    let foreign = Value::from("foreign");
    let named = ["And it is broken", "Straight to main"].map(Value::from);
    assert_eq!(found, [(&named[0], &foreign), (&named[1], &foreign)]);
}

#[test]
fn a_gate_that_could_not_run_on_the_target_blames_no_change() {
    let world = Sandbox::new();
    let repo = gated(&world, "shop", "command = 'check'\n");
    let (red, there) = (tree(&repo, "red", "main"), tree(&repo, "there", "main"));
    red.commit("sum", "five\n", "Break the sum").ok();
    there.commit("a", "a\n", "Add a").ok();
    submit(&red);
    submit(&there);
    repo.git("merge --quiet --ff-only there").ok();
    let outcomes = || -> Vec<_> {
        drain(&repo).as_array().unwrap().iter().map(|s| s["outcome"].clone()).collect()
    };
    // There is no such tool yet: neither change is to blame, and neither is the target.
    assert_eq!(outcomes(), ["foreign", "held", "held"]);
    let why = ["the gate check could not start", "it came to main past the queue"];
    for (n, why) in [1, 2].into_iter().zip(why) {
        let said = entry(&repo, n)["held"]["said"].as_str().unwrap().to_owned();
        assert!(said.starts_with(why.replace("check", "test").as_str()), "{said}");
        repo.git(&format!("refinery retry {n}")).ok();
    }
    world.program("check", "#!/bin/sh\ngrep -q 4 sum\n");
    assert_eq!(outcomes(), ["rejected", "landed"]);
    assert_eq!(entry(&repo, 1)["rejection"]["error"], "test failed (exit 1)");
}

#[test]
fn one_step_leaves_the_rest_to_another_refinery() {
    let world = Sandbox::new();
    let repo = shop(&world);
    for name in ["one", "two"] {
        let work = tree(&repo, name, "main");
        work.commit(name, "x\n", name).ok();
        submit(&work);
    }
    repo.git("config --unset shopfloor.autorun").ok();
    let steps = repo.json("refinery run --json")["steps"].clone();
    assert_eq!(steps.as_array().unwrap().len(), 1);
    repo.wait("the other has landed", "git refinery status", || {
        standing(&repo, &[1, 2]) == ["landed", "landed"]
    });
}

#[test]
fn a_gate_that_is_missing_makes_the_audit_fail() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let work = submitted(&repo, "work", "a");
    drain(&repo);
    repo.git("refinery audit --require test").ok();
    repo.git("refinery audit --require lint").fails(3);
    // Who deletes the gate past the queue is found out, and so is all that lands without it.
    repo.commit("shopfloor.toml", "", "No more gates").ok();
    work.git("reset --quiet --hard main").ok();
    work.commit("sum", "five\n", "Untested").ok();
    submit(&work);
    drain(&repo);
    let audit = repo.git("refinery audit --require test --json").fails(3).json();
    let found: Vec<_> =
        audit["findings"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(found, ["gate", "foreign"]);
    assert_eq!(audit["ungated"], 0);
}

#[test]
fn a_ref_without_a_line_and_a_line_without_a_ref_are_made_whole() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let (one, two) = (tree(&repo, "one", "main"), tree(&repo, "two", "main"));
    one.commit("a", "a\n", "Add a").ok();
    two.commit("b", "b\n", "Add b").ok();
    submit(&one);
    repo.git("update-ref -d refs/shopfloor/queue/main/1").ok();
    repo.git("update-ref refs/shopfloor/queue/main/2 two").ok();
    assert_eq!(drain(&repo).as_array().unwrap().len(), 2);
    assert_eq!(standing(&repo, &[1, 2]), ["landed", "landed"]);
    assert_eq!(repo.rev("refs/shopfloor/queue/main/1"), one.rev("HEAD"));
}

#[test]
fn a_ref_of_who_asked_again_under_a_later_number_queues_nothing() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let (one, two) = (tree(&repo, "one", "main"), tree(&repo, "two", "main"));
    one.commit("a", "a\n", "Add a").ok();
    two.commit("b", "b\n", "Add b").ok();
    // One was killed before its line, and somebody else was queued before it asked again.
    repo.git("update-ref refs/shopfloor/queue/main/1 one").ok();
    submit(&two);
    submit(&one);
    repo.git("refinery reject 3 --reason later").ok();
    assert_eq!(standing(&repo, &[2, 3]), ["waiting", "rejected"]);
    assert_eq!(drain(&repo).as_array().unwrap().len(), 1);
    repo.git("refinery show 1").fails(1);
}

/// Its number used to have a ref before the line was written, and whoever was refused left it behind.
#[test]
fn who_is_killed_before_its_line_is_kept_and_not_queued() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let (one, two) = (tree(&repo, "one", "main"), tree(&repo, "two", "main"));
    one.commit("a", "a\n", "Add a").ok();
    two.commit("b", "b\n", "Add b").ok();
    submit(&two);
    let refs = |under: &str| {
        let refs = repo.git(&format!("for-each-ref --format=%(objectname) refs/shopfloor/{under}"));
        refs.ok().out
    };
    assert_eq!(refs("asked"), "");
    let turn =
        std::fs::File::open(repo.dir.join(".git/shopfloor-objects/desk/decide.lock")).unwrap();
    turn.lock().unwrap();
    let mut asks = one.start(["git-refinery", "submit"]);
    repo.wait("it asks", "git for-each-ref refs/shopfloor", || !refs("asked").is_empty());
    asks.kill();
    assert_eq!(asks.end().code, 137);
    drop(turn);
    let (first, second) = (two.rev("HEAD"), one.rev("HEAD"));
    assert_eq!(drain(&repo).as_array().unwrap().len(), 1);
    assert_eq!((refs("queue"), refs("asked")), (format!("{first}\n"), format!("{second}\n")));
    submit(&one);
    assert_eq!(drain(&repo).as_array().unwrap().len(), 1);
    assert_eq!((refs("queue"), refs("asked")), (format!("{first}\n{second}\n"), String::new()));
    one.git("refinery submit").ok();
    repo.git("refinery submit --target main main").fails(1);
    assert_eq!(refs("asked"), "");
}

#[test]
fn one_refinery_at_a_time() {
    let world = Sandbox::new();
    let repo = gated(&world, "shop", "command = 'until test -e $HOME/go; do sleep 0.02; done'\n");
    submitted(&repo, "work", "a");
    let first = repo.start(["git", "refinery", "run", "--drain"]);
    let state = || repo.json("refinery status --json");
    repo.wait("it is being tested", "git refinery status", || {
        state()["queue"][0]["state"] == "testing"
    });
    repo.git("refinery run --drain").fails(75).says(&["a refinery is at work on main"]);
    world.place("home").write("go", "");
    first.end().ok();
    assert_eq!(state()["landed"][0]["entry"], "main#1");
}

/// It had found nothing more to do, and had not yet begun to look for changes.
#[test]
fn who_watches_sees_what_is_queued_while_a_pass_comes_to_its_end() {
    let world = Sandbox::new();
    let repo = shop(&world);
    submitted(&repo, "one", "a");
    let two = tree(&repo, "two", "main");
    two.commit("b", "b\n", "Add b").ok();
    // What is noted goes into the trail then, which somebody else is busy with.
    repo.write(".git/shopfloor-objects/trail/spool", "\n");
    repo.write(".git/shopfloor-objects/trail/turn", "");
    let turn = std::fs::File::open(repo.dir.join(".git/shopfloor-objects/trail/turn")).unwrap();
    turn.lock().unwrap();
    // That there was something to wait for is taken back first.
    repo.write(".git/shopfloor/refinery/main.stopped", "");
    let watch = repo.start(["git", "refinery", "run", "--watch"]);
    repo.wait("the pass is over", "git refinery status", || {
        !repo.has(".git/shopfloor/refinery/main.stopped")
    });
    submit(&two);
    drop(turn);
    repo.wait("both have landed", "git refinery status", || {
        standing(&repo, &[1, 2]) == ["landed", "landed"]
    });
    drop(watch);
}

#[test]
fn a_refinery_that_is_slow_to_start_is_waited_for() {
    let world = Sandbox::new();
    let repo = shop(&world);
    submitted(&repo, "work", "a");
    let bin = world.root().join("bin");
    std::fs::copy(TOOLS[3].1, bin.join("real-refinery")).unwrap();
    std::fs::remove_file(bin.join("git-refinery")).unwrap();
    let slow = "case $* in *--detached*) sleep 5 ;; esac\nexec real-refinery \"$@\"\n";
    world.program("git-refinery", &format!("#!/bin/sh\n{slow}"));
    repo.git("config --unset shopfloor.autorun").ok();
    repo.git("refinery wait 1").ok();
}

#[test]
fn a_killed_refinery_leaves_nothing_that_needs_a_hand() {
    let world = Sandbox::new();
    let repo =
        gated(&world, "shop", "command = 'touch $HOME/began; test -e $HOME/go || sleep 1000'\n");
    submitted(&repo, "work", "a");
    let mut first = repo.start(["git-refinery", "run", "--drain"]);
    repo.wait("the gate runs", "git refinery status", || world.place("home").has("began"));
    first.kill();
    first.end();
    world.place("home").write("go", "");
    // Any changing command starts it again.
    repo.git("config --unset shopfloor.autorun").ok();
    repo.bead("Something else");
    let state = || entry(&repo, 1)["state"].clone();
    repo.wait("it has landed", "git refinery status", || state() == "landed");
    let left = repo.sh("for p in /proc/[0-9]*; do
           tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'sleep 1000' || continue
           tr '\\0' '\\n' <$p/environ 2>/dev/null
         done; true");
    let mark = format!("SHOPFLOOR_GATE={}/.git#main", repo.dir.display());
    assert!(!left.ok().out.contains(&mark), "the first gate was ended");
    audited(&repo);
}

#[test]
fn other_hashes_and_other_ref_stores_land_alike() {
    let world = Sandbox::new();
    for (name, option) in [("long", "--object-format=sha256"), ("table", "--ref-format=reftable")] {
        let repo = world.repo_as(name, &[option]);
        repo.commit("shopfloor.toml", "[gates.test]\ncommand = 'test -e a'\n", "a gate").ok();
        repo.git("config shopfloor.autorun false").ok();
        repo.git("bead trust --yes").ok();
        submitted(&repo, &format!("{name}-1"), "a");
        submitted(&repo, &format!("{name}-2"), "b");
        assert_eq!(drain(&repo)[1]["outcome"], "landed", "{name}");
        assert_eq!(audited(&repo), ["Land main#2: Add b", "Add a", "a gate", "first light"]);
        assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
    }
}

#[test]
fn untrusted_commands_do_not_run_and_nothing_is_lost() {
    let world = Sandbox::new();
    let repo = shop(&world);
    submitted(&repo, "work", "a");
    world.place("home").sh("rm -r .local/state/shopfloor").ok();
    let said = ["is not trusted", "sh test.sh", "git bead trust"];
    repo.git("refinery run --drain").fails(3).says(&said);
    repo.git("refinery wait 1").fails(3).says(&said);
    assert_eq!(repo.json("refinery status --json")["trusted"], false);
    repo.git("bead trust --yes").ok();
    assert_eq!(drain(&repo)[0]["outcome"], "landed");
}

#[test]
fn a_declared_cache_survives_and_nothing_else_does() {
    let world = Sandbox::new();
    let gate = "command = 'test ! -e left; touch left; echo x >> $KEEP; wc -l < $KEEP > $HOME/n'\n\
                env = { KEEP = '{cache}/k' }\n";
    let repo = gated(&world, "shop", gate);
    for n in ["1", "2"] {
        let work = tree(&repo, &format!("work{n}"), "main");
        work.commit(n, "x\n", n).ok();
        submit(&work);
        assert_eq!(drain(&repo)[0]["outcome"], "landed");
        assert_eq!(world.place("home").read("n").trim(), n);
    }
}
