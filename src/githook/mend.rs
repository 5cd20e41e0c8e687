//! Hook managers write their files again whenever they are installed, over our lines or past them.
//! Whoever of us comes by next looks, and puts back what is missing. A repository may have been moved,
//! and then its routes lead nowhere: a commit there is enough for the push that follows it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::git::Repo;
use crate::githook::settings::Settings;
use crate::githook::{block, file, install, outfit, place, route, scripts, settings, whose};
use crate::ledger;

/// Mostly a look at a dozen small files; says so where it had to do something. What nobody set up,
/// or `deinit` has cleared away, stays as it is.
pub fn mend(repo: &Repo) -> Result<Option<String>> {
    outfit::heal(repo)?;
    let mut back = Vec::new();
    let set_up = is_set_up(repo)?;
    if set_up {
        make_way(repo)?;
        follow(repo)?;
    }
    if set_up && !is_whole(repo)? {
        let _lock = file::Lock::take(&repo.own_dir()?.join("hooks-mended"))?;
        let changes = install::again(repo)?;
        install::apply(repo, &changes)?;
        let top = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
        let seen = |path: PathBuf| path.strip_prefix(&top).map(Path::to_owned).unwrap_or(path);
        back.extend(changes.into_iter().map(|change| seen(change.place).display().to_string()));
    }
    if repo.git_dir() != repo.common_dir() && outfit::rechain(repo)? {
        back.push("the hooks of this work tree".to_owned());
    }
    let what = (!back.is_empty())
        .then(|| format!("note: git hooks had lost our lines, they are back: {}", back.join(", ")));
    Ok(what)
}

/// Where there was no remote, a push to `origin` is rewritten, and so would be one to every address that
/// begins like that: it ends with the first remote.
fn make_way(repo: &Repo) -> Result<()> {
    let path = repo.common_dir().join("config");
    let file = file::read(&path)?.unwrap_or_default();
    if settings::without_stand_in(&file)?.is_none() || route::upstream_is_nowhere(repo)? {
        return Ok(());
    }
    file::edit_config(&path, |old| {
        let without = old.map(settings::without_stand_in).transpose()?.flatten();
        Ok(without.or(old.map(<[u8]>::to_vec)))
    })?;
    repo.config_changed();
    Ok(())
}

/// The ledger may have another name at the remote since `init` wrote down what is fetched.
fn follow(repo: &Repo) -> Result<()> {
    let path = repo.common_dir().join("config");
    let file = file::read(&path)?.unwrap_or_default();
    let Some((remote, spec)) = settings::fetched(&file)? else { return Ok(()) };
    let Some(now) = ledger::fetched_by(repo, &remote)?.filter(|now| *now != spec) else {
        return Ok(());
    };
    let wanted = Settings::default().with(&format!("remote.{remote}.fetch"), &now);
    file::edit_config(&path, |old| settings::put(old, &wanted).map(Some))?;
    repo.config_changed();
    Ok(())
}

pub(super) fn is_set_up(repo: &Repo) -> Result<bool> {
    let config = file::read(&repo.common_dir().join("config"))?.unwrap_or_default();
    Ok(settings::get(&config, "shopfloor.prefix")?.is_some())
}

/// Whether git finds our lines where it looks now. Starts no program.
pub(super) fn is_whole(repo: &Repo) -> Result<bool> {
    let config = file::read(&repo.common_dir().join("config"))?.unwrap_or_default();
    let place = place::found(repo)?;
    let said = settings::get(&config, "core.hooksPath")?;
    if said.is_some_and(|dir| whose::is_our_dir(&dir)) {
        return outfit::is_chained(&place::beside(repo), &place.named, &place.dir);
    }
    for (name, _) in scripts::SHIPPED {
        if !file::read(&place.script(name))?.is_some_and(|text| block::is_whole(&text)) {
            return Ok(false);
        }
    }
    Ok(true)
}
