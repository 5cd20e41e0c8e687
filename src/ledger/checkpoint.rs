//! Checkpoints: a clone says how far it has written, and signs that.
//!
//! What is signed names repository, ref and replica, how many lines that has, which is the last, and the
//! hash over the ids of all; and where that has a trail, how many lines that has and which is the last:
//! each line of a trail names the one before it. So a signature holds for nothing else: not in another
//! repository, under another ref, for another replica, nor for other lines. A checkpoint is a line like
//! any other, and no fold knows of it; only who verifies looks for them.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use serde::Serialize;

use super::claim::{Claim, Event, Tally, Trail, is_one};
use super::home::elsewhere;
use super::merge::name_of;
use super::shelf::{Shelf, tail};
use super::{Finding, Ledger, Line, REF};
use crate::git::{Oid, Signed};
use crate::refusal::Refusal;

/// The lines of a replica up to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Extent {
    last: String,
    digest: String,
}

/// A checkpoint that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    pub line: String,
    pub replica: String,
    pub lines: u64,
    /// Of its trail; none where that is not among what was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail: Option<u64>,
    /// The allowed signer; none where nobody is named here.
    pub signer: Option<String>,
    pub key: String,
}

/// What became of all checkpoints.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) good: Vec<Checkpoint>,
    /// Those that do not hold, with what is wrong.
    pub(super) bad: Vec<Finding>,
    /// Those that hold, by keys that nobody here allows: they say nothing.
    pub(super) idle: Vec<Finding>,
}

/// The checkpoints that stand in a ledger, and what stands in its trails.
#[derive(Default)]
pub(super) struct Checkpoints {
    all: Vec<Line>,
    /// The lines of trails that they name, and where each stands.
    ends: HashMap<String, Option<(String, u64)>>,
    /// How many lines each trail has.
    trails: HashMap<String, u64>,
}

/// What was found of the lines that checkpoints speak of.
#[derive(Default)]
struct Found {
    /// The extents that are asked for, by replica and number of lines.
    extents: HashMap<(String, u64), Extent>,
    /// Where each of the last lines that are named stands.
    ends: HashMap<String, (String, u64)>,
    /// Among whose lines each checkpoint stands.
    homes: HashSet<(String, String)>,
    /// The sequences that a merge has set apart.
    tails: HashSet<String>,
}

impl Checkpoints {
    pub(super) fn line(&mut self, line: &Line) {
        if is_one(line) {
            let claim = line.event().map(Event::claim);
            let trail = claim.and_then(|claim| claim.trail);
            self.ends.extend(trail.map(|trail| (trail.last, None)));
            self.all.push(line.clone());
        }
    }

    /// The next line of the trail of this replica.
    pub(super) fn trail(&mut self, replica: &str, line: &Line) {
        let count = self.trails.entry(replica.to_owned()).or_default();
        *count += 1;
        if let Some(end) = self.ends.get_mut(&line.id) {
            *end = Some((replica.to_owned(), *count));
        }
    }

    /// Whether the trail is here as far as a claim says. A merge may have set its end apart.
    fn has_trail(&self, claim: &Claim) -> bool {
        let Some(Trail { lines, last }) = &claim.trail else { return true };
        let Some(Some((name, count))) = self.ends.get(last) else { return false };
        let own = self.trails.get(&claim.replica).copied().unwrap_or_default();
        match *name == claim.replica {
            true => count == lines,
            false => own >= lines.saturating_sub(*count),
        }
    }

