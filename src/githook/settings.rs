//! Settings of ours in a git configuration file: one marked block at its end, which later sections
//! cannot be mistaken for, and which goes as it came, even when git has written into it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::githook::{block, place, route};

/// How the path of every gate ends.
const GATE: &str = "/shopfloor/gate.git";
/// Where a remote's ledger is fetched to.
const LEDGER: &str = ":refs/shopfloor/remotes/";

/// Setting lines in their order; a key may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings(Vec<Setting>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    /// As it stands between the brackets, such as `remote "origin"`.
    section: String,
    name: String,
    /// As it stands behind the `=`.
    value: String,
}

impl Settings {
    /// One more setting; `key` as `git config` takes it.
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.0.push(Setting::new(key, &quoted(value)));
        self
    }

    /// Those of the block in this file.
    fn read(file: &[u8]) -> Result<Self> {
        let mut section = String::new();
        let mut found = Vec::new();
        for line in block::body(file)?.unwrap_or_default().lines() {
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                header.clone_into(&mut section);
            } else if let Some((name, value)) = line.split_once('=') {
                found.push(Setting {
                    section: section.clone(),
                    name: name.trim().to_owned(),
                    value: value.trim().to_owned(),
                });
            } else if !line.is_empty() {
                found.push(Setting {
                    section: section.clone(),
                    name: line.to_owned(),
                    value: "true".to_owned(),
                });
            }
        }
        Ok(Self(found))
    }

    /// One `key = value` a line, for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |setting: &Setting| {
            let section = setting.section.replace(" \"", ".").replace('"', "");
            format!("{section}.{} = {}", setting.name, setting.value)
        };
        self.0.iter().map(line).collect()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for setting in &self.0 {
            if setting.section != section {
                section = &setting.section;
                writeln!(text, "[{section}]").ok();
            }
            writeln!(text, "\t{} = {}", setting.name, setting.value).ok();
        }
        text
    }

    /// Remotes that lead into the very repository whose gate they push to: there was none before us.
    fn invented_remotes(&self) -> Vec<String> {
        let value = |section: &str, name: &str| {
            let found =
                self.0.iter().rfind(|setting| setting.section == section && setting.name == name);
            found.map(|setting| plain(&setting.value))
        };
        let addresses = self.0.iter().filter(|setting| setting.name == "url");
        let ours = addresses.filter(|setting| {
            let gate = value(&setting.section, "pushurl");
            gate.is_some_and(|gate| gate.strip_suffix(GATE) == Some(plain(&setting.value).as_str()))
        });
        ours.map(|setting| setting.section.clone()).collect()
    }

    fn names(&self, other: &Setting) -> bool {
        // Of what is fetched there are many, and one is ours.
        let same =
            |setting: &Setting| setting.same_key(other) && setting.is_ledger() == other.is_ledger();
        self.0.iter().any(same)
    }
}

impl Setting {
    fn new(key: &str, value: &str) -> Self {
        let (start, name) = key.rsplit_once('.').unwrap_or(("shopfloor", key));
        let section = match start.split_once('.') {
            Some((section, sub)) => {
                format!("{section} \"{}\"", sub.replace('\\', "\\\\").replace('"', "\\\""))
            }
            None => start.to_owned(),
        };
        Self { section, name: name.to_owned(), value: value.to_owned() }
    }

    fn same_key(&self, other: &Self) -> bool {
        self.section == other.section && self.name.eq_ignore_ascii_case(&other.name)
    }

    fn is_ledger(&self) -> bool {
        self.value.contains(LEDGER)
    }

    fn is_hooks_path(&self) -> bool {
        self.section == "core" && self.name.eq_ignore_ascii_case(HOOKS_PATH)
    }

    fn is_ours_among(&self, invented: &[String]) -> bool {
        let address = matches!(self.name.as_str(), "url" | "fetch");
        self.is_ours() || (address && invented.contains(&self.section))
    }

    /// What only we write. Anything else in the block was put there by git for somebody else.
    fn is_ours(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let gate = self.value.contains(GATE);
        match self.section.as_str() {
            "shopfloor" => true,
            "extensions" => name == "worktreeconfig",
            "receive" => matches!(name.as_str(), "procreceiverefs" | "advertisepushoptions"),
            "core" if name == "hookspath" => place::is_ours(&plain(&self.value)),
            "core" => matches!(name.as_str(), "bare" | "worktree"),
            "user" => matches!(name.as_str(), "name" | "email"),
            "commit" => name == "gpgsign",
            section if section.starts_with("remote ") => {
                let reset =
                    matches!(name.as_str(), "pushurl" | "url") && plain(&self.value).is_empty();
                let tells = name == "receivepack" && self.value.contains(route::FROM);
                let ours = (name == "pushurl" && gate) || (name == "fetch" && self.is_ledger());
                reset || tells || ours
            }
            section if section.starts_with("url ") => section.contains(GATE),
            _ => false,
        }
    }
}

