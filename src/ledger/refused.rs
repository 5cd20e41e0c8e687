//! What is said of a remote's ledger that is not taken in, and of a remote that does not take ours: what
//! is wrong there, what it was before, and the commands that bring that back or accept what is there.

use super::REF;
use super::remote::{BRANCH, Remote, Spot};
use crate::git::Oid;
use crate::refusal::Refusal;

const WHOLE: &str = "nothing of it was taken in; what is here is whole";
const ASK: &str =
    "git bead sync in a clone that has synced with it before says how to put back what was there";

impl Remote {
    pub(super) fn unreachable(&self, no: &anyhow::Error) -> anyhow::Error {
        if let Some(refusal) = no.downcast_ref::<Refusal>() {
            return refusal.clone().into();
        }
        Refusal::again(format!("{} cannot be reached: {no:#}", self.name))
            .hint("nothing was changed; what is here stays and goes with the next sync")
            .into()
    }

    /// What it says to a push that it will say again. Who says in his own words why not need not be
    /// one that takes branches only.
    pub(super) fn refused(&self, spot: &Spot, why: &str, said: &[String]) -> Refusal {
        let mut what = format!("{} does not take the ledger: {why}", self.name);
        for line in said {
            what.push_str("\nremote: ");
            what.push_str(line);
        }
        let refusal = Refusal::refused(what);
        match elsewhere(spot).filter(|_| said.is_empty()) {
            Some(set) => refusal.hint(format!("if it takes branches only: {set}")),
            None => refusal,
        }
    }

    /// A no to what it has: something that was there is not, or what is there is not of it.
    pub(super) fn wrong(&self, at: (&Spot, &Oid), what: &str, pinned: Option<&Oid>) -> Refusal {
        let ((spot, theirs), name) = (at, &self.name);
        let refusal = self.no(theirs, what);
        match pinned {
            Some(pinned) => self
                .was(refusal, at, pinned)
                .hint(format!("if that was meant: git update-ref -d {}", spot.pin)),
            None => refusal.hint(format!("git remote get-url {name} shows where that leads")),
        }
    }

    /// A no to what nobody can have meant.
    pub(super) fn altered(&self, at: (&Spot, &Oid), why: &str, pinned: Option<&Oid>) -> Refusal {
        let refusal = self.no(at.1, &format!("is damaged: {why}"));
        match pinned {
            Some(pinned) => self.was(refusal, at, pinned),
            None => refusal.hint(ASK),
        }
    }

    /// What it has cannot be read there. No push mends that: git takes what has a name for the thing.
    pub(super) fn broken(&self, spot: &Spot, why: &str) -> Refusal {
        let what = format!("{} cannot read its ledger, {}: {why}", self.name, spot.name);
        let clone = "then in the clone that synced with it last";
        Refusal::refused(what)
            .hint(WHOLE)
            .hint("git fsck there names what is damaged or missing; move damaged files away")
            .hint(format!("{clone}: git bundle create ledger.bundle {REF}"))
            .hint("and there: git bundle unbundle ledger.bundle")
    }

    /// There is nothing where there was something. Whether it is hidden, nobody can see from here.
    pub(super) fn gone(&self, spot: &Spot, pinned: &Oid) -> Refusal {
        let name = &spot.name;
        let what = format!("the ledger of {} is gone: there is no {name} any more", self.name);
        let back = format!("git push {} {pinned}:{name} brings back what was there", self.called);
        let refusal = Refusal::refused(what).hint(back);
        let refusal = match elsewhere(spot) {
            Some(set) => refusal.hint(format!("if it hides such names now: {set}")),
            None => refusal,
        };
        refusal.hint(format!("if that was meant: git update-ref -d {}", spot.pin))
    }

    fn no(&self, theirs: &Oid, what: &str) -> Refusal {
        let what = format!("the ledger of {} ({}) {what}", self.name, theirs.short());
        Refusal::refused(what).hint(WHOLE)
    }

    fn was(&self, refusal: Refusal, (spot, theirs): (&Spot, &Oid), pinned: &Oid) -> Refusal {
        let (name, to) = (&spot.name, &self.called);
        let lease = format!("--force-with-lease={name}:{theirs}");
        refusal
            .hint(format!("it was {pinned} before; see git log --stat {pinned}..{theirs}"))
            .hint(format!("git push {lease} {to} {pinned}:{name} puts that back"))
    }
}

/// What a person says to have the ledger where every host takes it.
fn elsewhere(spot: &Spot) -> Option<String> {
    let set = || format!("git config shopfloor.remoteRef {BRANCH}");
    spot.name.as_branch().is_none().then(set)
}

/// Whether somebody else was faster, so that looking again helps.
pub(super) fn is_lost_race(why: &str) -> bool {
    const RACES: [&str; 8] = [
        STALE,
        "fetch first",
        "non-fast-forward",
        "cannot lock ref",
        "failed to update ref",
        "incorrect old value",
        "already exists",
        "unable to lock",
    ];
    has(why, &RACES)
}

/// What git says that was told of another state than the remote has for who pushes.
const STALE: &str = "stale info";

pub(super) fn is_stale(why: &str) -> bool {
    why.contains(STALE)
}

/// Whether git stumbled over objects of the remote's.
pub(super) fn is_damage(why: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "not our ref",
        "corrupt",
        "bad pack header",
        "bad object",
        "missing necessary objects",
        "unresolved deltas",
        "unable to read",
    ];
    has(why, &SIGNS)
}

fn has(why: &str, signs: &[&str]) -> bool {
    signs.iter().any(|sign| why.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_race_is_told_from_a_no() {
        for (why, race, damage) in [
            ("1:refs/shopfloor/ledger [rejected] (stale info)", true, false),
            (
                "1:refs/shopfloor/ledger [remote rejected] (cannot lock ref 'x': is at 1)",
                true,
                false,
            ),
            ("1:refs/shopfloor/ledger [remote rejected] (pre-receive hook declined)", false, false),
            (
                "1:refs/shopfloor/ledger [remote rejected] (deny updating a hidden ref)",
                false,
                false,
            ),
            ("1:refs/shopfloor/ledger [remote rejected] (funny refname)", false, false),
            ("1:refs/shopfloor/ledger [remote rejected] (missing necessary objects)", false, true),
            ("fetch from origin failed: protocol error: bad pack header", false, true),
            ("fetch from origin failed: '/x' does not appear to be a git repository", false, false),
        ] {
            assert_eq!((is_lost_race(why), is_damage(why)), (race, damage), "{why}");
        }
    }
}
