//! The fold of this room's words, and what they mean beside the beads.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::event::Event;
use crate::bead::Beads;
use crate::bead::event::Status;
use crate::ledger::{Fold, Line, Loaded, Saving};
use crate::refusal::Refusal;

/// A batch that is tracked until all of it is through.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Convoy {
    pub id: String,
    pub title: String,
    pub members: Vec<String>,
    pub created_at: String,
    pub created_by: String,
    /// Made by a sling for its one bead.
    pub own: bool,
    /// What was last said to be through: member, and how often it had been reopened.
    announced: BTreeMap<String, u32>,
}

/// All convoys of a repository, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Convoys {
    convoys: IndexMap<String, Convoy>,
    reopened: BTreeMap<String, u32>,
}

/// Where a convoy stands. A convoy without members is open: nothing has been delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open { done: usize, total: usize },
    Closed { total: usize },
}

impl State {
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Closed { .. } => "closed",
        }
    }

    pub fn done(self) -> usize {
        match self {
            Self::Open { done, .. } => done,
            Self::Closed { total } => total,
        }
    }

    pub fn total(self) -> usize {
        match self {
            Self::Open { total, .. } | Self::Closed { total } => total,
        }
    }
}

impl Fold for Convoys {
    const VERSION: u32 = 2;

    fn name() -> String {
        "convoys".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        // An edit says nothing to a closed bead.
        if line.act == "bead.reopened" {
            *self.reopened.entry(line.on.clone()).or_default() += 1;
        }
        if !line.act.starts_with("convoy.") {
            return;
        }
        match line.event::<Event>() {
            Some(Event::Created(new)) => {
                let mut convoy = Convoy {
                    id: line.on.clone(),
                    title: new.title,
                    created_at: line.at.clone(),
                    created_by: line.by.clone(),
                    own: new.own,
                    ..Convoy::default()
                };
                convoy.join(new.members);
                self.convoys.insert(line.on.clone(), convoy);
            }
            Some(Event::Added(more)) => {
                if let Some(convoy) = self.convoys.get_mut(&line.on) {
                    convoy.join(more.members);
                }
            }
            Some(Event::Announced(said)) => {
                if let Some(convoy) = self.convoys.get_mut(&line.on) {
                    convoy.announced = said.members;
                }
            }
            None => {}
        }
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}

impl Convoy {
    fn join(&mut self, members: Vec<String>) {
        for member in members {
            if !self.members.contains(&member) {
                self.members.push(member);
            }
        }
    }

    pub fn has(&self, member: &str) -> bool {
        self.members.iter().any(|one| one == member)
    }
}

impl Convoys {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Convoy> {
        self.convoys.values()
    }

    /// The convoys a bead travels in.
    pub fn with<'a>(&'a self, bead: &'a str) -> impl Iterator<Item = &'a Convoy> {
        self.iter().filter(move |convoy| convoy.has(bead))
    }

    /// Finds a convoy by any unique start of its id, with or without the prefix.
    pub fn find(&self, start: &str) -> anyhow::Result<&Convoy> {
        if let Some(exact) = self.convoys.get(start) {
            return Ok(exact);
        }
        let found: Vec<&Convoy> = self.iter().filter(|convoy| starts(&convoy.id, start)).collect();
        match found.as_slice() {
            [one] => Ok(one),
            [] => Err(Refusal::nothing(format!("no convoy's id starts with `{start}`"))
                .hint("`git convoy list --all` shows them all")
                .into()),
            several => {
                let mut no = Refusal::refused(format!("`{start}` names more than one convoy"));
                for one in several.iter().take(8) {
                    no = no.hint(format!("{}  {}", one.id, one.title));
                }
                Err(no.into())
            }
        }
    }

    /// The shortest start of an id that no other convoy shares; at least four after the prefix.
    pub fn short(&self, id: &str) -> String {
        let Some((prefix, suffix)) = id.rsplit_once('-') else { return id.to_owned() };
        let shared = |length: usize| {
            let start = suffix.get(..length).unwrap_or(suffix);
            self.iter().filter(|other| starts(&other.id, &format!("{prefix}-{start}"))).count() > 1
        };
        let length = (4..suffix.len()).find(|length| !shared(*length)).unwrap_or(suffix.len());
        format!("{prefix}-{}", suffix.get(..length).unwrap_or(suffix))
    }