/// What a setting begins with that we took out of its place, and bring back.
const AWAY: &str = "# shopfloor brings back: ";

const HOOKS_PATH: &str = "hooksPath";

/// The lines of a file, each with the value it gives to a key. Those of our block give it none here.
fn giving<'f>(file: &'f [u8], section: &str, name: &str) -> Vec<(&'f [u8], Option<String>)> {
    let (mut inside, mut block) = (false, false);
    let lines = file.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        block = (block || block::begins(line)) && !block::ends(line);
        if text.starts_with('[') {
            inside = text.trim_matches(['[', ']']).trim().eq_ignore_ascii_case(section);
        }
        let here = inside && !block;
        let said =
            text.split_once('=').filter(|(key, _)| here && key.trim().eq_ignore_ascii_case(name));
        (line, said.map(|(_, value)| plain(value.trim())))
    });
    lines.collect()
}

/// The file without a setting that must not be in force any more, and the value it had.
pub(super) fn set_aside(file: &[u8], section: &str, name: &str) -> (Vec<u8>, Option<String>) {
    let (mut last, mut new) = (None, Vec::with_capacity(file.len()));
    for (line, value) in giving(file, section, name) {
        if value.is_some() {
            last = value;
            new.extend(AWAY.as_bytes());
        }
        new.extend(line);
    }
    (new, last)
}

/// The way back from [`set_aside`], for one name or for all.
fn brought_back(file: &[u8], name: Option<&str>) -> Vec<u8> {
    let lines = file.split_inclusive(|byte| *byte == b'\n');
    lines
        .flat_map(|line| match aside(line) {
            Some((key, _)) if name.is_none_or(|name| key.eq_ignore_ascii_case(name)) => {
                line.strip_prefix(AWAY.as_bytes()).unwrap_or(line)
            }
            _ => line,
        })
        .copied()
        .collect()
}

/// Name and value of a setting that stands aside.
fn aside(line: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(line.strip_prefix(AWAY.as_bytes())?).ok()?;
    let (key, value) = text.split_once('=')?;
    Some((key.trim().to_owned(), plain(value.trim())))
}

/// The hooks path that this file would say without us: what a hook manager has written over ours,
/// else what stands aside for it.
pub(super) fn others_hooks_path(file: &[u8]) -> Result<Option<String>> {
    let block = Settings::read(file)?;
    let over = block.0.iter().rfind(|setting| setting.is_hooks_path() && !setting.is_ours());
    let away = || {
        let mut lines = file.split(|byte| *byte == b'\n').filter_map(aside);
        lines.rfind(|(key, _)| key.eq_ignore_ascii_case(HOOKS_PATH))
    };
    Ok(over.map(|setting| plain(&setting.value)).or_else(|| Some(away()?.1)))
}

/// The file with a hooks path of ours, or with the one it has without us; never with two values, over
/// which `git config core.hooksPath` of a hook manager would fail.
pub(super) fn hooks_path(file: &[u8], ours: Option<&str>) -> Result<Vec<u8>> {
    let mut block = Settings::read(file)?;
    let over = block.0.iter().rfind(|setting| setting.is_hooks_path() && !setting.is_ours());
    let over = over.map(|setting| setting.value.clone());
    let mut text = brought_back(file, Some(HOOKS_PATH));
    if let Some(value) = &over {
        text = with_hooks_path(&text, value);
    }
    let known = block.0.len();
    block.0.retain(|setting| !setting.is_hooks_path());
    if let Some(ours) = ours {
        text = set_aside(&text, "core", HOOKS_PATH).0;
        block = block.with("core.hooksPath", ours);
    } else if block.0.len() == known {
        return Ok(text);
    }
    block::at_end(Some(&text), &block.text())
}

