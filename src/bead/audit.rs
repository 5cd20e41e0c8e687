//! Lines that were written past the rules: the fold takes them for what they are, an audit names them.

use std::collections::HashSet;

use crate::bead::Bead;
use crate::bead::event::{Closed, Event};
use crate::ledger::{Finding, Line, Table};

/// Looks for closes by who did not hold the bead, and by a session that did nothing between claim and
/// close, in lines that it is given in their order.
#[derive(Default)]
pub struct Audit {
    pub findings: Vec<Finding>,
    /// As far as they are claimed and closed.
    beads: Table<Bead>,
    /// The subjects that the newest line about them is a claim of.
    claimed: HashSet<String>,
}

impl Audit {
    pub fn drink(&mut self, line: &Line) {
        let event = line.event::<Event>();
        let is_claim = event.as_ref().is_some_and(Event::is_claim);
        match event {
            Some(Event::Created(_)) => self.beads.add(&line.on, Bead::default),
            Some(event) => self.follow(line, event),
            None => {}
        }
        let about = line.with.text("bead").unwrap_or_else(|| line.on.clone());
        if is_claim {
            self.claimed.insert(about);
        } else {
            self.claimed.remove(&about);
        }
    }

    fn follow(&mut self, line: &Line, event: Event) {
        let Some(bead) = self.beads.get_mut(&line.on) else { return };
        if let Event::Closed(closed) = &event {
            let found = judge(bead, line, closed, self.claimed.contains(&line.on));
            self.findings.extend(found.map(|what| Finding::new(line, what)));
        }
        bead.drink(line, event);
        *bead = bead.footing();
    }
}

fn judge(bead: &Bead, line: &Line, closed: &Closed, just_claimed: bool) -> Option<String> {
    if closed.landed.is_some() || bead.closed_at.is_some() {
        return None;
    }
    // Of two claims of one epoch the later one may be the one that was first at the hub.
    let named = closed.claim.as_ref();
    let meant = bead.candidates().find(|claim| named == Some(&claim.id)).or(bead.claim.as_ref());
    let Some(claim) = meant else {
        let session = line.session.as_ref()?;
        return Some(format!("session {session} closed what nobody held"));
    };
    let own = claim.holder == line.by && claim.session == line.session;
    if !own && closed.on_behalf_of.as_ref() != Some(&claim.holder) {
        return Some(format!("closed by who did not hold it; {} did", claim.holder));
    }
    let idle = own && claim.session.is_some() && just_claimed;
    idle.then(|| "closed with nothing between claim and close".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::line;
    use crate::bead::event::New;

    #[test]
    fn closes_past_the_rules_are_named() {
        let by = |by: &str, session: Option<&str>, event: &Event| {
            let mut line = line("b-1", by, event);
            line.session = session.map(str::to_owned);
            line
        };
        let born = || by("jane", None, &Event::Created(New::default()));
        let claim = |session: Option<&str>| {
            let told = session.map(str::to_owned);
            by("x", session, &Event::Claimed { epoch: 1, holder: "x".to_owned(), session: told })
        };
        let close = |who: &str, session: Option<&str>, behalf: Option<&str>| {
            let on_behalf_of = behalf.map(str::to_owned);
            by(who, session, &Event::Closed(Closed { on_behalf_of, ..Closed::default() }))
        };
        let other = || {
            let holder = "y".to_owned();
            by("y", None, &Event::Claimed { epoch: 1, holder, session: None })
        };
        let with = |id: &str, line: Line| Line { id: id.to_owned(), ..line };
        let under = |claim: &str| {
            let claim = Some(claim.to_owned());
            by("y", None, &Event::Closed(Closed { claim, ..Closed::default() }))
        };
        let said = |session| by("x", session, &Event::Commented { text: "done".to_owned() });
        let s = Some("s1");
        for (lines, found) in [
            (vec![born(), close("jane", None, None)], None),
            (vec![born(), claim(None), close("x", None, None)], None),
            (vec![born(), claim(s), said(s), close("x", s, None)], None),
            (vec![born(), claim(s), close("jane", None, Some("x"))], None),
            (vec![born(), with("c1", claim(None)), with("c2", other()), under("c2")], None),
            (
                vec![born(), with("c1", claim(None)), with("c2", other()), under("c1")],
                Some("x did"),
            ),
            (vec![born(), claim(s), close("x", s, None)], Some("nothing between")),
            (vec![born(), claim(s), said(s), close("jane", None, None)], Some("x did")),
            (vec![born(), claim(s), said(s), close("x", Some("s2"), None)], Some("x did")),
            (vec![born(), close("y", Some("s2"), None)], Some("nobody held")),
        ] {
            let mut audit = Audit::default();
            for line in &lines {
                audit.drink(line);
            }
            let findings = audit.findings;
            assert_eq!(findings.len(), usize::from(found.is_some()), "{findings:?}");
            assert!(findings.iter().all(|it| it.what.contains(found.unwrap())), "{findings:?}");
        }
    }
}
