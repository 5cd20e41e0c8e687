//! What a crash between intent and outcome has left, judged from where the target stands. Pure.

use crate::git::Oid;

/// What is to be written about an intent that has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// The target moved before the crash; only the word is missing.
    Landed,
    /// The publish remote has it and the local branch not: bring the branch to where the remote is,
    /// then say landed.
    Finish(Oid),
    /// Nothing moved; the entry waits again.
    Requeue,
}

/// What is known of the target at start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Whether the intended commit is the tip or one of its ancestors.
    pub contains: bool,
    /// Where the remote is that landings are published to, if it has the commit and the branch can
    /// follow it there.
    pub published: Option<Oid>,
}

/// Where the tip was before does not matter: somebody else may have moved it before or after our own
/// move, and whether it holds the new commit tells which. That foreign landing has its own words.
pub(super) fn judge(facts: &Facts) -> Recovery {
    match facts.published {
        _ if facts.contains => Recovery::Landed,
        Some(there) => Recovery::Finish(there),
        None => Recovery::Requeue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_target_has_one_answer() {
        let there: Oid = "1".repeat(40).parse().unwrap();
        let cases = [
            (true, None, Recovery::Landed),
            (true, Some(there), Recovery::Landed),
            (false, Some(there), Recovery::Finish(there)),
            (false, None, Recovery::Requeue),
        ];
        for (contains, published, expected) in cases {
            assert_eq!(judge(&Facts { contains, published }), expected);
        }
    }
}
