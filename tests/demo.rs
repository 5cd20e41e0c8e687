//! `git sling demo`: the whole loop with the real commands, as somebody sees it who has nothing.

use serde_json::Value;

use crate::support::{Place, Ran, Sandbox};

/// A world without a home, without a git identity, and without any configuration.
fn bare_world() -> Sandbox {
    let mut world = Sandbox::new();
    std::fs::remove_file(world.root().join("home/.gitconfig")).unwrap();
    for key in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        world.set(key, "");
    }
    world
}

/// Runs something as the demo's script does, in the world it left behind.
fn enter(demo: &Place<'_>, script: &str) -> Ran {
    demo.run(["sh", "enter.sh", "sh", "-c", script])
}

fn lines(log: &Value, act: &str) -> Vec<Value> {
    let all = log.as_array().unwrap().iter();
    all.filter(|line| line["do"] == act).cloned().collect()
}

#[test]
fn the_demo_lands_all_it_was_given() {
    let world = bare_world();
    let here = world.place("somewhere");
    let shown = here.git("sling demo try").ok();
    let demo = here.at("try");
    for part in ["4. What became of it", "closed, 8 of 8", "Bead: quill-", "sh enter.sh", "kill -9"]
    {
        let end =
            shown.out.contains(part) || shown.out.contains(&part.replace("sh enter", "enter"));
        assert!(end, "nothing about {part:?}\n{shown}");
    }

    let log = enter(&demo, "git bead log --json").ok().json();
    let landed = lines(&log, "refinery.landed");
    assert_eq!(landed.len(), 8);
    assert_eq!(lines(&log, "refinery.queued").len(), 10, "one entry for each push");
    assert_eq!(lines(&log, "bead.closed").len(), 8);
    assert_eq!(lines(&log, "convoy.announced").len(), 1);
    assert_eq!(lines(&log, "agent.hooked").len(), 11, "three were slung twice");
    let rejected = lines(&log, "refinery.rejected");
    assert_eq!(rejected.len(), 2, "{rejected:?}");
    let agents: std::collections::BTreeSet<_> =
        lines(&log, "agent.hooked").iter().map(|line| line["with"]["agent"].to_string()).collect();
    assert_eq!(agents.len(), 4);
    let all = log.as_array().unwrap().iter();
    // None goes on before all are here; who of them says first that it started is open.
    let first = all.take_while(|line| line["do"] != "agent.ended");
    assert_eq!(first.filter(|line| line["do"] == "agent.hooked").count(), 4, "four at once");

    // What the killed one had done is in the history, and its successor has gone on from there.
    let history = enter(&demo, "git log --format=%s main").ok().out;
    for subject in ["wrap: fold long lines between words", "wrap: say what it does"] {
        assert!(history.contains(subject), "{history}");
    }
    enter(&demo, "git status --porcelain | grep . && exit 1; sh tests/run.sh").ok();
    enter(&demo, "git refinery audit").ok();
    enter(&demo, "sed -i '/gates.test/,$d' shopfloor.toml; git refinery audit").fails(3);
    enter(&demo, "git checkout -q shopfloor.toml; git refinery audit").ok();
    let left = std::fs::read_dir(world.root().join("home")).unwrap();
    assert_eq!(left.filter(|entry| entry.as_ref().unwrap().file_name() != ".config").count(), 0);

    // A gate taken out behind the queue's back is found.
    let past =
        "git -c core.hooksPath=/dev/null commit --quiet --message 'no more tests' shopfloor.toml";
    enter(
        &demo,
        &format!("sed '/gates.test/,$d' shopfloor.toml >s && mv s shopfloor.toml && {past}"),
    )
    .ok();
    enter(&demo, "git refinery audit").fails(3);
}

#[test]
fn the_demo_wants_a_place_of_its_own() {
    let world = bare_world();
    let here = world.place("somewhere");
    here.write("taken/file", "mine");
    here.git("sling demo taken").fails(3).says(&["is not empty"]);
    assert_eq!(here.read("taken/file"), "mine");
    here.git("sling demo --no-run").ok().says(&["laid out in", "somewhere/demo"]);
    here.git("sling demo --no-run").ok().says(&["somewhere/demo-2"]);
    assert!(!here.has("demo/quill"));
}
