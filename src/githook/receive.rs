//! `proc-receive`: a push to the protected branch becomes a queue entry, whether it came through the
//! gate or into the repository itself; every other push goes on to where it was meant for.

use std::fs;
use std::io::{Read, Write};
use std::time::Duration;

use anyhow::Result;

use crate::git::{Oid, RefName, Repo, USUAL};
use crate::githook::entry::{self, Options};
use crate::githook::pass;
use crate::githook::pkt::{self, Answer, Command};
use crate::githook::route;
use crate::host::Clock;
use crate::ledger::{self, Ledger};
use crate::policy::{self, trust};
use crate::refinery::{self, Autorun, Entry, Queue, State};
use crate::refusal::Refusal;

/// How often a push that waits looks at the queue.
const LOOK: Duration = Duration::from_millis(200);
/// How many refineries it starts that come to nothing.
const STARTS: usize = 3;
/// How long it waits for one of them to come to work.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it waits for somebody to start one by hand.
const BY_HAND: Duration = Duration::from_secs(10 * 60);

/// Serves one push. `here` is the repository that `receive-pack` runs in: the gate, or the real one.
pub fn serve(
    here: &Repo,
    clock: &Clock,
    (input, output): (&mut impl Read, &mut impl Write),
    say: &mut dyn FnMut(&str),
) -> Result<()> {
    let request = pkt::receive(input, output)?;
    let real = route::behind(here)?;
    let desk = Desk {
        repo: real.as_ref().unwrap_or(here),
        gate: real.as_ref().map(|_| here),
        clock,
        target: real.as_ref().unwrap_or(here).default_branch()?,
    };
    let options = match request.atomic && desk.gate.is_none() {
        true => Err(part_of_atomic(&desk.target)),
        false => Options::parse(&request.options),
    };
    let mut ways: Vec<_> =
        request.commands.iter().map(|command| (command, desk.way(command))).collect();
    let mut spoiled = request.atomic && ways.iter().any(|(_, way)| way.is_err());
    if request.atomic {
        // A remote may say no; the queue has said yes by then, so it comes last.
        ways.sort_by_key(|(_, way)| matches!(way, Ok(Way::Queue)));
    }
    let mut answers = Vec::new();
    for (command, way) in ways {
        let answer = match (&options, way) {
            (Err(no), _) => Ok(refused(no, say)),
            (_, Err(no)) => Err(no),
            (Ok(_), Ok(_)) if spoiled => Ok(Answer::No(SPOILED.to_owned())),
            (Ok(options), Ok(Way::Queue)) => desk.queue(command, options, say),
            (Ok(_), Ok(Way::On)) => pass::on(desk.repo, desk.gate, &desk.target, command),
        };
        let answer = answer.unwrap_or_else(|no| refused(&no, say));
        spoiled |= request.atomic && matches!(answer, Answer::No(_));
        answers.push((command.name.as_str(), answer));
    }
    pkt::answer(output, &answers)
}

/// Only the gate is shown a whole push. Here git shows us what is for the queue and keeps the rest to
/// itself, so nobody could hold back the one until the other is known to go well.
fn part_of_atomic(target: &str) -> anyhow::Error {
    Refusal::refused(format!("{target} is queued here, which cannot be part of an atomic push"))
        .hint(format!("push {target} by itself, without --atomic, and the rest apart from it"))
        .into()
}

const SPOILED: &str = "atomic push: another part of it was refused";

/// Where a command of a push leads.
enum Way {
    Queue,
    On,
}

/// The reason in one line for git's own report, the next steps as lines of their own.
pub(super) fn refused(no: &anyhow::Error, say: &mut dyn FnMut(&str)) -> Answer {
    for hint in no.downcast_ref::<Refusal>().map_or(&[][..], |refusal| &refusal.hints) {
        say(&format!("hint: {hint}"));
    }
    Answer::No(format!("{no:#}"))
}

struct Desk<'r> {
    repo: &'r Repo,
    gate: Option<&'r Repo>,
    clock: &'r Clock,
    target: String,
}

