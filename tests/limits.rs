//! What bounds a ledger: long texts stand beside their lines and go wherever those go; what is longer
//! or deeper than any honest line is refused where it enters.

use std::fs;

use crate::support::{Place, Sandbox};
use crate::sync::{clones, ids};

const LEDGER: &str = "refs/shopfloor/ledger";
/// Sound in itself, and nobody could write after it.
const LAST: &str = concat!(
    r#"{"id":"6yqx3cdzc6bzgijhb7ojd5xdti","at":"2026-11-22T00:00:00.000Z","by":"x","clock":90071992547"#,
    r#"40992,"do":"bead.created","on":"a-zzzzzzzzzzzzzzzz","owner":"x@y","with":{"title":"late"}}"#,
    "\n"
);

/// 200 KiB that no two places have by accident.
fn story(word: &str) -> String {
    (0..).map(|n| format!("{n} {word}\n")).take(30_000).collect::<String>()[..200 << 10].to_owned()
}

fn described(place: &Place<'_>, title: &str, text: &str) -> String {
    place.write("story", text);
    let made = place.run(["git", "bead", "create", title, "--body-file", "story", "--json"]).ok();
    let made = made.json();
    assert_eq!(made["description"], text);
    made["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn tells(place: &Place<'_>, id: &str, text: &str) {
    let shown = place.json(&format!("bead show {id} --json"));
    assert_eq!(shown[0]["description"], text);
}

/// The longest line of the ledger.
fn longest(place: &Place<'_>) -> usize {
    let all = place.sh(&format!(
        "git ls-tree -r {LEDGER} | grep jsonl | cut -f1 | cut -d' ' -f3 | git cat-file --batch"
    ));
    all.ok().out.lines().map(str::len).max().unwrap()
}

#[test]
fn a_long_text_is_written_shown_and_kept_out_of_its_line() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (text, other) = (story("of the map"), story("of the walk")[..100 << 10].to_owned());
    let id = described(&repo, "Draw the map", &text);
    tells(&repo, &id, &text);
    let page = repo.git(&format!("bead show {id} --full")).ok().out;
    assert!(page.contains("\n  29 of the map\n") && page.contains("description=…"), "{page}");
    repo.run(["git", "bead", "update", &id, "--description", &other]).ok();
    tells(&repo, &id, &other);
    let listed = repo.json("bead list --json");
    assert_eq!(listed[0]["description"], other);
    assert!(longest(&repo) < 1000, "{}", longest(&repo));
    // Also without anything that can be made again, and once it is packed.
    repo.sh("rm -rf .git/shopfloor").ok();
    repo.git("bead maintain").ok();
    repo.git("gc --quiet --prune=now").ok();
    tells(&repo, &id, &other);
    repo.git("bead verify").ok();
    repo.git("fsck --strict").ok();
}

/// What is cut says so, and how much there is.
#[test]
fn the_log_marks_what_it_cuts_and_tells_it_whole_when_asked() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (lines, long) = ("one\ntwo\nthree", "x".repeat(412));
    let made = ["git", "bead", "create", "Draw", "--silent", "--notes", lines, "--design", &long];
    let id = repo.run(made).ok().line();
    described(&repo, "Walk", &story("of the map"));
    repo.git(&format!("bead update {id} --notes short")).ok();
    let told = repo.git("bead log").ok().out;
    let cut = format!("design={}… (412 characters)", &long[..60]);
    for said in [cut.as_str(), "notes=one… (13 characters)", "description=… (204800 bytes)"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(told.ends_with("notes=short\n"), "{told}");
    let whole = repo.git(&format!("bead log {id} --full")).ok().out;
    assert!(whole.contains(&format!("    design={long}\n")), "{whole}");
    assert!(whole.contains("    notes=one\n    two\n    three\n"), "{whole}");
    let all = repo.git("bead log --full").ok().out;
    assert!(all.contains("    description=0 of the map\n    1 of the map\n"), "all but the mark");
}

