//! Files that a bead owns, and who else may have a bead that owns them, too.

use serde_json::json;

use crate::support::{Place, Sandbox};
use crate::sync::clones;

/// A bead with these files.
fn owning(repo: &Place<'_>, title: &str, files: &str) -> String {
    let made = repo.run(["git", "bead", "create", title, "--files", files, "--silent"]).ok();
    made.out.trim().to_owned()
}

fn demand(repo: &Place<'_>, rule: &str) {
    repo.commit("shopfloor.toml", &format!("[beads]\noverlapping = '{rule}'\n"), "rules").ok();
}

fn agent(name: &str, words: &str) -> String {
    format!("SHOPFLOOR_AGENT={name} SHOPFLOOR_SESSION=s-{name} git bead {words}")
}

#[test]
fn files_are_kept_shown_changed_and_go_out_and_come_in_again() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = owning(&repo, "Rotate tokens", "src/auth/**, ./docs/tokens.md,src/auth/**");
    let files = json!(["src/auth/**", "docs/tokens.md"]);
    assert_eq!(repo.json(&format!("bead show {id} --json"))[0]["files"], files);
    let shown = repo.git(&format!("bead show {id}")).ok().out;
    assert!(shown.contains("  owns src/auth/**, docs/tokens.md\n"), "{shown}");
    for (asked, found) in [
        ("list --files src/auth/key.rs", 1),
        ("list --files src/*.rs", 0),
        ("list --files docs", 1),
        ("query files=src/auth/key.rs", 1),
        ("query files~tokens", 1),
        ("query files!=docs/tokens.md", 0),
        ("query files=none", 0),
    ] {
        let rows = repo.git(&format!("bead {asked} --json")).json();
        assert_eq!(rows.as_array().unwrap().len(), found, "{asked}");
    }
    repo.git("bead list --files /docs").fails(129);
    let other = world.repo("other");
    let out = repo.git("bead export").ok().out;
    other.write("in.jsonl", &out);
    other.git("bead import in.jsonl").ok();
    assert_eq!(other.git("bead export").ok().out, out);
    let is = other.json(&format!("bead update {id} --files src/new.rs --json"));
    assert_eq!(is["files"], json!(["src/new.rs"]));
    let none = repo.json(&format!("bead update {id} --files= --json"));
    assert_eq!(none["files"], json!([]));
    for (no, why) in [
        ("src/[a", "is not closed"),
        ("/src", "begins with a name"),
        ("a/../b", "leads nowhere"),
        ("{a}", "no braces"),
    ] {
        repo.run(["git", "bead", "update", &id, "--files", no]).fails(129).says(&[why, "hint: "]);
    }
}

