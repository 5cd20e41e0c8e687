//! What sessions tell of themselves: how it gets in, who reads it where, and how it is taken away.

use serde_json::Value;

use crate::checkpoints::{replica, with_key};
use crate::sling::{shop, sling, text};
use crate::support::{Place, Sandbox};
use crate::sync::clones;
use crate::tamper::rewrite_in;

/// What an agent does that tells of it.
const TELLS: &str = "\
set -e
git bead trail add --do decision --text 'one lock' --reason 'token=abcdef taken together'
echo x >x.rs; mkdir -p src; echo y >src/y.rs
git bead trail add - <<END
{\"do\":\"edit\",\"file\":\"x.rs\",\"tokens\":800}
{\"do\":\"edit\",\"file\":\"src/y.rs\",\"tokens\":12,\"reason\":\"it belongs there\"}
{\"do\":\"command\",\"target\":\"cargo test\",\"exit\":0,\"ms\":4200}
END
git add . && git commit -qm 'Do it'
git push -q origin HEAD:main
";

/// A repository with a gate, in which a session has come to its end; and that session.
fn worked<'w>(world: &'w Sandbox, options: &[&str], trail: &str) -> (Place<'w>, String) {
    let repo = world.repo_as("api", options);
    repo.git(&format!("config shopfloor.trail {trail}")).ok();
    repo.commit("shopfloor.toml", "[gates.test]\ncommand = 'true'\n", "a gate").ok();
    repo.git("bead trust --yes").ok();
    let bead = repo.bead("Do it");
    let session = text(&sling(&repo, &[&bead]), "session");
    repo.git(&format!("bead log {bead}")).ok();
    repo.wait("it has landed and ended", "git bead log --trail; git refinery status", || {
        let told = repo.git("bead log --json --trail");
        told.out.contains("trail.ended") && told.out.contains("refinery.landed")
    });
    (repo, session)
}

fn told(repo: &Place<'_>, words: &str) -> Vec<Value> {
    let ran = repo.git(&format!("bead log --json {words}"));
    ran.json().as_array().unwrap().clone()
}

fn kinds(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["do"].as_str().unwrap()).collect()
}

#[test]
fn a_session_tells_what_it_does_and_a_fresh_clone_reads_it() {
    let world = shop(TELLS);
    let hub = world.bare("hub.git");
    let (repo, session) = worked(&world, &[], "full");
    let hub = hub.dir.to_str().unwrap();
    repo.run(["git", "remote", "add", "origin", hub]).ok();
    repo.git("push -q origin main").ok();
    repo.git("bead sync origin").ok();
    let clone = world.clone_of(&world.place("hub.git"), "clone");
    clone.git("bead sync origin").ok();
    for place in [&repo, &clone] {
        let lines = told(place, &format!("--session {session} --do trail"));
        let mut found = kinds(&lines);
        found.sort_unstable();
        let due = ["command", "commit", "decision", "edit", "edit", "ended", "gate", "started"];
        assert_eq!(found, due.map(|kind| format!("trail.{kind}")));
        let line =
            |kind: &str| lines.iter().find(|line| line["do"] == format!("trail.{kind}")).unwrap();
        for line in &lines {
            assert_eq!(
                (&line["by"], &line["owner"]),
                (&"toast".into(), &"jane@example.org".into())
            );
            assert_eq!(line["session"], session.as_str());
        }
        assert_eq!(line("decision")["with"]["reason"], "token=[secret:token] taken together");
        assert_eq!(line("commit")["with"]["files"], serde_json::json!(["src/y.rs", "x.rs"]));
        assert_eq!(
            (&line("gate")["with"]["gate"], &line("gate")["with"]["verdict"]),
            (&"test".into(), &"pass".into())
        );
        let over = &line("ended")["with"];
        assert_eq!(
            (&over["edits"], &over["touched"], &over["tokens"]),
            (&2.into(), &2.into(), &812.into())
        );
        assert_eq!(over["outcome"], "exited");
        assert_eq!(told(place, "--file src").len(), 2);
        assert_eq!(told(place, "--file src --do trail.edit --by toast").len(), 1);
        assert_eq!(told(place, "--file src --until 2020-01-01").len(), 0);
        assert_eq!(place.git("bead log --file nowhere").code, 1);
        place.git("bead verify").ok();
        // Not told to who does not ask for it.
        assert!(!place.git("bead log --json").ok().out.contains("trail."));
        let near = told(place, "--trail -n 3");
        assert_eq!(near.len(), 3);
    }
    assert_eq!(
        repo.git("bead log --json --trail").ok().out,
        clone.git("bead log --json --trail").ok().out
    );
}

#[test]
fn a_summary_goes_and_the_rest_stays() {
    for (policy, kinds_there) in [("summary", vec!["trail.ended"]), ("local", vec![])] {
        let world = shop(TELLS);
        let (repo, session) = worked(&world, &[], policy);
        world.bare("hub.git");
        repo.git("remote add origin ../hub.git").ok();
        repo.git("push -q origin main").ok();
        repo.git("bead sync origin").ok();
        let clone = world.clone_of(&world.place("hub.git"), "clone");
        clone.git("bead sync origin").ok();
        let ask = format!("--session {session} --do trail");
        assert_eq!(told(&repo, &ask).len(), 8, "{policy}");
        assert_eq!(kinds(&told(&clone, &ask)), kinds_there);
        repo.sh("rm -r .git/shopfloor/trail").ok();
        assert_eq!(kinds(&told(&repo, &ask)), kinds_there);
    }
}

#[test]
fn words_are_taken_away_and_the_lines_stay() {
    let world = shop(TELLS);
    let options: &[&str] = if world.knows_reftable() { &["--ref-format=reftable"] } else { &[] };
    let (repo, session) = worked(&world, options, "full");
    let before = told(&repo, &format!("--session {session} --do trail"));
    let ask = format!("bead trail redact {session}");
    repo.sh(&format!("SHOPFLOOR_AGENT=toast git {ask}")).fails(3).says(&["an agent does not"]);
    repo.git("bead trail redact s-nobody").fails(1).says(&["no session and no line `s-nobody`"]);
    let said = repo.git(&format!("{ask} --reason customer")).ok();
    assert_eq!(
        said.line(),
        "The words of 5 lines are gone here; other clones keep theirs until they sync"
    );
    let after = told(&repo, &format!("--session {session} --do trail.edit --do trail.ended"));
    assert_eq!(kinds(&after), ["trail.edit", "trail.edit", "trail.ended"]);
    for line in &after {
        let old = before.iter().find(|old| old["id"] == line["id"]).unwrap();
        assert_eq!((&old["at"], &old["with"]["tokens"]), (&line["at"], &line["with"]["tokens"]));
        assert_eq!(line["redacted"].is_string(), line["do"] == "trail.edit");
    }
    let all = repo.git("bead log --trail").ok().out;
    assert!(!all.contains("one lock") && !all.contains("src/y.rs"), "{all}");
    assert!(all.contains("tokens=800 [redacted ") && all.contains("reason=customer"), "{all}");
    repo.git("bead verify").ok();
}

#[test]
fn a_trail_that_was_changed_or_cut_is_refused_and_one_without_words_is_not() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let hub = world.bare("hub.git");
    repo.git("remote add origin ../hub.git").ok();
    repo.git("push -q origin main").ok();
    let tell = "for n in 1 2 3; do git bead trail add --do edit --file x$n.rs --tokens $n; done";
    repo.sh(tell).ok();
    repo.git("bead sync origin").ok();
    let clone = world.clone_of(&hub, "clone");
    clone.git("bead sync origin").ok();
    let (whole, here) = (hub.rev(LEDGER), clone.rev(LEDGER));
    for (change, why) in [
        ("sed 's/\"tokens\":2/\"tokens\":3/'", "was altered"),
        ("sed s/x2.rs/y2.rs/", "was altered"),
        ("sed 2d", "is not before it"),
        ("sed 3d", "went back: it no longer has trail.edit on Jane Doe"),
        ("sed 's/,\"said\":\"[a-z0-9]*\"//'", "was altered"),
    ] {
        altered(&hub, &whole, change);
        clone.git("bead sync origin").fails(3).says(&[why, "what is here is whole"]);
        assert_eq!(clone.rev(LEDGER), here, "{change}");
        hub.git(&format!("bead verify --range {whole}..{}", hub.rev(LEDGER))).fails(3);
    }
    // Where nobody says who took words away, the line is the same, and it is asked about.
    altered(&hub, &whole, "sed '2s/\"text\":{[^}]*},//'");
    hub.git(&format!("bead verify --range {whole}..{}", hub.rev(LEDGER))).fails(3);
    clone.git("bead sync origin").ok();
    let found = clone.git("bead verify").fails(3).out;
    assert!(found.contains("nobody says who took its text away"), "{found}");
    assert_eq!(told(&clone, "--do trail").len(), 3);
    assert_eq!(clone.git("bead log --file x2.rs").code, 1);
}

