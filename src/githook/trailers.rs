//! The trailers of a commit message that is still being written: comments, scissors and all. Pure.
//!
//! `git interpret-trailers` would do the adding, at the price of a process for every commit; it can
//! neither take our old trailers out of the middle of a squashed message nor tell an empty one.

/// The keys that are ours.
pub(super) const KEYS: [&str; 4] = ["Bead", "Agent", "Assisted-by", "Agent-Session"];

/// A message file, taken apart.
pub(super) struct Message<'a> {
    lines: Vec<&'a [u8]>,
    /// From here on there is nothing that git keeps: comments at the end, scissors and a diff.
    end: usize,
    comment: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// `comment` starts a comment line; none where no editor was open, since git keeps all lines then.
    pub(super) fn parse(text: &'a [u8], comment: Option<&'a [u8]>) -> Self {
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        let mut message = Self { end: lines.len(), lines, comment };
        if let Some(cut) = message.lines.iter().position(|line| message.is_scissors(line)) {
            message.end = cut;
        }
        while message.end > 0
            && message.lines.get(message.end - 1).is_some_and(|line| message.is_void(line))
        {
            message.end -= 1;
        }
        message
    }

    /// Nothing was written: git is going to give up, and has to see that it is so.
    pub(super) fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// All values of a key, wherever a trailer may stand.
    pub(super) fn values(&self, key: &str) -> Vec<String> {
        let kept = self.lines.iter().take(self.end).filter(|line| !self.is_comment(line));
        kept.filter_map(|line| value_of(line, key)).collect()
    }

    /// The message with exactly these trailers of our keys, at its end.
    pub(super) fn with(&self, trailers: &[(&str, String)]) -> Vec<u8> {
        let kept: Vec<&[u8]> = self.without_ours();
        let mut out = kept.concat();
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        if !ends_in_trailers(&kept, self.comment) {
            out.push(b'\n');
        }
        for (key, value) in trailers {
            out.extend(format!("{key}: {value}\n").into_bytes());
        }
        let tail = self.lines.get(self.end..).unwrap_or_default();
        out.extend(tail.concat());
        out
    }

    /// The kept lines without our trailers, and without the blank lines that leaves at the end.
    fn without_ours(&self) -> Vec<&'a [u8]> {
        let all = self.lines.get(..self.end).unwrap_or_default();
        let mut kept: Vec<&[u8]> = Vec::with_capacity(all.len());
        for (nth, paragraph) in all.split_inclusive(|line| blank(line)).enumerate() {
            let trailers = nth > 0 && is_trailer_block(paragraph, self.comment);
            let ours = |line: &[u8]| KEYS.iter().any(|key| value_of(line, key).is_some());
            kept.extend(paragraph.iter().filter(|line| !(trailers && ours(line))));
        }
        while kept.last().is_some_and(|line| blank(line)) {
            kept.pop();
        }
        kept
    }

    fn is_comment(&self, line: &[u8]) -> bool {
        self.comment.is_some_and(|mark| line.starts_with(mark))
    }

    fn is_void(&self, line: &[u8]) -> bool {
        blank(line) || self.is_comment(line)
    }

    fn is_scissors(&self, line: &[u8]) -> bool {
        let rest = self.comment.and_then(|mark| line.strip_prefix(mark));
        rest.is_some_and(|rest| {
            rest.starts_with(b" ------------------------ >8 ------------------------")
        })
    }
}

fn blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// The value, when the line is a trailer of this key.
fn value_of(line: &[u8], key: &str) -> Option<String> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, rest) = line.split_at(colon);
    if !name.eq_ignore_ascii_case(key.as_bytes()) {
        return None;
    }
    let value = rest.strip_prefix(b":").unwrap_or_default();
    Some(String::from_utf8_lossy(value).trim().to_owned())
}