/// Two who write one text at once, and one who writes it again, have one blob.
#[test]
fn a_text_is_kept_once() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.write("story", story("twice"));
    let create = ["git", "bead", "create", "One", "--body-file", "story"];
    let at_once: Vec<_> = (0..4).map(|_| repo.start(create)).collect();
    for ran in at_once {
        ran.end().ok();
    }
    let texts = repo.git(&format!("ls-tree -r --name-only {LEDGER}:t")).ok().out;
    assert_eq!((texts.lines().count(), ids(&repo).len()), (1, 4));
    repo.git("bead verify").ok();
}

#[test]
fn the_size_from_which_a_text_stands_apart_is_a_setting() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let text = story("of seasons")[..8000].to_owned();
    let texts = || repo.git(&format!("ls-tree -r --name-only {LEDGER}:t")).out.lines().count();
    described(&repo, "Short by default", &text);
    assert_eq!(texts(), 0);
    repo.git("config shopfloor.textLimit 4k").ok();
    let id = described(&repo, "Long by choice", &text);
    assert_eq!(texts(), 1);
    repo.git("config shopfloor.textLimit much").ok();
    repo.git("bead create Other").fails(128).says(&["\"much\"", "shopfloor.textLimit 16k"]);
    tells(&repo, &id, &text);
}

#[test]
fn a_comment_and_a_letter_may_be_long_too() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = repo.bead("Draw the map");
    let (comment, letter) = (story("said"), story("sent")[..60 << 10].to_owned());
    repo.write("comment", &comment);
    repo.write("letter", &letter);
    repo.git(&format!("bead comment {id} -f comment")).ok();
    assert_eq!(repo.json(&format!("bead show {id} --json"))[0]["comments"][0]["text"], comment);
    repo.sh("git sling mail send overseer -s Long -m - <letter").ok();
    let mail = repo.json("sling mail --json")[0].clone();
    assert_eq!(mail["body"], letter);
    let read = repo.git(&format!("sling mail read {}", mail["id"].as_str().unwrap())).ok();
    assert!(read.out.ends_with(&letter[letter.len() - 500..]), "{read}");
}

#[test]
fn long_texts_go_where_their_lines_go() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    let (first, second) = (story("from one"), story("from two"));
    let a = described(&one, "From one", &first);
    let b = described(&two, "From two", &second);
    for place in [&one, &two, &one] {
        place.git("bead sync").ok();
    }
    let [three] = clones(&world, &hub, ["three"]);
    three.git("bead sync").ok();
    for place in [&one, &two, &three] {
        tells(place, &a, &first);
        tells(place, &b, &second);
        place.git("bead maintain").ok();
        place.git("bead verify").ok();
    }
    assert_eq!(one.rev(LEDGER), hub.rev(LEDGER));
}

#[test]
fn a_text_that_is_missing_is_named_and_never_empty() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let id = described(&repo, "Draw the map", &story("that is lost"));
    let listed = repo.git(&format!("ls-tree -r {LEDGER}:t")).ok().line();
    let blob = listed.split([' ', '\t']).nth(2).unwrap();
    let file = format!(".git/shopfloor-objects/{}/{}", &blob[..2], &blob[2..]);
    fs::rename(repo.dir.join(&file), repo.dir.join("kept")).unwrap();
    for call in ["bead show", "bead show --json"] {
        let words = call.replace("show", &format!("show {id}"));
        let ran = repo.git(&words).fails(128).says(&["a text of 204800 bytes", "git bead doctor"]);
        assert_eq!(ran.out, "");
    }
    repo.git("bead list --json").fails(128);
    repo.git("bead verify").fails(128).says(&["the text ", &id]);
    repo.git("bead maintain").fails(128).says(&["the text ", &id]);
    // What does not need it goes on.
    repo.git("bead list").ok();
    repo.bead("Something else");
    fs::write(repo.dir.join(&file), "x").unwrap();
    repo.git(&format!("bead show {id}")).fails(128);
    fs::rename(repo.dir.join("kept"), repo.dir.join(&file)).unwrap();
    repo.git("bead verify").ok();
}

