//! Reads what a gate printed: where it failed, what it expected, what it received. Knows rustc,
//! cargo test, pytest, jest and go, and `file:line: message` of everybody else. Pure; what it does
//! not understand stays in the tail.

use serde::{Deserialize, Serialize};

/// One failure as the output tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<String>,
}

/// More than this helps nobody; the whole output is kept beside.
const FAILURES: usize = 8;
const TAIL_LINES: usize = 40;
const TAIL_BYTES: usize = 4096;

/// The failures an output names, in its order.
pub(super) fn failures(output: &str) -> Vec<Failure> {
    let lines: Vec<_> = output.lines().collect();
    let mut found: Vec<Failure> = Vec::new();
    for at in 0..lines.len() {
        let rest = lines.get(at..).unwrap_or_default();
        let one = rustc(rest)
            .or_else(|| panic(rest))
            .or_else(|| pytest(&lines, at))
            .or_else(|| place(rest));
        let Some(one) = one else { continue };
        let known = |other: &Failure| other.file == one.file && other.line == one.line;
        if one.file.is_some() && found.iter().any(known) {
            continue;
        }
        found.push(one);
        if found.len() == FAILURES {
            break;
        }
    }
    if found.is_empty() {
        found.extend(pair(&lines).map(|(expected, received)| Failure {
            message: "unexpected value".to_owned(),
            expected: Some(expected),
            received: Some(received),
            ..Failure::default()
        }));
    }
    found
}

/// One sentence for the whole: the first failure, else the line that says most.
pub(super) fn headline(output: &str, failures: &[Failure]) -> Option<String> {
    if let Some(first) = failures.first() {
        return Some(first.message.clone());
    }
    let says = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["error", "fail", "fatal", "not ok", "cannot"].iter().any(|word| line.contains(word))
    };
    let mut lines = output.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.clone().find(says).or_else(|| lines.next_back()).map(str::to_owned)
}

/// The end of the output, cut at a line, or within the last one where that alone is too long.
pub(super) fn tail(output: &str) -> String {
    let output = output.trim_end();
    let lines: Vec<_> = output.lines().collect();
    let mut size = 0;
    let fits = |line: &&&str| {
        size += line.len() + 1;
        size <= TAIL_BYTES
    };
    let count = lines.iter().rev().take(TAIL_LINES).take_while(fits).count();
    if count == 0 {
        // The first place from there on where a letter begins.
        let from = output.len().saturating_sub(TAIL_BYTES)..=output.len();
        return from.into_iter().find_map(|at| output.get(at..)).unwrap_or_default().to_owned();
    }
    lines.get(lines.len() - count..).unwrap_or_default().join("\n")
}

/// Printable text from what a program wrote: no terminal sequences, no control characters, and of
/// a progress line that was drawn over itself only the last state.
pub(super) fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut chars),
            '\r' if chars.peek() != Some(&'\n') => {
                let line = out.rfind('\n').map_or(0, |end| end + 1);
                out.truncate(line);
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                {}
            c => out.push(c),
        }
    }
    out
}

fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
        Some(']') => while chars.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {},
        _ => {}
    }
}

/// `error[E0308]: mismatched types`, the place on the next line, the types below.
fn rustc(lines: &[&str]) -> Option<Failure> {
    let first = lines.first()?;
    let message = first.strip_prefix("error")?;
    let message =
        message.strip_prefix(": ").or_else(|| message.split_once("]: ").map(|(_, m)| m))?;
    let (file, line) = at_place(lines.get(1)?.trim_start().strip_prefix("--> ")?)?;
    let block = lines.iter().take(12).skip(1).take_while(|line| !line.starts_with("error"));
    let types = block.filter_map(|line| {
        let said = line.split("expected `").nth(1)?;
        let (expected, rest) = said.split_once('`')?;
        let received = rest.split("found `").nth(1)?.split('`').next()?;
        Some((expected.to_owned(), received.to_owned()))
    });
    let (expected, received) = types.into_iter().next().unzip();
    Some(Failure { message: message.to_owned(), file, line, expected, received, test: None })
}