/// Whether trailers can be added without a blank line: the last paragraph is one, and not the title.
fn ends_in_trailers(lines: &[&[u8]], comment: Option<&[u8]>) -> bool {
    let start = lines.iter().rposition(|line| blank(line)).map_or(0, |at| at + 1);
    start > 0 && lines.get(start..).is_some_and(|last| is_trailer_block(last, comment))
}

/// As git decides it: only trailers, or at least a quarter of them with one that git itself writes.
fn is_trailer_block(paragraph: &[&[u8]], comment: Option<&[u8]>) -> bool {
    let (mut trailers, mut others, mut known) = (0, 0, false);
    for line in paragraph {
        let first = line.first().copied().unwrap_or_default();
        if blank(line) || comment.is_some_and(|mark| line.starts_with(mark)) {
            continue;
        }
        if line.starts_with(b"(cherry picked from commit ")
            || value_of(line, "Signed-off-by").is_some()
        {
            known = true;
            trailers += 1;
        } else if is_trailer(line) {
            trailers += 1;
        } else if !(first.is_ascii_whitespace() && trailers > 0) {
            others += 1;
        }
    }
    trailers > 0 && (others == 0 || (known && trailers * 3 >= others))
}

fn is_trailer(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let name = line.get(..colon).unwrap_or_default();
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> String {
        let trailers = [("Bead", "api-1".to_owned()), ("Agent", "builder".to_owned())];
        let message = Message::parse(text.as_bytes(), Some(b"#"));
        String::from_utf8(message.with(&trailers)).unwrap()
    }

    #[test]
    fn trailers_stand_where_git_looks_for_them() {
        let table = [
            ("one", "one\n\nBead: api-1\nAgent: builder\n"),
            ("one\n", "one\n\nBead: api-1\nAgent: builder\n"),
            ("one\n\nbody\n\n\n", "one\n\nbody\n\nBead: api-1\nAgent: builder\n\n\n"),
            ("fix: one", "fix: one\n\nBead: api-1\nAgent: builder\n"),
            (
                "one\n\nCo-authored-by: A <a@b>\n",
                "one\n\nCo-authored-by: A <a@b>\nBead: api-1\nAgent: builder\n",
            ),
            ("one\n\nAgent: old\nBead: old\n", "one\n\nBead: api-1\nAgent: builder\n"),
            ("one\n\nAgent: old\nX: y\n", "one\n\nX: y\nBead: api-1\nAgent: builder\n"),
            (
                "one\n\nsee this\nAgent: is prose here\n",
                "one\n\nsee this\nAgent: is prose here\n\nBead: api-1\nAgent: builder\n",
            ),
            (
                "one\n\nBead: b\n\ntwo\n\nBead: b\nAgent: a\n",
                "one\n\n\ntwo\n\nBead: api-1\nAgent: builder\n",
            ),
            ("one\n# comment\n", "one\n\nBead: api-1\nAgent: builder\n# comment\n"),
            (
                "one\n\n# c\n# ------------------------ >8 ------------------------\ndiff: x\n",
                "one\n\nBead: api-1\nAgent: builder\n\n# c\n# ------------------------ >8 ------------------------\ndiff: x\n",
            ),
        ];
        for (text, expected) in table {
            let once = with(text);
            assert_eq!(once, expected, "{text:?}");
            assert_eq!(with(&once), once, "twice is once");
        }
    }

    #[test]
    fn an_empty_message_is_seen_as_one() {
        for text in [
            "",
            "\n\n",
            "# Please enter\n#\n",
            "\n# ------------------------ >8 ------------------------\ndiff",
        ] {
            assert!(Message::parse(text.as_bytes(), Some(b"#")).is_empty(), "{text:?}");
        }
        assert!(!Message::parse(b"#123 fixed", None).is_empty());
        assert!(!Message::parse(b"a", Some(b"#")).is_empty());
    }

    #[test]
    fn values_are_found_wherever_they_stand() {
        let message =
            Message::parse(b"one\n\nagent: a\n\ntwo\n\nAgent: b\n# Agent: c\n", Some(b"#"));
        assert_eq!(message.values("Agent"), ["a", "b"]);
    }
}
