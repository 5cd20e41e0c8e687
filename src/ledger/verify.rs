//! Walks everything: each line is what its id says, in its place, after what it names; and nothing that
//! was seen before is missing.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::canon::{Id, id};
use super::check::Check;
use super::checkpoint::{Checkpoint, Checkpoints, Judged};
use super::fold::Each;
use super::home::Homes;
use super::manners::unreadable;
use super::merge::leaps;
use super::query::REDACTION;
use super::shelf::Shelf;
use super::{Ledger, Line, REDACTED, pin, remote, texts, trail};
use crate::git::Oid;
use crate::refusal::Refusal;

/// A ledger that was read from the first line to the last.
#[derive(Default)]
pub struct Verified {
    pub lines: usize,
    pub replicas: usize,
    /// How many lines the trail has.
    pub trail: usize,
    pub findings: Vec<Finding>,
    /// Those that hold; the others are among the findings.
    pub checkpoints: Vec<Checkpoint>,
    /// Those that hold and count for nothing here, because of their keys.
    pub idle: Vec<Finding>,
}

/// Something that an honest writer would not have written. The line stands all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub line: String,
    pub on: String,
    pub by: String,
    pub what: String,
}

impl Finding {
    pub fn new(line: &Line, what: impl Into<String>) -> Self {
        let Line { id, on, by, .. } = line.clone();
        Self { line: id, on, by, what: what.into() }
    }
}

impl Ledger<'_> {
    /// The whole ledger, and that it has everything that was seen of any remote. Hands over its lines,
    /// in the one order, to who looks for more.
    pub fn verify(&self, each: Each<'_>) -> Result<Verified> {
        let Some((_, shelf)) = self.checked()? else {
            return Ok(Verified::default());
        };
        self.at_home(&shelf).map_err(unreadable)?;
        let verified = self.walk(&shelf, each).map_err(unreadable)?;
        for (name, pinned) in self.repo.refs_under(remote::PINS)? {
            let seen = self.shelf_of(&pinned)?;
            let text = || texts::lost(&self.store, &seen, &shelf).transpose();
            let lost = pin::lost(&self.store, &seen, &shelf)?.map(|lost| Ok(lost.to_string()));
            if let Some(lost) = lost.or_else(text).transpose()? {
                let what = format!("the ledger here lacks what was seen as {name}: {lost}");
                return Err(Refusal::refused(what).hint("git bead sync takes it in").into());
            }
        }
        Ok(verified)
    }

    /// Whether a hub may take `new` in the place of `old`: all of it sound, and nothing lost.
    pub fn verify_range(
        &self,
        (old, new): (Option<&Oid>, Option<&Oid>),
        each: Each<'_>,
    ) -> Result<Verified> {
        let no = |what: String| anyhow::Error::from(Refusal::refused(what));
        let Some(new) = new else { return Err(no("the ledger is not to be deleted".to_owned())) };
        let shelf = self.shelf_of(new).map_err(|error| no(format!("damaged: {error:#}")))?;
        shelf.format.check("what is pushed")?;
        let verified =
            self.walk(&shelf, each).map_err(|error| no(format!("damaged: {error:#}")))?;
        let Some(old) = old else {
            self.at_home(&shelf)?;
            return Ok(verified);
        };
        let before = self.shelf_of(old).map_err(unreadable)?;
        if let Some(lost) = pin::lost(&self.store, &before, &shelf)? {
            return Err(no(format!("it no longer has {lost}")));
        }
        if let Some(lost) = texts::lost(&self.store, &before, &shelf)? {
            return Err(no(format!("it no longer has {lost}")));
        }
        match (shelf.root(&self.store)?, before.root(&self.store)?) {
            (Some(_), None) => self.at_home(&shelf)?,
            (root, was) if root != was => {
                return Err(no("it says that it is of another repository".to_owned()));
            }
            _ => {}
        }
        let clock = |shelf: &Shelf| -> Result<u64> {
            Ok(self.positions_of(shelf)?.values().map(|at| at.clock).max().unwrap_or_default())
        };
        if leaps(clock(&before)?, clock(&shelf)?) {
            return Err(no("its clock is ahead of any honest clock".to_owned()));
        }
        let new = |findings| self.new_since(old, findings);
        let (findings, idle) = (new(verified.findings)?, new(verified.idle)?);
        Ok(Verified { findings, idle, ..verified })
    }

    /// What was found of lines that an older state has not: who pushes answers for nothing else. Of a
    /// trail a line may be the same and have lost its words, so those are all looked at.
    pub fn new_since(&self, old: &Oid, mut findings: Vec<Finding>) -> Result<Vec<Finding>> {
        let mut lines = findings.iter().map(|it| it.line.clone()).collect();
        self.strike_out(&self.shelf_of(old)?, &mut lines)?;
        findings.retain(|it| lines.contains(&it.line));
        Ok(findings)
    }

    fn walk(&self, shelf: &Shelf, each: Each<'_>) -> Result<Verified> {
        let (mut order, mut texts) = (Order::default(), Check::of(&self.store, shelf));
        let mut homes = Homes::of(shelf.roots(&self.store)?);
        let mut checkpoints = Checkpoints::default();
        let mut accounted = HashSet::new();
        let replayed = self.replay(shelf, &mut |line| {
            order.line(line);
            homes.line(line);
            checkpoints.line(line);
            texts.line(line);
            if line.act == REDACTION {
                accounted.insert(line.on.clone());
            }
            each(line);
        })?;
        texts.end()?;
        let (mut findings, mut count) = (order.end(), 0);
        for (name, dir) in trail::dirs(&self.store, shelf)? {
            let told = trail::walk(&self.store, &dir, 0, &mut |line| {
                count += 1;
                homes.line(&line);
                checkpoints.trail(&name, &line);
                let session = line.session.as_deref().unwrap_or_default();
                let is_told =
                    [session, line.id.as_str()].iter().any(|name| accounted.contains(*name));
                if line.rest.contains_key(REDACTED) && !is_told {
                    findings.push(Finding::new(&line, "nobody says who took its text away"));
                }
            });
            told.with_context(|| format!("replica {name}"))?;
        }
        let Judged { good: checkpoints, bad, idle } = checkpoints.end(self, shelf)?;
        findings.extend(bad);
        let strays = homes.end(self)?.into_iter().chain(self.silent(shelf)?);
        findings.extend(strays.map(|it| Finding {
            what: it.what(),
            line: it.line,
            on: it.on,
            by: it.by,
        }));
        let lines = usize::try_from(replayed.lines)?;
        let replicas = shelf.replicas().count();
        Ok(Verified { findings, lines, replicas, trail: count, checkpoints, idle })
    }
}

