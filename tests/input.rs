//! Bad input: a clear message with the next step, the right exit code, nothing half done.

use crate::support::{Place, Ran, Sandbox, tell};

#[test]
fn bad_input_is_answered() {
    let mut world = Sandbox::new();
    world
        .person("[agents.builder]\ncommand = [\"true\"]\n\n[agents.claude]\npreset = \"claude\"\n");
    world.place("outside");
    let repo = world.repo("api");
    watch(&repo);
    let path = path_without(&world, "claude");

    world.set("PATH", &path);
    tell("tests/stories/bad-input.md", &world.place("api"));
}

#[test]
fn a_read_only_git_directory_is_answered() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    repo.git("switch --quiet -c map").ok();
    repo.commit("map", "x\n", "Draw it").ok();
    watch(&repo);
    repo.sh("remember").ok();
    for command in ["git bead create X", "git bead init --yes", "git refinery submit"] {
        let ran = read_only(&repo, command).fails(128);
        assert!(ran.err.contains(".git") && ran.err.contains("hint: "), "{ran}");
        repo.sh("same").ok();
    }
    let ran = read_only(&repo, "git bead list --json").ok();
    assert_eq!(ran.json()[0]["title"], "Draw the map");
}

/// Whichever of our places cannot be written to: the message names it, and nothing is half done.
#[test]
fn a_place_that_is_read_only_is_named() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    repo.git("convoy create All").ok();
    watch(&repo);
    repo.sh("remember").ok();
    for place in [".git/shopfloor-objects", ".git/refs/shopfloor"] {
        let ran = sealed(&repo, place, "git bead create X").fails(128);
        assert!(ran.err.contains(place) && ran.err.contains("hint: "), "{ran}");
        assert_eq!(ran.err.matches("os error").count(), 1, "said once\n{ran}");
        repo.sh("same").ok();
    }
    // What can be made again is no reason not to write.
    sealed(&repo, ".git/shopfloor", "git bead create X").ok();
}

#[test]
fn a_repository_of_somebody_else_is_opened_where_git_would_open_it() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.bead("Draw the map");
    if repo.sh("chown -R 4321:4321 .").code != 0 {
        return; // Only root can give things away.
    }
    let path = repo.dir.to_str().unwrap();
    let ran = repo.git("bead list").fails(128);
    assert_eq!(
        ran.err,
        format!(
            "fatal: the repository at {path} belongs to somebody else\n\
             hint: if you trust it: git config --global --add safe.directory '{path}'\n"
        )
    );
    for safe in [path, "*"] {
        let safe = format!("safe.directory={safe}");
        let list = |more: &[&str]| {
            let words = ["git", "-c", &safe].into_iter().chain(more.iter().copied());
            repo.run(words.chain(["bead", "list", "--json"]))
        };
        assert_eq!(list(&[]).ok().json()[0]["title"], "Draw the map");
        list(&["-c", "safe.directory="]).fails(128);
    }
    repo.git("-c safe.directory=/elsewhere bead list").fails(128);
    let given = "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0";
    repo.sh(&format!("{given}='{path}' git-bead list")).ok();
    repo.sh(&format!("{given}='{path}' git-bead create More")).ok();
    repo.git(&format!("config safe.directory {path}"));
    repo.git("bead list").fails(128);
}

