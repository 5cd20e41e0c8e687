//! Which branch work lands on. Git itself has no word for it, so it is read from what the repository
//! shows, the surer signs first; and written down once something depends on it.

use std::fs;

use gix::bstr::ByteSlice as _;

use super::{RefName, Repo};

/// Names that nobody gives to a branch of passing work.
pub const USUAL: [&str; 3] = ["main", "master", "trunk"];

/// What a repository shows of the branch that work lands on.
#[derive(Clone, Debug, Default)]
struct Signs<'a> {
    /// `shopfloor.target`.
    setting: Option<&'a str>,
    /// What the remote calls its default branch, where that is there or here.
    remote: Option<&'a str>,
    bare: bool,
    /// The branch of the repository's own `HEAD`, which may have no commit yet.
    head: Option<&'a str>,
    /// `init.defaultBranch`.
    configured: Option<&'a str>,
    /// The branch of the repository's first commit.
    born: Option<&'a str>,
    /// All that exist.
    branches: Vec<&'a str>,
}

/// What somebody said stands. Else what the remote says, for all who work on it see the same. The
/// `HEAD` of a bare repository is its word for the default branch; that of a work tree only tells
/// what is looked at now, so it counts where its name speaks for it: who stands on `trunk` means it, also
/// beside a stray `main`, and who stands on a topic does not. Then names alone; of several, and where
/// there is none, the branch that the repository began with. What is checked out is the last guess.
fn choose<'a>(signs: &Signs<'a>) -> &'a str {
    let here = |name: &&str| signs.branches.contains(name);
    let usual: Vec<&str> = signs.configured.into_iter().chain(USUAL).collect();
    let head = signs.head.filter(here);
    let mut named: Vec<&str> = usual.iter().copied().filter(here).collect();
    named.dedup();
    let named = match named.as_slice() {
        [_, _, ..] => signs.born.filter(|born| named.contains(born)).or(named.first().copied()),
        _ => named.first().copied(),
    };
    let only = signs.branches.first().copied().filter(|_| signs.branches.len() == 1);
    let said = signs.setting.or(signs.remote);
    said.or(head.filter(|head| signs.bare || usual.contains(head)))
        .or(named)
        .or(signs.born.filter(here))
        .or(only)
        .or(signs.head)
        .or(signs.configured)
        .unwrap_or("main")
}

impl Repo {
    /// The branch that work lands on, as far as anything here tells.
    pub fn default_branch(&self) -> anyhow::Result<String> {
        if let Some(setting) = self.config_get("shopfloor.target")? {
            return Ok(setting.strip_prefix("refs/heads/").unwrap_or(&setting).to_owned());
        }
        let remote = self.remote_head()?;
        let configured = self.config_get("init.defaultBranch")?;
        // A linked work tree stands on a branch of its own, which is nobody's target.
        let head = match self.git_dir == self.common_dir {
            true => self.head()?,
            false => Self::open(&self.common_dir, self.env())?.head()?,
        };
        let branches = self.refs_under("refs/heads/")?;
        let branches: Vec<&str> =
            branches.iter().filter_map(|(name, _)| name.as_branch()).collect();
        let born = match remote {
            Some(_) => None,
            None => self.first_branch(&branches)?,
        };
        let signs = Signs {
            setting: None,
            remote: remote.as_deref(),
            bare: self.is_bare(),
            head: head.branch.as_ref().and_then(RefName::as_branch),
            configured: configured.as_deref(),
            born: born.as_deref(),
            branches,
        };
        Ok(choose(&signs).to_owned())
    }

    /// What the first remote calls its default branch.
    fn remote_head(&self) -> anyhow::Result<Option<String>> {
        let remotes = self.remotes()?;
        let Some(remote) =
            remotes.iter().find(|remote| remote.name == "origin").or(remotes.first())
        else {
            return Ok(None);
        };
        let start = format!("refs/remotes/{}/", remote.name);
        let head = format!("{start}HEAD");
        let named = if self.reftable() {
            let done = self.git(["symbolic-ref", "--quiet", &head]).run()?;
            String::from_utf8_lossy(&done.out).trim().to_owned()
        } else {
            let found = self.handle().try_find_reference(&head)?;
            let target = found.as_ref().map(|found| found.target());
            let named = target.as_ref().and_then(|target| target.try_name());
            named.map(|name| name.as_bstr().to_str_lossy().into_owned()).unwrap_or_default()
        };
        let Some(branch) = named.strip_prefix(&start) else { return Ok(None) };
        let there = self.read_ref(&named.parse()?)?.is_some();
        let known = there || self.read_ref(&RefName::branch(branch)?)?.is_some();
        Ok(known.then(|| branch.to_owned()))
    }

