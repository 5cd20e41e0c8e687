//! Walks everything: each line is what its id says, in its place, after what it names; and nothing that
//! was seen before is missing.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, anyhow};
use serde::Serialize;

use super::merge::leaps;
use super::query::REDACTION;
use super::read::unreadable;
use super::shelf::{News, Positions, Shelf};
use super::state::in_order;
use super::{Ledger, Line, REDACTED, pin, texts, trail};
use crate::git::Oid;
use crate::refusal::Refusal;

/// A ledger that was read from the first line to the last.
pub struct Verified {
    /// In the one order.
    pub lines: Vec<Line>,
    pub replicas: usize,
    /// How many lines the trail has.
    pub trail: usize,
    pub findings: Vec<Finding>,
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
    /// The whole ledger, and that it has everything that was seen of any remote.
    pub fn verify(&self) -> Result<Verified> {
        let Some((_, shelf)) = self.checked()? else {
            return Ok(Verified { lines: Vec::new(), replicas: 0, trail: 0, findings: Vec::new() });
        };
        let verified = self.walk(&shelf).map_err(unreadable)?;
        for (name, pinned) in self.repo.refs_under("refs/shopfloor/pins/")? {
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
    pub fn verify_range(&self, old: Option<&Oid>, new: Option<&Oid>) -> Result<Verified> {
        let no = |what: String| anyhow::Error::from(Refusal::refused(what));
        let Some(new) = new else { return Err(no("the ledger is not to be deleted".to_owned())) };
        let shelf = self.shelf_of(new).map_err(|error| no(format!("damaged: {error:#}")))?;
        shelf.format.check("what is pushed")?;
        let verified = self.walk(&shelf).map_err(|error| no(format!("damaged: {error:#}")))?;
        let Some(old) = old else { return Ok(verified) };
        let before = self.shelf_of(old).map_err(unreadable)?;
        if let Some(lost) = pin::lost(&self.store, &before, &shelf)? {
            return Err(no(format!("it no longer has {lost}")));
        }
        if let Some(lost) = texts::lost(&self.store, &before, &shelf)? {
            return Err(no(format!("it no longer has {lost}")));
        }
        let (root, was) = (shelf.root(&self.store)?, before.root(&self.store)?);
        if was.is_some() && root != was {
            return Err(no("it belongs to another repository".to_owned()));
        }
        let clock = |shelf: &Shelf| -> Result<u64> {
            Ok(self.positions_of(shelf)?.values().map(|at| at.clock).max().unwrap_or_default())
        };
        if leaps(clock(&before)?, clock(&shelf)?) {
            return Err(no("its clock is ahead of any honest clock".to_owned()));
        }
        Ok(verified)
    }

    fn walk(&self, shelf: &Shelf) -> Result<Verified> {
        let lines = match shelf.news(&self.store, &Positions::new())? {
            News::Lines(lines, _) => in_order(lines),
            News::Rewritten(how) => return Err(anyhow!(how)),
        };
        texts::check(&self.store, shelf, &lines)?;
        let (mut findings, mut count) = (order(&lines), 0);
        let accounted: HashSet<&str> = lines
            .iter()
            .filter(|line| line.act == REDACTION)
            .map(|line| line.on.as_str())
            .collect();
        for (name, dir) in trail::dirs(&self.store, shelf)? {
            let told = trail::walk(&self.store, &dir, 0, &mut |line| {
                count += 1;
                let session = line.session.as_deref().unwrap_or_default();
                let is_told = [session, &line.id].iter().any(|name| accounted.contains(name));
                if line.rest.contains_key(REDACTED) && !is_told {
                    findings.push(Finding::new(&line, "nobody says who took its text away"));
                }
            });
            told.with_context(|| format!("replica {name}"))?;
        }
        let replicas = shelf.replicas().count();
        Ok(Verified { findings, lines, replicas, trail: count })
    }
}

/// Lines that stand before what they name as coming before them, or name what is not there.
fn order(lines: &[Line]) -> Vec<Finding> {
    let clocks: HashMap<&str, u64> =
        lines.iter().map(|line| (line.id.as_str(), line.clock)).collect();
    let mut findings = Vec::new();
    for line in lines {
        for before in &line.after {
            match clocks.get(before.as_str()) {
                None => findings.push(Finding::new(line, format!("{before} is missing before it"))),
                Some(clock) if *clock >= line.clock => {
                    findings.push(Finding::new(
                        line,
                        format!("it is older than {before}, which it follows"),
                    ));
                }
                Some(_) => {}
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, clock: u64, after: &[&str]) -> Line {
        let after = after.iter().map(|&id| id.to_owned()).collect();
        Line { id: id.to_owned(), clock, after, ..Line::default() }
    }

    #[test]
    fn a_gap_and_a_line_before_its_cause_are_found() {
        let lines =
            [line("a", 1, &[]), line("b", 2, &["a"]), line("c", 2, &["b"]), line("d", 9, &["x"])];
        let found: Vec<_> = order(&lines).into_iter().map(|it| (it.line, it.what)).collect();
        assert_eq!(
            found,
            [
                ("c".to_owned(), "it is older than b, which it follows".to_owned()),
                ("d".to_owned(), "x is missing before it".to_owned())
            ]
        );
    }
}
