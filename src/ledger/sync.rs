//! A round with a remote: look, fetch, check, merge, push; and again when somebody else was faster.
//!
//! What we have of our own goes on top of the remote's tip as one commit, so a push is always a step
//! forward there, and the remote's own compare-and-swap says who came first.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::check::Check;
use super::home::{Travellers, elsewhere, meant};
use super::manners::{ATTEMPTS, OURS, PENDING, contested};
use super::place::Seen;
use super::refused::{is_damage, is_lost_race, is_stale};
use super::remote::{Remote, Spot, There};
use super::shelf::{News, Position, Positions, Shelf};
use super::state::in_order;
use super::{Ledger, Line, garbage, pin, texts, trail};
use crate::git::{Oid, Pushed, Signature, Swap};
use crate::host::Turn;
use crate::refusal::Refusal;

/// How often a race may be lost, and how long a sync waits for another one of this clone.
const ROUNDS: u32 = 12;
const PATIENCE: Duration = Duration::from_secs(60);
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
/// The subject of a commit that others may have.
const SEALED: &str = "ledger";

/// What a sync came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    pub remote: String,
    /// How many lines came, and how many went.
    pub received: u64,
    pub sent: u64,
    /// What the remote said to that in its own words.
    pub said: Vec<String>,
}

/// What became of a push.
enum Sent {
    /// How many lines are there now that were not, and what was said to that.
    Lines(u64, Vec<String>),
    /// The remote has something else than it had when we looked, as git puts it.
    Late(String),
}