const LEDGER: &str = "refs/shopfloor/ledger";

/// The ledger as it was, but for its trail, which went through a command.
fn altered(hub: &Place<'_>, whole: &str, command: &str) {
    let script = format!(
        "export GIT_INDEX_FILE=$PWD/changed\n\
         path=$(git ls-tree -r --name-only {whole} | grep /trail/) &&\n\
         blob=$(git cat-file blob {whole}:$path | {command} | git hash-object -w --stdin) &&\n\
         git read-tree {whole} && git update-index --add --cacheinfo 100644,$blob,$path &&\n\
         git update-ref {LEDGER} $(git commit-tree -m changed $(git write-tree)) && rm changed"
    );
    hub.sh(&script).ok();
}

#[test]
fn who_lists_what_is_ready_opens_no_trail() {
    let world = shop(TELLS);
    let (repo, session) = worked(&world, &[], "full");
    repo.bead("Next");
    repo.git("bead maintain").ok();
    let list =
        "git ls-tree -r refs/shopfloor/ledger | grep /trail/ | head -1 | cut -d' ' -f3 | cut -f1";
    let blob = repo.sh(list).ok().line();
    // In a copy of the repository in which that one object was never there.
    let script = format!(
        "git init -q --bare ../copy.git && cd ../copy.git &&\n\
         git -C ../api rev-list --objects --all --no-object-names | grep -v {blob} |\n\
         git -C ../api pack-objects -q --stdout >p && git index-pack --stdin <p >/dev/null &&\n\
         git update-ref refs/heads/main $(git -C ../api rev-parse main) &&\n\
         git update-ref refs/shopfloor/ledger $(git -C ../api rev-parse refs/shopfloor/ledger)"
    );
    repo.sh(&script).ok();
    let copy = world.place("copy.git");
    assert_eq!(copy.json("bead ready --json")[0]["title"], "Next");
    copy.git("bead create Another").ok();
    copy.git("bead log").ok();
    copy.git("bead log --trail").fails(128).says(&["cannot be read whole", &blob]);
    copy.git(&format!("bead log --session {session} --json")).fails(128);
    copy.git("bead verify").fails(128).says(&[&blob]);
}

