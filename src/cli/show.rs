//! What a verb gives back, once: as text for people, as JSON for programs. `--json` is decided in
//! `cli::run` alone, from the same value.
//!
//! Text passes through `Screen`, which lets no control byte of any data reach the terminal.

use anyhow::Result;
use serde::Serialize;

/// How a verb's result reads for a person.
pub(super) trait Show {
    fn show(&self, out: &mut Screen);
}

/// Both voices of one result; every `Serialize + Show` has them.
pub(super) trait View {
    fn text(&self, out: &mut Screen);
    fn json(&self) -> Result<serde_json::Value>;
}

impl<T: Serialize + Show> View for T {
    fn text(&self, out: &mut Screen) {
        self.show(out);
    }

    fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::to_value(self)?)
    }
}

/// One after the other, with an empty line between.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Pages<T>(pub Vec<T>);

impl<T: Show> Show for Pages<T> {
    fn show(&self, out: &mut Screen) {
        for (n, page) in self.0.iter().enumerate() {
            if n > 0 {
                out.line("");
            }
            page.show(out);
        }
    }
}

/// A finished verb: what to say, and the exit code.
pub(super) struct Done {
    pub view: Option<Box<dyn View>>,
    pub code: u8,
    /// All texts are in their places: what looks like the name of one is what somebody wrote.
    pub whole: bool,
}

impl Done {
    /// Says nothing on stdout.
    pub(super) fn silent() -> Self {
        Self { view: None, code: 0, whole: false }
    }

    pub(super) fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// The same result with another exit code, such as 1 for an empty answer.
    pub(super) fn exit(self, code: u8) -> Self {
        Self { code, ..self }
    }
}

impl<T: View + 'static> From<T> for Done {
    fn from(view: T) -> Self {
        Self { view: Some(Box::new(view)), code: 0, whole: false }
    }
}

/// What a piece of text is, so that colour is decided in one place and never the only sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Id,
    Good,
    Bad,
    Busy,
    Faint,
    Strong,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Id => "33",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Busy => "36",
            Self::Faint => "2",
            Self::Strong => "1",
        }
    }
}

/// Collects lines of text for stdout.
pub(super) struct Screen {
    text: String,
    colour: bool,
    /// Nothing is said twice, and nothing that another call tells.
    pub terse: bool,
}

impl Screen {
    pub(super) fn new(colour: bool) -> Self {
        Self { text: String::new(), colour, terse: false }
    }

    pub(super) fn terse(self, terse: bool) -> Self {
        Self { terse, ..self }
    }

    /// One line of plain text.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        self.parts(&[(Tone::Plain, text.as_ref())]);
    }

    /// One line of several pieces, each with its tone.
    pub(super) fn parts(&mut self, parts: &[(Tone, &str)]) {
        for (tone, text) in parts {
            // A line is one line: a break in somebody's data would forge another row.
            let text = inert(text).replace('\n', "\\n").replace('\t', "\\t");
            if self.colour && *tone != Tone::Plain {
                self.text.push_str(&format!("\x1b[{}m{text}\x1b[0m", tone.code()));
            } else {
                self.text.push_str(&text);
            }
        }
        self.text.push('\n');
    }

    /// Several lines, each set in by `indent` spaces.
    pub(super) fn block(&mut self, text: &str, indent: usize) {
        for line in text.lines() {
            // What sets in the lines of a text makes no columns there.
            self.line(format!("{:indent$}{}", "", line.replace('\t', "    ")));
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Characters without a shape of their own that change how others look, or part lines and words where
/// nobody sees it: Unicode's class Cf, its two separators, and its tags. Each pair is the first and the last.
const UNSEEN: [(char, char); 19] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e01ef}'),
];

/// The text with every character that a terminal would act on, or that nobody would see, written out
/// instead. Line breaks and tabs stay.
pub(super) fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let acts = (c.is_control() && c != '\n' && c != '\t')
            || (c > '\u{7f}' && UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c)));
        if acts {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_reaches_the_terminal() {
        let mut screen = Screen::new(true);
        screen.parts(&[
            (Tone::Bad, "a\x1b[2Jb\u{202e}c\u{e0041}\u{9b}\n"),
            (Tone::Plain, " ok\tfine\u{200b}\u{2028}\u{feff}é"),
        ]);
        assert_eq!(
            screen.finish(),
            "\x1b[31ma\\u{1b}[2Jb\\u{202e}c\\u{e0041}\\u{9b}\\n\x1b[0m ok\\tfine\\u{200b}\\u{2028}\\u{feff}é\n"
        );
    }
}
