//! `git sling ID|"title" [AGENT]`: hook and claim in one write, then worktree and session.

use std::path::{Path, PathBuf};

use anyhow::Result;
use indexmap::IndexMap;
use serde::Serialize;

use crate::agent::event::{Event, Hooked};
use crate::agent::sling::{Decision, Floor, Wanted, decide};
use crate::agent::{Desk, Name, Roster, preset, worktree};
use crate::bead::event::New;
use crate::bead::{self, Bead, Beads, change};
use crate::cli::bead::create::{no_flag, priority};
use crate::cli::bead::overlap;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::sling::tables::Tables;
use crate::cli::sling::wait::{self, Slung};
use crate::cli::sling::world::World;
use crate::cli::sling::{launch, settle};
use crate::convoy::{self, Convoys};
use crate::git::RefName;
use crate::ledger::Pen;
use crate::policy::{self, Overlapping};
use crate::refinery::Queue;
use crate::refusal::{Kind, Refusal};

type Floors = (Beads, Roster, Queue, Convoys);

#[derive(clap::Args)]
pub(super) struct Assign {
    /// A bead, by any unique start of its id; or a sentence, which becomes a new bead
    #[arg(value_name = "ID|TITLE", required = true)]
    pub(super) what: Option<String>,
    /// Who shall do it; by default the configured agent, under the next free name
    agent: Option<String>,
    /// Stay until it has landed or failed; with =queued, until it is queued
    #[arg(long, value_name = "landed|queued", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "landed")]
    wait: Option<wait::For>,
    /// The whole story of a new bead
    #[arg(short, long)]
    description: Option<String>,
    /// How one sees that a new bead is done
    #[arg(long, value_name = "TEXT")]
    acceptance: Option<String>,
    /// Priority of a new bead: 0 (most urgent) to 4
    #[arg(short, long, value_parser = priority)]
    priority: Option<u8>,
}

