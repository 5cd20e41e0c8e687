//! A git configuration file taken apart into what is ours and what is not, and put together again: ours
//! in sections of their own at its end, each with a mark inside.

use anyhow::Result;

use crate::git::{ConfigLine, Setting, config_lines};
use crate::githook::aside;
use crate::githook::whose::{MARK, Whose, whose};

/// Said on the first mark when our sections could not simply follow what was there.
const NO_FILE: &str = " (there was no file before this)";
const NO_BREAK: &str = " (there was no line break before this)";
const NO_BREAKS: &str = " (there were no two line breaks before this)";

#[derive(Debug)]
pub(super) struct Sheet {
    /// The file as it would be without us, but for what stands aside.
    pub theirs: Vec<u8>,
    pub ours: Vec<Setting>,
    /// There was no file before us.
    made: bool,
}

impl Sheet {
    pub(super) fn open(file: Option<&[u8]>) -> Result<Self> {
        let lines = config_lines(file.unwrap_or_default())?;
        let all = whose(&lines);
        let (mut kept, mut ours, mut guests) = (Vec::new(), Vec::new(), Vec::new());
        let (mut remark, mut marked_at) = (String::new(), None);
        for (line, whose) in lines.into_iter().zip(all) {
            match whose {
                Whose::Theirs => kept.push(line),
                Whose::Header => {}
                Whose::Guest => guests.push((kept.len(), line)),
                Whose::Mark if marked_at.is_none() => {
                    marked_at = Some(kept.len());
                    remark = line.comment.unwrap_or_default();
                }
                Whose::Mark => {}
                Whose::Ours => {
                    let beside = line.opens.then(|| line.before_setting());
                    ours.extend(line.setting);
                    kept.extend(beside);
                }
            }
        }
        // What somebody wrote behind must not end up on the line before it.
        let last = guests.is_empty() && marked_at == Some(kept.len());
        house(&mut kept, guests);
        let mut theirs = aside::joined(&kept);
        let breaks = [(NO_BREAK, 1), (NO_BREAKS, 2)];
        let breaks = breaks.iter().find(|(said, _)| last && remark.ends_with(said));
        for _ in 0..breaks.map_or(0, |(_, breaks)| *breaks) {
            theirs.pop_if(|byte| *byte == b'\n');
        }
        Ok(Self { theirs, ours, made: file.is_none() || remark.ends_with(NO_FILE) })
    }

    /// The file; `None` when there is to be none.
    pub(super) fn close(self) -> Option<Vec<u8>> {
        let mut new = self.theirs;
        let nothing = self.made && new.is_empty();
        if self.ours.is_empty() {
            return Some(new).filter(|_| !nothing);
        }
        let (breaks, mut remark) = gap(&new);
        if nothing {
            remark = NO_FILE;
        }
        new.extend(breaks.as_bytes());
        let mut section = None;
        for setting in &self.ours {
            if section != Some(&setting.section) {
                section = Some(&setting.section);
                new.extend(format!("{}\t{MARK}{remark}\n", setting.header()).into_bytes());
                remark = "";
            }
            new.extend(setting.line().into_bytes());
        }
        Some(new)
    }
}

/// What has to stand between this text and a section, and how that is said. Behind a backslash, a value
/// goes on over the next line break.
fn gap(text: &[u8]) -> (&'static str, &'static str) {
    let bare = text.strip_suffix(b"\n").unwrap_or(text);
    let bare =
        if bare.len() < text.len() { bare.strip_suffix(b"\r").unwrap_or(bare) } else { bare };
    let goes_on = bare.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    match (text.is_empty() || text.ends_with(b"\n"), goes_on) {
        (true, false) => ("", ""),
        (true, true) | (false, false) => ("\n", NO_BREAK),
        (false, true) => ("\n\n", NO_BREAKS),
    }
}

/// What was written into sections of ours goes where git had put it, had they not been there.
fn house(kept: &mut Vec<ConfigLine>, guests: Vec<(usize, ConfigLine)>) {
    let before = kept.len();
    for (at, guest) in guests {
        let Some(setting) = guest.setting.clone() else { continue };
        let guest = guest.on_its_own();
        let instead = aside::found(kept).into_iter().rfind(|(_, away)| away.key() == setting.key());
        if let Some((range, _)) = instead {
            kept.splice(range, [guest]);
            continue;
        }
        let of_section = |line: &ConfigLine| {
            line.section == setting.section && (line.opens || line.setting.is_some())
        };
        let behind = match kept.iter().rposition(of_section) {
            Some(last) => last + 1,
            None => {
                // A section may begin only where another does.
                let at = at + kept.len().saturating_sub(before);
                let next = kept.iter().skip(at).position(|line| line.opens);
                let at = next.map_or(kept.len(), |next| at + next);
                kept.insert(at.min(kept.len()), ConfigLine::opening(&setting));
                at.min(kept.len()) + 1
            }
        };
        if let Some(last) = kept.get_mut(behind - 1).filter(|line| !line.raw.ends_with(b"\n")) {
            last.raw.push(b'\n');
        }
        kept.insert(behind.min(kept.len()), guest);
    }
}
