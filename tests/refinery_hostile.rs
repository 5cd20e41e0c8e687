//! What a change, its gate, or a person beside the queue may do to it, and what it says then.

use serde_json::Value;

use crate::refinery::{audited, drain, entry, gated, shop, standing, submit, tree};
use crate::support::{Place, Sandbox};

/// The outcome of each step, in order.
fn outcomes(steps: &Value) -> Vec<&str> {
    steps.as_array().unwrap().iter().map(|step| step["outcome"].as_str().unwrap()).collect()
}

fn error(step: &Value) -> &str {
    step["rejection"]["error"].as_str().unwrap()
}

/// A commit of one more file in a work tree of its own, submitted.
#[track_caller]
fn queued<'w>(repo: &Place<'w>, name: &str, text: &str) -> Place<'w> {
    let work = tree(repo, &format!("{name}-tree"), "main");
    work.commit(name, text, &format!("Add {name}")).ok();
    submit(&work);
    work
}

#[test]
fn a_gate_cannot_hide_a_file_from_the_next_candidate() {
    for hide in ["skip-worktree", "assume-unchanged"] {
        let world = Sandbox::new();
        let repo = shop(&world);
        let poison = format!("echo exit 0 >check.sh\ngit update-index --{hide} check.sh\nexit 0\n");
        let work = tree(&repo, "work", "main");
        work.commit("check.sh", "test ! -e bug\n", "A check").ok();
        work.commit("test.sh", "sh check.sh\n", "Check").ok();
        submit(&work);
        work.commit("test.sh", &poison, "Poison").ok();
        submit(&work);
        queued(&repo, "bug", "a bug\n");
        let steps = drain(&repo);
        assert_eq!(outcomes(&steps), ["landed", "rejected", "rejected"], "{hide}");
        assert!(error(&steps[1]).contains("changed tracked files"), "{}", error(&steps[1]));
        assert!(error(&steps[2]).contains("failed (exit 1)"), "{}", error(&steps[2]));
        audited(&repo);
    }
}

#[test]
fn a_gate_that_breaks_the_work_tree_is_rejected_and_the_next_one_lands() {
    for breaks in ["rm -rf .git", "rm .git; git init -q", "echo gitdir: /nowhere >.git"] {
        let world = Sandbox::new();
        let repo = shop(&world);
        let work = tree(&repo, "work", "main");
        work.commit("test.sh", &format!("{breaks}\n"), "Break").ok();
        submit(&work);
        queued(&repo, "good", "good\n");
        let steps = drain(&repo);
        assert_eq!(outcomes(&steps), ["rejected", "landed"], "{breaks}");
        assert_eq!(entry(&repo, 1)["gates"][0]["verdict"], "dirty", "{breaks}");
        audited(&repo);
    }
}

#[test]
fn a_gate_can_ask_git_about_the_tree_it_stands_in() {
    let world = Sandbox::new();
    let gate = "command = 'git ls-files --error-unmatch sum && git diff --exit-code && test -z \"$(git status --porcelain)\"'";
    let repo = gated(&world, "shop", gate);
    queued(&repo, "a", "a\n");
    queued(&repo, "b", "b\n");
    assert_eq!(outcomes(&drain(&repo)), ["landed", "landed"]);
}

#[test]
fn an_entry_that_cannot_be_tried_is_held_and_the_next_one_lands() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let work = queued(&repo, "a", "a\n");
    let blob = work.rev("HEAD:a");
    queued(&repo, "good", "good\n");
    // Its file is gone from the object directory.
    let (folder, file) = blob.split_at(2);
    std::fs::remove_file(repo.dir.join(".git/objects").join(folder).join(file)).unwrap();
    let steps = drain(&repo);
    assert_eq!(outcomes(&steps), ["held", "landed"]);
    assert_eq!(steps[0]["held"]["why"], "infra");
    assert_eq!(standing(&repo, &[1, 2]), ["held", "landed"]);
}

#[test]
fn what_was_red_past_the_queue_does_not_count_as_landed() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let work = queued(&repo, "a", "a\n");
    work.commit("sum", "3\n", "Break the sum").ok();
    submit(&work);
    let red = work.rev("HEAD");
    repo.git(&format!("reset --quiet --hard {red}")).ok();
    let steps = drain(&repo);
    assert_eq!(outcomes(&steps), ["foreign", "rejected", "rejected"]);
    assert!(
        error(&steps[2]).contains("past the queue, and test gave fail"),
        "{}",
        error(&steps[2])
    );
    assert_eq!(standing(&repo, &[1, 2]), ["rejected", "rejected"]);
}

#[test]
fn what_was_green_past_the_queue_counts_as_landed() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let work = queued(&repo, "a", "a\n");
    repo.git(&format!("reset --quiet --hard {}", work.rev("HEAD"))).ok();
    assert_eq!(outcomes(&drain(&repo)), ["foreign", "landed"]);
}

#[test]
fn an_audit_notices_that_landed_work_was_taken_back() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let before = repo.rev("main");
    let landed = queued(&repo, "a", "a\n").rev("HEAD");
    drain(&repo);
    audited(&repo);
    repo.git(&format!("-c core.hooksPath=/dev/null reset --quiet --hard {before}")).ok();
    let audit = repo.git("refinery audit --json").fails(3).json();
    let found = &audit["findings"][0];
    assert_eq!([&found["kind"], &found["commit"]], ["rewound", landed.as_str()]);
    assert_eq!(found["said"], "rewound: main#1 landed it, and main no longer has it");
}

