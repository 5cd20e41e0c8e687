//! Checkpoints: whoever can sign says how far a clone had written, and that holds for nothing else.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::{Place, Sandbox};
use crate::sync::clones;
use crate::tamper::rewrite;

const LEDGER: &str = "refs/shopfloor/ledger";

/// Jane has a key, git is told to sign with it, and everybody knows whose it is.
pub(crate) fn with_key(world: &Sandbox) {
    let home = world.place("home");
    home.sh("ssh-keygen -q -t ed25519 -N '' -f key && mkdir .ssh && mv key key.pub .ssh").ok();
    home.sh("git config --global gpg.format ssh &&
         git config --global user.signingKey '~/.ssh/key.pub' &&
         git config --global gpg.ssh.allowedSignersFile '~/.ssh/allowed' &&
         echo \"jane@example.org $(cat .ssh/key.pub)\" >.ssh/allowed")
        .ok();
}

/// The name under which a clone writes.
pub(crate) fn replica(place: &Place<'_>) -> String {
    let told: Value =
        serde_json::from_str(&place.read(".git/shopfloor-objects/desk/replica")).unwrap();
    told["name"].as_str().unwrap().to_owned()
}

#[test]
fn a_second_clone_sees_what_the_first_one_has_signed() {
    let world = Sandbox::new();
    with_key(&world);
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    let clone = {
        one.bead("a");
        one.bead("b");
        replica(&one)
    };
    let told = one.git("bead verify --sign").ok();
    assert_eq!(told.line(), "2 lines of 1 clone: all sound\n2 of this clone are signed now");
    one.git("bead verify --sign").ok().says(&["nothing came after what is signed"]);
    one.bead("c");
    assert_eq!(one.json("bead verify --sign --json")["signed"], 4);
    one.git("bead sync").ok();
    two.bead("from two");
    two.git("bead sync").ok();
    let key = two.sh("ssh-keygen -lf ~/.ssh/key.pub | cut -d' ' -f2").ok().line();
    assert_eq!(
        two.git("bead verify").ok().line(),
        format!(
            "6 lines of 2 clones: all sound\n4 of clone {clone} are signed by \
             jane@example.org, {key}"
        )
    );
    let told = two.json("bead verify --json");
    let (all, none) = (told["checkpoints"].as_array().unwrap(), Value::Null);
    assert_eq!((all.len(), &told["signed"]), (2, &none));
    assert_eq!((&all[0]["lines"], &all[0]["signer"]), (&2.into(), &"jane@example.org".into()));
    // Who does not know whose keys are good sees with which one it was signed.
    two.git("config --global --unset gpg.ssh.allowedSignersFile").ok();
    let told = two.git("bead verify").ok();
    assert!(told.out.contains(&format!("are signed with {key}; ")), "{told}");
    // To who knows, and not of this one, it says nothing.
    two.sh("echo >none && git config gpg.ssh.allowedSignersFile none").ok();
    let told = two.git("bead verify").ok();
    let note = format!("{clone} counts for nothing here: {key} is no key of a signer in none");
    assert_eq!(told.out.matches(&note).count(), 1, "{told}");
    assert!(!told.out.contains("are signed"), "{told}");
}

#[test]
fn a_repository_with_the_other_hash_has_checkpoints_too() {
    let world = Sandbox::new();
    with_key(&world);
    let repo = world.repo_as("api", &["--object-format=sha256"]);
    repo.bead("a");
    // A key that only the agent has is named by itself.
    let sign = "git config user.signingKey \"$(cat ~/.ssh/key.pub)\" && eval \"$(ssh-agent -s)\" &&
        trap 'kill $SSH_AGENT_PID' EXIT && ssh-add -q ~/.ssh/key && mv ~/.ssh/key ~/.ssh/away &&
        git bead verify --sign";
    repo.sh(sign).ok();
    let told = repo.git("bead verify").ok();
    assert!(told.out.contains("are signed by jane@example.org"), "{told}");
}

