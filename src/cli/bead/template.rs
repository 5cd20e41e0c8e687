//! `git bead template`: descriptions to fill in, ours and those of the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::bead::lint::template;
use crate::bead::words::usual_type;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::refusal::Refusal;

/// Where those of the repository stand.
const DIR: &str = ".shopfloor/templates";
const MOST_BYTES: u64 = 64 << 10;

/// Print a description to fill in, so that nothing is forgotten
///
/// There is one for a bug, an epic and a decision; every other type has that of a task. One of your own is
/// the file .shopfloor/templates/TYPE.md in the work tree: it goes before ours, and a bead of that type that
/// is created without a description begins with it. What stands in <!-- --> says what to write there, and
/// counts for nothing. Without TYPE all there are are named.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead template
  git bead template bug                 fill it in; create --body-file FILE --validate")]
pub(in crate::cli) struct Template {
    /// bug, feature, task, epic, chore, decision, or a word of your own
    #[arg(value_name = "TYPE")]
    issue_type: Option<String>,
}

impl Template {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let Some(issue_type) = self.issue_type else { return Ok(all(cx)?.into()) };
        let own = own(cx, usual_type(&issue_type))?;
        let description = own.unwrap_or_else(|| template::of(usual_type(&issue_type)).to_owned());
        Ok(Form { issue_type, description }.into())
    }
}

/// What the repository has for this type. No link is followed: what it brings along must not say which file
/// of this machine becomes a description.
pub(super) fn own(cx: &Context, issue_type: &str) -> Result<Option<String>> {
    let Some(dir) = dir(cx) else { return Ok(None) };
    let path = dir.join(format!("{issue_type}.md"));
    if issue_type.contains(['/', '\\', '\0']) || fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let reading = || format!("reading {}", path.display());
    if fs::canonicalize(&path).with_context(reading)? != path {
        let no = Refusal::fatal(format!("{} is behind a link", path.display()));
        return Err(no.hint("a template is a file of the repository itself").into());
    }
    if fs::metadata(&path).with_context(reading)?.len() > MOST_BYTES {
        let no = Refusal::fatal(format!("{} is no template", path.display()));
        return Err(no.hint("it has more than 64 KiB").into());
    }
    fs::read_to_string(&path).with_context(reading).map(Some)
}

/// In the work tree, as no link names it.
fn dir(cx: &Context) -> Option<PathBuf> {
    let top = cx.repo().ok()?.work_dir()?;
    Some(fs::canonicalize(top).ok()?.join(DIR))
}

fn all(cx: &Context) -> Result<All> {
    let mut found: BTreeMap<_, _> =
        template::TYPES.iter().map(|known| ((*known).to_owned(), false)).collect();
    let files = dir(cx).and_then(|dir| fs::read_dir(dir).ok());
    for file in files.into_iter().flatten() {
        let name = file.context("reading the templates")?.file_name();
        let name = Path::new(&name);
        if name.extension().is_some_and(|extension| extension == "md") {
            found.insert(name.with_extension("").to_string_lossy().into_owned(), true);
        }
    }
    Ok(All(found.into_iter().map(|(issue_type, own)| Known { issue_type, own }).collect()))
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<Known>);

#[derive(Serialize)]
struct Known {
    #[serde(rename = "type")]
    issue_type: String,
    /// Whether the repository has it, and not we.
    own: bool,
}

impl Show for All {
    fn show(&self, out: &mut Screen) {
        for Known { issue_type, own } in &self.0 {
            let whose = if *own { format!("  {DIR}/{issue_type}.md") } else { String::new() };
            out.parts(&[(Tone::Id, issue_type), (Tone::Faint, &whose)]);
        }
    }
}

#[derive(Serialize)]
struct Form {
    #[serde(rename = "type")]
    issue_type: String,
    description: String,
}

impl Show for Form {
    fn show(&self, out: &mut Screen) {
        out.block(&self.description, 0);
    }
}