#[test]
fn who_shares_files_with_a_holder_is_told_and_where_that_is_demanded_refused() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let tokens = owning(&repo, "Rotate tokens", "src/auth/**");
    let names = owning(&repo, "Rename tokens", "src/*/token.rs");
    let docs = owning(&repo, "Say what tokens are", "docs/tokens.md");
    repo.sh(&agent("toast", &format!("update {tokens} --claim"))).ok();
    let told =
        format!("src/*/token.rs overlaps src/auth/** of {}, which toast holds", &tokens[..8]);
    let claim = agent("rye", &format!("update {names} --claim"));
    repo.sh(&claim).ok().says(&["note: ", &told, "hint: shopfloor.toml decides"]);
    repo.git(&format!("bead update {names} --status open")).ok();
    demand(&repo, "allow");
    assert_eq!(repo.sh(&claim).ok().err, "");
    repo.git(&format!("bead update {names} --status open")).ok();
    demand(&repo, "refuse");
    repo.sh(&claim).fails(3).says(&["would share files: ", &told]);
    repo.sh(&agent("rye", &format!("update {names} --claim --take-over"))).fails(3).says(&[&told]);
    let explained = repo.json("bead ready --explain --json");
    let ids = |list: &str| {
        let beads = explained[list].as_array().unwrap().iter();
        beads.map(|bead| bead["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("ready").concat(), docs);
    let why = json!([{"kind": "files", "reason": told, "blocked_by": [tokens]}]);
    assert_eq!(explained["blocked"][0]["reasons"], why);
    assert_eq!(repo.git("bead ready -q").ok().out.trim(), docs);
    repo.git(&format!("bead update {docs} -p 4")).ok();
    let taken = repo.sh(&agent("rye", "ready --claim --json")).ok();
    assert!(taken.out.contains(&docs), "{taken}");
    taken.says(&["note: passed over: ", &told]);
    let more = agent("rye", &format!("update {docs} --files docs/tokens.md,src/auth/token.rs"));
    repo.sh(&format!("SHOPFLOOR_EPOCH=1 {more}")).fails(3).says(&["src/auth/token.rs overlaps"]);
    repo.sh(&agent("barley", "ready --claim")).fails(1).says(&["nothing is ready", &told]);
    // Its own holder is in nobody's way but that of others.
    repo.sh(&format!("{} --json", agent("toast", &format!("update {names} --claim")))).ok();
}

#[test]
fn next_prime_and_stats_call_ready_what_ready_does() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let tokens = owning(&repo, "Rotate tokens", "src/auth/**");
    let names = owning(&repo, "Rename tokens", "src/*/token.rs");
    repo.git(&format!("bead update {names} -p 0")).ok();
    let docs = owning(&repo, "Say what tokens are", "docs/tokens.md");
    repo.sh(&agent("toast", &format!("update {tokens} --claim"))).ok();
    demand(&repo, "refuse");
    assert_eq!(repo.git("bead ready -q").ok().out.trim(), docs);
    assert_eq!(repo.json("bead next --json")["id"], docs);
    assert_eq!(repo.json("bead prime --json")["ready_count"], 1);
    assert_eq!(repo.json("bead stats --json")["summary"]["ready_issues"], 1);
    repo.git(&format!("bead update {docs} --status deferred")).ok();
    repo.git("bead next").fails(1).says(&["nothing is ready"]);
    demand(&repo, "no");
    for call in ["ready", "next", "stats"] {
        repo.git(&format!("bead {call}")).fails(128).says(&["shopfloor.toml"]);
    }
    let told = repo.git("bead prime --json").ok().says(&["note: what is ready is not told: "]);
    assert_eq!(told.json()["ready_count"], 0);
}

/// Each would leave the other alone, had it known: what is decided under the lock is known.
#[test]
fn of_two_who_race_for_shared_files_one_gets_them() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    demand(&repo, "refuse");
    let beads: Vec<_> = (0..6).map(|n| owning(&repo, &format!("Part {n}"), "src/**")).collect();
    let racers = beads.iter().enumerate().map(|(n, bead)| {
        format!(
            "({}; echo $? >>codes) &",
            agent(&format!("a{n}"), &format!("update {bead} --claim"))
        )
    });
    repo.sh(&format!("{}\nwait", racers.collect::<Vec<_>>().join("\n"))).ok();
    let codes = repo.read("codes");
    let mut codes: Vec<_> = codes.lines().collect();
    codes.sort_unstable();
    assert_eq!(codes, ["0", "3", "3", "3", "3", "3"]);
    let held = repo.json("bead list -s in_progress --json");
    assert_eq!(held.as_array().unwrap().len(), 1);
}

