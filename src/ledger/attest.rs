//! A clone signs what it has written, when it is told to, or by itself once a day.

use anyhow::Result;

use super::claim::{Claim, Event, NAMESPACE, Tally, Trail, is_one};
use super::heads::Ends;
use super::layout::Book;
use super::shelf::tail;
use super::{Actor, Ledger, Line, Pen, REF, place, trail};
use crate::git::{Oid, Signed, Statement};
use crate::host::Stamp;
use crate::refusal::{Kind, Refusal};

/// Where it is kept when this clone signed by itself last, and how long that is enough, in seconds.
const SIGNED: &str = "signed";
const DAY: i64 = 24 * 60 * 60;

/// A checkpoint that was signed and is still to be written.
pub struct Attested {
    pub replica: String,
    pub lines: u64,
    event: Event,
}

impl Attested {
    pub fn write(&self, pen: &mut Pen<'_>) -> Result<()> {
        pen.line(&self.replica, &self.event)
    }
}

impl Ledger<'_> {
    /// Signs what this clone has written; none where nothing came after what it signed last with this key.
    pub fn attest(&self) -> Result<Option<Attested>> {
        // What was noted belongs to it, as far as it can be poured.
        drop(self.pour());
        let shelf = self.checked()?.map(|(_, shelf)| shelf).unwrap_or_default();
        let replica = place::known(self.repo);
        let Some((replica, dir)) =
            replica.and_then(|name| shelf.replica(&name).map(|dir| (name.clone(), *dir)))
        else {
            let no = Refusal::nothing("this clone has written nothing that it could sign");
            return Err(no.hint("each clone signs its own lines").into());
        };
        let Some(repository) = self.whose()? else {
            let what = "nobody can say yet of which repository this ledger is";
            return Err(Refusal::refused(what).hint("make the first commit, or fetch it").into());
        };
        let (mut tally, mut newest) = (Tally::new(), Line::default());
        tail(&self.store, &dir, None, &mut |line| {
            tally.add(&line.id);
            newest = line;
        })?;
        let trail = self.end_of_trail(&dir)?;
        if is_one(&newest) && !self.is_outdone(&newest, trail.as_ref())? {
            return Ok(None);
        }
        let (lines, digest, at) = (tally.lines, tally.digest(), self.now());
        let (name, last) = (REF.to_owned(), newest.id);
        let signature = String::new();
        let mut claim =
            Claim { repository, name, replica, lines, last, digest, at, trail, signature };
        let said = Statement { text: &claim.text(), namespace: NAMESPACE };
        claim.signature = self.repo.sign(said)?;
        if let Signed::Stranger { why, .. } | Signed::No(why) = claim.check(self.repo)? {
            return Err(Refusal::refused(format!("nothing was signed: {why}"))
                .hint("git config user.signingKey names the key; take one that is listed there")
                .hint("or add a line for it there: who you are, then the public key")
                .into());
        }
        Ok(Some(Attested { replica: claim.replica.clone(), lines, event: Event::of(claim) }))
    }

    /// How far the trail of a replica has come.
    fn end_of_trail(&self, dir: &Oid) -> Result<Option<Trail>> {
        let Some(dir) = Book::open(&self.store, dir)?.trail() else { return Ok(None) };
        let lines = Book::open(&self.store, &dir)?.count(&self.store)?;
        let mut last = String::new();
        trail::walk(&self.store, &dir, lines.saturating_sub(1), &mut |line| last = line.id)?;
        Ok(Some(Trail { lines, last }))
    }

    /// Whether the trail has grown since a checkpoint, or another key than the one here has made it.
    /// Where that cannot be told it is no.
    fn is_outdone(&self, line: &Line, trail: Option<&Trail>) -> Result<bool> {
        let Some(claim) = line.event().map(Event::claim) else { return Ok(false) };
        if claim.trail.as_ref() != trail {
            return Ok(true);
        }
        let (Signed::By { key, .. } | Signed::Key(key) | Signed::Stranger { key, .. }) =
            claim.check(self.repo)?
        else {
            return Ok(false);
        };
        Ok(self.repo.signing_key()?.is_some_and(|ours| ours != key))
    }

    /// Signs by itself where `shopfloor.sign` is `auto`: at most once a day, for each time it reads all that
    /// this clone has written.
    pub fn sign_when_due(&self, actor: &Actor) -> Result<()> {
        match self.repo.config_get("shopfloor.sign")?.as_deref() {
            None | Some("manual") => return Ok(()),
            Some("auto") => {}
            Some(other) => {
                let what = format!("shopfloor.sign is `{other}`, which says nothing");
                return Err(Refusal::usage(what)
                    .hint("git config shopfloor.sign auto|manual")
                    .into());
            }
        }
        let (path, now) = (self.repo.own_dir()?.join(SIGNED), self.clock.now());
        let last: Option<Stamp> = place::read(&path);
        if last.is_some_and(|last| (0..DAY).contains(&(now.seconds() - last.seconds()))) {
            return Ok(());
        }
        let nothing = |no: &Refusal| no.kind == Kind::Nothing;
        let attested = match self.attest() {
            Err(no) if no.downcast_ref().is_some_and(nothing) => None,
            attested => attested?,
        };
        if let Some(attested) = attested {
            self.write(actor, |_: &Ends, pen| attested.write(pen))?;
            place::write(&path, &now)?;
        }
        Ok(())
    }
}
