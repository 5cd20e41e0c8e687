//! What a slung work tree gets: an identity, git hooks, and a push route, all in its own
//! configuration file, so that nothing of it is seen anywhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::git::Repo;
use crate::githook::settings::{self, Settings};
use crate::githook::{aside, file, hooks_path, place, route, scripts, whose};

/// Who works in a work tree, and at what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outfit {
    pub agent: String,
    /// Who answers for the agent: an e-mail address.
    pub owner: String,
    pub bead: String,
    pub epoch: u64,
    pub session: Option<String>,
    /// The agent program and its model, as `Assisted-by` is to name them.
    pub tool: Option<String>,
    pub model: Option<String>,
}

/// Fits out a linked work tree for an agent; again for the next bead, with the same effect.
pub fn fit_out(repo: &Repo, worktree: &Path, outfit: &Outfit) -> Result<()> {
    let git_dir = repo.git_dir_of(worktree)?;
    allow_own_file(repo)?;
    fix_target(repo)?;
    route::ensure(repo)?;
    let hooks = chain(repo, worktree, &git_dir)?;
    let mut wanted = Settings::default()
        .with("user.name", &outfit.agent)
        .with("user.email", &outfit.owner)
        .with("commit.gpgSign", "false")
        // By the log of its `HEAD` a commit is found again that was left behind.
        .with("core.logAllRefUpdates", "true")
        .with("shopfloor.identity", &outfit.agent)
        .with("shopfloor.bead", &outfit.bead)
        .with("shopfloor.epoch", &outfit.epoch.to_string())
        .with("shopfloor.path", &route::programs(repo)?.to_string_lossy());
    for (key, value) in
        [("session", &outfit.session), ("tool", &outfit.tool), ("model", &outfit.model)]
    {
        if let Some(value) = value {
            wanted = wanted.with(&format!("shopfloor.{key}"), value);
        }
    }
    let wanted = routed(repo, &git_dir, wanted)?;
    let own = git_dir.join("config.worktree");
    // All of it anew: what the last session said of itself is over.
    file::edit_config(&own, |old| {
        let bare = old.map(settings::take).transpose()?.flatten();
        let new = settings::put(bare.as_deref(), &wanted)?;
        Ok(Some(hooks_path::set(&new, Some(&hooks.to_string_lossy()))?))
    })?;
    repo.config_changed();
    mark_place(repo)
}

/// The push route of a work tree: what it pushes to the remote goes to the gate, which is told whence
/// it comes. An environment without our variables tells nothing.
fn routed(repo: &Repo, git_dir: &Path, wanted: Settings) -> Result<Settings> {
    let gate = route::gate_dir(repo).to_string_lossy().into_owned();
    let target = repo.default_branch()?;
    let upstream = route::upstream(repo, &target)?;
    let name = upstream.name().unwrap_or("origin");
    let wanted = wanted.with(&format!("remote.{name}.receivepack"), &route::told_from(git_dir));
    // Addresses add up. Git 2.46 begins a new list at an empty one; before that, push addresses that
    // are there can only be rewritten.
    let fresh = repo.git_version()? >= (2, 46);
    let only = |wanted: Settings, key: &str, value: &str| match fresh {
        true => wanted.with(key, "").with(key, value),
        false => wanted.with(key, value),
    };
    let Some(remote) = &upstream.remote else {
        let fetch = format!("+refs/heads/{target}:refs/remotes/origin/{target}");
        let wanted = wanted.with("remote.origin.fetch", &fetch);
        if !fresh && !repo.remotes()?.is_empty() {
            return Ok(wanted);
        }
        let here = repo.common_dir().to_string_lossy().into_owned();
        return Ok(only(only(wanted, "remote.origin.url", &here), "remote.origin.pushurl", &gate));
    };
    let key = format!("remote.{}.pushurl", remote.name);
    if fresh {
        return Ok(only(wanted, &key, &gate));
    }
    let own = remote.push_urls.iter().filter(|url| !url.is_empty() && !route::is_gate(url));
    let own: Vec<&String> = own.collect();
    if own.is_empty() {
        let shared = file::read(&repo.common_dir().join("config"))?.unwrap_or_default();
        let led = settings::get(&shared, &key)?.is_some();
        return Ok(if led { wanted } else { wanted.with(&key, &gate) });
    }
    let key = format!("url.{gate}.insteadOf");
    Ok(own.into_iter().fold(wanted, |wanted, url| wanted.with(&key, url)))
}