    pub(super) fn end(self, ledger: &Ledger<'_>, shelf: &Shelf) -> Result<Judged> {
        let (mut judged, mut claims) = (Judged::default(), Vec::new());
        for line in &self.all {
            match line.event().map(Event::claim) {
                Some(claim) => claims.push((line.clone(), claim)),
                None => judged.bad.push(Finding::new(line, "it is no checkpoint")),
            }
        }
        let found =
            if claims.is_empty() { Found::default() } else { ledger.find(shelf, &claims)? };
        for (line, claim) in claims {
            let (signer, key, idle) = match claim.check(ledger.repo) {
                Ok(Signed::By { who, key }) => (Some(who), key, None),
                Ok(Signed::Key(key)) => (None, key, None),
                Ok(Signed::Stranger { key, why }) => (None, key, Some(why)),
                Ok(Signed::No(why)) => {
                    let what = format!("its signature does not hold: {why}");
                    judged.bad.push(Finding::new(&line, what));
                    continue;
                }
                // Whoever cannot look has not seen that it is good.
                Err(no) if no.is::<Refusal>() => {
                    let mend = "git config gpg.ssh.program names what checks it";
                    let what = format!("its signature cannot be checked: {no:#}; {mend}");
                    judged.bad.push(Finding::new(&line, what));
                    continue;
                }
                Err(no) => return Err(no),
            };
            let extent = ledger.extent(shelf, &found, &claim)?;
            let is_home = ledger.is_of(shelf, &claim.repository)?;
            let (is_among, has_trail) = (found.stands(&line, &claim), self.has_trail(&claim));
            let place = Place { is_home, is_among, extent, has_trail };
            match (judge(&claim, &place), idle) {
                (Some(wrong), _) => judged.bad.push(Finding::new(&line, wrong)),
                (None, Some(why)) => judged.idle.push(Finding::new(&line, why)),
                (None, None) => {
                    let Claim { replica, lines, trail, .. } = claim;
                    let trail = trail.map(|trail| trail.lines);
                    let line = line.id;
                    judged.good.push(Checkpoint { line, replica, lines, trail, signer, key });
                }
            }
        }
        Ok(judged)
    }
}

impl Found {
    /// Whether a checkpoint stands among the lines that it signs, or those that were split off them.
    fn stands(&self, line: &Line, claim: &Claim) -> bool {
        let is_there = |name: &String| self.homes.contains(&(line.id.clone(), name.clone()));
        is_there(&claim.replica) || self.tails.iter().any(is_there)
    }
}

/// Where a checkpoint was found.
struct Place {
    is_home: bool,
    /// Whether it stands among the lines that it signs.
    is_among: bool,
    /// What stands where it speaks of.
    extent: Option<Extent>,
    has_trail: bool,
}

/// What is wrong with a checkpoint whose signature holds.
fn judge(claim: &Claim, place: &Place) -> Option<String> {
    let Claim { repository, name, replica, lines, last, digest, .. } = claim;
    if !place.is_home {
        return Some(format!("it was signed for {}", elsewhere(repository)));
    }
    if name != REF {
        return Some(format!("it was signed for {name}"));
    }
    if !place.is_among {
        return Some(format!("it was signed for replica {replica}, and stands among other lines"));
    }
    match &place.extent {
        None => Some(format!("it signs {lines} lines of replica {replica}, which are not here")),
        Some(extent) if extent.last != *last || extent.digest != *digest => {
            Some(format!("the {lines} lines of replica {replica} are not those that it signs"))
        }
        Some(_) if !place.has_trail => {
            Some(format!("the trail of replica {replica} is not the one that it signs"))
        }
        Some(_) => None,
    }
}

