//! Where one member of a convoy stands, and what it needs of a person. Pure: put together from the
//! work graph and the queue, in the one room that knows both.

use serde::Serialize;

use crate::bead::event::Status;
use crate::bead::graph::blockers;
use crate::bead::{Bead, Beads};
use crate::refinery::{Entry, Queue, State};

/// Where a member stands. A status of the work graph that is none of these keeps its own word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    /// Closed by its landing.
    Landed,
    /// Closed with a reason.
    Closed,
    /// In the queue, to be tested and landed.
    Queued,
    /// In the queue, waiting for a person.
    Held,
    /// Its change was rejected, and nobody is at it.
    Rejected,
    Working,
    /// Held by a session that is over.
    Stalled,
    Ready,
    Blocked,
    /// No bead of this repository.
    Unknown,
    #[serde(untagged)]
    Other(Status),
}

impl Standing {
    pub(super) fn word(&self) -> &str {
        match self {
            Self::Landed => "landed",
            Self::Closed => "closed",
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Rejected => "rejected",
            Self::Working => "working",
            Self::Stalled => "stalled",
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Other(status) => status.as_str(),
        }
    }
}

/// One member as `git convoy status` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Member {
    pub id: String,
    pub state: Standing,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Who has it in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Its newest entry in the queue, such as main#4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The commit on the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<Need>,
    #[serde(skip)]
    pub short: String,
}

/// What a person has to do for it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Need {
    pub why: String,
    pub command: String,
}

/// All that is looked at.
pub(super) struct Floor<'a> {
    pub beads: &'a Beads,
    pub queue: &'a Queue,
    /// Whether a session of this id is still at work.
    pub at_work: &'a dyn Fn(&str) -> bool,
}

impl Member {
    pub(super) fn of(floor: &Floor<'_>, id: &str) -> Self {
        let Some(bead) = floor.beads.get(id) else { return Self::unknown(id) };
        let entry = newest(floor.queue, id);
        let state = standing(floor, bead, entry);
        let short = floor.beads.short(id).to_owned();
        let waits_for = match state {
            Standing::Blocked => blockers(floor.beads, id),
            _ => Vec::new(),
        };
        Self {
            id: id.to_owned(),
            title: bead.title.clone(),
            holder: bead.claim.as_ref().map(|claim| claim.holder.clone()),
            entry: entry.map(Entry::name),
            landed: bead.landed.as_ref().map(|landed| landed.commit.clone()),
            close_reason: bead.close_reason.clone(),
            waits_for: waits_for.into_iter().map(str::to_owned).collect(),
            needs: need(&state, &short, entry),
            state,
            short,
        }
    }

    fn unknown(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            state: Standing::Unknown,
            title: String::new(),
            holder: None,
            entry: None,
            landed: None,
            close_reason: None,
            waits_for: Vec::new(),
            needs: None,
            short: id.to_owned(),
        }
    }
}

fn standing(floor: &Floor<'_>, bead: &Bead, entry: Option<&Entry>) -> Standing {
    if bead.status == Status::CLOSED {
        return if bead.landed.is_some() { Standing::Landed } else { Standing::Closed };
    }
    let session = bead.claim.as_ref().map(|claim| claim.session.as_deref());
    // A person who holds a bead has no session to be over.
    let at_it = session.is_some_and(|session| session.is_none_or(floor.at_work));
    match entry.map(|entry| entry.state) {
        Some(State::Waiting) => Standing::Queued,
        Some(State::Held) => Standing::Held,
        Some(State::Rejected) if !at_it => Standing::Rejected,
        _ if at_it => Standing::Working,
        _ if session.is_some() => Standing::Stalled,
        _ if !blockers(floor.beads, &bead.id).is_empty() => Standing::Blocked,
        _ if bead.status == Status::OPEN => Standing::Ready,
        _ => Standing::Other(bead.status.clone()),
    }
}

fn need(state: &Standing, short: &str, entry: Option<&Entry>) -> Option<Need> {
    let sling = format!("git sling {short}");
    let (why, command) = match (state, entry) {
        (Standing::Ready, _) => ("nobody works on it".to_owned(), sling),
        (Standing::Stalled, _) => ("its session is over".to_owned(), sling),
        (Standing::Rejected, Some(entry)) => (format!("{} was rejected", entry.name()), sling),
        (Standing::Held, Some(entry)) => {
            let said = entry.held.as_ref().and_then(|held| held.said.lines().next());
            (said.unwrap_or("held").to_owned(), format!("git refinery show {}", entry.n))
        }
        _ => return None,
    };
    Some(Need { why, command })
}

fn newest<'a>(queue: &'a Queue, bead: &str) -> Option<&'a Entry> {
    let ours = queue.entries().filter(|entry| entry.bead.as_deref() == Some(bead));
    ours.max_by_key(|entry| (&entry.since, entry.n))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ledger::{Fold as _, Line};

    const OID: &str = "1234567890123456789012345678901234567890";

    #[derive(Default)]
    struct Told {
        beads: Beads,
        queue: Queue,
    }

    impl Told {
        fn line(mut self, on: &str, act: &str, with: Value) -> Self {
            let (on, act, by) = (on.to_owned(), act.to_owned(), "toast".to_owned());
            let line = Line { on, act, by, with: with.into(), ..Line::default() };
            self.beads.drink(&line);
            self.queue.drink(&line);
            self
        }

        fn bead(self, id: &str) -> Self {
            self.line(id, "bead.created", json!({"title": "x", "issue_type": "task"}))
        }

        fn claimed(self) -> Self {
            let with = json!({"epoch": 1, "holder": "toast", "session": "s-1"});
            self.line("a-1", "bead.claimed", with)
        }

        fn queued(self) -> Self {
            self.line("main#1", "refinery.queued", json!({"commit": OID, "bead": "a-1"}))
        }

        /// State, and the command a person is asked for.
        fn stands(&self, at_work: bool) -> (String, Option<String>) {
            let floor = Floor { beads: &self.beads, queue: &self.queue, at_work: &|_| at_work };
            let member = Member::of(&floor, "a-1");
            (member.state.word().to_owned(), member.needs.map(|need| need.command))
        }
    }

    fn told() -> Told {
        Told::default().bead("a-1")
    }

    #[test]
    fn a_member_stands_where_graph_and_queue_say() {
        let sling = Some("git sling a-1".to_owned());
        let held = json!({"why": "infra", "said": "no such tool"});
        let blocked = json!({"to": "a-2", "kind": "blocks"});
        let landed = json!({"entry": "main#1", "submitted": OID, "commit": OID});
        let closed = json!({"reason": "done", "landed": landed});
        let cases = [
            (Told::default(), true, "unknown", None),
            (told(), true, "ready", sling.clone()),
            (told().bead("a-2").line("a-1", "bead.linked", blocked), true, "blocked", None),
            (told().claimed(), true, "working", None),
            (told().claimed(), false, "stalled", sling),
            (told().claimed().queued(), false, "queued", None),
            (
                told().claimed().queued().line("main#1", "refinery.held", held),
                false,
                "held",
                Some("git refinery show 1".to_owned()),
            ),
            (told().claimed().line("a-1", "bead.closed", closed), true, "landed", None),
            (told().line("a-1", "bead.closed", json!({"reason": "no"})), true, "closed", None),
        ];
        for (told, at_work, state, command) in cases {
            assert_eq!(told.stands(at_work), (state.to_owned(), command));
        }
    }
}
