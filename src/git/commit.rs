//! Make a commit, and the trailers at the end of its message.

use anyhow::{Context as _, Result, ensure};
use gix::bstr::ByteSlice as _;
use gix::objs::{Kind, WriteTo as _};

use super::{Oid, Repo, Signature, Store};

impl Repo {
    /// A commit on disk, without any ref to it yet.
    pub fn commit_tree(
        &self,
        tree: &Oid,
        parents: &[Oid],
        message: &str,
        (author, committer): (&Signature, &Signature),
    ) -> Result<Oid> {
        ensure!(!message.contains('\0'), "a message of a commit with a zero byte in it");
        let commit = gix::objs::Commit {
            tree: tree.id(),
            parents: parents.iter().map(Oid::id).collect(),
            author: spelled(author)?,
            committer: spelled(committer)?,
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        let mut bytes = Vec::new();
        commit.write_to(&mut bytes).context("writing a commit")?;
        let store = Store::of_the_repository(self);
        let id = store.write(Kind::Commit, &bytes)?;
        store.barrier()?;
        Ok(id)
    }

    /// The trailers of a message, in their order, as `git interpret-trailers --parse` reads them.
    pub fn trailers(&self, message: &str) -> Vec<(String, String)> {
        let message = gix::objs::commit::MessageRef::from_bytes(message.as_bytes());
        let Some(body) = message.body() else { return Vec::new() };
        let text = |bytes: &gix::bstr::BStr| bytes.to_str_lossy().into_owned();
        body.trailers().map(|trailer| (text(trailer.token), text(trailer.value.as_ref()))).collect()
    }
}

/// As git writes it: without the signs that end a name or an address.
fn spelled(by: &Signature) -> Result<gix::actor::Signature> {
    let plain = |text: &str| {
        let text = text.replace(['<', '>', '\n', '\0'], "");
        let crud = |c: char| c <= ' ' || matches!(c, ',' | ':' | ';' | '"' | '\\' | '\'');
        gix::bstr::BString::from(text.trim_matches(crud))
    };
    let time =
        by.time.parse().ok().with_context(|| format!("{:?} is no time of git's", by.time))?;
    Ok(gix::actor::Signature { name: plain(&by.name), email: plain(&by.email), time })
}
