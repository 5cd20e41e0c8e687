//! A `git reset` that was refused. Git asks when it has written index and files already, so they are
//! then as they were to be, though the branch is where it was.

use anyhow::Result;

use crate::git::{Oid, RefName, Repo};

/// What a reset of `target` has changed by the time it asks, and what takes that back. Nothing where it
/// has changed nothing, or where this is no reset.
pub(super) fn done_by_then(
    repo: &Repo,
    target: &str,
    (old, new): (&Oid, &Oid),
) -> Result<Option<String>> {
    let (Some(path), Some(branch)) = (repo.work_dir(), repo.head()?.branch) else {
        return Ok(None);
    };
    if new.is_null() || branch != RefName::branch(target)? || !is_known(repo, old, new)? {
        return Ok(None);
    }
    let tree = repo.tree_of(new)?;
    let staged = repo.git(["write-tree"]).at(path).run()?;
    if tree == repo.tree_of(old)? || String::from_utf8_lossy(&staged.out).trim() != tree.to_string()
    {
        return Ok(None);
    }
    // What the index has no more is still there where only the index was written.
    let stays = |file: &String| path.join(file).symlink_metadata().is_ok();
    let mut there = repo.changed_paths(old, new)?;
    there.retain(stays);
    let mut edited = repo.git(["diff-files", "--quiet"]).at(path).run()?.code != 0;
    for file in there {
        edited |= repo.file_at(new, &file)?.is_none();
    }
    let new = new.short();
    Ok(Some(if edited {
        format!("hint: your files did not change; `git reset` takes what is staged back from {new}")
    } else {
        format!(
            "hint: your files are now as {new} has them; `git reset --hard {target}` brings them back"
        )
    }))
}

/// Whether there was such a commit before: an amended one is new, and nobody goes back to it.
fn is_known(repo: &Repo, old: &Oid, new: &Oid) -> Result<bool> {
    if repo.is_ancestor(new, old)? {
        return Ok(true);
    }
    let new = new.to_string();
    Ok(!repo.git(["for-each-ref", "--count=1", "--contains", &new]).text()?.is_empty())
}
