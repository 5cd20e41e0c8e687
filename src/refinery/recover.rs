//! What a crash between intent and outcome has left, judged from where the target stands. Pure.

use crate::git::Oid;
use crate::refinery::event::Intent;

/// What is to be written about an intent that has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// The target moved before the crash; only the word is missing.
    Landed,
    /// The publish remote has it and the local branch not: bring the branch, then say landed.
    Finish,
    /// Nothing moved; the entry waits again.
    Requeue,
}

/// What is known of the target at start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub tip: &'a Oid,
    /// Whether the intended commit is the tip or one of its ancestors.
    pub contains: bool,
    /// The same on the remote that landings are published to, if there is one.
    pub published: bool,
}

/// A tip that is neither the old nor the new commit was moved by somebody else, before or after our
/// own move; whether it holds the new commit tells which. That foreign landing has its own words.
pub(super) fn judge(intent: &Intent, facts: Facts<'_>) -> Recovery {
    if *facts.tip == intent.new || facts.contains {
        Recovery::Landed
    } else if facts.published && *facts.tip == intent.old {
        Recovery::Finish
    } else {
        Recovery::Requeue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_target_has_one_answer() {
        let [old, new, other] = ["1", "2", "3"].map(|d| d.repeat(40).parse::<Oid>().unwrap());
        let intent = Intent { old, new, tree: other, author: "Jane".into(), vouched: None };
        let cases = [
            (&new, true, false, Recovery::Landed),
            (&new, true, true, Recovery::Landed),
            (&other, true, false, Recovery::Landed),
            (&old, false, false, Recovery::Requeue),
            (&old, false, true, Recovery::Finish),
            (&other, false, false, Recovery::Requeue),
            (&other, false, true, Recovery::Requeue),
        ];
        for (tip, contains, published, expected) in cases {
            assert_eq!(judge(&intent, Facts { tip, contains, published }), expected, "{tip:?}");
        }
    }
}
