//! Markdown transcripts that run: prose, and console blocks of commands with what they print.
//!
//! In a `console` block a line `$ command` is run by sh (lines `> …` continue it) and what follows
//! is what it prints, both streams together, and `[exit N]` where N is not 0. A `$ command` inside
//! an HTML comment prepares something in silence. `<!-- ids: demo -->` names the prefixes of the
//! beads in it. Ids, commits and times may be others in each run: they are matched by the order of
//! their appearance, and a command that names one is given the one of this run. `UPDATE=1` rewrites.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::redact::Piece;
use super::{Names, Place, redact};

/// Run a transcript of this repository, and compare.
#[track_caller]
pub(crate) fn tell(file: &str, place: &Place<'_>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
    let told = Teller::new(&text, place).tell(&text);
    if updating() {
        fs::write(&path, told).unwrap();
    } else {
        assert!(told == text, "{file} differs (UPDATE=1 rewrites it):\n{}", diff(&text, &told));
    }
}

struct Teller<'a> {
    place: &'a Place<'a>,
    dir: String,
    names: Names,
    /// What the text calls a bead or a commit, and what it is called in this run.
    known: BTreeMap<String, String>,
}

impl<'a> Teller<'a> {
    fn new(text: &str, place: &'a Place<'a>) -> Self {
        let ids = text.lines().find_map(|line| line.strip_prefix("<!-- ids:")?.strip_suffix("-->"));
        let prefixes: Vec<_> = ids.unwrap_or_default().split(',').map(str::trim).collect();
        let dir = place.dir.to_str().unwrap().to_owned();
        Self { place, dir, names: Names::of(&prefixes), known: BTreeMap::new() }
    }

    fn tell(&mut self, text: &str) -> String {
        let mut told = String::new();
        let mut lines = text.lines().peekable();
        let (mut console, mut comment) = (false, false);
        while let Some(line) = lines.next() {
            told.push_str(line);
            told.push('\n');
            match line {
                "```console" => console = true,
                "```" => console = false,
                "<!--" => comment = true,
                "-->" => comment = false,
                _ => {}
            }
            let Some(first) = line.strip_prefix("$ ").filter(|_| console || comment) else {
                continue;
            };
            let mut command = first.to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
                command.push('\n');
                command.push_str(&more[2..]);
                told.push_str(more);
                told.push('\n');
            }
            let ran = self.run(&command, comment);
            if console {
                let mut expected = String::new();
                while let Some(line) = lines.next_if(|l| !l.starts_with("$ ") && *l != "```") {
                    expected.push_str(line);
                    expected.push('\n');
                }
                told.push_str(&self.compared(expected, ran));
            }
        }
        told
    }

    /// Both streams and the exit code of a command, as a transcript shows them.
    fn run(&mut self, command: &str, silent: bool) -> String {
        let command: String =
            self.names.pieces(command).into_iter().map(|p| self.real(p)).collect();
        let script = format!(
            "exec 2>&1\ncd \"$1\" || exit\n{command}\nstatus=$?\npwd >\"$2\"\nexit $status\n"
        );
        let note = self.place.world.root().join("tmp/story-dir");
        let note = note.to_str().unwrap();
        let ran = self.place.run(["sh", "-c", &script, "sh", &self.dir, note]);
        assert!(!silent || ran.code == 0, "a preparation failed\n{ran}");
        fs::read_to_string(note).unwrap_or_default().trim_end().clone_into(&mut self.dir);
        let mut shown = ran.out.replace(self.place.world.root().to_str().unwrap(), "");
        if !shown.is_empty() && !shown.ends_with('\n') {
            shown.push('\n');
        }
        if ran.code != 0 {
            shown.push_str(&format!("[exit {}]\n", ran.code));
        }
        shown
    }

    fn real(&self, piece: Piece) -> String {
        match piece {
            Piece::Text(text) | Piece::Time(text) => text,
            Piece::Bead(name) | Piece::Commit(name) => {
                let told = |(told, _): &(&String, _)| told.starts_with(&name);
                self.known.iter().find(told).map_or(name.clone(), |(_, real)| real.clone())
            }
        }
    }

    /// The expected text where it means the same as what was printed, else what was printed.
    fn compared(&mut self, expected: String, printed: String) -> String {
        let same =
            redact(&mut self.names.clone(), &expected) == redact(&mut self.names.clone(), &printed);
        let pairs = self.names.pieces(&expected).into_iter().zip(self.names.pieces(&printed));
        for pair in pairs {
            if let (Piece::Bead(told), Piece::Bead(real))
            | (Piece::Commit(told), Piece::Commit(real)) = pair
            {
                self.known.insert(told, real);
            }
        }
        if same { expected } else { printed }
    }
}

#[expect(clippy::disallowed_methods, reason = "how a person asks for new expectations")]
pub(crate) fn updating() -> bool {
    std::env::var("UPDATE").is_ok_and(|wish| wish == "1")
}

fn diff(old: &str, new: &str) -> String {
    let mut shown = String::new();
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let same = |(a, b): &(&&str, &&str)| a == b;
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(same).count();
    for line in &old[head..old.len() - tail] {
        shown.push_str(&format!("- {line}\n"));
    }
    for line in &new[head..new.len() - tail] {
        shown.push_str(&format!("+ {line}\n"));
    }
    shown
}