    /// Open or closed, from the members as they are now.
    pub fn state(convoy: &Convoy, beads: &Beads) -> State {
        let total = convoy.members.len();
        let closed = |id: &&String| beads.get(id).is_some_and(|bead| bead.status == Status::CLOSED);
        match convoy.members.iter().filter(closed).count() {
            done if done == total && total > 0 => State::Closed { total },
            done => State::Open { done, total },
        }
    }

    /// The round a convoy is in: its members, each with how often it was reopened.
    pub(super) fn round(&self, convoy: &Convoy) -> BTreeMap<String, u32> {
        let times = |id: &String| self.reopened.get(id).copied().unwrap_or_default();
        convoy.members.iter().map(|id| (id.clone(), times(id))).collect()
    }

    /// The convoys that are through and of which nobody has said so yet.
    pub(super) fn unannounced<'a>(&'a self, beads: &'a Beads) -> impl Iterator<Item = &'a Convoy> {
        self.through(beads).filter(|convoy| convoy.announced != self.round(convoy))
    }

    /// Those of which it was said, and is still so.
    pub(super) fn announced<'a>(&'a self, beads: &'a Beads) -> impl Iterator<Item = &'a Convoy> {
        self.through(beads).filter(|convoy| convoy.announced == self.round(convoy))
    }

