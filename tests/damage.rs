//! What is damaged or gone is named, with the command that brings it back; and that works as it is printed.

use crate::support::{Place, Sandbox};
use crate::sync::clones;

const LEDGER: &str = "refs/shopfloor/ledger";

/// The one problem that the doctor has with this, and its command.
#[track_caller]
fn problem(repo: &Place<'_>, check: &str) -> (String, String) {
    let ran = repo.git("bead doctor --json").fails(1);
    let report = ran.json();
    let all = report["findings"].as_array().unwrap();
    let ours: Vec<_> =
        all.iter().filter(|it| it["check"] == check && it["level"] == "problem").collect();
    assert_eq!(ours.len(), 1, "{ran}");
    let text = |key: &str| ours[0][key].as_str().unwrap_or_default().to_owned();
    (text("what"), text("mend"))
}

fn titles(repo: &Place<'_>) -> Vec<String> {
    let beads = repo.json("bead list --all --json");
    let title = |bead: &serde_json::Value| bead["title"].as_str().unwrap().to_owned();
    beads.as_array().unwrap().iter().map(title).collect()
}

/// All is there again, and git has nothing to say either.
#[track_caller]
fn is_well(repo: &Place<'_>, before: &[String]) {
    repo.git("bead doctor").ok();
    repo.git("gc --quiet").ok();
    repo.git("fsck --strict").ok();
    assert_eq!(titles(repo), before);
}

/// What doctor prints of a lost object has these words and brings it back, with the same name.
#[track_caller]
fn mends(repo: &Place<'_>, words: &str, (tip, before): (&str, &[String])) {
    repo.git("bead create X").fails(128).says(&["git bead doctor"]);
    let (_, command) = problem(repo, "ledger");
    assert!(command.contains(words), "{command}");
    repo.sh(&command).ok();
    assert_eq!(repo.rev(LEDGER), tip);
    is_well(repo, before);
    repo.bead("After it");
}

/// A hub with a ledger: many lines, and a text that stands beside them.
fn hub(world: &Sandbox) -> Place<'_> {
    let hub = world.bare("hub.git");
    let [one] = clones(world, &hub, ["writer"]);
    for n in 0..12 {
        one.bead(&format!("Draw map {n}"));
    }
    one.sh("seq 5000 | git bead create 'A long story' --body-file -").ok();
    one.git("bead sync").ok();
    hub
}

/// The file of an object of ours.
fn file_of(repo: &Place<'_>, object: &str) -> String {
    let id = repo.rev(object);
    format!(".git/shopfloor-objects/{}/{}", &id[..2], &id[2..])
}

#[test]
fn an_object_that_is_damaged_is_moved_away_and_comes_anew() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let text = format!("$(git ls-tree -r {LEDGER} | grep '\tt/' | cut -d' ' -f3 | cut -f1)");
    let damages = ["printf x >", ": >"];
    for (n, object) in ["^{tree}", ":v.json", &text].into_iter().enumerate() {
        let name = format!("clone-{n}");
        let [one] = clones(&world, &hub, [name.as_str()]);
        one.git("bead sync").ok();
        let before = titles(&one);
        let object = match object.starts_with('$') {
            true => one.sh(&format!("echo {object}")).ok().line(),
            false => format!("{LEDGER}{object}"),
        };
        let file = file_of(&one, &object);
        one.sh(&format!("chmod u+w {file} && {} {file}", damages[n % 2])).ok();
        one.sh("rm -rf .git/shopfloor/cache").ok();
        let (what, command) = problem(&one, "ledger");
        assert!(what.contains("is damaged: ") && what.contains(&file[5..]), "{what}");
        assert!(command.contains(&file[5..]), "{command}");
        one.sh(&command).ok();
        is_well(&one, &before);
    }
}