/// `thread 'name' (1) panicked at file:line:column:`, the message, left and right.
fn panic(lines: &[&str]) -> Option<Failure> {
    let (thread, rest) = lines.first()?.split_once(" panicked at ")?;
    let test = thread.split('\'').nth(1).map(str::to_owned);
    let (file, line) = at_place(rest.trim_end_matches(':'))?;
    let message = lines.get(1).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
    let side = |key: &str| {
        let values = lines.iter().take(5).map(|line| line.trim());
        values.filter_map(|line| line.strip_prefix(key)).next().map(|v| v.trim().to_owned())
    };
    Some(Failure {
        message: message.unwrap_or_else(|| "panicked".to_owned()),
        expected: side("right:"),
        received: side("left:"),
        test,
        file,
        line,
    })
}

/// `E       assert 3 == 4` with the place on a later line of its own.
fn pytest(lines: &[&str], at: usize) -> Option<Failure> {
    let message = lines.get(at)?.strip_prefix("E  ")?.trim();
    if at > 0 && lines.get(at - 1).is_some_and(|line| line.starts_with("E  ")) {
        return None;
    }
    let after = lines.get(at..)?.iter().take(12);
    let (file, line) = after.filter_map(|line| at_place(line)).find(|(file, _)| file.is_some())?;
    let sides =
        message.strip_prefix("assert ").or_else(|| message.strip_prefix("AssertionError: assert "));
    let (received, expected) =
        sides.and_then(|s| s.split_once(" == ")).map(|(a, b)| (a.to_owned(), b.to_owned())).unzip();
    Some(Failure { message: message.to_owned(), file, line, expected, received, test: None })
}

/// `file:line: message` or `file:line:column: message`, with what was expected on it or below it.
fn place(lines: &[&str]) -> Option<Failure> {
    let text = lines.first()?.trim();
    let (file, line) = at_place(text)?;
    let at = line.map(|line| format!(":{line}:"))?;
    let message =
        text.split_once(&at)?.1.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    let message = message.trim();
    if message.is_empty() || text.starts_with("--> ") || text.starts_with("at ") {
        return None;
    }
    let message = message.strip_prefix("error: ").unwrap_or(message);
    if message.starts_with("warning") || message.starts_with("note") {
        return None;
    }
    let (expected, received) = pair(lines.get(..lines.len().min(4))?).unzip();
    Some(Failure { message: message.to_owned(), file, line, expected, received, test: None })
}

/// The two values of a comparison: `expected 4, got 3`, `Expected: 4` and `Received: 3`.
fn pair(lines: &[&str]) -> Option<(String, String)> {
    let value = |keys: &[&str]| {
        lines.iter().find_map(|line| {
            let lower = line.to_ascii_lowercase();
            let key = keys.iter().find_map(|key| lower.find(key).map(|at| at + key.len()))?;
            let said = line.get(key..)?.trim_start_matches([':', ' ', '=']);
            let end = [", but", ", got", ", want", ", found", " but ", " got ", "; "]
                .iter()
                .filter_map(|end| said.find(end))
                .min();
            let said = said.get(..end.unwrap_or(said.len()))?.trim().trim_end_matches([',', '.']);
            Some(said.to_owned()).filter(|said| !said.is_empty())
        })
    };
    let expected = value(&["expected:", "expected ", "want:", "want "])?;
    let received =
        value(&["received:", "received ", "actual:", "actual ", "got:", "got ", "found ", "was "])?;
    Some((expected, received))
}

