//! What a text says of work, as far as words and marks tell it: sections, commands, signatures, paths. Pure.

/// Programs that say by their exit whether something holds.
const RUNNERS: &[&str] = &[
    "awk",
    "bash",
    "bats",
    "bazel",
    "bun",
    "bundle",
    "cabal",
    "cargo",
    "cmake",
    "cmp",
    "composer",
    "ctest",
    "curl",
    "cypress",
    "dart",
    "deno",
    "diff",
    "docker",
    "dotnet",
    "dune",
    "eslint",
    "flutter",
    "git",
    "go",
    "gradle",
    "grep",
    "helm",
    "jest",
    "jq",
    "just",
    "kubectl",
    "lein",
    "make",
    "meson",
    "mix",
    "mvn",
    "mypy",
    "ninja",
    "nix",
    "node",
    "npm",
    "npx",
    "opam",
    "perl",
    "php",
    "phpunit",
    "playwright",
    "pnpm",
    "podman",
    "poetry",
    "prove",
    "psql",
    "pyright",
    "pytest",
    "python",
    "python3",
    "rake",
    "rg",
    "rspec",
    "ruby",
    "ruff",
    "sbt",
    "sh",
    "shellcheck",
    "sqlite3",
    "stack",
    "swift",
    "task",
    "terraform",
    "test",
    "tofu",
    "tox",
    "tsc",
    "uv",
    "vitest",
    "xcodebuild",
    "yarn",
    "zig",
    "zsh",
];

/// Of those, words that begin a sentence as well, so that a line is a command only with one of these.
const WORDS: &[&str] = &[
    "bash", "bundle", "diff", "go", "just", "make", "node", "perl", "prove", "sh", "stack",
    "swift", "task", "test",
];
const VERBS: &[&str] = &["build", "check", "ci", "lint", "run", "test", "vet", "verify"];
/// What else the others are told to do, where that is no word of a sentence about them.
const ORDERS: &[&str] = &[
    "apply",
    "audit",
    "bench",
    "clippy",
    "compose",
    "ctest",
    "diff",
    "doc",
    "eval",
    "exec",
    "fmt",
    "format",
    "get",
    "grep",
    "install",
    "log",
    "nextest",
    "plan",
    "pytest",
    "rev-parse",
    "show",
    "status",
    "template",
    "tsc",
    "typecheck",
    "validate",
];

/// Without what is meant for whoever fills it in.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (n, part) in text.split("<!--").enumerate() {
        match (n, part.split_once("-->")) {
            (0, _) => plain.push_str(part),
            (_, Some((_, after))) => plain.push_str(after),
            (_, None) => {}
        }
    }
    plain
}

/// What stands under headings that begin with one of these words, and all the rest.
pub(super) fn apart(text: &str, heads: &[&str]) -> (String, String) {
    let (mut under, mut rest) = (String::new(), String::new());
    let (mut depth, mut fenced) = (None, false);
    for line in text.lines() {
        fenced ^= is_fence(line);
        let level = line.len() - line.trim_start_matches('#').len();
        if level > 0 && !fenced {
            let is_asked = begins(line.trim_start_matches('#'), heads);
            if depth.is_none_or(|depth| level <= depth) {
                depth = is_asked.then_some(level);
            }
            // A heading by itself says nothing.
            if is_asked {
                continue;
            }
        }
        let to = if depth.is_some() { &mut under } else { &mut rest };
        to.push_str(line);
        to.push('\n');
    }
    (under, rest)
}

/// Whether something is said under such a heading, or in a sentence that begins with such a word and has a
/// colon after it.
pub(super) fn tells(text: &str, heads: &[&str]) -> bool {
    let labelled = |line: &str| {
        let label = unmarked(line).trim_start_matches('*').split_once(':');
        label.is_some_and(|(label, said)| begins(label, heads) && !said.trim().is_empty())
    };
    !apart(text, heads).0.trim().is_empty() || sentences(text).any(labelled)
}

fn begins(text: &str, heads: &[&str]) -> bool {
    let text = text.trim().to_lowercase();
    heads.iter().any(|head| text.starts_with(head))
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~")
}

/// Without its headings.
pub(super) fn bare(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

/// A line without the marks of a list.
fn unmarked(line: &str) -> &str {
    let line = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    let line = line.trim_start_matches(['-', '*', '+', '.', ')']).trim_start();
    ["[ ]", "[x]"].iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line).trim()
}

/// The lines between fences.
pub(super) fn has_block(text: &str) -> bool {
    let mut open = false;
    text.lines().any(|line| {
        let is_mark = is_fence(line);
        open ^= is_mark;
        open && !is_mark && !line.trim().is_empty()
    })
}