impl Desk<'_> {
    /// Says no to what can be refused before anything is done.
    fn way(&self, command: &Command) -> Result<Way> {
        let (name, target) = (command.name.as_str(), self.target.as_str());
        if name == ledger::REF && self.gate.is_none() {
            // A clone that syncs with this very repository.
            let end = |id: &Oid| Some(*id).filter(|id| !id.is_null());
            let (old, new) = (end(&command.old), end(&command.new));
            let ledger = Ledger::open(self.repo, self.clock)?;
            let sound = ledger.verify_range((old.as_ref(), new.as_ref()), &mut |_| {});
            let sound = sound.and_then(|verified| match verified.findings.first() {
                Some(wrong) => {
                    Err(Refusal::refused(format!("{}: {}", wrong.line, wrong.what)).into())
                }
                None => Ok(Way::On),
            });
            return sound.map_err(|no| {
                let what = "that is written by Shopfloor itself, and this was not by git bead sync";
                Refusal::refused(format!("{what}: {no:#}")).into()
            });
        }
        if name.starts_with("refs/shopfloor/") {
            let what = "that is written by Shopfloor itself, not by a push";
            return Err(Refusal::refused(what).hint("leave it out of the push").into());
        }
        if let Some(gate) = self.gate {
            fetch_through(self.repo, gate, &command.new)?;
        }
        let asks = name.strip_prefix("refs/for/");
        if let Some(named) = asks.filter(|named| *named != target) {
            let what = format!("there is no queue for {named}, only for {target}");
            let fix = format!("git push REMOTE HEAD:refs/for/{target}");
            return Err(Refusal::refused(what).hint(fix).into());
        }
        if asks.is_none() && name.strip_prefix("refs/heads/") != Some(target) {
            self.astray(command)?;
            return Ok(Way::On);
        }
        if command.new.is_null() {
            let what = format!("{target} is protected, a push does not delete it");
            return Err(Refusal::refused(what).hint("leave it out of the push").into());
        }
        let forced = !command.old.is_null()
            && asks.is_none()
            && !self.repo.is_ancestor(&command.old, &command.new)?;
        if forced {
            return Err(Refusal::refused(format!(
                "{target} only moves forward, nothing forces it"
            ))
            .hint(format!("to queue it as it is: git push <remote> HEAD:refs/for/{target}"))
            .into());
        }
        Ok(Way::Queue)
    }

    /// A session that pushes to `main` where work lands on `trunk` means the target. Were a branch of
    /// that name made for it, the session would end believing that its work is queued.
    fn astray(&self, command: &Command) -> Result<()> {
        let Some(branch) = command.name.strip_prefix("refs/heads/") else { return Ok(()) };
        let from = self.gate.and_then(|_| route::pusher(self.repo));
        let Some(from) = from.filter(|_| !command.new.is_null()) else { return Ok(()) };
        let upstream = route::upstream(self.repo, &self.target)?;
        let there = format!("refs/remotes/{}/{branch}", upstream.name().unwrap_or("origin"));
        let names = [RefName::branch(branch)?, there.parse()?];
        let known =
            names.iter().map(|name| self.repo.read_ref(name)).collect::<Result<Vec<_>>>()?;
        let likely = USUAL.contains(&branch)
            || self.repo.config_get("init.defaultBranch")?.as_deref() == Some(branch);
        let slung = from.config_get("shopfloor.identity")?.is_some();
        if !(slung && likely) || known.iter().any(Option::is_some) {
            return Ok(());
        }
        let remote = upstream.name().unwrap_or("origin");
        Err(Refusal::refused(format!("there is no {branch} here, work lands on {}", self.target))
            .hint(format!("git push {remote} HEAD:{}", self.target))
            .into())
    }

    fn queue(
        &self,
        command: &Command,
        options: &Options,
        say: &mut dyn FnMut(&str),
    ) -> Result<Answer> {
        let target = self.target.as_str();
        let tip = self.repo.resolve(&format!("refs/heads/{target}"))?;
        if let Some(tip) = tip
            && self.repo.is_ancestor(&command.new, &tip)?
        {
            say(&format!("{} has landed on {target} already", command.new.short()));
            if command.name.starts_with("refs/for/") {
                return Ok(Answer::Done);
            }
            return pass::on(self.repo, self.gate, target, command);
        }
        let from = self.gate.and_then(|_| route::pusher(self.repo));
        let from = from.as_ref().unwrap_or(self.repo);
        let queued = entry::queue(from, self.clock, (target, command.new), options)?;
        for line in entry::told(&queued) {
            say(&line);
        }
        let entry = queued.0;
        if options.wait {
            return self.verdict(&entry, say);
        }
        Ok(Answer::Became(
            refinery::ref_name(target, entry.n)?.to_string(),
            self.null(),
            entry.commit,
        ))
    }

    /// Stays until the entry is decided.
    fn verdict(&self, entry: &Entry, say: &mut dyn FnMut(&str)) -> Result<Answer> {
        let ledger = Ledger::open(self.repo, self.clock)?;
        let (target, n) = (entry.target.as_str(), entry.n);
        let (mut last, mut starts, mut idle) = (String::new(), STARTS, Duration::ZERO);
        let mut patience = PATIENCE;
        loop {
            let queue: Queue = ledger.read()?;
            let Some(now) = queue.entry(target, n) else {
                anyhow::bail!("#{n} is not in the queue any more")
            };
            match now.state {
                State::Landed => return self.landed(now, say),
                State::Rejected => {
                    let why = now
                        .rejection
                        .as_ref()
                        .map_or_else(String::new, |rejection| rejection.error.clone());
                    return Ok(Answer::No(format!(
                        "#{n} was rejected: {why}; git refinery show {n}"
                    )));
                }
                State::Held => {
                    return Ok(Answer::No(format!(
                        "#{n} waits for a person; git refinery show {n}"
                    )));
                }
                State::Withdrawn => return Ok(Answer::No(format!("#{n} was withdrawn"))),
                State::Waiting => {}
            }
            let progress = progress(&queue, now);
            if progress != last {
                say(&progress);
                last = progress;
            }
            if refinery::at_work(self.repo, target).is_some() {
                idle = Duration::ZERO;
            } else if !self.is_trusted()? {
                say("hint: read what it would run, then say yes with `git bead trust`");
                return Ok(Answer::No(format!(
                    "#{n} is queued and waits: this repository's shopfloor.toml is not trusted"
                )));
            } else if idle >= patience {
                let why = refinery::last_words(self.repo, target).unwrap_or_default();
                say(&format!("hint: git refinery run, then git refinery wait {n}"));
                return Ok(Answer::No(format!(
                    "#{n} is queued and waits, and no refinery is at work: {why}"
                )));
            } else if starts > 0 {
                starts -= 1;
                if let Autorun::Left(why) = refinery::autorun(self.repo, target)? {
                    say(&format!("note: {why}"));
                    (starts, patience) = (0, BY_HAND);
                }
            }
            idle += LOOK;
            self.clock.sleep(LOOK);
        }
    }

    /// Whether the gates may run at all.
    fn is_trusted(&self) -> Result<bool> {
        let tip = self.repo.read_ref(&RefName::branch(&self.target)?)?;
        let Some(tip) = tip else { return Ok(true) };
        let surface = policy::read(self.repo, &tip)?.surface();
        Ok(trust::is_trusted(self.repo.env(), self.repo, &surface))
    }

    fn landed(&self, entry: &Entry, say: &mut dyn FnMut(&str)) -> Result<Answer> {
        let commit = entry.landed.as_ref().map_or(entry.commit, |landed| landed.commit);
        say(&format!("LANDED #{} as {}", entry.n, commit.short()));
        // A work tree of ours has the landed commit; another clone has yet to fetch it.
        if self.gate.is_none() {
            let name = refinery::ref_name(&entry.target, entry.n)?.to_string();
            return Ok(Answer::Became(name, self.null(), entry.commit));
        }
        let before =
            self.repo.commit(&commit)?.parents.first().copied().unwrap_or_else(|| self.null());
        Ok(Answer::Became(format!("refs/heads/{}", entry.target), before, commit))
    }

    fn null(&self) -> Oid {
        Oid::null(self.repo.sha256())
    }
}

fn progress(queue: &Queue, entry: &Entry) -> String {
    let ahead = queue.waiting(&entry.target).filter(|other| other.n < entry.n).count();
    match ahead {
        0 => format!("#{} is next, or being tested", entry.n),
        1 => format!("#{} waits behind one other", entry.n),
        _ => format!("#{} waits behind {ahead} others", entry.n),
    }
}

/// What only the gate has, the repository gets before anything is said about it: the gate may be
/// deleted at any time.
fn fetch_through(repo: &Repo, gate: &Repo, new: &Oid) -> Result<()> {
    let objects = gate.common_dir().join("objects");
    let own =
        fs::read_dir(&objects)?.filter_map(Result::ok).any(|entry| entry.file_name().len() == 2);
    let packs = fs::read_dir(objects.join("pack")).is_ok_and(|mut packs| packs.next().is_some());
    if new.is_null() || !(own || packs) {
        return Ok(());
    }
    repo.fetch(&gate.common_dir().to_string_lossy(), &[&new.to_string()])
}
