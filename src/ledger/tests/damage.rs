//! What must never be taken for a smaller ledger, and what is put right without a word.

use super::*;

/// Every way in must refuse, with these words, and leave the ref alone.
fn refused(world: &World, at: &Path, words: &str) {
    let before = tip(world, at);
    let repo = world.open(at);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let answers = [
        ledger.read::<Told>().map(drop),
        ledger.lines().map(drop),
        ledger.write(&jane(), |_: &Told, pen| pen.line("a", &"test.said")),
    ];
    for answer in answers {
        let no = answer.unwrap_err();
        assert_eq!(refusal(&no).kind, Kind::Fatal);
        assert!(no.to_string().contains(words), "{no}");
        assert!(!refusal(&no).hints.is_empty());
    }
    assert_eq!(tip(world, at), before);
}

fn object(path: &Path, id: &str) -> PathBuf {
    path.join(".git/shopfloor-objects").join(&id[..2]).join(&id[2..])
}

fn put(world: &World, at: &Path, args: &[&str], input: &str) -> String {
    let put = Program::new("git").args(args).dir(at).full_env(world.env.iter()).input(input.into());
    let outcome = put.run();
    assert!(outcome.succeeded(), "git {args:?}: {}", String::from_utf8_lossy(&outcome.err));
    String::from_utf8(outcome.out).unwrap().trim_end().to_owned()
}

/// Makes a commit of the ledger's tree as `change` would have it, and the ledger's ref name it.
fn forge(world: &World, at: &Path, change: impl Fn(&str) -> String) {
    let tree = world.git(at, &["ls-tree", REF]);
    let tree = put(world, at, &["mktree"], &format!("{}\n", change(&tree)));
    let commit = world.git(at, &["commit-tree", "-m", "forged", &tree]);
    world.git(at, &["update-ref", REF, &commit]);
}

#[test]
fn a_missing_or_damaged_object_is_named_and_nothing_is_written() {
    let world = World::new();
    let path = world.repo("app", &[]);
    fill(&world, &path);
    let files = world.git(&path, &["ls-tree", "-r", REF]);
    let ids: Vec<_> = files.lines().map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    let trees =
        ["^{tree}", ""].map(|what| world.git(&path, &["rev-parse", &format!("{REF}{what}")]));
    for id in ids.into_iter().chain(trees.iter().map(String::as_str)) {
        drop(fs::remove_dir_all(path.join(".git/shopfloor/cache")));
        let file = object(&path, id);
        let kept = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        refused(&world, &path, id);
        fs::write(&file, "").unwrap();
        refused(&world, &path, id);
        fs::write(&file, &kept[..kept.len() - 20]).unwrap();
        refused(&world, &path, id);
        fs::write(&file, &kept).unwrap();
    }
    assert_eq!(read(&world, &path).unwrap().order.len(), 640);
}

#[test]
fn a_line_altered_dropped_or_moved_is_noticed() {
    let world = World::new();
    let path = world.repo("app", &[]);
    for n in 1..=3 {
        say(&world, &path, "a", n).unwrap();
    }
    let good = world.git(&path, &["rev-parse", REF]);
    let file =
        world.git(&path, &["ls-tree", "-r", "--name-only", REF]).lines().next().unwrap().to_owned();
    let text = world.git(&path, &["cat-file", "blob", &format!("{REF}:{file}")]);
    let lines: Vec<_> = text.lines().collect();
    let cases = [
        (text.replace(r#""n":2"#, r#""n":9"#) + "\n", "line 2: line"),
        (format!("{}\n{}\n", lines[0], lines[1]), "no longer has the 3 lines it had"),
        (format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]), "its clock is 1, after 2"),
        (text.clone(), "its last line is cut off"),
        (text.clone() + "\n{\"id\":\n", "line 4: not a line of the ledger"),
        (text.clone() + "\n\n", "line 4: not a line of the ledger"),
    ];
    for (forged, words) in cases {
        let blob = put(&world, &path, &["hash-object", "-w", "--stdin"], &forged);
        let name = file.split_once('/').unwrap().0;
        let dir = put(&world, &path, &["mktree"], &format!("100644 blob {blob}\t0-0.jsonl\n"));
        forge(&world, &path, |tree| {
            let change = |line: &str| {
                if line.ends_with(name) {
                    format!("040000 tree {dir}\t{name}")
                } else {
                    line.to_owned()
                }
            };
            tree.lines().map(change).collect::<Vec<_>>().join("\n")
        });
        refused(&world, &path, words);
        world.git(&path, &["update-ref", REF, &good]);
    }
    assert_eq!(read(&world, &path).unwrap().on["a"], [1, 2, 3]);
}

