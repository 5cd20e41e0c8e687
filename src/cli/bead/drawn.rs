//! What of the work graph is drawn: beads in layers, what is between them, and the longest chain.

use std::collections::HashSet;

use serde::Serialize;

use crate::bead::chain::Chain;
use crate::bead::event::{Link, Status};
use crate::bead::ready::{Reason, reasons};
use crate::bead::waits::Sight;
use crate::bead::web::Web;
use crate::bead::{Bead, Beads, rings};
use crate::cli::show::Tone;
use crate::ledger::Row;

/// What is drawn.
#[derive(Serialize)]
pub(super) struct Drawn {
    pub nodes: Vec<Node>,
    pub edges: Vec<Tie>,
    pub critical: Critical,
}

#[derive(Serialize)]
pub(super) struct Node {
    pub id: String,
    pub title: String,
    pub status: String,
    pub priority: u8,
    pub issue_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_minutes: Option<u64>,
    pub state: State,
    pub layer: usize,
    /// It waits for itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_ring: bool,
    #[serde(skip)]
    pub short: String,
    #[serde(skip)]
    pub is_critical: bool,
}

#[derive(Serialize)]
pub(super) struct Tie {
    issue_id: String,
    depends_on_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip)]
    pub before: usize,
    #[serde(skip)]
    pub after: usize,
}

/// The longest chain of open beads.
#[derive(Serialize)]
pub(super) struct Critical {
    unit: &'static str,
    pub total: u64,
    unestimated: usize,
    pub ids: Vec<String>,
}

/// How a bead stands, for who looks at many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ready,
    Waits,
    InProgress,
    /// It is done by doing its children.
    Epic,
    Aside,
    Closed,
}

impl State {
    fn of(bead: &Bead, reasons: &[Reason<'_>]) -> Self {
        let any = |is: fn(&Reason<'_>) -> bool| reasons.iter().any(is);
        match &bead.status {
            status if *status == Status::CLOSED => Self::Closed,
            status if *status == Status::IN_PROGRESS || bead.claim.is_some() => Self::InProgress,
            status if *status != Status::OPEN => Self::Aside,
            _ if any(|reason| matches!(reason, Reason::Waits(_))) => Self::Waits,
            _ if any(|reason| matches!(reason, Reason::Children(_))) => Self::Epic,
            _ if reasons.is_empty() => Self::Ready,
            _ => Self::Aside,
        }
    }

    /// Its sign and its word: colour is never the only one to tell.
    pub(super) fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Ready => ("○", "ready"),
            Self::Waits => ("●", "waits"),
            Self::InProgress => ("◐", "in progress"),
            Self::Epic => ("□", "epic"),
            Self::Aside => ("·", "put aside"),
            Self::Closed => ("✓", "closed"),
        }
    }

    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Ready | Self::Closed => Tone::Good,
            Self::Waits => Tone::Bad,
            Self::InProgress => Tone::Busy,
            Self::Epic => Tone::Plain,
            Self::Aside => Tone::Faint,
        }
    }
}

impl Drawn {
    pub(super) fn of<'a>(
        beads: &'a Beads,
        web: &Web<'a>,
        (read, chain): (Vec<Bead>, &Chain),
        now: &str,
    ) -> Self {
        let key = |n: usize| web.rows.get(n).map(|row| row.key().to_owned()).unwrap_or_default();
        let ids = chain.beads.iter().map(|n| key(*n)).collect();
        let sight = Sight::of(beads);
        let reasons = |row: &Row<'a, Bead>| reasons((beads, &sight), *row, now);
        let rings: HashSet<_> = rings::all(beads).into_iter().flatten().map(|it| it.0).collect();
        let mut nodes: Vec<_> = read
            .into_iter()
            .zip(web.layers().into_iter().zip(&web.rows))
            .map(|(bead, (layer, row))| Node {
                short: beads.short(&bead.id).to_owned(),
                state: State::of(&bead, &reasons(row)),
                in_ring: rings.contains(row.key()),
                status: bead.status.to_string(),
                id: bead.id,
                title: bead.title,
                priority: bead.priority,
                issue_type: bead.issue_type,
                assignee: bead.assignee,
                estimated_minutes: bead.estimated_minutes,
                layer,
                is_critical: false,
            })
            .collect();
        for n in &chain.beads {
            if let Some(node) = nodes.get_mut(*n) {
                node.is_critical = true;
            }
        }
        let edges = web.ties.iter().map(|tie| Tie {
            issue_id: key(tie.after),
            depends_on_id: key(tie.before),
            kind: tie.kind.to_owned(),
            before: tie.before,
            after: tie.after,
        });
        let unit = if chain.in_minutes { "minutes" } else { "beads" };
        let critical = Critical { unit, total: chain.total, unestimated: chain.unestimated, ids };
        Self { nodes, edges: edges.collect(), critical }
    }

    /// One after the other on the critical path.
    pub(super) fn is_critical(&self, tie: &Tie) -> bool {
        let ends = [tie.before, tie.after].map(|n| self.nodes.get(n).map(|node| &node.id));
        let [Some(before), Some(after)] = ends else { return false };
        let pairs = self.critical.ids.iter().zip(self.critical.ids.iter().skip(1));
        // A child ends before its epic does, and its epic is above it.
        let below = tie.kind == Link::PARENT_CHILD.as_str();
        pairs.clone().any(|(one, next)| one == before && next == after)
            || (below && pairs.clone().any(|(one, next)| one == after && next == before))
    }

    /// What there is to be seen, as a sentence.
    pub(super) fn sentence(&self) -> String {
        let ready = self.nodes.iter().filter(|node| node.state == State::Ready).count();
        let rings = self.nodes.iter().filter(|node| node.in_ring).count();
        let beads = |n| if n == 1 { "1 bead".to_owned() } else { format!("{n} beads") };
        let Critical { unit, total, unestimated, ids } = &self.critical;
        let long = match *unit {
            _ if ids.is_empty() && rings > 0 => "none, for a ring is in the way".to_owned(),
            _ if ids.is_empty() => "none, for nothing there is open".to_owned(),
            "minutes" => format!("{total} minutes, {}", beads(ids.len())),
            // What is done by doing its children counts for nothing.
            _ => format!(
                "{} in a row ({unestimated} have no estimate)",
                beads(usize::try_from(*total).unwrap_or(usize::MAX))
            ),
        };
        let ringed = match rings {
            0 => String::new(),
            rings => format!(", {rings} in a ring (git bead dep cycles)"),
        };
        format!("{}, {ready} ready{ringed}; critical path: {long}", beads(self.nodes.len()))
    }
}
