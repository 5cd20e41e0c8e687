//! What `git bead init` changes, as a plan that can be read before anything happens, and the way
//! back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::git::{RefName, Repo};
use crate::githook::block::{self, Placed};
use crate::githook::place::{self, Place};
use crate::githook::settings::{self, Settings};
use crate::githook::{file, hooks_path, listing, outfit, route, scripts};
use crate::host::share;

/// How pushes to the protected branch reach the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// All of the repository's pushes go through the gate.
    All,
    /// `pre-push` watches; remotes stay as they are.
    Guard,
}

/// What the repository is to be.
#[derive(Clone, Debug)]
pub struct Wish {
    pub prefix: String,
    pub target: String,
    pub route: Route,
    /// The remote to which a landing is pushed.
    pub publish: Option<String>,
    /// The remote whose ledger comes with what is fetched from it, and by which refspec.
    pub fetch: Option<(String, String)>,
    /// Where our commands stand, for hooks that run with another `PATH`.
    pub path: PathBuf,
}

/// Through the gate where the remote is on this machine; a hosted one keeps its ordinary route, with
/// its upstreams, its large files and its own tools.
pub fn default_route(repo: &Repo, target: &str) -> Result<Route> {
    let hosted = route::upstream(repo, target)?.is_hosted();
    Ok(if hosted { Route::Guard } else { Route::All })
}

/// The remote that the target follows, else the one that a person has named for it.
pub fn publish(repo: &Repo, target: &str) -> Result<Option<String>> {
    let followed = repo.config_get(&format!("branch.{target}.remote"))?;
    let followed = followed.filter(|name| name != "." && !name.is_empty());
    let (named, remotes) = (repo.config_get("shopfloor.publish")?, repo.remotes()?);
    let is_remote = |name: &String| remotes.iter().any(|remote| remote.name == *name);
    Ok(followed.or(named.filter(is_remote)))
}

/// One thing that is going to be different.
#[derive(Clone, Debug)]
pub struct Change {
    pub place: PathBuf,
    pub what: String,
    act: Act,
}

#[derive(Clone, Debug)]
enum Act {
    Write {
        bytes: Vec<u8>,
        mode: Option<u32>,
    },
    /// Set aside, so that this can stand in its place and run it.
    Aside {
        bytes: Vec<u8>,
    },
    /// Settings, and the hooks path if it has to be one of ours.
    Config(Settings, Option<PathBuf>),
    /// The hooks path alone.
    HooksPath(Option<PathBuf>),
    Gate,
    /// A line in the person's own list of repositories, under this prefix.
    Listed(String),
}

/// Everything that `wish` would change; empty when it is so already.
pub fn plan(repo: &Repo, wish: &Wish) -> Result<Vec<Change>> {
    let place = place::of(repo)?;
    let mut changes = scripts_of(repo, &place)?;
    if wish.route == Route::All && !route::gate_dir(repo).join("HEAD").exists() {
        let what = "gate repository: pushes to the remote go there, and on from there";
        changes.push(Change {
            place: route::gate_dir(repo),
            what: what.to_owned(),
            act: Act::Gate,
        });
    }
    changes.extend(config(repo, wish, &place)?);
    if let Some(list) = listing::missing(repo, &wish.prefix)? {
        let (prefix, here) = (&wish.prefix, listing::place(repo));
        let what = format!(
            "your list of repositories, for `git sling {prefix}-…` from anywhere:\n{prefix} = {}",
            here.display()
        );
        changes.push(Change { place: list, what, act: Act::Listed(prefix.clone()) });
    }
    Ok(changes)
}

/// What an `init` of before would have to do again for the git hooks of today.
pub(super) fn again(repo: &Repo) -> Result<Vec<Change>> {
    let place = place::of(repo)?;
    let mut changes = scripts_of(repo, &place)?;
    let path = repo.common_dir().join("config");
    let (old, ours) = (file::read(&path)?.unwrap_or_default(), hooks_path(repo, &place));
    if with_hooks_path(&old, ours.as_deref())? != old {
        let what = "core.hooksPath".to_owned();
        changes.push(Change { place: path, what, act: Act::HooksPath(ours) });
    }
    Ok(changes)
}

fn scripts_of(repo: &Repo, place: &Place) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for (name, shipped) in scripts::SHIPPED {
        let change = match place.ours_to_edit {
            true => script(&place.script(name), shipped)?,
            false => chained(&place::beside(repo).join(name), name, place)?,
        };
        changes.extend(change);
    }
    if !place.ours_to_edit {
        for name in scripts::NAMES.into_iter().filter(|name| scripts::shipped(name).is_none()) {
            changes.extend(chained(&place::beside(repo).join(name), name, place)?);
        }
    }
    Ok(changes)
}

/// The directory that git has to look in instead of the repository's own.
fn hooks_path(repo: &Repo, place: &Place) -> Option<PathBuf> {
    (!place.ours_to_edit).then(|| place::beside(repo))
}

fn with_hooks_path(file: &[u8], ours: Option<&Path>) -> Result<Vec<u8>> {
    hooks_path::set(file, ours.map(Path::to_string_lossy).as_deref())
}