/// What was never exchanged is nowhere else. The last resort leads out, and says what it costs.
#[test]
fn the_last_resort_is_one() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    let before = titles(&one);
    one.bead("Never exchanged");
    let both = [LEDGER, &format!("{LEDGER}^{{tree}}")].map(|object| file_of(&one, object));
    one.sh(&format!("rm -f {}", both.join(" "))).ok();
    let report = one.git("bead doctor --json").fails(1).json();
    let all = report["findings"].as_array().unwrap();
    let resort = all.iter().find(|it| it["level"] == "note" && it["check"] == "ledger").unwrap();
    assert!(resort["why"].as_str().unwrap().contains("is not in it"), "{resort}");
    one.sh(resort["mend"].as_str().unwrap()).ok();
    assert_eq!(titles(&one), before);
    one.bead("After it");
    one.git("bead sync").ok();
    one.git("bead doctor").ok();
}

/// It says one thing that is known from elsewhere: what is made again is that very file.
#[test]
fn the_file_that_says_whose_ledger_it_is_is_made_again() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    let alone = world.repo("alone");
    alone.bead("Of no remote");
    for (repo, spoil) in [(&one, "rm -f"), (&one, "printf x >"), (&alone, "rm -f"), (&alone, ":>")]
    {
        repo.bead("Never exchanged");
        let (before, tip) = (titles(repo), repo.rev(LEDGER));
        let file = file_of(repo, &format!("{LEDGER}:of.json"));
        repo.sh(&format!("chmod u+w {file} && {spoil} {file} && rm -rf .git/shopfloor/cache")).ok();
        mends(repo, "git hash-object -w", (&tip, &before));
    }
}

/// What it named is all there, and its name tells when it is put together as it was.
#[test]
fn a_directory_that_is_lost_is_put_together_again() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    let alone = world.repo("alone");
    alone.bead("Of no remote");
    for repo in [&one, &alone] {
        let word = "{\"id\":\"api-%d\",\"title\":\"Task %d\",\"description\":\"%0200d\"}\\n";
        let many = format!(
            "awk 'BEGIN {{ for (i = 0; i < 1200; i++) printf \"{}\", i, i, i }}'",
            word.replace('"', "\\\"")
        );
        repo.sh(&format!("{many} >all.jsonl && git bead import all.jsonl")).ok();
        repo.sh("seq 5000 | git bead create 'Another story' --body-file -").ok();
        let ours = repo
            .sh("sed 's/.*name\":\"\\([0-9a-f]*\\).*/r-\\1/' .git/shopfloor-objects/desk/replica");
        let ours = ours.ok().line();
        for (dir, spoil) in [
            ("^{tree}".to_owned(), "rm -f"),
            ("^{tree}".to_owned(), ": >"),
            (format!(":{ours}"), "rm -f"),
            (format!(":{ours}/s"), "printf x >"),
            (format!(":{ours}/s/0000"), "rm -f"),
        ] {
            repo.bead("Never exchanged");
            let (before, tip) = (titles(repo), repo.rev(LEDGER));
            let file = file_of(repo, &format!("{LEDGER}{dir}"));
            let spoil = format!("chmod u+w {file} && {spoil} {file}");
            repo.sh(&format!("{spoil} && rm -rf .git/shopfloor/cache")).ok();
            mends(repo, "git mktree", (&tip, &before));
        }
    }
}

/// A commit says little: what it named is there, and nothing is lost.
#[test]
fn a_commit_that_is_lost_alone_is_made_again() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    one.bead("Never exchanged");
    let mut before = titles(&one);
    for (spoil, forget) in [
        ("rm -f", "true"),
        (":>", "true"),
        ("rm -f", "rm -r"),
        ("printf x >", "true"),
        ("printf x >", "rm -r"),
    ] {
        let file = file_of(&one, LEDGER);
        let desk = ".git/shopfloor-objects/desk";
        one.sh(&format!("chmod u+w {file} && {spoil} {file} && {forget} {desk}")).ok();
        one.sh("rm -rf .git/shopfloor/cache").ok();
        let (_, command) = problem(&one, "ledger");
        assert!(command.contains("git commit-tree "), "{command}");
        one.sh(&command).ok();
        is_well(&one, &before);
        one.bead("After it");
        one.git("bead sync").ok();
        one.git("bead doctor").ok();
        one.bead("Nor this");
        before.splice(.., titles(&one));
    }
}

