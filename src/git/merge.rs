//! Two commits to one tree, or to a list of conflicts; no work tree is touched.

use gix::bstr::ByteSlice as _;
use serde::{Deserialize, Serialize};

use super::object::fields;
use super::{Oid, Repo};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    Tree(Oid),
    Conflicts(Vec<Conflict>),
}

/// One thing git could not decide, in its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub path: String,
    pub what: String,
}

/// How a merge follows what was moved, whatever the person's configuration says: git's defaults. Of
/// a file that is new in a directory that was moved, git does not say where it belongs: a conflict.
const RENAMES: &[&str] =
    &["merge.renames=true", "merge.renameLimit=7000", "merge.directoryRenames=conflict"];

impl Repo {
    /// What merging `theirs` into `ours` gives. Attributes come from `ours`: the change cannot choose
    /// how it is merged.
    pub fn merge(&self, ours: &Oid, theirs: &Oid) -> anyhow::Result<Merged> {
        let (one, other) = (ours.to_string(), theirs.to_string());
        let git = self.git(["merge-tree", "--write-tree", "-z", "--messages", &one, &other]);
        let mut git = RENAMES.iter().fold(git, |git, setting| git.config(*setting));
        if self.git_version()? >= (2, 41) {
            git = git.global(format!("--attr-source={ours}"));
        }
        let call = git.call();
        let done = git.run()?;
        match done.code {
            0 => Ok(Merged::Tree(
                parts(&done.out).next().unwrap_or_default().to_str_lossy().parse()?,
            )),
            1 => Ok(Merged::Conflicts(conflicts(&done.out))),
            _ if done.err.contains("unrelated histories") => {
                let what = format!("{ours} and {theirs} have no commit in common");
                Ok(Merged::Conflicts(vec![Conflict { path: String::new(), what }]))
            }
            _ => Err(call.failed(&done)),
        }
    }

    /// What was moved between two commits, from where to where, as alike as a merge wants it.
    pub fn renames(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<(String, String)>> {
        let (from, to) = (from.to_string(), to.to_string());
        let alike = ["--find-renames=50%", "-l7000", "--no-rename-empty", "--diff-filter=R"];
        let args = ["diff-tree", "-r", "-z", "--name-status"].iter().chain(&alike);
        let out = self.git(args).args([&from, &to]).bytes()?;
        let mut words = fields(&out).map(|word| word.to_str_lossy().into_owned());
        let mut found = Vec::new();
        while let (Some(_alike), Some(old), Some(new)) = (words.next(), words.next(), words.next())
        {
            found.push((old, new));
        }
        Ok(found)
    }
}

fn parts(out: &[u8]) -> impl Iterator<Item = &[u8]> {
    out.split(|byte| *byte == 0)
}

/// Reads the second half of `merge-tree -z`: after the tree and the files, each message with how many
/// paths it is about, those paths, its kind, and its text.
fn conflicts(out: &[u8]) -> Vec<Conflict> {
    let mut messages = parts(out).skip_while(|part| !part.is_empty()).skip(1);
    let mut found: Vec<Conflict> = Vec::new();
    while let Some(count) =
        messages.next().and_then(|text| text.to_str_lossy().parse::<usize>().ok())
    {
        let paths: Vec<String> =
            messages.by_ref().take(count).map(|path| path.to_str_lossy().into_owned()).collect();
        let (Some(kind), Some(text)) = (messages.next(), messages.next()) else { break };
        if kind.starts_with(b"CONFLICT") {
            let path = paths.into_iter().next().unwrap_or_default();
            found.push(Conflict { path, what: text.to_str_lossy().trim().to_owned() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_told_from_mere_messages() {
        let files = "292f\x00100644 7898 1\tf\x00100644 f2ad 2\tf\x00\x00";
        let message = "1\x00f\x00Auto-merging\x00Auto-merging f\n\x00";
        let conflict = "CONFLICT (rename/delete)\x00CONFLICT (rename/delete): f renamed to g\n\x00";
        let out = format!("{files}{message}2\x00f\x00g\x00{conflict}");
        let what = "CONFLICT (rename/delete): f renamed to g".to_owned();
        assert_eq!(conflicts(out.as_bytes()), [Conflict { path: "f".into(), what }]);
        assert_eq!(conflicts(b"292f\x00"), []);
    }
}
