//! Which lines are asked for. The one filter over the ledger and the trail; who counts, routes or reviews
//! asks with it too. Pure, but for [`Ledger::tell`], which reads no more than a question needs.

use anyhow::{Context as _, Result};

use super::manners::unreadable;
use super::replay::{Ears, Reel, play};
use super::{Json, Ledger, Line, trail};

/// What a line must be; of several words one must fit, and what is empty fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// A name, or what stands before a `/` in it.
    pub by: Vec<String>,
    /// A whole subject.
    pub on: Vec<String>,
    /// A kind, or what stands before a `.` in it.
    pub act: Vec<String>,
    pub session: Vec<String>,
    /// A model, or how it begins.
    pub model: Vec<String>,
    /// A path, or a directory.
    pub file: Vec<String>,
    /// Stamps as lines have them: from the one on, and before the other.
    pub since: Option<String>,
    pub until: Option<String>,
    /// The trail is asked for, though nothing else here asks for it.
    pub trail: bool,
}

impl Query {
    pub fn fits(&self, line: &Line) -> bool {
        let any = |words: &[String], fits: &dyn Fn(&str) -> bool| {
            words.is_empty() || words.iter().any(|word| fits(word))
        };
        any(&self.by, &|word| below(&line.by, word, '/'))
            && any(&self.on, &|word| line.on == word)
            && any(&self.act, &|word| below(&line.act, word, '.'))
            && any(&self.session, &|word| line.session.as_deref() == Some(word) || line.on == word)
            && any(&self.model, &|word| {
                line.model.as_deref().is_some_and(|model| model.starts_with(word))
            })
            && any(&self.file, &|word| names_file(line, word))
            && self.since.as_ref().is_none_or(|since| line.at >= *since)
            && self.until.as_ref().is_none_or(|until| line.at < *until)
    }

    /// Whether the answer may stand in the trail. What a session did stands there alone, and files are
    /// named nowhere else.
    pub fn asks_trail(&self) -> bool {
        let wanted = self.trail || !self.file.is_empty() || !self.session.is_empty();
        match self.act.is_empty() {
            true => wanted,
            false => self.act.iter().any(|act| is_trail(act)),
        }
    }

    /// Whether it may stand anywhere else.
    pub fn asks_lines(&self) -> bool {
        self.file.is_empty()
            && (self.act.is_empty()
                || self.act.iter().any(|act| *act == REDACTION || !is_trail(act)))
    }
}

/// The one kind of line about the trail that stands in the ledger itself.
pub(super) const REDACTION: &str = "trail.redacted";

fn is_trail(act: &str) -> bool {
    below(act, "trail", '.')
}

/// Whether it is this word, or one below it.
fn below(name: &str, word: &str, mark: char) -> bool {
    let rest = name.strip_prefix(word.trim_end_matches(mark));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(mark))
}

fn names_file(line: &Line, word: &str) -> bool {
    let with = line.with.json();
    let several = with.get("files").and_then(Json::as_array);
    let files = with.get("file").into_iter().chain(several.into_iter().flatten());
    files.filter_map(Json::as_str).any(|file| below(file, word, '/'))
}