    fn through<'a>(&'a self, beads: &'a Beads) -> impl Iterator<Item = &'a Convoy> {
        self.iter().filter(|convoy| Self::state(convoy, beads).is_closed())
    }
}

/// Whether an id starts so, with or without its prefix.
fn starts(id: &str, start: &str) -> bool {
    let suffix = id.rsplit_once('-').map_or(id, |(_, suffix)| suffix);
    !start.is_empty() && (id.starts_with(start) || suffix.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Json;

    /// Lines as the pen writes them, one clock tick apart.
    #[derive(Default)]
    struct Told {
        lines: Vec<Line>,
    }

    impl Told {
        fn line(mut self, on: &str, act: &str, with: &[(&str, Json)]) -> Self {
            let with = with.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
            let (on, act) = (on.to_owned(), act.to_owned());
            let (with, clock) = (with.collect::<Json>().into(), self.lines.len() as u64);
            self.lines.push(Line {
                on,
                act,
                with,
                clock,
                by: "jane".to_owned(),
                ..Line::default()
            });
            self
        }

        fn bead(self, id: &str) -> Self {
            let (priority, kind) = (Json::from(2), Json::from("task"));
            let with = [("title", Json::from(id)), ("priority", priority), ("issue_type", kind)];
            self.line(id, "bead.created", &with)
        }

        fn close(self, id: &str) -> Self {
            self.line(id, "bead.closed", &[("reason", Json::from("done"))])
        }

        fn reopen(self, id: &str) -> Self {
            self.line(id, "bead.reopened", &[("reason", Json::from("not quite"))])
        }

        fn create(self, id: &str, members: &[&str]) -> Self {
            let with = [("title", Json::from("all of it")), ("members", Json::from(members))];
            self.line(id, "convoy.created", &with)
        }

        fn add(self, id: &str, members: &[&str]) -> Self {
            self.line(id, "convoy.added", &[("members", Json::from(members))])
        }

        fn fold(&self) -> (Beads, Convoys) {
            let mut both = <(Beads, Convoys)>::default();
            for line in &self.lines {
                both.0.drink(line);
                both.1.drink(line);
            }
            both
        }

        /// As `announce` does it.
        fn announce(mut self) -> (Self, usize) {
            let (beads, convoys) = self.fold();
            let due: Vec<_> = convoys.unannounced(&beads).collect();
            for convoy in &due {
                let round = convoys.round(convoy).into_iter().map(|(id, n)| (id, Json::from(n)));
                let with = [("members", round.collect::<Json>())];
                self = self.line(&convoy.id, "convoy.announced", &with);
            }
            (self, due.len())
        }

        fn state(&self, id: &str) -> State {
            let (beads, convoys) = self.fold();
            Convoys::state(convoys.find(id).unwrap(), &beads)
        }
    }

    #[test]
    fn the_state_follows_from_the_members() {
        let told = Told::default().bead("a-1").bead("a-2").create("a-c", &["a-1", "a-2", "a-1"]);
        assert_eq!(told.state("a-c"), State::Open { done: 0, total: 2 });
        let told = told.close("a-1");
        assert_eq!(told.state("a-c"), State::Open { done: 1, total: 2 });
        let told = told.close("a-2");
        assert_eq!(told.state("a-c"), State::Closed { total: 2 });
        let told = told.reopen("a-1");
        assert_eq!(told.state("a-c"), State::Open { done: 1, total: 2 });
        let told = told.close("a-1").bead("a-3").add("a-c", &["a-3"]);
        assert_eq!(told.state("a-c"), State::Open { done: 2, total: 3 });
    }

    #[test]
    fn an_empty_convoy_and_one_with_an_unknown_member_are_open() {
        let told = Told::default().create("a-c", &[]).create("a-d", &["elsewhere-1"]);
        assert_eq!(told.state("a-c"), State::Open { done: 0, total: 0 });
        assert_eq!(told.state("a-d"), State::Open { done: 0, total: 1 });
        assert_eq!(told.announce().1, 0);
    }

    #[test]
    fn each_round_is_announced_once() {
        let told = Told::default().bead("a-1").create("a-c", &["a-1"]).close("a-1");
        let (told, said) = told.announce();
        assert_eq!(said, 1);
        let (told, said) = told.announce();
        assert_eq!(said, 0, "the same round");
        let (told, said) = told.reopen("a-1").announce();
        assert_eq!(said, 0, "open");
        let (told, said) = told.close("a-1").announce();
        assert_eq!(said, 1, "reopened and closed again");
        let (told, said) = told.bead("a-2").close("a-2").add("a-c", &["a-2"]).announce();
        assert_eq!(said, 1, "grown by a closed member");
        assert_eq!(told.announce().1, 0);
    }

    #[test]
    fn an_edit_that_was_made_while_others_closed_the_bead_announces_nothing_again() {
        let told = Told::default().bead("a-1").create("a-c", &["a-1"]).close("a-1").announce().0;
        let told = told.line("a-1", "bead.edited", &[("status", Json::from("open"))]);
        let (told, said) = told.announce();
        assert_eq!(said, 0);
        assert_eq!(told.close("a-1").announce().1, 0);
    }

    #[test]
    fn a_start_names_one_convoy_or_none() {
        let told = Told::default().create("api-abcd1", &[]).create("api-abcd2", &[]);
        let (_, convoys) = told.create("api-xyz99", &[]).fold();
        let cases = [
            ("api-abcd1", Some("api-abcd1")),
            ("abcd2", Some("api-abcd2")),
            ("x", Some("api-xyz99")),
            ("api-x", Some("api-xyz99")),
            ("abcd", None),
            ("q", None),
            ("", None),
        ];
        for (start, found) in cases {
            assert_eq!(convoys.find(start).ok().map(|one| one.id.as_str()), found, "{start}");
        }
        assert_eq!(convoys.short("api-abcd1"), "api-abcd1");
        assert_eq!(convoys.short("api-xyz99"), "api-xyz9");
    }

    /// Real lines, of every kind this room writes; later versions only add to them.
    const WRITTEN: &str = include_str!("../../tests/compat/convoy.jsonl");

    #[test]
    fn every_word_that_was_ever_written_is_understood() {
        let mut told = Told::default();
        let mut told_after = BTreeMap::new();
        for line in WRITTEN.lines().map(|line| Line::parse(line.as_bytes()).unwrap()) {
            if line.act.starts_with("convoy.") {
                assert!(line.event::<Event>().is_some(), "{} {}", line.act, line.id);
            }
            let act = line.act.clone();
            told.lines.push(line);
            let (beads, convoys) = told.fold();
            let states = convoys.iter().map(|convoy| Convoys::state(convoy, &beads));
            let due = convoys.unannounced(&beads).count();
            told_after.insert(act, (states.collect::<Vec<_>>(), due));
        }
        // The last of each kind, with what it left.
        let closed = |total| State::Closed { total };
        let open = |done, total| State::Open { done, total };
        assert_eq!(told_after["convoy.created"], (vec![closed(2), open(0, 1)], 0));
        assert_eq!(told_after["convoy.added"], (vec![open(1, 2)], 0));
        assert_eq!(told_after["bead.reopened"], (vec![open(1, 2)], 0));
        assert_eq!(told_after["bead.closed"], (vec![closed(2)], 1));
        assert_eq!(told_after["convoy.announced"], (vec![closed(2)], 0));
        let (_, convoys) = told.fold();
        assert_eq!(convoys.iter().map(|convoy| convoy.own).collect::<Vec<_>>(), [false, true]);
    }
}