#[test]
fn a_ledger_that_is_gone_is_not_an_empty_one() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    let was = tip(&world, &path).unwrap();
    world.git(&path, &["update-ref", "-d", REF]);
    refused(&world, &path, "the ledger is gone");
    let no = read(&world, &path).unwrap_err();
    let fix = refusal(&no).hints[0].clone();
    assert_eq!(fix, format!("git update-ref {REF} {was}"));
    world.git(&path, &fix.split(' ').skip(1).collect::<Vec<_>>());
    assert_eq!(read(&world, &path).unwrap().on["a"], [1]);
}

#[test]
fn a_ledger_that_went_back_is_refused_until_it_is_put_right() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    let old = world.git(&path, &["rev-parse", REF]);
    say(&world, &path, "a", 2).unwrap();
    let new = world.git(&path, &["rev-parse", REF]);
    world.git(&path, &["update-ref", REF, &old]);
    refused(&world, &path, "the ledger went back");
    world.git(&path, &["update-ref", REF, &new]);
    assert_eq!(read(&world, &path).unwrap().on["a"], [1, 2]);
}

#[test]
fn a_newer_format_is_left_alone() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    let newer = put(&world, &path, &["hash-object", "-w", "--stdin"], "{\"format\":2}\n");
    forge(&world, &path, |tree| {
        let change = |line: &str| {
            if line.ends_with("v.json") {
                format!("100644 blob {newer}\tv.json")
            } else {
                line.to_owned()
            }
        };
        tree.lines().map(change).collect::<Vec<_>>().join("\n")
    });
    let (repo, before) = (world.open(&path), tip(&world, &path));
    let told = std::cell::RefCell::new(String::new());
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let ledger = ledger.warning(|text| told.borrow_mut().push_str(text));
    assert_eq!(ledger.read::<Told>().unwrap().on["a"], [1]);
    let words = "the ledger has format 2, and this shopfloor writes formats up to 1";
    assert!(told.borrow().starts_with(words), "{told:?}");
    let write = ledger.write(&jane(), |_: &Told, pen| pen.line("a", &"test.said")).err();
    for no in
        [write, ledger.maintain().err(), ledger.merge(&before.unwrap(), &Positions::new()).err()]
    {
        assert_eq!(refusal(&no.unwrap()).what, words);
    }
    assert_eq!(tip(&world, &path), before);
}

#[test]
fn what_later_versions_keep_survives_our_writes() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    let replica = world.git(&path, &["ls-tree", "-d", "--name-only", REF]);
    let blob = put(&world, &path, &["hash-object", "-w", "--stdin"], "not of our time\n");
    let dir = world.git(&path, &["ls-tree", &format!("{REF}:{replica}")]);
    let trail = put(&world, &path, &["mktree"], &format!("100644 blob {blob}\t0.jsonl\n"));
    let dir = put(&world, &path, &["mktree"], &format!("{dir}\n040000 tree {trail}\ttrail\n"));
    forge(&world, &path, |tree| {
        let kept = tree.lines().filter(|line| line.ends_with("v.json")).collect::<String>();
        format!("{kept}\n040000 tree {dir}\t{replica}\n040000 tree {trail}\tarchive")
    });
    say(&world, &path, "a", 2).unwrap();
    let files = world.git(&path, &["ls-tree", "-r", "--name-only", REF]);
    assert_eq!(
        files,
        format!("archive/0.jsonl\n{replica}/0-0.jsonl\n{replica}/trail/0.jsonl\nv.json")
    );
    assert_eq!(world.git(&path, &["log", "--format=%s", REF]), "ledger: not yet sealed\nforged");
    assert_eq!(read(&world, &path).unwrap().on["a"], [1, 2]);
}

#[test]
fn a_saved_state_is_used_and_its_damage_is_of_no_account() {
    let world = World::new();
    let path = world.repo("app", &[]);
    fill(&world, &path);
    let whole = read(&world, &path).unwrap();
    let cache = path.join(".git/shopfloor/cache/told");
    let saved = fs::read(&cache).unwrap();
    say(&world, &path, "b", 1).unwrap();
    assert_eq!(fs::read(&cache).unwrap(), saved, "one line is not worth saving");
    let now = read(&world, &path).unwrap();
    assert_eq!((now.order.len(), &now.order[..640]), (641, &whole.order[..]));
    for damaged in [
        &saved[..saved.len() / 2],
        b"",
        &[saved.clone(), b"x".to_vec()].concat(),
        b"shopfloor-cache-2 0\n{}\n",
        &[&saved[..100], b"\0", &saved[101..]].concat(),
    ] {
        fs::write(&cache, damaged).unwrap();
        assert_eq!(read(&world, &path).unwrap(), now);
    }
}

