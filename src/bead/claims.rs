//! Who holds a bead, also where clones that could not ask each other both said "mine".
//!
//! Within one clone each claim has a higher epoch than the one before. Two claims with one epoch were
//! written in two clones: the first in ledger order stands, and the other waits behind it until one of
//! them is withdrawn. A claim is told by the line that made it, so what was meant for one never ends
//! the other, in whatever order lines arrive.

use crate::bead::event::Status;
use crate::bead::fields::{Bead, Claim, Rival, Second, Taken};
use crate::ledger::Line;

impl Bead {
    /// A takeover of a claim that is over by now is a claim like any other.
    pub(super) fn taken_over(
        &mut self,
        line: &Line,
        from: &str,
        epoch: u64,
        (holder, session): (String, Option<String>),
    ) {
        // Where the claim it names never was, it takes over whichever stands.
        let meant = self.claim.is_some() || self.candidates().any(|claim| claim.id == from);
        let before = meant.then(|| Box::new(self.footing()));
        self.claimed(line, epoch, holder, session);
        if let Some(before) = before
            && self.claim.as_ref().is_some_and(|claim| claim.id == line.id)
        {
            self.taken = Some(Taken { id: line.id.clone(), before });
        }
    }

    /// The claim that a takeover has ended, where it would stand had there been none.
    pub(super) fn held_before(&self) -> Option<&Claim> {
        self.taken.as_ref()?.before.claim.as_ref()
    }

    /// All that claims and closes change, and nothing else.
    pub(super) fn footing(&self) -> Self {
        let old = self.clone();
        Self {
            status: old.status,
            assignee: old.assignee,
            started_at: old.started_at,
            closed_at: old.closed_at,
            closed_by: old.closed_by,
            close_reason: old.close_reason,
            landed: old.landed,
            epoch: old.epoch,
            claim: old.claim,
            rivals: old.rivals,
            seconds: old.seconds,
            close: old.close,
            deleted: old.deleted,
            taken: old.taken,
            ..Self::default()
        }
    }

    pub(super) fn stand_on(&mut self, old: Self) {
        self.status = old.status;
        self.assignee = old.assignee;
        self.started_at = old.started_at;
        self.closed_at = old.closed_at;
        self.closed_by = old.closed_by;
        self.close_reason = old.close_reason;
        self.landed = old.landed;
        self.epoch = old.epoch;
        self.claim = old.claim;
        self.rivals = old.rivals;
        self.seconds = old.seconds;
        self.close = old.close;
        self.deleted = old.deleted;
        self.taken = old.taken;
    }

