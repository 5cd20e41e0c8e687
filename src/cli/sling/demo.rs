//! `git sling demo`: the whole loop on a small project, without network or agent programs.
//!
//! The demo is a shell script. This verb lays it out in a directory with what it needs and becomes
//! the shell that runs it, so there is nothing in the demo that cannot be done by hand.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cli::context::Context;
use crate::cli::show::Done;
use crate::host::process::Program;
use crate::host::share;
use crate::refusal::Refusal;

macro_rules! material {
    ($($mode:literal $place:literal = $file:literal),* $(,)?) => {
        &[$(($mode, $place, include_str!(concat!("demo/", $file)))),*]
    };
}

/// Mode, place in the demo's directory, and text of every file the demo starts with.
const MATERIAL: &[(u32, &str, &str)] = material![
    0o755 "demo.sh" = "demo.sh",
    0o755 "enter.sh" = "enter.sh",
    0o755 "bin/quill-agent" = "quill-agent",
    0o644 "home/.config/shopfloor/config.toml" = "config.toml",
    0o644 "project/README.md" = "project/README.md",
    0o644 "project/VERSION" = "project/VERSION",
    0o644 "project/shopfloor.toml" = "project/shopfloor.toml",
    0o755 "project/quill" = "project/quill",
    0o644 "project/lib/lines.sh" = "project/lib/lines.sh",
    0o644 "project/tests/lines.cases" = "project/tests/lines.cases",
    0o644 "project/tests/run.sh" = "project/tests/run.sh",
    0o644 "tasks/example.sh" = "tasks/example.sh",
    0o644 "tasks/lower.sh" = "tasks/lower.sh",
    0o644 "tasks/quote.sh" = "tasks/quote.sh",
    0o644 "tasks/release.sh" = "tasks/release.sh",
    0o644 "tasks/slug.sh" = "tasks/slug.sh",
    0o644 "tasks/trim.sh" = "tasks/trim.sh",
    0o644 "tasks/where.sh" = "tasks/where.sh",
    0o644 "tasks/wrap.sh" = "tasks/wrap.sh",
];

const TOOLS: [&str; 4] = ["git-bead", "git-sling", "git-convoy", "git-refinery"];

/// Show the whole loop on a small project: eight beads, four scripted agents, no network
///
/// Lays out a directory with a project, the agents and the script that plays them, and runs it.
/// Nothing of yours is read or changed. Without DIR it takes a new directory under
/// $XDG_CACHE_HOME/shopfloor, or here where there is no home.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git sling demo
  git sling demo --no-run ./demo")]
pub(super) struct Demo {
    /// Where to lay it out; must not exist, or be empty
    #[arg(value_name = "DIR")]
    place: Option<PathBuf>,
    /// Lay it out, and leave running it to you
    #[arg(long)]
    no_run: bool,
}

impl Demo {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let dir = match &self.place {
            Some(place) => vacant(&cx.path(place))?,
            None => fresh(&base(cx))?,
        };
        lay_out(&dir).with_context(|| format!("laying out the demo in {}", dir.display()))?;
        cx.note(format!("The demo is laid out in {}", dir.display()));
        let script = dir.join("demo.sh");
        if self.no_run {
            cx.hint(format!("sh {} runs it", script.display()));
            return Ok(Done::silent());
        }
        Err(Program::new("sh").args([script]).become_it())
    }
}

/// Where demos go when nobody says so.
fn base(cx: &Context) -> PathBuf {
    let absolute = |key: &str| cx.env.get(key).filter(|path| path.starts_with('/'));
    let cache = absolute("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || absolute("HOME").map(|home| Path::new(home).join(".cache"));
    cache.or_else(home).map_or_else(|| cx.here.clone(), |cache| cache.join("shopfloor"))
}

/// The first of `demo`, `demo-2`, … that is not there yet.
fn fresh(base: &Path) -> Result<PathBuf> {
    share::make_dirs(base).with_context(|| format!("making {}", base.display()))?;
    let names = std::iter::once("demo".to_owned()).chain((2..).map(|n| format!("demo-{n}")));
    for dir in names.map(|name| base.join(name)) {
        match share::make_dir(&dir) {
            Ok(()) => return Ok(dir.canonicalize()?),
            Err(no) if no.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(no) => return Err(no).with_context(|| format!("making {}", dir.display())),
        }
    }
    Err(Refusal::fatal(format!("no free name for a demo in {}", base.display())).into())
}

/// The directory that was asked for, made if need be.
fn vacant(dir: &Path) -> Result<PathBuf> {
    share::make_dirs(dir).with_context(|| format!("making {}", dir.display()))?;
    if fs::read_dir(dir)?.next().is_some() {
        return Err(Refusal::refused(format!("{} is not empty", dir.display()))
            .hint("the demo wants a directory of its own; leave the name out and it takes one")
            .into());
    }
    Ok(dir.canonicalize()?)
}

fn lay_out(dir: &Path) -> Result<()> {
    for (mode, place, text) in MATERIAL {
        let path = dir.join(place);
        share::make_dirs(path.parent().unwrap_or(dir))?;
        share::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
    }
    share::make_dir(&dir.join("run"))?;
    // The commands that stand beside this one, so that the demo shows these and no others.
    let here = std::env::current_exe()?;
    for tool in TOOLS {
        let command = here.with_file_name(tool);
        if command.is_file() {
            symlink(&command, dir.join("bin").join(tool))?;
        }
    }
    Ok(())
}
