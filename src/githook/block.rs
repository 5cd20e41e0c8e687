//! Our lines in scripts that are somebody else's: put in between two marks, taken out again byte for
//! byte. Pure: bytes in, bytes out.

use crate::githook::scripts;

const BEGIN: &[u8] = b"# >>> shopfloor";
const END: &[u8] = b"# <<< shopfloor";
/// Said on the first mark when the script had no line break before it.
const NO_NEWLINE: &[u8] = b" (there was no line break before this)";
/// The second line of a script that is ours from the first byte to the last.
const OURS: &[u8] = b"# Made by `git bead init`; `git bead deinit` takes it away.";

/// Where our part of a script goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// The file is this.
    Written(Vec<u8>),
    /// The file cannot take lines of ours: it has to be set aside.
    Aside,
}

/// Puts the marked lines of `shipped` into a script, after its first line.
pub(super) fn into_script(old: Option<&[u8]>, shipped: &str) -> Placed {
    let Some(old) = old else { return Placed::Written(shipped.as_bytes().to_vec()) };
    let Some(bare) = out_of_script(old) else {
        return Placed::Written(shipped.as_bytes().to_vec());
    };
    if !is_shell(&bare) {
        return Placed::Aside;
    }
    let (first, rest) = match bare.iter().position(|byte| *byte == b'\n') {
        Some(at) => bare.split_at(at + 1),
        None => (bare.as_slice(), &[][..]),
    };
    let mut new = first.to_vec();
    let lines = marked_lines(shipped);
    if first.ends_with(b"\n") {
        new.extend(lines.concat());
    } else {
        let (mark, more) =
            lines.split_first().map_or((&[][..], &[][..]), |(mark, more)| (*mark, more));
        new.push(b'\n');
        new.extend(mark.strip_suffix(b"\n").unwrap_or(mark));
        new.extend(NO_NEWLINE);
        new.push(b'\n');
        new.extend(more.concat());
    }
    new.extend(rest);
    Placed::Written(new)
}

/// The script without our part; `None` when the whole file was ours.
pub(super) fn out_of_script(text: &[u8]) -> Option<Vec<u8>> {
    let Some(cut) = Cut::find(text) else { return Some(text.to_vec()) };
    let mut bare = cut.before.to_vec();
    bare.extend(cut.after);
    if is_marked(&bare) {
        return out_of_script(&bare);
    }
    let lines: Vec<&[u8]> = lines(&bare).collect();
    if !lines.get(1).is_some_and(|line| line.starts_with(OURS)) {
        return Some(bare);
    }
    let kept: Vec<u8> = lines
        .iter()
        .enumerate()
        .filter(|(nth, _)| *nth != 1)
        .flat_map(|(_, line)| *line)
        .copied()
        .collect();
    let left_alone = cut.after.is_empty() || cut.after.starts_with(scripts::TAIL.as_bytes());
    Some(kept).filter(|_| !left_alone)
}

/// Whether any of our marks is in there.
pub(super) fn is_marked(text: &[u8]) -> bool {
    lines(text).any(|line| line.starts_with(BEGIN) || line.starts_with(END))
}

/// Whether our lines are in there from the first mark to the last.
pub(super) fn is_whole(text: &[u8]) -> bool {
    Cut::find(text).is_some_and(|cut| cut.whole)
}

/// A shell can run more lines at its top; nothing else can.
fn is_shell(text: &[u8]) -> bool {
    let first = lines(text).next().unwrap_or_default();
    let Some(command) = first.strip_prefix(b"#!").and_then(|line| std::str::from_utf8(line).ok())
    else {
        return false;
    };
    let mut words = command.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = match words.next() {
        Some("env") => words.find(|word| !word.starts_with('-')),
        other => other,
    };
    matches!(program, Some("sh" | "bash" | "dash" | "ksh" | "zsh")) && !text.contains(&0)
}

/// The lines of a shipped script from mark to mark.
fn marked_lines(shipped: &str) -> Vec<&[u8]> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in lines(shipped.as_bytes()) {
        inside |= line.starts_with(BEGIN);
        if inside {
            found.push(line);
        }
        inside &= !line.starts_with(END);
    }
    found
}

/// A script around lines of ours.
struct Cut<'a> {
    before: &'a [u8],
    after: &'a [u8],
    /// Both marks are there.
    whole: bool,
}

impl<'a> Cut<'a> {
    /// The first in there. Where one of its marks is missing, as much goes with the other as we ship.
    fn find(text: &'a [u8]) -> Option<Self> {
        let all: Vec<&[u8]> = lines(text).collect();
        let first = all.iter().position(|line| line.starts_with(BEGIN) || line.starts_with(END))?;
        let (before, rest) = all.split_at(first);
        let behind = rest.iter().skip(1);
        let last = behind.clone().position(|line| line.starts_with(END) || line.starts_with(BEGIN));
        let last = last.filter(|last| rest.get(last + 1).is_some_and(|line| line.starts_with(END)));
        let begins = rest.first().is_some_and(|line| line.starts_with(BEGIN));
        let (from, to) = match (begins, last) {
            (true, Some(last)) => (first, first + last + 2),
            (true, None) => {
                (first, first + 1 + shipped(|lines| common(lines.skip(1), behind.clone())))
            }
            // A line before it may be anybody's, unless all of ours are there.
            (false, _) => {
                let all = |lines: std::vec::IntoIter<_>| {
                    let (ours, same) =
                        (lines.len() - 2, common(lines.rev().skip(1), before.iter().rev()));
                    if same >= ours { ours } else { 0 }
                };
                (first - shipped(all), first + 1)
            }
        };
        let bytes = |to: usize| all.iter().take(to).map(|line| line.len()).sum::<usize>();
        let (before, after) = (
            text.get(..bytes(from)).unwrap_or_default(),
            text.get(bytes(to)..).unwrap_or_default(),
        );
        // What somebody wrote behind the block must not end up on the line before it.
        let remark = rest.first().is_some_and(|line| line.trim_ascii_end().ends_with(NO_NEWLINE));
        let before = match remark && after.is_empty() {
            true => before.strip_suffix(b"\n").unwrap_or(before),
            false => before,
        };
        Some(Self { before, after, whole: begins && last.is_some() })
    }
}

