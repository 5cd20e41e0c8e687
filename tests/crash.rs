//! kill -9 at any moment, then one command: nothing promised is lost, nothing is done twice.
//!
//! Each test prints its seed; `SEED=… cargo test crash::writer` repeats it. `SHOPFLOOR_KILLS=300`
//! asks for that many kills of each kind of process, instead of the few every commit gets.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::power::traceable;
use crate::support::{Dice, Place, Sandbox, hit, kills, soon};

#[test]
fn writer() {
    let mut dice = Dice::cast("writer");
    let world = Sandbox::new();
    let repo = world.repo("api");
    let first = repo.bead("Bead first");
    let from = Instant::now();
    let mut promised = BTreeSet::from(["Bead first".to_owned(), "Bead second".to_owned()]);
    repo.bead("Bead second");
    let mut usual = from.elapsed() * 5 / 4;
    let (mut killed, mut nth) = (0, 0);
    while killed < kills(40) {
        nth += 1;
        let text = format!("Bead {nth}");
        let mut writer = match dice.below(3) {
            0 => repo.start(["git-bead", "comment", &first, &text]),
            _ => repo.start(["git-bead", "create", &text]),
        };
        dice.linger(usual);
        writer.kill();
        let ran = writer.end();
        killed += hit(&mut usual, ran.code == 137);
        if ran.code == 0 {
            promised.insert(text);
        }
        let after = format!("Bead after {nth}");
        soon(|| repo.bead(&after));
        promised.insert(after);
    }
    let written = written(&repo, &first);
    let once: BTreeSet<_> = written.iter().cloned().collect();
    assert_eq!(once.len(), written.len(), "something was written twice");
    assert!(promised.is_subset(&once), "lost: {:?}", promised.difference(&once));
    sound(&repo);
}

/// Writers who commit for each other: whoever dies among them takes nobody's promise along.
#[test]
fn crowd() {
    let mut dice = Dice::cast("crowd");
    let world = Sandbox::new();
    let repo = world.repo("api");
    let bead = repo.bead("Wanted by all");
    let (mut killed, mut nth) = (0, 0);
    let mut promised = BTreeSet::new();
    while killed < kills(16) {
        let mut writers: Vec<_> = (0..8)
            .map(|n| {
                let text = format!("{nth} by {n}");
                (repo.start(["git-bead", "comment", &bead, &text]), text)
            })
            .collect();
        nth += 1;
        for _ in 0..3 {
            dice.linger(Duration::from_millis(60));
            writers[usize::try_from(dice.below(8)).unwrap()].0.kill();
        }
        for (writer, text) in writers {
            let ran = writer.end();
            killed += usize::from(ran.code == 137);
            match ran.code {
                0 => drop(promised.insert(text)),
                code => assert_eq!(code, 137, "{ran}"),
            }
        }
        let after = format!("after {nth}");
        soon(|| repo.run(["git-bead", "comment", &bead, &after]).ok());
        promised.insert(after);
    }
    let written = written(&repo, &bead);
    let once: BTreeSet<_> = written.iter().cloned().collect();
    assert_eq!(once.len(), written.len(), "something was written twice");
    assert!(promised.is_subset(&once), "lost: {:?}", promised.difference(&once));
    sound(&repo);
}

