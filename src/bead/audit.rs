//! Lines that were written past the rules: the fold takes them for what they are, an audit names them.

use std::collections::HashMap;

use crate::bead::event::{Closed, Event};
use crate::bead::{Bead, Beads};
use crate::ledger::{Finding, Fold as _, Line};

/// Closes by who did not hold the bead, and by a session that did nothing between claim and close.
/// `lines` in their order.
pub fn closes(lines: &[Line]) -> Vec<Finding> {
    let mut beads = Beads::default();
    let mut newest: HashMap<String, usize> = HashMap::new();
    let mut findings = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(Event::Closed(closed)) = line.event::<Event>()
            && let Some(bead) = beads.get(&line.on)
        {
            let before = newest.get(&line.on).and_then(|at| lines.get(*at));
            findings
                .extend(judge(bead, line, &closed, before).map(|what| Finding::new(line, what)));
        }
        beads.drink(line);
        let about = line.with.text("bead").unwrap_or_else(|| line.on.clone());
        newest.insert(about, at);
    }
    findings
}

fn judge(bead: &Bead, line: &Line, closed: &Closed, before: Option<&Line>) -> Option<String> {
    if closed.landed.is_some() || bead.closed_at.is_some() {
        return None;
    }
    let Some(claim) = &bead.claim else {
        let session = line.session.as_ref()?;
        return Some(format!("session {session} closed what nobody held"));
    };
    let own = claim.holder == line.by && claim.session == line.session;
    if !own && closed.on_behalf_of.as_ref() != Some(&claim.holder) {
        return Some(format!("closed by who did not hold it; {} did", claim.holder));
    }
    let idle = own
        && claim.session.is_some()
        && before.is_some_and(|it| {
            matches!(it.event(), Some(Event::Claimed { .. } | Event::Taken { .. }))
        });
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
        let said = |session| by("x", session, &Event::Commented { text: "done".to_owned() });
        let s = Some("s1");
        for (lines, found) in [
            (vec![born(), close("jane", None, None)], None),
            (vec![born(), claim(None), close("x", None, None)], None),
            (vec![born(), claim(s), said(s), close("x", s, None)], None),
            (vec![born(), claim(s), close("jane", None, Some("x"))], None),
            (vec![born(), claim(s), close("x", s, None)], Some("nothing between")),
            (vec![born(), claim(s), said(s), close("jane", None, None)], Some("x did")),
            (vec![born(), claim(s), said(s), close("x", Some("s2"), None)], Some("x did")),
            (vec![born(), close("y", Some("s2"), None)], Some("nobody held")),
        ] {
            let findings = closes(&lines);
            assert_eq!(findings.len(), usize::from(found.is_some()), "{findings:?}");
            assert!(findings.iter().all(|it| it.what.contains(found.unwrap())), "{findings:?}");
        }
    }
}