/// Reading needs no writing; what is left undone for it is said once.
#[test]
fn who_is_at_work_is_told_of_a_read_only_git_directory() {
    let world = Sandbox::new();
    world.program("builder", "#!/bin/sh\nexec sleep 1000\n");
    world.person("[agents.builder]\ncommand = [\"builder\"]\n");
    let repo = world.repo("api");
    let none = read_only(&repo, "git sling ps").ok();
    assert_eq!((none.out.as_str(), none.err.as_str()), ("nobody is at work\n", ""));
    repo.run(["git", "sling", "Draw the map"]).ok();
    let row = "  builder  working  ";
    let works = || repo.git("sling ps").ok().out.contains(row);
    repo.wait("the agent is at work", "git sling ps", works);
    let ran = read_only(&repo, "git sling ps").ok();
    assert!(ran.out.contains(row) && ran.err.is_empty(), "{ran}");

    let id = repo.json("sling ps --json")[0]["session"].as_str().unwrap().to_owned();
    let live = format!(".git/shopfloor/live/{id}");
    repo.sh(&format!("kill -9 $(head -1 {live})")).ok();
    let noticed = || !read_only(&repo, "git sling ps").ok().err.is_empty();
    repo.wait("its runner is dead", "cat .git/shopfloor/live/*", noticed);
    let ran = read_only(&repo, "git sling ps").ok();
    assert!(ran.out.contains(&id), "{ran}");
    assert_eq!(ran.err.lines().count(), 1, "{ran}");
    let ran = ran.says(&["could not look after lost sessions: cannot write to ", "agents.lock"]);
    assert_eq!(ran.err.matches("cannot write").count(), 1, "{ran}");
    let ran = read_only(&repo, "git sling stop --all").fails(128);
    assert!(ran.err.contains("hint: give yourself write access"), "{ran}");
    repo.git("sling ps").ok().says(&["had lost its runner"]);
}

#[test]
fn an_ambiguous_id_lists_its_candidates() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let mut made = [repo.bead("One"), repo.bead("Other")];
    made.sort();
    for command in ["update api- --claim", "close api-", "show api-", "dep add api- api-"] {
        let ran = repo.git(&format!("bead {command}")).fails(3);
        let told: Vec<_> = made.iter().map(|id| ran.err.find(id.as_str())).collect();
        assert!(told.iter().all(Option::is_some), "{ran}");
    }
}

#[test]
fn a_gate_that_cannot_start_is_no_fault_of_the_change() {
    let gates = [
        ("command = [\"./no-such-program\"]", "missing"),
        ("command = \"no-such-program --now\"", "missing"),
        ("command = [\"./README.md\"]", "missing"),
        ("command = \"kill -9 $$\"", "signal"),
    ];
    for (gate, verdict) in gates {
        let world = Sandbox::new();
        let repo = world.repo("api");
        repo.git("config shopfloor.autorun false").ok();
        repo.commit("shopfloor.toml", &format!("[gates.test]\n{gate}\n"), "a gate").ok();
        repo.git("bead trust --yes").ok();
        let main = repo.rev("main");
        repo.git("worktree add -q ../side -b topic").ok();
        repo.at("../side").commit("more", "more", "More").ok();
        repo.at("../side").git("refinery submit").ok();
        repo.git("refinery run --drain");
        let entry = repo.json("refinery show 1 --json");
        assert_eq!(entry["state"], "held", "{entry:#}");
        assert_eq!(entry["gates"][0]["verdict"], verdict, "{entry:#}");
        assert_eq!(repo.rev("main"), main);
    }
}

fn read_only(repo: &Place<'_>, command: &str) -> Ran {
    sealed(repo, ".git", command)
}

/// As root, permissions stop nobody: a read-only mount does.
pub(crate) fn sealed(repo: &Place<'_>, place: &str, command: &str) -> Ran {
    let script = format!(
        "if [ \"$(id -u)\" = 0 ]; then
           unshare -m sh -c 'mount --bind {place} {place} && mount -o remount,ro,bind {place} {place} && exec {command}'
         else
           chmod -R a-w {place}; {command}; code=$?; chmod -R u+w {place}; exit $code
         fi"
    );
    repo.sh(&script)
}

