//! What a checkpoint says, in the words that are signed.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Line;
use crate::git::{Oid, Repo, Signed, Statement};

/// The first word of all that is signed or hashed here, and what a signature is good for.
const FORM: &str = "shopfloor checkpoint 1";
pub(super) const NAMESPACE: &str = "shopfloor-checkpoint";
const KINDS: [&str; 2] = ["ledger.signed", "ledger.attested"];

#[derive(Serialize, Deserialize)]
pub(super) enum Event {
    #[serde(rename = "ledger.signed")]
    Signed(Claim),
    /// With the trail: who knows of the former alone passes it over.
    #[serde(rename = "ledger.attested")]
    Attested(Claim),
}

impl Event {
    pub(super) fn of(claim: Claim) -> Self {
        if claim.trail.is_some() { Self::Attested(claim) } else { Self::Signed(claim) }
    }

    pub(super) fn claim(self) -> Claim {
        let (Self::Signed(claim) | Self::Attested(claim)) = self;
        claim
    }
}

pub(super) fn is_one(line: &Line) -> bool {
    KINDS.contains(&line.act.as_str())
}

/// How far a trail has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trail {
    pub(super) lines: u64,
    pub(super) last: String,
}

/// What is signed, and the signature.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Claim {
    pub(super) repository: Oid,
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) replica: String,
    pub(super) lines: u64,
    pub(super) last: String,
    pub(super) digest: String,
    pub(super) at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trail: Option<Trail>,
    #[serde(default)]
    pub(super) signature: String,
}

impl Claim {
    pub(super) fn text(&self) -> String {
        let Self { repository, name, replica, lines, last, digest, at, .. } = self;
        let trail = self.trail.iter().map(|it| format!("trail {} {}\n", it.lines, it.last));
        format!(
            "{FORM}\nrepository {repository}\nref {name}\nreplica {replica}\nlines {lines}\n\
             last {last}\ndigest {digest}\nat {at}\n{}",
            trail.collect::<String>()
        )
    }

    /// What its signature is worth here.
    pub(super) fn check(&self, repo: &Repo) -> Result<Signed> {
        let said = Statement { text: &self.text(), namespace: NAMESPACE };
        repo.signed_by(said, &self.signature, &self.moment())
    }

    /// The time at which it was signed, as who checks a signature wants to have it.
    fn moment(&self) -> String {
        self.at.chars().filter(char::is_ascii_digit).take(14).collect()
    }
}

/// Counts and hashes lines in their order.
pub(super) struct Tally {
    pub(super) lines: u64,
    hash: Sha256,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { lines: 0, hash: Sha256::new_with_prefix(FORM) }
    }

    pub(super) fn add(&mut self, id: &str) {
        self.lines += 1;
        self.hash.update(b"\n");
        self.hash.update(id);
    }

    pub(super) fn digest(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.hash.clone().finalize())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::ledger::REF;

    pub(in crate::ledger) fn claim() -> Claim {
        let text = |text: &str| text.to_owned();
        Claim {
            repository: "1".repeat(40).parse().unwrap(),
            name: text(REF),
            replica: text("5e8c02d9b7341fa6"),
            lines: 2,
            last: text("b"),
            digest: text("d"),
            at: text("2026-11-21T05:36:11.123Z"),
            trail: None,
            signature: text("s"),
        }
    }

    #[test]
    fn what_is_signed_says_all_that_it_is_for_and_stays_what_it_was() {
        let repository = "1".repeat(40);
        let text = format!(
            "shopfloor checkpoint 1\nrepository {repository}\nref refs/shopfloor/ledger\n\
             replica 5e8c02d9b7341fa6\nlines 2\nlast b\ndigest d\nat 2026-11-21T05:36:11.123Z\n"
        );
        assert_eq!(claim().text(), text);
        let trail = Some(Trail { lines: 7, last: "t".to_owned() });
        assert_eq!(Claim { trail, ..claim() }.text(), text + "trail 7 t\n");
        assert_eq!(claim().moment(), "20261121053611");
    }

    #[test]
    fn lines_are_hashed_in_their_order_and_apart() {
        let digest = |ids: &[&str]| {
            let mut tally = Tally::new();
            for id in ids {
                tally.add(id);
            }
            tally.digest()
        };
        let all = [
            digest(&[]),
            digest(&["a"]),
            digest(&["a", "b"]),
            digest(&["b", "a"]),
            digest(&["ab"]),
        ];
        assert_eq!(HashSet::from(all).len(), 5);
    }
}
