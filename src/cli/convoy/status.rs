//! `git convoy status`: how far each convoy is, who has what, and what needs a person.

use anyhow::Result;
use serde::Serialize;

use crate::agent::Roster;
use crate::bead::Beads;
use crate::cli::context::Context;
use crate::cli::convoy::list::Summary;
use crate::cli::convoy::member::{Floor, Member, Standing};
use crate::cli::exit;
use crate::cli::show::{Done, Pages, Screen, Show, Tone};
use crate::cli::table;
use crate::convoy::{Convoy, Convoys};
use crate::refinery::Queue;

/// Show how far convoys are, who has what, and what needs you
///
/// Without CONVOY: all that are open; exits with 1 when none is.
#[derive(clap::Args, Default)]
#[command(after_help = "Examples:
  git convoy status
  git convoy status 4tbn --json")]
pub(in crate::cli) struct Status {
    /// The convoy, by any unique start of its id
    convoy: Option<String>,
}

impl Status {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (beads, convoys, queue, roster) =
            cx.ledger()?.read::<(Beads, Convoys, Queue, Roster)>()?;
        let floor = Floor {
            beads: &beads,
            queue: &queue,
            at_work: &|id| roster.session(id).is_some_and(|session| session.ended.is_none()),
        };
        let report = |convoy: &Convoy| Report {
            summary: Summary::of(&beads, &convoys, convoy),
            members: convoy.members.iter().map(|id| Member::of(&floor, id)).collect(),
        };
        let shown: Vec<_> = match &self.convoy {
            Some(start) => vec![report(convoys.find(start)?)],
            None => {
                let open = |convoy: &&Convoy| !Convoys::state(convoy, &beads).is_closed();
                convoys.iter().rev().filter(open).map(report).collect()
            }
        };
        let code = if shown.is_empty() { exit::NOTHING } else { 0 };
        Ok(Done::from(Pages(shown)).exit(code))
    }
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    summary: Summary,
    members: Vec<Member>,
}

/// How wide the bar of a convoy is.
const BAR: usize = 24;

impl Show for Report {
    fn show(&self, out: &mut Screen) {
        let Summary { title, short, done, total, .. } = &self.summary;
        out.parts(&[
            (Tone::Id, short),
            (Tone::Plain, "  "),
            (Tone::Strong, title),
            (Tone::Plain, "  "),
            (self.summary.tone(), &self.summary.progress()),
        ]);
        if *total > 0 {
            let full = BAR * done / total;
            let (full, rest) = ("#".repeat(full), "-".repeat(BAR - full));
            out.parts(&[(Tone::Good, &format!("  {full}")), (Tone::Faint, &rest)]);
        }
        let rows: Vec<_> = self.members.iter().map(row).collect();
        table::rows(out, &rows);
        let needs: Vec<_> = self.members.iter().filter_map(need).collect();
        if !needs.is_empty() {
            out.line("Needs you:");
            table::rows(out, &needs);
        }
    }
}

fn row(member: &Member) -> Vec<(Tone, String)> {
    vec![
        (Tone::Id, format!("  {}", member.short)),
        (tone(&member.state), member.state.word().to_owned()),
        (Tone::Faint, detail(member)),
        (Tone::Plain, member.title.clone()),
    ]
}

/// What stands beside the state: the commit, the entry, the holder, or what it waits for.
fn detail(member: &Member) -> String {
    let short = |commit: &String| commit.get(..10).unwrap_or(commit).to_owned();
    let holder = member.holder.clone().unwrap_or_default();
    match member.state {
        Standing::Landed => member.landed.as_ref().map(short).unwrap_or_default(),
        Standing::Queued | Standing::Held | Standing::Rejected => {
            format!("{} {holder}", member.entry.as_deref().unwrap_or_default()).trim().to_owned()
        }
        Standing::Blocked => format!("waits for {}", member.waits_for.len()),
        _ => holder,
    }
}

fn tone(state: &Standing) -> Tone {
    match state {
        Standing::Landed | Standing::Closed => Tone::Good,
        Standing::Queued | Standing::Working => Tone::Busy,
        Standing::Held | Standing::Rejected | Standing::Stalled | Standing::Unknown => Tone::Bad,
        Standing::Ready | Standing::Blocked | Standing::Other(_) => Tone::Plain,
    }
}

fn need(member: &Member) -> Option<Vec<(Tone, String)>> {
    let need = member.needs.as_ref()?;
    Some(vec![
        (Tone::Id, format!("  {}", member.short)),
        (Tone::Plain, need.why.clone()),
        (Tone::Strong, need.command.clone()),
    ])
}
