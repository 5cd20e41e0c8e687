//! The fold of this room's words: every target, and which entry a person or a bead means. The order of
//! landing is the order of arrival. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ledger::{Fold, Line, Loaded, Saving};
use crate::refinery::entry::{Entry, State, name, parse};
use crate::refinery::event::Event;
use crate::refinery::lane::Lane;
use crate::refinery::number::Number;
use crate::refinery::rejection::Rejection;
use crate::refusal::Refusal;

/// Every target the queue has heard of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    lanes: BTreeMap<String, Lane>,
}

impl Fold for Queue {
    const VERSION: u32 = 5;

    fn name() -> String {
        "queue".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        if !line.act.starts_with("refinery.") {
            return;
        }
        let Some(event) = line.event::<Event>() else {
            let lane =
                parse(&line.on).and_then(|(target, n)| Some((self.lanes.get_mut(target)?, n)));
            if let Some((lane, n)) = lane {
                lane.heard(n, line);
            }
            return;
        };
        match event {
            Event::Baseline { tip } => self.lanes.entry(line.on.clone()).or_default().begin(tip),
            Event::Foreign(foreign) => {
                self.lanes.entry(line.on.clone()).or_default().moved(foreign);
            }
            event => {
                let Some((target, n)) = parse(&line.on) else { return };
                self.lanes.entry(target.to_owned()).or_default().drink(line, target, n, event);
            }
        }
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}

impl Queue {
    pub fn lane(&self, target: &str) -> Option<&Lane> {
        self.lanes.get(target)
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.lanes.values().flat_map(|lane| lane.entries.values())
    }

    pub fn entry(&self, target: &str, n: Number) -> Option<&Entry> {
        self.lanes.get(target)?.entries.get(&n)
    }

    /// The entry a person means by `42` or `main#42`.
    pub fn find(&self, said: &str, target: &str) -> anyhow::Result<&Entry> {
        let named = said.parse().ok().map(|n| (target, n)).or_else(|| parse(said));
        let Some((target, n)) = named else {
            return Err(Refusal::usage(format!("`{said}` is no entry"))
                .hint(format!("an entry is a number, or `{target}#NUMBER`"))
                .into());
        };
        self.entry(target, n).ok_or_else(|| {
            Refusal::nothing(format!("the queue has no entry {}", name(target, n)))
                .hint("`git refinery status` shows what it has")
                .into()
        })
    }

