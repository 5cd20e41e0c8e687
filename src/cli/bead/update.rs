//! `git bead update`: change what a bead says, or take it.

use std::path::PathBuf;

use anyhow::Result;

use crate::bead::alter::Ask;
use crate::bead::event::{Edit, Event};
use crate::bead::words::usual_type;
use crate::bead::{Bead, Beads, Claim, change, holding, hub, lease, together};
use crate::cli::bead::bulk;
use crate::cli::bead::changed::{All, CLAIMED, Changed, UNCHANGED, UPDATED};
use crate::cli::bead::create::{Fields, labels, priority};
use crate::cli::bead::overlap::{shared, tell};
use crate::cli::bead::ready::unheard;
use crate::cli::bead::record::Record;
use crate::cli::context::Context;
use crate::cli::show::Done;
use crate::host::Uptime;
use crate::ledger::{Actor, Pen, default_remote};
use crate::refinery::Queue;
use crate::refusal::Refusal;

/// Change the fields of a bead, or claim it
///
/// Several ids: the same change to each, all of them or none. An empty text clears a field. Where all stands so already nothing is written, and you are told. --claim takes the bead for whoever calls, and exactly one of many
/// racing callers gets it; --status open puts it back. Closing is `git bead close`.
///
/// Who puts off, or puts back, what somebody else holds ends that claim, and is told.
///
/// --file changes many beads, each in its own way, as one write. A record names its bead by `id`, and
/// has fields as create --file takes them: what it does not name stays, null or an empty text clears. Beside
/// them it may have status, append_notes, add_labels, remove_labels, unset_metadata and remove_deps;
/// labels are exactly those. A record without an `id` makes a bead, which others name by its `key`. If one
/// line is bad, all bad ones are named and nothing is written. No file claims or closes a bead, or ends a
/// claim.
///
/// Short words for single changes: assign ID NAME, priority ID N, tag ID LABEL, label add|remove ID
/// LABEL, note ID TEXT, defer ID [--until WHEN], undefer ID.
///
/// A claim has a lease, git config shopfloor.lease, 4h unless set. Whatever its holder writes renews
/// it. Once nothing was heard of the holder here for that long, --take-over ends the claim and makes
/// a new one with a higher epoch; an overseer need not wait.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead update 7f3k --claim
  git bead update 7f3k --claim --take-over
  git bead update 7f3k -p 1 --add-label parser --append-notes 'see the lexer'
  git bead update 7f3k 9a2c --set-labels parser,tabs
  git bead update 7f3k --parent 4tbn --if-unchanged 2026-11-21T05:36:11.123Z
  git bead update 7f3k --status open    put it back
  git bead update --file edits.jsonl    many at once, with lines such as
    {\"id\": \"7f3k\", \"priority\": 1, \"add_labels\": [\"parser\"], \"deps\": [\"map\"]}
    {\"key\": \"map\", \"title\": \"Draw the map\", \"parent\": \"4tbn\"}")]
pub(in crate::cli) struct Update {
    /// The beads, by any start of an id that names one
    #[arg(required_unless_present = "file", value_name = "ID")]
    ids: Vec<String>,
    /// Take it: assign it to the caller and mark it in progress
    #[arg(long, conflicts_with_all = ["status", "assignee"])]
    claim: bool,
    /// With --claim: take it from a holder of whom nothing was heard for the length of a lease
    #[arg(long, requires = "claim")]
    take_over: bool,
    /// What is to be done, in one line
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// open, in_progress, blocked, deferred, pinned, or a word of your own
    #[arg(short, long)]
    status: Option<String>,
    /// 0 (most urgent) to 4
    #[arg(short, long, value_parser = priority)]
    priority: Option<u8>,
    /// bug, feature, task, epic, chore, decision, or a word of your own
    #[arg(short = 't', long = "type")]
    issue_type: Option<String>,
    /// Keys of the metadata to take away, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    unset_metadata: Vec<String>,
    /// Labels to put on, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "LABEL")]
    add_label: Vec<String>,
    /// Labels to take off, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "LABEL")]
    remove_label: Vec<String>,
    /// Exactly these labels
    #[arg(long, value_delimiter = ',', value_name = "LABEL", conflicts_with_all = ["add_label", "remove_label"])]
    set_labels: Option<Vec<String>>,
    /// The epic this belongs to from now on; an empty one takes it out
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Only if it was changed last at this time, as `updated_at` of `show --json` tells it
    #[arg(long, value_name = "STAMP")]
    if_unchanged: Option<String>,
    /// Make all the changes that a file describes, all of them or none: a JSON record a line, each with
    /// the `id` of its bead; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = OF_EACH)]
    file: Option<PathBuf>,
}

