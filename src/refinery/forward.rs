//! Where a parked work tree may stand although its person works on in it. A commit that was queued has
//! left its change in the index or in the files; once it has landed, `HEAD` goes on to it there, and
//! what is staged and edited from then on is the person's own. No file is touched, and of the index
//! nothing but what nobody had staged.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::git::{Merged, Oid, Repo};

/// What somebody has in a work tree whose `HEAD` is at `tip`.
pub(super) struct Holding<'a> {
    pub path: &'a Path,
    pub tip: &'a Oid,
    /// The tree of the index, and that of all tracked files.
    pub staged: Oid,
    pub held: Oid,
}

/// Whether `HEAD` may go on to `there`, which is made of what has landed on `tip`. What the person has
/// in the files but not in the index is written to the index, as it has landed.
pub(super) fn may(repo: &Repo, has: &Holding<'_>, there: &Oid) -> Result<bool> {
    let staged = commit(repo, has.tip, &has.staged)?;
    if repo.has_change_of(has.tip, there, &staged)? {
        return Ok(true);
    }
    let held = commit(repo, has.tip, &has.held)?;
    if !repo.has_change_of(has.tip, there, &held)? {
        return Ok(false);
    }
    let touched = repo.changed_paths(has.tip, &staged)?;
    let Merged::Tree(tree) = repo.merge(there, &staged)? else { return Ok(false) };
    let (from, to) = (has.staged.to_string(), tree.to_string());
    let diff = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", &from, &to];
    let changes = repo.git(diff).bytes()?;
    let changes = entries(&changes).context("reading what git says of two trees")?;
    // What was staged there is the person's, though it has only a part of what has landed.
    if changes.iter().any(|(path, _)| touched.iter().any(|own| own.as_bytes() == *path)) {
        return Ok(false);
    }
    let lines = changes.into_iter().flat_map(|(_, line)| line).collect::<Vec<u8>>();
    repo.git(["update-index", "-z", "--index-info"]).at(has.path).input(lines).ok()?;
    Ok(true)
}

/// A commit for merges alone. Nothing in it is of today, so asking again makes no other.
fn commit(repo: &Repo, tip: &Oid, tree: &Oid) -> Result<Oid> {
    let by = repo.commit(tip)?.committer;
    repo.commit_tree(tree, &[*tip], "What a work tree holds\n", (&by, &by))
}

/// The paths in what `git diff-tree --raw -z` says, each with the line that writes it to an index.
fn entries(raw: &[u8]) -> Option<Vec<(&[u8], Vec<u8>)>> {
    let mut fields = raw.split(|byte| *byte == 0).filter(|field| !field.is_empty());
    let mut found = Vec::new();
    while let Some(what) = fields.next() {
        let mut words = std::str::from_utf8(what).ok()?.split(' ').skip(1);
        let (mode, _, id, path) = (words.next()?, words.next()?, words.next()?, fields.next()?);
        let line = [format!("{mode} {id}\t").as_bytes(), path, b"\0"].concat();
        found.push((path, line));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_becomes_lines_for_an_index() {
        let raw = b":100644 100755 aa bb M\0a b\0:100644 000000 cc 00 D\0gone\0";
        let found = entries(raw).unwrap();
        let lines: Vec<_> = found.iter().map(|(_, line)| line.as_slice()).collect();
        assert_eq!(
            found.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
            [b"a b".as_slice(), b"gone"]
        );
        assert_eq!(lines, [b"100755 bb\ta b\0".as_slice(), b"000000 00\tgone\0"]);
        assert_eq!(entries(b"").map(|found| found.len()), Some(0));
        assert!(entries(b":100644\0a\0").is_none());
    }
}
