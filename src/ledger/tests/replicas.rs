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

    fn write(&mut self, on: u8, year: u16, n: usize) {
        let mut all = self.now();
        let clock = lines(&all).iter().map(|line| line.clock).max().unwrap_or_default() + 1;
        let json = json!({
            "at": format!("{year}-11-21T00:00:00.000Z"), "by": self.name, "clock": clock, "do": "test.said",
            "on": format!("b-{on}"), "owner": "jane@example.org", "with": { "n": n },
        });
        let (id, bytes) = seal(json.as_object().unwrap()).unwrap();
        all.entry(self.name.clone()).or_default().push(Stored { id, bytes });
        self.states.push(all);
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
        let mut world: Vec<Replica> = (0..5)
            .map(|n| Replica { name: format!("r{n}"), states: vec![Sequences::new()] })
            .collect();
        let mut written = BTreeSet::new();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Write { at, on, year } => {
                    world[at].write(on, year, n);
                    written.extend(lines(&world[at].now()).into_iter().map(|line| line.id));
                }
                Step::Deliver { from, to, ago } => {
                    let states = &world[from].states;
                    let sent = states[states.len() - 1 - ago.min(states.len() - 1)].clone();
                    let merged = merge(world[to].now(), sent);
                    world[to].states.push(merged);
                }
                Step::Restore { from, to } => {
                    // Its own last lines live on with others, or in what it had sent; here with itself.
                    let (name, image) = (world[from].name.clone(), world[from].now());
                    let lost = world[to].now();
                    world[to] = Replica { name, states: vec![image, lost] };
                    let merged = merge(world[to].states[0].clone(), world[to].states[1].clone());
                    world[to].states.push(merged);
                }
            }
        }
        // Everybody hears from everybody, each in another order.
        let ends: Vec<Sequences> = (0..5)
            .map(|n| {
                let others = (0..5).map(|k| world[(first + n + k * (n % 4 + 1)) % 5].now());
                let rest = (0..5).map(|k| world[k].now());
                others.chain(rest).fold(world[n].now(), merge)
            })
            .collect();
        let told = state(lines(&ends[0]));
        for end in &ends {
            prop_assert_eq!(end, &ends[0]);
            prop_assert_eq!(&state(lines(end)), &told);
        }
        let kept: BTreeSet<String> = lines(&ends[0]).into_iter().map(|line| line.id).collect();
        prop_assert_eq!(kept, written);
    }
}