/// Every title, and every comment on this bead.
fn written(repo: &Place<'_>, bead: &str) -> Vec<String> {
    let list = repo.json("bead list --all --json --limit 0");
    let shown = repo.json(&format!("bead show {bead} --json"));
    let titles = list.as_array().unwrap().iter().map(|bead| &bead["title"]);
    let comments = shown[0]["comments"].as_array().into_iter().flatten().map(|c| &c["text"]);
    titles.chain(comments).map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The git hook that turns a push into a queue entry dies; the push is made again.
#[test]
fn hook() {
    let mut dice = Dice::cast("hook");
    let mut world = Sandbox::new();
    let note = world.root().join("hook.pid");
    world.set("HOOK_PID", note.to_str().unwrap());
    announce_hooks(&world);
    let repo = queueing(&world);
    let (mut killed, mut nth) = (0, 0);
    let mut usual = Duration::from_millis(100);
    while killed < kills(12) {
        nth += 1;
        let side = work(&repo, nth);
        fs::remove_file(&note).ok();
        let mut push = side.start(["git", "push", "origin", "HEAD:main"]);
        let mut pid = None;
        while pid.is_none() && !push.over() {
            pid = fs::read_to_string(&note).ok().filter(|text| text.ends_with('\n'));
        }
        dice.linger(usual);
        killed += hit(&mut usual, pid.is_some_and(|pid| kill(pid.trim())));
        let pushed = push.end();
        if pushed.code == 0 {
            assert!(waiting(&repo) > 0, "promised, and not there\n{pushed}");
        }
        side.git("push origin HEAD:main").ok();
        assert_eq!(waiting(&repo), 1, "the same push twice is one entry");
        repo.git("refinery run --drain").ok();
        landed_once(&repo, nth);
    }
    sound(&repo);
}

#[test]
fn refinery() {
    let mut dice = Dice::cast("refinery");
    let world = Sandbox::new();
    let repo = queueing(&world);
    work(&repo, 0).git("refinery submit").ok();
    let from = Instant::now();
    repo.git("refinery run --drain").ok();
    let mut usual = from.elapsed();
    let (mut killed, mut nth) = (0, 0);
    while killed < kills(16) {
        nth += 1;
        work(&repo, nth).git("refinery submit").ok();
        let mut refinery = repo.start(["git-refinery", "run", "--drain"]);
        dice.linger(usual);
        refinery.kill();
        killed += hit(&mut usual, refinery.end().code == 137);
        repo.git("refinery run --drain").ok();
        landed_once(&repo, nth);
        assert_eq!(waiting(&repo), 0);
        assert_eq!(repo.git("status --porcelain").ok().out, "", "a landing shows as an edit");
    }
    sound(&repo);
}

/// The agent's program dies; its bead is slung again, and nothing it wrote is lost.
#[test]
fn agent() {
    session_dies("agent", |notes| {
        notes.lines().find_map(|l| l.strip_prefix("pid ")).map(str::to_owned)
    });
}

/// The process that watches a session dies: the session ends with it, and the same holds.
#[test]
fn runner() {
    session_dies("runner", |_| None);
}

fn session_dies(kind: &str, victim: impl Fn(&str) -> Option<String>) {
    let mut dice = Dice::cast(kind);
    let mut world = Sandbox::new();
    let notes = employ(&mut world);
    let repo = queueing(&world);
    repo.git("config shopfloor.autorun true").ok();
    let calm = repo.bead("Calm");
    let nobody = || repo.json("sling ps --json").as_array().unwrap().is_empty();
    repo.run(["git", "sling", &calm, "builder"]).ok();
    let from = Instant::now();
    repo.wait("the session is over", "git sling ps", nobody);
    // The landing that follows is not in it: nothing of a session is left to be killed by then.
    let mut usual = from.elapsed();
    let (mut killed, mut nth) = (0, 0);
    while killed < kills(8) {
        nth += 1;
        let bead = repo.bead(&format!("Work {nth}"));
        let note = notes.join(&bead);
        repo.run(["git", "sling", &bead, "builder"]).ok();
        repo.wait("the agent began", "git sling ps", || {
            fs::read_to_string(&note).is_ok_and(|told| told.contains('\n'))
        });
        let told = fs::read_to_string(&note).unwrap();
        let pid = victim(&told).or_else(|| runner_of(&repo));
        dice.linger(usual);
        killed += hit(&mut usual, pid.is_some_and(|pid| kill(&pid)));
        let agent = told.lines().find_map(|line| line.strip_prefix("pid ")).unwrap();
        repo.wait("the agent is gone", "git sling ps", || !lives(agent));
        soon(|| repo.git("sling ps").ok());
        repo.wait("the session is over", "git sling ps", nobody);
        let told = fs::read_to_string(&note).unwrap();
        for path in told.lines().filter_map(|line| line.strip_prefix("wrote ")) {
            let kept = repo.sh(&format!("git rev-list --all --objects | grep -q ' {path}$'"));
            assert_eq!(kept.code, 0, "{path} is nowhere\n{told}");
        }
        let status =
            |wanted: &str| repo.json(&format!("bead show {bead} --json"))[0]["status"] == wanted;
        // The push may have been taken without the agent hearing of it.
        repo.git("refinery run --drain");
        repo.wait("the queue is empty", "git refinery status", || waiting(&repo) == 0);
        if !status("closed") {
            assert!(!told.contains("\npushed\n"), "a promise was not kept\n{told}");
            repo.run(["git", "sling", &bead, "builder", "--wait"]).ok();
        }
        assert!(status("closed"), "{told}\n{}", repo.git(&format!("bead log {bead}")));
        assert_eq!(commits_of(&repo, &format!("work/{bead}")), 1, "{told}");
    }
    sound(&repo);
}

/// The command that puts a bead on a hook dies: it hangs there and is worked on, or it is free, and
/// the same call again brings it through once.
#[test]
fn sling() {
    let mut dice = Dice::cast("sling");
    let mut world = Sandbox::new();
    employ(&mut world);
    let repo = queueing(&world);
    repo.git("config shopfloor.autorun true").ok();
    let calm = repo.bead("Calm");
    let from = Instant::now();
    repo.run(["git", "sling", &calm, "builder"]).ok();
    let mut usual = from.elapsed() * 5 / 4;
    let (mut killed, mut nth) = (0, 0);
    while killed < kills(12) {
        nth += 1;
        let bead = repo.bead(&format!("Work {nth}"));
        let mut call = repo.start(["git-sling", &bead]);
        dice.linger(usual);
        call.kill();
        killed += hit(&mut usual, call.end().code == 137);
        soon(|| repo.git("sling ps").ok());
        let status = || repo.json(&format!("bead show {bead} --json"))[0]["status"].clone();
        let working = || {
            let rows = repo.json("sling ps --json");
            rows.as_array().unwrap().iter().any(|row| row["bead"] == *bead)
        };
        repo.wait("its session, if there was one, is over", "git sling ps", || !working());
        repo.wait("it is through, or free", "git bead list", || status() != "in_progress");
        if status() != "closed" {
            repo.run(["git", "sling", &bead, "--wait"]).ok();
        }
        assert_eq!(status(), "closed");
        assert_eq!(commits_of(&repo, &format!("work/{bead}")), 1);
    }
    let left = repo.sh("ls .git/shopfloor/live").ok().out;
    assert_eq!(left, "");
    sound(&repo);
}

/// Seed 2146172526 of `sling`: it was killed between the two steps of writing down who answers for
/// the session. Here it is killed at each of its renames, one after the other.
#[test]
fn who_is_killed_while_slinging_leaves_nothing_behind() {
    let world = Sandbox::new();
    if !traceable(&world) {
        return;
    }
    world.person("[agents.builder]\ncommand = [\"true\"]\n");
    let repo = world.repo("api");
    for nth in 1.. {
        let bead = repo.bead(&format!("Work {nth}"));
        let kill = format!("inject=rename:signal=KILL:when={nth}");
        let strace = ["strace", "-o", "/dev/null", "-e", "trace=rename", "-e", &kill];
        let ran = repo.run(strace.into_iter().chain(["git-sling", &bead]));
        repo.git("sling ps").ok();
        let over = || repo.json("sling ps --json").as_array().unwrap().is_empty();
        repo.wait("its session, if there was one, is over", "git sling ps", over);
        assert_eq!(repo.sh("ls .git/shopfloor/live").ok().out, "", "at rename {nth}");
        if ran.code != 137 {
            assert!(ran.ok().code == 0 && nth > 3, "there were {nth} renames");
            break;
        }
    }
    sound(&repo);
}

/// Seed 1878801282 of `agent`: a `git commit` ended in the moment between making a lock and knowing
/// of it. Only a person may take away what is git's; work goes on beside it.
#[test]
fn a_lock_that_a_killed_git_left_stops_nobody() {
    work_beside(|_| ".git/packed-refs.lock".to_owned());
}

/// Seed 2141158368 of `agent`: the same, with the lock of the branch that was the agent's alone.
#[test]
fn a_lock_on_a_branch_of_its_own_stops_no_agent() {
    work_beside(|bead| format!(".git/refs/heads/builder/{bead}.lock"));
}

/// Two beads are done although each finds a lock that nobody takes away.
fn work_beside(lock: impl Fn(&str) -> String) {
    let mut world = Sandbox::new();
    employ(&mut world);
    let repo = queueing(&world);
    repo.git("config shopfloor.autorun true").ok();
    for title in ["One", "Two"] {
        let bead = repo.bead(title);
        repo.write(&lock(&bead), "");
        repo.run(["git", "sling", &bead, "builder", "--wait"]).ok();
    }
    sound(&repo);
}

/// An agent that notes what it does where the answer says.
fn employ(world: &mut Sandbox) -> PathBuf {
    let notes = world.place("notes").dir;
    world.set("AGENT_NOTES", notes.to_str().unwrap());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/agent");
    world.person(&format!("[agents.builder]\ncommand = [{script:?}]\n"));
    notes
}

/// An initialised repository with a gate, whose refinery runs only when told to.
fn queueing(world: &Sandbox) -> Place<'_> {
    let repo = world.repo("api");
    repo.write("shopfloor.toml", "[gates.test]\ncommand = \"test -f README.md\"\n");
    repo.sh("git add . && git commit -q -m 'a gate' && git config shopfloor.autorun false").ok();
    repo.git("bead trust --yes").ok();
    repo.git("bead init --yes").ok();
    repo.git("worktree add -q ../side -b topic").ok();
    repo
}

