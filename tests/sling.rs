//! `git sling`: who gets the work, where it is done, how it ends, and that nothing of it is lost.

use crate::support::{Place, Sandbox};

/// A world with one agent, `toast`, whose program is this script.
pub(crate) fn shop(script: &str) -> Sandbox {
    let world = Sandbox::new();
    world.program("worker", &format!("#!/bin/sh\n{script}\n"));
    world.person("[agents.toast]\ncommand = ['worker']\n");
    world
}

/// What `ps` says of a session that is over.
fn over(repo: &Place<'_>, session: &str) -> bool {
    repo.json("sling ps --all --json")
        .as_array()
        .unwrap()
        .iter()
        .any(|row| row["session"] == session && !row["ended_at"].is_null())
}

pub(crate) fn sling(repo: &Place<'_>, words: &[&str]) -> serde_json::Value {
    let argv = ["git", "sling", "--json"].iter().chain(words).copied();
    repo.run(argv).ok().json()
}

pub(crate) fn text(value: &serde_json::Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned()
}

/// Slings, and waits until the session has ended; its session id.
fn slung_to_the_end(repo: &Place<'_>, words: &[&str]) -> String {
    let session = text(&sling(repo, words), "session");
    repo.wait("the session is over", "git sling ps --all; git sling logs toast", || {
        over(repo, &session)
    });
    session
}

/// A copy of the whole repository, made when the session is at work and while nobody writes.
pub(crate) fn copied<'w>(repo: &Place<'w>, session: &str) -> Place<'w> {
    repo.wait("that is written", "git sling ps", || row(repo, session)["state"] == "working");
    let script = format!(
        "runner=$(head -1 .git/shopfloor/live/{session}); kill -STOP $runner\n\
         until grep -q ') T ' /proc/$runner/stat; do :; done\n\
         cp -r . ../copy; copied=$?; kill -CONT $runner; exit $copied"
    );
    repo.sh(&script).ok();
    repo.world.place("copy")
}

fn row(repo: &Place<'_>, session: &str) -> serde_json::Value {
    let rows = repo.json("sling ps --all --json");
    rows.as_array().unwrap().iter().find(|row| row["session"] == session).unwrap().clone()
}

/// Every byte of this text is in some object that a ref leads to.
pub(crate) fn reachable(repo: &Place<'_>, text: &str) -> bool {
    repo.write(".git/sought", text);
    repo.sh("git rev-list --objects --all | grep -q $(git hash-object .git/sought)").code == 0
}

#[test]
fn the_prompt_goes_by_argument_by_input_and_by_file() {
    let world = Sandbox::new();
    world.program(
        "worker",
        "#!/bin/sh\nprintf '%s|' \"$@\"\ncat\ncase $1 in --file) cat \"$2\";; esac\n",
    );
    world.person(
        "[agents.arg]\ncommand = ['worker', '-p']\n\
         [agents.stdin]\ncommand = ['worker', '--in']\nprompt = 'stdin'\n\
         [agents.file]\ncommand = ['worker', '--file', '{prompt}', 'last']\nprompt = 'file'\n",
    );
    let repo = world.repo("api");
    let told = |agent: &str, title: &str| {
        let session = slung_to_the_end(&repo, &[title, agent, "-d", "It says teh."]);
        repo.run(["git", "sling", "logs", &session]).ok().out
    };
    let arg = told("arg", "Fix one");
    assert!(arg.starts_with("-p|You are arg. Your task is api-"), "{arg}");
    assert!(arg.contains("It says teh.") && arg.contains("git push origin HEAD:main"), "{arg}");
    let stdin = told("stdin", "Fix two");
    assert!(stdin.starts_with("--in|You are stdin. Your task is api-"), "{stdin}");
    let file = told("file", "Fix three");
    let prompt = file.strip_prefix("--file|").unwrap();
    let (path, rest) = prompt.split_once("|last|").unwrap();
    assert!(
        path.contains("/.git/shopfloor/sessions/s-") && rest.starts_with("You are file."),
        "{file}"
    );
}

#[test]
fn a_session_sees_who_it_is_and_nothing_of_another() {
    let mut world = shop(
        "env | sort | grep -E '^(SHOPFLOOR|GIT_|API|CLAUDE)'; pwd; git config user.name; git config user.email",
    );
    world.set("API_KEY", "k");
    world.set("GIT_AUTHOR_NAME", "somebody else");
    world.set("SHOPFLOOR_SESSION", "s-of-another");
    world.set("CLAUDECODE", "1");
    let repo = world.repo("api");
    let bead = repo.bead("Look around");
    let session = slung_to_the_end(&repo, &[&bead]);
    let seen = repo.run(["git", "sling", "logs", &session]).ok().out;
    let root = world.root().display();
    let expected = format!(
        "API_KEY=k\nGIT_CEILING_DIRECTORIES={root}\nGIT_CONFIG_NOSYSTEM=1\nGIT_EDITOR=:\nGIT_TERMINAL_PROMPT=0\n\
         SHOPFLOOR_AGENT=toast\nSHOPFLOOR_BEAD={bead}\nSHOPFLOOR_EPOCH=1\nSHOPFLOOR_SESSION={session}\n\
         SHOPFLOOR_TARGET=main\nSHOPFLOOR_TOOL=worker\n{root}/api.worktrees/toast\ntoast\njane@example.org\n"
    );
    assert_eq!(seen, expected);
    assert_eq!(repo.git("status --porcelain").ok().out, "");
    assert_eq!(repo.git("config user.name").ok().line(), "Jane Doe");
}

