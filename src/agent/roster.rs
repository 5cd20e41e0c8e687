//! The fold: which agents there are, what hangs on their hooks, which sessions ran.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::agent::event::{Ended, Event, Hooked, Rescued};
use crate::ledger::{Fold, Line, Loaded, Saving};

/// What hangs on an agent's hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hook {
    pub(crate) bead: String,
    pub(crate) epoch: u64,
    pub(crate) session: String,
}

/// One run of an agent, from the hook to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) agent: String,
    pub(crate) bead: String,
    pub(crate) epoch: u64,
    pub(crate) kind: String,
    pub(crate) model: Option<String>,
    /// Who slung it, as a trailer names an owner.
    pub(crate) owner: String,
    pub(crate) target: String,
    pub(crate) branch: String,
    pub(crate) worktree: String,
    pub(crate) replica: String,
    pub(crate) place: String,
    pub(crate) hooked: String,
    pub(crate) started: Option<String>,
    pub(crate) ended: Option<Ended>,
    pub(crate) ended_at: Option<String>,
    pub(crate) rescued: Vec<Rescued>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Roster {
    hooks: BTreeMap<String, Hook>,
    sessions: Vec<Session>,
    places: BTreeMap<String, usize>,
}

impl Roster {
    pub(crate) fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.get(*self.places.get(id)?)
    }

    /// All sessions, oldest first.
    pub(crate) fn sessions(&self) -> impl DoubleEndedIterator<Item = &Session> {
        self.sessions.iter()
    }

    pub(crate) fn hook(&self, agent: &str) -> Option<&Hook> {
        self.hooks.get(agent)
    }

    /// Sessions that have no end yet, as far as the ledger knows.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|session| session.ended.is_none())
    }

    /// Every name that was ever slung to.
    pub(crate) fn agents(&self) -> BTreeSet<&str> {
        self.sessions.iter().map(|session| session.agent.as_str()).collect()
    }

    pub(crate) fn busy(&self) -> BTreeSet<&str> {
        self.hooks.keys().map(String::as_str).collect()
    }

    /// The newest session of an agent or of a bead, or the one of that id.
    pub(crate) fn newest(&self, word: &str) -> Option<&Session> {
        let named = |session: &&Session| session.agent == word || session.bead == word;
        self.session(word).or_else(|| self.sessions.iter().rev().find(named))
    }

    fn hang(&mut self, line: &Line, with: Hooked) {
        if self.places.contains_key(&line.on) {
            return;
        }
        let hook = Hook { bead: with.bead.clone(), epoch: with.epoch, session: line.on.clone() };
        self.hooks.insert(with.agent.clone(), hook);
        self.places.insert(line.on.clone(), self.sessions.len());
        self.sessions.push(Session {
            id: line.on.clone(),
            agent: with.agent,
            bead: with.bead,
            epoch: with.epoch,
            kind: with.kind,
            model: with.model,
            owner: line.owner.clone(),
            target: with.target,
            branch: with.branch,
            worktree: with.worktree,
            replica: with.replica,
            place: with.place,
            hooked: line.at.clone(),
            started: None,
            ended: None,
            ended_at: None,
            rescued: Vec::new(),
        });
    }

    fn of(&mut self, line: &Line) -> Option<&mut Session> {
        self.sessions.get_mut(*self.places.get(&line.on)?)
    }
}

impl Fold for Roster {
    const VERSION: u32 = 1;

