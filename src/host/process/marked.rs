//! Which processes carry a mark in their environment. One in the very moment in which it becomes another
//! program shows no environment at all: it is told by those it descends from, or looked at again.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::Identity;
use super::group::{GRACE, as_pid};
use super::listing::{Facts, facts, processes};
use crate::host::Clock;

/// Further up nobody is looked for.
const LEVELS: usize = 16;

/// Ends every process that carries `key=value` in its environment, however far it went from its
/// parent. Where the system does not show environments there are none. One that shows none yet is looked
/// at again until it does.
pub fn end_marked(key: &str, value: &str) {
    let mark = format!("{key}={value}");
    let mut found: Vec<Identity> = Vec::new();
    let clock = Clock::real();
    let deadline = Instant::now() + GRACE;
    // Again until none is left: one may have forked while we looked.
    loop {
        let look = Look::at_all(&mark);
        let marked = look.ours(&found);
        let overdue = Instant::now() >= deadline;
        if marked.is_empty() && (overdue || !look.may_change()) {
            return;
        }
        for process in marked {
            let known = found.contains(&process);
            if let Some(pid) =
                as_pid(process.pid).filter(|_| (overdue || !known) && process.present())
            {
                let _ = kill_process(pid, if overdue { Signal::KILL } else { Signal::TERM });
            }
            if !known {
                found.push(process);
            }
        }
        if Instant::now() >= deadline + GRACE {
            return;
        }
        clock.sleep(Duration::from_millis(10));
    }
}

/// What one round through all processes has shown.
#[derive(Debug, Default)]
struct Look {
    marked: Vec<Identity>,
    blank: Vec<Blank>,
}

/// A process that shows no environment.
#[derive(Debug)]
struct Blank {
    who: Identity,
    /// The processes that it descends from, and those that lead its group and its session.
    above: Vec<u32>,
    is_changing: bool,
}

impl Look {
    fn at_all(mark: &str) -> Self {
        let own = std::process::id();
        let mut look = Self::default();
        for pid in processes().into_iter().filter(|pid| *pid != own) {
            // The environment first, because who a process is costs more to find out.
            match Shown::by(pid, mark) {
                Shown::Mark => look.marked.extend(identified(pid, mark)),
                Shown::Nothing { is_changing } => look.blank.extend(Blank::of(pid, is_changing)),
                Shown::Others => {}
            }
        }
        look
    }

    /// Those that carry it, and those that show nothing and descend from one that does, or did when it was
    /// `known`.
    fn ours(&self, known: &[Identity]) -> Vec<Identity> {
        let mut ours = self.marked.clone();
        for blank in &self.blank {
            let carries = |pid: &u32| self.marked.iter().chain(known).any(|it| it.pid == *pid);
            if blank.above.iter().any(carries) {
                ours.push(blank.who.clone());
            }
        }
        ours
    }

    /// Whether a later look may tell more.
    fn may_change(&self) -> bool {
        self.blank.iter().any(|blank| blank.is_changing)
    }
}

/// What a process shows of its environment.
enum Shown {
    Mark,
    Others,
    /// Not its arguments either while it becomes another program: then both are still to come.
    Nothing {
        is_changing: bool,
    },
}

impl Shown {
    fn by(pid: u32, mark: &str) -> Self {
        let read = |what: &str| fs::read(format!("/proc/{pid}/{what}"));
        // What may not be read is somebody else's.
        let Ok(mut environment) = read("environ") else { return Self::Others };
        if environment.is_empty() {
            match (read("cmdline"), read("environ")) {
                // It comes with the arguments, and so it is there once those are.
                (Ok(arguments), Ok(now)) if !arguments.is_empty() => environment = now,
                (Ok(_), Ok(_)) => return Self::Nothing { is_changing: true },
                _ => return Self::Others,
            }
        }
        let mut variables = environment.split(|byte| *byte == 0);
        match variables.any(|variable| variable == mark.as_bytes()) {
            true => Self::Mark,
            false if environment.is_empty() => Self::Nothing { is_changing: false },
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
    fn of(pid: u32, is_changing: bool) -> Option<Self> {
        let Facts { start, mut parent, group, session, kernel, zombie } = facts(pid)?;
        let mut above = vec![group, session];
        while parent > 1 && above.len() < LEVELS {
            above.push(parent);
            parent = facts(parent).map_or(0, |above| above.parent);
        }
        let who = Identity { pid, start };
        (!zombie && !kernel).then_some(Self { who, above, is_changing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::process::{Program, end_group};

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
            let above = above.to_vec();
            let blank = vec![Blank { who: who(20), above: above.clone(), is_changing: true }];
            let look = Look { marked: marked.iter().map(|pid| who(*pid)).collect(), blank };
            let known: Vec<_> = known.iter().map(|pid| who(*pid)).collect();
            assert_eq!(look.ours(&known).contains(&who(20)), ours, "{above:?}");
            assert!(look.may_change());
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_has_no_environment_is_looked_at_and_descends_from_us() {
        let dir = tempfile::tempdir().unwrap();
        let sleeper = Program::new("/bin/sleep").args(["300"]).clear_env();
        let bare = sleeper.spawn_detached(&dir.path().join("log")).unwrap();
        // It has its arguments as soon as it is that program, and then nothing is still to come.
        let settled = || matches!(Shown::by(bare.pid, "x"), Shown::Nothing { is_changing: false });
        assert!(std::iter::repeat_with(settled).take(100_000).any(|settled| settled));
        let blank = Blank::of(bare.pid, false).unwrap();
        assert_eq!(blank.who, bare);
        assert!(blank.above.contains(&std::process::id()), "{blank:?}");
        end_group(&bare);
    }

    #[test]
    fn only_marked_processes_are_ended() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let sleeper = |mark: &str| {
            let program = Program::new("/bin/sleep").args(["300"]).env("SHOPFLOOR_TEST_MARK", mark);
            program.spawn_detached(&log).unwrap()
        };
        let mark = format!("{}-{}", std::process::id(), dir.path().display());
        let (ours, also, other) = (sleeper(&mark), sleeper(&mark), sleeper(&format!("{mark}-not")));
        // A program that has just been started shows its environment a moment later.
        let shown = || Look::at_all(&format!("SHOPFLOOR_TEST_MARK={mark}")).ours(&[]).len() == 2;
        assert!(std::iter::repeat_with(shown).take(10_000).any(|shown| shown));
        end_marked("SHOPFLOOR_TEST_MARK", &mark);
        assert!(!ours.alive() && !also.alive() && other.alive());
        end_group(&other);
        assert!(!other.alive());
    }
}