#[test]
fn a_runner_that_is_killed_takes_its_session_along_and_no_work() {
    let world = shop(
        "echo precious >file; echo edit >>README.md; (setsid sleep 1000 &) ; touch started; sleep 1000",
    );
    let repo = world.repo("api");
    let bead = repo.bead("Long work");
    let slung = sling(&repo, &[&bead]);
    let (session, tree) = (text(&slung, "session"), text(&slung, "worktree"));
    repo.wait("the agent is at work", "ls ../api.worktrees/*", || repo.at(&tree).has("started"));
    let marked = "grep -lsz '^SHOPFLOOR_SESSION=' /proc/[0-9]*/environ | wc -l";
    let live = format!("head -1 .git/shopfloor/live/{session}");
    let runner = repo.sh(&live).ok().line();
    repo.run(["kill", "-9", &runner]).ok();
    let ours = format!("grep -lsz '^SHOPFLOOR_SESSION={session}$' /proc/[0-9]*/environ | wc -l");
    repo.wait("every process of the session is gone", marked, || repo.sh(&ours).line() == "0");
    let next = repo.run(["git", "sling", "ps"]).ok();
    assert_eq!(next.out, "nobody is at work\n");
    assert!(
        next.err.contains(&format!("its work is kept: refs/shopfloor/rescue/toast/{session}")),
        "{next}"
    );
    assert!(reachable(&repo, "precious\n"));
    assert_eq!(repo.json("bead ready --json")[0]["id"], bead);
    assert_eq!(row(&repo, &session)["reason"], "its runner was gone");
    // Whoever else looks finds nothing left to do.
    let again = repo.git("sling ps").ok();
    assert_eq!(again.err, "");
}

#[test]
fn a_bead_that_is_slung_again_goes_on_where_it_stood() {
    let world = shop(
        "case $1 in *Two*) ;; *) exit;; esac; [ $SHOPFLOOR_EPOCH = 2 ] || { echo half >half; exit 1; }; cat half; printf %s \"$1\" | grep Earlier",
    );
    let repo = world.repo("api");
    let bead = repo.bead("Two halves");
    let first = slung_to_the_end(&repo, &[&bead]);
    assert_eq!(row(&repo, &first)["reason"], "exit 1");
    let second = slung_to_the_end(&repo, &[&bead]);
    assert_eq!(row(&repo, &second)["epoch"], 2);
    assert_eq!(
        repo.run(["git", "sling", "logs", &second]).ok().out,
        "half\nEarlier work on this task is in the worktree; see `git log` and `git status`, and go on from there.\n"
    );
    // The next bead gets a clean worktree, and what stood in it is kept.
    let third = text(&sling(&repo, &["Something else entirely"]), "session");
    repo.wait("it is over", "git sling ps -a", || over(&repo, &third));
    assert!(!repo.at("../api.worktrees/toast").has("half"));
    assert!(reachable(&repo, "half\n"));
}

#[test]
fn an_agent_that_is_killed_loses_its_hook_and_not_its_work() {
    let world = shop("echo $$ >pid; echo precious >file; touch started; sleep 1000");
    let repo = world.repo("api");
    let slung = sling(&repo, &["Work for somebody"]);
    let (session, tree) = (text(&slung, "session"), text(&slung, "worktree"));
    repo.wait("the agent is at work", "git sling ps", || repo.at(&tree).has("started"));
    let pid = repo.at(&tree).read("pid");
    repo.run(["kill", "-9", pid.trim()]).ok();
    repo.wait("the session is over", "git sling ps", || over(&repo, &session));
    assert_eq!(row(&repo, &session)["reason"], "killed");
    assert!(reachable(&repo, "precious\n"));
    assert_eq!(repo.json("bead ready --json").as_array().unwrap().len(), 1);
}

#[test]
fn a_declared_limit_ends_a_session_and_is_named() {
    let world = Sandbox::new();
    world.program("worker", "#!/bin/sh\nsleep 1000\n");
    world.person("[agents.toast]\ncommand = ['worker']\ntimeout = '1s'\n");
    let repo = world.repo("api");
    let said = repo.run(["git", "sling", "Sleep well", "--wait"]).fails(3).out;
    assert!(
        said.starts_with("Failed api-") && said.contains("the session stopped: timeout of 1 s"),
        "{said}"
    );
}

