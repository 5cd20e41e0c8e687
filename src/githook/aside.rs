//! Settings of others that must not be in force for a time: each becomes a comment where it stands, and
//! becomes itself again. Pure: bytes in, bytes out.

use std::ops::Range;

use anyhow::Result;

use crate::git::{ConfigLine, Setting, config_lines};

/// What a comment begins with that was a setting.
const AWAY: &str = "# shopfloor brings back: ";

/// The file without the settings of this key in force, and the value that was.
pub(super) fn set_aside(file: &[u8], key: &str) -> Result<(Vec<u8>, Option<String>)> {
    let (mut last, mut new) = (None, Vec::with_capacity(file.len()));
    for line in config_lines(file)? {
        let said = line.setting.filter(|setting| setting.is(key));
        let Some(said) = said else {
            new.extend(line.raw);
            continue;
        };
        let (before, setting) = line.raw.split_at(line.at.min(line.raw.len()));
        new.extend(before);
        // A value that goes on over several lines is one comment on each.
        for part in setting.split_inclusive(|byte| *byte == b'\n') {
            new.extend(AWAY.as_bytes());
            new.extend(part);
        }
        last = Some(said.value);
    }
    Ok((new, last))
}

/// The way back, for one key or for all.
pub(super) fn brought_back(file: &[u8], key: Option<&str>) -> Result<Vec<u8>> {
    let mut lines = config_lines(file)?;
    for (range, setting) in found(&lines) {
        if key.is_some_and(|key| !setting.is(key)) {
            continue;
        }
        for line in lines.get_mut(range).unwrap_or_default() {
            let at = line.raw.windows(AWAY.len()).position(|part| part == AWAY.as_bytes());
            if let Some(at) = at {
                line.raw.drain(at..at + AWAY.len());
            }
        }
    }
    Ok(joined(&lines))
}

/// Where settings stand aside, and what they would say.
pub(super) fn found(lines: &[ConfigLine]) -> Vec<(Range<usize>, Setting)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let from = at;
        let mut text = String::new();
        while let Some(part) = lines.get(at).and_then(away) {
            text += part;
            text.push('\n');
            at += 1;
            if !part.trim_end_matches('\r').ends_with('\\') {
                break;
            }
        }
        let section = lines.get(from).map_or("", |line| line.section.as_str());
        let read = config_lines(text.as_bytes()).unwrap_or_default();
        if let Some(setting) = read.into_iter().find_map(|line| line.setting) {
            found.push((from..at, Setting { section: section.to_owned(), ..setting }));
        }
        at = at.max(from + 1);
    }
    found
}

fn away(line: &ConfigLine) -> Option<&str> {
    let comment = line.comment.as_deref().filter(|_| line.setting.is_none());
    comment?.strip_prefix(AWAY)
}

pub(super) fn joined(lines: &[ConfigLine]) -> Vec<u8> {
    lines.iter().flat_map(|line| &line.raw).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_aside_comes_back() {
        for (file, value) in [
            ("[core]\n\tbare = false\n\tworktree = ../sub\n[x]\n\tworktree = y\n", "../sub"),
            ("[core] worktree = a", "a"),
            ("[Core]\n\tWorkTree = \"a ; b\" ; note \\\n[x]\ny = z\n", "a ; b"),
            ("[core]\r\n\tworktree = a\\\r\n\tb\\\r\nc\r\n[x]\r\ny = z\r\n", "a\tbc"),
            ("[core]\nworktree = a\nworktree = b\n", "b"),
        ] {
            let (new, said) = set_aside(file.as_bytes(), "core.worktree").unwrap();
            assert_eq!(said.as_deref(), Some(value), "{file:?}");
            assert_eq!(set_aside(&new, "core.worktree").unwrap(), (new.clone(), None));
            let lines = config_lines(&new).unwrap();
            assert_eq!(found(&lines).pop().unwrap().1.value, value);
            assert_eq!(brought_back(&new, Some("core.hooksPath")).unwrap(), new);
            for key in [Some("core.worktree"), None] {
                assert_eq!(brought_back(&new, key).unwrap(), file.as_bytes());
            }
        }
    }
}
