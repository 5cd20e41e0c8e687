//! Whole repositories that write, tell, redact, are restored, and hear from each other in any order, late,
//! twice or never: they come to the same bytes.
//!
//! Each build asks a few times; `SHOPFLOOR_CASES=2000 cargo test --lib clones` asks as often.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ledger::{Note, Query, REDACTED, Travel};

/// What may happen in a clone, or between two.
#[derive(Clone, Debug)]
enum Deed {
    Write {
        at: usize,
        on: u8,
        year: u16,
    },
    /// Sessions tell of themselves, with their last word or without.
    Note {
        at: usize,
        session: u8,
        year: u16,
        ends: bool,
    },
    Pour {
        at: usize,
    },
    Redact {
        at: usize,
        session: u8,
    },
    Travel {
        at: usize,
        policy: &'static str,
    },
    Deliver {
        from: usize,
        to: usize,
        ago: usize,
    },
    Image {
        at: usize,
    },
    /// The disk is put back to its image, and what came since is gone from there.
    Restore {
        at: usize,
    },
}

fn deed() -> impl Strategy<Value = Deed> {
    let (at, year) = (0usize..5, 2016u16..2037);
    let policy = prop_oneof![Just("full"), Just("full"), Just("summary"), Just("local")];
    prop_oneof![
        5 => (at.clone(), 0u8..3, year.clone()).prop_map(|(at, on, year)| Deed::Write { at, on, year }),
        4 => (at.clone(), 0u8..3, year, any::<bool>())
            .prop_map(|(at, session, year, ends)| Deed::Note { at, session, year, ends }),
        3 => at.clone().prop_map(|at| Deed::Pour { at }),
        1 => (at.clone(), 0u8..3).prop_map(|(at, session)| Deed::Redact { at, session }),
        1 => (at.clone(), policy).prop_map(|(at, policy)| Deed::Travel { at, policy }),
        6 => (at.clone(), at.clone(), 0usize..4).prop_map(|(from, to, ago)| Deed::Deliver { from, to, ago }),
        1 => at.clone().prop_map(|at| Deed::Image { at }),
        1 => at.prop_map(|at| Deed::Restore { at }),
    ]
}

/// One repository, and what is known of it.
struct Clone {
    path: PathBuf,
    /// All tips that it ever had, the newest last.
    tips: Vec<Oid>,
    policy: Travel,
    /// Notes that wait to be poured: their numbers, and whether each is a last word.
    waiting: Vec<(u64, bool)>,
    image: Option<(Oid, Vec<(u64, bool)>)>,
}

/// Clones that lend each other their objects, so that a delivery needs no network.
struct Clones {
    world: World,
    all: Vec<Clone>,
    /// What a restored disk no longer had.
    lost: Vec<Oid>,
    written: BTreeSet<u64>,
    /// The notes that were to go with the ledger, and those that were not.
    sent: BTreeSet<u64>,
    kept: BTreeSet<u64>,
    /// Lines of the trail that lost their text somewhere.
    bare: BTreeSet<String>,
}

impl Clones {
    fn new(count: usize) -> Self {
        let world = World::new();
        let paths: Vec<_> = (0..count).map(|n| world.repo(&format!("r{n}"), &[])).collect();
        for path in &paths {
            let others = (0..count).map(|n| format!("../../../r{n}/.git/shopfloor-objects\n"));
            let lent: String = others.collect();
            fs::write(path.join(".git/objects/info/alternates"), lent).unwrap();
            fs::create_dir(path.join(".git/shopfloor-objects")).unwrap();
        }
        let clone = |path| Clone {
            path,
            tips: Vec::new(),
            policy: Travel::Full,
            waiting: Vec::new(),
            image: None,
        };
        Self {
            all: paths.into_iter().map(clone).collect(),
            world,
            lost: Vec::new(),
            written: BTreeSet::new(),
            sent: BTreeSet::new(),
            kept: BTreeSet::new(),
            bare: BTreeSet::new(),
        }
    }

