//! Whether one state of files has all of a change. A merge does not tell: lines that were added right
//! behind a change conflict with it, though they were written on top.

use std::ops::Range;

use anyhow::Result;

use super::{Oid, Repo};

/// Of a larger change it is not known.
const MOST: usize = 200;

impl Repo {
    /// Whether `whole` has all that `other` changed on `base`: every line that was added is there, and
    /// every one that was removed is not. All three are commits.
    pub fn has_change_of(&self, base: &Oid, other: &Oid, whole: &Oid) -> Result<bool> {
        let own = self.changed_paths(base, other)?;
        let since = self.changed_paths(other, whole)?;
        let further: Vec<_> = own.iter().filter(|path| since.contains(path)).collect();
        if further.is_empty() {
            return Ok(true);
        }
        let all = self.changed_paths(base, whole)?;
        if own.len() > MOST || further.iter().any(|path| !all.contains(path)) {
            return Ok(false);
        }
        for path in further {
            let lines = |from: &Oid, to: &Oid| self.lines(from, to, path);
            let (made, kept, now) =
                (lines(base, other)?, lines(other, whole)?, lines(base, whole)?);
            let (Some(made), Some(kept), Some(now)) = (made, kept, now) else { return Ok(false) };
            if !has_all(&made, &kept, &now) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The lines of one file that differ; none where it has no lines.
    fn lines(&self, from: &Oid, to: &Oid, path: &str) -> Result<Option<Vec<Hunk>>> {
        let (from, to) = (from.to_string(), to.to_string());
        let plain = ["-U0", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv"];
        let diff = ["diff-tree", "-r", "-p"].into_iter().chain(plain).chain([&*from, &to, "--"]);
        let out = self.git(diff).arg(path).env("GIT_LITERAL_PATHSPECS", "1").bytes()?;
        Ok(hunks(&String::from_utf8_lossy(&out)))
    }
}

/// The lines that were there, and those that are there now, by their numbers.
#[derive(Debug, PartialEq, Eq)]
struct Hunk {
    old: Range<usize>,
    new: Range<usize>,
}

/// `made` is the change, `kept` what was done to it, `now` what both come to.
fn has_all(made: &[Hunk], kept: &[Hunk], now: &[Hunk]) -> bool {
    let gone_again = |line: usize| kept.iter().any(|hunk| hunk.old.contains(&line));
    let stays_gone = |line: usize| now.iter().any(|hunk| hunk.old.contains(&line));
    made.iter().all(|hunk| !hunk.new.clone().any(gone_again) && hunk.old.clone().all(stays_gone))
}

/// The hunks of a patch without context. Of a changed mode, and of what is no text, none are told.
fn hunks(patch: &str) -> Option<Vec<Hunk>> {
    let told = |line: &str| !line.starts_with("Binary files ") && !line.starts_with("old mode ");
    if !patch.lines().all(told) {
        return None;
    }
    let headers = patch.lines().filter_map(|line| line.strip_prefix("@@ -"));
    headers
        .map(|line| {
            let (old, rest) = line.split_once(" +")?;
            Some(Hunk { old: range(old)?, new: range(rest.split(' ').next()?)? })
        })
        .collect()
}

fn range(said: &str) -> Option<Range<usize>> {
    let (start, count) = said.split_once(',').unwrap_or((said, "1"));
    let (start, count): (usize, usize) = (start.parse().ok()?, count.parse().ok()?);
    Some(start..start.checked_add(count)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_there_when_no_line_of_it_was_taken_back() {
        let hunk = |old: Range<usize>, new: Range<usize>| Hunk { old, new };
        // A line behind the first, then another behind that, or before it, or in its place.
        let added = [hunk(1..1, 2..3)];
        assert!(has_all(&added, &[hunk(2..2, 3..4)], &[hunk(1..1, 2..4)]));
        assert!(has_all(&added, &[hunk(1..1, 2..3)], &[hunk(1..1, 2..4)]));
        assert!(!has_all(&added, &[hunk(2..3, 2..3)], &[hunk(1..1, 2..3)]));
        // A line that is taken out, and is there again.
        let removed = [hunk(3..4, 2..2)];
        assert!(has_all(&removed, &[hunk(2..2, 3..4)], &[hunk(3..4, 3..4)]));
        assert!(!has_all(&removed, &[hunk(2..2, 3..5)], &[hunk(3..3, 4..5)]));
    }

    #[test]
    fn a_patch_tells_its_lines() {
        let patch = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n-a\n+b\n+c\n@@ -9,0 +11 @@ x\n+@@ -1 +1 @@\n";
        let hunk = |old: Range<usize>, new: Range<usize>| Hunk { old, new };
        assert_eq!(hunks(patch), Some(vec![hunk(1..2, 1..3), hunk(9..9, 11..12)]));
        assert_eq!(hunks("Binary files a/f and b/f differ\n"), None);
        assert_eq!(hunks("old mode 100644\nnew mode 100755\n"), None);
        assert_eq!(hunks(""), Some(Vec::new()));
    }
}