/// What stands between single backticks.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !is_fence(line)).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Whether a machine could run something that it says.
pub(super) fn has_command(text: &str) -> bool {
    let is_line = |line: &str| {
        let line = unmarked(line);
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let third = words.next().unwrap_or_default();
        let sure = VERBS.contains(&second)
            || second.starts_with('-')
            || !WORDS.contains(&first)
                && (ORDERS.contains(&second) || [second, third].into_iter().any(is_place));
        line.starts_with("$ ") || (RUNNERS.contains(&first) && sure)
    };
    has_block(text) || text.lines().any(is_line) || spans(text).any(is_command)
}

/// Whether a word is a path or an address, or an option.
fn is_place(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ',', ';', ':']);
    word.len() > 1 && (word.starts_with('-') || word.contains(['/', '.']))
}

fn is_command(span: &str) -> bool {
    let mut words = span.strip_prefix("$ ").unwrap_or(span).split_whitespace();
    let Some(first) = words.next() else { return false };
    let rest: Vec<_> = words.collect();
    let of_letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let is_argument = |word: &&str| {
        word.len() > 1 && word.starts_with('-')
            || word.contains('/')
            || ["|", "&&", ">"].contains(word)
    };
    first.starts_with("./")
        || first.ends_with(".sh")
        || (RUNNERS.contains(&first) && (!rest.is_empty() || !WORDS.contains(&first)))
        || (first.chars().all(of_letters) && rest.iter().any(is_argument))
}

/// Whether it shows how something is called: a signature, an option, a path of a service.
pub(super) fn has_signature(text: &str) -> bool {
    let is_one = |span: &str| {
        let called = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE ", "--"];
        span.contains(['(', '=', '{'])
            || span.contains("->")
            || span.contains("::")
            || called.iter().any(|call| span.starts_with(call))
    };
    has_block(text) || spans(text).any(is_one)
}

pub(super) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split_inclusive(". ")).flat_map(|some| some.split("; "))
}

/// Words with the marks around them taken off.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let outer = |c: char| !c.is_alphanumeric() && !"_#".contains(c);
    text.split_whitespace().map(move |word| word.trim_matches(outer))
}

/// What may be paths in it.
pub(super) fn paths(text: &str) -> impl Iterator<Item = &str> {
    let is_mark = |c: char| c.is_whitespace() || "`'\"(),;<>".contains(c);
    let words = text.split(is_mark).map(|word| word.trim_start_matches("./"));
    let words =
        words.map(|word| word.split(':').next().unwrap_or(word).trim_end_matches(['.', '/']));
    words.filter(|word| word.contains(['/', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_what_a_machine_can_run_and_a_word_is_none() {
        for (text, is) in [
            ("tests", false),
            ("All tests pass and the code is clean", false),
            ("make sure that it works", false),
            ("test that it works", false),
            ("go to the page and look", false),
            ("`Parser` is fast, `not found` is shown", false),
            ("`src/parser.rs` has no warnings", false),
            ("- [ ] `cargo test parser` passes", true),
            ("1. cargo test parser", true),
            ("make check", true),
            ("cargo is happy", false),
            ("npm works", false),
            ("git happens.", false),
            ("curl returns 200", false),
            ("cargo clippy --all-targets", true),
            ("pytest tests/parser.py", true),
            ("grep -c done log.txt", true),
            ("rg TODO src/", true),
            ("curl https://example.org/health answers 200", true),
            ("$ mytool run", true),
            ("`mytool --check a.txt` exits with 0", true),
            ("`make` succeeds", false),
            ("`./ci/build.sh` exits with 0", true),
            ("`pytest` is green", true),
            ("```sh\nanything\n```", true),
            ("```\n\n```", false),
        ] {
            assert_eq!(has_command(text), is, "{text}");
        }
    }

    #[test]
    fn sections_are_told_apart_by_their_headings() {
        let text = "Why.\n## Acceptance Criteria\n- `make test`\n### More\nx\n## Notes\nlater\n";
        let (under, rest) = apart(text, &["acceptance"]);
        assert_eq!((&*under, &*rest), ("- `make test`\n### More\nx\n", "Why.\n## Notes\nlater\n"));
        for (text, is) in [
            ("## Output\na line", true),
            ("## Output\n", false),
            ("- **Output:** a line", true),
            ("Output:", false),
            ("It is wrong. Output: a line", true),
            ("```\n# Output\n```\n", false),
        ] {
            assert_eq!(tells(text, &["output"]), is, "{text}");
        }
        assert_eq!(plain("a<!-- b\nc -->d<!-- e"), "ad");
    }

    #[test]
    fn paths_are_found_among_words() {
        let text = "See `src/a.rs:12`, ./docs/b.md. (web/c.ts) and e.g. nothing/";
        let found: Vec<_> = paths(text).collect();
        assert_eq!(found, ["src/a.rs", "docs/b.md", "web/c.ts", "e.g"]);
    }
}