impl Assign {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let what = self.what.clone().unwrap_or_default();
        no_flag(&what)?;
        let elsewhere = elsewhere(cx, &what)?;
        let cx = elsewhere.as_ref().unwrap_or(cx);
        settle::tend_whole(cx)?;
        let slung = self.sling(cx, &what)?;
        tell_missing(cx)?;
        let (beads, roster, _) = cx.ledger()?.read::<World>()?;
        let started = Started::of(&beads, &roster, &slung);
        match self.wait {
            None => Ok(started.into()),
            Some(until) => {
                if cx.at_terminal() {
                    cx.note(format!("{} is at work on {}", started.agent, started.short));
                }
                wait::wait(cx, &slung, until)
            }
        }
    }

    fn sling(&self, cx: &Context, what: &str) -> Result<Slung> {
        let repo = cx.repo()?;
        let target = repo.default_branch()?;
        let tip = repo.read_ref(&RefName::branch(&target)?)?.ok_or_else(|| {
            let no = Refusal::refused(format!("there is nothing on {target} yet to start from"));
            match repo.head().is_ok_and(|head| head.oid.is_some()) {
                true => no
                    .hint(format!("`git fetch`, then `git branch {target} REMOTE/{target}`"))
                    .hint("or name another: `git config shopfloor.target BRANCH`"),
                false => no.hint(format!("make a first commit on {target}")),
            }
        })?;
        let tables = Tables::read(cx, &tip)?;
        let named = self.agent.as_deref().map(str::parse::<Name>).transpose()?;
        let usual = match &named {
            Some(name) => name.clone(),
            None => tables.usual(cx)?,
        };
        let (table, spec) = tables.of(&usual, cx)?;
        let prepared = launch::Prepared {
            launch: preset::launch(table, spec, &cx.env)?,
            timeout: spec.timeout,
            target,
            tip,
        };
        if title(what).is_some() {
            // Not after the bead is written down: who tries again would have another one.
            let (_, roster, _) = cx.ledger()?.read::<World>()?;
            let next = || usual.next_free(&roster.busy());
            worktree::ensure_clearable(repo, &named.clone().unwrap_or_else(next))?;
        }
        let desk = Desk::of(repo);
        let session = desk.begin(&cx.clock)?;
        let order = Order {
            what,
            named: named.as_ref(),
            usual: &usual,
            session: &session,
            prepared: &prepared,
            overlapping: tables.overlapping,
        };
        let (slung, work) = match self.hook(cx, &desk, &order) {
            Ok(done) => done,
            Err(error) => {
                desk.forget(&session)?;
                return Err(error);
            }
        };
        if slung.already {
            desk.forget(&session)?;
            return Ok(slung);
        }
        overlap::tell(cx, &work.shared);
        let launched = launch::launch(cx, &desk, &prepared, &work);
        launched.map_err(|error| match title(what) {
            Some(_) => written_down(cx, error, &slung.bead),
            None => error,
        })?;
        Ok(slung)
    }

    /// The one write: bead, claim, hook and convoy, or nothing.
    fn hook(&self, cx: &Context, desk: &Desk, order: &Order<'_>) -> Result<(Slung, launch::Work)> {
        let (repo, ledger, actor) = (cx.repo()?, cx.ledger()?, cx.actor()?);
        let (prefix, replica) = (bead::prefix(repo)?, ledger.replica()?);
        let new = title(order.what).map(|title| self.write_down(title));
        ledger.write(&actor, |(beads, roster, queue, convoys): &Floors, pen| {
            let bead = match &new {
                Some(new) => create(beads, pen, &prefix, new)?,
                None => beads.find(order.what).map_err(not_a_title)?.clone(),
            };
            let submitted = queue.submitted(&bead.id).map(|entry| entry.name());
            let alive = |session: &crate::agent::Session| {
                !desk.is_ours(session, Some(&replica)) || desk.alive(&session.id)
            };
            let (submitted, overlapping) = (submitted.as_deref(), order.overlapping);
            let floor = Floor { beads, roster, submitted, alive: &alive, overlapping };
            let wanted = Wanted { agent: order.named, usual: order.usual, session: order.session };
            let (agent, epoch, claim, shared) = match decide(&floor, &bead, &wanted)? {
                Decision::Already { session } => {
                    let slung = Slung { bead: bead.id.clone(), session, already: true };
                    return Ok((slung, launch::Work::default()));
                }
                Decision::Sling { agent, epoch, claim, shared } => (agent, epoch, claim, shared),
            };
            let place = worktree::place(repo, &agent, &bead.id)?;
            for event in claim {
                pen.line(&bead.id, &event)?;
            }
            let hooked = Hooked {
                agent: agent.to_string(),
                bead: bead.id.clone(),
                epoch,
                kind: order.prepared.launch.tool.clone(),
                model: order.prepared.launch.model.clone(),
                target: order.prepared.target.clone(),
                branch: place.branch.short().to_owned(),
                worktree: place.path.to_string_lossy().into_owned(),
                replica: replica.clone(),
                place: desk.place().to_owned(),
            };
            pen.line(order.session, &Event::Hooked(hooked))?;
            if let Some(event) = convoy::ensure(convoys, &bead) {
                pen.create(&prefix, &event)?;
            }
            let slung =
                Slung { bead: bead.id.clone(), session: order.session.to_owned(), already: false };
            Ok((
                slung,
                launch::Work {
                    session: order.session.to_owned(),
                    agent: Some(agent),
                    place: Some(place),
                    shared,
                },
            ))
        })
    }

    fn write_down(&self, title: &str) -> New {
        New {
            title: title.to_owned(),
            description: self.description.clone().unwrap_or_default(),
            acceptance_criteria: self.acceptance.clone().unwrap_or_default(),
            priority: self.priority.unwrap_or(2),
            issue_type: "task".to_owned(),
            ..New::default()
        }
    }
}

/// What is asked for in one call.
struct Order<'a> {
    what: &'a str,
    named: Option<&'a Name>,
    usual: &'a Name,
    session: &'a str,
    prepared: &'a launch::Prepared,
    overlapping: Overlapping,
}

/// A sentence has a space; an id never has.
fn title(what: &str) -> Option<&str> {
    what.trim().contains(char::is_whitespace).then(|| what.trim())
}

fn create(beads: &Beads, pen: &mut Pen<'_>, prefix: &str, new: &New) -> Result<Bead> {
    let id = pen.create(prefix, &change::create(beads, new.clone())?)?;
    Ok(Bead { id, title: new.title.clone(), ..Bead::default() })
}

/// Who slings the same sentence again makes a second bead of it.
fn written_down(cx: &Context, error: anyhow::Error, bead: &str) -> anyhow::Error {
    let id = cx.ledger().and_then(|ledger| ledger.read::<Beads>());
    let id = id.map_or_else(|_| bead.to_owned(), |beads| beads.short(bead).to_owned());
    let no = match error.downcast::<Refusal>() {
        Ok(no) => no,
        Err(error) => Refusal::fatal(format!("{error:#}")),
    };
    no.hint(format!("the task is written down as {id} and free: `git sling {id}` tries again"))
        .into()
}

fn not_a_title(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Refusal>() {
        Ok(no) if no.kind == Kind::Nothing => {
            no.hint("a sentence of more than one word makes a new bead").into()
        }
        Ok(no) => no.into(),
        Err(error) => error,
    }
}

