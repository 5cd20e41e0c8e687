//! kill -9 at any moment, then one command: nothing promised is lost, nothing is done twice.
//!
//! Each test prints its seed; `SEED=… cargo test crash::writer` repeats it. `SHOPFLOOR_KILLS=300`
//! asks for that many kills of each kind of process, instead of the few every commit gets.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::{Dice, Place, Sandbox, kills};

/// After a crash the next command has this long (DESIGN, I8).
const SOON: Duration = Duration::from_secs(2);

#[test]
fn writer() {
    let mut dice = Dice::cast("writer");
    let world = Sandbox::new();
    let repo = world.repo("api");
    let first = repo.bead("Bead first");
    let from = Instant::now();
    let mut promised = BTreeSet::from(["Bead first".to_owned(), "Bead second".to_owned()]);
    repo.bead("Bead second");
    let usual = from.elapsed() * 5 / 4;
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
        killed += usize::from(ran.code == 137);
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

/// Every title, and every comment on this bead.
fn written(repo: &Place<'_>, bead: &str) -> Vec<String> {
    let list = repo.json("bead list --all --json --limit 0");
    let shown = repo.json(&format!("bead show {bead} --json"));
    let titles = list.as_array().unwrap().iter().map(|bead| &bead["title"]);
    let comments = shown[0]["comments"].as_array().into_iter().flatten().map(|c| &c["text"]);
    titles.chain(comments).map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn sound(repo: &Place<'_>) {
    let fsck = repo.git("fsck --no-dangling --no-progress").ok();
    assert_eq!((fsck.out.as_str(), fsck.err.as_str()), ("", ""));
    if repo.has("shopfloor.toml") {
        repo.git("refinery audit").ok();
    }
}

fn soon<T>(act: impl FnOnce() -> T) -> T {
    let from = Instant::now();
    let done = act();
    assert!(from.elapsed() < SOON, "it took {:?}", from.elapsed());
    done
}
