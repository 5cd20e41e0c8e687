//! Writers beside git's own housekeeping, and ours: every promised line is there, git has nothing to
//! complain of, and none of its commands fails because of us.
//!
//! Every commit gets a few rounds of all of them together. `SHOPFLOOR_BESIDE=10 cargo test beside::`
//! gives each ten seconds of its own, on both kinds of ref storage: four minutes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::{Place, Ran, Running, Sandbox, beside};

const WRITERS: usize = 8;
/// How often git is asked to do what it gave up.
const PATIENCE: usize = 30;

/// Not `git fsck`: it lists the objects, then the refs, and misses what was written in between, by
/// `git commit` too. It looks afterwards.
const NOISE: [&str; 9] = [
    "git gc --quiet --prune=now",
    "git prune --expire=now",
    "git repack -adq",
    "git pack-refs --all --prune",
    "git maintenance run --quiet",
    "git fetch --quiet --prune",
    "rm -rf ../copy && git clone --quiet . ../copy",
    "git worktree add --quiet --detach ../tree && git worktree remove ../tree",
    "git bead maintain",
];

#[test]
fn nothing_is_lost_and_no_git_fails() {
    let formats = ["files", "reftable"];
    match beside() {
        None => all(formats[0], &NOISE, None),
        Some(seconds) => {
            for format in formats {
                for noise in NOISE {
                    all(format, &[noise], Some(Duration::from_secs(seconds)));
                }
            }
        }
    }
}

/// Writers for so long, or a few writes each, and the noise as often as it fits in.
fn all(format: &str, noise: &[&str], time: Option<Duration>) {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let repo = world.repo_as("api", &[&format!("--ref-format={format}")]);
    repo.run(["git", "remote", "add", "origin", hub.dir.to_str().unwrap()]).ok();
    repo.git("push --quiet --set-upstream origin main").ok();
    repo.write("goes.on", "");
    let bead = repo.bead("Wanted by all");
    let script = match time {
        Some(_) => "while test -e goes.on; do",
        None => "for round in 1 2 3; do",
    };
    let script = format!(
        "n=0; {script} n=$((n+1)); git bead comment {bead} \"$0 $n\" >/dev/null || exit; echo \"$0 $n\"; done"
    );
    let mut writers: Vec<Running> =
        (0..WRITERS).map(|n| repo.start(["sh", "-c", &script, &format!("writer {n}")])).collect();
    let from = Instant::now();
    while !writers.iter_mut().all(Running::over) {
        for noise in noise {
            make(&repo, noise, format);
        }
        if time.is_some_and(|time| from.elapsed() > time) && repo.has("goes.on") {
            repo.sh("rm goes.on").ok();
        }
    }
    let mut promised = BTreeSet::new();
    for writer in writers {
        promised.extend(writer.end().ok().out.lines().map(str::to_owned));
    }
    assert!(promised.len() >= 3 * WRITERS, "{noise:?}");
    assert_eq!(said(&repo, &bead), promised, "{noise:?}");
    repo.sound();
}

/// With reftable (2.47) git gives up at once where somebody else writes a ref: two of four `git gc` beside
/// nothing but `git update-ref`, some without a word and with an error of the table's as their exit code.
/// It comes through where it is asked again.
fn make(repo: &Place<'_>, noise: &str, format: &str) {
    let is_busy = |ran: &Ran| {
        let told = ["data is locked", "failed to run pack-refs", "failed to run reflog"];
        let mute = ran.code > 240 && ran.err.is_empty();
        format == "reftable" && (mute || told.iter().any(|told| ran.err.contains(told)))
    };
    let tries = std::iter::repeat_with(|| repo.sh(noise)).take(PATIENCE);
    let mut rest = tries.skip_while(is_busy);
    rest.next().unwrap_or_else(|| panic!("{noise}: never comes through")).ok();
}

fn said(repo: &Place<'_>, bead: &str) -> BTreeSet<String> {
    let shown = repo.json(&format!("bead show {bead} --json"));
    let all = shown[0]["comments"].as_array().unwrap();
    let texts: Vec<_> = all.iter().map(|said| said["text"].as_str().unwrap().to_owned()).collect();
    let once: BTreeSet<_> = texts.iter().cloned().collect();
    assert_eq!(once.len(), texts.len(), "something was written twice");
    once
}
