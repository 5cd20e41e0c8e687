//! The gate: a repository of its own to which pushes go, so that they can become queue entries.
//!
//! It borrows the objects of the repository it stands in and has no branch that anybody could be
//! behind of: its protected branch stays at the first commit of all. It lives in our own directory,
//! holds nothing that cannot be made again, and is made again where it is missing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::git::{Oid, RefName, Remote, Repo};
use crate::githook::{file, scripts};
use crate::host::share;
use crate::refusal::quoted;

/// Where pushes really go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Upstream {
    /// The remote of the target branch; none in a repository without remotes.
    pub remote: Option<Remote>,
    /// Where pushes to it went before us.
    pub urls: Vec<String>,
}

impl Upstream {
    /// On another machine, or on a service that looks like one.
    pub(super) fn is_hosted(&self) -> bool {
        self.urls.iter().any(|url| is_hosted(url))
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.remote.as_ref().map(|remote| remote.name.as_str())
    }
}

/// Git reads a relative path from the top of the work tree; we push from elsewhere.
pub(super) fn absolute(repo: &Repo, url: String) -> String {
    if is_hosted(&url) || url.contains("://") || Path::new(&url).is_absolute() {
        return url;
    }
    let top = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
    top.join(url).to_string_lossy().into_owned()
}

fn is_hosted(url: &str) -> bool {
    if let Some((scheme, _)) = url.split_once("://") {
        return scheme != "file";
    }
    // `host:path`, as ssh takes it; a slash before the colon makes it a path.
    url.split_once(':').is_some_and(|(host, _)| !host.contains('/') && host.len() > 1)
}

pub(super) fn gate_dir(repo: &Repo) -> PathBuf {
    repo.common_dir().join("shopfloor/gate.git")
}

/// Whether this is a gate of ours, of whatever repository and wherever that stood.
pub(super) fn is_gate(url: &str) -> bool {
    Path::new(url).ends_with("shopfloor/gate.git")
}

/// Whether a push to this place ends in this very repository.
pub(super) fn leads_here(repo: &Repo, url: &str) -> bool {
    let path = Path::new(url.strip_prefix("file://").unwrap_or(url));
    let path = repo.work_dir().unwrap_or(repo.common_dir()).join(path);
    let canonical = |path: &Path| fs::canonicalize(path).ok();
    let gate = canonical(&gate_dir(repo));
    let ends = [Some(path.clone()), Some(path.join(".git"))];
    ends.into_iter().flatten().filter_map(|end| canonical(&end)).any(|end| {
        Some(&end) == gate.as_ref()
            || end == repo.common_dir()
            || Repo::open(&end, repo.env())
                .is_ok_and(|other| other.common_dir() == repo.common_dir())
    })
}

/// The remote of the target branch, else `origin`, else the only one.
pub(super) fn upstream(repo: &Repo, target: &str) -> Result<Upstream> {
    let ours = repo.common_dir().to_string_lossy().into_owned();
    let remotes: Vec<Remote> =
        repo.remotes()?.into_iter().filter(|remote| remote.url != ours).collect();
    let tracked = repo.config_get(&format!("branch.{target}.remote"))?;
    let named = |name: &str| remotes.iter().find(|remote| remote.name == name);
    let only = remotes.first().filter(|_| remotes.len() == 1);
    let found = tracked.as_deref().and_then(named).or_else(|| named("origin")).or(only);
    let Some(remote) = found else { return Ok(Upstream::default()) };
    let own: Vec<String> =
        remote.push_urls.iter().filter(|url| !url.is_empty() && !is_gate(url)).cloned().collect();
    let urls = if own.is_empty() { vec![remote.url.clone()] } else { own };
    let urls = urls.into_iter().map(|url| absolute(repo, url)).collect();
    Ok(Upstream { remote: Some(remote.clone()), urls })
}

/// Whether this repository has no remote but the one we may have given it.
pub(super) fn upstream_is_nowhere(repo: &Repo) -> Result<bool> {
    let ours = repo.common_dir().to_string_lossy().into_owned();
    Ok(repo.remotes()?.iter().all(|remote| remote.name == "origin" && remote.url == ours))
}

/// The repository behind the gate we were called in, if it is one.
pub(super) fn behind(gate: &Repo) -> Result<Option<Repo>> {
    let Some(of) = gate.config_get("shopfloor.gateOf")? else { return Ok(None) };
    Ok(Some(Repo::open(&gate.common_dir().join(of), gate.env())?))
}

/// Tells the gate from which work tree a push comes: the name git has for it.
pub(super) const FROM: &str = "SHOPFLOOR_FROM";

/// How the work tree with this directory of git's calls the other end of its push.
pub(super) fn told_from(git_dir: &Path) -> String {
    format!("{FROM}={} git-receive-pack", quoted(git_dir.file_name().unwrap_or_default()))
}

/// The work tree that a push said it came from, if it is one of `repo`.
pub(super) fn pusher(repo: &Repo) -> Option<Repo> {
    let name = repo.env().get(FROM).filter(|name| !name.contains('/'))?;
    let tree = Repo::open(&repo.common_dir().join("worktrees").join(name), repo.env()).ok()?;
    (tree.common_dir() == repo.common_dir()).then_some(tree)
}

/// The gate, made where it is missing, with the branches that clients are to see.
pub(super) fn ensure(repo: &Repo) -> Result<PathBuf> {
    let dir = gate_dir(repo);
    let config = config(repo)?;
    if !dir.join("HEAD").exists() {
        make(repo, &dir, &config)
            .with_context(|| format!("making the gate repository {}", dir.display()))?;
    } else if file::read(&dir.join("config"))?.as_deref() != Some(config.as_bytes()) {
        file::write(&dir.join("config"), config.as_bytes(), Some(0o644))?;
    }
    mirror(repo)?;
    Ok(dir)
}