/// What git would have made of the file, had our block not been there to write into.
fn with_hooks_path(file: &[u8], value: &str) -> Vec<u8> {
    let lines = giving(file, "core", HOOKS_PATH);
    let there = lines.iter().rposition(|(_, value)| value.is_some());
    let new = format!("\t{HOOKS_PATH} = {value}\n");
    let mut text = Vec::with_capacity(file.len() + new.len());
    for (nth, (line, _)) in lines.iter().enumerate() {
        if there.is_none() && block::begins(line) {
            text.extend(b"[core]\n");
            text.extend(new.as_bytes());
        }
        text.extend(if there == Some(nth) { new.as_bytes() } else { line });
    }
    text
}

/// The file with the places in our block renewed; `None` when it names none.
pub(super) fn relocate(file: &[u8], here: &Path) -> Result<Option<Vec<u8>>> {
    let at = |path: &str| quoted(&here.join(path).to_string_lossy());
    let mut all = Settings::read(file)?;
    let (mut any, invented) = (false, all.invented_remotes());
    for setting in &mut all.0 {
        let gate = setting.value.contains(GATE);
        let invented = invented.contains(&setting.section);
        let new = match (
            setting.section.split_once(' ').map_or(setting.section.as_str(), |(name, _)| name),
            setting.name.as_str(),
        ) {
            ("remote", "pushurl") if gate => at("shopfloor/gate.git"),
            ("remote", "url") if invented && setting.value != "\"\"" => {
                quoted(&here.to_string_lossy())
            }
            ("core", "hooksPath") if setting.value.contains("shopfloor-hooks") => {
                at("shopfloor-hooks")
            }
            ("core", "hooksPath") if setting.is_ours() => at("shopfloor/hooks"),
            ("url", _) => {
                let gate = here.join("shopfloor/gate.git");
                setting.section =
                    Setting::new(&format!("url.{}.insteadOf", gate.display()), "").section;
                setting.value.clone()
            }
            _ => continue,
        };
        setting.value = new;
        any = true;
    }
    if any { block::at_end(Some(file), &all.text()).map(Some) } else { Ok(None) }
}

/// The file with these settings in our block; those of the same names are replaced, others of the block stay.
pub(super) fn put(file: Option<&[u8]>, wanted: &Settings) -> Result<Vec<u8>> {
    let known = file.map(Settings::read).transpose()?.unwrap_or_default();
    merged(file, known, wanted)
}

/// The same, and nothing of an earlier `init` stays beside it.
pub(super) fn renew(file: Option<&[u8]>, wanted: &Settings) -> Result<Vec<u8>> {
    let mut known = file.map(Settings::read).transpose()?.unwrap_or_default();
    let invented = known.invented_remotes();
    // What lets work trees have a file of their own is theirs.
    known.0.retain(|setting| {
        setting.section == "extensions"
            || setting.name == "bare"
            || !setting.is_ours_among(&invented)
    });
    merged(file, known, wanted)
}

fn merged(file: Option<&[u8]>, known: Settings, wanted: &Settings) -> Result<Vec<u8>> {
    let mut all: Vec<Setting> =
        known.0.into_iter().filter(|setting| !wanted.names(setting)).collect();
    for setting in &wanted.0 {
        let behind = all.iter().rposition(|other| other.section == setting.section);
        all.insert(behind.map_or(all.len(), |at| at + 1), setting.clone());
    }
    block::at_end(file, &Settings(all).text())
}

/// The file with nothing of ours in it, and with everything else; `None` when there was none before us.
pub(super) fn take(file: &[u8]) -> Result<Option<Vec<u8>>> {
    let file = &hooks_path(file, None)?;
    let mut others = Settings::read(file)?;
    let invented = others.invented_remotes();
    others.0.retain(|setting| !setting.is_ours_among(&invented));
    let rest = block::without(&brought_back(file, None))?;
    if others.0.is_empty() {
        return Ok(rest);
    }
    let mut kept = rest.unwrap_or_default();
    if !kept.is_empty() && !kept.ends_with(b"\n") {
        kept.push(b'\n');
    }
    kept.extend(others.text().into_bytes());
    Ok(Some(kept))
}

/// The value of a key in our block.
pub(super) fn get(file: &[u8], key: &str) -> Result<Option<String>> {
    let wanted = Setting::new(key, "");
    let found = Settings::read(file)?.0.into_iter().rfind(|setting| setting.same_key(&wanted));
    Ok(found.map(|setting| plain(&setting.value)))
}

/// A value as git's parser gives it back unchanged.
fn quoted(value: &str) -> String {
    let special = value.is_empty()
        || value.trim() != value
        || value.contains(['"', '\\', '#', ';', '\n', '\t']);
    if !special {
        return value.to_owned();
    }
    let inner =
        value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{inner}\"")
}