fn script(path: &Path, shipped: &str) -> Result<Option<Change>> {
    let change =
        |what: &str, act| Some(Change { place: path.to_owned(), what: what.to_owned(), act });
    let meta = fs::symlink_metadata(path).ok();
    let Some(meta) = meta else {
        return Ok(change("new git hook", Act::Write { bytes: shipped.into(), mode: None }));
    };
    let old = fs::read(path).unwrap_or_default();
    let behind = scripts::before_kept(shipped);
    if meta.is_file()
        && block::is_marked(&old)
        && path.with_file_name(scripts::KEPT).join(name(path)).symlink_metadata().is_ok()
    {
        if old == behind.as_bytes() {
            return Ok(None);
        }
        return Ok(change(
            "newer lines of ours",
            Act::Write { bytes: behind.into(), mode: file::mode(path) },
        ));
    }
    // What git does not run must not begin to run.
    let plain = meta.is_file() && outfit::is_executable(path);
    let placed = if plain { block::into_script(Some(&old), shipped) } else { Placed::Aside };
    Ok(match placed {
        Placed::Written(new) if new == old => None,
        Placed::Written(bytes) => {
            let what = "our lines after its first one; the rest of it stays and runs after them";
            let mode = file::mode(path);
            change(what, Act::Write { bytes, mode })
        }
        Placed::Aside => {
            let what = format!("kept in {}/, and run from there after ours", scripts::KEPT);
            change(&what, Act::Aside { bytes: behind.into() })
        }
    })
}

/// A script beside a hooks directory in which nothing of ours may stand.
fn chained(path: &Path, name: &str, place: &Place) -> Result<Option<Change>> {
    if scripts::shipped(name).is_none() && !outfit::is_executable(&place.dir.join(name)) {
        return Ok(None);
    }
    let text = scripts::before_own(name, &place.named);
    if file::read(path)?.as_deref() == Some(text.as_bytes()) {
        return Ok(None);
    }
    let what = format!("new git hook, which then runs the one in {}", place.named.display());
    Ok(Some(Change {
        place: path.to_owned(),
        what,
        act: Act::Write { bytes: text.into(), mode: None },
    }))
}

fn config(repo: &Repo, wish: &Wish, place: &Place) -> Result<Option<Change>> {
    let path = repo.common_dir().join("config");
    let upstream = route::upstream(repo, &wish.target)?;
    let mut wanted = Settings::default()
        .with("shopfloor.prefix", &wish.prefix)
        .with("shopfloor.path", &wish.path.to_string_lossy());
    if !outfit::says_target(repo)? {
        wanted = wanted.with("shopfloor.target", &wish.target);
    }
    if let Some(publish) = &wish.publish {
        wanted = wanted.with("shopfloor.publish", publish);
    }
    wanted = wanted
        .with("receive.procReceiveRefs", &format!("refs/heads/{}", wish.target))
        .with("receive.procReceiveRefs", "refs/for")
        .with("receive.procReceiveRefs", "refs/shopfloor")
        .with("receive.advertisePushOptions", "true");
    if let Some((remote, spec)) = &wish.fetch {
        wanted = wanted.with(&format!("remote.{remote}.fetch"), spec);
    }
    let remote = upstream.remote.filter(|_| wish.route == Route::All);
    if let Some(remote) = &remote {
        let key = format!("remote.{}.pushurl", remote.name);
        let adds_up = remote.push_urls.iter().any(|url| !url.is_empty() && !route::is_gate(url));
        if adds_up {
            wanted = wanted.with(&key, "");
        }
        wanted = wanted.with(&key, &route::gate_dir(repo).to_string_lossy());
    }
    // Where there is no remote at all, the usual words still have to work: `git push origin …`. A
    // remote of that name would be in the way of the first one that the person adds.
    if wish.route == Route::All && route::upstream_is_nowhere(repo)? {
        let key = format!("url.{}.pushInsteadOf", route::gate_dir(repo).display());
        wanted = wanted.with(&key, "origin");
    }
    let (old, hooks) = (file::read(&path)?, hooks_path(repo, place));
    let new = settings::renew(outfit::keep_noted(old.as_deref())?.as_deref(), &wanted)?;
    if with_hooks_path(&new, hooks.as_deref())? == old.unwrap_or_default() {
        return Ok(None);
    }
    let mut lines = wanted.lines();
    lines.extend(hooks.iter().map(|dir| format!("core.hooksPath = {}", dir.display())));
    let what = format!("sections of our own at its end:\n{}", lines.join("\n"));
    Ok(Some(Change { place: path, what, act: Act::Config(wanted, hooks) }))
}