    /// What waits to be tested, first come first.
    pub fn waiting<'a>(&'a self, target: &str) -> impl Iterator<Item = &'a Entry> {
        let entries = self.lanes.get(target).into_iter().flat_map(|lane| lane.entries.values());
        entries.filter(|entry| entry.state == State::Waiting)
    }

    /// The entry by which the bead will close, if it has one that may still land.
    pub fn submitted<'a>(&'a self, bead: &'a str) -> Option<&'a Entry> {
        self.of_bead(bead).find(|entry| entry.state.is_open())
    }

    /// What the next session on this bead has to know: its newest entry, if that was rejected.
    pub fn last_rejection<'a>(&'a self, bead: &'a str) -> Option<&'a Rejection> {
        self.of_bead(bead).max_by_key(|entry| entry.n)?.rejection.as_deref()
    }

    fn of_bead<'a>(&'a self, bead: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries().filter(move |entry| entry.bead.as_deref() == Some(bead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refinery::event::Hold;

    /// Lines as they were written by a real run; whatever comes later must still understand them.
    const WRITTEN: &str = include_str!("../../tests/compat/refinery.jsonl");

    fn lines() -> Vec<Line> {
        WRITTEN.lines().map(|line| Line::parse(line.as_bytes()).unwrap()).collect()
    }

    /// The queue after so many lines of the kind were written.
    fn after(act: &str, times: usize) -> Queue {
        let mut queue = Queue::default();
        let mut left = times;
        for line in lines() {
            queue.drink(&line);
            left -= usize::from(line.act == act);
            if left == 0 {
                return queue;
            }
        }
        panic!("not {times} times {act}");
    }

    #[test]
    fn what_has_landed_is_told_by_target_and_newest_first() {
        let mut queue = Queue::default();
        for line in lines() {
            let mut other = line.clone();
            other.on = other.on.replacen("main", "release", 1);
            queue.drink(&line);
            queue.drink(&other);
        }
        let landed: Vec<_> = queue.lane("main").unwrap().landed().collect();
        assert!(landed.len() > 1 && landed.iter().all(|entry| entry.target == "main"));
        assert!(landed.is_sorted_by(|one, next| one.n > next.n));
    }

    fn states(queue: &Queue) -> Vec<(u64, State)> {
        queue.entries().map(|entry| (entry.n.given(), entry.state)).collect()
    }

    #[test]
    fn every_word_that_was_ever_written_is_understood() {
        let ours = lines().into_iter().filter(|line| line.act.starts_with("refinery."));
        let mut kinds = std::collections::BTreeSet::new();
        for line in ours {
            assert!(line.event::<Event>().is_some(), "{} {}", line.act, line.id);
            kinds.insert(line.act);
        }
        assert_eq!(kinds.len(), 12);
    }

    #[test]
    fn each_line_leads_to_the_next_state() {
        use State::{Held, Landed, Rejected, Waiting, Withdrawn};
        let cases = [
            ("queued", 1, vec![(1, Waiting)]),
            ("rejected", 1, vec![(1, Rejected)]),
            ("queued", 2, vec![(1, Rejected), (2, Waiting)]),
            ("withdrawn", 1, vec![(1, Rejected), (2, Withdrawn), (3, Waiting)]),
            ("intent", 1, vec![(1, Rejected), (2, Withdrawn), (3, Waiting)]),
            ("landed", 1, vec![(1, Rejected), (2, Withdrawn), (3, Landed)]),
            ("held", 1, vec![(1, Rejected), (2, Withdrawn), (3, Landed), (4, Held)]),
            ("retried", 1, vec![(1, Rejected), (2, Withdrawn), (3, Landed), (4, Waiting)]),
        ];
        for (act, times, expected) in cases {
            let queue = after(&format!("refinery.{act}"), times);
            assert_eq!(states(&queue), expected, "{act} {times}");
        }
        let held = after("refinery.held", 3);
        assert_eq!(held.entry("main", 5.into()).unwrap().held.as_ref().unwrap().why, Hold::Surface);
        let approved = after("refinery.approved", 1);
        let entry = approved.entry("main", 5.into()).unwrap();
        assert_eq!((entry.state, entry.approved.is_some()), (Waiting, true));
    }

    #[test]
    fn first_come_first_tested_and_a_landing_is_for_ever() {
        let queue = after("refinery.queued", 7);
        let waiting: Vec<_> = queue.waiting("main").map(|entry| entry.n.given()).collect();
        assert_eq!(waiting, [6, 7]);
        let mut queue = after("refinery.landed", 1);
        let bead = queue.entry("main", 3.into()).unwrap().bead.clone().unwrap();
        assert!(queue.submitted(&bead).is_none());
        assert!(queue.last_rejection(&bead).is_none(), "the newest entry has landed");
        let late = lines().into_iter().find(|line| line.act == "refinery.rejected").unwrap();
        queue.drink(&Line { on: "main#3".to_owned(), ..late });
        assert_eq!(queue.entry("main", 3.into()).unwrap().state, State::Landed);
    }

    #[test]
    fn the_tip_is_known_by_lines_alone() {
        let lane = |act: &str, times| after(act, times).lane("main").unwrap().clone();
        let start = lane("refinery.queued", 1);
        assert_eq!(start.tip, start.baseline);
        assert_eq!(lane("refinery.intent", 1).tip, start.tip, "an intent moves nothing");
        let landed = lane("refinery.landed", 1);
        let entry = landed.entries.get(&3.into()).unwrap().clone();
        assert_eq!(landed.tip, entry.landed.map(|landed| landed.commit));
        let foreign = lane("refinery.foreign", 1);
        let foreign_of_tip = |lane: &Lane| lane.foreign_tip(&lane.tip?).map(|foreign| foreign.new);
        assert_eq!(foreign.tip, foreign_of_tip(&foreign));
        assert!(foreign_of_tip(&lane("refinery.landed", 3)).is_none());
        assert_eq!(foreign.next(), 8);
    }

    /// Two clones said where one entry landed, and one of them has tested it.
    #[test]
    fn of_two_landings_of_one_entry_the_one_with_evidence_stands() {
        let on_entry = |line: &Line| line.on == "main#3";
        let ours: Vec<_> = lines().into_iter().filter(on_entry).collect();
        let told = |act: &str| {
            ours.iter().rfind(|line| line.act == format!("refinery.{act}")).cloned().unwrap()
        };
        let (queued, tested, intent) = (told("queued"), told("tested"), told("intent"));
        let landed = told("landed");
        let Some(Event::Landed(proven)) = landed.event() else { panic!("{}", landed.act) };
        let mut with = landed.with.json();
        with["commit"] = "1".repeat(40).into();
        let bare = Line { with: with.into(), ..landed.clone() };
        let orders = [
            [&tested, &intent, &landed, &bare],
            [&tested, &intent, &bare, &landed],
            [&tested, &bare, &intent, &landed],
            [&bare, &tested, &intent, &landed],
        ];
        for order in orders {
            let mut queue = Queue::default();
            queue.drink(&queued);
            for line in order {
                queue.drink(line);
            }
            let lane = queue.lane("main").unwrap();
            let entry = lane.landing(&proven.commit).unwrap();
            assert_eq!((entry.proven, entry.intent.is_none()), (true, true));
            assert_eq!(entry.landed.as_ref(), Some(&proven));
            assert_eq!(entry.tested.as_ref().unwrap().candidate, proven.commit);
            assert_eq!(lane.tip, Some(proven.commit));
        }
    }

    /// However their lines stand between each other, each landing keeps its evidence.
    #[test]
    fn what_two_clones_have_landed_has_the_evidence_of_both() {
        let ours: Vec<_> = lines().into_iter().filter(|line| line.on == "main#3").collect();
        let told = |act: &str| {
            ours.iter().rfind(|line| line.act == format!("refinery.{act}")).cloned().unwrap()
        };
        let steps = [told("tested"), told("intent"), told("landed")];
        let other = "1".repeat(40);
        let theirs: Vec<_> = std::iter::zip(&steps, ["candidate", "new", "commit"])
            .map(|(line, key)| {
                let mut with = line.with.json();
                with[key] = other.as_str().into();
                Line { with: with.into(), ..line.clone() }
            })
            .collect();
        let Some(Event::Landed(landed)) = steps[2].event() else { panic!("no landing") };
        let both = [landed.commit, other.parse().unwrap()];
        for order in ["aaabbb", "ababab", "abbaab", "aabbab", "baabba", "bbbaaa"] {
            let (mut a, mut b) = (steps.iter(), theirs.iter());
            let mut queue = Queue::default();
            queue.drink(&told("queued"));
            for step in order.chars() {
                queue.drink(if step == 'a' { a.next() } else { b.next() }.unwrap());
            }
            let lane = queue.lane("main").unwrap();
            assert!(lane.are_one(&both[0], &both[1]), "{order}");
            assert!(both.iter().all(|commit| lane.evidence(commit).is_some()), "{order}");
        }
    }

    #[test]
    fn a_rejection_is_what_the_next_session_reads() {
        let queue = after("refinery.rejected", 1);
        let bead = queue.entry("main", 1.into()).unwrap().bead.clone().unwrap();
        let text = queue.last_rejection(&bead).unwrap().text();
        let head: Vec<_> = text.lines().take(3).collect();
        let expected = [
            "rejected: test failed (exit 1): wrong sum",
            "  gate      test (fail, exit 1)",
            "  command   sh test.sh",
        ];
        assert_eq!(head, expected);
        for said in ["  sum:1: wrong sum\n    expected  4\n    received  3\n", "git worktree add"] {
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn an_entry_is_found_by_its_number_or_its_name() {
        let queue = after("refinery.queued", 1);
        assert_eq!(queue.find("1", "main").unwrap().name(), "main#1");
        assert_eq!(queue.find("main#1", "other").unwrap().n, 1.into());
        assert!(queue.find("2", "main").is_err());
    }
}
