//! Saying that a convoy is through: once, however many commands notice it at the same time.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::convoys::{Convoy, Convoys};
use super::event::{Announced, Event};
use super::owed::Owed;
use crate::agent::mail;
use crate::bead::Beads;
use crate::git::Repo;
use crate::host::process::{End, Program};
use crate::ledger::{self, Actor, Ledger, Pen};
use crate::policy::Person;

/// How long the person's notify command may take; whoever landed the last member waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What fits into a letter beside its subject.
const BODY: usize = 48 * 1024;

/// A convoy that is through, as the person's notify command reads it.
#[derive(Clone, Debug, Serialize)]
pub struct Through {
    pub id: String,
    pub title: String,
    pub state: &'static str,
    pub members: Vec<Member>,
    #[serde(skip)]
    pub short: String,
    /// Why the person's command could not be told, if it could not.
    #[serde(skip)]
    pub trouble: Option<String>,
}

/// How one member ended.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    pub id: String,
    pub title: String,
    pub reason: Option<String>,
    /// The commit on the target, where the member ended by landing.
    pub landed: Option<String>,
}

/// Says of each convoy that is through, and of which nobody has said so, that it is: a line, a
/// letter to the overseer, and then the person's own notify command.
///
/// Which convoys these are is decided inside the write, so of many callers one says it. A command
/// that a killed caller may not have run is run by the next one.
pub fn announce(
    repo: &Repo,
    ledger: &Ledger<'_>,
    actor: &Actor,
    person: &Person,
) -> Result<Vec<Through>> {
    // Every close asks, and in most repositories there is nothing to look at all beads for.
    if ledger.read::<Convoys>()?.iter().next().is_none() {
        return Ok(Vec::new());
    }
    let (beads, convoys) = ledger.read::<(Beads, Convoys)>()?;
    let new: Vec<_> = convoys.unannounced(&beads).map(|convoy| convoy.id.clone()).collect();
    if person.notify.is_none() {
        return if new.is_empty() { Ok(Vec::new()) } else { say(ledger, actor) };
    }
    let Some(owed) = Owed::take(repo, &new)? else { return Ok(Vec::new()) };
    let mut said = say(ledger, actor)?;
    let (beads, convoys) = ledger.read::<(Beads, Convoys)>()?;
    let untold = convoys.announced(&beads).filter(|convoy| owed.earlier.contains(&convoy.id));
    said.extend(untold.map(|convoy| Through::of(&beads, &convoys, convoy)));
    for through in &mut said {
        through.trouble = notify(repo, person, through)?;
    }
    owed.paid()?;
    Ok(said)
}

fn say(ledger: &Ledger<'_>, actor: &Actor) -> Result<Vec<Through>> {
    ledger.write(actor, |(beads, convoys): &(Beads, Convoys), pen| {
        let new = convoys.unannounced(beads);
        new.map(|convoy| write(beads, convoys, convoy, pen)).collect()
    })
}

fn write(beads: &Beads, convoys: &Convoys, convoy: &Convoy, pen: &mut Pen<'_>) -> Result<Through> {
    pen.line(&convoy.id, &Event::Announced(Announced { members: convoys.round(convoy) }))?;
    let through = Through::of(beads, convoys, convoy);
    let subject = format!("convoy closed: {}", convoy.title);
    let letter = mail::send(mail::OVERSEER, &subject, &through.body(), |_| false)?;
    pen.create(mail::PREFIX, &letter)?;
    Ok(through)
}

impl Through {
    fn of(beads: &Beads, convoys: &Convoys, convoy: &Convoy) -> Self {
        let members = convoy.members.iter().filter_map(|id| beads.get(id)).map(|bead| Member {
            id: bead.id.clone(),
            title: bead.title.clone(),
            reason: bead.close_reason.clone(),
            landed: bead.landed.as_ref().map(|landed| landed.commit.clone()),
        });
        Self {
            id: convoy.id.clone(),
            title: convoy.title.clone(),
            state: "closed",
            members: members.collect(),
            short: convoys.short(&convoy.id),
            trouble: None,
        }
    }

    fn body(&self) -> String {
        let mut body = String::new();
        for member in &self.members {
            let end = member.reason.as_deref().unwrap_or("closed");
            let line = format!("{}  {}: {end}\n", member.id, member.title);
            if body.len() + line.len() > BODY {
                body.push_str("…\n");
                break;
            }
            body.push_str(&line);
        }
        body
    }
}

/// Runs the command of the person's own configuration; what comes of it decides nothing.
fn notify(repo: &Repo, person: &Person, through: &Through) -> Result<Option<String>> {
    let Some(command) = &person.notify else { return Ok(None) };
    let words = command.words();
    let Some((program, args)) = words.split_first() else { return Ok(None) };
    let told = ledger::json(through)?.to_string().into_bytes();
    let place = repo.main_work_dir().unwrap_or_else(|| repo.common_dir().to_owned());
    let ran = Program::new(program).args(args).dir(place).input(told).timeout(PATIENCE).run();
    let end = match ran.end {
        End::Exit(0) => return Ok(None),
        End::Exit(code) => format!("exit {code}"),
        End::Signal(signal) => format!("signal {signal}"),
        End::Timeout => format!("not done after {} s", PATIENCE.as_secs()),
        End::NotStarted(why) => why,
    };
    Ok(Some(format!("the notify command `{command}` failed: {end}")))
}