/// A path with a line number at the start of `text`: something with a dot or a slash, no blanks.
fn at_place(text: &str) -> Option<(Option<String>, Option<u32>)> {
    let text = text.trim();
    let (file, rest) = text.split_once(':')?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let path = (file.contains('.') || file.contains('/'))
        && !file.contains(char::is_whitespace)
        && !file.contains("//")
        && file.chars().any(char::is_alphabetic);
    if !path || number.is_empty() || rest.starts_with("//") {
        return None;
    }
    let file = file.strip_prefix("./").unwrap_or(file);
    Some((Some(file.to_owned()), number.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_tell_where_and_what() {
        let cases = [
            (
                "error[E0308]: mismatched types\n  --> src/lib.rs:4:5\n   |\n4  |     \"x\"\n   |     ^^^ expected `i32`, found `&str`\n\nerror: could not compile\n",
                "src/lib.rs",
                4,
                "mismatched types",
                "i32",
                "&str",
            ),
            (
                "running 1 test\nthread 'tests::adds' (77) panicked at src/lib.rs:12:9:\nassertion `left == right` failed\n  left: 3\n right: 4\nnote: run with `RUST_BACKTRACE=1`\n",
                "src/lib.rs",
                12,
                "assertion `left == right` failed",
                "4",
                "3",
            ),
            (
                "    def test_add():\n>       assert add(1, 2) == 4\nE       assert 3 == 4\nE        +  where 3 = add(1, 2)\n\ntests/test_add.py:5: AssertionError\n",
                "tests/test_add.py",
                5,
                "assert 3 == 4",
                "4",
                "3",
            ),
            (
                "--- FAIL: TestAdd (0.00s)\n    add_test.go:9: got 3, want 4\nFAIL\n",
                "add_test.go",
                9,
                "got 3, want 4",
                "4",
                "3",
            ),
            ("./test.sh:7: expected 4, got 3\n", "test.sh", 7, "expected 4, got 3", "4", "3"),
            (
                "lib/sum.sh:2: sum of 1 and 2\n  Expected: 4\n  Received: 3\n",
                "lib/sum.sh",
                2,
                "sum of 1 and 2",
                "4",
                "3",
            ),
        ];
        for (output, file, line, message, expected, received) in cases {
            let found = failures(output);
            let first = found.first().unwrap_or_else(|| panic!("nothing in {output}"));
            assert_eq!(first.file.as_deref(), Some(file), "{output}");
            assert_eq!(first.line, Some(line), "{output}");
            assert_eq!(first.message, message);
            assert_eq!(first.expected.as_deref(), Some(expected), "{output}");
            assert_eq!(first.received.as_deref(), Some(received), "{output}");
        }
    }

    #[test]
    fn without_a_place_the_values_and_the_line_that_says_most_are_left() {
        let found = failures("checking\nExpected: 4\nReceived: 3\n");
        assert_eq!(found[0].expected.as_deref(), Some("4"));
        assert_eq!(failures("12:30:01 started\nhttp://localhost:80: up\nok\n"), []);
        assert_eq!(
            headline("one\nmake: *** [all] Error 1\ndone\n", &[]).unwrap(),
            "make: *** [all] Error 1"
        );
        assert_eq!(headline("one\ntwo\n", &[]).unwrap(), "two");
        assert_eq!(headline("", &[]), None);
    }

    #[test]
    fn what_reaches_a_terminal_is_plain() {
        assert_eq!(
            plain(b"\x1b[31mred\x1b[0m\n10%\r100%\nbell\x07\x1b]0;title\x07."),
            "red\n100%\nbell."
        );
        assert_eq!(plain("a\u{202e}b".as_bytes()), "ab");
        assert_eq!(plain(b"windows\r\n"), "windows\r\n".replace('\r', ""));
    }

    #[test]
    fn the_tail_is_bounded() {
        let long = (1..=100).map(|n| format!("{n}\n")).collect::<String>();
        assert!(tail(&long).starts_with("61\n"));
        assert_eq!(tail(&format!("one\n{}", "x".repeat(5000))), "x".repeat(TAIL_BYTES));
        assert_eq!(tail(&"é".repeat(5000)), "é".repeat(TAIL_BYTES / 2));
        assert_eq!(tail(""), "");
    }
}