    fn at<T>(&mut self, at: usize, year: u16, act: impl FnOnce(&Ledger<'_>) -> T) -> T {
        let repo = self.world.open(&self.all[at].path);
        let clock = Clock::pinned(format!("{year}-11-21T00:00:00.000Z").parse().unwrap());
        let told = act(&Ledger::open(&repo, &clock).unwrap());
        let tip = repo.read_ref(&REF.parse().unwrap()).unwrap();
        if self.all[at].tips.last() != tip.as_ref() {
            self.all[at].tips.extend(tip);
        }
        told
    }

    fn act(&mut self, deed: &Deed, n: u64) {
        let count = self.all.len();
        match *deed {
            Deed::Write { at, on, year } => {
                let event = json!({"test.said": {"n": n}});
                let said = |_: &Told, pen: &mut crate::ledger::Pen<'_>| {
                    pen.line(&format!("b-{on}"), &event)
                };
                self.at(at % count, year, |ledger| ledger.write(&jane(), said)).unwrap();
                self.written.insert(n);
            }
            Deed::Note { at, session, year, ends } => {
                let act = if ends { Travel::SUM } else { "trail.edit" };
                let mut note = Note::new(format!("{year}-11-21T00:00:00.000Z"), "b", act);
                note.by = "toast".to_owned();
                note.session = Some(format!("s-{session}"));
                note.with.insert("n".to_owned(), json!(n));
                note.text.insert("file".to_owned(), json!(format!("src/{n}.rs")));
                self.at(at % count, year, |ledger| ledger.note(vec![note])).unwrap();
                self.all[at % count].waiting.push((n, ends));
            }
            Deed::Pour { at } => self.pour(at % count),
            Deed::Redact { at, session } => self.redact(at % count, &format!("s-{session}")),
            Deed::Travel { at, policy } => {
                let clone = &mut self.all[at % count];
                self.world.git(&clone.path, &["config", "shopfloor.trail", policy]);
                clone.policy = Travel::of(&self.world.open(&clone.path)).unwrap();
            }
            Deed::Deliver { from, to, ago } => {
                let tips = &self.all[from % count].tips;
                let sent = tips.len().checked_sub(1).map(|last| tips[last - ago.min(last)]);
                if let Some(sent) = sent {
                    self.deliver(to % count, &sent);
                }
            }
            Deed::Image { at } => self.image(at % count),
            Deed::Restore { at } => self.restore(at % count),
        }
    }

    fn pour(&mut self, at: usize) {
        self.at(at, 2026, |ledger| ledger.pour()).unwrap();
        let clone = &mut self.all[at];
        for (n, ends) in clone.waiting.drain(..) {
            let goes = clone.policy == Travel::Full || (ends && clone.policy == Travel::Summary);
            if goes {
                self.sent.insert(n)
            } else {
                self.kept.insert(n)
            };
        }
    }

    fn redact(&mut self, at: usize, session: &str) {
        self.pour(at);
        let concerns = |line: &Line| line.session.as_deref() == Some(session);
        self.at(at, 2026, |ledger| ledger.redact(&concerns)).unwrap();
        let gone = self.trail(at).into_iter().filter(|line| concerns(line)).map(|line| line.id);
        self.bare.extend(gone);
    }

    fn deliver(&mut self, to: usize, tip: &Oid) -> u64 {
        self.at(to, 2026, |ledger| ledger.merge(tip, &Positions::new())).unwrap()
    }

    /// What a clone has beside objects and refs, and where the image of it is.
    fn own(&self, at: usize) -> [(PathBuf, PathBuf); 3] {
        let git = self.all[at].path.join(".git");
        let images = [
            ("shopfloor", "image"),
            ("shopfloor-objects/trail", "image-trail"),
            ("shopfloor-objects/desk", "image-desk"),
        ];
        images.map(|(own, image)| (git.join(own), git.join(image)))
    }

    fn image(&mut self, at: usize) {
        let Some(tip) = self.all[at].tips.last().copied() else { return };
        for (own, image) in self.own(at) {
            put(&own, &image);
        }
        let clone = &mut self.all[at];
        clone.image = Some((tip, clone.waiting.clone()));
    }

