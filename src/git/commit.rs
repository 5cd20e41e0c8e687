//! Make a commit, and the trailers at the end of its message.

use gix::bstr::ByteSlice as _;

use super::{Oid, Repo, Signature};

impl Repo {
    /// A commit on disk, without any ref to it yet.
    pub fn commit_tree(
        &self,
        tree: &Oid,
        parents: &[Oid],
        message: &str,
        by: (&Signature, &Signature),
    ) -> anyhow::Result<Oid> {
        let (author, committer) = by;
        let mut args = vec!["commit-tree".to_owned(), tree.to_string()];
        args.extend(parents.iter().flat_map(|parent| ["-p".to_owned(), parent.to_string()]));
        args.extend(["-F".to_owned(), "-".to_owned()]);
        let git = self.git(args).input(message);
        let git = git.env("GIT_AUTHOR_NAME", &author.name).env("GIT_AUTHOR_EMAIL", &author.email);
        let git = git.env("GIT_AUTHOR_DATE", format!("@{}", author.time));
        let git = git
            .env("GIT_COMMITTER_NAME", &committer.name)
            .env("GIT_COMMITTER_EMAIL", &committer.email);
        git.env("GIT_COMMITTER_DATE", format!("@{}", committer.time)).text()?.parse()
    }

    /// The trailers of a message, in their order, as `git interpret-trailers --parse` reads them.
    pub fn trailers(&self, message: &str) -> Vec<(String, String)> {
        let message = gix::objs::commit::MessageRef::from_bytes(message.as_bytes());
        let Some(body) = message.body() else { return Vec::new() };
        let text = |bytes: &gix::bstr::BStr| bytes.to_str_lossy().into_owned();
        body.trailers().map(|trailer| (text(trailer.token), text(trailer.value.as_ref()))).collect()
    }
}
