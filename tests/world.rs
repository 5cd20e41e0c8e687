//! The sandbox keeps its own promises; every other test leans on them.

use crate::support::{Sandbox, TOOLS, tell};

#[test]
fn a_sandbox_is_sealed() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let seen = repo.sh("env | cut -d= -f1 | sort | tr '\\n' ' '").ok();
    assert_eq!(
        seen.line(),
        "GIT_CEILING_DIRECTORIES GIT_CONFIG_NOSYSTEM GIT_TERMINAL_PROMPT HOME LC_ALL PATH PWD TERM \
         TMPDIR TZ XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR XDG_STATE_HOME"
    );
    assert_eq!(repo.git("config user.email").ok().line(), "jane@example.org");
    assert_eq!(repo.git("symbolic-ref --short HEAD").ok().line(), "main");
}

#[test]
fn only_the_wanted_commands_exist() {
    let world = Sandbox::with(&["git-bead"]);
    for (name, _) in TOOLS {
        let found = world.place(".").sh(&format!("command -v {name}")).code == 0;
        assert_eq!(found, name == "git-bead", "{name}");
    }
}

#[test]
fn nothing_outlives_its_sandbox() {
    let world = Sandbox::new();
    let place = world.place("shop");
    place.sh("(sleep 1000 & echo $! >pid) </dev/null >/dev/null 2>&1").ok();
    let pid = place.read("pid");
    let process = format!("/proc/{}", pid.trim());
    drop(world);
    let state = std::fs::read_to_string(format!("{process}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[test]
fn a_story_runs_and_knows_names_again() {
    let mut world = Sandbox::new();
    world.set("NTH", "api-9xyz");
    tell("tests/stories/how-stories-work.md", &world.place("shop"));
}

#[test]
fn a_fact_is_waited_for() {
    let world = Sandbox::new();
    let place = world.repo_as("api", &["--object-format=sha256"]);
    assert_eq!(place.rev("HEAD").len(), 64);
    let mut late = place.start(["sh", "-c", "sleep 0.2; touch done; sleep 1000"]);
    place.wait("the file is there", "ls", || place.has("done"));
    late.kill();
    assert_eq!(late.end().code, 128 + 9);
}