    fn restore(&mut self, at: usize) {
        let Some((tip, waiting)) = self.all[at].image.clone() else { return };
        self.lost.extend(self.all[at].tips.last());
        for (own, image) in self.own(at) {
            put(&image, &own);
        }
        let clone = &mut self.all[at];
        self.world.git(&clone.path, &["update-ref", REF, &tip.to_string()]);
        clone.waiting = waiting;
        clone.tips.push(tip);
    }

    /// Everybody hears from everybody, and of what was lost, each in another order.
    fn meet(&mut self) {
        for round in 0..2 {
            for to in 0..self.all.len() {
                let all = (1..self.all.len()).map(|step| (to + step) % self.all.len());
                let mut sent: Vec<_> =
                    all.filter_map(|n| self.all[n].tips.last().copied()).collect();
                sent.extend(&self.lost);
                let turns = (to + round) % sent.len().max(1);
                sent.rotate_left(turns);
                for tip in &sent {
                    self.deliver(to, tip);
                }
            }
        }
    }

    fn trail(&mut self, at: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        let query = Query { act: vec!["trail".to_owned()], ..Query::default() };
        let each = &mut |line: &Line| lines.push(line.clone());
        self.at(at, 2026, |ledger| ledger.tell(&query, each)).unwrap();
        lines
    }

    /// The bytes of its tree and of its state.
    fn shown(&self, at: usize) -> (Oid, Vec<u8>) {
        let (clone, repo) = (&self.all[at], self.world.open(&self.all[at].path));
        let tree = repo.tree_of(clone.tips.last().unwrap()).unwrap();
        (tree, serde_json::to_vec(&read(&self.world, &clone.path).unwrap()).unwrap())
    }
}

/// One directory in the place of another, whether it is there or not.
fn put(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    if from.exists() {
        let copy = ["-r", from.to_str().unwrap(), to.to_str().unwrap()];
        assert!(Program::new("cp").args(copy).run().succeeded());
    }
}

fn number(line: &Line) -> u64 {
    line.with.json()["n"].as_u64().unwrap()
}

/// How many times whole repositories are asked.
#[expect(clippy::disallowed_methods, reason = "how a person asks for more")]
fn cases() -> u32 {
    std::env::var("SHOPFLOOR_CASES").map_or(12, |wanted| wanted.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_clones_they_come_to_the_same_bytes(
        count in 3usize..6,
        deeds in proptest::collection::vec(deed(), 1..40),
    ) {
        let mut clones = Clones::new(count);
        for (deed, n) in deeds.iter().zip(0..) {
            clones.act(deed, n);
        }
        (0..count).for_each(|at| clones.pour(at));
        clones.meet();
        if clones.all.iter().all(|clone| clone.tips.is_empty()) {
            return Ok(());
        }
        let shown = clones.shown(0);
        for at in 0..count {
            prop_assert!(clones.shown(at) == shown, "clone {at} stands elsewhere");
            let other = *clones.all[(at + 1) % count].tips.last().unwrap();
            prop_assert_eq!(clones.deliver(at, &other), 0);
            prop_assert!(clones.shown(at) == shown, "what clone {at} had twice changed it");
            let verified = clones.at(at, 2026, |ledger| ledger.verify(&mut |_| {})).unwrap();
            prop_assert_eq!(verified.lines, clones.written.len());
            // Nobody wrote down who took the texts away.
            prop_assert!(verified.findings.iter().all(|it| clones.bare.contains(&it.line)));
            let mut trail = clones.trail(at);
            trail.retain(|line| !clones.kept.contains(&number(line)));
            for line in &trail {
                prop_assert_eq!(line.rest.contains_key(REDACTED), clones.bare.contains(&line.id));
            }
            let there: BTreeSet<_> = trail.iter().map(number).collect();
            let sent: BTreeSet<_> = clones.sent.difference(&clones.kept).copied().collect();
            prop_assert_eq!(there, sent);
        }
    }
}
