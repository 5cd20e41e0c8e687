//! The fold of this room's words: per target what is known of its tip, and every entry as it
//! stands. The order of landing is the order of arrival. Pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::git::Oid;
use crate::ledger::{Actor, Fold, Line, Loaded, Saving};
use crate::refinery::event::{Event, Foreign, Held, Intent, Landed, Queued, Tested};
use crate::refinery::number::{Number, Twins};
use crate::refinery::rejection::Rejection;
use crate::refusal::Refusal;

/// Of how many intents of one entry the evidence is kept.
const TRIED: usize = 16;

/// Every target the queue has heard of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    lanes: BTreeMap<String, Lane>,
}

/// One target branch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Lane {
    pub baseline: Option<Oid>,
    /// Where the target was when a line last said so. Elsewhere means that somebody else moved it.
    pub tip: Option<Oid>,
    pub entries: BTreeMap<Number, Entry>,
    pub foreign: Vec<Foreign>,
    twins: Twins,
}

/// One commit that asked to land.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub target: String,
    pub n: Number,
    pub commit: Oid,
    pub bead: Option<String>,
    pub agent: Option<String>,
    pub epoch: Option<u64>,
    pub session: Option<String>,
    #[serde(default)]
    pub claim: Option<String>,
    pub by: String,
    pub owner: String,
    pub at: String,
    pub state: State,
    pub tested: Option<Tested>,
    pub intent: Option<Intent>,
    /// The evidence of every intent, until one of them is known to have landed.
    pub tried: Vec<Tested>,
    pub landed: Option<Landed>,
    /// Whether `tested` is the evidence of what landed.
    pub proven: bool,
    pub rejection: Option<Box<Rejection>>,
    pub held: Option<Held>,
    pub withdrawn: Option<String>,
    /// The surface a person has said yes to.
    pub approved: Option<String>,
    /// When it reached the state it is in.
    pub since: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Waiting,
    Held,
    Landed,
    Rejected,
    Withdrawn,
}

impl State {
    /// Whether the entry may still land.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Held)
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Landed => "landed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        })
    }
}

/// The subject of an entry's lines, and its name to people.
pub(super) fn name(target: &str, n: Number) -> String {
    format!("{target}#{n}")
}

/// The target and number in an entry's name. A branch may have a `#` of its own, a number not.
pub(super) fn parse(name: &str) -> Option<(&str, Number)> {
    let (target, n) = name.rsplit_once('#')?;
    let n: Number = n.parse().ok()?;
    (n.given() > 0 && !target.is_empty()).then_some((target, n))
}

impl Fold for Queue {
    const VERSION: u32 = 4;

