//! Fetch and push.

use std::ffi::OsStr;

use super::{Git, Repo};

/// What the other side said to a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    Done,
    /// At least one ref was refused; the text names it and why.
    Rejected(String),
}

impl Repo {
    /// Fetches exactly these refspecs, and no tags of its own accord.
    pub fn fetch(&self, from: &str, refspecs: &[&str]) -> anyhow::Result<()> {
        let fixed = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-auto-gc",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
        ];
        self.abroad(fixed).args(["--end-of-options", from]).args(refspecs).ok()
    }

    /// From the main work tree, because that is what a remote like `../hub.git` is relative to.
    fn abroad(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Git<'_> {
        let git = self.git(args).network();
        match self.main_work_dir() {
            Some(dir) => git.at(&dir),
            None => git,
        }
    }

    /// Pushes exactly these refspecs, each lease as `--force-with-lease` takes it.
    pub fn push(&self, to: &str, refspecs: &[&str], leases: &[String]) -> anyhow::Result<Pushed> {
        let mut args: Vec<String> =
            ["push", "--porcelain", "--no-verify", "--recurse-submodules=no"]
                .map(str::to_owned)
                .into();
        args.extend(leases.iter().map(|lease| format!("--force-with-lease={lease}")));
        args.extend(["--end-of-options".to_owned(), to.to_owned()]);
        args.extend(refspecs.iter().map(|&spec| spec.to_owned()));
        let git = self.abroad(args);
        let call = git.call();
        let done = git.run()?;
        let said = String::from_utf8_lossy(&done.out);
        let refused: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("!\t")).collect();
        match (done.code, refused.is_empty()) {
            (0, _) => Ok(Pushed::Done),
            (_, false) => Ok(Pushed::Rejected(refused.join("\n").replace('\t', " "))),
            (_, true) => Err(call.failed(&done)),
        }
    }
}
