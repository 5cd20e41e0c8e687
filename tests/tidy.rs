//! What the compiler cannot see inside one package.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::Sandbox;

/// The rooms, top floor first. A room may use the floors below its own.
const FLOORS: &[&str] = &[
    "cli", "githook", "patrol", "refinery", "convoy", "agent", "workflow", "bead", "policy",
    "ledger", "git", "host", "refusal",
];

/// The rooms through which each package, and each power of the machine, enters.
const DOORS: &[(&str, &[&str])] = &[
    ("clap::", &["cli"]),
    ("clap_mangen::", &["cli"]),
    ("duct::", &["host"]),
    ("gix::", &["git"]),
    ("jiff::", &["host", "cli"]),
    ("process::Command", &["host"]),
    ("rustix::", &["host", "git", "ledger"]),
    ("serde_json::", &["ledger", "cli"]),
    ("tracing_subscriber::", &["cli"]),
    ("toml::", &["policy", "workflow", "cli"]),
    ("which::", &["host"]),
];

/// How a file or a directory comes about by the umask alone.
const MAKING: &[&str] =
    &["fs::create_dir", "fs::write(", "File::create", "OpenOptions", "fs::copy(", ".persist("];

const LINES_IN_A_FILE: usize = 400;
const LINES_IN_A_GIT_HOOK: usize = 30;

const ROOT: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "bin",
    "hooks",
    "src",
    "tests",
    "target",
];

#[test]
fn rooms_look_down() {
    each_line_of_src(|at, room, line| {
        assert!(!line.contains("crate::{"), "{at}: one room per `use`");
        for (start, _) in line.match_indices("crate::") {
            let used = first_word(&line[start + 7..]);
            let (Some(here), Some(there)) = (floor(room), floor(used)) else { continue };
            assert!(here <= there, "{at}: `{room}` must not know `{used}`");
        }
    });
}

#[test]
fn every_room_has_its_floor() {
    each_file("src", &mut |path, _| {
        let room = room_of(path);
        assert!(room == "lib" || floor(room).is_some(), "{path}: which floor is that?");
    });
}

#[test]
fn packages_have_a_door() {
    each_line_of_src(|at, room, line| {
        for (package, rooms) in DOORS {
            for (start, _) in line.match_indices(package) {
                let alone = !line[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                assert!(!alone || rooms.contains(&room), "{at}: {package} enters by {rooms:?}");
            }
        }
    });
}

#[test]
fn what_is_made_is_shared_as_the_repository_says() {
    each_line_of_src(|at, room, line| {
        for how in MAKING {
            let may = room == "host" || at.contains("/tests");
            assert!(may || !line.contains(how), "{at}: host::share does that");
        }
    });
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut long = Vec::new();
    for dir in ["src", "bin", "tests"] {
        each_file(dir, &mut |at, text| {
            assert!(text.starts_with("//! "), "{at}: what is this file for?");
            let lines = text.lines().count();
            if lines > LINES_IN_A_FILE {
                long.push(format!("{at}: {lines} lines"));
            }
        });
    }
    assert!(long.is_empty(), "over {LINES_IN_A_FILE}: {long:#?}");
}

#[test]
fn every_test_file_is_listed() {
    let listed = read("tests/main.rs");
    for path in files("tests").iter().filter(|path| path.ends_with(".rs")) {
        let name = path.trim_start_matches("tests/").trim_end_matches(".rs");
        let module = format!("mod {};", name.split('/').next().unwrap());
        let inside = name == "main" || name.starts_with("bench/");
        assert!(inside || listed.lines().any(|line| line == module), "{path} never runs");
    }
}

#[test]
fn the_root_is_clean() {
    let found: BTreeSet<_> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    for name in &found {
        assert!(ROOT.contains(&&**name), "`{name}` has no place here");
    }
    for name in ROOT.iter().filter(|name| **name != "target") {
        assert!(found.contains(*name), "`{name}` is missing");
    }
}

#[test]
fn no_file_names_one_machine() {
    let foreign = [["/ro", "ot/"], ["/wo", "rk/"], ["/fa", "rm/"]].map(|h| h.concat());
    let mut paths: Vec<_> = ["src", "bin", "hooks", "tests", ".ci"].map(files).concat();
    paths.extend(["Cargo.toml", "README.md", ".clippy.toml"].map(str::to_owned));
    for path in paths {
        let text = read(&path);
        for (n, line) in text.lines().enumerate() {
            for part in &foreign {
                let absolute = |(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_.-}".contains(c))
                };
                assert!(
                    !line.match_indices(part.as_str()).any(absolute),
                    "{path}:{} names {part}",
                    n + 1
                );
            }
        }
    }
}

#[test]
fn git_hooks_are_a_few_lines_of_sh() {
    let world = Sandbox::new();
    for path in files("hooks") {
        let text = read(&path);
        assert!(text.starts_with("#!/bin/sh\n"), "{path} is not for sh");
        assert!(text.lines().count() <= LINES_IN_A_GIT_HOOK, "{path} thinks for itself");
        assert!(!text.contains("[[") && !text.contains("function "), "{path} is not POSIX");
        let mode = fs::metadata(root().join(&path)).unwrap().permissions().mode();
        assert!(mode & 0o111 == 0o111, "{path} cannot run");
        world.place(".").run(["sh", "-n", root().join(&path).to_str().unwrap()]).ok();
    }
}

/// A file up to the tests at its foot.
pub(crate) fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|name| *name == room)
}

fn room_of(path: &str) -> &str {
    path.trim_start_matches("src/").split(['/', '.']).next().unwrap()
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn each_line_of_src(mut check: impl FnMut(&str, &str, &str)) {
    each_file("src", &mut |path, text| {
        for (n, line) in code(text).lines().enumerate() {
            if !line.trim_start().starts_with("//") {
                check(&format!("{path}:{}", n + 1), room_of(path), line);
            }
        }
    });
}

pub(crate) fn each_file(dir: &str, check: &mut dyn FnMut(&str, &str)) {
    for path in files(dir).iter().filter(|path| path.ends_with(".rs")) {
        check(path, &read(path));
    }
}

/// Every file under a directory of the repository, by its path from the root.
fn files(dir: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(dir)) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.unwrap();
        let path = format!("{dir}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
