//! The environment as it was when the command started: captured once by `cli::context`, then a
//! plain value.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

/// Environment variables that are text; others do not exist for us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(IndexMap<String, String>);

impl Environment {
    /// The value, if it is set and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// `PATH` without its relative entries: what stands in the current directory is never ours to run.
    pub fn search_path(&self) -> String {
        let kept = std::env::split_paths(self.get("PATH").unwrap_or_default())
            .filter(|entry| entry.is_absolute());
        std::env::join_paths(kept).ok().and_then(|path| path.into_string().ok()).unwrap_or_default()
    }

    /// Where a program stands: the path itself when it names one, else the first on `PATH`.
    pub fn path_of(&self, program: &str) -> Option<PathBuf> {
        which::which_in_global(program, Some(self.search_path()))
            .ok()?
            .next()
            .filter(|found| found.is_absolute())
    }

    pub fn home(&self) -> Option<&Path> {
        self.get("HOME").map(Path::new)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_entry_is_never_searched() {
        let told = [("PATH", ".:bin:/usr/bin:/bin:"), ("EMPTY", "")];
        let env: Environment =
            told.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
        assert_eq!(env.search_path(), "/usr/bin:/bin");
        assert!(env.path_of("sh").is_some_and(|sh| sh.is_absolute()));
        assert_eq!(env.path_of("no-such-program-anywhere"), None);
        assert_eq!(env.get("EMPTY"), None);
    }
}
