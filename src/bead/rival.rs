//! Two clones that could not ask each other have claimed a bead: what is said meanwhile by who does not
//! hold it, or not yet. Name, session and epoch may be those of the other.

use crate::bead::fields::{Bead, Claim, Second};
use crate::ledger::Name;

impl Bead {
    /// Why what is said in a clone that has these names is not the holder's word, though it goes by the same name.
    pub fn is_of_another(&self, claim: &Claim, replicas: &[Name]) -> Option<String> {
        let namesake =
            |other: &Claim| other.holder == claim.holder && other.session == claim.session;
        let here = |Second { claim, replica }: &&Second| {
            let of = |name: &str| replicas.iter().any(|known| known.has(name, claim.clock));
            replica.as_deref().is_some_and(of)
        };
        let Claim { holder, epoch, .. } = claim;
        if self.rivals.iter().any(|rival| namesake(&rival.claim)) {
            return Some(format!(
                "two clones have claimed it as {holder} (epoch {epoch}), and git bead sync tells which was first"
            ));
        }
        let came_second = self.seconds.iter().filter(here).any(|second| namesake(&second.claim));
        came_second.then(|| {
            format!("{holder} holds it in another clone (epoch {epoch}), which was first; the claim made here was withdrawn")
        })
    }

    /// Whether this claim's holder has finished the bead.
    pub(super) fn is_closed_by(&self, claim: &Claim) -> bool {
        let mut done = self.rivals.iter().filter(|rival| rival.done.is_some());
        self.closed_under() == Some(claim) || done.any(|rival| rival.claim == *claim)
    }
}

#[cfg(test)]
mod tests {
    use crate::bead::Beads;
    use crate::bead::beads::tests::{beads, drink, line};
    use crate::bead::claims::tests::{claim, close, release, reopen, told, withdraw};
    use crate::bead::event::{Closed, Deleted, Event, Landed, Status};
    use crate::bead::holding::holds;
    use crate::bead::holding::tests::actor;
    use crate::ledger::{Actor, Fold as _, Line, Name};

    /// The hub had the second of them in our order, and had it closed before the first was withdrawn.
    #[test]
    fn a_close_counts_once_the_claim_under_which_it_was_written_stands() {
        let (x, y) = (claim(1, "x"), claim(1, "y"));
        let (opened, held, closed) = (Status::OPEN, Status::IN_PROGRESS, Status::CLOSED);
        let met = vec![x, y, close(1, Some("2"))];
        for (more, status, holder) in [
            (vec![], &held, Some("x")),
            (vec![withdraw("1")], &closed, Some("y")),
            (vec![close(1, Some("1")), withdraw("1")], &closed, Some("y")),
            (vec![withdraw("2")], &held, Some("x")),
            (vec![reopen(Some("3")), withdraw("1")], &opened, None),
            (vec![reopen(Some("9")), withdraw("1")], &closed, Some("y")),
            (vec![withdraw("1"), reopen(Some("3"))], &opened, None),
            (vec![claim(2, "z")], &held, Some("z")),
        ] {
            let bead = told(&[met.clone(), more.clone()].concat());
            assert_eq!((&bead.status, bead.assignee.as_deref()), (status, holder), "{more:?}");
        }
    }