impl Ledger<'_> {
    /// Hands over the lines that are asked for, in the one order, a few files of them in memory at once.
    pub fn tell(&self, query: &Query, each: &mut dyn FnMut(&Line)) -> Result<()> {
        let Some((_, shelf)) = self.checked()? else { return Ok(()) };
        let mut reels = Vec::new();
        let mut open = || -> Result<()> {
            if query.asks_lines() {
                for (name, dir) in shelf.replicas() {
                    reels.push(Reel::whole(&self.store, name, dir)?);
                }
            }
            if query.asks_trail() {
                for (name, dir) in trail::dirs(&self.store, &shelf)? {
                    let book = super::layout::Book::open(&self.store, &dir)?;
                    reels.push(Reel::trail(&name, book.leaves(&self.store, 0)?));
                }
                let kept = self.repo.own_dir().map(|dir| trail::leaves(&dir)).unwrap_or_default();
                reels.push(Reel::trail("of this clone", kept));
            }
            Ok(())
        };
        open().map_err(unreadable)?;
        let mut line = |line: Box<Line>| {
            if query.fits(&line) {
                each(&line);
            }
        };
        let ears = Ears { line: &mut line, files: &*self.progress };
        play(&self.store, reels, ears).context("reading it").map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line() -> Line {
        Line {
            at: "2026-11-21T05:36:11.123Z".to_owned(),
            by: "api/polecat/toast".to_owned(),
            on: "api-1".to_owned(),
            act: "trail.edit".to_owned(),
            with: json!({"file": "src/parse/x.rs", "files": ["README.md"]}).into(),
            session: Some("s-1".to_owned()),
            model: Some("opus-4.1".to_owned()),
            ..Line::default()
        }
    }

    fn query(of: &[(&str, &str)]) -> Query {
        let mut query = Query::default();
        for (key, word) in of {
            let words = match *key {
                "by" => &mut query.by,
                "on" => &mut query.on,
                "do" => &mut query.act,
                "session" => &mut query.session,
                "model" => &mut query.model,
                "file" => &mut query.file,
                "since" => {
                    query.since = Some((*word).to_owned());
                    continue;
                }
                "until" => {
                    query.until = Some((*word).to_owned());
                    continue;
                }
                _ => {
                    query.trail = true;
                    continue;
                }
            };
            words.push((*word).to_owned());
        }
        query
    }

    #[test]
    fn a_line_fits_or_does_not() {
        for (of, fits) in [
            (&[][..], true),
            (&[("by", "api/polecat/toast")], true),
            (&[("by", "api/polecat")], true),
            (&[("by", "api/")], true),
            (&[("by", "api/pole")], false),
            (&[("by", "bread"), ("by", "api")], true),
            (&[("on", "api-1")], true),
            (&[("on", "api")], false),
            (&[("do", "trail.edit")], true),
            (&[("do", "trail")], true),
            (&[("do", "trail.ed")], false),
            (&[("do", "bead"), ("do", "trail")], true),
            (&[("session", "s-1")], true),
            (&[("session", "s")], false),
            (&[("session", "api-1")], true),
            (&[("model", "opus")], true),
            (&[("model", "sonnet")], false),
            (&[("file", "src/parse/x.rs")], true),
            (&[("file", "src")], true),
            (&[("file", "src/parse/")], true),
            (&[("file", "src/par")], false),
            (&[("file", "README.md")], true),
            (&[("since", "2026-11-21T05:36:11.123Z")], true),
            (&[("since", "2026-11-21T05:36:11.124Z")], false),
            (&[("until", "2026-11-21T05:36:11.123Z")], false),
            (&[("until", "2026-11-21T05:36:11.124Z")], true),
            (&[("by", "api"), ("on", "api-1"), ("do", "trail"), ("file", "src")], true),
            (&[("by", "api"), ("on", "api-2"), ("do", "trail"), ("file", "src")], false),
        ] {
            assert_eq!(query(of).fits(&line()), fits, "{of:?}");
        }
        let bare = Line { session: None, model: None, with: Json::Null.into(), ..line() };
        for of in [("session", "s-1"), ("model", "opus"), ("file", "src")] {
            assert!(!query(&[of]).fits(&bare), "{of:?}");
        }
    }

    #[test]
    fn a_question_opens_what_can_answer_it_and_no_more() {
        for (of, lines, trail) in [
            (&[][..], true, false),
            (&[("trail", "")], true, true),
            (&[("by", "toast"), ("on", "api-1"), ("model", "opus")], true, false),
            (&[("session", "s-1")], true, true),
            (&[("file", "src")], false, true),
            (&[("do", "trail")], false, true),
            (&[("do", "trail.redacted")], true, true),
            (&[("do", "bead.closed"), ("trail", "")], true, false),
            (&[("do", "bead"), ("do", "trail.edit")], true, true),
        ] {
            let query = query(of);
            assert_eq!((query.asks_lines(), query.asks_trail()), (lines, trail), "{of:?}");
        }
    }
}