#[test]
fn a_note_that_is_damaged_while_it_waits_is_named_and_the_others_are_kept() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    for n in 0..3 {
        repo.git(&format!("bead trail add --do edit --file x{n}.rs")).ok();
    }
    let (spool, aside) =
        (".git/shopfloor-objects/trail/spool", ".git/shopfloor-objects/trail/damaged");
    let text = repo.read(spool);
    assert!(text.contains("x1.rs"), "{text}");
    // Behind it one that was cut off, which nobody was promised.
    repo.write(spool, format!("{}\n412 abcd", text.replace("x1.rs", "y1.rs")));
    let log = repo.git("bead log --do trail --json").ok();
    assert!(log.err.contains("1 of what was noted was damaged"), "{log}");
    let files: Vec<_> =
        log.json().as_array().unwrap().iter().map(|it| it["with"]["file"].clone()).collect();
    assert_eq!(files, ["x0.rs", "x2.rs"]);
    repo.git("bead verify").ok();
    assert!(repo.read(aside).contains("y1.rs"));
    let names = || repo.git("bead doctor").out.contains("damaged before it came into the trail");
    assert!(names());
    repo.sh(&format!("rm {aside}")).ok();
    assert!(!names());
}

#[test]
fn what_is_no_deed_is_refused_and_nothing_of_it_is_written() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let add = |line: &str| {
        repo.sh(&format!(
            "printf '%s\\n' '{{\"do\":\"edit\",\"file\":\"a\"}}' '{line}' | git bead trail add -"
        ))
    };
    for (line, why) in [
        ("{", "line 2"),
        ("{\"do\":\"think\"}", "unknown variant `think`"),
        ("{\"do\":\"edit\",\"file\":\"a\",\"output\":\"x\"}", "unknown field `output`"),
        ("{\"do\":\"edit\"}", "`edit` needs `file`"),
        ("{\"do\":\"decision\",\"text\":1}", "line 2"),
        ("{\"do\":\"edit\",\"file\":\"a\",\"tokens\":-1}", "line 2"),
    ] {
        add(line).fails(129).says(&[why, "nothing was written"]);
    }
    repo.git("bead trail add").fails(129);
    repo.git("bead trail add --do command").fails(129).says(&["`command` needs `target`"]);
    assert_eq!(repo.git("bead log --trail --json").ok().out, "[]\n");
    add("{\"do\":\"finding\",\"text\":\"ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8\"}").ok();
    let lines = told(&repo, "--do trail");
    assert_eq!(lines[1]["with"]["text"], "[secret:github]");
    // A person without a session tells it of themselves.
    assert_eq!((&lines[0]["by"], &lines[0]["on"]), (&"Jane Doe".into(), &"Jane Doe".into()));
}