    /// The later epoch wins, also over a close by hand that was written where it was not known.
    pub(super) fn claimed(
        &mut self,
        line: &Line,
        epoch: u64,
        holder: String,
        session: Option<String>,
    ) {
        let (id, at, clock) = (line.id.clone(), line.at.clone(), line.clock);
        let claim = Claim { id, holder, session, epoch, at, clock };
        if self.status == Status::CLOSED {
            let close = self.close.as_ref();
            let contested = close.is_some_and(|close| close.under.is_some());
            match close.and_then(|close| close.epoch) {
                Some(known) if epoch > known => self.open_again(),
                Some(known) if epoch == known && contested => {
                    return self.rivals.push(Rival { claim, done: None });
                }
                _ => return,
            }
        }
        match epoch.cmp(&self.epoch) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal if self.claim.is_some() => {
                self.rivals.push(Rival { claim, done: None });
            }
            order => {
                if order.is_gt() {
                    self.seconds.clear();
                }
                self.rivals.retain(|rival| rival.claim.epoch == epoch);
                self.taken = None;
                self.stand(claim);
            }
        }
    }

    /// A claim is over. Without its line, as it was written once, it is the one of that epoch.
    pub(super) fn released(&mut self, epoch: u64, id: Option<&str>) {
        let stands = self.claim.as_ref().filter(|claim| claim.epoch == epoch);
        match (id, stands.map(|claim| claim.id.clone())) {
            (Some(id), _) => self.end(id),
            (None, Some(id)) => self.end(&id),
            (None, None) => {}
        }
    }

    /// The claim never stood: whatever was done under it is undone, as far as it can be.
    pub(super) fn withdrawn(&mut self, id: &str, replica: Option<String>) {
        let claim = self.candidates().find(|claim| claim.id == id).cloned();
        if let Some(taken) = self.taken.take_if(|taken| taken.id == id) {
            self.stand_on(*taken.before);
        } else if self.closed_under().is_some_and(|claim| claim.id == id) {
            self.open_again();
            self.promote();
        } else {
            self.end(id);
        }
        self.seconds.extend(claim.map(|claim| Second { claim, replica }));
    }

    /// Whether the claim under which something was done is not the one that stands.
    pub(super) fn is_stale(&self, epoch: Option<u64>, id: Option<&str>) -> bool {
        let stands = |id: &str| self.claim.as_ref().is_some_and(|claim| claim.id == id);
        epoch.is_some_and(|epoch| epoch < self.epoch) || id.is_some_and(|id| !stands(id))
    }

    /// Every claim of the epoch that could stand, the one that does first.
    pub fn candidates(&self) -> impl Iterator<Item = &Claim> {
        self.closed_under()
            .into_iter()
            .chain(&self.claim)
            .chain(self.rivals.iter().map(|rival| &rival.claim))
    }

    pub(super) fn closed_under(&self) -> Option<&Claim> {
        self.close.as_ref().and_then(|close| close.under.as_ref())
    }

    fn end(&mut self, id: &str) {
        self.rivals.retain(|rival| rival.claim.id != id);
        if self.claim.as_ref().is_some_and(|claim| claim.id == id) {
            self.claim = None;
            self.assignee = None;
            self.status = Status::OPEN;
            self.promote();
        }
    }

    fn promote(&mut self) {
        if !self.rivals.is_empty() {
            let Rival { claim, done } = self.rivals.remove(0);
            self.stand(claim);
            if let Some(done) = done {
                self.finish(done);
            }
        }
    }

    fn stand(&mut self, claim: Claim) {
        self.epoch = claim.epoch;
        self.status = Status::IN_PROGRESS;
        self.assignee = Some(claim.holder.clone());
        self.started_at.get_or_insert_with(|| claim.at.clone());
        self.claim = Some(claim);
    }

    pub(super) fn open_again(&mut self) {
        self.status = Status::OPEN;
        self.closed_at = None;
        self.closed_by = None;
        self.close_reason = None;
        self.close = None;
        self.landed = None;
        self.assignee = None;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bead::Beads;
    use crate::bead::beads::tests::line;
    use crate::bead::event::{Closed, Event, Landed, New};
    use crate::ledger::Fold as _;

    /// Lines in this order, each with its place as its id.
    pub(in crate::bead) fn told(events: &[Event]) -> Bead {
        let mut beads = Beads::default();
        for (n, event) in [Event::Created(New::default())].iter().chain(events).enumerate() {
            let mut line = line("b-1", "x", event);
            line.id = n.to_string();
            beads.drink(&line);
        }
        beads.get("b-1").unwrap().clone()
    }

    pub(in crate::bead) fn claim(epoch: u64, holder: &str) -> Event {
        Event::Claimed { epoch, holder: holder.to_owned(), session: None }
    }

    pub(in crate::bead) fn release(epoch: u64, claim: Option<&str>) -> Event {
        Event::Released { epoch, reason: String::new(), claim: claim.map(str::to_owned) }
    }

    pub(in crate::bead) fn withdraw(claim: &str) -> Event {
        let (claim, reason) = (claim.to_owned(), String::new());
        Event::Withdrawn { epoch: 1, claim, reason, replica: None }
    }

    pub(in crate::bead) fn close(epoch: u64, claim: Option<&str>) -> Event {
        let claim = claim.map(str::to_owned);
        Event::Closed(Closed { epoch: Some(epoch), claim, ..Closed::default() })
    }

    #[test]
    fn what_ends_one_claim_leaves_its_rival_alone() {
        let (x, y) = (claim(1, "x"), claim(1, "y"));
        for (events, holder) in [
            (vec![x.clone(), y.clone()], Some("x")),
            (vec![x.clone(), y.clone(), withdraw("1")], Some("y")),
            (vec![x.clone(), y.clone(), withdraw("2")], Some("x")),
            (vec![x.clone(), y.clone(), withdraw("1"), withdraw("2")], None),
            (vec![x.clone(), y.clone(), release(1, Some("2"))], Some("x")),
            (vec![x.clone(), release(1, Some("1")), y.clone()], Some("y")),
            (vec![x.clone(), y.clone(), release(1, None)], Some("y")),
            (vec![x.clone(), close(1, Some("1")), y.clone(), withdraw("1")], Some("y")),
            (vec![x.clone(), y.clone(), close(1, Some("2")), withdraw("2")], Some("x")),
            (vec![x.clone(), y.clone(), claim(2, "z")], Some("z")),
            (vec![x.clone(), close(1, Some("1")), claim(2, "z")], Some("z")),
            (vec![claim(2, "z"), x, y, close(1, Some("2"))], Some("z")),
        ] {
            let bead = told(&events);
            let found = bead.claim.as_ref().map(|claim| claim.holder.as_str());
            assert_eq!((found, bead.assignee.as_deref()), (holder, holder), "{events:?}");
            let expected = if holder.is_some() { Status::IN_PROGRESS } else { Status::OPEN };
            assert_eq!(bead.status, expected, "{events:?}");
        }
    }

    pub(in crate::bead) fn reopen(close: Option<&str>) -> Event {
        Event::Reopened { reason: String::new(), close: close.map(str::to_owned) }
    }

    #[test]
    fn a_close_is_undone_by_what_knew_of_it_or_by_a_claim_it_did_not_know_of() {
        let landing =
            Event::Closed(Closed { landed: Some(Landed::default()), ..Closed::default() });
        let (opened, held, closed) = (Status::OPEN, Status::IN_PROGRESS, Status::CLOSED);
        for (events, status) in [
            (vec![close(0, None), reopen(Some("1"))], &opened),
            (vec![close(0, None), reopen(None)], &opened),
            (vec![close(0, None), reopen(Some("1")), close(0, None), reopen(Some("1"))], &closed),
            (vec![landing.clone(), reopen(Some("x"))], &closed),
            (vec![landing.clone(), reopen(Some("1"))], &opened),
            (vec![close(0, None), claim(1, "x")], &held),
            (vec![claim(1, "x"), close(0, None)], &held),
            (vec![landing, claim(1, "x")], &closed),
            (vec![claim(1, "x"), reopen(None)], &held),
        ] {
            assert_eq!(told(&events).status, *status, "{events:?}");
        }
    }

    #[test]
    fn a_landing_is_not_undone_by_a_withdrawal() {
        let landed = Landed::default();
        let landing = Event::Closed(Closed { landed: Some(landed), ..Closed::default() });
        let bead = told(&[claim(1, "x"), landing, claim(1, "y"), withdraw("1"), claim(2, "z")]);
        assert_eq!((bead.status, bead.claim), (Status::CLOSED, None));
    }

    /// The same with ids that stay when lines are put between them.
    fn told_as(events: &[(String, Event)]) -> Bead {
        let mut beads = Beads::default();
        for (id, event) in events {
            beads.drink(&Line { id: id.clone(), ..line("b-1", "x", event) });
        }
        beads.get("b-1").unwrap().clone()
    }

    fn taken(epoch: u64, from: &str) -> Event {
        let (holder, claim) = ("taker".to_owned(), from.to_owned());
        Event::Taken { epoch, holder, session: None, claim, heard: None }
    }

    #[test]
    fn a_takeover_ends_the_claim_it_names() {
        let (x, y) = (claim(1, "x"), claim(1, "y"));
        for (events, holder) in [
            (vec![x.clone(), taken(2, "1")], Some("taker")),
            // Its holder did not know of it.
            (vec![x.clone(), taken(2, "1"), close(1, Some("1"))], Some("taker")),
            (vec![x.clone(), close(1, Some("1")), taken(2, "1")], Some("taker")),
            (vec![x.clone(), taken(2, "1"), withdraw("2")], Some("x")),
            (vec![x.clone(), taken(2, "1"), release(1, Some("1")), withdraw("2")], None),
            (vec![x.clone(), taken(2, "1"), close(1, Some("1")), withdraw("2")], None),
            (vec![x.clone(), close(1, Some("1")), taken(2, "1"), withdraw("3")], None),
            (vec![x.clone(), y, taken(2, "1"), withdraw("1"), withdraw("3")], Some("y")),
            // Two took it over, and a third from the first of them.
            (vec![x.clone(), taken(2, "1"), taken(2, "1"), withdraw("2")], Some("taker")),
            (
                vec![x.clone(), taken(2, "1"), taken(3, "2"), withdraw("3"), withdraw("2")],
                Some("x"),
            ),
            // What was released meanwhile is claimed, not taken over, and nothing comes back.
            (vec![x, release(1, Some("1")), taken(2, "1"), withdraw("3")], None),
        ] {
            let bead = told(&events);
            let found = bead.claim.as_ref().map(|claim| claim.holder.as_str());
            assert_eq!(found, holder, "{events:?}");
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (1u64..3, "[xyz]").prop_map(|(epoch, holder)| claim(epoch, &holder)),
            (1u64..3, proptest::option::of("[1-8]")).prop_map(|(e, c)| release(e, c.as_deref())),
            "[1-8]".prop_map(|claim| withdraw(&claim)),
            (0u64..3, proptest::option::of("[1-8]")).prop_map(|(e, c)| close(e, c.as_deref())),
            proptest::option::of("[1-8]").prop_map(|close| reopen(close.as_deref())),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever lines come in whatever order, a bead is held by exactly the one it says.
        #[test]
        fn status_assignee_and_claim_agree(events in proptest::collection::vec(event(), 0..12)) {
            let bead = told(&events);
            prop_assert_eq!(bead.claim.is_some(), bead.status == Status::IN_PROGRESS);
            prop_assert!(bead.claim.is_none() || bead.closed_at.is_none());
            let mut behind = bead.rivals.iter().map(|rival| &rival.claim);
            prop_assert!(behind.all(|claim| claim.epoch == bead.epoch));
            let mut ids: Vec<_> = bead.candidates().map(|claim| &claim.id).collect();
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), count);
        }

        /// A takeover that is withdrawn was never made, whatever came before and after it.
        #[test]
        fn a_withdrawn_takeover_leaves_no_trace(
            events in proptest::collection::vec(event(), 1..12), at in 0usize..12,
        ) {
            let all = std::iter::once(Event::Created(New::default())).chain(events);
            let mut lines: Vec<_> = all.enumerate().map(|(n, event)| (n.to_string(), event)).collect();
            let plain = told_as(&lines);
            let at = 1 + at % lines.len();
            let before = told_as(&lines[..at]);
            let Some(from) = before.candidates().next() else { return Ok(()) };
            lines.insert(at, ("taken".to_owned(), taken(9, &from.id)));
            prop_assert_eq!(told_as(&lines[..=at]).epoch, 9);
            lines.push(("last".to_owned(), withdraw("taken")));
            let footing = |bead: &Bead| {
                let mut bead = bead.footing();
                bead.seconds.retain(|second| second.claim.id != "taken");
                serde_json::to_string(&bead).unwrap()
            };
            prop_assert_eq!(footing(&told_as(&lines)), footing(&plain));
        }
    }
}