impl Ledger<'_> {
    fn is_of(&self, shelf: &Shelf, root: &Oid) -> Result<bool> {
        let told = shelf.roots(&self.store)?;
        Ok(told.contains(root) || self.is_home(root)?.unwrap_or(told.is_empty()))
    }

    /// Looks once at all lines for what these claims speak of.
    fn find(&self, shelf: &Shelf, claims: &[(Line, Claim)]) -> Result<Found> {
        let mut found = Found::default();
        let wanted: HashSet<_> =
            claims.iter().map(|(_, claim)| (claim.replica.clone(), claim.lines)).collect();
        let lasts: HashSet<_> = claims.iter().map(|(_, claim)| claim.last.clone()).collect();
        for (name, dir) in shelf.replicas() {
            let mut tally = Tally::new();
            tail(&self.store, dir, None, &mut |line| {
                tally.add(&line.id);
                if tally.lines == 1 && name_of(&line.id) == name {
                    found.tails.insert(name.to_owned());
                }
                if is_one(&line) {
                    found.homes.insert((line.id.clone(), name.to_owned()));
                }
                let place = (name.to_owned(), tally.lines);
                if wanted.contains(&place) {
                    let extent = Extent { last: line.id.clone(), digest: tally.digest() };
                    found.extents.insert(place.clone(), extent);
                }
                if lasts.contains(&line.id) {
                    found.ends.insert(line.id, place);
                }
            })?;
        }
        Ok(found)
    }

    /// What stands where a claim speaks of. A merge may have set the end of a sequence apart: then its
    /// beginning still stands under the old name.
    fn extent(&self, shelf: &Shelf, found: &Found, claim: &Claim) -> Result<Option<Extent>> {
        let place = (claim.replica.clone(), claim.lines);
        let there = found.extents.get(&place).cloned();
        if there.as_ref().is_some_and(|there| there.last == claim.last) {
            return Ok(there);
        }
        let Some((name, count)) = found.ends.get(&claim.last) else { return Ok(there) };
        let before = claim.lines.saturating_sub(*count);
        if !found.tails.contains(name) || before == 0 {
            return Ok(there);
        }
        let mut tally = Tally::new();
        for (name, upto) in [(&claim.replica, before), (name, claim.lines)] {
            let Some(dir) = shelf.replica(name) else { return Ok(there) };
            tail(&self.store, dir, None, &mut |line| {
                if tally.lines < upto {
                    tally.add(&line.id);
                }
            })?;
        }
        Ok(Some(Extent { last: claim.last.clone(), digest: tally.digest() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::claim::tests::claim;

    #[test]
    fn a_checkpoint_holds_for_one_thing_alone() {
        let extent = |last: &str, digest: &str| {
            Some(Extent { last: last.to_owned(), digest: digest.to_owned() })
        };
        let other = Claim { name: "refs/x".to_owned(), ..claim() };
        for (claim, is_home, is_among, extent, wrong) in [
            (claim(), true, true, extent("b", "d"), None),
            (claim(), false, true, extent("b", "d"), Some("another repository")),
            (other, true, true, extent("b", "d"), Some("signed for refs/x")),
            (claim(), true, false, extent("b", "d"), Some("among other lines")),
            (claim(), true, true, None, Some("not here")),
            (claim(), true, true, extent("c", "d"), Some("not those")),
            (claim(), true, true, extent("b", "e"), Some("not those")),
        ] {
            let told = judge(&claim, &Place { is_home, is_among, extent, has_trail: true });
            assert_eq!(told.is_some(), wrong.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(wrong.unwrap_or_default()));
        }
    }

    #[test]
    fn a_trail_is_here_whole_or_with_its_end_set_apart() {
        let signed = |lines, last: &str| {
            let trail = Some(Trail { lines, last: last.to_owned() });
            let claim = Claim { trail, ..claim() };
            let with = serde_json::to_value(&claim).unwrap().into();
            let line = Line { act: "ledger.attested".to_owned(), with, ..Line::default() };
            (line, claim)
        };
        let ours = claim().replica;
        for (trails, lines, last, is_here) in [
            (&[(ours.as_str(), &["a", "b", "c"][..])][..], 2, "b", true),
            (&[(&ours, &["a", "b"])], 3, "c", false),
            (&[(&ours, &["b", "c"])], 3, "c", false),
            (&[(&ours, &["a", "x"]), ("tail", &["b", "c"])], 3, "c", true),
            (&[(&ours, &[]), ("tail", &["b", "c"])], 3, "c", false),
        ] {
            let (line, claim) = signed(lines, last);
            let mut all = Checkpoints::default();
            all.line(&line);
            for (name, ids) in trails {
                for id in *ids {
                    all.trail(name, &Line { id: (*id).to_owned(), ..Line::default() });
                }
            }
            assert_eq!(all.has_trail(&claim), is_here, "{trails:?}");
        }
        assert!(Checkpoints::default().has_trail(&claim()), "what was signed before trails were");
    }
}