/// What is made again in the middle of a decision knows nothing of what others have decided just before.
#[test]
fn a_decision_on_a_state_that_turns_out_damaged_is_made_again() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "early", 1).unwrap();
    fill(&world, &path);
    let ends = path.join(".git/shopfloor/cache/ends");
    let mut saved = fs::read(&ends).unwrap();
    // The first of what is read when it is asked for: what was kept of the line above.
    let length = |at: usize| u64::from_le_bytes(saved[at..at + 8].try_into().unwrap()) as usize;
    let back = 40 + length(16) + length(24);
    saved[back] ^= 1;
    fs::write(&ends, saved).unwrap();
    let repo = world.open(&path);
    let ledger = Ledger::open(&repo, &Clock::real()).unwrap();
    let mut asked = 0;
    let say = |_: &Told, pen: &mut crate::ledger::Pen<'_>| {
        asked += 1;
        pen.line("early", &json!({"test.said": {"n": 2}}))
    };
    ledger.write(&jane(), say).unwrap();
    let lines = ledger.lines().unwrap();
    let [early, .., last] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((asked, &last.after), (2, &vec![early.id.clone()]));
}

#[test]
fn a_lock_of_a_dead_writer_is_taken_away_and_one_of_another_git_is_waited_for() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 1).unwrap();
    // As a writer leaves it that is killed between its lock and its rename.
    let (lock, draft) = (
        path.join(format!(".git/{REF}.lock")),
        path.join(".git/shopfloor-objects/desk/refs/refs%2Fshopfloor%2Fledger"),
    );
    fs::write(&draft, "x\n").unwrap();
    fs::hard_link(&draft, &lock).unwrap();
    let main = path.join(".git/refs/heads/main.lock");
    let draft = path.join(".git/shopfloor-objects/desk/refs/refs%2Fheads%2Fmain");
    fs::write(&draft, "x\n").unwrap();
    fs::hard_link(&draft, &main).unwrap();
    say(&world, &path, "a", 2).unwrap();
    assert!(!lock.exists() && !main.exists() && !draft.exists());
    fs::write(&lock, "").unwrap();
    let no = say(&world, &path, "a", 3).unwrap_err();
    assert_eq!(refusal(&no).kind, Kind::Again);
    assert!(refusal(&no).hints[0].contains("remove that file"));
    fs::remove_file(&lock).unwrap();
    assert_eq!(read(&world, &path).unwrap().on["a"], [1, 2]);
}

#[test]
fn a_repository_that_cannot_be_written_to_is_read_all_the_same() {
    let world = World::new();
    let path = world.repo("app", &[]);
    fill(&world, &path);
    // Not by permissions: they do not bind root.
    for dir in [".git/shopfloor", ".git/shopfloor-objects/desk"] {
        fs::remove_dir_all(path.join(dir)).unwrap();
        fs::write(path.join(dir), "in the way").unwrap();
    }
    assert_eq!(read(&world, &path).unwrap().order.len(), 640);
    let before = tip(&world, &path);
    let no = say(&world, &path, "a", 1).unwrap_err();
    assert!(no.to_string().starts_with("cannot write to "), "{no}");
    assert_eq!((refusal(&no).kind, tip(&world, &path)), (Kind::Fatal, before));
}

#[test]
fn superseded_objects_go_and_what_is_in_use_stays() {
    let world = World::new();
    let path = world.repo("app", &[]);
    say(&world, &path, "a", 0).unwrap();
    let first = tip(&world, &path).unwrap().to_string();
    for n in 1..20 {
        say(&world, &path, "a", n).unwrap();
    }
    let note = path.join(".git/shopfloor-objects/desk/superseded");
    let aged = |text: &str| {
        text.lines()
            .map(|line| format!("1{}\n", line.split_once(' ').unwrap().1.replacen("", " ", 1)))
            .collect::<String>()
    };
    let text = aged(&fs::read_to_string(&note).unwrap());
    assert!(text.contains(&first));
    let second = text.lines().nth(1).unwrap().split_whitespace().nth(2).unwrap().to_owned();
    // Somebody makes a branch of one, and puts the ref back to another.
    let used =
        world.git(&path, &["rev-list", "--objects", "--no-object-names", REF]).replace('\n', " ");
    fs::write(&note, format!("{text}1 {used}\n")).unwrap();
    assert!(object(&path, &first).exists() && object(&path, &second).exists());
    world.git(&path, &["branch", "keep", &first]);
    say(&world, &path, "a", 20).unwrap();
    assert!(object(&path, &first).exists() && !object(&path, &second).exists());
    assert_eq!(fs::read_to_string(&note).unwrap().lines().count(), 1, "what was replaced just now");
    assert_eq!(world.git(&path, &["rev-list", "--count", "--objects", "keep"]), "5");
    assert_eq!(read(&world, &path).unwrap().on["a"], (0..21).collect::<Vec<_>>());
    world.git(&path, &["fsck", "--strict"]);
}