/// Git hooks in the agent's worktree call these; without them it works on, and less comes of it.
fn tell_missing(cx: &Context) -> Result<()> {
    let beside = cx.repo()?.config_get("shopfloor.path")?.unwrap_or_default();
    for (command, undone) in [
        ("git-bead", "its commits get no trailers, and without them nothing of it lands"),
        ("git-refinery", "what it pushes is not queued"),
    ] {
        if cx.env.path_of(command).is_none() && !Path::new(&beside).join(command).is_file() {
            cx.note(format!("note: {command} is not on PATH: {undone}"));
        }
    }
    Ok(())
}

/// The repository that a bead's prefix names in the person's list, when it is not the one we are in.
fn elsewhere(cx: &Context, what: &str) -> Result<Option<Context>> {
    let outside = cx.repo().err();
    let prefix = what.rsplit_once('-').map(|(prefix, _)| prefix).filter(|_| title(what).is_none());
    if outside.is_none() {
        let own = bead::prefix(cx.repo()?)?;
        let known = || -> Result<bool> { Ok(cx.ledger()?.read::<Beads>()?.find(what).is_ok()) };
        if prefix.is_none_or(|prefix| prefix == own) || known()? {
            return Ok(None);
        }
    }
    let listed = policy::person(&cx.env)?.repositories;
    match (prefix.and_then(|prefix| listed.get(prefix)), outside) {
        (Some(path), _) => {
            let path = at_home(cx, path);
            let there = Context::new(cx.json, Some(&path))?;
            there.repo()?;
            Ok(Some(there))
        }
        (None, outside) => Err(match (prefix, outside) {
            (Some(prefix), outside) => {
                unknown(cx, (what, prefix), outside.is_some(), &listed).into()
            }
            (None, Some(error)) => error,
            (None, None) => return Ok(None),
        }),
    }
}

/// Names the repositories that are listed, and where to list one.
fn unknown(
    cx: &Context,
    (what, prefix): (&str, &str),
    outside: bool,
    listed: &IndexMap<String, PathBuf>,
) -> Refusal {
    let unlisted = format!("no repository is listed for `{prefix}`");
    let no = match outside {
        true => Refusal::fatal(format!("not in a git repository, and {unlisted}")),
        false => Refusal::nothing(format!("there is no bead {what} here, and {unlisted}"))
            .hint("a sentence of more than one word makes a new bead"),
    };
    let known = listed.iter().map(|(name, path)| format!("{name} is {}", path.display()));
    let no = known.fold(no, Refusal::hint);
    let Some(file) = policy::person_file(&cx.env) else {
        return no.hint("call this inside the repository");
    };
    no.hint(format!("call this inside the repository, or list it in {}:", file.display()))
        .hint("  [repositories]")
        .hint(format!("  {prefix} = \"/path/to/it\""))
}

fn at_home(cx: &Context, path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), cx.env.get("HOME")) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => path.to_owned(),
    }
}

/// What was started, or was running already.
#[derive(Serialize)]
struct Started {
    bead: String,
    title: String,
    agent: String,
    session: String,
    epoch: u64,
    branch: String,
    worktree: String,
    already: bool,
    #[serde(skip)]
    short: String,
}

impl Started {
    fn of(beads: &Beads, roster: &Roster, slung: &Slung) -> Self {
        let session = roster.session(&slung.session);
        let text = |get: fn(&crate::agent::Session) -> &str| {
            session.map(get).unwrap_or_default().to_owned()
        };
        Self {
            title: beads.get(&slung.bead).map(|bead| bead.title.clone()).unwrap_or_default(),
            short: beads.short(&slung.bead).to_owned(),
            bead: slung.bead.clone(),
            agent: text(|session| &session.agent),
            epoch: session.map(|session| session.epoch).unwrap_or_default(),
            branch: text(|session| &session.branch),
            worktree: text(|session| &session.worktree),
            session: slung.session.clone(),
            already: slung.already,
        }
    }
}

impl Show for Started {
    fn show(&self, out: &mut Screen) {
        let verb = if self.already { "Already slung " } else { "Slung " };
        out.parts(&[
            (Tone::Good, verb),
            (Tone::Id, &self.short),
            (Tone::Plain, " to "),
            (Tone::Strong, &self.agent),
            (Tone::Plain, "  "),
            (Tone::Plain, &self.title),
        ]);
        out.parts(&[(Tone::Faint, "  session   "), (Tone::Plain, &self.session)]);
        out.parts(&[(Tone::Faint, "  worktree  "), (Tone::Plain, &self.worktree)]);
    }
}