/// `remember` keeps what is there, `same` compares, `bead N` is the id of the nth bead.
fn watch(repo: &Place<'_>) {
    let look =
        "{ git for-each-ref; git worktree list; git status --porcelain; git config --list --local
                  git bead log --json; find .git/hooks | sort; ls ..; }";
    repo.world.program("remember", &format!("#!/bin/sh\n{look} >../seen 2>&1\n"));
    repo.world.program("same", &format!("#!/bin/sh\n{look} 2>&1 | diff ../seen - && echo same\n"));
    repo.world.program(
        "bead",
        "#!/bin/sh
git bead log --json | grep '\"do\":\"bead.created\"' |
sed -n \"$1\"'s/.*\"on\":\"\\([^\"]*\\)\".*/\\1/p'
",
    );
    repo.world.program(
        "change",
        "#!/bin/sh
set -e
git worktree add -q \"$PWD.topic\" -b topic && cd \"$PWD.topic\"
echo more >more && git add more && git commit -q -m More
",
    );
    repo.write("../seen", "");
}

fn path_without(world: &Sandbox, program: &str) -> String {
    let dirs = world.get("PATH").split(':');
    let free = |dir: &&str| !std::path::Path::new(dir).join(program).exists();
    dirs.filter(free).collect::<Vec<_>>().join(":")
}

#[test]
fn whoever_asks_for_json_gets_nothing_else() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    for words in ["bead list", "bead list --status bogus", "bead ready", "bead blocked"] {
        let ran = repo.git(&format!("{words} --json")).fails(1);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("[]\n", ""), "{words}");
    }
    let ran = repo.git("bead dep add --json").fails(129);
    let said: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(said["error"], "the following required arguments were not provided: <ID> <ON>");
}

/// A no says what it is about, and what to do instead.
#[test]
fn every_no_says_what_where_and_what_next() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let (one, two) = (repo.bead("Draw the map"), repo.bead("Walk the land"));
    let (short, other) = (&one[..8], &two[..8]);
    let head = &repo.rev("HEAD")[..9];
    for (line, code, said, next) in [
        (format!("reopen {one}"), 3, format!("{short} is not closed"), "git bead show api-"),
        (
            format!("dep remove {one} {two}"),
            1,
            format!("{short} does not depend on {other}"),
            "git bead dep tree api-",
        ),
        (format!("comment {one} ''"), 129, format!("nothing is said of {one}"), "--file FILE"),
        (
            "create X --body-file /nope".to_owned(),
            128,
            "cannot be read from /nope".to_owned(),
            "or `-` for standard input",
        ),
        ("-C /nope list".to_owned(), 128, "cannot go to /nope".to_owned(), "-C takes a directory"),
        (
            format!("verify --range {head}..{head}"),
            129,
            format!("{head}..{head}"),
            "$(git rev-parse OLD)..$(git rev-parse NEW)",
        ),
        (
            "create X --deps blocks:".to_owned(),
            129,
            "--deps \"blocks:\"".to_owned(),
            "--deps blocks:ID",
        ),
        (
            "create X --deps :7f3k".to_owned(),
            129,
            "--deps \":7f3k\"".to_owned(),
            "--deps blocks:ID",
        ),
        ("show ''".to_owned(), 129, "an empty id names no bead".to_owned(), "git bead list --all"),
    ] {
        let ran = repo.sh(&format!("git bead {line}")).fails(code);
        ran.says(&[&said, "hint: ", next]);
    }
    assert_eq!(repo.json("bead list --all --json").as_array().unwrap().len(), 2);
}

/// A file says of each bead what is to be said: no option is taken and then forgotten.
#[test]
fn a_file_of_beads_takes_no_options_of_one() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let there = repo.bead("There");
    repo.write("plan.md", "## Draw\n");
    let tip = repo.rev("refs/shopfloor/ledger");
    for option in
        ["--validate", "-p 0", "-t bug", "-l a", "-d x", "--notes x", "--deps", "--parent"]
    {
        let value = if ["--deps", "--parent"].contains(&option) { there.as_str() } else { "" };
        for form in ["-f", "--graph"] {
            let no = repo.git(&format!("bead create {form} plan.md {option} {value}")).fails(129);
            no.says(&["cannot be used with"]);
        }
    }
    assert_eq!(repo.rev("refs/shopfloor/ledger"), tip);
}
