//! A queue entry as it is shown and as it is given to programs: one shape everywhere.

use serde::Serialize;

use crate::bead::Beads;
use crate::cli::show::{Screen, Tone};
use crate::git::{Oid, Repo};
use crate::refinery::event::{Held, Landed, Ran};
use crate::refinery::{Entry, Number, Rejection, State};

#[derive(Clone, Serialize)]
pub(super) struct Record {
    pub entry: String,
    pub n: u64,
    pub target: String,
    /// `waiting`, `testing`, `held`, `landed`, `rejected` or `withdrawn`.
    pub state: String,
    pub commit: Oid,
    pub subject: String,
    pub bead: Option<String>,
    pub agent: Option<String>,
    pub by: String,
    pub owner: String,
    pub queued_at: String,
    pub since: String,
    pub gates: Vec<Ran>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landed: Option<Landed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Box<Rejection>>,
    #[serde(skip)]
    short: Option<String>,
}

impl Record {
    /// `testing` is the number of the entry that a refinery is at, if one is.
    pub(super) fn of(repo: &Repo, beads: &Beads, entry: &Entry, testing: Option<Number>) -> Self {
        let busy = entry.state == State::Waiting && testing == Some(entry.n);
        let subject = repo.commit(&entry.commit).map(|commit| commit.subject().to_owned());
        Self {
            entry: entry.name(),
            n: entry.n.given(),
            target: entry.target.clone(),
            state: if busy { "testing".to_owned() } else { entry.state.to_string() },
            commit: entry.commit,
            subject: subject.unwrap_or_default(),
            bead: entry.bead.clone(),
            agent: entry.agent.clone(),
            by: entry.by.clone(),
            owner: entry.owner.clone(),
            queued_at: entry.at.clone(),
            since: entry.since.clone(),
            gates: entry.tested.as_ref().map(|tested| tested.gates.clone()).unwrap_or_default(),
            landed: entry.landed.clone(),
            withdrawn: entry.withdrawn.clone(),
            held: entry.held.clone(),
            rejection: entry.rejection.clone(),
            short: entry.bead.as_ref().map(|bead| beads.short(bead).to_owned()),
        }
    }

    pub(super) fn tone(&self) -> Tone {
        match self.state.as_str() {
            "landed" => Tone::Good,
            "rejected" | "held" => Tone::Bad,
            "testing" => Tone::Busy,
            _ => Tone::Plain,
        }
    }

    /// One row of a table.
    pub(super) fn row(&self) -> Vec<(Tone, String)> {
        let by = self.agent.as_ref().unwrap_or(&self.by).clone();
        vec![
            (Tone::Id, self.entry.clone()),
            (self.tone(), self.state.clone()),
            (Tone::Plain, self.short.clone().unwrap_or_else(|| "-".to_owned())),
            (Tone::Faint, by),
            (Tone::Plain, self.subject.clone()),
        ]
    }

    /// The whole entry, for a reader who came for this one.
    pub(super) fn show(&self, out: &mut Screen) {
        out.parts(&[
            (Tone::Id, &self.entry),
            (Tone::Plain, "  "),
            (self.tone(), &self.state),
            (Tone::Strong, &format!("  {}", self.subject)),
        ]);
        if let Some(bead) = &self.bead {
            out.line(format!("  bead      {bead}"));
        }
        out.line(format!("  commit    {}", self.commit));
        out.line(format!("  queued    {} by {} <{}>", self.queued_at, self.by, self.owner));
        for ran in &self.gates {
            let exit = ran.exit.map(|exit| format!(" (exit {exit})")).unwrap_or_default();
            let took = seconds(ran.ms);
            out.line(format!(
                "  gate      {}: {}{exit}, {took}: {}",
                ran.gate, ran.verdict, ran.command
            ));
        }
        if let Some(landed) = &self.landed {
            out.line(format!("  landed    {} by {}", landed.commit, landed.author));
        }
        if let Some(reason) = &self.withdrawn {
            out.line(format!("  withdrawn {reason}"));
        }
        if let Some(held) = &self.held {
            out.line(format!("  held      {}", held.said));
        }
        if let Some(rejection) = &self.rejection {
            out.block(&rejection.text(), 0);
        }
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