/// Made beside its place and moved there whole: of two who make it at once, one wins.
fn make(repo: &Repo, dir: &Path, config: &str) -> Result<()> {
    let own = repo.own_dir()?;
    let made = tempfile::Builder::new().prefix("gate-").tempdir_in(&own)?;
    let at = |path: &str| made.path().join(path);
    for place in ["objects/info", "objects/pack", "refs/heads", "hooks"] {
        share::make_dirs(&at(place))?;
    }
    share::write(&at("HEAD"), "ref: refs/heads/none\n")?;
    share::write(&at("objects/info/alternates"), "../../../objects\n")?;
    share::write(&at("config"), config)?;
    file::write(&at("hooks/proc-receive"), scripts::PROC_RECEIVE.as_bytes(), None)?;
    share::adjust(made.path())?;
    match fs::rename(made.path(), dir) {
        Err(_) if dir.join("HEAD").exists() => Ok(()),
        other => Ok(other?),
    }
}

/// Where our commands stand, for git hooks that run with another `PATH`: as they are found, so that an
/// update through a link stays found.
pub fn programs(repo: &Repo) -> Result<PathBuf> {
    let found = match repo.env().path_of("git-refinery") {
        Some(found) => found,
        None => std::env::current_exe().context("finding this program")?,
    };
    Ok(found.parent().context("a program in no directory")?.to_owned())
}

fn config(repo: &Repo) -> Result<String> {
    let (version, format) = match repo.sha256() {
        true => (1, "[extensions]\n\tobjectFormat = sha256\n"),
        false => (0, ""),
    };
    let path = programs(repo)?.to_string_lossy().into_owned();
    let path = path.replace('\\', "\\\\").replace('"', "\\\"");
    let shared = repo.config_get("core.sharedRepository")?;
    let shared = shared.map(|how| format!("\tsharedRepository = {how}\n")).unwrap_or_default();
    Ok(format!(
        "[core]\n\trepositoryFormatVersion = {version}\n\tbare = true\n\thooksPath = hooks\n\
         \talternateRefsPrefixes = refs/heads refs/remotes\n{shared}{format}\
         [receive]\n\tprocReceiveRefs = refs/\n\tadvertisePushOptions = true\n\tautogc = false\n\
         [uploadpack]\n\tallowAnySHA1InWant = true\n[gc]\n\tauto = 0\n\
         [shopfloor]\n\tgateOf = ../..\n\tpath = \"{path}\"\n"
    ))
}

/// Shows in the gate what a client would see at the real remote, as far as this repository knows it;
/// so leases and fast-forward checks mean what they always mean.
pub(super) fn mirror(repo: &Repo) -> Result<()> {
    let gate = Repo::open(&gate_dir(repo), repo.env())?;
    let target = repo.default_branch()?;
    let wanted = seen(repo, &target)?;
    let known = gate.refs_under("refs/heads/")?;
    let mut orders = String::new();
    for (name, oid) in &wanted {
        if !known.iter().any(|(other, at)| other == name && at == oid) {
            orders += &format!("update {name} {oid}\n");
        }
    }
    for (name, _) in known.iter().filter(|(name, _)| !wanted.iter().any(|(other, _)| other == name))
    {
        orders += &format!("delete {name}\n");
    }
    if orders.is_empty() {
        return Ok(());
    }
    let done = gate.git(["update-ref", "--stdin"]).input(orders).run()?;
    // Somebody else shows the same at the same time; what they show is as good.
    anyhow::ensure!(
        done.code == 0 || done.err.contains("cannot lock ref"),
        "showing branches in the gate: {}",
        done.err
    );
    Ok(())
}

/// What the gate shows: the branches of the remote, or our own where there is none, and the target
/// at its first commit, of which every change is a fast-forward. A target that the remote does not
/// have is not shown: git would find nothing left to push there.
fn seen(repo: &Repo, target: &str) -> Result<Vec<(RefName, Oid)>> {
    let protected = RefName::branch(target)?;
    let prefix = match upstream(repo, target)?.name() {
        Some(remote) => format!("refs/remotes/{remote}/"),
        None => "refs/heads/".to_owned(),
    };
    let mut seen = Vec::new();
    for (name, oid) in repo.refs_under(&prefix)? {
        let branch = name.as_str().strip_prefix(&prefix).unwrap_or_default();
        if branch != "HEAD" && branch != target {
            seen.push((RefName::branch(branch)?, oid));
        }
    }
    let there = repo.read_ref(&format!("{prefix}{target}").parse()?)?.is_some();
    if let Some(tip) = repo.read_ref(&protected)?.filter(|_| there) {
        let first = repo.first_parents(&tip, None)?.last().copied();
        seen.extend(first.map(|first| (protected, first)));
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_a_host() {
        for (url, hosted) in [
            ("https://example.org/a.git", true),
            ("git@example.org:a/b.git", true),
            ("ssh://example.org/a", true),
            ("file:///srv/a.git", false),
            ("/srv/a.git", false),
            ("../a:b", false),
            ("C:/a", false),
        ] {
            assert_eq!(is_hosted(url), hosted, "{url}");
        }
        assert!(is_gate("/a/.git/shopfloor/gate.git") && !is_gate("/a/gate.git"));
    }
}
