//! Our lines in files that are somebody else's: put in between two marks, taken out again byte for
//! byte. Pure: bytes in, bytes out.

use anyhow::{Result, bail};

const BEGIN: &[u8] = b"# >>> shopfloor";
const END: &[u8] = b"# <<< shopfloor";
/// Said on the first mark when the file had no line break at its end, or did not exist.
const NO_NEWLINE: &str = " (there was no line break before this)";
const NO_FILE: &str = " (there was no file before this)";
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
    let Ok(bare) = out_of_script(old) else { return Placed::Aside };
    let Some(bare) = bare else { return Placed::Written(shipped.as_bytes().to_vec()) };
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
        new.extend(NO_NEWLINE.as_bytes());
        new.push(b'\n');
        new.extend(more.concat());
    }
    new.extend(rest);
    Placed::Written(new)
}

/// The script without our part; `None` when the whole file was ours.
pub(super) fn out_of_script(text: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(cut) = Cut::find(text)? else { return Ok(Some(text.to_vec())) };
    let mut bare = cut.before.to_vec();
    bare.extend(cut.after);
    let lines: Vec<&[u8]> = lines(&bare).collect();
    if !lines.get(1).is_some_and(|line| line.starts_with(OURS)) {
        return Ok(Some(bare));
    }
    let kept: Vec<u8> = lines
        .iter()
        .enumerate()
        .filter(|(nth, _)| *nth != 1)
        .flat_map(|(_, line)| *line)
        .copied()
        .collect();
    let left_alone = cut.after.is_empty() || cut.after.starts_with(TAIL.as_bytes());
    Ok(Some(kept).filter(|_| !left_alone))
}

/// Whether any of our marks is in there.
pub(super) fn is_marked(text: &[u8]) -> bool {
    lines(text).any(begins)
}

/// Whether this line is the first of ours.
pub(super) fn begins(line: &[u8]) -> bool {
    line.starts_with(BEGIN)
}

/// Whether this line is the last of ours.
pub(super) fn ends(line: &[u8]) -> bool {
    line.starts_with(END)
}

/// What follows our lines where another hook has to run after them.
pub(super) const TAIL: &str = "# What stands behind it:\n";

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

/// Puts a block with this body at the end of a file, in place of the one that is there.
pub(super) fn at_end(old: Option<&[u8]>, body: &str) -> Result<Vec<u8>> {
    let (bare, remark) = match old {
        None => (Vec::new(), NO_FILE),
        Some(old) => match (Cut::find(old)?, without(old)?) {
            (Some(_), None) => (Vec::new(), NO_FILE),
            (_, Some(bare)) if bare.is_empty() || bare.ends_with(b"\n") => (bare, ""),
            (_, Some(bare)) => (bare, NO_NEWLINE),
            (None, None) => (Vec::new(), ""),
        },
    };
    let mut new = bare;
    if remark == NO_NEWLINE {
        new.push(b'\n');
    }
    new.extend(BEGIN);
    new.extend(remark.as_bytes());
    new.push(b'\n');
    new.extend(body.as_bytes());
    new.extend(END);
    new.push(b'\n');
    Ok(new)
}

/// The body of our block, as it stands.
pub(super) fn body(text: &[u8]) -> Result<Option<String>> {
    let cut = Cut::find(text)?;
    Ok(cut.map(|cut| String::from_utf8_lossy(&cut.inside.concat()).into_owned()))
}

/// The file without our block; `None` when there was no file before us and nothing else is in it.
pub(super) fn without(text: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(cut) = Cut::find(text)? else { return Ok(Some(text.to_vec())) };
    let mut bare = cut.before.to_vec();
    bare.extend(cut.after);
    let made_by_us = cut.remark == NO_FILE.as_bytes();
    Ok(Some(bare).filter(|bare| !made_by_us || !bare.is_empty()))
}

/// A file around our block.
struct Cut<'a> {
    before: &'a [u8],
    remark: &'a [u8],
    inside: Vec<&'a [u8]>,
    after: &'a [u8],
}

impl<'a> Cut<'a> {
    fn find(text: &'a [u8]) -> Result<Option<Self>> {
        let (mut at, mut begin, mut inside, mut remark) = (0, None, Vec::new(), &[][..]);
        for line in lines(text) {
            let from = at;
            at += line.len();
            match (begin, line.strip_prefix(BEGIN)) {
                (None, Some(rest)) => {
                    begin = Some(from);
                    remark = rest.strip_suffix(b"\n").unwrap_or(rest);
                }
                (Some(_), Some(_)) => bail!("a second `# >>> shopfloor` before the first one ends"),
                (Some(start), None) if line.starts_with(END) => {
                    let (before, after) =
                        (text.get(..start).unwrap_or_default(), text.get(at..).unwrap_or_default());
                    // What somebody wrote behind the block must not end up on the line before it.
                    let lacked = after.is_empty() && remark.ends_with(NO_NEWLINE.as_bytes());
                    let before =
                        if lacked { before.strip_suffix(b"\n").unwrap_or(before) } else { before };
                    return Ok(Some(Self { before, remark, inside, after }));
                }
                (Some(_), None) => inside.push(line),
                (None, None) => {}
            }
        }
        match begin {
            Some(_) => bail!("`# >>> shopfloor` without its `# <<< shopfloor`"),
            None => Ok(None),
        }
    }
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
        assert_eq!(out_of_script(&new).unwrap(), None);
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
                out_of_script(&new).unwrap().as_deref(),
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
        assert_eq!(out_of_script(&new).unwrap().unwrap(), b"#!/bin/sh\necho mine\n");
    }

    #[test]
    fn a_script_with_another_behind_it_is_ours_as_well() {
        let mut new = placed(None);
        new.extend(TAIL.as_bytes());
        new.extend(b"exec something\n");
        assert_eq!(out_of_script(&new).unwrap(), None);
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
    fn a_damaged_block_is_left_alone() {
        let torn = b"#!/bin/sh\n# >>> shopfloor\nhalf\n";
        assert_eq!(into_script(Some(torn), SHIPPED), Placed::Aside);
        assert!(out_of_script(torn).is_err());
    }

    #[test]
    fn a_block_at_the_end_comes_and_goes() {
        let files: &[Option<&[u8]>] = &[
            None,
            Some(b""),
            Some(b"[core]\n\tbare = false\n"),
            Some(b"[core]\n\tbare = false"),
            Some(b"\n\n"),
        ];
        for file in files {
            let new = at_end(*file, "[shopfloor]\n\tprefix = api\n").unwrap();
            assert_eq!(body(&new).unwrap().unwrap(), "[shopfloor]\n\tprefix = api\n");
            let other = at_end(Some(&new), "[shopfloor]\n\tprefix = web\n").unwrap();
            assert_eq!(without(&new).unwrap().as_deref(), *file);
            assert_eq!(without(&other).unwrap().as_deref(), *file);
        }
    }

    #[test]
    fn what_was_written_behind_the_block_keeps_its_own_line() {
        let mut file = at_end(Some(b"url = a"), "[shopfloor]\n").unwrap();
        file.extend(b"[remote \"other\"]\n");
        assert_eq!(without(&file).unwrap().unwrap(), b"url = a\n[remote \"other\"]\n");
        let mut script = placed(Some(b"#!/bin/sh"));
        script.extend(b"echo mine\n");
        assert_eq!(out_of_script(&script).unwrap().unwrap(), b"#!/bin/sh\necho mine\n");
    }
}
