//! Whoever reads every line makes what others will ask for next, too, and spares them from reading all
//! again: on a thread of its own, which hears each line after the reader has drunk it.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::Scope;

use super::Line;
use super::cache::{self, Mark};
use super::fold::Part;
use super::heads::Ends;
use super::replay::Lines;
use super::state::BEHIND;

/// So many lines are handed over at once, and so many times before the reader waits.
const BATCH: usize = 256;
const AHEAD: usize = 8;

/// The reader's end.
pub(super) struct Meanwhile {
    lines: Lines,
    to: SyncSender<Told>,
}

enum Told {
    /// All lines that were told so far count for nothing.
    Anew,
    Lines(Lines),
    /// That was all, up to here.
    All(Mark),
}

impl Meanwhile {
    /// Makes all folds but those that the reader makes itself, and saves them below `own_dir`.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        make: fn() -> Vec<Box<dyn Part>>,
        read: Vec<String>,
        own_dir: PathBuf,
    ) -> Self {
        let (to, told) = mpsc::sync_channel(AHEAD);
        scope.spawn(move || {
            let mut parts = make();
            parts.push(Box::new(Ends::default()));
            parts.retain(|part| !read.contains(&part.name()));
            hear(&told, &mut parts, &|part, mark| {
                cache::save(&own_dir, part, mark, 0);
            });
        });
        Self { lines: Vec::with_capacity(BATCH), to }
    }

    pub(super) fn anew(&mut self) {
        self.lines.clear();
        self.tell(Told::Anew);
    }

    pub(super) fn hear(&mut self, line: Box<Line>) {
        self.lines.push(line);
        if self.lines.len() == BATCH {
            self.flush();
        }
    }

    pub(super) fn save(&mut self, mark: Mark) {
        self.flush();
        self.tell(Told::All(mark));
    }

    fn flush(&mut self) {
        let lines = std::mem::replace(&mut self.lines, Vec::with_capacity(BATCH));
        self.tell(Told::Lines(lines));
    }

    /// Without anybody who hears, nothing is saved, and the next one reads for itself.
    fn tell(&self, told: Told) {
        drop(self.to.send(told));
    }
}

fn hear(told: &Receiver<Told>, parts: &mut [Box<dyn Part>], save: &dyn Fn(&dyn Part, &Mark)) {
    let mut count = 0;
    for told in told {
        match told {
            Told::Anew => {
                count = 0;
                for part in &mut *parts {
                    part.clear();
                }
            }
            Told::Lines(lines) => {
                count += lines.len() as u64;
                for line in &lines {
                    for part in &mut *parts {
                        part.drink(line);
                    }
                }
            }
            Told::All(mark) if count > BEHIND => {
                for part in &*parts {
                    save(&**part, &mark);
                }
            }
            Told::All(_) => {}
        }
    }
}
