//! Read commits, trees and blobs; ask what is whose ancestor.

use anyhow::Context as _;
use gix::bstr::ByteSlice as _;
use serde::{Deserialize, Serialize};

use super::{Oid, Repo};
use crate::host::Stamp;

/// Who, and when in git's own words: seconds and offset, `1760000000 +0000`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    pub name: String,
    pub email: String,
    pub time: String,
}

impl Signature {
    pub fn new(name: impl Into<String>, email: impl Into<String>, at: &Stamp) -> Self {
        Self { name: name.into(), email: email.into(), time: format!("{} +0000", at.seconds()) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub tree: Oid,
    pub parents: Vec<Oid>,
    pub author: Signature,
    pub committer: Signature,
    pub message: String,
}

impl Commit {
    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

impl Repo {
    pub fn exists(&self, id: &Oid) -> bool {
        self.handle().has_object(id.id())
    }

    pub fn commit(&self, id: &Oid) -> anyhow::Result<Commit> {
        let found =
            self.handle().find_commit(id.id()).with_context(|| format!("reading commit {id}"))?;
        let text = found.decode().with_context(|| format!("reading commit {id}"))?;
        understood(&text).with_context(|| format!("reading commit {id}"))
    }

    pub fn tree_of(&self, commit: &Oid) -> anyhow::Result<Oid> {
        Ok(self.commit(commit)?.tree)
    }

    pub fn blob(&self, id: &Oid) -> anyhow::Result<Vec<u8>> {
        let mut found =
            self.handle().find_blob(id.id()).with_context(|| format!("reading blob {id}"))?;
        Ok(found.take_data())
    }

    /// The file at `path` in the tree of a commit.
    pub fn file_at(&self, commit: &Oid, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let reading = || format!("reading {path} of {commit}");
        let tree = self.handle().find_tree(self.tree_of(commit)?.id()).with_context(reading)?;
        let Some(entry) = tree.lookup_entry_by_path(path).with_context(reading)? else {
            return Ok(None);
        };
        if !entry.mode().is_blob() {
            return Ok(None);
        }
        Ok(Some(self.blob(&entry.object_id().into())?))
    }

    /// The paths of all files of a commit, in their order.
    pub fn paths_at(&self, commit: &Oid) -> anyhow::Result<Vec<String>> {
        let list = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", &commit.to_string()];
        let out = self.git(list).bytes()?;
        let mut paths: Vec<_> = fields(&out).map(|path| path.to_str_lossy().into_owned()).collect();
        paths.sort_unstable();
        Ok(paths)
    }

    /// The commit that a name means, seen from this work tree.
    pub fn resolve(&self, rev: &str) -> anyhow::Result<Option<Oid>> {
        if let Ok(id) = rev.parse::<Oid>()
            && self.handle().find_commit(id.id()).is_ok()
        {
            return Ok(Some(id));
        }
        let peeled = format!("{rev}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled];
        self.git(args).here().answer()
    }

    pub fn is_ancestor(&self, old: &Oid, new: &Oid) -> anyhow::Result<bool> {
        if old == new {
            return Ok(true);
        }
        self.git(["merge-base", "--is-ancestor", &old.to_string(), &new.to_string()]).succeeds()
    }

    /// `from` and its first parents, newest first, without `stop` and what comes before it.
    pub fn first_parents(&self, from: &Oid, stop: Option<&Oid>) -> anyhow::Result<Vec<Oid>> {
        let mut args = vec!["rev-list".to_owned(), "--first-parent".to_owned(), from.to_string()];
        args.extend(stop.map(|stop| format!("^{stop}")));
        self.listed(&args)
    }

    /// The commit that the first parents of `tip` lead back to.
    pub fn root_of(&self, tip: &Oid) -> anyhow::Result<Option<Oid>> {
        let args = ["rev-list", "--first-parent", "--max-parents=0", &tip.to_string()];
        self.git(args).text()?.lines().next().map(str::parse).transpose()
    }

    /// Whether any ref below these places has a commit in its history.
    pub fn is_in_history(&self, commit: &Oid, places: &[&str]) -> anyhow::Result<bool> {
        if !self.exists(commit) {
            return Ok(false);
        }
        let wanted = format!("--contains={commit}");
        let found = self.git(["for-each-ref", "--count=1", &wanted]).args(places).run()?;
        // What is no commit is in no history.
        Ok(found.code == 0 && !found.out.is_empty())
    }

    /// Whether the history here was cut off: then what is missing may be older than the cut.
    pub fn is_shallow(&self) -> bool {
        self.common_dir().join("shallow").exists()
    }

    /// What `tip` has and `base` has not, oldest first.
    pub fn commits_between(&self, base: &Oid, tip: &Oid) -> anyhow::Result<Vec<Oid>> {
        self.listed(&[
            "rev-list".to_owned(),
            "--reverse".to_owned(),
            "--topo-order".to_owned(),
            format!("{base}..{tip}"),
        ])
    }

    fn listed(&self, args: &[String]) -> anyhow::Result<Vec<Oid>> {
        self.git(args).text()?.lines().map(str::parse).collect()
    }
}

/// The parts of what a `-z` command says.
pub(super) fn fields(out: &[u8]) -> impl Iterator<Item = &[u8]> {
    out.split(|byte| *byte == 0).filter(|part| !part.is_empty())
}

/// A commit in our words.
pub(super) fn understood(text: &gix::objs::CommitRef<'_>) -> anyhow::Result<Commit> {
    Ok(Commit {
        tree: text.tree().into(),
        parents: text.parents().map(Oid::from).collect(),
        author: signature(text.author).context("its author")?,
        committer: signature(text.committer).context("its committer")?,
        message: text.message.to_str_lossy().into_owned(),
    })
}

fn signature(line: &gix::bstr::BStr) -> anyhow::Result<Signature> {
    let parsed = gix::actor::SignatureRef::from_bytes(line)?;
    Ok(Signature {
        name: parsed.name.to_str_lossy().into_owned(),
        email: parsed.email.to_str_lossy().into_owned(),
        time: parsed.time.trim().to_owned(),
    })
}
