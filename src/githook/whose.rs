//! Which lines of a git configuration file are ours: those we mark, and, where marks have got lost, those
//! that say what only we say. Git and people write into our sections too; that stays theirs.

use std::ops::Range;
use std::path::Path;

use crate::git::{ConfigLine, Setting};
use crate::githook::route;

/// The first line of every section that we write. It stands inside, so that it goes, or gets another
/// name, together with what it speaks of.
pub(super) const MARK: &str = "# by shopfloor";
/// Around all of our sections, as they once were.
const BEGIN: &str = "# >>> shopfloor";
const END: &str = "# <<< shopfloor";
/// How the path of every gate ends.
const GATE: &str = "/shopfloor/gate.git";
/// Where a remote's ledger is fetched to.
const LEDGER: &str = ":refs/shopfloor/remotes/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Theirs,
    /// A setting of ours.
    Ours,
    /// The beginning of a section of ours.
    Header,
    Mark,
    /// Somebody's setting in a section of ours.
    Guest,
}

/// What each line is.
pub(super) fn whose(lines: &[ConfigLine]) -> Vec<Whose> {
    let (older, mut at) = (between_marks(lines), 0);
    let mut sections: Vec<(bool, &[ConfigLine])> = Vec::new();
    for section in lines.chunk_by(|_, next| !next.opens) {
        sections.push((older.contains(&at) || is_marked(section) || is_signed(section), section));
        at += section.len();
    }
    let here = sections.iter().any(|(ours, _)| *ours);
    // Where marks stand, they are to be believed.
    let bare = |section: &[ConfigLine]| is_signed(section) && !is_marked(section);
    let outfit = older.is_empty()
        && sections.iter().any(|(_, all)| bare(all) && has(all, "shopfloor.identity"));
    for (ours, section) in &mut sections {
        *ours |= here && is_all_ours(section, outfit);
    }
    let inside = sections.iter().filter(|(ours, _)| *ours).flat_map(|(_, lines)| settings(lines));
    let invented = invented_remotes(inside);
    let tell = |ours: bool, line: &ConfigLine| match &line.setting {
        Some(setting) if ours && (is_written(setting) || is_of(&invented, setting)) => Whose::Ours,
        Some(setting) if here && is_certain(setting) => Whose::Ours,
        Some(_) if ours => Whose::Guest,
        None if line.comment.as_deref().is_some_and(is_mark) && !line.opens => Whose::Mark,
        None if ours && line.opens => Whose::Header,
        _ => Whose::Theirs,
    };
    let lines = sections.into_iter().flat_map(|(ours, all)| all.iter().map(move |l| (ours, l)));
    lines.map(|(ours, line)| tell(ours, line)).collect()
}

fn is_mark(comment: &str) -> bool {
    [MARK, BEGIN, END].iter().any(|mark| comment.starts_with(mark))
}

/// The lines between two marks of the older kind. One without the other says nothing.
fn between_marks(lines: &[ConfigLine]) -> Range<usize> {
    let at = |mark: &str| {
        let is = |line: &ConfigLine| line.comment.as_deref().is_some_and(|c| c.starts_with(mark));
        lines.iter().position(is)
    };
    at(BEGIN).zip(at(END)).map_or(0..0, |(begin, end)| begin..end)
}

fn is_marked(section: &[ConfigLine]) -> bool {
    let opens = section.first().is_some_and(|line| line.opens && line.setting.is_none());
    let mut said = section
        .iter()
        .filter_map(|line| line.comment.as_deref().or(line.setting.as_ref().map(|_| "")));
    opens && said.next().is_some_and(|first| first.starts_with(MARK))
}

/// What nobody else would say together.
fn is_signed(section: &[ConfigLine]) -> bool {
    let named = has(section, "shopfloor.prefix") || has(section, "shopfloor.bead");
    let ours = named && has(section, "shopfloor.path");
    let is_queue = |setting: &Setting| {
        setting.is("receive.procReceiveRefs") && setting.value == "refs/shopfloor"
    };
    ours || settings(section).any(is_queue)
}

