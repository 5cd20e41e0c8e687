//! A configuration file line by line, as git reads it and to the byte: what is a value, where it goes
//! on, what only looks like one.

use anyhow::{Context as _, ensure};
use gix::bstr::ByteSlice as _;
use gix::config::File;
use gix::config::file::{Metadata, SectionRef};
use gix::config::parse::{EventRef, Events};

use super::config::normal;

/// One line; a value that goes on over several is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigLine {
    /// Its bytes, with its line break.
    pub raw: Vec<u8>,
    /// Its section, as keys begin: `core`, `remote.origin`.
    pub section: String,
    /// Whether the section begins here.
    pub opens: bool,
    pub setting: Option<Setting>,
    /// Where in `raw` the setting begins.
    pub at: usize,
    /// From its `#` or `;` on.
    pub comment: Option<String>,
}

impl ConfigLine {
    /// The first line of a section for this setting.
    pub fn opening(setting: &Setting) -> Self {
        let section = setting.section.clone();
        Self { raw: setting.header().into_bytes(), section, opens: true, ..Self::default() }
    }

    /// What stands before its setting, as a line.
    pub fn before_setting(&self) -> Self {
        let before = self.raw.get(..self.at).unwrap_or_default();
        let raw = [before.trim_ascii_end(), b"\n"].concat();
        Self { raw, setting: None, comment: None, ..self.clone() }
    }

    /// Its setting without what stands before it, as a line.
    pub fn on_its_own(mut self) -> Self {
        let setting = self.raw.get(self.at..).unwrap_or_default();
        let end: &[u8] = if setting.ends_with(b"\n") { b"" } else { b"\n" };
        let raw = [b"\t", setting, end].concat();
        if self.opens || !end.is_empty() {
            (self.raw, self.at, self.opens) = (raw, 1, false);
        }
        self
    }
}

/// What a line sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub section: String,
    /// As it is spelled; git does not mind its case.
    pub name: String,
    /// As it is meant, without quotes.
    pub value: String,
}

impl Setting {
    /// `key` as `git config` takes it.
    pub fn new(key: &str, value: &str) -> Self {
        let (section, name) = key.rsplit_once('.').unwrap_or((key, ""));
        Self { section: section.to_owned(), name: name.to_owned(), value: value.to_owned() }
    }

    /// Whether it is of this key, as `git config` takes it.
    pub fn is(&self, key: &str) -> bool {
        self.key() == normal(key)
    }

    /// All of it in lower case but what stands in the middle.
    pub fn key(&self) -> String {
        normal(&format!("{}.{}", self.section, self.name))
    }

    /// The line above the settings of its section.
    pub fn header(&self) -> String {
        match self.section.split_once('.') {
            Some((name, sub)) => {
                format!("[{name} \"{}\"]\n", sub.replace('\\', "\\\\").replace('"', "\\\""))
            }
            None => format!("[{}]\n", self.section),
        }
    }

    pub fn line(&self) -> String {
        format!("\t{} = {}\n", self.name, quoted(&self.value))
    }
}

/// A value as git gives it back unchanged.
fn quoted(value: &str) -> String {
    let special = value.is_empty()
        || value.trim() != value
        || value.contains(['"', '\\', '#', ';', '\n', '\t', '\r']);
    if !special {
        return value.to_owned();
    }
    let inner =
        value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{inner}\"")
}

/// The lines of a file; put together they are the file again.
pub fn config_lines(text: &[u8]) -> anyhow::Result<Vec<ConfigLine>> {
    let events = Events::from_bytes(text, None).context("reading a git configuration file")?;
    let file = File::from_parse_events_no_includes(events.clone(), Metadata::api());
    let mut reader = Reader::default();
    events.frontmatter().for_each(|event| reader.take(event));
    for (section, known) in events.sections().zip(file.sections()) {
        reader.open(&known);
        section.body().for_each(|event| reader.take(event));
    }
    reader.end();
    let mut lines = reader.lines;
    let whole: Vec<u8> = lines.iter().flat_map(|line| &line.raw).copied().collect();
    // What stands before all text is a mark of its encoding, of which there are no events.
    let before = text.strip_suffix(whole.as_slice()).filter(|before| before.len() <= 4);
    ensure!(before.is_some(), "a git configuration file that does not read as it is written");
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        if lines.is_empty() {
            lines.push(ConfigLine::default());
        }
        if let Some(first) = lines.first_mut() {
            first.raw.splice(..0, before.iter().copied());
            first.at += before.len();
        }
    }
    Ok(lines)
}

#[derive(Default)]
struct Reader {
    lines: Vec<ConfigLine>,
    line: ConfigLine,
    section: String,
    /// The value as it is written; none yet behind a bare name, which git takes for a yes.
    value: Option<Vec<u8>>,
    continues: bool,
}