/// Its lines alone were signed once, and what sessions had told could be cut short behind them.
#[test]
fn a_checkpoint_covers_the_trail() {
    let world = Sandbox::new();
    with_key(&world);
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    one.bead("a");
    let tell = |n: u8| one.git(&format!("bead trail add --do edit --file x{n}.rs")).ok();
    (1..=3).for_each(|n| drop(tell(n)));
    let clone = replica(&one);
    let signed = |place: &Place<'_>, told: &str| {
        let ran = place.git("bead verify").ok();
        assert!(ran.out.contains(&format!("{told} are signed by jane@example.org")), "{ran}");
    };
    one.git("bead verify --sign").ok();
    signed(&one, &format!("1 of clone {clone} and 3 of its trail"));
    one.git("bead verify --sign").ok().says(&["nothing came after what is signed"]);
    tell(4);
    one.git("bead verify --sign").ok();
    signed(&one, &format!("2 of clone {clone} and 4 of its trail"));
    tell(5);
    one.git("bead sync").ok();
    let newcomer = |name: &str| {
        world.place(".").git(&format!("clone -q {} {name}", hub.dir.display())).ok();
        world.place(name).git("bead sync").ok();
        world.place(name)
    };
    signed(&newcomer("two"), &format!("2 of clone {clone} and 4 of its trail"));
    // What came after it may go, and nothing before it.
    rewrite_in(&hub, "/trail/", "head -n 4");
    signed(&newcomer("three"), &format!("2 of clone {clone} and 4 of its trail"));
    rewrite_in(&hub, "/trail/", "head -n 3");
    let told = newcomer("four").git("bead verify").fails(3);
    assert!(told.out.contains("the trail of replica"), "{told}");
    assert!(told.out.contains("is not the one that it signs"), "{told}");
}
