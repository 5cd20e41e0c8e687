//! The README's first minute, as it stands there.

use crate::support::{Sandbox, tell};

#[test]
fn the_first_minute() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("config shopfloor.prefix api").ok();
    tell("README.md", &repo);
}

#[test]
fn every_command_it_names_exists() {
    let world = Sandbox::new();
    let place = world.place(".");
    let quoted = include_str!("../README.md").split('`').skip(1).step_by(2);
    for words in quoted.filter(|text| text.starts_with("git ")) {
        let words: Vec<_> = words.split_whitespace().take(3).collect();
        if let [_, tool @ ("bead" | "sling" | "convoy" | "refinery"), verb] = words[..]
            && verb.chars().all(|c| c.is_ascii_lowercase())
        {
            place.run(["git", tool, verb, "-h"]).ok();
        }
    }
}
