//! Fetch and push.

use std::ffi::OsStr;

use super::{Git, Oid, RefName, Repo};

/// What the other side said to a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// With what the other side said in its own words, a few lines of it.
    Done(Vec<String>),
    /// At least one ref was refused.
    Rejected {
        /// Which one, and why, as git puts it.
        why: String,
        /// What the other side said, as above.
        said: Vec<String>,
    },
}

/// As many lines of another's words as a person reads, and as much of each.
const LINES: usize = 6;
const WIDTH: usize = 300;

impl Repo {
    /// Fetches exactly these refspecs, and no tags of its own accord.
    pub fn fetch(&self, from: &str, refspecs: &[&str]) -> anyhow::Result<()> {
        self.fetching(from, [], refspecs).ok()
    }

    pub(super) fn fetching<'a>(
        &self,
        from: &str,
        options: impl IntoIterator<Item = &'a str>,
        refspecs: &[&str],
    ) -> Git<'_> {
        let fixed = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-auto-gc",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
        ];
        self.abroad(fixed).args(options).args(["--end-of-options", from]).args(refspecs)
    }

    /// What these refs of the other side name, of those that it has.
    pub fn refs_of(&self, from: &str, names: &[&RefName]) -> anyhow::Result<Vec<(RefName, Oid)>> {
        let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
        let fixed = ["ls-remote", "--quiet", "--refs", "--end-of-options", from];
        let told = self.abroad(fixed).args(&names).text()?;
        // Git takes a name for the end of a longer one.
        let rows = told.lines().filter_map(|row| row.split_once('\t'));
        let wanted = rows.filter(|(_, name)| names.contains(name));
        wanted.map(|(id, name)| Ok((name.parse()?, id.parse()?))).collect()
    }

    /// From the main work tree, because that is what a remote like `../hub.git` is relative to.
    fn abroad(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Git<'_> {
        let git = self.git(args).network();
        match self.main_work_dir() {
            Some(dir) => git.at(&dir),
            None => git,
        }
    }

    /// Whether a ref is there for who fetches and not for who pushes.
    pub fn is_hidden_from_pushes(
        &self,
        at: &str,
        id: &Oid,
        name: &RefName,
    ) -> anyhow::Result<bool> {
        let fixed = ["push", "--dry-run", "--porcelain", "--no-verify", "--end-of-options", at];
        let said = self.abroad(fixed).args([format!("{id}:{name}")]).run()?;
        let new = |line: &str| line.starts_with("*\t") && line.ends_with("[new reference]");
        Ok(String::from_utf8_lossy(&said.out).lines().any(new))
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
        let told = String::from_utf8_lossy(&done.out);
        let mut refused: Vec<String> = told.lines().filter_map(refused).collect();
        let mut said = own_words(&done.err);
        // Why it could not be stored is said by another program.
        if let Some(last) = refused.last_mut().filter(|last| last.ends_with("(unpacker error)"))
            && !said.is_empty()
        {
            *last = format!("{last}: {}", said.remove(0));
        }
        match (done.code, refused.is_empty()) {
            (0, _) => Ok(Pushed::Done(said)),
            (_, false) => Ok(Pushed::Rejected { why: refused.join("; "), said }),
            (_, true) => Err(call.failed(&done)),
        }
    }
}

/// A ref that was refused and why, from a line of `push --porcelain`.
fn refused(line: &str) -> Option<String> {
    let (refs, why) = line.strip_prefix("!\t")?.split_once('\t')?;
    let to = refs.split_once(':').map_or(refs, |(_, to)| to);
    Some(format!("{} {why}", to.strip_prefix("refs/heads/").unwrap_or(to)))
}

/// What the other side said itself: without what git says there for a hook that says nothing.
fn own_words(err: &str) -> Vec<String> {
    const GITS: [&str; 2] =
        ["error: hook declined to update ", "error: refusing to create funny ref "];
    let lines = err.lines().filter_map(|line| line.strip_prefix("remote:")).map(str::trim);
    let is_own = |line: &&str| !line.is_empty() && !GITS.iter().any(|git| line.starts_with(git));
    let mut said: Vec<String> =
        lines.filter(is_own).map(|line| line.chars().take(WIDTH).collect()).collect();
    if said.len() > LINES {
        let more = said.split_off(LINES - 1).len();
        said.push(format!("and {more} lines more"));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_s_own_words_are_told_from_git_s_and_are_few() {
        let told = |err: &str| own_words(err).join("|");
        let silent = "remote: error: hook declined to update refs/shopfloor/ledger        \n";
        assert_eq!(told(silent), "");
        let err = format!("remote: not on Sundays    \nremote:\n{silent}error: failed to push");
        assert_eq!(told(&err), "not on Sundays");
        let lines =
            |count: usize| (1..=count).map(|n| format!("remote: {n}\n")).collect::<String>();
        assert_eq!(told(&lines(6)), "1|2|3|4|5|6");
        assert_eq!(told(&lines(9)), "1|2|3|4|5|and 4 lines more");
        assert_eq!(told(&format!("remote: {}", "é".repeat(1000))).chars().count(), WIDTH);
    }

    #[test]
    fn a_refused_push_is_told_by_what_it_was_for() {
        let line = "!\t0123:refs/heads/main\t[remote rejected] (pre-receive hook declined)";
        let told = "main [remote rejected] (pre-receive hook declined)";
        assert_eq!(refused(line).as_deref(), Some(told));
        assert_eq!(refused("To /srv/x"), None);
    }
}
