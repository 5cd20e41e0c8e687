//! Inside a room no files go round in circles: who reads one reads what it stands on first, and is done.
//!
//! A file names another by its path, or takes what that one gives out at the room's door. What the door
//! itself says (`mod.rs`) belongs to all of the room and counts for no file.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::{code, each_file};

#[test]
fn no_files_of_a_room_stand_on_each_other() {
    let house = House::read();
    let on: BTreeMap<_, _> = house.files.keys().map(|file| (file, house.below(file))).collect();
    let comes_back = |start: &&String| {
        let (mut next, mut seen) = (vec![*start], BTreeSet::new());
        while let Some(at) = next.pop() {
            next.extend(on[at].iter().filter(|below| seen.insert(*below)));
        }
        seen.contains(*start)
    };
    let round: Vec<_> = house.files.keys().filter(comes_back).collect();
    assert!(round.is_empty(), "each of these stands on itself: {round:#?}");
}

/// Every module by its path (`bead::face`), with its words; and what doors give out, with its home.
#[derive(Default)]
struct House {
    files: BTreeMap<String, String>,
    given: BTreeMap<String, String>,
}

impl House {
    fn read() -> Self {
        let mut house = Self::default();
        each_file("src", &mut |path, text| {
            let module = path.trim_start_matches("src/").trim_end_matches(".rs").replace('/', "::");
            let lines = code(text).lines().filter(|line| !line.trim_start().starts_with("//"));
            let words = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
            match module.strip_suffix("::mod") {
                Some(door) => house.given.extend(given(door, &words)),
                None => drop(house.files.insert(module, words)),
            }
        });
        house
    }

    /// The files of its room that a file names.
    fn below(&self, file: &str) -> BTreeSet<String> {
        let words = &self.files[file];
        let starts = ["crate::", "super::"].into_iter().flat_map(|it| words.match_indices(it));
        let starts = starts.filter(|(at, _)| !words[..*at].ends_with("::"));
        let paths = starts.flat_map(|(at, _)| leaves(&words[at..]));
        let homes = paths.filter_map(|path| self.home(&absolute(file, &path)));
        homes.filter(|home| room(home) == room(file) && home != file).collect()
    }

    fn home(&self, path: &str) -> Option<String> {
        if self.files.contains_key(path) {
            return Some(path.to_owned());
        }
        match self.given.get(path) {
            Some(home) => self.home(home),
            None => self.home(path.rsplit_once("::")?.0),
        }
    }
}

/// What a door gives out of the files behind it.
fn given(door: &str, words: &str) -> Vec<(String, String)> {
    let uses = words.split(';').filter_map(|statement| statement.split_once("use "));
    let uses = uses.filter(|(head, _)| head.trim().starts_with("pub"));
    let homes = uses.flat_map(|(_, tree)| leaves(tree)).map(|path| format!("{door}::{path}"));
    homes.map(|home| (format!("{door}::{}", home.rsplit("::").next().unwrap()), home)).collect()
}

fn absolute(file: &str, path: &str) -> String {
    let (mut above, mut path) = (file, path.trim_start_matches("crate::"));
    let relative = path.starts_with("super::");
    while let Some(rest) = path.strip_prefix("super::") {
        above = above.rsplit_once("::").map_or("", |(above, _)| above);
        path = rest;
    }
    if relative { format!("{above}::{path}") } else { path.to_owned() }
}

/// The paths in `a::b::{c, d::{e}}`, with which the text begins.
fn leaves(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let (path, rest) = text.split_at(text.find(|c| !is_path(c)).unwrap_or(text.len()));
    let Some(group) = rest.strip_prefix('{').filter(|_| path.ends_with("::")) else {
        return vec![path.to_owned()];
    };
    let (mut found, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        if depth == 0 && (c == ',' || c == '}') {
            found.extend(leaves(&group[from..at]).into_iter().map(|leaf| format!("{path}{leaf}")));
            from = at + 1;
        }
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth < 0 {
            break;
        }
    }
    found
}

fn room(file: &str) -> &str {
    file.split("::").next().unwrap()
}