/// The most that is found of any script of ours.
fn shipped(found: impl Fn(std::vec::IntoIter<&'static [u8]>) -> usize) -> usize {
    let all = scripts::SHIPPED.iter().map(|(_, text)| found(marked_lines(text).into_iter()));
    all.max().unwrap_or_default()
}

/// How many lines are the same from the start on.
fn common<'l>(
    ours: impl Iterator<Item = &'static [u8]>,
    theirs: impl Iterator<Item = &'l &'l [u8]>,
) -> usize {
    ours.zip(theirs).take_while(|(ours, theirs)| ours == *theirs).count()
}

/// The lines with their line breaks.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../hooks/pre-push");

    fn placed(old: Option<&[u8]>) -> Vec<u8> {
        match into_script(old, SHIPPED) {
            Placed::Written(new) => new,
            Placed::Aside => panic!("set aside"),
        }
    }

    #[test]
    fn a_free_name_takes_the_shipped_script_and_is_free_again() {
        let new = placed(None);
        assert_eq!(new, SHIPPED.as_bytes());
        assert_eq!(out_of_script(&new), None);
        assert_eq!(placed(Some(&new)), new);
    }

    #[test]
    fn a_shell_script_is_the_same_afterwards_to_the_byte() {
        let scripts: &[&[u8]] = &[
            b"#!/bin/sh\n",
            b"#!/bin/sh",
            b"#!/bin/sh\necho hi",
            b"#!/bin/sh -e\n\n\necho hi\n",
            b"#!/usr/bin/env bash\nset -eu\nexec other \"$@\"\n",
            b"#!/usr/bin/env -S sh -e\r\necho \xff\xfe\r\n",
            b"#! /usr/bin/env  sh\n. \"$(dirname \"$0\")/h\"",
        ];
        for script in scripts {
            let new = placed(Some(script));
            assert_ne!(&new, script);
            assert_eq!(placed(Some(&new)), new, "twice is once");
            assert_eq!(
                out_of_script(&new).as_deref(),
                Some(*script),
                "{:?}",
                String::from_utf8_lossy(script)
            );
            let first = script.split(|byte| *byte == b'\n').next().unwrap();
            assert!(new.starts_with(first) && is_marked(&new));
        }
    }

    #[test]
    fn what_a_person_adds_to_our_script_stays() {
        let mut new = placed(None);
        new.extend(b"echo mine\n");
        assert_eq!(out_of_script(&new).unwrap(), b"#!/bin/sh\necho mine\n");
    }

    #[test]
    fn a_script_with_another_behind_it_is_ours_as_well() {
        let mut new = placed(None);
        new.extend(scripts::TAIL.as_bytes());
        new.extend(b"exec something\n");
        assert_eq!(out_of_script(&new), None);
    }

    #[test]
    fn other_programs_are_set_aside() {
        for script in [
            &b"#!/usr/bin/env python3\nprint()\n"[..],
            b"\x7fELF\0\0",
            b"echo no shebang\n",
            b"",
            b"#!/bin/fish\n",
        ] {
            assert_eq!(into_script(Some(script), SHIPPED), Placed::Aside);
        }
    }

    #[test]
    fn an_older_block_is_replaced() {
        let old = b"#!/bin/sh\n# >>> shopfloor: as it was\nold\n# <<< shopfloor\necho hi\n";
        let new = placed(Some(old));
        assert_eq!(new, placed(Some(b"#!/bin/sh\necho hi\n")));
    }

    #[test]
    fn a_block_that_lost_a_mark_goes_all_the_same() {
        let (begin, end) = ("# >>> shopfloor", "# <<< shopfloor\n");
        let block = String::from_utf8(marked_lines(SHIPPED).concat()).unwrap();
        let (_, headless) = block.split_once('\n').unwrap();
        let endless = block.strip_suffix(end).unwrap();
        for (torn, left) in [
            (format!("#!/bin/sh\n{endless}echo mine\n"), "#!/bin/sh\necho mine\n"),
            (format!("#!/bin/sh\necho mine\n{headless}"), "#!/bin/sh\necho mine\n"),
            (format!("#!/bin/sh\n{endless}{block}echo mine\n"), "#!/bin/sh\necho mine\n"),
            (format!("#!/bin/sh\n{begin}\nfi\n"), "#!/bin/sh\nfi\n"),
            (format!("#!/bin/sh\nfi\n{end}"), "#!/bin/sh\nfi\n"),
        ] {
            assert!(is_marked(torn.as_bytes()));
            assert!(!is_whole(torn.as_bytes()), "{torn}");
            assert_eq!(String::from_utf8(out_of_script(torn.as_bytes()).unwrap()).unwrap(), left);
            let again = placed(Some(torn.as_bytes()));
            assert!(is_whole(&again));
            assert_eq!(again, placed(Some(left.as_bytes())));
        }
        assert!(is_whole(SHIPPED.as_bytes()));
    }

    #[test]
    fn what_was_written_behind_the_block_keeps_its_own_line() {
        let mut script = placed(Some(b"#!/bin/sh"));
        script.extend(b"echo mine\n");
        assert_eq!(out_of_script(&script).unwrap(), b"#!/bin/sh\necho mine\n");
    }
}