#[test]
fn a_checkpoint_travels_whatever_hash_and_refs_a_repository_has() {
    let world = Sandbox::new();
    with_key(&world);
    let mut kinds = vec![("sha256", "--object-format=sha256", "")];
    if world.knows_reftable() {
        kinds.push(("reftable", "--ref-format=reftable", "--ref-format=reftable"));
    }
    for (name, option, to_clone) in kinds {
        let one = world.repo_as(name, &[option]);
        let hub = world.place(format!("{name}.git"));
        hub.run(["git", "init", "--quiet", "--bare", option]).ok();
        let url = format!("file://{}", hub.dir.display());
        one.run(["git", "remote", "add", "origin", &url]).ok();
        one.git("push -q origin main").ok();
        one.bead("a");
        one.bead("b");
        one.git("bead verify --sign").ok();
        one.git("bead sync").ok();
        let newcomer = |clone: &str| {
            world.place(".").git(&format!("clone -q {to_clone} {url} {clone}")).ok();
            world.place(clone).git("bead sync").ok();
            world.place(clone)
        };
        let told = newcomer(&format!("{name}-two")).git("bead verify").ok();
        let signed = format!("2 of clone {} are signed by jane@example.org", replica(&one));
        assert!(told.out.contains(&signed), "{told}");
        rewrite(&hub, "sed '/\"b\"/d'");
        let told = newcomer(&format!("{name}-three")).git("bead verify").fails(3);
        assert!(told.out.contains("are not those that it signs"), "{told}");
    }
}

#[test]
fn who_asked_for_it_signs_with_a_sync_and_once_a_day() {
    let world = Sandbox::new();
    with_key(&world);
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    let sent =
        |env: &str| one.sh(&format!("{env} git bead sync --json")).ok().json()["sent"].clone();
    one.git("config shopfloor.sign auto").ok();
    assert_eq!(sent(""), 0, "there is nothing to sign");
    one.bead("a");
    assert_eq!(sent(""), 2);
    one.git("bead verify").ok();
    one.bead("b");
    assert_eq!(sent(""), 1);
    one.bead("c");
    assert_eq!(sent("SHOPFLOOR_CLOCK=2999-01-01T00:00:00Z"), 2);
    let told = one.git("bead verify").ok();
    assert!(told.out.contains("4 of clone"), "{told}");
    // Who cannot sign sends all the same, and says so.
    one.git("config user.signingKey nowhere.pub").ok();
    one.sh("rm -r .git/shopfloor").ok();
    one.bead("d");
    one.git("bead sync").ok().says(&["what is sent is not signed", "nothing was signed"]);
    assert_eq!(hub.rev(LEDGER), one.rev(LEDGER));
    one.git("config shopfloor.sign always").ok();
    one.git("bead sync").ok().says(&["shopfloor.sign is `always`, which says nothing"]);
}

#[test]
fn who_cannot_sign_is_told_what_is_missing() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("bead verify --sign").fails(1).says(&["this clone has written nothing"]);
    repo.bead("a");
    let tip = repo.rev(LEDGER);
    let sign = "bead verify --sign";
    repo.git(sign).fails(3).says(&["git config gpg.format ssh", "git config user.signingKey "]);
    repo.git("config gpg.format ssh").ok();
    repo.git(sign).fails(3).says(&["git config user.signingKey is not set"]);
    repo.git("config user.signingKey nowhere.pub").ok();
    repo.git(sign).fails(3).says(&["nothing was signed", "nowhere.pub", "ssh-add"]);
    repo.sh("ssh-keygen -q -t ed25519 -N secret -f locked").ok();
    repo.git("config user.signingKey locked").ok();
    repo.git(sign).fails(3).says(&["nothing was signed", "passphrase", "ssh-add"]);
    repo.git("config gpg.ssh.program /nowhere/ssh-keygen").ok();
    let missing = "/nowhere/ssh-keygen cannot be run";
    repo.git(sign).fails(3).says(&[missing, "git config gpg.ssh.program names another one"]);
    assert_eq!(repo.rev(LEDGER), tip);
    // Who cannot look has not seen that a checkpoint is good.
    with_key(&world);
    repo.git("config --unset gpg.ssh.program").ok();
    repo.git("config user.signingKey ~/.ssh/key.pub").ok();
    repo.git("bead verify --sign").ok();
    repo.git("config gpg.ssh.program /nowhere/ssh-keygen").ok();
    let told = repo.git("bead verify").fails(3);
    assert!(told.out.contains("cannot be checked") && told.out.contains(missing), "{told}");
}