    /// Who deleted it had not heard of them; and in which order the lines come says nothing.
    #[test]
    fn a_deletion_elsewhere_does_not_undo_a_claim_or_a_close() {
        let delete = |epoch: u64, claim: Option<&str>, close: Option<&str>| {
            let [claim, close] = [claim, close].map(|id| id.map(str::to_owned));
            Event::Deleted(Deleted { epoch: Some(epoch), claim, close, ..Deleted::default() })
        };
        let blind = || delete(0, None, None);
        let landing =
            Event::Closed(Closed { landed: Some(Landed::default()), ..Closed::default() });
        let (x, y) = (claim(1, "x"), claim(1, "y"));
        let (opened, held, closed, gone) =
            (Status::OPEN, Status::IN_PROGRESS, Status::CLOSED, Status::TOMBSTONE);
        for (events, status) in [
            (vec![x.clone(), blind()], &held),
            (vec![blind(), x.clone()], &held),
            (vec![x.clone(), blind(), close(1, Some("1"))], &closed),
            (vec![x.clone(), close(1, Some("1")), blind()], &closed),
            (vec![blind(), x.clone(), close(1, Some("2"))], &closed),
            (vec![blind(), x.clone(), withdraw("2")], &opened),
            (vec![blind(), blind(), x.clone()], &held),
            (vec![close(0, None), blind()], &closed),
            (vec![blind(), close(0, None)], &closed),
            (vec![landing.clone(), blind()], &closed),
            (vec![blind(), landing.clone()], &closed),
            // A claim that came second ends nothing.
            (vec![x.clone(), delete(1, Some("1"), None), y.clone(), withdraw("1")], &held),
            (vec![x.clone(), y, delete(1, Some("2"), None), withdraw("2")], &held),
            // What was known is over.
            (vec![x.clone(), delete(1, Some("1"), None), close(1, Some("1"))], &closed),
            (vec![x.clone(), delete(1, Some("1"), None)], &gone),
            (vec![claim(2, "z"), release(2, Some("1")), delete(2, None, None), x], &gone),
            (vec![landing.clone(), delete(0, None, Some("1"))], &gone),
            (vec![close(0, None), delete(0, None, Some("1")), reopen(Some("2"))], &closed),
            (vec![landing, delete(0, None, Some("1")), reopen(Some("1")), claim(1, "z")], &held),
        ] {
            assert_eq!(told(&events).status, *status, "{events:?}");
        }
    }

    /// Two clones claimed it under names that may be the same; the second line is over, or not yet.
    #[test]
    fn who_came_second_holds_nothing_under_the_name_of_who_was_first() {
        let told_at = |clock: u64, first: &str, second: &str, replica: Option<&str>, over: bool| {
            let mut all = beads(&[("b-1", &[])]);
            let claim = |holder: &str| Event::Claimed {
                epoch: 1,
                holder: holder.to_owned(),
                session: None,
            };
            let withdrawn = Event::Withdrawn {
                epoch: 1,
                claim: "second".to_owned(),
                reason: String::new(),
                replica: replica.map(str::to_owned),
            };
            let lines = [("first", claim(first)), ("second", claim(second)), ("over", withdrawn)];
            for (id, event) in lines.into_iter().take(if over { 3 } else { 2 }) {
                all.drink(&Line { id: id.to_owned(), clock, ..line("b-1", "x", &event) });
            }
            all
        };
        let told = |first, second, replica, over| told_at(7, first, second, replica, over);
        let says = |all: &Beads, replica: Option<&str>| {
            // Each has been moved.
            let replicas = replica.map(|name| [Name::new(name, 7), Name::new("since", u64::MAX)]);
            let replicas = replicas.into_iter().flatten().collect();
            let toast = Actor { replicas, ..actor("toast", None, true) };
            holds(all.get("b-1").unwrap(), &toast).err().unwrap_or_default()
        };
        let (here, there) = (Some("here"), Some("there"));
        let no = "toast holds it in another clone (epoch 1)";
        let unclear = "two clones have claimed it as toast (epoch 1)";
        for (first, second, written, over, acting, expected) in [
            ("toast", "toast", here, true, here, no),
            ("toast", "toast", here, true, there, ""),
            ("toast", "toast", here, true, None, ""),
            ("toast", "toast", None, true, here, ""),
            ("toast", "toast", None, true, None, ""),
            ("toast", "rye", here, true, here, ""),
            ("rye", "toast", here, true, here, "rye holds it (epoch 1)"),
            ("toast", "toast", here, false, here, unclear),
            ("toast", "toast", here, false, there, unclear),
            ("toast", "rye", here, false, here, ""),
        ] {
            let found = says(&told(first, second, written, over), acting);
            let case = (first, second, written, over, acting);
            assert!(
                found.starts_with(expected) && found.is_empty() == expected.is_empty(),
                "{case:?}: {found}"
            );
        }
        let since = told_at(8, "toast", "toast", here, true);
        assert_eq!(says(&since, here), "", "what was copied made that claim later");
        let mut anew = told("toast", "toast", here, true);
        drink(
            &mut anew,
            "b-1",
            "toast",
            &Event::Claimed { epoch: 2, holder: "toast".to_owned(), session: None },
        );
        assert_eq!(says(&anew, here), "", "a later claim is another matter");
    }
}