const TARGET: &str = "shopfloor.target";

/// What work lands on is written down once work depends on it: by the time it comes back, another branch
/// may be checked out, or there may be one with a likelier name.
pub fn fix_target(repo: &Repo) -> Result<()> {
    if repo.config_get(TARGET)?.is_some() {
        return Ok(());
    }
    let ours = Settings::default().with(TARGET, &repo.default_branch()?);
    let shared = repo.common_dir().join("config");
    file::edit_config(&shared, |old| Ok(Some(settings::put(old, &ours)?)))?;
    repo.config_changed();
    Ok(())
}

/// The target that was noted before anybody set this repository up.
fn noted(file: &[u8]) -> Result<Option<String>> {
    let set_up = settings::get(file, "shopfloor.prefix")?.is_some();
    Ok(settings::get(file, TARGET)?.filter(|_| !set_up))
}

/// The same file with what was noted before as a setting like a person's: what is set up now goes away
/// again without it.
pub(super) fn keep_noted(file: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
    let Some(target) = file.map(noted).transpose()?.flatten() else {
        return Ok(file.map(<[u8]>::to_vec));
    };
    let mut text = file.unwrap_or_default().to_vec();
    let line = format!("[shopfloor]\n\ttarget = \"{}\"\n", target.replace('"', "\\\""));
    text.extend(line.bytes());
    Ok(Some(text))
}

/// Whether the shared file names the target, or is about to, beside what we set up.
pub(super) fn says_target(repo: &Repo) -> Result<bool> {
    let shared = file::read(&repo.common_dir().join("config"))?.unwrap_or_default();
    let ours = usize::from(settings::get(&shared, TARGET)?.is_some());
    let said = repo.git(["config", "--local", "--get-all", TARGET]).run()?.out;
    let said = String::from_utf8_lossy(&said).lines().count();
    Ok(said > ours || noted(&shared)?.is_some())
}

/// A directory of our scripts, each of which also runs the hook that the work tree had without us.
fn chain(repo: &Repo, worktree: &Path, git_dir: &Path) -> Result<PathBuf> {
    let ours = repo.own_dir()?.join("hooks");
    let own = own_hooks(repo, git_dir)?;
    let there = worktree.join(&own);
    for name in scripts::NAMES {
        let path = ours.join(name);
        if scripts::shipped(name).is_some() || is_executable(&there.join(name)) {
            let text = scripts::before_own(name, &own);
            if file::read(&path)?.as_deref() != Some(text.as_bytes()) {
                file::write(&path, text.as_bytes(), None)?;
            }
        }
    }
    Ok(ours)
}

fn own_hooks(repo: &Repo, git_dir: &Path) -> Result<PathBuf> {
    place::own(repo, &[&git_dir.join("config.worktree"), &repo.common_dir().join("config")])
}

