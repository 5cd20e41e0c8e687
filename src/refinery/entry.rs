//! One commit that asked to land: what it is called, and what each line makes of it. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::git::Oid;
use crate::ledger::{Actor, Line};
use crate::refinery::event::{Event, Held, Intent, Landed, Queued, Tested};
use crate::refinery::number::Number;
use crate::refinery::rejection::Rejection;

/// Of how many intents of one entry the evidence is kept.
const TRIED: usize = 16;

/// Of how many candidates that are not the newest what was tested is kept.
const OTHERS: usize = 4;

/// One commit that asked to land.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub target: String,
    pub n: Number,
    pub commit: Oid,
    pub bead: Option<String>,
    pub agent: Option<String>,
    pub epoch: Option<u64>,
    pub session: Option<String>,
    #[serde(default)]
    pub claim: Option<String>,
    pub by: String,
    pub owner: String,
    pub at: String,
    pub state: State,
    pub tested: Option<Tested>,
    pub intent: Option<Intent>,
    /// The evidence of every intent, until one of them is known to have landed.
    pub tried: Vec<Tested>,
    pub landed: Option<Landed>,
    /// Whether `tested` is the evidence of what landed.
    pub proven: bool,
    /// What was tested before, or after in another clone, of other candidates.
    others: Vec<Tested>,
    /// The evidence of what other clones have landed it as, without knowing of this landing.
    pub again: Vec<Tested>,
    pub rejection: Option<Box<Rejection>>,
    pub held: Option<Held>,
    pub withdrawn: Option<String>,
    /// The surface a person has said yes to.
    pub approved: Option<String>,
    /// When it reached the state it is in.
    pub since: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Waiting,
    Held,
    Landed,
    Rejected,
    Withdrawn,
}

impl State {
    /// Whether the entry may still land.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Held)
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Landed => "landed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        })
    }
}

/// The subject of an entry's lines, and its name to people.
pub(super) fn name(target: &str, n: Number) -> String {
    format!("{target}#{n}")
}

/// The target and number in an entry's name. A branch may have a `#` of its own, a number not.
pub(super) fn parse(name: &str) -> Option<(&str, Number)> {
    let (target, n) = name.rsplit_once('#')?;
    let n: Number = n.parse().ok()?;
    (n.given() > 0 && !target.is_empty()).then_some((target, n))
}

impl Entry {
    pub fn name(&self) -> String {
        name(&self.target, self.n)
    }

    /// An entry as `actor` queues it.
    pub(super) fn new(target: &str, n: Number, queued: Queued, actor: &Actor, at: &str) -> Self {
        Self {
            target: target.to_owned(),
            n,
            commit: queued.commit,
            bead: queued.bead,
            agent: queued.agent,
            epoch: queued.epoch,
            session: queued.session,
            claim: queued.claim,
            by: actor.by.clone(),
            owner: actor.owner.clone(),
            at: at.to_owned(),
            state: State::Waiting,
            tested: None,
            intent: None,
            tried: Vec::new(),
            landed: None,
            proven: false,
            others: Vec::new(),
            again: Vec::new(),
            rejection: None,
            held: None,
            withdrawn: None,
            approved: None,
            since: at.to_owned(),
        }
    }

    /// What was tested of a commit that it landed as, or is about to.
    pub(super) fn evidence(&self, commit: &Oid) -> Option<&Tested> {
        let proof = self.tested.iter().filter(|_| self.proven);
        proof.chain(&self.tried).chain(&self.again).find(|tested| tested.candidate == *commit)
    }

    /// All that it has landed as, first what stands.
    pub(super) fn landings(&self) -> impl Iterator<Item = Oid> {
        let stands = self.landed.iter().map(|landed| landed.commit);
        stands.chain(self.again.iter().map(|tested| tested.candidate))
    }

    /// A line about an entry whose landing stands, with its evidence: it has one more where another clone
    /// has tested and landed it, too.
    pub(super) fn drink_again(&mut self, event: Event) {
        match event {
            Event::Tested(tested) => self.keep(tested),
            Event::Landed(landed) if !self.landings().any(|commit| commit == landed.commit) => {
                let tested = |tested: &Tested| tested.candidate == landed.commit;
                let at = self.others.iter().position(tested);
                self.again.extend(at.map(|at| self.others.swap_remove(at)));
            }
            _ => {}
        }
    }

    fn keep(&mut self, tested: Tested) {
        self.others.retain(|other| other.candidate != tested.candidate);
        self.others.push(tested);
        self.others.drain(..self.others.len().saturating_sub(OTHERS));
    }

    /// Whether this could tell more about a landing that has no evidence yet.
    pub(super) fn is_proof(&self, event: &Event) -> bool {
        match event {
            Event::Tested(_) | Event::Intent(_) => true,
            Event::Landed(landed) => self.evidence(&landed.commit).is_some(),
            _ => false,
        }
    }

    pub(super) fn drink(&mut self, line: &Line, event: Event) {
        let is_over = self.state == State::Landed;
        match event {
            Event::Baseline { .. } | Event::Foreign(_) | Event::Queued(_) => return,
            Event::Tested(tested) => {
                if let Some(before) = self.tested.replace(tested) {
                    self.keep(before);
                }
            }
            Event::Intent(intent) => {
                // Lines of two clones that try it at the same time stand between each other.
                let mut all = self.tested.iter().chain(&self.others);
                let tested = all.find(|tested| tested.candidate == intent.new).cloned();
                self.tried.extend(tested);
                self.tried.drain(..self.tried.len().saturating_sub(TRIED));
                self.intent = Some(intent).filter(|_| !is_over);
            }
            Event::Aborted { .. } => self.intent = None,
            Event::Approved { surface } => {
                self.approved = Some(surface);
                self.wait();
            }
            Event::Retried {} => self.wait(),
            Event::Held(held) => {
                self.state = State::Held;
                self.held = Some(held);
            }
            Event::Landed(landed) => {
                if let Some(tested) = self.evidence(&landed.commit).cloned() {
                    if let Some(before) = self.tested.replace(tested) {
                        self.keep(before);
                    }
                    self.others.retain(|other| other.candidate != landed.commit);
                    (self.proven, self.tried) = (true, Vec::new());
                }
                self.state = State::Landed;
                self.landed = Some(landed);
                (self.intent, self.held) = (None, None);
            }
            Event::Rejected(rejection) => {
                self.state = State::Rejected;
                self.rejection = Some(rejection);
                (self.intent, self.held) = (None, None);
            }
            Event::Withdrawn { reason } => {
                self.state = State::Withdrawn;
                self.withdrawn = Some(reason);
                self.held = None;
            }
        }
        if !is_over || self.proven {
            self.since.clone_from(&line.at);
        }
    }

    fn wait(&mut self) {
        if self.state == State::Held {
            self.state = State::Waiting;
            self.held = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries() {
        assert_eq!(parse("main#42"), Some(("main", 42.into())));
        assert_eq!(parse("fix#1#7"), Some(("fix#1", 7.into())));
        for bad in ["main", "#1", "main#", "main#0", "main#x", ""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        let twin = parse("fix#1#7-00000000af").map(|(target, n)| (target, n.to_string()));
        assert_eq!(twin, Some(("fix#1", "7-00000000af".to_owned())));
        assert_eq!(parse("main#0-00000000af"), None);
    }
}