/// Whether nobody else has said anything in here. In the file of an agent's work tree that is also so of
/// what others might say elsewhere.
fn is_all_ours(section: &[ConfigLine], outfit: bool) -> bool {
    let known = |setting: &Setting| match setting.section.split_once('.') {
        Some(_) => is_written(setting),
        None => is_certain(setting) || (outfit && is_written(setting)),
    };
    let any = settings(section).any(|setting| is_certain(setting) || outfit);
    any && settings(section).all(known)
}

fn has(section: &[ConfigLine], key: &str) -> bool {
    settings(section).any(|setting| setting.is(key))
}

fn settings(lines: &[ConfigLine]) -> impl Iterator<Item = &Setting> {
    lines.iter().filter_map(|line| line.setting.as_ref())
}

/// Remotes that lead into the very repository whose gate they push to: there was none before us.
pub(super) fn invented_remotes<'s>(all: impl Iterator<Item = &'s Setting>) -> Vec<String> {
    let remotes: Vec<&Setting> =
        all.filter(|setting| setting.section.starts_with("remote.")).collect();
    let value = |section: &str, name: &str| {
        let is = |setting: &&&Setting| {
            setting.section == section && setting.name.eq_ignore_ascii_case(name)
        };
        remotes.iter().rfind(is).map(|setting| setting.value.as_str())
    };
    let leads_back = |setting: &&&Setting| {
        let gate = value(&setting.section, "pushurl").and_then(|gate| gate.strip_suffix(GATE));
        gate.is_some() && gate == value(&setting.section, "url")
    };
    remotes.iter().filter(leads_back).map(|setting| setting.section.clone()).collect()
}

fn is_of(invented: &[String], setting: &Setting) -> bool {
    let address = ["url", "fetch"].iter().any(|name| setting.name.eq_ignore_ascii_case(name));
    address && invented.contains(&setting.section)
}

/// What only we say, wherever it stands.
fn is_certain(setting: &Setting) -> bool {
    let (name, value) = (setting.name.to_ascii_lowercase(), setting.value.as_str());
    match setting.section.split_once('.') {
        None if setting.section == "core" => name == "hookspath" && is_our_dir(value),
        Some(("remote", _)) => match name.as_str() {
            "pushurl" => names_gate(value),
            "fetch" => is_ledger(setting),
            "receivepack" => value.contains(route::FROM),
            _ => false,
        },
        Some(("url", address)) => names_gate(address),
        _ => false,
    }
}

/// What we say, in a section of ours.
fn is_written(setting: &Setting) -> bool {
    let (name, value) = (setting.name.to_ascii_lowercase(), setting.value.as_str());
    let yes = value == "true";
    match setting.section.split_once('.').unwrap_or((setting.section.as_str(), "")) {
        ("shopfloor", "") => OWN.contains(&name.as_str()),
        ("extensions", "") => name == "worktreeconfig" && yes,
        ("receive", "") => match name.as_str() {
            "procreceiverefs" => value.starts_with("refs/"),
            "advertisepushoptions" => yes,
            _ => false,
        },
        ("core", "") => match name.as_str() {
            "bare" | "worktree" => true,
            "logallrefupdates" => yes,
            _ => is_certain(setting),
        },
        ("user", "") => matches!(name.as_str(), "name" | "email"),
        ("commit", "") => name == "gpgsign" && value == "false",
        ("remote", _) if matches!(name.as_str(), "pushurl" | "url") && value.is_empty() => true,
        _ => is_certain(setting),
    }
}

/// Our own settings that we set ourselves. The others are a person's.
const OWN: [&str; 10] = [
    "prefix", "target", "path", "publish", "identity", "bead", "epoch", "session", "tool", "model",
];

pub(super) fn names_gate(value: &str) -> bool {
    value.ends_with(GATE)
}

pub(super) fn is_ledger(setting: &Setting) -> bool {
    setting.value.contains(LEDGER)
}

pub(super) fn is_hooks_path(setting: &Setting) -> bool {
    setting.is("core.hooksPath")
}

/// A gate of the repository in this directory.
pub(super) fn gate_of(here: &Path) -> String {
    here.join(GATE.trim_start_matches('/')).to_string_lossy().into_owned()
}

/// Whether this is a folder of git hooks that we have made.
pub(super) fn is_our_dir(dir: &str) -> bool {
    Path::new(dir).ends_with("shopfloor/hooks") || Path::new(dir).ends_with("shopfloor-hooks")
}
