//! What a session did, as lines of the trail: which words they have, what goes into them by itself, and
//! what never does. Prompts, contents of files and output of commands have no place here.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::agent::event::{Commit, Deed, Did, Ended, Over, Start};
use crate::agent::{Session, secret};
use crate::git::{Oid, Repo};
use crate::ledger::{self, Json, Ledger, Line, Note, Query};

/// What may have to be taken away again.
const WORDS: &[&str] = &["file", "files", "target", "text", "reason"];
/// The most that is kept of one text.
const LONGEST: usize = 2000;
/// The most files that one line names, and the most commits that are told at once.
const MOST: usize = 100;

/// Who did it, and for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doer {
    pub(crate) by: String,
    pub(crate) owner: String,
    pub(crate) on: String,
    pub(crate) session: Option<String>,
    pub(crate) model: Option<String>,
}

impl Doer {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            by: session.agent.clone(),
            owner: session.owner.clone(),
            on: session.bead.clone(),
            session: Some(session.id.clone()),
            model: session.model.clone(),
        }
    }

    /// A deed of theirs as it is written down, without the secrets in it.
    pub(crate) fn did(&self, at: String, deed: &Deed) -> Result<Note> {
        let (act, told) = ledger::word(deed)?;
        let mut note = Note::new(at, &self.on, &act);
        (note.by, note.owner) = (self.by.clone(), self.owner.clone());
        (note.session, note.model) = (self.session.clone(), self.model.clone());
        for (key, value) in told.as_object().into_iter().flatten() {
            let place = match WORDS.contains(&key.as_str()) {
                true => &mut note.text,
                false => &mut note.with,
            };
            place.insert(key.clone(), clean(value));
        }
        Ok(note)
    }
}

/// Without secrets, without what a terminal would act on, and not longer than it may be.
fn clean(value: &Json) -> Json {
    match value {
        Json::String(text) => {
            let text = secret::hide(text);
            let plain = |c: char| if c.is_control() { ' ' } else { c };
            let cut = text.chars().count() > LONGEST;
            let mut short: String = text.chars().take(LONGEST).map(plain).collect();
            if cut {
                short.push('…');
            }
            Json::from(short)
        }
        Json::Array(all) => all.iter().take(MOST).map(clean).collect(),
        other => other.clone(),
    }
}

/// The commits that neither landed nor were told before, with the files they touch.
fn commits(repo: &Repo, tip: &Oid, target: &str) -> Result<Vec<Deed>> {
    let (tip, most) = (tip.to_string(), format!("--max-count={MOST}"));
    let target = format!("refs/heads/{target}");
    let told = ["--glob=refs/shopfloor/queue", "--glob=refs/shopfloor/rescue"];
    let args = ["rev-list", "--reverse", &most, &tip, "--not", &target];
    let list = repo.git(args.into_iter().chain(told)).text()?;
    let deeds = list.lines().map(|id| {
        let id: Oid = id.parse()?;
        let files = match repo.commit(&id)?.parents.first() {
            Some(parent) => repo.changed_paths(parent, &id)?,
            None => Vec::new(),
        };
        Ok(Deed::Commit(Commit { commit: id, count: files.len(), files }))
    });
    deeds.collect()
}

/// Takes down that a session begins.
pub(crate) fn begin(ledger: &Ledger<'_>, session: &Session, now: &str) -> Result<()> {
    let deed = Deed::Started(Start { tool: session.kind.clone() });
    ledger.note(vec![Doer::of(session).did(now.to_owned(), &deed)?])
}

/// What a session has left that was not submitted.
pub(crate) fn left(repo: &Repo, session: &Session, now: &str) -> Result<Vec<Note>> {
    let Some(tip) = repo.resolve(&format!("refs/heads/{}", session.branch))? else {
        return Ok(Vec::new());
    };
    submitted(repo, &Doer::of(session), (&session.target, &tip), now)
}

/// The new commits of something that is about to be submitted.
pub(crate) fn submitted(
    repo: &Repo,
    doer: &Doer,
    (target, tip): (&str, &Oid),
    now: &str,
) -> Result<Vec<Note>> {
    let commits = commits(repo, tip, target)?;
    commits.iter().map(|deed| doer.did(now.to_owned(), deed)).collect()
}