/// A change of its own, in a worktree beside the one that has main checked out.
fn work<'w>(repo: &Place<'w>, nth: usize) -> Place<'w> {
    let side = repo.at("../side");
    side.run(["git", "switch", "-q", "-C", "topic", "main"]).ok();
    side.commit(&format!("work/{nth}"), "done\n", &format!("Work {nth}")).ok();
    side
}

fn waiting(repo: &Place<'_>) -> usize {
    repo.json("refinery status --json")["queue"].as_array().unwrap().len()
}

fn landed_once(repo: &Place<'_>, nth: usize) {
    assert_eq!(commits_of(repo, &format!("work/{nth}")), 1, "work/{nth} on main");
}

/// How many commits of main's own history touch a path.
fn commits_of(repo: &Place<'_>, path: &str) -> usize {
    let log = repo.run(["git", "log", "--first-parent", "--format=%H", "main", "--", path]);
    log.ok().out.lines().count()
}

fn sound(repo: &Place<'_>) {
    repo.sound();
    if repo.has("shopfloor.toml") {
        repo.git("refinery audit").ok();
    }
}

/// Each of our commands that git calls as a hook writes down its process id before it starts.
fn announce_hooks(world: &Sandbox) {
    for (name, built) in crate::support::TOOLS {
        fs::remove_file(world.root().join("bin").join(name)).unwrap();
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = hook ]; then echo $$ >\"$HOOK_PID\"; fi\nexec '{built}' \"$@\"\n"
        );
        world.program(name, &script);
    }
}

fn runner_of(repo: &Place<'_>) -> Option<String> {
    let found = repo.sh("for p in /proc/[0-9]*; do
           tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'git-sling runner' || continue
           tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -q \"^HOME=$HOME$\" && echo ${p#/proc/}
         done");
    found.out.lines().next().map(str::to_owned)
}

fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// SIGKILL, if it still is there.
fn kill(pid: &str) -> bool {
    let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok()
}