#[test]
fn what_is_too_long_is_refused_where_it_enters() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Known");
    let before = repo.rev(LEDGER);
    repo.write("story", "x".repeat((1 << 20) + 1));
    repo.git("bead create Long --body-file story").fails(129).says(&["1048576", "commit it as a"]);
    let labels = (0..3000).map(|n| format!("a-label-of-some-length-{n}")).collect::<Vec<_>>();
    let labels = labels.join(",");
    let create = ["git", "bead", "create", "Many", "--labels", &labels];
    repo.run(create).fails(129).says(&["`labels` is too long", "65536 are allowed"]);
    let name = "x".repeat(257);
    let create = "git bead create Long";
    repo.sh(&format!("SHOPFLOOR_AGENT={name} {create}"))
        .fails(129)
        .says(&["SHOPFLOOR_AGENT is too long: 257 bytes, and 256 are allowed"]);
    repo.sh(&format!(
        "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0={name} {create}"
    ))
    .fails(129)
    .says(&["user.name is too long"]);
    assert_eq!(repo.rev(LEDGER), before);
    // As long as may be.
    let id = described(&repo, "Long", &"x".repeat(1 << 20));
    tells(&repo, &id, &"x".repeat(1 << 20));
}

/// Each of these in a remote's ledger: refused with what was there before, ours as it was.
#[test]
fn what_no_honest_clone_writes_is_not_taken_in_from_a_remote() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    let id = described(&one, "From one", &story("that is whole"));
    one.git("bead sync").ok();
    let (tip, whole) = (one.rev(LEDGER), hub.rev(LEDGER));
    let deep = format!("{{\"clock\":1,\"with\":{}{}}}", "[".repeat(100), "]".repeat(100));
    let long = format!("{{\"clock\":1,\"with\":\"{}\"}}", "x".repeat(70_000));
    let text = one.git(&format!("ls-tree -r --name-only {LEDGER}:t")).ok().line();
    let foreign = "r-00000000000000ff/0-0.jsonl";
    for (path, content, words) in [
        (foreign, Some(long + "\n"), "more than 65536"),
        (foreign, Some(deep + "\n"), "deeper than 32 levels"),
        (foreign, Some("x".repeat(2 << 20)), "more than 1048576"),
        (foreign, Some(LAST.to_owned()), "the clock of replica 00000000000000ff is at"),
        (&format!("t/{text}"), Some("another text".to_owned()), "no longer has the text"),
        (&format!("t/{text}"), None, "no longer has the text"),
    ] {
        forge(&hub, path, content.as_deref());
        one.git("bead sync").fails(3).says(&[words, &whole, "nothing of it was taken in"]);
        assert_eq!(one.rev(LEDGER), tip);
        tells(&one, &id, &story("that is whole"));
        // Who never saw it whole does not take it in either.
        let [new] = clones(&world, &hub, ["new"]);
        new.git("bead sync").fails(3);
        assert_eq!(new.git(&format!("rev-parse --verify {LEDGER}")).code, 128);
        fs::remove_dir_all(&new.dir).unwrap();
        hub.run(["git", "update-ref", LEDGER, &whole]).ok();
    }
    one.bead("goes on");
    one.git("bead sync").ok();
}

/// A hub whose hook verifies takes none of it either.
#[test]
fn a_hub_that_verifies_refuses_what_is_too_long() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    one.bead("From one");
    one.git("bead sync").ok();
    let (old, long) = (hub.rev(LEDGER), "x".repeat(70_000));
    forge(&one, "r-00000000000000ff/0-0.jsonl", Some(&format!("{{\"with\":\"{long}\"}}\n")));
    let new = one.rev(LEDGER);
    let range = format!("bead verify --range {old}..{new}");
    one.git(&range).fails(3).says(&["more than 65536"]);
}

