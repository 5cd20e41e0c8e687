//! Any number of clones, any order of delivery, anything lost, late or twice, wrong wall clocks, copies
//! that do not know they are copies: who has the same lines has the same state, byte for byte.
//!
//! This asks it of what is decided about lines alone; `clones` asks whole repositories.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::super::canon::seal;
use super::super::merge::{Sequences, Stored, merge};
use super::super::state::{Any, State, in_order};
use super::*;
use crate::ledger::Json;

#[derive(Clone, Debug)]
enum Step {
    Write {
        at: usize,
        on: u8,
        year: u16,
    },
    /// What one had some time ago reaches another: later news may be there already, or never come.
    Deliver {
        from: usize,
        to: usize,
        ago: usize,
    },
    /// One is restored from an image of another, name and all.
    Restore {
        from: usize,
        to: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..5, 0u8..3, 2016u16..2037).prop_map(|(at, on, year)| Step::Write { at, on, year }),
        4 => (0usize..5, 0usize..5, 0usize..4).prop_map(|(from, to, ago)| Step::Deliver { from, to, ago }),
        1 => (0usize..5, 0usize..5).prop_map(|(from, to)| Step::Restore { from, to }),
    ]
}

struct Replica {
    name: String,
    /// All that it ever had, the newest last.
    states: Vec<Sequences>,
}

impl Replica {
    fn now(&self) -> Sequences {
        self.states.last().unwrap().clone()
    }

    /// The name of the line.
    fn write(&mut self, on: &str, year: u16, (act, with): (&str, Json)) -> String {
        let mut all = self.now();
        let clock = lines(&all).iter().map(|line| line.clock).max().unwrap_or_default() + 1;
        let json = json!({
            "at": format!("{year}-11-21T00:00:00.000Z"), "by": self.name, "clock": clock, "do": act,
            "on": on, "owner": "jane@example.org", "with": with,
        });
        let (id, bytes) = seal(json.as_object().unwrap()).unwrap();
        all.entry(self.name.clone()).or_default().push(Stored { id: id.clone(), bytes });
        self.states.push(all);
        id
    }
}

/// Clones that write whatever lines, and hear of each other in any order, late, twice or not at all.
pub(crate) struct Clones(Vec<Replica>);

impl Clones {
    pub(crate) fn new(count: usize) -> Self {
        let states = || vec![Sequences::new()];
        Self((0..count).map(|n| Replica { name: format!("r{n}"), states: states() }).collect())
    }

    pub(crate) fn write(&mut self, at: usize, on: &str, year: u16, event: (&str, Json)) -> String {
        self.0[at].write(on, year, event)
    }

    /// What one had so many steps ago reaches another.
    pub(crate) fn deliver(&mut self, (from, to): (usize, usize), ago: usize) {
        let states = &self.0[from].states;
        let sent = states[states.len() - 1 - ago.min(states.len() - 1)].clone();
        let merged = merge(self.0[to].now(), sent);
        self.0[to].states.push(merged);
    }

    /// What each has once everybody has heard from everybody, each in another order.
    fn together(&self, first: usize) -> Vec<Sequences> {
        let count = self.0.len();
        let end = |n: usize| {
            let others = (0..count).map(|k| self.0[(first + n + k * (n % 4 + 1)) % count].now());
            let rest = (0..count).map(|k| self.0[k].now());
            others.chain(rest).fold(self.0[n].now(), merge)
        };
        (0..count).map(end).collect()
    }

    /// The lines of each then, in the order of the ledger.
    pub(crate) fn ends(&self, first: usize) -> Vec<Vec<Line>> {
        self.together(first).iter().map(lines).collect()
    }
}

fn lines(all: &Sequences) -> Vec<Line> {
    let stored = all.values().flatten();
    in_order(stored.map(|line| Line::parse(&line.bytes).unwrap()).collect())
}

fn state(lines: Vec<Line>) -> Vec<u8> {
    let mut state = State::<Told>::default();
    let any: &mut Any<'_> = &mut state;
    assert!(any.drink(lines));
    serde_json::to_vec(&state.fold).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_has_the_same_lines_has_the_same_state(
        steps in proptest::collection::vec(step(), 1..40),
        first in 0usize..5,
    ) {
        let mut world = Clones::new(5);
        let mut written = BTreeSet::new();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Write { at, on, year } => {
                    let said = ("test.said", json!({ "n": n }));
                    written.insert(world.write(at, &format!("b-{on}"), year, said));
                }
                Step::Deliver { from, to, ago } => world.deliver((from, to), ago),
                Step::Restore { from, to } => {
                    // Its own last lines live on with others, or in what it had sent; here with itself.
                    let (name, image) = (world.0[from].name.clone(), world.0[from].now());
                    let lost = world.0[to].now();
                    world.0[to] = Replica { name, states: vec![image, lost] };
                    let states = &world.0[to].states;
                    let merged = merge(states[0].clone(), states[1].clone());
                    world.0[to].states.push(merged);
                }
            }
        }
        let ends = world.together(first);
        let told = state(lines(&ends[0]));
        for end in &ends {
            prop_assert_eq!(end, &ends[0]);
            prop_assert_eq!(&state(lines(end)), &told);
        }
        let kept: BTreeSet<String> = lines(&ends[0]).into_iter().map(|line| line.id).collect();
        prop_assert_eq!(kept, written);
    }
}
