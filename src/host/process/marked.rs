//! Which processes carry a mark in their environment. One in the very moment in which it becomes another
//! program shows no environment at all: it is told by those it descends from.

use std::fs;

use super::Identity;
use super::listing::{Facts, facts, processes};

/// Further up nobody is looked for.
const LEVELS: usize = 16;

/// What one round through all processes has shown.
#[derive(Debug, Default)]
pub(super) struct Look {
    marked: Vec<Identity>,
    blank: Vec<Blank>,
}

/// A process that shows no environment.
#[derive(Debug)]
struct Blank {
    who: Identity,
    /// The processes that it descends from, and those that lead its group and its session.
    above: Vec<u32>,
}

impl Look {
    pub(super) fn at_all(mark: &str) -> Self {
        let own = std::process::id();
        let mut look = Self::default();
        for pid in processes().into_iter().filter(|pid| *pid != own) {
            // The environment first, because who a process is costs more to find out.
            match Shown::by(pid, mark) {
                Shown::Mark => look.marked.extend(identified(pid, mark)),
                Shown::Nothing => look.blank.extend(Blank::of(pid)),
                Shown::Others => {}
            }
        }
        look
    }

    /// Those that carry it, and those that show nothing and descend from one that does, or did when it was
    /// `known`.
    pub(super) fn ours(&self, known: &[Identity]) -> Vec<Identity> {
        let mut ours = self.marked.clone();
        for blank in &self.blank {
            let carries = |pid: &u32| self.marked.iter().chain(known).any(|it| it.pid == *pid);
            if blank.above.iter().any(carries) {
                ours.push(blank.who.clone());
            }
        }
        ours
    }

    /// Those of which a later look may tell more.
    pub(super) fn unclear(&self) -> Vec<Identity> {
        self.blank.iter().map(|blank| blank.who.clone()).collect()
    }
}

/// What a process shows of its environment.
enum Shown {
    Mark,
    Others,
    Nothing,
}

impl Shown {
    fn by(pid: u32, mark: &str) -> Self {
        // What may not be read is somebody else's.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return Self::Others };
        let mut variables = environment.split(|byte| *byte == 0);
        match variables.any(|variable| variable == mark.as_bytes()) {
            true => Self::Mark,
            false if environment.is_empty() => Self::Nothing,
            false => Self::Others,
        }
    }
}

/// The identity is taken before the mark is read again: what carries the mark is then that process.
fn identified(pid: u32, mark: &str) -> Option<Identity> {
    let who = Identity::of(pid)?;
    (matches!(Shown::by(pid, mark), Shown::Mark) && who.alive()).then_some(who)
}

impl Blank {
    /// None for one that will never show any: a dead one, and a part of the kernel.
    fn of(pid: u32) -> Option<Self> {
        let Facts { start, mut parent, group, session, kernel, zombie } = facts(pid)?;
        let mut above = vec![group, session];
        while parent > 1 && above.len() < LEVELS {
            above.push(parent);
            parent = facts(parent).map_or(0, |above| above.parent);
        }
        let who = Identity { pid, start };
        (!zombie && !kernel).then_some(Self { who, above })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(pid: u32) -> Identity {
        Identity { pid, start: "this boot".to_owned() }
    }

    #[test]
    fn who_shows_nothing_is_told_by_those_it_descends_from() {
        for (marked, known, above, ours) in [
            // Its parent, or one further up.
            (&[7][..], &[][..], &[3, 3, 7][..], true),
            (&[7], &[], &[3, 3, 5, 7], true),
            // Who leads its group or its session, and has ended.
            (&[], &[9], &[9, 9], true),
            (&[], &[9], &[8, 9], true),
            (&[7], &[9], &[8, 8, 5], false),
            (&[], &[], &[8, 8], false),
        ] {
            let blank = vec![Blank { who: who(20), above: above.to_vec() }];
            let look = Look { marked: marked.iter().map(|pid| who(*pid)).collect(), blank };
            let known: Vec<_> = known.iter().map(|pid| who(*pid)).collect();
            assert_eq!(look.ours(&known).contains(&who(20)), ours, "{above:?}");
            assert_eq!(look.unclear(), [who(20)]);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_has_no_environment_is_looked_at_and_descends_from_us() {
        let dir = tempfile::tempdir().unwrap();
        let sleeper = crate::host::process::Program::new("/bin/sleep").args(["300"]).clear_env();
        let bare = sleeper.spawn_detached(&dir.path().join("log")).unwrap();
        let blank = Blank::of(bare.pid).unwrap();
        assert_eq!(blank.who, bare);
        assert!(blank.above.contains(&std::process::id()), "{blank:?}");
        crate::host::process::end_group(&bare);
    }
}