/// All that stood here is lost. What a remote has comes back, and where there is none it begins anew.
#[test]
fn a_ledger_of_which_nothing_is_left_comes_back_as_far_as_a_remote_has_it() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    let mut before = titles(&one);
    let alone = world.repo("alone");
    alone.bead("Of no remote");
    let lost = "what was written here";
    for (repo, lose, hubs, told) in [
        (&one, "rm -rf .git/shopfloor-objects", 1, "that takes in what origin has of it"),
        (&one, "rm -rf .git/shopfloor-objects/??", 1, "that takes in what origin has of it"),
        (&alone, "rm -rf .git/shopfloor-objects", 0, "that begins a new one"),
    ] {
        repo.bead("Never exchanged");
        repo.sh(lose).ok();
        for line in ["bead list", "bead sync", "bead create X"] {
            let code = if line == "bead sync" && hubs == 0 { 1 } else { 128 };
            let ran = repo.git(line).fails(code);
            assert!(code == 1 || ran.err.contains(told) && ran.err.contains(lost), "{ran}");
        }
        let (what, command) = problem(repo, "ledger");
        assert!(what.contains("which is nowhere"), "{what}");
        repo.sh(&command).ok();
        repo.bead("After it");
        let mut left = if hubs == 0 { Vec::new() } else { before.clone() };
        left.push("After it".to_owned());
        let mut now = titles(repo);
        left.sort();
        now.sort();
        assert_eq!(now, left);
        repo.git("bead doctor").ok();
        repo.sh("git gc --quiet && git fsck --strict").ok();
        one.git("bead sync").ok();
        before.splice(.., titles(&one));
    }
}

#[test]
fn a_text_that_was_emptied_is_called_so() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    let story = one.json("bead list --all --json");
    let story = story.as_array().unwrap().iter().find(|it| it["title"] == "A long story").unwrap();
    let text = one.sh(&format!("git ls-tree -r {LEDGER} | grep '\tt/' | cut -d' ' -f3 | cut -f1"));
    let file = file_of(&one, &text.ok().line());
    one.sh(&format!("chmod u+w {file} && : >{file}")).ok();
    let shown = one.git(&format!("bead show {}", story["id"].as_str().unwrap())).fails(128);
    shown.says(&[
        "a text of 23893 bytes cannot be read",
        &file[5..],
        "is empty",
        "git bead doctor",
    ]);
    let (what, _) = problem(&one, "ledger");
    assert!(what.contains("the text ") && what.contains("is empty"), "{what}");
}

#[test]
fn a_pack_that_is_damaged_is_moved_away_and_comes_anew() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    // On a host that takes branches alone.
    one.git("config shopfloor.remoteRef refs/heads/shopfloor/ledger").ok();
    one.git("bead sync").ok();
    one.git("bead maintain").ok();
    let before = titles(&one);
    let pack = one.sh("ls .git/shopfloor-objects/pack/*.pack").ok().line();
    let spoil = "printf '\\377\\377\\377\\377\\377\\377' | dd conv=notrunc bs=1 seek=20";
    one.sh(&format!("chmod u+w {pack} && {spoil} of={pack} && rm -rf .git/shopfloor/cache")).ok();
    let (_, command) = problem(&one, "ledger");
    assert!(command.ends_with(" origin refs/heads/shopfloor/ledger"), "{command}");
    assert!(command.contains(pack[5..].trim_end_matches(".pack")), "{command}");
    one.sh(&command).ok();
    is_well(&one, &before);
}