    fn name() -> String {
        "queue".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        if !line.act.starts_with("refinery.") {
            return;
        }
        let Some(event) = line.event::<Event>() else {
            // Whatever it says, the lines that come after it are about the same entry.
            let lane =
                parse(&line.on).and_then(|(target, n)| Some((self.lanes.get_mut(target)?, n)));
            if let Some((lane, n)) = lane {
                lane.twins.meant(n, line);
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

impl Lane {
    /// The number of the next entry.
    pub fn next(&self) -> u64 {
        self.entries.last_key_value().map_or(1, |(n, _)| n.given() + 1)
    }

    /// What an entry of this commit is called that was given this number.
    pub(super) fn called(&self, n: Number, commit: &Oid) -> Number {
        match self.entries.get(&n) {
            Some(other) if other.commit != *commit => n.twin(commit),
            _ => n,
        }
    }

    /// Whether an entry that was given this number has this commit.
    pub(super) fn knows(&self, n: Number, commit: &Oid) -> bool {
        self.entries.range(n.namesakes()).any(|(_, entry)| entry.commit == *commit)
    }

    /// The entry that has taken this commit and has not given it back.
    pub fn holding(&self, commit: &Oid) -> Option<&Entry> {
        let given_back = |entry: &&Entry| {
            !matches!(entry.state, State::Rejected | State::Withdrawn) && entry.commit == *commit
        };
        self.entries.values().find(given_back)
    }

    /// The landing that made `commit` a tip of the target.
    pub fn landing(&self, commit: &Oid) -> Option<&Entry> {
        let made = |entry: &&Entry| entry.landed.as_ref().is_some_and(|l| l.commit == *commit);
        self.entries.values().find(made)
    }

    /// What has landed here, newest first.
    pub(super) fn landed(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().rev().filter(|entry| entry.state == State::Landed)
    }

    /// The foreign landing that made `tip`: what it is known to fail.
    pub(super) fn foreign_tip(&self, tip: &Oid) -> Option<&Foreign> {
        self.foreign.iter().rfind(|foreign| foreign.new == *tip)
    }

    /// The entry that made `commit` a tip of the target, or is about to, and what was tested for that.
    pub fn evidence(&self, commit: &Oid) -> Option<(&Entry, &Tested)> {
        self.entries.values().find_map(|entry| Some((entry, entry.evidence(commit)?)))
    }

    /// Whether a line tells how `tip` came to be one.
    pub(super) fn vouches(&self, tip: &Oid) -> bool {
        self.foreign_tip(tip).is_some() || self.evidence(tip).is_some()
    }

    /// Where the target stood before `tip`, as far as lines tell it.
    pub(super) fn base_of(&self, tip: &Oid) -> Option<Oid> {
        let landed = self.evidence(tip).map(|(_, tested)| tested.base);
        landed.or_else(|| Some(self.foreign_tip(tip)?.old))
    }

    fn begin(&mut self, tip: Oid) {
        if self.baseline.is_none() {
            self.tip.get_or_insert(tip);
            self.baseline = Some(tip);
        }
    }

    fn moved(&mut self, foreign: Foreign) {
        self.tip = Some(foreign.new);
        self.foreign.push(foreign);
    }

    fn drink(&mut self, line: &Line, target: &str, n: Number, event: Event) {
        if let Event::Queued(queued) = event {
            let called = self.called(n, &queued.commit);
            if called != n {
                self.twins.found(called, line);
            }
            let actor =
                Actor { by: line.by.clone(), owner: line.owner.clone(), ..Actor::default() };
            let born = || Entry::new(target, called, queued, &actor, &line.at);
            self.entries.entry(called).or_insert_with(born);
            return;
        }
        let n = self.twins.meant(n, line);
        let Some(entry) = self.entries.get_mut(&n) else { return };
        // What has landed is not undone by a line that arrives later. Of several that say where it landed
        // the one with evidence stands, whichever came first.
        if entry.state == State::Landed && (entry.proven || !entry.is_proof(&event)) {
            return;
        }
        entry.drink(line, event);
        if entry.proven {
            self.tip = entry.landed.as_ref().map(|landed| landed.commit);
        }
    }
}

impl Entry {
    pub fn name(&self) -> String {
        name(&self.target, self.n)
    }

    /// An entry as `actor` queues it.
    pub(super) fn new(target: &str, n: Number, queued: Queued, actor: &Actor, at: &str) -> Self {
        Self {
            target: target.to_owned(),
            n,
            commit: queued.commit,
            bead: queued.bead,
            agent: queued.agent,
            epoch: queued.epoch,
            session: queued.session,
            claim: queued.claim,
            by: actor.by.clone(),
            owner: actor.owner.clone(),
            at: at.to_owned(),
            state: State::Waiting,
            tested: None,
            intent: None,
            tried: Vec::new(),
            landed: None,
            proven: false,
            rejection: None,
            held: None,
            withdrawn: None,
            approved: None,
            since: at.to_owned(),
        }
    }

    /// What was tested of a commit that it landed as, or is about to.
    pub(super) fn evidence(&self, commit: &Oid) -> Option<&Tested> {
        let proof = self.tested.iter().filter(|_| self.proven);
        proof.chain(&self.tried).find(|tested| tested.candidate == *commit)
    }

    /// Whether this could tell more about a landing that has no evidence yet.
    fn is_proof(&self, event: &Event) -> bool {
        match event {
            Event::Tested(_) | Event::Intent(_) => true,
            Event::Landed(landed) => self.evidence(&landed.commit).is_some(),
            _ => false,
        }
    }

    fn drink(&mut self, line: &Line, event: Event) {
        let is_over = self.state == State::Landed;
        match event {
            Event::Baseline { .. } | Event::Foreign(_) | Event::Queued(_) => return,
            Event::Tested(tested) => self.tested = Some(tested),
            Event::Intent(intent) => {
                let tested = self.tested.clone().filter(|tested| tested.candidate == intent.new);
                self.tried.extend(tested);
                self.tried.drain(..self.tried.len().saturating_sub(TRIED));
                self.intent = Some(intent).filter(|_| !is_over);
            }
            Event::Aborted { .. } => self.intent = None,
            Event::Approved { surface } => {
                self.approved = Some(surface);
                self.wait();
            }
            Event::Retried {} => self.wait(),
            Event::Held(held) => {
                self.state = State::Held;
                self.held = Some(held);
            }
            Event::Landed(landed) => {
                if let Some(tested) = self.evidence(&landed.commit).cloned() {
                    (self.tested, self.proven, self.tried) = (Some(tested), true, Vec::new());
                }
                self.state = State::Landed;
                self.landed = Some(landed);
                (self.intent, self.held) = (None, None);
            }
            Event::Rejected(rejection) => {
                self.state = State::Rejected;
                self.rejection = Some(rejection);
                (self.intent, self.held) = (None, None);
            }
            Event::Withdrawn { reason } => {
                self.state = State::Withdrawn;
                self.withdrawn = Some(reason);
                self.held = None;
            }
        }
        if !is_over || self.proven {
            self.since.clone_from(&line.at);
        }
    }

    fn wait(&mut self) {
        if self.state == State::Held {
            self.state = State::Waiting;
            self.held = None;
        }
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
    fn names_of_entries() {
        assert_eq!(parse("main#42"), Some(("main", 42.into())));
        assert_eq!(parse("fix#1#7"), Some(("fix#1", 7.into())));
        for bad in ["main", "#1", "main#", "main#0", "main#x", ""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        let queue = after("refinery.queued", 1);
        assert_eq!(queue.find("1", "main").unwrap().name(), "main#1");
        assert_eq!(queue.find("main#1", "other").unwrap().n, 1.into());
        assert!(queue.find("2", "main").is_err());
    }
}