impl Ledger<'_> {
    /// Comes to one ledger with a remote. Between what is taken in and what is sent, `settle` may add
    /// lines; it is told what the remote has.
    pub fn sync(
        &self,
        named: Option<&str>,
        settle: &mut dyn FnMut(&str, Option<&Oid>) -> Result<()>,
    ) -> Result<Synced> {
        let remote = Remote::find(self.repo, named)?;
        if let Some((_, shelf)) = self.checked_or_gone()? {
            shelf.format.check(OURS)?;
        }
        let _turn = Turn::take(&self.exchange_lock()?, "the exchange with remotes", PATIENCE)?;
        if let Err(no) = self.pour() {
            tracing::debug!("what was noted last stays here: {no:#}");
        }
        let (mut received, mut before) = (0, None);
        for round in 0..ROUNDS {
            let found = remote.look(self.repo)?;
            let Some(there) = self.take_all(&remote, found, &mut received)? else { continue };
            settle(&remote.name, there.tip.as_ref())?;
            match self.send(&remote, &there)? {
                Sent::Lines(sent, said) => {
                    return Ok(Synced { remote: remote.name, received, sent, said });
                }
                Sent::Late(why) if is_stale(&why) && there.tip.is_some() && before == there.tip => {
                    self.is_shown(&remote, &there)?;
                }
                Sent::Late(_) => before = there.tip,
            }
            self.clock.sleep(pause(round));
        }
        let what = format!("{}: others were faster {ROUNDS} times", remote.name);
        Err(Refusal::again(what).hint("what is here stays, and goes with the next sync").into())
    }

    pub(super) fn exchange_lock(&self) -> Result<PathBuf> {
        Ok(self.repo.own_dir()?.join("sync.lock"))
    }

    /// Takes in what somebody's `git fetch` has brought from a remote; nothing is asked of the remote.
    pub fn take_fetched(&self, name: &str) -> Result<u64> {
        let remote = Remote::find(self.repo, Some(name))?;
        let mut received = 0;
        self.store.take_over()?;
        for spot in &remote.spots {
            let Some(theirs) = self.repo.read_ref(&spot.tracking)? else { continue };
            if self.repo.read_ref(&spot.pin)? != Some(theirs) {
                received += self.accept(&remote, spot, &theirs)?;
            }
        }
        Ok(received)
    }

    /// The lines here that are not there, in the one order. `theirs` was taken in.
    pub fn beyond(&self, theirs: &Oid) -> Result<Vec<Line>> {
        let Some((_, shelf)) = self.checked()? else { return Ok(Vec::new()) };
        let there = self.shelf_of(theirs)?;
        let known = self.positions_of(&there)?;
        let mut lines = Vec::new();
        if let News::To(_) = shelf.news(&self.store, &known, &mut |line| lines.push(line))? {
            return Ok(in_order(lines));
        }
        // A merge has moved something of theirs: then it is not at its end that ours goes on.
        let mut known = HashSet::new();
        there.lines(&self.store, &mut |line| {
            known.insert(line.id);
        })?;
        lines.clear();
        shelf.lines(&self.store, &mut |line| {
            if !known.contains(&line.id) {
                lines.push(line);
            }
        })?;
        Ok(in_order(lines))
    }

    /// Takes in what the remote has under any of its names, and says under which one ours goes there: the
    /// last of those that are in use, which somebody chose because the others were not taken. None if
    /// it is not what it was when we looked.
    fn take_all(
        &self,
        remote: &Remote,
        found: Vec<There>,
        received: &mut u64,
    ) -> Result<Option<There>> {
        for there in &found {
            if !self.bring(remote, there)? {
                return Ok(None);
            }
        }
        let used = found.iter().rposition(|there| there.tip.is_some()).unwrap_or_default();
        let main = found.get(used).and_then(|there| there.tip);
        for there in found.iter().rev().filter(|there| there.tip.is_none()) {
            self.is_elsewhere(remote, &there.spot, main.as_ref())?;
        }
        for (number, There { spot, tip }) in found.iter().enumerate() {
            let Some(tip) = tip else { continue };
            // What others do not send to any more need not be merged again and again.
            if number == used || self.repo.read_ref(&spot.pin)? != Some(*tip) {
                *received += self.take(remote, spot, tip)?;
            }
        }
        Ok(found.into_iter().nth(used))
    }

    /// Fetches what is there. No if it is something else by now.
    fn bring(&self, remote: &Remote, there: &There) -> Result<bool> {
        let There { spot, tip: Some(tip) } = there else { return Ok(true) };
        let known = self.repo.read_ref(&spot.tracking)?;
        if known == Some(*tip) {
            return Ok(true);
        }
        if let Err(no) = remote.fetch(&self.store, spot, false) {
            let same = |now: &There| now.spot.name == spot.name && now.tip == Some(*tip);
            if is_damage(&format!("{no:#}")) && remote.look(self.repo)?.iter().any(same) {
                return Err(remote.broken(spot, &format!("{no:#}")).into());
            }
            return Err(remote.unreachable(&no));
        }
        if !self.repo.exists(tip) {
            return Ok(false);
        }
        // Ours to move, so that no lock of a git that was killed is ever in the way.
        self.repo.swap_ref(&spot.tracking, known.as_ref(), Some(tip), "fetched")?;
        Ok(true)
    }

    /// A no where something was under a name and is not, unless all of it is under another name of that
    /// remote's.
    fn is_elsewhere(&self, remote: &Remote, spot: &Spot, main: Option<&Oid>) -> Result<()> {
        let Some(pinned) = self.repo.read_ref(&spot.pin)? else { return Ok(()) };
        let gone = || Err(remote.gone(spot, &pinned).into());
        let Some(main) = main else { return gone() };
        let old = self.shelf_of(&pinned).context("reading what was seen of the remote")?;
        match self.lacks(&old, &self.shelf_of(main)?)? {
            Some(_) => gone(),
            None => Ok(()),
        }
    }

    fn take(&self, remote: &Remote, spot: &Spot, tip: &Oid) -> Result<u64> {
        let taken = self.accept(remote, spot, tip);
        // In a partial clone `git fetch` leaves files out, and also those that are borrowed, which may have
        // gone meanwhile.
        let partial = self.repo.config_bool(&format!("remote.{}.promisor", remote.name))?;
        if taken.is_ok() || partial != Some(true) && !self.store.borrows() {
            return taken;
        }
        remote.fetch(&self.store, spot, true).map_err(|no| remote.unreachable(&no))?;
        self.accept(remote, spot, tip)
    }

    /// What of one ledger is not in another, as it is told.
    fn lacks(&self, old: &Shelf, new: &Shelf) -> Result<Option<String>> {
        match pin::lost(&self.store, old, new)? {
            Some(lost) => Ok(Some(lost.to_string())),
            None => texts::lost(&self.store, old, new),
        }
    }

    /// Checks a remote's ledger against what was seen of it before, and merges it into ours. Says how
    /// many lines are new here.
    fn accept(&self, remote: &Remote, spot: &Spot, theirs: &Oid) -> Result<u64> {
        if let Some((_, shelf)) = self.checked_or_gone()? {
            self.at_home(&shelf)?;
        }
        let pinned = self.repo.read_ref(&spot.pin)?;
        let checked = self.examine(remote, (spot, theirs), pinned.as_ref())?;
        if let Some(why) = self.leap(&checked) {
            return Err(remote.altered((spot, theirs), &why, pinned.as_ref()).into());
        }
        let received = self.merge(theirs, &checked)?;
        if pinned != Some(*theirs) {
            // Lost to whoever took in something else meanwhile: theirs was checked as well.
            self.repo.swap_ref(&spot.pin, pinned.as_ref(), Some(theirs), "seen")?;
        }
        Ok(received)
    }

    /// Says how far each replica was found to be sound.
    fn examine(
        &self,
        remote: &Remote,
        at: (&Spot, &Oid),
        pinned: Option<&Oid>,
    ) -> Result<Positions> {
        let (_, theirs) = at;
        let damaged = |no: anyhow::Error| match no.downcast::<Refusal>() {
            Ok(refusal) => refusal.into(),
            Err(no) => remote.altered(at, &format!("{no:#}"), pinned).into(),
        };
        let new = self.shelf_of(theirs).map_err(damaged)?;
        new.format.check(&format!("the ledger of {}", remote.name))?;
        // Of what was looked at before nothing is new.
        let mut known = match pinned {
            Some(pinned) if pinned == theirs => self.positions_of(&new).map_err(damaged)?,
            _ => Positions::new(),
        };
        if let Some(pinned) = pinned.filter(|pinned| *pinned != theirs) {
            let old = self.shelf_of(pinned).context("reading what was seen of the remote")?;
            if let Some(lost) = self.lacks(&old, &new).map_err(damaged)? {
                let what = format!("went back: it no longer has {lost}");
                return Err(remote.wrong(at, &what, Some(pinned)).into());
            }
            known = self.positions_of(&old)?;
        }
        let root = new.root(&self.store).map_err(damaged)?;
        if let Some(root) = &root
            && self.is_home(root)? == Some(false)
        {
            let what = format!("belongs to {}", elsewhere(root));
            return Err(remote.wrong(at, &what, pinned).hint(meant(root)).into());
        }
        let ours = self.checked_or_gone()?.map(|(_, shelf)| shelf).unwrap_or_default();
        if let Some(stray) = trail::check(self, &new, &ours).map_err(damaged)? {
            return Err(stray.explain(remote.wrong(at, &stray.told(), pinned)).into());
        }
        for known in [known, Positions::new()] {
            let mut texts = Check::of(&self.store, &new);
            let mut travellers = Travellers::of(new.roots(&self.store).map_err(damaged)?);
            let each = &mut |line| {
                texts.line(&line);
                travellers.line(&line);
            };
            if let News::To(checked) = new.news(&self.store, &known, each).map_err(damaged)? {
                if let Some(stray) = travellers.end(self, &[&new, &ours])? {
                    let no = remote.wrong(at, &stray.told(), pinned);
                    return Err(stray.explain(no).into());
                }
                return texts.end().map(|()| checked).map_err(damaged);
            }
        }
        Err(damaged(anyhow!("its lines have no order")))
    }

    fn send(&self, remote: &Remote, there: &There) -> Result<Sent> {
        let There { spot, tip: theirs } = there;
        let Some((ours, shelf)) = self.seal()? else { return Ok(Sent::Lines(0, Vec::new())) };
        if *theirs == Some(ours) {
            return Ok(Sent::Lines(0, Vec::new()));
        }
        let known = theirs.as_ref().map(|theirs| self.shelf_of(theirs)).transpose()?;
        self.at_home(&shelf)?;
        self.keeps_house(&shelf, known.as_ref())?;
        let nothing = Shelf::default();
        if let Some(stray) = trail::check(self, &shelf, known.as_ref().unwrap_or(&nothing))? {
            return Err(self.unsent(&stray)?.into());
        }
        let known = known.map_or(Ok(0), |known| pin::count(&self.store, &known))?;
        let name = &spot.name;
        let lease = format!("{name}:{}", theirs.as_ref().map(Oid::to_string).unwrap_or_default());
        match self.repo.push(&remote.address, &[&format!("{ours}:{name}")], &[lease])? {
            Pushed::Rejected { why, .. } if is_lost_race(&why) => Ok(Sent::Late(why)),
            Pushed::Rejected { why, .. } if is_damage(&why) => {
                Err(remote.broken(spot, &why).into())
            }
            Pushed::Rejected { why, said } => Err(remote.refused(spot, &why, &said).into()),
            Pushed::Done(said) => {
                for name in [&spot.tracking, &spot.pin] {
                    let old = self.repo.read_ref(name)?;
                    self.repo.swap_ref(name, old.as_ref(), Some(&ours), "pushed")?;
                }
                let lines = pin::count(&self.store, &shelf)?;
                Ok(Sent::Lines(lines.saturating_sub(known), said))
            }
        }
    }

    /// A no of a remote that shows its ledger to who fetches and hides it from who pushes.
    fn is_shown(&self, remote: &Remote, there: &There) -> Result<()> {
        let There { spot, tip: Some(tip) } = there else { return Ok(()) };
        match self.repo.is_hidden_from_pushes(&remote.address, tip, &spot.name)? {
            true => Err(remote.refused(spot, &format!("it hides {}", spot.name), &[]).into()),
            false => Ok(()),
        }
    }

    /// The tip as a commit that no later write replaces, so that others can have it.
    fn seal(&self) -> Result<Option<(Oid, Shelf)>> {
        let whose = self.whose()?;
        let _turn = self.commit_turn()?;
        for _ in 0..ATTEMPTS {
            let Some((tip, mut shelf)) = self.checked()? else { return Ok(None) };
            let commit = self.store.commit(&tip)?;
            let root = match shelf.root(&self.store) {
                Ok(None) => whose,
                Ok(Some(root)) => self.amended(&root)?,
                Err(_) => None,
            };
            if let Some(root) = &root {
                self.give_root(&mut shelf, root)?;
            }
            let parents = match commit.subject() == PENDING {
                true => commit.parents.clone(),
                false if root.is_none() => return Ok(Some((tip, shelf))),
                false => vec![tip],
            };
            let tree = shelf.write(&self.store)?;
            let who = Signature::new("shopfloor", "shopfloor@localhost", &self.clock.now());
            let sealed = self.store.write_commit(&tree, &parents, SEALED, &who)?;
            self.store.barrier().context("nothing was written")?;
            if self.repo.swap_ref(&self.name, Some(&tip), Some(&sealed), SEALED)? == Swap::Done {
                Seen::moved(self.repo, &tip, sealed);
                if commit.subject() == PENDING {
                    drop(garbage::add(self.repo, &[tip]));
                }
                return Ok(Some((sealed, shelf)));
            }
        }
        Err(contested(&self.name))
    }

    pub(super) fn positions_of(&self, shelf: &Shelf) -> Result<Positions> {
        let ends = shelf.replicas().filter_map(|(name, dir)| {
            let position = Position::of(&self.store, dir).transpose()?;
            Some(position.map(|position| (name.to_owned(), position)))
        });
        ends.collect()
    }
}

/// Longer each time, and never the same for two who wait.
fn pause(round: u32) -> Duration {
    let most = SHORTEST_PAUSE * 2u32.pow(round.min(6));
    let chance = RandomState::new().build_hasher().finish();
    let part = u32::try_from(chance % 1000).unwrap_or_default();
    most / 4 + most * part / 1000
}
