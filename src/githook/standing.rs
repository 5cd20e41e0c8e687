//! How the git hooks and the routes stand, for who asks what is wrong. Changes nothing, starts nothing.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::git::Repo;
use crate::githook::{file, mend, outfit, place, settings};

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Whether `init` was here.
    pub set_up: bool,
    /// Whether git finds our lines where it looks.
    pub whole: bool,
    /// The hooks directory, were it not for us, where it is not the repository's own.
    pub foreign: Option<PathBuf>,
    /// Where our commands stood when hooks were written, if they stand there no more.
    pub gone: Option<PathBuf>,
    /// Whether routes or hooks lead to where the repository was before it was moved, or to what was
    /// deleted of ours.
    pub moved: bool,
}

pub fn standing(repo: &Repo) -> Result<Standing> {
    let config = file::read(&repo.common_dir().join("config"))?.unwrap_or_default();
    if !mend::is_set_up(repo)? {
        return Ok(Standing::default());
    }
    let place = place::found(repo)?;
    let programs = settings::get(&config, "shopfloor.path")?.map(PathBuf::from);
    let has_ours = |dir: &PathBuf| dir.join("git-bead").exists();
    let here = repo.common_dir().as_os_str().as_encoded_bytes();
    let elsewhere =
        file::read(&repo.common_dir().join("shopfloor/place"))?.as_deref() != Some(here);
    let mut moved = false;
    for (config, _) in outfit::configs(repo)? {
        let text = match file::read(&config) {
            Ok(text) => text.unwrap_or_default(),
            // That work tree is somebody else's, who shares it with nobody.
            Err(no) if is_shut(&no) => continue,
            Err(no) => return Err(no),
        };
        moved |= elsewhere && settings::relocate(&text, repo.common_dir())?.is_some();
    }
    let own = repo.common_dir().join("hooks");
    Ok(Standing {
        set_up: true,
        whole: mend::is_whole(repo)?,
        foreign: Some(place.dir).filter(|dir| *dir != own && dir.as_path() != Path::new("")),
        gone: programs.filter(|dir| !has_ours(dir)),
        moved,
    })
}

fn is_shut(no: &anyhow::Error) -> bool {
    let no = no.downcast_ref::<std::io::Error>();
    no.is_some_and(|no| no.kind() == std::io::ErrorKind::PermissionDenied)
}
