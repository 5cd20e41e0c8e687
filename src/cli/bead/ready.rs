//! `git bead ready`: what can be started now.

use anyhow::Result;
use serde::Serialize;

use crate::bead::filter::{Cond, Field, Op};
use crate::bead::order::Order;
use crate::bead::overlap::{self, Clash, Owners, Shared, Side};
use crate::bead::ready::{Call, Reason, ready, ready_beside, unready};
use crate::bead::{Bead, Beads, holding, hub};
use crate::cli::bead::asked::{Said, Which};
use crate::cli::bead::changed::Changed;
use crate::cli::bead::list::Telling;
use crate::cli::bead::overlap::{demanded, owners, standing, tell};
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::when;
use crate::ledger::Row;
use crate::refusal::Refusal;

/// Show what can be started now, the most urgent first
///
/// Ready is what is open, claimed by nobody, not put off until later, and waits for nothing: for no bead
/// that blocks it or what it is a child of, for no other project (external:), and not for the children of
/// an epic. What conditionally waits starts when its bead has failed. What has open children is done by
/// doing those, whatever its type, and an epic with children is no work of its own. What came from another tool as pinned, ephemeral or a template is none either.
///
/// With --claim the first of it is taken in the same write, so two callers never get the same bead. Where
/// its files (--files) are those of a bead that somebody else holds, that is said; where shopfloor.toml has
/// overlapping = "refuse" under [beads], it is not ready, and the next one is taken. Exit code 1: nothing
/// is ready.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead ready
  git bead ready --claim --json         take the best of it, as an agent does
  git bead ready --brief --json         in few words
  git bead ready -l parser --unassigned --sort hybrid
  git bead ready --parent 4tbn -n 5 -q  what is below an epic
  git bead ready --explain              and why the rest is not")]
pub(in crate::cli) struct Ready {
    /// Take the first one
    #[arg(long, conflicts_with = "as_of")]
    claim: bool,
    #[command(flatten)]
    which: Which,
    /// Only what is assigned to nobody
    #[arg(short, long)]
    unassigned: bool,
    /// Only what is below this bead, however deep
    #[arg(long, value_name = "ID", alias = "mol")]
    parent: Option<String>,
    /// Also what is put off until later
    #[arg(long)]
    include_deferred: bool,
    /// Also what another tool calls ephemeral
    #[arg(long)]
    include_ephemeral: bool,
    /// At most this many; 0 means all
    #[arg(short = 'n', long, default_value_t = 100)]
    limit: usize,
    /// priority (then newest), oldest, or hybrid: what is new by priority, then the rest by age
    #[arg(short, long, default_value = "priority", value_enum)]
    sort: Sort,
    /// Tell of each bead that is not ready why that is so
    #[arg(long, conflicts_with_all = ["claim", "quiet", "long", "brief", "fields"])]
    explain: bool,
    #[command(flatten)]
    telling: Telling,
    /// A bead a row, as always
    #[arg(long = "plain", hide = true)]
    _plain: bool,
    #[command(flatten)]
    as_of: AsOf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Sort {
    Priority,
    Hybrid,
    Oldest,
}

/// So long what is new goes before what is old.
const NEW: &str = "48h";

impl Ready {
    /// Taking is more than looking.
    pub(super) fn claims(&self) -> bool {
        self.claim
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.claim {
            return self.take(cx);
        }
        let beads = self.as_of.beads(cx)?;
        let (wanted, now) = (self.wanted(cx, &beads)?, self.now(cx)?);
        let call = self.call(&wanted, now.as_deref());
        let (mut held, mut shared, order) = (Vec::new(), Vec::new(), self.order(cx)?);
        let mut found = ready_beside(&beads, call, &order, self.limit, &mut |row| held.push(row));
        if self.as_of.is_now()
            && let Some(owners) = owners(cx, &beads, &held)?
        {
            found = ready(&beads, call, &order, 0);
            shared = owners.leave_free(&mut found);
        }
        if self.explain {
            let clashes = if self.as_of.is_now() { standing(cx, &beads).0 } else { Vec::new() };
            return self.explained(&beads, call, (&found, &shared, &clashes));
        }
        let telling = self.telling.uncounted();
        telling.tell(cx, &beads, (&found, self.limit), "nothing is ready")
    }