/// Looks for lines that stand before what they name as coming before them, or name what is not there,
/// while all are told in the one order.
#[derive(Default)]
struct Order {
    clock: u64,
    /// Those of this clock: none of them comes before another.
    now: Vec<Id>,
    before: HashSet<Id>,
    /// Who names what had not been told yet.
    open: Vec<(Finding, String)>,
}

impl Order {
    fn line(&mut self, line: &Line) {
        if line.clock > self.clock {
            self.clock = line.clock;
            self.before.extend(self.now.drain(..));
        }
        let told = |name: &String| id(name).is_some_and(|id| self.before.contains(&id));
        let open = line.after.iter().filter(|name| !told(name));
        self.open.extend(open.map(|name| (Finding::new(line, ""), name.clone())));
        self.now.extend(id(&line.id));
    }

    fn end(mut self) -> Vec<Finding> {
        self.before.extend(self.now);
        let told = |(finding, name): (Finding, String)| Finding {
            what: match id(&name).is_some_and(|id| self.before.contains(&id)) {
                true => format!("it is older than {name}, which it follows"),
                false => format!("{name} is missing before it"),
            },
            ..finding
        };
        self.open.into_iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, clock: u64, after: &[&str]) -> Line {
        let after = after.iter().map(|id| id.repeat(26)).collect();
        Line { id: id.repeat(26), clock, after, ..Line::default() }
    }

    #[test]
    fn a_gap_and_a_line_before_its_cause_are_found() {
        let mut order = Order::default();
        for line in [
            line("a", 1, &[]),
            line("b", 2, &["a"]),
            line("c", 2, &["b"]),
            line("d", 9, &["x", "e"]),
            line("e", 10, &["d", "a"]),
        ] {
            order.line(&line);
        }
        let found: Vec<_> = order.end().into_iter().map(|it| (it.line, it.what)).collect();
        let all = |id: &str| id.repeat(26);
        let older = |id: &str| format!("it is older than {}, which it follows", all(id));
        assert_eq!(
            found,
            [
                (all("c"), older("b")),
                (all("d"), format!("{} is missing before it", all("x"))),
                (all("d"), older("e")),
            ]
        );
    }
}