/// Takes down that a session ended, and with what; from here on it is told everywhere.
pub(crate) fn end(
    ledger: &Ledger<'_>,
    session: &Session,
    left: Vec<Note>,
    (ended, now): (&Ended, &str),
) -> Result<()> {
    ledger.note(left)?;
    ledger.pour()?;
    let outcome = ledger::json(&ended.outcome)?;
    let over = sum(ledger, session, outcome.as_str().unwrap_or_default())?;
    ledger.note(vec![Doer::of(session).did(now.to_owned(), &over)?])?;
    ledger.pour().map(drop)
}

/// The end of a session, with the sums of what was told of it.
fn sum(ledger: &Ledger<'_>, session: &Session, outcome: &str) -> Result<Deed> {
    let query = Query {
        act: vec!["trail".to_owned()],
        session: vec![session.id.clone()],
        ..Query::default()
    };
    let mut sums = Sums::default();
    ledger.tell(&query, &mut |line| sums.add(line))?;
    sums.over.touched = sums.files.len();
    outcome.clone_into(&mut sums.over.outcome);
    Ok(Deed::Ended(sums.over))
}

#[derive(Debug, Default)]
struct Sums {
    over: Over,
    files: BTreeSet<String>,
}

impl Sums {
    fn add(&mut self, line: &Line) {
        let over = &mut self.over;
        let mut add = |did: Did| {
            over.tokens += did.tokens.unwrap_or_default();
            self.files.extend(did.file);
        };
        match line.event::<Deed>() {
            Some(Deed::Edit(did)) => {
                add(did);
                over.edits += 1;
            }
            Some(Deed::Command(did)) => {
                add(did);
                over.commands += 1;
            }
            Some(Deed::Finding(did)) => {
                add(did);
                over.findings += 1;
            }
            Some(Deed::Decision(did)) => {
                add(did);
                over.decisions += 1;
            }
            Some(Deed::Commit(commit)) => {
                over.commits += 1;
                self.files.extend(commit.files);
            }
            Some(Deed::Started(_) | Deed::Gate(_) | Deed::Ended(_)) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toast() -> Doer {
        Doer { by: "toast".to_owned(), on: "api-1".to_owned(), ..Doer::default() }
    }

    #[test]
    fn facts_stay_and_words_can_be_taken_away() {
        let did = Did {
            file: Some("src/x.rs".to_owned()),
            reason: Some("token=abc\u{1b}[2J\nx".to_owned()),
            tokens: Some(7),
            exit: Some(1),
            ..Did::default()
        };
        let note = toast().did("t".to_owned(), &Deed::Edit(did)).unwrap();
        assert_eq!(
            (note.act.as_str(), note.by.as_str(), note.on.as_str()),
            ("trail.edit", "toast", "api-1")
        );
        let keys = |map: &mut dyn Iterator<Item = &String>| map.cloned().collect::<Vec<_>>();
        assert_eq!(keys(&mut note.with.keys()), ["exit", "tokens"]);
        assert_eq!(keys(&mut note.text.keys()), ["file", "reason"]);
        assert_eq!(note.text["reason"], "token=[secret:token] x");
        let long = Did { text: Some("é".repeat(3000)), ..Did::default() };
        let note = toast().did("t".to_owned(), &Deed::Finding(long)).unwrap();
        assert_eq!(note.text["text"].as_str().unwrap().chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_session_is_summed_up() {
        let mut sums = Sums::default();
        let line = |deed: &Deed| {
            let (act, with) = ledger::word(deed).unwrap();
            Line { act, with: with.into(), ..Line::default() }
        };
        let did = |file: &str, tokens| Did {
            file: Some(file.to_owned()),
            tokens: Some(tokens),
            ..Did::default()
        };
        for deed in [
            Deed::Edit(did("a", 1)),
            Deed::Edit(did("a", 2)),
            Deed::Command(did("b", 4)),
            Deed::Decision(did("c", 8)),
        ] {
            sums.add(&line(&deed));
        }
        // What lost its words still counts.
        sums.add(&line(&Deed::Edit(Did::default())));
        assert_eq!((sums.over.edits, sums.over.commands, sums.over.decisions), (3, 1, 1));
        assert_eq!((sums.over.tokens, sums.files.len()), (15, 3));
    }
}
