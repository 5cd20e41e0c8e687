//! A round with a remote: look, fetch, check, merge, push; and again when somebody else was faster.
//!
//! What we have of our own goes on top of the remote's tip as one commit, so a push is always a step
//! forward there, and the remote's own compare-and-swap says who came first.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::check::Check;
use super::home::{Travellers, elsewhere, meant};
use super::manners::{ATTEMPTS, PENDING, contested};
use super::place::Seen;
use super::remote::{Remote, There, is_lost_race};
use super::shelf::{News, Position, Positions, Shelf};
use super::state::in_order;
use super::{Ledger, Line, garbage, pin, texts, trail};
use crate::git::{Oid, Pushed, RefName, Repo, Signature, Swap};
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
}

/// What was found at a remote.
enum Taken {
    Tip(Oid),
    Nothing,
    /// It is not what it was when we looked.
    Moved,
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
        self.writable()?;
        let lock = self.repo.own_dir()?.join("sync.lock");
        let _turn = Turn::take(&lock, "the exchange with remotes", PATIENCE)?;
        if let Err(no) = self.pour() {
            tracing::debug!("what was noted last stays here: {no:#}");
        }
        let mut received = 0;
        for round in 0..ROUNDS {
            let there = remote.look(self.repo)?;
            let theirs = match self.take(&remote, &there, &mut received)? {
                Taken::Tip(tip) => Some(tip),
                Taken::Nothing => None,
                Taken::Moved => continue,
            };
            settle(&remote.name, theirs.as_ref())?;
            if let Some(sent) = self.send(&remote, &there.name, theirs.as_ref())? {
                return Ok(Synced { remote: remote.name, received, sent });
            }
            self.clock.sleep(pause(round));
        }
        let what = format!("{}: others were faster {ROUNDS} times", remote.name);
        Err(Refusal::again(what).hint("what is here stays, and goes with the next sync").into())
    }

    /// Takes in what somebody's `git fetch` has brought from a remote; nothing is asked of the remote.
    pub fn take_fetched(&self, name: &str) -> Result<u64> {
        let remote = Remote::find(self.repo, Some(name))?;
        let Some(theirs) = self.repo.read_ref(&remote.tracking)? else { return Ok(0) };
        if self.repo.read_ref(&remote.pin)? == Some(theirs) {
            return Ok(0);
        }
        self.accept(&remote, &theirs)
    }

    /// The lines here that are not there, in the one order. `theirs` was taken in.
    pub fn beyond(&self, theirs: Option<&Oid>) -> Result<Vec<Line>> {
        let Some((_, shelf)) = self.checked()? else { return Ok(Vec::new()) };
        let Some(theirs) = theirs else { return self.lines() };
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

    fn take(&self, remote: &Remote, there: &There, received: &mut u64) -> Result<Taken> {
        let Some(tip) = there.tip else {
            return match self.repo.read_ref(&remote.pin)? {
                Some(pinned) => Err(gone(remote, &there.name, &pinned)),
                None => Ok(Taken::Nothing),
            };
        };
        let known = self.repo.read_ref(&remote.tracking)?;
        if known != Some(tip) {
            remote.fetch(&self.store, &there.name, false)?;
            if !self.repo.exists(&tip) {
                return Ok(Taken::Moved);
            }
            // Ours to move, so that no lock of a git that was killed is ever in the way.
            self.repo.swap_ref(&remote.tracking, known.as_ref(), Some(&tip), "fetched")?;
        }
        let mut taken = self.accept(remote, &tip);
        // In a partial clone `git fetch` leaves files out.
        let partial = self.repo.config_bool(&format!("remote.{}.promisor", remote.name))?;
        if taken.is_err() && partial == Some(true) {
            remote.fetch(&self.store, &there.name, true)?;
            taken = self.accept(remote, &tip);
        }
        *received += taken?;
        Ok(Taken::Tip(tip))
    }

    /// Checks a remote's ledger against what was seen of it before, and merges it into ours. Says how
    /// many lines are new here.
    fn accept(&self, remote: &Remote, theirs: &Oid) -> Result<u64> {
        if let Some((_, shelf)) = self.checked()? {
            self.at_home(&shelf)?;
        }
        let pinned = self.repo.read_ref(&remote.pin)?;
        self.examine(remote, theirs, pinned.as_ref())?;
        let received = self.merge(theirs)?;
        if pinned != Some(*theirs) {
            // Lost to whoever took in something else meanwhile: theirs was checked as well.
            self.repo.swap_ref(&remote.pin, pinned.as_ref(), Some(theirs), "seen")?;
        }
        Ok(received)
    }

    fn examine(&self, remote: &Remote, theirs: &Oid, pinned: Option<&Oid>) -> Result<()> {
        let damaged = |no: anyhow::Error| match no.downcast::<Refusal>() {
            Ok(refusal) => refusal.into(),
            Err(no) => self.refuse(remote, theirs, &format!("is damaged: {no:#}"), pinned).into(),
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
            if let Some(lost) = pin::lost(&self.store, &old, &new).map_err(damaged)? {
                let what = format!("went back: it no longer has {lost}");
                return Err(self.refuse(remote, theirs, &what, Some(pinned)).into());
            }
            if let Some(lost) = texts::lost(&self.store, &old, &new).map_err(damaged)? {
                let what = format!("went back: it no longer has {lost}");
                return Err(self.refuse(remote, theirs, &what, Some(pinned)).into());
            }
            known = self.positions_of(&old)?;
        }
        let root = new.root(&self.store).map_err(damaged)?;
        if let Some(root) = &root
            && self.is_home(root)? == Some(false)
        {
            let what = format!("belongs to {}", elsewhere(root));
            return Err(self.refuse(remote, theirs, &what, pinned).hint(meant(root)).into());
        }
        let ours = self.checked()?.map(|(_, shelf)| shelf).unwrap_or_default();
        trail::check(&self.store, &new, &ours).map_err(damaged)?;
        for known in [known, Positions::new()] {
            let mut texts = Check::of(&self.store, &new);
            let mut travellers = Travellers::of(new.roots(&self.store).map_err(damaged)?);
            let each = &mut |line| {
                texts.line(&line);
                travellers.line(&line);
            };
            if let News::To(_) = new.news(&self.store, &known, each).map_err(damaged)? {
                if let Some(stray) = travellers.end(self, &[&new, &ours])? {
                    let no = self.refuse(remote, theirs, &stray.told(), pinned);
                    return Err(stray.explain(no).into());
                }
                return texts.end().map_err(damaged);
            }
        }
        Err(damaged(anyhow!("its lines have no order")))
    }

    /// A no to what a remote has, with what it had before and how to bring that back.
    fn refuse(&self, remote: &Remote, theirs: &Oid, what: &str, pinned: Option<&Oid>) -> Refusal {
        let name = &remote.name;
        let refusal = Refusal::refused(format!("the ledger of {name} ({}) {what}", theirs.short()))
            .hint("nothing of it was taken in; what is here is whole");
        match pinned {
            Some(pinned) => refusal
                .hint(format!("it was {pinned} before; see git log --stat {pinned}..{theirs}"))
                .hint(format!("if that was meant: git update-ref -d {}", remote.pin)),
            None => refusal.hint(format!("git remote get-url {name} shows where that leads")),
        }
    }

    /// Sends what the remote has not. None means that it has moved since.
    fn send(&self, remote: &Remote, name: &RefName, theirs: Option<&Oid>) -> Result<Option<u64>> {
        let Some((ours, shelf)) = self.seal()? else { return Ok(Some(0)) };
        if theirs == Some(&ours) {
            return Ok(Some(0));
        }
        let there = theirs.map(|theirs| self.shelf_of(theirs)).transpose()?;
        self.at_home(&shelf)?;
        self.keeps_house(&shelf, there.as_ref())?;
        let there = there.map_or(Ok(0), |there| pin::count(&self.store, &there))?;
        let lease = format!("{name}:{}", theirs.map(Oid::to_string).unwrap_or_default());
        match self.repo.push(&remote.address, &[&format!("{ours}:{name}")], &[lease])? {
            Pushed::Rejected(why) if is_lost_race(&why) => Ok(None),
            Pushed::Rejected(why) => Err(remote.refused(name, &why)),
            Pushed::Done => {
                for name in [&remote.tracking, &remote.pin] {
                    let old = self.repo.read_ref(name)?;
                    self.repo.swap_ref(name, old.as_ref(), Some(&ours), "pushed")?;
                }
                Ok(Some(pin::count(&self.store, &shelf)?.saturating_sub(there)))
            }
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

fn gone(remote: &Remote, name: &RefName, pinned: &Oid) -> anyhow::Error {
    let what = format!("the ledger of {} is gone: there is no {name} any more", remote.name);
    Refusal::refused(what)
        .hint(format!("git push {} {pinned}:{name} brings back what was there", remote.address))
        .hint(format!("if that was meant: git update-ref -d {}", remote.pin))
        .into()
}

/// Longer each time, and never the same for two who wait.
fn pause(round: u32) -> Duration {
    let most = SHORTEST_PAUSE * 2u32.pow(round.min(6));
    let chance = RandomState::new().build_hasher().finish();
    let part = u32::try_from(chance % 1000).unwrap_or_default();
    most / 4 + most * part / 1000
}

/// What a remote had when it was last taken in or sent to.
pub fn seen_of(repo: &Repo, remote: &str) -> Result<Option<Oid>> {
    repo.read_ref(&super::remote::pin(remote)?)
}

/// The remote-tracking refs that somebody's fetch may have moved, for those who look without asking.
pub fn fetched_from(repo: &Repo) -> Result<Vec<String>> {
    let ours = |spec: &String| spec.contains(":refs/shopfloor/remotes/");
    let mut names = Vec::new();
    for remote in repo.remotes()? {
        if repo.config_all(&format!("remote.{}.fetch", remote.name))?.iter().any(ours) {
            names.push(remote.name);
        }
    }
    Ok(names)
}
