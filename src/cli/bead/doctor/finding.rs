//! One thing that is wrong or worth knowing: how bad it is, why it matters, and what mends it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// How bad it is: a note is worth knowing and nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Problem,
    Note,
}

/// What `--fix` may do without asking: none of it touches a line, a commit or a file of a person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    Alternates,
    Caches(Vec<PathBuf>),
    /// What any changing command does by the way.
    Tend,
    Remove(Vec<PathBuf>),
    Share(Vec<PathBuf>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub check: &'static str,
    pub level: Level,
    pub what: String,
    pub why: Cow<'static, str>,
    /// The command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    #[serde(skip)]
    pub fix: Option<Fix>,
}

impl Finding {
    pub(super) fn problem(check: &'static str, what: impl Into<String>, why: &'static str) -> Self {
        let (what, why) = (what.into(), Cow::Borrowed(why));
        Self { check, level: Level::Problem, what, why, mend: None, fix: None }
    }

    pub(super) fn note(check: &'static str, what: impl Into<String>, why: &'static str) -> Self {
        Self { level: Level::Note, ..Self::problem(check, what, why) }
    }

    pub(super) fn mend(self, command: impl Into<String>) -> Self {
        Self { mend: Some(command.into()), ..self }
    }

    /// With what a command comes to, where that is told.
    pub(super) fn because(self, told: Option<&String>) -> Self {
        match told {
            Some(told) => Self { why: format!("{}; {told}", self.why).into(), ..self },
            None => self,
        }
    }

    pub(super) fn fixed(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self.mend("git bead doctor --fix") }
    }
}

pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(super) fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| name(path)).collect::<Vec<_>>().join(", ")
}