/// With what this clone saw last, and where that is gone, too, with what was exchanged.
#[test]
fn a_ref_that_leads_to_no_ledger_is_put_back() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    let (before, tip) = (titles(&one), one.rev(LEDGER));
    let (code, blob) = (one.rev("HEAD"), one.rev("HEAD:README.md"));
    let nowhere = "1".repeat(40);
    for (named, said) in [
        ("", "names no object"),
        ("garbage", "names no object"),
        (&code, "which is no ledger"),
        (&blob, "which is a blob"),
        (&nowhere, "which is nowhere"),
    ] {
        for forget in ["true", "rm -r .git/shopfloor-objects/desk"] {
            one.sh(&format!("{forget}; echo {named} >.git/{LEDGER}")).ok();
            for line in ["list", "create X", "sync"] {
                one.git(&format!("bead {line}")).fails(128).says(&["hint: "]);
            }
            let (what, way) = problem(&one, "ledger");
            assert!(what.contains(said), "{named}: {what}");
            one.sh(&way).ok();
            assert_eq!(one.rev(LEDGER), tip, "{way}");
            assert_eq!(titles(&one), before);
            one.git("bead sync").ok();
            one.git("bead doctor").ok();
        }
    }
}

#[test]
fn a_ledger_of_which_only_a_pin_is_left_is_not_shown_as_empty() {
    let world = Sandbox::new();
    let hub = hub(&world);
    let [one] = clones(&world, &hub, ["one"]);
    one.git("bead sync").ok();
    let (before, tip) = (titles(&one), one.rev(LEDGER));
    let lose =
        format!("git update-ref -d {LEDGER}; rm -rf .git/shopfloor .git/shopfloor-objects/desk");
    one.sh(&lose).ok();
    for line in ["list", "ready --json", "create X", "log", "verify", "maintain"] {
        one.git(&format!("bead {line}")).fails(128).says(&["is gone", &tip]);
    }
    one.sh(&format!("git rev-parse --verify -q {LEDGER}")).fails(1);
    let (_, way) = problem(&one, "ledger");
    one.sh(&way).ok();
    assert_eq!(titles(&one), before);
    // An exchange brings it back, too.
    one.sh(&lose).ok();
    one.git("bead sync").ok();
    assert_eq!(titles(&one), before);
    one.git("bead doctor").ok();
    // Who has fetched pins and nothing else has lost nothing.
    let [two] = clones(&world, &hub, ["two"]);
    two.git("fetch -q ../one refs/shopfloor/pins/*:refs/shopfloor/pins/*").ok();
    two.git("bead sync").ok();
    assert_eq!(titles(&two), before);
    two.bead("From here");
    two.git("bead sync").ok();
}

#[test]
fn what_stands_in_the_place_of_a_file_or_a_directory_is_named() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    let objects = ".git/shopfloor-objects";
    for (spoil, place, stops) in [
        ("mkdir", "desk/ledger.lock", true),
        ("mkdir", "desk/decide.lock", true),
        ("mkdir", "desk/refs/turn", true),
        ("mkdir", "desk/replica", true),
        ("mkdir", "desk/superseded", false),
        ("mkdir", "desk/begun", false),
        ("touch", "desk/refs", true),
        ("touch", "desk", true),
        ("touch", "trail", false),
    ] {
        repo.sh(&format!("rm -rf {objects}/{place} && {spoil} {objects}/{place}")).ok();
        if stops {
            repo.git("bead create X").fails(128).says(&[place, "git bead doctor"]);
        }
        let (what, command) = problem(&repo, "access");
        assert!(what.contains(place), "{what}");
        repo.sh(&command).ok();
        repo.git("bead doctor").ok();
        repo.bead("Walk the land");
    }
}

/// We pass over what is no ref; git does not, and fails.
#[test]
fn a_line_of_packed_refs_that_is_none_is_named() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    for spoil in ["echo garbage >>", "truncate -s -1", "sed -i '1a 1234 refs/heads/main'"] {
        repo.sh(&format!("git pack-refs --all && {spoil} .git/packed-refs")).ok();
        repo.git("for-each-ref").fails(128);
        let (what, command) = problem(&repo, "refs");
        assert!(what.contains("/.git/packed-refs"), "{what}");
        repo.sh(&command).ok();
        repo.git("for-each-ref").ok();
        repo.git("bead doctor").ok();
        assert_eq!(titles(&repo), ["Draw the map"]);
    }
}