/// What stands in a signed checkpoint, and every such line that does not hold.
#[test]
fn a_checkpoint_holds_for_one_thing_alone() {
    let world = Sandbox::new();
    with_key(&world);
    let repo = world.repo("api");
    for n in 0..3 {
        repo.bead(&format!("bead {n}"));
    }
    repo.git("bead verify --sign").ok();
    repo.bead("after it");
    let before = repo.rev(LEDGER);
    let all = repo.json("bead log --do ledger --json");
    let good = all.as_array().unwrap()[0].clone();
    let with = |key: &str, value: Value| {
        let mut with = good["with"].clone();
        with[key] = value;
        with
    };
    let elsewhere = signed_elsewhere(&world);
    for (with, wrong) in [
        (with("lines", 2.into()), "its signature does not hold"),
        (with("last", good["id"].clone()), "its signature does not hold"),
        (with("ref", "refs/heads/main".into()), "its signature does not hold"),
        (with("replica", "0123456789abcdef".into()), "its signature does not hold"),
        (with("at", "2020-01-01T00:00:00.000Z".into()), "its signature does not hold"),
        (with("signature", "none".into()), "its signature does not hold"),
        (Value::from("words"), "it is no checkpoint"),
        (elsewhere, "it was signed for another repository, whose first commit is"),
    ] {
        let mut line = good.clone();
        line["with"] = with;
        append(&repo, &line);
        let told = repo.git("bead verify").fails(3);
        assert!(told.out.contains(wrong), "{wrong}\n{told}");
        assert!(told.out.contains("3 of clone"), "{told}");
        repo.sh(&format!(
            "git update-ref {LEDGER} {before} && rm -f .git/shopfloor-objects/desk/seen"
        ))
        .ok();
        repo.git("bead verify").ok();
    }
    // The same one once more, where another clone writes.
    let other = Value::from("r-0123456789abcdef");
    append_to(&repo, &good, other.as_str().unwrap());
    let told = repo.git("bead verify").fails(3);
    assert!(told.out.contains("and stands among other lines"), "{told}");
}

/// A rewritten ledger in which each line is sound, before somebody who has never seen another.
#[test]
fn a_checkpoint_tells_a_newcomer_that_a_line_is_missing() {
    let world = Sandbox::new();
    with_key(&world);
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    for n in 0..4 {
        one.bead(&format!("bead {n}"));
    }
    one.git("bead verify --sign").ok();
    one.bead("after it");
    one.git("bead sync").ok();
    rewrite(&hub, "sed '/bead 2/d'");
    let [new] = clones(&world, &hub, ["new"]);
    new.git("bead sync").ok();
    let told = new.git("bead verify").fails(3);
    let wrong = format!("the 4 lines of replica {} are not those that it signs", replica(&one));
    assert!(told.out.contains(&wrong), "{told}");
    // Also where nobody knows whose key that is.
    new.sh("echo >none && git config gpg.ssh.allowedSignersFile none").ok();
    let told = new.git("bead verify").fails(3);
    assert!(told.out.contains(&wrong), "{told}");
    // Nobody signs what is not sound.
    new.bead("here");
    let before = new.rev(LEDGER);
    new.git("bead verify --sign").fails(3);
    assert_eq!(new.rev(LEDGER), before);
}

#[test]
fn a_hub_with_the_hook_takes_no_checkpoint_that_does_not_hold() {
    let world = Sandbox::new();
    with_key(&world);
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    one.bead("a");
    one.git("bead verify --sign").ok();
    one.git("bead sync").ok();
    let good = one.json("bead log --do ledger --json").as_array().unwrap()[0].clone();
    let mut bad = good;
    bad["with"]["lines"] = 2.into();
    // What is there already keeps nobody out; what comes now is looked at.
    let evil = world.place("evil.git");
    evil.sh(&format!("git init -q --bare && git fetch -q ../hub.git {LEDGER}:{LEDGER}")).ok();
    append(&evil, &bad);
    let path = hub.dir.to_str().unwrap();
    evil.run(["git", "push", "-qf", path, LEDGER]).ok();
    let hook = concat!(env!("CARGO_MANIFEST_DIR"), "/hooks/pre-receive");
    hub.run(["cp", hook, "hooks/pre-receive"]).ok();
    for place in [&one, &two] {
        place.bead("honest work");
        place.git("bead sync").ok();
    }
    one.git("bead verify").fails(3);
    let before = hub.rev(LEDGER);
    evil.sh(&format!("git fetch -q ../hub.git +{LEDGER}:{LEDGER}")).ok();
    (bad["with"]["lines"], bad["clock"]) = (3.into(), 2000.into());
    append(&evil, &bad);
    evil.run(["git", "push", "-f", path, LEDGER]).fails(1).says(&["its signature does not hold"]);
    assert_eq!(hub.rev(LEDGER), before);
}