#[test]
fn of_many_slings_of_one_bead_one_starts_a_session() {
    let world = shop("sleep 1000");
    let repo = world.repo("api");
    let bead = repo.bead("Wanted by all");
    let racing: Vec<_> = (0..6).map(|_| repo.start(["git", "sling", &bead, "--json"])).collect();
    let said: Vec<_> = racing.into_iter().map(|one| one.end().ok().json()).collect();
    let new = said.iter().filter(|one| one["already"] == false).count();
    assert_eq!(new, 1, "{said:?}");
    assert_eq!(repo.json("sling ps --json").as_array().unwrap().len(), 1);
    assert_eq!(repo.sh("ls .git/shopfloor/sessions | wc -l").line(), "1");
    repo.run(["git", "sling", &bead, "toast-2"]).fails(3).says(&["is held by toast"]);
    repo.git("sling stop toast").ok();
}

#[test]
fn our_own_directory_may_be_deleted_under_a_session() {
    let world = shop("touch started; while [ ! -e ../go ]; do sleep 0.1; done; echo late >file");
    let repo = world.repo("api");
    let slung = sling(&repo, &["Survive it"]);
    let (session, tree) = (text(&slung, "session"), text(&slung, "worktree"));
    repo.wait("it is at work", "git sling ps", || repo.at(&tree).has("started"));
    repo.wait("that is written", "git sling ps", || row(&repo, &session)["state"] == "working");
    repo.sh("until rm -rf .git/shopfloor; do :; done").ok();
    repo.wait("the runner answers again", "ls .git", || {
        repo.has(&format!(".git/shopfloor/live/{session}"))
    });
    assert_eq!(row(&repo, &session)["state"], "working");
    repo.sh("touch ../api.worktrees/go").ok();
    repo.wait("it is over", "git sling ps", || over(&repo, &session));
    assert!(reachable(&repo, "late\n"));
}

#[test]
fn what_cannot_be_slung_is_refused_with_the_next_step() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let bead = repo.bead("A task");
    let no = repo.run(["git", "sling", &bead]).fails(3);
    let file = world.root().join("home/.config/shopfloor/config.toml");
    assert_eq!(
        no.err,
        format!(
            "error: there is no agent yet\nhint: write an agent into {}:\nhint:   [agents.toast]\n\
             hint:   preset = \"claude\"    # or: command = [\"/path/to/my-agent\"]\n",
            file.display()
        )
    );
    world.person("[agents.toast]\npreset = 'claude'\n[agents.rye]\ncommand = ['worker']\n");
    world.program("worker", "#!/bin/sh\n");
    let says = |argv: &[&str], code: i32, said: &str| {
        let no = repo.run(["git", "sling"].iter().chain(argv)).fails(code);
        assert_eq!(no.err, said, "{argv:?}");
    };
    says(&[&bead, "oat"], 3, "error: no agent is called oat\nhint: there are toast, rye\n");
    says(
        &[&bead],
        3,
        "error: there is more than one agent; name one\nhint: there are toast, rye\n\
         hint: `git config shopfloor.agent NAME` makes one the usual one\n",
    );
    says(
        &[&bead, "toast"],
        3,
        "error: agent toast: the program `claude` is not installed\n\
         hint: install it, or set `command = [...]` in [agents.toast]\n",
    );
    says(
        &["nosuch", "rye"],
        1,
        "error: no bead's id starts with `nosuch`\nhint: `git bead list --all` shows them all\n\
         hint: a sentence of more than one word makes a new bead\n",
    );
    repo.run(["git", "bead", "close", &bead, "--reason", "no need"]).ok();
    repo.run(["git", "sling", &bead, "rye"]).fails(3).says(&["is closed"]);
    let (one, two) = (repo.bead("First"), repo.bead("Second"));
    repo.run(["git", "bead", "dep", "add", &two, &one]).ok();
    repo.run(["git", "sling", &two, "rye"]).fails(3).says(&[" waits for ", " First"]);
    // Nothing was half done: no hook, no claim, no worktree, no session.
    assert_eq!(repo.git("sling ps --all").ok().out, "nobody is at work\n");
    assert!(!repo.has("../api.worktrees"));
    assert_eq!(
        repo.sh("ls .git/shopfloor/sessions .git/shopfloor/live 2>/dev/null | grep s-").code,
        1
    );
    world
        .place("empty")
        .run(["git", "sling", "A new task"])
        .fails(128)
        .says(&["not in a git repository"]);
}