/// Later versions may keep more beside the lines; whoever does so keeps the limits.
#[test]
fn what_is_too_large_beside_the_lines_is_not_taken_in_either() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    let bead = one.bead("From one");
    one.git("bead sync").ok();
    let kept = one.rev(LEDGER);
    let large = "x".repeat(1_100_000);
    for path in ["later.bin", "r-00000000000000ff/2-0.bin", "later/and/later.bin"] {
        forge(&one, path, Some(&large));
        let new = one.rev(LEDGER);
        let no = "more than 1048576";
        one.git(&format!("bead verify --range {kept}..{new}")).fails(3).says(&[no]);
        one.git(&format!("push --quiet --force origin {new}:{LEDGER}")).ok();
        two.git("bead sync").fails(3).says(&[no]);
        one.git(&format!("update-ref {LEDGER} {kept}")).ok();
    }
    one.git(&format!("push --quiet --force origin {kept}:{LEDGER}")).ok();
    two.git("bead sync").ok();
    two.git(&format!("bead show {bead}")).ok();
}

/// With the saved state and the ledger both damaged there is no answer, and that is said.
/// Forty megabytes of lines, of which an eighth still says how things stand.
#[test]
fn the_first_read_holds_a_few_files_at_once_and_not_all_lines() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    for version in 1..=8 {
        let record = r#"{\"id\":\"api-%d\",\"title\":\"Task\",\"description\":\"%04000d\",\"created_at\":\"2025-01-01T00:00:00Z\",\"updated_at\":\"2025-01-0%dT00:00:00Z\"}\n"#;
        let print = format!("printf \"{record}\", i, i + {version}, {version}");
        let all = format!("awk 'BEGIN {{ for (i = 0; i < 1200; i++) {print} }}'");
        repo.sh(&format!("{all} | git bead import -")).ok();
    }
    assert_eq!(repo.json("bead verify --json")["lines"], 9600);
    // Who helps to read has a stack of its own.
    let helpers = std::thread::available_parallelism().map_or(1, usize::from);
    let most = (48 + 3 * helpers) << 10;
    repo.sh(&format!("rm -rf .git/shopfloor && ulimit -d {most} && git-bead ready --json")).ok();
}

#[test]
fn a_damaged_cache_over_a_damaged_ledger_is_an_error_and_no_crash() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let made: Vec<_> = (0..40).map(|n| repo.bead(&format!("bead {n}"))).collect();
    let id = &made[39];
    repo.sh(&format!("rm -r .git/shopfloor/cache && git bead show {id}")).ok();
    let cache = repo.dir.join(".git/shopfloor/cache/beads");
    let mut bytes = fs::read(&cache).unwrap();
    let most = bytes.len() / 4;
    bytes[most..].fill(0);
    fs::write(&cache, &bytes).unwrap();
    repo.sh("find .git/shopfloor-objects -type f ! -path '*/desk/*' -delete").ok();
    let ran = repo
        .git(&format!("bead show {id}"))
        .fails(128)
        .says(&["is damaged, and it cannot be made again", "hint: git bead doctor"]);
    assert_eq!((ran.out.as_str(), ran.err.contains("panicked")), ("", false), "{ran}");
    let ran = repo.git(&format!("bead show {id} --json")).fails(128);
    let said: serde_json::Value = serde_json::from_str(ran.err.trim()).unwrap();
    assert_eq!(said["exit"], 128);
}

/// Puts something into a ledger that nobody honest would, or takes something out.
fn forge(repo: &Place<'_>, path: &str, content: Option<&str>) {
    let file = repo.world.root().join("tmp/forged");
    fs::write(&file, content.unwrap_or_default()).unwrap();
    let change = match content {
        Some(_) => format!(
            "git update-index --add --cacheinfo 100644,$(git hash-object -w '{}'),{path}",
            file.display()
        ),
        None => format!("git rm --quiet --cached {path}"),
    };
    let script = format!(
        "export GIT_INDEX_FILE=$(git rev-parse --absolute-git-dir)/forging\n\
         git read-tree {LEDGER} && {change} &&\n\
         git update-ref {LEDGER} $(git commit-tree -p {LEDGER} -m x $(git write-tree)) &&\n\
         rm $GIT_INDEX_FILE"
    );
    repo.sh(&script).ok();
}