/// Neither clone can know of the other's claim when it claims; both are told as soon as one can.
#[test]
fn claims_of_two_clones_over_one_file_are_told_when_they_meet() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    demand(&one, "refuse");
    one.git("push -q origin HEAD:main").ok();
    two.git("pull -q").ok();
    let tokens = owning(&one, "Rotate tokens", "docs/a.md,src/auth/**");
    let names = owning(&one, "Rename tokens", "src/*/token.rs");
    for place in [&one, &two] {
        let synced = place.git("bead sync").ok();
        assert!(!synced.out.contains("in common"), "{synced}");
    }
    one.sh(&agent("toast", &format!("update {tokens} --claim"))).ok();
    two.sh(&agent("rye", &format!("update {names} --claim"))).ok();
    one.git("bead sync").ok();
    let told = two.git("bead sync").ok().says(&["hint: one lets go"]).out;
    let beads = [("toast", &tokens, "src/auth/**"), ("rye", &names, "src/*/token.rs")];
    for (holder, id, pattern) in beads {
        let said = format!("{} with {pattern}, which {holder} holds", &id[..8]);
        assert!(told.contains(&said), "{told}");
        let doctor = two.git("bead doctor").fails(1).out;
        assert!(doctor.contains("claims: files in common: ") && doctor.contains(&said), "{doctor}");
        let explained = two.git("bead ready --explain").fails(1);
        assert_eq!(explained.out.matches(&said).count(), 2, "under each of the two: {explained}");
    }
    let sides = |place: &Place<'_>| {
        let clashes = &place.git("bead sync --json").ok().json()["clashes"];
        let mut sides: Vec<_> = clashes[0].as_array().unwrap().clone();
        sides.sort_by_key(|side| side["holder"].to_string());
        sides
    };
    let [rye, toast] = [beads[1], beads[0]]
        .map(|(holder, id, pattern)| json!({"id": id, "holder": holder, "pattern": pattern}));
    assert_eq!(sides(&one), [rye, toast]);
    assert_eq!(sides(&one), sides(&two));
    demand(&one, "allow");
    assert_eq!(one.git("bead sync --json").ok().json().get("clashes"), None);
    // Who lets go is in nobody's way.
    two.git(&format!("bead update {names} --status open")).ok();
    assert_eq!(two.git("bead sync --json").ok().json().get("clashes"), None);
    let explained = two.git("bead ready --explain").fails(1).out;
    assert!(!explained.contains("in common"), "{explained}");
}

#[test]
fn a_bead_is_slung_only_where_its_files_are_free() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    demand(&repo, "refuse");
    world.person("[agents.builder]\ncommand = ['sleep', '60']\n");
    let one = owning(&repo, "Rotate tokens", "src/auth/**");
    let other = owning(&repo, "Rename tokens", "src/auth/token.rs");
    repo.sh(&agent("toast", &format!("update {one} --claim"))).ok();
    repo.git(&format!("sling {other}")).fails(3).says(&["would share files", "which toast holds"]);
    assert_eq!(repo.json(&format!("bead show {other} --json"))[0]["status"], "open");
}

#[test]
fn patterns_mean_what_git_means_by_them() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let paths =
        ["a.rs", "src/a.rs", "src/x/a.rs", "src/x/b.rs", "srcs/a.rs", "docs/[id].md", "docs/i.md"];
    for path in paths {
        repo.write(path, "x");
    }
    repo.git("add .").ok();
    repo.git("commit -q -m files").ok();
    demand(&repo, "refuse");
    for pattern in [
        "src",
        "src/",
        "*.rs",
        "**/*.rs",
        "src/**/a.rs",
        "src/*",
        "s*/a.rs",
        "docs/[i]*",
        "docs/[[]*",
        "**",
    ] {
        let listed =
            repo.run(["git", "ls-files", "-z", "--", &format!(":(top,glob){pattern}")]).ok().out;
        let listed: Vec<_> = listed.split_terminator('\0').collect();
        let held = owning(&repo, "Held", pattern);
        repo.git(&format!("bead update {held} --claim")).ok();
        for path in paths {
            let exact = path.replace('[', "[[]");
            let bead = owning(&repo, "Asked for", &exact);
            let asked = repo.sh(&agent("rye", &format!("update {bead} --claim")));
            assert_eq!(asked.code == 3, listed.contains(&path), "{pattern} {path}: {asked}");
            // Nothing that was tried is in the way of the next.
            repo.git(&format!("bead update {bead} --status open"));
            repo.git(&format!("bead delete {bead} --reason over")).ok();
        }
        repo.git(&format!("bead update {held} --status open")).ok();
        repo.git(&format!("bead delete {held} --reason over")).ok();
    }
}