/// The way back from [`quoted`].
fn plain(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(next) = chars.next() {
        match (next, next == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            (other, false) => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &[u8] = b"[core]\n\tbare = false\n[remote \"origin\"]\n\turl = /x\n";

    fn ours() -> Settings {
        Settings::default()
            .with("shopfloor.prefix", "api")
            .with("remote.origin.pushurl", "/r/.git/shopfloor/gate.git")
    }

    #[test]
    fn the_block_reads_as_git_reads_it() {
        let new = String::from_utf8(put(Some(CONFIG), &ours()).unwrap()).unwrap();
        let block = "# >>> shopfloor\n[shopfloor]\n\tprefix = api\n[remote \"origin\"]\n\tpushurl = /r/.git/shopfloor/gate.git\n# <<< shopfloor\n";
        assert_eq!(new, String::from_utf8_lossy(CONFIG).into_owned() + block);
        assert_eq!(get(new.as_bytes(), "shopfloor.prefix").unwrap().as_deref(), Some("api"));
    }

    #[test]
    fn there_is_one_hooks_path_and_it_comes_back() {
        let ours = "/r/.git/shopfloor-hooks";
        let theirs = b"[core]\n\tbare = false\n\thookspath=\"a b\"\n[alias]\n\thooksPath = x\n";
        for before in [CONFIG, &theirs[..], b"[core]\n\thooksPath = a\n[core]\n\thooksPath = b"] {
            let bare = put(Some(before), &self::ours()).unwrap();
            let new = hooks_path(&bare, Some(ours)).unwrap();
            assert_eq!(hooks_path(&new, Some(ours)).unwrap(), new, "twice is once");
            let text = String::from_utf8_lossy(&new);
            let live = text.lines().filter(|line| line.starts_with("\thooksPath = /r/"));
            assert_eq!(live.count(), 1, "{text}");
            assert_eq!(get(&new, "core.hooksPath").unwrap().as_deref(), Some(ours));
            assert_eq!(hooks_path(&new, None).unwrap(), bare);
            assert_eq!(take(&new).unwrap().as_deref(), Some(before));
        }
        let new = hooks_path(theirs, Some(ours)).unwrap();
        assert_eq!(others_hooks_path(&new).unwrap().as_deref(), Some("a b"));
    }

    #[test]
    fn a_hooks_path_written_over_ours_stands_where_git_would_have_put_it() {
        for (before, after) in [
            (
                "[core]\n\thooksPath = a\n\tbare = false\n",
                "[core]\n\thooksPath = .husky/_\n\tbare = false\n",
            ),
            (
                "[alias]\n\tst = status\n",
                "[alias]\n\tst = status\n[core]\n\thooksPath = .husky/_\n",
            ),
        ] {
            let bare = put(Some(before.as_bytes()), &ours()).unwrap();
            let new = hooks_path(&bare, Some("/r/.git/shopfloor-hooks")).unwrap();
            let over =
                String::from_utf8(new).unwrap().replace("/r/.git/shopfloor-hooks", ".husky/_");
            let over = over.as_bytes();
            assert_eq!(others_hooks_path(over).unwrap().as_deref(), Some(".husky/_"));
            assert_eq!(String::from_utf8(take(over).unwrap().unwrap()).unwrap(), after);
            let again = hooks_path(over, Some("/r/.git/shopfloor-hooks")).unwrap();
            assert_eq!(others_hooks_path(&again).unwrap().as_deref(), Some(".husky/_"));
            assert_eq!(String::from_utf8(take(&again).unwrap().unwrap()).unwrap(), after);
        }
    }

    #[test]
    fn twice_is_once_and_another_value_replaces() {
        let once = put(Some(CONFIG), &ours()).unwrap();
        assert_eq!(put(Some(&once), &ours()).unwrap(), once);
        let other = put(
            Some(&once),
            &Settings::default().with("shopfloor.prefix", "web").with("shopfloor.target", "main"),
        )
        .unwrap();
        assert_eq!(get(&other, "shopfloor.prefix").unwrap().as_deref(), Some("web"));
        assert_eq!(
            get(&other, "remote.origin.pushurl").unwrap().as_deref(),
            Some("/r/.git/shopfloor/gate.git")
        );
        assert_eq!(take(&other).unwrap().as_deref(), Some(CONFIG));
    }

    #[test]
    fn what_git_wrote_into_the_block_survives_it() {
        let new = String::from_utf8(put(Some(CONFIG), &ours()).unwrap()).unwrap();
        let edited = new.replace("gate.git\n", "gate.git\n\ttagOpt = --tags\n");
        let left = String::from_utf8(take(edited.as_bytes()).unwrap().unwrap()).unwrap();
        assert_eq!(
            left,
            String::from_utf8_lossy(CONFIG).into_owned()
                + "[remote \"origin\"]\n\ttagOpt = --tags\n"
        );
    }

    #[test]
    fn what_was_set_aside_comes_back() {
        let file = b"[core]\n\tbare = false\n\tworktree = ../../../sub\n[x]\n\tworktree = y\n";
        let (new, value) = set_aside(file, "core", "worktree");
        assert_eq!(value.as_deref(), Some("../../../sub"));
        let new = put(Some(&new), &ours()).unwrap();
        assert_eq!(set_aside(&new, "core", "worktree"), (new.clone(), None));
        assert_eq!(take(&new).unwrap().as_deref(), Some(&file[..]));
    }

    #[test]
    fn what_others_fetch_stays_beside_what_we_do() {
        let spec = |remote: &str| {
            format!("+refs/shopfloor/ledger*:refs/shopfloor/remotes/{remote}/ledger*")
        };
        let ours = |remote: &str| Settings::default().with("remote.origin.fetch", &spec(remote));
        let new = String::from_utf8(put(Some(CONFIG), &ours("origin")).unwrap()).unwrap();
        let line = format!("\tfetch = {}\n", spec("origin"));
        let more =
            new.replace(&line, &format!("{line}\tfetch = +refs/heads/x:refs/remotes/origin/x\n"));
        for again in
            [put(Some(more.as_bytes()), &ours("new")), renew(Some(more.as_bytes()), &ours("new"))]
        {
            let again = String::from_utf8(again.unwrap()).unwrap();
            assert!(
                again.contains("refs/remotes/origin/x\n") && again.contains(&spec("new")),
                "{again}"
            );
            assert_eq!(again.matches("fetch = ").count(), 2, "{again}");
            let left = String::from_utf8(take(again.as_bytes()).unwrap().unwrap()).unwrap();
            let theirs = "[remote \"origin\"]\n\tfetch = +refs/heads/x:refs/remotes/origin/x\n";
            assert_eq!(left, String::from_utf8_lossy(CONFIG).into_owned() + theirs);
        }
    }

    #[test]
    fn a_remote_that_was_given_an_address_stays() {
        let invented = Settings::default()
            .with("remote.origin.url", "/r/.git")
            .with("remote.origin.pushurl", "/r/.git/shopfloor/gate.git");
        let new = put(Some(b"[x]\n"), &invented).unwrap();
        assert_eq!(take(&new).unwrap().unwrap(), b"[x]\n");
        let set = String::from_utf8(new).unwrap().replace("url = /r/.git\n", "url = git@host:x\n");
        let left = take(set.as_bytes()).unwrap().unwrap();
        assert_eq!(
            String::from_utf8(left).unwrap(),
            "[x]\n[remote \"origin\"]\n\turl = git@host:x\n"
        );
    }

    #[test]
    fn places_are_renewed() {
        let old = ours()
            .with("core.hooksPath", "/r/.git/shopfloor/hooks")
            .with("url./r/.git/shopfloor/gate.git.insteadOf", "/p");
        let old = put(Some(CONFIG), &old).unwrap();
        let new = relocate(&old, Path::new("/new/.git")).unwrap().unwrap();
        assert_eq!(
            get(&new, "remote.origin.pushurl").unwrap().as_deref(),
            Some("/new/.git/shopfloor/gate.git")
        );
        assert_eq!(
            get(&new, "core.hooksPath").unwrap().as_deref(),
            Some("/new/.git/shopfloor/hooks")
        );
        assert_eq!(
            get(&new, "url./new/.git/shopfloor/gate.git.insteadOf").unwrap().as_deref(),
            Some("/p")
        );
        assert_eq!(take(&new).unwrap().as_deref(), Some(CONFIG));
        assert_eq!(relocate(CONFIG, Path::new("/new")).unwrap(), None);
    }

    #[test]
    fn values_come_back_as_they_were() {
        for value in ["plain", "", " lead", "a \"b\" \\ c", "x # y", "new\nline"] {
            let file = put(None, &Settings::default().with("shopfloor.bead", value)).unwrap();
            assert_eq!(get(&file, "shopfloor.bead").unwrap().as_deref(), Some(value));
            assert_eq!(take(&file).unwrap(), None);
        }
    }
}
