//! Where one member of a convoy stands, and what it needs of a person. Pure: put together from the
//! work graph and the queue, in the one room that knows both.

use serde::Serialize;

use crate::bead::event::Status;
use crate::bead::graph::Blocked;
use crate::bead::{Bead, Beads};
use crate::refinery::{Entry, Queue, State};

/// One member as `git convoy status` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Member {
    pub id: String,
    /// One word: landed, closed, queued, held, rejected, working, ready, blocked, a status of the
    /// work graph's own, or unknown.
    pub state: String,
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
    pub blocked: Blocked<'a>,
    /// Whether a session of this id is still at work.
    pub at_work: &'a dyn Fn(&str) -> bool,
}

impl Member {
    pub(super) fn of(floor: &Floor<'_>, id: &str) -> Self {
        let Some(bead) = floor.beads.get(id) else {
            let short = id.to_owned();
            return Self { id: short.clone(), state: "unknown".to_owned(), short, ..Self::default() };
        };
        let entry = newest(floor.queue, id);
        let mut member = Self {
            id: id.to_owned(),
            title: bead.title.clone(),
            holder: bead.claim.as_ref().map(|claim| claim.holder.clone()),
            entry: entry.map(Entry::name),
            landed: bead.landed.as_ref().map(|landed| landed.commit.clone()),
            close_reason: bead.close_reason.clone(),
            short: floor.beads.short(id).to_owned(),
            ..Self::default()
        };
        member.stand(floor, bead, entry);
        member
    }

    fn stand(&mut self, floor: &Floor<'_>, bead: &Bead, entry: Option<&Entry>) {
        if bead.status == Status::CLOSED {
            let state = if self.landed.is_some() { "landed" } else { "closed" };
            self.state = state.to_owned();
            return;
        }
        let session = bead.claim.as_ref().and_then(|claim| claim.session.as_deref());
        let idle = session.is_some_and(|session| !(floor.at_work)(session));
        match entry.map(|entry| (entry, entry.state)) {
            Some((_, State::Waiting)) => return self.state = "queued".to_owned(),
            Some((entry, State::Held)) => return self.held(entry),
            Some((entry, State::Rejected)) if idle || bead.claim.is_none() => {
                return self.rejected(entry);
            }
            _ => {}
        }
        let waits_for = floor.blocked.by(&bead.id);
        self.state = match (&bead.claim, waits_for.is_empty()) {
            (Some(_), _) if idle => "stalled".to_owned(),
            (Some(_), _) => "working".to_owned(),
            (None, false) => "blocked".to_owned(),
            (None, true) if bead.status == Status::OPEN => "ready".to_owned(),
            (None, true) => bead.status.to_string(),
        };
        self.waits_for = waits_for.iter().map(|id| (*id).to_owned()).collect();
        match self.state.as_str() {
            "ready" => self.need("nobody works on it", format!("git sling {}", self.short)),
            "stalled" => self.need("its session is over", format!("git sling {}", self.short)),
            _ => {}
        }
    }

    fn held(&mut self, entry: &Entry) {
        self.state = "held".to_owned();
        let why = entry.held.as_ref().map_or("held", |held| held.said.as_str());
        self.need(why, format!("git refinery show {}", entry.n));
    }

    fn rejected(&mut self, entry: &Entry) {
        self.state = "rejected".to_owned();
        let why = format!("{} was rejected", entry.name());
        self.need(&why, format!("git sling {}", self.short));
    }

    fn need(&mut self, why: &str, command: String) {
        let why = why.lines().next().unwrap_or_default().to_owned();
        self.needs = Some(Need { why, command });
    }
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
            let line = Line { on, act, by, with, ..Line::default() };
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
            let floor = Floor {
                beads: &self.beads,
                queue: &self.queue,
                blocked: Blocked::of(&self.beads),
                at_work: &|_| at_work,
            };
            let member = Member::of(&floor, "a-1");
            (member.state, member.needs.map(|need| need.command))
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
            (told().claimed(), false, "stalled", sling.clone()),
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
