//! What any release wrote, every later one still reads: a ledger of the first format, with a line of
//! every kind, and what it says. Releases add to it and take nothing away; `UPDATE=1` rewrites the
//! answers, never the lines.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Place, Sandbox, updating};
use crate::sync::{clones, ids};

const LEDGER: &str = "refs/shopfloor/ledger";

const QUESTIONS: &[(&str, &str)] = &[
    ("beads", "git bead list --all --limit 0 --long --json"),
    ("log", "git bead log --trail --json"),
    ("convoys", "git convoy list --all --json"),
    ("mail", "git sling mail --json"),
    ("sessions", "git sling ps --all --json"),
    ("views", "git bead query --list --json"),
    ("memories", "git bead recall --json"),
    ("queue", "git refinery status --json | sed 's/\"tip\":[^,]*,//g'"),
];

#[test]
fn the_first_format_reads_as_it_was_meant() {
    let corpus = corpus();
    let world = Sandbox::new();
    let repo = world.repo("api");
    plant(&repo, &corpus.join("v1"));
    for (name, question) in QUESTIONS {
        let said = repo.sh(question).ok().out;
        let file = corpus.join(format!("v1-{name}.json"));
        if updating() {
            fs::write(&file, &said).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), said, "{question}");
    }
}

#[test]
fn every_kind_of_line_has_a_sample() {
    let log = fs::read_to_string(corpus().join("v1-log.json")).unwrap();
    let mut missing = Vec::new();
    for room in ["agent", "bead", "convoy", "refinery"] {
        let words = fs::read_to_string(root().join(format!("src/{room}/event.rs"))).unwrap();
        let is_new = |kind: &String| !log.contains(&format!("\"do\":\"{kind}\""));
        missing.extend(renames(&words).into_iter().filter(is_new));
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// Lines that say of which repository they are, and a checkpoint among them with its signature.
#[test]
fn a_checkpoint_that_was_signed_once_holds_in_every_later_release() {
    let world = Sandbox::new();
    let repo = world.place("api");
    let time = "2026-11-21T05:36:11Z";
    repo.sh(&format!(
        "git init -q && GIT_AUTHOR_DATE={time} GIT_COMMITTER_DATE={time} \
         git commit -q --allow-empty -m 'first light'"
    ))
    .ok();
    let mut kinds = String::new();
    for (sample, clone, told) in [
        ("attested", "0a340151d432c903", "2 lines and 2 of the trail of 1 clone: all sound\n1"),
        ("signed", "6273e21070ca6729", "4 lines of 1 clone: all sound\n2"),
    ] {
        let signed = corpus().join(sample);
        plant(&repo, &signed.join("ledger"));
        repo.sh("rm -rf .git/shopfloor .git/shopfloor-objects/desk").ok();
        let allowed = signed.join("allowed");
        let key = "gpg.ssh.allowedSignersFile";
        repo.run(["git", "config", key, allowed.to_str().unwrap()]).ok();
        let ran = repo.git("bead verify").ok();
        let trail = if sample == "signed" { "" } else { " and 2 of its trail" };
        let line =
            format!("{told} of clone {clone}{trail} are signed by jane@example.org, SHA256:");
        assert!(ran.out.starts_with(&line), "{ran}");
        let file = signed.join(format!("ledger/r-{clone}/0-0.jsonl"));
        kinds += &fs::read_to_string(file).unwrap();
    }
    let beads = ["api-7w2ksbd6am4tvymb", "api-aipzc2r5agjgn4vk", "api-uf6o43n567wjmnuv"];
    assert_eq!(ids(&repo), beads);
    let lines = fs::read_to_string(root().join("src/ledger/claim.rs")).unwrap();
    assert!(renames(&lines).iter().all(|kind| kinds.contains(&format!("\"do\":\"{kind}\""))));
}

/// What a later minor form puts into the lines, the tree and the directory of a replica goes through
/// every rewrite as it is, and into every clone.
#[test]
fn what_is_unknown_survives_rewriting_sealing_merging_and_packing() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    two.bead("written without knowing of any of it");
    two.git("bead sync").ok();
    let mine = from_the_future(&one);
    is_all_there(&one, &mine);
    let long = "A sentence that fills a head and then a middle. ".repeat(200);
    for n in 0..20 {
        one.run(["git", "bead", "create", &format!("bead {n}"), "--description", &long]).ok();
    }
    let sealed = format!("r-{mine}/s/0000/00.jsonl");
    assert!(one.git(&format!("cat-file -e {LEDGER}:{sealed}")).code == 0, "nothing was sealed");
    is_all_there(&one, &mine);
    one.git("bead maintain").ok();
    is_all_there(&one, &mine);
    one.git("bead sync").ok();
    is_all_there(&one, &mine);
    two.git("bead sync").ok();
    two.git("bead maintain").ok();
    two.bead("on top of all that");
    two.git("bead sync").ok();
    one.git("bead sync").ok();
    for place in [&one, &two, &hub] {
        is_all_there(place, &mine);
    }
    assert_eq!(ids(&one), ids(&two));
    let known = one.json("bead show api-laterlaterlaterl --json");
    let bead = known.get(0).unwrap_or(&known);
    assert_eq!(bead["title"], "Known words, and more");
    assert_eq!(bead["comments"][0]["text"], "still here");
    one.git("bead verify").ok();
}

/// A form with another first number is read as far as it can be, and written by nobody.
#[test]
fn a_later_form_is_read_and_never_written() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    plant(&repo, &corpus().join("v1"));
    let bead = ids(&repo).pop().unwrap();
    rename(&repo, r#"{"format":2,"needs":"shopfloor 2.0"}"#);
    let (tip, known) = (repo.rev(LEDGER), fs::read_to_string(corpus().join("v1-beads.json")));
    for _ in 0..2 {
        let read = repo.sh(QUESTIONS[0].1).ok().says(&[
            "the ledger has format 2, and this shopfloor writes formats up to 1",
            "install shopfloor 2.0",
        ]);
        assert_eq!(read.out, known.as_ref().unwrap().as_str());
    }
    repo.git("bead log --json").ok();
    repo.git("bead verify").ok();
    for write in [
        "bead create New".to_owned(),
        format!("bead comment {bead} more"),
        format!("bead reopen {bead} --reason again"),
        "bead maintain".to_owned(),
        "convoy create Batch".to_owned(),
    ] {
        repo.git(&write).fails(128).says(&[
            "has format 2",
            "install shopfloor 2.0",
            "nothing was written",
        ]);
    }
    assert_eq!(repo.rev(LEDGER), tip);
    rename(&repo, r#"{"format":1}"#);
    repo.bead("As before");
}

/// What a later form has become of it is not called damage.
#[test]
fn a_later_form_that_cannot_be_read_is_not_called_damaged() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Known");
    let lines = repo.sh(&format!("git ls-tree -r --name-only {LEDGER} | grep jsonl")).ok().line();
    change(&repo, &lines, "another way to write lines");
    rename(&repo, r#"{"format":3}"#);
    for call in ["bead list", "bead ready --json", "bead create Other"] {
        repo.git(call)
            .fails(128)
            .says(&["has format 3", "install a shopfloor that knows format 3"]);
    }
}

#[test]
fn a_later_form_is_not_taken_in_from_a_remote() {
    let world = Sandbox::new();
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    one.bead("from one");
    one.git("bead sync").ok();
    two.git("bead sync").ok();
    let whole = hub.rev(LEDGER);
    rename(&hub, r#"{"format":2,"needs":"shopfloor 2.0"}"#);
    let (before, beads) = (two.rev(LEDGER), ids(&two));
    two.git("bead sync").fails(128).says(&["the ledger of origin has format 2", "shopfloor 2.0"]);
    assert_eq!((two.rev(LEDGER), ids(&two)), (before, beads));
    two.bead("written here all the same");
    hub.run(["git", "update-ref", LEDGER, &whole]).ok();
    two.git("bead sync").ok();
    assert_eq!(hub.rev(LEDGER), two.rev(LEDGER));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn corpus() -> PathBuf {
    root().join("tests/compat")
}

/// The kinds of lines in a vocabulary.
fn renames(words: &str) -> Vec<String> {
    let kinds = words.split("rename = \"").skip(1).filter_map(|rest| rest.split('"').next());
    kinds.filter(|kind| kind.contains('.')).map(str::to_owned).collect()
}

/// A ledger that goes on where a later version wrote, under this clone's own name; that name.
fn from_the_future(one: &Place<'_>) -> String {
    one.bead("gives the clone a name");
    let replica: Value =
        serde_json::from_str(&one.read(".git/shopfloor-objects/desk/replica")).unwrap();
    let mine = replica["name"].as_str().unwrap().to_owned();
    let tree = one.world.place("tree");
    let mut script = format!("mkdir r-{mine} && cp -r '{0}'/*.json . &&", later().display());
    script += &format!("cp -r '{0}'/z r-{mine}/ &&", later().display());
    script += &format!("cp '{0}'/lines.jsonl r-{mine}/0-0.jsonl", later().display());
    tree.sh(&script).ok();
    one.sh("rm -r .git/shopfloor/cache .git/shopfloor-objects/desk/seen .git/shopfloor-objects/desk/chain; true").ok();
    plant(one, &tree.dir);
    mine
}

fn later() -> PathBuf {
    corpus().join("later")
}

/// Everything that a later version wrote, byte for byte.
#[track_caller]
fn is_all_there(place: &Place<'_>, replica: &str) {
    let show = |path: &str| place.run(["git", "cat-file", "blob", &format!("{LEDGER}:{path}")]).out;
    let kept = |path: &str| fs::read_to_string(later().join(path)).unwrap();
    for path in ["v.json", "future.json"] {
        assert_eq!(show(path), kept(path), "{path}");
    }
    assert_eq!(show(&format!("r-{replica}/z/notes.txt")), kept("z/notes.txt"));
    let all = place.sh(&format!(
        "git ls-tree -r {LEDGER} | grep jsonl | cut -f1 | cut -d' ' -f3 | git cat-file --batch"
    ));
    for line in kept("lines.jsonl").lines() {
        assert!(all.out.lines().any(|there| there == line), "{line}\n{}", all.out);
    }
}

/// Another form, and nothing else.
fn rename(repo: &Place<'_>, form: &str) {
    change(repo, "v.json", form);
}

fn change(repo: &Place<'_>, path: &str, text: &str) {
    let script = format!(
        "export GIT_INDEX_FILE=$(git rev-parse --absolute-git-dir)/changed\n\
         blob=$(echo '{text}' | git hash-object -w --stdin) && git read-tree {LEDGER} &&\n\
         git update-index --add --cacheinfo 100644,$blob,{path} &&\n\
         git update-ref {LEDGER} $(git commit-tree -m changed $(git write-tree)) &&\n\
         rm $GIT_INDEX_FILE"
    );
    repo.sh(&script).ok();
}

/// Puts a ledger's tree where this repository would have it.
fn plant(repo: &Place<'_>, tree: &Path) {
    let script = format!(
        "export GIT_INDEX_FILE=$PWD/.git/planted\n\
         git --work-tree='{}' add --all . &&\n\
         commit=$(git commit-tree -m planted $(git write-tree)) &&\n\
         git update-ref refs/shopfloor/ledger $commit && rm $GIT_INDEX_FILE",
        tree.display()
    );
    repo.sh(&script).ok();
}