/// What is said of the beads that are named: a file says it of each of its own.
const OF_EACH: [&str; 14] = [
    "ids",
    "claim",
    "take_over",
    "title",
    "Fields",
    "status",
    "priority",
    "issue_type",
    "unset_metadata",
    "add_label",
    "remove_label",
    "set_labels",
    "parent",
    "if_unchanged",
];

impl Update {
    pub(in crate::cli) fn run(mut self, cx: &Context) -> Result<Done> {
        if let Some(file) = &self.file {
            return bulk::write(cx, file, (false, false));
        }
        let (ledger, actor) = (cx.ledger()?, cx.actor()?);
        if self.claim && self.ids.len() > 1 {
            return Err(Refusal::usage("a claim takes one bead at a time")
                .hint("call it once for each")
                .into());
        }
        self.fields.read(cx)?;
        if self.take_over {
            self.listen(cx, &actor)?;
        }
        let ((were, told, ended), mut beads) =
            ledger.write_and_read(&actor, |beads: &Beads, pen| {
                let (mut were, mut told, mut ended) =
                    (Vec::<(Record, bool)>::new(), Vec::new(), Vec::new());
                let mut lines = Vec::new();
                for bead in beads.find_each(&self.ids)? {
                    // Named twice, it is changed once.
                    if were.iter().any(|(was, _)| was.id == bead.id) {
                        continue;
                    }
                    let events = self.events(cx, (beads, bead), &actor)?;
                    told.extend(shared(cx, (beads, bead), &events)?);
                    let is_changed = !events.is_empty();
                    let is_own = holding::holds(bead, &actor).is_ok();
                    ended.extend(ends(&events, beads, bead).filter(|_| !is_own));
                    lines.extend(events.into_iter().map(|event| (bead.id.as_str(), event)));
                    were.push((Record::of(beads, bead), is_changed));
                }
                write(beads, &lines, pen)?;
                Ok((were, told, ended))
            })?;
        tell(cx, &told);
        for said in ended {
            cx.note(said);
        }
        if let (true, Some((was, _))) = (self.take_over, were.first()) {
            Self::confirm(cx, &actor, &was.id)?;
            beads = ledger.read()?;
        }
        let changed = were.iter().map(|(was, is_changed)| {
            let done = match is_changed {
                _ if self.claim => CLAIMED,
                true => UPDATED,
                false => UNCHANGED,
            };
            let is = Record::asked(cx, &beads, beads.find(&was.id)?)?;
            unheard(cx, &is)?;
            let changed = Changed::of(done, was, &is)?.asked(&is, &self.ask(cx, &is.short)?)?;
            Ok(if self.if_unchanged.is_some() { changed.when(&is) } else { changed })
        });
        let mut changed = changed.collect::<Result<Vec<_>>>()?;
        Ok(match (changed.pop(), changed.is_empty()) {
            (Some(one), true) => one.into(),
            (last, _) => All(changed.into_iter().chain(last).collect()).into(),
        })
    }

    /// Who takes over has listened to the end, and to where claims are decided if there is such a remote.
    fn listen(&self, cx: &Context, actor: &Actor) -> Result<()> {
        let (repo, ledger) = (cx.repo()?, cx.ledger()?);
        let (beads, queue) = ledger.read::<(Beads, Queue)>()?;
        let bead = beads.find(self.ids.first().map_or("", String::as_str))?;
        if let Some(entry) = queue.submitted(&bead.id).filter(|_| actor.agent) {
            let what = format!("{} is in the queue, as {}", beads.short(&bead.id), entry.name());
            return Err(Refusal::refused(what).hint("it lands without its holder").into());
        }
        match default_remote(repo)? {
            None => lease::listen(repo, &ledger, Uptime::now().as_ref()),
            Some(remote) => match hub::exchange(repo, &ledger, actor, Some(&remote)) {
                Err(no) if actor.agent => Err(no),
                Err(no) => {
                    cx.note(format!("note: {no:#}"));
                    Ok(())
                }
                Ok(_) => Ok(()),
            },
        }
    }

