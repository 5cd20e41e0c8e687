//! Short words that users of beads know, for what other verbs do. They are written out before anything is
//! parsed, so each is what the longer words are, with the same help. Pure.

use std::ffi::OsString;

/// What a short word stands for, and the option that takes its last argument, if one does, with what that is.
type Meant = (&'static [&'static str], &'static [&'static str], Option<[&'static str; 2]>);

const SHORT: [Meant; 17] = [
    (&["q"], &["create", "--silent"], None),
    (&["link"], &["dep", "add"], None),
    (&["assign"], &["update"], Some(["--assignee", "NAME"])),
    (&["priority"], &["update"], Some(["--priority", "N"])),
    (&["tag"], &["update"], Some(["--add-label", "LABEL"])),
    (&["note"], &["update"], Some(["--append-notes", "TEXT"])),
    (&["label", "add"], &["update"], Some(["--add-label", "LABEL"])),
    (&["label", "remove"], &["update"], Some(["--remove-label", "LABEL"])),
    (&["label", "list-all"], &["count", "--by", "label"], None),
    (&["label", "list"], &["show", "--fields", "labels"], None),
    (&["statuses"], &["count", "--by", "status"], None),
    (&["types"], &["count", "--by", "type"], None),
    (&["history"], &["log"], None),
    (&["undefer"], &["update", "--defer="], None),
    (&["children"], &["list", "--all"], Some(["--parent", ""])),
    (&["comments", "add"], &["comment"], None),
    (&["comments"], &["comment", "--list"], None),
];

/// How a short word is used that takes a bead and something more.
pub(in crate::cli) fn usage(words: &[OsString]) -> Option<String> {
    let at = verb(words);
    let (short, _, Some([_, last])) = meant(words, at)? else { return None };
    let usage = format!("git bead {} ID {last}", short.join(" "));
    Some(usage).filter(|_| !last.is_empty())
}

/// Where the verb stands.
fn verb(words: &[OsString]) -> usize {
    let text = |at: usize| words.get(at).and_then(|word| word.to_str());
    let mut at = 1;
    while let Some(word) = text(at).filter(|word| word.starts_with('-')) {
        at += if word == "-C" { 2 } else { 1 };
    }
    at
}

fn meant(words: &[OsString], at: usize) -> Option<&'static Meant> {
    let text = |at: usize| words.get(at).and_then(|word| word.to_str());
    let said =
        |(short, ..): &&Meant| short.iter().enumerate().all(|(n, word)| text(at + n) == Some(word));
    SHORT.iter().find(said)
}

/// The words of a call as the verbs themselves would have them.
pub(in crate::cli) fn written_out(words: Vec<OsString>) -> Vec<OsString> {
    let text = |at: usize| words.get(at).and_then(|word| word.to_str());
    let at = verb(&words);
    let before = words.get(..at).unwrap_or_default();
    if text(at) == Some("defer") {
        return [before.to_vec(), put_off(words.get(at + 1..).unwrap_or_default())].concat();
    }
    let rest = words.get(at + 1..).unwrap_or_default();
    if text(at) == Some("list") && rest.iter().any(|word| word == "--ready") {
        let rest = rest.iter().filter(|word| *word != "--ready");
        return before.iter().chain(&[OsString::from("ready")]).chain(rest).cloned().collect();
    }
    let Some((short, long, option)) = meant(&words, at) else { return words };
    let mut rest = words.get(at + short.len()..).unwrap_or_default().to_vec();
    if let Some([option, _]) = option
        && let Some(last) = last_said(&mut rest)
        && let Some(value) = rest.get_mut(last)
    {
        let mut said = OsString::from(format!("{option}="));
        said.push(&*value);
        *value = said;
    }
    before.iter().cloned().chain(long.iter().map(OsString::from)).chain(rest).collect()
}

/// Until a time, or until somebody says otherwise.
fn put_off(rest: &[OsString]) -> Vec<OsString> {
    let mut words = vec![OsString::from("update")];
    let mut until = false;
    for word in rest {
        let said = word.to_str().and_then(|word| word.strip_prefix("--until"));
        until |= said.is_some();
        words.push(said.map_or(word.clone(), |value| format!("--defer{value}").into()));
    }
    if !until && rest.iter().any(|word| !is_option(word)) {
        words.push("--status=deferred".into());
    }
    words
}

/// Where the last argument stands. After `--` all are some, and it takes their sign away.
fn last_said(rest: &mut Vec<OsString>) -> Option<usize> {
    match rest.iter().position(|word| word == "--") {
        Some(end) => {
            rest.remove(end);
            rest.len().checked_sub(1)
        }
        None => rest.iter().rposition(|word| !is_option(word)),
    }
}

/// An option is one word before its value: `- this` begins a list, and `-` is standard input.
fn is_option(word: &OsString) -> bool {
    word.to_str().is_some_and(|word| {
        let name = word.split('=').next().unwrap_or_default();
        name.starts_with('-') && name.len() > 1 && !name.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_may_begin_a_list() {
        for (said, told) in [
            (vec!["note", "7f3k", "- a bullet"], "--append-notes=- a bullet"),
            (vec!["note", "7f3k", "--", "- a bullet"], "--append-notes=- a bullet"),
            (vec!["note", "7f3k", "--", "--x"], "--append-notes=--x"),
            (vec!["note", "7f3k", "-- a dash = a sign"], "--append-notes=-- a dash = a sign"),
        ] {
            let words = std::iter::once("git-bead").chain(said).map(OsString::from).collect();
            let long = ["git-bead", "update", "7f3k", told].map(OsString::from);
            assert_eq!(written_out(words), long);
        }
    }

    #[test]
    fn a_short_word_is_what_the_longer_ones_are() {
        for (short, long) in [
            ("q Map -p 1", "create --silent Map -p 1"),
            ("--json assign 7f3k jane", "--json update 7f3k --assignee=jane"),
            ("-C assign priority 7f3k 1 --json", "-C assign update 7f3k --priority=1 --json"),
            ("tag 7f3k 9a2c parser", "update 7f3k 9a2c --add-label=parser"),
            ("label remove 7f3k parser", "update 7f3k --remove-label=parser"),
            ("label list-all", "count --by label"),
            ("label", "label"),
            ("label list 7f3k", "show --fields labels 7f3k"),
            ("note 7f3k more", "update 7f3k --append-notes=more"),
            ("note -h", "update -h"),
            ("defer 7f3k --until +1d", "update 7f3k --defer +1d"),
            ("defer 7f3k --until=monday", "update 7f3k --defer=monday"),
            ("defer 7f3k 9a2c", "update 7f3k 9a2c --status=deferred"),
            ("defer --help", "update --help"),
            ("undefer 7f3k", "update --defer= 7f3k"),
            ("list --json --ready -n 3", "ready --json -n 3"),
            ("children 7f3k --json", "list --all --parent=7f3k --json"),
            ("comments 7f3k", "comment --list 7f3k"),
            ("comments add 7f3k yes", "comment 7f3k yes"),
            ("link 7f3k 9a2c", "dep add 7f3k 9a2c"),
            ("create q", "create q"),
            ("", ""),
        ] {
            let words = |text: &str| {
                let said = std::iter::once("git-bead").chain(text.split_whitespace());
                said.map(OsString::from).collect::<Vec<_>>()
            };
            assert_eq!(written_out(words(short)), words(long), "{short}");
        }
    }
}