    fn take(self, cx: &Context) -> Result<Done> {
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        let session = actor.session.as_deref();
        let ((id, told), beads) = ledger.write_and_read(&actor, |beads: &Beads, pen| {
            let (wanted, now) = (self.wanted(cx, beads)?, self.now(cx)?);
            let call = self.call(&wanted, now.as_deref());
            let found = ready(beads, call, &self.order(cx)?, 0);
            let free = |name: Option<&str>| name.is_none_or(|name| *name == actor.by);
            let owners = Owners::beside(beads, (&actor.by, session));
            let mut nothing = Refusal::nothing("nothing is ready");
            for row in found.into_iter().filter(|row| free(row.face().assignee)) {
                let first = row.whole();
                let its = (&*first.id, &*first.files());
                let told = match owners.decide(its, &|| demanded(cx)) {
                    Ok(told) => told,
                    Err(no) if no.is::<Refusal>() => {
                        nothing = nothing.hint(no.to_string());
                        continue;
                    }
                    Err(no) => return Err(no),
                };
                if let Some(event) = holding::claim(beads, first, &actor.by, session)? {
                    pen.sole(&first.id, &event)?;
                }
                return Ok((first.id.clone(), (nothing.hints, told)));
            }
            Err(nothing.hint("`git bead ready --explain` says what is in the way").into())
        })?;
        let (passed, told) = told;
        for passed in passed {
            cx.note(format!("note: passed over: {passed}"));
        }
        tell(cx, &told);
        let record = Record::asked(cx, &beads, beads.find(&id)?)?;
        unheard(cx, &record)?;
        Ok(Changed::taken(&record, &self.telling.only.names(cx.json)?)?.into())
    }

    fn call<'c>(&self, wanted: &'c Cond, now: Option<&'c str>) -> Call<'c> {
        Call { wanted, now, ephemeral: self.include_ephemeral }
    }

    fn now(&self, cx: &Context) -> Result<Option<String>> {
        if self.include_deferred {
            return Ok(None);
        }
        Ok(Some(self.as_of.now(cx)?.to_string()))
    }

    fn order(&self, cx: &Context) -> Result<Order> {
        Ok(match self.sort {
            Sort::Priority => Order::Priority,
            Sort::Hybrid => Order::Hybrid(when::moment(NEW, &self.as_of.now(cx)?)?),
            Sort::Oldest => Order::Oldest,
        })
    }

    fn wanted(&self, cx: &Context, beads: &Beads) -> Result<Cond> {
        let mut said = Said::new(cx);
        self.which.say(&mut said)?;
        // Who takes work finds what is meant for itself, too.
        if self.unassigned && !self.claim {
            said.and(&Field::Assignee, Op::Eq, "")?;
        }
        if let Some(parent) = &self.parent {
            said.and(&Field::Under, Op::Eq, &beads.find(parent)?.id)?;
        }
        Ok(said.done())
    }