/// Does what was planned: first what may be refused outside of the repository; its configuration after
/// what it points to.
pub fn apply(repo: &Repo, changes: &[Change]) -> Result<()> {
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| !matches!(change.act, Act::Listed(_)));
    for change in changes {
        let path = change.place.as_path();
        match &change.act {
            Act::Write { bytes, mode } => file::write(path, bytes, *mode)?,
            // Somebody else of us may have done it meanwhile.
            Act::Aside { .. } if file::read(path)?.is_some_and(|old| block::is_marked(&old)) => {}
            Act::Aside { bytes } => {
                set_aside(path).with_context(|| format!("setting {} aside", path.display()))?;
                file::write(path, bytes, None)?;
            }
            Act::Config(wanted, hooks) => {
                file::edit_config(path, |old| {
                    let new = settings::renew(outfit::keep_noted(old)?.as_deref(), wanted)?;
                    with_hooks_path(&new, hooks.as_deref()).map(Some)
                })?;
                repo.config_changed();
            }
            Act::HooksPath(hooks) => {
                file::edit_config(path, |old| {
                    old.map(|old| with_hooks_path(old, hooks.as_deref())).transpose()
                })?;
                repo.config_changed();
            }
            Act::Gate => drop(route::ensure(repo)?),
            Act::Listed(prefix) => listing::add(repo, path, prefix)?,
        }
    }
    outfit::mark_place(repo)
}

fn name(path: &Path) -> &std::ffi::OsStr {
    path.file_name().unwrap_or_default()
}

/// Into a directory of its own, under its own name. A relative link goes on pointing where it did.
fn set_aside(path: &Path) -> Result<()> {
    let kept = path.with_file_name(scripts::KEPT);
    share::make_dirs(&kept)?;
    let to = kept.join(name(path));
    match fs::read_link(path) {
        Ok(target) if target.is_relative() => {
            symlink(Path::new("..").join(target), &to)?;
            Ok(fs::remove_file(path)?)
        }
        _ => Ok(fs::rename(path, &to)?),
    }
}

/// Takes everything of ours out of configuration and hooks; says what was touched.
pub fn remove(repo: &Repo) -> Result<Vec<PathBuf>> {
    let place = place::of(repo)?;
    let mut touched = Vec::new();
    for (config, _) in outfit::configs(repo)? {
        if file::read(&config)?.is_some()
            && file::edit_config(&config, |old| {
                old.map(settings::take).transpose().map(Option::flatten)
            })?
        {
            touched.push(config);
        }
    }
    touched.extend(listing::take(repo)?);
    repo.config_changed();
    forget_invented(repo)?;
    let usual = repo.common_dir().join("hooks");
    // A hook manager may have turned git away from where ours were put at first.
    for dir in [&place.dir, &place.receiving, &usual] {
        if dir.is_dir() {
            touched.extend(clear(dir)?);
            // Only what is empty goes.
            for dir in dir
                .ancestors()
                .take_while(|dir| *dir != repo.common_dir() && dir.starts_with(repo.common_dir()))
            {
                fs::remove_dir(dir).ok();
            }
        }
    }
    for gone in [
        place::beside(repo),
        repo.common_dir().join("shopfloor/hooks"),
        route::gate_dir(repo),
        repo.common_dir().join("shopfloor/place"),
    ] {
        if gone.is_dir() {
            fs::remove_dir_all(&gone).with_context(|| format!("removing {}", gone.display()))?;
            touched.push(gone);
        } else {
            file::remove(&gone)?;
        }
    }
    Ok(touched)
}

/// What was fetched from a remote that only we had made up.
fn forget_invented(repo: &Repo) -> Result<()> {
    if repo.remotes()?.iter().any(|remote| remote.name == "origin") {
        return Ok(());
    }
    let target = repo.default_branch()?;
    let (name, here) =
        (format!("refs/remotes/origin/{target}").parse()?, RefName::branch(&target)?);
    let (fetched, tip) = (repo.read_ref(&name)?, repo.read_ref(&here)?);
    if let (Some(fetched), Some(tip)) = (fetched, tip)
        && repo.is_ancestor(&fetched, &tip)?
    {
        repo.git(["update-ref", "-d", name.as_str(), &fetched.to_string()]).ok()?;
    }
    Ok(())
}

/// Our lines out of every file of a hooks directory, also where a hook manager has renamed them.
fn clear(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut touched = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if !fs::symlink_metadata(&path)?.is_file() {
            continue;
        }
        let Some(old) = file::read(&path)?.filter(|old| block::is_marked(old)) else { continue };
        match block::out_of_script(&old) {
            Some(bare) => file::write(&path, &bare, file::mode(&path))?,
            None => file::remove(&path)?,
        }
        touched.push(path);
    }
    let kept = dir.join(scripts::KEPT);
    if kept.is_dir() {
        for entry in fs::read_dir(&kept)? {
            touched.push(bring_back(&entry?.path(), dir)?);
        }
        fs::remove_dir(&kept)?;
    }
    Ok(touched)
}

fn bring_back(kept: &Path, dir: &Path) -> Result<PathBuf> {
    let to = dir.join(name(kept));
    match fs::read_link(kept) {
        Ok(target) if target.is_relative() => {
            symlink(target.strip_prefix("..").unwrap_or(&target), &to)?;
            fs::remove_file(kept)?;
        }
        _ => fs::rename(kept, &to)?,
    }
    Ok(to)
}