    /// The branch whose log begins with a first commit: it goes with the branch when that is renamed. Of
    /// several (who begins anew without a parent) it is the oldest; none where no logs are kept.
    fn first_branch(&self, branches: &[&str]) -> anyhow::Result<Option<String>> {
        let logs = self.common_dir().join("logs/refs/heads");
        let mut first: Option<(u64, &str)> = None;
        for branch in branches {
            let Ok(log) = fs::read(logs.join(branch)) else { continue };
            let line = log.lines().next().unwrap_or_default().to_str_lossy();
            if let Some(at) = began(&line)
                && first.is_none_or(|(before, _)| at < before)
            {
                first = Some((at, branch));
            }
        }
        Ok(first.map(|(_, branch)| branch.to_owned()))
    }
}

/// When the branch began, if this first line of its log says that the repository did, too.
fn began(line: &str) -> Option<u64> {
    let (who, what) = line.split_once('\t')?;
    let new = who.split(' ').next()?.bytes().all(|digit| digit == b'0');
    let first = what.starts_with("commit (initial)") || what.starts_with("clone: ");
    who.rsplit(' ').nth(1)?.parse().ok().filter(|_| new && first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'a>(branches: &[&'a str]) -> Signs<'a> {
        Signs { branches: branches.to_vec(), ..Signs::default() }
    }

    fn on<'a>(head: &'a str, branches: &[&'a str]) -> Signs<'a> {
        Signs { head: Some(head), ..with(branches) }
    }

    #[test]
    fn work_lands_where_somebody_said() {
        let both = ["main", "trunk"];
        for (why, signs, target) in [
            (
                "a person",
                Signs { setting: Some("next"), remote: Some("main"), ..on("trunk", &both) },
                "next",
            ),
            ("the remote", Signs { remote: Some("dev"), ..on("main", &["dev", "main"]) }, "dev"),
            ("a bare one", Signs { bare: true, ..on("prod", &["main", "prod"]) }, "prod"),
            ("a bare one, of nothing", Signs { bare: true, ..on("master", &["main"]) }, "main"),
        ] {
            assert_eq!(choose(&signs), target, "{why}: {signs:?}");
        }
    }

    #[test]
    fn where_nobody_said_names_and_the_beginning_tell() {
        let both = ["fix", "main", "trunk"];
        let born = |born, signs| Signs { born: Some(born), ..signs };
        let configured = |name, signs| Signs { configured: Some(name), ..signs };
        for (why, signs, target) in [
            ("nothing at all", Signs::default(), "main"),
            ("no commit yet", on("trunk", &[]), "trunk"),
            ("a stray main", on("trunk", &both), "trunk"),
            ("a stray main that is usual here", configured("main", on("trunk", &both)), "trunk"),
            ("a topic is checked out", on("fix", &["fix", "main"]), "main"),
            ("a topic is checked out", on("fix", &["fix", "trunk"]), "trunk"),
            ("a name usual here", configured("prod", on("fix", &["fix", "prod"])), "prod"),
            ("of two names the first", born("trunk", on("fix", &both)), "trunk"),
            ("a name is surer", born("fix", on("next", &["fix", "main", "next"])), "main"),
            (
                "no usual name",
                born("prod", configured("main", on("fix", &["fix", "prod"]))),
                "prod",
            ),
            ("detached, two names", with(&["master", "main"]), "main"),
            ("detached, only one", with(&["prod"]), "prod"),
            ("detached, no sign", with(&["a", "b"]), "main"),
            ("no sign but this", on("b", &["a", "b"]), "b"),
        ] {
            assert_eq!(choose(&signs), target, "{why}: {signs:?}");
        }
    }

    #[test]
    fn a_log_tells_whether_the_repository_began_there() {
        let null = "0".repeat(40);
        let id = "1".repeat(40);
        for (old, what, at) in [
            (&null, "commit (initial): one", Some(12)),
            (&null, "clone: from /x", Some(12)),
            (&null, "branch: Created from HEAD", None),
            (&id, "commit (initial): what was before is forgotten", None),
        ] {
            assert_eq!(began(&format!("{old} {id} Jane Doe <j@x> 12 +0100\t{what}")), at, "{what}");
        }
        assert_eq!(began(""), None);
    }
}