    /// What was taken over stands once the remote has it.
    fn confirm(cx: &Context, actor: &Actor, id: &str) -> Result<()> {
        let (repo, ledger) = (cx.repo()?, cx.ledger()?);
        let Some(remote) = default_remote(repo)? else { return Ok(()) };
        match hub::exchange(repo, &ledger, actor, Some(&remote)) {
            Err(no) => cx.note(format!("note: {no:#}; git bead sync asks again")),
            Ok((_, lost)) => {
                if let Some(lost) = lost.into_iter().find(|lost| lost.bead == id) {
                    let holder = lost.holder.unwrap_or_else(|| "somebody".to_owned());
                    let what = format!("{holder} was heard in the meantime and keeps {id}");
                    return Err(Refusal::refused(what).into());
                }
            }
        }
        Ok(())
    }

    fn events(
        &self,
        cx: &Context,
        (beads, bead): (&Beads, &Bead),
        actor: &Actor,
    ) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        if let Some(known) = self.if_unchanged.as_ref().filter(|known| **known != bead.updated_at) {
            return Err(changed_since(beads, bead, known).into());
        }
        if self.take_over {
            let (repo, ledger) = (cx.repo()?, cx.ledger()?);
            let heard = bead.claim.as_ref().map(|claim| lease::heard(repo, &ledger, claim));
            let heard = heard.transpose()?.flatten();
            let lease = lease::length(repo)?;
            events.extend(lease::take_over(beads, bead, actor, heard.as_ref(), lease)?);
        } else if self.claim {
            events.extend(holding::claim(beads, bead, &actor.by, actor.session.as_deref())?);
        }
        if !self.take_over {
            change::may_edit(beads, bead, actor)?;
        }
        let ask = self.ask(cx, beads.short(&bead.id))?;
        events.extend(ask.events(beads, bead, actor)?);
        if ask.is_empty() && !self.claim {
            return Err(Refusal::usage("nothing to change")
                .hint("see `git bead update -h`")
                .into());
        }
        Ok(events)
    }

    fn ask(&self, cx: &Context, short: &str) -> Result<Ask> {
        let status = self.status.as_deref().map(change::status).transpose();
        let edit = Edit {
            title: self.title.clone(),
            status: status.map_err(|no| naming(no, short))?,
            priority: self.priority,
            issue_type: self.issue_type.as_deref().map(|word| usual_type(word).to_owned()),
            unset_metadata: self.unset_metadata.clone(),
            ..self.fields.edit(cx)?
        };
        Ok(Ask {
            edit,
            labels: self.set_labels.as_deref().map(labels),
            add_labels: labels(&self.add_label),
            remove_labels: labels(&self.remove_label),
            parent: self.parent.clone(),
            ..Ask::default()
        })
    }
}

fn write(beads: &Beads, lines: &[(&str, Event)], pen: &mut Pen<'_>) -> Result<()> {
    together::opens(beads, &lines.iter().map(|(id, event)| (*id, event)).collect::<Vec<_>>())?;
    for (id, event) in lines {
        // Two clones that claim it under one name are two claimants.
        match event.is_claim() {
            true => pen.sole(id, event)?,
            false => pen.line(id, event)?,
        }
    }
    Ok(())
}

/// That somebody's claim is over, for who may not have meant that.
fn ends(events: &[Event], beads: &Beads, bead: &Bead) -> Option<String> {
    let claim = bead.claim.as_ref().filter(|_| events.iter().any(Event::ends_claim))?;
    let (short, Claim { holder, epoch, .. }) = (beads.short(&bead.id), claim);
    Some(format!("note: this ends the claim of {holder} on {short} (epoch {epoch})"))
}

fn changed_since(beads: &Beads, bead: &Bead, known: &str) -> Refusal {
    let (short, at, by) = (beads.short(&bead.id), &bead.updated_at, &bead.updated_by);
    Refusal::refused(format!("{short} was changed by {by} at {at}, after {known}"))
        .hint(format!("`git bead log {short}` tells what was changed"))
}

/// The same refusal, and the bead in its next steps.
fn naming(no: anyhow::Error, short: &str) -> anyhow::Error {
    let named = |mut no: Refusal| {
        no.hints.iter_mut().for_each(|hint| *hint = hint.replace("ID", short));
        anyhow::Error::from(no)
    };
    no.downcast::<Refusal>().map_or_else(|no| no, named)
}
