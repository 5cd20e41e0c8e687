//! The last lines on each subject: what a new line names in `after`, so that a gap shows.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::Line;

/// Usually one line per subject; more where two clones wrote without knowing of each other.
///
/// Saved as text, a subject and its heads on each line, in the order of the subjects. A writer asks for
/// one or two of thousands, so they are looked up there and not read into a map.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads {
    saved: String,
    fresh: BTreeMap<String, Vec<String>>,
}

impl Heads {
    pub(super) fn parse(saved: &[u8]) -> Result<Self> {
        let saved = String::from_utf8(saved.to_vec()).context("the saved heads")?;
        Ok(Self { saved, fresh: BTreeMap::new() })
    }

    pub(super) fn text(&self) -> String {
        let split = |line| str::split_once(line, '\t');
        let mut all: BTreeMap<&str, String> =
            self.saved.lines().filter_map(split).map(|(key, ids)| (key, ids.to_owned())).collect();
        all.extend(self.fresh.iter().map(|(key, ids)| (key.as_str(), ids.join(" "))));
        all.iter().map(|(key, ids)| format!("{key}\t{ids}\n")).collect()
    }

    pub(super) fn drink(&mut self, line: &Line) {
        let mut heads = self.of(&line.on);
        heads.retain(|head| !line.after.contains(head));
        heads.push(line.id.clone());
        self.fresh.insert(key(&line.on), heads);
    }

    pub(super) fn of(&self, on: &str) -> Vec<String> {
        let key = key(on);
        match self.fresh.get(&key) {
            Some(heads) => heads.clone(),
            None => find(&self.saved, &key)
                .map(|ids| ids.split(' ').map(str::to_owned).collect())
                .unwrap_or_default(),
        }
    }

    /// A line that names all heads of its subject becomes the only one.
    pub(super) fn follow(&mut self, on: &str, id: String) {
        self.fresh.insert(key(on), vec![id]);
    }
}

/// A subject as it can stand on a line, whatever it is made of.
fn key(on: &str) -> String {
    on.escape_debug().collect()
}

/// What stands behind `key` in lines sorted by their keys: halve, go to the start of a line, compare.
fn find<'t>(mut text: &'t str, key: &str) -> Option<&'t str> {
    while !text.is_empty() {
        let half = text.as_bytes().get(..text.len() / 2)?;
        let start = half.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let (before, rest) = text.split_at_checked(start)?;
        let (line, after) = rest.split_once('\n')?;
        let (there, ids) = line.split_once('\t')?;
        match key.cmp(there) {
            std::cmp::Ordering::Less => text = before,
            std::cmp::Ordering::Equal => return Some(ids),
            std::cmp::Ordering::Greater => text = after,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(on: &str, id: &str, after: &[&str]) -> Line {
        Line {
            id: id.to_owned(),
            on: on.to_owned(),
            after: after.iter().map(|id| (*id).to_owned()).collect(),
            ..Line::default()
        }
    }

    #[test]
    fn a_line_takes_the_place_of_those_it_names() {
        let mut heads = Heads::default();
        for line in [line("b", "1", &[]), line("b", "2", &["1"]), line("b", "3", &["1"])] {
            heads.drink(&line);
        }
        assert_eq!(heads.of("b"), ["2", "3"]);
        heads.drink(&line("b", "4", &["2", "3"]));
        assert_eq!(heads.of("b"), ["4"]);
        assert!(heads.of("c").is_empty());
    }

    #[test]
    fn saved_heads_are_found_among_any_number() {
        for count in 0..40 {
            let name = |n: usize| format!("subject {n}\n{}", "é\t\"".repeat(n % 5));
            let mut heads = Heads::default();
            for n in 0..count {
                heads.drink(&line(&name(n), &format!("id{n}"), &[]));
            }
            let mut read = Heads::parse(heads.text().as_bytes()).unwrap();
            assert_eq!(read.text(), heads.text());
            for n in 0..count {
                assert_eq!(read.of(&name(n)), [format!("id{n}")]);
            }
            assert!(
                read.of("").is_empty()
                    && read.of("subject").is_empty()
                    && read.of("zzz").is_empty()
            );
            read.drink(&line(&name(0), "new", &["id0"]));
            assert_eq!(Heads::parse(read.text().as_bytes()).unwrap().of(&name(0)), ["new"]);
        }
    }
}