    fn explained(
        &self,
        beads: &Beads,
        call: Call<'_>,
        (found, shared, clashes): (&[Row<'_, Bead>], &[Shared<'_>], &[[Side; 2]]),
    ) -> Result<Done> {
        let shown = if self.limit == 0 { found.len() } else { self.limit };
        let ready = found.iter().take(shown).map(|row| Record::of(beads, &row.read()).uncounted());
        let mut told = Explained { ready: ready.collect(), blocked: Vec::new() };
        for (row, clashes) in shared {
            told.blocked.push(Waiting {
                record: Record::of(beads, &row.read()).uncounted(),
                reasons: clashes.iter().map(|clash| Why::shares(beads, clash)).collect(),
            });
        }
        unready(beads, call, &mut |row, reasons| {
            let reasons = reasons.iter().map(|reason| Why::of(beads, reason));
            let its = clashes.iter().filter(|sides| sides.iter().any(|side| side.id == row.key()));
            let reasons = reasons.chain(its.map(|sides| Why::clashes(beads, sides, row.key())));
            told.blocked.push(Waiting {
                record: Record::of(beads, &row.read()).uncounted(),
                reasons: reasons.collect(),
            });
            Ok(())
        })?;
        let code = if told.ready.is_empty() { exit::NOTHING } else { 0 };
        Ok(Done::from(told).exit(code))
    }
}

/// What is ready, and what is not.
#[derive(Serialize)]
struct Explained {
    ready: Vec<Record>,
    blocked: Vec<Waiting>,
}

#[derive(Serialize)]
struct Waiting {
    #[serde(flatten)]
    record: Record,
    reasons: Vec<Why>,
}

#[derive(Serialize)]
struct Why {
    kind: &'static str,
    reason: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocked_by: Vec<String>,
}

impl Why {
    fn shares(beads: &Beads, clash: &Clash<'_>) -> Self {
        let blocked_by = vec![clash.bead.to_owned()];
        Self { kind: "files", reason: clash.say(beads), blocked_by }
    }

    fn clashes(beads: &Beads, sides: &[Side; 2], id: &str) -> Self {
        let others = sides.iter().filter(|side| side.id != id);
        let blocked_by = others.map(|side| side.id.clone()).collect();
        Self { kind: "files", reason: overlap::told(sides, beads), blocked_by }
    }

    fn of(beads: &Beads, reason: &Reason<'_>) -> Self {
        let (kind, reason, by): (_, _, &[&str]) = match reason {
            Reason::Held(name) => ("held", format!("{name} holds it"), &[]),
            Reason::Status(status) => ("status", format!("its status is {status}"), &[]),
            Reason::Deferred(until) => ("deferred", format!("it is put off until {until}"), &[]),
            Reason::Waits(by) => {
                let short: Vec<_> = by.iter().map(|id| beads.short(id)).collect();
                ("waits", format!("waits for {}", short.join(", ")), by)
            }
            Reason::Children(0) => {
                ("children", "all its children are closed; close it".to_owned(), &[])
            }
            Reason::Children(open) => {
                ("children", format!("is done by doing its children ({open} open)"), &[])
            }
            Reason::Aside("ephemeral") => {
                ("aside", "it is ephemeral; --include-ephemeral shows it".to_owned(), &[])
            }
            Reason::Aside(why) => ("aside", format!("it is {why}"), &[]),
            Reason::Record(kind) => {
                ("record", format!("a {kind} is no work to pick up; -t {kind} shows it"), &[])
            }
        };
        Self { kind, reason, blocked_by: by.iter().map(|id| (*id).to_owned()).collect() }
    }
}

impl Show for Explained {
    fn show(&self, out: &mut Screen) {
        record::list(out, &self.ready);
        if !self.blocked.is_empty() {
            if !self.ready.is_empty() {
                out.line("");
            }
            out.parts(&[(Tone::Strong, "Not ready")]);
        }
        for waiting in &self.blocked {
            record::list(out, std::slice::from_ref(&waiting.record));
            for why in &waiting.reasons {
                out.parts(&[(Tone::Faint, &format!("    {}", why.reason))]);
            }
        }
    }
}

/// What it means that the hub has not heard of the claim.
pub(super) fn unheard(cx: &Context, record: &Record) -> Result<()> {
    if let Some(hub) = hub::name(cx.repo()?)?.filter(|_| record.provisional && !cx.json) {
        cx.note(format!("note: {hub} has not heard of this claim; another clone may be first"));
        cx.hint(format!(
            "`git bead sync` asks {hub}; until then the bead can neither be closed nor land"
        ));
    }
    Ok(())
}
