//! Which paths does a pattern mean, and do two patterns mean a path in common? Pure.
//!
//! They are read as git reads `:(top,glob)`: from the root of the tree; `*`, `?` and `[a-z]` stay within
//! one name, and `**` between slashes is any number of directories. A pattern without any of them means
//! that path and all below it; but a name with an extension is that of a file, unless a slash follows.

use crate::policy::units::{Unit, meet, units};
use crate::refusal::Refusal;

const LONGEST: usize = 512;

/// A pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Any number of names.
    Many,
    Name(Vec<Unit>),
}

impl Glob {
    /// Refuses what git would read otherwise than its writer.
    pub fn new(said: &str) -> Result<Self, Refusal> {
        let text = said.trim().trim_start_matches("./");
        let path = text.trim_end_matches('/');
        let read = parts(path, path != text);
        read.map(|parts| Self { text: text.to_owned(), parts }).map_err(|why| {
            Refusal::usage(format!("{said:?} is no pattern of paths: {why}"))
                .hint("from the root of the repository: 'src/auth/**', 'src/*.rs', 'Cargo.toml'")
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn matches(&self, path: &str) -> bool {
        let plain = |name: &str| Part::Name(name.chars().map(Unit::only).collect());
        Part::meet(&self.parts, &path.split('/').map(plain).collect::<Vec<_>>())
    }

    /// Whether there can be a path that both mean.
    pub fn meets(&self, other: &Self) -> bool {
        Part::meet(&self.parts, &other.parts)
    }

    /// What every path that it means begins with.
    pub fn start(&self) -> String {
        let mut start = String::new();
        for part in &self.parts {
            let Part::Name(units) = part else { return start };
            if !start.is_empty() {
                start.push('/');
            }
            for unit in units {
                let Some(c) = unit.plain() else { return start };
                start.push(c);
            }
        }
        start
    }
}

fn parts(text: &str, is_dir: bool) -> Result<Vec<Part>, String> {
    if text.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} bytes"));
    }
    if text.contains(char::is_control) {
        return Err("it is no line of plain text".to_owned());
    }
    if text.starts_with(['/', ':', '!']) {
        return Err("a path in a tree begins with a name".to_owned());
    }
    let mut parts = Vec::new();
    let mut names = text.split('/').peekable();
    while let Some(name) = names.next() {
        match name {
            "" => return Err("a name in it is empty".to_owned()),
            "." | ".." => return Err(format!("`{name}` leads nowhere in a tree")),
            // Below a directory is at least one name.
            "**" if names.peek().is_none() => {
                parts.extend([Part::Name(vec![Unit::Star]), Part::Many]);
            }
            "**" => parts.push(Part::Many),
            name => parts.push(Part::Name(units(name)?)),
        }
    }
    // What has an extension is a file, unless it is said to be a directory.
    let name = text.rsplit('/').next().unwrap_or(text);
    let is_plain = !text.contains(['*', '?', '[', '\\']);
    if is_plain && (is_dir || !name.trim_start_matches('.').contains('.')) {
        parts.push(Part::Many);
    } else if is_dir {
        parts.extend([Part::Name(vec![Unit::Star]), Part::Many]);
    }
    Ok(parts)
}

impl Part {
    fn meet(one: &[Self], other: &[Self]) -> bool {
        meet(
            one,
            other,
            |part| *part == Self::Many,
            |one, other| match (one, other) {
                (Self::Name(one), Self::Name(other)) => Unit::meet(one, other),
                _ => true,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::new(text).unwrap()
    }

    #[test]
    fn a_pattern_means_what_git_means_by_it() {
        for (pattern, path, is) in [
            ("src/**", "src/a/b.rs", true),
            ("src/**", "src", false),
            ("src", "src/a.rs", true),
            ("src/", "src/a/b.rs", true),
            ("src", "srcs", false),
            ("v1.2/", "v1.2/a.md", true),
            ("src/*/", "src/x/a.rs", true),
            ("src/*/", "src/a.rs", false),
            (".github", ".github/a.yml", true),
            ("sr*", "src/a.rs", false),
            ("*.rs", "a.rs", true),
            ("*.rs", "src/a.rs", false),
            ("**/*.rs", "a.rs", true),
            ("**/*.rs", "src/x/a.rs", true),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a**b", "axb", true),
            ("a**b", "a/b", false),
            ("**", "a/b/c", true),
            ("[a-c]?.rs", "bx.rs", true),
            ("[!a-c]?.rs", "bx.rs", false),
            ("[]x]", "]", true),
            ("[a-]", "-", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("app/[[]id]/page.tsx", "app/[id]/page.tsx", true),
        ] {
            assert_eq!(glob(pattern).matches(path), is, "{pattern} {path}");
        }
    }

    #[test]
    fn two_patterns_meet_where_one_path_could_be_meant_by_both() {
        for (one, other, is) in [
            ("src/**/a.rs", "src/b/*", true),
            ("src/**/a.rs", "src/b/*.md", false),
            ("src/**/a.rs", "src/b", true),
            ("src/auth/**", "src/auth/token.rs", true),
            ("src/auth/**", "src/author.rs", false),
            ("src/auth", "src/auth/**", true),
            ("*/x", "y/*", true),
            ("**/a*", "**/*b", true),
            ("docs/tokens.md", "**/*.rs", false),
            ("docs/tokens", "**/*.rs", true),
            ("[a-c]", "[d-f]", false),
            ("[!a-c]", "[b-d]", true),
            ("[.-0]", "[!0-9]", true),
            ("[!a]", "a", false),
            ("Cargo.*", "Cargo.toml", true),
            ("Cargo.*", "src/Cargo.toml", false),
        ] {
            assert_eq!(glob(one).meets(&glob(other)), is, "{one} {other}");
            assert_eq!(glob(other).meets(&glob(one)), is, "{other} {one}");
        }
    }

    #[test]
    fn what_would_be_read_otherwise_than_meant_is_no_pattern() {
        for no in [
            "", "/", "/src", "../x", "a//b", "a/./b", "a[b", "a\\", "{a,b}", ":(top)a", "!a",
            "a\nb",
        ] {
            assert!(Glob::new(no).is_err(), "{no:?}");
        }
        assert!(Glob::new(&"x".repeat(513)).is_err() && Glob::new("[[:alpha:]]").is_err());
    }

    /// The meaning of patterns in a few lines: slow, and told apart from the one above by everything.
    fn means(pattern: &[char], path: &[char], fresh: bool) -> bool {
        match (pattern, path) {
            ([], []) => true,
            (['*', '*', '/', rest @ ..], _) if fresh => {
                means(rest, path, true)
                    || path
                        .iter()
                        .position(|c| *c == '/')
                        .is_some_and(|at| means(pattern, &path[at + 1..], true))
            }
            (['*', '*'], [_, ..]) if fresh => true,
            (['*', rest @ ..], _) => {
                means(rest, path, false)
                    || path
                        .split_first()
                        .is_some_and(|(c, after)| *c != '/' && means(pattern, after, false))
            }
            (['?', rest @ ..], [c, after @ ..]) => *c != '/' && means(rest, after, false),
            (['[', '!', no, ']', rest @ ..], [c, after @ ..]) => {
                *c != '/' && c != no && means(rest, after, false)
            }
            ([p, rest @ ..], [c, after @ ..]) => p == c && means(rest, after, *c == '/'),
            _ => false,
        }
    }

    fn slow(pattern: &str, path: &str) -> bool {
        let (chars, path): (Vec<_>, Vec<_>) = (pattern.chars().collect(), path.chars().collect());
        let is_plain = !pattern.contains(['*', '?', '[']);
        let below =
            || path.strip_prefix(chars.as_slice()).is_some_and(|rest| rest.first() == Some(&'/'));
        means(&chars, &path, true) || (is_plain && below())
    }

    /// All paths of so many of these names at most.
    fn paths(names: &[&str], most: usize) -> Vec<String> {
        let mut all: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut from = 0;
        for _ in 1..most {
            let until = all.len();
            for n in from..until {
                let above = all[n].clone();
                all.extend(names.iter().map(|name| format!("{above}/{name}")));
            }
            from = until;
        }
        all
    }

    fn pattern(units: usize, parts: usize) -> impl Strategy<Value = String> {
        let unit = prop::sample::select(vec!["a", "b", "*", "?", "[!a]"]);
        let name = prop::collection::vec(unit, 1..=units).prop_map(|units| units.concat());
        let name = name.prop_filter("more than a name", |name| name != "**");
        let part = prop_oneof![3 => name, 1 => Just("**".to_owned())];
        prop::collection::vec(part, 1..=parts).prop_map(|parts| parts.join("/"))
    }

    /// The paths are so many that what two such patterns have in common is among them.
    fn agrees(all: &[String], one: &str, other: &str) -> Result<(), TestCaseError> {
        let [a, b] = [one, other].map(glob);
        let mut common = false;
        for path in all {
            let [by_one, by_other] = [one, other].map(|text| slow(text, path));
            prop_assert_eq!((a.matches(path), b.matches(path)), (by_one, by_other), "{}", path);
            prop_assert!(!by_one || path.starts_with(&a.start()), "{} {}", path, a.start());
            common |= by_one && by_other;
        }
        prop_assert_eq!(a.meets(&b), common);
        Ok(())
    }

    proptest! {
        #[test]
        fn long_names_match_and_meet_as_all_paths_say(one in pattern(2, 2), other in pattern(2, 2)) {
            agrees(&paths(&["a", "b", "aa", "ab", "ba", "bb"], 3), &one, &other)?;
        }

        #[test]
        fn long_paths_match_and_meet_as_all_paths_say(one in pattern(1, 4), other in pattern(1, 4)) {
            agrees(&paths(&["a", "b"], 7), &one, &other)?;
        }
    }
}
