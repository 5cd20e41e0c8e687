//! What a session is doing, derived from facts every time it is asked. Nothing of it is stored. Pure.

use serde::Serialize;

use crate::agent::event::Outcome;
use crate::agent::roster::Session;

/// What can be seen of a session that the ledger does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The session belongs to this replica; of others' processes nothing can be known here.
    pub(crate) ours: bool,
    /// Its runner, or whoever is about to start it, lives.
    pub(crate) alive: bool,
    pub(crate) worktree: bool,
    /// The bead still hangs on the agent's hook for this session, and is not closed.
    pub(crate) hooked: bool,
    pub(crate) submitted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Put on the hook; the program is about to be started.
    Starting,
    Working,
    /// Its change is in the queue, and the session still lives.
    Submitted,
    /// Work on the hook, nobody doing it.
    Stalled,
    /// Alive without anything to do, or without a place to do it.
    Zombie,
    /// Runs in another clone.
    Elsewhere,
    Done,
    Failed,
    Stopped,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Working => "working",
            Self::Submitted => "submitted",
            Self::Stalled => "stalled",
            Self::Zombie => "zombie",
            Self::Elsewhere => "elsewhere",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// The one function that says how a session stands, and why where it is not plain.
pub(crate) fn of(session: &Session, facts: Facts) -> (State, Option<String>) {
    if let Some(ended) = &session.ended {
        return match ended.outcome {
            Outcome::Exited if ended.exit == Some(0) => (State::Done, None),
            Outcome::Exited => (State::Failed, Some(format!("exit {}", ended.exit.unwrap_or(-1)))),
            Outcome::Stopped => (State::Stopped, None),
            Outcome::Limit => (State::Stopped, ended.limit.clone()),
            Outcome::Killed => (State::Failed, Some("killed".to_owned())),
            Outcome::Lost => (State::Failed, Some("its runner was gone".to_owned())),
            Outcome::NotStarted => (State::Failed, ended.error.clone()),
        };
    }
    let because = |state, why: &str| (state, Some(why.to_owned()));
    match facts {
        Facts { ours: false, .. } => (State::Elsewhere, None),
        Facts { alive: false, hooked: true, .. } => because(State::Stalled, "its runner is gone"),
        Facts { alive: false, .. } => because(State::Zombie, "its runner is gone"),
        _ if session.started.is_none() => (State::Starting, None),
        Facts { worktree: false, .. } => because(State::Zombie, "its worktree is gone"),
        Facts { submitted: true, .. } => (State::Submitted, None),
        Facts { hooked: false, .. } => because(State::Zombie, "nothing is on its hook"),
        _ => (State::Working, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::event::Ended;

    fn session(started: bool, outcome: Option<(Outcome, Option<i32>)>) -> Session {
        let text = String::new;
        Session {
            id: "s-1".to_owned(),
            agent: "toast".to_owned(),
            bead: "api-1".to_owned(),
            epoch: 1,
            kind: text(),
            model: None,
            owner: text(),
            target: text(),
            branch: text(),
            worktree: text(),
            replica: text(),
            place: text(),
            hooked: text(),
            started: started.then(text),
            ended: outcome.map(|(outcome, exit)| Ended {
                agent: text(),
                bead: text(),
                outcome,
                exit,
                limit: None,
                error: None,
                asked: None,
            }),
            ended_at: None,
            rescued: Vec::new(),
        }
    }

    #[test]
    fn facts_make_the_state() {
        let good =
            Facts { ours: true, alive: true, worktree: true, hooked: true, submitted: false };
        let cases = [
            (good, State::Working),
            (Facts { submitted: true, ..good }, State::Submitted),
            (Facts { submitted: true, hooked: false, ..good }, State::Submitted),
            (Facts { hooked: false, ..good }, State::Zombie),
            (Facts { worktree: false, ..good }, State::Zombie),
            (Facts { alive: false, ..good }, State::Stalled),
            (Facts { alive: false, worktree: false, ..good }, State::Stalled),
            (Facts { alive: false, hooked: false, ..good }, State::Zombie),
            (Facts { ours: false, alive: false, ..good }, State::Elsewhere),
        ];
        for (facts, state) in cases {
            assert_eq!(of(&session(true, None), facts).0, state, "{facts:?}");
        }
        assert_eq!(of(&session(false, None), good).0, State::Starting);
        assert_eq!(of(&session(false, None), Facts { alive: false, ..good }).0, State::Stalled);
    }

    #[test]
    fn an_end_wins_over_every_fact() {
        let facts =
            Facts { ours: true, alive: true, worktree: true, hooked: true, submitted: false };
        let cases = [
            (Outcome::Exited, Some(0), State::Done),
            (Outcome::Exited, Some(7), State::Failed),
            (Outcome::Stopped, None, State::Stopped),
            (Outcome::Limit, None, State::Stopped),
            (Outcome::Lost, None, State::Failed),
        ];
        for (outcome, exit, state) in cases {
            assert_eq!(of(&session(true, Some((outcome, exit))), facts).0, state, "{outcome:?}");
        }
    }
}