#[test]
fn a_repositorys_own_agents_wait_for_trust() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.commit(
        "shopfloor.toml",
        "[agents.rye]\ncommand = ['./agent.sh', '-x']\n[gates.t]\ncommand = 'make test'\n",
        "policy",
    )
    .ok();
    let said =
        [r#"agent "rye": "./agent.sh" "-x""#, r#"gate "t": "#, "make test", "git bead trust"];
    repo.run(["git", "sling", "Trust me"]).fails(3).says(&said);
    assert_eq!(repo.git("bead list --json").fails(1).out, "[]\n");
}

#[test]
fn a_bead_is_found_from_outside_by_its_prefix() {
    let world = shop("true");
    let repo = world.repo("api");
    let bead = repo.bead("Far away");
    let outside = world.place("elsewhere");
    outside.run(["git", "sling", &bead]).fails(128).says(&["no repository is listed for `api`"]);
    let listed = format!(
        "[agents.toast]\ncommand = ['worker']\n[repositories]\napi = '{}'\n",
        repo.dir.display()
    );
    world.person(&listed);
    outside.run(["git", "sling", "web-1234"]).fails(128).says(&["listed for `web`", "api is "]);
    let other = world.repo("other");
    let no = other.run(["git", "sling", "web-1234"]).fails(1);
    no.says(&["there is no bead web-1234 here, and no repository is listed for `web`", "api is "]);
    let session = text(&outside.run(["git", "sling", &bead, "--json"]).ok().json(), "session");
    repo.wait("it is over", "git sling ps", || over(&repo, &session));
    let other = world.repo("web");
    let session = text(&other.run(["git", "sling", &bead, "--json"]).ok().json(), "session");
    repo.wait("it is over", "git sling ps", || over(&repo, &session));
}

#[test]
fn init_lists_the_repository_for_the_person() {
    let world = shop("true");
    let list = world.root().join("home/.config/shopfloor/config.toml");
    let read = || std::fs::read_to_string(&list).unwrap();
    let before = read();
    let repo = world.repo("api");
    let plan = repo.git("bead init --dry-run").ok();
    let line = format!("api = {}\n", repo.dir.display());
    assert!(plan.out.contains(&line) && read() == before, "{plan}");
    repo.git("bead init --yes").ok();
    let listed = read();
    assert!(listed.starts_with(&before), "{listed}");
    assert_eq!(repo.git("bead init --yes").ok().line(), "Nothing to do: everything is set up");
    let bead = repo.bead("Far away");
    let outside = world.place("elsewhere");
    let session = text(&outside.run(["git", "sling", &bead, "--json"]).ok().json(), "session");
    repo.wait("it is over", "git sling ps", || over(&repo, &session));
    let other = world.repo("other/api");
    other.git("bead init --yes").ok().says(&["your list of repositories has `api` for "]);
    assert_eq!(read(), listed, "a prefix in use stays");
    other.git("bead init --yes --prefix web").ok();
    assert!(read().contains(&format!("\nweb = \"{}\"", other.dir.display())));
    other.git("bead deinit").ok();
    repo.git("bead deinit").ok();
    assert_eq!(read(), before, "and it goes as it came");
    std::fs::remove_file(&list).unwrap();
    repo.git("bead init --yes").ok();
    repo.git("bead init --yes --prefix shop").ok();
    assert_eq!(read().lines().count(), 2, "one name for one place: {}", read());
    repo.git("bead deinit").ok();
    assert!(!list.exists(), "the file was ours");
    world.person("repositories = {}\n");
    let config = repo.read(".git/config");
    repo.git("bead init --yes").fails(128).says(&["hint: write it there yourself"]);
    assert_eq!(repo.read(".git/config"), config, "nothing is half done");
}

#[test]
fn letters_reach_those_who_are_known() {
    let world =
        shop("git sling mail; git sling mail send overseer -s 'I am stuck' -m 'on the pump'");
    let repo = world.repo("api");
    repo.run(["git", "sling", "mail", "send", "toast", "-s", "Mind the gap"]).ok();
    repo.git("sling mail send nobody -s hello").fails(1).says(&["no agent is called `nobody`"]);
    assert_eq!(repo.git("sling mail").ok().out, "no new mail\n");
    let session = slung_to_the_end(&repo, &["Read the mail"]);
    assert!(
        repo.run(["git", "sling", "logs", &session]).ok().out.contains("Jane Doe  Mind the gap\n")
    );
    let letters = repo.json("sling mail --json");
    assert_eq!(
        (&letters[0]["from"], &letters[0]["subject"]),
        (&"toast".into(), &"I am stuck".into())
    );
    let id = text(&letters[0], "id");
    let read = repo.run(["git", "sling", "mail", "read", &id]).ok().out;
    assert!(read.ends_with("Subject: I am stuck\n\non the pump\n"), "{read}");
    assert_eq!(repo.git("sling mail").ok().out, "no new mail\n");
}