    fn name() -> String {
        "roster".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        if !line.act.starts_with("agent.") {
            return;
        }
        match line.event::<Event>() {
            Some(Event::Hooked(with)) => self.hang(line, with),
            Some(Event::Started(_)) => {
                if let Some(session) = self.of(line) {
                    session.started.get_or_insert_with(|| line.at.clone());
                }
            }
            Some(Event::Ended(with)) => {
                if let Some(session) = self.of(line).filter(|session| session.ended.is_none()) {
                    session.ended = Some(with);
                    session.ended_at = Some(line.at.clone());
                }
            }
            Some(Event::Rescued(with)) => {
                if let Some(session) = self.of(line) {
                    session.rescued.push(with);
                }
            }
            Some(Event::Unhooked(with)) => {
                if self.hooks.get(&with.agent).is_some_and(|hook| hook.session == line.on) {
                    self.hooks.remove(&with.agent);
                }
            }
            Some(Event::Sent(_) | Event::Read {} | Event::Redacted(_)) | None => {}
        }
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::agent::event::{Outcome, Started, Unhooked};
    use crate::ledger;

    pub(in crate::agent) fn line(on: &str, event: &impl Serialize) -> Line {
        let (act, with) = ledger::word(event).unwrap();
        Line {
            on: on.to_owned(),
            by: "Jane".to_owned(),
            owner: "jane@example.org".to_owned(),
            act,
            with: with.into(),
            ..Line::default()
        }
    }

    pub(in crate::agent) fn hooked(session: &str, agent: &str, bead: &str) -> Line {
        let with = Hooked {
            agent: agent.to_owned(),
            bead: bead.to_owned(),
            epoch: 4,
            kind: "claude".to_owned(),
            model: None,
            target: "main".to_owned(),
            branch: format!("{agent}/{bead}"),
            worktree: "/w".to_owned(),
            replica: "r".to_owned(),
            place: "p".to_owned(),
        };
        line(session, &Event::Hooked(with))
    }

    pub(in crate::agent) fn ended(session: &str, agent: &str, bead: &str) -> Line {
        let with = Ended {
            agent: agent.to_owned(),
            bead: bead.to_owned(),
            outcome: Outcome::Exited,
            exit: Some(1),
            limit: None,
            error: None,
            asked: None,
        };
        line(session, &Event::Ended(with))
    }

    pub(in crate::agent) fn unhooked(session: &str, agent: &str, bead: &str) -> Line {
        line(session, &Event::Unhooked(Unhooked { agent: agent.to_owned(), bead: bead.to_owned() }))
    }

    pub(in crate::agent) fn roster(lines: &[Line]) -> Roster {
        let mut roster = Roster::default();
        for line in lines {
            roster.drink(line);
        }
        roster
    }

    #[test]
    fn a_session_from_hook_to_end() {
        let started = Started { agent: "toast".to_owned(), bead: "b-1".to_owned() };
        let mut told = vec![hooked("s-1", "toast", "b-1"), line("s-1", &Event::Started(started))];
        let running = roster(&told);
        assert_eq!(running.hook("toast").unwrap().bead, "b-1");
        assert_eq!(running.running().count(), 1);
        assert_eq!(running.newest("b-1").unwrap().id, "s-1");
        assert_eq!(running.session("s-1").unwrap().owner, "jane@example.org");
        told.extend([ended("s-1", "toast", "b-1"), unhooked("s-1", "toast", "b-1")]);
        let over = roster(&told);
        assert_eq!(over.hook("toast"), None);
        assert_eq!(over.running().count(), 0);
        assert_eq!(over.session("s-1").unwrap().ended.as_ref().unwrap().exit, Some(1));
    }

    #[test]
    fn what_comes_late_or_twice_takes_no_hook_away() {
        let told = [
            hooked("s-1", "toast", "b-1"),
            unhooked("s-1", "toast", "b-1"),
            hooked("s-2", "toast", "b-2"),
            hooked("s-2", "toast", "b-3"),
            unhooked("s-1", "toast", "b-1"),
            ended("s-9", "toast", "b-9"),
        ];
        let roster = roster(&told);
        assert_eq!(roster.hook("toast").unwrap().session, "s-2");
        assert_eq!(roster.session("s-2").unwrap().bead, "b-2");
        assert_eq!(roster.sessions().count(), 2);
    }

    /// Lines as they were written by a real run; whatever comes later must still understand them.
    const WRITTEN: &str = include_str!("../../tests/compat/agent.jsonl");

    #[test]
    fn every_word_that_was_ever_written_is_understood() {
        let lines: Vec<Line> =
            WRITTEN.lines().map(|line| Line::parse(line.as_bytes()).unwrap()).collect();
        let kinds: BTreeSet<&str> = lines.iter().map(|line| line.act.as_str()).collect();
        assert_eq!(kinds.len(), 7);
        for line in &lines {
            assert!(line.event::<Event>().is_some(), "{} {}", line.act, line.id);
        }
        let roster = roster(&lines);
        let ends: Vec<_> = roster.sessions().map(|s| s.ended.as_ref().unwrap().outcome).collect();
        use Outcome::{Exited, Killed, Limit, Lost, NotStarted, Stopped};
        assert_eq!(ends, [Exited, Limit, Killed, Exited, Stopped, Lost, NotStarted]);
        assert!(roster.sessions().all(|s| s.rescued.len() == 1 && s.owner == "jane@example.org"));
        assert!(roster.busy().is_empty());
    }
}