impl Reader {
    fn open(&mut self, section: &SectionRef<'_>) {
        let header = section.header();
        if self.line.opens || self.line.setting.is_some() {
            self.end();
        }
        let name = header.name().to_str_lossy().to_ascii_lowercase();
        self.section = match header.subsection_name().map(|sub| sub.to_str_lossy()) {
            Some(sub) if header.is_legacy() => format!("{name}.{}", sub.to_ascii_lowercase()),
            Some(sub) => format!("{name}.{sub}"),
            None => name,
        };
        self.line.opens = true;
        self.line.raw.extend(header.to_bstring().iter());
    }

    fn take(&mut self, event: EventRef<'_>) {
        match event {
            EventRef::Newline(breaks) if self.continues => {
                self.continues = false;
                self.line.raw.extend(breaks.iter());
            }
            EventRef::Newline(breaks) => {
                for end in breaks.split_inclusive(|byte| *byte == b'\n') {
                    self.line.raw.extend(end);
                    self.end();
                }
            }
            EventRef::SectionValueName(name) => {
                self.line.at = self.line.raw.len();
                self.line.setting = Some(Setting {
                    section: self.section.clone(),
                    name: name.to_str_lossy().into_owned(),
                    value: "true".to_owned(),
                });
                self.line.raw.extend(name.iter());
            }
            EventRef::KeyValueSeparator => {
                self.value = Some(Vec::new());
                self.line.raw.push(b'=');
            }
            EventRef::Value(part) | EventRef::ValueDone(part) => self.value(part),
            EventRef::ValueNotDone(part) => {
                self.value(part);
                self.line.raw.push(b'\\');
                self.continues = true;
            }
            EventRef::Comment { tag, text } => {
                let from = self.line.raw.len();
                self.line.raw.push(tag);
                self.line.raw.extend(text.iter());
                let text = self.line.raw.get(from..).unwrap_or_default();
                self.line.comment = Some(text.to_str_lossy().into_owned());
            }
            EventRef::Whitespace(space) => self.line.raw.extend(space.iter()),
            EventRef::SectionHeader { .. } => {}
        }
    }

    fn value(&mut self, part: &[u8]) {
        self.line.raw.extend(part);
        if let Some(value) = &mut self.value {
            value.extend(part);
        }
    }

    fn end(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        let value = self.value.take();
        self.continues = false;
        if line.raw.is_empty() {
            return;
        }
        if let (Some(setting), Some(value)) = (&mut line.setting, value) {
            let plain = gix::config::value::normalize(value.as_bstr());
            setting.value = plain.to_str_lossy().into_owned();
        }
        line.section.clone_from(&self.section);
        self.lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, String)> {
        let lines = config_lines(text.as_bytes()).unwrap();
        let whole: Vec<u8> = lines.iter().flat_map(|line| line.raw.clone()).collect();
        assert_eq!(String::from_utf8(whole).unwrap(), text);
        let settings = lines.into_iter().filter_map(|line| line.setting);
        settings.map(|setting| (setting.key(), setting.value)).collect()
    }

    #[test]
    fn settings_are_read_as_git_reads_them() {
        for (text, key, value) in [
            ("[core] hooksPath = x", "core.hookspath", "x"),
            ("[CORE]\n\tHooksPath=x\n", "core.hookspath", "x"),
            ("[core]\n\thooksPath = .husky ; note\n", "core.hookspath", ".husky"),
            ("[core]\n\thooksPath = \"a ; b\" # note\n", "core.hookspath", "a ; b"),
            ("[core]\n\thooksPath = a\\\n  b\n\n\n", "core.hookspath", "a  b"),
            ("[core]\n\thooksPath = a\\", "core.hookspath", "a"),
            ("[core]\r\n\thooksPath = a\\\r\nb\r\n", "core.hookspath", "ab"),
            ("[a \"B.c]\\\"\"]\n\tx = \"\\\\y\\n\"\n", "a.B.c]\".x", "\\y\n"),
            ("[a.B]x\n", "a.b.x", "true"),
            ("[a]\n\tx =\n", "a.x", ""),
            ("[a][b] x = 1 # [c]\n", "b.x", "1"),
            ("; [a]\n# x = 1\n[a]\n# more\ny = 2", "a.y", "2"),
            ("\u{feff}[a]\nx = 1", "a.x", "1"),
        ] {
            assert_eq!(said(text), [(key.to_owned(), value.to_owned())], "{text:?}");
        }
        config_lines(b"[a]\n\tx = \"open\n").unwrap_err();
        config_lines(b"[a\n").unwrap_err();
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for value in ["plain", "", " lead", "a \"b\" \\ c", "x # y", "new\nline", "\r"] {
            for key in ["shopfloor.bead", "url.a\"b\\c.d.insteadOf"] {
                let setting = Setting::new(key, value);
                let lines = config_lines((setting.header() + &setting.line()).as_bytes()).unwrap();
                let read: Vec<Setting> =
                    lines.into_iter().filter_map(|line| line.setting).collect();
                assert_eq!(read, [setting]);
            }
        }
    }
}