/// Whether the scripts in `ours` run all the hooks of `there`, which is named like this.
pub(super) fn is_chained(ours: &Path, named: &Path, there: &Path) -> Result<bool> {
    for name in scripts::NAMES {
        if scripts::shipped(name).is_none() && !is_executable(&there.join(name)) {
            continue;
        }
        let text = file::read(&ours.join(name))?;
        if text.as_deref() != Some(scripts::before_own(name, named).as_bytes()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The slung work tree we stand in runs the hooks that its repository has now. Tells whether it did not.
pub(super) fn rechain(repo: &Repo) -> Result<bool> {
    let config = file::read(&repo.git_dir().join("config.worktree"))?.unwrap_or_default();
    let ours = settings::get(&config, "core.hooksPath")?.filter(|dir| whose::is_our_dir(dir));
    let (Some(ours), Some(worktree)) = (ours, repo.work_dir()) else { return Ok(false) };
    let own = own_hooks(repo, repo.git_dir())?;
    if is_chained(Path::new(&ours), &own, &worktree.join(&own))? {
        return Ok(false);
    }
    chain(repo, worktree, repo.git_dir())?;
    Ok(true)
}

pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Lets each work tree have a file of its own. What must not be shared then is moved to the main
/// one's, as git does it; but so that it can be moved back.
pub(super) fn allow_own_file(repo: &Repo) -> Result<()> {
    if repo.config_bool("extensions.worktreeConfig")? == Some(true) {
        return Ok(());
    }
    let shared = repo.common_dir().join("config");
    let main = repo.common_dir().join("config.worktree");
    let (mut ours, mut mains) =
        (Settings::default().with("extensions.worktreeConfig", "true"), None);
    if repo.is_bare() {
        ours = ours.with("core.bare", "false");
        mains = Some(Settings::default().with("core.bare", "true"));
    }
    let text = file::read(&shared)?.unwrap_or_default();
    if let Some(path) = aside::set_aside(&text, "core.worktree")?.1 {
        mains = Some(mains.unwrap_or_default().with("core.worktree", &path));
    }
    if let Some(mains) = mains {
        file::edit_config(&main, |old| Ok(Some(settings::put(old, &mains)?)))?;
    }
    file::edit_config(&shared, |old| {
        let (text, _) = aside::set_aside(old.unwrap_or_default(), "core.worktree")?;
        Ok(Some(settings::put(Some(&text), &ours)?))
    })?;
    repo.config_changed();
    Ok(())
}

/// Every route and every hooks path names places, so they are looked after when the repository was moved
/// or our own directory was deleted. Otherwise this reads one small file.
pub(super) fn heal(repo: &Repo) -> Result<()> {
    let here = repo.common_dir().as_os_str().as_encoded_bytes();
    let place = repo.common_dir().join("shopfloor/place");
    if file::read(&place)?.as_deref() == Some(here) {
        return Ok(());
    }
    let mut routed = false;
    for (config, worktree) in configs(repo)? {
        let Some(old) = file::read(&config)? else { continue };
        if settings::relocate(&old, repo.common_dir())?.is_none() {
            continue;
        }
        routed = true;
        file::edit_config(&config, |old| {
            let renewed = settings::relocate(old.unwrap_or_default(), repo.common_dir())?;
            Ok(renewed.or(old.map(<[u8]>::to_vec)))
        })?;
        repo.config_changed();
        if let Some(worktree) = worktree {
            chain(repo, &worktree, config.parent().unwrap_or(Path::new(".")))?;
        }
    }
    if routed {
        route::ensure(repo)?;
        mark_place(repo)?;
    }
    Ok(())
}

/// The shared configuration file and that of every linked work tree, with its path.
pub(super) fn configs(repo: &Repo) -> Result<Vec<(PathBuf, Option<PathBuf>)>> {
    let mut found = vec![
        (repo.common_dir().join("config"), None),
        (repo.common_dir().join("config.worktree"), None),
    ];
    let Ok(all) = fs::read_dir(repo.common_dir().join("worktrees")) else { return Ok(found) };
    for entry in all {
        let git_dir = entry?.path();
        let link = fs::read_to_string(git_dir.join("gitdir")).unwrap_or_default();
        let top = Path::new(link.trim()).parent().map(Path::to_owned);
        found.push((git_dir.join("config.worktree"), top));
    }
    Ok(found)
}

pub(super) fn mark_place(repo: &Repo) -> Result<()> {
    let place = repo.own_dir()?.join("place");
    file::write(&place, repo.common_dir().as_os_str().as_encoded_bytes(), Some(0o644))
}