#[test]
fn other_overseers_and_other_deadlines_wait_for_a_person() {
    let world = Sandbox::new();
    let repo = world.repo("shop");
    let file =
        "overseers = ['jane@example.org']\n[gates.test]\ncommand = 'true'\ntimeout = '20s'\n";
    repo.commit("shopfloor.toml", file, "a gate").ok();
    repo.git("config shopfloor.autorun false").ok();
    repo.git("bead trust --yes").ok();
    let (_, without) = file.split_once('\n').unwrap();
    let changes = [
        (without.to_owned(), "- overseer \"jane@example.org\""),
        (file.replace("20s", "1ms"), "+ gate \"test\": \"sh\" \"-c\" \"true\", within 0.001 s"),
    ];
    for (n, (text, said)) in changes.into_iter().enumerate() {
        let work = tree(&repo, &format!("work{n}"), "main");
        work.commit("shopfloor.toml", &text, "Innocent").ok();
        submit(&work);
        let held = drain(&repo)[0]["held"].clone();
        assert_eq!(held["why"], "surface", "{said}");
        assert!(held["said"].as_str().unwrap().contains(said), "{held}");
    }
}

#[test]
fn a_file_that_git_would_write_differently_is_not_dirty() {
    let world = Sandbox::new();
    let repo = shop(&world);
    repo.commit("dos", "one\r\ntwo\r\n", "Line ends").ok();
    repo.commit(".gitattributes", "* text\n", "Attributes").ok();
    queued(&repo, "a", "a\n");
    let work = tree(&repo, "work", "main");
    work.sh("echo 'echo three >>dos' >test.sh; git commit --quiet -m Edit test.sh").ok();
    submit(&work);
    let steps = drain(&repo);
    assert_eq!(outcomes(&steps), ["landed", "rejected"]);
    assert!(error(&steps[1]).contains("changed tracked files"));
}

#[test]
fn a_gate_that_says_too_much_is_cut_short_and_still_judged() {
    let world = Sandbox::new();
    let gate = "command = 'test -e a || exit 0; echo first; head -c 400000000 /dev/zero; sleep 1; echo last; exit 3'";
    let repo = gated(&world, "shop", gate);
    queued(&repo, "a", "a\n");
    let steps = drain(&repo);
    assert!(error(&steps[0]).starts_with("test failed (exit 3)"), "{}", error(&steps[0]));
    let output = steps[0]["rejection"]["gate"]["output"].as_str().unwrap();
    let kept = repo.dir.join(".git/shopfloor").join(output);
    assert!(kept.metadata().unwrap().len() <= 16 << 20);
    assert!(steps[0]["rejection"]["tail"].as_str().unwrap().ends_with("last"));
}

#[test]
fn a_pick_on_the_target_that_has_landed_is_over() {
    let world = Sandbox::new();
    let repo = shop(&world);
    repo.git("bead init --yes").ok();
    drain(&repo);
    let work = tree(&repo, "work", "main~0");
    work.commit("picked", "picked\n", "Pick me").ok();
    repo.git(&format!("-c user.name=Jim cherry-pick {}", work.rev("HEAD")));
    let steps = drain(&repo);
    assert_eq!(outcomes(&steps), ["landed"], "{steps}");
    assert_eq!(repo.git("status --porcelain --branch").ok().line(), "## main");
    assert!(!repo.has(".git/CHERRY_PICK_HEAD"));
}

#[test]
fn what_a_gate_left_running_is_gone_before_the_next_one_judges() {
    let world = Sandbox::new();
    let repo = gated(
        &world,
        "shop",
        "command = 'setsid sleep 1000 >/dev/null 2>&1 & echo $! >$HOME/pid'\n\
         [gates.next]\ncommand = '! grep -q sleep /proc/$(cat $HOME/pid)/cmdline'\n",
    );
    let work = tree(&repo, "work", "main");
    work.commit("a", "a\n", "Add a").ok();
    submit(&work);
    assert_eq!(drain(&repo)[0]["outcome"], "landed");
}

#[test]
fn a_gate_that_ends_its_own_refinery_does_so_three_times() {
    let world = Sandbox::new();
    let gate = "command = 'test -e a || exit 0; test -e b || kill -9 $PPID; exit 0'";
    let repo = gated(&world, "shop", gate);
    queued(&repo, "a", "a\n");
    for _ in 0..3 {
        assert_eq!(repo.git("refinery run --drain").code, 137);
    }
    let held = drain(&repo)[0]["held"].clone();
    assert_eq!(held["said"], "the refinery was killed 3 times while it tested this");
    repo.git("refinery retry 1").ok();
    assert_eq!(repo.git("refinery run --drain").code, 137, "a retry begins anew");
}

#[test]
fn a_gate_that_moves_its_own_target_stops_the_line() {
    let world = Sandbox::new();
    let gate = "command = 'git commit -q --allow-empty -m x; git update-ref refs/heads/main HEAD'";
    let repo = gated(&world, "shop", gate);
    queued(&repo, "a", "a\n");
    queued(&repo, "b", "b\n");
    let moved = drain(&repo).as_array().unwrap().last().unwrap().clone();
    assert!(moved["held"]["said"].as_str().unwrap().ends_with(", 8 times"), "{moved}");
    assert_eq!(standing(&repo, &[1, 2]), ["landed", "held"]);
}

#[test]
fn a_gate_that_its_target_was_never_put_to_is_no_fault_of_the_change() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("config shopfloor.autorun false").ok();
    queued(&repo, "a", "a\n");
    assert_eq!(outcomes(&drain(&repo)), ["landed"]);
    repo.commit("shopfloor.toml", "[gates.never]\ncommand = \"false\"\n", "A gate").ok();
    repo.git("bead trust --yes").ok();
    queued(&repo, "b", "b\n");
    let steps = drain(&repo);
    assert_eq!(outcomes(&steps), ["foreign", "held"]);
    let said = steps[1]["held"]["said"].as_str().unwrap();
    assert!(said.starts_with("main itself fails never at "), "{said}");
}
