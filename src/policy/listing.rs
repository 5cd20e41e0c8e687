//! One line in the person's own file for a repository, so that its beads are found from anywhere. The
//! rest of the file stays as it is, comments and all, and the line goes as it came. Pure: text in, text out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Person;

/// How a line of ours ends; nothing else is changed or taken away.
const MARK: &str = "  # by git bead init";
/// The same where there was no file before.
const ALL_OURS: &str = "  # by git bead init, with this file";
const HEADER: &str = "[repositories]";

/// The file with `prefix` leading to `path`; `None` when it cannot be put there line by line.
pub fn list(file: Option<&str>, prefix: &str, path: &Path) -> Option<String> {
    let value = toml::Value::from(path.to_str()?);
    let entry = format!("{prefix} = {value}{MARK}");
    let old = file.unwrap_or_default();
    let mut lines: Vec<String> = lines(old);
    lines.retain(|line| !(line.starts_with(&format!("{prefix} = ")) && line.ends_with(MARK)));
    let header =
        lines.iter().position(|line| line.split('#').next().map(str::trim) == Some(HEADER));
    if let Some(at) = header {
        lines.insert(at + 1, entry);
    } else {
        let mark = if file.is_none() { ALL_OURS } else { MARK };
        lines.extend([format!("{HEADER}{mark}"), entry]);
    }
    let new = joined(&lines, old);
    let mut wanted = repositories(old)?;
    wanted.insert(prefix.to_owned(), path.to_owned());
    (repositories(&new)? == wanted).then_some(new)
}

/// The file without our line for the repository at `path`; `None` when nothing is left of what we made.
pub fn unlist(file: &str, path: &Path) -> Option<String> {
    let value = path.to_str().map(|path| toml::Value::from(path).to_string()).unwrap_or_default();
    let mut lines = lines(file);
    lines.retain(|line| {
        let said = line.strip_suffix(MARK).and_then(|line| line.split_once(" = "));
        said.is_none_or(|(_, said)| said != value)
    });
    let header = lines.iter().position(|line| {
        line.strip_prefix(HEADER).is_some_and(|mark| mark == MARK || mark == ALL_OURS)
    });
    let Some(at) = header else { return Some(joined(&lines, file)) };
    let next = lines.get(at + 1..).unwrap_or_default().iter().find(|line| !line.trim().is_empty());
    if next.is_none_or(|line| line.trim_start().starts_with('[')) {
        let header = lines.remove(at);
        if header.ends_with(ALL_OURS) && lines.is_empty() {
            return None;
        }
    }
    Some(joined(&lines, file))
}

fn lines(text: &str) -> Vec<String> {
    text.split_terminator('\n').map(str::to_owned).collect()
}

/// With a line break at the end if there was one; an empty file gets one.
fn joined(lines: &[String], old: &str) -> String {
    let mut text = lines.join("\n");
    if !text.is_empty() && (old.is_empty() || old.ends_with('\n')) {
        text.push('\n');
    }
    text
}

fn repositories(text: &str) -> Option<BTreeMap<String, PathBuf>> {
    toml::from_str::<Person>(text).ok().map(|person| person.repositories.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_and_goes_and_the_rest_stays() {
        let files = [
            None,
            Some(""),
            Some("notify = ['x']"),
            Some("# mine\n\n[agents.a] # first\ncommand = ['a']\n"),
            Some("[repositories]\n"),
            Some("[repositories]"),
            Some("[repositories]  # here\nweb = '/w'  # the site\n\n[agents.a]\ncommand = ['a']\n"),
        ];
        for file in files {
            let new = list(file, "api", Path::new("/a \"b\"")).unwrap();
            assert_eq!(repositories(&new).unwrap()["api"], Path::new("/a \"b\""));
            assert_eq!(
                list(Some(&new), "api", Path::new("/a \"b\"")).unwrap(),
                new,
                "twice is once"
            );
            let two = list(Some(&new), "cli", Path::new("/c")).unwrap();
            let one = unlist(&two, Path::new("/a \"b\"")).unwrap();
            assert_eq!(repositories(&one).unwrap()["cli"], Path::new("/c"));
            assert_eq!(unlist(&one, Path::new("/c")).as_deref(), file);
            assert_eq!(unlist(&new, Path::new("/other")).as_deref(), Some(new.as_str()));
        }
    }

    #[test]
    fn what_lines_cannot_say_is_left_alone() {
        for file in [
            "[ repositories ]\n",
            "repositories = {}\n",
            "repositories.web = '/w'\n",
            "notify = \"\"\"\n[repositories]\n\"\"\"\n",
            "[repositories]\napi = '/other'\n",
            "broken",
        ] {
            assert_eq!(list(Some(file), "api", Path::new("/a")), None, "{file}");
        }
    }
}