/// A clone that was put back to an older state goes on otherwise, and a merge keeps both ends apart.
#[test]
fn a_checkpoint_holds_where_a_merge_has_split_what_it_signs() {
    let world = Sandbox::new();
    with_key(&world);
    let hub = world.bare("hub.git");
    let [one] = clones(&world, &hub, ["one"]);
    one.bead("a");
    one.bead("b");
    let old = one.rev(LEDGER);
    one.bead("c");
    one.git("bead verify --sign").ok();
    let lines = |place: &Place<'_>| -> Vec<String> {
        let file = format!("git cat-file blob {LEDGER}:r-{}/0-0.jsonl", replica(&one));
        place.sh(&file).ok().out.lines().map(str::to_owned).collect()
    };
    let kept = one.rev(LEDGER);
    one.run(["git", "update-ref", "refs/kept", &kept]).ok();
    one.git("bead sync").ok();
    let was = lines(&one)[2].clone();
    // The end whose first line has the larger id goes to another sequence; here it is the signed one.
    for n in 0.. {
        let back =
            format!("git update-ref {LEDGER} {old} && rm -f .git/shopfloor-objects/desk/seen");
        one.sh(&format!(
            "{back} .git/shopfloor-objects/desk/chain* .git/shopfloor-objects/desk/progress*"
        ))
        .ok();
        one.bead(&format!("other {n}"));
        if lines(&one)[2] < was {
            break;
        }
    }
    one.git("bead sync").ok();
    assert!(!lines(&one).contains(&was));
    let told = one.git("bead verify").ok();
    let signed = format!("3 of clone {} are signed by jane@example.org", replica(&one));
    assert!(told.out.contains(&signed), "{told}");
}

/// The `with` of a checkpoint that Jane has signed in another repository.
fn signed_elsewhere(world: &Sandbox) -> Value {
    let other = world.place("other");
    other.sh("git init -q && git commit -q --allow-empty -m 'another beginning'").ok();
    other.bead("elsewhere");
    other.git("bead verify --sign").ok();
    other.json("bead log --do ledger --json").as_array().unwrap()[0]["with"].clone()
}

/// Puts a line at the end of the longest sequence, with the id and the clock that it has there.
fn append(place: &Place<'_>, line: &Value) {
    place.write("forged", forged(line));
    rewrite(place, &format!("cat - {}/forged", place.dir.display()));
}

/// The same, as the one line of a sequence of its own.
fn append_to(place: &Place<'_>, line: &Value, dir: &str) {
    place.write("forged", forged(line));
    place
        .sh(&format!(
            "set -e
             export GIT_INDEX_FILE=.git/index-of-mine
             git read-tree {LEDGER}
             git update-index --add --cacheinfo 100644,$(git hash-object -w forged),{dir}/0-0.jsonl
             git update-ref {LEDGER} $(git commit-tree -m changed $(git write-tree))"
        ))
        .ok();
}

/// A line as one is written by who knows how: sound in itself.
pub(crate) fn forged(line: &Value) -> String {
    let mut fields = line.clone();
    fields["clock"] = (fields["clock"].as_u64().unwrap() + 1000).into();
    let fields = fields.as_object_mut().unwrap();
    fields.retain(|key, _| {
        ["at", "by", "clock", "do", "of", "on", "owner", "with"].contains(&key.as_str())
    });
    let mut rest = Value::from(fields.clone());
    rest.sort_all_objects();
    let rest = rest.to_string();
    let hash = Sha256::digest(&rest);
    let mut id = data_encoding::BASE32_NOPAD.encode(&hash[..16]);
    id.make_ascii_lowercase();
    format!("{{\"id\":\"{id}\",{}\n", &rest[1..])
}
