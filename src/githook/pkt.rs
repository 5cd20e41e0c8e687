//! The pkt-line protocol between `receive-pack` and its `proc-receive` git hook.

use std::io::{ErrorKind, Read, Write};

use anyhow::{Context as _, Result, bail, ensure};

use crate::git::Oid;

/// A line of git's is never longer than this, with its length.
const LONGEST: usize = 65520;
/// A push has no need of more; what sends more is not a client of ours.
const MOST_LINES: usize = 10_000;

/// What a client wants of one ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// What the client saw; the null object for nothing.
    pub old: Oid,
    /// What it is to be; the null object for nothing.
    pub new: Oid,
    pub name: String,
}

/// A push, as `receive-pack` hands it on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub commands: Vec<Command>,
    pub options: Vec<String>,
    /// All of it, or nothing.
    pub atomic: bool,
}

/// What became of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is as the client wanted it.
    Done,
    /// Something else came of it: this ref was there before at the first, is at the second now.
    Became(String, Oid, Oid),
    No(String),
}

/// Greets and reads the whole request.
pub(super) fn receive(input: &mut impl Read, output: &mut impl Write) -> Result<Request> {
    let greeting = section(input)?;
    let first = greeting.first().context("no version from git")?;
    let text = String::from_utf8_lossy(first);
    let mut words = text.trim_end().split('\0');
    ensure!(words.next() == Some("version=1"), "git speaks another protocol: {text:?}");
    let known: Vec<&str> = words.flat_map(str::split_whitespace).collect();
    let (options, atomic) = (known.contains(&"push-options"), known.contains(&"atomic"));
    line(output, if options { b"version=1\0push-options\n" } else { b"version=1\n" })?;
    output.write_all(b"0000")?;
    output.flush()?;
    let commands = section(input)?.iter().map(|line| command(line)).collect::<Result<_>>()?;
    let options = if options { section(input)? } else { Vec::new() };
    let options = options.iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned());
    Ok(Request { commands, options: options.collect(), atomic })
}

pub(super) fn answer(output: &mut impl Write, answers: &[(&str, Answer)]) -> Result<()> {
    for (name, answer) in answers {
        match answer {
            Answer::Done => line(output, format!("ok {name}\n").as_bytes())?,
            Answer::Became(other, old, new) => {
                line(output, format!("ok {name}\n").as_bytes())?;
                line(output, format!("option refname {other}\n").as_bytes())?;
                line(output, format!("option old-oid {old}\n").as_bytes())?;
                line(output, format!("option new-oid {new}\n").as_bytes())?;
            }
            // One line, whatever the reason is made of.
            Answer::No(why) => {
                let why: Vec<&str> = why.split_whitespace().collect();
                line(output, format!("ng {name} {}\n", why.join(" ")).as_bytes())?;
            }
        }
    }
    output.write_all(b"0000")?;
    Ok(output.flush()?)
}

fn command(line: &[u8]) -> Result<Command> {
    let text = std::str::from_utf8(line).context("a ref name that is not UTF-8")?;
    let mut words = text.trim_end_matches('\n').splitn(3, ' ');
    let (Some(old), Some(new), Some(name)) = (words.next(), words.next(), words.next()) else {
        bail!("not a command: {text:?}");
    };
    Ok(Command { old: old.parse()?, new: new.parse()?, name: name.to_owned() })
}

/// The lines up to a flush packet.
fn section(input: &mut impl Read) -> Result<Vec<Vec<u8>>> {
    let mut lines = Vec::new();
    loop {
        let mut length = [0; 4];
        match input.read_exact(&mut length) {
            Err(no) if no.kind() == ErrorKind::UnexpectedEof && lines.is_empty() => {
                return Ok(lines);
            }
            other => other.context("reading what git says")?,
        }
        let length = std::str::from_utf8(&length).context("a line without a length")?;
        let length = usize::from_str_radix(length, 16).context("a line without a length")?;
        if length == 0 {
            return Ok(lines);
        }
        ensure!(
            (4..=LONGEST).contains(&length) && lines.len() < MOST_LINES,
            "a push larger than git makes them"
        );
        let mut line = vec![0; length - 4];
        input.read_exact(&mut line).context("reading what git says")?;
        lines.push(line);
    }
}

fn line(output: &mut impl Write, text: &[u8]) -> Result<()> {
    ensure!(text.len() + 4 <= LONGEST, "a line longer than git takes it");
    output.write_all(format!("{:04x}", text.len() + 4).as_bytes())?;
    Ok(output.write_all(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "e0f5bedb858d17ece7ade841b94554227952ca6a";
    const NULL: &str = "0000000000000000000000000000000000000000";

    fn packed(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for text in lines {
            match *text {
                "flush" => out.extend(b"0000"),
                text => line(&mut out, text.as_bytes()).unwrap(),
            }
        }
        out
    }

    #[test]
    fn a_push_with_options_is_read_whole() {
        let push = format!("{NULL} {A} refs/heads/main");
        let input = packed(&[
            "version=1\0push-options atomic\n",
            "flush",
            &push,
            "flush",
            "prio=1",
            "wait",
            "flush",
        ]);
        let mut said = Vec::new();
        let request = receive(&mut input.as_slice(), &mut said).unwrap();
        assert_eq!(said, b"001bversion=1\0push-options\n0000");
        assert_eq!(request.options, ["prio=1", "wait"]);
        assert!(request.atomic);
        let command = &request.commands[0];
        assert!(command.old.is_null());
        assert_eq!(
            (command.new.to_string().as_str(), command.name.as_str()),
            (A, "refs/heads/main")
        );
    }

    #[test]
    fn a_push_without_options_is_not_waited_for() {
        let push = format!("{NULL} {A} refs/heads/a b");
        let input = packed(&["version=1\n", "flush", &push, "flush"]);
        let request = receive(&mut input.as_slice(), &mut Vec::new()).unwrap();
        assert_eq!(request.commands[0].name, "refs/heads/a b");
        assert!(!request.atomic);
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [&b"00zz"[..], b"0003", b"ffff", b"0009vers", b"000dversion=2"] {
            assert!(receive(&mut &bad[..], &mut Vec::new()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn answers_read_as_git_wants_them() {
        let (a, null): (Oid, Oid) = (A.parse().unwrap(), NULL.parse().unwrap());
        let mut out = Vec::new();
        let answers = [
            ("refs/heads/main", Answer::Became("refs/x/1".to_owned(), null, a)),
            ("refs/heads/t", Answer::Done),
            ("refs/heads/u", Answer::No("two\nlines".to_owned())),
        ];
        answer(&mut out, &answers).unwrap();
        let expected = packed(&[
            "ok refs/heads/main\n",
            "option refname refs/x/1\n",
            &format!("option old-oid {NULL}\n"),
            &format!("option new-oid {A}\n"),
            "ok refs/heads/t\n",
            "ng refs/heads/u two lines\n",
            "flush",
        ]);
        assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(expected).unwrap());
    }
}
