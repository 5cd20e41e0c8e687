//! `git bead manual`: what `git help bead` shows.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap_mangen::Man;
use serde::Serialize;

use crate::cli;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show};
use crate::host::share;
use crate::refusal::Refusal;

/// Write the manual pages, so that `git help bead` finds them
///
/// One page for each of the four commands and each of their verbs, and one that tells what the ledger
/// promises. Without DIR they go where man looks for the pages of what is on PATH: share/man beside the
/// directory of the commands, for cargo's own ~/.cargo/share/man.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead manual                       then: git help bead, git help shopfloor
  git bead manual /usr/local/share/man")]
pub(in crate::cli) struct Manual {
    /// A directory in which man looks, such as /usr/local/share/man
    #[arg(value_name = "DIR")]
    into: Option<PathBuf>,
}

/// What `git help shopfloor` shows.
const PROMISES: &str = include_str!("gitshopfloor.7");

impl Manual {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let dir = match &self.into {
            Some(dir) => cx.path(dir),
            None => beside(cx)?,
        };
        let section = dir.join("man1");
        let writing = || format!("writing manual pages to {}", section.display());
        share::make_dirs(&section).with_context(writing)?;
        for tool in cli::grammars() {
            let mut tool = tool.disable_help_subcommand(true);
            tool.build();
            write(&tool, &section).with_context(writing)?;
        }
        share::make_dirs(&dir.join("man7")).with_context(writing)?;
        share::write(&dir.join("man7/gitshopfloor.7"), PROMISES).with_context(writing)?;
        Ok(Written { dir }.into())
    }
}

/// The page of a verb, and those of the verbs below it.
fn write(verb: &clap::Command, section: &Path) -> io::Result<()> {
    for below in verb.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below, section)?;
    }
    let man = Man::new(verb.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    // Examples stand as they are, line by line.
    let page = String::from_utf8_lossy(&page).replace(".SH EXTRA\n", ".SH EXAMPLES\n.nf\n");
    share::write(&section.join(man.get_filename()), page.replace("\nExamples:\n", "\n"))
}

/// The place for pages that belongs to the place of the commands.
fn beside(cx: &Context) -> Result<PathBuf> {
    let found = cx.env.path_of("git-bead");
    let home = found.as_deref().and_then(Path::parent).and_then(Path::parent);
    let no = || Refusal::refused("git-bead is not on PATH, so man would not find its pages either");
    let dir = home.ok_or_else(|| no().hint("git bead manual DIR names the place"))?;
    Ok(dir.join("share/man"))
}

#[derive(Serialize)]
struct Written {
    dir: PathBuf,
}

impl Show for Written {
    fn show(&self, out: &mut Screen) {
        out.line(format!("The manual is in {}; git help bead opens it", self.dir.display()));
    }
}
